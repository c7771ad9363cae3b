//! JSON as the platform writes it: compact, raw UTF-8, `/` as `\/`, lists wrapped by element type.

use crate::answer::Writer;
use crate::escape::{self, Special};
use crate::model::{Encoder, Wire};
use crate::node::Node;

/// Parses JSON text into a tree. The nesting limit is the parser's own (128 levels).
///
/// # Errors
/// The text is not JSON, or nests too deep.
pub fn parse(text: &str) -> Result<Node<'_>, serde_json::Error> {
    serde_json::from_str(text)
}

/// Writes JSON, wrapped (`"list":{"item":[…]}`) or simplified (`"list":[…]`).
pub struct JsonEncoder {
    out: String,
    plain_lists: bool,
    every_character: bool,
}

impl JsonEncoder {
    /// An encoder that wraps lists in an object under their item name; an empty list is `{}`.
    pub fn wrapped(out: String) -> Self {
        Self { out, plain_lists: false, every_character: false }
    }

    /// An encoder that writes lists as arrays: `simplify=true`.
    pub fn plain(out: String) -> Self {
        Self { out, plain_lists: true, every_character: false }
    }

    /// An encoder for a parameter of a request: lists are arrays, and no character is dropped, since it
    /// is no SDK that reads it.
    pub fn parameter(out: String) -> Self {
        Self { out, plain_lists: true, every_character: true }
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.out
    }

    fn comma(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[')) {
            self.out.push(',');
        }
    }

    fn array<T: Wire>(&mut self, elements: &[T]) {
        self.out.push('[');
        for element in elements {
            self.comma();
            element.encode(self);
        }
        self.out.push(']');
    }
}

impl Writer for JsonEncoder {
    fn written(&mut self) -> &mut String {
        &mut self.out
    }
}

impl Encoder for JsonEncoder {
    fn text(&mut self, value: &str) {
        if self.every_character {
            // A text always has a JSON form.
            self.out.push_str(&serde_json::to_string(value).unwrap_or_default());
        } else {
            push_string(&mut self.out, value);
        }
    }

    fn number(&mut self, value: i64) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    fn boolean(&mut self, value: bool) {
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.out.push('{');
        members(self);
        self.out.push('}');
    }

    fn list<T: Wire>(&mut self, elements: &[T]) {
        if self.plain_lists {
            self.array(elements);
        } else if elements.is_empty() {
            self.out.push_str("{}");
        } else {
            self.out.push_str("{\"");
            self.out.push_str(T::SHAPE.item_name());
            self.out.push_str("\":");
            self.array(elements);
            self.out.push('}');
        }
    }

    fn member<T: Wire>(&mut self, name: &'static str, value: &T) {
        if value.is_absent() {
            return;
        }
        self.comma();
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        value.encode(self);
    }
}

/// Writes one JSON string. Never `\uXXXX`: the official Java SDK misreads hex letters, so control
/// characters without a short escape are dropped, and so are the two noncharacters that XML cannot
/// carry.
pub(crate) fn push_string(out: &mut String, value: &str) {
    out.push('"');
    escape::push(out, value, &SPECIAL, |byte| match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'/' => "\\/",
        0x08 => "\\b",
        0x0c => "\\f",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        _ => "",
    });
    out.push('"');
}

const SPECIAL: Special<3> = Special::new(*b"\"\\/");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_keep_chinese_raw_escape_the_slash_and_drop_control_characters() {
        let mut out = String::new();
        push_string(&mut out, "票，/\"\\\n\u{1}\u{1f}\u{fffe}\u{ffff}😀\u{8}\u{c}\r\t'<&>");
        assert_eq!(out, r#""票，\/\"\\\n😀\b\f\r\t'<&>""#);
    }

    #[test]
    fn a_parameter_keeps_every_character() {
        let text = "票，/\"\\\n\u{0}\u{1f}\u{fffe}\u{ffff}😀";
        let mut parameter = JsonEncoder::parameter(String::new());
        parameter.text(text);
        let written = parameter.into_string();
        assert_eq!(parse(&written).unwrap(), Node::Text(text.into()), "{written}");
    }

    #[test]
    fn an_empty_list_is_an_empty_object_unless_simplified() {
        let mut wrapped = JsonEncoder::wrapped(String::new());
        wrapped.list::<String>(&[]);
        assert_eq!(wrapped.into_string(), "{}");
        let mut plain = JsonEncoder::plain(String::new());
        plain.list::<String>(&[]);
        assert_eq!(plain.into_string(), "[]");
    }
}
