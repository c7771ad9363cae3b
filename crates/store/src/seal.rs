//! Sealing: personal data leaves the process only as ciphertext bound to its place.
//!
//! AES-256-GCM with a key for each place (kind, owner, id) derived from the operator's, a random nonce
//! per value, and the place and JSON path as associated data: a value copied to another row or field
//! does not open, and no key ever seals so many values that a random nonce might repeat.

use std::fmt;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use domain::pii::MARK;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use serde_json::{Map, Value};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Error, Place};

/// The name under which a sealed value stands in a stored document.
const SEALED: &str = "$sealed";
/// Bytes of a GCM nonce.
const NONCE_BYTES: usize = 12;
/// Bytes of the operator's key.
const KEY_BYTES: usize = 32;

/// The operator's key: 64 hex digits.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealing key must be 64 hex digits")]
pub struct BadKey;

impl Key {
    /// A new random key.
    ///
    /// # Panics
    /// The operating system has no randomness to give, which leaves nothing safe to do.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        fill_random(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The key as 64 hex digits, for the one file that holds it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl std::str::FromStr for Key {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let text = text.trim().as_bytes();
        if text.len() != KEY_BYTES * 2 {
            return Err(BadKey);
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(BadKey);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Seals and opens the personal data of documents.
pub struct Sealer {
    derive: Hkdf<Sha256>,
    hash_key: Zeroizing<[u8; KEY_BYTES]>,
    key_id: String,
}

impl Sealer {
    /// A sealer whose working keys are derived from the operator's.
    pub fn new(key: &Key) -> Self {
        let derive = Hkdf::<Sha256>::new(None, key.0.as_slice());
        let key_id = expand(&derive, "tripwright key id 1");
        let key_id = key_id[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let hash_key = expand(&derive, "tripwright look-up hash 1");
        Self { derive, hash_key, key_id }
    }

    fn cipher(&self, place: &Place<'_>) -> Aes256Gcm {
        let purpose = format!("tripwright document sealing 1 {}", associated_data(place, ""));
        let key = expand(&self.derive, &purpose);
        Aes256Gcm::new(key.as_slice().try_into().expect("32 bytes are a key"))
    }

    /// A short name for the key that says nothing about it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// A keyed hash for look-ups by a value that is only stored sealed.
    pub fn keyed_hash(&self, value: &str) -> Vec<u8> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.hash_key.as_slice())
            .expect("HMAC takes a key of any length");
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Replaces every marked value of the tree by its sealed form.
    pub(crate) fn seal(&self, place: &Place<'_>, tree: &mut Value) -> Result<(), Error> {
        walk(tree, SEALED, &mut String::new(), &mut |_, _| {
            Err(Error::Unsealable("it has a member called $sealed"))
        })?;
        let cipher = self.cipher(place);
        walk(tree, MARK, &mut String::new(), &mut |path, value| {
            let Value::String(clear) = value else {
                return Err(Error::Unsealable("a marked value is not a text"));
            };
            let clear = Zeroizing::new(clear);
            let mut nonce = [0; NONCE_BYTES];
            fill_random(&mut nonce);
            let aad = associated_data(place, path);
            let payload = Payload { msg: clear.as_bytes(), aad: aad.as_bytes() };
            let ciphertext = cipher
                .encrypt(&Nonce::from(nonce), payload)
                .expect("a value is far below GCM's 64 GiB");
            let mut bytes = nonce.to_vec();
            bytes.extend(ciphertext);
            let sealed = format!("v1.{}.{}", self.key_id, BASE64.encode(bytes));
            Ok(single(SEALED, Value::String(sealed)))
        })
    }

    /// Replaces every sealed value of the tree by its marked clear form.
    pub(crate) fn open(&self, place: &Place<'_>, tree: &mut Value) -> Result<(), Error> {
        let cipher = self.cipher(place);
        walk(tree, SEALED, &mut String::new(), &mut |path, value| {
            let broken = || Error::Sealed(format!("{}{path}", place.kind));
            let sealed = value.as_str().ok_or_else(broken)?;
            let rest = sealed.strip_prefix("v1.").ok_or_else(broken)?;
            let (key_id, text) = rest.split_once('.').ok_or_else(broken)?;
            let bytes = BASE64.decode(text).map_err(|_| broken())?;
            if key_id != self.key_id || bytes.len() < NONCE_BYTES {
                return Err(broken());
            }
            let (nonce, ciphertext) = bytes.split_at(NONCE_BYTES);
            let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| broken())?;
            let aad = associated_data(place, path);
            let payload = Payload { msg: ciphertext, aad: aad.as_bytes() };
            let clear = cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| broken())?;
            let clear = String::from_utf8(clear).map_err(|_| broken())?;
            Ok(single(MARK, Value::String(clear)))
        })
    }
}

fn expand(derive: &Hkdf<Sha256>, purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    derive
        .expand(purpose.as_bytes(), bytes.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8160 bytes");
    bytes
}

/// Lengths first, so that no two places read the same.
fn associated_data(place: &Place<'_>, path: &str) -> String {
    let Place { kind, owner, id } = place;
    format!("{}:{}:{}:{kind}{owner}{id}{path}", kind.len(), owner.len(), id.len())
}

fn single(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

/// Replaces every `{name: value}` of the tree by what `replace` makes of the value and its path.
fn walk(
    tree: &mut Value,
    name: &str,
    path: &mut String,
    replace: &mut impl FnMut(&str, Value) -> Result<Value, Error>,
) -> Result<(), Error> {
    match tree {
        Value::Object(members) if members.len() == 1 && members.contains_key(name) => {
            let value = members.remove(name).unwrap_or_default();
            *tree = replace(path, value)?;
        }
        Value::Object(members) => {
            for (member, child) in members {
                step(path, member, |path| walk(child, name, path, replace))?;
            }
        }
        Value::Array(elements) => {
            for (at, child) in elements.iter_mut().enumerate() {
                step(path, &at.to_string(), |path| walk(child, name, path, replace))?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn step<T>(path: &mut String, name: &str, inside: impl FnOnce(&mut String) -> T) -> T {
    let before = path.len();
    path.push('/');
    // As in a JSON pointer, so that no two paths read the same.
    path.push_str(&name.replace('~', "~0").replace('/', "~1"));
    let result = inside(path);
    path.truncate(before);
    result
}

/// Nonces and keys never come from a seedable source: a repeated nonce gives the plaintext away.
fn fill_random(bytes: &mut [u8]) {
    SysRng.try_fill_bytes(bytes).expect("the operating system gives randomness");
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { kind: "flight", owner: "test/corp001", id: "d-1" };

    fn sealed(sealer: &Sealer) -> Value {
        let mut tree = serde_json::json!({
            "travellers": [{"name": {"$pii": "张三"}}, {"name": {"$pii": "李四"}}],
            "plain": "kept",
        });
        sealer.seal(&PLACE, &mut tree).unwrap();
        tree
    }

    fn sealer() -> Sealer {
        Sealer::new(&"00".repeat(32).parse().unwrap())
    }

    #[test]
    fn a_sealed_document_shows_nothing_and_opens_to_what_it_was() {
        let mut tree = sealed(&sealer());
        assert!(!tree.to_string().contains("张三"));
        assert_eq!(tree["plain"], "kept");
        sealer().open(&PLACE, &mut tree).unwrap();
        assert_eq!(tree["travellers"][0]["name"]["$pii"], "张三");
    }

    #[test]
    fn a_value_opens_only_with_its_key_and_in_its_place() {
        let other = Sealer::new(&Key::generate());
        assert!(other.open(&PLACE, &mut sealed(&sealer())).is_err());

        let elsewhere = Place { id: "d-2", ..PLACE };
        assert!(sealer().open(&elsewhere, &mut sealed(&sealer())).is_err());

        let mut swapped = sealed(&sealer());
        let first = swapped["travellers"][0].take();
        swapped["travellers"][0] = swapped["travellers"][1].take();
        swapped["travellers"][1] = first;
        assert!(sealer().open(&PLACE, &mut swapped).is_err());

        let mut cut = sealed(&sealer());
        let name = &mut cut["travellers"][0]["name"][SEALED];
        let shorter = name.as_str().unwrap()[..30].to_owned();
        *name = Value::String(shorter);
        assert!(sealer().open(&PLACE, &mut cut).is_err());
    }

    #[test]
    fn what_cannot_be_sealed_is_refused_and_not_written_in_the_clear() {
        for mut tree in [
            serde_json::json!({"born": {"$pii": 19900101}}),
            serde_json::json!({"who": {"$pii": {"name": "张三"}}}),
            serde_json::json!({"exts": {"$sealed": "v1.x.y"}}),
        ] {
            assert!(sealer().seal(&PLACE, &mut tree).is_err(), "{tree}");
        }
    }

    #[test]
    fn the_same_value_never_seals_to_the_same_text() {
        assert_ne!(sealed(&sealer()), sealed(&sealer()));
    }

    #[test]
    fn a_key_is_64_hex_digits_and_nothing_else() {
        assert!("0".repeat(63).parse::<Key>().is_err());
        assert!("g".repeat(64).parse::<Key>().is_err());
        let key = Key::generate();
        assert_eq!(key.to_hex().parse::<Key>().unwrap().0, key.0);
        assert_eq!(format!("{key:?}"), "***");
    }
}
