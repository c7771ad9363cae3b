//! `tripwright app`

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::Pii;
use domain::access::{App as Application, Entitlement, Quota};
use domain::id::{AppKey, ChannelId, SubChannel};

use super::{Desk, print};
use crate::context;
use crate::settings::Data;

/// Apps.
#[derive(Debug, Args)]
pub struct App {
    #[command(flatten)]
    data: Data,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add an app; prints its secret
    Add(Add),
    /// List all apps
    List,
    /// Withdraw an app: from then on it is unknown
    Revoke {
        /// Its key
        app_key: AppKey,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// Its key
    app_key: AppKey,

    /// File with its secret (or set TRIPWRIGHT_APP_SECRET); made up when neither is given
    #[arg(long)]
    secret_file: Option<PathBuf>,

    /// A method it may call; every method when none is named
    #[arg(long = "method")]
    methods: Vec<String>,

    /// A flight sub-channel it distributes for
    #[arg(long = "sub-channel")]
    sub_channels: Vec<SubChannel>,

    /// A car-rental channel it distributes for
    #[arg(long = "channel")]
    channels: Vec<ChannelId>,

    /// Calls it may make in one day of the platform's clock
    #[arg(long)]
    calls_per_day: Option<u32>,

    /// Calls it may make in one second
    #[arg(long)]
    calls_per_second: Option<u32>,

    /// Replace the app if it is there
    #[arg(long)]
    replace: bool,
}

impl App {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data)?;
        match self.action {
            Action::Add(add) => add.perform(&desk).await?,
            Action::List => list(&desk).await?,
            Action::Revoke { app_key } => {
                let app = desk.store.app(&app_key).await?;
                let mut app = app.with_context(|| format!("there is no app {app_key}"))?;
                // Revoking twice is revoking once.
                app.revoked_at.get_or_insert(desk.now);
                desk.store.put_app(&app).await?;
                print(&format!("revoked {app_key}"))?;
            }
        }
        desk.close().await
    }
}

impl Add {
    async fn perform(self, desk: &Desk) -> anyhow::Result<()> {
        if !self.replace && desk.store.app(&self.app_key).await?.is_some() {
            bail!("there is an app {} already; --replace changes it", self.app_key);
        }
        let known = |name: &&String| trip_api::SPECS.iter().any(|spec| spec.name == **name);
        if let Some(unknown) = self.methods.iter().find(|name| !known(name)) {
            bail!("there is no method {unknown}; `tripwright docs` lists them");
        }
        let secret = match (&self.secret_file, std::env::var("TRIPWRIGHT_APP_SECRET")) {
            (Some(path), _) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display()))?
                .trim()
                .to_owned(),
            (None, Ok(secret)) => secret,
            (None, Err(_)) => context::token(),
        };
        if secret.is_empty() {
            bail!("the secret is empty");
        }
        print(&format!("app_key {}", self.app_key))?;
        print(&format!("secret {secret}"))?;
        let methods: BTreeSet<_> = self.methods.into_iter().collect();
        let app = Application {
            key: self.app_key,
            secret: Pii::new(secret),
            methods: if methods.is_empty() { Entitlement::All } else { Entitlement::Only(methods) },
            sub_channels: self.sub_channels.into_iter().collect(),
            channels: self.channels.into_iter().collect(),
            quota: Quota {
                calls_per_day: self.calls_per_day,
                calls_per_second: self.calls_per_second,
            },
            revoked_at: None,
        };
        Ok(desk.store.put_app(&app).await?)
    }
}

async fn list(desk: &Desk) -> anyhow::Result<()> {
    for app in desk.store.apps().await? {
        let methods = match &app.methods {
            Entitlement::All => "all methods".to_owned(),
            Entitlement::Only(methods) => methods.iter().cloned().collect::<Vec<_>>().join(","),
        };
        let sub_channels: Vec<_> = app.sub_channels.iter().map(SubChannel::as_str).collect();
        let channels: Vec<_> = app.channels.iter().map(ChannelId::as_str).collect();
        let state = match app.revoked_at {
            Some(at) => format!("revoked {at}"),
            None => "active".to_owned(),
        };
        let (sub_channels, channels) = (sub_channels.join(","), channels.join(","));
        print(&format!("{}\t{state}\t{methods}\t{sub_channels}\t{channels}", app.key))?;
    }
    Ok(())
}
