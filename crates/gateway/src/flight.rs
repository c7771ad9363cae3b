//! Flight orders as a family.

use domain::Instant;
use domain::access::App;
use domain::flight::code::ResultCode;
use domain::flight::{Booking, CancelPolicy, Command, Order, OrderKey, TicketNumber};
use domain::id::{DisOrderId, SubChannel};
use serde_json::Value;
use store::{Key, LookUp};
use top::Id;

use crate::context;
use crate::family::{Family, Path, PathRef, Performed, Status, read, read_command};

/// Under which look-ups an order is found: by the platform's number of it, of one of its changes, and by its
/// tickets.
const ORDER: &str = "btrip_order";
const CHANGE: &str = "btrip_sub_order";
const TICKET: &str = "ticket";

/// The order that a call of `app` means; or why it can mean none. A sub-channel that is not the
/// app's is refused before anything is looked up.
///
/// # Errors
/// The sub-channel is not bound to the app, or the number is no order's.
pub fn addressed(app: &App, sub_channel: Id, dis_order_id: Id) -> Result<OrderKey, ResultCode> {
    let sub_channel = SubChannel::try_from(sub_channel.0).ok();
    let sub_channel = sub_channel
        .filter(|sub_channel| app.sub_channels.contains(sub_channel))
        .ok_or(ResultCode::SubChannelDenied)?;
    let dis_order_id =
        DisOrderId::try_from(dis_order_id.0).map_err(|_| ResultCode::OrderNotFound)?;
    Ok(OrderKey { app: app.key.clone(), sub_channel, dis_order_id })
}

/// Where a flight order is kept.
pub fn key(order: &OrderKey) -> Key {
    path(order).key()
}

fn path(order: &OrderKey) -> PathRef<'_> {
    PathRef {
        kind: Order::KIND,
        app: &order.app,
        scope: order.sub_channel.as_str(),
        id: order.dis_order_id.as_str(),
    }
}

impl Family for Order {
    const KIND: &'static str = "flight";

    fn book(mut booking: Value) -> anyhow::Result<Self> {
        if let Value::Object(members) = &mut booking {
            members.entry("btrip_order_id").or_insert_with(|| context::platform_number().into());
        }
        let booking: Booking = read(booking, "booking")?;
        Ok(Self::new(booking)?)
    }

    fn perform(self, mut command: Value, now: Instant) -> anyhow::Result<Performed<Self>> {
        if let Value::Object(members) = &mut command
            && members.get("command").is_some_and(|name| name == "apply-change")
        {
            let number = || context::platform_number().into();
            members.entry("btrip_sub_order_id").or_insert_with(number);
        }
        let (command, facts): (Command, _) = read_command(command)?;
        let what = command.name();
        Ok(Performed {
            step: Self::perform(self, command, CancelPolicy::default(), now)?,
            what,
            facts,
        })
    }

    fn at(self, now: Instant) -> Self {
        Self::at(self, now)
    }

    fn path(&self) -> Path {
        path(&self.booking.key).into()
    }

    fn look_ups(&self) -> Vec<LookUp> {
        let numbered = |name, value: String| LookUp { name, value };
        let mut look_ups = vec![numbered(ORDER, self.booking.btrip_order_id.to_string())];
        if let Some(ticketed) = self.ticketed() {
            let tickets = ticketed.tickets.iter();
            look_ups.extend(tickets.map(|ticket| numbered(TICKET, ticket.number.to_string())));
            for change in &ticketed.changes {
                let number = change.request.btrip_sub_order_id.to_string();
                look_ups.push(numbered(CHANGE, number));
            }
        }
        look_ups
    }

    fn numbers(text: &str) -> Vec<LookUp> {
        let plain = |name| LookUp { name, value: text.to_owned() };
        let ticket = text.parse::<TicketNumber>();
        let ticket = ticket.map(|number| LookUp { name: TICKET, value: number.to_string() });
        [plain(ORDER), plain(CHANGE)].into_iter().chain(ticket).collect()
    }

    fn status(&self) -> Status {
        let status = self.status();
        Status {
            order_status: status.code(),
            pay_status: Some(self.pay_status().code()),
            label: status.row().en,
            label_zh: status.row().zh,
        }
    }

    fn is_same_booking(&self, other: &Self, given: &Value) -> bool {
        let mut other = other.booking.clone();
        if given["btrip_order_id"].is_null() {
            other.btrip_order_id = self.booking.btrip_order_id;
        }
        if given["booked_at"].is_null() {
            other.booked_at = self.booking.booked_at;
        }
        self.booking == other
    }
}
