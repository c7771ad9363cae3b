//! Orders of every family: brought in, read, listed, found, revealed, advanced.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use domain::id::{AppKey, DisOrderId, SubChannel as Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;
use utoipa::{IntoParams, ToSchema};

use super::attend::{Caller, Operator, Viewer};
use super::document;
use super::given::{self, Body, Path, Query};
use super::page::address;
use super::problem::Problem;
use crate::audit;
use crate::family::{Malformed, Path as OrderPath, Status, owner};
use crate::import::{self, Import, Outcome};
use crate::office::orders::{self, Shown, Unmoved, unmark};
use crate::web::State;

/// What an order that is not there is called.
const NONE: Problem = Problem::NotFound("There is no such order.");

/// Where an order is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Place {
    /// Its family.
    #[schema(value_type = document::Kind)]
    kind: &'static str,
    /// The app's key.
    #[schema(value_type = document::AppKey)]
    app: String,
    /// The sub-channel, channel or CWT account; `-` for rail.
    #[schema(value_type = document::Scope)]
    scope: String,
    /// The number of the order there.
    #[schema(value_type = document::Id)]
    id: String,
}

/// The codes of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Codes {
    /// Its status code on the wire; -1 of receipts whose order has not been seen yet.
    #[schema(example = 32)]
    order_status: i64,
    /// Its payment status code, where its family has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 9)]
    pay_status: Option<i64>,
    /// The status in words.
    #[schema(example = "payable")]
    label: &'static str,
}

/// An order as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    #[serde(flatten)]
    place: Place,
    /// Its codes.
    status: Codes,
    /// All that is known of it; personal data reads `***` unless it was revealed.
    #[schema(value_type = Object)]
    order: Value,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    #[serde(flatten)]
    place: Place,
    /// Its codes; null where the order cannot be read, which the log explains.
    status: Option<Codes>,
}

/// A page of orders, in the order of kind, owner and id.
#[derive(Debug, Serialize, ToSchema)]
pub struct Orders {
    /// The orders.
    orders: Vec<Listed>,
    /// After what to go on; null at the end.
    next: Option<String>,
}

/// A transition was performed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Moved {
    /// Whether it happened now; `already` when it was so before, and nothing has changed.
    outcome: Done,
    #[serde(flatten)]
    order: Order,
}

/// Whether something happened now.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It did.
    Done,
    /// It had happened before.
    Already,
}

/// What happened to an order, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Story {
    /// What happened.
    entries: Vec<Event>,
    /// After what to go on; null at the end.
    next: Option<String>,
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// The version it led to, from 1.
    version: i64,
    /// What.
    what: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: String,
    /// Who: an app, `ops:NAME`, `console:NAME`, or the command line.
    actor: String,
    /// On which request.
    request_id: String,
    /// What more was said; personal data reads `***`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    facts: Option<Value>,
}

/// Why personal data is to be seen.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reveal {
    /// Why, in a sentence: it stands in the audit.
    #[schema(value_type = document::Reason)]
    reason: String,
}

/// Which orders to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Of this family.
    #[param(value_type = document::Kind, required = false)]
    kind: Option<String>,
    /// Of this app.
    #[param(value_type = document::AppKey, required = false)]
    app: Option<AppKey>,
    /// Of this sub-channel, channel or account of the app; only with `app`, ignored without.
    #[param(value_type = document::Scope, required = false)]
    scope: Option<Scope>,
    /// Go on after what the last page told.
    #[param(value_type = document::Cursor, required = false)]
    cursor: Option<String>,
    /// How many.
    #[param(value_type = document::Limit, required = false)]
    limit: Option<usize>,
}

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Part {
    /// Go on after what the last page told.
    #[param(value_type = document::Cursor, required = false)]
    pub cursor: Option<String>,
    /// How many.
    #[param(value_type = document::Limit, required = false)]
    pub limit: Option<usize>,
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sought {
    /// Among the orders of this app.
    #[param(value_type = document::AppKey, required = true)]
    app: AppKey,
    /// And of this sub-channel, channel or account of it.
    #[param(value_type = document::Scope, required = true)]
    scope: Scope,
    /// Any number that an order is known by: its own, the platform's, the supplier's, a ticket's, a
    /// change's, a refund's.
    #[param(value_type = document::Id, required = true)]
    number: DisOrderId,
}

/// Which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct At {
    /// Its family.
    #[param(value_type = document::Kind)]
    kind: String,
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
    /// The sub-channel, channel or CWT account; `-` for rail.
    #[param(value_type = document::Scope)]
    scope: String,
    /// The number of the order there, percent-encoded.
    #[param(value_type = document::Id)]
    id: String,
}

/// Which order of a family.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AtFamily {
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
    /// The sub-channel, channel or CWT account; `-` for rail.
    #[param(value_type = document::Scope)]
    scope: String,
    /// The number of the order there, percent-encoded.
    #[param(value_type = document::Id)]
    id: String,
}

impl At {
    /// The order that is meant, if it can be one.
    fn path(self) -> Result<OrderPath, Problem> {
        let Self { kind, app, scope, id } = self;
        AtFamily { app, scope, id }.path(&kind)
    }
}

impl AtFamily {
    fn path(self, kind: &str) -> Result<OrderPath, Problem> {
        let Self { app, scope, id } = self;
        let kind = orders::KINDS.into_iter().find(|known| *known == kind).ok_or(NONE)?;
        Ok(OrderPath { kind, app: app.parse().map_err(|_| NONE)?, scope, id })
    }
}

impl Place {
    fn of(path: &OrderPath) -> Self {
        let OrderPath { kind, app, scope, id } = path.clone();
        Self { kind, app: app.to_string(), scope, id }
    }

    fn address(&self) -> String {
        address(&["orders", self.kind, &self.app, &self.scope, &self.id])
    }
}

impl From<Status> for Codes {
    fn from(Status { order_status, pay_status, label, .. }: Status) -> Self {
        Self { order_status, pay_status, label }
    }
}

impl Order {
    fn of(path: &OrderPath, Shown { status, mut order }: Shown, is_revealed: bool) -> Self {
        unmark(&mut order, is_revealed);
        Self { place: Place::of(path), status: status.into(), order }
    }
}

/// List orders
///
/// In the order of kind, owner (app and scope) and id, in pages. Whoever follows `next` to its end sees each
/// order that was there from the beginning exactly once, however many are added meanwhile.
#[utoipa::path(get, path = "/orders", tag = "orders", operation_id = "list_orders", params(Wanted),
    responses((status = 200, description = "A page", body = Orders)))]
pub async fn list(
    _: Viewer,
    Extract(cx): State,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Orders>, Problem> {
    let limit = given::limit(wanted.limit)?;
    let position = given::position(wanted.cursor.as_deref())?.unwrap_or_default();
    if let Some(kind) = &wanted.kind
        && !orders::KINDS.contains(&kind.as_str())
    {
        return Err(Problem::invalid(
            "query.kind",
            format!("expected {}", orders::KINDS.join(", ")),
        ));
    }
    let now = cx.clock.now();
    let places = places(&cx.store, &wanted, &position, limit).await?;
    let next = places.last().filter(|_| places.len() == limit);
    let next = next.map(|path| given::cursor(&path.to_string()));
    let mut listed = Vec::with_capacity(places.len());
    for path in &places {
        let status = match orders::get(&cx.store, path, now).await {
            Ok(Some(shown)) => Some(shown.status.into()),
            Ok(None) => None,
            Err(error) => {
                let fault = format!("{error:#}");
                tracing::error!(order = %path, fault, "an order cannot be read");
                None
            }
        };
        listed.push(Listed { place: Place::of(path), status });
    }
    Ok(Json(Orders { orders: listed, next }))
}

/// The places of orders that are wanted, after a position.
async fn places(
    store: &Store,
    wanted: &Wanted,
    position: &str,
    limit: usize,
) -> Result<Vec<OrderPath>, Problem> {
    // Any text is a position: kind, app, scope, and the rest an id.
    let mut parts = position.splitn(4, '/');
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let (kind, owner, id) = (part(), format!("{}/{}", part(), part()), part());
    let mut sorted = orders::KINDS;
    sorted.sort_unstable();
    let mut places = Vec::new();
    let is_wanted = |known: &&str| wanted.kind.as_deref().is_none_or(|kind| kind == *known);
    for known in sorted.into_iter().filter(is_wanted).filter(|known| *known >= kind.as_str()) {
        let after = (known == kind).then_some((owner.as_str(), id.as_str()));
        let room = limit - places.len();
        for (owner, id) in of_kind(store, wanted, known, after, room).await? {
            let Some((app, scope)) = owner.split_once('/') else { continue };
            let app = app.parse::<AppKey>().map_err(anyhow::Error::from)?;
            places.push(OrderPath { kind: known, app, scope: scope.to_owned(), id });
        }
        if places.len() == limit {
            break;
        }
    }
    Ok(places)
}

/// Owners and ids of the wanted orders of one kind, after a position.
async fn of_kind(
    store: &Store,
    wanted: &Wanted,
    kind: &'static str,
    after: Option<(&str, &str)>,
    limit: usize,
) -> Result<Vec<(String, String)>, store::Error> {
    let Some(app) = &wanted.app else { return store.list(kind, after, limit).await };
    if let Some(scope) = &wanted.scope {
        let owner = format!("{app}/{scope}");
        let id = match after {
            Some((past, _)) if past > owner.as_str() => return Ok(Vec::new()),
            Some((past, id)) if past == owner => Some(id),
            Some(_) | None => None,
        };
        let ids = store.list_of(&owner, kind, id, limit).await?;
        return Ok(ids.into_iter().map(|id| (owner.clone(), id)).collect());
    }
    // An app's owners follow one another, and begin after its bare name.
    let first = format!("{app}/");
    let after = after.filter(|(owner, _)| *owner > first.as_str()).unwrap_or((&first, ""));
    let mut found = store.list(kind, Some(after), limit).await?;
    found.retain(|(owner, _)| owner.starts_with(&first));
    Ok(found)
}

/// Bring in an order
///
/// What was booked, and what has happened to it since: no order can be brought into a state that the rules
/// know no way to. The platform's own numbers, names of known airlines and airports, and `booked_at` may be
/// left out. The same booking again changes nothing, however far the order has come since, and answers 200.
#[utoipa::path(post, path = "/orders", tag = "orders", operation_id = "create_order",
    request_body(content = ref("#/components/schemas/NewOrder"), content_type = "application/json"),
    responses(
        (status = 201, description = "The order is there now", body = Order,
            headers(("Location" = String, description = "Where it is read"))),
        (status = 200, description = "It was there already", body = Order),
    ))]
pub async fn create(
    Operator(caller): Operator,
    Extract(cx): State,
    Body(new): Body<Import>,
) -> Result<Response, Problem> {
    if !orders::KINDS.contains(&new.kind.as_str()) {
        let (path, expected) = ("kind".into(), format!("expected {}", orders::KINDS.join(", ")));
        return Err(Problem::of(Malformed::Form { path, expected }.into()));
    }
    let outcome = import::store(&cx.store, new, &caller.cause).await.map_err(Problem::of)?;
    let (path, is_new) = match outcome {
        Outcome::Stored(path, _) => (path, true),
        Outcome::Already(path) => {
            let is_ours = caller.is_again && has_done(&cx.store, &path, &caller).await?;
            (path, is_ours)
        }
        Outcome::Taken(path) => {
            return Err(Problem::Conflict(format!("there is another order {path}")));
        }
    };
    if is_new {
        audit::record(&cx.store, &caller.cause, "import", &path.to_string(), None).await?;
    }
    let shown = orders::get(&cx.store, &path, caller.cause.at).await?.ok_or(NONE)?;
    let order = Order::of(&path, shown, false);
    let place = [(LOCATION, order.place.address())];
    Ok(match is_new {
        true => (StatusCode::CREATED, place, Json(order)).into_response(),
        false => Json(order).into_response(),
    })
}

/// Whether this request, performed before, has changed the order.
async fn has_done(store: &Store, path: &OrderPath, caller: &Caller) -> Result<bool, Problem> {
    let story = store.journal(&path.key()).await?;
    Ok(story.iter().any(|entry| entry.request_id == caller.cause.request_id))
}

/// Read an order
///
/// As it stands now, personal data masked.
#[utoipa::path(get, path = "/orders/{kind}/{app}/{scope}/{id}", tag = "orders",
    operation_id = "get_order",
    params(At),
    responses((status = 200, description = "The order", body = Order)))]
pub async fn get(
    _: Viewer,
    Extract(cx): State,
    Path(at): Path<At>,
) -> Result<Json<Order>, Problem> {
    let path = at.path()?;
    let shown = orders::get(&cx.store, &path, cx.clock.now()).await?.ok_or(NONE)?;
    Ok(Json(Order::of(&path, shown, false)))
}

/// Read what happened to an order
///
/// Newest first: every change with its moment, who did it, and the request that it came of.
#[utoipa::path(get, path = "/orders/{kind}/{app}/{scope}/{id}/journal", tag = "orders",
    operation_id = "get_order_journal",
    params(At, Part),
    responses((status = 200, description = "Its story", body = Story)))]
pub async fn journal(
    _: Viewer,
    Extract(cx): State,
    Path(at): Path<At>,
    Query(part): Query<Part>,
) -> Result<Json<Story>, Problem> {
    let path = at.path()?;
    let limit = given::limit(part.limit)?;
    let before = given::position(part.cursor.as_deref())?;
    let before = before.map(|version| version.parse::<i64>().unwrap_or(0));
    let story = cx.store.journal(&path.key()).await?;
    if story.is_empty() {
        return Err(NONE);
    }
    let mut older = story.into_iter().filter(|e| before.is_none_or(|version| e.version < version));
    let entries: Vec<_> = older.by_ref().take(limit).map(Event::of).collect();
    let last = entries.last().map(|entry| given::cursor(&entry.version.to_string()));
    let next = if older.next().is_some() { last } else { None };
    Ok(Json(Story { entries, next }))
}

impl Event {
    fn of(entry: store::Entry) -> Self {
        let store::Entry { version, what, at, actor, request_id, mut facts } = entry;
        if let Some(facts) = &mut facts {
            unmark(facts, false);
        }
        Self { version, what, at: at.to_string(), actor, request_id, facts }
    }
}

/// Reveal an order's personal data
///
/// Who asks, when and why is in the audit before this answers.
#[utoipa::path(post, path = "/orders/{kind}/{app}/{scope}/{id}/reveal", tag = "orders",
    operation_id = "reveal_order",
    params(At),
    request_body = Reveal,
    responses((status = 200, description = "The order, personal data in the clear", body = Order)))]
pub async fn reveal(
    Operator(caller): Operator,
    Extract(cx): State,
    Path(at): Path<At>,
    Body(Reveal { reason }): Body<Reveal>,
) -> Result<Json<Order>, Problem> {
    let is_long = reason.chars().count() > audit::REASON_CHARS_MAX;
    if reason.trim().is_empty() || is_long || reason.chars().any(char::is_control) {
        let most = audit::REASON_CHARS_MAX;
        return Err(Problem::invalid("body.reason", format!("expected 1 to {most} characters")));
    }
    let path = at.path()?;
    let shown = orders::get(&cx.store, &path, caller.cause.at).await?.ok_or(NONE)?;
    let subject = path.to_string();
    audit::record(&cx.store, &caller.cause, "reveal", &subject, Some(&reason)).await?;
    Ok(Json(Order::of(&path, shown, true)))
}

/// Find an order by any of its numbers
///
/// Within one app and scope: numbers are unique there, within a kind.
#[utoipa::path(get, path = "/search", tag = "orders", operation_id = "search_orders",
    params(Sought), responses((status = 200, description = "What was found", body = Orders)))]
pub async fn search(
    _: Viewer,
    Extract(cx): State,
    Query(sought): Query<Sought>,
) -> Result<Json<Orders>, Problem> {
    let Sought { app, scope, number } = sought;
    let now = cx.clock.now();
    let mut listed = Vec::new();
    let owner = owner(&app, scope.as_str());
    for kind in orders::KINDS {
        for key in orders::known_by(&cx.store, &owner, kind, number.as_str()).await? {
            let scope = scope.as_str().to_owned();
            let path = OrderPath { kind, app: app.clone(), scope, id: key.id };
            if let Some(shown) = orders::get(&cx.store, &path, now).await? {
                listed.push(Listed { place: Place::of(&path), status: Some(shown.status.into()) });
            }
        }
    }
    Ok(Json(Orders { orders: listed, next: None }))
}

/// Performs a transition of an order.
async fn advance(
    cx: &crate::Context,
    caller: &Caller,
    path: &OrderPath,
    command: &Value,
) -> Result<Json<Moved>, Problem> {
    let moved = |outcome, shown| {
        let order = Order::of(path, shown, false);
        Json(Moved { outcome, order })
    };
    if caller.is_again && has_done(&cx.store, path, caller).await? {
        // Whoever did it may have died before it was on record.
        record_advance(cx, caller, path).await?;
        let shown = orders::get(&cx.store, path, caller.cause.at).await?.ok_or(NONE)?;
        return Ok(moved(Done::Done, shown));
    }
    let advanced = orders::advance(&cx.store, path, command, &caller.cause).await;
    let advanced = advanced.map_err(|unmoved| match unmoved {
        Unmoved::NoSuchOrder => NONE,
        Unmoved::Refused(error) => Problem::of(error),
        Unmoved::Store(error) => error.into(),
    })?;
    if advanced.is_new {
        record_advance(cx, caller, path).await?;
    }
    let outcome = if advanced.is_new { Done::Done } else { Done::Already };
    Ok(moved(outcome, advanced.shown))
}

/// Which transition it was stands in the order's own journal, under the same request.
async fn record_advance(
    cx: &crate::Context,
    caller: &Caller,
    path: &OrderPath,
) -> Result<(), store::Error> {
    audit::record(&cx.store, &caller.cause, "advance", &path.to_string(), None).await
}

/// Advance a flight order
///
/// By a transition of the name that `command` is: `begin`, `submit`, `confirm`, `fail`, `pay`,
/// `confirm-ticketing`, `ticket`, `fail-ticketing`, `cancel`, `apply-change`, `price-change`, `pay-change`,
/// `reissue`, `refuse-change`, `cancel-change`; as the distributor, the seller, the airline or the back
/// office would. The rules are those of a call of TOP.
#[utoipa::path(post, path = "/orders/flight/{app}/{scope}/{id}/transitions", tag = "transitions",
    operation_id = "advance_flight_order",
    params(AtFamily),
    request_body(content = ref("#/components/schemas/FlightTransition"),
        content_type = "application/json"),
    responses((status = 200, description = "The order after it", body = Moved)))]
pub async fn advance_flight(
    Operator(caller): Operator,
    Extract(cx): State,
    Path(at): Path<AtFamily>,
    Body(command): Body<Value>,
) -> Result<Json<Moved>, Problem> {
    let path = at.path("flight")?;
    advance(&cx, &caller, &path, &command).await
}

/// Advance a car rental
///
/// By a transition of the name that `command` is: `pay`, `accept`, `prepare`, `refuse`, `pick-up`,
/// `give-back`, `complete`, `cancel` (for the fee that is quoted at that moment), `close`.
#[utoipa::path(post, path = "/orders/rental/{app}/{scope}/{id}/transitions", tag = "transitions",
    operation_id = "advance_rental",
    params(AtFamily),
    request_body(content = ref("#/components/schemas/RentalTransition"),
        content_type = "application/json"),
    responses((status = 200, description = "The order after it", body = Moved)))]
pub async fn advance_rental(
    Operator(caller): Operator,
    Extract(cx): State,
    Path(at): Path<AtFamily>,
    Body(command): Body<Value>,
) -> Result<Json<Moved>, Problem> {
    let path = at.path("rental")?;
    advance(&cx, &caller, &path, &command).await
}

/// Advance an order's itinerary receipts
///
/// By a transition of the name that `command` is: `decide-travel` (what became of the travel request),
/// `end-ticket` (a ticket was refunded, voided or exchanged).
#[utoipa::path(post, path = "/orders/receipts/{app}/{scope}/{id}/transitions", tag = "transitions",
    operation_id = "advance_receipts",
    params(AtFamily),
    request_body(content = ref("#/components/schemas/ReceiptsTransition"),
        content_type = "application/json"),
    responses((status = 200, description = "The order after it", body = Moved)))]
pub async fn advance_receipts(
    Operator(caller): Operator,
    Extract(cx): State,
    Path(at): Path<AtFamily>,
    Body(command): Body<Value>,
) -> Result<Json<Moved>, Problem> {
    let path = at.path("receipts")?;
    advance(&cx, &caller, &path, &command).await
}

/// Advance a rail order
///
/// By a transition of the name that `command` is: `ask-refund`, `settle-refund` (of one that the supplier
/// does not report), `change-tickets`, `accept-offline` and `reject-offline` (a refund at a station that
/// waits for a person). The scope of a rail order is `-`.
#[utoipa::path(post, path = "/orders/train/{app}/{scope}/{id}/transitions", tag = "transitions",
    operation_id = "advance_train_order",
    params(AtFamily),
    request_body(content = ref("#/components/schemas/TrainTransition"),
        content_type = "application/json"),
    responses((status = 200, description = "The order after it", body = Moved)))]
pub async fn advance_train(
    Operator(caller): Operator,
    Extract(cx): State,
    Path(at): Path<AtFamily>,
    Body(command): Body<Value>,
) -> Result<Json<Moved>, Problem> {
    let path = at.path("train")?;
    advance(&cx, &caller, &path, &command).await
}
