//! `alitrip.btrip.supplychain.train.callback.refund`: takes a supplier's report of a rail refund.

use anyhow::anyhow;
use domain::id::{RefundId, TrainOrderId};
use domain::train::code::CallbackCode;
use domain::train::{
    Callback, CallbackRefusal, CallbackTicket, CallbackTrain, Field, Personal, Problem, Remark,
    Spot, Station, TrainKey, TrainOrder,
};
use domain::{Civil, Fen, Pii, Step};
use jiff::civil;
use serde_json::{Value, json};
use store::{Decision, LookUp};
use top::seal::Sealing;
use top::{Masked, Sealed};
use trip_api::alitrip_btrip_supplychain_train_callback_refund::{
    OrderInfo, PassengerInfo, RefundCallBackParam, RefundTicketDetail, RefundTrainDetail, Request,
    Response,
};

use super::Caller;
use crate::failure::Failure;
use crate::family::held_elsewhere;
use crate::pipeline::ACCESS;
use crate::{Context, train};

/// Most problems that one answer names: enough to mend a mapping, short enough for a log line.
const PROBLEMS_NAMED_MAX: usize = 10;
/// Longest code of a failed refund, in characters: the page's has four. Inferred.
const CODE_CHARS_MAX: usize = 16;
/// Longest reason of a failed refund, in characters: a sentence. Inferred.
const REASON_CHARS_MAX: usize = 100;
/// Longest amount read, in digits: more than any order costs, and its sums stay within 64 bits.
const AMOUNT_DIGITS_MAX: usize = 15;

/// What became of a callback on an order that the caller has.
type Outcome = Result<Vec<Remark>, CallbackRefusal>;

/// Takes the report, whole or not at all; the same again is answered the same.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let rq = request.refund_call_back_param;
    let numbers = (rq.order_id.0.clone(), rq.supplier_order_id.clone());
    let sealings = caller.app.sealings.as_ref();
    let sealings = sealings
        .map_err(|key_id| anyhow!("SM4 key {key_id} of app {} is unusable", caller.app.key));
    let sealings = sealings.map_err(Failure::Fault)?;
    let lenient = caller.is_lenient(cx);
    let opener = Opener { sealing: Opener::best(sealings, &rq), lenient };
    let callback = match read(rq, &opener) {
        Ok(callback) => callback,
        Err(refusal) => return Ok(refused(caller, None, &refusal)),
    };
    let Ok(order_id) = TrainOrderId::try_from(numbers.0.clone()) else {
        return Ok(refused(caller, None, &not_found("order_id")));
    };
    let outcome = take(cx, caller, order_id, &callback).await?;
    let (order_id, supplier_order_id) = numbers;
    let data = OrderInfo { order_id, supplier_order_id };
    Ok(match outcome {
        Ok(remarks) => {
            if !remarks.is_empty() {
                let (request_id, remarks) = (&caller.request_id, named(&remarks));
                tracing::warn!(request_id, remarks, "a rail refund is odd and was taken");
            }
            answer(CallbackCode::Ok, CallbackCode::Ok.row().zh.to_owned(), Some(data))
        }
        Err(refusal) => {
            let known = refusal.code != CallbackCode::NotFound;
            refused(caller, known.then_some(data), &refusal)
        }
    })
}

/// Takes a callback that could be read, on the order that it names.
async fn take(
    cx: &Context,
    caller: &Caller,
    order_id: TrainOrderId,
    callback: &Callback,
) -> Result<Outcome, Failure> {
    let key = train::key(&TrainKey { app: caller.app.key.clone(), order_id });
    let refund = LookUp { name: train::REFUND, value: callback.refund_id.to_string() };
    // Keyed, because there is personal data in it.
    let content_hash = cx.store.keyed_hash("refund callback", &callback.content());
    let decide = |order: Option<TrainOrder>, is_anothers: Option<bool>| {
        let Some(order) = order else {
            return (Decision::Keep, Some(Err(not_found("order_id"))));
        };
        // A number that the order knows has been its own since it was asked for or reported: nobody else has it, and it
        // need not be claimed again.
        let is_known = order.refunds.iter().any(|known| known.refund_id == callback.refund_id);
        let Some(is_anothers) = is_anothers.or(is_known.then_some(false)) else {
            return (Decision::Keep, None);
        };
        let lenient = caller.is_lenient(cx);
        let (decision, outcome) =
            match order.report(callback, &content_hash, is_anothers, lenient, caller.now) {
                Ok((Step::Taken(document), remarks)) => {
                    let facts = Some(facts(&document, &callback.refund_id, &remarks));
                    let look_ups = if is_known { Vec::new() } else { vec![refund.clone()] };
                    let what = "refund-callback";
                    (Decision::Put { document, what, facts, look_ups }, Ok(remarks))
                }
                Ok((Step::Already(_), remarks)) => (Decision::Keep, Ok(remarks)),
                Err(refusal) => (Decision::Keep, Err(refusal)),
            };
        (decision, Some(outcome))
    };
    let cause = caller.cause_at(&key);
    let mut is_anothers = None;
    loop {
        // What was booked stays as it is.
        match cx.store.change_rest(&key, &cause, |order| decide(order, is_anothers)).await {
            Ok(Some(outcome)) => return Ok(outcome),
            // The order does not know the number: it may be another's.
            Ok(None) => {
                let held = held_elsewhere(&cx.store, &key, vec![refund.clone()]).await?;
                is_anothers = Some(!held.is_empty());
            }
            // Between the look and the write it has become another order's of the same supplier.
            Err(store::Error::Taken { name: train::REFUND, .. }) => {
                return Ok(Err(not_found("refund_id")));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// There is no order, or no refund, of that number.
fn not_found(fact: &'static str) -> CallbackRefusal {
    let problem = Problem { spot: Spot::order(fact), what: "没有这个编号" };
    CallbackRefusal { code: CallbackCode::NotFound, problems: vec![problem] }
}

fn refused(caller: &Caller, data: Option<OrderInfo>, refusal: &CallbackRefusal) -> Response {
    let CallbackRefusal { code, problems } = refusal;
    let problems = named(problems);
    let (request_id, result_code) = (&caller.request_id, code.code());
    if *code == CallbackCode::Conflict {
        // Two parties believe different things about one refund: somebody should look.
        tracing::warn!(request_id, result_code, problems, "a rail refund callback conflicts");
    } else {
        tracing::info!(target: ACCESS, request_id, result_code, problems, "a rail refund callback was refused");
    }
    answer(*code, format!("{}: {problems}", code.row().zh), data)
}

fn answer(code: CallbackCode, result_msg: String, data: Option<OrderInfo>) -> Response {
    let (result_code, status) = (code.code().to_string(), (code == CallbackCode::Ok).to_string());
    Response { data, result_code, status, result_msg }
}

/// Problems by their places in the request. What stands there is never repeated.
fn named(problems: &[Problem]) -> String {
    let mut names: Vec<_> = problems.iter().take(PROBLEMS_NAMED_MAX).map(name).collect();
    if problems.len() > PROBLEMS_NAMED_MAX {
        names.push(format!("共{}处", problems.len()));
    }
    names.join("; ")
}

fn name(problem: &Problem) -> String {
    let Spot { train, ticket, of_passenger, fact } = problem.spot;
    let train = train.map_or(String::new(), |at| format!("refund_train_details[{at}]."));
    let ticket = ticket.map_or(String::new(), |at| format!("refund_ticket_details[{at}]."));
    let passenger = if of_passenger { "passenger_info." } else { "" };
    format!("refund_call_back_param.{train}{ticket}{passenger}{fact} {}", problem.what)
}

/// What the journal says beside "refund-callback": what goes back, and what is odd about it.
fn facts(order: &TrainOrder, refund_id: &RefundId, remarks: &[Remark]) -> Value {
    let remarks: Vec<_> = remarks.iter().map(name).collect();
    json!({"refund_id": refund_id, "ledger": train::ledger(order, refund_id), "remarks": remarks})
}

/// Reads a callback: check 1, the part that looks at single values.
fn read(rq: RefundCallBackParam, opener: &Opener<'_>) -> Result<Callback, CallbackRefusal> {
    let mut reading = Reading { problems: Vec::new() };
    let callback = reading.callback(rq, opener).filter(|_| reading.problems.is_empty());
    let code = CallbackCode::BadRequest;
    callback.ok_or(CallbackRefusal { code, problems: reading.problems })
}

/// Opens sealed fields.
struct Opener<'k> {
    sealing: Option<&'k Sealing>,
    /// Whether what does not open may pass for plaintext.
    lenient: bool,
}

impl<'k> Opener<'k> {
    /// The key under which most of a callback makes sense, the newest of several: ciphertext does not
    /// say which it was sealed with, and while a partner goes over to a new key both are in use.
    fn best(sealings: &'k [Sealing], rq: &RefundCallBackParam) -> Option<&'k Sealing> {
        let [_, _, ..] = sealings else { return sealings.first() };
        let tickets = rq.refund_train_details.iter().flat_map(|train| &train.refund_ticket_details);
        let people: Vec<_> = tickets.map(|ticket| &ticket.passenger_info).collect();
        let unreadable = |sealing: &&Sealing| -> usize {
            let opener = Opener { sealing: Some(sealing), lenient: false };
            let people = people.iter().map(|info| opener.person((*info).clone()));
            people.map(|person| person.unreadable(false).count()).sum()
        };
        sealings.iter().min_by_key(unreadable)
    }

    fn field(&self, Sealed(text): Sealed) -> Field {
        let opened = self.sealing.map(|sealing| sealing.open(&text));
        let is_sealed = || self.sealing.is_some_and(|sealing| sealing.has_form(&text));
        match opened {
            Some(Ok(clear)) => Field::Clear(Pii::new(clear)),
            // What was sealed and does not open is a mistake that a sandbox is there to show.
            _ if self.lenient && !is_sealed() => Field::Clear(Pii::new(text)),
            _ => Field::Unopened,
        }
    }

    /// A field that may be absent, which some say by sealing nothing.
    fn optional(&self, text: Option<Sealed>) -> Field {
        match text.map(|text| self.field(text)) {
            Some(Field::Clear(clear)) if clear.expose().is_empty() => Field::Absent,
            Some(field) => field,
            None => Field::Absent,
        }
    }

    fn person(&self, info: PassengerInfo) -> Personal {
        Personal {
            passenger_name: self.field(info.passenger_name),
            passenger_mobile: self.field(info.passenger_mobile),
            passenger_id_no: self.field(info.passenger_id_no),
            passenger_id_type: self.field(info.passenger_id_type),
            country_code: self.optional(info.country_code),
            sex: self.optional(info.sex),
            passenger_id: self.field(info.passenger_id),
            valid_date_start: self.optional(info.valid_date_start),
            birth_date: self.optional(info.birth_date),
            valid_date_end: self.optional(info.valid_date_end),
        }
    }
}

/// Turns texts into what they say, and notes those that say nothing.
struct Reading {
    problems: Vec<Problem>,
}

impl Reading {
    fn note<T>(&mut self, value: Option<T>, spot: Spot, what: &'static str) -> Option<T> {
        if value.is_none() {
            self.problems.push(Problem { spot, what });
        }
        value
    }

    /// Every part is read before the first that failed ends it, so that all problems are named.
    fn callback(&mut self, rq: RefundCallBackParam, opener: &Opener<'_>) -> Option<Callback> {
        let refund_id = RefundId::try_from(rq.refund_id.0).ok();
        let refund_id = self.note(refund_id, Spot::order("refund_id"), "不是有效的编号");
        let order_status = self.number(&rq.order_status, Spot::order("order_status"));
        let refund_total = self.amount(&rq.refund_total, Spot::order("refund_total"));
        let refund_cost = self.amount(&rq.refund_cost, Spot::order("refund_cost"));
        let refund_rate = self.rate(rq.refund_rate, Spot::order("refund_rate"));
        let trains = rq.refund_train_details.into_iter().enumerate();
        let trains: Vec<_> = trains.map(|(at, train)| self.train(at, train, opener)).collect();
        Some(Callback {
            refund_id: refund_id?,
            supplier_order_id: rq.supplier_order_id,
            ticket_no: rq.ticket_no.0,
            order_status: order_status?,
            refund_total: refund_total?,
            refund_cost: refund_cost?,
            refund_rate,
            trains: trains.into_iter().collect::<Option<_>>()?,
        })
    }

    fn train(
        &mut self,
        at: usize,
        rq: RefundTrainDetail,
        opener: &Opener<'_>,
    ) -> Option<CallbackTrain> {
        let spot = |fact| Spot::train(at, fact);
        let day = (rq.train_date.len() == 10).then(|| rq.train_date.parse::<civil::Date>().ok());
        let train_date = self.note(day.flatten(), spot("train_date"), "不是yyyy-MM-dd");
        let start_time = self.time(&rq.start_time, spot("start_time"));
        let arrive_time = self.time(&rq.arrive_time, spot("arrive_time"));
        let tickets = rq.refund_ticket_details.into_iter().enumerate();
        let tickets: Vec<_> =
            tickets.map(|(ticket, rq)| self.ticket((at, ticket), rq, opener)).collect();
        Some(CallbackTrain {
            train_no: rq.train_no,
            from: Station { code: rq.from_station_code, name: rq.from_station_name },
            to: Station { code: rq.to_station_code, name: rq.to_station_name },
            train_date: train_date?,
            start_time: start_time?,
            arrive_time: arrive_time?,
            tickets: tickets.into_iter().collect::<Option<_>>()?,
        })
    }

    fn ticket(
        &mut self,
        at: (usize, usize),
        rq: RefundTicketDetail,
        opener: &Opener<'_>,
    ) -> Option<CallbackTicket> {
        let spot = |fact| Spot::ticket(at, fact);
        let ticket_type = self.number(&rq.ticket_type, spot("ticket_type"));
        let ticket_price = self.amount(&rq.ticket_price, spot("ticket_price"));
        let ticket_status = self.number(&rq.ticket_status, spot("ticket_status"));
        let refund_price = self.amount(&rq.refund_price, spot("refund_price"));
        let refund_cost = self.amount(&rq.refund_cost, spot("refund_cost"));
        let fail_reason = rq.fail_reason.map(|Masked(reason)| reason);
        for (fact, text, most) in [
            ("fail_code", &rq.fail_code, CODE_CHARS_MAX),
            ("fail_reason", &fail_reason, REASON_CHARS_MAX),
        ] {
            let fits =
                |it: &String| it.chars().count() <= most && !it.chars().any(char::is_control);
            let fits = text.as_ref().is_none_or(fits);
            self.note(fits.then_some(()), spot(fact), "过长或含控制字符");
        }
        Some(CallbackTicket {
            passenger_ticket_no: rq.passenger_ticket_no.0,
            coach_no: rq.coach_no,
            seat_no: rq.seat_no,
            seat_type: rq.seat_type,
            seat_name: rq.seat_name,
            ticket_type: ticket_type?,
            ticket_price: ticket_price?,
            ticket_status: ticket_status?,
            refund_price: refund_price?,
            refund_cost: refund_cost?,
            refund_rate: self.rate(rq.refund_rate, spot("refund_rate")),
            fail_code: rq.fail_code,
            fail_reason,
            passenger: opener.person(rq.passenger_info),
        })
    }

    fn time(&mut self, text: &str, spot: Spot) -> Option<Civil> {
        let time = text.parse::<top::Date>().ok().map(|date| date.0);
        self.note(time, spot, "不是yyyy-MM-dd HH:mm:ss")
    }

    fn amount(&mut self, text: &str, spot: Spot) -> Option<Fen> {
        self.note(digits(text, AMOUNT_DIGITS_MAX).map(Fen), spot, "不是以分为单位的整数")
    }

    fn number(&mut self, text: &str, spot: Spot) -> Option<i64> {
        self.note(digits(text, 4), spot, "不是枚举值")
    }

    fn rate(&mut self, text: Option<String>, spot: Spot) -> Option<i64> {
        let rate = digits(&text?, 3).filter(|rate| *rate <= 100);
        self.note(rate, spot, "不是0到100的整数")
    }
}

/// A number of up to so many digits and nothing else.
fn digits(text: &str, most: usize) -> Option<i64> {
    let plain = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
