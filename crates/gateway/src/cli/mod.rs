//! The command line.

mod app;
mod call;
mod file;
mod order;
mod serve;
mod session;
mod sign;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use domain::Instant;
use store::{Cause, SealingKey, Store};

use crate::settings::{Data, Settings};
use crate::{Clock, catalogue, context};

/// A self-hosted business-travel platform that speaks TOP (淘宝开放平台).
///
/// Every flag can also be set by the variable named beside it and, with underscores for hyphens, in
/// the settings file. Flags win over variables, variables over the file.
#[derive(Debug, Parser)]
#[command(name = "tripwright", version)]
struct Cli {
    /// Settings file (TOML)
    #[arg(long, global = true, env = "TRIPWRIGHT_CONFIG")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer TOP clients; loads a demo world on the first start
    Serve(Box<Settings>),
    /// Sign and call a method of any TOP server, and print the answer
    Call(call::Call),
    /// Print the string that is signed and its three digests
    Sign(sign::Sign),
    /// Apps: who may call
    App(app::App),
    /// Sessions: access tokens of an app
    Session(session::Session),
    /// Orders: import, list, show, advance
    Order(order::Orders),
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
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(perform(cli.command))
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
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
        Command::App(app) => app.perform().await,
        Command::Session(session) => session.perform().await,
        Command::Order(orders) => orders.perform().await,
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
    fn open(data: &Data) -> anyhow::Result<Self> {
        let store = Store::open_sqlite(&data.database(), &sealing_key(data, false)?)?;
        Ok(Self { store, now: Clock::System.now() })
    }

    fn cause(&self) -> Cause {
        Cause { at: self.now, actor: "command line".into(), request_id: context::request_id() }
    }

    async fn close(self) -> anyhow::Result<ExitCode> {
        self.store.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// The sealing key: from `TRIPWRIGHT_KEY`, the file named for it, or the sandbox's own file, which
/// is made when it is not there. Production makes none: it would be lost with the disk it is on.
fn sealing_key(data: &Data, production: bool) -> anyhow::Result<SealingKey> {
    const VARIABLE: &str = "TRIPWRIGHT_KEY";
    if let Ok(text) = std::env::var(VARIABLE) {
        return text.parse().context(VARIABLE);
    }
    if let Some(path) = &data.key_file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the key file {}", path.display()))?;
        return text.parse().with_context(|| path.display().to_string());
    }
    if production {
        bail!("--production needs a sealing key: set {VARIABLE} or TRIPWRIGHT_KEY_FILE");
    }
    let path = data.folder.join("key");
    match std::fs::read_to_string(&path) {
        Ok(text) => text.parse().with_context(|| path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SealingKey::generate();
            write_private(&path, &key.to_hex())
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Writes a file that only its owner can read, and never over another.
fn write_private(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

/// Reads `name=value`.
fn name_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("give name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}
