//! The demo world: an app, a session, and an order in every state there is.
//!
//! It holds the published pages' own identifiers, so that their example calls are answered. Names
//! and documents are well-formed and nobody's: there is no area code 999999.

use anyhow::Context as _;
use domain::access::{App, PartnerKey, Session};
use domain::account::{Account, Role};
use domain::id::AppKey;
use domain::time::platform_clock;
use domain::{Civil, Instant, Pii};
use jiff::ToSpan;
use serde_json::{Value, json};
use store::{Cause, Store};
use top::seal::Scheme;

use crate::account;
use crate::import::{self, Import};

/// The demo app's key, as the hosted sandbox's was.
pub const APP_KEY: &str = "test";
/// The demo app's secret, as the hosted sandbox's was.
pub const SECRET: &str = "test";
/// The demo session. Always the same, so that a script written today runs tomorrow.
pub const SESSION: &str = "6100demo0tripwright0sandbox0session0000002088000000000001";

/// The demo app's SM4 key, that of the standard's own example, and what it is called.
pub const SM4_KEY: &str = "0123456789abcdeffedcba9876543210";
const SM4_KEY_ID: &str = "demo";

/// The demo operator's name and password, an admin's.
pub const ACCOUNT: &str = "demo";
/// The demo operator's token of the operations API: like the session, always the same.
pub const OPS_TOKEN: &str = "demo.0tripwright0sandbox0operations0token";
/// The password's hash, made once: hashing it anew at every first start would be for nothing.
const ACCOUNT_PASSWORD: &str = "$argon2id$v=19$m=19456,t=2,p=1$dHJpcHdyaWdodC1kZW1vIQ$AOUso3d1xFN1buCkZi7UMD2HUPS+jy51NdVhbAQE3SQ";

/// Where the demo app has people sent back to.
pub const REDIRECT_URI: &str = "http://localhost:3000/callback";

/// How long the demo session lasts.
const SESSION_DAYS: i64 = 3650;
/// How far ahead the demo flights depart, and payable orders stay payable.
const DAYS_AHEAD: i64 = 365;

/// Whether this is the demo app with its well-known secret.
pub fn is_demo_app(app: &App) -> bool {
    app.key.as_str() == APP_KEY && app.secret.expose() == SECRET
}

/// The demo world's edition: a newer program adds what an older one did not know.
const EDITION: &str = "4";
/// The fact that says which edition is there.
const FACT: &str = "demo_edition";

/// Loads what is missing of the demo world. What is there stays as it has become; an app that was
/// revoked stays revoked. Cut short, it is completed by the next start.
///
/// # Errors
/// The store failed.
pub async fn load(store: &Store, now: Instant) -> anyhow::Result<()> {
    if store.fact(FACT).await?.as_deref() == Some(EDITION) {
        return Ok(());
    }
    let cause = Cause { at: now, actor: "demo".into(), request_id: "demo".into() };
    for value in orders(now) {
        let key = value["booking"]["key"].to_string();
        let import: Import = serde_json::from_value(value).with_context(|| key.clone())?;
        // One that is taken was loaded before, on another day.
        import::store(store, import, &cause).await.with_context(|| key)?;
    }
    let key: AppKey = APP_KEY.parse().context("app key")?;
    let app = |known: Option<App>| {
        let sub_channels = ["corp001", "jianhang001"];
        // One that is there stays as it is, but for what its edition did not know: it may have been
        // changed or revoked.
        let mut app = known.unwrap_or_else(|| App {
            sub_channels: sub_channels.iter().filter_map(|id| id.parse().ok()).collect(),
            channels: "80001".parse().into_iter().collect(),
            cwt_accounts: "12342134".parse().into_iter().collect(),
            lenient: true,
            ..App::new(key.clone(), Pii::new(SECRET.to_owned()))
        });
        if app.partner_keys.is_empty() {
            let key_id = SM4_KEY_ID.parse().context("key id")?;
            let key = Pii::new(SM4_KEY.to_owned());
            let scheme = Scheme::default().to_string();
            app.partner_keys.push(PartnerKey { key_id, key, scheme });
        }
        if app.redirect_uris.is_empty() {
            app.redirect_uris.extend(REDIRECT_URI.parse());
        }
        anyhow::Ok(app)
    };
    store.change_app(&key, app).await?;
    if store.session(&key, SESSION).await?.is_none() {
        let session = Session {
            app: key,
            token: Pii::new(SESSION.to_owned()),
            created_at: now,
            expires_at: now.checked_add((SESSION_DAYS * 24).hours())?,
            revoked_at: None,
            grant: None,
        };
        store.put_session(&session).await?;
    }
    account::add_hashed(store, &demo_account(store, now)?, &cause).await?;
    Ok(store.put_fact(FACT, EDITION.to_owned()).await?)
}

/// Whether this is the demo operator with its well-known password.
pub fn is_demo_account(account: &Account) -> bool {
    account.password.expose() == ACCOUNT_PASSWORD
}

/// The demo operator.
fn demo_account(store: &Store, now: Instant) -> anyhow::Result<Account> {
    let name = ACCOUNT.parse().context("account")?;
    let account = Account::new(name, Role::Admin, Pii::new(ACCOUNT_PASSWORD.to_owned()));
    Ok(account.add_token(account::api_token(store, OPS_TOKEN, "demo", now))?)
}

/// Whether somebody who knows only this program could sign in to the console or call the operations API.
///
/// # Errors
/// The store failed.
pub async fn lets_anybody_operate(store: &Store) -> anyhow::Result<bool> {
    let account = account::get(store, &ACCOUNT.parse().context("account")?).await?;
    let Some(account) = account.filter(|account| account.closed_at.is_none()) else {
        return Ok(false);
    };
    if account::of_token(store, OPS_TOKEN).await?.is_some() {
        return Ok(true);
    }
    account::knows_password(ACCOUNT, account.password.expose().clone()).await
}

/// Whether the demo app and its session can be called with.
///
/// # Errors
/// The store failed.
pub async fn is_open(store: &Store, now: Instant) -> anyhow::Result<bool> {
    let key = APP_KEY.parse().context("app key")?;
    let app = store.app(&key).await?;
    let session = store.session(&key, SESSION).await?;
    let app_is_open = app.is_some_and(|app| app.revoked_at.is_none() && is_demo_app(&app));
    Ok(app_is_open && session.is_some_and(|session| session.is_open(now)))
}

/// When things happen in the demo world, counted from its first day.
struct Calendar {
    now: Instant,
    today: Civil,
}

impl Calendar {
    /// So many minutes before now.
    fn ago(&self, minutes: i64) -> Instant {
        self.now.saturating_sub(minutes.minutes()).unwrap_or(self.now)
    }

    /// The end of what stays payable.
    fn deadline(&self) -> Instant {
        let hours = DAYS_AHEAD * 24 - 24;
        self.now.saturating_add(hours.hours()).unwrap_or(self.now)
    }

    /// A time of day, when the demo flights depart.
    fn at(&self, hour: i8, minute: i8) -> Civil {
        let day = self.today.saturating_add(DAYS_AHEAD.days());
        day.with().hour(hour).minute(minute).second(0).subsec_nanosecond(0).build().unwrap_or(day)
    }
}

/// Something that happened to a demo order; each at its own time before the demo world began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Begin,
    Submit,
    Confirm,
    /// Confirmed with a deadline that has passed since.
    ConfirmInVain,
    Fail,
    Pay,
    ConfirmTicketing,
    FailTicketing,
    Cancel,
    Ticket,
    Apply,
    /// Asked for because the airline changed its schedule.
    ApplyInvoluntary,
    Price,
    /// Priced with a deadline that has passed since.
    PriceInVain,
    PriceAtNothing,
    PayChange,
    Reissue,
    Refuse,
    Drop,
}

use Event::{
    Apply, ApplyInvoluntary, Begin, Cancel, Confirm, ConfirmInVain, ConfirmTicketing, Drop, Fail,
    FailTicketing, Pay, PayChange, Price, PriceAtNothing, PriceInVain, Refuse, Reissue, Submit,
    Ticket,
};

/// Sub-channel, order, and how it came to be what it is. The first two are the published pages' own
/// examples: one ticketed, so that a cancel is refused; one changed, so that every field is shown.
#[rustfmt::skip]
const ORDERS: &[(&str, &str, &[Event])] = &[
    ("corp001",     "test0087771",                &[Begin, Submit, Confirm, Pay, ConfirmTicketing, Ticket]),
    ("jianhang001", "1234",                       &[Confirm, Pay, Ticket, Apply, Price, PayChange, Reissue]),
    ("corp001",     "demo-failed",                &[Begin, Fail]),
    ("corp001",     "demo-initial",               &[]),
    ("corp001",     "demo-not-submitted",         &[Begin]),
    ("corp001",     "demo-awaiting-confirmation", &[Begin, Submit]),
    ("corp001",     "demo-payable",               &[Confirm]),
    ("corp001",     "demo-payable-confirmed",     &[Begin, Submit, Confirm]),
    ("corp001",     "demo-ticketing",             &[Confirm, Pay]),
    ("corp001",     "demo-ticketing-confirmed",   &[Confirm, Pay, ConfirmTicketing]),
    ("corp001",     "demo-ticketing-failed",      &[Confirm, Pay, FailTicketing]),
    ("corp001",     "demo-ticketed",              &[Confirm, Pay, Ticket]),
    ("corp001",     "demo-cancelled",             &[Confirm, Cancel]),
    ("corp001",     "demo-pay-timeout",           &[ConfirmInVain]),
    ("corp001",     "demo-change-applied",        &[Confirm, Pay, Ticket, Apply]),
    ("corp001",     "demo-change-to-pay",         &[Confirm, Pay, Ticket, Apply, Price]),
    ("corp001",     "demo-change-timed-out",      &[Confirm, Pay, Ticket, Apply, PriceInVain]),
    ("corp001",     "demo-change-paid",           &[Confirm, Pay, Ticket, Apply, Price, PayChange]),
    ("corp001",     "demo-change-free",           &[Confirm, Pay, Ticket, ApplyInvoluntary, PriceAtNothing]),
    ("corp001",     "demo-change-done",           &[Confirm, Pay, Ticket, Apply, Price, PayChange, Reissue]),
    ("corp001",     "demo-change-refused",        &[Confirm, Pay, Ticket, Apply, Refuse]),
    ("corp001",     "demo-change-refused-paid",   &[Confirm, Pay, Ticket, Apply, Price, PayChange, Refuse]),
    ("corp001",     "demo-change-dropped",        &[Confirm, Pay, Ticket, Apply, Drop]),
];

fn orders(now: Instant) -> Vec<Value> {
    let calendar = Calendar { now, today: platform_clock(now) };
    let mut orders = rentals(&calendar);
    orders.extend(receipts(&calendar));
    orders.extend(trains(&calendar));
    let numbered = ORDERS.iter().enumerate();
    let flights = numbered.map(|(at, (sub_channel, id, events))| {
        // Ten ticket numbers for each order.
        let serial = at as u64 * 10;
        let change = if *id == "1234" { "1234" } else { "demo-change" };
        let history = events.iter().map(|event| past(&calendar, *event, change, serial));
        order(&calendar, sub_channel, id, history.collect())
    });
    orders.extend(flights);
    orders
}

/// A rental in each state; the first is the published page's own example, free to cancel until three
/// days before pick-up.
fn rentals(calendar: &Calendar) -> Vec<Value> {
    #[rustfmt::skip]
    const RENTALS: &[(&str, &str, &[&str])] = &[
        ("fz1234567",                     "gaode123456", &["pay", "accept"]),
        ("demo-rental-unpaid",            "demo-out-1",  &[]),
        ("demo-rental-awaiting-merchant", "demo-out-2",  &["pay"]),
        ("demo-rental-awaiting-pick-up",  "demo-out-3",  &["pay", "accept", "prepare"]),
        ("demo-rental-in-use",            "demo-out-4",  &["pay", "accept", "pick-up"]),
        ("demo-rental-settling",          "demo-out-5",  &["pay", "accept", "pick-up", "give-back"]),
        ("demo-rental-completed",         "demo-out-6",  &["pay", "accept", "pick-up", "give-back", "complete"]),
        ("demo-rental-cancelled",         "demo-out-7",  &["pay", "accept", "cancel"]),
        ("demo-rental-closed-by-buyer",   "demo-out-8",  &["cancel"]),
        ("demo-rental-refused",           "demo-out-9",  &["pay", "refuse"]),
        ("demo-rental-closed-by-service", "demo-out-10", &["pay", "close"]),
    ];
    let share = |hours: u32, percent: u8| json!({"hours": hours, "charge": {"percent": {"percent": percent, "of": "total"}}});
    let tiers = [share(72, 0), share(48, 10), share(24, 20), share(2, 30), share(0, 50)];
    let rental = |(order_id, out_order_id, commands): &(&str, &str, &[&str])| {
        let history = commands.iter().enumerate().map(|(at, name)| {
            let mut command = json!({"command": name});
            if *name == "pay" {
                command["trade_no"] = format!("{out_order_id}-trade").into();
            }
            json!({"at": calendar.ago(60 - at as i64), "do": command})
        });
        json!({
            "kind": "rental",
            "booking": {
                "key": {"app": APP_KEY, "channel_id": "80001", "order_id": order_id},
                "out_order_id": out_order_id,
                "booked_at": calendar.ago(70),
                "pick_up": calendar.at(10, 0),
                "give_back": calendar.at(10, 0).saturating_add(3.days()),
                "prices": {
                    "rent_fen": 60_000, "handling_fen": 2_000, "services_fen": 15_000,
                    "first_day_fen": 27_000,
                },
                "policy": {"terms": {"tiers": tiers}},
            },
            "history": history.collect::<Vec<_>>(),
        })
    };
    RENTALS.iter().map(rental).collect()
}

/// The event as a line of an import's history.
fn past(calendar: &Calendar, event: Event, change: &str, serial: u64) -> Value {
    let in_change = |mut command: Value| {
        command["dis_sub_order_id"] = change.into();
        command
    };
    let price = |handling_fen: i64, upgrade_fen: i64, until: Option<Instant>| {
        let fees = json!([{"handling_fen": handling_fen, "upgrade_fen": upgrade_fen}]);
        in_change(json!({"command": "price-change", "fees": fees, "until": until}))
    };
    let until = calendar.deadline();
    let (minutes_ago, command) = match event {
        Begin => (90, json!({"command": "begin"})),
        Submit => (85, json!({"command": "submit"})),
        Confirm => (80, json!({"command": "confirm", "until": until})),
        ConfirmInVain => (80, json!({"command": "confirm", "until": calendar.ago(50)})),
        Fail => (80, json!({"command": "fail", "reason": "舱位已售罄"})),
        Pay => (75, json!({"command": "pay", "alipay_trade_no": format!("demo-trade-{serial}")})),
        ConfirmTicketing => (70, json!({"command": "confirm-ticketing"})),
        FailTicketing => (60, json!({"command": "fail-ticketing", "reason": "航司拒绝出票"})),
        Cancel => (60, json!({"command": "cancel"})),
        Ticket => (60, issue(serial)),
        Apply => (50, in_change(apply(calendar, true))),
        ApplyInvoluntary => (50, in_change(apply(calendar, false))),
        Price => (45, price(20_000, 15_000, Some(until))),
        PriceInVain => (45, price(20_000, 15_000, Some(calendar.ago(15)))),
        PriceAtNothing => (45, price(0, 0, None)),
        PayChange => {
            let trade_no = format!("demo-trade-{}", serial + 5);
            (40, in_change(json!({"command": "pay-change", "alipay_trade_no": trade_no})))
        }
        Reissue => {
            let tickets = [ticket_number(serial + 5)];
            (30, in_change(json!({"command": "reissue", "tickets": tickets})))
        }
        Refuse => (35, in_change(json!({"command": "refuse-change", "reason": "目标航班无舱位"}))),
        Drop => (35, in_change(json!({"command": "cancel-change"}))),
    };
    json!({"at": calendar.ago(minutes_ago), "do": command})
}

/// Orders whose receipts can be reported; the first is the published page's own example.
fn receipts(calendar: &Calendar) -> Vec<Value> {
    #[rustfmt::skip]
    const RECEIPTS: &[(&str, &str, &str, &[&str])] = &[
        ("123421342134",            "3021342134", "approved",  &["23142134"]),
        ("demo-receipts",           "3021342135", "approved",  &["781-2500000001", "781-2500000002"]),
        ("demo-receipts-approving", "3021342136", "approving", &["781-2500000003"]),
        ("demo-receipts-refunded",  "3021342137", "approved",  &["781-2500000004", "781-2500000005"]),
    ];
    let order = |(id, travel, status, tickets): &(&str, &str, &str, &[&str])| {
        let ticket = |number: &&str| json!({"number": number, "traveller": {"emp_no": "322558", "ht_user_id": "123421"}});
        let refund = json!({"at": calendar.ago(30), "do": {
            "command": "end-ticket", "number": tickets[0], "state": "refunded",
        }});
        let history = if id.ends_with("refunded") { vec![refund] } else { Vec::new() };
        json!({
            "kind": "receipts",
            "booking": {
                "key": {"app": APP_KEY, "cwt_account_no": "12342134", "out_relation_order_id": id},
                "booked_at": calendar.ago(60),
                "travel_request": {"tes_head_id": travel, "status": status},
                "tickets": tickets.iter().map(ticket).collect::<Vec<_>>(),
            },
            "history": history,
        })
    };
    RECEIPTS.iter().map(order).collect()
}

/// A rail order in each state; the first is the published page's own example, in the days it is from.
fn trains(calendar: &Calendar) -> Vec<Value> {
    let mut page = train_order(calendar, "123456789", "12345678", &[]);
    let (booking, leg) = (&mut page["booking"], "legs");
    booking["ticket_no"] = "EW123412".into();
    booking["booked_at"] = "2022-10-01T00:00:00Z".into();
    booking[leg] = json!([{
        "train_no": "T123",
        "from": {"code": "BJP", "name": "北京"},
        "to": {"code": "SHH", "name": "上海"},
        "departs": "2022-10-19T12:00:00",
        "arrives": "2022-10-19T14:00:00",
        "tickets": [{
            "passenger": {
                "passenger_id": "1231232", "name": "123123", "id_type": "id_card",
                "id_no": "432524100011191212", "mobile": "1667xx77xxx",
            },
            "passenger_ticket_no": "EW123121", "coach_no": "01", "seat_no": "001", "seat_type": "1",
            "seat_name": "硬座", "ticket_type": "adult", "price_fen": 1000,
        }],
    }]);
    let ask = json!({"command": "ask-refund", "refund_id": "1231123"});
    page["history"] = json!([{"at": "2022-10-02T00:00:00Z", "do": ask}]);

    let all = |refund_id: &str| json!({"command": "ask-refund", "refund_id": refund_id});
    let settle = |refund_id: &str, second: bool| {
        let result = |ticket: usize, refunded: bool| {
            let mut result = json!({
                "seat": {"leg": 0, "ticket": ticket}, "refunded": refunded,
                "refund_fen": if refunded { 55_300 } else { 0 }, "cost_fen": 0,
            });
            if !refunded {
                result["fail_code"] = "3001".into();
                result["fail_reason"] = "车票已使用".into();
            }
            result
        };
        let tickets = [result(0, true), result(1, second)];
        json!({"command": "settle-refund", "refund_id": refund_id, "tickets": tickets})
    };
    let mut changed = train_leg(calendar, 15);
    changed["train_no"] = "G11".into();
    let seats: Vec<_> = (0..2).map(|ticket| json!({"leg": 0, "ticket": ticket})).collect();
    let change = json!({"command": "change-tickets", "seats": seats, "leg": changed});
    let order =
        |id: &str, history: &[Value]| train_order(calendar, id, &format!("{id}-supplier"), history);
    vec![
        page,
        order("demo-rail-ticketed", &[]),
        order("demo-rail-refunding", &[all("demo-refund-1")]),
        order("demo-rail-refunded", &[all("demo-refund-2"), settle("demo-refund-2", true)]),
        order("demo-rail-partly-refunded", &[all("demo-refund-3"), settle("demo-refund-3", false)]),
        order("demo-rail-changed", &[change, all("demo-refund-4")]),
    ]
}

fn train_order(calendar: &Calendar, id: &str, supplier_order_id: &str, history: &[Value]) -> Value {
    let history = history
        .iter()
        .enumerate()
        .map(|(at, command)| json!({"at": calendar.ago(60 - at as i64), "do": command}));
    json!({
        "kind": "train",
        "booking": {
            "key": {"app": APP_KEY, "order_id": id},
            "supplier_order_id": supplier_order_id,
            "ticket_no": "EA12345678",
            "booked_at": calendar.ago(70),
            "legs": [train_leg(calendar, 9)],
        },
        "history": history.collect::<Vec<_>>(),
    })
}

/// Beijing South to Shanghai Hongqiao for two, by the train that departs at this hour.
fn train_leg(calendar: &Calendar, hour: i8) -> Value {
    let ticket = |person: usize, name: &str, id_no: &str, phone: &str| {
        json!({
            "passenger": {
                "passenger_id": format!("10000{person}"), "name": name, "id_type": "id_card",
                "id_no": id_no, "mobile": phone,
            },
            "passenger_ticket_no": "EA12345678", "coach_no": "05", "seat_no": format!("0{person}A"),
            "seat_type": "O", "seat_name": "二等座", "ticket_type": "adult", "price_fen": 55_300,
        })
    };
    json!({
        "train_no": "G1",
        "from": {"code": "VNP", "name": "北京南"},
        "to": {"code": "AOH", "name": "上海虹桥"},
        "departs": calendar.at(hour, 0),
        "arrives": calendar.at(hour + 4, 28),
        "tickets": [
            ticket(1, "张三", "999999199001010016", "13800000001"),
            ticket(2, "李四", "999999198505050025", "13800000002"),
        ],
    })
}

/// Tickets for the two travellers of every demo order; MU's accounting code is 781.
fn issue(serial: u64) -> Value {
    json!({"command": "ticket", "tickets": [ticket_number(serial), ticket_number(serial + 1)]})
}

fn ticket_number(serial: u64) -> String {
    format!("781-{:010}", 2_400_000_000 + serial)
}

fn order(calendar: &Calendar, sub_channel: &str, id: &str, history: Vec<Value>) -> Value {
    json!({
        "kind": "flight",
        "booking": {
            "key": {"app": APP_KEY, "sub_channel": sub_channel, "dis_order_id": id},
            "booked_at": calendar.ago(95),
            "segments": [{
                "flight_no": "MU5101",
                "from": {"airport_code": "SHA", "terminal": "T2"},
                "to": {"airport_code": "PEK", "terminal": "T2"},
                "departs": calendar.at(8, 0),
                "arrives": calendar.at(10, 15),
                "cabin": "Y",
                "cabin_class": "Y",
                "fare": {"ticket_fen": 113_000, "build_fen": 5_000, "oil_fen": 2_000},
                "meal": "早餐",
                "baggage": "20KG",
            }],
            "travellers": [
                traveller("100001", "张三", "adult", "999999199001010016", "13800000001"),
                traveller("100002", "李四", "adult", "999999198505050025", "13800000002"),
            ],
            "settle_type": "corporate_monthly",
        },
        "history": history,
    })
}

fn traveller(user_id: &str, name: &str, kind: &str, id_card: &str, phone: &str) -> Value {
    json!({
        "user_id": user_id,
        "name": name,
        "passenger_type": kind,
        "document": {"document_type": "id_card", "number": id_card},
        "phone": phone,
    })
}

/// The first traveller moves to an afternoon flight that another airline operates with a stop.
fn apply(calendar: &Calendar, voluntary: bool) -> Value {
    json!({
        "command": "apply-change",
        "voluntary": voluntary,
        "reason": if voluntary { "工作需要" } else { "航班取消" },
        "travellers": ["100001"],
        "flights": [{
            "flight": {
                "flight_no": "MU5693",
                "operated_as": "FM9107",
                "from": {"airport_code": "SHA", "terminal": "T2"},
                "to": {"airport_code": "PEK", "terminal": "T2"},
                "departs": calendar.at(13, 30),
                "arrives": calendar.at(17, 5),
                "stop": {"city_code": "TAO", "arrives": calendar.at(15, 0), "departs": calendar.at(15, 45)},
                "cabin": "B",
                "cabin_class": "Y",
                "fare": {"ticket_fen": 128_000, "build_fen": 5_000, "oil_fen": 2_000},
                "meal": "正餐",
                "baggage": "20KG",
            },
            "last_flight_no": "MU5101",
            "last_cabin": "Y",
        }],
        "settle_type": "corporate_monthly",
        "conditions": "起飞前2小时(含)以外退票收取票面价20%,改期免费;之后退票收取30%,改期收取10%",
        "extra": "{\"source\":\"demo\"}",
    })
}
