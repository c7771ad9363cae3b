//! `/authorize`: a person is asked whether an app may act for them; `/logoff`.
//!
//! Until the address that the person is sent back to is known to be the app's own, complaints are shown
//! here; from then on they go there, as RFC 6749 has it.

use std::sync::Arc;

use domain::Pii;
use domain::grant::{Challenge, RedirectUri, Refusal};
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Method as Verb, Response, StatusCode};
use store::{Cause, Error};
use top::{Params, form};

use super::grants::{self, Person};
use super::token::{VERIFIER_CHARS, is_verifier};
use super::{Reply, page};
use crate::Context;
use crate::access::Known;

/// Longest `state` handed through: it stands in an address twice.
const STATE_BYTES_MAX: usize = 1024;
/// Longest name of an account, in characters; the platform's have 25 at most (*inferred*).
const NICK_CHARS_MAX: usize = 64;

/// What an app asks a person for.
pub struct Wish {
    /// Who asks.
    pub app: Arc<Known>,
    /// Where the person is sent back to.
    pub redirect_uri: RedirectUri,
    /// What the app wants to be told again there.
    pub state: Option<String>,
    /// What the code is tied to.
    pub challenge: Option<Challenge>,
}

impl Wish {
    /// Sends the person back with an answer.
    fn back(&self, outcome: &'static str, answer: &[(&str, &str)]) -> Reply {
        let state = self.state.as_deref().map(|state| ("state", state));
        let query = form::encode(answer.iter().copied().chain(state));
        let uri = self.redirect_uri.as_str();
        let mark = if uri.contains('?') { '&' } else { '?' };
        let mut response = Response::new(String::new());
        *response.status_mut() = StatusCode::SEE_OTHER;
        // Both parts are visible ASCII.
        if let Ok(location) = HeaderValue::try_from(format!("{uri}{mark}{query}")) {
            response.headers_mut().insert(LOCATION, location);
        }
        Reply::new(outcome, response).of(self.app.key.as_str())
    }

    /// Sends the person back with an error of RFC 6749.
    fn refuse(&self, error: &'static str) -> Reply {
        self.back(error, &[("error", error)])
    }
}

/// Answers a request for the consent page, or what was pressed on it.
pub async fn answer(
    cx: &Context,
    verb: &Verb,
    params: &Params<'_>,
    cause: Cause,
) -> Result<Reply, Error> {
    let wish = match wish(cx, params).await? {
        Ok(wish) => wish,
        Err(reply) => return Ok(reply),
    };
    let of_app = |reply: Reply| reply.of(wish.app.key.as_str());
    let decision = params.get("decision").filter(|_| *verb == Verb::POST);
    match decision {
        None => Ok(of_app(Reply::new("asked", page::consent(cx, &wish, None)))),
        Some("allow") => {
            let Some(person) = person(cx, params) else {
                return Ok(of_app(Reply::new(
                    "nobody",
                    page::consent(cx, &wish, Some(&page::WHO)),
                )));
            };
            let Wish { app, redirect_uri, challenge, .. } = &wish;
            let challenge = challenge.clone();
            let code =
                grants::consent(cx, &app.key, person, redirect_uri, challenge, &cause).await?;
            Ok(match code {
                Ok(code) => wish.back("allowed", &[("code", &code)]),
                Err(Refusal::Expired) => {
                    of_app(Reply::new("expired", page::consent(cx, &wish, Some(&page::EXPIRED))))
                }
                Err(_) => {
                    of_app(Reply::new("unknown", page::consent(cx, &wish, Some(&page::UNKNOWN))))
                }
            })
        }
        Some(_) => Ok(wish.refuse("access_denied")),
    }
}

/// Who says yes. In the sandbox anybody is taken for who they say they are; in production there are no
/// accounts here, so it is whoever has a passcode of the operator's.
fn person<'p>(cx: &Context, params: &'p Params<'_>) -> Option<Person<'p>> {
    if cx.settings.production {
        return params.get("passcode").map(|passcode| Person::Invited(passcode.trim()));
    }
    name(params.get("nick")?).map(Person::Named)
}

/// What is asked for; or the answer, where that is a complaint.
async fn wish(cx: &Context, params: &Params<'_>) -> Result<Result<Wish, Reply>, Error> {
    let Some(app) = known_app(cx, params).await? else {
        return Ok(Err(page::problem(&page::UNKNOWN_APP)));
    };
    let uri = params.get("redirect_uri");
    let registered = app.redirect_uris.iter().find(|known| Some(known.as_str()) == uri).cloned();
    let Some(redirect_uri) = registered else {
        return Ok(Err(page::problem(&page::OTHER_ADDRESS).of(app.key.as_str())));
    };
    // As it came, blanks included: it is not ours to look at.
    let state = params.iter().find(|(name, _)| *name == "state").map(|(_, value)| value.to_owned());
    let mut wish = Wish { app, redirect_uri, state, challenge: None };
    if wish.state.as_ref().is_some_and(|state| state.len() > STATE_BYTES_MAX) {
        wish.state = None;
        return Ok(Err(wish.refuse("invalid_request")));
    }
    match params.get("response_type") {
        Some("code") => {}
        // `token`, too: a token in an address is what RFC 9700 forbids.
        Some(_) => return Ok(Err(wish.refuse("unsupported_response_type"))),
        None => return Ok(Err(wish.refuse("invalid_request"))),
    }
    match challenge(params) {
        Some(challenge) => wish.challenge = challenge,
        None => return Ok(Err(wish.refuse("invalid_request"))),
    }
    Ok(Ok(wish))
}

async fn known_app(cx: &Context, params: &Params<'_>) -> Result<Option<Arc<Known>>, Error> {
    match params.get("client_id") {
        Some(client_id) => cx.access.app(&cx.store, client_id).await,
        None => Ok(None),
    }
}

/// What the code is to be tied to; `None` when that cannot be read.
fn challenge(params: &Params<'_>) -> Option<Option<Challenge>> {
    let method = params.get("code_challenge_method");
    let Some(text) = params.get("code_challenge") else {
        return method.is_none().then_some(None);
    };
    let text = is_verifier(text).then(|| text.to_owned())?;
    match method {
        None | Some("plain") => Some(Some(Challenge::Plain(text))),
        Some("S256") if text.len() == *VERIFIER_CHARS.start() => Some(Some(Challenge::S256(text))),
        Some(_) => None,
    }
}

/// Says goodbye. Nobody is logged in here from one page to the next, so there is nothing to end but that.
pub async fn logoff(cx: &Context, params: &Params<'_>) -> Result<Reply, Error> {
    Ok(match known_app(cx, params).await? {
        Some(app) => Reply::new("logged off", page::goodbye()).of(app.key.as_str()),
        None => page::problem(&page::UNKNOWN_APP),
    })
}

/// A name of an account, if the text can be one.
pub fn name(text: &str) -> Option<Pii<String>> {
    let text = text.trim();
    let is_name =
        (1..=NICK_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    is_name.then(|| Pii::new(text.to_owned()))
}
