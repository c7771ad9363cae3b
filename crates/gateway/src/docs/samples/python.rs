//! PyPI's `taobaopy`.

use std::fmt::Write as _;

use super::Call;

/// The client writes `a.b.c` as the attribute `a__b_c`.
pub fn write(call: &Call<'_>) -> String {
    let access = call.access;
    let values = call.values();
    let local = call.t(
        "taobaopy 发送本机时间，平台用北京时间",
        "taobaopy sends local time; the platform's is China's",
    );
    let mut out = format!(
        "# pip install taobaopy\nimport json\nimport os\nimport time\n\nfrom taobaopy.taobao import TaoBaoAPIClient\n\n\
         os.environ[\"TZ\"] = \"CST-8\"  # {local}\ntime.tzset()\n\n\
         client = TaoBaoAPIClient(\"{}\", \"{}\", domain=\"{}\")\n",
        access.app_key, access.secret, access.server
    );
    if let Some(session) = call.session() {
        let _ = writeln!(out, "client.set_access_token(\"{session}\")");
    }
    let (space, rest) = call.spec.name.split_once('.').unwrap_or(("", call.spec.name));
    let _ = write!(out, "answer = client.post.{space}__{}(", rest.replace('.', "_"));
    for (field, value) in &values {
        let literal = value.literal(["False", "True"], 4);
        let argument = if value.travels_as_json() {
            format!("json.dumps({literal}, ensure_ascii=False)")
        } else {
            super::quoted(&value.as_param())
        };
        let _ = write!(out, "\n    {}={argument},", field.name);
    }
    if !values.is_empty() {
        out.push('\n');
    }
    out.push_str(")\nprint(json.dumps(answer, ensure_ascii=False))\n");
    out
}
