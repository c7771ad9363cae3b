//! What operators did.

use askama::Template;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use domain::account::Role;
use serde::Deserialize;

use super::guard::Guarded;
use super::orders;
use super::portrait::moment;
use crate::audit::{self, Action};
use crate::family::Path;
use crate::web::{Problem, State, Visit, page};

/// How many actions a page lists.
const LINES: usize = 50;
/// Most actions looked through for those of one actor: no index has them, so a page goes only so far back.
const LOOKED_THROUGH_MAX: usize = 1000;

/// Which part is asked for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "console/audit.html")]
struct List<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    actor: &'a str,
    actions: Vec<Action>,
    next: Option<String>,
}

impl List<'_> {
    /// The page of what was acted on, if it has one.
    fn address(action: &Action) -> Option<String> {
        let subject = action.subject.as_str();
        if let Ok(path) = subject.parse::<Path>() {
            return Some(orders::address(&path));
        }
        let app = subject.strip_prefix("app/")?.split('/').next()?;
        Some(format!("/console/apps/{}", top::form::escape(app)))
    }

    fn reason(action: &Action) -> &str {
        action.reason.as_ref().map_or("", |reason| reason.expose())
    }
}

/// The list, newest first.
pub async fn list(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    let actor = asked.actor.trim();
    let mut after = Some(asked.after).filter(|after| !after.is_empty());
    let (mut actions, mut looked_through) = (Vec::new(), 0);
    let is_last = loop {
        let found = audit::list(&cx.store, after.as_deref(), LINES).await?;
        let is_last = found.len() < LINES;
        looked_through += found.len();
        for (id, action) in found {
            after = Some(id);
            if actor.is_empty() || action.actor == actor {
                actions.push(action);
            }
            if actions.len() == LINES {
                break;
            }
        }
        if is_last || actions.len() == LINES || looked_through >= LOOKED_THROUGH_MAX {
            break is_last && actions.len() < LINES;
        }
    };
    let next = after.filter(|_| !is_last).map(|after| {
        let query = top::form::encode([("actor", actor), ("after", &after)]);
        format!("/console/audit?{query}")
    });
    Ok(page(&List { visit: &visit, by: &by, actor, actions, next }))
}
