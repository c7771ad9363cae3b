use top::label;

use super::{Group, Notes};

pub const NOTES: Notes = Notes {
    group: Group::Platform,
    purpose: label(
        "用授权码 code 换取 access token",
        "Turns the code of a person's consent into an access token",
    ),
    about: &[label(
        "code 来自 /authorize：商家同意后，浏览器带着它回到应用登记的地址。把示例中的 YOUR_CODE 换成它。",
        "The code comes from /authorize: after consent, the browser brings it to the address that the app has registered. Put it in place of YOUR_CODE in the examples.",
    )],
    twice: label(
        "code 只能用一次；再用一次回答非法参数，并且结束它给出的全部 token。",
        "A code is good once; used again, it is an invalid parameter, and the tokens it gave end.",
    ),
    refusals: &[],
    enumerations: &[],
};
