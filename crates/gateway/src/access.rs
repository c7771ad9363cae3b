//! Apps and sessions, cached until somebody changes one.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::access::{App, Session};
use domain::id::AppKey;
use store::{Error, Store};

use crate::demo;

/// Most apps and sessions remembered; beyond that the cache starts anew. A session is about 200
/// bytes, so this is about 20 MB.
const CACHED_MAX: usize = 100_000;

/// Looks up apps and sessions.
pub struct Access {
    production: bool,
    cache: RwLock<Cache>,
}

#[derive(Default)]
struct Cache {
    /// The store's access epoch that everything here was read at or after.
    epoch: i64,
    apps: HashMap<String, Arc<App>>,
    sessions: HashMap<(String, String), Arc<Session>>,
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
    pub async fn app(&self, store: &Store, key: &str) -> Result<Option<Arc<App>>, Error> {
        let Ok(app_key) = key.parse::<AppKey>() else {
            return Ok(None);
        };
        let epoch = {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(app) = cache.apps.get(key) {
                return Ok(Some(Arc::clone(app)));
            }
            cache.epoch
        };
        let found = store.app(&app_key).await?;
        let usable =
            |app: &App| app.revoked_at.is_none() && !(self.production && demo::is_demo_app(app));
        let Some(app) = found.filter(usable).map(Arc::new) else {
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
        let key = (app.to_string(), token.to_owned());
        let epoch = {
            let cache = self.cache.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(session) = cache.sessions.get(&key) {
                return Ok(Some(Arc::clone(session)));
            }
            cache.epoch
        };
        let Some(session) = store.session(app, token).await?.map(Arc::new) else {
            return Ok(None);
        };
        self.remember(epoch, |cache| {
            cache.sessions.insert(key, Arc::clone(&session));
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
        if cache.apps.len() + cache.sessions.len() >= CACHED_MAX {
            *cache = Cache { epoch, ..Cache::default() };
        }
        add(&mut cache);
    }
}
