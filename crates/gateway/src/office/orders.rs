//! Orders of every family by their path: found, listed, and led through their transitions.

use domain::pii::{Trait, is_mark};
use domain::{Instant, Step};
use serde_json::Value;
use store::{Cause, Decision, Error, FOUND_MAX, Key, Store};

use crate::families;
use crate::family::{Family, Path, Performed, Status};

/// What stands for a value that is not shown.
pub const MASK: &str = "***";

/// An order as it stands, personal data marked.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its codes.
    pub status: Status,
    /// All of it.
    pub order: Value,
}

/// A transition was performed.
#[derive(Debug, Clone)]
pub struct Advanced {
    /// Whether anything changed: what was so already is so still.
    pub is_new: bool,
    /// What the order is now.
    pub shown: Shown,
}

/// Why a transition was not performed.
#[derive(Debug, thiserror::Error)]
pub enum Unmoved {
    /// There is no such order.
    #[error("there is no such order")]
    NoSuchOrder,
    /// The rules refuse it, or it is none.
    #[error(transparent)]
    Refused(anyhow::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The order of a path as it stands at `now`.
///
/// # Errors
/// The store failed, or the order cannot be read.
pub async fn get(store: &Store, path: &Path, now: Instant) -> anyhow::Result<Option<Shown>> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            $(if path.kind == <$family as Family>::KIND {
                let order = store.get::<$family>(&path.key()).await?;
                return order.map(|order| Shown::of(order, now)).transpose();
            })*
        };
    }
    families!(of_its_family);
    Ok(None)
}

impl Shown {
    fn of<F: Family>(order: F, now: Instant) -> anyhow::Result<Self> {
        let order = order.at(now);
        Ok(Self { status: order.status(), order: serde_json::to_value(order)? })
    }
}

/// Replaces marked values by themselves, or by [`MASK`].
pub fn unmark(tree: &mut Value, reveal: bool) {
    match tree {
        Value::Object(members) => {
            let mut marked = members.iter_mut().filter(|(name, _)| is_mark(name));
            if let Some((_, clear)) = marked.next() {
                *tree = if reveal { clear.take() } else { MASK.into() };
                return;
            }
            members.values_mut().for_each(|child| unmark(child, reveal));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|child| unmark(child, reveal)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where an order of this kind stands at `now`; `None` when there is none under that key, or its kind is no
/// family's.
///
/// # Errors
/// The store failed.
pub async fn status(
    store: &Store,
    (kind, owner, id): (&str, &str, &str),
    now: Instant,
) -> Result<Option<Status>, Error> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            match kind {
                $(<$family as Family>::KIND => {
                    let kind = <$family as Family>::KIND;
                    let key = Key { kind, owner: owner.to_owned(), id: id.to_owned() };
                    let order: Option<$family> = store.get(&key).await?;
                    Ok(order.map(|order| Family::status(&Family::at(order, now))))
                })*
                _ => Ok(None),
            }
        };
    }
    families!(of_its_family)
}

/// The kinds of all families.
pub const KINDS: [&str; 4] = {
    macro_rules! kinds {
        ($($family:ty),*) => { [$(<$family as Family>::KIND),*] };
    }
    families!(kinds)
};

/// Most owners of one kind of orders that are looked through: each is a corporation, a channel or an account
/// of an app, and costs a few looks at an index.
pub const OWNERS_MAX: usize = 2000;
/// Most owners of anything that are passed on the way: a look at the index each, half a second in all.
const PASSED_MAX: usize = 50_000;
/// How many owners are read at a time.
const OWNERS_PAGE: usize = 500;
/// Most orders that one number finds: every distributor may have an order 1.
pub const NUMBERED_MAX: usize = 200;

/// An order in a list.
#[derive(Debug, Clone)]
pub struct Line {
    /// Which.
    pub path: Path,
    /// Where it stands; `None` when its document cannot be read.
    pub status: Option<Status>,
}

/// Orders, and where to go on.
#[derive(Debug, Default)]
pub struct Page {
    /// The orders.
    pub lines: Vec<Line>,
    /// The last of them, when there may be more.
    pub next: Option<Path>,
    /// Whether there are more owners than are looked through.
    pub is_cut: bool,
}

/// Which orders to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this family only.
    pub kind: Option<String>,
    /// Of this app only.
    pub app: Option<String>,
}

/// Whose orders there are: kind and owner, in a fixed order; and whether there are more than are looked
/// through.
async fn owners(
    store: &Store,
    filter: &Filter,
) -> Result<(Vec<(&'static str, String)>, bool), Error> {
    let (mut owners, mut passed) = (Vec::new(), 0);
    let mut last: Option<(String, String)> = None;
    loop {
        let after = last.as_ref().map(|(owner, kind)| (owner.as_str(), kind.as_str()));
        let page = store.holdings(after, OWNERS_PAGE).await?;
        let is_last = page.len() < OWNERS_PAGE;
        passed += page.len();
        for (owner, kind) in &page {
            let Some(known) = KINDS.iter().find(|known| *known == kind) else { continue };
            let is_of_app = |app: &String| owner.split_once('/').is_some_and(|(of, _)| of == app);
            let is_of_kind = |wanted: &String| wanted == kind;
            if filter.kind.as_ref().is_none_or(is_of_kind)
                && filter.app.as_ref().is_none_or(is_of_app)
            {
                owners.push((*known, owner.clone()));
            }
        }
        let is_cut = owners.len() > OWNERS_MAX || (passed >= PASSED_MAX && !is_last);
        if is_last || is_cut {
            owners.truncate(OWNERS_MAX);
            owners.sort_unstable();
            return Ok((owners, is_cut));
        }
        last = page.into_iter().next_back();
    }
}

/// Orders in the order of their paths, from the one after `after` on.
///
/// # Errors
/// The store failed.
pub async fn list(
    store: &Store,
    filter: &Filter,
    after: Option<&Path>,
    limit: usize,
    now: Instant,
) -> Result<Page, Error> {
    let after = after.map(Path::key);
    let (owners, is_cut) = owners(store, filter).await?;
    let mut page = Page { is_cut, ..Page::default() };
    for (kind, owner) in owners {
        let position = after.as_ref().map(|key| (key.kind, key.owner.as_str()));
        if position.is_some_and(|position| (kind, owner.as_str()) < position) {
            continue;
        }
        let here = after.as_ref().filter(|key| key.kind == kind && key.owner == owner);
        let room = limit - page.lines.len();
        let ids = store.list_of(&owner, kind, here.map(|key| key.id.as_str()), room).await?;
        for id in ids {
            page.lines.extend(line(store, (kind, &owner, &id), now).await?);
        }
        if page.lines.len() >= limit {
            page.next = page.lines.last().map(|line| line.path.clone());
            break;
        }
    }
    Ok(page)
}

/// The line of an order; one whose document cannot be read is listed all the same.
async fn line(
    store: &Store,
    (kind, owner, id): (&str, &str, &str),
    now: Instant,
) -> Result<Option<Line>, Error> {
    let path = format!("{kind}/{owner}/{id}").parse::<Path>().ok();
    let status = match status(store, (kind, owner, id), now).await {
        Err(Error::Document { .. } | Error::Sealed(_)) => None,
        Ok(None) => return Ok(None),
        status => status?,
    };
    Ok(path.map(|path| Line { path, status }))
}

/// Orders of any owner that are known by this number: the platform's, a distributor's or a supplier's, a
/// ticket's, a change's or a refund's; or by this path.
///
/// # Errors
/// The store failed.
pub async fn find(store: &Store, number: &str, now: Instant) -> Result<Page, Error> {
    let (owners, is_cut) = owners(store, &Filter::default()).await?;
    let mut page = Page { is_cut, ..Page::default() };
    let mut keys: Vec<Key> = number.parse::<Path>().iter().map(Path::key).collect();
    for (kind, owner) in owners {
        keys.extend(known_by(store, &owner, kind, number).await?);
    }
    let mut seen = std::collections::HashSet::new();
    for key in keys.into_iter().filter(|key| seen.insert(key.clone())) {
        if page.lines.len() == NUMBERED_MAX {
            page.is_cut = true;
            break;
        }
        page.lines.extend(line(store, (key.kind, &key.owner, &key.id), now).await?);
    }
    Ok(page)
}

fn numbers(kind: &str, text: &str) -> Vec<store::LookUp> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            match kind {
                $(<$family as Family>::KIND => <$family as Family>::numbers(text),)*
                _ => Vec::new(),
            }
        };
    }
    families!(of_its_family)
}

/// Orders in which a person of this document or telephone number stands or stood.
///
/// # Errors
/// The store failed.
pub async fn find_people(
    store: &Store,
    by: Trait,
    value: &str,
    now: Instant,
) -> Result<Page, Error> {
    let found = store.find_people(by, value).await?;
    let mut page = Page { is_cut: found.len() == FOUND_MAX, ..Page::default() };
    for (kind, owner, id) in &found {
        page.lines.extend(line(store, (kind, owner, id), now).await?);
    }
    Ok(page)
}

/// Whether there is an order at `path`.
///
/// # Errors
/// The store failed.
pub async fn exists(store: &Store, path: &Path) -> Result<bool, Error> {
    let Key { kind, owner, id } = path.key();
    Ok(status(store, (kind, &owner, &id), Instant::UNIX_EPOCH).await?.is_some())
}

/// Performs a transition by name: `command` holds its name and, beside it, its own facts.
///
/// # Errors
/// There is no such order or transition, the rules refuse it, or the store failed.
pub async fn advance(
    store: &Store,
    path: &Path,
    command: &Value,
    cause: &Cause,
) -> Result<Advanced, Unmoved> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            $(if path.kind == <$family as Family>::KIND {
                return advance_as::<$family>(store, path, command, cause).await;
            })*
        };
    }
    families!(of_its_family);
    Err(Unmoved::NoSuchOrder)
}

async fn advance_as<F: Family>(
    store: &Store,
    path: &Path,
    command: &Value,
    cause: &Cause,
) -> Result<Advanced, Unmoved> {
    let decide = |order: Option<F>| {
        let Some(order) = order else { return (Decision::Keep, Err(Unmoved::NoSuchOrder)) };
        match order.perform(command.clone(), cause.at) {
            Ok(Performed { step: Step::Taken(order), what, facts }) => {
                let (shown, look_ups) = (order.clone(), order.look_ups());
                let facts = Some(facts);
                (Decision::Put { document: order, what, facts, look_ups }, Ok((true, shown)))
            }
            Ok(Performed { step: Step::Already(order), .. }) => {
                (Decision::Keep, Ok((false, order)))
            }
            Err(refusal) => (Decision::Keep, Err(Unmoved::Refused(refusal))),
        }
    };
    let (is_new, order) = store.change(&path.key(), cause, decide).await??;
    let shown = Shown::of(order, cause.at).map_err(Unmoved::Refused)?;
    Ok(Advanced { is_new, shown })
}

/// Where orders of an owner are that this number could mean, whichever numbering it is of: under the number
/// itself, and where it is looked up. Whether there is one under the first nobody has asked yet.
///
/// # Errors
/// The store failed.
pub async fn known_by(
    store: &Store,
    owner: &str,
    kind: &'static str,
    number: &str,
) -> Result<Vec<Key>, Error> {
    let mut keys = vec![Key { kind, owner: owner.to_owned(), id: number.to_owned() }];
    for look_up in numbers(kind, number) {
        let holder = store.find(owner, kind, &look_up).await?;
        keys.extend(holder.filter(|holder| !keys.contains(holder)));
    }
    Ok(keys)
}
