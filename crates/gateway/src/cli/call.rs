//! `tripwright call`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use top::{Format, SignMethod};
use top_client::Client;

use super::{name_and_value, print};
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
        let client = Client::new(&self.url, &self.app_key, &self.secret)?
            .sign_method(self.sign_method)
            .format(format);
        let answer = client.execute(&self.method, &params, session.as_deref()).await?;
        print(&answer)?;
        if answer.is_empty() {
            bail!("the server answered nothing");
        }
        let start: String = answer.chars().take(80).collect();
        let failed = start.contains("error_response");
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
