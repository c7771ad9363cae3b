//! Grants in the store, and the sessions that come of them.
//!
//! A grant is an aggregate, so of two that use a code at the same instant, on whichever gateways, one wins.
//! A session is put before its grant says so: whoever ends the grant from then on finds it.

use domain::access::Session;
use domain::grant::{
    CODE_LIFE, Challenge, Code, Digest, Fresh, Grant, RedirectUri, Refusal, State, Token,
};
use domain::id::{AppKey, GrantId};
use domain::{Instant, Pii, Step};
use jiff::SignedDuration;
use store::{Cause, Decision, Error, Key, Store};

use crate::{Context, context};

const KIND: &str = "grant";
/// With as many characters every code, passcode and refresh token begins: the number of its grant.
const GRANT_ID_CHARS: usize = 12;
/// Random characters of an access token, beside what it begins and ends with: 36⁴⁰ cannot be guessed.
const TOKEN_RANDOM_CHARS: usize = 40;

/// How a code is used, and by whom.
pub enum Use<'a> {
    /// A code, with the address it was sent to where the way that it comes by has one, and the proof of
    /// RFC 7636 if there is one.
    Code { code: &'a str, redirect_uri: Option<&'a str>, verifier: Option<domain::grant::Verifier> },
    /// A refresh token.
    Refresh(&'a str),
}

/// What an app is given.
pub struct Given {
    /// Whom it may act for.
    pub nick: Pii<String>,
    /// The access token.
    pub token: Pii<String>,
    /// When that ends.
    pub token_until: Instant,
    /// The refresh token.
    pub refresh: Pii<String>,
    /// When nothing can be refreshed any more.
    pub refresh_until: Instant,
}

fn key(app: &AppKey, id: &GrantId) -> Key {
    Key { kind: KIND, owner: format!("{app}/-"), id: id.to_string() }
}

/// A new grant's number, and a secret that begins with it.
fn new_secret() -> (Option<GrantId>, String) {
    let id = context::request_id();
    let secret = format!("{id}{}", context::token());
    (id.parse().ok(), secret)
}

/// The grant that a secret claims to be of.
pub fn grant_of(secret: &str) -> Option<GrantId> {
    secret.get(..GRANT_ID_CHARS)?.parse().ok()
}

fn digest(store: &Store, secret: &str) -> Digest {
    Digest(store.keyed_hash("grant", secret))
}

fn put(document: Grant, what: &'static str) -> Decision<Grant> {
    Decision::Put { document, what, facts: None, look_ups: Vec::new() }
}

/// A moment so many seconds from another.
fn after(now: Instant, seconds: u32) -> Instant {
    now.checked_add(SignedDuration::from_secs(seconds.into())).unwrap_or(Instant::MAX)
}

/// Invites a person to allow the app, and returns the passcode that tells them from others.
///
/// # Errors
/// The engine failed.
pub async fn invite(
    store: &Store,
    app: &AppKey,
    nick: &Pii<String>,
    until: Instant,
    cause: &Cause,
) -> Result<String, Error> {
    let (id, passcode) = new_secret();
    let grant = Grant::invite(nick.clone(), digest(store, &passcode), until);
    make(store, app, id, grant, "invite", cause).await?;
    Ok(passcode)
}

async fn make(
    store: &Store,
    app: &AppKey,
    id: Option<GrantId>,
    grant: Grant,
    what: &'static str,
    cause: &Cause,
) -> Result<(), Error> {
    // A number that is taken does not come up before the stars go out; if it does, nothing is given away.
    let id = id.ok_or(Error::Contended)?;
    let decide = |known: Option<Grant>| match known {
        Some(_) => (Decision::Keep, Err(Error::Contended)),
        None => (put(grant.clone(), what), Ok(())),
    };
    store.change(&key(app, &id), cause, decide).await?
}

/// Who says yes.
pub enum Person<'a> {
    /// Somebody whose word is taken for who they are: the sandbox.
    Named(Pii<String>),
    /// Whoever has this passcode.
    Invited(&'a str),
}

/// A person says yes: the code that the app is told.
///
/// # Errors
/// The engine failed; within, the passcode opens nothing.
pub async fn consent(
    cx: &Context,
    app: &AppKey,
    person: Person<'_>,
    redirect_uri: &RedirectUri,
    challenge: Option<Challenge>,
    cause: &Cause,
) -> Result<Result<String, Refusal>, Error> {
    let until = cause.at.checked_add(CODE_LIFE).unwrap_or(Instant::MAX);
    let redirect_uri = redirect_uri.clone();
    let bound =
        |secret: &str| Code { digest: digest(&cx.store, secret), until, redirect_uri, challenge };
    match person {
        Person::Named(nick) => {
            let (id, secret) = new_secret();
            let grant = Grant::consent(nick, bound(&secret));
            make(&cx.store, app, id, grant, "consent", cause).await?;
            Ok(Ok(secret))
        }
        Person::Invited(passcode) => {
            let Some(id) = grant_of(passcode) else { return Ok(Err(Refusal::Unknown)) };
            let secret = format!("{id}{}", context::token());
            let (given, code) = (digest(&cx.store, passcode), bound(&secret));
            let decide = |grant: Option<Grant>| {
                let accepted = grant.ok_or(Refusal::Unknown);
                match accepted.and_then(|grant| grant.accept(&given, code.clone(), cause.at)) {
                    Ok(grant) => (put(grant, "consent"), Ok(secret.clone())),
                    Err(refusal) => (Decision::Keep, Err(refusal)),
                }
            };
            cx.store.change(&key(app, &id), cause, decide).await
        }
    }
}

/// Gives an app tokens for a code or a refresh token. One that comes back ends all that came of it.
///
/// # Errors
/// The engine failed; within, it opens nothing.
pub async fn tokens(
    cx: &Context,
    app: &AppKey,
    used: &Use<'_>,
    cause: &Cause,
) -> Result<Result<Given, Refusal>, Error> {
    let (Use::Code { code: secret, .. } | Use::Refresh(secret)) = *used;
    let Some(id) = grant_of(secret) else { return Ok(Err(Refusal::Unknown)) };
    let (store, now, settings) = (&cx.store, cause.at, &cx.settings);
    let Some(known) = store.get::<Grant>(&key(app, &id)).await? else {
        return Ok(Err(Refusal::Unknown));
    };
    let refresh = format!("{id}{}", context::token());
    let fresh = Fresh {
        token: access_token(store, &known.nick),
        refresh: digest(store, &refresh),
        refresh_until: after(now, settings.refresh_token_seconds),
    };
    let given = digest(store, secret);
    let step = |grant: &Grant| match used {
        Use::Code { redirect_uri, verifier, .. } => {
            grant.redeem(&given, *redirect_uri, verifier.as_ref(), fresh.clone(), now)
        }
        Use::Refresh(_) => grant.refresh(&given, fresh.clone(), now),
    };
    // Looked at before anything is written: whoever guesses writes nothing.
    if let Err(refusal) = step(&known) {
        // What an earlier revocation left open, because it was cut short, is ended now.
        if refusal == Refusal::Reused || matches!(known.state, State::Revoked { .. }) {
            revoke(store, app, &id, cause).await?;
        }
        return Ok(Err(refusal));
    }
    // The same for a token that was replaced and is about to be forgotten.
    end(store, app, known.tokens().get(1..).unwrap_or_default(), now).await?;
    let session = Session {
        app: app.clone(),
        token: fresh.token.clone(),
        created_at: now,
        expires_at: after(now, settings.token_seconds),
        revoked_at: None,
        grant: Some(id.clone()),
    };
    store.put_session(&session).await?;
    let what = if matches!(used, Use::Code { .. }) { "redeem" } else { "refresh" };
    let decide = |grant: Option<Grant>| match grant.as_ref().ok_or(Refusal::Unknown).and_then(step)
    {
        Ok(grant) => (put(grant.clone(), what), Ok(grant)),
        Err(refusal) => (Decision::Keep, Err(refusal)),
    };
    match store.change(&key(app, &id), cause, decide).await? {
        Ok(grant) => {
            end(store, app, grant.tokens().get(1..).unwrap_or_default(), now).await?;
            let refresh_until = grant.refresh_until().unwrap_or(now);
            let (token, token_until) = (fresh.token.clone(), session.expires_at);
            let refresh = Pii::new(refresh);
            Ok(Ok(Given { nick: grant.nick, token, token_until, refresh, refresh_until }))
        }
        Err(refusal) => {
            // Somebody else was faster; nobody has been told of this token.
            end(store, app, &[Token(fresh.token.clone())], now).await?;
            if refusal == Refusal::Reused {
                revoke(store, app, &id, cause).await?;
            }
            Ok(Err(refusal))
        }
    }
}

/// A new access token, which ends with the number of whom it acts for.
fn access_token(store: &Store, nick: &Pii<String>) -> Pii<String> {
    let (random, user_id) = (context::token(), user_id(store, nick.expose()));
    Pii::new(format!("6200{}{user_id}", &random[..TOKEN_RANDOM_CHARS]))
}

/// Ends a grant and all that came of it; doing it twice is doing it once, and completes what was cut short.
/// Says whether there is such a grant.
///
/// # Errors
/// The engine failed.
pub async fn revoke(
    store: &Store,
    app: &AppKey,
    id: &GrantId,
    cause: &Cause,
) -> Result<bool, Error> {
    let decide = |grant: Option<Grant>| match grant.map(|grant| grant.revoke(cause.at)) {
        None => (Decision::Keep, None),
        Some(Step::Already(grant)) => (Decision::Keep, Some(grant)),
        Some(Step::Taken(grant)) => (put(grant.clone(), "revoke"), Some(grant)),
    };
    let grant = store.change(&key(app, id), cause, decide).await?;
    let tokens = grant.as_ref().map(Grant::tokens).unwrap_or_default();
    end(store, app, tokens, cause.at).await?;
    Ok(grant.is_some())
}

/// Takes sessions back.
async fn end(store: &Store, app: &AppKey, tokens: &[Token], now: Instant) -> Result<(), Error> {
    for Token(token) in tokens {
        let session = store.session(app, token.expose()).await?;
        // Each change makes every gateway look anew, so none is made for what has ended.
        if let Some(mut session) = session.filter(|session| session.is_open(now)) {
            session.revoked_at = Some(now);
            store.put_session(&session).await?;
        }
    }
    Ok(())
}

/// The number of an account, the same for the same name: 16 digits, within what JavaScript counts exactly.
pub fn user_id(store: &Store, nick: &str) -> u64 {
    const FIRST: u64 = 2_088_000_000_000_000;
    const COUNT: u64 = 1_000_000_000_000;
    let hash = store.keyed_hash("user id", nick);
    let number = u64::from_str_radix(hash.get(..16).unwrap_or_default(), 16).unwrap_or_default();
    FIRST + number % COUNT
}
