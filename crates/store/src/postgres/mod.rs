//! The PostgreSQL engine: any number of gateways on one database.
//!
//! A change is one statement, and what has arrived together goes out together over a few connections; so
//! does what is read to be answered or changed. Other reads share a few more, each with many statements
//! under way. Nothing is locked between a read and the statement that compares what was read. When a
//! server is lost, the next one of the address is found, and what was under way is looked up there before
//! it is tried again.

mod line;
mod link;
mod merge;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use domain::Instant as Moment;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};

use self::line::{Line, Wanted};
use self::link::{Fate, Link, Target, describe, fate};
use self::merge::{Job, PROBE};
use crate::copy::{Cell, Cells, Table as CopyTable, Type};
use crate::engine::{Commit, Loaded, Outcome, Recorded, Row as Stored, Step, Table};
use crate::examine::{Finding, Verdict};
use crate::rewrite::parted;
use crate::seal::{WrappedKey, is_whole};
use crate::{Call, Calls, Entry, Error, Key, LookUp, Usage};

/// Schema steps, applied in order.
const MIGRATIONS: &[Step] = &[
    Step { sql: include_str!("migrations/1.sql"), oldest: 1 },
    Step { sql: include_str!("migrations/2.sql"), oldest: 1 },
    // A program of before does not find what a document begins with.
    Step { sql: include_str!("migrations/3.sql"), oldest: 3 },
];
/// Connections that changes go out over: one sends while the other waits for the server's disk, and more only
/// make for smaller statements.
const WRITERS: usize = 2;
/// Connections over which aggregates are read, each many at a time: two, so that one is free while the
/// other waits.
const LOADERS: usize = 2;
/// Connections that other reads share.
const READERS: usize = 2;

/// How far the server's clock may be from ours before somebody should look: nothing depends on it but
/// the order in which people read two logs.
const SKEW_MS_MAX: i64 = 1000;

/// A statement that also tells every gateway to look at apps, sessions and keys anew.
macro_rules! and_tell {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " UPDATE fact SET value = (value::bigint + 1)::text WHERE name = 'access_epoch' ",
            $after
        )
    };
}

type Values<'v> = [&'v (dyn ToSql + Sync)];

pub(crate) struct Postgres {
    target: Arc<Target>,
    readers: Vec<Line>,
    /// For what is written beside changes: reads must not wait behind a commit that waits for a standby.
    desk: Line,
    turn: AtomicUsize,
    loaders: Vec<mpsc::Sender<Wanted>>,
    writers: Vec<mpsc::Sender<Job>>,
}

impl Postgres {
    /// Connects, and brings an empty database to the schema; an older one only when told to.
    pub(crate) async fn open(url: &str, migrate: bool) -> Result<Self, Error> {
        let target = Arc::new(Target::read(url)?);
        let mut link = target.connect().await?;
        bring_up_to_date(&mut link, migrate).await?;
        let line = |link| Line::new(Arc::clone(&target), link);
        let readers = std::iter::once(Some(link)).chain((1..READERS).map(|_| None));
        let readers = readers.map(line).collect();
        let loaders = (0..LOADERS).map(|_| line::start(Arc::new(line(None)))).collect();
        let writers = (0..WRITERS).map(|_| merge::start(Arc::clone(&target))).collect();
        let (desk, turn) = (line(None), AtomicUsize::new(0));
        Ok(Self { target, readers, desk, turn, loaders, writers })
    }

    /// Writes what may be written twice; says what came back, and whether it may have been written twice.
    async fn write(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<(Vec<Row>, bool), Error> {
        self.desk.ask(sql, values).await
    }

    async fn rows_of(&self, sql: &'static str, values: &Values<'_>) -> Result<Vec<Row>, Error> {
        let line = &self.readers[self.turn.fetch_add(1, Ordering::Relaxed) % READERS];
        line.ask(sql, values).await.map(|(rows, _)| rows)
    }

    async fn row_of(&self, sql: &'static str, values: &Values<'_>) -> Result<Option<Row>, Error> {
        Ok(self.rows_of(sql, values).await?.into_iter().next())
    }

    pub(crate) async fn load(&self, key: &Key) -> Result<Option<Loaded>, Error> {
        line::load(self.loader(), key, true).await
    }

    /// The aggregate without what its document begins with, where that stands apart.
    pub(crate) async fn load_rest(&self, key: &Key) -> Result<Option<Loaded>, Error> {
        let Some(Loaded { head, document, .. }) = line::load(self.loader(), key, false).await?
        else {
            return Ok(None);
        };
        match Loaded::rest(head, document) {
            Some(rest) => Ok(Some(rest)),
            None => self.load(key).await,
        }
    }

    fn loader(&self) -> &mpsc::Sender<Wanted> {
        &self.loaders[self.turn.fetch_add(1, Ordering::Relaxed) % LOADERS]
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, Error> {
        // Changes of one aggregate go over one connection, one after the other.
        let mut hasher = DefaultHasher::new();
        (&commit.key.owner, commit.key.kind, &commit.key.id).hash(&mut hasher);
        let writer = &self.writers[hasher.finish() as usize % WRITERS];
        let (reply, answer) = oneshot::channel();
        writer
            .send(Job { commit, since: Instant::now(), reply })
            .await
            .map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(crate) async fn find(
        &self,
        owner: &str,
        kind: &str,
        look_up: &LookUp,
    ) -> Result<Option<String>, Error> {
        const SQL: &str =
            "SELECT id FROM lookup WHERE owner = $1 AND kind = $2 AND name = $3 AND value = $4";
        let row = self.row_of(SQL, &[&owner, &kind, &look_up.name, &look_up.value]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    pub(crate) async fn journal(&self, key: &Key, limit: usize) -> Result<Vec<Recorded>, Error> {
        const SQL: &str = "SELECT version, what, at_ms, actor, request_id, facts FROM journal \
                           WHERE owner = $1 AND kind = $2 AND id = $3 ORDER BY version DESC LIMIT $4";
        let rows = self.rows_of(SQL, &[&key.owner, &key.kind, &key.id, &count(limit)]).await?;
        let entry = |row: &Row| Recorded {
            entry: Entry {
                version: row.get(0),
                what: row.get(1),
                at: Moment::from_millisecond(row.get(2)).unwrap_or(Moment::UNIX_EPOCH),
                actor: row.get(3),
                request_id: row.get(4),
                facts: None,
            },
            facts: row.get(5),
        };
        Ok(rows.iter().map(entry).collect())
    }

    pub(crate) async fn list(
        &self,
        kind: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        const SQL: &str = "SELECT owner, id FROM aggregate \
                           WHERE (owner, kind, id) > ($2, $1, $3) AND kind = $1 \
                           ORDER BY owner, kind, id LIMIT $4";
        let (owner, id) = after.unwrap_or(("", ""));
        let rows = self.rows_of(SQL, &[&kind, &owner, &id, &count(limit)]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    pub(crate) async fn holdings(
        &self,
        after: (&str, &str),
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        // One step along the index for each, where DISTINCT would walk through everything.
        const SQL: &str = "WITH RECURSIVE held (owner, kind) AS ( \
                (SELECT owner, kind FROM aggregate WHERE (owner, kind) > ($1, $2) \
                 ORDER BY owner, kind LIMIT 1) \
                UNION ALL \
                SELECT next.owner, next.kind FROM held, LATERAL \
                    (SELECT owner, kind FROM aggregate \
                     WHERE (owner, kind) > (held.owner, held.kind) \
                     ORDER BY owner, kind LIMIT 1) AS next) \
            SELECT owner, kind FROM held LIMIT $3";
        let rows = self.rows_of(SQL, &[&after.0, &after.1, &count(limit)]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    pub(crate) async fn list_of(
        &self,
        owner: &str,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        const SQL: &str = "SELECT id FROM aggregate \
                           WHERE owner = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4";
        let rows = self.rows_of(SQL, &[&owner, &kind, &after, &count(limit)]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    pub(crate) async fn put_usage(&self, day: i64, usage: Vec<Usage>) -> Result<(), Error> {
        const SQL: &str = "WITH gone AS (DELETE FROM usage WHERE day < $1::bigint - 1) \
            INSERT INTO usage (app_key, day, gateway, calls, calls_in_second, at_ms) \
            SELECT u.app, $1, u.gateway, u.calls, u.calls_in_second, u.at_ms \
            FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[]) \
                AS u (app, gateway, calls, calls_in_second, at_ms) \
            ON CONFLICT (app_key, day, gateway) DO UPDATE SET calls = excluded.calls, \
                calls_in_second = excluded.calls_in_second, at_ms = excluded.at_ms";
        let text = |field: fn(&Usage) -> &str| usage.iter().map(field).collect::<Vec<_>>();
        let number = |field: fn(&Usage) -> i64| usage.iter().map(field).collect::<Vec<_>>();
        let (app, gateway) = (text(|it| &it.app), text(|it| &it.gateway));
        let (calls, in_second) = (number(|it| it.calls), number(|it| it.calls_in_second));
        let at_ms = number(|it| it.at_ms);
        self.write(SQL, &[&day, &app, &gateway, &calls, &in_second, &at_ms]).await.map(drop)
    }

    pub(crate) async fn usage(&self, day: i64) -> Result<Vec<Usage>, Error> {
        const SQL: &str =
            "SELECT app_key, gateway, calls, calls_in_second, at_ms FROM usage WHERE day = $1";
        let usage = |row: &Row| Usage {
            app: row.get(0),
            gateway: row.get(1),
            calls: row.get(2),
            calls_in_second: row.get(3),
            at_ms: row.get(4),
        };
        Ok(self.rows_of(SQL, &[&day]).await?.iter().map(usage).collect())
    }

    pub(crate) async fn put_calls(&self, calls: Vec<(Call, Vec<u8>)>) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO call (at_ms, request_id, app_key, method, outcome, code, sub_code, \
                result, cost_us, address, document) \
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], \
                $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::bytea[]) \
            ON CONFLICT DO NOTHING";
        type Given = [(Call, Vec<u8>)];
        fn of<'c, T>(calls: &'c Given, field: impl Fn(&'c Call) -> T) -> Vec<T> {
            calls.iter().map(|(call, _)| field(call)).collect()
        }
        let text = |field: fn(&Call) -> &str| of(&calls, field);
        let maybe = |field: fn(&Call) -> Option<&str>| of(&calls, field);
        let (at_ms, cost_us) = (of(&calls, |call| call.at_ms), of(&calls, |call| call.cost_us));
        let (id, outcome) = (text(|call| &call.request_id), text(|call| &call.outcome));
        let (app, method) =
            (maybe(|call| call.app.as_deref()), maybe(|call| call.method.as_deref()));
        let (code, address) = (of(&calls, |call| call.code), text(|call| &call.address));
        let sub_code = maybe(|call| call.sub_code.as_deref());
        let result = maybe(|call| call.result.as_deref());
        let document: Vec<_> = calls.iter().map(|(_, document)| document.as_slice()).collect();
        let values: &Values<'_> = &[
            &at_ms, &id, &app, &method, &outcome, &code, &sub_code, &result, &cost_us, &address,
            &document,
        ];
        self.write(SQL, values).await.map(drop)
    }

    pub(crate) async fn calls(&self, wanted: &Calls, limit: usize) -> Result<Vec<Call>, Error> {
        const SQL: &str = "SELECT at_ms, request_id, app_key, method, outcome, code, sub_code, result, \
            cost_us, address FROM call WHERE (at_ms, request_id) < ($1, $2) \
            AND ($3::text IS NULL OR app_key = $3) AND ($4::text IS NULL OR method = $4) \
            AND ($5::text IS NULL OR outcome = $5) AND ($6::text IS NULL OR sub_code = $6) \
            ORDER BY at_ms DESC, request_id DESC LIMIT $7";
        let Calls { app, method, outcome, sub_code, after } = wanted;
        let (at_ms, id) = after.as_ref().map_or((i64::MAX, ""), |(at_ms, id)| (*at_ms, id));
        let values: &Values<'_> = &[&at_ms, &id, app, method, outcome, sub_code, &count(limit)];
        Ok(self.rows_of(SQL, values).await?.iter().map(call).collect())
    }

    pub(crate) async fn call(&self, request_id: &str) -> Result<Option<(Call, Vec<u8>)>, Error> {
        const SQL: &str = "SELECT at_ms, request_id, app_key, method, outcome, code, sub_code, result, \
            cost_us, address, document FROM call WHERE request_id = $1 ORDER BY at_ms DESC LIMIT 1";
        Ok(self.row_of(SQL, &[&request_id]).await?.map(|row| (call(&row), row.get(10))))
    }

    /// The first of those that stand after the newest so many.
    pub(crate) async fn call_beyond(&self, kept: usize) -> Result<Option<(i64, String)>, Error> {
        const SQL: &str = "SELECT at_ms, request_id FROM call \
                           ORDER BY at_ms DESC, request_id DESC LIMIT 1 OFFSET $1";
        let row = self.row_of(SQL, &[&count(kept)]).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// Drops some of the oldest up to this one; says whether there are more.
    pub(crate) async fn drop_calls(
        &self,
        at_ms: i64,
        request_id: &str,
        limit: usize,
    ) -> Result<bool, Error> {
        const SQL: &str = "DELETE FROM call WHERE (at_ms, request_id) IN (\
            SELECT at_ms, request_id FROM call WHERE (at_ms, request_id) <= ($1, $2) \
            ORDER BY at_ms, request_id LIMIT $3) RETURNING 1";
        let (rows, _) = self.write(SQL, &[&at_ms, &request_id, &count(limit)]).await?;
        Ok(rows.len() == limit)
    }

    pub(crate) async fn people(
        &self,
        hash: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<(String, String, String)>, Error> {
        const SQL: &str =
            "SELECT kind, owner, id FROM person WHERE hash = $1 ORDER BY owner, kind, id LIMIT $2";
        let rows = self.rows_of(SQL, &[&hash, &count(limit)]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
    }

    pub(crate) async fn put_app(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        document: Vec<u8>,
    ) -> Result<Outcome, Error> {
        const INSERT: &str = and_tell!(
            "WITH put AS (INSERT INTO app VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING app_key)",
            "AND EXISTS (SELECT 1 FROM put) RETURNING 1"
        );
        const UPDATE: &str = and_tell!(
            "WITH put AS (UPDATE app SET document = $2 WHERE app_key = $1 AND document = $3 \
             RETURNING app_key)",
            "AND EXISTS (SELECT 1 FROM put) RETURNING 1"
        );
        let (rows, in_doubt) = match &expected {
            None => self.write(INSERT, &[&key, &document]).await?,
            Some(expected) => self.write(UPDATE, &[&key, &document, expected]).await?,
        };
        // Sealed anew for every write, a document is nobody else's.
        let is_ours = in_doubt && self.app(key).await?.as_ref() == Some(&document);
        if is_ours {
            // Once this is acknowledged, so is what was lost before it; until then nobody knows.
            let probed = self.probe().await;
            probed.map_err(|error| Error::Unknown(error.to_string()))?;
        }
        Ok(if rows.is_empty() && !is_ours { Outcome::Raced } else { Outcome::Done })
    }

    pub(crate) async fn app(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let row = self.row_of("SELECT document FROM app WHERE app_key = $1", &[&key]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    pub(crate) async fn apps(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let rows = self.rows_of("SELECT app_key, document FROM app ORDER BY app_key", &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    pub(crate) async fn put_session(
        &self,
        app: &str,
        hash: Vec<u8>,
        document: Vec<u8>,
    ) -> Result<(), Error> {
        const SQL: &str = and_tell!(
            "WITH put AS (INSERT INTO session VALUES ($1, $2, $3) \
             ON CONFLICT (app_key, token_hash) DO UPDATE SET document = excluded.document)",
            ""
        );
        self.write(SQL, &[&app, &hash, &document]).await.map(drop)
    }

    pub(crate) async fn session(&self, app: &str, hash: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        const SQL: &str = "SELECT document FROM session WHERE app_key = $1 AND token_hash = $2";
        Ok(self.row_of(SQL, &[&app, &hash]).await?.map(|row| row.get(0)))
    }

    pub(crate) async fn sessions(&self, app: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        const SQL: &str =
            "SELECT token_hash, document FROM session WHERE app_key = $1 ORDER BY token_hash";
        let rows = self.rows_of(SQL, &[&app]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    pub(crate) async fn fact(&self, name: &str) -> Result<Option<String>, Error> {
        let row = self.row_of("SELECT value FROM fact WHERE name = $1", &[&name]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    pub(crate) async fn put_fact(&self, name: &'static str, value: String) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO fact VALUES ($1, $2) \
                           ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.write(SQL, &[&name, &value]).await.map(drop)
    }

    pub(crate) async fn access_epoch(&self) -> Result<i64, Error> {
        let epoch = self.fact("access_epoch").await?;
        Ok(epoch.and_then(|epoch| epoch.parse().ok()).unwrap_or_default())
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.write(PROBE, &[]).await.map(drop)
    }

    pub(crate) async fn keys(&self) -> Result<Vec<WrappedKey>, Error> {
        Ok(self.rows_of(KEYS, &[]).await?.iter().map(wrapped_key).collect())
    }

    pub(crate) async fn put_keys(&self, added: Vec<WrappedKey>) -> Result<(), Error> {
        const SQL: &str = "INSERT INTO sealing_key (serial, wrapped_by, name, wrapped) \
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])";
        let serial: Vec<_> = added.iter().map(|key| key.serial).collect();
        let text = |field: fn(&WrappedKey) -> &str| added.iter().map(field).collect::<Vec<_>>();
        let (by, name) = (text(|key| &key.wrapped_by), text(|key| &key.name));
        let wrapped = text(|key| &key.wrapped);
        let mut link = self.target.connect().await?;
        let (transaction, kept) = lock_keys(&mut link).await?;
        if !is_whole(&[kept, added.clone()].concat()) {
            return Err(Error::KeysInUse);
        }
        let values: &Values<'_> = &[&serial, &by, &name, &wrapped];
        transaction.execute(SQL, values).await.map_err(failed)?;
        let committed = transaction.commit().await;
        told(committed, &link)
    }

    /// The database's keys; a new one gets its first.
    pub(crate) async fn first_keys(
        &self,
        make: impl FnOnce() -> Vec<WrappedKey>,
    ) -> Result<Vec<WrappedKey>, Error> {
        const USED: &str = "SELECT EXISTS (SELECT 1 FROM app) OR EXISTS (SELECT 1 FROM aggregate)";
        let kept = self.keys().await?;
        if !kept.is_empty() {
            return Ok(kept);
        }
        if self.row_of(USED, &[]).await?.is_some_and(|row| row.get(0)) {
            return Err(Error::NoKeys);
        }
        match self.put_keys(make()).await {
            // Or somebody else has given it its keys.
            Ok(()) | Err(Error::KeysInUse) => self.keys().await,
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn drop_wrappers_but(&self, by: &str) -> Result<(), Error> {
        let mut link = self.target.connect().await?;
        let (transaction, kept) = lock_keys(&mut link).await?;
        if !kept.iter().any(|key| key.wrapped_by == by) {
            return Err(Error::KeysInUse);
        }
        let sql = "DELETE FROM sealing_key WHERE wrapped_by <> $1";
        transaction.execute(sql, &[&by]).await.map_err(failed)?;
        let committed = transaction.commit().await;
        told(committed, &link)
    }

    pub(crate) async fn rows(
        &self,
        table: Table,
        after: Option<&Stored>,
        limit: usize,
    ) -> Result<Vec<Stored>, Error> {
        let text = |field: fn(&Stored) -> &str| after.map_or("", field).to_owned();
        let (owner, kind) = (text(|row| &row.owner), text(|row| &row.kind));
        let (id, entry) = (text(|row| &row.id), after.map_or(0, |row| row.entry));
        let limit = count(limit);
        let rows = match table {
            Table::Aggregate => {
                const SQL: &str = "SELECT owner, kind, id, 0::bigint, 0::bigint, document FROM whole \
                    WHERE (owner, kind, id) > ($1, $2, $3) ORDER BY owner, kind, id LIMIT $4";
                self.rows_of(SQL, &[&owner, &kind, &id, &limit]).await?
            }
            Table::Journal => {
                const SQL: &str = "SELECT owner, kind, id, version, version, facts FROM journal \
                    WHERE (owner, kind, id, version) > ($1, $2, $3, $4) AND facts IS NOT NULL \
                    ORDER BY owner, kind, id, version LIMIT $5";
                self.rows_of(SQL, &[&owner, &kind, &id, &entry, &limit]).await?
            }
            Table::App => {
                const SQL: &str = "SELECT app_key, 'app', app_key, 0::bigint, 0::bigint, document FROM app \
                    WHERE app_key > $1 ORDER BY app_key LIMIT $2";
                self.rows_of(SQL, &[&owner, &limit]).await?
            }
            Table::Session => {
                const SQL: &str = "SELECT app_key, 'session', encode(token_hash, 'hex'), 0::bigint, \
                    0::bigint, document FROM session WHERE (app_key, token_hash) > ($1, decode($2, 'hex')) \
                    ORDER BY app_key, token_hash LIMIT $3";
                self.rows_of(SQL, &[&owner, &id, &limit]).await?
            }
            Table::Call => {
                const SQL: &str = "SELECT '-', 'call', request_id, 0::bigint, 0::bigint, document FROM call \
                    WHERE request_id > $1 ORDER BY request_id LIMIT $2";
                self.rows_of(SQL, &[&id, &limit]).await?
            }
        };
        let stored = |row: &Row| Stored {
            table,
            owner: row.get(0),
            kind: row.get(1),
            id: row.get(2),
            entry: row.get(3),
            version: row.get(4),
            document: row.get(5),
        };
        Ok(rows.iter().map(stored).collect())
    }

    pub(crate) async fn replace(&self, rows: Vec<(Stored, Vec<u8>)>) -> Result<(), Error> {
        for (row, document) in rows {
            let Stored { table, owner, kind, id, entry, document: known, .. } = row;
            match table {
                Table::Aggregate => {
                    // In one place or two, as it stands. Each of two is looked at alone: when one has changed
                    // meanwhile, the other may still be what it was.
                    const SQL: &str = "WITH begun AS (UPDATE body SET text = $5 \
                            WHERE owner = $1 AND kind = $2 AND id = $3 AND text = $4) \
                        UPDATE aggregate SET document = CASE document \
                            WHEN $6::bytea THEN $7::bytea ELSE $5::bytea || $7::bytea END \
                        WHERE owner = $1 AND kind = $2 AND id = $3 \
                            AND document IN ($6::bytea, $4::bytea || $6::bytea)";
                    let ((old_body, old_rest), (body, rest)) = (parted(&known), parted(&document));
                    let values: &Values<'_> =
                        &[&owner, &kind, &id, &old_body, &body, &old_rest, &rest];
                    self.write(SQL, values).await?;
                }
                Table::Journal => {
                    const SQL: &str = "UPDATE journal SET facts = $6 WHERE owner = $1 \
                        AND kind = $2 AND id = $3 AND version = $4 AND facts = $5";
                    self.write(SQL, &[&owner, &kind, &id, &entry, &known, &document]).await?;
                }
                Table::App => {
                    const SQL: &str =
                        "UPDATE app SET document = $3 WHERE app_key = $1 AND document = $2";
                    self.write(SQL, &[&owner, &known, &document]).await?;
                }
                Table::Session => {
                    const SQL: &str = "UPDATE session SET document = $4 \
                        WHERE app_key = $1 AND token_hash = decode($2, 'hex') AND document = $3";
                    self.write(SQL, &[&owner, &id, &known, &document]).await?;
                }
                Table::Call => {
                    const SQL: &str =
                        "UPDATE call SET document = $3 WHERE request_id = $1 AND document = $2";
                    self.write(SQL, &[&id, &known, &document]).await?;
                }
            }
        }
        Ok(())
    }

    /// Adds rows of a table; those that are there already stay as they are.
    pub(crate) async fn put_rows(&self, table: &CopyTable, rows: &[Cells]) -> Result<(), Error> {
        let names: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        let types = table.columns.iter().enumerate().map(|(at, (_, kind))| {
            let kind = match kind {
                Type::Text => "text",
                Type::Number => "bigint",
                Type::Bytes | Type::MaybeBytes => "bytea",
            };
            format!("${}::{kind}[]", at + 1)
        });
        let (names, types) = (names.join(", "), types.collect::<Vec<_>>().join(", "));
        let sql = format!(
            "INSERT INTO {} ({names}) SELECT * FROM unnest({types}) ON CONFLICT DO NOTHING",
            table.name
        );
        let column = |at: usize| -> Box<dyn ToSql + Sync + Send> {
            let cells = rows.iter().map(|row| &row[at]);
            match table.columns[at].1 {
                Type::Text => Box::new(cells.map(text_of).collect::<Vec<_>>()),
                Type::Number => Box::new(cells.map(number_of).collect::<Vec<_>>()),
                Type::Bytes | Type::MaybeBytes => Box::new(cells.map(bytes_of).collect::<Vec<_>>()),
            }
        };
        let columns: Vec<_> = (0..table.columns.len()).map(column).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            columns.iter().map(|column| column.as_ref() as &(dyn ToSql + Sync)).collect();
        let link = self.desk.link().await?;
        link.query_once(&sql, &values).await.map(drop).map_err(failed)
    }

    /// Rows of a table after another.
    pub(crate) async fn page(
        &self,
        table: &CopyTable,
        after: Option<&[Cell]>,
        limit: usize,
    ) -> Result<Vec<Cells>, Error> {
        let names: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        let key = names[..table.key].join(", ");
        let after = after.map(|row| &row[..table.key]).unwrap_or_default();
        let places: Vec<_> = (1..=after.len()).map(|at| format!("${at}")).collect();
        let from = match places.as_slice() {
            [] => "true".to_owned(),
            places => format!("({key}) > ({})", places.join(", ")),
        };
        let sql = format!(
            "SELECT {} FROM {} WHERE {from} AND {} ORDER BY {key} LIMIT {limit}",
            names.join(", "),
            table.source(),
            table.only
        );
        let value = |cell: &Cell| -> Box<dyn ToSql + Sync + Send> {
            match cell {
                Cell::Number(number) => Box::new(*number),
                Cell::Bytes(bytes) => Box::new(bytes.clone()),
                Cell::Text(text) => Box::new(text.clone()),
                Cell::Nothing => Box::new(None::<String>),
            }
        };
        let values: Vec<_> = after.iter().map(value).collect();
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value.as_ref() as &(dyn ToSql + Sync)).collect();
        let link = self.desk.link().await?;
        let rows = link.query_once(&sql, &values).await.map_err(failed)?;
        let cell = |row: &Row, at: usize| match table.columns[at].1 {
            Type::Text => Cell::Text(row.get(at)),
            Type::Number => Cell::Number(row.get(at)),
            Type::Bytes => Cell::Bytes(row.get(at)),
            Type::MaybeBytes => {
                row.get::<_, Option<Vec<u8>>>(at).map_or(Cell::Nothing, Cell::Bytes)
            }
        };
        let cells = |row: &Row| (0..table.columns.len()).map(|at| cell(row, at)).collect();
        Ok(rows.iter().map(cells).collect())
    }

    pub(crate) async fn examine(&self, now: Moment) -> Result<Vec<Finding>, Error> {
        const SETTING: &str = "SELECT setting FROM pg_settings WHERE name = $1";
        const CLOCK: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
        const STANDBYS: &str = "SELECT count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), \
            count(*), count(*) FILTER (WHERE sync_state IS NULL) FROM pg_stat_replication";
        const SCHEMA: &str = "SELECT max(step) FROM schema_step";
        let mut settings = BTreeMap::new();
        for name in ["server_version", "fsync", "synchronous_commit", "synchronous_standby_names"] {
            let row = self.row_of(SETTING, &[&name]).await?;
            settings.insert(name, row.map_or(String::new(), |row| row.get(0)));
        }
        let number = async |sql| -> Result<i64, Error> {
            Ok(self.row_of(sql, &[]).await?.map_or(0, |row| row.get(0)))
        };
        let (schema, known) = (number(SCHEMA).await?, MIGRATIONS.len() as i64);
        let skew_ms = number(CLOCK).await? - now.as_millisecond();
        let standbys = self.row_of(STANDBYS, &[]).await?;
        let (synchronous, all, hidden): (i64, i64, i64) =
            standbys.map_or((0, 0, 0), |row| (row.get(0), row.get(1), row.get(2)));
        let standbys = if hidden > 0 {
            let found = format!("{all}, of what kind is hidden: GRANT pg_monitor TO this role");
            Finding::new("standbys", found, Verdict::Odd)
        } else {
            let found = format!("{synchronous} synchronous of {all}");
            Finding::check("standbys", found, synchronous > 0)
        };
        let durable = ["on", "remote_write", "remote_apply"];
        let commit = &settings["synchronous_commit"];
        let clock = if skew_ms.abs() <= SKEW_MS_MAX { Verdict::Good } else { Verdict::Odd };
        let version = &settings["server_version"];
        Ok(vec![
            Finding::check("engine", format!("PostgreSQL {version}"), true),
            Finding::check(
                "schema",
                format!("{schema}, this program knows {known}"),
                schema >= known,
            ),
            Finding::check("fsync", &settings["fsync"], settings["fsync"] == "on"),
            Finding::check("synchronous_commit", commit, durable.contains(&commit.as_str())),
            Finding::check(
                "synchronous_standby_names",
                &settings["synchronous_standby_names"],
                !settings["synchronous_standby_names"].is_empty(),
            ),
            standbys,
            Finding::new("clock", format!("{skew_ms} ms ahead of ours"), clock),
        ])
    }

    /// Finishes what was accepted.
    pub(crate) async fn close(self) {
        // Without senders the writers finish their queues and leave; every caller has been answered.
        drop(self.writers);
    }
}

/// A call, its columns read in the order of the table.
fn call(row: &Row) -> Call {
    Call {
        at_ms: row.get(0),
        request_id: row.get(1),
        app: row.get(2),
        method: row.get(3),
        outcome: row.get(4),
        code: row.get(5),
        sub_code: row.get(6),
        result: row.get(7),
        cost_us: row.get(8),
        address: row.get(9),
    }
}

const fn text_of(cell: &Cell) -> Option<&str> {
    match cell {
        Cell::Text(text) => Some(text.as_str()),
        Cell::Number(_) | Cell::Bytes(_) | Cell::Nothing => None,
    }
}

const fn number_of(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Number(number) => Some(*number),
        Cell::Text(_) | Cell::Bytes(_) | Cell::Nothing => None,
    }
}

const fn bytes_of(cell: &Cell) -> Option<&[u8]> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes.as_slice()),
        Cell::Text(_) | Cell::Number(_) | Cell::Nothing => None,
    }
}

/// What is known of a transaction once it was told to commit.
fn told(committed: Result<(), tokio_postgres::Error>, link: &Link) -> Result<(), Error> {
    match committed {
        Ok(()) if link.is_doubtful() => {
            Err(Error::Unknown("it was acknowledged without its standby".to_owned()))
        }
        Ok(()) => Ok(()),
        Err(error) if fate(&error) == Fate::Unknown => Err(Error::Unknown(describe(&error))),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: tokio_postgres::Error) -> Error {
    Error::Postgres(describe(&error))
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

const KEYS: &str = "SELECT serial, wrapped_by, name, wrapped FROM sealing_key \
                    ORDER BY serial, wrapped_by";

fn wrapped_key(row: &Row) -> WrappedKey {
    let (serial, wrapped_by, name) = (row.get(0), row.get(1), row.get(2));
    WrappedKey { serial, wrapped_by, name, wrapped: row.get(3) }
}

/// Begins to change the keys: nobody else can until that is done, and every gateway will notice.
async fn lock_keys(link: &mut Link) -> Result<(Transaction<'_>, Vec<WrappedKey>), Error> {
    const LOCK: &str = and_tell!("", "");
    let transaction = link.client().transaction().await.map_err(failed)?;
    transaction.execute(LOCK, &[]).await.map_err(failed)?;
    let kept = transaction.query(KEYS, &[]).await.map_err(failed)?;
    Ok((transaction, kept.iter().map(wrapped_key).collect()))
}

/// Brings the schema up to date. An empty database is new and gets all of it.
async fn bring_up_to_date(link: &mut Link, migrate: bool) -> Result<(), Error> {
    let known = MIGRATIONS.len() as i64;
    match schema(link).await? {
        Some((found, oldest)) if found >= known && oldest <= known => return Ok(()),
        Some((found, _)) if found > known => return Err(Error::SchemaTooNew { found, known }),
        Some((found, _)) if !migrate => return Err(Error::SchemaTooOld { found, known }),
        _ => {}
    }
    const BEGIN: &str = "CREATE TABLE IF NOT EXISTS schema_step (step BIGINT PRIMARY KEY, oldest BIGINT NOT NULL); \
        INSERT INTO schema_step VALUES (0, 0) ON CONFLICT DO NOTHING";
    // Two programs that make one table at once get in each other's way once.
    if let Err(error) = link.client().batch_execute(BEGIN).await {
        let code = error.code();
        let made =
            [SqlState::UNIQUE_VIOLATION, SqlState::DUPLICATE_TABLE, SqlState::DUPLICATE_OBJECT];
        if !code.is_some_and(|code| made.contains(code)) {
            return Err(failed(error));
        }
        link.client().batch_execute(BEGIN).await.map_err(failed)?;
    }
    let transaction = link.client().transaction().await.map_err(failed)?;
    // A lock that every engine of this dialect has: a row's.
    const LOCK: &str = "SELECT step FROM schema_step WHERE step = 0 FOR UPDATE";
    transaction.query(LOCK, &[]).await.map_err(failed)?;
    const FOUND: &str = "SELECT max(step) FROM schema_step";
    let found: i64 = transaction.query_one(FOUND, &[]).await.map_err(failed)?.get(0);
    for (at, step) in (0i64..).zip(MIGRATIONS).skip(found as usize) {
        transaction.batch_execute(step.sql).await.map_err(failed)?;
        let done = "INSERT INTO schema_step VALUES ($1, $2)";
        transaction.execute(done, &[&(at + 1), &step.oldest]).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// How many steps the schema has taken, and how many a program must know; `None` for an empty database.
async fn schema(link: &mut Link) -> Result<Option<(i64, i64)>, Error> {
    const SQL: &str = "SELECT max(step), max(oldest) FROM schema_step";
    match link.client().query_one(SQL, &[]).await {
        Ok(row) => {
            let found = row.get::<_, Option<i64>>(0).filter(|found| *found > 0);
            Ok(found.zip(row.get(1)))
        }
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}
