//! Stand-ins of the Java SDK's classes, made of the declarations: a setter for each declared parameter, and none
//! besides.

use std::fmt::Write as _;
use std::path::Path;

use top::{Object, Shape, Spec};

/// What does not depend on methods.
const FIXED: [(&str, &str); 5] = [
    ("ApiException", "public class ApiException extends Exception { }"),
    ("TaobaoResponse", "public abstract class TaobaoResponse { public String getBody() { return \"\"; } }"),
    ("TaobaoRequest", "public interface TaobaoRequest<T extends TaobaoResponse> { }"),
    (
        "TaobaoClient",
        "public interface TaobaoClient {
            <T extends TaobaoResponse> T execute(TaobaoRequest<T> request) throws ApiException;
            <T extends TaobaoResponse> T execute(TaobaoRequest<T> request, String session) throws ApiException;
        }",
    ),
    (
        "DefaultTaobaoClient",
        "public class DefaultTaobaoClient implements TaobaoClient {
            public DefaultTaobaoClient(String serverUrl, String appKey, String appSecret) { }
            public <T extends TaobaoResponse> T execute(TaobaoRequest<T> request) { return null; }
            public <T extends TaobaoResponse> T execute(TaobaoRequest<T> request, String session) { return null; }
        }",
    ),
];

/// Writes the SDK's sources into a folder.
pub fn write_sdk(folder: &Path, specs: &[&Spec]) {
    let write = |package: &str, name: &str, text: &str| {
        let folder = folder.join(package.replace('.', "/"));
        std::fs::create_dir_all(&folder).unwrap();
        let text = format!("package {package};\nimport com.taobao.api.*;\n{text}\n");
        std::fs::write(folder.join(format!("{name}.java")), text).unwrap();
    };
    for (name, text) in FIXED {
        write("com.taobao.api", name, text);
    }
    for spec in specs {
        let class = class(spec.name);
        let request = format!(
            "public class {class}Request implements TaobaoRequest<com.taobao.api.response.{class}Response> {{\n{}{}}}",
            setters(&spec.request, true),
            types(&spec.request)
        );
        write("com.taobao.api.request", &format!("{class}Request"), &request);
        let response = format!("public class {class}Response extends TaobaoResponse {{ }}");
        write("com.taobao.api.response", &format!("{class}Response"), &response);
    }
}

/// `taobao.time.get` is `TimeGet`, `alitrip.a.b` is `AlitripAB`.
pub fn class(method: &str) -> String {
    camel(&method.strip_prefix("taobao.").unwrap_or(method).replace('.', "_"))
}

/// `dis_order_id` is `DisOrderId`.
pub fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut starts = true;
    for letter in name.chars() {
        match (letter, starts) {
            ('_', _) => {}
            (letter, true) => camel.push(letter.to_ascii_uppercase()),
            (letter, false) => camel.push(letter),
        }
        starts = letter == '_';
    }
    camel
}

fn setters(object: &Object, is_request: bool) -> String {
    let mut out = String::new();
    for field in object.fields {
        let kind = kind(&field.shape, is_request);
        let _ = writeln!(out, "public void set{}({kind} value) {{ }}", camel(field.name));
    }
    out
}

/// The type of a setter's argument. Lists of texts among the parameters are one text with commas.
fn kind(shape: &Shape, is_request: bool) -> String {
    match shape {
        Shape::Text(_) | Shape::Json => "String".to_owned(),
        Shape::Number => "Long".to_owned(),
        Shape::Boolean => "Boolean".to_owned(),
        Shape::Date => "java.util.Date".to_owned(),
        Shape::Object(object) => object.name.to_owned(),
        Shape::List(Shape::Object(object)) => format!("java.util.List<{}>", object.name),
        Shape::List(_) if is_request => "String".to_owned(),
        Shape::List(element) => format!("java.util.List<{}>", kind(element, false)),
    }
}

/// The classes of nested objects, each once, all within the request's class.
fn types(object: &Object) -> String {
    let mut out = String::new();
    for field in object.fields {
        if let Shape::Object(nested) | Shape::List(&Shape::Object(nested)) = field.shape {
            let setters = setters(nested, false);
            let _ = writeln!(out, "public static class {} {{\n{setters}}}", nested.name);
            out.push_str(&types(nested));
        }
    }
    out
}
