use domain::flight::code::{CancelFailure, OrderStatus, ResultCode};
use top::label;

use super::{Group, List, Notes, numbers};

pub const NOTES: Notes = Notes {
    group: Group::Flight,
    purpose: label("取消一张尚未出票的机票订单", "Cancels a flight order that is not yet ticketed"),
    about: &[
        label(
            "规则不允许时（已出票、出票中、已关闭），调用本身成功，result.success 为 false，fail_code 说明原因。",
            "Where the rules refuse (ticketed, ticketing, closed), the call itself succeeds: result.success is false and fail_code says why.",
        ),
        label(
            "别的应用的订单与不存在的订单回答相同；没有绑定给应用的子渠道，不论订单是否存在都回答 2002。",
            "An order of another app is answered like one that does not exist; a sub-channel that is not bound to the app is answered 2002, whether the order exists or not.",
        ),
    ],
    twice: label(
        "取消两次等于取消一次：第二次的 cancel_time 与第一次相同。",
        "Cancelling twice is cancelling once: the second answer has the first one's cancel_time.",
    ),
    refusals: &[
        List {
            id: "result_code",
            members: &["result_code"],
            title: label("响应代码", "Result"),
            rows: || numbers(ResultCode::ROWS),
        },
        List {
            id: "fail_code",
            members: &["fail_code"],
            title: label("失败类型", "Why it was not cancelled"),
            rows: || numbers(CancelFailure::ROWS),
        },
    ],
    enumerations: &[List {
        id: "order_status",
        members: &["order_status"],
        title: label("订单状态", "Order status"),
        rows: || numbers(OrderStatus::ROWS),
    }],
};
