//! `tripwright account`

use std::io::BufRead;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use domain::account::Role;
use domain::id::AccountName;
use jiff::Timestamp;

use super::{Desk, print};
use crate::settings::Data;
use crate::{account, audit, context};

/// How many accounts are read at a time when listing.
const PAGE: usize = 100;

/// Operators' accounts.
#[derive(Debug, Args)]
pub struct Accounts {
    #[command(flatten)]
    data: Data,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account for the console and the operations API, and print a password for it
    Add {
        /// The name to sign in with
        name: AccountName,
        /// What it may do: look; advance orders and reveal what is personal; or everything
        #[arg(long, value_enum, default_value_t)]
        role: RoleName,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts: name, role, tokens
    List,
    /// Print a new password; signs the account's browsers out and takes its tokens back
    Password {
        /// The account
        name: AccountName,
        /// Read the password from standard input instead of making one
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a token with which a program calls the operations API in this account's name
    Token {
        /// The account
        name: AccountName,
        /// What it is for
        #[arg(long)]
        label: String,
    },
    /// Close an account: nobody gets in by it any more
    Close {
        /// The account
        name: AccountName,
    },
}

/// A role on the command line.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum RoleName {
    #[default]
    Viewer,
    Operator,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl Accounts {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        let (store, cause) = (&desk.store, desk.cause());
        let record = async |what: &'static str, name: &AccountName| {
            audit::record(store, &cause, what, &format!("account/{name}"), None).await
        };
        match self.action {
            Action::Add { name, role, password_stdin } => {
                let password = password(password_stdin)?;
                account::add(store, &name, role.into(), &password, &cause).await?;
                record("account-add", &name).await?;
                print(&format!("password {password}"))?;
            }
            Action::List => list(&desk).await?,
            Action::Password { name, password_stdin } => {
                let password = password(password_stdin)?;
                account::change_password(store, &name, &password, &cause).await?;
                record("account-password", &name).await?;
                print(&format!("password {password}"))?;
            }
            Action::Token { name, label } => {
                record("account-token", &name).await?;
                let token = account::add_token(store, &name, &label, &cause).await?;
                print(&format!("token {token}"))?;
            }
            Action::Close { name } => {
                let now = desk.now;
                account::change(store, &name, "close", &cause, |mut account| {
                    account.closed_at.get_or_insert(now);
                    Ok(account)
                })
                .await?;
                record("account-close", &name).await?;
                print("closed")?;
            }
        }
        desk.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// The password that a person gives, or one that nobody can guess.
fn password(from_stdin: bool) -> anyhow::Result<String> {
    if !from_stdin {
        return Ok(context::token());
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.chars().count() < account::PASSWORD_CHARS_MIN {
        bail!("a password has at least {} characters", account::PASSWORD_CHARS_MIN);
    }
    Ok(password.to_owned())
}

async fn list(desk: &Desk) -> anyhow::Result<()> {
    let mut after: Option<String> = None;
    loop {
        let page = account::list(&desk.store, after.as_deref(), PAGE).await?;
        for account in &page {
            let closed = |at: Timestamp| format!("\tclosed {at}");
            let closed = account.closed_at.map(closed).unwrap_or_default();
            let tokens: Vec<_> = account.tokens.iter().map(|token| token.label.as_str()).collect();
            let (name, role) = (&account.name, account.role.name());
            print(&format!("{name}\t{role}\t{}{closed}", tokens.join(", ")))?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.name.to_string()),
            _ => return Ok(()),
        }
    }
}
