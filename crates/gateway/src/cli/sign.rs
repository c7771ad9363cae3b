//! `tripwright sign`

use std::borrow::Cow;
use std::process::ExitCode;

use clap::Args;
use top::explain::wrong_sign;
use top::sign::{Secret, string_to_sign};
use top::{Params, SignMethod};

use super::{name_and_value, print};

/// What to sign.
#[derive(Args)]
pub struct Sign {
    /// A parameter as the server will read it (decoded), name=value; `sign` itself is left out
    #[arg(long = "param", short, value_parser = name_and_value)]
    params: Vec<(String, String)>,

    /// The app's secret
    #[arg(long, env = "TRIPWRIGHT_APP_SECRET", hide_env_values = true)]
    secret: String,

    /// The raw body of a request whose parameters are all in the query
    #[arg(long, default_value = "")]
    body: String,

    /// A sign that a server refused: say which mistake leads to it
    #[arg(long)]
    given: Option<String>,
}

impl Sign {
    /// Prints the string and the digests.
    pub fn perform(self) -> anyhow::Result<ExitCode> {
        let pairs = self
            .params
            .iter()
            .map(|(name, value)| (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str())));
        let params = Params::from_pairs(pairs.collect());
        let text = string_to_sign(SignMethod::Hmac, &self.secret, params.iter(), &self.body);
        print(&format!("string to sign (md5 puts the secret before and after it):\n{text}"))?;
        let secret = Secret::new(&self.secret);
        for method in SignMethod::ALL {
            let digest = secret.sign(method, params.iter(), self.body.as_bytes());
            print(&format!("{method:<12} {digest}", method = method.to_string()))?;
        }
        if let Some(given) = &self.given {
            print(&format!("given        {}", self.explained(&secret, &params, given)))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What is to be said of a sign: by `sign_method` where that is among the parameters, as a server
    /// reads it.
    fn explained(&self, secret: &Secret, params: &Params<'_>, given: &str) -> String {
        let named = params.get("sign_method").map(str::parse);
        let Ok(method) = named.unwrap_or(Ok(SignMethod::Md5)) else {
            return "sign_method is none of md5, hmac, hmac-sha256".to_owned();
        };
        let body = self.body.as_bytes();
        match wrong_sign(secret, method, params, body, given) {
            Some(mistake) => mistake.to_string(),
            None if secret.verify(method, params.iter(), body, given) => "is right".to_owned(),
            None => "comes from these parameters and this secret in no way known here".to_owned(),
        }
    }
}
