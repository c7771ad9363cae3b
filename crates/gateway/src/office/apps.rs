//! Apps: added, changed and withdrawn. Each change is on record before it is made.

use std::collections::BTreeSet;
use std::str::FromStr;

use domain::Pii;
use domain::access::{App, Entitlement, PARTNER_KEYS_MAX, PartnerKey};
use domain::id::{AppKey, KeyId};
use store::{Cause, Store};
use top::seal::{Key as SealingKey, Scheme};

use super::Error;
use crate::{audit, context};

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
pub async fn add(
    store: &Store,
    key: &AppKey,
    drawn: String,
    edit: &Edit,
    cause: &Cause,
) -> Result<App, Error> {
    let mut app = App::new(key.clone(), Pii::new(drawn));
    edit.apply(&mut app)?;
    let add = |known: Option<App>| match known {
        // The same caller again, who did not learn that it was done.
        Some(known) if known == app => Ok(known),
        Some(_) => Err(Error::Known(key.clone())),
        None => Ok(app.clone()),
    };
    amend(store, key, "app-add", cause, add).await
}

/// Changes what is named of an app, and nothing else.
///
/// # Errors
/// There is no such app, something cannot be taken, or the store failed.
pub async fn change(store: &Store, key: &AppKey, edit: &Edit, cause: &Cause) -> Result<App, Error> {
    let change = |app: Option<App>| {
        let mut app = app.ok_or_else(|| Error::NoSuchApp(key.clone()))?;
        edit.apply(&mut app)?;
        Ok(app)
    };
    amend(store, key, "app-change", cause, change).await
}

/// Gives an app another secret, which is made up: from now on it signs with that.
///
/// # Errors
/// There is no such app, or the store failed.
pub async fn renew_secret(store: &Store, key: &AppKey, cause: &Cause) -> Result<App, Error> {
    let secret = Pii::new(context::token());
    let renew = |app: Option<App>| {
        let app = app.ok_or_else(|| Error::NoSuchApp(key.clone()))?;
        Ok(App { secret: secret.clone(), ..app })
    };
    amend(store, key, "app-secret", cause, renew).await
}

/// Withdraws an app: from then on it is unknown. Doing it twice is doing it once.
///
/// # Errors
/// There is no such app, or the store failed.
pub async fn revoke(store: &Store, key: &AppKey, cause: &Cause) -> Result<App, Error> {
    let revoke = |app: Option<App>| {
        let mut app = app.ok_or_else(|| Error::NoSuchApp(key.clone()))?;
        app.revoked_at.get_or_insert(cause.at);
        Ok(app)
    };
    amend(store, key, "app-revoke", cause, revoke).await
}

/// Changes an app by `decide`. What is refused is not on record; what is done was on record before.
async fn amend(
    store: &Store,
    key: &AppKey,
    what: &'static str,
    cause: &Cause,
    decide: impl Fn(Option<App>) -> Result<App, Error>,
) -> Result<App, Error> {
    decide(store.app(key).await?)?;
    audit::record(store, cause, what, &format!("app/{key}"), None).await?;
    store.change_app(key, decide).await
}
