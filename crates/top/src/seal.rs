//! SM4 sealing of single values, as partners agree it among themselves.
//!
//! The pages say "SM4加密" and nothing more: mode, padding, encoding and the form of the key are a
//! partner's [`Scheme`]. The usual choice, and the default here, is ECB with PKCS#7 in lower-case hex,
//! as Hutool and sm-crypto have it. ECB shows which values are equal; use it on the wire only.

use std::fmt;
use std::str::FromStr;

use aes_gcm::AesGcm;
use aes_gcm::aead::Aead;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cipher::block_padding::{NoPadding, Pkcs7};
use cipher::common::InnerInit;
use cipher::consts::U12;
use cipher::{BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use sm4::Sm4;
use zeroize::Zeroizing;

use crate::form::hex_byte;

/// Bytes of a block, of a key, and of an initialisation vector.
pub const BLOCK_BYTES: usize = 16;
/// Bytes of a GCM nonce.
const NONCE_BYTES: usize = 12;

/// How the blocks are chained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Each by itself.
    #[default]
    Ecb,
    /// CBC from a vector that both sides know.
    CbcFixed([u8; BLOCK_BYTES]),
    /// CBC from a vector that stands before the ciphertext.
    CbcPrefixed,
    /// GCM, its nonce before the ciphertext and its tag after it.
    Gcm,
}

/// How the last block is filled, where the mode needs whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// PKCS#7, which for blocks of 16 bytes some call PKCS#5.
    #[default]
    Pkcs7,
    /// Zero bytes. A value that ends in one does not survive it.
    Zero,
}

/// How the bytes travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Hex digits, written in lower case and read in either.
    #[default]
    Hex,
    /// Hex digits, written in upper case and read in either.
    HexUpper,
    /// Base64 with padding.
    Base64,
}

/// An SM4 key, ready to work with: what follows from its bytes is worked out once.
#[derive(Clone)]
pub struct Key(Sm4);

/// The text is no key of any form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadKey;

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an SM4 key is 32 hex digits, 16 bytes in base64, or 16 characters")
    }
}

impl std::error::Error for BadKey {}

impl FromStr for Key {
    type Err = BadKey;

    /// Reads the three forms that partners hand keys out in; their lengths tell them apart.
    fn from_str(text: &str) -> Result<Self, BadKey> {
        let bytes = match text.len() {
            32 => from_hex(text),
            24 => BASE64.decode(text).ok(),
            BLOCK_BYTES => Some(text.as_bytes().to_vec()),
            _ => None,
        };
        let bytes = Zeroizing::new(bytes.ok_or(BadKey)?);
        Sm4::new_from_slice(&bytes).map(Self).map_err(|_| BadKey)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How values are sealed, the key apart. As text: mode, padding and encoding between slashes, such as
/// `ecb/pkcs7/hex`, `cbc:000102030405060708090a0b0c0d0e0f/pkcs7/base64` or `gcm/pkcs7/hex-upper`; what
/// is left out is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scheme {
    /// How blocks are chained.
    pub mode: Mode,
    /// How the last one is filled.
    pub padding: Padding,
    /// How the bytes travel.
    pub encoding: Encoding,
}

/// The text is no scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadScheme;

impl fmt::Display for BadScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "give MODE/PADDING/ENCODING: ecb, cbc:IV (32 hex digits), cbc-prefixed or gcm; \
             pkcs7 or zero; hex, hex-upper or base64",
        )
    }
}

impl std::error::Error for BadScheme {}

impl FromStr for Scheme {
    type Err = BadScheme;

    fn from_str(text: &str) -> Result<Self, BadScheme> {
        let mut scheme = Self::default();
        let mut parts = text.split('/').peekable();
        scheme.mode = match parts.next() {
            Some("ecb") => Mode::Ecb,
            Some("cbc-prefixed") => Mode::CbcPrefixed,
            Some("gcm") => Mode::Gcm,
            Some(mode) => {
                let iv = mode.strip_prefix("cbc:").and_then(from_hex);
                let iv = iv.and_then(|iv| iv.try_into().ok());
                Mode::CbcFixed(iv.ok_or(BadScheme)?)
            }
            None => return Err(BadScheme),
        };
        if let Some(padding) = parts.next_if(|part| matches!(*part, "pkcs7" | "zero")) {
            scheme.padding = if padding == "zero" { Padding::Zero } else { Padding::Pkcs7 };
        }
        scheme.encoding = match parts.next() {
            None | Some("hex") => Encoding::Hex,
            Some("hex-upper") => Encoding::HexUpper,
            Some("base64") => Encoding::Base64,
            Some(_) => return Err(BadScheme),
        };
        if parts.next().is_some() { Err(BadScheme) } else { Ok(scheme) }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mode {
            Mode::Ecb => f.write_str("ecb")?,
            Mode::CbcFixed(iv) => write!(f, "cbc:{}", to_hex(&iv))?,
            Mode::CbcPrefixed => f.write_str("cbc-prefixed")?,
            Mode::Gcm => f.write_str("gcm")?,
        }
        f.write_str(match self.padding {
            Padding::Pkcs7 => "/pkcs7",
            Padding::Zero => "/zero",
        })?;
        f.write_str(match self.encoding {
            Encoding::Hex => "/hex",
            Encoding::HexUpper => "/hex-upper",
            Encoding::Base64 => "/base64",
        })
    }
}

/// A partner's way of sealing.
#[derive(Debug, Clone)]
pub struct Sealing {
    /// The key.
    pub key: Key,
    /// What is done with it.
    pub scheme: Scheme,
}

/// The text does not open: another key, mode, padding or encoding, or damage. It says no more, since
/// whoever could ask which would learn the plaintext byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoesNotOpen;

impl fmt::Display for DoesNotOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("does not open under this SM4 setting")
    }
}

impl std::error::Error for DoesNotOpen {}

impl Sealing {
    /// Seals a value. `fresh` is random, new for every value, and used where the mode needs it.
    pub fn seal(&self, clear: &str, fresh: [u8; BLOCK_BYTES]) -> String {
        let (clear, cipher) = (clear.as_bytes(), self.key.0.clone());
        let bytes = match self.scheme.mode {
            Mode::Ecb => self.pad(ecb::Encryptor::inner_init(cipher), clear),
            Mode::CbcFixed(iv) => {
                self.pad(cbc::Encryptor::inner_iv_init(cipher, &iv.into()), clear)
            }
            Mode::CbcPrefixed => {
                let sealed = self.pad(cbc::Encryptor::inner_iv_init(cipher, &fresh.into()), clear);
                [fresh.as_slice(), &sealed].concat()
            }
            Mode::Gcm => {
                let nonce = &fresh[..NONCE_BYTES];
                let nonce_array = nonce.try_into().expect("12 bytes are a nonce");
                let sealed = AesGcm::<Sm4, U12>::from(cipher).encrypt(nonce_array, clear);
                [nonce, &sealed.expect("a value is far below GCM's 64 GiB")].concat()
            }
        };
        match self.scheme.encoding {
            Encoding::Hex => to_hex(&bytes),
            Encoding::HexUpper => to_hex(&bytes).to_uppercase(),
            Encoding::Base64 => BASE64.encode(bytes),
        }
    }

    fn pad(&self, mode: impl BlockModeEncrypt, clear: &[u8]) -> Vec<u8> {
        match self.scheme.padding {
            Padding::Pkcs7 => mode.encrypt_padded_vec::<Pkcs7>(clear),
            Padding::Zero => {
                let mut whole = clear.to_vec();
                whole.resize(clear.len().next_multiple_of(BLOCK_BYTES), 0);
                mode.encrypt_padded_vec::<NoPadding>(&whole)
            }
        }
    }

    /// Whether a text has the form of a sealed value, whatever key it may be under: letters and digits
    /// of the encoding only, and as many as a whole block has at least.
    pub fn has_form(&self, text: &str) -> bool {
        let (least, is_digit): (usize, fn(u8) -> bool) = match self.scheme.encoding {
            Encoding::Hex | Encoding::HexUpper => (2 * BLOCK_BYTES, |b| b.is_ascii_hexdigit()),
            Encoding::Base64 => {
                (BLOCK_BYTES * 4 / 3, |b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
            }
        };
        text.len() >= least && text.bytes().all(is_digit)
    }

    /// Opens a value.
    ///
    /// # Errors
    /// It does not open, or to something that is not UTF-8.
    pub fn open(&self, sealed: &str) -> Result<String, DoesNotOpen> {
        let bytes = match self.scheme.encoding {
            Encoding::Hex | Encoding::HexUpper => from_hex(sealed),
            Encoding::Base64 => BASE64.decode(sealed).ok(),
        };
        let mut bytes = bytes.ok_or(DoesNotOpen)?;
        let cipher = self.key.0.clone();
        let clear = match self.scheme.mode {
            Mode::Ecb => self.unpad(ecb::Decryptor::inner_init(cipher), bytes)?,
            Mode::CbcFixed(iv) => {
                self.unpad(cbc::Decryptor::inner_iv_init(cipher, &iv.into()), bytes)?
            }
            Mode::CbcPrefixed => {
                let iv = *bytes.first_chunk::<BLOCK_BYTES>().ok_or(DoesNotOpen)?;
                bytes.drain(..BLOCK_BYTES);
                self.unpad(cbc::Decryptor::inner_iv_init(cipher, &iv.into()), bytes)?
            }
            Mode::Gcm => {
                let (nonce, rest) = bytes.split_at_checked(NONCE_BYTES).ok_or(DoesNotOpen)?;
                let nonce = nonce.try_into().map_err(|_| DoesNotOpen)?;
                let opened = AesGcm::<Sm4, U12>::from(cipher).decrypt(nonce, rest);
                opened.map_err(|_| DoesNotOpen)?
            }
        };
        String::from_utf8(clear).map_err(|_| DoesNotOpen)
    }

    /// What was sealed, in its own place.
    fn unpad(
        &self,
        mode: impl BlockModeDecrypt,
        mut bytes: Vec<u8>,
    ) -> Result<Vec<u8>, DoesNotOpen> {
        let clear = match self.scheme.padding {
            Padding::Pkcs7 => mode.decrypt_padded::<Pkcs7>(&mut bytes),
            Padding::Zero => mode.decrypt_padded::<NoPadding>(&mut bytes),
        };
        let clear = clear.map_err(|_| DoesNotOpen)?;
        let length = match self.scheme.padding {
            Padding::Pkcs7 => clear.len(),
            Padding::Zero => clear.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1),
        };
        bytes.truncate(length);
        Ok(bytes)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Reads hex digits of either case; `None` where there is something else among them, or one too few.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let (pairs, _) = digits.as_chunks();
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(hex_byte(*high, *low)?);
    }
    Some(bytes)
}
