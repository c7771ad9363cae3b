//! Apps and their sessions, and the keys that seal personal data. Never a secret, but once, where it is made up.

use askama::Template;
use axum::Form;
use axum::extract::{Path as Named, State as Extract};
use axum::response::{IntoResponse, Redirect, Response};
use domain::access::{App, Entitlement, Session};
use domain::account::Role;
use domain::id::{AppKey, ChannelId};
use serde::Deserialize;
use store::KeyState;

use super::accounts::{Made, told};
use super::guard::Guarded;
use super::portrait::moment;
use crate::office;
use crate::office::apps::{self, Edit};
use crate::office::sessions;
use crate::web::{Problem, State, Visit, page};
use crate::{Context, context, policies};

/// Most apps and most sessions shown at once: what somebody can look through.
const SHOWN_MAX: usize = 200;

#[derive(Template)]
#[template(path = "console/apps.html")]
struct List<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    apps: Vec<App>,
    is_cut: bool,
    form: FactsForm,
}

/// The list.
pub async fn list(Extract(cx): State, visit: Visit, by: Guarded) -> Result<Response, Problem> {
    let mut apps = cx.store.apps().await?;
    let is_cut = apps.len() > SHOWN_MAX;
    apps.truncate(SHOWN_MAX);
    Ok(page(&List { visit: &visit, by: &by, apps, is_cut, form: FactsForm::of_new() }))
}

/// The facts of an app, as they stand in a form: lists with one entry on each line.
#[derive(Default, Deserialize)]
pub struct FactsForm {
    #[serde(default)]
    methods: String,
    #[serde(default)]
    sub_channels: String,
    #[serde(default)]
    channels: String,
    #[serde(default)]
    cwt_accounts: String,
    #[serde(default)]
    redirect_uris: String,
    #[serde(default)]
    calls_per_day: String,
    #[serde(default)]
    calls_per_second: String,
    #[serde(default)]
    lenient: String,
}

impl FactsForm {
    fn of_new() -> Self {
        Self { methods: "all".to_owned(), ..Self::default() }
    }

    fn of(app: &App) -> Self {
        fn lines<T: ToString>(entries: impl IntoIterator<Item = T>) -> String {
            let entries: Vec<_> = entries.into_iter().map(|entry| entry.to_string()).collect();
            entries.join("\n")
        }
        let most = |most: Option<u32>| most.map(|most| most.to_string()).unwrap_or_default();
        Self {
            methods: match &app.methods {
                Entitlement::All => "all".to_owned(),
                Entitlement::Only(methods) => lines(methods),
            },
            sub_channels: lines(&app.sub_channels),
            channels: lines(&app.channels),
            cwt_accounts: lines(&app.cwt_accounts),
            redirect_uris: lines(app.redirect_uris.iter().map(|uri| uri.as_str())),
            calls_per_day: most(app.quota.calls_per_day),
            calls_per_second: most(app.quota.calls_per_second),
            lenient: if app.lenient { "yes".to_owned() } else { String::new() },
        }
    }

    /// What the form says: everything in it, an empty list being none.
    fn read(&self) -> Result<Edit, Problem> {
        let lines = |text: &str| -> Vec<String> {
            let entries = text.lines().map(str::trim).filter(|entry| !entry.is_empty());
            let entries: Vec<_> = entries.map(str::to_owned).collect();
            entries
        };
        let most = |text: &str| match text.trim() {
            "" => Ok(Some(None)),
            text => text.parse().map(|most| Some(Some(most))).map_err(|_| {
                Problem::Refused("限额须为数字，或留空。", "A limit is a number, or left empty.")
            }),
        };
        let methods = lines(&self.methods);
        if methods.is_empty() {
            return Err(Problem::Refused(
                "请填写可调用的方法，或 all。",
                "Please name the methods that it may call, or all.",
            ));
        }
        Ok(Edit {
            methods: Some(methods),
            sub_channels: Some(lines(&self.sub_channels)),
            channels: Some(lines(&self.channels)),
            cwt_accounts: Some(lines(&self.cwt_accounts)),
            redirect_uris: Some(lines(&self.redirect_uris)),
            calls_per_day: most(&self.calls_per_day)?,
            calls_per_second: most(&self.calls_per_second)?,
            lenient: Some(!self.lenient.is_empty()),
            ..Edit::default()
        })
    }
}

/// A new app.
#[derive(Deserialize)]
pub struct NewApp {
    app_key: String,
    #[serde(flatten)]
    facts: FactsForm,
}

/// Adds an app; its page shows the secret this once.
pub async fn add(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Form(new): Form<NewApp>,
) -> Result<Response, Problem> {
    by.must_be(Role::Admin)?;
    let key: AppKey = new.app_key.trim().parse().map_err(|_| {
        Problem::Refused(
            "app_key 须为 1 至 64 个字母、数字、- 或 _。",
            "An app_key has 1 to 64 letters, digits, hyphens and underscores.",
        )
    })?;
    let app = apps::add(&cx.store, &key, context::token(), &new.facts.read()?, &by.cause)
        .await
        .map_err(told)?;
    cx.access.refresh(&cx.store).await?;
    let what = visit.t("应用密钥 secret", "The app's secret");
    let made = Made { what, secret: app.secret.expose().clone() };
    show(&cx, &visit, &by, app, Some(made)).await
}

/// A session, without its token.
struct Shown {
    beginning: String,
    /// What tells it from others in a form: a keyed hash of its token.
    handle: String,
    session: Session,
    is_open: bool,
}

#[derive(Template)]
#[template(path = "console/app.html")]
struct Page<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    app: App,
    address: String,
    form: FactsForm,
    sessions: Vec<Shown>,
    is_cut: bool,
    policies: Vec<Terms>,
    made: Option<Made>,
}

/// A cancellation policy of one of the app's channels.
struct Terms {
    channel: ChannelId,
    name: String,
    policy: policies::Named,
    text: String,
}

/// The address of an app's page.
pub fn address(key: &AppKey) -> String {
    format!("/console/apps/{key}")
}

async fn show(
    cx: &Context,
    visit: &Visit,
    by: &Guarded,
    app: App,
    made: Option<Made>,
) -> Result<Response, Problem> {
    let mut sessions = cx.store.sessions(&app.key).await?;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let is_cut = sessions.len() > SHOWN_MAX;
    let sessions = sessions.into_iter().take(SHOWN_MAX).map(|session| Shown {
        beginning: sessions::beginning(&session),
        handle: sessions::id(&cx.store, &session),
        is_open: session.is_open(by.cause.at),
        session,
    });
    let mut policies = Vec::new();
    for channel in &app.channels {
        for (name, policy) in policies::list(&cx.store, &app.key, channel, None, SHOWN_MAX).await? {
            let text = serde_json::to_string_pretty(&policy.policy).map_err(Problem::fault)?;
            policies.push(Terms { channel: channel.clone(), name, policy, text });
        }
    }
    let (sessions, address) = (sessions.collect(), address(&app.key));
    let form = FactsForm::of(&app);
    Ok(page(&Page { visit, by, app, address, form, sessions, is_cut, policies, made }))
}

async fn read(cx: &Context, key: &str) -> Result<App, Problem> {
    let key: AppKey = key.parse().map_err(|_| Problem::NotFound)?;
    cx.store.app(&key).await?.ok_or(Problem::NotFound)
}

/// An app's page.
pub async fn one(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Named(key): Named<String>,
) -> Result<Response, Problem> {
    let app = read(&cx, &key).await?;
    show(&cx, &visit, &by, app, None).await
}

/// What an admin does with an app.
#[derive(Deserialize)]
pub struct Act {
    what: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    session: String,
    #[serde(flatten)]
    facts: FactsForm,
}

/// Does it.
pub async fn act(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Named(key): Named<String>,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    by.must_be(Role::Admin)?;
    let app = read(&cx, &key).await?;
    let key = app.key.clone();
    let made = match act.what.as_str() {
        "change" => {
            apps::change(&cx.store, &key, &act.facts.read()?, &by.cause).await.map_err(told)?;
            None
        }
        "renew-secret" => {
            let app = apps::renew_secret(&cx.store, &key, &by.cause).await.map_err(told)?;
            let what = visit.t("新的应用密钥 secret", "The app's new secret");
            Some(Made { what, secret: app.secret.expose().clone() })
        }
        "revoke" => {
            apps::revoke(&cx.store, &key, &by.cause).await.map_err(told)?;
            None
        }
        "add-session" => {
            let days =
                act.days.trim().parse().ok().filter(|days| (1..=sessions::DAYS_MAX).contains(days));
            let refused = Problem::Refused("天数须为 1 至 3650。", "Give 1 to 3650 days.");
            let days = days.ok_or(refused)?;
            let drawn = context::token();
            let made = sessions::add(&cx.store, &key, drawn, days, &by.cause).await;
            let secret = made.map_err(told)?.token.expose().clone();
            Some(Made { what: visit.t("会话 session", "The session"), secret })
        }
        "revoke-session" => {
            let session = sessions::get(&cx.store, &key, &act.session).await;
            let session = session.map_err(|error| match error {
                office::Error::NoSuchSession(_) => Problem::NotFound,
                error => told(error),
            })?;
            sessions::revoke(&cx.store, session, &by.cause).await.map_err(told)?;
            None
        }
        _ => return Err(Problem::NotFound),
    };
    // What was withdrawn is out when this is answered; other gateways notice by themselves.
    cx.access.refresh(&cx.store).await?;
    match made {
        Some(made) => show(&cx, &visit, &by, read(&cx, key.as_str()).await?, Some(made)).await,
        None => Ok(Redirect::to(&address(&key)).into_response()),
    }
}

#[derive(Template)]
#[template(path = "console/keys.html")]
struct Keys<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    keys: Vec<KeyState>,
}

/// The keys that seal personal data: their names and states.
pub async fn keys(Extract(cx): State, visit: Visit, by: Guarded) -> Result<Response, Problem> {
    let keys = cx.store.keys().await?;
    Ok(page(&Keys { visit: &visit, by: &by, keys }))
}
