//! The client's side of the wire: what it sends, byte by byte, and what it makes of what it gets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use server::{Answer, Server};
use top_client::{Batch, Builder, Client, Error, Id, Needed, Retry, SEPARATOR, SignMethod};
use trip_api::alitrip_btrip_flight_distribution_order_cancel as cancel;
use trip_api::alitrip_rentcar_btb_order_cancelcheck as quote;
use trip_api::taobao_time_get as time;

const TIME: &str =
    r#"{"time_get_response":{"time":"2016-01-01 12:00:00","request_id":"zzp0c5fj10y3"}}"#;
const BUSY: &str = r#"{"error_response":{"code":15,"msg":"Remote service error","sub_code":"isp.top-remote-service-unavailable","request_id":"a"}}"#;
const WRONG: &str = r#"{"error_response":{"code":25,"msg":"Invalid signature","request_id":"b"}}"#;

/// 2016-01-01 12:00:00 on the platform's clock.
const NOON: u64 = 1_451_620_800;

fn builder(server: &Server) -> Builder {
    let clock = || UNIX_EPOCH + Duration::from_secs(NOON);
    Client::builder(&server.url, "12345678", "helloworld").session("test").clock(clock)
}

fn cancel() -> cancel::Request {
    let (sub_channel, dis_order_id) = (Id("corp 001".into()), Id("订单+1".into()));
    let rq = cancel::BtripFlightCancelOrderRq { sub_channel, dis_order_id };
    cancel::Request { param_btrip_flight_order_operate_common_rq: Needed(rq) }
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> i64 {
    outcome.unwrap_err().rejected().unwrap().code
}

#[tokio::test]
async fn a_call_is_these_bytes() {
    let server = Server::start(vec![Answer::json(TIME)]);
    let client = builder(&server).sign_method(SignMethod::Md5).build().unwrap();
    let reply = client.call(&time::Request {}).await.unwrap();
    assert_eq!(reply.response.time.to_string(), "2016-01-01 12:00:00");
    assert_eq!(reply.request_id.as_deref(), Some("zzp0c5fj10y3"));
    assert_eq!(reply.raw.body(), TIME);
    let requests = server.requests();
    let sent = &requests[0];
    assert_eq!(sent.line, "POST /router/rest HTTP/1.1");
    assert_eq!(sent.header("content-type"), "application/x-www-form-urlencoded;charset=UTF-8");
    assert_eq!(sent.header("accept-encoding"), "gzip");
    // The session stays at home: this method needs none.
    let version = env!("CARGO_PKG_VERSION");
    let form = format!(
        "app_key=12345678&format=json&method=taobao.time.get&partner_id=tripwright-{version}&sign_method=md5&timestamp=2016-01-01%2012%3A00%3A00&v=2.0"
    );
    let (start, sign) = sent.body.rsplit_once("&sign=").unwrap();
    assert_eq!(start, form);
    let prepared = client.with_session("").prepare("taobao.time.get", &[]);
    assert_eq!(sign, prepared.sign());
    assert_eq!(
        prepared.string_to_sign(),
        format!(
            "***app_key12345678formatjsonmethodtaobao.time.getpartner_idtripwright-{version}sign_methodmd5timestamp2016-01-01 12:00:00v2.0***"
        )
    );
}

/// One signature over the query and the body; no method in the query; calls parted as the official
/// clients part them.
#[tokio::test]
async fn a_batch_is_these_bytes() {
    let answer = [TIME, WRONG, TIME].join(SEPARATOR);
    let server = Server::start(vec![Answer::json(&answer)]);
    let client = builder(&server).sign_method(SignMethod::Md5).build().unwrap();
    let mut batch = Batch::new();
    batch.common("target_app_key", "87654321");
    let first = batch.add(&time::Request {});
    let second = batch.add_as("other+session", &cancel());
    assert_eq!(batch.add_untyped("taobao.time.get", &[("empty", ""), ("fields", "a b")]), 2);
    let answers = client.call_batch(&batch).await.unwrap();
    assert_eq!(answers.get(first).unwrap().response.time.to_string(), "2016-01-01 12:00:00");
    assert_eq!(code(answers.get(second)), 25);
    assert_eq!(answers.answers()[2].body(), TIME);

    let requests = server.requests();
    let sent = &requests[0];
    assert_eq!(sent.header("content-type"), "text/plain;charset=UTF-8");
    assert_eq!(
        sent.body,
        "#PUBLIC#target_app_key=87654321\r\n-S-\r\n\
         method=taobao.time.get\r\n-S-\r\n\
         method=alitrip.btrip.flight.distribution.order.cancel&param_btrip_flight_order_operate_common_rq=%7B%22sub_channel%22%3A%22corp%20001%22%2C%22dis_order_id%22%3A%22%E8%AE%A2%E5%8D%95%2B1%22%7D&session=other%2Bsession\r\n-S-\r\n\
         method=taobao.time.get&fields=a%20b"
    );
    let version = env!("CARGO_PKG_VERSION");
    let unsigned = format!(
        "app_key12345678formatjsonpartner_idtripwright-{version}sessiontestsign_methodmd5timestamp2016-01-01 12:00:00v2.0{}",
        sent.body
    );
    let sign =
        top::sign::Secret::new("helloworld").sign(SignMethod::Md5, [("", unsigned.as_str())], b"");
    assert_eq!(
        sent.line,
        format!(
            "POST /router/batch?app_key=12345678&format=json&partner_id=tripwright-{version}&session=test&sign_method=md5&timestamp=2016-01-01%2012%3A00%3A00&v=2.0&sign={sign} HTTP/1.1"
        )
    );
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_says_why() {
    let two = [TIME, TIME].join(SEPARATOR);
    let server = Server::start(vec![Answer::json(WRONG), Answer::json(&two), Answer::json(TIME)]);
    let client = builder(&server).build().unwrap();
    let mut batch = Batch::new();
    for _ in 0..3 {
        batch.add(&time::Request {});
    }
    assert_eq!(code(client.call_batch(&batch).await), 25);
    let fewer = client.call_batch(&batch).await.unwrap_err();
    assert_eq!(fewer.to_string(), "cannot read the answer: 2 answers to 3 calls");
    assert!(matches!(client.call_batch(&batch).await, Err(Error::Unreadable { .. })));

    let local = |error: Error| error.to_string();
    let empty = client.call_batch(&Batch::new()).await.unwrap_err();
    assert_eq!(local(empty), "41 client-error:Invalid arguments:the batch holds no call.");
    let mut many = Batch::new();
    for _ in 0..=top_client::BATCH_ITEMS_MAX {
        many.add(&time::Request {});
    }
    assert_eq!(
        local(client.call_batch(&many).await.unwrap_err()),
        "41 client-error:Invalid arguments:the array size of the batch can not be larger than 20."
    );
    let mut faulty = cancel();
    faulty.param_btrip_flight_order_operate_common_rq.0.sub_channel.0.clear();
    batch.add(&faulty);
    assert_eq!(
        local(client.call_batch(&batch).await.unwrap_err()),
        "40 client-error:Missing required arguments:param_btrip_flight_order_operate_common_rq.sub_channel (call 3 of the batch)"
    );
    assert_eq!(server.requests().len(), 3);
    let lost = Client::new("http://127.0.0.1:1/elsewhere", "a", "b").unwrap();
    batch = Batch::new();
    batch.add(&time::Request {});
    assert_eq!(
        lost.call_batch(&batch).await.unwrap_err().to_string(),
        "cannot set up the client: http://127.0.0.1:1/elsewhere does not end in /rest; set batch_url"
    );
}

/// A clock that is a second later whenever it is asked.
fn ticking(builder: Builder) -> Builder {
    let seconds = Arc::new(AtomicU64::new(NOON));
    builder.clock(move || UNIX_EPOCH + Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed)))
}

#[tokio::test]
async fn what_is_temporary_is_tried_again_signed_anew_until_it_is_served() {
    let server = Server::start(vec![
        Answer::json(BUSY),
        Answer::Close,
        Answer::status(502, "busy"),
        Answer::json(TIME),
    ]);
    let retry = Retry::usual().pause(Duration::from_millis(1));
    let client = ticking(builder(&server)).retry(retry).build().unwrap();
    assert_eq!(client.call(&time::Request {}).await.unwrap().raw.body(), TIME);
    let requests = server.requests();
    let value = |body: &str, name: &str| {
        let pair = body.split('&').find(|pair| pair.starts_with(name)).unwrap();
        pair[name.len()..].to_owned()
    };
    let times: Vec<_> = requests.iter().map(|sent| value(&sent.body, "timestamp=")).collect();
    let stamp = |second: u64| format!("2016-01-01%2012%3A00%3A{second:02}");
    assert_eq!(times, [stamp(0), stamp(1), stamp(2), stamp(3)]);
    let mut signs: Vec<_> = requests.iter().map(|sent| value(&sent.body, "sign=")).collect();
    signs.sort();
    signs.dedup();
    assert_eq!(signs.len(), 4);
}

#[tokio::test]
async fn the_last_tries_outcome_is_the_calls() {
    let server = Server::start(vec![Answer::json(BUSY); 4]);
    let retry = Retry::usual().pause(Duration::ZERO);
    let client = builder(&server).retry(retry).build().unwrap();
    let error = client.call(&time::Request {}).await.unwrap_err();
    assert!(error.is_temporary() && error.rejected().unwrap().is_platforms_own());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn nothing_is_tried_again_that_was_not_asked_for_or_would_not_help() {
    let tries = async |answers: Vec<Answer>, retry: Option<Retry>, typed: bool| {
        let server = Server::start(answers);
        let client = builder(&server).build().unwrap();
        let client = retry.map_or(client.clone(), |retry| client.with_retry(retry));
        if typed {
            client.call(&time::Request {}).await.unwrap_err();
        } else {
            let raw = client.execute("some.order.create", &[("a", "b")]).await.unwrap();
            assert!(raw.error().is_some());
        }
        server.requests().len()
    };
    let busy = || vec![Answer::json(BUSY), Answer::json(BUSY)];
    let once = Retry::usual().retries(1).pause(Duration::ZERO);
    // Off unless asked for.
    assert_eq!(tries(busy(), None, true).await, 1);
    // The caller's own mistake stays one.
    assert_eq!(tries(vec![Answer::json(WRONG)], Some(once), true).await, 1);
    assert_eq!(tries(vec![Answer::status(404, "")], Some(once), true).await, 1);
    assert_eq!(tries(vec![Answer::json("{}x")], Some(once), true).await, 1);
    // Nobody knows whether this may be repeated, until somebody says so.
    assert_eq!(tries(busy(), Some(once), false).await, 1);
    assert_eq!(tries(busy(), Some(once.commands_too()), false).await, 2);
    assert_eq!(tries(busy(), Some(once), true).await, 2);
}

#[tokio::test]
async fn what_is_plainly_wrong_does_not_leave() {
    let server = Server::start(vec![]);
    let client = builder(&server).build().unwrap();
    let id = |text: &str| Id(text.to_owned());
    let rental = || quote::RentCarB2bCheckCancelOrderReq {
        trace_id: None,
        order_id: id("1"),
        out_order_id: id("1"),
        exts: None,
        channel_id: id("1"),
    };
    let said = async |rental: quote::RentCarB2bCheckCancelOrderReq| {
        let request = quote::Request { rent_car_b2b_check_cancel_order_req: Needed(rental) };
        let error = client.call(&request).await.unwrap_err();
        let rejected = error.rejected().unwrap();
        assert!(rejected.is_local() && error.raw().is_none());
        rejected.to_string()
    };
    let at = "rent_car_b2b_check_cancel_order_req";
    let (missing, invalid) =
        ("40 client-error:Missing required arguments", "41 client-error:Invalid arguments");
    assert_eq!(
        said(quote::RentCarB2bCheckCancelOrderReq { order_id: id(" "), ..rental() }).await,
        format!("{missing}:{at}.order_id")
    );
    assert_eq!(
        said(quote::RentCarB2bCheckCancelOrderReq { order_id: id(&"订".repeat(65)), ..rental() })
            .await,
        format!("{invalid}:the string length of {at}.order_id can not be larger than 64.")
    );
    assert_eq!(
        said(quote::RentCarB2bCheckCancelOrderReq { channel_id: id("a\nb"), ..rental() }).await,
        format!("{invalid}:{at}.channel_id can not hold a control character.")
    );
    let exts = Some(top_client::JsonText("{".to_owned()));
    assert_eq!(
        said(quote::RentCarB2bCheckCancelOrderReq { exts: exts.clone(), ..rental() }).await,
        format!("{invalid}:{at}.exts must hold JSON.")
    );
    // What is missing comes first.
    let both = quote::RentCarB2bCheckCancelOrderReq { exts, channel_id: id(""), ..rental() };
    assert_eq!(said(both).await, format!("{missing}:{at}.channel_id"));
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn the_checks_can_be_left_to_the_platform() {
    let server = Server::start(vec![Answer::json(WRONG)]);
    let client = builder(&server).local_checks(false).build().unwrap();
    let mut request = cancel();
    request.param_btrip_flight_order_operate_common_rq.0.sub_channel.0.clear();
    let error = client.call(&request).await.unwrap_err();
    assert!(!error.rejected().unwrap().is_local());
}

#[tokio::test]
async fn one_connection_serves_call_after_call() {
    let server = Server::start(vec![Answer::json(TIME); 5]);
    let client = builder(&server).build().unwrap();
    for _ in 0..5 {
        client.clone().call(&time::Request {}).await.unwrap();
    }
    let connections: Vec<_> = server.requests().iter().map(|sent| sent.connection).collect();
    assert_eq!(connections, [0; 5]);
}

#[tokio::test]
async fn a_packed_answer_is_unpacked_and_one_without_end_is_cut_off() {
    let packed = Answer::gzip(TIME.as_bytes());
    let bomb = Answer::gzip(&vec![b' '; top_client::ANSWER_BYTES_MAX + 1]);
    let server = Server::start(vec![packed, bomb, Answer::json(TIME)]);
    let client = builder(&server).build().unwrap();
    assert_eq!(client.call(&time::Request {}).await.unwrap().raw.body(), TIME);
    let error = client.call(&time::Request {}).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no answer from {}: an answer of more than 16777216 bytes", server.url)
    );
    let plain = builder(&server).gzip(false).build().unwrap();
    plain.call(&time::Request {}).await.unwrap();
    assert_eq!(server.requests()[2].header("accept-encoding"), "");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Server::start(vec![Answer::Stall, Answer::Stall]);
    let short = Duration::from_millis(200);
    for builder in [builder(&server).read_timeout(short), builder(&server).whole_timeout(short)] {
        let client = builder.build().unwrap();
        let outcome = tokio::time::timeout(short * 20, client.call(&time::Request {})).await;
        let error = outcome.expect("either limit ends it").unwrap_err();
        assert_eq!(error.to_string(), format!("no answer from {}: nothing in time", server.url));
        assert!(error.is_temporary());
    }
}

#[tokio::test]
async fn what_was_signed_for_one_server_is_not_sent_on_to_another() {
    let other = Server::start(vec![Answer::json(TIME)]);
    let server = Server::start(vec![Answer::redirect(&other.url)]);
    let error = builder(&server).build().unwrap().call(&time::Request {}).await.unwrap_err();
    assert!(matches!(&error, Error::Status { raw, .. } if raw.status() == 307), "{error}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn an_answer_that_is_none_is_told_as_what_it_is() {
    for (body, reason) in [
        ("", "nothing"),
        ("<!DOCTYPE html><html></html>", "a web page; is the URL that of a TOP server?"),
        (r#"{"time_get_response":{}}"#, "unreadable answer: missing or mistyped: time"),
        (r#"{"error_response":{"msg":"x"}}"#, "unreadable answer: error_response without code"),
    ] {
        let server = Server::start(vec![Answer::json(body)]);
        let error = builder(&server).build().unwrap().call(&time::Request {}).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read the answer: {reason}"));
        assert_eq!(error.raw().unwrap().body(), body);
    }
    // An error about the format comes in the format there is always.
    let xml = "<?xml version=\"1.0\" encoding=\"utf-8\" ?><error_response><code>23</code><msg>Invalid format</msg></error_response>";
    let server = Server::start(vec![Answer::json(xml)]);
    assert_eq!(code(builder(&server).build().unwrap().call(&time::Request {}).await), 23);
}

#[test]
fn a_client_is_set_up_right_or_not_at_all() {
    for (url, said) in [
        (
            "gw.api.taobao.com/router/rest",
            "gw.api.taobao.com/router/rest is no URL: relative URL without a base",
        ),
        (
            "ftp://gw.api.taobao.com/",
            "ftp://gw.api.taobao.com/ begins with neither http:// nor https://",
        ),
    ] {
        let error = Client::new(url, "a", "b").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot set up the client: {said}"));
    }
    for url in ["https://gw.api.taobao.com/router/rest", "https://eco.taobao.com/router/rest"] {
        Client::new(url, "12345678", "secret").unwrap();
    }
}

#[tokio::test]
async fn nothing_prints_a_secret_a_session_or_what_was_said() {
    let person = r#"{"error_response":{"code":41,"msg":"Invalid arguments","sub_msg":"x","extra":"13800000001"}}"#;
    let server = Server::start(vec![Answer::json(person), Answer::Close]);
    let client = builder(&server).build().unwrap();
    let prepared = client.prepare("some.method", &[("mobile", "13800000002")]);
    let mut batch = Batch::new();
    batch.add_as("secret-session", &cancel());
    let rejected = client.call(&cancel()).await.unwrap_err();
    let lost = client.call_batch(&batch).await.unwrap_err();
    assert!(matches!(lost, Error::Transport { .. }), "{lost:?}");
    let printed =
        format!("{client:?} {prepared:?} {batch:?} {rejected:?} {rejected} {lost:?} {lost}");
    for hidden in
        ["helloworld", "1380000000", "secret-session", "session=", "sign=", prepared.sign()]
    {
        assert!(!printed.contains(hidden), "{hidden}: {printed}");
    }
    assert!(printed.contains("12345678") && printed.contains("mobile"), "{printed}");
}
