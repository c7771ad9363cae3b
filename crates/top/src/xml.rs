//! XML as the platform writes it: one line, typed list elements, `list="true"`, no empty numbers.

use std::borrow::Cow;
use std::fmt;

use quick_xml::Reader as EventReader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use crate::answer::Writer;
use crate::escape::{self, Special};
use crate::model::{Encoder, Wire};
use crate::node::Node;

/// The prolog of every answer, with the blank before `?>` that the platform sends.
pub const PROLOG: &str = r#"<?xml version="1.0" encoding="utf-8" ?>"#;

/// Deepest nesting read. The deepest published answer has six levels.
pub const DEPTH_MAX: usize = 64;

/// Writes XML elements.
pub struct XmlEncoder {
    out: String,
}

impl XmlEncoder {
    /// An encoder that appends to `out`.
    pub fn new(out: String) -> Self {
        Self { out }
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.out
    }

    fn open(&mut self, name: &str, attribute: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(attribute);
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }
}

impl Writer for XmlEncoder {
    fn written(&mut self) -> &mut String {
        &mut self.out
    }
}

impl Encoder for XmlEncoder {
    fn text(&mut self, value: &str) {
        push_text(&mut self.out, value);
    }

    fn number(&mut self, value: i64) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    fn boolean(&mut self, value: bool) {
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        members(self);
    }

    fn list<T: Wire>(&mut self, elements: &[T]) {
        let item = T::SHAPE.item_name();
        for element in elements {
            self.open(item, "");
            element.encode(self);
            self.close(item);
        }
    }

    fn member<T: Wire>(&mut self, name: &'static str, value: &T) {
        if value.is_absent() {
            return;
        }
        self.open(name, if T::SHAPE.is_list() { r#" list="true""# } else { "" });
        value.encode(self);
        self.close(name);
    }
}

/// Writes text as an element or an attribute holds it, of XML or HTML. Characters that XML 1.0 cannot carry are dropped: a reference to one kills
/// the Java parser.
pub fn push_text(out: &mut String, value: &str) {
    escape::push(out, value, &SPECIAL, |byte| match byte {
        b'&' => "&amp;",
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'"' => "&quot;",
        b'\'' => "&apos;",
        // A raw carriage return would be read back as a line feed.
        b'\r' => "&#13;",
        b'\n' => "\n",
        b'\t' => "\t",
        _ => "",
    });
}

const SPECIAL: Special<5> = Special::new(*b"&<>\"'");

/// The text is not an XML document that an answer could be.
#[derive(Debug)]
pub struct NotXml(String);

impl fmt::Display for NotXml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a readable XML answer: {}", self.0)
    }
}

impl std::error::Error for NotXml {}

struct Element {
    name: String,
    text: String,
    children: Vec<(Cow<'static, str>, Node<'static>)>,
}

impl Element {
    fn into_node(self) -> Node<'static> {
        if self.children.is_empty() {
            Node::Text(Cow::Owned(self.text))
        } else {
            Node::Object(self.children)
        }
    }
}

/// Parses a document into the name of its root and the tree below it. Attributes, comments and
/// processing instructions are passed over.
///
/// # Errors
/// The document is not well-formed, has a DOCTYPE, or nests deeper than [`DEPTH_MAX`].
pub fn parse(text: &str) -> Result<(String, Node<'static>), NotXml> {
    let mut reader = EventReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        match reader.read_event().map_err(|error| NotXml(error.to_string()))? {
            Event::Start(start) => {
                if open.len() == DEPTH_MAX {
                    return Err(NotXml(format!("nested deeper than {DEPTH_MAX}")));
                }
                let name = start.name().as_ref().to_owned();
                open.push(Element { name, text: String::new(), children: Vec::new() });
            }
            Event::Empty(start) => {
                let name = start.name().as_ref().to_owned();
                let empty = Node::Text(Cow::Borrowed(""));
                match open.last_mut() {
                    Some(parent) => parent.children.push((Cow::Owned(name), empty)),
                    None => return Ok((name, empty)),
                }
            }
            Event::End(_) => {
                let Some(element) = open.pop() else {
                    return Err(NotXml("an end without a start".into()));
                };
                match open.last_mut() {
                    Some(parent) => {
                        let name = Cow::Owned(element.name.clone());
                        parent.children.push((name, element.into_node()));
                    }
                    None => return Ok((element.name.clone(), element.into_node())),
                }
            }
            Event::Text(chunk) => append(&mut open, &chunk.xml10_content()),
            Event::CData(chunk) => append(&mut open, &chunk.xml10_content()),
            Event::GeneralRef(reference) => {
                let character = reference
                    .resolve_char_ref()
                    .map_err(|error| NotXml(error.to_string()))?
                    .map(String::from)
                    .or_else(|| resolve_xml_entity(&reference).map(str::to_owned))
                    .ok_or_else(|| NotXml("an unknown entity".into()))?;
                append(&mut open, &character);
            }
            Event::DocType(_) => return Err(NotXml("a DOCTYPE".into())),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return Err(NotXml("ended early".into())),
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_carry_is_dropped() {
        let mut out = String::new();
        push_text(&mut out, "票，<&>\"'\r\n\u{1}\u{ffff}😀");
        assert_eq!(out, "票，&lt;&amp;&gt;&quot;&apos;&#13;\n😀");
    }

    #[test]
    fn what_was_written_is_read_back() {
        let (root, node) = parse("<r><a>1 &lt;&#13;</a><l list=\"true\"><i>x</i></l></r>").unwrap();
        assert_eq!(root, "r");
        assert_eq!(node.member("a"), Some(&Node::Text("1 <\r".into())));
        assert_eq!(node.member("l").unwrap().member("i"), Some(&Node::Text("x".into())));
    }

    #[test]
    fn hostile_documents_are_refused() {
        assert!(parse("<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>").is_err());
        assert!(parse("<x>&nope;</x>").is_err());
        assert!(parse("<x>").is_err());
        assert!(parse(&"<x>".repeat(DEPTH_MAX + 1)).is_err());
    }
}
