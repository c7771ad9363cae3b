//! Cancellation policies of car rentals as data: an operator writes them down under a name, and a booking that
//! names one keeps it as it stood then.

use anyhow::bail;
use domain::id::{AppKey, ChannelId, PolicyName};
use domain::rental::{BadTerms, Policy};
use domain::{Instant, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Cause, Decision, Error, Key, Store};

use crate::family::owner;

const KIND: &str = "policy";

/// A policy under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// What it says.
    pub policy: Policy,
    /// Since when.
    pub changed_at: Instant,
    /// When it was withdrawn: no booking can name it since.
    pub withdrawn_at: Option<Instant>,
}

/// Which policy, of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyKey {
    /// The distributor's app.
    pub app: AppKey,
    /// Its channel.
    pub channel: ChannelId,
    /// The policy's name.
    pub name: PolicyName,
}

impl PolicyKey {
    fn key(&self) -> Key {
        let owner = owner(&self.app, self.channel.as_str());
        Key { kind: KIND, owner, id: self.name.to_string() }
    }
}

/// The policy of this name, withdrawn or not.
///
/// # Errors
/// The store failed.
pub async fn get(store: &Store, key: &PolicyKey) -> Result<Option<Named>, Error> {
    store.get(&key.key()).await
}

/// A channel's policies in the order of their names, from the one after `after` on.
///
/// # Errors
/// The store failed.
pub async fn list(
    store: &Store,
    app: &AppKey,
    channel: &ChannelId,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(String, Named)>, Error> {
    let owner = owner(app, channel.as_str());
    let mut policies = Vec::new();
    for id in store.list_of(&owner, KIND, after, limit).await? {
        let key = Key { kind: KIND, owner: owner.clone(), id: id.clone() };
        policies.extend(store.get(&key).await?.map(|named| (id, named)));
    }
    Ok(policies)
}

/// Writes a policy down, in the place of the one of its name. Says whether there was none.
///
/// # Errors
/// The policy breaks a rule, or the store failed.
pub async fn put(
    store: &Store,
    key: &PolicyKey,
    policy: &Policy,
    cause: &Cause,
) -> Result<Result<(Named, bool), BadTerms>, Error> {
    if let Err(bad) = policy.check() {
        return Ok(Err(bad));
    }
    let decide = |known: Option<Named>| match known {
        Some(named) if named.withdrawn_at.is_none() && named.policy == *policy => {
            (Decision::Keep, (named, false))
        }
        known => {
            let (policy, changed_at) = (policy.clone(), cause.at);
            let named = Named { policy, changed_at, withdrawn_at: None };
            (written(named.clone(), "write"), (named, known.is_none()))
        }
    };
    store.change(&key.key(), cause, decide).await.map(Ok)
}

/// Withdraws a policy; bookings that have it keep it. Doing it twice is doing it once.
///
/// # Errors
/// The store failed.
pub async fn withdraw(
    store: &Store,
    key: &PolicyKey,
    cause: &Cause,
) -> Result<Option<Step<Named>>, Error> {
    let decide = |known: Option<Named>| match known {
        None => (Decision::Keep, None),
        Some(named) if named.withdrawn_at.is_some() => (Decision::Keep, Some(Step::Already(named))),
        Some(named) => {
            let named = Named { withdrawn_at: Some(cause.at), ..named };
            (written(named.clone(), "withdraw"), Some(Step::Taken(named)))
        }
    };
    store.change(&key.key(), cause, decide).await
}

fn written(document: Named, what: &'static str) -> Decision<Named> {
    Decision::Put { document, what, facts: None, look_ups: Vec::new() }
}

/// Puts the policy that a rental's booking names in the place of its name.
///
/// # Errors
/// There is none of that name, it was withdrawn, or the store failed.
pub async fn put_in(store: &Store, booking: &mut Value) -> anyhow::Result<()> {
    let Some(name) = booking["policy"].as_str() else { return Ok(()) };
    let key = &booking["key"];
    let text = |name: &str| key[name].as_str().unwrap_or_default();
    let (app, channel) = (text("app").parse(), text("channel_id").parse());
    // Where the key is none, whoever reads the booking says so.
    let (Ok(app), Ok(channel)) = (app, channel) else { return Ok(()) };
    let policy = match name.parse() {
        Ok(name) => get(store, &PolicyKey { app, channel, name }).await?,
        Err(_) => None,
    };
    let Some(named) = policy.filter(|named| named.withdrawn_at.is_none()) else {
        bail!("the channel has no policy {name}");
    };
    booking["policy"] = serde_json::to_value(named.policy)?;
    Ok(())
}
