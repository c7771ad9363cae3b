//! Sessions: made for an app, and taken back. Both are on record before they are done.

use anyhow::bail;
use domain::Pii;
use domain::access::Session;
use domain::id::AppKey;
use jiff::ToSpan;
use store::{Cause, Error, Store};

use crate::oauth::grants;
use crate::{audit, context};

/// The fewest and the most days that a session is made for.
pub const DAYS: std::ops::RangeInclusive<u32> = 1..=3650;
/// How much of a token is shown: enough to tell it from others.
const SHOWN_CHARS: usize = 8;

/// The beginning of a session's token, for whoever may not have all of it.
pub fn beginning(session: &Session) -> String {
    let shown: String = session.token.expose().chars().take(SHOWN_CHARS).collect();
    format!("{shown}…")
}

/// Makes a session that lasts so many days, and returns its token.
///
/// # Errors
/// The end is outside the calendar, or the store failed.
pub async fn add(store: &Store, app: &AppKey, days: u32, cause: &Cause) -> anyhow::Result<String> {
    let token = context::token();
    let session = Session {
        app: app.clone(),
        token: Pii::new(token.clone()),
        created_at: cause.at,
        expires_at: cause.at.checked_add((i64::from(days) * 24).hours())?,
        revoked_at: None,
        grant: None,
    };
    audit::record(store, cause, "session-add", &subject(&session), None).await?;
    store.put_session(&session).await?;
    Ok(token)
}

/// Takes back the session whose token begins so, and whatever could make another in its place; or the consent
/// that a passcode or its number names. Doing it twice is doing it once.
///
/// # Errors
/// There is none, there are several, or the store failed.
pub async fn revoke(store: &Store, app: &AppKey, token: &str, cause: &Cause) -> anyhow::Result<()> {
    let all = store.sessions(app).await?.into_iter();
    let mut found = all.filter(|session| session.token.expose().starts_with(token));
    let Some(session) = found.next() else {
        // A passcode that was not used has no token yet, and begins with its consent's number.
        let Some(grant) = grants::grant_of(token) else { bail!("{app} has no such token") };
        let subject = format!("app/{app}/consent/{grant}");
        audit::record(store, cause, "consent-revoke", &subject, None).await?;
        if grants::revoke(store, app, &grant, cause).await? {
            return Ok(());
        }
        bail!("{app} has no such token")
    };
    if found.next().is_some() {
        bail!("{app} has several tokens that begin so; give more of it, or its consent's number");
    }
    Ok(revoke_one(store, session, cause).await?)
}

/// Takes a session back, and the consent that it came of.
///
/// # Errors
/// The store failed.
pub async fn revoke_one(store: &Store, mut session: Session, cause: &Cause) -> Result<(), Error> {
    audit::record(store, cause, "session-revoke", &subject(&session), None).await?;
    session.revoked_at.get_or_insert(cause.at);
    store.put_session(&session).await?;
    if let Some(grant) = &session.grant {
        grants::revoke(store, &session.app, grant, cause).await?;
    }
    Ok(())
}

/// What a session is called on record.
fn subject(session: &Session) -> String {
    format!("app/{}/session/{}", session.app, beginning(session))
}
