//! `alitrip.rentcar.btb.order.cancelcheck`: quotes the fee for cancelling a rental.

use domain::Fen;
use domain::id::{ChannelId, RentalOrderId};
use domain::rental::code::CancelCheckCode;
use domain::rental::{Base, Charge, NotCancellable, Quote, Rental, RentalKey, Rule};
use store::{Key, Stored};
use top::json::JsonEncoder;
use top::{Date, Encoder, Json, Needed, Yuan};
use trip_api::alitrip_rentcar_btb_order_cancelcheck::{Request, Response};

use super::Caller;
use crate::failure::Failure;
use crate::pipeline::ACCESS;
use crate::{Context, rental};

/// Room for what a program may want to know of a quote, without growing.
const EXTS_CAPACITY_BYTES: usize = 192;

/// Quotes; nothing is changed and nothing is written.
///
/// The three numbers must belong together and to the caller: otherwise there is no such order,
/// whichever of them is wrong.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let Needed(req) = request.rent_car_b2b_check_cancel_order_req;
    let request_id = &caller.request_id;
    tracing::info!(target: ACCESS, request_id, trace_id = req.trace_id, "rental cancel fee asked for");
    let channel_id = ChannelId::try_from(req.channel_id.0).ok();
    let channel_id = channel_id.filter(|channel_id| caller.app.channels.contains(channel_id));
    let order_id = RentalOrderId::try_from(req.order_id.0).ok();
    let (Some(channel_id), Some(order_id)) = (channel_id, order_id) else {
        return Ok(no_quote(CancelCheckCode::OrderNotFound, None));
    };
    let key = rental::key(&RentalKey { app: caller.app.key.clone(), channel_id, order_id });
    let Some(stored) = cx.store.read::<Rental>(&key).await? else {
        return Ok(no_quote(CancelCheckCode::OrderNotFound, None));
    };
    let Stored { document: rental, version } = &*stored;
    if rental.booking.out_order_id.as_str() != req.out_order_id.0 {
        return Ok(no_quote(CancelCheckCode::OrderNotFound, None));
    }
    Ok(match rental.quote(caller.now) {
        Ok(quote) => answer(cx, &key, *version, &quote),
        Err(why) => no_quote(CancelCheckCode::NotCancellable, Some(reason(why))),
    })
}

fn answer(cx: &Context, key: &Key, version: i64, quote: &Quote) -> Response {
    let expires_at = String::from(Date::at_platform(quote.expires_at.as_second()));
    // Nothing is stored: whoever asks about the quote later computes the same id from the same facts.
    let (version, fee_fen) = (version.to_string(), quote.fee_fen.0.to_string());
    let facts = [&key.owner, "/", &key.id, "/", &version, "/", &fee_fen, "/", &expires_at].concat();
    let quote_id = cx.store.keyed_hash("quote", &facts);
    // What a program may want to know of a quote.
    let mut exts = JsonEncoder::plain(String::with_capacity(EXTS_CAPACITY_BYTES));
    exts.object(|exts| {
        exts.member("base", &Yuan(quote.base_fen.0));
        exts.member("expires_at", &expires_at);
        exts.member("percent", &i64::from(quote.rule.charge().percent()));
        exts.member("quote_id", &quote_id);
        exts.member("tier", &tier(quote.rule));
    });
    Response {
        cancel_message: Some(message(quote)),
        successful: true,
        ret_code: CancelCheckCode::Ok.code().to_string(),
        cancel_fee: Some(Yuan(quote.fee_fen.0)),
        exts: Some(Json(exts.into_string())),
        ret_msg: CancelCheckCode::Ok.row().zh.to_owned(),
    }
}

fn no_quote(code: CancelCheckCode, reason: Option<String>) -> Response {
    let label = code.row().zh;
    Response {
        cancel_message: None,
        successful: false,
        ret_code: code.code().to_string(),
        cancel_fee: None,
        exts: None,
        ret_msg: reason.map_or(label.to_owned(), |reason| format!("{label}:{reason}")),
    }
}

fn reason(why: NotCancellable) -> String {
    match why {
        NotCancellable::State(status) => status.row().zh.to_owned(),
        NotCancellable::Terms => "该订单的取消政策不支持取消".to_owned(),
        NotCancellable::NeedsAPerson => "临近取车,需人工审核".to_owned(),
        NotCancellable::Prices => "订单金额异常".to_owned(),
    }
}

/// The rule by a short name, for programs.
fn tier(rule: Rule) -> String {
    match rule {
        Rule::Unpaid => "unpaid".to_owned(),
        Rule::Unconfirmed => "unconfirmed".to_owned(),
        Rule::FreeWindow { minutes } => [&minutes.to_string(), "m after booking"].concat(),
        Rule::Tier(tier) => [&tier.hours.to_string(), "h"].concat(),
        Rule::NoShow(_) => "no-show".to_owned(),
    }
}

/// The fee in one sentence: the rule that applied, what it charges, and how much that is.
fn message(quote: &Quote) -> String {
    let peak = if quote.in_peak { "高峰期订单," } else { "" };
    let situation = match quote.rule {
        Rule::Unpaid => "订单未支付".to_owned(),
        Rule::Unconfirmed => "商家尚未接单".to_owned(),
        Rule::FreeWindow { minutes } => ["下单后", &minutes.to_string(), "分钟内"].concat(),
        Rule::Tier(tier) if tier.hours == 0 => "取车前".to_owned(),
        Rule::Tier(tier) => ["距取车时间不少于", &tier.hours.to_string(), "小时"].concat(),
        Rule::NoShow(_) => "已过取车时间,按未到店处理".to_owned(),
    };
    let charge = match (quote.fee_fen, quote.rule.charge()) {
        (Fen::ZERO, _) | (_, Charge::Free) => return [peak, &situation, ",可免费取消"].concat(),
        (_, Charge::Percent { percent, of }) => {
            let of = match of {
                Base::Total => "订单总额",
                Base::Rent => "租金",
                Base::Standard => "租金及手续费",
            };
            ["收取", of, "的", &percent.to_string(), "%"].concat()
        }
        (_, Charge::FirstDay) => "收取首日费用".to_owned(),
        (_, Charge::Fixed { .. }) => "收取固定费用".to_owned(),
    };
    let cap = if quote.is_capped { "(以实付金额为限)" } else { "" };
    let fee = String::from(Yuan(quote.fee_fen.0));
    [peak, &situation, ",", &charge, "作为违约金,共", &fee, "元", cap].concat()
}
