//! Sessions: access tokens of an app.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::Instant;
use domain::access::Session as Token;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::apps::{At, refresh};
use super::attend::{Admin, Viewer};
use super::document;
use super::given::{self, Body, Path, Query};
use super::orders::Part;
use super::problem::Problem;
use crate::office::sessions;
use crate::web::State;

/// Which session.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct AtSession {
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
    /// The session's id.
    #[param(value_type = document::SessionId)]
    session: String,
}

/// A session, without its token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// What it is called here; it leads nobody to the token.
    #[schema(value_type = document::SessionId)]
    id: String,
    /// How the token begins.
    #[schema(example = "6100demo…")]
    beginning: String,
    /// Whether it opens anything now.
    is_open: bool,
    /// When it was given.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was taken back.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// The number of the consent that it came of; null when an operator made it.
    consent: Option<String>,
}

/// A page of sessions, in the order of their ids.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sessions {
    /// The sessions.
    sessions: Vec<Session>,
    /// After what to go on; null at the end.
    next: Option<String>,
}

/// A session that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Made {
    /// What a caller sends as `session`. It is told here and never again.
    token: String,
    #[serde(flatten)]
    session: Session,
}

/// A new session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// How many days it lasts.
    #[schema(minimum = 1, maximum = 3650, default = 90)]
    #[serde(default = "usual_days")]
    days: u32,
}

const fn usual_days() -> u32 {
    sessions::DAYS
}

impl Session {
    fn of(id: String, session: &Token, now: Instant) -> Self {
        Self {
            id,
            beginning: sessions::beginning(session),
            is_open: session.is_open(now),
            created_at: session.created_at.to_string(),
            expires_at: session.expires_at.to_string(),
            revoked_at: session.revoked_at.map(|at| at.to_string()),
            consent: session.grant.as_ref().map(ToString::to_string),
        }
    }
}

/// List an app's sessions
///
/// Only how their tokens begin.
#[utoipa::path(get, path = "/apps/{app}/sessions", tag = "sessions",
    operation_id = "list_sessions", params(At, Part),
    responses((status = 200, description = "A page", body = Sessions)))]
pub async fn list(
    _: Viewer,
    Extract(cx): State,
    Path(at): Path<At>,
    Query(part): Query<Part>,
) -> Result<Json<Sessions>, Problem> {
    let limit = given::limit(part.limit)?;
    let after = given::position(part.cursor.as_deref())?.unwrap_or_default();
    let all = sessions::list(&cx.store, &at.key()?).await?;
    let now = cx.clock.now();
    let mut later = all.into_iter().filter(|(id, _)| *id > after);
    let listed = later.by_ref().take(limit);
    let sessions: Vec<_> = listed.map(|(id, session)| Session::of(id, &session, now)).collect();
    let last = sessions.last().map(|session| given::cursor(&session.id));
    let next = if later.next().is_some() { last } else { None };
    Ok(Json(Sessions { sessions, next }))
}

/// Make a session
///
/// Its token is told in this answer only.
#[utoipa::path(post, path = "/apps/{app}/sessions", tag = "sessions",
    operation_id = "create_session", params(At), request_body = NewSession,
    responses((status = 201, description = "The session, with its token", body = Made)))]
pub async fn create(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(at): Path<At>,
    Body(NewSession { days }): Body<NewSession>,
) -> Result<Response, Problem> {
    if !(1..=sessions::DAYS_MAX).contains(&days) {
        let most = sessions::DAYS_MAX;
        return Err(Problem::invalid("body.days", format!("expected 1 to {most}")));
    }
    let key = at.key()?;
    let (drawn, now) = (caller.drawn.expose().clone(), caller.cause.at);
    let session = sessions::add(&cx.store, &key, drawn, days, &caller.cause).await?;
    refresh(&cx).await?;
    let id = sessions::id(&cx.store, &session);
    let token = session.token.expose().clone();
    let made = Made { token, session: Session::of(id, &session, now) };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// Take a session back
///
/// And whatever could make another in its place. Doing it twice is doing it once.
#[utoipa::path(post, path = "/apps/{app}/sessions/{session}/revoke", tag = "sessions",
    operation_id = "revoke_session", params(AtSession),
    responses((status = 200, description = "The session, taken back", body = Session)))]
pub async fn revoke(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(AtSession { app, session: id }): Path<AtSession>,
) -> Result<Json<Session>, Problem> {
    let key = app.parse().map_err(|_| super::apps::NONE)?;
    let session = sessions::get(&cx.store, &key, &id).await?;
    let session = sessions::revoke(&cx.store, session, &caller.cause).await?;
    refresh(&cx).await?;
    Ok(Json(Session::of(id, &session, caller.cause.at)))
}
