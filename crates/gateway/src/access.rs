//! Apps and sessions, cached until somebody changes one.

use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use domain::access::{App, PartnerKey, Session};
use domain::id::{AppKey, KeyId};
use foldhash::HashMap;
use store::{Error, Store};
use top::seal::Sealing;
use top::sign::Secret;

use crate::demo;

/// Most apps and sessions remembered; beyond that the cache starts anew. A session is about 200
/// bytes, so this is about 20 MB.
const CACHED_MAX: usize = 100_000;

/// An app as calls are checked against it: what follows from its secrets is worked out once.
#[derive(Debug)]
pub struct Known {
    app: App,
    /// What it signs with.
    pub secret: Secret,
    /// The ways in which it seals, newest first; the name of a key that is none, when there is one.
    pub sealings: Result<Vec<Sealing>, KeyId>,
}

impl Known {
    fn new(app: App) -> Self {
        let secret = Secret::new(app.secret.expose());
        let sealing = |PartnerKey { key_id, key, scheme }: &PartnerKey| {
            let unusable = || key_id.clone();
            let key = key.expose().parse().map_err(|_| unusable())?;
            Ok(Sealing { key, scheme: scheme.parse().map_err(|_| unusable())? })
        };
        let sealings = app.partner_keys.iter().map(sealing).collect();
        Self { app, secret, sealings }
    }
}

impl Deref for Known {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

/// Looks up apps and sessions.
pub struct Access {
    production: bool,
    cache: RwLock<Cache>,
}

#[derive(Default)]
struct Cache {
    /// The store's access epoch that everything here was read at or after.
    epoch: i64,
    apps: HashMap<String, Arc<Known>>,
    /// By app and token.
    sessions: HashMap<String, HashMap<String, Arc<Session>>>,
    count: usize,
}

impl Access {
    /// An empty cache; in production the demo app does not exist.
    pub fn new(production: bool) -> Self {
        Self { production, cache: RwLock::default() }
    }

    /// The app with this key, unless it was withdrawn.
    ///
    /// # Errors
    /// The store failed.
    pub async fn app(&self, store: &Store, key: &str) -> Result<Option<Arc<Known>>, Error> {
        let epoch = {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(app) = cache.apps.get(key) {
                return Ok(Some(Arc::clone(app)));
            }
            cache.epoch
        };
        let Ok(app_key) = key.parse::<AppKey>() else {
            return Ok(None);
        };
        let found = store.app(&app_key).await?;
        let usable =
            |app: &App| app.revoked_at.is_none() && !(self.production && demo::is_demo_app(app));
        let Some(app) = found.filter(usable).map(Known::new).map(Arc::new) else {
            return Ok(None);
        };
        self.remember(epoch, |cache| {
            cache.apps.insert(key.to_owned(), Arc::clone(&app));
        });
        Ok(Some(app))
    }

    /// The app's session with this token, open or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn session(
        &self,
        store: &Store,
        app: &AppKey,
        token: &str,
    ) -> Result<Option<Arc<Session>>, Error> {
        let epoch = {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            let session = cache.sessions.get(app.as_str()).and_then(|tokens| tokens.get(token));
            if let Some(session) = session {
                return Ok(Some(Arc::clone(session)));
            }
            cache.epoch
        };
        let Some(session) = store.session(app, token).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.remember(epoch, |cache| {
            let tokens = cache.sessions.entry(app.to_string()).or_default();
            tokens.insert(token.to_owned(), Arc::clone(&session));
        });
        Ok(Some(session))
    }

    /// Forgets everything if an app, a session or a sealing key has changed since it was read, and
    /// takes up the newest key.
    ///
    /// # Errors
    /// The store failed.
    pub async fn refresh(&self, store: &Store) -> Result<(), Error> {
        let epoch = store.access_epoch().await?;
        if self.cache.read().unwrap_or_else(PoisonError::into_inner).epoch == epoch {
            return Ok(());
        }
        // The keys first: as long as they cannot be taken up, this is tried again.
        store.take_up_keys().await?;
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        *cache = Cache { epoch, ..Cache::default() };
        Ok(())
    }

    /// Adds to the cache what was read at `epoch`, unless that is no longer the truth.
    fn remember(&self, epoch: i64, add: impl FnOnce(&mut Cache)) {
        let mut cache = self.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.epoch != epoch {
            return;
        }
        if cache.count >= CACHED_MAX {
            *cache = Cache { epoch, ..Cache::default() };
        }
        cache.count += 1;
        add(&mut cache);
    }
}
