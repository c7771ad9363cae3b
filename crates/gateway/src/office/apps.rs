//! Apps: added, changed and withdrawn. Each change is on record before it is made.

use std::collections::BTreeSet;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use domain::Pii;
use domain::access::{App, Entitlement, PARTNER_KEYS_MAX, PartnerKey};
use domain::id::{AppKey, KeyId};
use store::{Cause, Store};
use top::seal::{Key as SealingKey, Scheme};

use crate::{audit, context};

/// What is said of an app; what is left out stays as it is. Of a list, the empty text alone takes all away.
#[derive(Default)]
pub struct Facts {
    /// What it signs with.
    pub secret: Option<Pii<String>>,
    /// The methods it may call; `all` among them is every one.
    pub methods: Vec<String>,
    /// Its flight sub-channels.
    pub sub_channels: Vec<String>,
    /// Its car-rental channels.
    pub channels: Vec<String>,
    /// Its CWT accounts.
    pub cwt_accounts: Vec<String>,
    /// Where people may be sent back to.
    pub redirect_uris: Vec<String>,
    /// An SM4 key that it seals with from now on.
    pub partner_key: Option<(KeyId, Pii<String>, Scheme)>,
    /// An SM4 key to forget.
    pub forget_partner_key: Option<KeyId>,
    /// Whether the published examples are let through.
    pub lenient: Option<bool>,
    /// Calls in one day; `Some(None)` for no limit.
    pub calls_per_day: Option<Option<u32>>,
    /// Calls in one second; `Some(None)` for no limit.
    pub calls_per_second: Option<Option<u32>>,
    /// What stands before the name of a list in a complaint: the hyphens of a flag, or nothing.
    pub prefix: &'static str,
}

impl Facts {
    /// Puts what was said into the app.
    fn apply(&self, app: &mut App) -> anyhow::Result<()> {
        if let Some(secret) = &self.secret {
            app.secret = secret.clone();
        }
        self.apply_keys(app)?;
        if self.methods.iter().any(|name| name == "all") {
            app.methods = Entitlement::All;
        } else if !self.methods.is_empty() {
            let known = |name: &&String| trip_api::SPECS.iter().any(|spec| spec.name == **name);
            if let Some(unknown) = self.methods.iter().find(|name| !known(name)) {
                bail!("there is no method {unknown}; `tripwright docs` lists them");
            }
            app.methods = Entitlement::Only(self.methods.iter().cloned().collect());
        }
        let named = |name: &str| format!("{}{name}", self.prefix);
        let sub_channels = bind(&self.sub_channels, &mut app.sub_channels);
        sub_channels.with_context(|| named("sub-channel"))?;
        bind(&self.channels, &mut app.channels).with_context(|| named("channel"))?;
        bind(&self.cwt_accounts, &mut app.cwt_accounts).with_context(|| named("cwt-account"))?;
        let redirect_uris = bind(&self.redirect_uris, &mut app.redirect_uris);
        redirect_uris.with_context(|| named("redirect-uri"))?;
        app.lenient = self.lenient.unwrap_or(app.lenient);
        app.quota.calls_per_day = self.calls_per_day.unwrap_or(app.quota.calls_per_day);
        app.quota.calls_per_second = self.calls_per_second.unwrap_or(app.quota.calls_per_second);
        Ok(())
    }

    fn apply_keys(&self, app: &mut App) -> anyhow::Result<()> {
        if let Some(key_id) = &self.forget_partner_key {
            let known = app.partner_keys.len();
            app.partner_keys.retain(|key| key.key_id != *key_id);
            if app.partner_keys.len() == known {
                bail!("the app has no SM4 key {key_id}");
            }
        }
        // A new key stands before those there are: from now on it is the one in use.
        if let Some((key_id, key, scheme)) = &self.partner_key {
            key.expose().parse::<SealingKey>()?;
            let (key_id, scheme) = (key_id.clone(), scheme.to_string());
            app.partner_keys.retain(|known| known.key_id != key_id);
            if app.partner_keys.len() == PARTNER_KEYS_MAX {
                bail!(
                    "an app has at most {PARTNER_KEYS_MAX} SM4 keys; --forget-sm4-key makes room"
                );
            }
            app.partner_keys.insert(0, PartnerKey { key_id, key: key.clone(), scheme });
        }
        Ok(())
    }
}

/// Replaces what is bound by what was named, if anything was; the empty text alone names nothing.
fn bind<T: FromStr + Ord>(named: &[String], bound: &mut BTreeSet<T>) -> Result<(), T::Err> {
    match named {
        [] => return Ok(()),
        [nothing] if nothing.is_empty() => bound.clear(),
        _ => *bound = named.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
    }
    Ok(())
}

/// Adds an app; one that was given no secret gets one that is made up.
///
/// # Errors
/// There is one already, a fact of it is none, or the store failed.
pub async fn add(store: &Store, key: &AppKey, facts: &Facts, cause: &Cause) -> anyhow::Result<App> {
    let mut app = App::new(key.clone(), Pii::new(context::token()));
    facts.apply(&mut app)?;
    let add = |known: Option<App>| match known {
        Some(_) => bail!("there is an app {key} already; `tripwright app change` changes it"),
        None => Ok(app.clone()),
    };
    edit(store, key, "app-add", cause, add).await
}

/// Changes what is said of an app, and nothing else.
///
/// # Errors
/// There is none, a fact of it is none, or the store failed.
pub async fn change(
    store: &Store,
    key: &AppKey,
    facts: &Facts,
    cause: &Cause,
) -> anyhow::Result<App> {
    let change = |app: Option<App>| {
        let mut app = app.with_context(|| format!("there is no app {key}"))?;
        facts.apply(&mut app)?;
        Ok(app)
    };
    edit(store, key, "app-change", cause, change).await
}

/// Gives an app another secret, which is made up: from now on it signs with that.
///
/// # Errors
/// There is none, or the store failed.
pub async fn renew_secret(store: &Store, key: &AppKey, cause: &Cause) -> anyhow::Result<App> {
    let secret = Pii::new(context::token());
    let renew = |app: Option<App>| {
        let app = app.with_context(|| format!("there is no app {key}"))?;
        Ok(App { secret: secret.clone(), ..app })
    };
    edit(store, key, "app-secret", cause, renew).await
}

/// Withdraws an app: from then on it is unknown. Doing it twice is doing it once.
///
/// # Errors
/// There is none, or the store failed.
pub async fn revoke(store: &Store, key: &AppKey, cause: &Cause) -> anyhow::Result<App> {
    let revoke = |app: Option<App>| {
        let mut app = app.with_context(|| format!("there is no app {key}"))?;
        app.revoked_at.get_or_insert(cause.at);
        Ok(app)
    };
    edit(store, key, "app-revoke", cause, revoke).await
}

/// Changes an app by `decide`. What is refused is not on record; what is done was on record before.
async fn edit(
    store: &Store,
    key: &AppKey,
    what: &'static str,
    cause: &Cause,
    decide: impl Fn(Option<App>) -> anyhow::Result<App>,
) -> anyhow::Result<App> {
    decide(store.app(key).await?)?;
    audit::record(store, cause, what, &format!("app/{key}"), None).await?;
    store.change_app(key, decide).await
}
