//! Rail orders as a family.

use domain::Instant;
use domain::id::RefundId;
use domain::train::{TicketResult, TrainBooking, TrainCommand, TrainKey, TrainOrder};
use serde_json::{Value, json};
use store::{Key, LookUp};

use crate::context;
use crate::family::{Family, Path, Performed, Status, read, read_command};

/// Under which look-up the order of a refund is found.
pub const REFUND: &str = "refund";
/// A supplier has one numbering; other families have one for each sub-channel or account.
const SCOPE: &str = "-";

/// Where a rail order is kept.
pub fn key(order: &TrainKey) -> Key {
    path(order).key()
}

fn path(order: &TrainKey) -> Path {
    Path {
        kind: TrainOrder::KIND,
        app: order.app.clone(),
        scope: SCOPE.to_owned(),
        id: order.order_id.to_string(),
    }
}

/// What goes back by a refund that counts, for the journal.
pub fn ledger(order: &TrainOrder, refund_id: &RefundId) -> Value {
    let line = |result: &TicketResult| json!({"seat": result.seat, "refund_fen": result.refund_fen, "cost_fen": result.cost_fen});
    order.ledger(refund_id).iter().map(line).collect()
}

impl Family for TrainOrder {
    const KIND: &'static str = "train";
    const NUMBERS: &'static [&'static str] = &["supplier_order", REFUND];

    fn book(booking: Value) -> anyhow::Result<Self> {
        let booking: TrainBooking = read(booking, "booking")?;
        Ok(Self::new(booking)?)
    }

    fn perform(self, mut command: Value, now: Instant) -> anyhow::Result<Performed<Self>> {
        if let Value::Object(members) = &mut command
            && members.get("command").is_some_and(|name| name == "ask-refund")
        {
            let number = || context::platform_number().to_string().into();
            members.entry("refund_id").or_insert_with(number);
        }
        let (command, mut facts): (TrainCommand, Value) = read_command(command)?;
        let what = command.name();
        let step = Self::perform(self, command, now)?;
        if let Ok(refund_id) =
            RefundId::try_from(facts["refund_id"].as_str().unwrap_or("").to_owned())
        {
            facts["ledger"] = ledger(step.state(), &refund_id);
        }
        Ok(Performed { step, what, facts })
    }

    fn at(self, _: Instant) -> Self {
        self
    }

    fn path(&self) -> Path {
        path(&self.booking.key)
    }

    fn look_ups(&self) -> Vec<LookUp> {
        let supplier_order_id = self.booking.supplier_order_id.to_string();
        let order = LookUp { name: "supplier_order", value: supplier_order_id };
        let refunds = self.refunds.iter();
        let refunds =
            refunds.map(|refund| LookUp { name: REFUND, value: refund.refund_id.to_string() });
        std::iter::once(order).chain(refunds).collect()
    }

    fn status(&self) -> Status {
        let status = self.status();
        Status { order_status: status.code(), pay_status: None, label: status.row().en }
    }

    fn is_same_booking(&self, other: &Self, given: &Value) -> bool {
        let mut other = other.booking.clone();
        if given["booked_at"].is_null() {
            other.booked_at = self.booking.booked_at;
        }
        self.booking == other
    }
}
