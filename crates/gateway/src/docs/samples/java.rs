//! The platform's Java SDK. Its types nest in the request's class.

use std::fmt::Write as _;

use super::{Call, Names, Value, camel, class, quoted};

pub fn write(call: &Call<'_>) -> String {
    let class = class(call.spec);
    let mut body = String::new();
    let mut names = Names::default();
    let mut uses = Uses::default();
    let request = format!("{class}Request");
    line(&mut body, &format!("{request} req = new {request}();"));
    for (field, value) in call.values() {
        let made = make(&mut body, &mut names, &mut uses, &request, &value, true);
        line(&mut body, &format!("req.set{}({made});", camel(field.name)));
    }
    let session = call.session().map_or("", |_| ", sessionKey");
    line(&mut body, &format!("{class}Response rsp = client.execute(req{session});"));
    line(&mut body, "System.out.println(rsp.getBody());");

    let access = call.access;
    let mut head = uses.imports();
    let _ = write!(
        head,
        "import com.taobao.api.DefaultTaobaoClient;\nimport com.taobao.api.TaobaoClient;\n\
         import com.taobao.api.request.{class}Request;\nimport com.taobao.api.response.{class}Response;\n\n\
         public class {class}Sample {{\n    public static void main(String[] args) throws Exception {{\n"
    );
    for (name, value) in
        [("url", access.url().as_str()), ("appkey", access.app_key), ("secret", access.secret)]
    {
        line(&mut head, &format!("String {name} = {};", quoted(value)));
    }
    if let Some(session) = call.session() {
        line(&mut head, &format!("String sessionKey = {};", quoted(session)));
    }
    head.push('\n');
    line(&mut head, "TaobaoClient client = new DefaultTaobaoClient(url, appkey, secret);");
    head + &body + "    }\n}\n"
}

/// What the sample needs of Java's own library.
#[derive(Default)]
struct Uses {
    lists: bool,
    literal_lists: bool,
    dates: bool,
}

impl Uses {
    fn imports(&self) -> String {
        let known = [
            (self.lists, "import java.util.ArrayList;\n"),
            (self.literal_lists, "import java.util.Arrays;\n"),
            (self.lists, "import java.util.List;\n"),
            (self.dates, "import com.taobao.api.internal.util.StringUtils;\n"),
        ];
        let used: String = known.iter().filter(|(used, _)| *used).map(|(_, text)| *text).collect();
        if used.is_empty() { used } else { used + "\n" }
    }
}

fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "        {text}");
}

/// Writes what makes a value, and returns the expression that stands for it.
fn make(
    out: &mut String,
    names: &mut Names,
    uses: &mut Uses,
    request: &str,
    value: &Value,
    is_param: bool,
) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Date(text) => {
            uses.dates = true;
            format!("StringUtils.parseDateTime({})", quoted(text))
        }
        Value::Number(number) => format!("{number}L"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Object(object, members) => {
            let name = names.next("obj");
            let kind = format!("{request}.{}", object.name);
            line(out, &format!("{kind} {name} = new {kind}();"));
            for (field, value) in members {
                let made = make(out, names, uses, request, value, false);
                line(out, &format!("{name}.set{}({made});", camel(field.name)));
            }
            name
        }
        Value::List(elements) => match elements.first() {
            Some(Value::Object(object, _)) => {
                uses.lists = true;
                let name = names.next("list");
                let kind = format!("{request}.{}", object.name);
                line(out, &format!("List<{kind}> {name} = new ArrayList<{kind}>();"));
                for element in elements {
                    let made = make(out, names, uses, request, element, false);
                    line(out, &format!("{name}.add({made});"));
                }
                name
            }
            _ if is_param => quoted(&value.as_param()),
            _ => {
                uses.literal_lists = true;
                let made = elements.iter().map(|e| make(out, names, uses, request, e, false));
                format!("Arrays.asList({})", made.collect::<Vec<_>>().join(", "))
            }
        },
    }
}
