//! `tripwright key`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use store::{KeyState, NOTICE, SealingKey};

use super::{Desk, print, read_key, write_private};
use crate::audit;
use crate::settings::Data;

/// The keys that seal personal data.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(flatten)]
    data: Data,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a new key in the database and seal everything anew with it, while gateways serve
    Rotate {
        /// File with the operator's key to be, made if it is not there: from now on it opens the
        /// database too, and `key retire` under it withdraws the one in use
        #[arg(long)]
        new_key_file: Option<PathBuf>,
    },
    /// Withdraw every operator's key but the one in use: from now on they open nothing, and nothing that
    /// they could open is written any more
    Retire,
    /// List the database's keys, which one seals, and the operator's keys that open them
    List,
}

impl Keys {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        match self.action {
            Action::Rotate { new_key_file } => rotate(&desk, new_key_file).await?,
            Action::Retire => retire(&desk).await?,
            Action::List => {
                for KeyState { id, seals, opened_by } in desk.store.keys().await? {
                    let state = if seals { "seals" } else { "opens" };
                    print(&format!("{id}\t{state}\t{}", opened_by.join(",")))?;
                }
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

async fn rotate(desk: &Desk, new_key_file: Option<PathBuf>) -> anyhow::Result<()> {
    if let Some(path) = new_key_file.as_ref().filter(|path| !path.exists()) {
        write_private(path, &SealingKey::generate().to_hex())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let next = new_key_file.as_deref().map(read_key).transpose()?;
    audit::record(&desk.store, &desk.cause(), "key-rotate", "keys", None).await?;
    desk.store.add_key(next.as_ref()).await?;
    reseal(desk).await?;
    if let Some(path) = new_key_file {
        let path = path.display();
        print(&format!("start every gateway with --key-file {path}"))?;
        print(&format!("then: tripwright key retire --key-file {path}"))?;
    }
    Ok(())
}

async fn retire(desk: &Desk) -> anyhow::Result<()> {
    let opened_by = |keys: Vec<KeyState>| keys.into_iter().flat_map(|key| key.opened_by);
    audit::record(&desk.store, &desk.cause(), "key-retire", "keys", None).await?;
    let before: BTreeSet<_> = opened_by(desk.store.keys().await?).collect();
    desk.store.retire_other_keys().await?;
    let kept: BTreeSet<_> = opened_by(desk.store.keys().await?).collect();
    for withdrawn in before.difference(&kept) {
        print(&format!("withdrew key {withdrawn}"))?;
    }
    // What was withdrawn could open the newest key, too.
    desk.store.add_key(None).await?;
    reseal(desk).await
}

async fn reseal(desk: &Desk) -> anyhow::Result<()> {
    let first = desk.store.reseal().await?;
    // A gateway that had not noticed yet may have sealed with the old key behind our back.
    tokio::time::sleep(NOTICE).await;
    let second = desk.store.reseal().await?;
    print(&format!("sealed {} documents anew", first.count + second.count))?;
    for error in &second.failed {
        eprintln!("error: {error}");
    }
    match second.failed.len() {
        0 => Ok(()),
        some => bail!("{some} documents stay as they are"),
    }
}
