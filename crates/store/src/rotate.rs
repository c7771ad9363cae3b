//! Rotation: a new key, and everything sealed with it anew while gateways serve.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Row, Table};
use crate::seal::HASH_SERIAL;
use crate::{Error, Place, SealingKey, Store};

/// How long until every gateway has noticed a new key: they look once a second.
pub const NOTICE: Duration = Duration::from_secs(3);
/// Most rows sealed anew in one transaction: other writers wait for it.
const BATCH_MAX: usize = 64;

/// What sealing anew came to.
#[derive(Debug, Default)]
pub struct Resealed {
    /// How many documents were sealed anew.
    pub count: usize,
    /// Why others were not; each names its document.
    pub failed: Vec<Error>,
}

/// A key of the database, for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// Its id.
    pub id: String,
    /// Whether it is the one that seals.
    pub seals: bool,
    /// Ids of the operator's keys that open it.
    pub opened_by: Vec<String>,
}

impl Store {
    /// Makes a new key to seal with. With `next`, the operator's key to be is able to open all keys
    /// from now on, as the one in use still is; when it is already, there is nothing to make.
    ///
    /// # Errors
    /// The engine failed, or an operator's key would miss the new one.
    pub async fn add_key(&self, next: Option<&SealingKey>) -> Result<(), Error> {
        let kept = self.engine.keys().await?;
        self.sealer.take_up(&kept)?;
        let is_known = |next: &SealingKey| kept.iter().any(|key| key.wrapped_by == next.id());
        if !next.is_some_and(is_known) {
            self.engine.put_keys(self.sealer.next_keys(next)).await?;
        }
        self.take_up_keys().await
    }

    /// Seals anew what was sealed with another key than the newest. Somebody who has not noticed the
    /// newest key may go on with an older one for [`NOTICE`].
    ///
    /// # Errors
    /// The engine failed. What was sealed anew stays so.
    pub async fn reseal(&self) -> Result<Resealed, Error> {
        let mut done = Resealed::default();
        for table in [Table::App, Table::Session, Table::Aggregate, Table::Journal, Table::Call] {
            let mut after: Option<Row> = None;
            loop {
                let rows = self.engine.rows(table, after.as_ref(), BATCH_MAX).await?;
                let Some(last) = rows.last().cloned() else { break };
                let mut changed = Vec::new();
                for row in rows {
                    match self.sealed_anew(&row).await {
                        Ok(Some(document)) => changed.push((row, document)),
                        Ok(None) => {}
                        // One that is damaged must not keep all others under the old key.
                        Err(error) => done.failed.push(error),
                    }
                }
                done.count += changed.len();
                if !changed.is_empty() {
                    self.engine.replace(changed).await?;
                }
                after = Some(last);
            }
        }
        Ok(done)
    }

    /// The row's document under the newest key, unless it is under it already.
    async fn sealed_anew(&self, row: &Row) -> Result<Option<Vec<u8>>, Error> {
        let (kind, id) = match row.table {
            Table::Journal => Place::facts(&row.kind, &row.id, row.version),
            Table::Aggregate | Table::App | Table::Session | Table::Call => {
                (row.kind.clone(), row.id.clone())
            }
        };
        let place = Place { kind: &kind, owner: &row.owner, id: &id };
        if !self.sealer.is_outdated(&place, &row.document)? {
            return Ok(None);
        }
        Ok(Some(self.seal_anew(&place, &row.document).await?))
    }

    /// From now on only the operator's key in use opens the database.
    ///
    /// # Errors
    /// The engine failed, or the key in use was itself withdrawn meanwhile.
    pub async fn retire_other_keys(&self) -> Result<(), Error> {
        self.engine.drop_wrappers_but(self.sealer.wrapper_id()).await
    }

    /// The database's keys, oldest first.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn keys(&self) -> Result<Vec<KeyState>, Error> {
        let kept = self.engine.keys().await?;
        let serials: BTreeSet<_> =
            kept.iter().map(|key| key.serial).filter(|serial| *serial != HASH_SERIAL).collect();
        let newest = serials.last().copied();
        let state = |serial: i64| {
            let wraps: Vec<_> = kept.iter().filter(|key| key.serial == serial).collect();
            let id = wraps.first().map_or(String::new(), |key| key.name.clone());
            let opened_by = wraps.iter().map(|key| key.wrapped_by.clone()).collect();
            KeyState { id, seals: Some(serial) == newest, opened_by }
        };
        Ok(serials.iter().map(|serial| state(*serial)).collect())
    }
}
