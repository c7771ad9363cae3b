//! Itinerary receipts as a family.

use std::collections::BTreeMap;

use domain::Instant;
use domain::itinerary::{Person, Receipts, ReceiptsCommand, ReceiptsKey, ReceiptsOrder, TicketNo};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Key, LookUp, Store};

use crate::family::{Family, Path, PathRef, Performed, Status, held_elsewhere, read, read_command};

/// Under which look-up the order that holds a ticket's receipt is found.
const RECEIPT: &str = "receipt";

/// An order as a person writes it.
#[derive(Serialize, Deserialize)]
struct Booking {
    key: ReceiptsKey,
    #[serde(flatten)]
    order: ReceiptsOrder,
}

/// Where an order's receipts are kept.
pub fn key(receipts: &ReceiptsKey) -> Key {
    path(receipts).key()
}

/// The look-up that says which order holds a ticket's receipt.
pub fn look_up(number: &TicketNo) -> LookUp {
    LookUp { name: RECEIPT, value: number.to_string() }
}

/// Those of the tickets whose receipts another order of the same owner holds.
///
/// # Errors
/// The store failed.
pub async fn bound_elsewhere(
    store: &Store,
    key: &Key,
    numbers: Vec<TicketNo>,
) -> Result<Vec<TicketNo>, store::Error> {
    let held = held_elsewhere(store, key, numbers.iter().map(look_up).collect()).await?;
    Ok(among(&held, &numbers))
}

/// Those of the numbers whose look-up is held.
fn among<'n>(held: &[LookUp], numbers: impl IntoIterator<Item = &'n TicketNo>) -> Vec<TicketNo> {
    numbers.into_iter().filter(|number| held.contains(&look_up(number))).cloned().collect()
}

fn path(receipts: &ReceiptsKey) -> PathRef<'_> {
    PathRef {
        kind: Receipts::KIND,
        app: &receipts.app,
        scope: receipts.cwt_account_no.as_str(),
        id: receipts.out_relation_order_id.as_str(),
    }
}

impl Family for Receipts {
    const KIND: &'static str = "receipts";
    const JOINS: bool = true;

    fn book(booking: Value) -> anyhow::Result<Self> {
        let Booking { key, order } = read(booking, "booking")?;
        Ok(Self::new(key, order)?)
    }

    fn booked(&self) -> anyhow::Result<Value> {
        let Some(order) = self.order.clone() else { return Ok(Value::Null) };
        Ok(serde_json::to_value(Booking { key: self.key.clone(), order })?)
    }

    fn perform(self, command: Value, now: Instant) -> anyhow::Result<Performed<Self>> {
        let (command, facts): (ReceiptsCommand, _) = read_command(command)?;
        let what = command.name();
        Ok(Performed { step: Self::perform(self, command, now)?, what, facts })
    }

    fn at(self, _: Instant) -> Self {
        self
    }

    fn path(&self) -> Path {
        path(&self.key).into()
    }

    fn look_ups(&self) -> Vec<LookUp> {
        self.synced().map(look_up).collect()
    }

    fn numbers(text: &str) -> Vec<LookUp> {
        TicketNo::try_from(text.to_owned()).iter().map(look_up).collect()
    }

    fn status(&self) -> Status {
        let Some(order) = &self.order else {
            let (label, label_zh) = ("order not seen yet", "订单尚未出现");
            return Status { order_status: -1, pay_status: None, label, label_zh };
        };
        let domain::code::Code { code, zh, en, .. } = order.travel_request.status.row();
        Status { order_status: code, pay_status: None, label: en, label_zh: zh }
    }

    /// What has become of the tickets and of the travel request since is left aside too.
    fn is_same_booking(&self, other: &Self, given: &Value) -> bool {
        let (Some(ours), Some(theirs)) = (&self.order, &other.order) else { return false };
        let tickets = |order: &ReceiptsOrder| -> BTreeMap<TicketNo, Person> {
            let tickets = order.tickets.iter();
            tickets.map(|ticket| (ticket.number.clone(), ticket.traveller.clone())).collect()
        };
        ours.travel_request.tes_head_id == theirs.travel_request.tes_head_id
            && (given["booked_at"].is_null() || ours.booked_at == theirs.booked_at)
            && ours.submitter == theirs.submitter
            && tickets(ours) == tickets(theirs)
    }

    fn claims(&self) -> Vec<LookUp> {
        let tickets = self.order.iter().flat_map(|order| &order.tickets);
        tickets.map(|ticket| look_up(&ticket.number)).collect()
    }

    fn join(self, booked: &Self, held: &[LookUp]) -> Option<(Self, Value)> {
        if self.order.is_some() {
            return None;
        }
        let order = booked.order.clone()?;
        let numbers = order.tickets.iter().map(|ticket| &ticket.number);
        let elsewhere = among(held, numbers);
        let waited = self.parked.len();
        let (joined, refused) = self.appear(order, &elsewhere);
        let refused: Vec<_> = refused.iter().map(|refusal| refusal.code.text()).collect();
        Some((joined, json!({"postbacks_that_waited": waited, "refused": refused})))
    }
}
