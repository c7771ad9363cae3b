//! Whole answers: a response root or an `error_response`, in each of the three formats.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use crate::error::{Rejection, RemoteErrorCode};
use crate::json::{self, JsonEncoder};
use crate::model::{Composite, Encoder};
use crate::node::{Node, Reader, Side};
use crate::xml::{self, XmlEncoder};

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `format=xml`, or none asked for.
    Xml,
    /// `format=json`.
    Json,
    /// `format=json` with `simplify=true`.
    SimplifiedJson,
}

impl Format {
    /// The content type that goes with it, as the platform sends it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml;charset=UTF-8",
            Self::Json | Self::SimplifiedJson => "text/javascript;charset=UTF-8",
        }
    }
}

/// Room for an answer without growing: the largest published example has 1.9 kB.
const ANSWER_CAPACITY_BYTES: usize = 2048;
/// The same for an `error_response`, which has five members of a line at most.
const FAILURE_CAPACITY_BYTES: usize = 384;

/// What a call is answered with.
pub trait Reply {
    /// What the method answers.
    type Response: Composite;

    /// What is to be written.
    fn members(&self) -> Members<'_, Self::Response>;

    /// Is told what was written of the response's members.
    fn written(&self, _text: &str) {}
}

/// What is to be written of an answer.
#[derive(Debug)]
pub enum Members<'r, R> {
    /// The members of a response.
    Of(&'r R),
    /// The same as they were written before, in the same format.
    Written(&'r str),
}

impl<R: Composite> Reply for R {
    type Response = R;

    fn members(&self) -> Members<'_, R> {
        Members::Of(self)
    }
}

/// Writes the answer to a call of `method`.
pub fn success<R: Reply>(
    format: Format,
    method: &str,
    reply: &R,
    request_id: &str,
    node: &str,
) -> String {
    let mut out = String::with_capacity(ANSWER_CAPACITY_BYTES);
    match format {
        Format::Xml => {
            out.push_str(xml::PROLOG);
            out.push('<');
            push_root(&mut out, method);
            out.push('>');
            let mut encoder = XmlEncoder::new(out);
            members(&mut encoder, reply, request_id);
            let mut out = encoder.into_string();
            out.push_str("</");
            push_root(&mut out, method);
            out.push('>');
            push_comment(&mut out, node);
            out
        }
        Format::Json => {
            out.push_str("{\"");
            push_root(&mut out, method);
            out.push_str("\":");
            let mut encoder = JsonEncoder::wrapped(out);
            encoder.object(|encoder| members(encoder, reply, request_id));
            let mut out = encoder.into_string();
            out.push('}');
            out
        }
        Format::SimplifiedJson => {
            let mut encoder = JsonEncoder::plain(out);
            encoder.object(|encoder| members(encoder, reply, request_id));
            encoder.into_string()
        }
    }
}

fn members<R: Reply, E: Writer>(encoder: &mut E, reply: &R, request_id: &str) {
    match reply.members() {
        Members::Of(response) => {
            let start = encoder.written().len();
            response.encode_members(encoder);
            reply.written(&encoder.written()[start..]);
        }
        Members::Written(before) => encoder.written().push_str(before),
    }
    encoder.member("request_id", &Cow::Borrowed(request_id));
}

/// An encoder that writes one text from end to end.
pub(crate) trait Writer: Encoder {
    /// What it has written.
    fn written(&mut self) -> &mut String;
}

/// Writes an `error_response`; simplified JSON keeps the wrapper too.
pub fn failure(
    format: Format,
    rejection: &Rejection,
    remote: RemoteErrorCode,
    request_id: &str,
    node: &str,
) -> String {
    let mut out = String::with_capacity(FAILURE_CAPACITY_BYTES);
    match format {
        Format::Xml => {
            out.push_str(xml::PROLOG);
            out.push_str("<error_response>");
            let mut encoder = XmlEncoder::new(out);
            complaint(&mut encoder, rejection, remote, request_id);
            let mut out = encoder.into_string();
            out.push_str("</error_response>");
            push_comment(&mut out, node);
            out
        }
        Format::Json | Format::SimplifiedJson => {
            out.push_str("{\"error_response\":");
            let mut encoder = JsonEncoder::wrapped(out);
            encoder.object(|encoder| complaint(encoder, rejection, remote, request_id));
            let mut out = encoder.into_string();
            out.push('}');
            out
        }
    }
}

fn complaint<E: Encoder>(
    encoder: &mut E,
    rejection: &Rejection,
    remote: RemoteErrorCode,
    request_id: &str,
) {
    encoder.member("code", &i64::from(rejection.code(remote)));
    encoder.member("msg", &rejection.msg());
    encoder.member("sub_code", &rejection.sub_code.map(Cow::Borrowed));
    encoder.member("sub_msg", &rejection.sub_msg.as_deref().map(Cow::Borrowed));
    encoder.member("request_id", &Cow::Borrowed(request_id));
}

/// Appends the response root of `method`.
pub(crate) fn push_root(out: &mut String, method: &str) {
    let mut rest = method.strip_prefix("taobao.").unwrap_or(method);
    while let Some(at) = memchr(b'.', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        out.push('_');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push_str("_response");
}

/// The platform ends an XML answer with the name of the host that gave it.
fn push_comment(out: &mut String, node: &str) {
    out.push_str("<!--top");
    out.push_str(node);
    out.push_str("-->");
}

/// An answer as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<R> {
    /// The call was served.
    Success {
        /// The members of the root.
        response: R,
        /// The request id, when one was sent.
        request_id: Option<String>,
    },
    /// The call was not served.
    Error {
        /// `code`.
        code: i64,
        /// `msg`.
        msg: String,
        /// `sub_code`.
        sub_code: Option<String>,
        /// `sub_msg`.
        sub_msg: Option<String>,
        /// The request id, when one was sent.
        request_id: Option<String>,
    },
}

/// The body is no answer of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unreadable answer: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// Reads an answer in any of the three formats.
///
/// # Errors
/// The body is not of the format, or does not have the declared shape.
pub fn read<R: Composite>(format: Format, body: &str) -> Result<Answer<R>, Unreadable> {
    let (root, node) = match format {
        Format::Xml => {
            let (root, node) = xml::parse(body).map_err(|error| Unreadable(error.to_string()))?;
            (root, node)
        }
        Format::Json | Format::SimplifiedJson => {
            let whole = json::parse(body).map_err(|error| Unreadable(error.to_string()))?;
            match whole {
                Node::Object(mut members) if is_wrapped(format, &members) => {
                    let (name, node) = members.remove(0);
                    (name.into_owned(), node)
                }
                bare => (String::new(), bare),
            }
        }
    };
    let text = |name: &str| match node.member(name) {
        Some(Node::Text(text)) => Some(text.clone().into_owned()),
        _ => None,
    };
    let request_id = text("request_id");
    let mut reader = Reader::new(Side::Response);
    if root == "error_response" {
        let code = reader.member(&node, "code");
        let code = code.ok_or_else(|| Unreadable("error_response without code".into()))?;
        let (msg, sub_code, sub_msg) = (text("msg"), text("sub_code"), text("sub_msg"));
        return Ok(Answer::Error {
            code,
            msg: msg.unwrap_or_default(),
            sub_code,
            sub_msg,
            request_id,
        });
    }
    R::decode_members(&node, &mut reader)
        .map(|response| Answer::Success { response, request_id })
        .ok_or_else(|| {
            let paths = reader.into_violations().into_iter().map(|violation| violation.path);
            Unreadable(format!("missing or mistyped: {}", paths.collect::<Vec<_>>().join(", ")))
        })
}

fn is_wrapped<T>(format: Format, members: &[(Cow<'_, str>, T)]) -> bool {
    let [(name, _)] = members else { return false };
    format == Format::Json || name == "error_response"
}
