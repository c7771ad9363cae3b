//! Car rentals, drawn.

use domain::rental::code::RentalStatus;
use domain::rental::{Base, Charge, NotCancellable, Rental, RentalState, Terms};

use super::{Amount, Cell, Eyes, Portrait, Portray, Sheet, Table, Transition, Way};
use super::{clock, moment, yuan};

/// What a rental goes through when all goes well.
const LINE: [RentalStatus; 7] = [
    RentalStatus::Unpaid,
    RentalStatus::AwaitingMerchant,
    RentalStatus::Accepted,
    RentalStatus::AwaitingPickUp,
    RentalStatus::InUse,
    RentalStatus::Settling,
    RentalStatus::Completed,
];

impl Portray for Rental {
    #[rustfmt::skip]
    const TRANSITIONS: &'static [Transition] = &[
        Transition::new("pay", "支付", "pay", r#"{"trade_no": "2026030122001"}"#),
        Transition::new("accept", "商家接单", "accept", ""),
        Transition::new("refuse", "商家拒单", "refuse", ""),
        Transition::new("prepare", "备车完成", "the car is ready", ""),
        Transition::new("pick-up", "取车", "pick up", ""),
        Transition::new("give-back", "还车", "give back", ""),
        Transition::new("complete", "结算完成", "complete", ""),
        Transition::new("cancel", "取消（按当时报价）", "cancel, for the fee of the moment", ""),
        Transition::new("close", "客服关闭", "close by customer service", ""),
    ];

    fn portray(&self, eyes: &Eyes<'_>) -> Portrait {
        let prices = &self.booking.prices;
        let amounts = vec![
            Amount::new(eyes.t("租金", "rent"), prices.rent_fen),
            Amount::new(eyes.t("手续费", "handling fee"), prices.handling_fen),
            Amount::new(eyes.t("增值服务", "added services"), prices.services_fen),
        ];
        let price =
            Sheet::new(eyes.t("订单价款", "Price"), eyes.t("订单总价", "order total"), amounts);
        let policy = &self.booking.policy;
        let title = eyes.t("取消政策（下单时）", "Cancellation policy, as at booking");
        let mut tables = vec![facts(self, eyes), terms(title, &policy.terms, eyes)];
        if let Some(peak) = &policy.peak {
            tables.push(terms(eyes.t("高峰期取消政策", "Policy in a peak period"), peak, eyes));
        }
        tables.push(quote(self, eyes));
        Portrait { ways: vec![way(self, eyes)], sheets: vec![price, ledger(self, eyes)], tables }
    }
}

fn way(rental: &Rental, eyes: &Eyes<'_>) -> Way {
    use RentalStatus as S;
    let (status, was_paid) = (rental.status(), rental.payment().is_some());
    let is_after = |states: &[RentalStatus]| states.contains(&status) && rental.payment().is_some();
    let passed = |state: S| match state {
        S::Unpaid => true,
        S::AwaitingMerchant => was_paid,
        S::Accepted => {
            is_after(&[S::AwaitingPickUp, S::InUse, S::Settling, S::Completed])
                || eyes.was_told("accept")
        }
        S::AwaitingPickUp => eyes.was_told("prepare"),
        S::InUse => is_after(&[S::Settling, S::Completed]) || eyes.was_told("pick-up"),
        S::Settling => is_after(&[S::Completed]) || eyes.was_told("give-back"),
        _ => false,
    };
    let title = eyes.t("订单状态", "Order");
    Way::new(title, &LINE, status, passed, RentalStatus::row, eyes.visit)
}

/// What was paid, and what went back; what customer service gave back is not known here.
fn ledger(rental: &Rental, eyes: &Eyes<'_>) -> Sheet {
    let mut amounts = Vec::new();
    if let Some(payment) = rental.payment() {
        let paid = format!("{} {}", eyes.t("支付", "paid"), payment.trade_no);
        amounts.push(Amount::new(paid, payment.amount_fen));
        let kept = match &rental.state {
            RentalState::Cancelled { fee_fen, .. } => Some(*fee_fen),
            RentalState::Refused { .. } => Some(domain::Fen::ZERO),
            _ => None,
        };
        if let Some(kept) = kept {
            let back = domain::Fen(payment.amount_fen.0.saturating_sub(kept.0));
            amounts.push(Amount::minus(eyes.t("退回", "went back"), back));
        }
    }
    let sum = match &rental.state {
        RentalState::Cancelled { .. } => eyes.t("取消费", "cancellation fee"),
        _ => eyes.t("实收", "kept"),
    };
    Sheet::new(eyes.t("收支", "Paid and refunded"), sum, amounts)
}

fn facts(rental: &Rental, eyes: &Eyes<'_>) -> Table {
    let booking = &rental.booking;
    let row = |name: &'static str, text: String| vec![Cell::from(name), Cell::from(text)];
    let mut rows = vec![
        row(eyes.visit.t("外部订单号", "Distributor's number"), booking.out_order_id.to_string()),
        row(eyes.visit.t("下单时间", "Booked"), moment(booking.booked_at)),
        row(eyes.visit.t("取车（当地）", "Pick-up (local)"), clock(booking.pick_up)),
        row(eyes.visit.t("还车（当地）", "Return (local)"), clock(booking.give_back)),
        row(eyes.visit.t("高峰期", "Peak period"), eyes.yes(booking.in_peak).to_owned()),
        row(eyes.visit.t("首日费用", "First day"), yuan(booking.prices.first_day_fen)),
    ];
    if let RentalState::Cancelled { at, .. }
    | RentalState::Refused { at, .. }
    | RentalState::ClosedByService { at, .. } = &rental.state
    {
        rows.push(row(eyes.visit.t("关闭时间", "Closed"), moment(*at)));
    }
    Table::new(eyes.t("订单", "Order"), Vec::new(), rows)
}

fn terms(title: &str, terms: &Terms, eyes: &Eyes<'_>) -> Table {
    let heads = vec![eyes.visit.t("何时取消", "When"), eyes.visit.t("收取", "Charge")];
    let mut rows = Vec::new();
    if terms.free_minutes_after_booking > 0 {
        let minutes = terms.free_minutes_after_booking;
        let when = match eyes.visit.lang {
            crate::web::Lang::Zh => format!("下单后 {minutes} 分钟内"),
            crate::web::Lang::En => format!("within {minutes} minutes of booking"),
        };
        rows.push(vec![when.into(), charge(Charge::Free, eyes).into()]);
    }
    let mut tiers = terms.tiers.clone();
    tiers.sort_by_key(|tier| std::cmp::Reverse(tier.hours));
    for tier in tiers {
        let hours = tier.hours;
        let when = match eyes.visit.lang {
            crate::web::Lang::Zh => format!("取车前至少 {hours} 小时"),
            crate::web::Lang::En => format!("at least {hours} hours before pick-up"),
        };
        rows.push(vec![when.into(), charge(tier.charge, eyes).into()]);
    }
    let no_show = eyes.t("取车时间之后", "after pick-up time");
    rows.push(vec![no_show.into(), charge(terms.no_show, eyes).into()]);
    if terms.manual_check_hours > 0 {
        let when =
            eyes.t("取车前若干小时内需人工审核", "hours before pick-up that a person must look");
        rows.push(vec![when.into(), terms.manual_check_hours.to_string().into()]);
    }
    if !terms.cancellable {
        rows.push(vec![eyes.t("不可取消", "cannot be cancelled").into(), "–".into()]);
    }
    Table::new(title, heads, rows)
}

fn charge(charge: Charge, eyes: &Eyes<'_>) -> String {
    match charge {
        Charge::Free => eyes.t("免费", "free").to_owned(),
        Charge::FirstDay => eyes.t("首日费用", "the first day").to_owned(),
        Charge::Fixed { fee_fen } => yuan(fee_fen),
        Charge::Percent { percent, of } => {
            let base = match of {
                Base::Total => eyes.t("订单总价", "the total"),
                Base::Rent => eyes.t("租金", "the rent"),
                Base::Standard => eyes.t("标准价", "rent and handling"),
            };
            format!("{percent}% · {base}")
        }
    }
}

/// What a cancel would cost now.
fn quote(rental: &Rental, eyes: &Eyes<'_>) -> Table {
    let row = |name: &'static str, cell: Cell| vec![Cell::from(name), cell];
    let rows = match rental.quote(eyes.now) {
        Ok(quote) => vec![
            row(eyes.visit.t("取消费", "Fee"), Cell::amount(quote.fee_fen)),
            row(eyes.visit.t("计费基数", "Taken of"), Cell::amount(quote.base_fen)),
            row(eyes.visit.t("有效至", "Holds until"), moment(quote.expires_at).into()),
        ],
        Err(why) => {
            let why = match why {
                NotCancellable::State(status) => eyes.row(status.row()),
                NotCancellable::Terms => eyes.t("政策不允许取消", "its terms do not allow it"),
                NotCancellable::NeedsAPerson => {
                    eyes.t("临近取车，需人工审核", "so close to pick-up a person must look at it")
                }
                NotCancellable::Prices => eyes.t("价格有误", "its prices do not add up"),
            };
            vec![row(eyes.visit.t("不可取消", "Cannot be cancelled"), why.into())]
        }
    };
    Table::new(eyes.t("现在取消", "If it were cancelled now"), Vec::new(), rows)
}
