//! `alitrip.btrip.flight.distribution.change.detail`: reads a change order.

use std::borrow::Cow;

use anyhow::Context as _;
use domain::flight::code::{AgentPassengerType, PassengerType, ResultCode};
use domain::flight::{Change, ChangedFlight, Order, Party, Priced};
use domain::id::{DisOrderId, DisSubOrderId};
use domain::{Civil, Fen, Instant};
use top::{Date, Masked, Needed};
use trip_api::alitrip_btrip_flight_distribution_change_detail::{
    BtripFlightChangeDetailRs, HisvResult, OrderFlightInfo, OrderTravelerInfo, Request, Response,
};

use super::Caller;
use crate::failure::Failure;
use crate::hot::{Question, Said};
use crate::settings::PassengerTypeTable;
use crate::{Context, flight};

/// An order, as much of it as is shown.
type Shown = Order<Party>;

/// Answers the change order as it stands now.
///
/// An unknown pair of order and change order, and one of another app or sub-channel, are answered
/// alike.
pub async fn handle<'c>(
    cx: &'c Context,
    caller: &Caller,
    request: Request,
) -> Result<Said<'c, Response>, Failure> {
    let refused = |code| Ok(Said::once(answer(code, None)));
    let Needed(rq) = request.param_btrip_flight_order_operate_common_rq;
    let order_key = match flight::addressed(&caller.app, rq.sub_channel, rq.dis_order_id) {
        Ok(order_key) => order_key,
        Err(code) => return refused(code),
    };
    let Ok(id) = DisSubOrderId::try_from(rq.dis_sub_order_id.0) else {
        return refused(ResultCode::OrderNotFound);
    };
    let key = flight::key(&order_key);
    let Some(stored) = cx.store.look::<Shown>(&key, Party::WITHOUT).await? else {
        return refused(ResultCode::OrderNotFound);
    };
    let order = &stored.document;
    let Some(change) = order.change_at(&id, caller.now) else {
        return refused(ResultCode::OrderNotFound);
    };
    let detail = || {
        let table = cx.settings.passenger_type_table;
        let module = module(&order_key.dis_order_id, order, &change, table)?;
        Ok(answer(ResultCode::Ok, Some(module)))
    };
    match change {
        Cow::Borrowed(_) => {
            let question = Question { about: key, what: id.into(), format: caller.format };
            cx.change_details.answer(question, stored.version, detail)
        }
        // What only time has made of it is said of this moment.
        Cow::Owned(_) => detail().map(Said::once),
    }
}

fn answer(code: ResultCode, module: Option<BtripFlightChangeDetailRs>) -> Response {
    let row = code.row();
    let result = HisvResult {
        module,
        result_code: row.code,
        result_msg: row.zh.to_owned(),
        success: code == ResultCode::Ok,
    };
    Response { result }
}

fn module(
    dis_order_id: &DisOrderId,
    order: &Shown,
    change: &Change,
    table: PassengerTypeTable,
) -> Result<BtripFlightChangeDetailRs, Failure> {
    let priced = change.priced();
    let sum = |part: fn(&Priced) -> Option<Fen>| match priced {
        // Not known yet is shown as nothing, as the status says.
        None => Ok(0),
        Some(priced) => {
            let fen = part(priced).context("the fees of a stored change do not add up");
            fen.map(|fen| fen.0).map_err(Failure::Fault)
        }
    };
    let payment = change.payment();
    let total_price = sum(Priced::total)?;
    Ok(BtripFlightChangeDetailRs {
        alipay_trade_no: payment.map(|payment| payment.alipay_trade_no.clone()),
        extra: change.request.extra.clone().map(Masked),
        flight_info_list: change.request.flights.iter().map(|f| flight_info(f, change)).collect(),
        last_pay_time: priced.and_then(|priced| priced.pay_by).map(instant_text),
        pay_status: change.pay_status().code(),
        pay_time: payment.map(|payment| instant_text(payment.at)),
        // Inferred: there is neither discount nor service fee, so what is settled is what is paid.
        settle_price: total_price,
        settle_type: change.request.settle_type.code(),
        status: change.status().code(),
        total_change_price: sum(Priced::handling)?,
        total_price,
        total_upgrade_price: sum(Priced::upgrade)?,
        traveler_info_list: travellers(order, change, table),
        dis_sub_order_id: change.request.dis_sub_order_id.to_string(),
        dis_order_id: dis_order_id.to_string(),
        btrip_sub_order_id: change.request.btrip_sub_order_id,
        btrip_order_id: order.booking.btrip_order_id,
    })
}

fn flight_info(changed: &ChangedFlight, change: &Change) -> OrderFlightInfo {
    let flight = &changed.flight;
    let (from, to, stop) = (&flight.from, &flight.to, flight.stop.as_ref());
    OrderFlightInfo {
        airline_code: flight.airline.code.clone(),
        arr_airport: to.airport_code.clone(),
        arr_airport_code: to.airport_code.clone(),
        arr_city: to.city.clone(),
        arr_city_code: to.city_code.clone(),
        arr_time: civil_text(flight.arrives),
        baggage: flight.baggage.clone(),
        build_price: flight.fare.build_fen.0,
        cabin: flight.cabin.clone(),
        cabin_class: flight.cabin_class.letter().to_owned(),
        carrier: flight.operated_as.as_ref().map(ToString::to_string),
        dep_airport: from.airport_code.clone(),
        dep_airport_code: from.airport_code.clone(),
        dep_city: from.city.clone(),
        dep_city_code: from.city_code.clone(),
        dep_time: civil_text(flight.departs),
        flight_no: flight.flight_no.to_string(),
        meal: flight.meal.clone(),
        oil_price: flight.fare.oil_fen.0,
        segment_type: flight.direction.code(),
        stop_arr_time: stop.map(|stop| civil_text(stop.arrives)),
        stop_city: stop.map(|stop| stop.city_code.clone()),
        stop_dep_time: stop.map(|stop| civil_text(stop.departs)),
        ticket_price: flight.fare.ticket_fen.0,
        last_flight_no: changed.last_flight_no.to_string(),
        last_cabin: changed.last_cabin.clone(),
        tuigaiqian_info: change.request.conditions.clone(),
        dep_terminal: from.terminal.clone(),
        arr_terminal: to.terminal.clone(),
        airline_name: flight.airline.name.clone(),
        airline_simple_name: flight.airline.short_name.clone(),
        arr_airport_code_name: to.airport_name.clone(),
        dep_airport_code_name: from.airport_name.clone(),
    }
}

fn travellers(order: &Shown, change: &Change, table: PassengerTypeTable) -> Vec<OrderTravelerInfo> {
    let numbered = change.request.travellers.iter().enumerate();
    numbered
        .filter_map(|(position, user_id)| {
            let mut travellers = order.booking.travellers.iter();
            let traveller = travellers.find(|traveller| traveller.user_id == *user_id)?;
            let ticket = order.ticketed().and_then(|t| t.ticket_in(change, position));
            Some(OrderTravelerInfo {
                passenger_name: Masked(traveller.name.expose().clone()),
                passenger_type: passenger_type(traveller.passenger_type, table).to_string(),
                ticket_no: ticket.map(|ticket| Masked(ticket.number.to_string())),
                user_id: Masked(traveller.user_id.to_string()),
                open_ticket_status: ticket.map(|ticket| ticket.status.code()),
            })
        })
        .collect()
}

fn passenger_type(passenger_type: PassengerType, table: PassengerTypeTable) -> i64 {
    match table {
        PassengerTypeTable::Traveller => passenger_type.code(),
        PassengerTypeTable::Agent => AgentPassengerType::from(passenger_type).code(),
    }
}

fn instant_text(instant: Instant) -> String {
    Date::at_platform(instant.as_second()).into()
}

fn civil_text(civil: Civil) -> String {
    Date(civil).into()
}
