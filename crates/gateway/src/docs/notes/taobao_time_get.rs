use top::label;

use super::{Group, Notes};

pub const NOTES: Notes = Notes {
    group: Group::Platform,
    purpose: label("查询平台时间", "Reads the platform's clock"),
    about: &[label(
        "最短的调用，最适合第一次尝试：密钥、签名和时间都对了才会成功。",
        "The shortest call there is, and the first to try: it succeeds once key, sign and time are right.",
    )],
    twice: label("只读，可以随时重试。", "It only reads, and may be repeated at any time."),
    refusals: &[],
    enumerations: &[],
};
