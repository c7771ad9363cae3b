//! Parameters: urlencoded forms in and out, and the bridge from parameters to a method's request.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::json::JsonEncoder;
use crate::model::{Encoder, Method, Shape, Wire};
use crate::node::{Node, Reader, Side, Violation, ViolationKind};
use crate::word::{self, WORD_BYTES};

/// What `application/x-www-form-urlencoded` leaves alone, as `java.net.URLEncoder` does; a blank
/// becomes `%20`, which every decoder reads.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'_').remove(b'.');

/// Most parameters of one call, in query and body together. The largest published method has a
/// handful; each pair costs memory before anybody knows who is calling.
pub const PAIRS_MAX: usize = 256;

/// Pairs as they were read, in order of precedence.
pub type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// What is wrong with a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadForm {
    /// A name or value is not UTF-8; the other pairs were read.
    NotUtf8,
    /// More than [`PAIRS_MAX`] pairs; the first were read.
    TooMany,
}

impl fmt::Display for BadForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("a parameter is not UTF-8"),
            Self::TooMany => write!(f, "more than {PAIRS_MAX} parameters"),
        }
    }
}

impl std::error::Error for BadForm {}

/// All parameters of a call, decoded, each name once, in the byte order that signing needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params<'a> {
    pairs: Pairs<'a>,
}

impl<'a> Params<'a> {
    /// Sorts pairs given in order of precedence: of a repeated name the first value is kept, so
    /// the query wins over the body.
    pub fn from_pairs(mut pairs: Pairs<'a>) -> Self {
        // Most names differ in their first byte, which is compared without a call.
        pairs.sort_by(|(a, _), (b, _)| {
            a.as_bytes().first().cmp(&b.as_bytes().first()).then_with(|| a.cmp(b))
        });
        pairs.dedup_by(|later, earlier| later.0 == earlier.0);
        Self { pairs }
    }

    /// The value of `name`. An empty or blank value counts as absent, as the SDKs have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        // One after the other: there are few, and names of another length are not compared at all.
        let (_, value) = self.pairs.iter().find(|(key, _)| key == name)?;
        (!is_blank(value)).then_some(value)
    }

    /// Every pair in byte order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }
}

/// Whether there is nothing in a value to be read.
pub(crate) fn is_blank(value: &str) -> bool {
    value.chars().all(char::is_whitespace)
}

/// Decodes a query string or urlencoded body, appending its pairs in order.
///
/// # Errors
/// Something is wrong; what could be read was appended all the same.
pub fn decode_into<'a>(bytes: &'a [u8], pairs: &mut Pairs<'a>) -> Result<(), BadForm> {
    // Looked at as a whole, what is plain in it needs no further look.
    let text = std::str::from_utf8(bytes).ok();
    let mut outcome = Ok(());
    let mut start = 0;
    while start < bytes.len() {
        let (name, name_escape) = name_at(bytes, start);
        let equals = name.end;
        let (value, value_escape) = match bytes.get(equals) {
            Some(b'=') => value_at(bytes, equals + 1),
            _ => (equals..equals, None),
        };
        let is_empty = start == value.end;
        start = value.end + 1;
        if is_empty {
            continue;
        }
        if pairs.len() == PAIRS_MAX {
            return Err(BadForm::TooMany);
        }
        match (part(bytes, text, name, name_escape), part(bytes, text, value, value_escape)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => outcome = Err(BadForm::NotUtf8),
        }
    }
    outcome
}

/// The first byte that comes after all that means something in a form.
const FIRST_PLAIN: u8 = b'=' + 1;

/// The name that begins here, and the first escape in it.
fn name_at(bytes: &[u8], start: usize) -> (Range<usize>, Option<usize>) {
    let mut escape = None;
    let mut end = start;
    // Letters come after all that is looked for.
    let other = |word| word::below(word, FIRST_PLAIN);
    while let Some(plain) = word::position(&bytes[end..], other, |byte| byte < FIRST_PLAIN) {
        end += plain;
        match bytes[end] {
            b'=' | b'&' => return (start..end, escape),
            byte if is_escape(byte) => escape = escape.or(Some(end - start)),
            _ => {}
        }
        end += 1;
    }
    (start..bytes.len(), escape)
}

/// The value that begins here, and the first escape in it.
fn value_at(bytes: &[u8], start: usize) -> (Range<usize>, Option<usize>) {
    let rest = &bytes[start..];
    let (end, escape) = match memchr3(b'&', b'%', b'+', rest) {
        Some(at) if rest[at] == b'&' => (Some(at), None),
        Some(at) => (memchr(b'&', &rest[at..]).map(|after| at + after), Some(at)),
        None => (None, None),
    };
    (start..end.map_or(bytes.len(), |end| start + end), escape)
}

/// One name or value of a form, whose first `escape` was looked for: without one it stands in the form's text as
/// it is.
fn part<'a>(
    bytes: &'a [u8],
    text: Option<&'a str>,
    at: Range<usize>,
    escape: Option<usize>,
) -> Option<Cow<'a, str>> {
    match (escape, text) {
        (None, Some(text)) => text.get(at).map(Cow::Borrowed),
        (escape, _) => decode_from(&bytes[at], escape),
    }
}

/// Whether a byte stands for something else than itself.
fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'+')
}

/// Decodes one name or value; `None` when it is not UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    decode_from(bytes, memchr2(b'%', b'+', bytes))
}

fn decode_from(bytes: &[u8], escape: Option<usize>) -> Option<Cow<'_, str>> {
    let Some(plain) = escape else {
        return std::str::from_utf8(bytes).ok().map(Cow::Borrowed);
    };
    // Nothing becomes longer, and up to the first escape all is plain.
    let (mut decoded, mut end) = (bytes.to_vec(), plain);
    let mut rest = &bytes[plain..];
    while !rest.is_empty() {
        // In JSON, escapes follow each other: what encloses and parts its texts is escaped.
        while let [b'%', high, low, after @ ..] = rest
            && let Some(byte) = hex_byte(*high, *low)
        {
            decoded[end] = byte;
            (end, rest) = (end + 1, after);
        }
        // What of a word is not plain is written over by what follows.
        let plain = rest.first_chunk::<WORD_BYTES>().map_or(0, |eight| {
            decoded[end..end + WORD_BYTES].copy_from_slice(eight);
            let word = word::of(*eight);
            word::first(word::equal(word, b'%') | word::equal(word, b'+'))
        });
        if plain > 0 {
            (end, rest) = (end + plain, &rest[plain..]);
        } else if let [byte, after @ ..] = rest {
            // A percent sign that stands for nothing stands for itself.
            decoded[end] = if *byte == b'+' { b' ' } else { *byte };
            (end, rest) = (end + 1, after);
        }
    }
    decoded.truncate(end);
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

/// What two hexadecimal digits of either case stand for; `None` when they are none.
pub(crate) fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let [high, low] = [high, low].map(|digit| i16::from(HEX[usize::from(digit)]));
    u8::try_from(high << 4 | low).ok()
}

/// The value of each byte as a hexadecimal digit; below nothing for what is none.
const HEX: [i8; 256] = {
    let mut values = [-1; 256];
    let mut value = 0;
    while value < 16 {
        let digit = b"0123456789ABCDEF"[value as usize];
        values[digit as usize] = value;
        values[digit.to_ascii_lowercase() as usize] = value;
        value += 1;
    }
    values
};

/// Percent-encodes a text as a form's values are.
pub fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Encodes pairs as a urlencoded form.
pub fn encode<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut form = String::new();
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        form.extend(utf8_percent_encode(name, ESCAPED));
        form.push('=');
        form.extend(utf8_percent_encode(value, ESCAPED));
    }
    form
}

/// Reads a method's request out of a call's parameters.
///
/// # Errors
/// Every violation, in the order the platform would complain of them; never empty.
pub fn read_request<M: Method>(params: &Params<'_>) -> Result<M, Vec<Violation>> {
    let mut unreadable = Vec::new();
    let mut members = Vec::new();
    for field in M::OBJECT.fields {
        let Some(text) = params.get(field.name) else {
            continue;
        };
        let node = match parameter(text, &field.shape) {
            Ok(node) => node,
            Err(_) => {
                let path = field.name.to_owned();
                unreadable.push(Violation { kind: ViolationKind::InvalidArgument, path });
                continue;
            }
        };
        members.push((Cow::Borrowed(field.name), node));
    }
    let mut reader = Reader::new(Side::Request);
    let request = M::decode_members(&Node::Object(members), &mut reader);
    let mut violations = reader.into_violations();
    // A parameter that is no JSON was left out of the tree, so its absence is not news.
    violations.retain(|violation| !unreadable.iter().any(|other| other.path == violation.path));
    violations.extend(unreadable);
    violations.sort_by_key(|violation| violation.kind);
    match request {
        Some(request) if violations.is_empty() => Ok(request),
        _ => Err(violations),
    }
}

fn parameter<'a>(text: &'a str, shape: &Shape) -> Result<Node<'a>, serde_json::Error> {
    match shape {
        _ if shape.travels_as_json() => crate::json::parse(text),
        // The Node SDK sends an array as JSON, every other SDK joins with commas.
        Shape::List(_) if text.starts_with('[') => crate::json::parse(text),
        Shape::List(_) => {
            Ok(Node::List(text.split(',').map(|item| Node::Text(Cow::Borrowed(item))).collect()))
        }
        _ => Ok(Node::Text(Cow::Borrowed(text))),
    }
}

/// Writes a request as the parameters a client sends: objects as JSON text, scalars plain.
pub fn request_params<M: Method>(request: &M) -> Vec<(&'static str, String)> {
    let mut encoder = ParamEncoder { params: Vec::new() };
    request.encode_members(&mut encoder);
    encoder.params
}

/// Turns the members of a request into form fields; it is only ever asked for members.
struct ParamEncoder {
    params: Vec<(&'static str, String)>,
}

impl Encoder for ParamEncoder {
    fn text(&mut self, value: &str) {
        if let Some((_, field)) = self.params.last_mut() {
            field.push_str(value);
        }
    }

    fn number(&mut self, value: i64) {
        self.text(&value.to_string());
    }

    fn boolean(&mut self, value: bool) {
        self.text(if value { "true" } else { "false" });
    }

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        members(self);
    }

    fn list<T: Wire>(&mut self, elements: &[T]) {
        let mut json = JsonEncoder::parameter(String::new());
        json.list(elements);
        self.text(&json.into_string());
    }

    fn member<T: Wire>(&mut self, name: &'static str, value: &T) {
        if value.is_absent() {
            return;
        }
        self.params.push((name, String::new()));
        if T::SHAPE.travels_as_json() {
            let mut json = JsonEncoder::parameter(String::new());
            value.encode(&mut json);
            self.text(&json.into_string());
        } else {
            value.encode(self);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(form: &str) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        decode_into(form.as_bytes(), &mut pairs).unwrap();
        pairs.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    }

    #[test]
    fn forms_are_decoded_as_browsers_and_sdks_encode_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            decoded("a=1+2&b=%2B%20&&c&=d&e=%E7%A5%A8&f=100%&g=a=b"),
            [
                pair("a", "1 2"),
                pair("b", "+ "),
                pair("c", ""),
                pair("", "d"),
                pair("e", "票"),
                pair("f", "100%"),
                pair("g", "a=b"),
            ]
        );
    }

    /// As the standard has it, one byte after the other.
    fn slowly(bytes: &[u8]) -> Option<String> {
        let (mut decoded, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            let escaped = bytes.get(at..at + 3).filter(|three| three[0] == b'%');
            let digits = escaped.and_then(|three| std::str::from_utf8(&three[1..]).ok());
            let digits = digits.filter(|two| two.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match digits {
                Some(two) => decoded.push(u8::from_str_radix(two, 16).unwrap()),
                None if bytes[at] == b'+' => decoded.push(b' '),
                None => decoded.push(bytes[at]),
            }
            at += if digits.is_some() { 3 } else { 1 };
        }
        String::from_utf8(decoded).ok()
    }

    #[test]
    fn an_escape_reads_the_same_wherever_it_stands() {
        let long = "票".repeat(100);
        for escape in ["%22", "+", "%E7%A5%A8", "%7b%7D", "%", "%2", "%zz", "%%41", "%FF", "票"] {
            for before in 0..=2 * WORD_BYTES {
                for after in 0..=2 * WORD_BYTES {
                    let plain = "abcdefghijklmnop$&*,";
                    let (before, after) = (&plain[..before], &plain[plain.len() - after..]);
                    let once = [before, escape, after].concat();
                    for text in [[once.as_str(), &once].concat(), [&long, escape, after].concat()] {
                        let read = decode(text.as_bytes()).map(Cow::into_owned);
                        assert_eq!(read, slowly(text.as_bytes()), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn any_form_is_parted_as_the_standard_has_it() {
        // A letter comes after what parts a form, a digit before.
        const BYTES: &[u8] = b"a=&%+4";
        for number in 0..BYTES.len().pow(6) {
            let digits = (0..6).map(|place| number / BYTES.len().pow(place) % BYTES.len());
            let form: Vec<u8> = digits.map(|digit| BYTES[digit]).collect();
            let form = std::str::from_utf8(&form).unwrap();
            let parted = form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((slowly(name.as_bytes())?, slowly(value.as_bytes())?))
            });
            let parted: Vec<_> = parted.collect();
            let mut pairs = Vec::new();
            let outcome = decode_into(form.as_bytes(), &mut pairs);
            let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
            let pairs: Vec<(String, String)> = pairs.collect();
            assert_eq!(outcome.is_err(), parted.contains(&None), "{form}");
            assert_eq!(pairs, parted.into_iter().flatten().collect::<Vec<_>>(), "{form}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named_instead_of_replaced() {
        let escaped = [b"a=%FF&b=1".as_slice(), b"a=+%FF&b=1", b"%FF=1&b=1"];
        for form in escaped.into_iter().chain([b"a=\xff&b=1".as_slice(), b"\xff4=1&b=1"]) {
            let mut pairs = Vec::new();
            assert_eq!(decode_into(form, &mut pairs), Err(BadForm::NotUtf8));
            assert_eq!(pairs, [("b".into(), "1".into())]);
        }
    }

    #[test]
    fn a_form_of_a_million_pairs_is_not_read_to_its_end() {
        let mut pairs = Vec::new();
        let form = "a=1&".repeat(1_000_000);
        assert_eq!(decode_into(form.as_bytes(), &mut pairs), Err(BadForm::TooMany));
        assert_eq!(pairs.len(), PAIRS_MAX);
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same() {
        let text = "订单 a+b%&=c😀*-_.~!'()/\"\r\n";
        let form = encode([("k", text)]);
        assert_eq!(decoded(&form), [("k".to_owned(), text.to_owned())]);
    }

    #[test]
    fn the_first_of_a_repeated_name_is_kept_and_blank_is_absent() {
        let pairs =
            vec![("b".into(), "1".into()), ("a".into(), " ".into()), ("b".into(), "2".into())];
        let params = Params::from_pairs(pairs);
        assert_eq!(params.get("b"), Some("1"));
        assert_eq!(params.get("a"), None);
        assert_eq!(params.iter().count(), 2);
    }
}
