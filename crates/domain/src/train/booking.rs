//! What was booked: the facts of a rail order that no transition changes.

use serde::{Deserialize, Serialize};

use super::code::{TicketType, TrainDocumentType, is_seat};
use crate::id::{AppKey, CollectionNo, SupplierOrderId, TrainOrderId};
use crate::time::{PLATFORM_OFFSET_MINUTES, moment};
use crate::{Civil, Fen, Instant, Pii, pii, repeats};

/// Most trains of one order: a long journey there and back.
pub const LEGS_MAX: usize = 20;
/// Most tickets of one order: a group that fills half a train. Inferred.
pub const TICKETS_MAX: usize = 500;

/// What the railway calls a ticket without a seat.
const NO_SEAT: &str = "无座";

/// Whose order, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainKey {
    /// The supplier's app.
    pub app: AppKey,
    /// The platform's order number.
    pub order_id: TrainOrderId,
}

/// The facts of a rail order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainBooking {
    /// Whose, and which.
    pub key: TrainKey,
    /// The supplier's own number of it.
    pub supplier_order_id: SupplierOrderId,
    /// The number under which the railway has it.
    pub ticket_no: CollectionNo,
    /// When it was ticketed.
    pub booked_at: Instant,
    /// Its trains.
    pub legs: Vec<Leg>,
}

/// A train, and the seats taken on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Its number, such as G1.
    pub train_no: String,
    /// Where it is boarded.
    pub from: Station,
    /// Where it is left.
    pub to: Station,
    /// Departure, by the station's clock.
    pub departs: Civil,
    /// Arrival, by the station's clock.
    pub arrives: Civil,
    /// The tickets.
    pub tickets: Vec<TrainTicket>,
}

/// A station by the railway's telecode and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Station {
    /// Three letters, such as BJP.
    pub code: String,
    /// Its name, such as 北京.
    pub name: String,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainTicket {
    /// Who travels on it.
    pub passenger: TrainPassenger,
    /// The number under which the railway has it.
    pub passenger_ticket_no: CollectionNo,
    /// Coach.
    pub coach_no: String,
    /// Seat.
    pub seat_no: String,
    /// The railway's code of the seat's type.
    pub seat_type: String,
    /// The name that goes with it.
    pub seat_name: String,
    /// Whose fare it has.
    pub ticket_type: TicketType,
    /// What it cost.
    pub price_fen: Fen,
}

/// A passenger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainPassenger {
    /// The platform's id of the passenger.
    #[serde(with = "pii::marked")]
    pub passenger_id: Pii<String>,
    /// Name.
    #[serde(with = "pii::marked")]
    pub name: Pii<String>,
    /// The form of the document.
    pub id_type: TrainDocumentType,
    /// The document's number.
    #[serde(with = "pii::marked_document")]
    pub id_no: Pii<String>,
    /// Mobile number.
    #[serde(default, with = "pii::marked_phone")]
    pub mobile: Option<Pii<String>>,
}

/// A booking breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTrain {
    /// None, or too many.
    #[error("an order has 1 to {LEGS_MAX} legs")]
    Legs,
    /// None on a train, or too many in all.
    #[error("every leg has a ticket, and an order has at most {TICKETS_MAX}")]
    Tickets,
    /// A leg twice, or a seat or a passenger twice on one.
    #[error("train {0} is there twice, or has a seat or a passenger twice")]
    Repeated(String),
    /// Below nothing, or no sum of 64 bits.
    #[error("a price is negative or too large")]
    Price,
    /// A train that runs backwards in time.
    #[error("train {0} does not arrive after it departs")]
    Schedule(String),
    /// A code with another seat's name.
    #[error("seat type {0} is not called {1}")]
    Seat(String, String),
    /// A telecode with another station's name.
    #[error("station {0} is not called {1}")]
    Station(String, String),
}

impl TrainBooking {
    /// Checks every rule a booking keeps.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), BadTrain> {
        if !(1..=LEGS_MAX).contains(&self.legs.len()) {
            return Err(BadTrain::Legs);
        }
        let tickets: usize = self.legs.iter().map(|leg| leg.tickets.len()).sum();
        if tickets > TICKETS_MAX {
            return Err(BadTrain::Tickets);
        }
        self.legs.iter().try_for_each(Leg::check)?;
        for (at, leg) in self.legs.iter().enumerate() {
            if self.legs[..at].iter().any(|other| other.is_same_train(leg)) {
                return Err(BadTrain::Repeated(leg.train_no.clone()));
            }
        }
        let prices = self.legs.iter().flat_map(|leg| &leg.tickets).map(|ticket| ticket.price_fen);
        Fen::total(prices).map(|_| ()).ok_or(BadTrain::Price)
    }
}

impl Leg {
    pub(super) fn check(&self) -> Result<(), BadTrain> {
        if self.tickets.is_empty() {
            return Err(BadTrain::Tickets);
        }
        if self.arrives <= self.departs || self.departs_at().is_none() {
            return Err(BadTrain::Schedule(self.train_no.clone()));
        }
        for Station { code, name } in [&self.from, &self.to] {
            if !is_telecode(code) || STATIONS.iter().any(|(known, n)| known == code && n != name) {
                return Err(BadTrain::Station(code.clone(), name.clone()));
            }
        }
        // Those without a seat may all have the same number instead of one.
        let seated = self.tickets.iter().filter(|ticket| ticket.seat_name != NO_SEAT);
        let seats: Vec<_> = seated.map(|ticket| (&ticket.coach_no, &ticket.seat_no)).collect();
        let people: Vec<_> =
            self.tickets.iter().map(|ticket| ticket.passenger.passenger_id.expose()).collect();
        if repeats(&people) || repeats(&seats) {
            return Err(BadTrain::Repeated(self.train_no.clone()));
        }
        for ticket in &self.tickets {
            if ticket.price_fen < Fen::ZERO {
                return Err(BadTrain::Price);
            }
            if !is_seat(&ticket.seat_type, &ticket.seat_name) {
                return Err(BadTrain::Seat(ticket.seat_type.clone(), ticket.seat_name.clone()));
            }
        }
        Ok(())
    }

    /// Whether both are one ride: the train, its day, and where it is boarded and left.
    fn is_same_train(&self, other: &Self) -> bool {
        let ride = |leg: &Self| {
            let (from, to) = (leg.from.code.clone(), leg.to.code.clone());
            (leg.train_no.clone(), leg.departs.date(), from, to)
        };
        ride(self) == ride(other)
    }

    /// When it departs: all stations keep the platform's clock.
    pub fn departs_at(&self) -> Option<Instant> {
        moment(self.departs, PLATFORM_OFFSET_MINUTES)
    }
}

/// Whether a text has the form of a station's telecode.
pub fn is_telecode(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The large stations, as the railway lists them; a telecode that is not here is taken as it is.
#[rustfmt::skip]
const STATIONS: &[(&str, &str)] = &[
    ("AOH", "上海虹桥"), ("BJP", "北京"),   ("BXP", "北京西"), ("CDW", "成都"),   ("CSQ", "长沙"),
    ("CWQ", "长沙南"),   ("EAY", "西安北"), ("ENH", "合肥南"), ("FZS", "福州"),   ("GZQ", "广州"),
    ("HBB", "哈尔滨"),   ("HFH", "合肥"),   ("HGH", "杭州东"), ("HKN", "汉口"),   ("HZH", "杭州"),
    ("ICW", "成都东"),   ("IOQ", "深圳北"), ("IZQ", "广州南"), ("JGK", "济南西"), ("JNK", "济南"),
    ("KMM", "昆明"),     ("NCG", "南昌"),   ("NGH", "宁波"),   ("NJH", "南京"),   ("NKH", "南京南"),
    ("OHH", "苏州北"),   ("QDK", "青岛"),   ("SBT", "沈阳北"), ("SHH", "上海"),   ("SJP", "石家庄"),
    ("SYT", "沈阳"),     ("SZH", "苏州"),   ("SZQ", "深圳"),   ("TJP", "天津"),   ("TXP", "天津西"),
    ("VNP", "北京南"),   ("WHN", "武汉"),   ("WXH", "无锡"),   ("XAY", "西安"),   ("XKS", "厦门北"),
    ("XMS", "厦门"),     ("ZAF", "郑州东"),
];
