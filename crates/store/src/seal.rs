//! Sealing: personal data leaves the process only as ciphertext bound to its place.
//!
//! AES-256-GCM with a key for each place (kind, owner, id) derived from one of the database's keys, a
//! random nonce per value, and the place and JSON path as associated data: a value copied to another
//! row or field does not open, and no key ever seals so many values that a random nonce might repeat.
//!
//! The database's keys are random and kept in it, wrapped by the operator's. So a new one can be made
//! while many gateways serve, and the operator's key be replaced without any of them standing still.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{Aead, AeadInOut, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use domain::pii::{MARK, Trait, after, is_mark};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::TryRng;
use rand::rngs::SysRng;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::rewrite::{Replace, Steps, Stopped, rewrite};
use crate::{Clear, Error, Place};

/// The name under which a sealed value stands in a stored document.
const SEALED: &str = "$sealed";
/// Bytes of a GCM nonce.
const NONCE_BYTES: usize = 12;
/// Bytes of its tag.
const TAG_BYTES: usize = 16;
/// Bytes kept of the hash that a person's orders are found by: no two people share 128 bits.
const PERSON_BYTES: usize = 16;
/// Bytes of a key.
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

    /// A short name for the key that says nothing about it.
    pub fn id(&self) -> String {
        let derive = Hkdf::<Sha256>::new(None, self.0.as_slice());
        let id = expand(&derive, &[b"tripwright key id 1"]);
        crate::hex(&id[..4])
    }

    /// The key as 64 hex digits, for the one file that holds it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(crate::hex(self.0.as_slice()))
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

/// Seals and opens the personal data of documents, with keys that the operator's key wraps.
pub struct Sealer {
    wrapper: Wrapper,
    ring: RwLock<Arc<Ring>>,
}

/// Whether every operator's key among these opens every key, and no serial means two keys. As long as
/// that holds, no operator's key is ever missed: each opens everything.
pub(crate) fn is_whole(keys: &[WrappedKey]) -> bool {
    let wrappers: BTreeSet<_> = keys.iter().map(|key| key.wrapped_by.as_str()).collect();
    let named: BTreeSet<_> = keys.iter().map(|key| (key.serial, key.name.as_str())).collect();
    let serials: BTreeSet<_> = keys.iter().map(|key| key.serial).collect();
    let kept: BTreeSet<_> = keys.iter().map(|key| (key.wrapped_by.as_str(), key.serial)).collect();
    named.len() == serials.len()
        && kept.len() == keys.len()
        && keys.len() == wrappers.len() * serials.len()
}

/// A key as it is kept: wrapped by an operator's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrappedKey {
    /// [`HASH_SERIAL`], or its turn among those that seal.
    pub serial: i64,
    /// The id of the operator's key that wraps it.
    pub wrapped_by: String,
    /// Its own id.
    pub name: String,
    /// The wrapped key.
    pub wrapped: String,
}

/// The serial of the key that look-ups are hashed with.
pub(crate) const HASH_SERIAL: i64 = 0;

/// An operator's key at work.
struct Wrapper {
    id: String,
    cipher: Aes256Gcm,
}

impl Wrapper {
    fn new(key: &Key) -> Self {
        let derive = Hkdf::<Sha256>::new(None, key.0.as_slice());
        let wrapping = expand(&derive, &[b"tripwright key wrapping 1"]);
        Self { id: key.id(), cipher: cipher(&wrapping) }
    }

    fn wrap(&self, serial: i64, name: &str, key: &Key) -> WrappedKey {
        let (nonce, bound_to) = (Nonces::default().next(), format!("{serial}:{name}"));
        let sealed = encrypt(&self.cipher, nonce, key.0.as_slice(), &bound_to);
        let (wrapped_by, name, wrapped) = (self.id.clone(), name.to_owned(), BASE64.encode(sealed));
        WrappedKey { serial, wrapped_by, name, wrapped }
    }

    fn unwrap(&self, key: &WrappedKey) -> Option<Key> {
        let mut bytes = Clear(BASE64.decode(&key.wrapped).ok()?);
        let aad = format!("{}:{}", key.serial, key.name);
        let clear = decrypt(&self.cipher, &mut bytes, &aad)?;
        Some(Key(Zeroizing::new(clear.try_into().ok()?)))
    }
}

/// The keys of a database, unwrapped.
struct Ring {
    hash: Key,
    /// What every hash begins with.
    mac: Hmac<Sha256>,
    /// By serial: the last one seals.
    seals: BTreeMap<i64, Arc<DataKey>>,
}

/// A key that seals documents.
struct DataKey {
    id: String,
    /// What every value begins with that it has sealed.
    prefix: String,
    key: Key,
    derive: Hkdf<Sha256>,
}

impl DataKey {
    fn new(id: String, key: Key) -> Arc<Self> {
        let derive = Hkdf::<Sha256>::new(None, key.0.as_slice());
        let prefix = format!("v1.{id}.");
        Arc::new(Self { id, prefix, key, derive })
    }

    /// Seals and opens what is bound to a place.
    fn cipher(&self, place: &str) -> Aes256Gcm {
        cipher(&expand(&self.derive, &[b"tripwright document sealing 1 ", place.as_bytes()]))
    }
}

impl Ring {
    fn sealing(&self) -> Arc<DataKey> {
        let (_, newest) = self.seals.last_key_value().expect("a ring has a key");
        Arc::clone(newest)
    }

    fn named(&self, id: &str) -> Option<&DataKey> {
        self.seals.values().find(|key| key.id == id).map(Deref::deref)
    }
}

/// The first keys of a database. One that is from before keys were wrapped was sealed with the
/// operator's key itself, whose id is `sealed_with`.
pub(crate) fn first_keys(key: &Key, sealed_with: Option<&str>) -> Vec<WrappedKey> {
    let wrapper = Wrapper::new(key);
    let derive = Hkdf::<Sha256>::new(None, key.0.as_slice());
    let (hash, first) = match sealed_with {
        Some(_) => (Key(expand(&derive, &[b"tripwright look-up hash 1"])), key.clone()),
        None => (Key::generate(), Key::generate()),
    };
    vec![
        wrapper.wrap(HASH_SERIAL, "hash", &hash),
        wrapper.wrap(HASH_SERIAL + 1, &sealed_with.map_or(first.id(), str::to_owned), &first),
    ]
}

impl Sealer {
    /// A sealer with the keys of a database.
    ///
    /// # Errors
    /// The operator's key does not open them.
    pub(crate) fn new(key: &Key, kept: &[WrappedKey]) -> Result<Self, Error> {
        let wrapper = Wrapper::new(key);
        let ring = RwLock::new(Arc::new(unwrap(&wrapper, kept)?));
        Ok(Self { wrapper, ring })
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up the keys that the database has now.
    ///
    /// # Errors
    /// The operator's key does not open them any more.
    pub(crate) fn take_up(&self, kept: &[WrappedKey]) -> Result<(), Error> {
        let ring = Arc::new(unwrap(&self.wrapper, kept)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// A new key to seal with, and all keys wrapped by `next` as well, when the operator's own is to
    /// be replaced by another.
    pub(crate) fn next_keys(&self, next: Option<&Key>) -> Vec<WrappedKey> {
        let ring = self.ring();
        let newest = ring.seals.last_key_value().map_or(HASH_SERIAL, |(serial, _)| *serial);
        let fresh = Key::generate();
        let mut kept = vec![self.wrapper.wrap(newest + 1, &fresh.id(), &fresh)];
        if let Some(next) = next.map(Wrapper::new) {
            kept.push(next.wrap(HASH_SERIAL, "hash", &ring.hash));
            let seals = ring.seals.iter();
            kept.extend(seals.map(|(serial, key)| next.wrap(*serial, &key.id, &key.key)));
            kept.push(next.wrap(newest + 1, &fresh.id(), &fresh));
        }
        kept
    }

    /// The id of the operator's key.
    pub(crate) fn wrapper_id(&self) -> &str {
        &self.wrapper.id
    }

    /// Whether something in a document, as it is stored, was sealed with another key than the newest.
    pub(crate) fn is_outdated(&self, place: &Place<'_>, json: &[u8]) -> Result<bool, Error> {
        let ring = self.ring();
        let mut looking = Looking { newest: ring.sealing().prefix.clone(), found: false };
        rewritten(place, None, json, &mut looking)?;
        Ok(looking.found)
    }

    /// Whether a document may have something sealed with another key than the newest: quick, and never wrong
    /// when it says no.
    pub(crate) fn may_be_outdated(&self, json: &[u8]) -> bool {
        const SEALED_VALUE: &[u8] = b":\"v1.";
        let ring = self.ring();
        let newest = ring.sealing();
        memchr::memmem::find_iter(json, SEALED_VALUE)
            .any(|at| !json[at + 2..].starts_with(newest.prefix.as_bytes()))
    }

    /// A keyed hash of a text, given in pieces, for look-ups by a value that is only stored sealed. Where one piece ends does
    /// not count.
    pub fn keyed_hash(&self, pieces: &[&str]) -> Vec<u8> {
        hash(&self.ring(), pieces)
    }

    /// Replaces every marked value of a document, or of one member of it, by its sealed form. Returns what people's orders are
    /// found by, as far as it was not among what was `opened` before: that, where it has not changed,
    /// keeps its seal.
    ///
    /// # Errors
    /// The document has what must not be sealed so.
    pub(crate) fn seal(
        &self,
        place: &Place<'_>,
        member: Option<&'static str>,
        json: &[u8],
        opened: &Opened,
    ) -> Result<(Vec<u8>, BTreeSet<Vec<u8>>), Error> {
        let ring = self.ring();
        let key = ring.sealing();
        let mut sealing = Sealing {
            ring: &ring,
            key: &key,
            cipher: None,
            opened,
            next: 0,
            nonces: Nonces::default(),
            bound: Bound::to(place),
            people: BTreeSet::new(),
        };
        let sealed = rewritten(place, member, json, &mut sealing)?;
        Ok((sealed, sealing.people))
    }

    /// Replaces every sealed value by its marked clear form, but for what is passed over. Adds each to `opened`, for
    /// whoever is going to seal the document again.
    ///
    /// # Errors
    /// A value is broken, or sealed with a key that is not known here, or not yet.
    pub(crate) fn open(
        &self,
        place: &Place<'_>,
        Asked { member, without }: Asked,
        json: &[u8],
        opened: Option<&mut Opened>,
    ) -> Result<Vec<u8>, Error> {
        let ring = self.ring();
        let mut opening =
            Opening { ring: &ring, place, without, last: None, opened, bound: Bound::to(place) };
        if let Some(opened) = opening.opened.as_mut() {
            opened.0.clear();
        }
        rewritten(place, member, json, &mut opening)
    }

    /// What the orders of a person are found by.
    pub(crate) fn person(&self, found_by: Trait, value: &str) -> Vec<u8> {
        person_hash(&self.ring(), found_by, value)
    }
}

fn unwrap(wrapper: &Wrapper, kept: &[WrappedKey]) -> Result<Ring, Error> {
    let ours = kept.iter().filter(|key| key.wrapped_by == wrapper.id);
    let mut hash = None;
    let mut seals = BTreeMap::new();
    for kept in ours {
        let key = wrapper.unwrap(kept).ok_or_else(|| Error::Sealed(kept.name.clone()))?;
        if kept.serial == HASH_SERIAL {
            hash = Some(key);
        } else {
            seals.insert(kept.serial, DataKey::new(kept.name.clone(), key));
        }
    }
    let ring = hash.filter(|_| !seals.is_empty()).map(|hash| {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(hash.0.as_slice());
        Ring { hash, mac: mac.expect("HMAC takes a key of any length"), seals }
    });
    ring.ok_or_else(|| {
        let expected: BTreeSet<_> = kept.iter().map(|key| key.wrapped_by.as_str()).collect();
        let expected = expected.into_iter().collect::<Vec<_>>().join(" or ");
        Error::OtherKey { expected, given: wrapper.id.clone() }
    })
}

/// What is opened of a document: all of it, as long as nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Asked {
    /// The member that the text is.
    pub member: Option<&'static str>,
    /// The members, of whatever object, that are passed over.
    pub without: &'static [&'static str],
}

/// What was sealed in a document, in the order in which it stood there.
#[derive(Default)]
pub(crate) struct Opened(Vec<OpenedValue>);

impl Opened {
    /// What stood at a path. `next` is where it probably is: the order rarely changes.
    fn at(&self, next: &mut usize, path: &str) -> Option<&OpenedValue> {
        if self.0.get(*next).is_none_or(|value| value.path != path) {
            *next = self.0.iter().position(|value| value.path == path)?;
        }
        *next += 1;
        self.0.get(*next - 1)
    }
}

struct OpenedValue {
    /// Where it stood, as a JSON pointer.
    path: String,
    found_by: String,
    clear: Zeroizing<String>,
    sealed: String,
}

fn rewritten<R: Replace<Error = Error>>(
    place: &Place<'_>,
    member: Option<&'static str>,
    json: &[u8],
    by: &mut R,
) -> Result<Vec<u8>, Error> {
    rewrite(json, member, by).map_err(|stopped| match stopped {
        Stopped::Refused(error) => error,
        Stopped::NotJson => {
            place.unreadable(serde::de::Error::custom("the document is not JSON of ours"))
        }
    })
}

/// Seals what is marked.
struct Sealing<'s> {
    ring: &'s Ring,
    key: &'s DataKey,
    /// Made when first needed: often nothing that is sealed has changed.
    cipher: Option<Aes256Gcm>,
    opened: &'s Opened,
    /// Which of what was opened probably comes next.
    next: usize,
    nonces: Nonces,
    bound: Bound,
    people: BTreeSet<Vec<u8>>,
}

impl Replace for Sealing<'_> {
    type Error = Error;

    const NAME: &'static str = MARK;

    // The JSON library has just written it, or whoever has it sealed anew has had it looked at.
    const TO_THE_END: bool = false;

    const IS_CLEAR: bool = false;

    fn replace(
        &mut self,
        steps: &Steps<'_>,
        found_by: &str,
        text: Option<Cow<'_, str>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let clear = text.ok_or(Error::Unsealable("a marked value is not a text"))?;
        self.bound.go_to(steps);
        push_name(out, SEALED, found_by);
        out.push(b'"');
        let before = self.opened.at(&mut self.next, self.bound.path());
        let kept = before.filter(|before| {
            before.found_by == found_by
                && *before.clear == *clear
                && before.sealed.starts_with(&self.key.prefix)
        });
        if let Some(kept) = kept {
            out.extend_from_slice(kept.sealed.as_bytes());
        } else {
            self.people.extend(person(self.ring, found_by, &clear));
            let cipher = self.cipher.get_or_insert_with(|| self.key.cipher(self.bound.place()));
            let nonce = self.nonces.next();
            let bytes = encrypt(cipher, nonce, clear.as_bytes(), &self.bound.text);
            out.extend_from_slice(self.key.prefix.as_bytes());
            out.extend_from_slice(BASE64.encode(bytes).as_bytes());
        }
        out.extend_from_slice(b"\"}");
        // What was copied out of its quotes is a copy that nobody else wipes.
        if let Cow::Owned(mut clear) = clear {
            clear.zeroize();
        }
        Ok(())
    }

    fn look_at(&mut self, name: &str) -> Result<(), Error> {
        if after(SEALED, name).is_some() {
            return Err(Error::Unsealable("it has a member called $sealed"));
        }
        if is_mark(name) {
            return Err(Error::Unsealable("a mark stands beside other members"));
        }
        Ok(())
    }
}

/// Opens what is sealed.
struct Opening<'s> {
    ring: &'s Ring,
    place: &'s Place<'s>,
    without: &'static [&'static str],
    /// The key of the value before: nearly always all values of a document have one.
    last: Option<(&'s DataKey, Aes256Gcm)>,
    opened: Option<&'s mut Opened>,
    bound: Bound,
}

impl Replace for Opening<'_> {
    type Error = Error;

    const NAME: &'static str = SEALED;

    // Whoever opens it reads it.
    const TO_THE_END: bool = false;

    const IS_CLEAR: bool = true;

    fn leaves_out(&self, name: &[u8]) -> bool {
        self.without.iter().any(|left_out| left_out.as_bytes() == name)
    }

    fn replace(
        &mut self,
        steps: &Steps<'_>,
        found_by: &str,
        text: Option<Cow<'_, str>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let place = self.place;
        self.bound.go_to(steps);
        let path = self.bound.path();
        let broken = || Error::Sealed(format!("{} {} {}{path}", place.kind, place.owner, place.id));
        let sealed = text.ok_or_else(broken)?;
        let rest = sealed.strip_prefix("v1.").ok_or_else(broken)?;
        let (key_id, value) = rest.split_once('.').ok_or_else(broken)?;
        if self.last.as_ref().is_none_or(|(key, _)| key.id != key_id) {
            let key = self.ring.named(key_id);
            let key = key.ok_or_else(|| Error::UnknownKey(key_id.to_owned()))?;
            self.last = Some((key, key.cipher(self.bound.place())));
        }
        let (_, cipher) = self.last.as_ref().ok_or_else(broken)?;
        let mut bytes = Clear(BASE64.decode(value).map_err(|_| broken())?);
        let clear = decrypt(cipher, &mut bytes, &self.bound.text).ok_or_else(broken)?;
        let clear = std::str::from_utf8(clear).map_err(|_| broken())?;
        push_name(out, MARK, found_by);
        serde_json::to_writer(&mut *out, clear).map_err(|_| broken())?;
        out.push(b'}');
        if let Some(opened) = self.opened.as_mut() {
            let (path, found_by) = (path.to_owned(), found_by.to_owned());
            let clear = Zeroizing::new(clear.to_owned());
            opened.0.push(OpenedValue { path, found_by, clear, sealed: sealed.into_owned() });
        }
        Ok(())
    }
}

/// Looks for what is sealed with another key than the newest.
struct Looking {
    newest: String,
    found: bool,
}

impl Replace for Looking {
    type Error = Error;

    const NAME: &'static str = SEALED;

    const TO_THE_END: bool = true;

    const IS_CLEAR: bool = false;

    fn replace(
        &mut self,
        _: &Steps<'_>,
        _: &str,
        text: Option<Cow<'_, str>>,
        _: &mut Vec<u8>,
    ) -> Result<(), Error> {
        // What is no text is for whoever opens it to complain about.
        self.found |= text.is_none_or(|text| !text.starts_with(&self.newest));
        Ok(())
    }
}

/// Writes `{"name:found_by":`.
fn push_name(out: &mut Vec<u8>, name: &str, found_by: &str) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    if !found_by.is_empty() {
        out.push(b':');
        out.extend_from_slice(found_by.as_bytes());
    }
    out.extend_from_slice(b"\":");
}

fn person(ring: &Ring, found_by: &str, value: &str) -> Option<Vec<u8>> {
    Trait::named(found_by).map(|found_by| person_hash(ring, found_by, value))
}

fn person_hash(ring: &Ring, found_by: Trait, value: &str) -> Vec<u8> {
    let value = Zeroizing::new(format!("{}:{}", found_by.name(), found_by.canonical(value)));
    let mut hash = hash(ring, &[&value]);
    hash.truncate(PERSON_BYTES);
    hash
}

fn hash(ring: &Ring, pieces: &[&str]) -> Vec<u8> {
    let mut mac = ring.mac.clone();
    for piece in pieces {
        mac.update(piece.as_bytes());
    }
    mac.finalize().into_bytes().to_vec()
}

fn cipher(key: &[u8; KEY_BYTES]) -> Aes256Gcm {
    Aes256Gcm::new(key.as_slice().try_into().expect("32 bytes are a key"))
}

/// The nonce, the ciphertext and its tag.
fn encrypt(cipher: &Aes256Gcm, nonce: [u8; NONCE_BYTES], clear: &[u8], aad: &str) -> Vec<u8> {
    let payload = Payload { msg: clear, aad: aad.as_bytes() };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload);
    [nonce.as_slice(), &sealed.expect("a value is far below GCM's 64 GiB")].concat()
}

/// What a nonce, a ciphertext and its tag say, in place of the ciphertext.
fn decrypt<'b>(cipher: &Aes256Gcm, bytes: &'b mut [u8], aad: &str) -> Option<&'b [u8]> {
    let (nonce, sealed) = bytes.split_first_chunk_mut::<NONCE_BYTES>()?;
    let (text, tag) = sealed.split_last_chunk_mut::<TAG_BYTES>()?;
    let (nonce, tag) = (Nonce::from(*nonce), Tag::from(*tag));
    let place = InOutBuf::from(&mut *text);
    cipher.decrypt_inout_detached(&nonce, aad.as_bytes(), place, &tag).ok()?;
    Some(text)
}

/// A key for a purpose, which may be told in parts.
fn expand(derive: &Hkdf<Sha256>, purpose: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    derive
        .expand_multi_info(purpose, bytes.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8160 bytes");
    bytes
}

/// Room for what nearly every value is bound to.
const BOUND_BYTES: usize = 128;

/// What a value is bound to, so that it opens nowhere else: the document's place, and the value's in it.
struct Bound {
    text: String,
    /// Where the path in the document begins.
    path: usize,
}

impl Bound {
    /// Lengths first, so that no two places read the same.
    fn to(place: &Place<'_>) -> Self {
        let Place { kind, owner, id } = place;
        let mut text = String::with_capacity(BOUND_BYTES);
        for part in [kind, owner, id] {
            text.push_str(itoa::Buffer::new().format(part.len()));
            text.push(':');
        }
        text.extend([*kind, owner, id]);
        Self { path: text.len(), text }
    }

    fn go_to(&mut self, steps: &Steps<'_>) {
        self.text.truncate(self.path);
        steps.push_to(&mut self.text);
    }

    /// The document's place.
    fn place(&self) -> &str {
        &self.text[..self.path]
    }

    fn path(&self) -> &str {
        &self.text[self.path..]
    }
}

/// Nonces, fetched from the system several at a time.
#[derive(Default)]
struct Nonces {
    fetched: [[u8; NONCE_BYTES]; NONCES_AT_ONCE],
    left: usize,
}

/// As many as two travellers with a document and a telephone number need, and a few.
const NONCES_AT_ONCE: usize = 8;

impl Nonces {
    fn next(&mut self) -> [u8; NONCE_BYTES] {
        if self.left == 0 {
            fill_random(self.fetched.as_flattened_mut());
            self.left = NONCES_AT_ONCE;
        }
        self.left -= 1;
        self.fetched[self.left]
    }
}

/// Nonces and keys never come from a seedable source: a repeated nonce gives the plaintext away.
fn fill_random(bytes: &mut [u8]) {
    SysRng.try_fill_bytes(bytes).expect("the operating system gives randomness");
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const PLACE: Place<'_> = Place { kind: "flight", owner: "test/corp001", id: "d-1" };

    fn sealed(sealer: &Sealer) -> Value {
        let tree = serde_json::json!({
            "travellers": [{"name": {"$pii": "张三"}}, {"name": {"$pii": "李四"}}],
            "plain": "kept",
        });
        let json = tree.to_string();
        let (sealed, _) = sealer.seal(&PLACE, None, json.as_bytes(), &Opened::default()).unwrap();
        serde_json::from_slice(&sealed).unwrap()
    }

    fn open(sealer: &Sealer, place: &Place<'_>, sealed: &Value) -> Result<Value, Error> {
        let opened = sealer.open(place, Asked::default(), sealed.to_string().as_bytes(), None)?;
        Ok(serde_json::from_slice(&opened).unwrap())
    }

    fn operators() -> Key {
        "00".repeat(32).parse().unwrap()
    }

    /// As of a database from before keys were wrapped, so that it is the same every time.
    fn sealer() -> Sealer {
        let key = operators();
        Sealer::new(&key, &first_keys(&key, Some(&key.id()))).unwrap()
    }

    #[test]
    fn a_sealed_document_shows_nothing_and_opens_to_what_it_was() {
        let tree = sealed(&sealer());
        assert!(!tree.to_string().contains("张三"));
        assert_eq!(tree["plain"], "kept");
        let tree = open(&sealer(), &PLACE, &tree).unwrap();
        assert_eq!(tree["travellers"][0]["name"]["$pii"], "张三");
    }

    #[test]
    fn what_was_sealed_by_the_book_opens() {
        // By other means (Python's cryptography): HKDF-SHA256 for the place, AES-256-GCM with place and path.
        let sealed = serde_json::json!({"travellers": [{"name": {
            "$sealed": "v1.d4d4041f.AAECAwQFBgcICQoLbauT+0lJqAkLgvpCrxJIdrDrpW92Ww",
        }}]});
        let tree = open(&sealer(), &PLACE, &sealed).unwrap();
        assert_eq!(tree["travellers"][0]["name"]["$pii"], "张三");
    }

    #[test]
    fn a_value_opens_only_with_its_key_and_in_its_place() {
        let key = Key::generate();
        let other = Sealer::new(&key, &first_keys(&key, None)).unwrap();
        assert!(open(&other, &PLACE, &sealed(&sealer())).is_err());

        let elsewhere = Place { id: "d-2", ..PLACE };
        assert!(open(&sealer(), &elsewhere, &sealed(&sealer())).is_err());

        let mut swapped = sealed(&sealer());
        let first = swapped["travellers"][0].take();
        swapped["travellers"][0] = swapped["travellers"][1].take();
        swapped["travellers"][1] = first;
        assert!(open(&sealer(), &PLACE, &swapped).is_err());

        let mut cut = sealed(&sealer());
        let name = &mut cut["travellers"][0]["name"][SEALED];
        let shorter = name.as_str().unwrap()[..30].to_owned();
        *name = Value::String(shorter);
        assert!(open(&sealer(), &PLACE, &cut).is_err());
    }

    #[test]
    fn what_cannot_be_sealed_is_refused_and_not_written_in_the_clear() {
        for tree in [
            serde_json::json!({"born": {"$pii": 19900101}}),
            serde_json::json!({"who": {"$pii": {"name": "张三"}}}),
            serde_json::json!({"exts": {"$sealed": "v1.x.y"}}),
            serde_json::json!({"who": {"$pii": "张三", "since": 1}}),
        ] {
            let json = tree.to_string();
            let sealed = sealer().seal(&PLACE, None, json.as_bytes(), &Opened::default());
            assert!(sealed.is_err(), "{tree}");
        }
    }

    #[test]
    fn the_databases_keys_open_with_an_operators_key_that_wraps_them_and_no_other() {
        let (ours, next, other) = (operators(), Key::generate(), Key::generate());
        let mut kept = first_keys(&ours, None);
        let before = Sealer::new(&ours, &kept).unwrap();
        let old = sealed(&before);
        let is_outdated =
            |sealer: &Sealer| sealer.is_outdated(&PLACE, old.to_string().as_bytes()).unwrap();
        assert!(!is_outdated(&before));
        kept.extend(before.next_keys(Some(&next)));
        before.take_up(&kept).unwrap();
        assert!(is_outdated(&before));
        let after = Sealer::new(&next, &kept).unwrap();
        for (sealer, tree) in [(&after, &old), (&before, &sealed(&after))] {
            let tree = open(sealer, &PLACE, tree).unwrap();
            assert_eq!(tree["travellers"][0]["name"]["$pii"], "张三");
        }
        assert_eq!(before.keyed_hash(&["x"]), after.keyed_hash(&["x"]));
        assert!(matches!(Sealer::new(&other, &kept), Err(Error::OtherKey { .. })));
        assert!(is_whole(&kept));
        // Nobody must be able to make or take away what another operator's key would miss.
        let plain = [kept.clone(), after.next_keys(None)].concat();
        assert!(!is_whole(&plain));
        let other_way = [kept.clone(), before.next_keys(Some(&other))].concat();
        assert!(!is_whole(&other_way));
        let mut doubled = kept.clone();
        doubled.retain(|key| key.serial != 2);
        doubled.extend(before.next_keys(None));
        assert!(!is_whole(&doubled));
        // A key moved under another's name or turn does not open.
        (kept[1].serial, kept[2].serial) = (kept[2].serial, kept[1].serial);
        assert!(matches!(Sealer::new(&ours, &kept), Err(Error::Sealed(_))));
    }

    #[test]
    fn people_are_found_by_a_hash_of_what_is_marked_so_and_of_nothing_else() {
        let sealer = sealer();
        let tree = serde_json::json!({
            "name": {"$pii": "张三"}, "phone": {"$pii:phone": "+86 138 0000 0001"},
            "card": {"$pii:document": "99999919900101001x"}, "other": {"$pii:other": "x"},
        });
        let json = tree.to_string();
        let (sealed, found) =
            sealer.seal(&PLACE, None, json.as_bytes(), &Opened::default()).unwrap();
        let person = |found_by, value| sealer.person(found_by, value);
        let (phone, card) = ("13800000001", "99999919900101001X");
        let expected = [person(Trait::Phone, phone), person(Trait::Document, card)];
        assert_eq!(found, expected.into());
        assert_ne!(person(Trait::Phone, phone), person(Trait::Document, phone));
        let sealed: Value = serde_json::from_slice(&sealed).unwrap();
        assert_eq!(open(&sealer, &PLACE, &sealed).unwrap(), tree);
    }

    #[test]
    fn what_has_not_changed_keeps_its_seal_and_what_has_is_found_anew() {
        let (sealer, mut opened) = (sealer(), Opened::default());
        let seal = |tree: &Value, opened: &Opened| {
            let (sealed, people) =
                sealer.seal(&PLACE, None, tree.to_string().as_bytes(), opened).unwrap();
            (serde_json::from_slice::<Value>(&sealed).unwrap(), people)
        };
        let tree = serde_json::json!({
            "name": {"$pii": "张三"}, "card": {"$pii": "E1"}, "phone": {"$pii:phone": "1"},
        });
        let (first, _) = seal(&tree, &opened);
        sealer
            .open(&PLACE, Asked::default(), first.to_string().as_bytes(), Some(&mut opened))
            .unwrap();
        // The card is one to be found by from now on, as in a document of an older program; the phone is
        // another, and somebody else has the first one's name.
        let tree = serde_json::json!({
            "name": {"$pii": "张三"}, "card": {"$pii:document": "E1"}, "phone": {"$pii:phone": "2"},
            "other": {"$pii": "张三"},
        });
        let (second, people) = seal(&tree, &opened);
        assert_eq!(second["name"], first["name"]);
        assert_ne!(second["other"], second["name"]);
        let expected = [sealer.person(Trait::Document, "E1"), sealer.person(Trait::Phone, "2")];
        assert_eq!(people, expected.into());
        assert_eq!(open(&sealer, &PLACE, &second).unwrap(), tree);
        // Under a new key nothing is kept.
        let kept = [first_keys(&operators(), Some(&operators().id())), sealer.next_keys(None)];
        sealer.take_up(&kept.concat()).unwrap();
        let (third, _) = seal(&tree, &opened);
        assert_ne!(third["name"], first["name"]);
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
