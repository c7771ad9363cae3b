//! HTTP around an answer, with the platform's headers.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, VARY,
};
use hyper::{Response, StatusCode};
use top::Format;

use crate::pipeline::Answer;

/// What goes over the wire.
pub type Body = Full<Bytes>;

/// Characters of the uncompressed body, as Java counts them. A client has been seen to throw away
/// an answer whose length differs.
const TOP_BODYLENGTH: HeaderName = HeaderName::from_static("top-bodylength");

/// Wraps a TOP answer: always 200, whatever it says.
pub fn answer(answer: Answer, gzip: bool, close: bool) -> Response<Body> {
    let characters = utf16_units(&answer.body);
    let compressed = gzip.then(|| compress(answer.body.as_bytes())).flatten();
    let is_compressed = compressed.is_some();
    let bytes = compressed.unwrap_or_else(|| answer.body.into_bytes());
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type(answer.format));
    headers.insert(VARY, const { HeaderValue::from_static("Accept-Encoding") });
    headers.insert(TOP_BODYLENGTH, HeaderValue::from(characters));
    if is_compressed {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The content type of a format, checked when this is compiled.
fn content_type(format: Format) -> HeaderValue {
    match format {
        Format::Xml => const { HeaderValue::from_static(Format::Xml.content_type()) },
        Format::Json | Format::SimplifiedJson => {
            const { HeaderValue::from_static(Format::Json.content_type()) }
        }
    }
}

/// How many UTF-16 units a text has: one for each character, two for those of four bytes.
fn utf16_units(text: &str) -> usize {
    /// So few bytes that they cannot count beyond a byte: then many are looked at at once, and none is left over
    /// within a run.
    const RUN: usize = 96;
    let units = |run: &[u8]| {
        let of = |byte: &u8| u8::from(byte & 0xc0 != 0x80) + u8::from(*byte >= 0xf0);
        usize::from(run.iter().map(of).sum::<u8>())
    };
    text.as_bytes().chunks(RUN).map(units).sum()
}

/// Compresses; `None` if that fails, which memory alone could make it.
pub fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// Whether the client asked for gzip; several do not decode what they did not ask for.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|v| v.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().trim_start_matches("q=").parse() == Ok(0.0_f32);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// A plain page.
pub fn text(status: StatusCode, text: &str) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", text.to_owned())
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_as_many_characters_as_java_counts() {
        for text in ["", "a", "é票😀", "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}"] {
            assert_eq!(utf16_units(text), text.encode_utf16().count(), "{text}");
        }
    }

    #[test]
    fn gzip_is_sent_only_when_asked_for() {
        let accepts = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            accepts_gzip(&headers)
        };
        assert!(accepts("gzip"));
        assert!(accepts("deflate, GZIP;q=0.5"));
        for value in ["", "identity", "gzip;q=0", "gzip; q=0.0", "deflate"] {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
