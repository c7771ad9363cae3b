use domain::code::Source;
use domain::flight::code::{
    AgentPassengerType, CabinClass, ChangePayStatus, ChangeStatus, CouponStatus, Direction,
    PassengerType, ResultCode, SettleType,
};
use top::label;

use super::{Group, List, Notes, Row, numbers};

pub const NOTES: Notes = Notes {
    group: Group::Flight,
    purpose: label(
        "查询一张机票改签单：费用、航班、乘机人与票号",
        "Reads a flight change order: fees, flights, travellers and tickets",
    ),
    about: &[label(
        "金额都以分为单位；航班时间是当地机场的时间。",
        "All amounts are in fen; flight times are those of the airport's own clock.",
    )],
    twice: label("只读，可以随时重试。", "It only reads, and may be repeated at any time."),
    refusals: &[List {
        id: "result_code",
        members: &["result_code"],
        title: label("错误码", "Result"),
        rows: || {
            let (ok, unknown, denied) =
                (ResultCode::Ok, ResultCode::OrderNotFound, ResultCode::SubChannelDenied);
            numbers(&[ok, unknown, denied].map(ResultCode::row))
        },
    }],
    enumerations: &[
        List {
            id: "status",
            members: &["status"],
            title: label("改签单状态", "Status of the change order"),
            rows: || numbers(ChangeStatus::ROWS),
        },
        List {
            id: "pay_status",
            members: &["pay_status"],
            title: label("支付状态", "Payment status"),
            rows: || numbers(ChangePayStatus::ROWS),
        },
        List {
            id: "settle_type",
            members: &["settle_type"],
            title: label("结算类型", "Settlement type"),
            rows: || numbers(SettleType::ROWS),
        },
        List {
            id: "segment_type",
            members: &["segment_type"],
            title: label("航段类型", "Direction"),
            rows: || numbers(Direction::ROWS),
        },
        List {
            id: "cabin_class",
            members: &["cabin_class"],
            title: label("舱等", "Cabin class"),
            rows: || {
                let row = |(class, zh, en): &(CabinClass, &'static str, &'static str)| {
                    let code = class.letter().to_owned();
                    Row { code, label: label(zh, en), source: Source::Published }
                };
                CabinClass::LABELS.iter().map(row).collect()
            },
        },
        List {
            id: "passenger_type",
            members: &["passenger_type"],
            title: label("乘客类型（缺省）", "Passenger type (unless set otherwise)"),
            rows: || numbers(PassengerType::ROWS),
        },
        List {
            id: "agent_passenger_type",
            members: &["passenger_type"],
            title: label(
                "乘客类型（设置 --passenger-type-table agent 时）",
                "Passenger type (with --passenger-type-table agent)",
            ),
            rows: || numbers(AgentPassengerType::ROWS),
        },
        List {
            id: "open_ticket_status",
            members: &["open_ticket_status"],
            title: label("客票状态", "Coupon status"),
            rows: || numbers(CouponStatus::ROWS),
        },
    ],
};
