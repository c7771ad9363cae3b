//! Rail orders, drawn.

use domain::Fen;
use domain::train::code::TrainStatus;
use domain::train::{Refund, RefundState, Seat, TicketResult, TrainOrder};

use super::{Amount, Cell, Eyes, Portrait, Portray, Sheet, Table, Transition, WAYS_MAX, Way};
use super::{clock, moment, or_none};

/// What a rail order goes through when it is given back.
const LINE: [TrainStatus; 4] = [
    TrainStatus::Ticketed,
    TrainStatus::Refunding,
    TrainStatus::PartlyRefunded,
    TrainStatus::Refunded,
];

impl Portray for TrainOrder {
    #[rustfmt::skip]
    const TRANSITIONS: &'static [Transition] = &[
        Transition::new("ask-refund", "申请退票", "ask for a refund", r#"{"refund_id": "refund-1", "seats": [{"leg": 0, "ticket": 0}]}"#),
        Transition::new("settle-refund", "后台确认退票", "settle a refund", r#"{"refund_id": "refund-1", "tickets": [{"seat": {"leg": 0, "ticket": 0}, "refunded": true, "refund_fen": 55300, "cost_fen": 0}]}"#),
        Transition::new("change-tickets", "改签", "change tickets", r#"{"seats": [{"leg": 0, "ticket": 0}], "leg": {"train_no": "G11", "from": {"code": "VNP", "name": "北京南"}, "to": {"code": "AOH", "name": "上海虹桥"}, "departs": "2027-03-01T15:00:00", "arrives": "2027-03-01T19:28:00", "tickets": []}}"#),
        Transition::new("accept-offline", "接受线下退票", "accept a refund at the station", r#"{"refund_id": "refund-1"}"#),
        Transition::new("reject-offline", "驳回线下退票", "reject a refund at the station", r#"{"refund_id": "refund-1"}"#),
    ];

    fn portray(&self, eyes: &Eyes<'_>) -> Portrait {
        let mut sheets = vec![price(self, eyes)];
        if let Some(changes) = price_of_changes(self, eyes) {
            sheets.push(changes);
        }
        sheets.push(ledger(self, eyes));
        let mut tables = vec![facts(self, eyes), tickets(self, eyes)];
        if !self.refunds.is_empty() {
            tables.extend([refunds(self, eyes), results(self, eyes)]);
        }
        let refunds = self.refunds.iter().take(WAYS_MAX);
        let refunds = refunds.map(|refund| way_of_refund(refund, eyes));
        let ways = std::iter::once(way(self, eyes)).chain(refunds).collect();
        Portrait { ways, sheets, tables }
    }
}

fn way(order: &TrainOrder, eyes: &Eyes<'_>) -> Way {
    use TrainStatus as S;
    let was_asked = order.refunds.iter().any(|refund| {
        matches!(refund.state, RefundState::Requested { .. } | RefundState::Reported { .. })
    });
    let counted = order
        .refunds
        .iter()
        .filter(|refund| order.ledger(&refund.refund_id).iter().any(|result| result.refunded));
    let counted = counted.count();
    let passed = |state: S| match state {
        S::Ticketed => true,
        S::Refunding => was_asked,
        // Everything is gone, and it did not go at once.
        S::PartlyRefunded => order.status() == S::Refunded && counted > 1,
        S::Refunded | S::RefundFailed => false,
    };
    let title = eyes.t("订单状态", "Order");
    Way::new(title, &LINE, order.status(), passed, TrainStatus::row, eyes.visit)
}

fn way_of_refund(refund: &Refund, eyes: &Eyes<'_>) -> Way {
    let title = format!("{} {}", eyes.t("退票申请", "Refund"), refund.refund_id);
    let asked = eyes.visit.t("已申请", "asked for");
    let reported = eyes.visit.t("已回传", "reported");
    let station = eyes.visit.t("线下退票回传", "reported from the station");
    let waits = eyes.visit.t("待人工确认", "waits for a person");
    let accepted = eyes.visit.t("已接受", "accepted");
    let rejected = eyes.visit.t("已驳回", "rejected");
    match refund.state {
        RefundState::Requested { .. } => Way::plain(title, &[asked, reported], 0),
        RefundState::Reported { .. } => Way::plain(title, &[asked, reported], 1),
        RefundState::Offline { .. } => Way::plain(title, &[station, waits, accepted], 1),
        RefundState::Accepted { .. } => Way::plain(title, &[station, waits, accepted], 2),
        RefundState::Rejected { .. } => Way::plain(title, &[station, waits, rejected], 2),
    }
}

fn seat_name(order: &TrainOrder, seat: Seat) -> String {
    let leg = order.legs().nth(seat.leg);
    let train_no = leg.map_or("?", |leg| &leg.train_no);
    let ticket = order.ticket(seat);
    ticket.map_or_else(
        || train_no.to_owned(),
        |ticket| format!("{train_no} {}-{}", ticket.coach_no, ticket.seat_no),
    )
}

fn price(order: &TrainOrder, eyes: &Eyes<'_>) -> Sheet {
    let legs = order.booking.legs.iter().enumerate();
    let amounts = legs.flat_map(|(at, leg)| {
        leg.tickets.iter().enumerate().map(move |(ticket, found)| {
            let label = seat_name(order, Seat { leg: at, ticket });
            Amount::new(label, found.price_fen)
        })
    });
    let (title, sum) = (eyes.t("订单价款", "Price"), eyes.t("订单总价", "order total"));
    Sheet::new(title, sum, amounts.collect())
}

fn price_of_changes(order: &TrainOrder, eyes: &Eyes<'_>) -> Option<Sheet> {
    let mut amounts = Vec::new();
    for (at, change) in order.changes.iter().enumerate() {
        let leg = order.booking.legs.len() + at;
        for (ticket, (found, given_up)) in
            change.leg.tickets.iter().zip(&change.given_up).enumerate()
        {
            let label = seat_name(order, Seat { leg, ticket });
            amounts.push(Amount::new(label, found.price_fen));
            if let Some(before) = order.ticket(*given_up) {
                let label =
                    format!("{} {}", eyes.t("原票", "given up"), seat_name(order, *given_up));
                amounts.push(Amount::minus(label, before.price_fen));
            }
        }
    }
    let (title, sum) = (eyes.t("改签差价", "Changes"), eyes.t("差价合计", "difference"));
    (!amounts.is_empty()).then(|| Sheet::new(title, sum, amounts))
}

/// Every ticket's result that counts.
fn counted(order: &TrainOrder) -> impl Iterator<Item = (&Refund, &TicketResult)> {
    order.refunds.iter().flat_map(|refund| {
        let results = order.ledger(&refund.refund_id).iter().filter(|result| result.refunded);
        results.map(move |result| (refund, result))
    })
}

/// What went back: price less fee, ticket by ticket.
fn ledger(order: &TrainOrder, eyes: &Eyes<'_>) -> Sheet {
    let mut amounts = Vec::new();
    for (refund, result) in counted(order) {
        let of = format!("{} {}", refund.refund_id, seat_name(order, result.seat));
        let price = Fen(result.refund_fen.0.saturating_add(result.cost_fen.0));
        amounts.push(Amount::new(format!("{of} {}", eyes.t("票价", "price")), price));
        let fee = format!("{of} {}", eyes.t("退票费", "fee"));
        amounts.push(Amount::minus(fee, result.cost_fen));
    }
    Sheet::new(eyes.t("退款", "Refunds"), eyes.t("已退", "went back"), amounts)
}

fn facts(order: &TrainOrder, eyes: &Eyes<'_>) -> Table {
    let booking = &order.booking;
    let row = |name: &'static str, text: String| vec![Cell::from(name), Cell::from(text)];
    let rows = vec![
        row(
            eyes.visit.t("供应商订单号", "Supplier's number"),
            booking.supplier_order_id.to_string(),
        ),
        row(eyes.visit.t("取票号", "Collection number"), booking.ticket_no.to_string()),
        row(eyes.visit.t("出票时间", "Ticketed"), moment(booking.booked_at)),
    ];
    Table::new(eyes.t("订单", "Order"), Vec::new(), rows)
}

fn tickets(order: &TrainOrder, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("车次", "Train"),
        eyes.visit.t("区间", "Route"),
        eyes.visit.t("发车", "Departs"),
        eyes.visit.t("席位", "Seat"),
        eyes.visit.t("状态", "State"),
        eyes.visit.t("票种", "Fare"),
        eyes.visit.t("票价", "Price"),
        eyes.visit.t("乘客id", "Passenger id"),
        eyes.visit.t("姓名", "Name"),
        eyes.visit.t("证件类型", "Document"),
        eyes.visit.t("证件号", "Document number"),
        eyes.visit.t("手机号", "Phone"),
    ];
    let mut rows = Vec::new();
    for (at, leg) in order.legs().enumerate() {
        for (ticket, found) in leg.tickets.iter().enumerate() {
            let status = order.ticket_status(Seat { leg: at, ticket });
            let given_up = eyes.t("已改签", "given up");
            let passenger = &found.passenger;
            let seat = format!("{} {}-{}", found.seat_name, found.coach_no, found.seat_no);
            rows.push(vec![
                leg.train_no.as_str().into(),
                format!("{} → {}", leg.from.name, leg.to.name).into(),
                clock(leg.departs).into(),
                seat.into(),
                status.map_or(given_up, |status| eyes.row(status.row())).into(),
                eyes.row(found.ticket_type.row()).into(),
                Cell::amount(found.price_fen),
                eyes.personal(&passenger.passenger_id),
                eyes.personal(&passenger.name),
                eyes.row(passenger.id_type.row()).into(),
                eyes.personal(&passenger.id_no),
                eyes.personal_or_none(passenger.mobile.as_ref()),
            ]);
        }
    }
    Table::new(eyes.t("车票", "Tickets"), heads, rows)
}

fn refunds(order: &TrainOrder, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("退票申请", "Refund"),
        eyes.visit.t("状态", "State"),
        eyes.visit.t("申请时间", "Asked for"),
        eyes.visit.t("回传时间", "Reported"),
    ];
    let rows = order.refunds.iter().map(|refund| {
        let (state, asked, reported) = match &refund.state {
            RefundState::Requested { at, .. } => {
                (eyes.t("待供应商回传", "asked for"), Some(*at), None)
            }
            RefundState::Reported { requested_at, at, .. } => {
                (eyes.t("已回传", "reported"), Some(*requested_at), Some(*at))
            }
            RefundState::Offline { at, .. } => (
                eyes.t("线下退票，待人工确认", "at the station, waits for a person"),
                None,
                Some(*at),
            ),
            RefundState::Accepted { at, .. } => {
                (eyes.t("线下退票，已接受", "at the station, accepted"), None, Some(*at))
            }
            RefundState::Rejected { at, .. } => {
                (eyes.t("线下退票，已驳回", "at the station, rejected"), None, Some(*at))
            }
        };
        vec![
            refund.refund_id.as_str().into(),
            state.into(),
            or_none(asked.map(moment)),
            or_none(reported.map(moment)),
        ]
    });
    Table::new(eyes.t("退票申请", "Refunds"), heads, rows.collect())
}

fn results(order: &TrainOrder, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("退票申请", "Refund"),
        eyes.visit.t("席位", "Seat"),
        eyes.visit.t("退票成功", "Refunded"),
        eyes.visit.t("退款", "Went back"),
        eyes.visit.t("退票费", "Fee"),
        eyes.visit.t("失败码", "Why not (code)"),
        eyes.visit.t("失败原因", "Why not"),
    ];
    let mut rows = Vec::new();
    for refund in &order.refunds {
        for result in refund.state.report().map_or(&[][..], |report| &report.tickets) {
            rows.push(vec![
                refund.refund_id.as_str().into(),
                seat_name(order, result.seat).into(),
                eyes.yes(result.refunded).into(),
                Cell::amount(result.refund_fen),
                Cell::amount(result.cost_fen),
                or_none(result.fail_code.clone()),
                eyes.personal_or_none(result.fail_reason.as_ref()),
            ]);
        }
    }
    Table::new(eyes.t("退票结果", "What became of the tickets"), heads, rows)
}
