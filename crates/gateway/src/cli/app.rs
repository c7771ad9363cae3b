//! `tripwright app`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use domain::Pii;
use domain::access::Entitlement;
use domain::grant::RedirectUri;
use domain::id::{AppKey, ChannelId, CwtAccountNo, KeyId, SubChannel};
use top::seal::Scheme;

use super::{Desk, print};
use crate::context;
use crate::office;
use crate::office::apps::{self, Edit, NewKey};
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
    Add(Facts),
    /// Change what is named of an app, and nothing else
    Change(Facts),
    /// List all apps
    List,
    /// Withdraw an app: from then on it is unknown
    Revoke {
        /// Its key
        app_key: AppKey,
    },
}

#[derive(Debug, Args)]
struct Facts {
    /// Its key
    app_key: AppKey,

    /// File with its secret; a new app without one gets a secret that is made up
    #[arg(long)]
    secret_file: Option<PathBuf>,

    /// A method it may call, or `all`; a new app without one may call all
    #[arg(long = "method")]
    methods: Vec<String>,

    /// A flight sub-channel it distributes for; an empty one alone takes all away
    #[arg(long = "sub-channel")]
    sub_channels: Vec<String>,

    /// A car-rental channel it distributes for; an empty one alone takes all away
    #[arg(long = "channel")]
    channels: Vec<String>,

    /// An account it supplies under; an empty one alone takes all away
    #[arg(long = "cwt-account")]
    cwt_accounts: Vec<String>,

    /// An address that people are sent back to from the consent page, letter for letter; an empty one alone
    /// takes all away
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,

    /// File with an SM4 key that it seals personal data with; older keys go on opening
    #[arg(long, requires = "sm4_key_id")]
    sm4_key_file: Option<PathBuf>,

    /// What that key is called; one of the same name is replaced
    #[arg(long, requires = "sm4_key_file")]
    sm4_key_id: Option<KeyId>,

    /// How that key seals: MODE/PADDING/ENCODING, such as ecb/pkcs7/hex, gcm/base64, cbc-prefixed,
    /// cbc:IV/zero/hex-upper
    #[arg(long, requires = "sm4_key_file", default_value_t)]
    sm4_scheme: Scheme,

    /// An SM4 key to forget, by its name
    #[arg(long)]
    forget_sm4_key: Option<KeyId>,

    /// Whether it may write what only the published examples write, outside production
    #[arg(long)]
    lenient: Option<bool>,

    /// Calls it may make in one day of the platform's clock, or `none` for no limit
    #[arg(long, value_parser = limit)]
    calls_per_day: Option<Limit>,

    /// Calls it may make in one second, or `none` for no limit
    #[arg(long, value_parser = limit)]
    calls_per_second: Option<Limit>,
}

/// A limit on calls, or none.
#[derive(Debug, Clone, Copy)]
struct Limit(Option<u32>);

fn limit(text: &str) -> Result<Limit, &'static str> {
    match text {
        "none" => Ok(Limit(None)),
        _ => text.parse().map(|most| Limit(Some(most))).map_err(|_| "give a number, or none"),
    }
}

impl App {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        match self.action {
            Action::Add(facts) => facts.add(&desk).await?,
            Action::Change(facts) => facts.change(&desk).await?,
            Action::List => list(&desk).await?,
            Action::Revoke { app_key } => {
                apps::revoke(&desk.store, &app_key, &desk.cause()).await?;
                print(&format!("revoked {app_key}"))?;
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Facts {
    async fn add(self, desk: &Desk) -> anyhow::Result<()> {
        let (key, edit) = self.edit()?;
        let added = apps::add(&desk.store, &key, context::token(), &edit, &desk.cause()).await;
        let app = match added {
            Err(error @ office::Error::Known(_)) => {
                bail!("{error}; `tripwright app change` changes it")
            }
            other => other.map_err(flagged)?,
        };
        print(&format!("app_key {}", app.key))?;
        print(&format!("secret {}", app.secret.expose()))
    }

    async fn change(self, desk: &Desk) -> anyhow::Result<()> {
        let (key, edit) = self.edit()?;
        let changed = apps::change(&desk.store, &key, &edit, &desk.cause()).await;
        let app = changed.map_err(flagged)?;
        print(&format!("changed {}", app.key))
    }

    /// Which app, and what was named of it.
    fn edit(self) -> anyhow::Result<(AppKey, Edit)> {
        let sm4_key = match (&self.sm4_key_file, self.sm4_key_id) {
            (Some(path), Some(key_id)) => {
                Some(NewKey { key_id, key: secret(path)?, scheme: self.sm4_scheme })
            }
            _ => None,
        };
        let edit = Edit {
            secret: self.secret_file.as_deref().map(secret).transpose()?,
            methods: Some(self.methods).filter(|methods| !methods.is_empty()),
            sub_channels: named(self.sub_channels),
            channels: named(self.channels),
            cwt_accounts: named(self.cwt_accounts),
            redirect_uris: named(self.redirect_uris),
            sm4_key,
            forget_sm4_key: self.forget_sm4_key,
            lenient: self.lenient,
            calls_per_day: self.calls_per_day.map(|Limit(most)| most),
            calls_per_second: self.calls_per_second.map(|Limit(most)| most),
        };
        Ok((self.app_key, edit))
    }
}

/// The same complaint, by the flag's name.
fn flagged(error: office::Error) -> anyhow::Error {
    match error {
        office::Error::Bad(what, why) => {
            anyhow!("--{}: {why}", what.trim_end_matches('s').replace('_', "-"))
        }
        other => other.into(),
    }
}

/// What was named, if anything was; the empty text alone names nothing.
fn named(texts: Vec<String>) -> Option<Vec<String>> {
    match texts.as_slice() {
        [] => None,
        [nothing] if nothing.is_empty() => Some(Vec::new()),
        _ => Some(texts),
    }
}

/// Reads what only its owner should know.
fn secret(path: &Path) -> anyhow::Result<Pii<String>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    if text.trim().is_empty() {
        bail!("the secret in {} is empty", path.display());
    }
    Ok(Pii::new(text.trim().to_owned()))
}

/// One line for each app: key, state, methods, sub-channels, channels, CWT accounts, calls a day, calls a
/// second, leniency, SM4 keys, redirect addresses.
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
        let accounts: Vec<_> = app.cwt_accounts.iter().map(CwtAccountNo::as_str).collect();
        let (sub_channels, channels) = (sub_channels.join(","), channels.join(","));
        let accounts = accounts.join(",");
        let most = |limit: Option<u32>| limit.map_or("-".to_owned(), |most| most.to_string());
        let (day, second) = (most(app.quota.calls_per_day), most(app.quota.calls_per_second));
        let key = &app.key;
        let leniency = if app.lenient { "lenient" } else { "strict" };
        let seals: Vec<_> =
            app.partner_keys.iter().map(|key| format!("{}:{}", key.key_id, key.scheme)).collect();
        let seals = seals.join(",");
        let redirects: Vec<_> = app.redirect_uris.iter().map(RedirectUri::as_str).collect();
        let redirects = redirects.join(",");
        print(&format!(
            "{key}\t{state}\t{methods}\t{sub_channels}\t{channels}\t{accounts}\t{day}\t{second}\t{leniency}\t{seals}\t{redirects}"
        ))?;
    }
    Ok(())
}
