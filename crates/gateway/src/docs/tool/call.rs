//! Signing and sending: the call that is made is the one that is shown.

use std::borrow::Cow;
use std::net::IpAddr;

use axum::http::Method as Verb;
use tokio::time::Instant;
use top::explain::wrong_sign;
use top::sign::{Secret, string_to_sign};
use top::{Date, Format, Node, Params, Session, SignMethod, Spec, error};

use super::choice::{Caller, Choice};
use super::draft::Draft;
use crate::access::Known;
use crate::docs::layout;
use crate::docs::openapi::origin;
use crate::pipeline::{self, Answer, Call};
use crate::web::{Problem, Visit};
use crate::{Context, context, demo};

/// What stands for a secret that is nobody's to read.
const HIDDEN: &str = "***";

/// What became of the values that travel sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealing {
    /// None was filled in.
    None,
    /// They were sealed, so many.
    Done(usize),
    /// They were sent as they were typed, as was asked for.
    Off,
    /// They were sent as they were typed: the app has no key to seal with, or its secret was not typed.
    NoKey,
}

/// A call that was made, and its answer.
pub struct Made {
    /// A secret that was typed is masked in it.
    pub string_to_sign: String,
    pub sign: String,
    /// The same call for a shell.
    pub curl: String,
    /// Whether a session that was typed stands in what is shown.
    pub shows_session: bool,
    pub sealing: Sealing,
    pub answer: Answer,
    /// The answer with line breaks, where it is not one line anyway.
    pub pretty: String,
    pub took_ms: String,
    /// What the platform complained of.
    pub complaint: Option<Complaint>,
}

/// An `error_response`.
pub struct Complaint {
    pub code: String,
    pub msg: String,
    pub sub_code: String,
    pub sub_msg: String,
    /// The input that it is about, if its name is said.
    pub input: Option<String>,
    /// What a client that makes such a sign has done, as the sandbox's log says it.
    pub mistake: Option<String>,
}

impl Complaint {
    /// Where the explanations have it.
    pub fn anchor(&self) -> &str {
        if self.sub_code.is_empty() { &self.code } else { &self.sub_code }
    }
}

/// Makes the call.
///
/// # Errors
/// The store failed.
pub async fn make(
    cx: &Context,
    visit: &Visit,
    address: IpAddr,
    spec: &'static Spec,
    choice: &Choice,
    draft: &Draft,
) -> Result<Made, Problem> {
    let (key, secret, session) = credentials(spec, &choice.caller);
    let signing = Secret::new(secret);
    let app = cx.access.app(&cx.store, key).await?;
    let (business, sealing) = business(spec, choice, draft, app.as_deref(), &signing);
    let mut pairs = public(cx, spec, choice, key, session);
    pairs
        .extend(business.into_iter().map(|(name, value)| (Cow::Borrowed(name), Cow::Owned(value))));
    let unsigned = Params::from_pairs(pairs.clone());
    let sign = signing.sign(choice.sign_method, unsigned.iter(), b"");
    let shown_secret = if choice.is_demo() { secret } else { HIDDEN };
    let string_to_sign = string_to_sign(choice.sign_method, shown_secret, unsigned.iter(), "");
    pairs.push((Cow::Borrowed("sign"), Cow::Owned(sign.clone())));
    let params = Params::from_pairs(pairs);
    let curl = curl(&format!("{}/router/rest", origin(cx, visit)), &params);
    // It is what a person waited for, not what time it is.
    let began = Instant::now();
    let call = Call {
        verb: &Verb::POST,
        params: Ok(params.clone()),
        signed_body: b"",
        address,
        format: Ok(choice.format),
    };
    let answer = pipeline::serve(cx, call).await;
    let took_ms = format!("{:.1}", began.elapsed().as_secs_f64() * 1000.0);
    let mut complaint = complaint(&answer);
    if let (Some(complaint), Some(app)) = (&mut complaint, &app) {
        explain(cx, complaint, app, choice.sign_method, &params, &sign);
    }
    Ok(Made {
        string_to_sign,
        sign,
        curl,
        shows_session: !choice.is_demo() && !session.is_empty(),
        sealing,
        pretty: layout::answer(answer.format, &answer.body),
        answer,
        took_ms,
        complaint,
    })
}

/// Key, secret and session.
fn credentials<'a>(spec: &Spec, caller: &'a Caller) -> (&'a str, &'a str, &'a str) {
    match caller {
        Caller::Demo => {
            let session = if spec.session == Session::Required { demo::SESSION } else { "" };
            (demo::APP_KEY, demo::SECRET, session)
        }
        Caller::Own { key, secret, session } => (key, secret.expose(), session.expose()),
    }
}

/// The method's own parameters, sealed where they travel so.
fn business(
    spec: &'static Spec,
    choice: &Choice,
    draft: &Draft,
    app: Option<&Known>,
    signing: &Secret,
) -> (Vec<(&'static str, String)>, Sealing) {
    // Whoever seals what they like under somebody's key learns what is sealed; so only who has the
    // secret.
    let app = app.filter(|app| is_secret_of(app, signing));
    let newest = app.and_then(|app| app.sealings.as_ref().ok()?.first());
    let (mut count, is_on) = (0, choice.seals);
    let mut seal = |clear: &str| {
        count += 1;
        match newest {
            Some(sealing) if is_on => sealing.seal(clear, context::fresh_block()),
            _ => clear.to_owned(),
        }
    };
    let params = draft.params(&spec.request, &mut seal);
    let sealing = match newest {
        _ if count == 0 => Sealing::None,
        _ if !is_on => Sealing::Off,
        None => Sealing::NoKey,
        Some(_) => Sealing::Done(count),
    };
    (params, sealing)
}

/// Whether a secret is the app's, compared in constant time.
fn is_secret_of(app: &Known, secret: &Secret) -> bool {
    let method = SignMethod::HmacSha256;
    let nothing = std::iter::empty::<(&str, &str)>();
    app.secret.verify(method, nothing.clone(), b"", &secret.sign(method, nothing, b""))
}

/// The platform's own parameters, but for the sign.
fn public<'a>(
    cx: &Context,
    spec: &Spec,
    choice: &Choice,
    key: &'a str,
    session: &'a str,
) -> top::form::Pairs<'a> {
    let timestamp = Date::at_platform(cx.clock.now().as_second()).to_string();
    let pair = |name, value| (Cow::Borrowed(name), Cow::Borrowed(value));
    let owned = |name, value| (Cow::Borrowed(name), Cow::Owned(value));
    let mut pairs = vec![
        owned("method", spec.name.to_owned()),
        pair("app_key", key),
        owned("timestamp", timestamp),
        pair("v", "2.0"),
        owned("sign_method", choice.sign_method.to_string()),
        pair("format", if choice.format == Format::Xml { "xml" } else { "json" }),
    ];
    if choice.format == Format::SimplifiedJson {
        pairs.push(pair("simplify", "true"));
    }
    if !session.is_empty() {
        pairs.push(pair("session", session));
    }
    pairs
}

/// The call as a command, in quotes that a POSIX shell takes literally.
fn curl(url: &str, params: &Params<'_>) -> String {
    let mut command = format!("curl -sS {}", quoted(url));
    for (name, value) in params.iter() {
        command.push_str(" \\\n  --data-urlencode ");
        command.push_str(&quoted(&format!("{name}={value}")));
    }
    command
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What an `error_response` says.
fn complaint(answer: &Answer) -> Option<Complaint> {
    let text = |node: &Node<'_>, name: &str| match node.member(name) {
        Some(Node::Text(text)) => text.clone().into_owned(),
        Some(Node::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let xml;
    let json;
    let node = if answer.format == Format::Xml {
        xml = top::xml::parse(&answer.body).ok().filter(|(root, _)| root == "error_response")?;
        &xml.1
    } else {
        json = top::json::parse(&answer.body).ok()?;
        json.member("error_response")?
    };
    let (msg, sub_msg) = (text(node, "msg"), text(node, "sub_msg"));
    // The platform names it at the end, as a path: `a.b[0].c`.
    let named = [&sub_msg, &msg].into_iter().find_map(|said| said.rsplit_once(':'));
    let path = named.map(|(_, path)| path.trim().replace('[', ".").replace(']', ""));
    Some(Complaint {
        code: text(node, "code"),
        sub_code: text(node, "sub_code"),
        input: path.map(|path| format!("{}.{path}", super::draft::ROOT)),
        msg,
        sub_msg,
        mistake: None,
    })
}

/// Says why a sign is wrong, in the sandbox as its log does: never where it would help a guess.
fn explain(
    cx: &Context,
    complaint: &mut Complaint,
    app: &Known,
    method: SignMethod,
    params: &Params<'_>,
    sign: &str,
) {
    if cx.settings.production || complaint.code != error::INVALID_SIGNATURE.code.to_string() {
        return;
    }
    let mistake = wrong_sign(&app.secret, method, params, b"", sign);
    let named = mistake.map(|mistake| mistake.to_string());
    complaint.mistake = named.or_else(|| Some("the secret given is not the app's".to_owned()));
}

/// Whether the demo app can be called with here.
///
/// # Errors
/// The store failed.
pub async fn has_demo(cx: &Context) -> Result<bool, Problem> {
    Ok(!cx.settings.production && demo::is_open(&cx.store, cx.clock.now()).await?)
}
