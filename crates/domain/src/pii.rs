//! Personal data: values that are never printed and never written in the clear.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use zeroize::Zeroize;

/// The name that marks a value to be sealed in the tree between a document and its bytes. What
/// follows it after a colon is what orders can be found by: `$pii:document`, `$pii:phone`.
pub const MARK: &str = "$pii";

/// What people's orders can be found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// The number of an identity document.
    Document,
    /// A telephone number.
    Phone,
}

impl Trait {
    /// Its name, as it follows the mark.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Phone => "phone",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Document, Self::Phone].into_iter().find(|known| known.name() == name)
    }

    /// The value as it is compared, however it is written: letters and digits only, in capitals, the
    /// full-width ones as the others, and a telephone number of China without the country's code.
    pub fn canonical(self, value: &str) -> String {
        const FULL_WIDTH: std::ops::RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
        const APART: u32 = 0xfee0;
        let narrow = |c: char| match FULL_WIDTH.contains(&c) {
            true => char::from_u32(u32::from(c) - APART).unwrap_or(c),
            false => c,
        };
        let plain = value.chars().map(narrow).filter(|c| c.is_alphanumeric());
        let plain: String = plain.flat_map(char::to_uppercase).collect();
        match self {
            Self::Document => plain,
            Self::Phone => {
                let home = plain.trim_start_matches("00").strip_prefix("86");
                home.filter(|home| home.len() == CHINA_DIGITS).unwrap_or(&plain).to_owned()
            }
        }
    }
}

/// Digits of a mobile number in China.
const CHINA_DIGITS: usize = 11;

/// Whether a member of this name holds a marked value.
pub fn is_mark(name: &str) -> bool {
    after(MARK, name).is_some()
}

/// What follows the mark in a member's name, without the colon; `None` for a name that is no such
/// mark.
pub fn after<'n>(mark: &str, name: &'n str) -> Option<&'n str> {
    let rest = name.strip_prefix(mark)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':') }
}

/// A value about a person, or a secret. It has no `Display` and no `Serialize`; whoever needs the
/// value says [`expose`](Pii::expose), which one search finds.
#[derive(Clone, PartialEq, Eq)]
pub struct Pii<T: Zeroize>(T);

impl<T: Zeroize> Pii<T> {
    /// Takes a value into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value in the clear.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T: Zeroize> Drop for Pii<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// `#[serde(with = "pii::marked")]`: writes `{"$pii": value}` for the store to seal. Reading also
/// takes the plain value, so that a person can write an order by hand.
pub mod marked {
    use super::{Deserialize, Deserializer, Either, Pii, Serializer};

    /// Writes the marked value.
    ///
    /// # Errors
    /// As the serializer has them.
    pub fn serialize<S: Serializer>(value: &Pii<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(super::MARK, value.expose())])
    }

    /// Reads a marked or plain value.
    ///
    /// # Errors
    /// The value is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Pii<String>, D::Error> {
        Either::deserialize(d).map(Either::into_pii)
    }
}

/// [`marked`] for the number of a document, by which orders can be found.
pub mod marked_document {
    use super::{Pii, Serializer, Trait};

    pub use super::marked::deserialize;

    /// Writes the marked value.
    ///
    /// # Errors
    /// As the serializer has them.
    pub fn serialize<S: Serializer>(value: &Pii<String>, serializer: S) -> Result<S::Ok, S::Error> {
        super::write(value, Trait::Document, serializer)
    }
}

/// [`marked`] for a telephone number, by which orders can be found and which may be absent.
pub mod marked_phone {
    use super::{Deserialize, Deserializer, Either, Pii, Serializer, Trait};

    /// Reads a marked or plain value, or null.
    ///
    /// # Errors
    /// The value is none of them.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Pii<String>>, D::Error> {
        Ok(Option::<Either>::deserialize(d)?.map(Either::into_pii))
    }

    /// Writes the marked value, or null.
    ///
    /// # Errors
    /// As the serializer has them.
    pub fn serialize<S: Serializer>(
        value: &Option<Pii<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::write(value, Trait::Phone, serializer),
            None => serializer.serialize_none(),
        }
    }
}

fn write<S: Serializer>(
    value: &Pii<String>,
    found_by: Trait,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map([(format!("{MARK}:{}", found_by.name()), value.expose())])
}

/// [`marked`] for what may be absent.
pub mod marked_option {
    use super::{Pii, Serializer};

    pub use super::marked_phone::deserialize;

    /// Writes the marked value, or null.
    ///
    /// # Errors
    /// As the serializer has them.
    pub fn serialize<S: Serializer>(
        value: &Option<Pii<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::marked::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// A plain or marked value.
struct Either(String);

impl Either {
    fn into_pii(self) -> Pii<String> {
        Pii::new(self.0)
    }
}

impl<'de> Deserialize<'de> for Either {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EitherVisitor)
    }
}

struct EitherVisitor;

impl<'de> Visitor<'de> for EitherVisitor {
    type Value = Either;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, value: &str) -> Result<Either, E> {
        Ok(Either(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Either, E> {
        Ok(Either(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Either, A::Error> {
        let wrong = || A::Error::custom("expected a text");
        let (name, value) = map.next_entry::<String, String>()?.ok_or_else(wrong)?;
        if is_mark(&name) { Ok(Either(value)) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Serialize, Deserialize)]
    struct Person {
        #[serde(with = "marked")]
        name: Pii<String>,
        #[serde(with = "marked_document")]
        card: Pii<String>,
        #[serde(default, with = "marked_phone")]
        phone: Option<Pii<String>>,
    }

    #[test]
    fn one_number_written_in_several_ways_is_one() {
        for text in [
            "13800000001",
            "+86 138-0000-0001",
            " 138 0000 0001",
            "8613800000001",
            "008613800000001",
            "１３８００００000１",
            "\u{202d}138\u{2011}0000\u{2011}0001",
        ] {
            assert_eq!(Trait::Phone.canonical(text), "13800000001");
        }
        assert_eq!(Trait::Document.canonical("e1234567 （8）"), "E12345678");
        assert_eq!(Trait::Phone.canonical("+852 8612 3456"), "85286123456");
    }

    #[test]
    fn a_name_is_marked_when_written_and_never_debugged() {
        let person: Person =
            serde_json::from_str(r#"{"name":"张三","card":"E1","phone":"1"}"#).unwrap();
        assert_eq!(format!("{:?}", person.name), "***");
        let written = serde_json::to_string(&person).unwrap();
        assert_eq!(
            written,
            r#"{"name":{"$pii":"张三"},"card":{"$pii:document":"E1"},"phone":{"$pii:phone":"1"}}"#
        );
        let again: Person = serde_json::from_str(&written).unwrap();
        assert_eq!((again.name, again.card, again.phone), (person.name, person.card, person.phone));
        let nobody: Person = serde_json::from_str(r#"{"name":"张三","card":"E1"}"#).unwrap();
        assert_eq!(serde_json::to_value(nobody).unwrap()["phone"], serde_json::Value::Null);
    }
}
