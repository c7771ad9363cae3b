//! Stored JSON, read once, with the marked values in it replaced.
//!
//! A tree of every document that is opened or sealed would cost more than all else that is done with
//! it. So the text is copied as it stands: only `{"$name": value}` is looked at, and members of some names are passed over.

use std::borrow::Cow;
use std::ops::Range;

use domain::pii::after;
use memchr::memchr2_iter;

use crate::Clear;

/// Deepest nesting, as the JSON library has it.
const DEPTH_MAX: usize = 128;

/// Why a text was not rewritten.
#[derive(Debug)]
pub(crate) enum Stopped<E> {
    /// It is not JSON, or nests too deep.
    NotJson,
    /// What was asked said no.
    Refused(E),
}

/// What is asked of every object's member whose name begins with `$`.
pub(crate) trait Replace {
    type Error;

    /// The name of what is replaced, without what may follow it after a colon.
    const NAME: &'static str;

    /// Whether the text is read to its end, and must be JSON, though nothing further on can be marked. Where it
    /// has just been written, or is about to be read by somebody who is strict, that is not needed.
    const TO_THE_END: bool;

    /// Whether what is written is in the clear.
    const IS_CLEAR: bool;

    /// Writes what stands instead of `{"NAME:found_by": text}`. A value that is no text, which is told as
    /// `None`, cannot be replaced.
    fn replace(
        &mut self,
        place: &Steps<'_>,
        found_by: &str,
        text: Option<Cow<'_, str>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Self::Error>;

    /// Whether a member of this name is passed over: `null` is written instead of its value.
    fn leaves_out(&self, _name: &[u8]) -> bool {
        false
    }

    /// Looks at a name that stays: another one, or one that does not stand alone.
    fn look_at(&mut self, _name: &str) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Where in a document: the way there from its root.
pub(crate) struct Steps<'j>(Vec<Step<'j>>);

enum Step<'j> {
    /// A name as it stands between its quotes, and whether there are escapes in it.
    Member(&'j [u8], bool),
    Element(usize),
}

impl Steps<'_> {
    /// Writes it as a JSON pointer, so that no two places read the same.
    pub(crate) fn push_to(&self, text: &mut String) {
        for step in &self.0 {
            text.push('/');
            match step {
                Step::Member(name, has_escapes) => {
                    let name = unescaped(name, *has_escapes).unwrap_or_default();
                    if name.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
                        text.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    } else {
                        text.push_str(&name);
                    }
                }
                Step::Element(at) => text.push_str(itoa::Buffer::new().format(*at)),
            }
        }
    }
}

/// The text with its marked values replaced. With a `member`, it is that member of a document.
///
/// # Errors
/// It is not JSON as far as it is read, or `by` refuses something in it.
pub(crate) fn rewrite<R: Replace>(
    json: &[u8],
    member: Option<&'static str>,
    by: &mut R,
) -> Result<Vec<u8>, Stopped<R::Error>> {
    let until = match last_marked(json) {
        _ if R::TO_THE_END => json.len(),
        Some(at) => at,
        None => return Ok(json.to_vec()),
    };
    let room = json.len() + json.len() / 4;
    let out = if R::IS_CLEAR { Clear::with_room(room) } else { Clear(Vec::with_capacity(room)) };
    let mut steps = Steps(Vec::with_capacity(16));
    steps.0.extend(member.map(|member| Step::Member(member.as_bytes(), false)));
    let mut rewriting = Rewriting { json, at: 0, until, copied: 0, steps, out };
    rewriting.value(by)?;
    rewriting.blank();
    if R::TO_THE_END && rewriting.at != json.len() {
        return Err(Stopped::NotJson);
    }
    rewriting.out.0.extend_from_slice(&json[rewriting.copied..]);
    Ok(std::mem::take(&mut rewriting.out.0))
}

/// Where the last name begins that may have to be looked at; none stands after it.
fn last_marked(json: &[u8]) -> Option<usize> {
    let mut may_be = memchr2_iter(b'$', b'\\', json).rev();
    may_be.find(|at| json[..*at].last() == Some(&b'"'))
}

/// Where in a document's text the value of a member stands; `None` when it has none, or is no object.
pub(crate) fn find_member(json: &[u8], member: &str) -> Option<Range<usize>> {
    let mut looking = Rewriting::within(json)?;
    let mut is_first = true;
    while !looking.closes(b'}', is_first)? {
        let (name, has_escapes) = looking.name()?;
        looking.blank();
        let start = looking.at;
        looking.skip()?;
        if unescaped(name, has_escapes)? == member {
            return Some(start..looking.at);
        }
        is_first = false;
    }
    None
}

/// A document's text, parted where its first member ends; before it when it has none, or is no object.
pub(crate) fn parted(json: &[u8]) -> (&[u8], &[u8]) {
    let end = || {
        let mut looking = Rewriting::within(json)?;
        looking.name()?;
        looking.skip()?;
        Some(looking.at)
    };
    json.split_at(end().unwrap_or_default())
}

struct Rewriting<'j> {
    json: &'j [u8],
    at: usize,
    /// Where there is nothing to replace any more.
    until: usize,
    /// How much of the text is in `out`, as it was or replaced.
    copied: usize,
    steps: Steps<'j>,
    /// Wiped where it does not come to its end.
    out: Clear,
}

impl<'j> Rewriting<'j> {
    /// Stands before the first member of an object, to look and not to rewrite.
    fn within(json: &'j [u8]) -> Option<Self> {
        let steps = Steps(Vec::new());
        let mut looking =
            Self { json, at: 0, until: json.len(), copied: 0, steps, out: Clear(Vec::new()) };
        looking.blank();
        looking.take(b'{')?;
        Some(looking)
    }

    fn value<R: Replace>(&mut self, by: &mut R) -> Result<(), Stopped<R::Error>> {
        self.blank();
        match self.json.get(self.at) {
            Some(b'{') => self.object(by),
            Some(b'[') => self.array(by),
            _ => self.scalar().ok_or(Stopped::NotJson),
        }
    }

    /// Passes a value that may have further ones in it, one step further down.
    fn value_at<R: Replace>(
        &mut self,
        step: Step<'j>,
        by: &mut R,
    ) -> Result<(), Stopped<R::Error>> {
        self.blank();
        // Nobody asks for the way to most values.
        if !matches!(self.json.get(self.at), Some(b'{' | b'[')) {
            return self.scalar().ok_or(Stopped::NotJson);
        }
        self.steps.0.push(step);
        self.value(by)?;
        self.steps.0.pop();
        Ok(())
    }

    /// Passes a text, a number or a word.
    fn scalar(&mut self) -> Option<()> {
        match self.json.get(self.at)? {
            b'"' => drop(self.quoted()?),
            // The library that reads the result is strict about them.
            byte if byte.is_ascii_alphanumeric() || *byte == b'-' => {
                let rest = &self.json[self.at..];
                let end = rest.iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' '));
                self.at += end.unwrap_or(rest.len());
            }
            _ => return None,
        }
        Some(())
    }

    fn object<R: Replace>(&mut self, by: &mut R) -> Result<(), Stopped<R::Error>> {
        let start = self.at;
        self.enter()?;
        let mut is_first = true;
        while self.at <= self.until && !self.closes(b'}', is_first).ok_or(Stopped::NotJson)? {
            let (name, has_escapes) = self.name().ok_or(Stopped::NotJson)?;
            if matches!(name.first(), Some(b'$' | b'\\')) {
                let name = unescaped(name, has_escapes).ok_or(Stopped::NotJson)?;
                if is_first && self.marked(start, &name, by)? {
                    return Ok(());
                }
                by.look_at(&name).map_err(Stopped::Refused)?;
            }
            if by.leaves_out(name) {
                self.leave_out().ok_or(Stopped::NotJson)?;
            } else {
                self.value_at(Step::Member(name, has_escapes), by)?;
            }
            is_first = false;
        }
        Ok(())
    }

    /// Replaces an object of one member, if that is marked and its name the one that is looked for.
    fn marked<R: Replace>(
        &mut self,
        start: usize,
        name: &str,
        by: &mut R,
    ) -> Result<bool, Stopped<R::Error>> {
        let Some(found_by) = after(R::NAME, name) else { return Ok(false) };
        let value = self.at;
        self.blank();
        let text = match self.json.get(self.at) {
            Some(b'"') => {
                let (text, has_escapes) = self.quoted().ok_or(Stopped::NotJson)?;
                Some(unescaped(text, has_escapes).ok_or(Stopped::NotJson)?)
            }
            _ => None,
        };
        self.blank();
        if text.is_some() && self.take(b'}').is_none() {
            self.at = value;
            return Ok(false);
        }
        self.out.0.extend_from_slice(&self.json[self.copied..start]);
        let replaced = by.replace(&self.steps, found_by, text, &mut self.out.0);
        replaced.map_err(Stopped::Refused)?;
        self.copied = self.at;
        Ok(true)
    }

    fn array<R: Replace>(&mut self, by: &mut R) -> Result<(), Stopped<R::Error>> {
        self.enter()?;
        let mut at = 0;
        while self.at <= self.until && !self.closes(b']', at == 0).ok_or(Stopped::NotJson)? {
            self.value_at(Step::Element(at), by)?;
            at += 1;
        }
        Ok(())
    }

    /// Passes a value, for which there is `null` in what is written.
    fn leave_out(&mut self) -> Option<()> {
        self.out.0.extend_from_slice(&self.json[self.copied..self.at]);
        self.out.0.extend_from_slice(b"null");
        self.skip()?;
        self.copied = self.at;
        Some(())
    }

    /// Passes a value without a look at what is in it.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.json.get(self.at)? {
                b'"' => {
                    self.quoted()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.json.get(self.at)?, b',' | b'}' | b']') {
                return Some(());
            }
        }
    }

    fn enter<E>(&mut self) -> Result<(), Stopped<E>> {
        self.at += 1;
        if self.steps.0.len() < DEPTH_MAX { Ok(()) } else { Err(Stopped::NotJson) }
    }

    /// Passes what stands between members or elements; says whether they end here.
    fn closes(&mut self, close: u8, is_first: bool) -> Option<bool> {
        self.blank();
        if self.take(close).is_some() {
            return Some(true);
        }
        if !is_first {
            self.take(b',')?;
        }
        Some(false)
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.json.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    fn blank(&mut self) {
        while self.json.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Passes a member's name and its colon; returns what [`Rewriting::quoted`] does.
    fn name(&mut self) -> Option<(&'j [u8], bool)> {
        self.blank();
        let name = self.quoted()?;
        self.blank();
        self.take(b':')?;
        Some(name)
    }

    /// Passes a text; returns what stands between its quotes, and whether there are escapes in it.
    fn quoted(&mut self) -> Option<(&'j [u8], bool)> {
        self.take(b'"')?;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            self.at += plain_bytes(self.json.get(self.at..)?);
            if *self.json.get(self.at)? == b'"' {
                break;
            }
            has_escapes = true;
            self.at += 2;
        }
        self.at += 1;
        Some((&self.json[start..self.at - 1], has_escapes))
    }
}

/// How many bytes there are before the first quote or backslash, or before the end. Most texts are short, so they are
/// looked at eight bytes at a time: what looks at more at once takes longer to begin.
fn plain_bytes(json: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    // The lowest top bit that is set belongs to the first byte that is zero.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let mut rest = json;
    while let Some((eight, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*eight);
        let found =
            zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return json.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'));
    json.len() - rest.len() + end.unwrap_or(rest.len())
}

/// What a text says that stands so between its quotes.
fn unescaped(text: &[u8], has_escapes: bool) -> Option<Cow<'_, str>> {
    if has_escapes {
        let quoted = [b"\"".as_slice(), text, b"\""].concat();
        return serde_json::from_slice(&quoted).ok().map(Cow::Owned);
    }
    std::str::from_utf8(text).ok().map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replaces marks by their path and text in capitals.
    struct Capitals<const TO_THE_END: bool>;

    impl<const TO_THE_END: bool> Replace for Capitals<TO_THE_END> {
        type Error = &'static str;

        const NAME: &'static str = "$m";

        const TO_THE_END: bool = TO_THE_END;

        const IS_CLEAR: bool = true;

        fn replace(
            &mut self,
            steps: &Steps<'_>,
            found_by: &str,
            text: Option<Cow<'_, str>>,
            out: &mut Vec<u8>,
        ) -> Result<(), &'static str> {
            let mut path = String::new();
            steps.push_to(&mut path);
            let text = text.ok_or("no text")?.to_uppercase();
            let written = serde_json::to_string(&format!("{path} {found_by} {text}"));
            out.extend_from_slice(written.unwrap().as_bytes());
            Ok(())
        }
    }

    fn capitals(json: &str) -> Result<String, Stopped<&'static str>> {
        let strict = rewrite(json.as_bytes(), None, &mut Capitals::<true>);
        let quick = rewrite(json.as_bytes(), None, &mut Capitals::<false>);
        match (&strict, &quick) {
            (Ok(strict), Ok(quick)) => assert_eq!(strict, quick),
            (Err(Stopped::Refused(strict)), Err(Stopped::Refused(quick))) => {
                assert_eq!(strict, quick)
            }
            (Err(Stopped::NotJson), _) => {}
            apart => panic!("{json} {apart:?}"),
        }
        strict.map(|json| String::from_utf8(json).unwrap())
    }

    #[test]
    fn what_is_not_marked_stays_as_it_stands() {
        for json in [
            "null",
            "-1.5e3",
            r#""a""#,
            "[]",
            "{}",
            r#" { "a" : [ 1 , true , {"b\"\\":"\\\"{$m"} ] } "#,
            r#"{"$n":"x","$m":"beside"}"#,
            r#"{"$m":"beside","a":[{"$mm":"x"}]}"#,
        ] {
            assert_eq!(capitals(json).unwrap(), json);
        }
    }

    #[test]
    fn what_is_marked_is_replaced_wherever_it_stands() {
        let json = r#"{"a/~\"":[1,{"$m":"x\u0079\""},{"b":{"$m:by":"票"}}],"c":{ "$m" : "" }}"#;
        let expected = r#"{"a/~\"":[1,"/a~1~0\"/1  XY\"",{"b":"/a~1~0\"/2/b by 票"}],"c":"/c  "}"#;
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&capitals(json).unwrap()).unwrap(),
            serde_json::from_str::<serde_json::Value>(expected).unwrap()
        );
        assert_eq!(capitals(r#"{"$m":"a"}"#).unwrap(), r#""  A""#);
        assert!(matches!(capitals(r#"{"$m":1}"#), Err(Stopped::Refused("no text"))));
    }

    #[test]
    fn a_member_is_found_and_rewritten_as_it_is_in_the_whole() {
        let json = r#"{"a":{"b":"}\"","c":[{}]}, "s\u0074": {"x":[{"$m":"y"}]} ,"n":-1}"#;
        let at = |member: &str| find_member(json.as_bytes(), member).map(|range| &json[range]);
        assert_eq!(at("a"), Some(r#"{"b":"}\"","c":[{}]}"#));
        assert_eq!(at("st").map(str::trim), Some(r#"{"x":[{"$m":"y"}]}"#));
        assert_eq!(at("n"), Some("-1"));
        for none in ["b", "x", "y", ""] {
            assert_eq!(at(none), None);
        }
        for cut in 0..json.len() {
            assert_eq!(find_member(&json.as_bytes()[..cut], "n"), None);
        }
        let part =
            rewrite(at("st").unwrap().as_bytes(), Some("st"), &mut Capitals::<false>).unwrap();
        assert!(capitals(json).unwrap().contains(std::str::from_utf8(&part).unwrap().trim()));
        for no_object in ["", "[1]", "null", "{", "{\"a\"}", "]"] {
            assert_eq!(find_member(no_object.as_bytes(), "a"), None);
        }
    }

    #[test]
    fn what_is_not_json_is_said_to_be_none_and_never_a_panic() {
        let good = r#"{"a":["b\\",{"$m":"c"}],"d":null}"#;
        for cut in 1..good.len() {
            assert!(capitals(&good[..cut]).is_err(), "{}", &good[..cut]);
        }
        for bad in ["", "{,}", "[1 2]", "{\"a\"}", "{a:1}", "[1]]", "{\"\\u12\":1}", "\u{1}"] {
            assert!(matches!(capitals(bad), Err(Stopped::NotJson)), "{bad}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(capitals(&deep(DEPTH_MAX)).is_ok());
        assert!(matches!(capitals(&deep(DEPTH_MAX + 1)), Err(Stopped::NotJson)));
        assert!(matches!(capitals(&deep(1_000_000)), Err(Stopped::NotJson)));
    }
}
