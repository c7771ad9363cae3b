//! A connection that many share, opened anew when it is lost; and reads that go out together over one.

use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio_postgres::Row;

use super::link::{Fate, Link, Target, describe, fate};
use super::merge::{PATIENCE, PAUSE, TRIES_MAX};
use super::{Values, failed};
use crate::engine::{Head, Loaded};
use crate::{Error, Key};

/// Most reads in one statement: more only delays the first of them.
const BATCH_MAX: usize = 64;
/// Most reads waiting for one connection; further callers wait in line.
const QUEUE_MAX: usize = 4096;

const LOAD_ALL: &str = "SELECT i.at, a.version, a.document, b.text \
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) \
         WITH ORDINALITY AS i (owner, kind, id, body, at) \
     JOIN aggregate a ON a.owner = i.owner AND a.kind = i.kind AND a.id = i.id \
     LEFT JOIN body b ON b.owner = i.owner AND b.kind = i.kind AND b.id = i.body";
const LOAD: &str = "SELECT 1::bigint, a.version, a.document, b.text FROM aggregate a \
     LEFT JOIN body b ON b.owner = a.owner AND b.kind = a.kind AND b.id = $4 \
     WHERE a.owner = $1 AND a.kind = $2 AND a.id = $3";

/// A shared connection to whichever server takes changes.
pub(super) struct Line {
    target: Arc<Target>,
    kept: Mutex<Option<Arc<Link>>>,
}

impl Line {
    pub(super) fn new(target: Arc<Target>, kept: Option<Link>) -> Self {
        Self { target, kept: Mutex::new(kept.map(Arc::new)) }
    }

    /// The connection, whichever it is now.
    pub(super) async fn link(&self) -> Result<Arc<Link>, Error> {
        let mut kept = self.kept.lock().await;
        if let Some(link) = kept.as_ref().filter(|link| !link.is_closed()) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(self.target.connect().await?);
        *kept = Some(Arc::clone(&link));
        Ok(link)
    }

    /// Asks whichever server there is; says what came back, and whether it may have been asked twice.
    pub(super) async fn ask(
        &self,
        sql: &'static str,
        values: &Values<'_>,
    ) -> Result<(Vec<Row>, bool), Error> {
        let began = Instant::now();
        let (mut in_doubt, mut tries) = (false, 0);
        loop {
            let link = match self.link().await {
                Ok(link) => link,
                Err(error) if began.elapsed() >= PATIENCE => return Err(error),
                Err(_) => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let error = match tokio::time::timeout(PATIENCE, link.query(sql, values)).await {
                Ok(Ok(rows)) if !link.is_doubtful() => return Ok((rows, in_doubt)),
                Ok(Ok(_)) => "a commit was acknowledged without its standby".to_owned(),
                Ok(Err(error)) => match fate(&error) {
                    Fate::Again if tries < TRIES_MAX => {
                        tries += 1;
                        continue;
                    }
                    Fate::Again | Fate::Failed if in_doubt => {
                        return Err(Error::Unknown(describe(&error)));
                    }
                    Fate::Again | Fate::Failed => return Err(failed(error)),
                    Fate::Elsewhere | Fate::Unknown => describe(&error),
                },
                // The connection stays: what waits there would wait on another just the same.
                Err(_) => return Err(Error::Unknown("no answer in time".to_owned())),
            };
            in_doubt = true;
            let mut kept = self.kept.lock().await;
            // Somebody else may have opened a new one already.
            if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &link)) {
                *kept = None;
            }
            drop(kept);
            if began.elapsed() >= PATIENCE {
                return Err(Error::Unknown(error));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// An aggregate that somebody waits for.
pub(super) struct Wanted {
    key: Key,
    /// Whether what its document begins with is wanted too, where that stands apart.
    is_whole: bool,
    since: Instant,
    reply: oneshot::Sender<Result<Option<Loaded>, Error>>,
}

/// Reads over one connection: what is wanted while a statement is under way goes out with the next.
pub(super) fn start(line: Arc<Line>) -> mpsc::Sender<Wanted> {
    let (sender, wanted) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(read_until_closed(line, wanted));
    sender
}

/// Waits for an aggregate.
pub(super) async fn load(
    reader: &mpsc::Sender<Wanted>,
    key: &Key,
    is_whole: bool,
) -> Result<Option<Loaded>, Error> {
    let (reply, answer) = oneshot::channel();
    let wanted = Wanted { key: key.clone(), is_whole, since: Instant::now(), reply };
    reader.send(wanted).await.map_err(|_| Error::Closed)?;
    answer.await.map_err(|_| Error::Closed)?
}

async fn read_until_closed(line: Arc<Line>, mut wanted: mpsc::Receiver<Wanted>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while let Some(first) = wanted.recv().await {
        batch.push(first);
        // Whoever is about to ask, asks.
        tokio::task::yield_now().await;
        while batch.len() < BATCH_MAX
            && let Some(Some(next)) = wanted.recv().now_or_never()
        {
            batch.push(next);
        }
        // Whoever has waited that long is not kept waiting for what cannot be done in time.
        for late in batch.extract_if(.., |wanted| wanted.since.elapsed() >= PATIENCE) {
            let late_error = Error::Unreachable("the database does not keep up".to_owned());
            let _ = late.reply.send(Err(late_error));
        }
        if batch.is_empty() {
            continue;
        }
        let is_many = batch.len() > 1;
        let mut loaded = load_all(&line, &batch).await;
        for (at, Wanted { key, is_whole, reply, .. }) in batch.drain(..).enumerate() {
            let loaded = match &mut loaded {
                Ok(found) => Ok(found.get_mut(at).and_then(Option::take)),
                // One that cannot be read must not fail the others: each on its own.
                Err(Error::Postgres(_)) if is_many => load_one(&line, &key, is_whole).await,
                Err(Error::Postgres(why)) => Err(Error::Postgres(why.clone())),
                Err(Error::Unreachable(why)) => Err(Error::Unreachable(why.clone())),
                Err(error) => Err(Error::Unknown(error.to_string())),
            };
            // A caller that has gone away does not need to be told.
            let _ = reply.send(loaded);
        }
    }
}

async fn load_all(line: &Line, batch: &[Wanted]) -> Result<Vec<Option<Loaded>>, Error> {
    if let [wanted] = batch {
        return Ok(vec![load_one(line, &wanted.key, wanted.is_whole).await?]);
    }
    let owner: Vec<_> = batch.iter().map(|wanted| &wanted.key.owner).collect();
    let kind: Vec<_> = batch.iter().map(|wanted| wanted.key.kind).collect();
    let id: Vec<_> = batch.iter().map(|wanted| &wanted.key.id).collect();
    let body: Vec<_> = batch.iter().map(|wanted| body_id(&wanted.key, wanted.is_whole)).collect();
    let (rows, _) = line.ask(LOAD_ALL, &[&owner, &kind, &id, &body]).await?;
    let mut found: Vec<_> = batch.iter().map(|_| None).collect();
    for row in &rows {
        let (at, loaded) = loaded(row);
        // The database counts from one.
        if let Some(place) = usize::try_from(at - 1).ok().and_then(|at| found.get_mut(at)) {
            *place = Some(loaded);
        }
    }
    Ok(found)
}

async fn load_one(line: &Line, key: &Key, is_whole: bool) -> Result<Option<Loaded>, Error> {
    let values: &Values<'_> = &[&key.owner, &key.kind, &key.id, &body_id(key, is_whole)];
    let (rows, _) = line.ask(LOAD, values).await?;
    Ok(rows.first().map(|row| loaded(row).1))
}

/// The id that the body is looked up by: without one, the server looks for nothing.
fn body_id(key: &Key, is_whole: bool) -> Option<&str> {
    is_whole.then_some(key.id.as_str())
}

fn loaded(row: &Row) -> (i64, Loaded) {
    let (version, rest): (i64, &[u8]) = (row.get(1), row.get(2));
    // What follows a beginning that stands apart starts as no whole document does.
    let is_apart = matches!(rest.first(), Some(b',' | b'}'));
    let body = is_apart.then(|| row.get::<_, Option<&[u8]>>(3));
    // A story stands together here: its newest entry has the aggregate's own version.
    let head = Head { version, last_entry: version, place: 0, body: body.map(|_| 0) };
    let document = [body.flatten().unwrap_or_default(), rest].concat();
    (row.get(0), Loaded { head, document, is_rest: false })
}
