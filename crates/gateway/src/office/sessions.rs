//! Sessions: made for an app, and taken back. Both are on record before they are done.

use domain::Pii;
use domain::access::Session;
use domain::id::AppKey;
use jiff::ToSpan;
use store::{Cause, Store};

use super::Error;
use crate::audit;
use crate::oauth::grants;

/// Longest life of a session that an operator makes, in days: ten years.
pub const DAYS_MAX: u32 = 3650;
/// How long one lasts, in days, when nobody says.
pub const DAYS: u32 = 90;
/// How many characters of a token are shown: enough to tell one from the other, too few to guess the rest.
const SHOWN_CHARS: usize = 8;

/// Makes a session of an app that lasts so many days, under the token `drawn`.
///
/// # Errors
/// There is no such app, it would last beyond the calendar, or the store failed.
pub async fn add(
    store: &Store,
    app: &AppKey,
    drawn: String,
    days: u32,
    cause: &Cause,
) -> Result<Session, Error> {
    must_be_there(store, app).await?;
    // The same caller again, who did not learn that it was done: it may have been taken back since.
    if let Some(known) = store.session(app, &drawn).await? {
        return Ok(known);
    }
    let hours = (i64::from(days) * 24).hours();
    let expires_at = cause.at.checked_add(hours);
    let expires_at = expires_at.map_err(|error| Error::Bad("days", error.to_string()))?;
    let session = Session {
        app: app.clone(),
        token: Pii::new(drawn),
        created_at: cause.at,
        expires_at,
        revoked_at: None,
        grant: None,
    };
    audit::record(store, cause, "session-add", &subject(&session), None).await?;
    store.put_session(&session).await?;
    Ok(session)
}

/// Takes back the session whose token begins so, and whatever could make another in its place; or the consent
/// that a passcode or its number names. Doing it twice is doing it once.
///
/// # Errors
/// There is none, there are several, or the store failed.
pub async fn revoke_by_beginning(
    store: &Store,
    app: &AppKey,
    token: &str,
    cause: &Cause,
) -> Result<(), Error> {
    let all = store.sessions(app).await?.into_iter();
    let mut found = all.filter(|session| session.token.expose().starts_with(token));
    let Some(session) = found.next() else {
        // A passcode that was not used has no token yet, and begins with its consent's number.
        let none = || Error::NoSuchSession(app.clone());
        let grant = grants::grant_of(token).ok_or_else(none)?;
        let subject = format!("app/{app}/consent/{grant}");
        audit::record(store, cause, "consent-revoke", &subject, None).await?;
        let was_there = grants::revoke(store, app, &grant, cause).await?;
        return if was_there { Ok(()) } else { Err(none()) };
    };
    if found.next().is_some() {
        return Err(Error::SeveralSessions(app.clone()));
    }
    revoke(store, session, cause).await.map(drop)
}

/// Takes a session back, and the consent that it came of; doing it twice is doing it once.
///
/// # Errors
/// The store failed.
pub async fn revoke(store: &Store, mut session: Session, cause: &Cause) -> Result<Session, Error> {
    audit::record(store, cause, "session-revoke", &subject(&session), None).await?;
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
pub async fn list(store: &Store, app: &AppKey) -> Result<Vec<(String, Session)>, Error> {
    must_be_there(store, app).await?;
    let sessions = store.sessions(app).await?.into_iter();
    let mut named: Vec<_> = sessions.map(|session| (id(store, &session), session)).collect();
    named.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(named)
}

/// The app's session of this id.
///
/// # Errors
/// There is no such app or session, or the store failed.
pub async fn get(store: &Store, app: &AppKey, id: &str) -> Result<Session, Error> {
    let mut all = list(store, app).await?.into_iter();
    let found = all.find(|(known, _)| known == id).map(|(_, session)| session);
    found.ok_or_else(|| Error::NoSuchSession(app.clone()))
}

/// What a session is called among operators: a hash that leads nobody to its token.
pub fn id(store: &Store, session: &Session) -> String {
    store.keyed_hash("session", session.token.expose())
}

/// The beginning of a session's token, for whoever may not have all of it.
pub fn beginning(session: &Session) -> String {
    let shown: String = session.token.expose().chars().take(SHOWN_CHARS).collect();
    format!("{shown}…")
}

/// What a session is called on record.
fn subject(session: &Session) -> String {
    format!("app/{}/session/{}", session.app, beginning(session))
}

async fn must_be_there(store: &Store, app: &AppKey) -> Result<(), Error> {
    match store.app(app).await? {
        Some(_) => Ok(()),
        None => Err(Error::NoSuchApp(app.clone())),
    }
}
