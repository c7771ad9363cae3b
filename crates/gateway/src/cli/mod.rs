//! The command line.

mod account;
mod app;
mod call;
mod explain;
mod file;
mod key;
mod order;
mod seal;
mod serve;
mod session;
mod sign;
mod upkeep;

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::Instant;
use store::{Cause, SealingKey, Store};

use crate::settings::{Data, Settings};
use crate::{Clock, catalogue, context};

/// The version and, where `dev/release` has built it in a checkout, the commit.
const VERSION: &str = match option_env!("TRIPWRIGHT_BUILT_AS") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

/// A self-hosted business-travel platform that speaks TOP (淘宝开放平台).
///
/// Every flag can also be set by the variable named beside it and, with underscores for hyphens, in
/// the settings file. Flags win over variables, variables over the file.
#[derive(Parser)]
#[command(name = "tripwright", version = VERSION)]
struct Cli {
    /// Settings file (TOML)
    #[arg(long, global = true, env = "TRIPWRIGHT_CONFIG")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer TOP clients; loads a demo world on the first start
    Serve(Box<Settings>),
    /// Sign and call a method of any TOP server, and print the answer
    Call(call::Call),
    /// Print the string that is signed and its three digests
    Sign(sign::Sign),
    /// Seal a value with SM4 under a partner's setting
    Seal(seal::Seal),
    /// Open a value sealed with SM4, or say which setting would
    Open(seal::Open),
    /// Apps: who may call
    App(app::App),
    /// Accounts: operators who may sign in to the console and call the operations API
    Account(account::Accounts),
    /// Sessions: access tokens of an app
    Session(session::Session),
    /// Orders: import, list, find, show, advance
    Order(order::Orders),
    /// The keys that seal personal data: rotate, retire, list
    Key(key::Keys),
    /// Bring the database's schema up to date; gateways of the version before go on meanwhile,
    /// unless the changelog names a step that they do not understand
    Migrate(upkeep::Migrate),
    /// Copy the database to a file while gateways go on
    Backup(upkeep::Backup),
    /// Put a backup where the database was
    Restore(upkeep::Restore),
    /// Copy a database from SQLite to PostgreSQL, and compare
    Copy(upkeep::Copy),
    /// Look at everything that can be wrong with the database; fails when something is bad
    Doctor(upkeep::Doctor),
    /// The catalogue of methods
    Docs(Docs),
}

#[derive(Debug, Args)]
struct Docs {
    /// Whole declarations as JSON, for other programs
    #[arg(long)]
    json: bool,
}

/// Runs the program with the process's own arguments.
pub fn run() -> ExitCode {
    let outcome = parse().and_then(|cli| {
        // On one core a second thread is only somebody else to wake.
        let mut builder = match std::thread::available_parallelism() {
            Ok(cores) if cores.get() > 1 => tokio::runtime::Builder::new_multi_thread(),
            _ => tokio::runtime::Builder::new_current_thread(),
        };
        builder.enable_all().build()?.block_on(perform(cli.command))
    });
    match outcome {
        Ok(code) => code,
        // Whoever read our output has seen enough (`| head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.root_cause().downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Reads the arguments twice: first for the settings file, then with its values as defaults.
fn parse() -> anyhow::Result<Cli> {
    let cli = Cli::parse();
    let Some(path) = &cli.config else {
        return Ok(cli);
    };
    let command = file::with_defaults(Cli::command(), path)?;
    Cli::from_arg_matches(&command.get_matches()).map_err(|error| error.exit())
}

async fn perform(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(settings) => serve::serve(*settings).await,
        Command::Call(call) => call.perform().await,
        Command::Sign(sign) => sign.perform(),
        Command::Seal(seal) => seal.perform(),
        Command::Open(open) => open.perform(),
        Command::App(app) => app.perform().await,
        Command::Account(accounts) => accounts.perform().await,
        Command::Session(session) => session.perform().await,
        Command::Order(orders) => orders.perform().await,
        Command::Key(keys) => keys.perform().await,
        Command::Migrate(migrate) => migrate.perform().await,
        Command::Backup(backup) => backup.perform().await,
        Command::Restore(restore) => restore.perform().await,
        Command::Copy(copy) => copy.perform().await,
        Command::Doctor(doctor) => doctor.perform().await,
        Command::Docs(docs) => docs.perform(),
    }
}

impl Docs {
    fn perform(&self) -> anyhow::Result<ExitCode> {
        if self.json {
            print(&format!("{:#}", catalogue::as_json()))?;
        } else {
            for spec in trip_api::SPECS {
                print(&format!("{}\t{}\t{}", spec.name, spec.title.zh, spec.title.en))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints a line; a reader that has gone away is no reason to panic.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot print")
}

/// A command's access to the data, beside a running server or without one.
struct Desk {
    store: Store,
    now: Instant,
}

impl Desk {
    /// Opens the database. One that is not there is only made by a command that was given a key: an
    /// operator preparing a production folder.
    async fn open(data: &Data) -> anyhow::Result<Self> {
        let key = sealing_key(data, Instead::FoundKey)?;
        Ok(Self { store: open_store(data, &key, false).await?, now: Clock::System.now() })
    }

    fn cause(&self) -> Cause {
        Cause { at: self.now, actor: "command line".into(), request_id: context::request_id() }
    }

    async fn close(self) {
        self.store.close().await;
    }
}

/// Opens the database. A file is brought up to date by whoever opens it; a server's schema, on which older
/// gateways may be working, only when told to `migrate`.
async fn open_store(data: &Data, key: &SealingKey, migrate: bool) -> anyhow::Result<Store> {
    Ok(match &data.database {
        Some(address) => Store::open_postgres(address, key, migrate).await?,
        None => Store::open_sqlite(&data.file(), key)?,
    })
}

/// What stands for a sealing key that was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instead {
    /// The sandbox's own, made for a database that is not there yet.
    MadeKey,
    /// The sandbox's own, if it is there.
    FoundKey,
    /// Nothing: a key beside the database is stolen, or lost, with it.
    Nothing,
}

/// The sealing key: from the file that is named for it, from `TRIPWRIGHT_KEY`, or the sandbox's own.
fn sealing_key(data: &Data, instead: Instead) -> anyhow::Result<SealingKey> {
    const VARIABLE: &str = "TRIPWRIGHT_KEY";
    if let Some(path) = &data.key_file {
        return read_key(path);
    }
    if let Some(text) = std::env::var_os(VARIABLE) {
        return text.to_string_lossy().parse().context(VARIABLE);
    }
    let path = data.folder.join("key");
    let database = data.file();
    if data.database.is_some() {
        bail!(
            "a database of many gateways needs a sealing key: set {VARIABLE} or TRIPWRIGHT_KEY_FILE"
        );
    }
    if instead == Instead::Nothing {
        bail!(
            "production needs a sealing key of its own for {}: set {VARIABLE} or TRIPWRIGHT_KEY_FILE",
            database.display()
        );
    }
    if !path.exists() {
        match (instead, database.exists()) {
            (_, true) => bail!(
                "{} is sealed with a key that is not here: set {VARIABLE} or TRIPWRIGHT_KEY_FILE, \
                 or put back {}",
                database.display(),
                path.display()
            ),
            (Instead::MadeKey, false) => write_private(&path, &SealingKey::generate().to_hex())
                .with_context(|| format!("cannot write {}", path.display()))?,
            (Instead::FoundKey | Instead::Nothing, false) => bail!(
                "there is no database {}: start the sandbox first (tripwright serve), name another \
                 folder (--data), or give a new database its sealing key ({VARIABLE} or \
                 TRIPWRIGHT_KEY_FILE)",
                database.display()
            ),
        }
    }
    read_key(&path)
}

fn read_key(path: &Path) -> anyhow::Result<SealingKey> {
    let shown = path.display();
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the key file {shown}"))?;
    text.parse().with_context(|| shown.to_string())
}

/// Writes a file that only its owner can read, whole or not at all, and never over another: of two
/// that write at once, one is kept.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // A name of its own: one that was left behind by a kill is in nobody's way.
    let draft = path.with_extension(format!("{}.new", context::request_id()));
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    let placed = match std::fs::hard_link(&draft, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    std::fs::remove_file(&draft)?;
    std::fs::File::open(folder)?.sync_all()?;
    placed
}

/// Reads `name=value`.
fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("give name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}
