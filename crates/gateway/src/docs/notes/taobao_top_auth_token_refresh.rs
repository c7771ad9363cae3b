use top::label;

use super::{Group, Notes};

pub const NOTES: Notes = Notes {
    group: Group::Platform,
    purpose: label(
        "用 refresh token 换取新的 access token",
        "Gets a new access token for a refresh token",
    ),
    about: &[label(
        "refresh_token 与 access token 一起得到。把示例中的 YOUR_REFRESH_TOKEN 换成它，并保存新的一个。",
        "The refresh token comes with the access token. Put it in place of YOUR_REFRESH_TOKEN in the examples, and keep the new one.",
    )],
    twice: label(
        "refresh_token 只能用一次。没有收到回答时，60 秒内可以再用一次；之后再用视为被盗，整个授权随之结束。",
        "A refresh token is good once. Whoever lost the answer may ask again within 60 seconds; later it counts as stolen, and the whole grant ends.",
    ),
    refusals: &[],
    enumerations: &[],
};
