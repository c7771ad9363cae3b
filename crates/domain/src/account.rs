//! Operators: who may look at everything, and who may change it.

use jiff::ToSpan;
use serde::{Deserialize, Serialize};

use crate::id::AccountName;
use crate::{Instant, Pii, pii};

/// Most browsers one account is signed in with at once; the one that signed in first goes.
pub const LOGINS_MAX: usize = 8;
/// Most tokens of one account: one for each back office or script, and room to replace them.
pub const TOKENS_MAX: usize = 16;
/// How many hours a browser stays signed in: a working day.
const LOGIN_HOURS: i64 = 12;

/// What an account may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look, at everything but what is personal.
    Viewer,
    /// Advance orders, and reveal what is personal, with a reason.
    Operator,
    /// Apps, sessions, keys and accounts.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// Its name, as it is written in a document and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// An operator's account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// Its password's hash, as a PHC string.
    #[serde(with = "pii::marked")]
    pub password: Pii<String>,
    /// The browsers it is signed in with, oldest first.
    pub logins: Vec<Login>,
    /// What programs call with in its name.
    pub tokens: Vec<ApiToken>,
    /// When it was closed; from then on nobody gets in by it.
    pub closed_at: Option<Instant>,
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// A keyed hash of what its cookie holds.
    pub hash: String,
    /// When it ends by itself.
    pub until: Instant,
}

/// A token of the operations API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiToken {
    /// A keyed hash of the token.
    pub hash: String,
    /// What it is for, in words.
    pub label: String,
    /// When it was made.
    pub created_at: Instant,
}

/// The account has as many tokens as it can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account has at most {TOKENS_MAX} tokens: take one back first")]
pub struct TooManyTokens;

impl Account {
    /// A new account.
    pub fn new(name: AccountName, role: Role, password: Pii<String>) -> Self {
        let (logins, tokens) = (Vec::new(), Vec::new());
        Self { name, role, password, logins, tokens, closed_at: None }
    }

    /// Signs a browser in.
    #[must_use]
    pub fn sign_in(mut self, hash: String, now: Instant) -> Self {
        self.logins.retain(|login| now < login.until);
        if self.logins.len() >= LOGINS_MAX {
            self.logins.remove(0);
        }
        let until = now.checked_add(LOGIN_HOURS.hours()).unwrap_or(Instant::MAX);
        self.logins.push(Login { hash, until });
        self
    }

    /// Signs a browser out.
    #[must_use]
    pub fn sign_out(mut self, hash: &str) -> Self {
        self.logins.retain(|login| login.hash != hash);
        self
    }

    /// Whether a browser with this hash is signed in at `now`.
    pub fn is_signed_in(&self, hash: &str, now: Instant) -> bool {
        let open = |login: &Login| login.hash == hash && now < login.until;
        self.closed_at.is_none() && self.logins.iter().any(open)
    }

    /// Whether a program with a token of this hash may call.
    pub fn has_token(&self, hash: &str) -> bool {
        self.closed_at.is_none() && self.tokens.iter().any(|token| token.hash == hash)
    }

    /// Takes up a token.
    ///
    /// # Errors
    /// There are as many as there can be.
    pub fn add_token(mut self, token: ApiToken) -> Result<Self, TooManyTokens> {
        if self.tokens.len() >= TOKENS_MAX {
            return Err(TooManyTokens);
        }
        self.tokens.push(token);
        Ok(self)
    }

    /// Takes the token with this hash back.
    #[must_use]
    pub fn without_token(mut self, hash: &str) -> Self {
        self.tokens.retain(|token| token.hash != hash);
        self
    }

    /// Changes the password: every browser is signed out, every token is taken back.
    #[must_use]
    pub fn with_password(mut self, password: Pii<String>) -> Self {
        self.logins.clear();
        self.tokens.clear();
        Self { password, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn account() -> Account {
        Account::new("lin".parse().unwrap(), Role::Viewer, Pii::new("$argon2id$".into()))
    }

    #[test]
    fn a_browser_is_signed_in_for_a_working_day() {
        let account = account().sign_in("a".into(), at("2026-03-01T00:00:00Z"));
        assert!(account.is_signed_in("a", at("2026-03-01T11:59:59Z")));
        assert!(!account.is_signed_in("a", at("2026-03-01T12:00:00Z")));
        assert!(!account.is_signed_in("b", at("2026-03-01T01:00:00Z")));
        assert!(!account.sign_out("a").is_signed_in("a", at("2026-03-01T01:00:00Z")));
    }

    #[test]
    fn of_too_many_browsers_the_first_goes() {
        let now = at("2026-03-01T00:00:00Z");
        let names = (0..=LOGINS_MAX).map(|name| name.to_string());
        let account = names.fold(account(), |account, name| account.sign_in(name, now));
        assert_eq!(account.logins.len(), LOGINS_MAX);
        assert!(!account.is_signed_in("0", now) && account.is_signed_in("1", now));
    }

    #[test]
    fn a_closed_account_lets_nobody_in() {
        let now = at("2026-03-01T00:00:00Z");
        let token = ApiToken { hash: "t".into(), label: "ci".into(), created_at: now };
        let mut account = account().sign_in("a".into(), now).add_token(token).unwrap();
        assert!(account.is_signed_in("a", now) && account.has_token("t"));
        account.closed_at = Some(now);
        assert!(!account.is_signed_in("a", now) && !account.has_token("t"));
    }

    #[test]
    fn a_token_that_was_taken_back_opens_nothing() {
        let token = |hash: &str| ApiToken {
            hash: hash.into(),
            label: "ci".into(),
            created_at: at("2026-03-01T00:00:00Z"),
        };
        let account = account().add_token(token("a")).unwrap().add_token(token("b")).unwrap();
        let account = account.without_token("a");
        assert!(!account.has_token("a") && account.has_token("b"));
    }

    #[test]
    fn a_new_password_signs_everybody_out() {
        let now = at("2026-03-01T00:00:00Z");
        let token = ApiToken { hash: "t".into(), label: "ci".into(), created_at: now };
        let account = account().sign_in("a".into(), now).add_token(token).unwrap();
        let account = account.with_password(Pii::new("$argon2id$new".into()));
        assert!(!account.is_signed_in("a", now) && !account.has_token("t"));
    }

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        assert!(Role::ALL.is_sorted());
        assert!(Role::Operator >= Role::Viewer && Role::Operator < Role::Admin);
    }
}
