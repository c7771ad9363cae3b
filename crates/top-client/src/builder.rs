//! How a client is set up.

use std::env;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::Url;
use top::sign::Secret;
use top::{Format, SignMethod};

use crate::client::{Client, Shared};
use crate::error::Error;
use crate::retry::Retry;
use crate::{BATCH_ITEMS_MAX, sandbox};

/// How long to wait for a connection: what the official Java client waits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait while nothing arrives: what the official Java client waits.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one try may take in all, so that an answer that trickles does end.
const WHOLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Most idle connections kept to a host: what the official Go client keeps.
const POOL_IDLE_MAX: usize = 50;
/// How long an idle connection is kept: shorter than servers keep theirs.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A client in the making; what is not said is as the official Java client has it.
pub struct Builder {
    url: String,
    batch_url: Option<String>,
    app_key: String,
    app_secret: String,
    session: Option<String>,
    sign_method: SignMethod,
    format: Format,
    gzip: bool,
    connect_timeout: Duration,
    read_timeout: Duration,
    whole_timeout: Duration,
    retry: Retry,
    local_checks: bool,
    batch_items_max: usize,
    clock: Clock,
}

impl Builder {
    pub(crate) fn new(url: &str, app_key: &str, app_secret: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a client keeps the machine's time")]
        let clock = Arc::new(SystemTime::now);
        Self {
            url: url.to_owned(),
            batch_url: None,
            app_key: app_key.to_owned(),
            app_secret: app_secret.to_owned(),
            session: None,
            sign_method: SignMethod::HmacSha256,
            format: Format::Json,
            gzip: true,
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: READ_TIMEOUT,
            whole_timeout: WHOLE_TIMEOUT,
            retry: Retry::off(),
            local_checks: true,
            batch_items_max: BATCH_ITEMS_MAX,
            clock,
        }
    }

    pub(crate) fn from_env() -> Result<Self, Error> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let url = variable("TRIPWRIGHT_URL").unwrap_or_else(|| sandbox::URL.to_owned());
        let session = variable("TRIPWRIGHT_SESSION");
        let Some(app_key) = variable("TRIPWRIGHT_APP_KEY") else {
            let session = session.as_deref().unwrap_or(sandbox::SESSION);
            return Ok(Self::new(&url, sandbox::APP_KEY, sandbox::APP_SECRET).session(session));
        };
        let secret = variable("TRIPWRIGHT_APP_SECRET").ok_or_else(|| {
            Error::Setup("TRIPWRIGHT_APP_KEY is set and TRIPWRIGHT_APP_SECRET is not".to_owned())
        })?;
        Ok(Self { session, ..Self::new(&url, &app_key, &secret) })
    }

    /// The access token that calls carry; see [`Client::with_session`] for more than one.
    #[must_use]
    pub fn session(self, token: &str) -> Self {
        Self { session: Some(token.to_owned()), ..self }
    }

    /// How calls are signed; `hmac-sha256` unless said otherwise.
    #[must_use]
    pub fn sign_method(self, sign_method: SignMethod) -> Self {
        Self { sign_method, ..self }
    }

    /// The form of the answers; JSON unless said otherwise. Typed answers are the same in all three.
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// Whether answers may come packed; yes unless said otherwise.
    #[must_use]
    pub fn gzip(self, gzip: bool) -> Self {
        Self { gzip, ..self }
    }

    /// How long to wait for a connection; 15 s unless said otherwise.
    #[must_use]
    pub fn connect_timeout(self, connect_timeout: Duration) -> Self {
        Self { connect_timeout, ..self }
    }

    /// How long to wait while nothing arrives; 30 s unless said otherwise.
    #[must_use]
    pub fn read_timeout(self, read_timeout: Duration) -> Self {
        Self { read_timeout, ..self }
    }

    /// How long one try may take from its start to the end of its answer; 60 s unless said otherwise.
    #[must_use]
    pub fn whole_timeout(self, whole_timeout: Duration) -> Self {
        Self { whole_timeout, ..self }
    }

    /// When calls are repeated; never unless said otherwise.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Whether a typed request is held to its declaration before it leaves; yes unless said otherwise.
    /// Longest lengths are Tripwright's own (*inferred*), so another server may take more.
    #[must_use]
    pub fn local_checks(self, local_checks: bool) -> Self {
        Self { local_checks, ..self }
    }

    /// Where batches go; beside the URL, with `batch` for its last `rest`, unless said otherwise.
    #[must_use]
    pub fn batch_url(self, batch_url: &str) -> Self {
        Self { batch_url: Some(batch_url.to_owned()), ..self }
    }

    /// Most calls in a batch; [`BATCH_ITEMS_MAX`] unless said otherwise.
    #[must_use]
    pub fn batch_items_max(self, batch_items_max: usize) -> Self {
        Self { batch_items_max, ..self }
    }

    /// Where timestamps come from; the machine's clock unless said otherwise.
    #[must_use]
    pub fn clock(self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The client.
    ///
    /// # Errors
    /// A URL is none, or the system's TLS set-up is unusable.
    pub fn build(self) -> Result<Client, Error> {
        let url = web_address(&self.url)?;
        let batch_url = match &self.batch_url {
            Some(url) => Some(web_address(url)?),
            None => batch_url_beside(&url),
        };
        let http = self.http().map_err(|error| Error::Setup(error.to_string()))?;
        let shared = Shared {
            http,
            url,
            batch_url,
            app_key: self.app_key,
            app_secret: Secret::new(&self.app_secret),
            sign_method: self.sign_method,
            format: self.format,
            local_checks: self.local_checks,
            batch_items_max: self.batch_items_max,
            clock: self.clock,
        };
        Ok(Client::of(shared, self.session, self.retry))
    }

    fn http(&self) -> Result<reqwest::Client, reqwest::Error> {
        // Err means that the process has chosen a provider already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .gzip(self.gzip)
                .connect_timeout(self.connect_timeout)
                .read_timeout(self.read_timeout)
                .timeout(self.whole_timeout)
                .pool_max_idle_per_host(POOL_IDLE_MAX)
                .pool_idle_timeout(POOL_IDLE_TIMEOUT)
                // What was signed for one server is not shown to another.
                .redirect(reqwest::redirect::Policy::none())
                .user_agent(concat!("top-client/", env!("CARGO_PKG_VERSION")))
        };
        builder().build().or_else(|_| {
            // A machine without a certificate store still gets to call.
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
            let roots = roots.filter_map(|der| reqwest::Certificate::from_der(der).ok());
            builder().tls_certs_only(roots).build()
        })
    }
}

fn web_address(text: &str) -> Result<Url, Error> {
    let url =
        Url::parse(text).map_err(|error| Error::Setup(format!("{text} is no URL: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(Error::Setup(format!("{text} begins with neither http:// nor https://")));
    }
    Ok(url)
}

fn batch_url_beside(url: &Url) -> Option<Url> {
    let path = url.path().strip_suffix("/rest")?;
    let mut beside = url.clone();
    beside.set_path(&format!("{path}/batch"));
    Some(beside)
}
