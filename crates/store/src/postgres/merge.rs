//! Many changes, few statements: what has arrived by the time a connection is free goes out together.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};

use super::Values;
use super::link::{Fate, Link, Target, describe, fate};
use crate::engine::{Commit, Outcome};
use crate::{Error, Key, LookUp};

/// Most changes in one statement: more only delays the first of them.
const BATCH_MAX: usize = 64;
/// Most changes waiting for one connection; further callers wait in line, holding their own memory.
const QUEUE_MAX: usize = 4096;
/// How often a statement is tried again after it met another's; each time somebody got on.
pub(super) const TRIES_MAX: usize = 16;
/// How long a change, or a read, waits for a server that takes it. Longer than a planned change of
/// servers takes, shorter than a client waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long until a server that was not there is asked again.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

const COMMIT: &str = include_str!("commit.sql");
/// The same for changes that claim nothing, of what is there already and stands where it will stand: nearly all.
const UPDATE: &str = include_str!("update.sql");
const SETTLED: &str = include_str!("settled.sql");
/// A commit of its own: once it is acknowledged, everything before it in the log is as durable.
pub(super) const PROBE: &str = "INSERT INTO fact VALUES ('probe', gen_random_uuid()::text) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// A change that waits, and who is to be told.
pub(super) struct Job {
    pub commit: Commit,
    pub since: Instant,
    pub reply: oneshot::Sender<Result<Outcome, Error>>,
}

/// A connection's worth of changes.
pub(super) fn start(target: Arc<Target>) -> mpsc::Sender<Job> {
    let (sender, jobs) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(write_until_closed(target, jobs));
    sender
}

async fn write_until_closed(target: Arc<Target>, mut jobs: mpsc::Receiver<Job>) {
    let mut link = None;
    let mut waiting: VecDeque<Job> = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let Some(job) = jobs.recv().await else { return };
            waiting.push_back(job);
        }
        while waiting.len() < 2 * BATCH_MAX
            && let Some(Some(job)) = jobs.recv().now_or_never()
        {
            waiting.push_back(job);
        }
        let batch = take_batch(&mut waiting);
        // Whoever has waited that long is not kept waiting for what cannot be done in time.
        let (batch, late): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| job.since.elapsed() < PATIENCE);
        for job in late {
            let late = Error::NotCommitted("the database does not keep up".to_owned());
            let _ = job.reply.send(Err(late));
        }
        if batch.is_empty() {
            continue;
        }
        let commits: Vec<&Commit> = batch.iter().map(|job| &job.commit).collect();
        let outcomes = commit_all(&target, &mut link, &commits, Instant::now(), false).await;
        for (job, outcome) in batch.into_iter().zip(outcomes) {
            // A caller that has gone away does not need to be told.
            let _ = job.reply.send(outcome);
        }
    }
}

/// The first changes that share neither an aggregate nor a number, in the order of their keys.
fn take_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut batch = Vec::new();
    let mut later = VecDeque::new();
    let mut keys = HashSet::new();
    let mut numbers = HashSet::new();
    for job in waiting.drain(..) {
        let Commit { key, look_ups, .. } = &job.commit;
        let number =
            |look_up: &LookUp| (key.owner.clone(), key.kind, look_up.name, look_up.value.clone());
        // One that must wait keeps its place before later ones on its aggregate.
        let is_first = keys.insert((key.owner.clone(), key.kind, key.id.clone()));
        let is_free = look_ups.iter().all(|look_up| !numbers.contains(&number(look_up)));
        if is_first && is_free && batch.len() < BATCH_MAX {
            numbers.extend(look_ups.iter().map(number));
            batch.push(job);
        } else {
            later.push_back(job);
        }
    }
    *waiting = later;
    // One order for everybody, so that two statements hardly ever wait for each other.
    batch.sort_by(|one, other| place(one).cmp(&place(other)));
    batch
}

fn place(job: &Job) -> (&str, &str, &str) {
    let Key { kind, owner, id } = &job.commit.key;
    (owner, kind, id)
}

/// Commits changes that share nothing, each with its own outcome. A statement whose answer was lost is
/// sent again to whoever takes statements now; what it did the first time is found by its request.
/// `in_doubt` says that one was lost before.
async fn commit_all(
    target: &Target,
    link: &mut Option<Link>,
    commits: &[&Commit],
    began: Instant,
    mut in_doubt: bool,
) -> Vec<Result<Outcome, Error>> {
    let mut tries = 0;
    let error = loop {
        let Some(open) = connected(target, link, began).await else {
            let nobody = || Err(undone("no server takes changes", in_doubt));
            return commits.iter().map(|_| nobody()).collect();
        };
        // Dropping the future cancels nothing on the server, so a time-out tells nothing either. The
        // connection stays: what waits there for a standby would wait on another just the same.
        let sent = tokio::time::timeout(PATIENCE, send(open, commits, in_doubt)).await;
        let (fate, why) = match sent {
            Ok(Ok(_)) if open.is_doubtful() => {
                (Fate::Unknown, "a commit was acknowledged without its standby".to_owned())
            }
            Ok(Ok(outcomes)) => return outcomes.into_iter().map(Ok).collect(),
            Ok(Err(error)) => (fate(&error), describe(&error)),
            Err(_) => {
                let unknown = || Error::Unknown("no answer in time".to_owned());
                return commits.iter().map(|_| Err(unknown())).collect();
            }
        };
        match fate {
            Fate::Again if tries < TRIES_MAX => tries += 1,
            Fate::Unknown | Fate::Elsewhere => {
                tracing::warn!(why, "the database was lost with changes under way; asking again");
                in_doubt |= fate == Fate::Unknown;
                *link = None;
                tokio::time::sleep(PAUSE).await;
            }
            Fate::Again | Fate::Failed => break why,
        }
    };
    // This statement was rolled back. One bad change must not fail the others: each on its own.
    if commits.len() == 1 {
        return vec![settle_alone(link.as_ref(), commits, &error, in_doubt).await];
    }
    let mut outcomes = Vec::with_capacity(commits.len());
    for commit in commits {
        let alone = [*commit];
        outcomes.extend(Box::pin(commit_all(target, link, &alone, began, in_doubt)).await);
    }
    outcomes
}

/// What became of a change that cannot be done now, and may have been done by an earlier statement.
async fn settle_alone(
    link: Option<&Link>,
    commits: &[&Commit],
    error: &str,
    in_doubt: bool,
) -> Result<Outcome, Error> {
    let Some(link) = link.filter(|_| in_doubt) else { return Err(undone(error, in_doubt)) };
    let looked_up = async {
        let is_ours = !settled(link, commits).await?.is_empty();
        if is_ours {
            link.query(PROBE, &[]).await?;
        }
        Ok::<_, tokio_postgres::Error>(is_ours)
    };
    match tokio::time::timeout(PATIENCE, looked_up).await {
        Ok(Ok(true)) if !link.is_doubtful() => Ok(Outcome::Done),
        _ => Err(undone(error, in_doubt)),
    }
}

/// What is told of a change that did not happen, or of which nobody knows.
fn undone(why: &str, in_doubt: bool) -> Error {
    if in_doubt { Error::Unknown(why.to_owned()) } else { Error::NotCommitted(why.to_owned()) }
}

/// The connection, opened anew when it is gone; `None` when patience is.
async fn connected<'l>(
    target: &Target,
    link: &'l mut Option<Link>,
    began: Instant,
) -> Option<&'l Link> {
    while link.as_ref().is_none_or(Link::is_closed) {
        if began.elapsed() >= PATIENCE {
            return None;
        }
        match target.connect().await {
            Ok(open) => *link = Some(open),
            Err(error) => {
                tracing::debug!(%error, "no connection to the database");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    link.as_ref()
}

async fn send(
    link: &Link,
    commits: &[&Commit],
    in_doubt: bool,
) -> Result<Vec<Outcome>, tokio_postgres::Error> {
    let mut outcomes = commit(link, commits).await?;
    if !in_doubt || outcomes.iter().all(|outcome| *outcome == Outcome::Done) {
        return Ok(outcomes);
    }
    // What an earlier statement of ours did is committed by now, or never will be.
    let mut is_ours = false;
    for at in settled(link, commits).await? {
        if let Some(outcome) = outcomes.get_mut(at)
            && *outcome != Outcome::Done
        {
            *outcome = Outcome::Done;
            is_ours = true;
        }
    }
    if is_ours {
        link.query(PROBE, &[]).await?;
    }
    Ok(outcomes)
}

/// Which changes, as all three statements are told: their places, aggregates, versions and requests.
struct Named<'c> {
    at: Vec<i32>,
    owner: Vec<&'c str>,
    kind: Vec<&'c str>,
    id: Vec<&'c str>,
    version: Vec<i64>,
    actor: Vec<&'c str>,
    request: Vec<&'c str>,
}

impl<'c> Named<'c> {
    fn new(commits: &[&'c Commit]) -> Self {
        let text =
            |field: fn(&'c Commit) -> &'c str| commits.iter().map(|commit| field(commit)).collect();
        Self {
            at: (0..).take(commits.len()).collect(),
            owner: text(|commit| &commit.key.owner),
            kind: text(|commit| commit.key.kind),
            id: text(|commit| &commit.key.id),
            version: commits.iter().map(|commit| commit.version()).collect(),
            actor: text(|commit| &commit.cause.actor),
            request: text(|commit| &commit.cause.request_id),
        }
    }
}

/// What is written, as both statements that write are told.
struct Written<'c> {
    document: Vec<Cow<'c, [u8]>>,
    /// What documents begin with, where that stands apart and may have changed.
    body: Vec<Option<&'c [u8]>>,
    what: Vec<&'c str>,
    at_ms: Vec<i64>,
    facts: Vec<Option<&'c [u8]>>,
}

impl<'c> Written<'c> {
    fn new(commits: &[&'c Commit]) -> Self {
        let (body, document) = commits.iter().map(|commit| commit.parts()).unzip();
        Self {
            document,
            body,
            what: commits.iter().map(|commit| commit.what).collect(),
            at_ms: commits.iter().map(|commit| commit.cause.at.as_millisecond()).collect(),
            facts: commits.iter().map(|commit| commit.facts.as_deref()).collect(),
        }
    }
}

async fn commit(link: &Link, commits: &[&Commit]) -> Result<Vec<Outcome>, tokio_postgres::Error> {
    let written = Written::new(commits);
    // One whose beginning is to stand apart from now on claims its place there.
    let is_plain = |(commit, body): (&&Commit, &Option<&[u8]>)| {
        let head = commit.expected.filter(|head| head.body.is_some() || body.is_none());
        head.is_some() && commit.look_ups.is_empty() && commit.people.is_empty()
    };
    if commits.iter().zip(&written.body).all(is_plain) {
        return update(link, commits, written).await;
    }
    let Named { at, owner, kind, id, version, actor, request } = Named::new(commits);
    let Written { document, body, what, at_ms, facts } = written;
    let (mut claim_at, mut claim_name, mut claim_value) = (Vec::new(), Vec::new(), Vec::new());
    let (mut person_at, mut person_hash) = (Vec::new(), Vec::new());
    for (at, commit) in (0i32..).zip(commits) {
        for (nth, LookUp { name, value }) in commit.look_ups.iter().enumerate() {
            // Claimed twice, a number would be its own rival.
            if commit.look_ups[..nth].iter().any(|it| it.name == *name && it.value == *value) {
                continue;
            }
            claim_at.push(at);
            claim_name.push(*name);
            claim_value.push(value.as_str());
        }
        for hash in &commit.people {
            person_at.push(at);
            person_hash.push(hash.as_slice());
        }
    }
    let values: &Values<'_> = &[
        &at,
        &owner,
        &kind,
        &id,
        &version,
        &document,
        &what,
        &at_ms,
        &actor,
        &request,
        &facts,
        &claim_at,
        &claim_name,
        &claim_value,
        &person_at,
        &person_hash,
        &body,
    ];
    let mut outcomes: Vec<_> = commits.iter().map(|_| Outcome::Raced).collect();
    for row in link.query(COMMIT, values).await? {
        let at = row.get::<_, i32>(0) as usize;
        if row.get(1) {
            outcomes[at] = Outcome::Done;
        } else if let (Some(name), Some(value)) =
            (row.get::<_, Option<&str>>(2), row.get::<_, Option<&str>>(3))
        {
            let mut look_ups = commits[at].look_ups.iter();
            let look_up = look_ups.find(|it| it.name == name && it.value == value).cloned();
            if let Some(look_up) = look_up {
                outcomes[at] = Outcome::Taken { look_up, id: row.get(4) };
            }
        }
    }
    Ok(outcomes)
}

/// Commits changes of what is there already that claim nothing.
async fn update(
    link: &Link,
    commits: &[&Commit],
    written: Written<'_>,
) -> Result<Vec<Outcome>, tokio_postgres::Error> {
    let Named { at, owner, kind, id, version, actor, request } = Named::new(commits);
    let Written { document, body, what, at_ms, facts } = written;
    let values: &Values<'_> = &[
        &at, &owner, &kind, &id, &version, &document, &what, &at_ms, &actor, &request, &facts,
        &body,
    ];
    let mut outcomes: Vec<_> = commits.iter().map(|_| Outcome::Raced).collect();
    for row in link.query(UPDATE, values).await? {
        outcomes[row.get::<_, i32>(0) as usize] = Outcome::Done;
    }
    Ok(outcomes)
}

/// The places of those changes that stand in the journal on their own request.
async fn settled(link: &Link, commits: &[&Commit]) -> Result<Vec<usize>, tokio_postgres::Error> {
    let Named { at, owner, kind, id, version, actor, request } = Named::new(commits);
    let rows = link.query(SETTLED, &[&at, &owner, &kind, &id, &version, &actor, &request]).await?;
    Ok(rows.iter().map(|row| row.get::<_, i32>(0) as usize).collect())
}
