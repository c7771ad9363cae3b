//! A connection, and what its errors mean.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt as _;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;

/// How long one host has to answer, to the end of its greeting, before the next is tried: one that takes a
/// connection and says nothing must not hide the others.
const HOST_TIMEOUT: Duration = Duration::from_secs(2);
/// After how much silence a host is asked whether it is still there, and given up when it is not.
const SILENCE: Duration = Duration::from_secs(10);
/// Asked of every connection. A statement takes milliseconds, so one that takes this long waits for
/// something that will not come; PostgreSQL does not stop the wait for a standby by it. The plans are
/// made once: they do not depend on how many changes a statement carries.
const SETTINGS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '10s'; \
     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off";

/// Where the database is.
pub(super) struct Target {
    /// One for each host.
    hosts: Vec<Config>,
    /// The host that was there last time.
    last: AtomicUsize,
    tls: Option<MakeRustlsConnect>,
}

impl Target {
    /// Reads an address. `sslrootcert` names a file with the authority that signed the server's
    /// certificate; without it the system's authorities are asked. A server elsewhere is spoken to with
    /// TLS unless `sslmode=disable`.
    pub(super) fn read(url: &str) -> Result<Self, Error> {
        let bad = |why: String| Error::Address(why);
        let (url, root) = take_parameter(url, "sslrootcert");
        let given: Config = url.parse().map_err(|error| bad(describe(&error)))?;
        if !given.get_hostaddrs().is_empty() {
            return Err(bad("hostaddr is not taken: give the address as host".to_owned()));
        }
        if given.get_hosts().is_empty() {
            return Err(bad("it names no host".to_owned()));
        }
        // `prefer`, the default, is neither safe nor needed.
        let wanted = match given.get_ssl_mode() {
            SslMode::Prefer => !given.get_hosts().iter().all(is_near),
            SslMode::Disable => false,
            _ => true,
        };
        let tls = wanted.then(|| tls(root.as_deref()).map_err(bad)).transpose()?;
        let hosts = given.get_hosts().iter().enumerate();
        let hosts = hosts.map(|(at, host)| alone(&given, host, at, wanted)).collect();
        Ok(Self { hosts, last: AtomicUsize::new(0), tls: tls.map(MakeRustlsConnect::new) })
    }

    /// Connects to the first host that takes changes.
    pub(super) async fn connect(&self) -> Result<Link, Error> {
        let first = self.last.load(Ordering::Relaxed);
        let mut why = String::new();
        for turn in 0..self.hosts.len() {
            let at = (first + turn) % self.hosts.len();
            let opened = async {
                match self.tls.clone() {
                    Some(tls) => Link::open(&self.hosts[at], tls).await,
                    None => Link::open(&self.hosts[at], NoTls).await,
                }
            };
            why = match tokio::time::timeout(HOST_TIMEOUT, opened).await {
                Ok(Ok(link)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(link);
                }
                Ok(Err(error)) => describe(&error),
                Err(_) => "no answer in time".to_owned(),
            };
        }
        Err(Error::Unreachable(why))
    }
}

/// Whether a host is this machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
            name == "localhost" || address.is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// The settings of one host among several.
fn alone(given: &Config, host: &Host, at: usize, tls: bool) -> Config {
    let mut config = Config::new();
    match host {
        Host::Tcp(name) => config.host(name),
        Host::Unix(path) => config.host_path(path),
    };
    let ports = given.get_ports();
    if let Some(port) = ports.get(at).or_else(|| ports.first()) {
        config.port(*port);
    }
    given.get_user().map(|user| config.user(user));
    given.get_password().map(|password| config.password(password));
    given.get_dbname().map(|name| config.dbname(name));
    given.get_options().map(|options| config.options(options));
    config
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .channel_binding(given.get_channel_binding())
        .ssl_mode(if tls { SslMode::Require } else { SslMode::Disable })
        .application_name("tripwright")
        .keepalives_idle(SILENCE)
        .tcp_user_timeout(SILENCE);
    config
}

/// Takes a parameter that the client library does not know out of an address.
fn take_parameter(url: &str, name: &str) -> (String, Option<String>) {
    let Some((address, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (ours, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|pair| pair.split('=').next() == Some(name));
    let value = ours.first().and_then(|pair| pair.split_once('=')).map(|(_, value)| value);
    (format!("{address}?{}", rest.join("&")), value.map(str::to_owned))
}

fn tls(root: Option<&str>) -> Result<ClientConfig, String> {
    // The first to ask decides for the process; everybody here asks for the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Some(path) = root else {
        return ClientConfig::with_platform_verifier().map_err(|error| error.to_string());
    };
    let unreadable = |error: &dyn std::error::Error| format!("sslrootcert {path}: {error}");
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(format!("sslrootcert {path} has no certificate"));
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

/// A connection. Whoever shares it shares its pipeline.
pub(super) struct Link {
    client: Client,
    statements: Mutex<HashMap<&'static str, Statement>>,
    /// The server warned that a commit was acknowledged without its standby.
    doubtful: Arc<AtomicBool>,
}

impl Link {
    async fn open<T>(config: &Config, tls: T) -> Result<Self, tokio_postgres::Error>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, mut connection) = config.connect(tls).await?;
        let doubtful = Arc::new(AtomicBool::new(false));
        let doubt = Arc::clone(&doubtful);
        tokio::spawn(async move {
            // Notices come in order with the answers: the doubt is there before the answer is.
            let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message
                    && *notice.code() == SqlState::WARNING
                {
                    doubt.store(true, Ordering::SeqCst);
                }
            }
        });
        client.batch_execute(SETTINGS).await?;
        Ok(Self { client, statements: Mutex::default(), doubtful })
    }

    /// The client itself, for what is not prepared.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the server has ever warned: who shares it cannot know whose commit that was.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful.load(Ordering::SeqCst)
    }

    async fn statement(&self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        let known = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        known().insert(sql, statement.clone());
        Ok(statement)
    }

    /// Asks what is asked too seldom, or too variously, to be kept prepared.
    pub(super) async fn query_once(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.client.query(sql, values).await
    }

    pub(super) async fn query(
        &self,
        sql: &'static str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let statement = self.statement(sql).await?;
        self.client.query(&statement, values).await
    }
}

/// What an error says about the statement that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It did not happen, and may when it is tried again.
    Again,
    /// It did not happen, and nobody is there who could do it now.
    Elsewhere,
    /// It may have happened.
    Unknown,
    /// It did not happen and will not.
    Failed,
}

pub(super) fn fate(error: &tokio_postgres::Error) -> Fate {
    let Some(answer) = error.as_db_error() else {
        let source = std::error::Error::source(error);
        let lost = error.is_closed() || source.is_some_and(|source| source.is::<std::io::Error>());
        return if lost { Fate::Unknown } else { Fate::Failed };
    };
    match (answer.parsed_severity(), answer.code()) {
        (Some(Severity::Error), code) => match *code {
            // A unique key is violated when two claim one number at the same instant.
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::UNIQUE_VIOLATION => Fate::Again,
            SqlState::READ_ONLY_SQL_TRANSACTION => Fate::Elsewhere,
            SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Fate::Unknown,
            _ => Fate::Failed,
        },
        // The session is gone, and the order to go may have come after the commit.
        _ => Fate::Unknown,
    }
}

/// What an error says, without what it says it about: its details have keys and values in them.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(answer) = error.as_db_error() {
        let (severity, code) = (answer.severity(), answer.code().code());
        return format!("{severity} {code}: {}", answer.message());
    }
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_spoken_to_with_tls_unless_told_otherwise() {
        for (url, expected) in [
            ("postgres://u@localhost/d", false),
            ("postgres://u@127.0.0.1,[::1]/d", false),
            ("postgres:///d?host=/run/postgresql", false),
            ("postgres://u@localhost/d?sslmode=require", true),
            ("postgres://u@db1,localhost/d", true),
            ("postgres://u@db1/d?sslmode=disable", false),
            ("postgres://u@db1/d?sslmode=prefer", true),
            ("postgres://u@127.example.com/d", true),
        ] {
            let target = Target::read(url).unwrap();
            assert_eq!(target.tls.is_some(), expected, "{url}");
        }
        let missing = Target::read("postgres://u@db1/d?sslrootcert=/no/such/file").err().unwrap();
        assert!(missing.to_string().contains("sslrootcert /no/such/file"), "{missing}");
        for bad in
            ["postgres://u@db1/d?nonsense=1", "postgres:///d?hostaddr=10.0.0.5", "postgres:///d"]
        {
            assert!(matches!(Target::read(bad), Err(Error::Address(_))), "{bad}");
        }
    }
}
