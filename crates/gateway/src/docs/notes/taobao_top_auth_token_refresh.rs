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
        "refresh_token 只能用一次，第二次回答非法参数。",
        "A refresh token is good once; the second call is answered as an invalid parameter.",
    ),
    refusals: &[],
    enumerations: &[],
};
