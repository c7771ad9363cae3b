use domain::rental::code::CancelCheckCode;
use top::label;

use super::{Group, List, Notes, numbers};

pub const NOTES: Notes = Notes {
    group: Group::Rental,
    purpose: label(
        "查询现在取消一张租车订单要收多少违约金",
        "Quotes the fee for cancelling a car rental now",
    ),
    about: &[
        label(
            "cancel_fee 以元为单位，两位小数；没有报价时不返回。",
            "cancel_fee is in yuan with two decimals, and absent where there is no quote.",
        ),
        label(
            "order_id、out_order_id、channel_id 必须属于同一订单和调用者，否则一律回答订单不存在。",
            "order_id, out_order_id and channel_id must belong together and to the caller; otherwise there is no such order, whichever is wrong.",
        ),
    ],
    twice: label("只读，可以随时重试。", "It only reads, and may be repeated at any time."),
    refusals: &[List {
        id: "ret_code",
        members: &["ret_code"],
        title: label("错误码", "Result"),
        rows: || numbers(CancelCheckCode::ROWS),
    }],
    enumerations: &[],
};
