//! The journal of calls: which came, and one call's whole story.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State as Extract};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use domain::time::platform_clock;
use serde::Deserialize;
use store::{Call, Calls, Entry};

use super::guard::Guarded;
use super::orders::address;
use crate::Context;
use crate::calls::{self, Check, Outcome, Passed, Story};
use crate::web::{Problem, State, Visit, page};

/// Calls on one page: a few screens.
const PAGE: usize = 50;

/// The pages of the journal of calls.
pub fn router() -> Router<Arc<Context>> {
    Router::new().route("/console/calls", get(list)).route("/console/calls/{id}", get(story))
}

/// What is asked for; an empty field asks for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    id: String,
    app: String,
    method: String,
    outcome: String,
    sub_code: String,
    after: String,
    live: String,
}

impl Asked {
    fn calls(&self) -> Calls {
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let after = self.after.split_once('-');
        Calls {
            app: text(&self.app),
            method: text(&self.method),
            outcome: text(&self.outcome),
            sub_code: text(&self.sub_code),
            after: after.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned()))),
        }
    }

    /// The page with the same filters, and more.
    fn link(&self, more: &[(&str, &str)]) -> String {
        let own = [
            ("app", self.app.as_str()),
            ("method", &self.method),
            ("outcome", &self.outcome),
            ("sub_code", &self.sub_code),
        ];
        let pairs = own.into_iter().chain(more.iter().copied());
        let query = top::form::encode(pairs.filter(|(_, value)| !value.is_empty()));
        if query.is_empty() {
            "/console/calls".to_owned()
        } else {
            format!("/console/calls?{query}")
        }
    }

    fn is_live(&self) -> bool {
        self.live == "1" && self.after.is_empty()
    }
}

#[derive(Template)]
#[template(path = "console/calls.html")]
struct List<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    asked: &'a Asked,
    calls: &'a [Call],
    kept: usize,
    next: Option<String>,
}

async fn list(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let id = asked.id.trim();
    if !id.is_empty() {
        let id = top::form::encode([("", id)]);
        let to = format!("/console/calls/{}", id.trim_start_matches('='));
        return Ok(Redirect::to(&to).into_response());
    }
    let calls = cx.store.calls(&asked.calls(), PAGE).await?;
    let next = calls
        .last()
        .filter(|_| calls.len() == PAGE)
        .map(|last| asked.link(&[("after", &format!("{}-{}", last.at_ms, last.request_id))]));
    let kept = cx.journal.kept;
    Ok(page(&List { visit: &visit, by: &by, asked: &asked, calls: &calls, kept, next }))
}

#[derive(Template)]
#[template(path = "console/calls-one.html")]
struct One<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    call: &'a Call,
    story: &'a Story,
    /// What the call may have changed, and what it did.
    place: Option<(String, String)>,
    changes: &'a [Entry],
}

async fn story(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Some((call, story)) = calls::find(&cx.store, &id).await? else {
        return Err(Problem::NotFound);
    };
    let mut changes = Vec::new();
    let place = story.place.as_ref().map(|(kind, owner, id)| format!("{kind}/{owner}/{id}"));
    let place = place.and_then(|place| place.parse::<crate::family::Path>().ok());
    if let Some(place) = &place {
        // What the order's own journal says is what happened.
        changes = cx.store.journal(&place.key()).await?;
        changes.retain(|entry| entry.request_id == call.request_id);
    }
    let place = place.map(|place| (place.to_string(), address(&place)));
    Ok(page(&One { visit: &visit, by: &by, call: &call, story: &story, place, changes: &changes }))
}

/// A moment on the platform's clock, to the millisecond.
fn clock(at: &domain::Instant) -> String {
    platform_clock(*at).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A cost in the unit that a person reads.
pub fn cost(us: &i64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", *us as f64 / 1e3),
        _ => format!("{:.1} s", *us as f64 / 1e6),
    }
}

/// How an outcome is called and coloured.
fn outcome(visit: &Visit, name: &str) -> (&'static str, &'static str) {
    let known = Outcome::ALL.into_iter().find(|outcome| outcome.name() == name);
    match known {
        Some(Outcome::Served) => ("good", visit.lang.of("成功", "served")),
        Some(Outcome::Rejected) => ("warn", visit.lang.of("被拒", "rejected")),
        Some(Outcome::Fault) | None => ("bad", visit.lang.of("系统错误", "fault")),
    }
}

fn check(visit: &Visit, check: &Check) -> &'static str {
    let (zh, en) = match check {
        Check::Form => ("请求格式", "Form of the request"),
        Check::App => ("app_key", "App key"),
        Check::Method => ("API 名称 (method)", "Method"),
        Check::Version => ("协议版本 (v)", "Protocol version (v)"),
        Check::Timestamp => ("时间戳 (timestamp)", "Timestamp"),
        Check::Sign => ("签名 (sign)", "Signature (sign)"),
        Check::Batch => ("批量请求拆分", "Batch taken apart"),
        Check::Permission => ("API 权限", "Permission for the method"),
        Check::Session => ("授权 (session)", "Session"),
        Check::Quota => ("流量控制", "Flow control"),
        Check::Parameters => ("业务参数", "Business parameters"),
        Check::Rules => ("业务处理", "Business rules"),
    };
    visit.lang.of(zh, en)
}

fn passed(visit: &Visit, passed: &Passed) -> (&'static str, &'static str) {
    match passed {
        Passed::Yes => ("good", visit.lang.of("通过", "passed")),
        Passed::No => ("bad", visit.lang.of("未通过", "stopped here")),
        Passed::NotNeeded => ("", visit.lang.of("不需要", "not needed")),
        Passed::NotReached => ("", visit.lang.of("未执行", "not reached")),
    }
}
