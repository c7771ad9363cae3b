//! `tripwright session`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::id::AppKey;
use jiff::ToSpan;

use super::{Desk, print};
use crate::oauth::{authorize, grants};
use crate::office::sessions;
use crate::settings::Data;
use crate::{audit, context};

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
        #[arg(long, default_value_t = sessions::DAYS,
              value_parser = clap::value_parser!(u32).range(1..=i64::from(sessions::DAYS_MAX)))]
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
                let (store, cause) = (&desk.store, desk.cause());
                let drawn = context::token();
                let session = sessions::add(store, &app_key, drawn, days, &cause).await?;
                print(&format!("session {}", session.token.expose()))?;
            }
            Action::List { app_key } => {
                for session in desk.store.sessions(&app_key).await? {
                    let shown = sessions::beginning(&session);
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
                let subject = format!("app/{app_key}");
                audit::record(&desk.store, &cause, "session-invite", &subject, None).await?;
                let passcode = grants::invite(&desk.store, &app_key, &nick, until, &cause).await?;
                print(&format!("passcode {passcode}"))?;
            }
            Action::Revoke { app_key, token } => {
                sessions::revoke_by_beginning(&desk.store, &app_key, &token, &desk.cause()).await?;
                print("revoked")?;
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
