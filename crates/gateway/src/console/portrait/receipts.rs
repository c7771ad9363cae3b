//! Itinerary receipts, drawn. The family has no amounts.

use domain::code::{Code, Source};
use domain::itinerary::code::{TicketState, TravelStatus};
use domain::itinerary::{Person, ReceiptTicket, Receipts, ReceiptsOrder};

use super::{Cell, Eyes, Portrait, Portray, Table, Transition, WAYS_MAX, Way};
use super::{list, moment, or_none};

/// A receipts order on its way; the order can be unknown at first.
#[derive(Clone, Copy, PartialEq)]
enum Stand {
    Unseen,
    Request(TravelStatus),
}

impl Stand {
    const LINE: [Self; 3] = [
        Self::Unseen,
        Self::Request(TravelStatus::Approving),
        Self::Request(TravelStatus::Approved),
    ];

    const fn row(self) -> Code {
        match self {
            Self::Unseen => Code {
                code: -1,
                zh: "订单尚未出现",
                en: "order not seen yet",
                source: Source::Inferred,
            },
            Self::Request(status) => status.row(),
        }
    }
}

impl Portray for Receipts {
    #[rustfmt::skip]
    const TRANSITIONS: &'static [Transition] = &[
        Transition::new("decide-travel", "审批差旅单", "decide the travel request", r#"{"status": "approved"}"#),
        Transition::new("end-ticket", "客票失效", "a ticket comes to nothing", r#"{"number": "781-2500000001", "state": "refunded"}"#),
    ];

    fn portray(&self, eyes: &Eyes<'_>) -> Portrait {
        let mut tables = Vec::new();
        if let Some(order) = &self.order {
            tables.extend([facts(order, eyes), tickets(order, eyes)]);
        }
        if !self.parked.is_empty() {
            tables.push(parked(self, eyes));
        }
        let tickets = self.order.iter().flat_map(|order| &order.tickets);
        let tickets = tickets.take(WAYS_MAX).map(|ticket| way_of_ticket(ticket, eyes));
        let ways = std::iter::once(way(self, eyes)).chain(tickets).collect();
        Portrait { ways, sheets: Vec::new(), tables }
    }
}

fn way(receipts: &Receipts, eyes: &Eyes<'_>) -> Way {
    let current = receipts.order.as_ref();
    let current =
        current.map_or(Stand::Unseen, |order| Stand::Request(order.travel_request.status));
    // An order whose first entry is not its import was waited for.
    let passed = |stand: Stand| match stand {
        Stand::Unseen => receipts.order.is_some() && eyes.told.last() != Some(&"import"),
        Stand::Request(TravelStatus::Approving) => eyes.was_told("decide-travel"),
        Stand::Request(_) => false,
    };
    let title = eyes.t("差旅单状态", "Travel request");
    Way::new(title, &Stand::LINE, current, passed, Stand::row, eyes.visit)
}

fn way_of_ticket(ticket: &ReceiptTicket, eyes: &Eyes<'_>) -> Way {
    let title = format!("{} {}", eyes.t("客票", "Ticket"), ticket.number);
    let waits = eyes.visit.t("待回传行程单", "receipt awaited");
    let reported = eyes.visit.t("行程单已回传", "receipt reported");
    match &ticket.receipt {
        None if ticket.state == TicketState::Live => Way::plain(title, &[waits, reported], 0),
        None => Way::plain(title, &[waits, eyes.row(ticket.state.row())], 1),
        Some(receipt) if receipt.to_be_reversed => {
            let reverse = eyes.visit.t("需红冲", "to be reversed");
            Way::plain(title, &[waits, reported, reverse], 2)
        }
        Some(_) => Way::plain(title, &[waits, reported], 1),
    }
}

fn person(person: &Person) -> String {
    let emp_no = person.emp_no.as_ref().map(domain::id::EmployeeNo::as_str);
    let ht_user_id = person.ht_user_id.as_ref().map(domain::id::HtUserId::as_str);
    list(emp_no.into_iter().chain(ht_user_id))
}

fn facts(order: &ReceiptsOrder, eyes: &Eyes<'_>) -> Table {
    let row = |name: &'static str, cell: Cell| vec![Cell::from(name), cell];
    let rows = vec![
        row(
            eyes.visit.t("差旅单号", "Travel request"),
            order.travel_request.tes_head_id.as_str().into(),
        ),
        row(eyes.visit.t("登记时间", "Taken down"), moment(order.booked_at).into()),
        row(eyes.visit.t("提交人", "Submitter"), or_none(order.submitter.as_ref().map(person))),
    ];
    Table::new(eyes.t("订单", "Order"), Vec::new(), rows)
}

fn tickets(order: &ReceiptsOrder, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("票号", "Ticket"),
        eyes.visit.t("出行人（工号、用户id）", "Traveller (employee, user id)"),
        eyes.visit.t("客票状态", "State"),
        eyes.visit.t("行程单回传", "Receipt reported"),
        eyes.visit.t("需红冲", "To be reversed"),
    ];
    let rows = order.tickets.iter().map(|ticket| {
        let receipt = ticket.receipt.as_ref();
        vec![
            ticket.number.as_str().into(),
            person(&ticket.traveller).into(),
            eyes.row(ticket.state.row()).into(),
            or_none(receipt.map(|receipt| moment(receipt.at))),
            or_none(receipt.map(|receipt| eyes.yes(receipt.to_be_reversed).to_owned())),
        ]
    });
    Table::new(eyes.t("客票与行程单", "Tickets and receipts"), heads, rows.collect())
}

fn parked(receipts: &Receipts, eyes: &Eyes<'_>) -> Table {
    let heads = vec![
        eyes.visit.t("收到时间", "Came"),
        eyes.visit.t("差旅单号", "Travel request"),
        eyes.visit.t("票号", "Tickets"),
    ];
    let rows = receipts.parked.iter().map(|postback| {
        let numbers = postback.tickets.iter().map(|ticket| ticket.number.as_str());
        vec![moment(postback.at).into(), postback.tes_head_id.as_str().into(), list(numbers).into()]
    });
    Table::new(eyes.t("等待中的回传", "Postbacks that wait"), heads, rows.collect())
}
