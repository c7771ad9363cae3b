//! Calls that the platform makes into a partner's own server (SPI, 服务提供者接口): how they are
//! signed, and how the partner checks them.
//!
//! Source: the official `SpiUtils` of the Java, .NET and PHP SDKs, with vectors of the Java one. What
//! they do that is unsafe (believing forwarded addresses) is left out.

use std::fmt;
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::form::{self, BadForm, PAIRS_MAX, Pairs};
use crate::scalar::Date;
use crate::sign::{Secret, SignMethod};
use crate::{Format, Params};

/// The header that lists, with commas, the headers that are signed.
pub const SIGN_LIST: &str = "top-sign-list";
/// How old a call may be: what the platform grants its own callers. *Inferred*; the SDKs leave it to
/// the partner.
pub const MAX_AGE: Duration = Duration::from_secs(10 * 60);
/// The `sub_code` of a refusal, under whatever name the interface maps it to.
pub const REFUSED_SUB_CODE: &str = "sign-check-failure";
/// The `sub_message` of a refusal.
pub const REFUSED_SUB_MESSAGE: &str = "Illegal request";
/// The `flag` of a refusal.
pub const REFUSED_FLAG: &str = "failure";

/// A call as it goes over the wire.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// All headers, names in any case.
    pub headers: &'a [(&'a str, &'a str)],
    /// The query, undecoded.
    pub query: &'a str,
    /// The body, undecoded.
    pub body: &'a [u8],
}

impl fmt::Debug for Call<'_> {
    /// Nothing of what it says: the query holds a sign, the body people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("body_bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Why a call is not the platform's. For the log; the caller is told [`refusal`] and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The content type names a charset that is not UTF-8.
    Charset,
    /// The body is of a type that is not signed, so anybody may have written it.
    Body,
    /// The query, the form or a signed header cannot be read.
    Form(BadForm),
    /// There is no `sign` in the query, which is the only place for it.
    NoSign,
    /// The sign is not the one.
    WrongSign,
    /// There is no readable `timestamp`.
    NoTimestamp,
    /// The call was made too long ago.
    Old,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Charset => "the charset is not UTF-8",
            Self::Body => "a body that no signature covers",
            Self::Form(bad) => return write!(f, "{bad}"),
            Self::NoSign => "no sign in the query",
            Self::WrongSign => "wrong sign",
            Self::NoTimestamp => "no timestamp of the form yyyy-MM-dd HH:mm:ss",
            Self::Old => "the timestamp is too old",
        })
    }
}

impl std::error::Error for Refused {}

impl From<BadForm> for Refused {
    fn from(bad: BadForm) -> Self {
        Self::Form(bad)
    }
}

/// Signs a call, whose query goes out with `sign` added to it. Always by md5; empty values count.
///
/// # Errors
/// The call cannot be read or is not signed whole: [`Refused::Charset`], [`Refused::Body`] or
/// [`Refused::Form`].
pub fn sign(secret: &Secret, call: &Call<'_>) -> Result<String, Refused> {
    let (params, body) = signed_parts(call)?;
    Ok(secret.sign(SignMethod::Md5, params.iter(), body))
}

/// Checks a call by the secret of the app that is called, and returns what was signed. Read nothing
/// else of the call but its body: what the platform's signing ignores, anybody may have added. For the
/// same reason a body of a type that the platform does not sign (multipart, say) is refused.
///
/// `now_unix_seconds` is the partner's clock. Only an old call is refused, one from a clock that is
/// ahead is not, as in the SDKs.
///
/// # Errors
/// Why the call is to be answered with [`refusal`].
pub fn check<'a>(
    secret: &Secret,
    call: &Call<'a>,
    now_unix_seconds: i64,
    max_age: Duration,
) -> Result<Params<'a>, Refused> {
    let (params, body) = signed_parts(call)?;
    let mut query: Pairs<'_> = Vec::new();
    decode_query(call.query, &mut query)?;
    let given = Params::from_pairs(query);
    let given = given.get("sign").ok_or(Refused::NoSign)?.to_ascii_uppercase();
    let right = secret.sign(SignMethod::Md5, params.iter(), body);
    if !bool::from(right.as_bytes().ct_eq(given.as_bytes())) {
        return Err(Refused::WrongSign);
    }
    let timestamp = params.get("timestamp").and_then(|text| text.parse::<Date>().ok());
    let made_at = timestamp.and_then(Date::unix_seconds).ok_or(Refused::NoTimestamp)?;
    let age_seconds = now_unix_seconds.saturating_sub(made_at);
    if age_seconds > i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX) {
        return Err(Refused::Old);
    }
    Ok(params)
}

/// What a partner answers, with HTTP status 200, to a call that [`check`] refuses; the platform probes
/// for exactly that before it publishes an interface. An interface with names of its own puts
/// [`REFUSED_SUB_CODE`], [`REFUSED_SUB_MESSAGE`] and [`REFUSED_FLAG`] under those.
pub fn refusal(format: Format) -> String {
    match format {
        Format::Xml => format!(
            "<response><flag>{REFUSED_FLAG}</flag><sub_code>{REFUSED_SUB_CODE}</sub_code>\
             <sub_message>{REFUSED_SUB_MESSAGE}</sub_message></response>"
        ),
        Format::Json | Format::SimplifiedJson => format!(
            "{{\"success\":false,\"errorCode\":\"{REFUSED_SUB_CODE}\",\"errorMsg\":\"{REFUSED_SUB_MESSAGE}\"}}"
        ),
    }
}

/// What takes part in the signature: parameters of query, form and listed headers, and the body where
/// it is text and no form.
fn signed_parts<'a>(call: &Call<'a>) -> Result<(Params<'a>, &'a [u8]), Refused> {
    let header = |name: &str| {
        let found = call.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    };
    let content_type = header("content-type").unwrap_or_default().to_ascii_lowercase();
    let (essence, attributes) = content_type.split_once(';').unwrap_or((&content_type, ""));
    check_charset(attributes)?;
    let mut pairs: Pairs<'a> = Vec::new();
    // The query wins over the form; of headers of the same name nothing is known.
    decode_query(call.query, &mut pairs)?;
    let body = match essence.trim() {
        "application/x-www-form-urlencoded" => {
            form::decode_into(call.body, &mut pairs)?;
            b"".as_slice()
        }
        "application/json" | "text/xml" | "application/xml" | "text/plain" => call.body,
        _ if call.body.is_empty() => b"",
        _ => return Err(Refused::Body),
    };
    for name in header(SIGN_LIST).unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        if pairs.len() >= PAIRS_MAX {
            return Err(BadForm::TooMany.into());
        }
        let value = form::decode(header(name).unwrap_or_default().as_bytes());
        pairs.push((name.into(), value.ok_or(BadForm::NotUtf8)?));
    }
    pairs.retain(|(name, _)| name != "sign");
    Ok((Params::from_pairs(pairs), body))
}

/// The Java SDK's splitter passes over a pair with more than one unescaped `=`, so nobody signs it.
fn decode_query<'a>(query: &'a str, pairs: &mut Pairs<'a>) -> Result<(), BadForm> {
    let is_pair = |pair: &&str| pair.bytes().filter(|byte| *byte == b'=').count() <= 1;
    for pair in query.split('&').filter(is_pair) {
        form::decode_into(pair.as_bytes(), pairs)?;
    }
    Ok(())
}

fn check_charset(attributes: &str) -> Result<(), Refused> {
    let named =
        attributes.split(';').find_map(|attribute| attribute.trim().strip_prefix("charset="));
    let named = named.map(|charset| charset.trim().trim_matches('"'));
    match named {
        None | Some("utf-8" | "utf8" | "") => Ok(()),
        Some(_) => Err(Refused::Charset),
    }
}
