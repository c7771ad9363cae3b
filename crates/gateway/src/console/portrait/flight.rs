//! Flight orders, drawn.

use domain::flight::code::{ChangeStatus, OrderStatus};
use domain::flight::{
    Change, ChangeClosing, ChangeState, Closing, Order, Payment, Segment, State, Ticketed,
};

use super::{Amount, Cell, Eyes, Portrait, Portray, Sheet, Table, Transition, Way};
use super::{clock, list, moment, or_none};

/// What an order goes through when all goes well.
const LINE: [OrderStatus; 7] = [
    OrderStatus::Initial,
    OrderStatus::NotSubmitted,
    OrderStatus::AwaitingConfirmation,
    OrderStatus::Payable,
    OrderStatus::Ticketing,
    OrderStatus::TicketingConfirmed,
    OrderStatus::Ticketed,
];
/// The same of a change.
const CHANGE_LINE: [ChangeStatus; 4] =
    [ChangeStatus::Initial, ChangeStatus::ToPay, ChangeStatus::Paid, ChangeStatus::Changed];

impl Portray for Order {
    #[rustfmt::skip]
    const TRANSITIONS: &'static [Transition] = &[
        Transition::new("begin", "建单", "take it down", ""),
        Transition::new("submit", "提交商家", "submit it to the seller", ""),
        Transition::new("confirm", "商家确认可支付", "confirm it: it can be paid", ""),
        Transition::new("fail", "下单失败", "it cannot be created", r#"{"reason": "舱位已售罄"}"#),
        Transition::new("pay", "支付", "pay", r#"{"alipay_trade_no": "2026030122001"}"#),
        Transition::new("confirm-ticketing", "确定出票", "confirm ticketing", ""),
        Transition::new("ticket", "出票", "issue tickets", r#"{"tickets": ["781-2400000001", "781-2400000002"]}"#),
        Transition::new("fail-ticketing", "出票失败，退款", "ticketing failed, refund", r#"{"reason": "航司拒绝出票"}"#),
        Transition::new("cancel", "取消", "cancel", ""),
        Transition::new("apply-change", "申请改签", "ask for a change", r#"{"dis_sub_order_id": "change-1", "voluntary": true, "reason": "工作需要", "travellers": ["100001"], "flights": [{"flight": {"flight_no": "MU5693", "from": {"airport_code": "SHA"}, "to": {"airport_code": "PEK"}, "departs": "2027-03-01T13:30:00", "arrives": "2027-03-01T15:45:00", "cabin": "B", "cabin_class": "Y", "fare": {"ticket_fen": 128000, "build_fen": 5000, "oil_fen": 2000}}, "last_flight_no": "MU5101", "last_cabin": "Y"}], "settle_type": "corporate_monthly"}"#),
        Transition::new("price-change", "改签报价", "price a change", r#"{"dis_sub_order_id": "change-1", "fees": [{"handling_fen": 20000, "upgrade_fen": 15000}]}"#),
        Transition::new("pay-change", "支付改签", "pay a change", r#"{"dis_sub_order_id": "change-1", "alipay_trade_no": "2026030122002"}"#),
        Transition::new("reissue", "改签出票", "reissue", r#"{"dis_sub_order_id": "change-1", "tickets": ["781-2400000003"]}"#),
        Transition::new("refuse-change", "拒绝改签", "refuse a change", r#"{"dis_sub_order_id": "change-1", "reason": "目标航班无舱位"}"#),
        Transition::new("cancel-change", "取消改签", "drop a change", r#"{"dis_sub_order_id": "change-1"}"#),
    ];

    fn portray(&self, eyes: &Eyes<'_>) -> Portrait {
        let changes = self.ticketed().map_or(&[][..], |ticketed| &ticketed.changes);
        let mut portrait = Portrait::default();
        portrait.ways.push(way(self, eyes));
        portrait.ways.extend(changes.iter().map(|change| way_of_change(change, eyes)));
        portrait.sheets.push(price(self, eyes));
        portrait.sheets.extend(changes.iter().filter_map(|change| price_of_change(change, eyes)));
        portrait.sheets.push(ledger(self, changes, eyes));
        portrait.tables.extend([facts(self, eyes), travellers(self, eyes)]);
        let segments = self.booking.segments.iter();
        let title = eyes.t("航段", "Segments");
        portrait.tables.push(flights(title, segments, eyes));
        if let Some(ticketed) = self.ticketed() {
            portrait.tables.push(tickets(self, ticketed, eyes));
        }
        for change in changes {
            portrait.tables.extend(change_tables(change, eyes));
        }
        portrait
    }
}

/// How an order was paid, whatever became of it.
fn payment(order: &Order) -> Option<&Payment> {
    match &order.state {
        State::Ticketing { payment } | State::TicketingConfirmed { payment } => Some(payment),
        State::Ticketed(ticketed) => Some(&ticketed.payment),
        State::Closed { by: Closing::Cancelled { refunded }, .. } => refunded.as_ref(),
        State::Closed { by: Closing::TicketingFailed { refunded, .. }, .. } => Some(refunded),
        State::Failed { .. }
        | State::Initial
        | State::NotSubmitted
        | State::AwaitingConfirmation
        | State::Payable { .. }
        | State::Closed { by: Closing::PayTimeout, .. } => None,
    }
}

fn way(order: &Order, eyes: &Eyes<'_>) -> Way {
    use OrderStatus as S;
    let was_payable = matches!(order.state, State::Closed { by: Closing::PayTimeout, .. });
    let is_confirmed = matches!(order.state, State::Payable { seller_confirmed: true, .. });
    let was_paid = payment(order).is_some();
    // What follows from the state, and what the journal has seen.
    let passed = |state: S| match state {
        S::Initial => true,
        S::NotSubmitted => {
            is_confirmed || order.status() == S::AwaitingConfirmation || eyes.was_told("begin")
        }
        S::AwaitingConfirmation => is_confirmed || eyes.was_told("submit"),
        S::Payable => was_payable || was_paid || eyes.was_told("confirm"),
        S::Ticketing => was_paid,
        S::TicketingConfirmed => eyes.was_told("confirm-ticketing"),
        S::Error | S::Ticketed | S::Closed => false,
    };
    let title = eyes.t("订单状态", "Order");
    Way::new(title, &LINE, order.status(), passed, OrderStatus::row, eyes.visit)
}

fn way_of_change(change: &Change, eyes: &Eyes<'_>) -> Way {
    use ChangeStatus as S;
    let was_priced = change.payment().is_some()
        || matches!(&change.state, ChangeState::Closed { priced: Some(_), .. });
    let passed = |state: S| match state {
        S::Initial => true,
        S::ToPay => was_priced,
        S::Paid => {
            change.payment().is_some() || matches!(change.state, ChangeState::Changed { .. })
        }
        S::Changed | S::Closed => false,
    };
    let title = format!("{} {}", eyes.t("改签单", "Change"), change.request.dis_sub_order_id);
    Way::new(&title, &CHANGE_LINE, change.status(), passed, ChangeStatus::row, eyes.visit)
}

fn price(order: &Order, eyes: &Eyes<'_>) -> Sheet {
    let count = order.booking.travellers.len();
    let mut amounts = Vec::new();
    for segment in &order.booking.segments {
        let no = &segment.flight_no;
        let parts = [
            (eyes.t("票价", "fare"), segment.fare.ticket_fen),
            (eyes.t("机建", "airport fee"), segment.fare.build_fen),
            (eyes.t("燃油", "fuel surcharge"), segment.fare.oil_fen),
        ];
        let part = |(what, fen)| Amount::times(format!("{no} {what}"), fen, count);
        amounts.extend(parts.map(part));
    }
    Sheet::new(eyes.t("订单价款", "Price"), eyes.t("订单总价", "order total"), amounts)
}

fn price_of_change(change: &Change, eyes: &Eyes<'_>) -> Option<Sheet> {
    let request = &change.request;
    let mut amounts = Vec::new();
    for (traveller, fee) in request.travellers.iter().zip(&change.priced()?.fees) {
        let handling = format!("{traveller} {}", eyes.t("改签手续费", "handling fee"));
        let upgrade = format!("{traveller} {}", eyes.t("升舱差价", "fare difference"));
        amounts.push(Amount::new(handling, fee.handling_fen));
        amounts.push(Amount::new(upgrade, fee.upgrade_fen));
    }
    let title = format!("{} {}", eyes.t("改签费用", "Change"), request.dis_sub_order_id);
    Some(Sheet::new(title, eyes.t("改签合计", "change total"), amounts))
}

/// What was paid, and what went back.
fn ledger(order: &Order, changes: &[Change], eyes: &Eyes<'_>) -> Sheet {
    let mut amounts = Vec::new();
    if let Some(payment) = payment(order) {
        let paid = format!("{} {}", eyes.t("支付", "paid"), payment.alipay_trade_no);
        amounts.push(Amount::new(paid, payment.amount_fen));
        if matches!(order.state, State::Closed { .. }) {
            let back = format!("{} {}", eyes.t("退回", "went back"), payment.alipay_trade_no);
            amounts.push(Amount::minus(back, payment.amount_fen));
        }
    }
    for change in changes {
        let Some(payment) = change.payment() else { continue };
        let id = &change.request.dis_sub_order_id;
        let paid =
            format!("{} {id} {}", eyes.t("改签支付", "change paid"), payment.alipay_trade_no);
        amounts.push(Amount::new(paid, payment.amount_fen));
        if matches!(change.state, ChangeState::Closed { .. }) {
            let back = format!("{} {id}", eyes.t("改签退回", "change went back"));
            amounts.push(Amount::minus(back, payment.amount_fen));
        }
    }
    Sheet::new(eyes.t("收支", "Paid and refunded"), eyes.t("实收", "kept"), amounts)
}

fn facts(order: &Order, eyes: &Eyes<'_>) -> Table {
    let booking = &order.booking;
    let row = |name: &'static str, cell: Cell| vec![Cell::from(name), cell];
    let mut rows = vec![
        row(eyes.t("平台订单号", "Platform's number"), booking.btrip_order_id.to_string().into()),
        row(eyes.t("支付状态", "Payment"), eyes.row_with_code(order.pay_status().row()).into()),
        row(eyes.t("结算方式", "Who pays"), eyes.row_with_code(booking.settle_type.row()).into()),
        row(eyes.t("下单时间", "Booked"), moment(booking.booked_at).into()),
    ];
    let (name, told) = match &order.state {
        State::Payable { until, .. } => (eyes.t("支付截止", "To be paid by"), moment(*until)),
        State::Ticketed(Ticketed { at, .. }) => (eyes.t("出票时间", "Ticketed"), moment(*at)),
        State::Failed { at, reason } => {
            (eyes.t("失败原因", "Why it failed"), format!("{} {reason}", moment(*at)))
        }
        State::Closed { at, by } => {
            let why = match by {
                Closing::Cancelled { .. } => eyes.t("分销商取消", "cancelled by the distributor"),
                Closing::PayTimeout => eyes.t("超时未支付", "nobody paid in time"),
                Closing::TicketingFailed { reason, .. } => reason,
            };
            (eyes.t("关闭原因", "Why it is closed"), format!("{} {why}", moment(*at)))
        }
        _ => return Table::new(eyes.t("订单", "Order"), Vec::new(), rows),
    };
    rows.push(row(name, told.into()));
    Table::new(eyes.t("订单", "Order"), Vec::new(), rows)
}

fn travellers(order: &Order, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("出行人", "Traveller"),
        eyes.visit.t("姓名", "Name"),
        eyes.visit.t("类型", "Type"),
        eyes.visit.t("证件类型", "Document"),
        eyes.visit.t("证件号", "Document number"),
        eyes.visit.t("手机号", "Phone"),
    ];
    let rows = order.booking.travellers.iter().map(|traveller| {
        vec![
            traveller.user_id.as_str().into(),
            eyes.personal(&traveller.name),
            eyes.row(traveller.passenger_type.row()).into(),
            eyes.row(traveller.document.document_type.row()).into(),
            eyes.personal(&traveller.document.number),
            eyes.personal_or_none(traveller.phone.as_ref()),
        ]
    });
    Table::new(eyes.t("出行人", "Travellers"), heads, rows.collect())
}

fn flights<'s>(title: &str, segments: impl Iterator<Item = &'s Segment>, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("航班", "Flight"),
        eyes.visit.t("出发", "From"),
        eyes.visit.t("到达", "To"),
        eyes.visit.t("起飞（当地）", "Departs (local)"),
        eyes.visit.t("降落（当地）", "Arrives (local)"),
        eyes.visit.t("舱位", "Cabin"),
        eyes.visit.t("经停", "Stop"),
    ];
    let rows = segments.map(|segment| {
        let place = |end: &domain::flight::Endpoint| {
            let terminal = end.terminal.as_deref().unwrap_or_default();
            format!("{} {} {terminal}", end.city, end.airport_code)
        };
        let operated = segment.operated_as.as_ref();
        let operated = operated.map(|no| format!(" ({no})")).unwrap_or_default();
        vec![
            format!("{}{operated}", segment.flight_no).into(),
            place(&segment.from).into(),
            place(&segment.to).into(),
            clock(segment.departs).into(),
            clock(segment.arrives).into(),
            format!("{} / {}", segment.cabin, segment.cabin_class.letter()).into(),
            or_none(segment.stop.as_ref().map(|stop| stop.city_code.clone())),
        ]
    });
    Table::new(title, heads, rows.collect())
}

fn tickets(order: &Order, ticketed: &Ticketed, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("票号", "Ticket"),
        eyes.visit.t("出行人", "Traveller"),
        eyes.visit.t("客票状态", "Coupon"),
        eyes.visit.t("由改签单出票", "Issued by change"),
    ];
    let rows = ticketed.tickets.iter().map(|ticket| {
        let traveller = order.booking.travellers.get(ticket.traveller);
        vec![
            ticket.number.to_string().into(),
            or_none(traveller.map(|traveller| traveller.user_id.to_string())),
            eyes.row(ticket.status.row()).into(),
            or_none(ticket.issued_by.as_ref().map(ToString::to_string)),
        ]
    });
    Table::new(eyes.t("电子客票", "Tickets"), heads, rows.collect())
}

fn change_tables(change: &Change, eyes: &Eyes<'_>) -> [Table; 2] {
    let request = &change.request;
    let title = format!("{} {}", eyes.t("改签单", "Change"), request.dis_sub_order_id);
    let row = |name: &'static str, text: String| vec![Cell::from(name), Cell::from(text)];
    let mut rows = vec![
        row(
            eyes.visit.t("平台改签单号", "Platform's number"),
            request.btrip_sub_order_id.to_string(),
        ),
        row(eyes.visit.t("支付状态", "Payment"), eyes.row_with_code(change.pay_status().row())),
        row(eyes.visit.t("申请时间", "Asked for"), moment(change.applied_at)),
        row(eyes.visit.t("自愿", "Voluntary"), eyes.yes(request.voluntary).to_owned()),
        row(eyes.visit.t("原因", "Reason"), request.reason.clone()),
        row(
            eyes.visit.t("出行人", "Travellers"),
            list(request.travellers.iter().map(domain::id::UserId::as_str)),
        ),
    ];
    if let Some(pay_by) = change.priced().and_then(|priced| priced.pay_by) {
        rows.push(row(eyes.visit.t("支付截止", "To be paid by"), moment(pay_by)));
    }
    if let ChangeState::Closed { at, by, .. } = &change.state {
        let why = match by {
            ChangeClosing::Refused { reason } => reason,
            ChangeClosing::PayTimeout => eyes.t("超时未支付", "nobody paid in time"),
            ChangeClosing::Cancelled => eyes.t("分销商取消", "dropped by the distributor"),
        };
        let told = format!("{} {why}", moment(*at));
        rows.push(row(eyes.visit.t("关闭原因", "Why it is closed"), told));
    }
    let new = format!("{title} · {}", eyes.t("新航班", "new flights"));
    let segments = request.flights.iter().map(|changed| &changed.flight);
    [Table::new(&title, Vec::new(), rows), flights(&new, segments, eyes)]
}
