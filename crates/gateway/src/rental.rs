//! Car rentals as a family.

use domain::Instant;
use domain::rental::{Rental, RentalBooking, RentalCommand, RentalKey};
use serde_json::Value;
use store::{Key, LookUp};

use crate::family::{Family, Path, PathRef, Performed, Status, read, read_command};

/// Under which look-up a rental is found by the distributor's number.
const OUT_ORDER: &str = "out_order";

/// Where a rental is kept.
pub fn key(rental: &RentalKey) -> Key {
    path(rental).key()
}

fn path(rental: &RentalKey) -> PathRef<'_> {
    PathRef {
        kind: Rental::KIND,
        app: &rental.app,
        scope: rental.channel_id.as_str(),
        id: rental.order_id.as_str(),
    }
}

impl Family for Rental {
    const KIND: &'static str = "rental";

    fn book(booking: Value) -> anyhow::Result<Self> {
        let booking: RentalBooking = read(booking, "booking")?;
        Ok(Self::new(booking)?)
    }

    fn perform(self, command: Value, now: Instant) -> anyhow::Result<Performed<Self>> {
        let (command, facts): (RentalCommand, _) = read_command(command)?;
        let what = command.name();
        Ok(Performed { step: Self::perform(self, command, now)?, what, facts })
    }

    fn at(self, _: Instant) -> Self {
        self
    }

    fn path(&self) -> Path {
        path(&self.booking.key).into()
    }

    fn look_ups(&self) -> Vec<LookUp> {
        vec![LookUp { name: OUT_ORDER, value: self.booking.out_order_id.to_string() }]
    }

    fn numbers(text: &str) -> Vec<LookUp> {
        vec![LookUp { name: OUT_ORDER, value: text.to_owned() }]
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
        // A policy that was only named may have been written anew since.
        if given["policy"].is_string() {
            other.policy = self.booking.policy.clone();
        }
        self.booking == other
    }
}
