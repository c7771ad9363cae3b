//! `/token`, and what tokens look like: the same members on the page and in the two methods.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::Instant;
use domain::access::App;
use domain::grant::{Refusal, Verifier};
use hyper::{Method as Verb, Response, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use store::{Cause, Error, Store};
use top::{Params, form};

use super::grants::{self, Given, Use, user_id};
use super::{Reply, typed};
use crate::Context;

/// Characters of a verifier, by RFC 7636; of its hash in base64url there are as many as the fewest.
pub const VERIFIER_CHARS: std::ops::RangeInclusive<usize> = 43..=128;
/// Most of a code that is repeated in a complaint: it is longer than any of ours.
const REPEATED_CHARS_MAX: usize = 80;

/// An error of RFC 6749, in the platform's words where they are known.
struct Complaint {
    error: &'static str,
    description: String,
}

fn complaint(error: &'static str, description: impl Into<String>) -> Complaint {
    Complaint { error, description: description.into() }
}

/// Answers a request for tokens.
pub async fn answer(
    cx: &Context,
    verb: &Verb,
    params: &Params<'_>,
    cause: Cause,
) -> Result<Reply, Error> {
    let known = match params.get("client_id") {
        Some(client_id) => cx.access.app(&cx.store, client_id).await?,
        None => None,
    };
    let given = params.get("client_secret").unwrap_or_default();
    let is_secret = |app: &App| {
        // Hashes of them are compared, so that how long it takes says nothing about the secret.
        let hash = |text: &str| cx.store.keyed_hash("client secret", text);
        hash(app.secret.expose()) == hash(given)
    };
    let Some(app) = known.filter(|app| is_secret(app)) else {
        let why = "client_id is unknown or client_secret is not its own";
        return Ok(refused("unknown app", &complaint("invalid_client", why)));
    };
    if *verb != Verb::POST {
        return Ok(
            refused("not posted", &complaint("invalid_request", "use POST")).of(app.key.as_str())
        );
    }
    if let Err(limited) = cx.quotas.take(&app, cause.at) {
        let why = limited.sub_msg.unwrap_or_default();
        let reply = refused("limited", &complaint("temporarily_unavailable", why));
        return Ok(reply.of(app.key.as_str()));
    }
    let cause = Cause { actor: app.key.to_string(), ..cause };
    let outcome = match used(params) {
        Ok(used) => {
            let code = params.get("code").unwrap_or_default();
            let given = grants::tokens(cx, &app.key, &used, &cause).await?;
            given.map_err(|refusal| because(&used, refusal, code))
        }
        Err(complaint) => Err(complaint),
    };
    let reply = match outcome {
        Ok(given) => {
            let text = Value::Object(members(&cx.store, app.key.as_str(), &given, cause.at));
            Reply::new("tokens given", json_page(StatusCode::OK, &text))
        }
        Err(complaint) => refused(complaint.error, &complaint),
    };
    Ok(reply.of(app.key.as_str()))
}

/// What is presented, and how.
fn used<'p>(params: &'p Params<'_>) -> Result<Use<'p>, Complaint> {
    let needed = |name: &'static str| {
        let missing = || complaint("invalid_request", format!("{name} is missing"));
        params.get(name).ok_or_else(missing)
    };
    match needed("grant_type")? {
        "authorization_code" => {
            let verifier = params.get("code_verifier").map(verifier);
            let (code, redirect_uri) = (needed("code")?, Some(needed("redirect_uri")?));
            Ok(Use::Code { code, redirect_uri, verifier })
        }
        "refresh_token" => Ok(Use::Refresh(needed("refresh_token")?)),
        _ => {
            let known = "give authorization_code or refresh_token";
            Err(complaint("unsupported_grant_type", known))
        }
    }
}

/// A verifier in the forms that it is compared in; one that breaks the standard's form meets no challenge.
fn verifier(text: &str) -> Verifier {
    if !is_verifier(text) {
        return Verifier { plain: String::new(), s256: String::new() };
    }
    let s256 = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text));
    Verifier { plain: text.to_owned(), s256 }
}

/// Whether a text has the form of a verifier, which is that of a plain challenge too.
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    VERIFIER_CHARS.contains(&text.len()) && text.bytes().all(unreserved)
}

/// Why there are no tokens. The first two sentences are the platform's own.
fn because(used: &Use<'_>, refusal: Refusal, code: &str) -> Complaint {
    match (used, refusal) {
        (Use::Code { .. }, Refusal::OtherRedirectUri) => {
            complaint("invalid_client", "application callback can not match the redirect_uri")
        }
        (Use::Code { .. }, Refusal::Unknown | Refusal::Expired | Refusal::Reused) => {
            let code: String = code.chars().take(REPEATED_CHARS_MAX).collect();
            let why = format!("authorize code {code} invalidate,please authorize again.");
            complaint("invalid_client", why)
        }
        (Use::Code { .. }, Refusal::Unproven) => {
            complaint("invalid_grant", "code_verifier does not fit the code_challenge")
        }
        (Use::Refresh(_), _) => complaint(
            "invalid_grant",
            "refresh token is invalid or expired,please authorize again.",
        ),
    }
}

/// A body that could not be read.
pub fn unreadable() -> Reply {
    refused("unreadable", &complaint("invalid_request", "the parameters cannot be read"))
}

/// Our own fault.
pub fn failed(request_id: &str) -> Response<String> {
    let text = json!({
        "error": "server_error",
        "error_description": format!("please try again (request_id {request_id})"),
    });
    json_page(StatusCode::INTERNAL_SERVER_ERROR, &text)
}

fn refused(outcome: &'static str, complaint: &Complaint) -> Reply {
    let Complaint { error, description } = complaint;
    let text = json!({ "error": error, "error_description": description });
    Reply::new(outcome, json_page(StatusCode::BAD_REQUEST, &text))
}

fn json_page(status: StatusCode, value: &Value) -> Response<String> {
    typed(status, "application/json;charset=UTF-8", value.to_string())
}

/// What the page answers with. Read and write levels last as long as the token: nothing here tells them
/// apart.
pub fn members(store: &Store, app_key: &str, given: &Given, now: Instant) -> Map<String, Value> {
    let seconds = |until: Instant| until.duration_since(now).as_secs().max(0);
    let (token_seconds, refresh_seconds) =
        (seconds(given.token_until), seconds(given.refresh_until));
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
    say("access_token", given.token.expose().as_str().into());
    say("token_type", "Bearer".into());
    say("expires_in", token_seconds.into());
    say("refresh_token", given.refresh.expose().as_str().into());
    say("re_expires_in", refresh_seconds.into());
    for level in ["r1", "r2", "w1", "w2"] {
        say(&format!("{level}_expires_in"), token_seconds.into());
    }
    // Before a colon stands the main account of a sub-account.
    let nick = given.nick.expose();
    let main = nick.split_once(':').map_or(nick.as_str(), |(main, _)| main);
    say("taobao_user_nick", form::escape(main).into());
    say("taobao_user_id", user_id(store, main).to_string().into());
    if main != nick {
        say("sub_taobao_user_nick", form::escape(nick).into());
        say("sub_taobao_user_id", user_id(store, nick).to_string().into());
    }
    // The same person has another at each app.
    let open_uid = store.keyed_hash("open uid", &format!("{app_key}/{nick}"));
    say("open_uid", open_uid.as_str().into());
    say("taobao_open_uid", open_uid.into());
    members
}

/// What the two methods answer with: the same, and when each ends, in milliseconds.
pub fn token_result(store: &Store, app_key: &str, given: &Given, now: Instant) -> String {
    let mut members = members(store, app_key, given, now);
    let until = Value::from(given.token_until.as_millisecond());
    for name in ["expire_time", "r1_valid", "r2_valid", "w1_valid", "w2_valid"] {
        members.insert(name.to_owned(), until.clone());
    }
    let refresh_until = given.refresh_until.as_millisecond().into();
    members.insert("refresh_token_valid_time".to_owned(), refresh_until);
    Value::Object(members).to_string()
}
