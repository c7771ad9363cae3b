//! The SQLite engine: one writer that groups commits, readers in place.
//!
//! What has arrived since the last commit goes into the next transaction, so that one `fsync` makes many
//! callers durable; each change writes all of its own or nothing, in a savepoint where it could fail half
//! way. The WAL goes into the database in the writer's pauses, or all at once, by the writer, when it has grown to
//! its cap.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use domain::Instant;
use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::wal::CheckpointMode;
use rusqlite::{
    CachedStatement, Connection, OpenFlags, OptionalExtension, Row, Transaction,
    TransactionBehavior, params,
};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::copy::{Cell, Cells, Table as CopyTable};
use crate::documents::Moment;
use crate::engine::{Commit, Head, Loaded, Outcome, Recorded, Row as Stored, Step, Table};
use crate::examine::{Finding, Verdict};
use crate::rewrite::parted;
use crate::seal::{WrappedKey, is_whole};
use crate::{Call, Calls, Entry, Error, Key, LookUp, Usage};

/// The first SQLite without the WAL-reset race that loses committed pages.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// Schema steps, applied in order; the database's `user_version` counts them.
const MIGRATIONS: &[Step] = &[
    Step { sql: include_str!("migrations/1.sql"), oldest: 1 },
    // From here on keys are wrapped, which programs of before know nothing of.
    Step { sql: include_str!("migrations/2.sql"), oldest: 2 },
    Step { sql: include_str!("migrations/3.sql"), oldest: 2 },
    // From here on a document may stand in two places.
    Step { sql: include_str!("migrations/4.sql"), oldest: 4 },
];
/// The fact that says how many steps a program must know.
const OLDEST: &str = "schema_oldest";
/// What follows there is as long as a multiple of this, so that an order's next state mostly fits in the place of
/// its last one. Orders fill their pages as they come, and one that grew would split its page.
const REST_BYTES_STEP: usize = 64;
/// Most changes in one transaction: more only delays the first of them.
const BATCH_MAX: usize = 256;
/// With as many changes the writer waits for no more: half of the callers that the figures are of, so that
/// the others are read while it waits for the disk.
const GATHERED_MAX: usize = 32;
/// Most changes waiting for the writer; further callers wait in line, holding their own memory.
const QUEUE_MAX: usize = 4096;
/// How long whoever changes something alone keeps its core awake for the outcome: one that falls asleep while the
/// disk syncs is woken late. Twice as long as a quick disk takes; for a slow one it is not worth it.
const AWAKE_MAX: Duration = Duration::from_micros(300);
/// How long to wait for another process that is writing, such as the command line.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// WAL pages (4 kB each) from which the log is moved into the database in the writer's pauses: 4 MB.
const CHECKPOINT_PAGES: i32 = 1000;
/// WAL pages at which the writer starts the log anew, whatever waits: 16 MB, so that readers stay fast and fewer
/// than one caller in a hundred waits for it.
const WAL_PAGES_MAX: i32 = 4096;
/// The log's file in bytes, to which one that had to grow is cut: as many pages, those of a usual batch on top, and 24
/// bytes before each.
const WAL_BYTES_MAX: i64 = 32 + (WAL_PAGES_MAX + BATCH_MAX as i32) as i64 * (24 + 4096);
/// WAL pages from which the log is given all of that room: 1 MB, which a gateway at work soon comes to, and one that is
/// only tried out does not.
const ROOM_FROM_PAGES: i32 = 256;
/// How long the writer waits for readers to leave a log that is over its cap: a reader of ours that reads nothing
/// leaves within half of it.
const RESTART_TIMEOUT: Duration = Duration::from_millis(200);
/// How often the switch to WAL is tried anew, and after which pause: as long as [`BUSY_TIMEOUT`].
const WAL_ATTEMPTS_MAX: u32 = 250;
const WAL_PAUSE: Duration = Duration::from_millis(20);
/// Bytes of the head of the log's index, of which there are two alike.
const LOG_INDEX_HEAD_BYTES: usize = 48;
/// How long a reader may stay where it was: until then, no checkpoint can start the log anew.
const READING_MAX: Duration = Duration::from_millis(100);
/// Reader connections kept open; each holds a page cache of about 2 MB.
const READERS_KEPT_MAX: usize = 16;

const LOAD: &str = "SELECT version, last_entry, a.rowid, body, document, text \
    FROM aggregate a LEFT JOIN body b ON b.id = a.body \
    WHERE owner = ?1 AND kind = ?2 AND a.id = ?3";

pub(crate) struct Sqlite {
    path: PathBuf,
    queue: mpsc::Sender<Job>,
    /// How many wait for the outcome of a change.
    waiting: AtomicUsize,
    readers: Readers,
    log_index: Arc<LogIndex>,
    watch: Mutex<Watch>,
    threads: Vec<JoinHandle<()>>,
}

/// Notices changes made by other processes without reading more than a counter.
struct Watch {
    connection: Connection,
    data_version: i64,
    access_epoch: i64,
}

/// Reading connections that nobody uses just now, the last one used last.
type Readers = Arc<Mutex<Vec<Reading>>>;

/// A connection that reads, and goes on reading from where it was when nothing has been committed since.
struct Reading {
    connection: Connection,
    /// The moment at which it was used last.
    at: Moment,
    /// Whether a transaction is open in it, which reads at that moment.
    stays: bool,
}

struct Job {
    write: Write,
    reply: oneshot::Sender<Result<Outcome, Error>>,
    /// Where whoever asked lives: a store is used in one runtime.
    home: Handle,
}

enum Write {
    Commit(Box<Commit>),
    App { key: String, expected: Option<Vec<u8>>, document: Vec<u8> },
    Session { app: String, hash: Vec<u8>, document: Vec<u8> },
    Fact { name: &'static str, value: String },
    Keys(Vec<WrappedKey>),
    DropWrappersBut(String),
    Replace(Vec<(Stored, Vec<u8>)>),
    Usage { day: i64, usage: Vec<Usage> },
    Calls(Vec<(Call, Vec<u8>)>),
    DropCalls { at_ms: i64, request_id: String, limit: usize },
    Probe,
}

impl Sqlite {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if rusqlite::version_number() < SQLITE_VERSION_MIN {
            return Err(Error::EngineTooOld(rusqlite::version().to_owned()));
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| Error::file(folder, source))?;
        }
        let mut writer =
            connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        switch_to_wal(&writer)?;
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        // A log that had to grow gives its room back once it has started anew.
        writer.pragma_update(None, "journal_size_limit", WAL_BYTES_MAX)?;
        migrate(&mut writer)?;
        writer.wal_hook(Some(|_: &mut rusqlite::hooks::Wal, pages| {
            WAL_PAGES.set(pages);
            Ok(())
        }))?;

        let checkpointing = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let (writing, writer_left) = sync_channel(1);
        let log = Arc::new(Log { file: beside(path, "-wal")?, ..Log::default() });
        let watched_log = Arc::clone(&log);
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let log_index = Arc::new(LogIndex::open(path)?);
        let watched = Arc::clone(&log_index);
        let readers = Readers::default();
        let (idle, also_idle) = (Arc::clone(&readers), Arc::clone(&readers));
        let threads = vec![
            std::thread::spawn(move || {
                checkpoint_in_pauses(&checkpointing, &writer_left, &watched_log, &idle);
            }),
            std::thread::spawn(move || {
                write_until_closed(&writer, jobs, &log, &also_idle, &watched);
                drop(writing);
            }),
        ];
        let watch = Watch { connection: reader(path)?, data_version: -1, access_epoch: 0 };
        Ok(Self {
            path: path.to_owned(),
            queue,
            waiting: AtomicUsize::new(0),
            readers,
            log_index,
            watch: Mutex::new(watch),
            threads,
        })
    }

    pub(crate) async fn load(&self, key: &Key) -> Result<Option<Loaded>, Error> {
        let row = |row: &Row<'_>| {
            let (rest, body) = (row.get_ref(4)?.as_blob()?, row.get_ref(5)?.as_blob_or_null()?);
            let document = [body.unwrap_or_default(), rest.trim_ascii_end()].concat();
            Ok(Loaded { head: head(row)?, document, is_rest: false })
        };
        let reader = self.reader()?;
        Ok(reader.statement(LOAD)?.query_row((&key.owner, key.kind, &key.id), row).optional()?)
    }

    /// The aggregate without what its document begins with, where that stands apart: as a document of the
    /// members that follow.
    pub(crate) async fn load_rest(&self, key: &Key) -> Result<Option<Loaded>, Error> {
        const SQL: &str = "SELECT version, last_entry, rowid, body, document FROM aggregate \
                           WHERE owner = ?1 AND kind = ?2 AND id = ?3";
        let row = |row: &Row<'_>| Ok(Loaded::rest(head(row)?, row.get(4)?));
        let loaded = {
            let reader = self.reader()?;
            reader.statement(SQL)?.query_row((&key.owner, key.kind, &key.id), row).optional()?
        };
        match loaded {
            Some(None) => self.load(key).await,
            Some(rest) => Ok(rest),
            None => Ok(None),
        }
    }

    /// The version that an aggregate has now.
    pub(crate) fn version(&self, key: &Key) -> Result<Option<i64>, Error> {
        const SQL: &str =
            "SELECT version FROM aggregate WHERE owner = ?1 AND kind = ?2 AND id = ?3";
        let reader = self.reader()?;
        let row = (&key.owner, key.kind, &key.id);
        Ok(reader.statement(SQL)?.query_row(row, |row| row.get(0)).optional()?)
    }

    /// A moment that ends with the next commit of whichever process.
    ///
    /// It is what SQLite itself looks at for this: the head of the write-ahead log's index, which a commit
    /// rewrites before it returns. One read of it is all a reader needs that goes on where it was.
    pub(crate) fn moment(&self) -> Result<Moment, Error> {
        self.log_index.moment()
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, Error> {
        self.write(Write::Commit(Box::new(commit))).await
    }

    pub(crate) async fn find(
        &self,
        owner: &str,
        kind: &str,
        look_up: &LookUp,
    ) -> Result<Option<String>, Error> {
        const SQL: &str =
            "SELECT id FROM lookup WHERE owner = ?1 AND kind = ?2 AND name = ?3 AND value = ?4";
        let reader = self.reader()?;
        let number = (owner, kind, look_up.name, &look_up.value);
        Ok(reader.statement(SQL)?.query_row(number, |row| row.get(0)).optional()?)
    }

    pub(crate) async fn journal(&self, key: &Key, limit: usize) -> Result<Vec<Recorded>, Error> {
        const NEWEST: &str =
            "SELECT last_entry FROM aggregate WHERE owner = ?1 AND kind = ?2 AND id = ?3";
        const ENTRY: &str = "SELECT previous, version, what, at_ms, actor, request_id, facts \
                             FROM journal WHERE entry = ?1";
        let reader = self.reader()?;
        let newest = (&key.owner, key.kind, &key.id);
        let mut next: Option<i64> =
            reader.statement(NEWEST)?.query_row(newest, |row| row.get(0)).optional()?;
        let mut entries = Vec::new();
        while let (Some(entry), true) = (next, entries.len() < limit) {
            let (previous, read) = reader.statement(ENTRY)?.query_row([entry], |row| {
                let at = Instant::from_millisecond(row.get(3)?).unwrap_or(Instant::UNIX_EPOCH);
                let entry = Entry {
                    version: row.get(1)?,
                    what: row.get(2)?,
                    at,
                    actor: row.get(4)?,
                    request_id: row.get(5)?,
                    facts: None,
                };
                Ok((row.get(0)?, Recorded { entry, facts: row.get(6)? }))
            })?;
            entries.push(read);
            next = previous;
        }
        Ok(entries)
    }

    pub(crate) async fn list(
        &self,
        kind: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        const SQL: &str = "SELECT owner, id FROM aggregate \
                           WHERE (owner, kind, id) > (?2, ?1, ?3) AND kind = ?1 \
                           ORDER BY owner, kind, id LIMIT ?4";
        let (owner, id) = after.unwrap_or(("", ""));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let rows =
            statement.query_map((kind, owner, id, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn holdings(
        &self,
        after: (&str, &str),
        limit: usize,
    ) -> Result<Vec<(String, String)>, Error> {
        const SQL: &str = "SELECT owner, kind FROM aggregate WHERE (owner, kind) > (?1, ?2) \
                           ORDER BY owner, kind LIMIT 1";
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let mut holdings: Vec<(String, String)> = Vec::new();
        while holdings.len() < limit {
            let last = holdings.last().map_or(after, |(owner, kind)| (owner, kind));
            let next = statement.query_row(last, |row| Ok((row.get(0)?, row.get(1)?)));
            match next.optional()? {
                Some(next) => holdings.push(next),
                None => break,
            }
        }
        Ok(holdings)
    }

    pub(crate) async fn list_of(
        &self,
        owner: &str,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        const SQL: &str = "SELECT id FROM aggregate \
                           WHERE owner = ?1 AND kind = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let rows = statement.query_map((owner, kind, after, limit), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn put_app(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        document: Vec<u8>,
    ) -> Result<Outcome, Error> {
        self.write(Write::App { key: key.to_owned(), expected, document }).await
    }

    pub(crate) async fn app(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        const SQL: &str = "SELECT document FROM app WHERE app_key = ?1";
        Ok(self.reader()?.statement(SQL)?.query_row([key], |row| row.get(0)).optional()?)
    }

    pub(crate) async fn apps(&self) -> Result<Vec<(String, Vec<u8>)>, Error> {
        const SQL: &str = "SELECT app_key, document FROM app ORDER BY app_key";
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn put_session(
        &self,
        app: &str,
        hash: Vec<u8>,
        document: Vec<u8>,
    ) -> Result<(), Error> {
        self.write(Write::Session { app: app.to_owned(), hash, document }).await.map(|_| ())
    }

    pub(crate) async fn session(&self, app: &str, hash: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        const SQL: &str = "SELECT document FROM session WHERE app_key = ?1 AND token_hash = ?2";
        Ok(self.reader()?.statement(SQL)?.query_row((app, hash), |row| row.get(0)).optional()?)
    }

    pub(crate) async fn sessions(&self, app: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Error> {
        const SQL: &str =
            "SELECT token_hash, document FROM session WHERE app_key = ?1 ORDER BY token_hash";
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let rows = statement.query_map([app], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn fact(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(fact(&*self.reader()?, name)?)
    }

    pub(crate) async fn put_fact(&self, name: &'static str, value: String) -> Result<(), Error> {
        self.write(Write::Fact { name, value }).await.map(|_| ())
    }

    pub(crate) async fn access_epoch(&self) -> Result<i64, Error> {
        const SQL: &str = "SELECT value FROM fact WHERE name = 'access_epoch'";
        let mut watch = lock(&self.watch);
        let now = watch.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if now != watch.data_version {
            let epoch: String = watch.connection.query_row(SQL, [], |row| row.get(0))?;
            watch.access_epoch = epoch.parse().unwrap_or_default();
            watch.data_version = now;
        }
        Ok(watch.access_epoch)
    }

    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.write(Write::Probe).await.map(|_| ())
    }

    pub(crate) async fn put_usage(&self, day: i64, usage: Vec<Usage>) -> Result<(), Error> {
        self.write(Write::Usage { day, usage }).await.map(|_| ())
    }

    pub(crate) async fn usage(&self, day: i64) -> Result<Vec<Usage>, Error> {
        const SQL: &str =
            "SELECT app_key, gateway, calls, calls_in_second, at_ms FROM usage WHERE day = ?1";
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let row = |row: &Row<'_>| {
            let (app, gateway, calls) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Usage { app, gateway, calls, calls_in_second: row.get(3)?, at_ms: row.get(4)? })
        };
        let rows = statement.query_map([day], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn people(
        &self,
        hash: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<(String, String, String)>, Error> {
        const SQL: &str =
            "SELECT kind, owner, id FROM person WHERE hash = ?1 ORDER BY owner, kind, id LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let rows = statement.query_map((hash, limit), row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn keys(&self) -> Result<Vec<WrappedKey>, Error> {
        Ok(keys(&*self.reader()?)?)
    }

    pub(crate) async fn put_keys(&self, keys: Vec<WrappedKey>) -> Result<(), Error> {
        self.write(Write::Keys(keys)).await.map(|_| ())
    }

    pub(crate) async fn drop_wrappers_but(&self, kept: &str) -> Result<(), Error> {
        self.write(Write::DropWrappersBut(kept.to_owned())).await?;
        // What was withdrawn must not stand in the log either, if nobody is reading from it just now.
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::TRUNCATE)?;
        Ok(())
    }

    pub(crate) async fn replace(&self, rows: Vec<(Stored, Vec<u8>)>) -> Result<(), Error> {
        self.write(Write::Replace(rows)).await.map(|_| ())
    }

    pub(crate) async fn rows(
        &self,
        table: Table,
        after: Option<&Stored>,
        limit: usize,
    ) -> Result<Vec<Stored>, Error> {
        let sql = match table {
            Table::Aggregate => {
                "SELECT owner, kind, id, 0, 0, document FROM whole \
                 WHERE (owner, kind, id) > (?1, ?2, ?3) ORDER BY owner, kind, id LIMIT ?5"
            }
            Table::Journal => {
                "SELECT owner, kind, id, entry, version, facts FROM journal \
                 WHERE entry > ?4 AND facts IS NOT NULL ORDER BY entry LIMIT ?5"
            }
            Table::App => {
                "SELECT app_key, 'app', app_key, 0, 0, document FROM app \
                 WHERE app_key > ?1 ORDER BY app_key LIMIT ?5"
            }
            Table::Session => {
                "SELECT app_key, 'session', lower(hex(token_hash)), 0, 0, document FROM session \
                 WHERE (app_key, token_hash) > (?1, unhex(?3)) ORDER BY app_key, token_hash LIMIT ?5"
            }
            Table::Call => {
                "SELECT '-', 'call', request_id, 0, 0, document FROM call \
                 WHERE request_id > ?3 ORDER BY request_id LIMIT ?5"
            }
        };
        let row = |row: &Row<'_>| {
            let (owner, kind, id) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let (entry, version) = (row.get(3)?, row.get(4)?);
            Ok(Stored { table, owner, kind, id, entry, version, document: row.get(5)? })
        };
        let text = |field: fn(&Stored) -> &str| after.map_or("", field);
        let (owner, kind) = (text(|row| &row.owner), text(|row| &row.kind));
        let (id, entry) = (text(|row| &row.id), after.map_or(i64::MIN, |row| row.entry));
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let reader = self.reader()?;
        let mut statement = reader.statement(sql)?;
        let rows = statement.query_map(params![owner, kind, id, entry, limit], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn put_calls(&self, calls: Vec<(Call, Vec<u8>)>) -> Result<(), Error> {
        self.write(Write::Calls(calls)).await.map(|_| ())
    }

    pub(crate) async fn calls(&self, wanted: &Calls, limit: usize) -> Result<Vec<Call>, Error> {
        const SQL: &str = "SELECT at_ms, request_id, app_key, method, outcome, code, sub_code, result, \
            cost_us, address FROM call WHERE (at_ms, request_id) < (?1, ?2) \
            AND (?3 IS NULL OR app_key = ?3) AND (?4 IS NULL OR method = ?4) \
            AND (?5 IS NULL OR outcome = ?5) AND (?6 IS NULL OR sub_code = ?6) \
            ORDER BY at_ms DESC, request_id DESC LIMIT ?7";
        let Calls { app, method, outcome, sub_code, after } = wanted;
        let (at_ms, id) = after.as_ref().map_or((i64::MAX, ""), |(at_ms, id)| (*at_ms, id));
        let reader = self.reader()?;
        let mut statement = reader.statement(SQL)?;
        let values = params![at_ms, id, app, method, outcome, sub_code, count(limit)];
        let rows = statement.query_map(values, call)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) async fn call(&self, request_id: &str) -> Result<Option<(Call, Vec<u8>)>, Error> {
        const SQL: &str = "SELECT at_ms, request_id, app_key, method, outcome, code, sub_code, result, \
            cost_us, address, document FROM call WHERE request_id = ?1 ORDER BY at_ms DESC LIMIT 1";
        let row = |row: &Row<'_>| Ok((call(row)?, row.get(10)?));
        Ok(self.reader()?.statement(SQL)?.query_row([request_id], row).optional()?)
    }

    /// The first of those that stand after the newest so many.
    pub(crate) async fn call_beyond(&self, kept: usize) -> Result<Option<(i64, String)>, Error> {
        const SQL: &str = "SELECT at_ms, request_id FROM call \
                           ORDER BY at_ms DESC, request_id DESC LIMIT 1 OFFSET ?1";
        let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.reader()?.statement(SQL)?.query_row([count(kept)], row).optional()?)
    }

    /// Drops some of the oldest up to this one; says whether there are more.
    pub(crate) async fn drop_calls(
        &self,
        at_ms: i64,
        request_id: &str,
        limit: usize,
    ) -> Result<bool, Error> {
        const LEFT: &str =
            "SELECT EXISTS (SELECT 1 FROM call WHERE (at_ms, request_id) <= (?1, ?2))";
        let request_id = request_id.to_owned();
        self.write(Write::DropCalls { at_ms, request_id: request_id.clone(), limit }).await?;
        let reader = self.reader()?;
        Ok(reader.statement(LEFT)?.query_row((at_ms, request_id), |row| row.get(0))?)
    }

    /// Keeps everybody from writing until what is returned is dropped.
    pub(crate) fn hold(&self) -> Result<Connection, Error> {
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(connection)
    }

    /// How many rows of a table are copied.
    pub(crate) fn count(&self, table: &CopyTable) -> Result<u64, Error> {
        let sql = format!("SELECT count(*) FROM {} WHERE {}", table.name, table.only);
        let count: i64 = self.reader()?.query_row(&sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Rows of a table in the order they are kept, and what the next page is read after.
    pub(crate) fn page(
        &self,
        table: &CopyTable,
        after: Option<Cells>,
        limit: usize,
    ) -> Result<(Vec<Cells>, Option<Cells>), Error> {
        let columns: Vec<_> = table.columns.iter().map(|(name, _)| *name).collect();
        // In the order of an index: another would be sorted anew for every page.
        let key = match table.name {
            "journal" => vec!["entry"],
            "person" => vec!["hash", "owner", "kind", "id"],
            _ => columns[..table.key].to_vec(),
        };
        let key = key.join(", ");
        let places = match &after {
            Some(after) => vec!["?"; after.len()].join(", "),
            None => String::new(),
        };
        let from =
            if after.is_some() { format!("({key}) > ({places})") } else { "true".to_owned() };
        let sql = format!(
            "SELECT {}, {key} FROM {} WHERE {from} AND {} ORDER BY {key} LIMIT {limit}",
            columns.join(", "),
            table.source(),
            table.only
        );
        let reader = self.reader()?;
        let mut statement = reader.prepare_cached(&sql)?;
        let width = columns.len();
        let last = statement.column_count();
        let row = |row: &Row<'_>| {
            let cell = |at: usize| row.get::<_, Value>(at).map(cell);
            let cells: Vec<_> = (0..last).map(cell).collect::<Result<_, _>>()?;
            Ok(cells)
        };
        let values = after.unwrap_or_default();
        let values = rusqlite::params_from_iter(values.iter().map(value));
        let rows: Vec<Cells> = statement.query_map(values, row)?.collect::<Result<_, _>>()?;
        let next = rows.last().map(|row| row[width..].to_vec());
        let rows = rows.into_iter().map(|mut row| {
            row.truncate(width);
            row
        });
        Ok((rows.collect(), next))
    }

    /// Writes a copy of the database while others go on with it.
    pub(crate) fn back_up(&self, to: &Path) -> Result<(), Error> {
        let refused = |source| Error::file(to, source);
        if to.exists() {
            return Err(refused(std::io::ErrorKind::AlreadyExists.into()));
        }
        let path =
            to.to_str().ok_or_else(|| refused(std::io::ErrorKind::InvalidFilename.into()))?;
        // Not one of the reading connections: those cannot write anywhere.
        let connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.execute("VACUUM INTO ?1", [path])?;
        let file = std::fs::File::open(to).map_err(refused)?;
        file.sync_all().map_err(refused)
    }

    pub(crate) fn examine(&self) -> Result<Vec<Finding>, Error> {
        let reader = self.reader()?;
        let ask = |name: &str| -> Result<String, Error> {
            let value: Value = reader.pragma_query_value(None, name, |row| row.get(0))?;
            Ok(match value {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                other => format!("{other:?}"),
            })
        };
        let (mode, check) = (ask("journal_mode")?, ask("quick_check")?);
        let (schema, known) = (ask("user_version")?, MIGRATIONS.len());
        let halves = "SELECT count(*) FROM aggregate WHERE body NOT IN (SELECT id FROM body)";
        let halves: i64 = reader.query_row(halves, [], |row| row.get(0))?;
        Ok(vec![
            Finding::check("engine", format!("SQLite {}", rusqlite::version()), true),
            Finding::check("schema", format!("{schema}, this program knows {known}"), true),
            Finding::check("journal mode", &mode, mode == "wal"),
            Finding::check("integrity", &check, check == "ok"),
            Finding::check(
                "documents",
                format!("{halves} without what they begin with"),
                halves == 0,
            ),
            Finding::new("servers", "one file on one machine: back it up", Verdict::Good),
        ])
    }

    /// The database's keys; a new one gets its first. `make` is told with which operator's key a
    /// database from before keys were wrapped was sealed.
    pub(crate) fn first_keys(
        &self,
        make: impl FnOnce(Option<&str>) -> Result<Vec<WrappedKey>, Error>,
    ) -> Result<Vec<WrappedKey>, Error> {
        // Only a new database is written to: looking at an old one waits for nobody.
        let reader = self.reader()?;
        let kept = keys(&reader)?;
        if !kept.is_empty() {
            return Ok(kept);
        }
        let first = make(fact(&reader, "key_id")?.as_deref())?;
        let mut connection = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Of two programs that make one database at once, the first gives it its keys.
        if keys(&transaction)?.is_empty() {
            put_keys(&transaction, &first)?;
        }
        let kept = keys(&transaction)?;
        transaction.commit()?;
        Ok(kept)
    }

    pub(crate) async fn close(self) {
        let Self { queue, threads, readers, watch, .. } = self;
        // Without senders the writer finishes its queue and leaves; the checkpointer follows it.
        drop((queue, readers, watch));
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a store thread had panicked");
                }
            }
        });
        if joined.await.is_err() {
            tracing::error!("could not wait for the store to close");
        }
    }

    async fn write(&self, write: Write) -> Result<Outcome, Error> {
        let (reply, answer) = oneshot::channel();
        let job = Job { write, reply, home: Handle::current() };
        self.queue.send(job).await.map_err(|_| Error::Closed)?;
        let _waiting = Waiting::one_of(&self.waiting);
        self.stay_awake(&answer).await;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Keeps the core awake until the outcome is there, or somebody else waits too: then there is work, and the
    /// writer gathers. The writer and whoever comes go first.
    async fn stay_awake<T>(&self, answer: &oneshot::Receiver<T>) {
        let began = std::time::Instant::now();
        while answer.is_empty()
            && self.waiting.load(Ordering::Relaxed) == 1
            && began.elapsed() < AWAKE_MAX
        {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }

    fn reader(&self) -> Result<Reader<'_>, Error> {
        let now = self.moment()?;
        let kept = lock(&self.readers).pop();
        let mut reading = match kept {
            Some(reading) => reading,
            None => Reading { connection: reader(&self.path)?, at: Moment::MIN, stays: false },
        };
        if reading.at != now {
            reading.end();
            if !reading.connection.is_autocommit() {
                // It did not end; what it would read is of long ago.
                reading.connection = reader(&self.path)?;
            }
            reading.at = now;
        } else if !reading.stays {
            // The second time at one moment: there may be a third.
            reading.connection.prepare_cached("BEGIN")?.execute([])?;
            reading.stays = true;
        }
        Ok(Reader { reading: Some(reading), home: &self.readers })
    }
}

/// One who waits, and is counted for as long.
struct Waiting<'c>(&'c AtomicUsize);

impl<'c> Waiting<'c> {
    fn one_of(all: &'c AtomicUsize) -> Self {
        all.fetch_add(1, Ordering::Relaxed);
        Self(all)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A reading connection, given back when dropped.
struct Reader<'s> {
    reading: Option<Reading>,
    home: &'s Mutex<Vec<Reading>>,
}

impl Reading {
    /// Ends what was begun; until then the log cannot start anew.
    fn end(&mut self) {
        if std::mem::take(&mut self.stays)
            && let Err(error) = self.connection.execute_batch("COMMIT")
        {
            tracing::warn!(%error, "a reading transaction did not end");
        }
    }
}

impl Reader<'_> {
    fn statement(&self, sql: &str) -> Result<CachedStatement<'_>, rusqlite::Error> {
        self.prepare_cached(sql)
    }
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.reading.as_ref().expect("taken only when dropped").connection
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut home = lock(self.home);
        if home.len() < READERS_KEPT_MAX {
            home.extend(self.reading.take());
        }
    }
}

/// A panic elsewhere leaves these plain values whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Of each connection, not of the file: whatever writes here is durable when it says so.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is replaced is overwritten where that costs no further page: sealed under an old key, it would
    // otherwise stand in the file until its room is needed.
    connection.pragma_update(None, "secure_delete", "FAST")?;
    // No plan depends on a value: one that did would be made anew for every value, at the cost of a whole call.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// The index of the write-ahead log, which is there as long as anybody has the database open.
struct LogIndex {
    /// Never closed: that would take away the locks that SQLite holds on it for this process.
    file: ManuallyDrop<File>,
    /// Whether a commit was seen in it. Until then, and where it never is because the file system does not
    /// show what is written through a mapping, no moment is like another.
    is_seen: AtomicBool,
    unlike: AtomicU64,
}

impl LogIndex {
    fn open(path: &Path) -> Result<Self, Error> {
        let name = beside(path, "-shm")?;
        let file = File::open(&name).map_err(|source| Error::file(&name, source))?;
        let file = ManuallyDrop::new(file);
        Ok(Self { file, is_seen: AtomicBool::new(false), unlike: AtomicU64::new(0) })
    }

    fn moment(&self) -> Result<Moment, Error> {
        if self.is_seen.load(Ordering::Acquire) {
            return self.head();
        }
        Ok(Moment::MAX - Moment::from(self.unlike.fetch_add(1, Ordering::Relaxed)))
    }

    fn head(&self) -> Result<Moment, Error> {
        let mut head = [0; LOG_INDEX_HEAD_BYTES];
        let refused = |source| Error::File { path: "the log's index".to_owned(), source };
        self.file.read_exact_at(&mut head, 0).map_err(refused)?;
        let word = |at: usize| {
            u128::from(u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]))
        };
        let [changes, frames, sum, sum_2] = [word(8), word(16), word(24), word(28)];
        Ok(changes << 96 | frames << 64 | sum << 32 | sum_2)
    }

    /// Does something that commits, and looks whether that can be seen.
    fn watch<T>(&self, commit: impl FnOnce() -> T) -> T {
        if self.is_seen.load(Ordering::Relaxed) {
            return commit();
        }
        let before = self.head();
        let done = commit();
        if let (Ok(before), Ok(after)) = (before, self.head()) {
            self.is_seen.store(before != after, Ordering::Release);
        }
        done
    }
}

fn reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    // A WAL reader needs to write the shared-memory file, so the connection is not opened read-only.
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Puts a new database into WAL mode; one that is in it stays. SQLite does not wait for a lock here, so
/// of two programs that make one database at once, one must try again.
fn switch_to_wal(connection: &Connection) -> Result<(), Error> {
    let mut attempts = 0;
    loop {
        let mode: Result<String, _> =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match mode.map_err(Error::from) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Error::NotDurable(mode)),
            Err(Error::Busy) if attempts < WAL_ATTEMPTS_MAX => {
                attempts += 1;
                std::thread::sleep(WAL_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

fn fact(connection: &Connection, name: &str) -> Result<Option<String>, rusqlite::Error> {
    const SQL: &str = "SELECT value FROM fact WHERE name = ?1";
    connection.prepare_cached(SQL)?.query_row([name], |row| row.get(0)).optional()
}

fn keys(connection: &Connection) -> Result<Vec<WrappedKey>, rusqlite::Error> {
    const SQL: &str =
        "SELECT serial, wrapped_by, name, wrapped FROM sealing_key ORDER BY serial, wrapped_by";
    let mut statement = connection.prepare_cached(SQL)?;
    let row = |row: &Row<'_>| {
        let (serial, wrapped_by, name) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(WrappedKey { serial, wrapped_by, name, wrapped: row.get(3)? })
    };
    statement.query_map([], row)?.collect()
}

fn put_keys(connection: &Connection, keys: &[WrappedKey]) -> Result<(), rusqlite::Error> {
    const SQL: &str = "INSERT INTO sealing_key VALUES (?1, ?2, ?3, ?4)";
    let mut insert = connection.prepare_cached(SQL)?;
    for WrappedKey { serial, wrapped_by, name, wrapped } in keys {
        insert.execute((serial, wrapped_by, name, wrapped))?;
    }
    Ok(())
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Integer(number) => Cell::Number(number),
        // No column of ours holds one.
        Value::Real(number) => Cell::Text(number.to_string()),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Bytes(bytes),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Nothing => Value::Null,
        Cell::Number(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
    }
}

fn migrate(connection: &mut Connection) -> Result<(), Error> {
    let known = MIGRATIONS.len() as i64;
    let version = |connection: &Connection| {
        connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    // Only an older database is written to: opening one that is up to date waits for nobody.
    let found = version(connection)?;
    if found >= known {
        let oldest = fact(connection, OLDEST)?.and_then(|oldest| oldest.parse().ok());
        let is_ours = found == known || oldest.is_some_and(|oldest: i64| oldest <= known);
        return if is_ours { Ok(()) } else { Err(Error::SchemaTooNew { found, known }) };
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    for (at, step) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        transaction.execute_batch(step.sql)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1)?;
        let sql = "INSERT OR REPLACE INTO fact VALUES (?1, ?2)";
        transaction.execute(sql, (OLDEST, step.oldest.to_string()))?;
    }
    Ok(transaction.commit()?)
}

thread_local! {
    /// Pages in the WAL after the writer's latest commit; SQLite reports it on the writer's thread.
    static WAL_PAGES: std::cell::Cell<i32> = const { std::cell::Cell::new(0) };
}

/// What the writer and the thread that moves the log in its pauses know of each other.
#[derive(Default)]
struct Log {
    /// Where it is.
    file: PathBuf,
    /// Pages in it after the writer's latest commit.
    pages: AtomicI32,
    /// Held by whoever moves it: two at once are refused, not queued.
    moving: Mutex<()>,
}

/// Moves the log into the database when nothing was committed for a while, until the writer has left.
fn checkpoint_in_pauses(
    connection: &Connection,
    writer_left: &Receiver<()>,
    log: &Log,
    readers: &Readers,
) {
    let (mut before, mut moved) = (0, false);
    while let Err(RecvTimeoutError::Timeout) = writer_left.recv_timeout(READING_MAX) {
        // Nobody's checkpoint waits for a reader of ours that reads nothing.
        leave_log(readers);
        let pages = log.pages.load(Ordering::Relaxed);
        if pages != before {
            moved = false;
        } else if pages >= CHECKPOINT_PAGES && !moved {
            let _moving = lock(&log.moving);
            checkpoint(connection);
            moved = true;
        }
        before = pages;
    }
}

/// Ends the transactions of readers that nobody uses just now.
fn leave_log(readers: &Readers) {
    lock(readers).iter_mut().for_each(Reading::end);
}

/// Moves what is in the WAL into the database without making anybody wait.
fn checkpoint(connection: &Connection) {
    if let Err(error) =
        connection.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::PASSIVE)
    {
        tracing::warn!(%error, "checkpoint failed; the next one will do its work too");
    }
}

/// Empties the WAL and has it start anew, which a plain checkpoint never does while anybody reads or writes.
/// Says whether it does.
fn restart_log(connection: &Connection, log: &Log, readers: &Readers) -> bool {
    let _moving = lock(&log.moving);
    // First what anybody may be reading meanwhile, so that whoever comes then does not read the log at all.
    checkpoint(connection);
    leave_log(readers);
    let restart = || {
        connection.busy_timeout(RESTART_TIMEOUT)?;
        connection.wal_checkpoint_v2(rusqlite::DEFAULT_NAME, CheckpointMode::RESTART)
    };
    let restarted = restart();
    if let Err(error) = connection.busy_timeout(BUSY_TIMEOUT) {
        tracing::error!(%error, "cannot restore the writer's time-out");
    }
    if let Err(error) = &restarted {
        tracing::warn!(%error, "somebody holds on to the write-ahead log; it grows past its cap");
    }
    restarted.is_ok()
}

/// The file that SQLite keeps beside a database: named after the file itself, not after a link to it.
fn beside(path: &Path, suffix: &str) -> Result<PathBuf, Error> {
    let mut name =
        path.canonicalize().map_err(|source| Error::file(path, source))?.into_os_string();
    name.push(suffix);
    Ok(name.into())
}

/// Gives the log's file all of its room at once. A commit to a file that grows also waits for what the file system
/// notes of its growth, which is two or three more waits for the disk.
fn make_room(connection: &Connection, file: &Path) -> Result<(), Error> {
    // Until it ends, nobody else writes to the log.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let failed = |source| Error::file(file, source);
    let mut log = OpenOptions::new().append(true).open(file).map_err(failed)?;
    let length = log.metadata().map_err(failed)?.len();
    // No frame of the log begins with nothing, so that whoever reads it after a crash stops there.
    let mut room = std::io::repeat(0).take((WAL_BYTES_MAX as u64).saturating_sub(length));
    let made = std::io::copy(&mut room, &mut log).and_then(|_| log.sync_data());
    if made.is_err()
        && let Err(error) = log.set_len(length)
    {
        tracing::warn!(%error, "the write-ahead log keeps what it was given in vain");
    }
    transaction.rollback()?;
    made.map_err(failed)
}

fn write_until_closed(
    connection: &Connection,
    mut jobs: mpsc::Receiver<Job>,
    log: &Log,
    readers: &Readers,
    log_index: &LogIndex,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut restart_at = WAL_PAGES_MAX;
    let mut pages = 0;
    while let Some(first) = jobs.blocking_recv() {
        batch.push(first);
        gather(&mut jobs, &mut batch);
        log_index.watch(|| write_batch(connection, &mut batch));
        let before = std::mem::replace(&mut pages, WAL_PAGES.get());
        if before < ROOM_FROM_PAGES
            && pages >= ROOM_FROM_PAGES
            && let Err(error) = make_room(connection, &log.file)
        {
            tracing::warn!(%error, "the write-ahead log has no room beforehand; commits are slower");
        }
        if pages < WAL_PAGES_MAX {
            restart_at = WAL_PAGES_MAX;
        } else if pages >= restart_at {
            if restart_log(connection, log, readers) {
                (pages, restart_at) = (0, WAL_PAGES_MAX);
                WAL_PAGES.set(pages);
            } else {
                // Whoever holds on to it is not waited for again before it has grown as much again.
                restart_at = pages + WAL_PAGES_MAX;
            }
        }
        log.pages.store(pages, Ordering::Relaxed);
    }
}

/// Takes what has come, and lets whoever is about to come, come: on a core that both share, this thread
/// would else be back at the disk before the next change was even read. Where nobody wants the core, giving
/// it away takes no time.
fn gather(jobs: &mut mpsc::Receiver<Job>, batch: &mut Vec<Job>) {
    let mut before = 0;
    while batch.len() > before && batch.len() < GATHERED_MAX {
        before = batch.len();
        std::thread::yield_now();
        while batch.len() < BATCH_MAX {
            let Ok(job) = jobs.try_recv() else { break };
            batch.push(job);
        }
    }
}

/// Commits all jobs of the batch together and answers each with its own outcome.
fn write_batch(connection: &Connection, batch: &mut Vec<Job>) {
    let home = batch.last().map(|job| job.home.clone());
    let mut jobs = batch.drain(..);
    let mut done = Vec::with_capacity(jobs.len());
    let committed = Writing::begin(connection).and_then(|mut writing| {
        for job in jobs.by_ref() {
            let outcome = writing.in_savepoint(&job.write);
            done.push((job.reply, outcome));
            if matches!(done.last(), Some((_, Err(Broken(_))))) {
                return Err(rusqlite::Error::InvalidQuery);
            }
        }
        connection.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    });
    let Err(error) = committed else {
        let tell = move || {
            for (reply, outcome) in done {
                let told = outcome.unwrap_or_else(|Broken(why)| Err(Error::NotCommitted(why)));
                // A caller that has gone away does not need to be told.
                let _ = reply.send(told);
            }
        };
        // Told from here, each caller would be woken from another thread, which is a system call each; so
        // one is woken who wakes the others.
        match home {
            Some(home) => drop(home.spawn(async move { tell() })),
            None => tell(),
        }
        return;
    };
    // What is left of the transaction must go before the next begins; there may be nothing.
    let _ = connection.execute_batch("ROLLBACK");
    let is_busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
    let cause = done.iter().find_map(|(_, outcome)| outcome.as_ref().err());
    let cause = cause.map_or_else(|| error.to_string(), |Broken(why)| why.clone());
    let waiting = done.into_iter().map(|(reply, _)| reply).chain(jobs.map(|job| job.reply));
    for reply in waiting {
        let error = if is_busy { Error::Busy } else { Error::NotCommitted(cause.clone()) };
        let _ = reply.send(Err(error));
    }
}

/// The transaction is gone or not to be trusted any more, and why. A full disk or a failed read rolls
/// all of it back by itself; going on would begin another, and commit what its callers are told did
/// not happen.
struct Broken(String);

/// A transaction that writes, and what is used again and again in it.
struct Writing<'c> {
    connection: &'c Connection,
    /// The number of the journal's next entry, which is nobody else's until this ends.
    next_entry: i64,
    update: CachedStatement<'c>,
    journal: CachedStatement<'c>,
}

impl<'c> Writing<'c> {
    fn begin(connection: &'c Connection) -> Result<Self, rusqlite::Error> {
        const NEXT: &str = "SELECT coalesce(max(entry), 0) + 1 FROM journal";
        // Where it was when it was read, if that is still the one that was read: an entry is of one version
        // of one aggregate.
        const UPDATE: &str = "UPDATE aggregate \
            SET version = ?3, last_entry = ?4, document = ?5, body = ?6 \
            WHERE rowid = ?1 AND last_entry = ?2 AND version = ?3 - 1";
        const JOURNAL: &str = "INSERT INTO journal \
            (entry, previous, owner, kind, id, version, what, at_ms, actor, request_id, facts) \
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let next_entry = connection.prepare_cached(NEXT)?.query_row([], |row| row.get(0))?;
        let (update, journal) =
            (connection.prepare_cached(UPDATE)?, connection.prepare_cached(JOURNAL)?);
        Ok(Self { connection, next_entry, update, journal })
    }

    fn in_savepoint(&mut self, write: &Write) -> Result<Result<Outcome, Error>, Broken> {
        if let Write::Commit(commit) = write
            && commit.look_ups.is_empty()
            && commit.people.is_empty()
        {
            // It writes all of what it writes or nothing; should it fail half way, so does the transaction.
            return self.put(commit).map(Ok).map_err(|error| Broken(cause(&error)));
        }
        let connection = self.connection;
        let step = |sql: &str| {
            let stepped = connection.prepare_cached(sql).and_then(|mut step| step.execute([]));
            stepped.map_err(|error| Broken(error.to_string()))
        };
        step("SAVEPOINT change")?;
        let outcome = perform(self, write);
        match &outcome {
            Ok(Outcome::Done) => {}
            Err(error) if connection.is_autocommit() => {
                return Err(Broken(cause(error)));
            }
            Ok(Outcome::Raced | Outcome::Taken { .. }) | Err(_) => {
                step("ROLLBACK TO change")?;
            }
        }
        step("RELEASE change")?;
        Ok(outcome)
    }

    /// The compare-and-set at the heart of a change.
    fn put(&mut self, commit: &Commit) -> Result<Outcome, Error> {
        const PERSON: &str = "INSERT OR IGNORE INTO person VALUES (?1, ?2, ?3, ?4)";
        let Commit { key, expected, facts, what, cause, look_ups, people, .. } = commit;
        let (version, entry) = (commit.version(), self.next_entry);
        if !self.put_document(commit)? {
            return Ok(Outcome::Raced);
        }
        self.journal.execute(params![
            entry,
            expected.map(|head| head.last_entry),
            key.owner,
            key.kind,
            key.id,
            version,
            what,
            cause.at.as_millisecond(),
            cause.actor,
            cause.request_id,
            facts
        ])?;
        self.next_entry += 1;
        for look_up in look_ups {
            if let Some(id) = claim(self.connection, key, look_up)? {
                return Ok(Outcome::Taken { look_up: look_up.clone(), id });
            }
        }
        for hash in people {
            let mut person = self.connection.prepare_cached(PERSON)?;
            person.execute((hash, &key.owner, key.kind, &key.id))?;
        }
        Ok(Outcome::Done)
    }

    /// Writes the document, in one place or two; says whether it was still the one that was read.
    fn put_document(&mut self, commit: &Commit) -> Result<bool, rusqlite::Error> {
        const INSERT: &str = "INSERT INTO aggregate (owner, kind, id, version, last_entry, document, body) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
        const INSERT_BODY: &str = "INSERT INTO body (id, text) VALUES (?1, ?2)";
        const UPDATE_BODY: &str = "UPDATE body SET text = ?2 WHERE id = ?1 AND text <> ?2";
        let Commit { key, expected, is_rest, .. } = commit;
        let (connection, version, entry) = (self.connection, commit.version(), self.next_entry);
        let known = expected.and_then(|head| head.body);
        let (text, rest) = commit.parts();
        if *is_rest {
            // Whoever leaves the other part out was told where it is; without it, this would be half a document.
            let head = expected.as_ref().filter(|head| head.body.is_some());
            let head = head.ok_or(rusqlite::Error::InvalidQuery)?;
            return self.update(head, &with_room(rest), head.body);
        }
        let rest = if text.is_some() { with_room(rest).into() } else { rest };
        // Entries are nobody else's, so a body may be called like the one it came with.
        let body = text.map(|_| known.unwrap_or(entry));
        let is_written = match expected {
            Some(head) => self.update(head, &rest, body)?,
            None => {
                let row = params![key.owner, key.kind, key.id, version, entry, rest, body];
                connection.prepare_cached(INSERT)?.execute(row)? > 0
            }
        };
        if is_written && let Some(text) = text {
            let sql = if known.is_some() { UPDATE_BODY } else { INSERT_BODY };
            connection.prepare_cached(sql)?.execute((body, text))?;
        }
        Ok(is_written)
    }

    /// Writes the next version in the place of this one, if it is there still.
    fn update(
        &mut self,
        Head { version, last_entry, place, .. }: &Head,
        rest: &[u8],
        body: Option<i64>,
    ) -> Result<bool, rusqlite::Error> {
        let row = params![place, last_entry, version + 1, self.next_entry, rest, body];
        Ok(self.update.execute(row)? > 0)
    }
}

/// JSON with spaces after it, which mean nothing.
fn with_room(rest: Cow<'_, [u8]>) -> Vec<u8> {
    let mut rest = rest.into_owned();
    rest.truncate(rest.trim_ascii_end().len());
    rest.resize(rest.len().next_multiple_of(REST_BYTES_STEP), b' ');
    rest
}

/// Where an aggregate stands, as the first columns of a row say.
fn head(row: &Row<'_>) -> Result<Head, rusqlite::Error> {
    let (version, last_entry, place) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(Head { version, last_entry, place, body: row.get(3)? })
}

/// What is beneath an error, or itself.
fn cause(error: &Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn perform(writing: &mut Writing<'_>, write: &Write) -> Result<Outcome, Error> {
    let connection = writing.connection;
    let set_fact = |sql: &str| connection.prepare_cached(sql)?.execute([]);
    match write {
        Write::Commit(commit) => return writing.put(commit),
        Write::App { key, expected: None, document } => {
            let mut insert =
                connection.prepare_cached("INSERT OR IGNORE INTO app VALUES (?1, ?2)")?;
            if insert.execute((key, document))? == 0 {
                return Ok(Outcome::Raced);
            }
        }
        Write::App { key, expected: Some(expected), document } => {
            const SQL: &str = "UPDATE app SET document = ?3 WHERE app_key = ?1 AND document = ?2";
            if connection.prepare_cached(SQL)?.execute((key, expected, document))? == 0 {
                return Ok(Outcome::Raced);
            }
        }
        Write::Session { app, hash, document } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO session VALUES (?1, ?2, ?3)")?
                .execute((app, hash, document))?;
        }
        Write::Fact { name, value } => {
            connection
                .prepare_cached("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?
                .execute((name, value))?;
            return Ok(Outcome::Done);
        }
        Write::Keys(added) => {
            if !is_whole(&[keys(connection)?, added.clone()].concat()) {
                return Err(Error::KeysInUse);
            }
            put_keys(connection, added)?;
        }
        Write::DropWrappersBut(kept) => {
            if !keys(connection)?.iter().any(|key| key.wrapped_by == *kept) {
                return Err(Error::KeysInUse);
            }
            let sql = "DELETE FROM sealing_key WHERE wrapped_by <> ?1";
            connection.prepare_cached(sql)?.execute([kept])?;
        }
        Write::Replace(rows) => {
            rows.iter().try_for_each(|(row, document)| replace(connection, row, document))?;
            return Ok(Outcome::Done);
        }
        Write::Usage { day, usage } => {
            put_usage(connection, *day, usage)?;
            return Ok(Outcome::Done);
        }
        Write::Calls(calls) => {
            for (call, document) in calls {
                put_call(connection, call, document)?;
            }
            return Ok(Outcome::Done);
        }
        Write::DropCalls { at_ms, request_id, limit } => {
            let values = (at_ms, request_id, count(*limit));
            connection.prepare_cached(DROP_CALLS)?.execute(values)?;
            return Ok(Outcome::Done);
        }
        Write::Probe => {
            set_fact("INSERT OR REPLACE INTO fact VALUES ('probe', hex(randomblob(8)))")?;
            return Ok(Outcome::Done);
        }
    }
    set_fact("UPDATE fact SET value = value + 1 WHERE name = 'access_epoch'")?;
    Ok(Outcome::Done)
}

fn put_usage(connection: &Connection, day: i64, usage: &[Usage]) -> Result<(), rusqlite::Error> {
    const SQL: &str = "INSERT OR REPLACE INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for Usage { app, gateway, calls, calls_in_second, at_ms } in usage {
        let values = params![app, day, gateway, calls, calls_in_second, at_ms];
        connection.prepare_cached(SQL)?.execute(values)?;
    }
    connection.prepare_cached("DELETE FROM usage WHERE day < ?1 - 1")?.execute([day])?;
    Ok(())
}

const DROP_CALLS: &str = "DELETE FROM call WHERE (at_ms, request_id) IN (\
    SELECT at_ms, request_id FROM call WHERE (at_ms, request_id) <= (?1, ?2) \
    ORDER BY at_ms, request_id LIMIT ?3)";

fn put_call(connection: &Connection, call: &Call, document: &[u8]) -> Result<(), rusqlite::Error> {
    const SQL: &str =
        "INSERT OR IGNORE INTO call VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let Call { at_ms, request_id, app, method, outcome, .. } = call;
    let Call { code, sub_code, result, cost_us, address, .. } = call;
    connection.prepare_cached(SQL)?.execute(params![
        at_ms, request_id, app, method, outcome, code, sub_code, result, cost_us, address, document
    ])?;
    Ok(())
}

/// A call, its columns read in the order of the table.
fn call(row: &Row<'_>) -> Result<Call, rusqlite::Error> {
    Ok(Call {
        at_ms: row.get(0)?,
        request_id: row.get(1)?,
        app: row.get(2)?,
        method: row.get(3)?,
        outcome: row.get(4)?,
        code: row.get(5)?,
        sub_code: row.get(6)?,
        result: row.get(7)?,
        cost_us: row.get(8)?,
        address: row.get(9)?,
    })
}

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Puts a document in the place of another, if that is still there.
fn replace(connection: &Connection, row: &Stored, document: &[u8]) -> Result<(), rusqlite::Error> {
    let sql = match row.table {
        Table::Aggregate => return replace_aggregate(connection, row, document),
        Table::Journal => "UPDATE journal SET facts = ?6 WHERE entry = ?4 AND facts = ?5",
        Table::App => "UPDATE app SET document = ?6 WHERE app_key = ?1 AND document = ?5",
        Table::Session => {
            "UPDATE session SET document = ?6 \
             WHERE (app_key, token_hash) = (?1, unhex(?3)) AND document = ?5"
        }
        Table::Call => "UPDATE call SET document = ?6 WHERE request_id = ?3 AND document = ?5",
    };
    let Stored { owner, kind, id, entry, document: known, .. } = row;
    let values = params![owner, kind, id, entry, known, document];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The same of an aggregate, which stays in as many places as it stood in. Each of two is looked at alone: when
/// one has changed meanwhile, the other may still be what it was.
fn replace_aggregate(
    connection: &Connection,
    Stored { owner, kind, id, document: known, .. }: &Stored,
    document: &[u8],
) -> Result<(), rusqlite::Error> {
    const FIND: &str =
        "SELECT rowid, body FROM aggregate WHERE owner = ?1 AND kind = ?2 AND id = ?3";
    const BODY: &str = "UPDATE body SET text = ?3 WHERE id = ?1 AND text = ?2";
    const REST: &str = "UPDATE aggregate SET document = ?3 WHERE rowid = ?1 AND document = ?2";
    let place = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?));
    let found = connection.prepare_cached(FIND)?.query_row((owner, kind, id), place).optional()?;
    let Some((place, body)) = found else { return Ok(()) };
    let parted = |document| match body {
        Some(_) => parted(document),
        None => <[u8]>::split_at(document, 0),
    };
    let ((old_text, old_rest), (text, rest)) = (parted(known.as_slice()), parted(document));
    connection.prepare_cached(REST)?.execute((place, old_rest, rest))?;
    if let Some(body) = body {
        connection.prepare_cached(BODY)?.execute((body, old_text, text))?;
    }
    Ok(())
}

/// Claims a number for an aggregate; says which other has it.
fn claim(connection: &Connection, key: &Key, look_up: &LookUp) -> Result<Option<String>, Error> {
    const CLAIM: &str = "INSERT INTO lookup (owner, kind, name, value, id) \
                         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    const HOLDER: &str = "SELECT id FROM lookup WHERE owner = ?1 AND kind = ?2 AND name = ?3 \
                          AND value = ?4 AND id <> ?5";
    let row = params![key.owner, key.kind, look_up.name, look_up.value, key.id];
    if connection.prepare_cached(CLAIM)?.execute(row)? == 1 {
        return Ok(None);
    }
    let row = params![key.owner, key.kind, look_up.name, look_up.value, key.id];
    Ok(connection.prepare_cached(HOLDER)?.query_row(row, |row| row.get(0)).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cause;

    fn commit(id: &str, bytes: usize) -> (Job, oneshot::Receiver<Result<Outcome, Error>>) {
        let (reply, answer) = oneshot::channel();
        let commit = Commit {
            key: Key { kind: "thing", owner: "o".into(), id: id.into() },
            expected: None,
            document: vec![b'x'; bytes],
            is_rest: false,
            facts: None,
            what: "put",
            cause: Cause { at: Instant::UNIX_EPOCH, actor: "t".into(), request_id: "r".into() },
            look_ups: Vec::new(),
            people: Vec::new(),
        };
        let home = Handle::current();
        (Job { write: Write::Commit(Box::new(commit)), reply, home }, answer)
    }

    #[tokio::test]
    async fn when_the_disk_is_full_nobody_is_told_one_thing_and_finds_another() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "max_page_count", 60).unwrap();
        let (mut batch, mut answers) = (Vec::new(), Vec::new());
        for at in 0..40 {
            let (job, answer) = commit(&at.to_string(), if at == 10 { 400_000 } else { 100 });
            batch.push(job);
            answers.push(answer);
        }
        write_batch(&connection, &mut batch);
        for mut answer in answers {
            let told = answer.try_recv().unwrap();
            let Err(Error::NotCommitted(why)) = told else { panic!("{told:?}") };
            assert_eq!(why, "database or disk is full");
        }
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(count("SELECT count(*) FROM aggregate"), 0);
        assert_eq!(count("SELECT count(*) FROM journal"), 0);

        // The next batch is none the worse for it.
        let (job, answer) = commit("after", 100);
        write_batch(&connection, &mut vec![job]);
        assert_eq!(answer.await.unwrap().unwrap(), Outcome::Done);
        assert_eq!(count("SELECT count(*) FROM aggregate"), 1);
    }

    #[tokio::test]
    async fn a_log_at_work_has_all_of_its_room_and_is_read_as_far_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        let log = folder.path().join("t.db-wal");
        let length = || log.metadata().unwrap().len();
        let engine = Sqlite::open(&path).unwrap();
        let mut put = 0;
        let mut put_one = async |bytes: usize| {
            let (Job { write: Write::Commit(one), .. }, _) = commit(&put.to_string(), bytes) else {
                unreachable!("it is one")
            };
            assert_eq!(engine.commit(*one).await.unwrap(), Outcome::Done);
            put += 1;
            put
        };
        put_one(4096).await;
        assert!(length() < 100_000, "{}", length());
        while length() < WAL_BYTES_MAX as u64 {
            assert!(put_one(4096).await < 300, "{}", length());
        }
        let count = put_one(4096).await;
        // As a power cut leaves it.
        let found = folder.path().join("found.db");
        std::fs::copy(&path, &found).unwrap();
        std::fs::copy(&log, folder.path().join("found.db-wal")).unwrap();
        let found = Sqlite::open(&found).unwrap();
        assert_eq!(found.list("thing", None, 999).await.unwrap().len(), count);
        // Through the cap, and anew.
        for _ in 0..60 {
            put_one(400_000).await;
            assert_eq!(length(), WAL_BYTES_MAX as u64);
        }
    }

    #[tokio::test]
    async fn a_log_whose_room_the_disk_does_not_have_is_written_to_all_the_same() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let error = make_room(&connection, Path::new("/dev/full")).unwrap_err();
        assert!(error.to_string().contains("/dev/full"), "{error}");
        let (job, answer) = commit("after", 100);
        write_batch(&connection, &mut vec![job]);
        assert_eq!(answer.await.unwrap().unwrap(), Outcome::Done);
    }

    #[tokio::test]
    async fn when_the_disk_is_full_everything_stays_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "max_page_count", 60).unwrap();
        let ids: Vec<_> = (0..20).map(|at| at.to_string()).collect();
        let mut first: Vec<_> = ids.iter().map(|id| commit(id, 100).0).collect();
        write_batch(&connection, &mut first);
        let next = |place: i64, bytes| {
            let (mut job, answer) = commit(&ids[place as usize - 1], bytes);
            if let Write::Commit(commit) = &mut job.write {
                let head = Head { version: 1, last_entry: place, place, body: None };
                commit.expected = Some(head);
            }
            (job, answer)
        };
        let grown = (1..=20).map(|place| next(place, if place == 10 { 400_000 } else { 200 }));
        let (mut batch, answers): (Vec<_>, Vec<_>) = grown.unzip();
        write_batch(&connection, &mut batch);
        for mut answer in answers {
            let told = answer.try_recv().unwrap();
            assert!(matches!(told, Err(Error::NotCommitted(_))), "{told:?}");
        }
        let sql = "SELECT count(*) FROM aggregate WHERE version = 1 AND length(document) = 100";
        let left: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(left, 20);

        // The next batch is none the worse for it; who is late is told so.
        let ((in_time, done), (late, raced)) = (next(7, 200), next(7, 300));
        write_batch(&connection, &mut vec![in_time, late]);
        assert_eq!(done.await.unwrap().unwrap(), Outcome::Done);
        assert_eq!(raced.await.unwrap().unwrap(), Outcome::Raced);
    }

    #[tokio::test]
    async fn sealing_anew_misses_nothing_that_stands_apart_from_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("t.db")).unwrap();
        let document = |body: char, rest: &str| {
            format!(r#"{{"booking":"{}","state":"{rest}"}}"#, String::from(body).repeat(600))
        };
        let put = |document: String, loaded: Option<Loaded>| {
            let (Job { write: Write::Commit(commit), .. }, _) = commit("1", 0) else {
                unreachable!("it is one")
            };
            let is_rest = loaded.as_ref().is_some_and(|loaded| loaded.is_rest);
            let (document, expected) = (document.into(), loaded.map(|loaded| loaded.head));
            engine.commit(Commit { document, expected, is_rest, ..*commit })
        };
        put(document('a', "old"), None).await.unwrap();
        let found = engine.rows(Table::Aggregate, None, 9).await.unwrap();
        let key = Key { kind: "thing", owner: "o".into(), id: "1".into() };
        let whole = async || {
            let loaded = engine.load(&key).await.unwrap().unwrap();
            String::from_utf8(loaded.document).unwrap()
        };
        // Somebody is faster with the rest; then nobody is.
        let rest = engine.load_rest(&key).await.unwrap();
        assert_eq!(rest.as_ref().unwrap().document, br#"{"state":"old"}"#);
        put(r#"{"state":"new"}"#.into(), rest).await.unwrap();
        engine.replace(vec![(found[0].clone(), document('b', "sealed").into())]).await.unwrap();
        assert_eq!(whole().await, document('b', "new"));
        let found = engine.rows(Table::Aggregate, None, 9).await.unwrap();
        engine.replace(vec![(found[0].clone(), document('c', "anew").into())]).await.unwrap();
        assert_eq!(whole().await, document('c', "anew"));

        // There is room for a next state that says a little more.
        let loaded = engine.load_rest(&key).await.unwrap();
        put(r#"{"state":"longer"}"#.into(), loaded).await.unwrap();
        assert_eq!(whole().await, document('c', "longer"));
        let file = Connection::open(folder.path().join("t.db")).unwrap();
        let sql = "SELECT length(document) FROM aggregate";
        let bytes: i64 = file.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(bytes, REST_BYTES_STEP as i64);

        // Half a document is never shown as a whole one.
        file.execute("DELETE FROM body", []).unwrap();
        assert!(engine.rows(Table::Aggregate, None, 9).await.is_err());
        let findings = engine.examine().unwrap();
        let told = findings.iter().find(|finding| finding.what == "documents").unwrap();
        assert!(told.verdict == Verdict::Bad && told.found.starts_with("1 "), "{told:?}");
    }

    #[tokio::test]
    async fn a_statement_is_made_once_for_whatever_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Sqlite::open(&folder.path().join("t.db")).unwrap();
        for id in ["1", "2", "3"] {
            let key = Key { kind: "thing", owner: "o".into(), id: id.into() };
            assert!(engine.load(&key).await.unwrap().is_none());
        }
        let reader = engine.reader().unwrap();
        let statement = reader.statement(LOAD).unwrap();
        assert_eq!(statement.get_status(rusqlite::StatementStatus::Run), 3);
        assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }

    #[test]
    fn pages_of_whole_documents_are_read_along_the_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let sql = "EXPLAIN QUERY PLAN SELECT owner, kind, id, 0, 0, document FROM whole \
                   WHERE (owner, kind, id) > (?1, ?2, ?3) ORDER BY owner, kind, id LIMIT ?5";
        let mut statement = connection.prepare(sql).unwrap();
        let steps =
            statement.query_map(["", "", "", "", "9"], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<_> = steps.collect::<Result<_, _>>().unwrap();
        let [page, body] = steps.as_slice() else { panic!("{steps:?}") };
        assert!(page.starts_with("SEARCH a USING INDEX aggregate_key"), "{page}");
        assert!(body.starts_with("SEARCH b USING INTEGER PRIMARY KEY"), "{body}");
    }

    #[test]
    fn every_connection_is_durable_when_it_says_so() {
        const FULL: i64 = 2;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.db");
        drop(Sqlite::open(&path).unwrap());
        let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        let ask = |name: &str| {
            connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
        };
        assert_eq!(ask("synchronous").unwrap(), FULL.into());
        assert_eq!(ask("journal_mode").unwrap(), "wal".to_owned().into());
    }
}
