//! The wire's scalar types and how each is read and written.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;

use crate::form::is_blank;
use crate::model::{Encoder, Form, Privacy, Shape, Wire};
use crate::node::{Node, Reader};

/// Longest identifier taken, in characters. No page states a limit; the longest identifier in any
/// published example has 32, and a key must stay cheap to store and to print. Inferred.
pub const ID_CHARS_MAX: usize = 64;

/// A wire `Date`: a date and time of day at +08:00, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub DateTime);

/// Bytes of a date's text.
const DATE_BYTES: usize = 19;

/// The platform's clock is eight hours ahead of UTC, all year.
const PLATFORM: jiff::tz::Offset = jiff::tz::offset(8);

impl Date {
    /// What the platform's clock shows so many seconds after the Unix epoch; the nearest date there
    /// is, when that is outside the calendar.
    pub fn at_platform(unix_seconds: i64) -> Self {
        let bounded = unix_seconds.clamp(-377_000_000_000, 253_000_000_000);
        let instant = jiff::Timestamp::from_second(bounded).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Self(PLATFORM.to_datetime(instant))
    }

    /// The moment at which the platform's clock shows this, in seconds after the Unix epoch.
    pub fn unix_seconds(self) -> Option<i64> {
        PLATFORM.to_timestamp(self.0).ok().map(jiff::Timestamp::as_second)
    }
}

/// The text is not a `yyyy-MM-dd HH:mm:ss` date that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADate;

impl fmt::Display for NotADate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a date of the form yyyy-MM-dd HH:mm:ss")
    }
}

impl std::error::Error for NotADate {}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        let separators = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
        if bytes.len() != DATE_BYTES || separators.iter().any(|&(at, byte)| bytes[at] != byte) {
            return Err(NotADate);
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().try_fold(0i16, |sum, byte| match byte {
                b'0'..=b'9' => Ok(sum * 10 + i16::from(byte - b'0')),
                _ => Err(NotADate),
            })
        };
        let small = |from: usize| number(from, from + 2).map(|value| value as i8);
        DateTime::new(number(0, 4)?, small(5)?, small(8)?, small(11)?, small(14)?, small(17)?, 0)
            .map(Self)
            .map_err(|_| NotADate)
    }
}

impl Date {
    /// What is written of it, in this room.
    fn text(self, room: &mut [u8; DATE_BYTES]) -> &str {
        let (date, time) = (self.0.date(), self.0.time());
        // Digit by digit: an answer has a dozen of these. No platform year is before 0 or after 9999.
        *room = *b"0000-00-00 00:00:00";
        let mut put = |at: usize, value: u16| {
            room[at] = b'0' + (value / 10 % 10) as u8;
            room[at + 1] = b'0' + (value % 10) as u8;
        };
        let year = date.year().unsigned_abs();
        put(0, year / 100);
        put(2, year % 100);
        let small = [date.month(), date.day(), time.hour(), time.minute(), time.second()];
        for (at, value) in [5, 8, 11, 14, 17].into_iter().zip(small) {
            put(at, u16::from(value.unsigned_abs()));
        }
        std::str::from_utf8(room).unwrap_or_default()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; DATE_BYTES]))
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        // As long as it is, and not grown to it.
        date.text(&mut [0; DATE_BYTES]).to_owned()
    }
}

/// A wire `Json`: a string that holds JSON text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(pub String);

impl fmt::Debug for Json {
    /// Anything may be in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// An amount that travels as yuan with two decimals in a string; held in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Yuan(pub i64);

/// The text is not an amount in yuan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotYuan;

impl fmt::Display for NotYuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an amount in yuan with up to two decimals")
    }
}

impl std::error::Error for NotYuan {}

impl FromStr for Yuan {
    type Err = NotYuan;

    fn from_str(text: &str) -> Result<Self, NotYuan> {
        let (yuan, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(yuan) || !plain(decimals) || decimals.len() > 2 {
            return Err(NotYuan);
        }
        let yuan: i64 = yuan.parse().map_err(|_| NotYuan)?;
        let fen: i64 = format!("{decimals:0<2}").parse().map_err(|_| NotYuan)?;
        yuan.checked_mul(100).and_then(|sum| sum.checked_add(fen)).map(Self).ok_or(NotYuan)
    }
}

impl fmt::Display for Yuan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; YUAN_BYTES_MAX]))
    }
}

impl From<Yuan> for String {
    fn from(yuan: Yuan) -> Self {
        yuan.text(&mut [0; YUAN_BYTES_MAX]).to_owned()
    }
}

/// Bytes of the longest amount: a sign, nineteen digits and a point.
const YUAN_BYTES_MAX: usize = 21;

impl Yuan {
    /// What is written of it, at the end of this room.
    fn text(self, room: &mut [u8; YUAN_BYTES_MAX]) -> &str {
        let (mut left, mut digits, mut at) = (self.0.unsigned_abs(), 0, room.len());
        let mut put = |byte: u8| {
            at -= 1;
            room[at] = byte;
        };
        // From the last digit on: there are two after the point and one before it at least.
        while digits < 3 || left > 0 {
            if digits == 2 {
                put(b'.');
            }
            put(b'0' + (left % 10) as u8);
            left /= 10;
            digits += 1;
        }
        if self.0 < 0 {
            put(b'-');
        }
        std::str::from_utf8(&room[at..]).unwrap_or_default()
    }
}

impl Wire for Yuan {
    const SHAPE: Shape = Shape::Text(Form::Yuan);

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value = match node {
            Node::Text(text) => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            reader.invalid_type();
        }
        value
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(self.text(&mut [0; YUAN_BYTES_MAX]));
    }
}

impl Wire for String {
    const SHAPE: Shape = Shape::Text(Form::Any);

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        match node {
            Node::Text(text) => Some(text.clone().into_owned()),
            // Only whole numbers: how a fraction was spelled is no longer known.
            Node::Number(number) if !number.is_f64() => Some(number.to_string()),
            Node::Number(_) | Node::Null | Node::Boolean(_) | Node::List(_) | Node::Object(_) => {
                reader.invalid_type();
                None
            }
        }
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(self);
    }
}

/// A text that is written without being copied; what is read is copied.
impl Wire for Cow<'_, str> {
    const SHAPE: Shape = String::SHAPE;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        String::decode(node, reader).map(Cow::Owned)
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(self);
    }
}

impl Wire for i64 {
    const SHAPE: Shape = Shape::Number;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value = match node {
            Node::Number(number) => number.as_i64(),
            Node::Text(text) if !text.starts_with('+') => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            reader.invalid_type();
        }
        value
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.number(*self);
    }
}

impl Wire for bool {
    const SHAPE: Shape = Shape::Boolean;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value = match node {
            Node::Boolean(value) => Some(*value),
            // Form fields and XML leaves are text whatever the type.
            Node::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Node::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        };
        if value.is_none() {
            reader.invalid_type();
        }
        value
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.boolean(*self);
    }
}

impl Wire for Date {
    const SHAPE: Shape = Shape::Date;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let value = match node {
            Node::Text(text) => text.parse().ok(),
            _ => None,
        };
        if value.is_none() {
            reader.invalid_type();
        }
        value
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(self.text(&mut [0; DATE_BYTES]));
    }
}

impl Wire for Json {
    const SHAPE: Shape = Shape::Json;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        match node {
            Node::Text(text) => Some(Self(text.clone().into_owned())),
            _ => {
                reader.invalid_type();
                None
            }
        }
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(&self.0);
    }
}

impl<T: Wire> Wire for Option<T> {
    const SHAPE: Shape = T::SHAPE;
    const REQUIRED: bool = false;
    const PRIVACY: Privacy = T::PRIVACY;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        T::decode(node, reader).map(Some)
    }

    fn absent(_: &mut Reader) -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        if let Some(value) = self {
            value.encode(out);
        }
    }
}

/// A parameter that the page calls 可选 and that must be there all the same, because members of it
/// are required: without it they are all missing, and the platform names the parameter (40).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed<T>(pub T);

impl<T: Wire> Wire for Needed<T> {
    const SHAPE: Shape = T::SHAPE;
    const REQUIRED: bool = false;
    const PRIVACY: Privacy = T::PRIVACY;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        T::decode(node, reader).map(Self)
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        self.0.encode(out);
    }
}

/// A value that `Debug` does not print: somebody's name or number, or a text that may hold one.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked<T>(pub T);

impl<T> fmt::Debug for Masked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Masked<String> {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<T: Wire> Wire for Masked<T> {
    const SHAPE: Shape = T::SHAPE;
    const REQUIRED: bool = T::REQUIRED;
    const PRIVACY: Privacy = Privacy::Personal;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        T::decode(node, reader).map(Self)
    }

    fn absent(reader: &mut Reader) -> Option<Self> {
        T::absent(reader).map(Self)
    }

    fn is_absent(&self) -> bool {
        self.0.is_absent()
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        self.0.encode(out);
    }
}

/// A text that travels sealed with SM4, see [`seal`](crate::seal). `Debug` does not print it: a lenient app
/// may send it as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub String);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Sealed {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Wire for Sealed {
    const SHAPE: Shape = String::SHAPE;
    const PRIVACY: Privacy = Privacy::Sealed;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        String::decode(node, reader).map(Self)
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        self.0.encode(out);
    }
}

/// An identifier in a request: 1 to [`ID_CHARS_MAX`] characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub String);

impl From<&str> for Id {
    /// Takes any text: whether it can be one is looked at when it is sent or received.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Wire for Id {
    const SHAPE: Shape = Shape::Text(Form::Id);

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = String::decode(node, reader)?;
        if !is_id(&text) {
            reader.invalid_form();
            return None;
        }
        Some(Self(text))
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(&self.0);
    }
}

/// Whether a text can be an identifier.
fn is_id(text: &str) -> bool {
    // Most are short and visible ASCII, of which nothing need be decoded or counted.
    if (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    {
        return true;
    }
    !is_blank(text) && text.chars().count() <= ID_CHARS_MAX && !text.chars().any(char::is_control)
}

/// A `String` in a request that must hold JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct JsonText(pub String);

impl fmt::Debug for JsonText {
    /// Anything may be in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Wire for JsonText {
    const SHAPE: Shape = Shape::Text(Form::Json);

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        let text = String::decode(node, reader)?;
        if crate::json::parse(&text).is_err() {
            reader.invalid_form();
            return None;
        }
        Some(Self(text))
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.text(&self.0);
    }
}

impl<T: Wire> Wire for Vec<T> {
    const SHAPE: Shape = Shape::List(&T::SHAPE);
    const PRIVACY: Privacy = T::PRIVACY;

    fn decode(node: &Node<'_>, reader: &mut Reader) -> Option<Self> {
        reader.elements(node)
    }

    fn encode<E: Encoder>(&self, out: &mut E) {
        out.list(self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_amount_has_a_yuan_and_two_decimals() {
        let written = |fen: i64| {
            let sign = if fen < 0 { "-" } else { "" };
            let fen = i128::from(fen).abs();
            format!("{sign}{}.{:02}", fen / 100, fen % 100)
        };
        for fen in (-1_100..=1_100).chain([i64::MIN, i64::MIN + 1, -100_000, 123_456, i64::MAX]) {
            assert_eq!(Yuan(fen).to_string(), written(fen));
        }
    }

    #[test]
    fn yuan_are_read_strictly_and_printed_with_two_decimals() {
        for (text, fen, printed) in [
            ("0", 0, "0.00"),
            ("12.3", 1230, "12.30"),
            ("12.03", 1203, "12.03"),
            ("0.00", 0, "0.00"),
        ] {
            let amount: Yuan = text.parse().unwrap();
            assert_eq!((amount, amount.to_string().as_str()), (Yuan(fen), printed));
        }
        for text in
            ["", ".5", "5.", "1.234", "-0.01", "+1", "1,00", " 1", "1e2", "99999999999999999999"]
        {
            assert_eq!(text.parse::<Yuan>(), Err(NotYuan), "{text}");
        }
    }

    #[test]
    fn a_date_is_read_strictly_and_printed_as_it_came() {
        for good in ["2021-08-01 09:00:00", "0001-01-01 00:00:00", "2024-02-29 23:59:59"] {
            assert_eq!(good.parse::<Date>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "2021-08-01",
            "2021-08-01T09:00:00",
            "2021-8-1 9:00:00",
            "2021-02-29 00:00:00",
            "2021-08-01 24:00:00",
            "2021-08-01 09:00:60",
            " 2021-08-01 09:00:0",
            "2021-08-01 09:00:00 ",
            "２021-08-01 09:00",
        ] {
            assert_eq!(bad.parse::<Date>(), Err(NotADate), "{bad}");
        }
    }
}
