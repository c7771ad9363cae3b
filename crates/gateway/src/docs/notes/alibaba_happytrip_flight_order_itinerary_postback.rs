use domain::itinerary::code::PostbackCode;
use top::label;

use super::{Group, List, Notes, Row};

pub const NOTES: Notes = Notes {
    group: Group::Flight,
    purpose: label(
        "供应商回传已开具的机票行程单",
        "Takes a supplier's report of issued itinerary receipts",
    ),
    about: &[
        label(
            "不需要 session：由 app_key 认定供应商，由它的权限和绑定的 CWT 账号决定能回传什么。",
            "There is no session: the app key says who the supplier is, and its permissions and bound CWT accounts decide what it may report.",
        ),
        label(
            "一次回传的票号要么全部接受，要么全部不接受；content 逐票说明。",
            "The tickets of one report are taken all or none; content says so for each.",
        ),
    ],
    twice: label(
        "同样的回传可以重复：接受两次，只保存一次。",
        "The same report may be repeated: it is taken twice and kept once.",
    ),
    refusals: &[List {
        id: "ht_error_code",
        members: &["ht_error_code"],
        title: label("错误编码", "Result"),
        rows: || {
            let row = |code: &PostbackCode| {
                let (text, row) = (code.text(), code.row());
                Row { code: text, label: label(row.zh, row.en), source: row.source }
            };
            PostbackCode::ALL.iter().map(row).collect()
        },
    }],
    enumerations: &[],
};
