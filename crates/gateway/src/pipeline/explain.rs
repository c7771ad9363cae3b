//! What the sandbox's log says of a sign or a timestamp that is wrong. Never an answer, and nothing at all in
//! production: whoever guesses at signatures must not be helped.
//!
//! Of a value only its length is shown, but for those of the platform's own parameters that have been checked
//! by then: a session lets one in, and a method's parameters, sealed or not, say who somebody is. So may a
//! name that nobody declared, which is what becomes of a value that was sent unencoded and has an `&` in it.

use top::explain::{Mistake, PUBLIC_PARAMS, wrong_sign, wrong_time};
use top::sign::string_to_sign;
use top::{Params, Rejection, SignMethod, Spec, error};

use super::{Call, Noted};
use crate::Context;

/// What stands for the secret.
const HIDDEN: &str = "***";
/// The parameters whose values have been checked, one way or another, before a signature is.
const CHECKED: [&str; 4] = ["app_key", "format", "timestamp", "v"];

/// What is wrong with a sign or a timestamp.
pub struct Explained {
    /// The mistake that was made, as far as it can be inferred.
    pub mistake: String,
    /// What was signed here.
    pub signed: Option<String>,
}

/// Says why a call was rejected, if it was for its sign or its timestamp.
pub fn explain(
    cx: &Context,
    call: &Call<'_>,
    noted: &Noted,
    rejection: &Rejection,
) -> Option<Explained> {
    let (Ok(params), Some(app)) = (&call.params, &noted.app) else { return None };
    if cx.settings.production {
        return None;
    }
    if rejection.row == error::INVALID_TIMESTAMP {
        let mistake = wrong_time(params.get("timestamp")?, noted.began.as_second()).to_string();
        return Some(Explained { mistake, signed: None });
    }
    if rejection.row != error::INVALID_SIGNATURE {
        return None;
    }
    let Ok(method) = params.get("sign_method").unwrap_or("md5").parse::<SignMethod>() else {
        let mistake = "sign_method is none of the three".to_owned();
        return Some(Explained { mistake, signed: None });
    };
    let given = params.get("sign").unwrap_or_default();
    let mistake = wrong_sign(&app.secret, method, params, call.signed_body, given);
    let mistake = mistake.map(|mistake| named(mistake, params).to_string());
    let mistake =
        mistake.unwrap_or_else(|| "none that is known; is it the right secret?".to_owned());
    let signed = signed(method, params, call.signed_body.len());
    Some(Explained { mistake, signed: Some(signed) })
}

/// The string that was signed here, all that must not be read replaced by its length.
fn signed(method: SignMethod, params: &Params<'_>, body_bytes: usize) -> String {
    let spec = spec(params);
    let pairs: Vec<_> = params
        .iter()
        .filter(|(name, _)| *name != "sign")
        .map(|(name, value)| (shown_name(name, spec), shown_value(name, value)))
        .collect();
    let body =
        if body_bytes == 0 { String::new() } else { format!("‹body of {body_bytes} bytes›") };
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    string_to_sign(method, HIDDEN, pairs, &body)
}

/// The declaration of the method that is called, where that is known.
fn spec(params: &Params<'_>) -> Option<&'static Spec> {
    let method = params.get("method")?;
    trip_api::SPECS.iter().copied().find(|spec| spec.name == method)
}

/// A name, if it is declared anywhere.
fn shown_name(name: &str, spec: Option<&Spec>) -> String {
    let is_declared =
        spec.is_some_and(|spec| spec.request.fields.iter().any(|field| field.name == name));
    if is_declared || PUBLIC_PARAMS.contains(&name) {
        name.to_owned()
    } else {
        format!("‹name of {} bytes›", name.len())
    }
}

/// A value, if it has been checked and is nobody's.
fn shown_value(name: &str, value: &str) -> String {
    let is_known = CHECKED.contains(&name)
        || (name == "method" && trip_api::SPECS.iter().any(|spec| spec.name == value))
        || (name == "sign_method" && value.parse::<SignMethod>().is_ok())
        || (name == "simplify" && ["true", "false"].contains(&value));
    if is_known || value.is_empty() {
        value.to_owned()
    } else {
        format!("‹{} bytes›", value.len())
    }
}

/// A mistake in which only names stand that may be shown.
fn named(mistake: Mistake, params: &Params<'_>) -> Mistake {
    let spec = spec(params);
    let shown = |names: Vec<String>| names.iter().map(|name| shown_name(name, spec)).collect();
    match mistake {
        Mistake::LeftOut(names) => Mistake::LeftOut(shown(names)),
        Mistake::PlusUnescaped(names) => Mistake::PlusUnescaped(shown(names)),
        Mistake::Trimmed(names) => Mistake::Trimmed(shown(names)),
        other => other,
    }
}
