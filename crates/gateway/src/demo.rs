//! The demo world: an app, a session, and an order in every state there is.
//!
//! It holds the published pages' own identifiers, so that their example calls are answered. Names
//! and documents are well-formed and nobody's: there is no area code 999999.

use anyhow::Context as _;
use domain::access::{App, Entitlement, Quota, Session};
use domain::time::platform_clock;
use domain::{Civil, Instant, Pii};
use jiff::ToSpan;
use serde_json::{Value, json};
use store::{Cause, Store};

use crate::import::{self, Import};

/// The demo app's key, as the hosted sandbox's was.
pub const APP_KEY: &str = "test";
/// The demo app's secret, as the hosted sandbox's was.
pub const SECRET: &str = "test";
/// The demo session. Always the same, so that a script written today runs tomorrow.
pub const SESSION: &str = "6100demo0tripwright0sandbox0session0000002088000000000001";

/// How long the demo session lasts.
const SESSION_DAYS: i64 = 3650;
/// How far ahead the demo flights depart, and payable orders stay payable.
const DAYS_AHEAD: i64 = 365;

/// Whether this is the demo app with its well-known secret.
pub fn is_demo_app(app: &App) -> bool {
    app.key.as_str() == APP_KEY && app.secret.expose() == SECRET
}

/// Loads the demo world into a store that knows no app yet.
///
/// # Errors
/// The store failed.
pub async fn load(store: &Store, now: Instant) -> anyhow::Result<()> {
    if !store.apps().await?.is_empty() {
        return Ok(());
    }
    let cause = Cause {
        at: now,
        actor: "demo".into(),
        request_id: "demo".into(),
    };
    for value in orders(now) {
        let text = value["booking"]["key"]["dis_order_id"].to_string();
        let import: Import = serde_json::from_value(value).with_context(|| text.clone())?;
        import::store(store, import, &cause)
            .await
            .with_context(|| text)?;
    }
    let key = APP_KEY.parse().context("app key")?;
    let sub_channels = ["corp001", "jianhang001"];
    let app = App {
        key,
        secret: Pii::new(SECRET.to_owned()),
        methods: Entitlement::All,
        sub_channels: sub_channels
            .iter()
            .filter_map(|id| id.parse().ok())
            .collect(),
        channels: "80001".parse().into_iter().collect(),
        quota: Quota::default(),
        revoked_at: None,
    };
    let session = Session {
        app: app.key.clone(),
        token: Pii::new(SESSION.to_owned()),
        created_at: now,
        expires_at: now.checked_add((SESSION_DAYS * 24).hours())?,
        revoked_at: None,
    };
    store.put_session(&session).await?;
    // The app comes last: its presence says that the rest is there.
    Ok(store.put_app(&app).await?)
}

/// When things happen in the demo world, counted from its first day.
struct Calendar {
    now: Instant,
    today: Civil,
}

impl Calendar {
    /// So many minutes before now.
    fn ago(&self, minutes: i64) -> Instant {
        self.now
            .saturating_sub(minutes.minutes())
            .unwrap_or(self.now)
    }

    /// The end of what stays payable.
    fn deadline(&self) -> Instant {
        let hours = DAYS_AHEAD * 24 - 24;
        self.now.saturating_add(hours.hours()).unwrap_or(self.now)
    }

    /// A time of day, when the demo flights depart.
    fn at(&self, hour: i8, minute: i8) -> Civil {
        let day = self.today.saturating_add(DAYS_AHEAD.days());
        day.with()
            .hour(hour)
            .minute(minute)
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .unwrap_or(day)
    }
}

fn orders(now: Instant) -> Vec<Value> {
    let calendar = Calendar {
        now,
        today: platform_clock(now),
    };
    let mut orders = ticketing_orders(&calendar);
    orders.extend(changed_orders(&calendar));
    orders
}

/// An order in each of its states.
fn ticketing_orders(calendar: &Calendar) -> Vec<Value> {
    let begin = past(calendar, 90, json!({"command": "begin"}));
    let submit = past(calendar, 85, json!({"command": "submit"}));
    let until = calendar.deadline();
    let confirm = past(calendar, 80, json!({"command": "confirm", "until": until}));
    let soon = past(
        calendar,
        80,
        json!({"command": "confirm", "until": calendar.ago(50)}),
    );
    let pay = past(
        calendar,
        75,
        json!({"command": "pay", "alipay_trade_no": "demo-trade-1"}),
    );
    let confirm_ticketing = past(calendar, 70, json!({"command": "confirm-ticketing"}));
    let fail = past(
        calendar,
        80,
        json!({"command": "fail", "reason": "舱位已售罄"}),
    );
    let no_ticket = json!({"command": "fail-ticketing", "reason": "航司拒绝出票"});
    let no_ticket = past(calendar, 60, no_ticket);
    let cancel = past(calendar, 60, json!({"command": "cancel"}));
    let mut serial = 0;
    let mut ticketed = |sub_channel: &str, id: &str| {
        serial += 2;
        let ticket = past(calendar, 60, issue(serial));
        let history = [&begin, &submit, &confirm, &pay, &confirm_ticketing, &ticket];
        order(calendar, sub_channel, id, &history)
    };
    // The page's own example: ticketed, so that cancelling it is refused with 1001.
    let published = ticketed("corp001", "test0087771");
    let another = ticketed("corp001", "demo-ticketed");
    let corp = |id: &str, history: &[&Value]| order(calendar, "corp001", id, history);
    vec![
        published,
        another,
        corp("demo-failed", &[&begin, &fail]),
        corp("demo-initial", &[]),
        corp("demo-not-submitted", &[&begin]),
        corp("demo-awaiting-confirmation", &[&begin, &submit]),
        corp("demo-payable", &[&confirm]),
        corp("demo-payable-confirmed", &[&begin, &submit, &confirm]),
        corp("demo-ticketing", &[&confirm, &pay]),
        corp(
            "demo-ticketing-confirmed",
            &[&confirm, &pay, &confirm_ticketing],
        ),
        corp("demo-ticketing-failed", &[&confirm, &pay, &no_ticket]),
        corp("demo-cancelled", &[&confirm, &cancel]),
        corp("demo-pay-timeout", &[&soon]),
    ]
}

/// A change order in each of its states, each on an order of its own.
fn changed_orders(calendar: &Calendar) -> Vec<Value> {
    let id = "demo-change";
    let apply = past(calendar, 50, apply(calendar, id, true));
    let involuntary = past(calendar, 50, self::apply(calendar, id, false));
    let price = past(
        calendar,
        45,
        price(id, 20_000, 15_000, Some(calendar.deadline())),
    );
    let soon = past(
        calendar,
        45,
        self::price(id, 20_000, 15_000, Some(calendar.ago(15))),
    );
    let free = past(calendar, 45, self::price(id, 0, 0, None));
    let pay =
        json!({"command": "pay-change", "dis_sub_order_id": id, "alipay_trade_no": "demo-trade-2"});
    let pay = past(calendar, 40, pay);
    let refuse =
        json!({"command": "refuse-change", "dis_sub_order_id": id, "reason": "目标航班无舱位"});
    let refuse = past(calendar, 35, refuse);
    let drop = past(
        calendar,
        35,
        json!({"command": "cancel-change", "dis_sub_order_id": id}),
    );
    let mut serial = 100;
    let mut changed =
        |sub_channel: &str, order_id: &str, changes: &[&Value], reissue: Option<&str>| {
            serial += 10;
            let confirm = json!({"command": "confirm", "until": calendar.deadline()});
            let confirm = past(calendar, 80, confirm);
            let paid = json!({"command": "pay", "alipay_trade_no": format!("demo-trade-{serial}")});
            let paid = past(calendar, 75, paid);
            let ticket = past(calendar, 60, issue(serial));
            let reissue =
                reissue.map(|change| past(calendar, 30, self::reissue(change, serial + 5)));
            let mut history = vec![&confirm, &paid, &ticket];
            history.extend(changes);
            history.extend(&reissue);
            order(calendar, sub_channel, order_id, &history)
        };
    // The page's own example: finished, and showing every field there is.
    let page_apply = past(calendar, 50, self::apply(calendar, "1234", true));
    let page_price = past(
        calendar,
        45,
        self::price("1234", 20_000, 15_000, Some(calendar.deadline())),
    );
    let page_pay = json!({"command": "pay-change", "dis_sub_order_id": "1234", "alipay_trade_no": "demo-trade-1234"});
    let page_pay = past(calendar, 40, page_pay);
    let page = [&page_apply, &page_price, &page_pay];
    vec![
        changed("jianhang001", "1234", &page, Some("1234")),
        changed("corp001", "demo-change-applied", &[&apply], None),
        changed("corp001", "demo-change-to-pay", &[&apply, &price], None),
        changed("corp001", "demo-change-timed-out", &[&apply, &soon], None),
        changed("corp001", "demo-change-paid", &[&apply, &price, &pay], None),
        changed("corp001", "demo-change-free", &[&involuntary, &free], None),
        changed(
            "corp001",
            "demo-change-done",
            &[&apply, &price, &pay],
            Some(id),
        ),
        changed("corp001", "demo-change-refused", &[&apply, &refuse], None),
        changed(
            "corp001",
            "demo-change-refused-paid",
            &[&apply, &price, &pay, &refuse],
            None,
        ),
        changed("corp001", "demo-change-dropped", &[&apply, &drop], None),
    ]
}

fn past(calendar: &Calendar, minutes_ago: i64, command: Value) -> Value {
    json!({"at": calendar.ago(minutes_ago), "do": command})
}

/// Tickets for the two travellers of every demo order; MU's accounting code is 781.
fn issue(serial: u64) -> Value {
    json!({"command": "ticket", "tickets": [ticket_number(serial), ticket_number(serial + 1)]})
}

fn ticket_number(serial: u64) -> String {
    format!("781-{:010}", 2_400_000_000 + serial)
}

fn order(calendar: &Calendar, sub_channel: &str, id: &str, history: &[&Value]) -> Value {
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
fn apply(calendar: &Calendar, id: &str, voluntary: bool) -> Value {
    json!({
        "command": "apply-change",
        "dis_sub_order_id": id,
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

fn price(id: &str, handling_fen: i64, upgrade_fen: i64, until: Option<Instant>) -> Value {
    let fees = json!([{"handling_fen": handling_fen, "upgrade_fen": upgrade_fen}]);
    json!({"command": "price-change", "dis_sub_order_id": id, "fees": fees, "until": until})
}

fn reissue(id: &str, serial: u64) -> Value {
    json!({"command": "reissue", "dis_sub_order_id": id, "tickets": [ticket_number(serial)]})
}
