//! The pages that people see: written by the server, in Chinese and English, without a script.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use domain::access::Entitlement;
use domain::grant::Challenge;
use hyper::header::{
    CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use sha2::{Digest as _, Sha256};
use top::xml::push_text;

use super::authorize::Wish;
use super::{Reply, typed};
use crate::Context;

/// A sentence in Chinese and in English, and what the log calls it.
pub struct Sentence {
    zh: &'static str,
    en: &'static str,
    outcome: &'static str,
}

macro_rules! sentences {
    ($($(#[$doc:meta])* $name:ident: $outcome:literal, $zh:literal, $en:literal;)*) => {
        $($(#[$doc])* pub const $name: Sentence =
            Sentence { zh: $zh, en: $en, outcome: $outcome };)*
    };
}

#[rustfmt::skip]
sentences! {
    /// The request is none.
    UNREADABLE: "unreadable", "请求无法读取。", "The request cannot be read.";
    /// Nobody is known by that app key.
    UNKNOWN_APP: "unknown app", "应用不存在，请检查 client_id。", "There is no such app: look at client_id.";
    /// The app has not registered that address.
    OTHER_ADDRESS: "other address",
        "redirect_uri 与应用登记的回调地址不一致（须逐字相同；登记：tripwright app change … --redirect-uri …）。",
        "redirect_uri is not one that the app has registered, letter for letter (tripwright app change … --redirect-uri …).";
    /// Nobody is named.
    WHO: "nobody", "请填写后再授权。", "Please fill this in first.";
    /// The passcode is none.
    UNKNOWN: "unknown", "授权口令不正确，或已使用过。", "This passcode is not right, or was used before.";
    /// The passcode came too late.
    EXPIRED: "expired", "授权口令已过期。", "This passcode has expired.";
    /// Our own fault.
    FAILED: "failed", "系统繁忙，请稍后再试。", "Something went wrong here. Please try again.";
    /// There is nothing left to end.
    GOODBYE: "logged off",
        "您已退出。本系统不保留登录状态；已授予的令牌由应用或管理员撤销。",
        "You are signed out. Nobody stays signed in here; tokens that were given are taken back by the app or an operator.";
}

const STYLE: &str = "\
body{font:16px/1.6 system-ui,sans-serif;margin:0;background:#f4f5f7;color:#1c1e21}\
main{max-width:28rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:.75rem;\
box-shadow:0 1px 4px #0003}h1{font-size:1.25rem;margin:0 0 1rem}p{margin:.5rem 0}\
[lang=en]{display:block;color:#5b6068;font-size:.875rem}code{overflow-wrap:anywhere}\
label{display:block;margin-top:1rem}input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit}\
.alert{padding:.5rem 1rem;border-left:4px solid #b3261e;background:#fdecea}\
.buttons{display:flex;gap:1rem;margin-top:1.5rem}button{flex:1;padding:.6rem;font:inherit;cursor:pointer}\
button[value=allow]{background:#0b57d0;color:#fff;border:1px solid #0b57d0}";

/// The only style that a page may have, by its hash.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| BASE64_STANDARD.encode(Sha256::digest(STYLE)));

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_text(&mut out, text);
    out
}

/// A text in both languages.
fn both(zh: &str, en: &str) -> String {
    format!("{zh}<span lang=\"en\">{en}</span>")
}

/// A whole page. A form on it may only be sent here and lead to `origin`: browsers hold the redirect that
/// answers it to the same rule.
fn page(status: StatusCode, origin: &str, title: &str, content: &str) -> Response<String> {
    let html = format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>{content}</main></body></html>\n"
    );
    let mut response = typed(status, "text/html;charset=UTF-8", html);
    let style = STYLE_HASH.as_str();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'{origin}; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A page that only says something.
fn saying(status: StatusCode, sentence: &Sentence) -> Response<String> {
    let content = format!("<p>{}</p>", both(sentence.zh, sentence.en));
    page(status, "", "Tripwright", &content)
}

/// A complaint that goes nowhere else.
pub fn problem(sentence: &Sentence) -> Reply {
    Reply::new(sentence.outcome, saying(StatusCode::BAD_REQUEST, sentence))
}

/// What `/logoff` says.
pub fn goodbye() -> Response<String> {
    saying(StatusCode::OK, &GOODBYE)
}

/// Our own fault.
pub fn failed(request_id: &str) -> Response<String> {
    let content = format!("<p>{}</p><p><code>{request_id}</code></p>", both(FAILED.zh, FAILED.en));
    page(StatusCode::INTERNAL_SERVER_ERROR, "", "Tripwright", &content)
}

/// The page that asks.
pub fn consent(cx: &Context, wish: &Wish, alert: Option<&Sentence>) -> Response<String> {
    let (app, uri) = (escaped(wish.app.key.as_str()), escaped(wish.redirect_uri.as_str()));
    let hours = cx.settings.token_seconds.div_ceil(60 * 60);
    let alert = alert.map_or(String::new(), |alert| {
        format!("<p class=\"alert\" role=\"alert\">{}</p>", both(alert.zh, alert.en))
    });
    let content = format!(
        "<h1>{}</h1>{alert}<p>{}</p>{}<p>{}</p><form method=\"post\" action=\"/authorize\">{}{}\
         <p class=\"buttons\"><button name=\"decision\" value=\"allow\">{}</button>\
         <button name=\"decision\" value=\"deny\" formnovalidate>{}</button></p></form>",
        both(&format!("应用 {app} 请求您的授权"), &format!("The app {app} asks for your consent")),
        both("授权后，它可以以您的名义调用：", "It could then call in your name:"),
        methods(wish),
        both(
            &format!("令牌有效期 {hours} 小时。完成后返回 <code>{uri}</code>"),
            &format!("Its token lasts {hours} h. You will be sent back there."),
        ),
        hidden(wish),
        who(cx),
        both("授权", "Allow"),
        both("拒绝", "Deny"),
    );
    let origin = format!(" {}", wish.redirect_uri.origin());
    let status = if alert.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page(status, &origin, "授权 · Tripwright", &content)
}

/// What the app may call with a token.
fn methods(wish: &Wish) -> String {
    let may_call = |name: &str| match &wish.app.methods {
        Entitlement::All => true,
        Entitlement::Only(names) => names.contains(name),
    };
    let with_token = |spec: &&&top::Spec| spec.session == top::Session::Required;
    let specs = trip_api::SPECS.iter().filter(with_token).filter(|spec| may_call(spec.name));
    let rows: String =
        specs.map(|spec| format!("<li>{}</li>", both(spec.title.zh, spec.title.en))).collect();
    format!("<ul>{rows}</ul>")
}

/// What was asked for, to be asked again when a button is pressed: nothing is remembered in between.
fn hidden(wish: &Wish) -> String {
    let (challenge, method) = match &wish.challenge {
        None => (None, None),
        Some(Challenge::Plain(text)) => (Some(text.as_str()), Some("plain")),
        Some(Challenge::S256(text)) => (Some(text.as_str()), Some("S256")),
    };
    let fields = [
        ("response_type", Some("code")),
        ("client_id", Some(wish.app.key.as_str())),
        ("redirect_uri", Some(wish.redirect_uri.as_str())),
        ("state", wish.state.as_deref()),
        ("code_challenge", challenge),
        ("code_challenge_method", method),
    ];
    let fields = fields.iter().filter_map(|(name, value)| Some((name, escaped((*value)?))));
    fields
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"))
        .collect()
}

/// How a person says who they are.
fn who(cx: &Context) -> String {
    let (name, value, label) = if cx.settings.production {
        ("passcode", "", both("授权口令（由管理员提供）", "Passcode, from the operator"))
    } else {
        // A sub-account is written main:sub, as the platform does.
        let label = both("账号（沙箱：任意名称）", "Account (sandbox: any name will do)");
        ("nick", "沙箱测试帐号01", label)
    };
    format!(
        "<label for=\"who\">{label}</label><input id=\"who\" name=\"{name}\" value=\"{value}\" \
         autocomplete=\"off\" required>"
    )
}
