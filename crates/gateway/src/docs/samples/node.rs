//! npm's `node-taobao-topclient`, which takes objects as they are.

use std::fmt::Write as _;

use super::Call;

pub fn write(call: &Call<'_>) -> String {
    let access = call.access;
    let local =
        call.t("它发送本机时间，平台用北京时间", "it sends local time; the platform's is China's");
    let mut out = format!(
        "// npm install node-taobao-topclient\nprocess.env.TZ = 'Asia/Shanghai'; // {local}\n\
         const {{ default: TopClient }} = require('node-taobao-topclient');\n\n\
         const client = new TopClient({{\n    appkey: '{}',\n    appsecret: '{}',\n    REST_URL: '{}',\n}});\n\
         client.execute('{}', {{\n",
        access.app_key,
        access.secret,
        access.url(),
        call.spec.name
    );
    if let Some(session) = call.session() {
        let _ = writeln!(out, "    session: '{session}',");
    }
    for (field, value) in call.values() {
        let literal = if value.travels_as_json() {
            value.literal(["false", "true"], 4)
        } else {
            super::quoted(&value.as_param())
        };
        let _ = writeln!(out, "    {}: {literal},", field.name);
    }
    out.push_str("}).then((answer) => console.log(JSON.stringify(answer)), console.error);\n");
    out
}
