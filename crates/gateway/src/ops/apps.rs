//! Apps: who may call.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use domain::access::{App as Application, Entitlement};
use domain::id::AppKey;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::attend::{Admin, Viewer};
use super::document;
use super::given::{self, Body, Path, Query};
use super::orders::Part;
use super::page::address;
use super::problem::Problem;
use crate::Context;
use crate::office;
use crate::office::apps::{self, Edit};
use crate::web::State;

/// What an app that is not there is called.
pub const NONE: Problem = Problem::NotFound("There is no such app.");

/// Which app.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct At {
    /// The app's key.
    #[param(value_type = document::AppKey)]
    app: String,
}

/// An app, its secrets left out.
#[derive(Debug, Serialize, ToSchema)]
pub struct App {
    /// Its key.
    #[schema(value_type = document::AppKey)]
    app_key: String,
    /// When it was withdrawn; null while it can call.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
    /// The methods it may call; `all` alone means every one, those to come included.
    methods: Vec<String>,
    /// The flight sub-channels it distributes for.
    sub_channels: Vec<String>,
    /// The car-rental channels it distributes for.
    channels: Vec<String>,
    /// The accounts it supplies under.
    cwt_accounts: Vec<String>,
    /// Where a person who was asked for consent may be sent back to.
    redirect_uris: Vec<String>,
    /// Its SM4 keys, the one in use first.
    sm4_keys: Vec<Sm4Key>,
    /// Whether it may write what only the published examples write, outside production.
    lenient: bool,
    /// How often it may call.
    quota: Quota,
}

/// An SM4 key, without the key.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sm4Key {
    /// Its name.
    key_id: String,
    /// Mode, padding and encoding.
    #[schema(example = "ecb/pkcs7/hex")]
    scheme: String,
}

/// How often an app may call.
#[derive(Debug, Serialize, ToSchema)]
pub struct Quota {
    /// Calls in one day of the platform's clock; null is no limit.
    calls_per_day: Option<u32>,
    /// Calls in one second; null is no limit.
    calls_per_second: Option<u32>,
}

/// A page of apps, in the order of their keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Apps {
    /// The apps.
    apps: Vec<App>,
    /// After what to go on; null at the end.
    next: Option<String>,
}

/// An app that was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct Added {
    /// What it signs with. It is told here and never again.
    secret: String,
    #[serde(flatten)]
    app: App,
}

/// A new app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// Its key.
    #[schema(value_type = document::AppKey)]
    app_key: AppKey,
    /// The methods it may call, or `all`; all, if left out.
    #[schema(value_type = document::Methods, required = false)]
    #[serde(default)]
    methods: Option<Vec<String>>,
    /// The flight sub-channels it distributes for.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    sub_channels: Option<Vec<String>>,
    /// The car-rental channels it distributes for.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    channels: Option<Vec<String>>,
    /// The accounts it supplies under.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    cwt_accounts: Option<Vec<String>>,
    /// Where a person who was asked for consent may be sent back to.
    #[schema(value_type = document::RedirectUris, required = false)]
    #[serde(default)]
    redirect_uris: Option<Vec<String>>,
    /// Whether it may write what only the published examples write, outside production.
    #[schema(value_type = document::Flag, required = false)]
    #[serde(default)]
    lenient: Option<bool>,
    /// How often it may call.
    #[schema(value_type = document::QuotaEdit, required = false)]
    #[serde(default)]
    quota: QuotaEdit,
}

/// What is to become of an app: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppEdit {
    /// The methods it may call, or `all`.
    #[schema(value_type = document::Methods, required = false)]
    #[serde(default)]
    methods: Option<Vec<String>>,
    /// The flight sub-channels it distributes for.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    sub_channels: Option<Vec<String>>,
    /// The car-rental channels it distributes for.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    channels: Option<Vec<String>>,
    /// The accounts it supplies under.
    #[schema(value_type = document::Scopes, required = false)]
    #[serde(default)]
    cwt_accounts: Option<Vec<String>>,
    /// Where a person who was asked for consent may be sent back to.
    #[schema(value_type = document::RedirectUris, required = false)]
    #[serde(default)]
    redirect_uris: Option<Vec<String>>,
    /// Whether it may write what only the published examples write, outside production.
    #[schema(value_type = document::Flag, required = false)]
    #[serde(default)]
    lenient: Option<bool>,
    /// How often it may call.
    #[schema(value_type = document::QuotaEdit, required = false)]
    #[serde(default)]
    quota: QuotaEdit,
}

/// What is to become of a quota: what is left out stays, null takes the limit away.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaEdit {
    #[serde(default, deserialize_with = "given")]
    calls_per_day: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    calls_per_second: Option<Option<u32>>,
}

/// What was given, null included.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl AppEdit {
    fn edit(self) -> Edit {
        Edit {
            methods: self.methods,
            sub_channels: self.sub_channels,
            channels: self.channels,
            cwt_accounts: self.cwt_accounts,
            redirect_uris: self.redirect_uris,
            lenient: self.lenient,
            calls_per_day: self.quota.calls_per_day,
            calls_per_second: self.quota.calls_per_second,
            ..Edit::default()
        }
    }
}

impl App {
    fn of(app: &Application) -> Self {
        fn texts<T: ToString>(all: impl IntoIterator<Item = T>) -> Vec<String> {
            all.into_iter().map(|one| one.to_string()).collect()
        }
        let keys = app.partner_keys.iter();
        Self {
            app_key: app.key.to_string(),
            revoked_at: app.revoked_at.map(|at| at.to_string()),
            methods: match &app.methods {
                Entitlement::All => vec!["all".to_owned()],
                Entitlement::Only(methods) => texts(methods),
            },
            sub_channels: texts(&app.sub_channels),
            channels: texts(&app.channels),
            cwt_accounts: texts(&app.cwt_accounts),
            redirect_uris: texts(&app.redirect_uris),
            sm4_keys: keys
                .map(|key| Sm4Key { key_id: key.key_id.to_string(), scheme: key.scheme.clone() })
                .collect(),
            lenient: app.lenient,
            quota: Quota {
                calls_per_day: app.quota.calls_per_day,
                calls_per_second: app.quota.calls_per_second,
            },
        }
    }
}

impl At {
    /// The app's key, if it can be one.
    pub fn key(&self) -> Result<AppKey, Problem> {
        self.app.parse().map_err(|_| NONE)
    }
}

/// Has this gateway know a change at once; the others look for changes by themselves.
pub async fn refresh(cx: &Context) -> Result<(), Problem> {
    Ok(cx.access.refresh(&cx.store).await?)
}

/// List apps
#[utoipa::path(get, path = "/apps", tag = "apps", operation_id = "list_apps", params(Part),
    responses((status = 200, description = "A page", body = Apps)))]
pub async fn list(
    _: Viewer,
    Extract(cx): State,
    Query(part): Query<Part>,
) -> Result<Json<Apps>, Problem> {
    let limit = given::limit(part.limit)?;
    let after = given::position(part.cursor.as_deref())?.unwrap_or_default();
    let all = cx.store.apps().await?;
    let mut later = all.iter().filter(|app| app.key.as_str() > after.as_str());
    let apps: Vec<_> = later.by_ref().take(limit).map(App::of).collect();
    let last = apps.last().map(|app| given::cursor(&app.app_key));
    let next = if later.next().is_some() { last } else { None };
    Ok(Json(Apps { apps, next }))
}

/// Read an app
///
/// All but its secrets.
#[utoipa::path(get, path = "/apps/{app}", tag = "apps", operation_id = "get_app", params(At),
    responses((status = 200, description = "The app", body = App)))]
pub async fn get(_: Viewer, Extract(cx): State, Path(at): Path<At>) -> Result<Json<App>, Problem> {
    let app = cx.store.app(&at.key()?).await?.ok_or(NONE)?;
    Ok(Json(App::of(&app)))
}

/// Add an app
///
/// Its secret is made up, and told in this answer only.
#[utoipa::path(post, path = "/apps", tag = "apps", operation_id = "create_app",
    request_body = NewApp,
    responses((status = 201, description = "The app, with its secret", body = Added,
        headers(("Location" = String, description = "Where it is read")))))]
pub async fn create(
    Admin(caller): Admin,
    Extract(cx): State,
    Body(new): Body<NewApp>,
) -> Result<Response, Problem> {
    let NewApp { app_key, methods, sub_channels, channels, cwt_accounts, .. } = new;
    let (redirect_uris, lenient, quota) = (new.redirect_uris, new.lenient, new.quota);
    let facts =
        AppEdit { methods, sub_channels, channels, cwt_accounts, redirect_uris, lenient, quota };
    if !caller.is_again && cx.store.app(&app_key).await?.is_some() {
        return Err(office::Error::Known(app_key).into());
    }
    let drawn = caller.drawn.expose().clone();
    let app = apps::add(&cx.store, &app_key, drawn, &facts.edit(), &caller.cause).await?;
    refresh(&cx).await?;
    let place = [(LOCATION, address(&["apps", app.key.as_str()]))];
    let added = Added { secret: app.secret.expose().clone(), app: App::of(&app) };
    Ok((StatusCode::CREATED, place, Json(added)).into_response())
}

/// Change an app
///
/// What is named, and nothing else. It holds at once on this gateway, within a second on others.
#[utoipa::path(patch, path = "/apps/{app}", tag = "apps", operation_id = "change_app", params(At),
    request_body = AppEdit,
    responses((status = 200, description = "The app as it is now", body = App)))]
pub async fn change(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(at): Path<At>,
    Body(edit): Body<AppEdit>,
) -> Result<Json<App>, Problem> {
    let key = at.key()?;
    let app = apps::change(&cx.store, &key, &edit.edit(), &caller.cause).await?;
    refresh(&cx).await?;
    Ok(Json(App::of(&app)))
}

/// Withdraw an app
///
/// From now on it is as unknown as one that never was. Doing it twice is doing it once.
#[utoipa::path(post, path = "/apps/{app}/revoke", tag = "apps", operation_id = "revoke_app",
    params(At), responses((status = 200, description = "The app, withdrawn", body = App)))]
pub async fn revoke(
    Admin(caller): Admin,
    Extract(cx): State,
    Path(at): Path<At>,
) -> Result<Json<App>, Problem> {
    let key = at.key()?;
    let app = apps::revoke(&cx.store, &key, &caller.cause).await?;
    refresh(&cx).await?;
    Ok(Json(App::of(&app)))
}
