//! From bytes to parameters, in every dialect that clients speak.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderMap};
use hyper::http::request::Parts;
use memchr::memchr;
use tokio::sync::OwnedSemaphorePermit;
use top::form::{PAIRS_MAX, Pairs, decode_into};
use top::{Format, Params, Rejection, error};

use super::Shared;

/// How much of a body that is too large is read and thrown away, so that a client that sends before
/// it reads gets its answer instead of a broken pipe.
const DISCARD_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of a body that takes up nobody's room: hyper's own buffer for each connection is as large.
const BODY_BYTES_FREE: usize = 8 * 1024;
/// As many parameters as a call has: eight of the platform's own and a few of the method's.
const USUAL_PAIRS: usize = 16;
/// Longest multipart boundary; the standard allows 70.
const BOUNDARY_BYTES_MAX: usize = 200;

/// The client did not finish sending; there is nobody to answer.
#[derive(Debug)]
pub struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body did not arrive")
    }
}

impl std::error::Error for TooSlow {}

/// A body, as far as it was read.
pub enum Read {
    /// All of it.
    Whole {
        /// What was sent.
        bytes: Bytes,
        /// The room it takes up for as long as it is held.
        _room: Option<OwnedSemaphorePermit>,
    },
    /// It is over the limit.
    TooLarge,
    /// Nobody wants it: the verb is refused.
    Unread,
}

impl Read {
    /// A body that is at hand and takes up nobody's room.
    pub fn whole(bytes: Bytes) -> Self {
        Self::Whole { bytes, _room: None }
    }
}

/// Reads the body of a call, of which only the two verbs are any.
pub(super) async fn body(head: &Parts, body: Incoming, shared: &Shared) -> Result<Read, TooSlow> {
    if !matches!(head.method, Method::GET | Method::POST) {
        return Ok(Read::Unread);
    }
    any_body(head, body, shared).await
}

/// Reads a request's body, within the limits of size, time and memory.
pub(super) async fn any_body(
    head: &Parts,
    mut body: Incoming,
    shared: &Shared,
) -> Result<Read, TooSlow> {
    let limit = shared.context.settings.body_bytes_max;
    let mut reading = std::pin::pin!(async {
        if body.size_hint().lower() > limit {
            // A client that waits to be told to go on has sent nothing to throw away.
            if !head.headers.contains_key(EXPECT) {
                discard(&mut body).await;
            }
            return Ok(Read::TooLarge);
        }
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut whole = Bytes::new();
        let mut room: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| TooSlow)?.into_data() else { continue };
            if whole.len() + data.len() > most {
                drop((whole, room));
                discard(&mut body).await;
                return Ok(Read::TooLarge);
            }
            // Room is taken for what has come, never for what is promised: promising costs nothing.
            let taken = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let come = whole.len() + data.len();
            let needed = if come > BODY_BYTES_FREE { come.div_ceil(1024) - taken } else { 0 };
            if needed > 0 {
                let needed = u32::try_from(needed).unwrap_or(u32::MAX);
                let more = Arc::clone(&shared.bodies).acquire_many_owned(needed).await;
                let more = more.map_err(|_| TooSlow)?;
                match &mut room {
                    Some(room) => room.merge(more),
                    None => room = Some(more),
                }
            }
            whole = if whole.is_empty() { data } else { joined(whole, &data) };
        }
        Ok(Read::Whole { bytes: whole, _room: room })
    });
    // Nearly every body has come with its head; only one that is waited for needs a clock.
    match reading.as_mut().now_or_never() {
        Some(read) => read,
        None => tokio::time::timeout(shared.limits.body, reading).await.unwrap_or(Err(TooSlow)),
    }
}

fn joined(whole: Bytes, more: &Bytes) -> Bytes {
    // Nobody else holds it, so nothing is copied but what is new.
    let mut whole = BytesMut::from(whole);
    whole.extend_from_slice(more);
    whole.freeze()
}

async fn discard(body: &mut Incoming) {
    let mut discarded = 0;
    while let Some(Ok(frame)) = body.frame().await {
        discarded += frame.data_ref().map_or(0, |data| data.len() as u64);
        if discarded > DISCARD_BYTES_MAX {
            return;
        }
    }
}

/// What a request says, wherever it says it.
pub struct Parameters<'a> {
    /// All parameters, the query's before the body's.
    pub params: Result<Params<'a>, Rejection>,
    /// The body where it is signed as it is.
    pub signed_body: &'a [u8],
    /// The format that is asked for, as far as they could be read.
    pub format: Result<Format, Rejection>,
}

/// How a body carries parameters.
enum Dialect {
    Form,
    Multipart,
    /// JSON, XML or text: the parameters are all in the query, the body is only signed.
    Signed,
}

impl<'a> Parameters<'a> {
    /// Reads query and body. What is wrong with one part does not hide the rest: a complaint is made
    /// in the format asked for, wherever that stood.
    pub fn of(head: &Parts, query: &'a [u8], body: &'a Read) -> Self {
        let (kind, of_type) = content_type(&head.headers);
        let mut pairs = Vec::with_capacity(USUAL_PAIRS);
        let in_query = decode_into(query, &mut pairs).map_err(Rejection::from);
        let mut signed_body: &[u8] = b"";
        let in_body = match body {
            Read::Unread => Ok(()),
            Read::TooLarge => Err(unreadable_body()),
            Read::Whole { bytes, .. } => match dialect(kind) {
                Dialect::Signed => {
                    signed_body = bytes;
                    Ok(())
                }
                Dialect::Form => decode_into(bytes, &mut pairs).map_err(Rejection::from),
                Dialect::Multipart if bytes.is_empty() => Ok(()),
                Dialect::Multipart => multipart(&head.headers, bytes, &mut pairs),
            },
        };
        Self::new(of_type, pairs, in_query.and(in_body), signed_body)
    }

    /// The same of a batch: its parameters are all in the query, its body is signed as it is, and a form of
    /// parts is none, because there is no batch with files.
    pub fn of_batch(head: &Parts, query: &'a [u8], body: &'a Read) -> Self {
        let (kind, of_type) = content_type(&head.headers);
        let mut pairs = Vec::with_capacity(USUAL_PAIRS);
        let in_query = decode_into(query, &mut pairs).map_err(Rejection::from);
        let (signed_body, in_body): (&[u8], _) = match (body, dialect(kind)) {
            (Read::Unread, _) => (b"", Ok(())),
            (Read::TooLarge, _) | (_, Dialect::Multipart) => (b"", Err(unreadable_body())),
            (Read::Whole { bytes, .. }, _) => (bytes, Ok(())),
        };
        Self::new(of_type, pairs, in_query.and(in_body), signed_body)
    }

    /// `of_type` is what the content type says beyond the kind.
    fn new(
        of_type: &str,
        pairs: Pairs<'a>,
        read: Result<(), Rejection>,
        signed_body: &'a [u8],
    ) -> Self {
        let in_charset =
            if is_utf8(of_type) { Ok(()) } else { Err(error::INVALID_ENCODING.into()) };
        let params = Params::from_pairs(pairs);
        let format = requested_format(&params);
        let params = in_charset.and(read).map(|()| params);
        Self { params, signed_body, format }
    }
}

/// The format a call asks for.
fn requested_format(params: &Params<'_>) -> Result<Format, Rejection> {
    // Only the word itself: the new PHP SDK sends simplify=1 and expects the full form.
    let simplified = params.get("simplify").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    match params.get("format") {
        None | Some("xml") => Ok(Format::Xml),
        Some("json") if simplified => Ok(Format::SimplifiedJson),
        Some("json") => Ok(Format::Json),
        Some(_) => Err(error::INVALID_FORMAT.into()),
    }
}

fn unreadable_body() -> Rejection {
    Rejection::with_argument(error::INVALID_ARGUMENT, "body")
}

/// A request's content type: the kind and its parameters. One that is not ASCII is none.
fn content_type(headers: &HeaderMap) -> (&str, &str) {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Nearly every call has one, and it is too short for `split_once` to pay.
    let end = memchr(b';', value.as_bytes()).unwrap_or(value.len());
    (value[..end].trim(), value.get(end + 1..).unwrap_or_default())
}

/// Whether a body claims, beyond its kind, to be UTF-8, or claims nothing: only UTF-8 is spoken here.
fn is_utf8(of_type: &str) -> bool {
    // What nearly every client writes.
    if of_type.trim_ascii_start().eq_ignore_ascii_case("charset=utf-8") {
        return true;
    }
    let mut parameters = of_type.split(';').filter_map(|parameter| parameter.split_once('='));
    let charset = parameters.find(|(name, _)| name.trim_start().eq_ignore_ascii_case("charset"));
    charset.is_none_or(|(_, name)| {
        let name = name.trim().trim_matches('"').trim();
        ["utf-8", "utf8", ""].iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// The dialect of a body of this kind.
fn dialect(kind: &str) -> Dialect {
    const SIGNED: [&str; 4] = ["application/json", "application/xml", "text/xml", "text/plain"];
    if kind.eq_ignore_ascii_case("multipart/form-data") {
        Dialect::Multipart
    } else if SIGNED.iter().any(|signed| kind.eq_ignore_ascii_case(signed)) {
        Dialect::Signed
    } else {
        // Whatever else a client calls its form, or nothing at all.
        Dialect::Form
    }
}

/// Adds the text parts of a multipart body; files take no part in the signature and no published
/// method takes one.
fn multipart(headers: &HeaderMap, body: &Bytes, pairs: &mut Pairs<'_>) -> Result<(), Rejection> {
    let boundary = boundary(headers).ok_or_else(unreadable_body)?;
    let whole = std::future::ready(Ok::<_, Infallible>(body.clone()));
    let mut parts = multer::Multipart::new(futures_util::stream::once(whole), boundary);
    let read = async {
        while let Some(part) = parts.next_field().await.map_err(|_| unreadable_body())? {
            if pairs.len() == PAIRS_MAX {
                return Err(unreadable_body());
            }
            if is_file(part.headers()) {
                continue;
            }
            let name = part.name().ok_or_else(unreadable_body)?.to_owned();
            let bytes = part.bytes().await.map_err(|_| unreadable_body())?;
            let text = String::from_utf8(bytes.into()).map_err(|_| error::INVALID_ENCODING)?;
            pairs.push((Cow::Owned(name), Cow::Owned(text)));
        }
        Ok(())
    };
    // The whole body is here, so nothing is ever waited for.
    read.now_or_never().unwrap_or_else(|| Err(unreadable_body()))
}

/// Whether a part is a file: it names one, in whatever spelling, and not inside a quoted name.
fn is_file(headers: &HeaderMap) -> bool {
    let disposition = headers.get("content-disposition").map(|value| value.as_bytes());
    let mut in_quotes = false;
    let parameters = disposition.unwrap_or_default().split(|&byte| {
        in_quotes ^= byte == b'"';
        byte == b';' && !in_quotes
    });
    parameters
        .skip(1)
        .any(|parameter| parameter.trim_ascii_start().to_ascii_lowercase().starts_with(b"filename"))
}

/// The boundary, with or without quotes, before or after the charset.
fn boundary(headers: &HeaderMap) -> Option<String> {
    let (_, mut rest) = headers.get(CONTENT_TYPE)?.to_str().ok()?.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if name.trim_matches([';', ' ', '\t']).eq_ignore_ascii_case("boundary") {
            let value = value.trim_end();
            let fits = !value.is_empty() && value.len() <= BOUNDARY_BYTES_MAX;
            return fits.then(|| value.to_owned());
        }
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use hyper::header::HeaderValue;

    use super::*;

    fn read(
        content_type: Option<&str>,
        query: &str,
        body: &[u8],
    ) -> Result<Vec<String>, Rejection> {
        let mut head = Request::new(()).into_parts().0;
        if let Some(content_type) = content_type {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        let body = Read::whole(Bytes::copy_from_slice(body));
        let read = Parameters::of(&head, query.as_bytes(), &body);
        read.params.map(|params| params.iter().map(|(k, v)| format!("{k}={v}")).collect())
    }

    #[test]
    fn query_and_form_are_merged_and_the_query_wins() {
        let form = "application/x-www-form-urlencoded;charset=UTF-8";
        for content_type in [None, Some(form), Some("application/x-www-form-urlencoded")] {
            let read = read(content_type, "b=1&a=%E7%A5%A8", b"c=3+4&b=2").unwrap();
            assert_eq!(read, ["a=票", "b=1", "c=3 4"]);
        }
    }

    #[test]
    fn the_java_and_dotnet_multipart_dialect_is_read() {
        let body = "\r\n--1081066450016\r\nContent-Disposition:form-data;name=\"k\"\r\n\
            Content-Type:text/plain\r\n\r\n票 1\r\n--1081066450016\r\n\
            Content-Disposition:form-data;name=\"image\";filename=\"a b.png\"\r\n\
            Content-Type:image/png\r\n\r\n\u{1}\u{2}\r\n--1081066450016--\r\n";
        let content_type = "multipart/form-data;charset=UTF-8;boundary=1081066450016";
        assert_eq!(read(Some(content_type), "q=1", body.as_bytes()).unwrap(), ["k=票 1", "q=1"]);
    }

    #[test]
    fn the_php_multipart_dialect_is_read() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--B\r\n\
            Content-Disposition: form-data; name=\"f\"; filename=\"中文.png\" \r\n\r\nx\r\n--B--";
        assert_eq!(
            read(Some("multipart/form-data; boundary=B"), "", body.as_bytes()).unwrap(),
            ["k=v"]
        );
    }

    #[test]
    fn the_python_multipart_dialect_is_read() {
        let body = "--PYTHON_SDK_BOUNDARY\r\n\
            Content-Disposition: form-data; name=\"k\"\r\n\
            Content-Type: text/plain; charset=UTF-8\r\n\r\na\r\nb\r\n--PYTHON_SDK_BOUNDARY\r\n\
            Content-Disposition: file; name=\"image\"; filename=\"a.png\"\r\n\
            Content-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\nx\r\n\
            --PYTHON_SDK_BOUNDARY--\r\n\r\n";
        let content_type = "multipart/form-data; boundary=\"PYTHON_SDK_BOUNDARY\"";
        assert_eq!(read(Some(content_type), "", body.as_bytes()).unwrap(), ["k=a\r\nb"]);
    }

    #[test]
    fn a_multipart_body_that_is_none_is_named() {
        let refused = Err(unreadable_body());
        for body in ["x", "--B\r\n", "--B\r\nContent-Disposition: form-data\r\n\r\nv\r\n--B--"] {
            assert_eq!(read(Some("multipart/form-data; boundary=B"), "", body.as_bytes()), refused);
        }
        assert_eq!(read(Some("multipart/form-data"), "", b"x"), refused);
        assert_eq!(read(Some("multipart/form-data"), "a=1", b"").unwrap(), ["a=1"]);
        let part = "--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n";
        let many = format!("{}--B--", part.repeat(PAIRS_MAX + 1));
        assert_eq!(read(Some("multipart/form-data; boundary=B"), "", many.as_bytes()), refused);
    }

    #[test]
    fn a_part_is_a_file_only_when_it_says_so_outside_its_name() {
        let body = "--B\r\nContent-Disposition: form-data; name=\"a;filename=b\"\r\n\r\nv\r\n--B--";
        let read = read(Some("multipart/form-data; boundary=B"), "", body.as_bytes());
        assert_eq!(read.unwrap(), ["a;filename=b=v"]);
    }

    #[test]
    fn only_utf8_is_spoken() {
        let refused = Err(error::INVALID_ENCODING.into());
        let gbk = "application/x-www-form-urlencoded;charset=GBK";
        assert_eq!(read(Some(gbk), "", b"a=1"), refused);
        assert_eq!(read(None, "", b"a=%D6%D0"), refused);
        assert_eq!(read(None, "a=%D6%D0", b""), refused);
        let part = b"--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n\xD6\xD0\r\n--B--";
        assert_eq!(read(Some("multipart/form-data; boundary=B"), "", part), refused);
    }

    #[test]
    fn json_xml_and_text_bodies_carry_no_parameters() {
        for content_type in ["application/json;charset=utf-8", "text/xml", "text/plain"] {
            assert_eq!(read(Some(content_type), "a=1", b"b=2").unwrap(), ["a=1"]);
        }
    }
}
