//! Reads a flight change (改签) order: what it costs, who flies, and on which flights.

use top_client::{Client, Needed, Retry};
use trip_api::alitrip_btrip_flight_distribution_change_detail::{
    BtripFlightOrderOperateCommonRq, Request,
};

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    // It only reads, so it may be tried again.
    let client = Client::from_env()?.with_retry(Retry::usual());
    let change = BtripFlightOrderOperateCommonRq {
        sub_channel: "jianhang001".into(),
        dis_order_id: "1234".into(),
        dis_sub_order_id: "1234".into(),
    };
    let request = Request { param_btrip_flight_order_operate_common_rq: Needed(change) };
    let result = client.call(&request).await?.response.result;
    let Some(change) = result.module else {
        println!("no change: {} {}", result.result_code, result.result_msg);
        return Ok(());
    };
    println!("status {}, {} fen in all", change.status, change.total_price);
    for flight in change.flight_info_list {
        let (from, to) = (flight.dep_airport_code, flight.arr_airport_code);
        println!("{} {from}-{to} instead of {}", flight.flight_no, flight.last_flight_no);
    }
    // Names are masked in `Debug`, so that no log has them; `.0` is the name itself.
    for traveller in change.traveler_info_list {
        println!("{} with ticket {:?}", traveller.passenger_name.0, traveller.ticket_no);
    }
    Ok(())
}
