//! Reports the result of a rail refund, the passenger sealed with SM4 under the agreed key.

use top_client::seal::{Key, Scheme, Sealing};
use top_client::{Client, Sealed, sandbox};
use trip_api::alitrip_btrip_supplychain_train_callback_refund::{
    PassengerInfo, RefundCallBackParam, RefundTicketDetail, RefundTrainDetail, Request,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    // The key that was agreed with the platform.
    let key = std::env::var("TRIPWRIGHT_SM4_KEY");
    let key: Key = key.as_deref().unwrap_or(sandbox::SM4_KEY).parse()?;
    let sealing = Sealing { key, scheme: Scheme::default() };
    let request = Request { refund_call_back_param: refund(&sealing) };
    let response = client.call(&request).await?.response;
    println!("{} {}", response.result_code, response.result_msg);
    Ok(())
}

/// One train, one ticket, one passenger.
fn refund(sealing: &Sealing) -> RefundCallBackParam {
    let ticket = RefundTicketDetail {
        seat_type: "1".into(),
        coach_no: "01".into(),
        ticket_price: "1000".into(),
        ticket_status: "31".into(),
        seat_name: "硬座".into(),
        passenger_info: passenger(sealing),
        ticket_type: "1".into(),
        refund_rate: Some("0".into()),
        seat_no: "001".into(),
        refund_price: "1000".into(),
        passenger_ticket_no: "EW123121".into(),
        refund_cost: "0".into(),
        fail_reason: None,
        fail_code: None,
    };
    let train = RefundTrainDetail {
        to_station_name: "上海".into(),
        arrive_time: "2022-10-19 14:00:00".into(),
        train_date: "2022-10-19".into(),
        from_station_name: "北京".into(),
        refund_ticket_details: vec![ticket],
        to_station_code: "SHH".into(),
        train_no: "T123".into(),
        from_station_code: "BJP".into(),
        start_time: "2022-10-19 12:00:00".into(),
    };
    RefundCallBackParam {
        refund_train_details: vec![train],
        order_id: "123456789".into(),
        refund_total: "1000".into(),
        order_status: "31".into(),
        refund_rate: Some("0".into()),
        refund_id: "1231123".into(),
        refund_cost: "0".into(),
        supplier_order_id: "12345678".into(),
        ticket_no: "EW123412".into(),
    }
}

fn passenger(sealing: &Sealing) -> PassengerInfo {
    // ECB, the usual mode, needs nothing fresh; the others do, for every value.
    let seal = |text: &str| Sealed(sealing.seal(text, [0; 16]));
    PassengerInfo {
        passenger_name: seal("123123"),
        passenger_mobile: seal("1667xx77xxx"),
        passenger_id_no: seal("432524100011191212"),
        passenger_id_type: seal("0"),
        country_code: None,
        sex: Some(seal("0")),
        passenger_id: seal("1231232"),
        valid_date_start: None,
        birth_date: None,
        valid_date_end: None,
    }
}
