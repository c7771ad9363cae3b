//! The client: it signs, sends and reads.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Url;
use top::sign::Secret;
use top::{Date, Format, Method, Session, SignMethod, form};

use crate::batch::{Batch, BatchAnswer};
use crate::builder::Builder;
use crate::check;
use crate::error::Error;
use crate::prepared::Prepared;
use crate::raw::{ANSWER_BYTES_MAX, Raw, Reply};
use crate::retry::Retry;

/// Calls one app's methods on one server. Clones are cheap and share their connections.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
    session: Option<String>,
    retry: Retry,
}

/// What all clones of a client have in common.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) url: Url,
    pub(crate) batch_url: Option<Url>,
    pub(crate) app_key: String,
    pub(crate) app_secret: Secret,
    pub(crate) sign_method: SignMethod,
    pub(crate) format: Format,
    pub(crate) local_checks: bool,
    pub(crate) batch_items_max: usize,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.shared.url.as_str())
            .field("app_key", &self.shared.app_key)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client that signs with `hmac-sha256`, asks for JSON and retries nothing.
    ///
    /// # Errors
    /// `url` is none, or the system's TLS set-up is unusable.
    pub fn new(url: &str, app_key: &str, app_secret: &str) -> Result<Self, Error> {
        Self::builder(url, app_key, app_secret).build()
    }

    /// A client to set up further.
    pub fn builder(url: &str, app_key: &str, app_secret: &str) -> Builder {
        Builder::new(url, app_key, app_secret)
    }

    /// A client for what the environment names, as `tripwright call` has it: `TRIPWRIGHT_URL`,
    /// `TRIPWRIGHT_APP_KEY`, `TRIPWRIGHT_APP_SECRET` and `TRIPWRIGHT_SESSION`. Without an app key, it
    /// calls as the [`sandbox`](crate::sandbox)'s demo app; without a URL, that of this machine.
    ///
    /// # Errors
    /// The URL is none, or there is an app key without its secret.
    pub fn from_env() -> Result<Self, Error> {
        Builder::from_env()?.build()
    }

    pub(crate) fn of(shared: Shared, session: Option<String>, retry: Retry) -> Self {
        Self { shared: Arc::new(shared), session, retry }
    }

    /// The same client with another access token, for a caller who acts for many.
    #[must_use]
    pub fn with_session(&self, token: &str) -> Self {
        Self { session: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client with another policy of retries.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self { retry, ..self.clone() }
    }

    /// Calls a declared method. The session goes only to methods that need one.
    ///
    /// # Errors
    /// The platform, or the client before it, said no; or no answer of the declared shape came.
    pub async fn call<M: Method>(&self, request: &M) -> Result<Reply<M::Response>, Error> {
        if let Some(fault) = check::check(request).filter(|_| self.shared.local_checks) {
            return Err(fault.into());
        }
        let params = form::request_params(request);
        let params: Vec<_> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let session = self.session.as_deref().filter(|_| M::SESSION == Session::Required);
        let prepare = || self.signed(Some(M::NAME), &params, session, None);
        self.attempt(M::IDEMPOTENT, prepare).await?.into_reply()
    }

    /// Calls any method by name and returns the answer as it came, an `error_response` included: see
    /// [`Raw::error`]. A parameter called like a public one (`format`, `timestamp`) replaces it.
    ///
    /// # Errors
    /// No answer came, or not with HTTP status 200.
    pub async fn execute(&self, method: &str, params: &[(&str, &str)]) -> Result<Raw, Error> {
        self.attempt(false, || self.prepare(method, params)).await
    }

    /// Calls many methods at once, see [`Batch`].
    ///
    /// # Errors
    /// The batch as a whole was refused, by the client or the platform, or no answer to it came.
    pub async fn call_batch(&self, batch: &Batch) -> Result<BatchAnswer, Error> {
        batch.check(self.shared.local_checks, self.shared.batch_items_max)?;
        let session = self.session.as_deref().filter(|_| batch.needs_session());
        let prepare = || self.signed(None, &[], session, Some(batch.body()));
        let raw = self.attempt(batch.is_idempotent(), prepare).await?;
        BatchAnswer::read(raw, batch.len())
    }

    /// The call that [`execute`](Self::execute) would make, signed now: to look at, or to
    /// [`send`](Self::send).
    pub fn prepare(&self, method: &str, params: &[(&str, &str)]) -> Prepared {
        self.signed(Some(method), params, self.session.as_deref(), None)
    }

    /// Sends what was prepared, once.
    ///
    /// # Errors
    /// No answer came, or not with HTTP status 200.
    pub async fn send(&self, prepared: &Prepared) -> Result<Raw, Error> {
        let shared = &self.shared;
        let (url, request) = match &prepared.batch {
            None => {
                let post = shared.http.post(shared.url.clone());
                let form = "application/x-www-form-urlencoded;charset=UTF-8";
                (&shared.url, post.header("content-type", form).body(prepared.form()))
            }
            Some(body) => {
                let url = shared.batch_url.as_ref().ok_or_else(|| {
                    Error::Setup(format!("{} does not end in /rest; set batch_url", shared.url))
                })?;
                let mut signed = url.clone();
                signed.set_query(Some(&prepared.form()));
                let post = shared.http.post(signed);
                (url, post.header("content-type", "text/plain;charset=UTF-8").body(body.clone()))
            }
        };
        self.exchange(url.as_str(), request.header("accept", "text/xml,text/javascript")).await
    }

    async fn exchange(&self, url: &str, request: reqwest::RequestBuilder) -> Result<Raw, Error> {
        let failed = |error| Error::transport(url, error);
        let mut answer = request.send().await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                let reason = format!("an answer of more than {ANSWER_BYTES_MAX} bytes");
                return Err(Error::Transport { url: url.to_owned(), reason, source: None });
            }
        }
        let (body, is_text) = match String::from_utf8(bytes) {
            Ok(body) => (body, true),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
        };
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let raw = Raw { format: self.shared.format, status, headers, body };
        match (status, is_text) {
            (200, true) => Ok(raw),
            (200, false) => Err(raw.unreadable("not UTF-8")),
            _ => Err(Error::Status { url: url.to_owned(), raw: Box::new(raw) }),
        }
    }

    /// Sends until it was served, the policy says enough, or trying again would help nobody.
    async fn attempt(
        &self,
        idempotent: bool,
        prepare: impl Fn() -> Prepared,
    ) -> Result<Raw, Error> {
        let mut retries_left = self.retry.retries_for(idempotent);
        loop {
            let outcome = self.send(&prepare()).await;
            let is_temporary = retries_left > 0
                && match &outcome {
                    Ok(raw) => raw.error().is_some_and(|error| error.is_platforms_own()),
                    Err(error) => error.is_temporary(),
                };
            if !is_temporary {
                return outcome;
            }
            retries_left -= 1;
            tokio::time::sleep(self.retry.pause).await;
        }
    }

    /// A call signed now; the method's own parameters come first, and of a name the first counts.
    fn signed(
        &self,
        method: Option<&str>,
        params: &[(&str, &str)],
        session: Option<&str>,
        batch: Option<String>,
    ) -> Prepared {
        let shared = &self.shared;
        let (format, simplify) = match shared.format {
            Format::Xml => ("xml", None),
            Format::Json => ("json", None),
            Format::SimplifiedJson => ("json", Some("true")),
        };
        let own = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let asked = own("sign_method").and_then(|name| name.parse().ok());
        let sign_method: SignMethod = asked.unwrap_or(shared.sign_method);
        let timestamp = timestamp((shared.clock)());
        let sign_method_name = sign_method.to_string();
        let public = [
            ("method", method),
            ("app_key", Some(shared.app_key.as_str())),
            ("session", session),
            ("timestamp", Some(timestamp.as_str())),
            ("v", Some("2.0")),
            ("format", Some(format)),
            ("simplify", simplify),
            ("sign_method", Some(sign_method_name.as_str())),
            // Who brings a sign of another program's has signed what that program sent.
            ("partner_id", Some(PARTNER_ID).filter(|_| own("sign").is_none())),
        ];
        let public = public.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let pairs = params.iter().copied().chain(public);
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Prepared::new(&shared.app_secret, sign_method, pairs, batch)
    }
}

/// Which SDK calls, as the platform counts them.
const PARTNER_ID: &str = concat!("tripwright-", env!("CARGO_PKG_VERSION"));

/// The time on the platform's clock, whatever zone this machine keeps.
fn timestamp(now: SystemTime) -> String {
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    Date::at_platform(i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX)).to_string()
}
