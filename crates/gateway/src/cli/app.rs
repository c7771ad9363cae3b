//! `tripwright app`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::Pii;
use domain::access::{App as Application, Entitlement, PARTNER_KEYS_MAX, PartnerKey};
use domain::grant::RedirectUri;
use domain::id::{AppKey, ChannelId, CwtAccountNo, KeyId, SubChannel};
use top::seal::{Key as SealingKey, Scheme};

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
                let revoke = |app: Option<Application>| {
                    let mut app = app.with_context(|| format!("there is no app {app_key}"))?;
                    // Revoking twice is revoking once.
                    app.revoked_at.get_or_insert(desk.now);
                    anyhow::Ok(app)
                };
                desk.store.change_app(&app_key, revoke).await?;
                print(&format!("revoked {app_key}"))?;
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl Facts {
    async fn add(self, desk: &Desk) -> anyhow::Result<()> {
        let key = &self.app_key;
        let mut app = Application::new(key.clone(), Pii::new(context::token()));
        self.apply(&mut app)?;
        let add = |known: Option<Application>| match known {
            Some(_) => bail!("there is an app {key} already; `tripwright app change` changes it"),
            None => Ok(app.clone()),
        };
        let app = desk.store.change_app(key, add).await?;
        print(&format!("app_key {}", app.key))?;
        print(&format!("secret {}", app.secret.expose()))
    }

    async fn change(self, desk: &Desk) -> anyhow::Result<()> {
        let change = |app: Option<Application>| {
            let mut app = app.with_context(|| format!("there is no app {}", self.app_key))?;
            self.apply(&mut app)?;
            anyhow::Ok(app)
        };
        let app = desk.store.change_app(&self.app_key, change).await?;
        print(&format!("changed {}", app.key))
    }

    /// Puts what was named into the app.
    fn apply(&self, app: &mut Application) -> anyhow::Result<()> {
        if let Some(path) = &self.secret_file {
            app.secret = secret(path)?;
        }
        if let Some(key_id) = &self.forget_sm4_key {
            let known = app.partner_keys.len();
            app.partner_keys.retain(|key| key.key_id != *key_id);
            if app.partner_keys.len() == known {
                bail!("the app has no SM4 key {key_id}");
            }
        }
        if let (Some(path), Some(key_id)) = (&self.sm4_key_file, &self.sm4_key_id) {
            self.add_key(secret(path)?, key_id, app)?;
        }
        if self.methods.iter().any(|name| name == "all") {
            app.methods = Entitlement::All;
        } else if !self.methods.is_empty() {
            let known = |name: &&String| trip_api::SPECS.iter().any(|spec| spec.name == **name);
            if let Some(unknown) = self.methods.iter().find(|name| !known(name)) {
                bail!("there is no method {unknown}; `tripwright docs` lists them");
            }
            app.methods = Entitlement::Only(self.methods.iter().cloned().collect());
        }
        bind(&self.sub_channels, &mut app.sub_channels).context("--sub-channel")?;
        bind(&self.channels, &mut app.channels).context("--channel")?;
        bind(&self.cwt_accounts, &mut app.cwt_accounts).context("--cwt-account")?;
        bind(&self.redirect_uris, &mut app.redirect_uris).context("--redirect-uri")?;
        app.lenient = self.lenient.unwrap_or(app.lenient);
        if let Some(Limit(most)) = self.calls_per_day {
            app.quota.calls_per_day = most;
        }
        if let Some(Limit(most)) = self.calls_per_second {
            app.quota.calls_per_second = most;
        }
        Ok(())
    }
}

impl Facts {
    /// Puts a key before those there are: from now on it is the one in use.
    fn add_key(
        &self,
        key: Pii<String>,
        key_id: &KeyId,
        app: &mut Application,
    ) -> anyhow::Result<()> {
        key.expose().parse::<SealingKey>()?;
        let (key_id, scheme) = (key_id.clone(), self.sm4_scheme.to_string());
        app.partner_keys.retain(|known| known.key_id != key_id);
        if app.partner_keys.len() == PARTNER_KEYS_MAX {
            bail!("an app has at most {PARTNER_KEYS_MAX} SM4 keys; --forget-sm4-key makes room");
        }
        app.partner_keys.insert(0, PartnerKey { key_id, key, scheme });
        Ok(())
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

/// Replaces what is bound by what was named, if anything was; the empty text alone names nothing.
fn bind<T: FromStr + Ord>(named: &[String], bound: &mut BTreeSet<T>) -> Result<(), T::Err> {
    match named {
        [] => return Ok(()),
        [nothing] if nothing.is_empty() => bound.clear(),
        _ => *bound = named.iter().map(|text| text.parse()).collect::<Result<_, _>>()?,
    }
    Ok(())
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
