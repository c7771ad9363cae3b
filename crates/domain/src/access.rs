//! Who may call what: apps and sessions.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::grant::RedirectUri;
use crate::id::{AppKey, ChannelId, CwtAccountNo, GrantId, KeyId, SubChannel};
use crate::{Instant, Pii, pii};

/// Most keys of one partner: the one in use, the one before it, and two to spare.
pub const PARTNER_KEYS_MAX: usize = 4;

/// A partner's application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Its public key.
    pub key: AppKey,
    /// What it signs with.
    #[serde(with = "pii::marked")]
    pub secret: Pii<String>,
    /// The methods it may call.
    pub methods: Entitlement,
    /// The flight sub-channels it distributes for.
    pub sub_channels: BTreeSet<SubChannel>,
    /// The car-rental channels it distributes for.
    pub channels: BTreeSet<ChannelId>,
    /// The accounts it supplies under.
    #[serde(default)]
    pub cwt_accounts: BTreeSet<CwtAccountNo>,
    /// What it seals personal data in its calls with, newest first.
    #[serde(default)]
    pub partner_keys: Vec<PartnerKey>,
    /// Whether the published pages' own examples are let through though they break rules: a ticket
    /// number that is not 13 digits, plaintext where SM4 belongs. Never heeded in production.
    #[serde(default)]
    pub lenient: bool,
    /// Where a person who was asked for consent may be sent back to.
    #[serde(default)]
    pub redirect_uris: BTreeSet<RedirectUri>,
    /// How often it may call.
    pub quota: Quota,
    /// When it was withdrawn; from then on it is as unknown as one that never was.
    pub revoked_at: Option<Instant>,
}

/// An SM4 key shared with a partner, and what the two do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartnerKey {
    /// What the two call it.
    pub key_id: KeyId,
    /// The key, in the form it was handed over.
    #[serde(with = "pii::marked")]
    pub key: Pii<String>,
    /// Mode, padding and encoding, such as `ecb/pkcs7/hex`.
    pub scheme: String,
}

/// The methods an app may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entitlement {
    /// Every method, those to come included.
    All,
    /// These.
    Only(BTreeSet<String>),
}

/// How often an app may call; `None` is without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Calls in one day of the platform's clock.
    pub calls_per_day: Option<u32>,
    /// Calls in one second.
    pub calls_per_second: Option<u32>,
}

impl App {
    /// A new app: it may call every method as often as it likes, and nothing is bound to it.
    pub fn new(key: AppKey, secret: Pii<String>) -> Self {
        Self {
            key,
            secret,
            methods: Entitlement::All,
            sub_channels: BTreeSet::new(),
            channels: BTreeSet::new(),
            cwt_accounts: BTreeSet::new(),
            partner_keys: Vec::new(),
            lenient: false,
            redirect_uris: BTreeSet::new(),
            quota: Quota::default(),
            revoked_at: None,
        }
    }

    /// Whether the app may call `method`.
    pub fn may_call(&self, method: &str) -> bool {
        match &self.methods {
            Entitlement::All => true,
            Entitlement::Only(methods) => methods.contains(method),
        }
    }
}

/// An access token: what a caller sends as `session`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// The app it was given to; worthless in another's hands.
    pub app: AppKey,
    /// The token.
    #[serde(with = "pii::marked")]
    pub token: Pii<String>,
    /// When it was given.
    pub created_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// When it was taken back.
    pub revoked_at: Option<Instant>,
    /// The grant that it came of; `None` when an operator made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
}

impl Session {
    /// Whether the token opens anything at `now`.
    pub fn is_open(&self, now: Instant) -> bool {
        now < self.expires_at && self.revoked_at.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_at_its_expiry_or_when_taken_back() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let mut session = Session {
            app: "test".parse().unwrap(),
            token: Pii::new("t".into()),
            created_at: at("2021-01-01T00:00:00Z"),
            expires_at: at("2021-01-02T00:00:00Z"),
            revoked_at: None,
            grant: None,
        };
        assert!(session.is_open(at("2021-01-01T23:59:59Z")));
        assert!(!session.is_open(at("2021-01-02T00:00:00Z")));
        session.revoked_at = Some(at("2021-01-01T01:00:00Z"));
        assert!(!session.is_open(at("2021-01-01T02:00:00Z")));
    }
}
