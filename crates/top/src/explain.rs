//! Why a sign is wrong: the mistakes that clients make, tried one after the other.
//!
//! For a sandbox's log and for the caller's own side. It hashes hundreds of times what
//! [`Secret::verify`] hashes and takes no care to do so in constant time, so it has no place where an
//! answer in production is made. No [`Mistake`] holds a value or a secret; names of parameters only.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

use crate::Params;
use crate::scalar::Date;
use crate::sign::{Secret, SignMethod, upper_hex};

/// Most bytes hashed for one explanation: a tenth of a second of one slow core, and enough for every
/// guess at a call of a hundred kilobytes.
const HASHED_BYTES_MAX: usize = 32 << 20;
/// Most parameters of which every pair is left out in turn: 276 guesses.
const PAIRED_MAX: usize = 24;
/// Seconds between making a timestamp for the sign and another one for the call.
const SECOND_CLOCK_READING_MAX: i64 = 3;
/// How far from a whole half hour a difference may be that is taken for a time zone's.
const ZONE_SLACK_SECONDS: i64 = 120;
const HALF_HOUR_SECONDS: i64 = 30 * 60;
/// The platform keeps UTC+8; the earth's zones reach from UTC-12 to UTC+14.
const PLATFORM_OFFSET_MINUTES: i64 = 8 * 60;
const ZONES_MINUTES: std::ops::RangeInclusive<i64> = -12 * 60..=14 * 60;

/// The parameters that say who calls what and how; the others are the method's own.
pub const PUBLIC_PARAMS: [&str; 11] = [
    "app_key",
    "format",
    "method",
    "partner_id",
    "session",
    "sign",
    "sign_method",
    "simplify",
    "target_app_key",
    "timestamp",
    "v",
];

/// What a client did to arrive at its wrong sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mistake {
    /// The sign is right, but in lower case, which not every server takes.
    LowerCase,
    /// Base64 of the right digest instead of hexadecimal digits.
    Base64,
    /// So many characters, which is no length of a digest in hexadecimal.
    Length(usize),
    /// The right sign by this method, which is not the one `sign_method` names.
    Method(SignMethod),
    /// `md5` with the secret only after the string.
    SecretOnlyAfter,
    /// `md5` with the secret only before the string.
    SecretOnlyBefore,
    /// The plain digest of the string, without any secret.
    SecretLeftOut,
    /// An HMAC of the string with the secret around it: the secret is the key and nothing else.
    SecretInMessage,
    /// A plain SHA-256 of secret, string, secret, where `hmac-sha256` is an HMAC.
    NotAnHmac,
    /// White space, such as the line end of the file it came from, was taken for part of the secret.
    SecretWithWhiteSpace,
    /// The app key was used for the secret.
    AppKeyForSecret,
    /// These parameters were sent but not signed.
    LeftOut(Vec<String>),
    /// The `sign` parameter itself, still empty, was signed.
    SignIncluded,
    /// Percent-encoded values were signed; what is signed is what the server decodes.
    Encoded,
    /// A plus sign in these parameters was signed as one and sent unescaped, which reads as a blank.
    PlusUnescaped(Vec<String>),
    /// White space around these parameters' values was sent but not signed.
    Trimmed(Vec<String>),
    /// Names and values were joined by `=` and `&`, as in a query.
    Separated,
    /// The parameters were not sorted by the bytes of their names.
    Order,
    /// The timestamp that was signed is this many seconds after the one sent.
    OtherTimestamp {
        /// Negative when it is before.
        seconds: i64,
    },
    /// The body was sent but not signed.
    BodyLeftOut,
    /// The body was signed after the second secret; it belongs before.
    BodyAfterSecret,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::LowerCase => "the sign is right but in lower case; send upper-case digits",
            Self::Base64 => "the sign is base64; send the digest as upper-case hexadecimal digits",
            Self::Length(length) => {
                return write!(
                    f,
                    "the sign has {length} characters; md5 and hmac give 32 hexadecimal digits, hmac-sha256 64"
                );
            }
            Self::Method(method) => {
                return write!(f, "the sign was made with {method}; sign_method says otherwise");
            }
            Self::SecretOnlyAfter => "the secret is only after the string; md5 has it before, too",
            Self::SecretOnlyBefore => "the secret is only before the string; md5 has it after, too",
            Self::SecretLeftOut => "the string was hashed without the secret",
            Self::SecretInMessage => {
                "the secret is also in the string; an HMAC has it as its key and nowhere else"
            }
            Self::NotAnHmac => {
                "the sign is a plain SHA-256; hmac-sha256 is an HMAC with the secret as its key"
            }
            Self::SecretWithWhiteSpace => {
                "the secret was used with white space around it, such as a file's line end"
            }
            Self::AppKeyForSecret => "the app key was used in the secret's place",
            Self::LeftOut(names) => {
                return write!(f, "sent but not signed: {}", names.join(", "));
            }
            Self::SignIncluded => "the parameter sign was signed; it is the one that is not",
            Self::Encoded => {
                "percent-encoded values were signed; sign them as they are, then encode"
            }
            Self::PlusUnescaped(names) => {
                return write!(
                    f,
                    "a + was not sent as %2B, so it arrives as a blank: {}",
                    names.join(", ")
                );
            }
            Self::Trimmed(names) => {
                return write!(
                    f,
                    "sent with white space that was not signed: {}",
                    names.join(", ")
                );
            }
            Self::Separated => "names and values were joined by = and &; join them by nothing",
            Self::Order => "the parameters are not sorted by the bytes of their names",
            Self::OtherTimestamp { seconds } => {
                return write!(
                    f,
                    "the timestamp signed is {seconds} s from the one sent; make it once"
                );
            }
            Self::BodyLeftOut => "the body was not signed; here it follows the parameters",
            Self::BodyAfterSecret => {
                "the body was signed after the second secret; it belongs before it"
            }
        };
        f.write_str(text)
    }
}

/// The first mistake that leads from what was received to `given`, the sign that came with it; the
/// arguments are those of [`Secret::verify`]. `None` when no guess fits (another secret, most often)
/// and when the sign is right as it stands.
pub fn wrong_sign(
    secret: &Secret,
    method: SignMethod,
    params: &Params<'_>,
    body: &[u8],
    given: &str,
) -> Option<Mistake> {
    if secret.verify(method, params.iter(), body, given) {
        return given.bytes().any(|byte| byte.is_ascii_lowercase()).then_some(Mistake::LowerCase);
    }
    let decoded = BASE64_STANDARD.decode(given).map(|bytes| upper_hex(&bytes));
    if decoded.is_ok_and(|given| secret.verify(method, params.iter(), body, &given)) {
        return Some(Mistake::Base64);
    }
    if ![32, 64].contains(&given.len()) || !given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(Mistake::Length(given.chars().count()));
    }
    let pairs: Vec<_> = params.iter().filter(|(name, _)| *name != "sign").collect();
    let mut guess = Guess { secret, method, body, given, hashed_bytes: 0 };
    // Where empty values are, either way of treating them may underlie the mistake.
    let filled: Vec<_> = pairs.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    let found = guess.all(&pairs);
    if found.is_some() || filled.len() == pairs.len() { found } else { guess.all(&filled) }
}

type Pair<'a> = (&'a str, &'a str);

/// A sign in search of its mistake.
struct Guess<'a> {
    secret: &'a Secret,
    method: SignMethod,
    body: &'a [u8],
    given: &'a str,
    hashed_bytes: usize,
}

impl Guess<'_> {
    fn all(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        self.methods(pairs)
            .or_else(|| self.secrets(pairs))
            .or_else(|| self.bodies(pairs))
            .or_else(|| self.values(pairs))
            .or_else(|| self.orders(pairs))
            .or_else(|| self.timestamps(pairs))
            .or_else(|| self.left_out(pairs))
    }

    /// Whether `given` comes out, as long as there is something left to spend.
    fn fits(
        &mut self,
        secret: &Secret,
        method: SignMethod,
        pairs: &[Pair<'_>],
        body: &[u8],
    ) -> bool {
        self.affords(pairs, body)
            && secret.sign(method, pairs.iter().copied(), body).eq_ignore_ascii_case(self.given)
    }

    /// Whether it comes out by the rule from other parameters.
    fn comes_from(&mut self, pairs: &[Pair<'_>]) -> bool {
        self.fits(self.secret, self.method, pairs, self.body)
    }

    fn affords(&mut self, pairs: &[Pair<'_>], body: &[u8]) -> bool {
        let params: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.hashed_bytes = self.hashed_bytes.saturating_add(params + body.len());
        self.hashed_bytes <= HASHED_BYTES_MAX
    }

    fn methods(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        for method in SignMethod::ALL {
            if method != self.method && self.fits(self.secret, method, pairs, self.body) {
                return Some(Mistake::Method(method));
            }
        }
        None
    }

    fn secrets(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        let text = self.secret.text();
        let before = [&[("", text)], pairs].concat();
        let body_after = [self.body, text.as_bytes()].concat();
        let none = Secret::new("");
        let plain = SignMethod::Md5;
        if self.fits(&none, plain, pairs, &body_after) {
            return Some(Mistake::SecretOnlyAfter);
        }
        if self.fits(&none, plain, &before, self.body) {
            return Some(Mistake::SecretOnlyBefore);
        }
        for hmac in [SignMethod::Hmac, SignMethod::HmacSha256] {
            let around = self.fits(self.secret, hmac, &before, &body_after);
            if around || self.fits(self.secret, hmac, &before, self.body) {
                return Some(Mistake::SecretInMessage);
            }
        }
        if self.is_sha256_of(&before, &body_after) {
            return Some(Mistake::NotAnHmac);
        }
        if self.fits(&none, plain, pairs, self.body) || self.is_sha256_of(pairs, self.body) {
            return Some(Mistake::SecretLeftOut);
        }
        for (front, back) in [("", "\n"), ("", "\r\n"), ("", " "), (" ", ""), (" ", " ")] {
            let padded = Secret::new(&format!("{front}{text}{back}"));
            if self.fits(&padded, self.method, pairs, self.body) {
                return Some(Mistake::SecretWithWhiteSpace);
            }
        }
        let (_, app_key) = pairs.iter().find(|(name, _)| *name == "app_key")?;
        self.fits(&Secret::new(app_key), self.method, pairs, self.body)
            .then_some(Mistake::AppKeyForSecret)
    }

    fn is_sha256_of(&mut self, pairs: &[Pair<'_>], body: &[u8]) -> bool {
        if !self.affords(pairs, body) {
            return false;
        }
        let mut digest = Sha256::new();
        for (name, value) in pairs {
            digest.update(name);
            digest.update(value);
        }
        digest.update(body);
        upper_hex(&digest.finalize()).eq_ignore_ascii_case(self.given)
    }

    fn bodies(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        if self.body.is_empty() {
            return None;
        }
        if self.fits(self.secret, self.method, pairs, b"") {
            return Some(Mistake::BodyLeftOut);
        }
        if self.method != SignMethod::Md5 || !self.affords(pairs, self.body) {
            return None;
        }
        let text = self.secret.text();
        let mut digest = Md5::new_with_prefix(text);
        for (name, value) in pairs {
            digest.update(name);
            digest.update(value);
        }
        digest.update(text);
        digest.update(self.body);
        let sign = upper_hex(&digest.finalize());
        sign.eq_ignore_ascii_case(self.given).then_some(Mistake::BodyAfterSecret)
    }

    fn values(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        for encode in ENCODERS {
            let (owned, changed) = rewritten(pairs, encode);
            if !changed.is_empty() && self.comes_from(&borrowed(&owned)) {
                return Some(Mistake::Encoded);
            }
        }
        let (owned, changed) = rewritten(pairs, |value| value.replace(' ', "+"));
        // The blank inside a date is one, whatever the others are.
        let mut dated = borrowed(&owned);
        for (new, old) in dated.iter_mut().zip(pairs).filter(|(_, old)| old.0 == "timestamp") {
            *new = *old;
        }
        let names: Vec<_> = changed.iter().filter(|name| *name != "timestamp").cloned().collect();
        if !names.is_empty() && self.comes_from(&dated) {
            return Some(Mistake::PlusUnescaped(names));
        }
        if !changed.is_empty() && self.comes_from(&borrowed(&owned)) {
            return Some(Mistake::PlusUnescaped(changed));
        }
        let (owned, changed) = rewritten(pairs, |value| value.trim().to_owned());
        if !changed.is_empty() && self.comes_from(&borrowed(&owned)) {
            return Some(Mistake::Trimmed(changed));
        }
        // As a value, since a name `sign` is never signed.
        let mut with_sign = pairs.to_vec();
        with_sign.insert(pairs.partition_point(|(name, _)| *name < "sign"), ("", "sign"));
        self.comes_from(&with_sign).then_some(Mistake::SignIncluded)
    }

    fn orders(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        let mut query = Vec::with_capacity(pairs.len() * 4);
        for (name, value) in pairs {
            if !query.is_empty() {
                query.push(("&", ""));
            }
            query.extend([(*name, "="), ("", *value)]);
        }
        if self.comes_from(&query) {
            return Some(Mistake::Separated);
        }
        let is_public = |pair: &Pair<'_>| PUBLIC_PARAMS.contains(&pair.0);
        let (public, own): (Vec<_>, Vec<_>) = pairs.iter().copied().partition(is_public);
        let mut by_letters = pairs.to_vec();
        by_letters.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        let reversed: Vec<_> = pairs.iter().rev().copied().collect();
        let mut by_whole = pairs.to_vec();
        by_whole.sort_by_key(|(name, value)| format!("{name}{value}"));
        for order in [
            [public.as_slice(), &own].concat(),
            [own, public].concat(),
            by_letters,
            by_whole,
            reversed,
        ] {
            if order != pairs && self.comes_from(&order) {
                return Some(Mistake::Order);
            }
        }
        None
    }

    fn timestamps(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        let at = pairs.iter().position(|(name, _)| *name == "timestamp")?;
        let sent = pairs[at].1.parse::<Date>().ok()?.unix_seconds()?;
        let readings = (1..=SECOND_CLOCK_READING_MAX).flat_map(|seconds| [seconds, -seconds]);
        let zones = (ZONES_MINUTES.start() - PLATFORM_OFFSET_MINUTES) / 30
            ..=(ZONES_MINUTES.end() - PLATFORM_OFFSET_MINUTES) / 30;
        // Signed by the platform's clock and sent by the machine's, or the other way round.
        let zones = zones.flat_map(|halves| [halves, -halves]).filter(|halves| *halves != 0);
        for seconds in readings.chain(zones.map(|halves| halves * HALF_HOUR_SECONDS)) {
            let signed = Date::at_platform(sent + seconds).to_string();
            let mut other = pairs.to_vec();
            other[at].1 = &signed;
            if self.comes_from(&other) {
                return Some(Mistake::OtherTimestamp { seconds });
            }
        }
        None
    }

    fn left_out(&mut self, pairs: &[Pair<'_>]) -> Option<Mistake> {
        let groups: [fn(&str) -> bool; 3] = [
            |name| PUBLIC_PARAMS.contains(&name),
            |name| !PUBLIC_PARAMS.contains(&name),
            |name| ["sign_method", "partner_id", "simplify", "format", "session"].contains(&name),
        ];
        for left_out in 0..pairs.len() {
            if let Some(found) = self.without(pairs, |at| at == left_out) {
                return Some(found);
            }
        }
        for is_left_out in groups {
            if let Some(found) = self.without(pairs, |at| is_left_out(pairs[at].0)) {
                return Some(found);
            }
        }
        let paired = if pairs.len() <= PAIRED_MAX { pairs.len() } else { 0 };
        for first in 0..paired {
            for second in first + 1..paired {
                if let Some(found) = self.without(pairs, |at| at == first || at == second) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn without(&mut self, pairs: &[Pair<'_>], left_out: impl Fn(usize) -> bool) -> Option<Mistake> {
        let (gone, kept): (Vec<_>, Vec<_>) = (0..pairs.len()).partition(|at| left_out(*at));
        let kept: Vec<_> = kept.into_iter().map(|at| pairs[at]).collect();
        // Leaving out what is empty is no mistake.
        let gone = gone.into_iter().map(|at| pairs[at]).filter(|(_, value)| !value.is_empty());
        let names = gone.map(|(name, _)| name.to_owned()).collect();
        self.comes_from(&kept).then_some(Mistake::LeftOut(names))
    }
}

/// The pairs with their values rewritten, and the names of those that changed.
fn rewritten<'a>(
    pairs: &[Pair<'a>],
    rewrite: impl Fn(&str) -> String,
) -> (Vec<(&'a str, String)>, Vec<String>) {
    let owned: Vec<_> = pairs.iter().map(|(name, value)| (*name, rewrite(value))).collect();
    let changed = pairs.iter().zip(&owned).filter(|(old, new)| old.1 != new.1);
    let changed = changed.map(|(old, _)| old.0.to_owned()).collect();
    (owned, changed)
}

fn borrowed<'a>(owned: &'a [(&'a str, String)]) -> Vec<Pair<'a>> {
    owned.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// What `java.net.URLEncoder` leaves alone.
const JAVA: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'_').remove(b'.');
/// What RFC 3986 calls unreserved: PHP's `rawurlencode`, .NET.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What Python's `urllib.parse.quote` leaves alone.
const QUOTE: &AsciiSet = &UNRESERVED.remove(b'/');
/// What `encodeURIComponent` leaves alone.
const SCRIPT: &AsciiSet =
    &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');

/// How values are percent-encoded in one language or another.
const ENCODERS: [fn(&str) -> String; 5] = [
    |value| utf8_percent_encode(value, JAVA).to_string().replace("%20", "+"),
    |value| utf8_percent_encode(value, UNRESERVED).to_string(),
    |value| utf8_percent_encode(value, UNRESERVED).to_string().replace("%20", "+"),
    |value| utf8_percent_encode(value, SCRIPT).to_string(),
    |value| utf8_percent_encode(value, QUOTE).to_string(),
];

/// What is wrong with a timestamp that is not the platform's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeMistake {
    /// Neither `yyyy-MM-dd HH:mm:ss` nor 13 digits of milliseconds.
    Form,
    /// Ten digits: seconds since the epoch, where it takes milliseconds.
    EpochSeconds,
    /// The right time in another zone, so many minutes ahead of UTC.
    Zone {
        /// Negative west of Greenwich.
        offset_minutes: i64,
    },
    /// A clock that is wrong, or a call that was signed long ago.
    Off {
        /// Negative when it is behind.
        seconds: i64,
    },
}

impl fmt::Display for TimeMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("the timestamp is not of the form yyyy-MM-dd HH:mm:ss"),
            Self::EpochSeconds => f.write_str(
                "the timestamp is in seconds; of epoch times only milliseconds are taken",
            ),
            Self::Zone { offset_minutes } => {
                let (hours, minutes) = (offset_minutes / 60, offset_minutes.abs() % 60);
                write!(f, "the timestamp is local time at UTC{hours:+}:{minutes:02}; send UTC+8")
            }
            Self::Off { seconds } => {
                let side = if *seconds < 0 { "behind" } else { "ahead of" };
                write!(f, "the timestamp is {} s {side} the platform's clock", seconds.abs())
            }
        }
    }
}

/// Why `timestamp` is not the time of a clock that shows so many seconds after the Unix epoch.
pub fn wrong_time(timestamp: &str, now_unix_seconds: i64) -> TimeMistake {
    let is_digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let number = timestamp.parse::<i64>().ok().filter(|_| is_digits);
    let (sent, has_zone) = match (number, timestamp.len()) {
        (Some(_), 10) => return TimeMistake::EpochSeconds,
        (Some(milliseconds), 13) => (milliseconds / 1000, false),
        _ => match timestamp.parse::<Date>().ok().and_then(Date::unix_seconds) {
            Some(sent) => (sent, true),
            None => return TimeMistake::Form,
        },
    };
    let seconds = sent - now_unix_seconds;
    let halves = (seconds + HALF_HOUR_SECONDS / 2).div_euclid(HALF_HOUR_SECONDS);
    let offset_minutes = PLATFORM_OFFSET_MINUTES + halves * 30;
    let is_zone = has_zone
        && halves != 0
        && ZONES_MINUTES.contains(&offset_minutes)
        && (seconds - halves * HALF_HOUR_SECONDS).abs() <= ZONE_SLACK_SECONDS;
    if is_zone { TimeMistake::Zone { offset_minutes } } else { TimeMistake::Off { seconds } }
}
