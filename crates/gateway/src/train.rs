//! Rail orders as a family.

use domain::Instant;
use domain::id::RefundId;
use domain::train::{TicketResult, TrainBooking, TrainCommand, TrainKey, TrainOrder};
use serde_json::{Value, json};
use store::{Key, LookUp};

use crate::context;
use crate::family::{Family, Path, PathRef, Performed, Status, read, read_command};

/// Under which look-up the order of a refund is found.
pub const REFUND: &str = "refund";
/// Under which it is found by the supplier's number.
const SUPPLIER_ORDER: &str = "supplier_order";
/// A supplier has one numbering; other families have one for each sub-channel or account.
const SCOPE: &str = "-";

/// Where a rail order is kept.
pub fn key(order: &TrainKey) -> Key {
    path(order).key()
}

fn path(order: &TrainKey) -> PathRef<'_> {
    PathRef { kind: TrainOrder::KIND, app: &order.app, scope: SCOPE, id: order.order_id.as_str() }
}

/// What goes back by a refund that counts, for the journal.
pub fn ledger(order: &TrainOrder, refund_id: &RefundId) -> Value {
    let line = |result: &TicketResult| json!({"seat": result.seat, "refund_fen": result.refund_fen, "cost_fen": result.cost_fen});
    order.ledger(refund_id).iter().map(line).collect()
}

impl Family for TrainOrder {
    const KIND: &'static str = "train";

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
        path(&self.booking.key).into()
    }

    fn look_ups(&self) -> Vec<LookUp> {
        let supplier_order_id = self.booking.supplier_order_id.to_string();
        let order = LookUp { name: SUPPLIER_ORDER, value: supplier_order_id };
        let refunds = self.refunds.iter();
        let refunds =
            refunds.map(|refund| LookUp { name: REFUND, value: refund.refund_id.to_string() });
        std::iter::once(order).chain(refunds).collect()
    }

    fn numbers(text: &str) -> Vec<LookUp> {
        [SUPPLIER_ORDER, REFUND].map(|name| LookUp { name, value: text.to_owned() }).into()
    }

    fn status(&self) -> Status {
        let domain::code::Code { code, zh, en, .. } = self.status().row();
        Status { order_status: code, pay_status: None, label: en, label_zh: zh }
    }

    fn is_same_booking(&self, other: &Self, given: &Value) -> bool {
        let mut other = other.booking.clone();
        if given["booked_at"].is_null() {
            other.booked_at = self.booking.booked_at;
        }
        self.booking == other
    }
}
