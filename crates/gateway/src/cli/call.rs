//! `tripwright call`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use top::{Format, SignMethod};
use top_client::Client;

use super::{explain, name_and_value, print};
use crate::demo;

/// A call, as the sandbox's demo app unless told otherwise.
#[derive(Args)]
pub struct Call {
    /// Method, such as taobao.time.get
    method: String,

    /// A parameter of the method, name=value; objects as JSON
    #[arg(long = "param", short, value_parser = name_and_value)]
    params: Vec<(String, String)>,

    /// A parameter whose value is a file's text, name=path: for one too long for a command line
    #[arg(long = "param-file", value_parser = name_and_value)]
    param_files: Vec<(String, String)>,

    /// Where to call
    #[arg(long, env = "TRIPWRIGHT_URL", default_value = "http://127.0.0.1:8080/router/rest")]
    url: String,

    /// As which app
    #[arg(long, env = "TRIPWRIGHT_APP_KEY", default_value = demo::APP_KEY)]
    app_key: String,

    /// The app's secret
    #[arg(long, env = "TRIPWRIGHT_APP_SECRET", default_value = demo::SECRET, hide_env_values = true)]
    secret: String,

    /// Access token; the demo app's own when calling as the demo app
    #[arg(long, env = "TRIPWRIGHT_SESSION", hide_env_values = true)]
    session: Option<String>,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// md5, hmac or hmac-sha256
    #[arg(long, default_value_t = SignMethod::HmacSha256)]
    sign_method: SignMethod,

    /// Show what was signed, the secret masked, and why the server may not agree: when it says that
    /// sign or timestamp is wrong, or always. With `--param sign=…`, explain that sign
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "refused"
    )]
    explain: Option<When>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Refused,
    Always,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Form {
    #[default]
    Json,
    Xml,
    /// JSON with simplify=true
    Simplified,
}

impl Call {
    /// Calls and prints the answer; fails when the answer is an error.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let format = match self.format {
            Form::Json => Format::Json,
            Form::Xml => Format::Xml,
            Form::Simplified => Format::SimplifiedJson,
        };
        let as_demo = self.app_key == demo::APP_KEY;
        let session = self.session.or_else(|| as_demo.then(|| demo::SESSION.to_owned()));
        let mut params = self.params;
        for (name, path) in self.param_files {
            let text = std::fs::read_to_string(&path);
            params.push((name, text.with_context(|| format!("cannot read {path}"))?));
        }
        let builder = Client::builder(&self.url, &self.app_key, &self.secret)
            .sign_method(self.sign_method)
            .format(format);
        let client = match &session {
            Some(token) => builder.session(token),
            None => builder,
        };
        let client = client.build()?;
        let params: Vec<_> = params.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let prepared = client.prepare(&self.method, &params);
        if self.explain == Some(When::Always) {
            explain::prepared(&prepared)?;
        }
        let answer = client.send(&prepared).await;
        let body = answer.as_ref().map_or_else(|error| error.raw(), Some).map(|raw| raw.body());
        if let Some(body) = body {
            print(body)?;
        }
        let answer = answer?;
        if answer.body().is_empty() {
            bail!("the server answered nothing");
        }
        let Some(rejected) = answer.error() else { return Ok(ExitCode::SUCCESS) };
        if explain::concerns(&rejected) {
            if self.explain == Some(When::Refused) {
                explain::prepared(&prepared)?;
            }
            let caller = explain::Caller { app_key: &self.app_key, secret: &self.secret };
            match self.explain {
                Some(_) => explain::refusal(&prepared, &answer, &rejected, &caller)?,
                None => explain::hint()?,
            }
        }
        Ok(ExitCode::FAILURE)
    }
}
