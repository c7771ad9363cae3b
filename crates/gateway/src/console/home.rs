//! The home page: everything is found from here, by whichever number somebody has, or by the person.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use domain::account::Role;
use domain::pii::Trait;
use serde::Deserialize;

use super::guard::Guarded;
use crate::audit;
use crate::office::orders::{self, Page};
use crate::web::{Problem, State, Visit, page};

/// Longest number or path that is looked for, in characters: a path of the longest parts.
const SOUGHT_CHARS_MAX: usize = 256;
/// Letters and digits of a request id.
const REQUEST_ID_CHARS: std::ops::RangeInclusive<usize> = 11..=13;

/// What is looked for.
#[derive(Deserialize)]
pub struct Sought {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(path = "console/home.html")]
struct Home<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    q: &'a str,
    /// A call that the text could be the request id of.
    call: Option<&'a str>,
    /// What was found, if anything was looked for.
    found: Option<Page>,
}

/// The page, with what was found.
pub async fn home(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(Sought { q }): Query<Sought>,
) -> Result<Response, Problem> {
    let q = q.trim();
    if q.chars().count() > SOUGHT_CHARS_MAX {
        return Err(Problem::Refused("编号过长。", "That is too long for a number."));
    }
    let found = match q {
        "" => None,
        q => Some(orders::find(&cx.store, q, by.cause.at).await?),
    };
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    let is_call = REQUEST_ID_CHARS.contains(&q.len()) && q.bytes().all(plain);
    Ok(page(&Home { visit: &visit, by: &by, q, call: is_call.then_some(q), found }))
}

/// A person who is looked for.
#[derive(Deserialize)]
pub struct Person {
    by: String,
    #[serde(default)]
    value: String,
}

/// The orders of a person. That somebody was looked for is on record before anything is found: by a keyed
/// hash, which tells whether two searches were for the same person, and for whom nobody can read from it.
pub async fn people(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Form(person): Form<Person>,
) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    let sought = Trait::named(&person.by).map(|by| (by, by.canonical(&person.value)));
    let sought = sought
        .filter(|(_, plain)| !plain.is_empty() && person.value.chars().count() <= SOUGHT_CHARS_MAX);
    let Some((found_by, plain)) = sought else {
        return Err(Problem::Refused(
            "请填写证件号或手机号。",
            "Please give the number of a document or a phone.",
        ));
    };
    let hash = cx.store.keyed_hash("search", &plain);
    let subject = format!("{}/{hash}", found_by.name());
    audit::record(&cx.store, &by.cause, "find-person", &subject, None).await?;
    let found = orders::find_people(&cx.store, found_by, &person.value, by.cause.at).await?;
    Ok(page(&Home { visit: &visit, by: &by, q: "", call: None, found: Some(found) }))
}
