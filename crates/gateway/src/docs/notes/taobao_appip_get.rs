use top::label;

use super::{Group, Notes};

pub const NOTES: Notes = Notes {
    group: Group::Platform,
    purpose: label("查询调用者的出口 IP", "Reads the address that a call comes from"),
    about: &[label(
        "加入 IP 白名单的就是这个地址。",
        "It is what belongs on a list of allowed addresses.",
    )],
    twice: label("只读，可以随时重试。", "It only reads, and may be repeated at any time."),
    refusals: &[],
    enumerations: &[],
};
