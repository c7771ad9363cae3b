//! The platform's .NET SDK: types end in `Domain`, and parameters that travel as JSON in an underscore.

use std::fmt::Write as _;

use super::{Call, Names, Value, camel, class, quoted};

pub fn write(call: &Call<'_>) -> String {
    let (class, access) = (class(call.spec), call.access);
    let request = format!("{class}Request");
    let local = call.t(
        "SDK 发送本机时间，请把时区设为北京时间",
        "the SDK sends local time: set the machine's zone to China's",
    );
    let mut out = format!(
        "using System;\nusing System.Collections.Generic;\nusing Top.Api;\nusing Top.Api.Request;\n\
         using Top.Api.Response;\n\n// {local}\nstring url = {};\nstring appkey = {};\nstring secret = {};\n",
        quoted(&access.url()),
        quoted(access.app_key),
        quoted(access.secret)
    );
    if let Some(session) = call.session() {
        let _ = writeln!(out, "string sessionKey = {};", quoted(session));
    }
    let _ = writeln!(out, "\nITopClient client = new DefaultTopClient(url, appkey, secret);");
    let _ = writeln!(out, "{request} req = new {request}();");
    let mut names = Names::default();
    for (field, value) in call.values() {
        let made = make(&mut out, &mut names, &request, &value, true);
        let mark = if value.travels_as_json() { "_" } else { "" };
        let _ = writeln!(out, "req.{}{mark} = {made};", camel(field.name));
    }
    let session = call.session().map_or("", |_| ", sessionKey");
    let _ = writeln!(out, "{class}Response rsp = client.Execute(req{session});");
    out.push_str("Console.WriteLine(rsp.Body);\n");
    out
}

/// Writes what makes a value, and returns the expression that stands for it.
fn make(
    out: &mut String,
    names: &mut Names,
    request: &str,
    value: &Value,
    is_param: bool,
) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Date(text) => format!("DateTime.Parse({})", quoted(text)),
        Value::Number(number) => format!("{number}L"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Object(object, members) => {
            let name = names.next("obj");
            let kind = format!("{request}.{}Domain", object.name);
            let _ = writeln!(out, "{kind} {name} = new {kind}();");
            for (field, value) in members {
                let made = make(out, names, request, value, false);
                let _ = writeln!(out, "{name}.{} = {made};", camel(field.name));
            }
            name
        }
        Value::List(elements) => {
            let kind = match elements.first() {
                Some(Value::Object(object, _)) => format!("{request}.{}Domain", object.name),
                _ if is_param => return quoted(&value.as_param()),
                _ => "string".to_owned(),
            };
            let made = elements.iter().map(|e| make(out, names, request, e, false));
            let made = made.collect::<Vec<_>>().join(", ");
            format!("new List<{kind}> {{ {made} }}")
        }
    }
}
