//! Grants: what a person allows an app, from the consent to the tokens that come of it.
//!
//! Codes, passcodes and refresh tokens are known here by their hashes alone; access tokens are those of
//! [`Session`](crate::access::Session)s. Times are those of RFC 6749 and of the platform's documents.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{Instant, Pii, Step, pii};

/// How long a code is good for: ten minutes, as an old document of the platform's says.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);
/// How long after it was used a refresh token is answered once more, for a client that never got the
/// answer and asks again (*inferred*). Later it counts as stolen.
pub const REFRESH_LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Most used refresh tokens remembered, to know one that comes back: a month of daily refreshing. One that is
/// older opens nothing, either way.
pub const SPENT_MAX: usize = 32;
/// Most access tokens of a grant remembered, to end them with it: the one in use and the one before, in case
/// its end was cut short.
const TOKENS_MAX: usize = 2;
/// Longest redirect address taken; browsers and proxies take at least as much.
pub const REDIRECT_CHARS_MAX: usize = 512;

/// What stands for a secret that is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest(pub String);

/// An address that a person is sent back to, as the app registered it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

/// The text is no address to send anybody to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no redirect address: give http:// or https://, a host, and what follows, percent-encoded, without a \
     user, a fragment, quotes or blanks"
)]
pub struct NotARedirectUri;

impl RedirectUri {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        let host = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[host..].find(['/', '?']).map_or(self.0.len(), |at| host + at);
        &self.0[..end]
    }
}

impl FromStr for RedirectUri {
    type Err = NotARedirectUri;

    fn from_str(text: &str) -> Result<Self, NotARedirectUri> {
        let uri = Self(text.to_owned());
        let host =
            ["https://", "http://"].iter().find_map(|scheme| uri.origin().strip_prefix(scheme));
        let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let after = |byte: u8| byte.is_ascii_graphic() && !b"\"'<>#\\^`{|};,".contains(&byte);
        let is_fit = text.len() <= REDIRECT_CHARS_MAX
            && host.is_some_and(|host| !host.is_empty() && host.bytes().all(in_host))
            && text.bytes().all(after);
        if is_fit { Ok(uri) } else { Err(NotARedirectUri) }
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = NotARedirectUri;

    fn try_from(text: String) -> Result<Self, NotARedirectUri> {
        text.parse()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What RFC 7636 ties a code to, so that only who asked for it can use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Challenge {
    /// `plain`: the verifier itself.
    Plain(String),
    /// `S256`: its SHA-256 in base64url.
    S256(String),
}

/// A verifier in both forms that it can be compared in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// As it was given.
    pub plain: String,
    /// Its SHA-256 in base64url, without padding.
    pub s256: String,
}

impl Challenge {
    fn is_met_by(&self, verifier: &Verifier) -> bool {
        match self {
            Self::Plain(text) => *text == verifier.plain,
            Self::S256(text) => *text == verifier.s256,
        }
    }
}

/// A code, and what it is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// What stands for it.
    pub digest: Digest,
    /// From when on it is worth nothing.
    pub until: Instant,
    /// Where it was sent.
    pub redirect_uri: RedirectUri,
    /// What its user must prove, if anything.
    pub challenge: Option<Challenge>,
}

/// Tokens that were just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// The access token.
    pub token: Pii<String>,
    /// What stands for the refresh token.
    pub refresh: Digest,
    /// From when on nothing can be refreshed. Refreshing does not move it: from then on the person is asked
    /// again (*inferred*).
    pub refresh_until: Instant,
}

/// What a person has allowed an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Who allows it: the account's name.
    #[serde(with = "pii::marked")]
    pub nick: Pii<String>,
    /// How far it has come.
    pub state: State,
}

/// How far a grant has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// An operator has made a passcode by which the person can be told from others.
    Invited {
        /// What stands for the passcode.
        passcode: Digest,
        /// From when on it is worth nothing.
        until: Instant,
    },
    /// The person has said yes, and the app is told a code.
    Consented {
        /// The code.
        code: Code,
    },
    /// The app has tokens.
    Open {
        /// The code that they came of: seen once more, it was stolen.
        code: Digest,
        /// The refresh token.
        refresh: Digest,
        /// From when on it is worth nothing.
        refresh_until: Instant,
        /// Refresh tokens that were used, newest first, and when.
        spent: Vec<(Digest, Instant)>,
        /// The access token, and perhaps the one before it.
        tokens: Vec<Token>,
    },
    /// It has ended.
    Revoked {
        /// When.
        at: Instant,
        /// The code that it began with, if it came so far.
        code: Option<Digest>,
        /// The access tokens that end with it.
        tokens: Vec<Token>,
    },
}

/// An access token of a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token(#[serde(with = "pii::marked")] pub Pii<String>);

/// Why a secret opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not this grant's, or no longer, or not in this state.
    Unknown,
    /// It came too late.
    Expired,
    /// The code was sent elsewhere.
    OtherRedirectUri,
    /// The proof of RFC 7636 is absent, wrong, or was never asked for.
    Unproven,
    /// It was used before: somebody has what they should not have, and the grant must end.
    Reused,
}

impl Grant {
    /// A person is asked, and known by a passcode.
    pub fn invite(nick: Pii<String>, passcode: Digest, until: Instant) -> Self {
        Self { nick, state: State::Invited { passcode, until } }
    }

    /// A person who is known says yes.
    pub fn consent(nick: Pii<String>, code: Code) -> Self {
        Self { nick, state: State::Consented { code } }
    }

    /// A person who was invited says yes, once.
    ///
    /// # Errors
    /// The passcode is another, was used, or came too late.
    pub fn accept(&self, passcode: &Digest, code: Code, now: Instant) -> Result<Self, Refusal> {
        match &self.state {
            State::Invited { passcode: known, until } if known == passcode => {
                if now < *until {
                    Ok(Self::consent(self.nick.clone(), code))
                } else {
                    Err(Refusal::Expired)
                }
            }
            State::Invited { .. }
            | State::Consented { .. }
            | State::Open { .. }
            | State::Revoked { .. } => Err(Refusal::Unknown),
        }
    }

    /// Gives tokens for the code, once. `redirect_uri` is `None` where the way that it came by names none.
    ///
    /// # Errors
    /// The code opens nothing.
    pub fn redeem(
        &self,
        given: &Digest,
        redirect_uri: Option<&str>,
        verifier: Option<&Verifier>,
        fresh: Fresh,
        now: Instant,
    ) -> Result<Self, Refusal> {
        match &self.state {
            State::Consented { code } if code.digest == *given => {
                if now >= code.until {
                    return Err(Refusal::Expired);
                }
                if redirect_uri.is_some_and(|uri| uri != code.redirect_uri.as_str()) {
                    return Err(Refusal::OtherRedirectUri);
                }
                let is_proven = match (&code.challenge, verifier) {
                    (None, None) => true,
                    (Some(challenge), Some(verifier)) => challenge.is_met_by(verifier),
                    (None, Some(_)) | (Some(_), None) => false,
                };
                if !is_proven {
                    return Err(Refusal::Unproven);
                }
                let Fresh { token, refresh, refresh_until } = fresh;
                let (code, tokens) = (given.clone(), vec![Token(token)]);
                let state = State::Open { code, refresh, refresh_until, spent: Vec::new(), tokens };
                Ok(Self { nick: self.nick.clone(), state })
            }
            State::Open { code, .. } | State::Revoked { code: Some(code), .. } if code == given => {
                Err(Refusal::Reused)
            }
            State::Invited { .. }
            | State::Consented { .. }
            | State::Open { .. }
            | State::Revoked { .. } => Err(Refusal::Unknown),
        }
    }

    /// Gives new tokens for the refresh token, which is worth nothing from then on.
    ///
    /// # Errors
    /// It opens nothing.
    pub fn refresh(&self, given: &Digest, fresh: Fresh, now: Instant) -> Result<Self, Refusal> {
        let State::Open { code, refresh, refresh_until, spent, tokens } = &self.state else {
            return Err(Refusal::Unknown);
        };
        if refresh != given {
            let (_, at) =
                spent.iter().find(|(digest, _)| digest == given).ok_or(Refusal::Unknown)?;
            if now.duration_since(*at) > REFRESH_LEEWAY {
                return Err(Refusal::Reused);
            }
        }
        if now >= *refresh_until {
            return Err(Refusal::Expired);
        }
        let mut spent = spent.clone();
        spent.insert(0, (refresh.clone(), now));
        spent.truncate(SPENT_MAX);
        let mut tokens = tokens.clone();
        tokens.insert(0, Token(fresh.token));
        tokens.truncate(TOKENS_MAX);
        let (code, refresh_until) = (code.clone(), *refresh_until);
        let state = State::Open { code, refresh: fresh.refresh, refresh_until, spent, tokens };
        Ok(Self { nick: self.nick.clone(), state })
    }

    /// Ends it. What ends with it is in the state.
    #[must_use]
    pub fn revoke(self, now: Instant) -> Step<Self> {
        let nick = self.nick;
        let (code, tokens) = match self.state {
            State::Invited { .. } => (None, Vec::new()),
            State::Consented { code } => (Some(code.digest), Vec::new()),
            State::Open { code, tokens, .. } => (Some(code), tokens),
            state @ State::Revoked { .. } => return Step::Already(Self { nick, state }),
        };
        Step::Taken(Self { nick, state: State::Revoked { at: now, code, tokens } })
    }

    /// The access tokens that it has, or that end with it.
    pub fn tokens(&self) -> &[Token] {
        match &self.state {
            State::Invited { .. } | State::Consented { .. } => &[],
            State::Open { tokens, .. } | State::Revoked { tokens, .. } => tokens,
        }
    }

    /// From when on nothing of it can be refreshed.
    pub fn refresh_until(&self) -> Option<Instant> {
        match &self.state {
            State::Open { refresh_until, .. } => Some(*refresh_until),
            State::Invited { .. } | State::Consented { .. } | State::Revoked { .. } => None,
        }
    }
}
