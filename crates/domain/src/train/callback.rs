//! What a supplier reports of a refund, and the checks it must pass, in their order.
//!
//! The checks, their order and their codes are inferred; no page has them. A callback is refused by
//! the first check that finds anything, with everything that check found.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::booking::{LEGS_MAX, Leg, Station, TICKETS_MAX};
use super::code::{CallbackCode, TicketType, TrainStatus, is_seat};
use super::fee;
use super::order::{Report, Seat, TicketResult, TrainOrder};
use super::person::{Field, Personal};
use crate::id::RefundId;
use crate::{Civil, Fen, Instant, Pii};

/// A supplier's report of what became of a refund.
#[derive(Debug, Clone, PartialEq)]
pub struct Callback {
    /// The application it answers.
    pub refund_id: RefundId,
    /// The supplier's number of the order.
    pub supplier_order_id: String,
    /// The railway's number of the order.
    pub ticket_no: String,
    /// Status code of the order.
    pub order_status: i64,
    /// What goes back in all.
    pub refund_total: Fen,
    /// The fee in all.
    pub refund_cost: Fen,
    /// The fee in percent, where all tickets have the same.
    pub refund_rate: Option<i64>,
    /// The trains, with what became of their tickets.
    pub trains: Vec<CallbackTrain>,
}

/// A train in a callback.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackTrain {
    /// Its number.
    pub train_no: String,
    /// Where it is boarded.
    pub from: Station,
    /// Where it is left.
    pub to: Station,
    /// The day of travel.
    pub train_date: Date,
    /// Departure by the station's clock.
    pub start_time: Civil,
    /// Arrival by the station's clock.
    pub arrive_time: Civil,
    /// Its tickets.
    pub tickets: Vec<CallbackTicket>,
}

/// A ticket in a callback.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackTicket {
    /// The railway's number of it.
    pub passenger_ticket_no: String,
    /// Coach.
    pub coach_no: String,
    /// Seat.
    pub seat_no: String,
    /// The railway's code of the seat's type.
    pub seat_type: String,
    /// The name that goes with it.
    pub seat_name: String,
    /// Whose fare it has.
    pub ticket_type: i64,
    /// What it cost.
    pub ticket_price: Fen,
    /// Status code of the ticket.
    pub ticket_status: i64,
    /// What goes back.
    pub refund_price: Fen,
    /// The fee.
    pub refund_cost: Fen,
    /// The fee in percent.
    pub refund_rate: Option<i64>,
    /// Why the refund failed, as a code.
    pub fail_code: Option<String>,
    /// The same in words.
    pub fail_reason: Option<String>,
    /// Who travels.
    pub passenger: Personal,
}

/// Where in a callback something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// In which train.
    pub train: Option<usize>,
    /// In which of its tickets.
    pub ticket: Option<usize>,
    /// Whether it is said of the passenger.
    pub of_passenger: bool,
    /// The fact, by its published name.
    pub fact: &'static str,
}

/// What is wrong, and where. It never repeats what stands there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub spot: Spot,
    /// What.
    pub what: &'static str,
}

/// A callback was refused; nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackRefusal {
    /// Why.
    pub code: CallbackCode,
    /// What exactly.
    pub problems: Vec<Problem>,
}

/// Something odd that does not stop a callback: the railway decides, a person may want to know.
pub type Remark = Problem;

impl Spot {
    /// Something said of the whole order.
    pub const fn order(fact: &'static str) -> Self {
        Self { train: None, ticket: None, of_passenger: false, fact }
    }

    /// Something said of a train.
    pub const fn train(train: usize, fact: &'static str) -> Self {
        Self { train: Some(train), ..Self::order(fact) }
    }

    /// Something said of a ticket.
    pub const fn ticket((train, ticket): (usize, usize), fact: &'static str) -> Self {
        Self { ticket: Some(ticket), ..Self::train(train, fact) }
    }

    /// Something said of a ticket's passenger.
    pub const fn passenger(ticket: (usize, usize), fact: &'static str) -> Self {
        Self { of_passenger: true, ..Self::ticket(ticket, fact) }
    }
}

/// What a check has found so far.
struct Findings {
    code: CallbackCode,
    problems: Vec<Problem>,
}

impl Findings {
    const fn new(code: CallbackCode) -> Self {
        Self { code, problems: Vec::new() }
    }

    fn note(&mut self, is_wrong: bool, spot: Spot, what: &'static str) {
        if is_wrong {
            self.problems.push(Problem { spot, what });
        }
    }

    fn done(self) -> Result<(), CallbackRefusal> {
        let Self { code, problems } = self;
        if problems.is_empty() { Ok(()) } else { Err(CallbackRefusal { code, problems }) }
    }
}

/// Where a ticket stands in a callback: its train and its place there.
type At = (usize, usize);

impl Callback {
    /// Every ticket, and where it stands.
    fn tickets(&self) -> impl Iterator<Item = (At, &CallbackTicket)> {
        let trains = self.trains.iter().enumerate();
        trains.flat_map(|(train, found)| {
            let tickets = found.tickets.iter().enumerate();
            tickets.map(move |(ticket, found)| ((train, ticket), found))
        })
    }

    /// Check 1, the part that looks at the callback alone.
    ///
    /// # Errors
    /// It contradicts itself or is too long.
    pub fn check_form(&self) -> Result<(), CallbackRefusal> {
        let mut found = Findings::new(CallbackCode::BadRequest);
        let count = self.tickets().count();
        let spot = Spot::order("refund_train_details");
        let empty = self.trains.iter().any(|train| train.tickets.is_empty());
        found.note(self.trains.is_empty() || empty, spot, "缺少车次或车票");
        found.note(self.trains.len() > LEGS_MAX, spot, "车次过多");
        found.note(count > TICKETS_MAX, spot, "车票过多");
        for (at, train) in self.trains.iter().enumerate() {
            let other_day = train.train_date != train.start_time.date();
            found.note(other_day, Spot::train(at, "train_date"), "与出发时间不是同一天");
            let backwards = train.arrive_time <= train.start_time;
            found.note(backwards, Spot::train(at, "arrive_time"), "不晚于出发时间");
        }
        found.done()
    }

    /// A text that is the same for two callbacks exactly when they say the same, however their trains
    /// and tickets are ordered. It has personal data in it.
    pub fn content(&self) -> String {
        let mut content = Content::new();
        content.text(self.refund_id.as_str());
        content.text(&self.supplier_order_id);
        content.text(&self.ticket_no);
        content.number(self.order_status);
        content.number(self.refund_total.0);
        content.number(self.refund_cost.0);
        content.optional(self.refund_rate.map(|rate| rate.to_string()).as_deref());
        content.sorted(self.trains.iter().map(CallbackTrain::content));
        content.0
    }

    /// What it says, in the order's own terms.
    fn report(&self, seats: &[Seat]) -> Report {
        let result = |(ticket, seat): (&CallbackTicket, &Seat)| {
            let refunded = ticket.ticket_status == TrainStatus::Refunded.code();
            // The page's own example gives a reason for the failure of a success.
            let why = |text: &Option<String>| text.clone().filter(|_| !refunded);
            TicketResult {
                seat: *seat,
                refunded,
                refund_fen: ticket.refund_price,
                cost_fen: ticket.refund_cost,
                fail_code: why(&ticket.fail_code),
                fail_reason: why(&ticket.fail_reason).map(Pii::new),
            }
        };
        let tickets = self.tickets().map(|(_, ticket)| ticket);
        let mut results: Vec<_> = tickets.zip(seats).map(result).collect();
        results.sort_by_key(|result| result.seat);
        Report { tickets: results, content_hash: None }
    }
}

impl CallbackTrain {
    fn content(&self) -> String {
        let mut content = Content::new();
        content.text(&self.train_no);
        for Station { code, name } in [&self.from, &self.to] {
            content.text(code);
            content.text(name);
        }
        content.text(&self.train_date.to_string());
        content.text(&self.start_time.to_string());
        content.text(&self.arrive_time.to_string());
        content.sorted(self.tickets.iter().map(CallbackTicket::content));
        content.0
    }

    /// Whether it is this leg of the order.
    fn is(&self, leg: &Leg) -> bool {
        self.train_no == leg.train_no
            && self.train_date == leg.departs.date()
            && self.from.code == leg.from.code
            && self.to.code == leg.to.code
    }
}

impl CallbackTicket {
    fn content(&self) -> String {
        let mut content = Content::new();
        content.text(&self.passenger_ticket_no);
        content.text(&self.coach_no);
        content.text(&self.seat_no);
        content.text(&self.seat_type);
        content.text(&self.seat_name);
        content.number(self.ticket_type);
        content.number(self.ticket_price.0);
        content.number(self.ticket_status);
        content.number(self.refund_price.0);
        content.number(self.refund_cost.0);
        content.optional(self.refund_rate.map(|rate| rate.to_string()).as_deref());
        content.optional(self.fail_code.as_deref());
        content.optional(self.fail_reason.as_deref());
        for (_, field) in self.passenger.fields() {
            match field {
                Field::Absent => content.optional(None),
                Field::Unopened => content.text("?"),
                Field::Clear(value) => content.optional(Some(value.expose())),
            }
        }
        content.0
    }
}

/// Room that is asked for at once, in bytes: most callbacks say less of a ticket.
const CONTENT_BYTES: usize = 512;

/// Parts one after the other, lengths first, so that no two lists read the same.
struct Content(String);

impl Content {
    fn new() -> Self {
        Self(String::with_capacity(CONTENT_BYTES))
    }

    fn text(&mut self, part: &str) {
        self.part("", part);
    }

    fn number(&mut self, number: i64) {
        self.text(itoa::Buffer::new().format(number));
    }

    /// Nothing and an empty text are told apart.
    fn optional(&mut self, part: Option<&str>) {
        match part {
            None => self.text("-"),
            Some(part) => self.part("+", part),
        }
    }

    /// The same in whatever order they come.
    fn sorted(&mut self, parts: impl Iterator<Item = String>) {
        let mut parts: Vec<_> = parts.collect();
        parts.sort_unstable();
        parts.iter().for_each(|part| self.text(part));
    }

    fn part(&mut self, mark: &str, part: &str) {
        self.0.push_str(itoa::Buffer::new().format(mark.len() + part.len()));
        self.0.extend([":", mark, part]);
    }
}

/// A callback that passed every check.
pub(super) struct Passed {
    pub report: Report,
    pub remarks: Vec<Remark>,
}

impl TrainOrder {
    /// Check 2: whether it is this order of this supplier that the callback means.
    pub(super) fn check_identity(&self, callback: &Callback) -> Result<(), CallbackRefusal> {
        let mut found = Findings::new(CallbackCode::NotFound);
        let other = callback.supplier_order_id != self.booking.supplier_order_id.as_str();
        found.note(other, Spot::order("supplier_order_id"), "不是该订单的供应商订单号");
        let other = callback.ticket_no != self.booking.ticket_no.as_str();
        found.note(other, Spot::order("ticket_no"), "不是该订单的取票号");
        found.done()
    }

    /// Checks 4 to 8, and of a refund at a station that it is one. `asked` is the application's seats
    /// and when it was made; `None` for a refund at a station, which nobody applied for.
    pub(super) fn check_content(
        &self,
        callback: &Callback,
        asked: Option<(&[Seat], Instant)>,
        lenient: bool,
        now: Instant,
    ) -> Result<Passed, CallbackRefusal> {
        let trains = self.find_trains(callback)?;
        let wanted = asked.map_or(&[][..], |(seats, _)| seats);
        let seats = self.find_seats(callback, &trains, wanted)?;
        self.check_seats(callback, &seats, asked.map(|(seats, _)| seats))?;
        self.check_people(callback, &seats, lenient)?;
        self.check_money(callback, &seats)?;
        check_statuses(callback, asked.is_none())?;
        let asked_at = asked.map_or(now, |(_, asked_at)| asked_at);
        let remarks = self.remarks(callback, &seats, asked_at);
        Ok(Passed { report: callback.report(&seats), remarks })
    }

    /// Check 4: which legs each train may be. Two legs may be one train, on which a seat was changed.
    fn find_trains(&self, callback: &Callback) -> Result<Vec<Vec<usize>>, CallbackRefusal> {
        let mut unknown = Findings::new(CallbackCode::NotFound);
        let mut wrong = Findings::new(CallbackCode::BadRequest);
        let mut all = Vec::new();
        for (at, train) in callback.trains.iter().enumerate() {
            let legs = self.legs().enumerate().filter(|(_, leg)| train.is(leg));
            let legs: Vec<_> = legs.map(|(position, _)| position).collect();
            unknown.note(legs.is_empty(), Spot::train(at, "train_no"), "订单没有这趟车");
            if let Some(leg) = legs.first().and_then(|first| self.legs().nth(*first)) {
                let from = Spot::train(at, "from_station_name");
                wrong.note(train.from.name != leg.from.name, from, "与站码或订单不一致");
                let to = Spot::train(at, "to_station_name");
                wrong.note(train.to.name != leg.to.name, to, "与站码或订单不一致");
            }
            all.push(legs);
        }
        unknown.done()?;
        wrong.done()?;
        Ok(all)
    }

    /// Check 5, the first half: which seat of the order each ticket is. Several may fit, where a ticket
    /// has no seat or was changed on one train: one asked for is meant first, one that was given up last.
    fn find_seats(
        &self,
        callback: &Callback,
        trains: &[Vec<usize>],
        asked: &[Seat],
    ) -> Result<Vec<Seat>, CallbackRefusal> {
        let legs: Vec<_> = self.legs().collect();
        let mut unknown = Findings::new(CallbackCode::NotFound);
        let mut tickets: Vec<_> = callback.tickets().enumerate().collect();
        // Whoever can be told by an id is, before the rest is shared out.
        tickets.sort_by_key(|(_, (_, given))| given.passenger.readable_id().is_none());
        let mut seats: Vec<(usize, Seat)> = Vec::new();
        for (position, (at, given)) in tickets {
            let mut fitting = Vec::new();
            for leg in &trains[at.0] {
                let tickets = legs[*leg].tickets.iter().enumerate();
                let fits = tickets.filter(|(_, ticket)| {
                    given.passenger_ticket_no == ticket.passenger_ticket_no.as_str()
                        && given.coach_no == ticket.coach_no
                        && given.seat_no == ticket.seat_no
                });
                fitting.extend(fits.map(|(ticket, _)| Seat { leg: *leg, ticket }));
            }
            let spot = Spot::ticket(at, "passenger_ticket_no");
            unknown.note(fitting.is_empty(), spot, "订单没有这张票");
            if fitting.is_empty() {
                continue;
            }
            // One that does not open, or makes no sense, is the next check's.
            if let Some(id) = given.passenger.readable_id() {
                let is_theirs = |seat: &Seat| {
                    let ticket = self.ticket(*seat);
                    ticket.is_some_and(|ticket| ticket.passenger.passenger_id.expose() == id)
                };
                fitting.retain(is_theirs);
                let spot = Spot::passenger(at, "passenger_id");
                unknown.note(fitting.is_empty(), spot, "不是这张票的乘客");
            }
            let last = |seat: &Seat| {
                let is_taken = seats.iter().any(|(_, taken)| taken == seat);
                (is_taken, !asked.contains(seat), self.is_given_up(*seat))
            };
            let seat = fitting.into_iter().min_by_key(last);
            seats.extend(seat.map(|seat| (position, seat)));
        }
        unknown.problems.sort_by_key(|problem| problem.spot);
        unknown.done()?;
        seats.sort_unstable();
        Ok(seats.into_iter().map(|(_, seat)| seat).collect())
    }

    /// Check 5, the second half: each ticket once, as applied for, as it was issued.
    fn check_seats(
        &self,
        callback: &Callback,
        seats: &[Seat],
        asked: Option<&[Seat]>,
    ) -> Result<(), CallbackRefusal> {
        let mut known = BTreeSet::new();
        let mut twice = Findings::new(CallbackCode::BadRequest);
        let mut given_up = Findings::new(CallbackCode::Conflict);
        for ((at, _), seat) in callback.tickets().zip(seats) {
            let spot = Spot::ticket(at, "passenger_ticket_no");
            twice.note(!known.insert(*seat), spot, "重复的车票");
            let outside = asked.is_some_and(|asked| !asked.contains(seat));
            twice.note(outside, spot, "不在该退票申请内");
            given_up.note(self.is_given_up(*seat), spot, "车票已改签");
        }
        let lacking = asked.is_some_and(|asked| asked.iter().any(|seat| !known.contains(seat)));
        let spot = Spot::order("refund_train_details");
        twice.note(lacking, spot, "缺少该退票申请的车票");
        twice.done()?;
        given_up.done()?;
        let mut odd = Findings::new(CallbackCode::BadRequest);
        let mut price = Findings::new(CallbackCode::BadAmount);
        for ((at, given), seat) in callback.tickets().zip(seats) {
            let Some(ticket) = self.ticket(*seat) else { continue };
            let pair = is_seat(&given.seat_type, &given.seat_name);
            odd.note(!pair, Spot::ticket(at, "seat_name"), "与坐席类型不一致");
            let same = given.seat_type.eq_ignore_ascii_case(&ticket.seat_type);
            odd.note(!same, Spot::ticket(at, "seat_type"), "与出票坐席不一致");
            let same = TicketType::from_code(given.ticket_type) == Some(ticket.ticket_type);
            odd.note(!same, Spot::ticket(at, "ticket_type"), "与出票票类型不一致");
            let same = self.prices(*seat).contains(&given.ticket_price);
            price.note(!same, Spot::ticket(at, "ticket_price"), "与出票价格不一致");
        }
        odd.done()?;
        price.done()
    }

    /// Check 6: everything personal opens, makes sense, is complete, and is the passenger's.
    fn check_people(
        &self,
        callback: &Callback,
        seats: &[Seat],
        lenient: bool,
    ) -> Result<(), CallbackRefusal> {
        let mut unreadable = Findings::new(CallbackCode::Unreadable);
        let mut wrong = Findings::new(CallbackCode::BadRequest);
        for ((at, given), seat) in callback.tickets().zip(seats) {
            let person = &given.passenger;
            for fact in person.unreadable(lenient) {
                unreadable.note(true, Spot::passenger(at, fact), "无法解密");
            }
            for fact in person.missing() {
                wrong.note(true, Spot::passenger(at, fact), "证件不是身份证时必传");
            }
            let sound = lenient || person.has_sound_number();
            wrong.note(!sound, Spot::passenger(at, "passenger_id_no"), "身份证号校验位不正确");
            let Some(ticket) = self.ticket(*seat) else { continue };
            for fact in person.differing(&ticket.passenger) {
                wrong.note(true, Spot::passenger(at, fact), "与订单乘客不一致");
            }
        }
        unreadable.done()?;
        wrong.done()
    }

    /// Check 7: the amounts add up, for each ticket, for the callback and for the order.
    fn check_money(&self, callback: &Callback, seats: &[Seat]) -> Result<(), CallbackRefusal> {
        let mut found = Findings::new(CallbackCode::BadAmount);
        for ((at, ticket), seat) in callback.tickets().zip(seats) {
            let sum = ticket.refund_price.plus(ticket.refund_cost);
            if ticket.ticket_status == TrainStatus::RefundFailed.code() {
                let some = sum != Some(Fen::ZERO);
                found.note(some, Spot::ticket(at, "refund_price"), "退票失败时退款和手续费应为0");
                continue;
            }
            let prices = self.prices(*seat);
            // Where a change left a difference in price, the sum may stay below the higher one.
            let differs = prices.iter().any(|price| *price != prices[0]);
            let most = prices.iter().max().copied();
            let adds_up =
                sum == Some(ticket.ticket_price) || (differs && sum.is_some() && sum <= most);
            let spot = Spot::ticket(at, "refund_price");
            found.note(!adds_up, spot, "退款与手续费之和应等于票价");
            // A change settles its own difference. So that no order of refunds makes more go back than
            // was paid, each ticket gives back what it costs now at most.
            let too_much = prices.first().is_some_and(|price| ticket.refund_price > *price);
            found.note(adds_up && too_much, spot, "退款超过车票现价");
        }
        let total = Fen::total(callback.tickets().map(|(_, ticket)| ticket.refund_price));
        let wrong = total != Some(callback.refund_total);
        found.note(wrong, Spot::order("refund_total"), "不等于各票退款之和");
        let cost = Fen::total(callback.tickets().map(|(_, ticket)| ticket.refund_cost));
        let wrong = cost != Some(callback.refund_cost);
        found.note(wrong, Spot::order("refund_cost"), "不等于各票手续费之和");
        found.done()
    }

    /// What the railway's table of fees makes one wonder about. The railway decides.
    fn remarks(&self, callback: &Callback, seats: &[Seat], asked_at: Instant) -> Vec<Remark> {
        let mut remarks = Findings::new(CallbackCode::Ok);
        let mut rates = BTreeSet::new();
        for ((at, given), seat) in callback.tickets().zip(seats) {
            let Some(journey) = self.journey(*seat) else { continue };
            if given.ticket_status != TrainStatus::Refunded.code() {
                continue;
            }
            let percent = fee::percent(asked_at, journey);
            rates.extend(given.refund_rate);
            let expected = fee::fee(given.ticket_price, percent);
            let other = expected != Some(given.refund_cost);
            remarks.note(other, Spot::ticket(at, "refund_cost"), "与铁路退票费率表不一致");
            let other = given.refund_rate.is_some_and(|rate| rate != percent);
            remarks.note(other, Spot::ticket(at, "refund_rate"), "与铁路退票费率表不一致");
        }
        // The order's rate is that of its tickets; when they differ, none or 0.
        let common = if rates.len() == 1 { rates.first().copied() } else { Some(0) };
        let other = !rates.is_empty() && callback.refund_rate.is_some_and(|r| Some(r) != common);
        remarks.note(other, Spot::order("refund_rate"), "与各票费率不一致");
        for (at, train) in callback.trains.iter().enumerate() {
            let legs: Vec<_> = self.legs().filter(|leg| train.is(leg)).collect();
            let (start, arrive) = (train.start_time, train.arrive_time);
            let moved = !legs.iter().any(|leg| leg.departs == start);
            remarks.note(moved, Spot::train(at, "start_time"), "与订单出发时间不一致");
            let moved = !legs.iter().any(|leg| leg.arrives == arrive);
            remarks.note(moved, Spot::train(at, "arrive_time"), "与订单到达时间不一致");
        }
        remarks.problems
    }
}

/// Check 8: the statuses are ones a refund ends in, and the order's follows from its tickets'.
fn check_statuses(callback: &Callback, at_station: bool) -> Result<(), CallbackRefusal> {
    let (refunded, failed) = (TrainStatus::Refunded.code(), TrainStatus::RefundFailed.code());
    let mut found = Findings::new(CallbackCode::BadRequest);
    let mut ends = BTreeSet::new();
    for (at, ticket) in callback.tickets() {
        let status = ticket.ticket_status;
        let is_end = status == refunded || status == failed;
        found.note(!is_end, Spot::ticket(at, "ticket_status"), "不是退票成功或退票失败");
        // A failure that nobody asked for means nothing.
        let odd = at_station && status == failed;
        found.note(odd, Spot::ticket(at, "ticket_status"), "线下退票应为退票成功");
        ends.insert(status);
        let said =
            |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        for (fact, text) in [("fail_code", &ticket.fail_code), ("fail_reason", &ticket.fail_reason)]
        {
            let unsaid = status == failed && !said(text);
            found.note(unsaid, Spot::ticket(at, fact), "退票失败时必传");
        }
    }
    let expected = match (ends.contains(&refunded), ends.contains(&failed)) {
        (true, true) => TrainStatus::PartlyRefunded,
        (true, false) => TrainStatus::Refunded,
        (false, _) => TrainStatus::RefundFailed,
    };
    let other = callback.order_status != expected.code();
    found.note(other, Spot::order("order_status"), "与各票状态不一致");
    found.done()
}
