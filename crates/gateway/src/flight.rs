//! Where flight orders are kept, and by which other numbers they are known.

use domain::flight::{Order, OrderKey};
use domain::id::{AppKey, SubChannel};
use store::{Key, LookUp};

/// The kind of a flight order.
pub const KIND: &str = "flight";

/// Whose orders these are: an app's, under one sub-channel.
pub fn owner(app: &AppKey, sub_channel: &SubChannel) -> String {
    format!("{app}/{sub_channel}")
}

/// Where an order is kept.
pub fn key(order: &OrderKey) -> Key {
    let owner = owner(&order.app, &order.sub_channel);
    Key { kind: KIND, owner, id: order.dis_order_id.to_string() }
}

/// Every other number an order is known by.
pub fn look_ups(order: &Order) -> Vec<LookUp> {
    let numbered = |name, value: String| LookUp { name, value };
    let mut look_ups = vec![numbered("btrip_order", order.booking.btrip_order_id.to_string())];
    if let Some(ticketed) = order.ticketed() {
        look_ups.extend(ticketed.tickets.iter().map(|t| numbered("ticket", t.number.to_string())));
        for change in &ticketed.changes {
            let number = change.request.btrip_sub_order_id.to_string();
            look_ups.push(numbered("btrip_sub_order", number));
        }
    }
    look_ups
}
