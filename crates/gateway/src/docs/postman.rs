//! The catalogue as a Postman collection, version 2.1, whose script signs as the platform's SDKs do.

use axum::Json;
use axum::extract::State as Extract;
use serde_json::{Value, json};
use top::seal::Sealing;
use top::{Session, Spec};

use super::openapi::{bilingual, origin};
use super::tool::Draft;
use crate::docs::method::has_sealed;
use crate::web::{Problem, State, Visit};
use crate::{Context, context, demo};

/// What tells a collection's version.
const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";
/// Signs each request before it is sent.
const SCRIPT: &str = include_str!("postman.js");

/// Who calls, as far as the collection can say: in production everybody fills that in.
struct Caller {
    app_key: &'static str,
    secret: &'static str,
    session: &'static str,
    sealing: Option<Sealing>,
}

/// The collection, as a file.
///
/// # Errors
/// The store failed.
pub async fn serve(Extract(cx): State, visit: Visit) -> Result<Json<Value>, Problem> {
    Ok(Json(collection(&cx, &origin(&cx, &visit)).await?))
}

/// The collection, for a gateway at `origin`, such as `http://127.0.0.1:8080`.
async fn collection(cx: &Context, origin: &str) -> Result<Value, store::Error> {
    let caller = caller(cx).await?;
    let items: Vec<_> = trip_api::SPECS.iter().map(|spec| item(spec, &caller)).collect();
    let variable = |key: &str, value: &str| json!({"key": key, "value": value, "type": "string"});
    Ok(json!({
        "info": {
            "name": "Tripwright",
            "schema": SCHEMA,
            "version": env!("CARGO_PKG_VERSION"),
            "description": "在变量中填写 url、app_key、secret、session 与 sign_method（md5、hmac 或 hmac-sha256）；每个请求发送前由脚本自动签名。\
                            \n\nGive url, app_key, secret, session and sign_method (md5, hmac or hmac-sha256) as variables; a script \
                            signs every request before it is sent.",
        },
        "variable": [
            variable("url", &format!("{origin}/router/rest")),
            variable("app_key", caller.app_key),
            variable("secret", caller.secret),
            variable("session", caller.session),
            variable("sign_method", "hmac-sha256"),
        ],
        "event": [{
            "listen": "prerequest",
            "script": {"type": "text/javascript", "exec": SCRIPT.lines().collect::<Vec<_>>()},
        }],
        "item": items,
    }))
}

/// The demo app, where there is one.
async fn caller(cx: &Context) -> Result<Caller, store::Error> {
    let app = cx.access.app(&cx.store, demo::APP_KEY).await?;
    let Some(app) = app.filter(|app| demo::is_demo_app(app)) else {
        return Ok(Caller { app_key: "", secret: "", session: "", sealing: None });
    };
    let sealing = app.sealings.as_ref().ok().and_then(|all| all.first().cloned());
    let (app_key, secret, session) = (demo::APP_KEY, demo::SECRET, demo::SESSION);
    Ok(Caller { app_key, secret, session, sealing })
}

fn item(spec: &'static Spec, caller: &Caller) -> Value {
    let mut seal = |clear: &str| match &caller.sealing {
        Some(sealing) => sealing.seal(clear, context::fresh_block()),
        None => clear.to_owned(),
    };
    let mut form: Vec<_> = [
        ("method", spec.name),
        ("app_key", "{{app_key}}"),
        ("session", "{{session}}"),
        ("timestamp", "{{timestamp}}"),
        ("v", "2.0"),
        ("format", "json"),
        ("sign_method", "{{sign_method}}"),
        ("sign", "{{sign}}"),
    ]
    .into_iter()
    .filter(|(name, _)| *name != "session" || spec.session == Session::Required)
    .map(|(key, value)| json!({"key": key, "value": value, "type": "text"}))
    .collect();
    let params = Draft::example(spec).params(&spec.request, &mut seal);
    for field in spec.request.fields {
        let given = params.iter().find(|(name, _)| *name == field.name);
        form.push(json!({
            "key": field.name,
            "value": given.map_or("", |(_, value)| value.as_str()),
            "type": "text",
            "description": bilingual(field.label),
            // What is optional and has no example is there to be switched on.
            "disabled": given.is_none() && !field.required,
        }));
    }
    json!({
        "name": format!("{} {}", spec.title.zh, spec.name),
        "request": {
            "method": "POST",
            "url": "{{url}}",
            "header": [],
            "body": {"mode": "urlencoded", "urlencoded": form},
            "description": description(spec),
        },
        "response": [],
    })
}

fn description(spec: &Spec) -> String {
    let mut text = bilingual(spec.title);
    if has_sealed(&spec.request) {
        text.push_str(
            "\n\n标有 SM4 的字段须以应用的 SM4 密钥加密;Postman 不会代为加密。\n\n\
             Fields marked SM4 are sealed with the app's SM4 key; Postman does not do that.",
        );
    }
    text
}
