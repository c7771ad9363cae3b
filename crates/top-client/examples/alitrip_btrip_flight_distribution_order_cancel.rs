//! Cancels a flight order. Run it twice: the second answer has the first one's time.

use top_client::{Client, Needed};
use trip_api::alitrip_btrip_flight_distribution_order_cancel::{BtripFlightCancelOrderRq, Request};

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let order = BtripFlightCancelOrderRq {
        sub_channel: "corp001".into(),
        dis_order_id: "demo-payable".into(),
    };
    let request = Request { param_btrip_flight_order_operate_common_rq: Needed(order) };
    let result = client.call(&request).await?.response.result;
    match result.module.filter(|_| result.success) {
        Some(order) => match order.cancel_time {
            Some(time) => println!("cancelled at {time}"),
            None => println!("cancelled"),
        },
        // A refusal by the rules, not an error: the order is ticketed, unknown, …
        None => println!("not cancelled: {} {}", result.result_code, result.result_msg),
    }
    Ok(())
}
