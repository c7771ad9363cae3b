//! Signatures: which bytes are hashed, by which of the three methods, and how they are compared.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How a call is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignMethod {
    /// `md5`: the digest of secret, base string, secret.
    Md5,
    /// `hmac`: HMAC-MD5 of the base string.
    Hmac,
    /// `hmac-sha256`: HMAC-SHA256 of the base string.
    HmacSha256,
}

impl SignMethod {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Md5, Self::Hmac, Self::HmacSha256];
}

/// The name is none of the three sign methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownSignMethod;

impl fmt::Display for UnknownSignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sign_method is none of md5, hmac, hmac-sha256")
    }
}

impl std::error::Error for UnknownSignMethod {}

impl FromStr for SignMethod {
    type Err = UnknownSignMethod;

    fn from_str(name: &str) -> Result<Self, UnknownSignMethod> {
        Self::ALL.into_iter().find(|method| method.to_string() == name).ok_or(UnknownSignMethod)
    }
}

impl fmt::Display for SignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "md5",
            Self::Hmac => "hmac",
            Self::HmacSha256 => "hmac-sha256",
        })
    }
}

/// One of the three digests, fed piece by piece so that the base string is never built.
enum Digester<'s> {
    Md5 { digest: Md5, secret: &'s str },
    Hmac(Hmac<Md5>),
    HmacSha256(Hmac<Sha256>),
}

impl<'s> Digester<'s> {
    fn new(method: SignMethod, secret: &'s str) -> Self {
        // HMAC takes a key of any length, so its constructor cannot fail; an empty key is one.
        match method {
            SignMethod::Md5 => Self::Md5 { digest: Md5::new_with_prefix(secret), secret },
            SignMethod::Hmac => Self::Hmac(
                Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length"),
            ),
            SignMethod::HmacSha256 => Self::HmacSha256(
                Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length"),
            ),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5 { digest, .. } => Digest::update(digest, bytes),
            Self::Hmac(mac) => mac.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Md5 { mut digest, secret } => {
                Digest::update(&mut digest, secret);
                upper_hex(&digest.finalize())
            }
            Self::Hmac(mac) => upper_hex(&mac.finalize().into_bytes()),
            Self::HmacSha256(mac) => upper_hex(&mac.finalize().into_bytes()),
        }
    }
}

fn upper_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        hex.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hex.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hex
}

/// Whether the parameter called `name` takes part in the signature.
fn is_signed(name: &str) -> bool {
    name != "sign"
}

/// Signs parameters given in byte order of their names, followed by a raw body if there is one.
///
/// Pass the body only for requests whose parameters are all in the query (JSON, XML and text
/// bodies, and batches).
pub fn sign<'p>(
    method: SignMethod,
    secret: &str,
    params: impl IntoIterator<Item = (&'p str, &'p str)>,
    body: &[u8],
) -> String {
    let mut digester = Digester::new(method, secret);
    for (name, value) in params.into_iter().filter(|(name, _)| is_signed(name)) {
        digester.update(name.as_bytes());
        digester.update(value.as_bytes());
    }
    digester.update(body);
    digester.finish()
}

/// Whether `given` is the signature of the parameters, compared in constant time.
///
/// The official SDKs disagree on whether an empty value is signed; both are right, since an empty
/// parameter equals an absent one.
pub fn verify<'p>(
    method: SignMethod,
    secret: &str,
    params: impl Iterator<Item = (&'p str, &'p str)> + Clone,
    body: &[u8],
    given: &str,
) -> bool {
    let given = given.to_ascii_uppercase();
    let matches = |sign: String| bool::from(sign.as_bytes().ct_eq(given.as_bytes()));
    if matches(sign(method, secret, params.clone(), body)) {
        return true;
    }
    let has_empty = params.clone().any(|(_, value)| value.is_empty());
    has_empty && matches(sign(method, secret, params.filter(|(_, v)| !v.is_empty()), body))
}

/// The text that is hashed, with the secret where `md5` puts it: what a person compares when two
/// sides disagree.
pub fn string_to_sign<'p>(
    method: SignMethod,
    secret: &str,
    params: impl IntoIterator<Item = (&'p str, &'p str)>,
    body: &str,
) -> String {
    let mut text = String::new();
    if method == SignMethod::Md5 {
        text.push_str(secret);
    }
    for (name, value) in params.into_iter().filter(|(name, _)| is_signed(name)) {
        text.push_str(name);
        text.push_str(value);
    }
    text.push_str(body);
    if method == SignMethod::Md5 {
        text.push_str(secret);
    }
    text
}
