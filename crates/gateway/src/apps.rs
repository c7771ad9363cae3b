//! What operators do with apps and sessions, by command line, console and operations API alike.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::access::{App, Entitlement, PARTNER_KEYS_MAX, PartnerKey, Session};
use domain::id::{AppKey, KeyId};
use domain::{Instant, Pii};
use jiff::ToSpan;
use store::{Cause, Store};
use top::seal::{Key as SealingKey, Scheme};

use crate::context;
use crate::oauth::grants;

/// Longest life of a session that an operator makes, in days: ten years.
pub const SESSION_DAYS_MAX: u32 = 3650;
/// How long one lasts, in days, when nobody says.
pub const SESSION_DAYS: u32 = 90;
/// How many characters of a token are shown: enough to tell one from the other, too few to guess the rest.
const SHOWN_CHARS: usize = 8;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no app of this key.
    #[error("there is no app {0}")]
    NoSuchApp(AppKey),
    /// There is one already.
    #[error("there is an app {0} already")]
    Known(AppKey),
    /// What was given cannot be taken: what, and why.
    #[error("{0}: {1}")]
    Bad(&'static str, String),
    /// An app has so many keys.
    #[error("an app has at most {PARTNER_KEYS_MAX} SM4 keys; forget one to make room")]
    TooManyKeys,
    /// It has no such key.
    #[error("the app has no SM4 key {0}")]
    NoSuchKey(KeyId),
    /// It has no such session.
    #[error("{0} has no such token")]
    NoSuchSession(AppKey),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is to become of an app's facts: what is not named stays.
#[derive(Debug, Default)]
pub struct Edit {
    /// What it signs with.
    pub secret: Option<Pii<String>>,
    /// The methods it may call; `all` among them means every one.
    pub methods: Option<Vec<String>>,
    /// Its flight sub-channels.
    pub sub_channels: Option<Vec<String>>,
    /// Its car-rental channels.
    pub channels: Option<Vec<String>>,
    /// The accounts it supplies under.
    pub cwt_accounts: Option<Vec<String>>,
    /// Where people may be sent back to from the consent page.
    pub redirect_uris: Option<Vec<String>>,
    /// An SM4 key from now on in use.
    pub sm4_key: Option<NewKey>,
    /// An SM4 key to forget.
    pub forget_sm4_key: Option<KeyId>,
    /// Whether it may write what only the published examples write.
    pub lenient: Option<bool>,
    /// Calls a day; `Some(None)` is no limit.
    pub calls_per_day: Option<Option<u32>>,
    /// Calls a second; `Some(None)` is no limit.
    pub calls_per_second: Option<Option<u32>>,
}

/// An SM4 key that a partner handed over.
#[derive(Debug)]
pub struct NewKey {
    /// What it is called; one of the same name is replaced.
    pub key_id: KeyId,
    /// The key, in the form it was handed over.
    pub key: Pii<String>,
    /// How it seals.
    pub scheme: Scheme,
}

impl Edit {
    /// Puts what was named into the app.
    ///
    /// # Errors
    /// Something of it cannot be taken.
    pub fn apply(&self, app: &mut App) -> Result<(), Error> {
        if let Some(secret) = &self.secret {
            app.secret = secret.clone();
        }
        if let Some(key_id) = &self.forget_sm4_key {
            let known = app.partner_keys.len();
            app.partner_keys.retain(|key| key.key_id != *key_id);
            if app.partner_keys.len() == known {
                return Err(Error::NoSuchKey(key_id.clone()));
            }
        }
        if let Some(key) = &self.sm4_key {
            add_key(key, app)?;
        }
        if let Some(methods) = &self.methods {
            app.methods = entitlement(methods)?;
        }
        bind("sub_channels", self.sub_channels.as_deref(), &mut app.sub_channels)?;
        bind("channels", self.channels.as_deref(), &mut app.channels)?;
        bind("cwt_accounts", self.cwt_accounts.as_deref(), &mut app.cwt_accounts)?;
        bind("redirect_uris", self.redirect_uris.as_deref(), &mut app.redirect_uris)?;
        app.lenient = self.lenient.unwrap_or(app.lenient);
        app.quota.calls_per_day = self.calls_per_day.unwrap_or(app.quota.calls_per_day);
        app.quota.calls_per_second = self.calls_per_second.unwrap_or(app.quota.calls_per_second);
        Ok(())
    }
}

fn entitlement(methods: &[String]) -> Result<Entitlement, Error> {
    if methods.iter().any(|name| name == "all") {
        return Ok(Entitlement::All);
    }
    let known = |name: &&String| trip_api::SPECS.iter().any(|spec| spec.name == **name);
    match methods.iter().find(|name| !known(name)) {
        Some(unknown) => Err(Error::Bad(
            "methods",
            format!("there is no method {unknown}; /docs and `tripwright docs` list them"),
        )),
        None => Ok(Entitlement::Only(methods.iter().cloned().collect())),
    }
}

/// Puts a key before those there are: from now on it is the one in use.
fn add_key(new: &NewKey, app: &mut App) -> Result<(), Error> {
    let NewKey { key_id, key, scheme } = new;
    let usable = key.expose().parse::<SealingKey>();
    usable.map_err(|error| Error::Bad("sm4_key", error.to_string()))?;
    app.partner_keys.retain(|known| known.key_id != *key_id);
    if app.partner_keys.len() == PARTNER_KEYS_MAX {
        return Err(Error::TooManyKeys);
    }
    let (key_id, key, scheme) = (key_id.clone(), key.clone(), scheme.to_string());
    app.partner_keys.insert(0, PartnerKey { key_id, key, scheme });
    Ok(())
}

/// Replaces what is bound by what was named, if anything was.
fn bind<T>(
    what: &'static str,
    named: Option<&[String]>,
    bound: &mut BTreeSet<T>,
) -> Result<(), Error>
where
    T: FromStr<Err: ToString> + Ord,
{
    if let Some(named) = named {
        let parsed = named.iter().map(|text| text.parse());
        let parsed: Result<_, T::Err> = parsed.collect();
        *bound = parsed.map_err(|error| Error::Bad(what, error.to_string()))?;
    }
    Ok(())
}

/// Adds an app. One without a secret gets `drawn`.
///
/// # Errors
/// There is one already, something of it cannot be taken, or the store failed.
pub async fn add(store: &Store, key: &AppKey, drawn: String, edit: &Edit) -> Result<App, Error> {
    let mut app = App::new(key.clone(), Pii::new(drawn));
    edit.apply(&mut app)?;
    let add = |known: Option<App>| match known {
        // The same caller again, who did not learn that it was done.
        Some(known) if known == app => Ok(known),
        Some(_) => Err(Error::Known(key.clone())),
        None => Ok(app.clone()),
    };
    store.change_app(key, add).await
}

/// Changes what is named of an app, and nothing else.
///
/// # Errors
/// There is no such app, something cannot be taken, or the store failed.
pub async fn change(store: &Store, key: &AppKey, edit: &Edit) -> Result<App, Error> {
    let change = |app: Option<App>| {
        let mut app = app.ok_or_else(|| Error::NoSuchApp(key.clone()))?;
        edit.apply(&mut app)?;
        Ok(app)
    };
    store.change_app(key, change).await
}

/// Withdraws an app; doing it twice is doing it once.
///
/// # Errors
/// There is no such app, or the store failed.
pub async fn revoke(store: &Store, key: &AppKey, now: Instant) -> Result<App, Error> {
    let revoke = |app: Option<App>| {
        let mut app = app.ok_or_else(|| Error::NoSuchApp(key.clone()))?;
        app.revoked_at.get_or_insert(now);
        Ok(app)
    };
    store.change_app(key, revoke).await
}

/// Makes a session of an app under the token `drawn`.
///
/// # Errors
/// There is no such app, it would last beyond the calendar, or the store failed.
pub async fn add_session(
    store: &Store,
    app: &AppKey,
    drawn: String,
    days: u32,
    now: Instant,
) -> Result<Session, Error> {
    must_be_there(store, app).await?;
    let hours = (i64::from(days) * 24).hours();
    let expires_at =
        now.checked_add(hours).map_err(|error| Error::Bad("days", error.to_string()))?;
    let session = Session {
        app: app.clone(),
        token: Pii::new(drawn),
        created_at: now,
        expires_at,
        revoked_at: None,
        grant: None,
    };
    store.put_session(&session).await?;
    Ok(session)
}

/// Takes a session back, and whatever could make another in its place; doing it twice is doing it once.
///
/// # Errors
/// The store failed.
pub async fn revoke_session(
    store: &Store,
    mut session: Session,
    cause: &Cause,
) -> Result<Session, Error> {
    session.revoked_at.get_or_insert(cause.at);
    store.put_session(&session).await?;
    if let Some(grant) = &session.grant {
        grants::revoke(store, &session.app, grant, cause).await?;
    }
    Ok(session)
}

/// An app's sessions, each with an id by which it can be named without being known; in the order of those.
///
/// # Errors
/// There is no such app, or the store failed.
pub async fn sessions(store: &Store, app: &AppKey) -> Result<Vec<(String, Session)>, Error> {
    must_be_there(store, app).await?;
    let sessions = store.sessions(app).await?.into_iter();
    let mut named: Vec<_> =
        sessions.map(|session| (session_id(store, &session), session)).collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(named)
}

/// The app's session of this id.
///
/// # Errors
/// There is no such app or session, or the store failed.
pub async fn session(store: &Store, app: &AppKey, id: &str) -> Result<Session, Error> {
    let mut all = sessions(store, app).await?.into_iter();
    let found = all.find(|(known, _)| known == id).map(|(_, session)| session);
    found.ok_or_else(|| Error::NoSuchSession(app.clone()))
}

/// What a session is called among operators: a hash that leads nobody to its token.
pub fn session_id(store: &Store, session: &Session) -> String {
    store.keyed_hash("session", session.token.expose())
}

/// The beginning of a session's token, as it is shown.
pub fn beginning(session: &Session) -> String {
    let shown: String = session.token.expose().chars().take(SHOWN_CHARS).collect();
    format!("{shown}…")
}

/// A new secret or token.
pub fn draw() -> String {
    context::token()
}

async fn must_be_there(store: &Store, app: &AppKey) -> Result<(), Error> {
    match store.app(app).await? {
        Some(_) => Ok(()),
        None => Err(Error::NoSuchApp(app.clone())),
    }
}
