//! `tripwright session`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::id::AppKey;
use jiff::ToSpan;

use super::{Desk, print};
use crate::apps;
use crate::oauth::{authorize, grants};
use crate::settings::Data;

/// Sessions.
#[derive(Debug, Args)]
pub struct Session {
    #[command(flatten)]
    data: Data,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an access token for an app and print it
    Add {
        /// The app's key
        app_key: AppKey,
        /// How many days it lasts
        #[arg(long, default_value_t = apps::SESSION_DAYS,
              value_parser = clap::value_parser!(u32).range(1..=i64::from(apps::SESSION_DAYS_MAX)))]
        days: u32,
    },
    /// List an app's tokens, all but their beginnings hidden
    List {
        /// The app's key
        app_key: AppKey,
    },
    /// Make a passcode with which one person can allow an app on the consent page, once: in production
    /// nobody can without
    Invite {
        /// The app's key
        app_key: AppKey,
        /// The name of the person's account, such as a company's; main:sub for a sub-account
        #[arg(long)]
        nick: String,
        /// How many hours it is good for
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=720))]
        hours: u32,
    },
    /// Take a token back, and whatever could make another in its place; or a passcode
    Revoke {
        /// The app's key
        app_key: AppKey,
        /// The token, the passcode, or as much of its beginning as is nobody else's; a consent's number
        token: String,
    },
}

impl Session {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        let (Action::Add { app_key, .. }
        | Action::List { app_key }
        | Action::Invite { app_key, .. }
        | Action::Revoke { app_key, .. }) = &self.action;
        if desk.store.app(app_key).await?.is_none() {
            bail!("there is no app {app_key}");
        }
        match self.action {
            Action::Add { app_key, days } => {
                let (store, now) = (&desk.store, desk.now);
                let session = apps::add_session(store, &app_key, apps::draw(), days, now).await?;
                print(&format!("session {}", session.token.expose()))?;
            }
            Action::List { app_key } => {
                for session in desk.store.sessions(&app_key).await? {
                    let shown = apps::beginning(&session);
                    let state = match session.revoked_at {
                        Some(at) => format!("revoked {at}"),
                        None if session.is_open(desk.now) => "open".to_owned(),
                        None => "expired".to_owned(),
                    };
                    let consent = session.grant.map(|grant| format!("\tconsent {grant}"));
                    let consent = consent.unwrap_or_default();
                    print(&format!("{shown}\t{state}\tuntil {}{consent}", session.expires_at))?;
                }
            }
            Action::Invite { app_key, nick, hours } => {
                let until = desk.now.checked_add(i64::from(hours).hours())?;
                let cause = desk.cause();
                let nick = authorize::name(&nick)
                    .context("--nick is no name of an account: give 1 to 64 characters")?;
                let passcode = grants::invite(&desk.store, &app_key, &nick, until, &cause).await?;
                print(&format!("passcode {passcode}"))?;
            }
            Action::Revoke { app_key, token } => {
                revoke(&desk, &app_key, &token).await?;
                print("revoked")?;
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Revokes what begins so; doing it twice is doing it once.
async fn revoke(desk: &Desk, app_key: &AppKey, token: &str) -> anyhow::Result<()> {
    let (store, cause) = (&desk.store, desk.cause());
    let all = store.sessions(app_key).await?.into_iter();
    let mut found = all.filter(|session| session.token.expose().starts_with(token));
    let Some(session) = found.next() else {
        // A passcode that was not used has no token yet, and begins with its consent's number.
        return match grants::grant_of(token) {
            Some(grant) if grants::revoke(store, app_key, &grant, &cause).await? => Ok(()),
            _ => bail!("{app_key} has no such token"),
        };
    };
    if found.next().is_some() {
        bail!(
            "{app_key} has several tokens that begin so; give more of it, or its consent's number"
        );
    }
    apps::revoke_session(store, session, &cause).await?;
    Ok(())
}
