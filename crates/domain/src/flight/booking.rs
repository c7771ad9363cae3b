//! What was booked: the facts of an order that no transition changes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::code::{CabinClass, Direction, DocumentType, PassengerType, SettleType};
use super::place;
use crate::id::{AppKey, DisOrderId, SubChannel, UserId};
use crate::time::{PLATFORM_OFFSET_MINUTES, moment};
use crate::{Civil, Fen, Instant, Pii, pii};

/// Most travellers of one order: a group of ten or more is booked elsewhere in this business.
pub const TRAVELLERS_MAX: usize = 9;
/// Most segments of one order: out and back with a connection each, twice over.
pub const SEGMENTS_MAX: usize = 8;

/// Which order, for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    /// The distributor's app.
    pub app: AppKey,
    /// The sub-channel it was booked under.
    pub sub_channel: SubChannel,
    /// The distributor's own order number.
    pub dis_order_id: DisOrderId,
}

/// The facts of a flight order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booking {
    /// Whose order, and which.
    pub key: OrderKey,
    /// The platform's order number, below 2⁵³ so that JavaScript clients read it exactly.
    pub btrip_order_id: i64,
    /// When it was booked.
    pub booked_at: Instant,
    /// The flights.
    pub segments: Vec<Segment>,
    /// Who flies.
    pub travellers: Vec<Traveller>,
    /// Who pays.
    pub settle_type: SettleType,
}

/// A booking breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBooking {
    /// No flight, or too many.
    #[error("an order has 1 to {SEGMENTS_MAX} segments")]
    Segments,
    /// Nobody flies, or too many.
    #[error("an order has 1 to {TRAVELLERS_MAX} travellers")]
    Travellers,
    /// Two travellers share an id.
    #[error("traveller {0} is listed twice")]
    RepeatedTraveller(UserId),
    /// A price below nothing, or one that does not add up in 64 bits.
    #[error("a fare is negative or too large")]
    Fare,
    /// A flight without a time, a place or an order of the two.
    #[error("flight {0} does not arrive after it departs")]
    Schedule(FlightNo),
    /// The platform number would not survive a JavaScript client.
    #[error("btrip_order_id is not between 1 and 2^53 - 1")]
    Number,
}

/// Largest platform number: the largest integer a JavaScript client reads exactly.
const NUMBER_MAX: i64 = (1 << 53) - 1;

/// Whether every client reads a platform number exactly.
pub(super) fn is_platform_number(number: i64) -> bool {
    (1..=NUMBER_MAX).contains(&number)
}

impl Booking {
    /// Checks every rule a booking keeps.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), BadBooking> {
        if !is_platform_number(self.btrip_order_id) {
            return Err(BadBooking::Number);
        }
        if self.segments.is_empty() || self.segments.len() > SEGMENTS_MAX {
            return Err(BadBooking::Segments);
        }
        if self.travellers.is_empty() || self.travellers.len() > TRAVELLERS_MAX {
            return Err(BadBooking::Travellers);
        }
        for (at, traveller) in self.travellers.iter().enumerate() {
            if self.travellers[..at].iter().any(|other| other.user_id == traveller.user_id) {
                return Err(BadBooking::RepeatedTraveller(traveller.user_id.clone()));
            }
        }
        for segment in &self.segments {
            segment.check()?;
        }
        self.total().map(|_| ()).ok_or(BadBooking::Fare)
    }

    /// What the order costs; `None` when it does not fit.
    pub fn total(&self) -> Option<Fen> {
        let mut one_traveller = Fen::ZERO;
        for segment in &self.segments {
            one_traveller = one_traveller.plus(segment.fare.total()?)?;
        }
        one_traveller.times(self.travellers.len())
    }

    /// When the first flight departs.
    pub fn departs_at(&self) -> Option<Instant> {
        self.segments.iter().filter_map(Segment::departs_at).min()
    }

    /// The position of a traveller.
    pub fn traveller(&self, user_id: &UserId) -> Option<usize> {
        self.travellers.iter().position(|traveller| traveller.user_id == *user_id)
    }
}

/// As much of a booking as a change's detail shows: who flies.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Party {
    /// The platform's order number.
    pub btrip_order_id: i64,
    /// Who flies.
    pub travellers: Vec<Flyer>,
}

/// As much of a traveller as a change's detail shows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Flyer {
    /// The distributor's id of the person.
    pub user_id: UserId,
    /// Name as in the document.
    #[serde(with = "pii::marked")]
    pub name: Pii<String>,
    /// Adult, child, …
    pub passenger_type: PassengerType,
}

impl Party {
    /// The members that an order read with it does without, wherever they stand: the longest, and what is personal
    /// but for the name.
    pub const WITHOUT: &'static [&'static str] = &["segments", "document", "phone"];
}

/// A flight number: the airline's two characters and up to four digits, perhaps a letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FlightNo(String);

/// The text is not a flight number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a flight number such as MU5101")]
pub struct NotAFlightNo;

impl FlightNo {
    /// The airline's IATA code.
    pub fn airline_code(&self) -> &str {
        &self.0[..2]
    }
}

impl FromStr for FlightNo {
    type Err = NotAFlightNo;

    fn from_str(text: &str) -> Result<Self, NotAFlightNo> {
        let (airline, number) = text.split_at_checked(2).ok_or(NotAFlightNo)?;
        let digits = number.strip_suffix(|c: char| c.is_ascii_uppercase()).unwrap_or(number);
        let well_formed = airline.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && (1..=4).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit());
        well_formed.then(|| Self(text.to_owned())).ok_or(NotAFlightNo)
    }
}

impl TryFrom<String> for FlightNo {
    type Error = NotAFlightNo;

    fn try_from(text: String) -> Result<Self, NotAFlightNo> {
        text.parse()
    }
}

impl From<FlightNo> for String {
    fn from(flight_no: FlightNo) -> Self {
        flight_no.0
    }
}

impl fmt::Display for FlightNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One flight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SegmentDraft")]
pub struct Segment {
    /// Its number.
    pub flight_no: FlightNo,
    /// Whose flight it is.
    pub airline: Airline,
    /// The flight that really operates, on a code share.
    pub operated_as: Option<FlightNo>,
    /// Where from.
    pub from: Endpoint,
    /// Where to.
    pub to: Endpoint,
    /// Departure by the clock at `from`.
    pub departs: Civil,
    /// Arrival by the clock at `to`.
    pub arrives: Civil,
    /// The landing in between, if there is one.
    pub stop: Option<Stop>,
    /// Booking class.
    pub cabin: String,
    /// Cabin class.
    pub cabin_class: CabinClass,
    /// Out or back.
    pub direction: Direction,
    /// What one traveller pays.
    pub fare: Fare,
    /// Meal.
    pub meal: Option<String>,
    /// Baggage allowance.
    pub baggage: Option<String>,
}

impl Segment {
    /// The moment of departure.
    pub fn departs_at(&self) -> Option<Instant> {
        moment(self.departs, self.from.utc_offset_minutes)
    }

    /// Checks that its times and prices make sense.
    pub(super) fn check(&self) -> Result<(), BadBooking> {
        let bad = || BadBooking::Schedule(self.flight_no.clone());
        let arrives_at = moment(self.arrives, self.to.utc_offset_minutes).ok_or_else(bad)?;
        if self.departs_at().ok_or_else(bad)? >= arrives_at {
            return Err(bad());
        }
        // The clock at a stop is not known, only that it goes forwards there.
        if self.stop.as_ref().is_some_and(|stop| stop.arrives >= stop.departs) {
            return Err(bad());
        }
        let parts = [self.fare.ticket_fen, self.fare.build_fen, self.fare.oil_fen];
        if parts.iter().any(|part| *part < Fen::ZERO) || self.fare.total().is_none() {
            return Err(BadBooking::Fare);
        }
        Ok(())
    }
}

/// A segment as a person writes it: names of known airlines and airports may be left out.
#[derive(Deserialize)]
struct SegmentDraft {
    flight_no: FlightNo,
    airline: Option<Airline>,
    #[serde(default)]
    operated_as: Option<FlightNo>,
    from: Endpoint,
    to: Endpoint,
    departs: Civil,
    arrives: Civil,
    #[serde(default)]
    stop: Option<Stop>,
    cabin: String,
    cabin_class: CabinClass,
    #[serde(default = "outbound")]
    direction: Direction,
    fare: Fare,
    #[serde(default)]
    meal: Option<String>,
    #[serde(default)]
    baggage: Option<String>,
}

const fn outbound() -> Direction {
    Direction::Outbound
}

/// A code that nobody knows was given without the names that go with it.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not known here: give its names too")]
struct UnknownCode(String);

impl TryFrom<SegmentDraft> for Segment {
    type Error = UnknownCode;

    fn try_from(draft: SegmentDraft) -> Result<Self, UnknownCode> {
        let airline = match draft.airline {
            Some(airline) => airline,
            None => Airline::known(draft.flight_no.airline_code())?,
        };
        Ok(Self {
            flight_no: draft.flight_no,
            airline,
            operated_as: draft.operated_as,
            from: draft.from,
            to: draft.to,
            departs: draft.departs,
            arrives: draft.arrives,
            stop: draft.stop,
            cabin: draft.cabin,
            cabin_class: draft.cabin_class,
            direction: draft.direction,
            fare: draft.fare,
            meal: draft.meal,
            baggage: draft.baggage,
        })
    }
}

/// An airline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Airline {
    /// IATA code.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Short name.
    pub short_name: String,
}

impl Airline {
    fn known(code: &str) -> Result<Self, UnknownCode> {
        let (name, short_name) =
            place::airline_by_code(code).ok_or_else(|| UnknownCode(format!("airline {code}")))?;
        Ok(Self { code: code.into(), name: name.into(), short_name: short_name.into() })
    }
}

/// Where a flight departs or arrives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "EndpointDraft")]
pub struct Endpoint {
    /// IATA code of the airport.
    pub airport_code: String,
    /// Name of the airport.
    pub airport_name: String,
    /// IATA code of the city.
    pub city_code: String,
    /// Name of the city.
    pub city: String,
    /// Terminal.
    pub terminal: Option<String>,
    /// How far the clock there is ahead of UTC.
    pub utc_offset_minutes: i16,
}

/// An endpoint as a person writes it: a known airport code is enough.
#[derive(Deserialize)]
struct EndpointDraft {
    airport_code: String,
    airport_name: Option<String>,
    city_code: Option<String>,
    city: Option<String>,
    #[serde(default)]
    terminal: Option<String>,
    utc_offset_minutes: Option<i16>,
}

impl TryFrom<EndpointDraft> for Endpoint {
    type Error = UnknownCode;

    fn try_from(draft: EndpointDraft) -> Result<Self, UnknownCode> {
        let known = place::airport_by_code(&draft.airport_code);
        let unknown = || UnknownCode(format!("airport {}", draft.airport_code));
        let name = |given: Option<String>, ours: Option<&str>| {
            given.or_else(|| ours.map(str::to_owned)).ok_or_else(unknown)
        };
        Ok(Self {
            airport_name: name(draft.airport_name, known.map(|airport| airport.name))?,
            city_code: name(draft.city_code, known.map(|airport| airport.city_code))?,
            city: name(draft.city, known.map(|airport| airport.city))?,
            terminal: draft.terminal,
            utc_offset_minutes: draft.utc_offset_minutes.unwrap_or(PLATFORM_OFFSET_MINUTES),
            airport_code: draft.airport_code,
        })
    }
}

/// A landing between departure and arrival, by the clock there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// IATA code of the city.
    pub city_code: String,
    /// When it lands.
    pub arrives: Civil,
    /// When it goes on.
    pub departs: Civil,
}

/// What one traveller pays for one flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fare {
    /// The ticket.
    pub ticket_fen: Fen,
    /// Airport construction fee (机建).
    pub build_fen: Fen,
    /// Fuel surcharge (燃油).
    pub oil_fen: Fen,
}

impl Fare {
    /// The sum, unless it overflows.
    pub fn total(&self) -> Option<Fen> {
        Fen::total([self.ticket_fen, self.build_fen, self.oil_fen])
    }
}

/// Somebody who flies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traveller {
    /// The distributor's id of the person.
    pub user_id: UserId,
    /// Name as in the document.
    #[serde(with = "pii::marked")]
    pub name: Pii<String>,
    /// Adult, child, …
    pub passenger_type: PassengerType,
    /// The document flown with.
    pub document: Document,
    /// Mobile number.
    #[serde(default, with = "pii::marked_phone")]
    pub phone: Option<Pii<String>>,
}

/// A travel document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What kind.
    pub document_type: DocumentType,
    /// Its number.
    #[serde(with = "pii::marked_document")]
    pub number: Pii<String>,
}
