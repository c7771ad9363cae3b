//! How the official SDKs that are in no registry read an answer, each rule as its source has it. A
//! rule says whether all of an answer arrives; what it loses, or dies of, is the error.
//!
//! Read in: Java `com.taobao.api.internal.parser` and `util.json.JSONReader` (20200706), .NET
//! `Top.Api.Parser` (20230831), PHP `TopClient` (20180326) and `TopApiClient`, Go `topsdk` (20221201).

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use top::{Date, Object, Shape, Spec};

pub type Read = Result<(), String>;

/// An SDK whose generated types decide what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typed {
    Java,
    DotNet,
    Go,
}

/// Java's JSON reader takes 20 too little for every hex letter of a `\u` escape.
pub fn java_text(json: &str) -> String {
    let mut out = String::new();
    let mut rest = json;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        out.push_str(plain);
        let Some(digits) = escaped.strip_prefix('u') else {
            // Any other escape is read as it should be: a backslash's own, for one.
            let length = escaped.chars().next().map_or(0, char::len_utf8);
            out.push('\\');
            out.push_str(&escaped[..length]);
            rest = &escaped[length..];
            continue;
        };
        let mut unit: i64 = 0;
        for byte in digits.bytes().take(4) {
            // Its author wrote 'k' where an 'a' and a ten were meant.
            let digit = match byte {
                b'a'..=b'f' => i64::from(byte) - i64::from(b'k'),
                b'A'..=b'F' => i64::from(byte) - i64::from(b'K'),
                _ => i64::from(byte) - i64::from(b'0'),
            };
            unit = unit * 16 + digit;
        }
        let character = u32::try_from(unit & 0xffff).ok().and_then(char::from_u32);
        out.push(character.unwrap_or('\u{fffd}'));
        rest = digits.get(4..).unwrap_or_default();
    }
    out + rest
}

/// `format=json` without `simplify`: Java takes the first member that is an object, .NET the first.
pub fn wrapped_json(sdk: Typed, spec: &Spec, body: &str) -> Read {
    let text = if sdk == Typed::Java { java_text(body) } else { body.to_owned() };
    let whole: Map<String, Value> = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let [(name, Value::Object(root))] = &whole.iter().collect::<Vec<_>>()[..] else {
        return Err("not exactly one root".into());
    };
    if *name == "error_response" { error(root) } else { success(sdk, spec, root) }
}

/// The members of an answer's root.
fn success(sdk: Typed, spec: &Spec, root: &Map<String, Value>) -> Read {
    for taken in ["code", "msg", "sub_code", "sub_msg"] {
        if root.contains_key(taken) {
            return Err(format!("{taken} makes the answer a failure"));
        }
    }
    if !root.get("request_id").is_some_and(Value::is_string) {
        return Err("no request_id in the root".into());
    }
    object(sdk, &spec.response, root)
}

fn error(root: &Map<String, Value>) -> Read {
    let is_number = root.get("code").is_some_and(Value::is_i64);
    let texts = ["msg", "sub_code", "sub_msg", "request_id"];
    let is_text = |name: &str| root.get(name).is_none_or(Value::is_string);
    let known = |name: &String| name == "code" || texts.contains(&name.as_str());
    let all = is_number && texts.into_iter().all(is_text) && root.keys().all(known);
    if all { Ok(()) } else { Err(format!("mistyped error: {root:?}")) }
}

fn object(sdk: Typed, object: &Object, members: &Map<String, Value>) -> Read {
    for (name, value) in members.iter().filter(|(name, _)| *name != "request_id") {
        let field = object.fields.iter().find(|field| field.name == *name);
        let field = field.ok_or_else(|| format!("{name} is of no declared member"))?;
        member(sdk, &field.shape, value).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn member(sdk: Typed, shape: &Shape, value: &Value) -> Read {
    match (shape, value) {
        (_, Value::Null) if sdk == Typed::DotNet => Err("NullReferenceException".into()),
        (_, Value::Null) => Err("null".into()),
        (Shape::Text(_) | Shape::Json, Value::String(_)) => Ok(()),
        (Shape::Number, Value::Number(number)) if number.is_i64() => Ok(()),
        (Shape::Boolean, Value::Bool(_)) => Ok(()),
        // Java coerces these; Go refuses them.
        (Shape::Text(_), Value::Number(_)) if sdk == Typed::Java => Ok(()),
        (Shape::Number, Value::String(text))
            if sdk == Typed::Java && text.parse::<i64>().is_ok() =>
        {
            Ok(())
        }
        (Shape::Date, Value::String(text)) if text.is_empty() && sdk == Typed::Go => Ok(()),
        (Shape::Date, Value::String(text)) if text.parse::<Date>().is_ok() => Ok(()),
        (Shape::Date, _) => Err(format!("ApiException: {value}")),
        (Shape::Object(_), Value::Object(members))
            if sdk == Typed::DotNet && members.is_empty() =>
        {
            Err("an object without members is none".into())
        }
        (Shape::Object(shape), Value::Object(members)) => object(sdk, shape, members),
        (Shape::List(element), Value::Array(elements)) if sdk == Typed::Go => {
            elements.iter().try_for_each(|value| member(sdk, element, value))
        }
        (Shape::List(_), Value::Array(_)) => Err("a bare array is a null list".into()),
        (Shape::List(element), Value::Object(list)) if sdk != Typed::Go => {
            wrapped(sdk, element, list)
        }
        _ => Err(format!("{value} is no {}", shape.type_name())),
    }
}

/// A list in its object, under the name of the element's type. Nothing in it is a list too.
fn wrapped(sdk: Typed, element: &Shape, list: &Map<String, Value>) -> Read {
    for (name, value) in list {
        let Value::Array(elements) = value else {
            return Err("a single element is a null list".into());
        };
        if name != element.item_name() {
            return Err(format!("{name} is not {}", element.item_name()));
        }
        elements.iter().try_for_each(|value| member(sdk, element, value))?;
    }
    Ok(())
}

/// Go asks for `simplify=true`. It looks for an error in the first 20 bytes, cuts 18 off its front
/// and one off its end, and panics on what is shorter.
pub fn go(spec: &Spec, body: &str) -> Read {
    let Some(start) = body.as_bytes().get(..20) else { return Err("panic: short".into()) };
    if start.windows(14).any(|window| window == b"error_response") {
        let cut: Result<Map<String, Value>, _> = serde_json::from_str(&body[18..body.len() - 1]);
        return error(&cut.map_err(|e| e.to_string())?);
    }
    let root: Map<String, Value> = serde_json::from_str(body).map_err(|e| e.to_string())?;
    success(Typed::Go, spec, &root)
}

/// PHP, classic and new: the value of the last member is the answer, whatever it is called; an error
/// is one that has a code. The new one sends `simplify=1` and expects this all the same.
pub fn php(body: &str) -> Result<Map<String, Value>, String> {
    let whole: Last = serde_json::from_str(body)
        .map_err(|error| format!("HTTP_RESPONSE_NOT_WELL_FORMED: {error}"))?;
    match whole.0 {
        Some(Value::Object(root)) => Ok(root),
        other => Err(format!("not an object: {other:?}")),
    }
}

/// The value of an object's last member, in the order of the text.
struct Last(Option<Value>);

impl<'de> Deserialize<'de> for Last {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Last;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Last, A::Error> {
                let mut last = None;
                while let Some((_, value)) = map.next_entry::<String, Value>()? {
                    last = Some(value);
                }
                Ok(Last(last))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// npm's clients look the root up by name; nothing is there when it differs.
pub fn node_root(method: &str) -> String {
    let name = if method.starts_with("taobao") { &method["taobao.".len()..] } else { method };
    format!("{}_response", name.replace('.', "_"))
}

/// An XML element: its name, whether it says that it is a list, and what is in it.
#[derive(Debug, PartialEq)]
pub struct Element {
    pub name: String,
    pub is_list: bool,
    pub text: String,
    pub children: Vec<Element>,
}

/// Reads a document of the one form that the platform writes; anything else that XML allows is an
/// error here.
pub fn xml(body: &str) -> Result<Element, String> {
    const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>";
    let rest = body.strip_prefix(PROLOG).ok_or("something before the prolog, or another one")?;
    // .NET finds the root by the pattern <(\w+?)[ >], so one that closes itself is none.
    let (root, rest) = element(rest, top::xml::DEPTH_MAX)?;
    let comment = rest.strip_prefix("<!--top").and_then(|rest| rest.strip_suffix("-->"));
    match comment {
        Some(host) if !host.contains("--") && !host.contains('>') => Ok(root),
        _ => Err(format!("after the root: {rest}")),
    }
}

/// Reads an element in which others nest so deep at most.
fn element(text: &str, depth: usize) -> Result<(Element, &str), String> {
    let depth = depth.checked_sub(1).ok_or("nested too deep")?;
    let tag = text.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let (tag, mut rest) = tag.ok_or_else(|| format!("no element: {text}"))?;
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !plain || !["", "list=\"true\""].contains(&attributes) {
        return Err(format!("<{tag}>"));
    }
    let mut read = Element {
        name: name.to_owned(),
        is_list: !attributes.is_empty(),
        text: String::new(),
        children: Vec::new(),
    };
    let end = format!("</{name}>");
    loop {
        if let Some(after) = rest.strip_prefix(&end) {
            let is_mixed = !read.children.is_empty() && !read.text.is_empty();
            return if is_mixed {
                Err(format!("text beside elements: {}", read.text))
            } else {
                Ok((read, after))
            };
        }
        if rest.starts_with('<') {
            let (child, after) = element(rest, depth)?;
            read.children.push(child);
            rest = after;
        } else {
            rest = character(rest, &mut read.text)?;
        }
    }
}

/// Reads one character of an element's text.
fn character<'a>(rest: &'a str, text: &mut String) -> Result<&'a str, String> {
    const ENTITIES: [(&str, char); 6] = [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&apos;", '\''),
        ("&#13;", '\r'),
    ];
    for (entity, meant) in ENTITIES {
        if let Some(after) = rest.strip_prefix(entity) {
            text.push(meant);
            return Ok(after);
        }
    }
    let next = rest.chars().next().ok_or("ended early")?;
    let is_control = next < ' ' && !matches!(next, '\t' | '\n');
    if is_control || matches!(next, '&' | '>' | '"' | '\'' | '\u{fffe}' | '\u{ffff}') {
        return Err(format!("{next:?} as it is"));
    }
    text.push(next);
    Ok(&rest[next.len_utf8()..])
}

/// Java's and .NET's XML parsers: an element per member, empty only where it is text.
pub fn typed_xml(spec: &Spec, body: &str) -> Read {
    let root = xml(body)?;
    if root.name == "error_response" {
        let code = root.children.iter().find(|child| child.name == "code");
        let code = code.and_then(|code| code.text.parse::<u16>().ok());
        return code.map(|_| ()).ok_or_else(|| "no code".into());
    }
    if root.children.last().is_none_or(|last| last.name != "request_id") {
        return Err("no request_id at the root's end".into());
    }
    let members = &root.children[..root.children.len() - 1];
    xml_members(&spec.response, members)
}

fn xml_members(object: &Object, members: &[Element]) -> Read {
    for element in members {
        let field = object.fields.iter().find(|field| field.name == element.name);
        let field = field.ok_or_else(|| format!("{} is of no declared member", element.name))?;
        xml_member(&field.shape, element).map_err(|error| format!("{}: {error}", element.name))?;
    }
    Ok(())
}

fn xml_member(shape: &Shape, element: &Element) -> Read {
    let text = element.text.as_str();
    let is_leaf = element.children.is_empty() && !element.is_list;
    let reads = match shape {
        Shape::Text(_) | Shape::Json => is_leaf,
        // Padded with blanks, Java reads null; empty, .NET throws.
        Shape::Number => is_leaf && text.parse::<i64>().is_ok(),
        Shape::Boolean => is_leaf && matches!(text, "true" | "false"),
        Shape::Date => is_leaf && text.parse::<Date>().is_ok(),
        Shape::Object(object) => return xml_members(object, &element.children),
        Shape::List(item) => {
            for child in &element.children {
                if child.name != item.item_name() {
                    return Err(format!("{} is not {}", child.name, item.item_name()));
                }
                xml_member(item, child)?;
            }
            element.is_list && text.is_empty()
        }
    };
    if reads { Ok(()) } else { Err(format!("{element:?} is no {}", shape.type_name())) }
}
