//! Operators' accounts in the store: passwords, browsers that are signed in, tokens of the operations API.
//!
//! A cookie and a token begin with the account's name, so that finding the account is one read; what is kept
//! of either is a keyed hash.

use anyhow::{Context as _, anyhow, bail};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use domain::account::{Account, ApiToken, Role};
use domain::id::AccountName;
use domain::{Instant, Pii};
use store::{Cause, Decision, Error, Key, Store};
use tokio::sync::{OnceCell, Semaphore};

use crate::{context, demo};

const KIND: &str = "account";
/// Whose the accounts are: no app, so no app's name.
const OWNER: &str = "operators";
/// What parts the name from the secret in a cookie or token; no name has one.
const SEPARATOR: char = '.';
/// Fewest characters of a password that a person chooses.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Most bytes of a password: more only costs time to hash.
pub const PASSWORD_BYTES_MAX: usize = 512;
/// How many passwords are hashed at once: each takes 19 MiB and some 20 ms of a core.
static HASHING: Semaphore = Semaphore::const_new(2);
/// What the password of an account that is not there is held against.
static NOBODY: OnceCell<Pii<String>> = OnceCell::const_new();

/// Who is at work, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The account's name.
    pub name: AccountName,
    /// What it may do.
    pub role: Role,
    /// Whether it is the sandbox's, with the password that everybody knows.
    pub is_demo: bool,
}

fn key(name: &AccountName) -> Key {
    Key { kind: KIND, owner: OWNER.to_owned(), id: name.to_string() }
}

/// The account of this name.
///
/// # Errors
/// The store failed.
pub async fn get(store: &Store, name: &AccountName) -> Result<Option<Account>, Error> {
    store.get(&key(name)).await
}

/// Accounts in the order of their names, from the one after `after` on.
///
/// # Errors
/// The store failed.
pub async fn list(store: &Store, after: Option<&str>, limit: usize) -> Result<Vec<Account>, Error> {
    let mut accounts = Vec::new();
    for name in store.list_of(OWNER, KIND, after, limit).await? {
        let key = Key { kind: KIND, owner: OWNER.to_owned(), id: name };
        accounts.extend(store.get(&key).await?);
    }
    Ok(accounts)
}

/// Makes an account; one that is there stays as it is.
///
/// # Errors
/// There is one of that name, or the store failed.
pub async fn add(
    store: &Store,
    name: &AccountName,
    role: Role,
    password: &str,
    cause: &Cause,
) -> anyhow::Result<()> {
    let account = Account::new(name.clone(), role, hashed(password).await?);
    let is_new = add_hashed(store, &account, cause).await?;
    if is_new { Ok(()) } else { bail!("there is an account {name} already") }
}

/// Makes an account whose password is hashed already, and says whether there was none of its name.
///
/// # Errors
/// The store failed.
pub async fn add_hashed(store: &Store, account: &Account, cause: &Cause) -> Result<bool, Error> {
    let decide = |known: Option<Account>| match known {
        Some(_) => (Decision::Keep, false),
        None => (put(account.clone(), "add"), true),
    };
    store.change(&key(&account.name), cause, decide).await
}

/// Changes an account that is there by `edit`.
///
/// # Errors
/// There is none, `edit` refuses, or the store failed.
pub async fn change(
    store: &Store,
    name: &AccountName,
    what: &'static str,
    cause: &Cause,
    edit: impl Fn(Account) -> anyhow::Result<Account>,
) -> anyhow::Result<Account> {
    let decide = |known: Option<Account>| {
        let edited = known.ok_or_else(|| anyhow!("there is no account {name}")).and_then(&edit);
        match edited {
            Ok(account) => (put(account.clone(), what), Ok(account)),
            Err(refusal) => (Decision::Keep, Err(refusal)),
        }
    };
    store.change(&key(name), cause, decide).await?
}

fn put(document: Account, what: &'static str) -> Decision<Account> {
    Decision::Put { document, what, facts: None, look_ups: Vec::new() }
}

/// Gives an account another password, which signs its browsers out and takes its tokens back.
///
/// # Errors
/// As of [`change`].
pub async fn change_password(
    store: &Store,
    name: &AccountName,
    password: &str,
    cause: &Cause,
) -> anyhow::Result<()> {
    let password = hashed(password).await?;
    let edit = |account: Account| Ok(account.with_password(password.clone()));
    change(store, name, "password", cause, edit).await.map(drop)
}

/// Signs a browser in whose user knows the password; returns what its cookie holds. `None` when there is no
/// such account, it is closed, or the password is another: the caller learns not which.
///
/// # Errors
/// The store failed.
pub async fn sign_in(
    store: &Store,
    name: &str,
    password: &str,
    cause: &Cause,
) -> anyhow::Result<Option<String>> {
    let account = match name.parse() {
        Ok(name) => get(store, &name).await?,
        Err(_) => None,
    };
    let account = account.filter(|account| account.closed_at.is_none());
    // Nobody's password costs as much to refuse as somebody's.
    let nobody = NOBODY.get_or_try_init(|| hashed("nobody's password")).await?;
    let hash = account.as_ref().map_or(nobody, |account| &account.password).expose().clone();
    let knows = knows_password(password, hash).await?;
    let Some(account) = account.filter(|_| knows) else { return Ok(None) };
    let cookie = secret(&account.name);
    let hash = digest(store, &cookie);
    // Between the look and the write the password may have become another, or the account closed.
    let edit = |now: Account| match now.password == account.password && now.closed_at.is_none() {
        true => Ok(now.sign_in(hash.clone(), cause.at)),
        false => bail!("the account has changed meanwhile"),
    };
    change(store, &account.name, "sign-in", cause, edit).await?;
    Ok(Some(cookie))
}

/// Signs the browser with this cookie out.
///
/// # Errors
/// The store failed.
pub async fn sign_out(store: &Store, cookie: &str, cause: &Cause) -> anyhow::Result<()> {
    let Some(name) = named(cookie) else { return Ok(()) };
    if get(store, &name).await?.is_none() {
        return Ok(());
    }
    let hash = digest(store, cookie);
    let edit = |account: Account| Ok(account.sign_out(&hash));
    change(store, &name, "sign-out", cause, edit).await.map(drop)
}

/// Who is signed in with this cookie.
///
/// # Errors
/// The store failed.
pub async fn of_cookie(
    store: &Store,
    cookie: &str,
    now: Instant,
) -> Result<Option<Operator>, Error> {
    let hash = digest(store, cookie);
    let account = account_of(store, cookie).await?;
    Ok(account.filter(|account| account.is_signed_in(&hash, now)).map(Operator::of))
}

/// In whose name a program calls that has this token.
///
/// # Errors
/// The store failed.
pub async fn of_token(store: &Store, token: &str) -> Result<Option<Operator>, Error> {
    let hash = digest(store, token);
    let account = account_of(store, token).await?;
    Ok(account.filter(|account| account.has_token(&hash)).map(Operator::of))
}

/// Makes a token of the operations API and returns it: it is kept nowhere.
///
/// # Errors
/// There is no such account, it has too many tokens, or the store failed.
pub async fn add_token(
    store: &Store,
    name: &AccountName,
    label: &str,
    cause: &Cause,
) -> anyhow::Result<String> {
    let token = secret(name);
    let made = api_token(store, &token, label, cause.at);
    let edit = |account: Account| Ok(account.add_token(made.clone())?);
    change(store, name, "token", cause, edit).await?;
    Ok(token)
}

/// A token as its account keeps it.
pub fn api_token(store: &Store, token: &str, label: &str, at: Instant) -> ApiToken {
    ApiToken { hash: digest(store, token), label: label.to_owned(), created_at: at }
}

impl Operator {
    fn of(account: Account) -> Self {
        let is_demo = demo::is_demo_account(&account);
        Self { name: account.name, role: account.role, is_demo }
    }

    /// Why something changes that this operator does.
    pub fn cause(&self, at: Instant) -> Cause {
        Cause { at, actor: self.name.to_string(), request_id: context::request_id() }
    }
}

async fn account_of(store: &Store, secret: &str) -> Result<Option<Account>, Error> {
    match named(secret) {
        Some(name) => get(store, &name).await,
        None => Ok(None),
    }
}

/// The account that a cookie or token claims to be of.
fn named(secret: &str) -> Option<AccountName> {
    secret.split_once(SEPARATOR)?.0.parse().ok()
}

fn secret(name: &AccountName) -> String {
    format!("{name}{SEPARATOR}{}", context::token())
}

fn digest(store: &Store, secret: &str) -> String {
    store.keyed_hash("operator", secret)
}

/// A password's hash as a PHC string: Argon2id with the crate's own parameters, which follow OWASP.
async fn hashed(password: &str) -> anyhow::Result<Pii<String>> {
    if password.len() > PASSWORD_BYTES_MAX {
        bail!("a password has at most {PASSWORD_BYTES_MAX} bytes");
    }
    let (password, salt) = (password.to_owned(), context::fresh_block());
    let _turn = HASHING.acquire().await?;
    let hash = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt)
    });
    let hash = hash.await?.map_err(|error| anyhow!("cannot hash a password: {error}"))?;
    Ok(Pii::new(hash.to_string()))
}

/// Whether a password is the one of a hash.
///
/// # Errors
/// The hash is none.
pub async fn knows_password(password: &str, hash: String) -> anyhow::Result<bool> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Ok(false);
    }
    let password = password.to_owned();
    let _turn = HASHING.acquire().await?;
    let verified = tokio::task::spawn_blocking(move || {
        let hash = PasswordHash::new(&hash)?;
        Argon2::default().verify_password(password.as_bytes(), &hash)
    });
    match verified.await.context("a password was not checked")? {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => bail!("a password cannot be checked: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_is_known() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hash = hashed("correct horse").await.unwrap().expose().clone();
            assert!(hash.starts_with("$argon2id$"), "{hash}");
            assert!(knows_password("correct horse", hash.clone()).await.unwrap());
            assert!(!knows_password("correct horsf", hash.clone()).await.unwrap());
            let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
            assert!(!knows_password(&long, hash).await.unwrap());
            assert!(hashed(&long).await.is_err());
            assert!(knows_password("x", "no hash".into()).await.is_err());
        });
    }
}
