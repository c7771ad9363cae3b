//! The documentation centre: every method of the catalogue from its declaration.
//!
//! What a declaration does not say stands in `notes`, the errors of the platform in `errors`, and the printed
//! calls in `samples`. `answers` are what the demo world answered to them: a test writes them down.

pub mod errors;
mod faq;
mod layout;
mod method;
pub mod notes;
mod openapi;
mod postman;
mod public;
pub mod samples;
pub mod search;

mod tool;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State as Shared};
use axum::response::{Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use top::error::RemoteErrorCode;

use self::errors::{EXPLAINED, Explained};
use self::notes::{ENTRIES, Entry, Group};
use self::samples::Access;
use self::search::{Found, QUERY_CHARS_MAX, Search};
use crate::web::{Problem, State, Visit, page};
use crate::{Context, catalogue, demo};

/// The pages of the documentation centre.
pub fn router() -> Router<Arc<Context>> {
    Router::new()
        .route("/", get(async || Redirect::temporary("/docs")))
        .route("/docs", get(index))
        .route("/docs/errors", get(errors))
        .route("/docs/catalogue.json", get(async || Json(catalogue::as_json())))
        .route("/docs/openapi.json", get(openapi::serve))
        .route("/docs/postman.json", get(postman::serve))
        .route("/docs/{method}", get(method))
        .merge(tool::router())
}

/// The catalogue's index, made when it is first asked for.
static SEARCH: LazyLock<Search> = LazyLock::new(|| Search::new(ENTRIES));

/// What a reader looks for.
#[derive(Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "docs/index.html")]
struct Index<'a> {
    visit: &'a Visit,
    query: &'a str,
    found: Option<(Vec<Found<'a>>, Vec<&'static Explained>)>,
    remote: RemoteErrorCode,
    groups: Vec<(Group, Vec<&'a Entry>)>,
}

async fn index(
    Shared(context): State,
    visit: Visit,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let twice = Problem::Refused("只能搜索一项内容。", "Look for one thing at a time.");
    let Query(wanted) = wanted.map_err(|_| twice)?;
    let query = wanted.q.trim();
    if query.chars().count() > QUERY_CHARS_MAX {
        return Err(Problem::Refused(
            "搜索内容太长：最多 80 个字符。",
            "What you look for is too long: give at most 80 characters.",
        ));
    }
    let remote = context.settings.remote_error_code;
    Ok(page(&the_index(&visit, ENTRIES, &SEARCH, query, remote)))
}

fn the_index<'a>(
    visit: &'a Visit,
    entries: &'a [Entry],
    search: &'a Search,
    query: &'a str,
    remote: RemoteErrorCode,
) -> Index<'a> {
    let found = || (search.find(query, visit.lang), search::errors(query));
    let found = (!query.is_empty()).then(found);
    let of = |group| entries.iter().filter(|entry| entry.notes.group == group).collect::<Vec<_>>();
    let groups = Group::ALL.map(|group| (group, of(group)));
    let groups = groups.into_iter().filter(|(_, entries)| !entries.is_empty()).collect();
    Index { visit, query, found, remote, groups }
}

/// The index of any methods, searched if something is looked for.
///
/// # Errors
/// The template failed.
pub fn render_index(
    visit: &Visit,
    entries: &[Entry],
    search: &Search,
    query: &str,
) -> Result<String, askama::Error> {
    the_index(visit, entries, search, query, RemoteErrorCode::default()).render()
}

#[derive(Template)]
#[template(path = "docs/errors.html")]
struct Errors<'a> {
    visit: &'a Visit,
    remote: RemoteErrorCode,
    rows: &'a [Explained],
}

async fn errors(Shared(context): State, visit: Visit) -> Response {
    page(&Errors { visit: &visit, remote: context.settings.remote_error_code, rows: EXPLAINED })
}

async fn method(
    Shared(context): State,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let entry = notes::find(&name).ok_or(Problem::NotFound)?;
    let access = access(&context, &visit).await?;
    Ok(page(&method::Page::new(&visit, entry, &access, &context.settings)))
}

/// Whom the printed calls are made as: the demo app where it may call, and otherwise the reader.
async fn access(context: &Context, visit: &Visit) -> Result<Access, Problem> {
    let settings = &context.settings;
    let server = visit.origin(SocketAddr::new(settings.host, settings.port));
    let is_demo =
        !settings.production && demo::is_open(&context.store, context.clock.now()).await?;
    Ok(if is_demo { Access::demo(server) } else { Access::readers(server) })
}
