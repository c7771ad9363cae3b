use domain::code::Source;
use domain::train::code::{CallbackCode, SEATS, TicketType, TrainDocumentType, TrainStatus};
use top::label;

use super::{Group, List, Notes, Row, numbers};

pub const NOTES: Notes = Notes {
    group: Group::Train,
    purpose: label(
        "供应商回传火车票退票结果，乘客信息用 SM4 加密",
        "Takes a supplier's report of a rail refund, its passengers sealed with SM4",
    ),
    about: &[
        label(
            "passenger_info 的每个成员都单独用约定的 SM4 密钥加密。这里的示例没有加密，因为演示应用是宽松的：未加密的值按明文接受。您自己的应用必须加密。",
            "Every member of passenger_info is sealed by itself with the agreed SM4 key. The examples here are not, since the demo app is lenient and takes what is not sealed for plaintext. An app of your own must seal.",
        ),
        label(
            "金额、编码和 true/false 在这个方法里都是文本；金额以分为单位。",
            "Amounts, codes and true/false are all texts in this method; amounts are in fen.",
        ),
    ],
    twice: label(
        "同样内容的回调可以重复，回答相同；内容不同的重复回答 409。",
        "The same report may be repeated and is answered the same; other content for a settled refund is answered 409.",
    ),
    refusals: &[List {
        id: "result_code",
        members: &["result_code"],
        title: label("返回结果码", "Result"),
        rows: || numbers(CallbackCode::ROWS),
    }],
    enumerations: &[
        List {
            id: "order_status",
            members: &["order_status", "ticket_status"],
            title: label("订单状态与票状态", "Status of the order and of a ticket"),
            rows: || numbers(TrainStatus::ROWS),
        },
        List {
            id: "ticket_type",
            members: &["ticket_type"],
            title: label("票类型", "Ticket type"),
            rows: || numbers(TicketType::ROWS),
        },
        List {
            id: "seat_type",
            members: &["seat_type", "seat_name"],
            title: label("坐席类型与名称", "Seat type and its names"),
            // The page withholds them; the codes are the railway's.
            rows: || {
                let names = SEATS.iter().flat_map(|(code, names)| {
                    names.iter().map(move |name| Row {
                        code: (*code).to_owned(),
                        label: label(name, name),
                        source: Source::Inferred,
                    })
                });
                names.collect()
            },
        },
        List {
            id: "passenger_id_type",
            members: &["passenger_id_type"],
            title: label("证件类型", "Document type"),
            rows: || numbers(TrainDocumentType::ROWS),
        },
        List {
            id: "sex",
            members: &["sex"],
            title: label("性别", "Sex"),
            rows: || {
                let row = |code: &str, label| Row {
                    code: code.to_owned(),
                    label,
                    source: Source::Published,
                };
                vec![row("0", label("男", "male")), row("1", label("女", "female"))]
            },
        },
    ],
};
