//! Cancellation policies of car rentals.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::rental::Policy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::attend::{Admin, Viewer};
use super::document;
use super::given::{self, Body, Path, Query};
use super::orders::Part;
use super::problem::Problem;
use crate::import::refuse_unknown;
use crate::policies::{self, PolicyKey};
use crate::web::State;
use crate::{audit, family};

/// What a policy that is not there is called.
const NONE: Problem = Problem::NotFound("The channel has no policy of this name.");

/// Whose policies.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct Of {
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
    /// The app's channel.
    #[param(value_type = document::Scope)]
    channel: String,
}

/// Which policy.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct At {
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
    /// The app's channel.
    #[param(value_type = document::Scope)]
    channel: String,
    /// The policy's name, percent-encoded.
    #[param(value_type = document::Id)]
    name: String,
}

/// A policy as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedPolicy {
    /// Its name, which a booking gives as its `policy`.
    #[schema(value_type = document::Id)]
    name: String,
    /// What it says.
    #[schema(value_type = document::Policy)]
    policy: Value,
    /// Since when.
    #[schema(format = DateTime)]
    changed_at: String,
    /// When it was withdrawn; null while bookings can name it.
    #[schema(format = DateTime)]
    withdrawn_at: Option<String>,
}

/// A page of policies, in the order of their names.
#[derive(Debug, Serialize, ToSchema)]
pub struct Policies {
    /// The policies.
    policies: Vec<NamedPolicy>,
    /// After what to go on; null at the end.
    next: Option<String>,
}

impl At {
    fn key(&self) -> Result<PolicyKey, Problem> {
        Ok(PolicyKey {
            app: self.app.parse().map_err(|_| NONE)?,
            channel: self.channel.parse().map_err(|_| NONE)?,
            name: self.name.parse().map_err(|_| NONE)?,
        })
    }

    fn subject(&self) -> String {
        let Self { app, channel, name } = self;
        format!("policy/{app}/{channel}/{name}")
    }
}

impl NamedPolicy {
    fn of(name: &str, named: &policies::Named) -> Result<Self, Problem> {
        Ok(Self {
            name: name.to_owned(),
            policy: serde_json::to_value(&named.policy).map_err(anyhow::Error::from)?,
            changed_at: named.changed_at.to_string(),
            withdrawn_at: named.withdrawn_at.map(|at| at.to_string()),
        })
    }
}

/// List a channel's policies
#[utoipa::path(get, path = "/policies/{app}/{channel}", tag = "policies",
    operation_id = "list_policies", params(Of, Part),
    responses((status = 200, description = "A page", body = Policies)))]
pub async fn list(
    _: Viewer,
    Extract(cx): State,
    Path(of): Path<Of>,
    Query(part): Query<Part>,
) -> Result<Json<Policies>, Problem> {
    let limit = given::limit(part.limit)?;
    let after = given::position(part.cursor.as_deref())?;
    let channel = of.app.parse().ok().zip(of.channel.parse().ok());
    let (app, channel) = channel.ok_or(Problem::NotFound("There is no such channel."))?;
    let listed = policies::list(&cx.store, &app, &channel, after.as_deref(), limit).await?;
    let next = listed.last().filter(|_| listed.len() == limit);
    let next = next.map(|(name, _)| given::cursor(name));
    let policies = listed.iter().map(|(name, named)| NamedPolicy::of(name, named));
    Ok(Json(Policies { policies: policies.collect::<Result<_, _>>()?, next }))
}

/// Read a policy
#[utoipa::path(get, path = "/policies/{app}/{channel}/{name}", tag = "policies",
    operation_id = "get_policy", params(At),
    responses((status = 200, description = "The policy", body = NamedPolicy)))]
pub async fn get(
    _: Viewer,
    Extract(cx): State,
    Path(at): Path<At>,
) -> Result<Json<NamedPolicy>, Problem> {
    let named = policies::get(&cx.store, &at.key()?).await?.ok_or(NONE)?;
    NamedPolicy::of(&at.name, &named).map(Json)
}

/// Write a policy down
///
/// In the place of the one of its name, withdrawn or not. Bookings made before keep the policy as it stood
/// then.
#[utoipa::path(put, path = "/policies/{app}/{channel}/{name}", tag = "policies",
    operation_id = "put_policy", params(At),
    request_body(content = ref("#/components/schemas/Policy"), content_type = "application/json"),
    responses(
        (status = 201, description = "There was none of this name", body = NamedPolicy),
        (status = 200, description = "There was one", body = NamedPolicy),
    ))]
pub async fn put(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(at): Path<At>,
    Body(given): Body<Value>,
) -> Result<Response, Problem> {
    let key = at.key()?;
    let policy: Policy = family::read(given.clone(), "policy").map_err(Problem::of)?;
    let understood = serde_json::to_value(&policy).map_err(anyhow::Error::from)?;
    refuse_unknown(&given, &understood, "policy").map_err(Problem::of)?;
    policy.check().map_err(|bad| Problem::Conflict(bad.to_string()))?;
    audit::record(&cx.store, &caller.cause, "policy-write", &at.subject(), None).await?;
    let written = policies::put(&cx.store, &key, &policy, &caller.cause).await?;
    let (named, is_new) = written.map_err(|bad| Problem::Conflict(bad.to_string()))?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(NamedPolicy::of(&at.name, &named)?)).into_response())
}

/// Withdraw a policy
///
/// No booking can name it any more; those that have it keep it. Writing it anew brings it back.
#[utoipa::path(post, path = "/policies/{app}/{channel}/{name}/withdraw", tag = "policies",
    operation_id = "withdraw_policy", params(At),
    responses((status = 200, description = "The policy, withdrawn", body = NamedPolicy)))]
pub async fn withdraw(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(at): Path<At>,
) -> Result<Json<NamedPolicy>, Problem> {
    let key = at.key()?;
    policies::get(&cx.store, &key).await?.ok_or(NONE)?;
    audit::record(&cx.store, &caller.cause, "policy-withdraw", &at.subject(), None).await?;
    let step = policies::withdraw(&cx.store, &key, &caller.cause).await?.ok_or(NONE)?;
    NamedPolicy::of(&at.name, step.state()).map(Json)
}
