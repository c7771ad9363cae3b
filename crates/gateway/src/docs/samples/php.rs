//! The platform's PHP SDK: an object is given as JSON.

use std::fmt::Write as _;

use super::{Call, Names, Value, camel, class};

pub fn write(call: &Call<'_>) -> String {
    let (class, access) = (class(call.spec), call.access);
    let local = call.t(
        "SDK 发送本机时间，平台用北京时间",
        "the SDK sends local time; the platform's is China's",
    );
    let mut out = format!(
        "<?php\ninclude 'TopSdk.php';\n\ndate_default_timezone_set('Asia/Shanghai'); // {local}\n\n\
         $c = new TopClient;\n$c->gatewayUrl = {};\n$c->appkey = {};\n$c->secretKey = {};\n\
         $c->format = 'json';\n$req = new {class}Request;\n",
        single(&access.url()),
        single(access.app_key),
        single(access.secret)
    );
    let mut names = Names::default();
    for (field, value) in call.values() {
        let made = if value.travels_as_json() {
            let made = make(&mut out, &mut names, &value);
            format!("json_encode({made})")
        } else {
            single(&value.as_param())
        };
        let _ = writeln!(out, "$req->set{}({made});", camel(field.name));
    }
    let session = call.session().map(|session| format!(", {}", single(session)));
    let _ = writeln!(out, "$resp = $c->execute($req{});", session.unwrap_or_default());
    out.push_str("echo json_encode($resp, JSON_UNESCAPED_UNICODE), PHP_EOL;\n");
    out
}

/// Writes what makes a value, and returns the expression that stands for it.
fn make(out: &mut String, names: &mut Names, value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Date(text) => single(text),
        Value::Number(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Object(object, members) => {
            let name = names.next("$obj");
            let _ = writeln!(out, "{name} = new {};", object.name);
            for (field, value) in members {
                let made = make(out, names, value);
                let _ = writeln!(out, "{name}->{} = {made};", field.name);
            }
            name
        }
        Value::List(elements) => {
            let made = elements.iter().map(|element| make(out, names, element));
            format!("array({})", made.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A literal in single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
