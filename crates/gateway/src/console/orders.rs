//! Orders: their list, and the page of each, where what is personal is revealed and transitions are performed.

use askama::Template;
use axum::Form;
use axum::extract::{Path as Named, Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use domain::Instant;
use domain::account::Role;
use domain::id::AppKey;
use serde::Deserialize;
use serde_json::Value;
use store::Entry;

use super::guard::Guarded;
use super::portrait::{Eyes, Mark, Portrait, Portray, Transition, moment};
use crate::family::{Family, Path, Status};
use crate::office::orders::{self, Advanced, Filter, KINDS, Page, Unmoved, unmark};
use crate::web::{Problem, State, Visit, page};
use crate::{Context, audit, context, families};

/// How many orders a page lists: about two screens.
const LINES: usize = 50;
/// Most entries of a story that a page tells, the newest: a few screens, where an order has a dozen.
const TOLD_MAX: usize = 200;
/// Fewest characters of a reason: one of two is none.
pub const REASON_CHARS_MIN: usize = 3;

/// The address of an order's page.
pub fn address(path: &Path) -> String {
    let part = top::form::escape;
    let (app, scope, id) = (part(path.app.as_str()), part(&path.scope), part(&path.id));
    format!("/console/orders/{}/{app}/{scope}/{id}", path.kind)
}

/// What a family is called.
pub fn family(kind: &str, visit: &Visit) -> &'static str {
    match kind {
        "flight" => visit.t("机票", "Flight"),
        "receipts" => visit.t("行程单", "Receipts"),
        "rental" => visit.t("租车", "Car rental"),
        "train" => visit.t("火车票", "Rail"),
        _ => visit.t("其他", "Other"),
    }
}

/// A status in words, with its codes.
pub fn status_text(status: &Status, visit: &Visit) -> String {
    format!("{} · {}", status.order_status, visit.t(status.label_zh, status.label))
}

/// Which part of the list is asked for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "console/orders.html")]
struct List<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    asked: &'a Asked,
    found: Page,
    next: Option<String>,
}

/// The list.
pub async fn list(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = Filter { kind: given(&asked.kind), app: given(&asked.app) };
    let after = given(&asked.after).map(|after| after.parse::<Path>()).transpose();
    let after = after.map_err(|_| Problem::NotFound)?;
    let found = orders::list(&cx.store, &filter, after.as_ref(), LINES, by.cause.at).await?;
    let next = found.next.as_ref().map(|next| {
        let after = next.to_string();
        let query = [("kind", &asked.kind), ("app", &asked.app), ("after", &after)];
        let query = query.map(|(name, value)| (name, value.as_str()));
        format!("/console/orders?{}", top::form::encode(query))
    });
    Ok(page(&List { visit: &visit, by: &by, asked: &asked, found, next }))
}

/// The parts of an order's address.
type Parts = Named<(String, String, String, String)>;

fn path(Named((kind, app, scope, id)): Parts) -> Result<Path, Problem> {
    format!("{kind}/{app}/{scope}/{id}").parse().map_err(|_| Problem::NotFound)
}

/// Something that happened to an order, as the page tells it.
struct Told {
    entry: Entry,
    at: String,
    facts: Option<String>,
    /// Whether an app did it, whose call can be looked at.
    is_call: bool,
}

impl Told {
    fn new(mut entry: Entry, reveal: bool, calls_are_kept: bool) -> Self {
        let facts = entry.facts.take().map(|mut facts| {
            unmark(&mut facts, reveal);
            format!("{facts:#}")
        });
        // Operators and the command line have names that no app can have.
        let is_call = calls_are_kept
            && entry.actor.parse::<AppKey>().is_ok()
            && entry.request_id.len() == context::REQUEST_ID_CHARS;
        Self { at: moment(entry.at), facts, is_call, entry }
    }
}

/// An order, drawn, with its story.
struct Drawn {
    status: Status,
    portrait: Portrait,
    transitions: &'static [Transition],
    story: Vec<Told>,
    /// Whether the story is longer.
    is_cut: bool,
}

async fn draw(
    cx: &Context,
    visit: &Visit,
    path: &Path,
    reveal: bool,
    now: Instant,
) -> Result<Drawn, Problem> {
    macro_rules! of_its_family {
        ($($family:ty),*) => {
            match path.kind {
                $(<$family as Family>::KIND => draw_as::<$family>(cx, visit, path, reveal, now).await,)*
                _ => Err(Problem::NotFound),
            }
        };
    }
    families!(of_its_family)
}

async fn draw_as<F: Portray>(
    cx: &Context,
    visit: &Visit,
    path: &Path,
    reveal: bool,
    now: Instant,
) -> Result<Drawn, Problem> {
    let key = path.key();
    let order: Option<F> = cx.store.get(&key).await?;
    let order = order.ok_or(Problem::NotFound)?.at(now);
    let story = cx.store.journal(&key).await?;
    let told: Vec<_> = story.iter().map(|entry| entry.what.as_str()).collect();
    let portrait = order.portray(&Eyes { visit, reveal, now, told: &told });
    let is_cut = story.len() > TOLD_MAX;
    let story = story.into_iter().take(TOLD_MAX);
    let story = story.map(|entry| Told::new(entry, reveal, cx.journal.is_on())).collect();
    Ok(Drawn { status: order.status(), portrait, transitions: F::TRANSITIONS, story, is_cut })
}

#[derive(Template)]
#[template(path = "console/order.html")]
struct Order<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    path: &'a Path,
    address: String,
    drawn: Drawn,
    is_revealed: bool,
    /// What was done, and what the rules say against it.
    done: Option<&'a str>,
    refused: Option<String>,
    typed: Typed,
}

/// What came of a transition, as it stands in the address.
#[derive(Deserialize)]
pub struct Done {
    done: Option<String>,
}

/// The page.
pub async fn show(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    parts: Parts,
    Query(Done { done }): Query<Done>,
) -> Result<Response, Problem> {
    let path = path(parts)?;
    let drawn = draw(&cx, &visit, &path, false, by.cause.at).await?;
    let done = match done.as_deref() {
        Some("taken") => Some(visit.t("已完成。", "Done.")),
        Some("already") => {
            Some(visit.t("此前已是如此，没有改变。", "It was so already; nothing changed."))
        }
        _ => None,
    };
    Ok(page(&Order {
        visit: &visit,
        by: &by,
        address: address(&path),
        path: &path,
        drawn,
        is_revealed: false,
        done,
        refused: None,
        typed: Typed::default(),
    }))
}

/// Why somebody wants to see what is personal.
#[derive(Deserialize)]
pub struct Why {
    #[serde(default)]
    reason: String,
}

/// The page with what is personal in the clear, once; that it was looked at is on record before it is shown.
pub async fn reveal(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    parts: Parts,
    Form(Why { reason }): Form<Why>,
) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    let (path, reason) = (path(parts)?, reason.trim());
    if !(REASON_CHARS_MIN..=audit::REASON_CHARS_MAX).contains(&reason.chars().count()) {
        return Err(Problem::Refused(
            "请填写查看原因（3 至 500 字）。",
            "Please say why: 3 to 500 characters.",
        ));
    }
    // Of an order that is not there nothing can be seen.
    orders::exists(&cx.store, &path).await?.then_some(()).ok_or(Problem::NotFound)?;
    audit::record(&cx.store, &by.cause, "reveal", &path.to_string(), Some(reason)).await?;
    let drawn = draw(&cx, &visit, &path, true, by.cause.at).await?;
    Ok(page(&Order {
        visit: &visit,
        by: &by,
        address: address(&path),
        path: &path,
        drawn,
        is_revealed: true,
        done: None,
        refused: None,
        typed: Typed::default(),
    }))
}

/// Back to the page, from an address that only takes forms: the other language was chosen there.
pub async fn back(visit: Visit, _by: Guarded, parts: Parts) -> Result<Redirect, Problem> {
    Ok(Redirect::to(&format!("{}?lang={}", address(&path(parts)?), visit.lang.name())))
}

/// A transition as somebody chose it.
#[derive(Default, Deserialize)]
pub struct Typed {
    #[serde(default)]
    command: String,
    #[serde(default)]
    facts: String,
}

impl Typed {
    /// The transition's name and its own facts as one object.
    fn command(&self) -> Result<Value, Problem> {
        let text = self.facts.trim();
        let facts = if text.is_empty() { "{}" } else { text };
        let refused =
            || Problem::Refused("参数须为 JSON 对象。", "The facts must be a JSON object.");
        let mut facts: Value = serde_json::from_str(facts).map_err(|_| refused())?;
        let Value::Object(members) = &mut facts else { return Err(refused()) };
        members.insert("command".into(), self.command.clone().into());
        Ok(facts)
    }
}

/// Performs a transition.
pub async fn advance(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    parts: Parts,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    let path = path(parts)?;
    let command = typed.command()?;
    let outcome = orders::advance(&cx.store, &path, &command, &by.cause).await;
    let refused = match outcome {
        Ok(Advanced { is_new, .. }) => {
            audit::record(&cx.store, &by.cause, "advance", &path.to_string(), None).await?;
            let done = if is_new { "taken" } else { "already" };
            return Ok(Redirect::to(&format!("{}?done={done}", address(&path))).into_response());
        }
        // A number that another order has is the operator's to mend; what else the store has to say is for the log.
        Err(refusal @ (Unmoved::Refused(_) | Unmoved::Store(store::Error::Taken { .. }))) => {
            format!("{refusal:#}")
        }
        Err(Unmoved::NoSuchOrder) => return Err(Problem::NotFound),
        Err(Unmoved::Store(error)) => return Err(error.into()),
    };
    let drawn = draw(&cx, &visit, &path, false, by.cause.at).await?;
    let shown = page(&Order {
        visit: &visit,
        by: &by,
        address: address(&path),
        path: &path,
        drawn,
        is_revealed: false,
        done: None,
        refused: Some(refused),
        typed,
    });
    Ok((StatusCode::BAD_REQUEST, shown).into_response())
}
