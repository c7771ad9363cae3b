//! Reports that an itinerary receipt was issued. Reported twice, it is taken twice and kept once.

use top_client::{Client, Masked, Needed};
use trip_api::alibaba_happytrip_flight_order_itinerary_postback::{
    FlightItineraryRequest, Request,
};

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let receipts = FlightItineraryRequest {
        out_relation_order_id: "123421342134".into(),
        tes_head_id: "3021342134".into(),
        ticket_no_list: Masked(vec!["23142134".into()]),
        emp_no: Some(Masked("322558".into())),
        cwt_account_no: "12342134".into(),
        ht_user_id: Some(Masked("123421".into())),
    };
    let response =
        client.call(&Request { flight_itinerary_request: Needed(receipts) }).await?.response;
    println!("taken: {}", response.ht_success);
    let said = response.content.map(|content| content.0).or(response.error_msg);
    println!("{}", said.unwrap_or_default());
    Ok(())
}
