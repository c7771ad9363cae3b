//! `tripwright order`

use std::collections::HashSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use domain::pii::Trait;
use futures_util::future::join_all;
use serde_json::{Value, json};
use store::FOUND_MAX;

use super::{Desk, print};
use crate::audit;
use crate::family::{Path, Status};
use crate::import::{self, Import, Outcome};
use crate::office::orders::{self, Shown, unmark};
use crate::settings::Data;

/// How many orders are read at a time when listing.
const PAGE: usize = 500;
/// How many orders are brought in at once: as many as become durable in one go.
const IMPORTED_TOGETHER: usize = 256;

/// What an import looks like.
const IMPORT_HELP: &str = concat!(
    "The file holds one order or a list of them. An order is what was booked and the transitions it\n\
     has gone through, each of which may say `at` when. Names of known airlines and airports and the\n\
     platform's own numbers may be left out:\n\n",
    include_str!("order-example.json"),
);

/// Orders.
#[derive(Debug, Args)]
pub struct Orders {
    #[command(flatten)]
    data: Data,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Bring in orders from a JSON file, or from standard input with `-`
    #[command(after_long_help = IMPORT_HELP)]
    Import {
        /// The file
        file: PathBuf,
    },
    /// List all orders: path, status code, payment status code
    List,
    /// Find the orders of a person, of every app, by what standard input says: it is not for the shell's
    /// history
    Find {
        /// What it is
        #[arg(value_enum)]
        by: FindBy,
    },
    /// Show an order with its story; personal data is masked
    Show {
        /// KIND/APP/SCOPE/ID, such as flight/test/corp001/demo-payable
        path: Path,
        /// Show personal data in the clear; it is put on record, with the reason
        #[arg(long)]
        reveal: bool,
        /// Why personal data is looked at
        #[arg(long, requires = "reveal", default_value = "command line")]
        reason: String,
    },
    /// Perform a transition by name, as the seller, the airline or the back office would
    Advance {
        /// KIND/APP/SCOPE/ID, such as flight/test/corp001/demo-payable
        path: Path,
        /// Of a flight: begin, submit, confirm, fail, pay, confirm-ticketing, ticket, fail-ticketing,
        /// cancel, apply-change, price-change, pay-change, reissue, refuse-change, cancel-change. Of a
        /// rental: pay, accept, prepare, refuse, pick-up, give-back, complete, cancel, close. Of
        /// receipts: decide-travel, end-ticket. Of a rail order: ask-refund, settle-refund,
        /// change-tickets, accept-offline, reject-offline
        command: String,
        /// The transition's own facts as JSON, such as {"alipay_trade_no":"t-1"} for pay; `-` reads them
        /// from standard input, where names belong
        #[arg(long = "with", default_value = "{}")]
        with: String,
    },
}

/// What people's orders are found by.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FindBy {
    /// The number of an identity document
    Document,
    /// A telephone number
    Phone,
}

impl Orders {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data).await?;
        let mut failures = 0;
        match self.action {
            Action::Import { file } => {
                failures = import_all(&desk, import::read(&read_file(&file)?)?).await?;
            }
            Action::List => {
                for kind in orders::KINDS {
                    failures += list(&desk, kind).await?;
                }
            }
            Action::Find { by } => failures = find(&desk, by).await?,
            Action::Show { path, reveal, reason } => {
                show(&desk, &path, reveal.then_some(reason.as_str())).await?;
            }
            Action::Advance { path, command, with } => {
                advance(&desk, &path, &transition(&command, &with)?).await?;
            }
        }
        desk.close().await;
        Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Brings in each order; one that is refused is named and does not keep the others out. Returns how
/// many were refused.
async fn import_all(desk: &Desk, orders: Vec<Import>) -> anyhow::Result<usize> {
    let mut refused = 0;
    let mut orders = orders.into_iter().enumerate().peekable();
    while orders.peek().is_some() {
        let mut together = Vec::new();
        let mut keys = HashSet::new();
        // Of two with one key, the first in the file is the order.
        while let Some((position, order)) =
            orders.next_if(|(_, order)| keys.insert(order.booking["key"].to_string()))
        {
            let name = format!("order {} {}", position + 1, order.booking["key"]);
            let cause = desk.cause();
            let may_claim = import::may_claim(&desk.store, &order, cause.at).await;
            together.push(async move { (name, import::store(&desk.store, order, &cause).await) });
            if may_claim || together.len() == IMPORTED_TOGETHER {
                break;
            }
        }
        for (name, outcome) in join_all(together).await {
            refused += usize::from(!say(&name, outcome)?);
        }
    }
    Ok(refused)
}

/// Says what became of an order; returns whether it is there.
fn say(name: &str, outcome: anyhow::Result<Outcome>) -> anyhow::Result<bool> {
    match outcome {
        Ok(Outcome::Stored(path, None)) => print(&path.to_string())?,
        Ok(Outcome::Stored(path, Some(joined))) => print(&format!("{path}\t{joined}"))?,
        Ok(Outcome::Already(path)) => print(&format!("{path}\twas there already"))?,
        Ok(Outcome::Taken(path)) => {
            eprintln!("error: {name}: there is another order {path}");
            return Ok(false);
        }
        Err(error) => {
            eprintln!("error: {name}: {error:#}");
            return Ok(false);
        }
    }
    Ok(true)
}

fn read_file(path: &std::path::Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("standard input")?;
    } else {
        text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
    }
    Ok(text)
}

/// A transition's name and its own facts as one object.
fn transition(name: &str, with: &str) -> anyhow::Result<Value> {
    let with = if with == "-" { read_file(std::path::Path::new(with))? } else { with.to_owned() };
    let mut facts: Value = serde_json::from_str(&with).context("--with is not JSON")?;
    let Value::Object(members) = &mut facts else { bail!("--with is not a JSON object") };
    members.insert("command".into(), name.into());
    Ok(facts)
}

/// Lists a family's orders; returns how many could not be read.
async fn list(desk: &Desk, kind: &'static str) -> anyhow::Result<usize> {
    let mut unreadable = 0;
    let mut after: Option<(String, String)> = None;
    loop {
        let last = after.as_ref().map(|(owner, id)| (owner.as_str(), id.as_str()));
        let page = desk.store.list(kind, last, PAGE).await?;
        for (owner, id) in &page {
            unreadable += line(desk, kind, owner, id).await?;
        }
        if page.len() < PAGE {
            return Ok(unreadable);
        }
        after = page.into_iter().next_back();
    }
}

/// Prints an order's line; returns 1 when it could not be read.
async fn line(desk: &Desk, kind: &str, owner: &str, id: &str) -> anyhow::Result<usize> {
    let status = match orders::status(&desk.store, (kind, owner, id), desk.now).await {
        Ok(Some(status)) => status,
        Ok(None) => return Ok(0),
        Err(error) => {
            eprintln!("error: {kind}/{owner}/{id}: {error}");
            return Ok(1);
        }
    };
    let Status { order_status, pay_status, label, .. } = status;
    let pay_status = pay_status.map_or("-".to_owned(), |code| code.to_string());
    print(&format!("{kind}/{owner}/{id}\t{order_status}\t{pay_status}\t{label}"))?;
    Ok(0)
}

/// Lists the orders of a person; returns how many could not be read.
async fn find(desk: &Desk, by: FindBy) -> anyhow::Result<usize> {
    let mut value = String::new();
    std::io::stdin().read_line(&mut value).context("standard input")?;
    if value.trim().is_empty() {
        bail!("standard input says nothing to look for");
    }
    let by = match by {
        FindBy::Document => Trait::Document,
        FindBy::Phone => Trait::Phone,
    };
    // By the hash alone: whom somebody looked for is nobody else's business.
    let subject = format!("{}/{}", by.name(), desk.store.keyed_hash("person", &value));
    audit::record(&desk.store, &desk.cause(), "find-person", &subject, None).await?;
    let found = desk.store.find_people(by, &value).await?;
    let mut unreadable = 0;
    for (kind, owner, id) in &found {
        unreadable += line(desk, kind, owner, id).await?;
    }
    if found.len() == FOUND_MAX {
        eprintln!("there are more than these {FOUND_MAX}");
    }
    Ok(unreadable)
}

async fn show(desk: &Desk, path: &Path, reason: Option<&str>) -> anyhow::Result<()> {
    let order = orders::get(&desk.store, path, desk.now).await?;
    let Shown { status, order } = order.context("there is no such order")?;
    let story = desk.store.journal(&path.key()).await?;
    let mut shown = json!({"status": status, "order": order, "story": story});
    if reason.is_some() {
        let subject = path.to_string();
        audit::record(&desk.store, &desk.cause(), "reveal", &subject, reason).await?;
    }
    unmark(&mut shown, reason.is_some());
    print(&format!("{shown:#}"))
}

async fn advance(desk: &Desk, path: &Path, command: &Value) -> anyhow::Result<()> {
    // One request, in the order's journal and in the audit.
    let cause = desk.cause();
    let advanced = orders::advance(&desk.store, path, command, &cause).await?;
    if advanced.is_new {
        audit::record(&desk.store, &cause, "advance", &path.to_string(), None).await?;
    }
    let did = if advanced.is_new { "done" } else { "was so already" };
    print(&format!("{did}: {}", advanced.shown.status))
}
