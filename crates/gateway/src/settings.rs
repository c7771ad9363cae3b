//! Settings: flags win over the environment, the environment over the file, the file over defaults.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use top::error::RemoteErrorCode;

/// The largest limit on one body: a quarter of the room that all bodies share.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The largest limit on the calls of one batch: its answers are held in memory together.
const BATCH_CALLS_MAX: u64 = 1000;

/// The longest life of a token: a year, the longest that the platform gives.
const TOKEN_SECONDS_MAX: i64 = 365 * 24 * 60 * 60;

/// The largest journal of calls: some gigabytes, beyond which nobody looks.
const CALLS_KEPT_MAX: u64 = 100_000;

/// The largest cache of documents: 64 GB, beyond which a machine has better uses for its memory.
const DOCUMENT_CACHE_MB_MAX: u64 = 64 * 1024;

/// Settings of a running gateway. Each is a flag, a variable and a key of the settings file.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Where the database is.
    #[command(flatten)]
    pub data: Data,

    /// Address that TOP clients reach the gateway at
    #[arg(long, env = "TRIPWRIGHT_HOST", default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// Address of the operators' listener: apart, so that it is not public by accident
    #[arg(long, env = "TRIPWRIGHT_ADMIN_HOST", default_value = "127.0.0.1")]
    pub admin_host: IpAddr,

    /// Port for TOP clients: /router/rest, /router/batch, /authorize, /token, /docs, health
    #[arg(long, env = "TRIPWRIGHT_PORT", default_value_t = 8080)]
    pub port: u16,

    /// Port for operators; ephemeral when --port is 0 and this is not given
    #[arg(long, env = "TRIPWRIGHT_ADMIN_PORT")]
    pub admin_port: Option<u16>,

    /// Refuse the demo app and demand a sealing key
    #[arg(long, env = "TRIPWRIGHT_PRODUCTION", default_value = "false", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = ArgAction::Set,
          value_parser = BoolishValueParser::new())]
    pub production: bool,

    /// Code of "Remote service error": 50 as the pages print, 15 as the live platform sends
    #[arg(long, env = "TRIPWRIGHT_REMOTE_ERROR_CODE", default_value = "50", value_parser = remote_error_code)]
    pub remote_error_code: RemoteErrorCode,

    /// Let a distributor cancel an order that is paid but not yet with the airline (inferred: off)
    #[arg(long, env = "TRIPWRIGHT_CANCEL_WHILE_TICKETING", default_value = "false", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = ArgAction::Set,
          value_parser = BoolishValueParser::new())]
    pub cancel_while_ticketing: bool,

    /// Let receipts that come before their order wait for it; otherwise they are refused with HT-2001
    #[arg(long, env = "TRIPWRIGHT_PARK_EARLY_RECEIPTS", default_value = "true", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", action = ArgAction::Set,
          value_parser = BoolishValueParser::new())]
    pub park_early_receipts: bool,

    /// Code table of passenger_type in change.detail (inferred: traveller)
    #[arg(long, env = "TRIPWRIGHT_PASSENGER_TYPE_TABLE", value_enum, default_value_t)]
    pub passenger_type_table: PassengerTypeTable,

    /// Name of this host in the comment that ends an XML answer
    #[arg(long, env = "TRIPWRIGHT_NODE", default_value = ".tripwright", value_parser = node_name)]
    pub node: String,

    /// Largest request body, in bytes: twice the largest callback a supplier sends
    #[arg(long, env = "TRIPWRIGHT_BODY_BYTES_MAX", default_value_t = 4 * 1024 * 1024,
          value_parser = clap::value_parser!(u64).range(1..=BODY_BYTES_MAX))]
    pub body_bytes_max: u64,

    /// Most calls in one batch (inferred: no document names the platform's limit)
    #[arg(long, env = "TRIPWRIGHT_BATCH_CALLS_MAX", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=BATCH_CALLS_MAX))]
    pub batch_calls_max: u64,

    /// How long a token lasts that an app gets for a person's consent: a day, as of test apps
    #[arg(long, env = "TRIPWRIGHT_TOKEN_SECONDS", default_value_t = 24 * 60 * 60,
          value_parser = clap::value_parser!(u32).range(60..=TOKEN_SECONDS_MAX))]
    pub token_seconds: u32,

    /// How long it can be refreshed from the consent on (inferred: 90 days); 0 makes it end with its first token
    #[arg(long, env = "TRIPWRIGHT_REFRESH_TOKEN_SECONDS", default_value_t = 90 * 24 * 60 * 60,
          value_parser = clap::value_parser!(u32).range(..=TOKEN_SECONDS_MAX))]
    pub refresh_token_seconds: u32,

    /// Most connections served at once; further ones wait to be accepted. Less when the system
    /// gives fewer descriptors
    #[arg(long, env = "TRIPWRIGHT_CONNECTIONS_MAX", default_value_t = 4096, value_parser = connections)]
    pub connections_max: usize,

    /// How many MB of stored documents are kept as they were read, so that reading one again costs only the
    /// proof that it is the newest (on PostgreSQL, that it is still stored so); in memory they take about twice that, on
    /// PostgreSQL three times, and on SQLite answers that are asked for again 4 MB more. 0 keeps none of either
    #[arg(long, env = "TRIPWRIGHT_DOCUMENT_CACHE_MB", default_value_t = 32,
          value_parser = clap::value_parser!(u64).range(..=DOCUMENT_CACHE_MB_MAX))]
    pub document_cache_mb: u64,

    /// How long to go on after the order to stop, saying "not ready", before nothing more is accepted
    #[arg(long, env = "TRIPWRIGHT_DRAIN_GRACE_SECONDS", default_value_t = 0)]
    pub drain_grace_seconds: u64,

    /// A line in the log for every call. Unless said, the sandbox has it and production does not:
    /// faults are logged either way
    #[arg(long, env = "TRIPWRIGHT_ACCESS_LOG", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub access_log: Option<bool>,

    /// How many of the last calls are kept with what was asked and answered, personal data left out; the
    /// smallest number of all gateways on one database holds. Unless said, 10000 in the sandbox and none in
    /// production; 0 keeps none, and leaves what was kept before
    #[arg(long, env = "TRIPWRIGHT_CALLS_KEPT",
          value_parser = clap::value_parser!(u64).range(..=CALLS_KEPT_MAX))]
    pub calls_kept: Option<u64>,

    /// Form of the log
    #[arg(long, env = "TRIPWRIGHT_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// Where the database is, and the key that seals the personal data in it.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// Folder of the database; the sandbox keeps its sealing key there too
    #[arg(long = "data", global = true, env = "TRIPWRIGHT_DATA", default_value = "./data")]
    pub folder: PathBuf,

    /// PostgreSQL instead of a file in that folder, for many gateways on one database: its address, such
    /// as postgres://user:password@host1,host2/name?sslrootcert=ca.pem (TLS, except to this machine)
    #[arg(long, global = true, env = "TRIPWRIGHT_DATABASE", hide_env_values = true)]
    pub database: Option<String>,

    /// File with the sealing key, 64 hex digits; without one, TRIPWRIGHT_KEY is the key itself
    #[arg(long, global = true, env = "TRIPWRIGHT_KEY_FILE")]
    pub key_file: Option<PathBuf>,
}

impl Data {
    /// The database file, where that is the engine.
    pub fn file(&self) -> PathBuf {
        self.folder.join("tripwright.db")
    }
}

/// Which of the family's two tables codes `passenger_type` in change.detail: no source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PassengerTypeTable {
    /// 0 adult, 1 child, …: the successor of the method.
    #[default]
    Traveller,
    /// 1 adult, 2 child, …: the agent methods.
    Agent,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

fn remote_error_code(text: &str) -> Result<RemoteErrorCode, &'static str> {
    text.parse().ok().and_then(RemoteErrorCode::from_code).ok_or("give 50 or 15")
}

fn connections(text: &str) -> Result<usize, &'static str> {
    /// More than a machine has ports.
    const CONNECTIONS_MAX: usize = 1_000_000;
    let number = text.parse().ok().filter(|number| (1..=CONNECTIONS_MAX).contains(number));
    number.ok_or("give a number from 1 to 1000000")
}

/// The name stands in an XML comment, which cannot hold two hyphens in a row or end in one.
fn node_name(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_';
    if text.len() <= 64 && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err("give up to 64 letters, digits, dots and underscores")
    }
}
