//! `alibaba.happytrip.flight.order.itinerary.postback`: takes reports of issued receipts.

use domain::Step;
use domain::id::{CwtAccountNo, EmployeeNo, HtUserId, OutRelationOrderId, TravelRequestId};
use domain::itinerary::code::PostbackCode;
use domain::itinerary::{
    NotATicketNo, Person, Postback, PostbackRefusal, Receipts, ReceiptsKey, Reported, TICKETS_MAX,
    TicketNo, Verdict, read,
};
use serde_json::{Value, json};
use store::Decision;
use top::{Masked, Needed};
use trip_api::alibaba_happytrip_flight_order_itinerary_postback::{
    FlightItineraryRequest, Request, Response,
};

use super::Caller;
use crate::failure::Failure;
use crate::family::Family as _;
use crate::{Context, receipts};

/// What became of a postback: the verdict on each ticket, or the reason and the verdicts.
type Outcome = Result<Vec<Verdict>, PostbackRefusal>;

/// Takes the receipts, all or none. One that comes before its order waits for it.
///
/// There is no session: the app key alone says who the supplier is, so its entitlement and the CWT
/// accounts bound to it decide.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let Needed(rq) = request.flight_itinerary_request;
    let account = CwtAccountNo::try_from(rq.cwt_account_no.0.clone()).ok();
    let account = account.filter(|account| caller.app.cwt_accounts.contains(account));
    let order_id = OutRelationOrderId::try_from(rq.out_relation_order_id.0.clone()).ok();
    let (Some(cwt_account_no), Some(out_relation_order_id)) = (account, order_id) else {
        return Ok(refused(PostbackCode::AccountDenied, None));
    };
    // Before any is read: reading and comparing them all takes time.
    if rq.ticket_no_list.0.len() > TICKETS_MAX {
        return Ok(refused(PostbackCode::TooManyTickets, None));
    }
    let tickets = match reported(&rq.ticket_no_list.0, caller.is_lenient(cx)) {
        Ok(tickets) => tickets,
        Err(content) => return Ok(refused(PostbackCode::BadTicketNumber, Some(content))),
    };
    if tickets.len() > TICKETS_MAX {
        return Ok(refused(PostbackCode::TooManyTickets, None));
    }
    let Some((tes_head_id, person)) = named(&rq) else {
        return Ok(refused(PostbackCode::OtherPerson, None));
    };
    let app = caller.app.key.clone();
    let key = ReceiptsKey { app, cwt_account_no, out_relation_order_id };
    let postback = Postback { at: caller.now, tes_head_id, tickets, person };
    let outcome = match post(cx, caller, &key, &postback).await {
        // Another order of the same owner took a ticket between the look and the write; a second
        // look sees which.
        Err(store::Error::Taken { .. }) => post(cx, caller, &key, &postback).await,
        outcome => outcome,
    };
    Ok(answer(&postback.tickets, outcome?))
}

/// Reads the tickets, conjunctions written out and each number once; or says which are none.
fn reported(texts: &[String], lenient: bool) -> Result<Vec<Reported>, Value> {
    let read: Vec<(&String, Result<Vec<TicketNo>, NotATicketNo>)> =
        texts.iter().map(|text| (text, read(text, lenient))).collect();
    if read.iter().any(|(_, numbers)| numbers.is_err()) {
        let row = |(given, numbers): &(&String, Result<Vec<TicketNo>, NotATicketNo>)| {
            let result = if numbers.is_ok() { "not_judged" } else { "refused" };
            json!({"ticket_no": given, "result": result})
        };
        return Err(json!({ "tickets": read.iter().map(row).collect::<Vec<_>>() }));
    }
    let mut tickets: Vec<Reported> = Vec::new();
    for (given, numbers) in read {
        for number in numbers.into_iter().flatten() {
            if !tickets.iter().any(|known| known.number == number) {
                tickets.push(Reported { given: given.clone(), number });
            }
        }
    }
    Ok(tickets)
}

/// The travel request and the person that a postback names.
fn named(rq: &FlightItineraryRequest) -> Option<(TravelRequestId, Person)> {
    let tes_head_id = TravelRequestId::try_from(rq.tes_head_id.0.clone()).ok()?;
    let emp_no = rq.emp_no.clone().map(|id| EmployeeNo::try_from(id.0.0)).transpose().ok()?;
    let ht_user_id = rq.ht_user_id.clone().map(|id| HtUserId::try_from(id.0.0)).transpose().ok()?;
    Some((tes_head_id, Person { emp_no, ht_user_id }))
}

async fn post(
    cx: &Context,
    caller: &Caller,
    receipts_key: &ReceiptsKey,
    postback: &Postback,
) -> Result<Outcome, store::Error> {
    let key = receipts::key(receipts_key);
    let numbers = postback.tickets.iter().map(|ticket| ticket.number.clone()).collect();
    let elsewhere = receipts::bound_elsewhere(&cx.store, &key, numbers).await?;
    let may_park = cx.settings.park_early_receipts;
    let decide = |stored: Option<Receipts>| {
        let known = stored.filter(|receipts| may_park || receipts.order.is_some());
        let receipts = match known {
            Some(receipts) => receipts,
            None if may_park => Receipts::awaited(receipts_key.clone()),
            None => {
                return (Decision::Keep, Err(postback.refused_whole(PostbackCode::OrderNotFound)));
            }
        };
        match receipts.post(postback.clone(), &elsewhere) {
            Ok((Step::Taken(document), verdicts)) => {
                let look_ups = document.look_ups();
                (Decision::Put { document, what: "postback", facts: None, look_ups }, Ok(verdicts))
            }
            Ok((Step::Already(_), verdicts)) => (Decision::Keep, Ok(verdicts)),
            Err(refusal) => (Decision::Keep, Err(refusal)),
        }
    };
    cx.store.change(&key, &caller.cause_at(&key), decide).await
}

fn answer(tickets: &[Reported], outcome: Outcome) -> Response {
    let (code, verdicts) = match outcome {
        Ok(verdicts) => (PostbackCode::Ok, verdicts),
        Err(PostbackRefusal { code, verdicts }) => (code, verdicts),
    };
    let row = |(ticket, verdict): (&Reported, &Verdict)| {
        let result = match verdict {
            Verdict::Synced => "synced",
            Verdict::Pending => "pending",
            Verdict::Refused(_) => "refused",
        };
        json!({"ticket_no": ticket.given, "number": ticket.number, "result": result})
    };
    let content = json!({ "tickets": tickets.iter().zip(&verdicts).map(row).collect::<Vec<_>>() });
    if code == PostbackCode::Ok {
        return Response {
            ht_success: true,
            ht_error_code: Some(code.text()),
            stack_trace: None,
            content: Some(Masked(content.to_string())),
            error_msg: None,
        };
    }
    refused(code, Some(content))
}

fn refused(code: PostbackCode, content: Option<Value>) -> Response {
    Response {
        ht_success: false,
        ht_error_code: Some(code.text()),
        stack_trace: None,
        content: content.map(|content| Masked(content.to_string())),
        error_msg: Some(code.row().zh.to_owned()),
    }
}
