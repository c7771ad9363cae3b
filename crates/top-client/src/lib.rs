//! A client for any TOP server: it signs, sends, and reads the answer, typed or as it came.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use top::answer::{self, Answer, Unreadable};
use top::sign::Secret;
use top::{Format, Method, Params, SignMethod, form};

/// How long to wait for a connection: what the official Java client waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait for a whole answer: what the official Java client waits.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Where to call, as whom.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    server_url: String,
    app_key: String,
    app_secret: Secret,
    sign_method: SignMethod,
    format: Format,
}

/// The call did not come back with an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing, or nothing readable, came back.
    #[error("no answer from {url}: {source}")]
    Transport {
        /// Where the call went.
        url: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// What came back is no answer of the declared shape.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The client could not be set up.
    #[error("cannot set up the client: {0}")]
    Setup(reqwest::Error),
}

impl Client {
    /// A client that signs with `hmac-sha256` and asks for JSON, as current SDKs do.
    ///
    /// # Errors
    /// The system's TLS set-up is unusable.
    pub fn new(server_url: &str, app_key: &str, app_secret: &str) -> Result<Self, Error> {
        // Err means that the process has chosen a provider already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder =
            || reqwest::Client::builder().connect_timeout(CONNECT_TIMEOUT).timeout(READ_TIMEOUT);
        let http = builder().build().or_else(|_| {
            // A machine without a certificate store still gets to call.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots = roots.filter_map(|der| reqwest::Certificate::from_der(der).ok());
            builder().tls_certs_only(roots).build()
        });
        Ok(Self {
            http: http.map_err(Error::Setup)?,
            server_url: server_url.to_owned(),
            app_key: app_key.to_owned(),
            app_secret: Secret::new(app_secret),
            sign_method: SignMethod::HmacSha256,
            format: Format::Json,
        })
    }

    /// Signs with another method.
    #[must_use]
    pub fn sign_method(self, sign_method: SignMethod) -> Self {
        Self { sign_method, ..self }
    }

    /// Asks for another format.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Calls a declared method and reads its answer.
    ///
    /// # Errors
    /// No answer came back, or one that does not have the declared shape.
    pub async fn call<M: Method>(
        &self,
        request: &M,
        session: Option<&str>,
    ) -> Result<Answer<M::Response>, Error> {
        let params: Vec<_> = form::request_params(request)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let body = self.execute(M::NAME, &params, session).await?;
        Ok(answer::read(self.format, &body)?)
    }

    /// Calls `method` and returns the body of the answer, whatever it says.
    ///
    /// # Errors
    /// No answer came back.
    pub async fn execute(
        &self,
        method: &str,
        params: &[(String, String)],
        session: Option<&str>,
    ) -> Result<String, Error> {
        let body = self.signed_form(method, params, session);
        let failed = |source| Error::Transport { url: self.server_url.clone(), source };
        let request = self
            .http
            .post(&self.server_url)
            .header("content-type", "application/x-www-form-urlencoded;charset=UTF-8")
            .body(body);
        request.send().await.map_err(failed)?.text().await.map_err(failed)
    }

    /// The parameters of a call, signed now. Empty ones are left out, so that nobody can disagree
    /// on whether they are signed.
    fn signed_form(
        &self,
        method: &str,
        params: &[(String, String)],
        session: Option<&str>,
    ) -> String {
        #[expect(clippy::disallowed_methods, reason = "a client keeps the machine's time")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (format, simplify) = match self.format {
            Format::Xml => ("xml", None),
            Format::Json => ("json", None),
            Format::SimplifiedJson => ("json", Some("true")),
        };
        let timestamp = timestamp(since_epoch);
        let sign_method = self.sign_method.to_string();
        let public = [
            ("method", Some(method)),
            ("app_key", Some(self.app_key.as_str())),
            ("session", session),
            ("timestamp", Some(timestamp.as_str())),
            ("v", Some("2.0")),
            ("format", Some(format)),
            ("simplify", simplify),
            ("sign_method", Some(sign_method.as_str())),
            ("partner_id", Some(concat!("tripwright-", env!("CARGO_PKG_VERSION")))),
        ];
        let public = public.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let own = params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<_> = public
            .chain(own)
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value)))
            .collect();
        let params = Params::from_pairs(pairs);
        let signature = self.app_secret.sign(self.sign_method, params.iter(), b"");
        form::encode(params.iter().chain([("sign", signature.as_str())]))
    }
}

/// The time on the platform's clock, whatever zone this machine keeps.
fn timestamp(since_epoch: Duration) -> String {
    top::Date::at_platform(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)).to_string()
}
