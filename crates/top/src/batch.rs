//! Batches: several calls in one body, parted by a separator that their answers are joined with.

/// The header that names another separator.
pub const SEPARATOR_HEADER: &str = "top-api-separator";
/// The separator where none is named, as the official SDKs have it.
pub const SEPARATOR: &str = "\r\n-S-\r\n";
/// What a first segment begins with that is no call: parameters for those that lack them.
const PUBLIC: &[u8] = b"#PUBLIC#";
/// A call without parameters of its own: no segment is ever empty.
const BARE: &[u8] = b"N";

/// The calls of a batch, each an urlencoded form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// What every call has that does not say otherwise.
    pub public: &'a [u8],
    /// The calls in their order.
    pub calls: Vec<&'a [u8]>,
}

/// What is wrong with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadBatch {
    /// There is no call in it.
    Empty,
    /// There are more calls in it than are taken.
    TooMany,
}

/// Takes a body apart. A separator after the last call parts it from nothing (*inferred*); an empty segment
/// between two others is a call without parameters of its own.
///
/// # Errors
/// There is no call, or more than `calls_max`; no more than these are looked for.
pub fn read<'a>(body: &'a [u8], separator: &[u8], calls_max: usize) -> Result<Batch<'a>, BadBatch> {
    let (mut public, mut calls, mut rest) = (&body[..0], Vec::new(), body);
    let finder = memchr::memmem::Finder::new(separator);
    let mut is_first = true;
    while !rest.is_empty() {
        let end = finder.find(rest).unwrap_or(rest.len());
        let segment = &rest[..end];
        rest = rest.get(end + separator.len()..).unwrap_or_default();
        match segment.strip_prefix(PUBLIC) {
            Some(common) if is_first => public = common,
            _ if calls.len() == calls_max => return Err(BadBatch::TooMany),
            _ => calls.push(if segment == BARE { &segment[..0] } else { segment }),
        }
        is_first = false;
    }
    if calls.is_empty() { Err(BadBatch::Empty) } else { Ok(Batch { public, calls }) }
}

/// Whether a client that parts joined answers at `separator` finds this one whole.
pub fn is_parted(answer: &str, separator: &str) -> bool {
    !answer.is_empty() && [answer, separator].concat().find(separator) == Some(answer.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(body: &str, separator: &str) -> (String, Vec<String>) {
        let batch = read(body.as_bytes(), separator.as_bytes(), 9).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (text(batch.public), batch.calls.into_iter().map(text).collect())
    }

    #[test]
    fn a_batch_is_taken_apart_in_its_order() {
        let parts = |public: &str, calls: &[&str]| {
            (public.to_owned(), calls.iter().map(|call| (*call).to_owned()).collect())
        };
        let body = "#PUBLIC#method=m&f=1\r\n-S-\r\na=1\r\n-S-\r\nN\r\n-S-\r\nb=2";
        assert_eq!(segments(body, SEPARATOR), parts("method=m&f=1", &["a=1", "", "b=2"]));
        assert_eq!(segments("a=1", SEPARATOR), parts("", &["a=1"]));
        assert_eq!(segments("a=1||||b=2||", "||"), parts("", &["a=1", "", "b=2"]));
        // Only the first segment can be everybody's.
        assert_eq!(segments("a=1||#PUBLIC#b=2", "||"), parts("", &["a=1", "#PUBLIC#b=2"]));
    }

    #[test]
    fn a_batch_has_a_call_and_no_more_than_are_taken() {
        for none in ["", "#PUBLIC#a=1", "#PUBLIC#a=1||"] {
            assert_eq!(read(none.as_bytes(), b"||", 2), Err(BadBatch::Empty), "{none}");
        }
        assert_eq!(read(b"#PUBLIC#||N||N", b"||", 2).unwrap().calls.len(), 2);
        assert_eq!(read(b"N||N||N", b"||", 2), Err(BadBatch::TooMany));
        let endless = "||".repeat(1_000_000);
        assert_eq!(read(endless.as_bytes(), b"||", 20), Err(BadBatch::TooMany));
    }

    #[test]
    fn the_usual_separator_is_itself_as_a_regular_expression_too() {
        // The Java client takes it for one when it parts the answers.
        assert!(!SEPARATOR.contains(|letter| "\\.[]{}()*+?^$|".contains(letter)));
    }

    #[test]
    fn an_answer_that_a_client_would_part_elsewhere_is_known() {
        assert!(is_parted("{\"a\":\"b\"}", SEPARATOR));
        assert!(!is_parted("{\"a\":\"||\"}", "||"));
        // It does not stand in the answer, but begins there once they are joined.
        assert!(!is_parted("<!--top-->", ">>"));
        assert!(!is_parted("", "||"));
    }
}
