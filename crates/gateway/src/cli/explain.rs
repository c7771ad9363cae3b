//! `tripwright call --explain`: what was signed, and why the server may not agree.
//!
//! It goes to standard error, so that what a program reads stays the answer alone.

use std::io::Write;

use anyhow::Context as _;
use jiff::fmt::rfc2822;
use top::SignMethod;
use top::error::{INVALID_SIGNATURE, INVALID_TIMESTAMP};
use top_client::{Prepared, Raw, Rejected};

use crate::demo;

/// Who called.
pub struct Caller<'a> {
    pub app_key: &'a str,
    pub secret: &'a str,
}

/// Whether there is something to explain: the sign or the timestamp is refused.
pub fn concerns(rejected: &Rejected) -> bool {
    [INVALID_SIGNATURE, INVALID_TIMESTAMP].iter().any(|row| i64::from(row.code) == rejected.code)
}

/// Shows what was signed: the values as they are, since they are what may be wrong.
pub fn prepared(prepared: &Prepared) -> anyhow::Result<()> {
    say("parameters, in the order they are signed:")?;
    for (name, value) in prepared.params() {
        say(&format!("  {name} = {value}"))?;
    }
    let method = prepared.sign_method();
    say(match method {
        SignMethod::Md5 => "string to sign, *** standing for the secret:",
        SignMethod::Hmac | SignMethod::HmacSha256 => "string to sign, the secret being the key:",
    })?;
    say(&format!("  {}", prepared.string_to_sign()))?;
    say(&format!("sign by {method}:"))?;
    say(&format!("  {}", prepared.sign()))
}

/// Says what the refusal says, and what can be inferred.
pub fn refusal(
    prepared: &Prepared,
    answer: &Raw,
    rejected: &Rejected,
    caller: &Caller<'_>,
) -> anyhow::Result<()> {
    say("the server says:")?;
    say(&format!("  {rejected}"))?;
    say("inferred:")?;
    say(&format!("  {}", inferred(prepared, answer, rejected, caller)))
}

/// Says that there is more to know.
pub fn hint() -> anyhow::Result<()> {
    say("`--explain` shows what was signed")
}

fn inferred(prepared: &Prepared, answer: &Raw, rejected: &Rejected, caller: &Caller<'_>) -> String {
    if rejected.code == i64::from(INVALID_TIMESTAMP.code) {
        return clock(prepared, answer);
    }
    if let Some(mistake) = prepared.mistake() {
        return mistake.to_string();
    }
    let secret = caller.secret;
    if secret.trim() != secret {
        return "the secret has white space around it, such as a file's line end".to_owned();
    }
    if secret == caller.app_key && secret != demo::SECRET {
        return "the secret given is the app key".to_owned();
    }
    if prepared.sign_is_given() {
        "the sign comes from these parameters and this secret in no way known here"
    } else {
        "the sign is right for this secret, so the secret is not this app's, or something on the \
         way changes parameters"
    }
    .to_owned()
}

/// What is wrong with the time, by the server's own clock where it shows one.
fn clock(prepared: &Prepared, answer: &Raw) -> String {
    let shown = answer.header("date").and_then(|date| rfc2822::parse(date).ok());
    let Some(server) = shown.map(|zoned| zoned.timestamp()) else {
        return "the server does not show its time, so its clock and this machine's may differ"
            .into();
    };
    let sent = prepared.params().find(|(name, _)| *name == "timestamp").map(|(_, value)| value);
    top::explain::wrong_time(sent.unwrap_or_default(), server.as_second()).to_string()
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "{line}").context("cannot print")
}
