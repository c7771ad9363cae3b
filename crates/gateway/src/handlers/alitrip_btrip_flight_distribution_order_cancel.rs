//! `alitrip.btrip.flight.distribution.order.cancel`: cancels an order that is not yet ticketed.

use domain::flight::code::{OrderStatus, ResultCode};
use domain::flight::{CancelPolicy, CancelRefusal, State};
use domain::{Instant, Step};
use store::Decision;
use top::{Date, Needed};
use trip_api::alitrip_btrip_flight_distribution_order_cancel::{
    BtripFlightCancelOrderRs, HisvResult, Request, Response,
};

use super::Caller;
use crate::failure::Failure;
use crate::{Context, flight};

/// What became of the order.
enum Outcome {
    NoSuchOrder,
    Cancelled { at: Instant },
    Refused { refusal: CancelRefusal, status: OrderStatus },
}

/// Cancels the order, once: repeating it gives the same answer.
///
/// An order of another app or sub-channel is answered as one that does not exist.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let Needed(rq) = request.param_btrip_flight_order_operate_common_rq;
    let order_key = match flight::addressed(&caller.app, rq.sub_channel, rq.dis_order_id) {
        Ok(order_key) => order_key,
        Err(code) => return Ok(not_cancelled(code, None)),
    };
    let policy = CancelPolicy { while_ticketing: cx.settings.cancel_while_ticketing };
    let key = flight::key(&order_key);
    let cause = caller.cause_at(&key);
    // What was booked has no part in it.
    let decide = |state| decide(state, policy, caller.now);
    Ok(answer(cx.store.change_member(&key, State::MEMBER, &cause, decide).await?))
}

fn decide(state: Option<State>, policy: CancelPolicy, now: Instant) -> (Decision<State>, Outcome) {
    let Some(state) = state.map(|state| state.at(now)) else {
        return (Decision::Keep, Outcome::NoSuchOrder);
    };
    let status = state.status();
    match state.cancel(policy, now) {
        Ok(Step::Taken(document)) => {
            let at = document.cancelled_at().unwrap_or(now);
            // It was known by all its numbers before.
            let look_ups = Vec::new();
            let decision = Decision::Put { document, what: "cancel", facts: None, look_ups };
            (decision, Outcome::Cancelled { at })
        }
        Ok(Step::Already(state)) => {
            let at = state.cancelled_at().unwrap_or(now);
            (Decision::Keep, Outcome::Cancelled { at })
        }
        Err(refusal) => (Decision::Keep, Outcome::Refused { refusal, status }),
    }
}

fn answer(outcome: Outcome) -> Response {
    match outcome {
        Outcome::NoSuchOrder => not_cancelled(ResultCode::OrderNotFound, None),
        Outcome::Cancelled { at } => {
            let module = BtripFlightCancelOrderRs {
                cancel_time: Some(Date::at_platform(at.as_second())),
                fail_code: None,
                fail_reason: None,
                order_status: Some(OrderStatus::Closed.code().to_string()),
            };
            let result = HisvResult {
                module: Some(module),
                result_code: ResultCode::Ok.code(),
                result_msg: ResultCode::Ok.row().zh.to_owned(),
                success: true,
            };
            Response { result }
        }
        Outcome::Refused { refusal, status } => {
            let reason = refusal.code().row();
            let module = BtripFlightCancelOrderRs {
                cancel_time: None,
                fail_code: Some(reason.code.to_string()),
                fail_reason: Some(reason.zh.to_owned()),
                order_status: Some(status.code().to_string()),
            };
            not_cancelled(ResultCode::CancelFailed, Some(module))
        }
    }
}

fn not_cancelled(code: ResultCode, module: Option<BtripFlightCancelOrderRs>) -> Response {
    let row = code.row();
    let result =
        HisvResult { module, result_code: row.code, result_msg: row.zh.to_owned(), success: false };
    Response { result }
}
