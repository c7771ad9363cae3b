//! `tripwright order`

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use domain::Step;
use domain::flight::{CancelPolicy, Command, Order, OrderKey, Refusal};
use domain::pii::MARK;
use serde_json::{Value, json};
use store::Decision;

use super::{Desk, print};
use crate::settings::Data;
use crate::{flight, import};

/// How many orders are read at a time when listing.
const PAGE: usize = 500;

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
    /// Show an order with its story; personal data is masked
    Show {
        /// flight/APP/SUB_CHANNEL/DIS_ORDER_ID
        path: OrderPath,
        /// Show personal data in the clear
        #[arg(long)]
        reveal: bool,
    },
    /// Perform a transition by name, as the seller, the airline or the back office would
    Advance {
        /// flight/APP/SUB_CHANNEL/DIS_ORDER_ID
        path: OrderPath,
        /// begin, submit, confirm, fail, pay, confirm-ticketing, ticket, fail-ticketing, cancel,
        /// apply-change, price-change, pay-change, reissue, refuse-change or cancel-change
        command: String,
        /// The transition's own facts as JSON, such as {"alipay_trade_no":"t-1"} for pay
        #[arg(long = "with", default_value = "{}")]
        with: String,
    },
}

/// The path of a flight order.
#[derive(Debug, Clone)]
struct OrderPath(OrderKey);

impl FromStr for OrderPath {
    type Err = String;

    fn from_str(path: &str) -> Result<Self, String> {
        const FORM: &str = "give flight/APP/SUB_CHANNEL/DIS_ORDER_ID";
        let mut parts = path.splitn(4, '/');
        let mut part = || parts.next().ok_or(FORM);
        if part()? != flight::KIND {
            return Err(FORM.into());
        }
        let (app, sub_channel, dis_order_id) = (part()?, part()?, part()?);
        let named = |name: &'static str| move |error| format!("{name} {error}");
        Ok(Self(OrderKey {
            app: app.parse().map_err(named("app"))?,
            sub_channel: sub_channel.parse().map_err(named("sub-channel"))?,
            dis_order_id: dis_order_id.parse().map_err(named("order number"))?,
        }))
    }
}

impl Orders {
    /// Does it.
    pub async fn perform(self) -> anyhow::Result<ExitCode> {
        let desk = Desk::open(&self.data)?;
        match self.action {
            Action::Import { file } => {
                for order in import::read(&read_file(&file)?)? {
                    let OrderKey { app, sub_channel, dis_order_id } =
                        import::store(&desk.store, order, &desk.cause()).await?;
                    print(&format!("flight/{app}/{sub_channel}/{dis_order_id}"))?;
                }
            }
            Action::List => list(&desk).await?,
            Action::Show { path, reveal } => show(&desk, &path.0, reveal).await?,
            Action::Advance { path, command, with } => {
                advance(&desk, &path.0, &command, &with).await?;
            }
        }
        desk.close().await
    }
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

async fn list(desk: &Desk) -> anyhow::Result<()> {
    let mut after: Option<(String, String)> = None;
    loop {
        let last = after.as_ref().map(|(owner, id)| (owner.as_str(), id.as_str()));
        let page = desk.store.list(flight::KIND, last, PAGE).await?;
        for (owner, id) in &page {
            let key = store::Key { kind: flight::KIND, owner: owner.clone(), id: id.clone() };
            let Some(order) = desk.store.get::<Order>(&key).await? else {
                continue;
            };
            let order = order.at(desk.now);
            let (status, pay_status) = (order.status(), order.pay_status());
            print(&format!(
                "flight/{owner}/{id}\t{}\t{}\t{}",
                status.code(),
                pay_status.code(),
                status.row().en
            ))?;
        }
        if page.len() < PAGE {
            return Ok(());
        }
        after = page.into_iter().next_back();
    }
}

async fn show(desk: &Desk, order_key: &OrderKey, reveal: bool) -> anyhow::Result<()> {
    let key = flight::key(order_key);
    let order: Option<Order> = desk.store.get(&key).await?;
    let order = order.context("there is no such order")?.at(desk.now);
    let mut document = serde_json::to_value(&order)?;
    unmark(&mut document, reveal);
    let shown = json!({
        "order_status": order.status().code(),
        "pay_status": order.pay_status().code(),
        "order": document,
        "story": desk.store.journal(&key).await?,
    });
    print(&format!("{shown:#}"))
}

/// Replaces marked values by themselves, or by stars.
fn unmark(tree: &mut Value, reveal: bool) {
    match tree {
        Value::Object(members) => {
            if let Some(clear) = members.get_mut(MARK) {
                *tree = if reveal { clear.take() } else { "***".into() };
                return;
            }
            members.values_mut().for_each(|child| unmark(child, reveal));
        }
        Value::Array(elements) => elements.iter_mut().for_each(|child| unmark(child, reveal)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

async fn advance(desk: &Desk, order_key: &OrderKey, name: &str, with: &str) -> anyhow::Result<()> {
    let mut facts: Value = serde_json::from_str(with).context("--with is not JSON")?;
    let Value::Object(members) = &mut facts else { bail!("--with is not a JSON object") };
    members.insert("command".into(), name.into());
    let command = import::command(facts)?;
    let done = desk
        .store
        .change(&flight::key(order_key), &desk.cause(), |order: Option<Order>| {
            decide(order, &command, desk)
        })
        .await?;
    let (order, moved) = done?;
    let (status, pay_status) = (order.status().code(), order.pay_status().code());
    let did = if moved { "done" } else { "was so already" };
    print(&format!("{did}: order_status {status}, pay_status {pay_status}"))
}

type Advanced = anyhow::Result<(Order, bool)>;

fn decide(order: Option<Order>, command: &Command, desk: &Desk) -> (Decision<Order>, Advanced) {
    let Some(order) = order else {
        return (Decision::Keep, Err(anyhow::anyhow!("there is no such order")));
    };
    let step: Result<_, Refusal> =
        order.perform(command.clone(), CancelPolicy::default(), desk.now);
    match step {
        Ok(Step::Taken(order)) => {
            let look_ups = flight::look_ups(&order);
            let put = Decision::Put { document: order.clone(), what: command.name(), look_ups };
            (put, Ok((order, true)))
        }
        Ok(Step::Already(order)) => (Decision::Keep, Ok((order, false))),
        Err(refusal) => (Decision::Keep, Err(refusal.into())),
    }
}
