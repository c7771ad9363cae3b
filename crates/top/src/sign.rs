//! Signatures: which bytes are hashed, by which of the three methods, and how they are compared.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::form::hex_byte;

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

    const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Hmac => "hmac",
            Self::HmacSha256 => "hmac-sha256",
        }
    }
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
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or(UnknownSignMethod)
    }
}

impl fmt::Display for SignMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A secret, ready to sign with: what each method makes of it alone is made once.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    md5: Md5,
    hmac: Hmac<Md5>,
    hmac_sha256: Hmac<Sha256>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Secret {
    /// Prepares a secret; an empty one is one.
    pub fn new(text: &str) -> Self {
        // HMAC takes a key of any length, so its constructor cannot fail.
        let any = "HMAC takes a key of any length";
        Self {
            text: Zeroizing::new(text.to_owned()),
            md5: Md5::new_with_prefix(text),
            hmac: Hmac::new_from_slice(text.as_bytes()).expect(any),
            hmac_sha256: Hmac::new_from_slice(text.as_bytes()).expect(any),
        }
    }

    /// Signs parameters given in byte order of their names, followed by a raw body if there is one.
    ///
    /// Pass the body only for requests whose parameters are all in the query (JSON, XML and text
    /// bodies, and batches).
    pub fn sign<'p>(
        &self,
        method: SignMethod,
        params: impl IntoIterator<Item = (&'p str, &'p str)>,
        body: &[u8],
    ) -> String {
        upper_hex(self.digest(method, params, body).bytes())
    }

    /// Whether `given` is the signature of the parameters, compared in constant time.
    ///
    /// The official SDKs disagree on whether an empty value is signed; both are right, since an empty
    /// parameter equals an absent one.
    pub fn verify<'p>(
        &self,
        method: SignMethod,
        params: impl Iterator<Item = (&'p str, &'p str)> + Clone,
        body: &[u8],
        given: &str,
    ) -> bool {
        let Some(given) = Digested::from_hex(given) else { return false };
        let matches = |digest: Digested| bool::from(digest.bytes().ct_eq(given.bytes()));
        if matches(self.digest(method, params.clone(), body)) {
            return true;
        }
        let has_empty = params.clone().any(|(_, value)| value.is_empty());
        has_empty && matches(self.digest(method, params.filter(|(_, v)| !v.is_empty()), body))
    }

    /// The secret itself, for a guess at what somebody else did with it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn digest<'p>(
        &self,
        method: SignMethod,
        params: impl IntoIterator<Item = (&'p str, &'p str)>,
        body: &[u8],
    ) -> Digested {
        let mut digester = match method {
            SignMethod::Md5 => Digester::Md5 { digest: self.md5.clone(), secret: &self.text },
            SignMethod::Hmac => Digester::Hmac(self.hmac.clone()),
            SignMethod::HmacSha256 => Digester::HmacSha256(self.hmac_sha256.clone()),
        };
        let (mut gathered, mut length) = ([0; GATHERED_BYTES], 0);
        let mut take = |piece: &[u8]| {
            if GATHERED_BYTES - length < piece.len() {
                digester.update(&gathered[..length]);
                length = 0;
            }
            match gathered.get_mut(length..length + piece.len()) {
                Some(room) => {
                    room.copy_from_slice(piece);
                    length += piece.len();
                }
                None => digester.update(piece),
            }
        };
        for (name, value) in params.into_iter().filter(|(name, _)| is_signed(name)) {
            take(name.as_bytes());
            take(value.as_bytes());
        }
        take(body);
        digester.update(&gathered[..length]);
        digester.finish()
    }
}

/// Short pieces are put together up to so many bytes before they are digested, since each by itself costs more than
/// its bytes. The parameters of a usual call fit.
const GATHERED_BYTES: usize = 512;

/// One of the three digests, fed piece by piece so that no base string is built for it beyond [`GATHERED_BYTES`].
enum Digester<'s> {
    Md5 { digest: Md5, secret: &'s str },
    Hmac(Hmac<Md5>),
    HmacSha256(Hmac<Sha256>),
}

impl Digester<'_> {
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5 { digest, .. } => Digest::update(digest, bytes),
            Self::Hmac(mac) => mac.update(bytes),
            Self::HmacSha256(mac) => mac.update(bytes),
        }
    }

    fn finish(self) -> Digested {
        match self {
            Self::Md5 { mut digest, secret } => {
                Digest::update(&mut digest, secret);
                Digested::of(&digest.finalize())
            }
            Self::Hmac(mac) => Digested::of(&mac.finalize().into_bytes()),
            Self::HmacSha256(mac) => Digested::of(&mac.finalize().into_bytes()),
        }
    }
}

/// What a digest came to: 16 or 32 bytes.
struct Digested {
    bytes: [u8; DIGEST_BYTES_MAX],
    length: usize,
}

/// Bytes of the longest of the three digests.
const DIGEST_BYTES_MAX: usize = 32;

impl Digested {
    fn of(bytes: &[u8]) -> Self {
        let mut digested = Self { bytes: [0; DIGEST_BYTES_MAX], length: bytes.len() };
        digested.bytes[..bytes.len()].copy_from_slice(bytes);
        digested
    }

    /// Reads hexadecimal digits of either case.
    fn from_hex(text: &str) -> Option<Self> {
        let pairs = text.as_bytes().chunks_exact(2);
        if pairs.len() > DIGEST_BYTES_MAX || !pairs.remainder().is_empty() {
            return None;
        }
        let mut digested = Self { bytes: [0; DIGEST_BYTES_MAX], length: pairs.len() };
        for (byte, pair) in digested.bytes.iter_mut().zip(pairs) {
            *byte = hex_byte(pair[0], pair[1])?;
        }
        Some(digested)
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

pub(crate) fn upper_hex(bytes: &[u8]) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_in_pieces_is_signed_as_one() {
        let secret = Secret::new("secret");
        let lengths = [0, 1, 63, GATHERED_BYTES - 1, GATHERED_BYTES, GATHERED_BYTES + 1];
        for method in [SignMethod::Md5, SignMethod::Hmac, SignMethod::HmacSha256] {
            for first in lengths {
                for second in lengths {
                    let (first, second) = ("v".repeat(first), "票".repeat(second));
                    let pairs = [("a", first.as_str()), ("bc", &second), ("d", "")];
                    let whole = ["a", &first, "bc", &second, "d", "body"].concat();
                    let expected = secret.sign(method, [], whole.as_bytes());
                    assert_eq!(secret.sign(method, pairs, b"body"), expected);
                }
            }
        }
    }
}
