//! A borrowed tree of what a client sent, and the reader that turns it into Rust types.
//!
//! The tree is format-neutral: JSON and XML both become [`Node`]s. Reading is led by the Rust type's
//! shape and never stops at the first fault, so that one pass finds every violation of a request.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::form::is_blank;
use crate::model::Wire;

/// A value as it was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// JSON `null`: the same as not there.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A JSON number.
    Number(serde_json::Number),
    /// A string, a form value, or the text of an XML leaf.
    Text(Cow<'a, str>),
    /// A JSON array.
    List(Vec<Node<'a>>),
    /// A JSON object or an XML element with children; names may repeat.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The member called `name`; of several the last, as common JSON parsers have it.
    pub fn member(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(key, _)| key == name).map(|(_, node)| node)
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node<'de>, E> {
        Ok(Node::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node<'de>, E> {
        serde_json::Number::from_f64(value)
            .map(Node::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Node::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            members.push((name, map.next_value()?));
        }
        Ok(Node::Object(members))
    }
}

/// A member name, borrowed from the text where it holds no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member name")
            }
            fn visit_str<E>(self, value: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(value.to_owned())))
            }
            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(value)))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

/// Which of the platform's three complaints a violation becomes.
///
/// The order is the order in which the platform checks, so the smallest is the one answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViolationKind {
    /// A required top-level parameter is not there: error 40.
    MissingArgument,
    /// Not JSON, or of the wrong type: error 41.
    InvalidArgument,
    /// A required member is missing or empty, or a value the service rejects by its form: the
    /// remote service error `isv.invalid-parameter`.
    InvalidParameter,
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What kind of wrong.
    pub kind: ViolationKind,
    /// Where, as a dotted path: `refund_call_back_param.refund_train_details[0].train_no`.
    pub path: String,
}

/// What is being read: a request is held to its declaration, an answer is taken as it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Empty counts as missing (the official SDKs disagree on sending empty values at all).
    Request,
    /// Empty strings and lists are values.
    Response,
}

/// Most violations collected: more tell nobody more, and a hostile list could have a million.
pub const VIOLATIONS_MAX: usize = 100;

enum Step {
    Member(&'static str),
    Element(usize),
}

/// Walks a [`Node`] by the shape of the wanted type and collects every violation.
pub struct Reader {
    side: Side,
    path: Vec<Step>,
    violations: Vec<Violation>,
}

impl Reader {
    /// A reader with nothing found yet.
    pub fn new(side: Side) -> Self {
        Self { side, path: Vec::new(), violations: Vec::new() }
    }

    /// What was found, in the order the platform would complain: by kind, then by place.
    pub fn into_violations(mut self) -> Vec<Violation> {
        self.violations.sort_by_key(|violation| violation.kind);
        self.violations
    }

    /// Reads member `name` of `node`.
    pub fn member<T: Wire>(&mut self, node: &Node<'_>, name: &'static str) -> Option<T> {
        self.path.push(Step::Member(name));
        let value = match node.member(name) {
            Some(member) if !self.counts_as_absent::<T>(member) => T::decode(member, self),
            _ => T::absent(self),
        };
        self.path.pop();
        value
    }

    /// Reads every element of a list. A request has a plain array; an answer may also have an array
    /// inside an object under its item name, or repeated XML children.
    pub fn elements<T: Wire>(&mut self, node: &Node<'_>) -> Option<Vec<T>> {
        let item = T::SHAPE.item_name();
        let mut found: Vec<&Node<'_>> = Vec::new();
        match node {
            Node::List(elements) => found.extend(elements),
            Node::Object(members) if self.side == Side::Response => {
                for (_, member) in members.iter().filter(|(name, _)| name == item) {
                    match member {
                        Node::List(elements) => found.extend(elements),
                        single => found.push(single),
                    }
                }
            }
            Node::Text(text) if self.side == Side::Response && text.is_empty() => {}
            _ => {
                self.invalid_type();
                return None;
            }
        }
        let mut elements = Vec::with_capacity(found.len());
        for (index, element) in found.into_iter().enumerate() {
            self.path.push(Step::Element(index));
            elements.push(if self.counts_as_absent::<T>(element) {
                T::absent(self)
            } else {
                T::decode(element, self)
            });
            self.path.pop();
        }
        elements.into_iter().collect()
    }

    /// Whether `node` can be read as an object; records a violation when not.
    pub fn expect_object(&mut self, node: &Node<'_>) -> bool {
        let fits = match node {
            Node::Object(_) => true,
            // An XML element without children.
            Node::Text(text) => self.side == Side::Response && is_blank(text),
            _ => false,
        };
        if !fits {
            self.invalid_type();
        }
        fits
    }

    /// Records that the value here is not there though it must be.
    pub fn missing(&mut self) {
        let kind = if self.path.len() <= 1 {
            ViolationKind::MissingArgument
        } else {
            ViolationKind::InvalidParameter
        };
        self.record(kind);
    }

    /// Records that the value here has the wrong type.
    pub fn invalid_type(&mut self) {
        self.record(ViolationKind::InvalidArgument);
    }

    /// Records that the value here has the right type and a form that the service rejects.
    pub fn invalid_form(&mut self) {
        self.record(ViolationKind::InvalidParameter);
    }

    fn counts_as_absent<T: Wire>(&self, node: &Node<'_>) -> bool {
        match node {
            Node::Null => true,
            Node::Text(text) => self.side == Side::Request && is_blank(text),
            Node::List(elements) => {
                let needed = self.side == Side::Request && T::REQUIRED && T::SHAPE.is_list();
                needed && elements.is_empty()
            }
            _ => false,
        }
    }

    fn record(&mut self, kind: ViolationKind) {
        if self.violations.len() == VIOLATIONS_MAX {
            return;
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Member(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Element(index) => path.push_str(&format!("[{index}]")),
            }
        }
        self.violations.push(Violation { kind, path });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Date;

    fn read<T: Wire>(json: &str) -> (Option<T>, Vec<Violation>) {
        let node: Node<'_> = serde_json::from_str(json).unwrap();
        let mut reader = Reader::new(Side::Request);
        let value = T::decode(&node, &mut reader);
        (value, reader.into_violations())
    }

    #[test]
    fn numbers_and_strings_stand_in_for_each_other() {
        assert_eq!(read::<String>("123").0, Some("123".into()));
        assert_eq!(read::<i64>("\"-42\"").0, Some(-42));
        assert_eq!(read::<i64>("7").0, Some(7));
    }

    #[test]
    fn a_number_too_large_to_be_exact_is_refused_rather_than_rounded() {
        for json in ["123456789012345678901234567890", "1.10", "1e5", "-0.0", "20260301.0"] {
            let (value, violations) = read::<String>(json);
            assert_eq!(value, None, "{json}");
            assert_eq!(violations[0].kind, ViolationKind::InvalidArgument);
        }
    }

    #[test]
    fn other_types_do_not_stand_in_for_each_other() {
        for json in ["true", "[]", "{}"] {
            assert_eq!(read::<String>(json).0, None, "{json}");
        }
        for json in ["\"1.5\"", "1.5", "\" 7\"", "true"] {
            assert_eq!(read::<i64>(json).0, None, "{json}");
        }
        assert_eq!(read::<Date>("\"2022-02-30 00:00:00\"").0, None);
    }

    #[test]
    fn a_list_in_a_request_is_an_array_and_nothing_else() {
        for json in ["{}", "{\"other\":1}", "{\"string\":[\"a\"]}", "\"a\"", "1"] {
            assert_eq!(read::<Vec<String>>(json).0, None, "{json}");
        }
        assert_eq!(read::<Vec<String>>("[\"a\",1]").0, Some(vec!["a".into(), "1".into()]));
    }

    #[test]
    fn a_hostile_list_does_not_collect_a_million_violations() {
        let json = format!("[{}true]", "true,".repeat(10_000));
        assert_eq!(read::<Vec<String>>(&json).1.len(), VIOLATIONS_MAX);
    }

    #[test]
    fn a_repeated_member_counts_once_and_the_last_wins() {
        let node: Node<'_> = serde_json::from_str(r#"{"a":1,"a":2}"#).unwrap();
        assert_eq!(node.member("a"), Some(&Node::Number(2.into())));
    }
}
