//! Quotes the fee for cancelling a car rental, and shows what an error holds.

use top_client::{Client, Id, JsonText, Needed};
use trip_api::alitrip_rentcar_btb_order_cancelcheck::{RentCarB2bCheckCancelOrderReq, Request};

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let mut rental = RentCarB2bCheckCancelOrderReq {
        trace_id: Some("2147b30d16692118671772754ed701".into()),
        order_id: "fz1234567".into(),
        out_order_id: "gaode123456".into(),
        exts: Some(JsonText(r#"{"key":"value"}"#.into())),
        channel_id: "80001".into(),
    };
    let request = |rental: &RentCarB2bCheckCancelOrderReq| Request {
        rent_car_b2b_check_cancel_order_req: Needed(rental.clone()),
    };
    let quote = client.call(&request(&rental)).await?.response;
    match quote.cancel_fee {
        Some(fee) => println!("{fee} yuan: {}", quote.cancel_message.unwrap_or_default()),
        None => println!("no quote: {} {}", quote.ret_code, quote.ret_msg),
    }

    // What is plainly wrong is told before anything is sent.
    rental.channel_id = Id(String::new());
    if let Err(error) = client.call(&request(&rental)).await {
        let is_local = error.rejected().is_some_and(|rejected| rejected.is_local());
        println!("{error}, found {}", if is_local { "here" } else { "there" });
    }
    Ok(())
}
