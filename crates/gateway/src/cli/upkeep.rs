//! `tripwright migrate`, `backup`, `restore`, `copy` and `doctor`: what an operator does to a database.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use store::{Finding, Store, Sum, Verdict};

use super::{Desk, Instead, open_store, print, sealing_key};
use crate::settings::Data;
use crate::{Clock, demo};

/// Bring the schema up to date.
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    data: Data,
}

impl Migrate {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let key = sealing_key(&self.data, Instead::FoundKey)?;
        open_store(&self.data, &key, true).await?.close().await;
        print("the schema is up to date")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Copy the database to a file.
#[derive(Debug, Args)]
pub struct Backup {
    /// The file, which must not be there yet
    to: PathBuf,

    #[command(flatten)]
    data: Data,
}

impl Backup {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        desk.store.back_up(&self.to).await?;
        desk.close().await;
        print(&format!("{}: keep it apart from the sealing key", self.to.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Put a backup where the database was.
#[derive(Debug, Args)]
pub struct Restore {
    /// The file
    from: PathBuf,

    #[command(flatten)]
    data: Data,
}

impl Restore {
    /// Does it. A database that is there is not written over.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        if self.data.database.is_some() {
            bail!("PostgreSQL is restored by its own tools: pg_restore, or a base backup");
        }
        let (from, to) = (&self.from, self.data.file());
        if to.exists() {
            bail!("{} is there: move it away first", to.display());
        }
        if !from.is_file() {
            bail!("there is no file {}", from.display());
        }
        let key = sealing_key(&self.data, Instead::FoundKey)?;
        let draft = to.with_extension("restoring");
        std::fs::create_dir_all(&self.data.folder)?;
        std::fs::copy(from, &draft).with_context(|| format!("cannot copy {}", from.display()))?;
        // It must be whole and open with the key before it takes the place.
        let checked = check(&draft, &key).await;
        for left in ["restoring-wal", "restoring-shm"] {
            let _ = std::fs::remove_file(to.with_extension(left));
        }
        if let Err(error) = checked {
            std::fs::remove_file(&draft)?;
            return Err(error.context(format!("{} is not restored", from.display())));
        }
        std::fs::File::open(&draft)?.sync_all()?;
        std::fs::rename(&draft, &to)?;
        std::fs::File::open(&self.data.folder)?.sync_all()?;
        print(&format!("restored {}", to.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn check(file: &Path, key: &store::SealingKey) -> anyhow::Result<()> {
    let store = Store::open_sqlite(file, key)?;
    let findings = store.examine(Clock::System.now()).await?;
    let apps = store.apps().await;
    store.close().await;
    apps?;
    match findings.iter().find(|finding| finding.verdict == Verdict::Bad) {
        Some(bad) => bail!("{}: {}", bad.what, bad.found),
        None => Ok(()),
    }
}

/// Copy a database from SQLite to PostgreSQL.
#[derive(Debug, Args)]
pub struct Copy {
    /// sqlite:FILE; stop its gateway first
    #[arg(long)]
    from: String,

    /// postgres://…, a database that was never used; a password is better kept in the variable
    #[arg(long, env = "TRIPWRIGHT_DATABASE", hide_env_values = true)]
    to: String,
}

impl Copy {
    /// Does it, and compares.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let file = self.from.strip_prefix("sqlite:").map(PathBuf::from);
        let file = file.context("--from must be sqlite:FILE")?;
        if !file.is_file() {
            bail!("there is no file {}", file.display());
        }
        if !self.to.starts_with("postgres") {
            bail!("--to must be postgres://…");
        }
        let mut bar = Bar::new();
        let (read, found) = store::copy(&file, &self.to, |done, of| bar.show(done, of)).await?;
        bar.end();
        let mut differ = 0;
        let nothing = Sum::default();
        for name in read.keys().chain(found.keys().filter(|name| !read.contains_key(*name))) {
            let (ours, theirs) =
                (read.get(name).unwrap_or(&nothing), found.get(name).unwrap_or(&nothing));
            let verdict = if ours == theirs { "equal" } else { "DIFFERENT" };
            differ += usize::from(ours != theirs);
            print(&format!("{name}\t{} rows\t{}\t{verdict}", theirs.rows, theirs.checksum()))?;
        }
        if differ > 0 {
            bail!("{differ} sums differ: was the one written to, or the other in use?");
        }
        print("copied; the same sealing key opens both")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line on a terminal that says how far something is.
struct Bar {
    shown: u64,
    is_seen: bool,
}

impl Bar {
    const WIDTH: u64 = 40;

    fn new() -> Self {
        Self { shown: u64::MAX, is_seen: std::io::stderr().is_terminal() }
    }

    fn show(&mut self, done: u64, of: u64) {
        let percent = (done * 100).checked_div(of).unwrap_or(100);
        if !self.is_seen || percent == self.shown {
            return;
        }
        self.shown = percent;
        let full = usize::try_from(percent * Self::WIDTH / 100).unwrap_or_default();
        let rest = usize::try_from(Self::WIDTH).unwrap_or_default() - full;
        eprint!("\r[{}{}] {percent} % of {of} rows", "#".repeat(full), " ".repeat(rest));
    }

    fn end(&self) {
        if self.is_seen {
            eprintln!();
        }
    }
}

/// Look at everything that can be wrong.
#[derive(Debug, Args)]
pub struct Doctor {
    #[command(flatten)]
    data: Data,
}

impl Doctor {
    /// Prints a line for each thing looked at; fails when something is bad.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        let mut findings = desk.store.examine(desk.now).await?;
        let keys = desk.store.keys().await?;
        let wrappers = keys.first().map_or(0, |key| key.opened_by.len());
        findings.push(Finding {
            what: "sealing keys",
            found: match wrappers {
                1 => "opened by one operator's key".to_owned(),
                more => format!("opened by {more} operator's keys: finish with key retire"),
            },
            verdict: if wrappers == 1 { Verdict::Good } else { Verdict::Odd },
        });
        let apps = desk.store.apps().await?;
        let demo = apps.iter().any(|app| demo::is_demo_app(app) && app.revoked_at.is_none());
        findings.push(Finding {
            what: "demo app",
            found: if demo { "there, for the sandbox only" } else { "not there" }.to_owned(),
            verdict: if demo { Verdict::Odd } else { Verdict::Good },
        });
        desk.close().await;
        let mut bad = 0;
        for Finding { what, found, verdict } in findings {
            let (mark, colour) = match verdict {
                Verdict::Good => ("ok", "32"),
                Verdict::Odd => ("look", "33"),
                Verdict::Bad => ("BAD", "31"),
            };
            bad += usize::from(verdict == Verdict::Bad);
            let mark = match std::io::stdout().is_terminal() {
                true => format!("\x1b[{colour}m{mark}\x1b[0m"),
                false => mark.to_owned(),
            };
            print(&format!("{mark}\t{what}\t{found}"))?;
        }
        Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
