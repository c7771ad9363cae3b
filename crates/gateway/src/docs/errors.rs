//! The platform's errors, explained: when each comes, and what to do about it.

use top::error::{self, RemoteErrorCode, Row};
use top::{Label, Session, Spec, label};

use crate::quota;

/// A row of the platform's table, explained.
#[derive(Debug)]
pub struct Explained {
    /// The row.
    pub row: &'static Row,
    /// Its `sub_code`s, where it has several.
    pub sub_codes: &'static [&'static str],
    /// When it comes.
    pub cause: Label,
    /// What to do.
    pub remedy: Label,
    /// Which calls can meet it.
    met: Met,
}

/// Which calls can meet an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// All.
    Always,
    /// Those that name no method, or none that there is.
    Nameless,
    /// Those of methods that need a session.
    WithSession,
    /// Those of methods with parameters.
    WithParameters,
}

/// Rows read: row, who meets it, cause and remedy in the two languages.
macro_rules! explained {
    ($($row:ident $met:ident $([$($sub_code:expr),*])? $cause:literal $cause_en:literal, $remedy:literal $remedy_en:literal;)*) => {
        /// Every row of the platform's table, in its order.
        pub const EXPLAINED: &[Explained] = &[$(Explained {
            row: error::$row,
            sub_codes: &[$($($sub_code),*)?],
            cause: label($cause, $cause_en),
            remedy: label($remedy, $remedy_en),
            met: Met::$met,
        }),*];
    };
}

#[rustfmt::skip]
explained! {
    CALL_LIMITED Always [quota::BY_DAY, quota::BY_SECOND]
        "应用的调用量或频率超过限制。" "The app's quota or frequency is used up.",
        "等待 sub_msg 里的秒数后再调用。" "Wait for the seconds that sub_msg names, then call again.";
    HTTP_ACTION Always
        "HTTP 方法不是 GET 或 POST。" "The HTTP verb is neither GET nor POST.",
        "改用 POST。" "Use POST.";
    ISV_PERMISSIONS Always
        "应用没有这个方法的权限。" "The app may not call this method.",
        "请管理员给应用授权（tripwright app change）。" "Have an operator allow it (tripwright app change).";
    MISSING_METHOD Nameless
        "没有 method 参数。" "There is no method parameter.",
        "加上 method。" "Add it.";
    INVALID_METHOD Nameless
        "没有这个方法。" "There is no such method.",
        "检查方法名的拼写，大小写也算。" "Look at the spelling, capitals included.";
    INVALID_FORMAT Always
        "format 不是 xml 或 json。" "format is neither xml nor json.",
        "改用 xml 或 json。" "Use one of the two.";
    MISSING_SIGNATURE Always
        "没有 sign 参数。" "There is no sign parameter.",
        "按签名算法计算并加上 sign。" "Compute it, and add it.";
    INVALID_SIGNATURE Always
        "签名不符，或不认识 sign_method。" "The sign is not the right one, or sign_method is unknown.",
        "用 tripwright sign --given 比较待签名串；沙箱的日志会说明最可能的原因。" "Compare what was signed with tripwright sign --given; the sandbox's log names the likeliest mistake.";
    MISSING_SESSION WithSession
        "方法需要授权，但没有 session。" "The method needs a session, and there is none.",
        "加上 access token 作为 session，并让它参加签名。" "Add the access token as session, and sign it too.";
    INVALID_SESSION WithSession
        "session 不存在、已过期、已撤销，或属于另一个应用。" "The session is unknown, expired, revoked, or another app's.",
        "重新授权，或刷新 token。" "Ask for consent again, or refresh the token.";
    MISSING_APP_KEY Always
        "没有 app_key 参数。" "There is no app_key parameter.",
        "加上 app_key。" "Add it.";
    INVALID_APP_KEY Always
        "没有这个应用，或应用已撤销。" "There is no such app, or it was revoked.",
        "检查 app_key，以及调用的是否是正确的环境。" "Look at the app key, and whether this is the right environment.";
    MISSING_TIMESTAMP Always
        "没有 timestamp 参数。" "There is no timestamp parameter.",
        "加上 timestamp。" "Add it.";
    INVALID_TIMESTAMP Always
        "timestamp 无法识别，或与平台时间相差超过 10 分钟。" "The timestamp cannot be read, or is more than ten minutes off.",
        "用北京时间 yyyy-MM-dd HH:mm:ss 或毫秒数，并校准本机时钟。" "Send China's time as yyyy-MM-dd HH:mm:ss, or epoch milliseconds, and set the machine's clock.";
    MISSING_VERSION Always
        "没有 v 参数。" "There is no v parameter.",
        "加上 v=2.0。" "Add v=2.0.";
    INVALID_VERSION Always
        "v 不是版本号。" "v is no version number.",
        "改为 v=2.0。" "Send v=2.0.";
    UNSUPPORTED_VERSION Always
        "v 不是 2.0。" "v is not 2.0.",
        "改为 v=2.0。" "Send v=2.0.";
    MISSING_ARGUMENT WithParameters
        "缺少必填的业务参数，冒号后是它的名称或路径。" "A required parameter is missing; its name or path follows the colon.",
        "按请求参数表补上。" "Add it as the table of request parameters has it.";
    INVALID_ARGUMENT Always
        "业务参数的类型或格式不对，冒号后是它的路径；对象必须是 JSON。" "A parameter has the wrong type or form; its path follows the colon. An object must be JSON.",
        "按请求参数表改正。" "Correct it as the table of request parameters has it.";
    INVALID_ENCODING Always
        "请求不是 UTF-8。" "The request is not UTF-8.",
        "用 UTF-8 编码参数后再签名。" "Encode the parameters as UTF-8 before you sign them.";
    INVALID_PARAMETER WithParameters
        "参数的值不合规则，sub_msg 里有它的路径。" "A value breaks the rules of its kind; sub_msg has its path.",
        "改正这个值；不改就重试没有用。" "Correct the value; to repeat the call as it is is of no use.";
    UNKNOWN_ERROR Always
        "系统内部错误。" "The fault is this system's own.",
        "稍后重试；若仍失败，把 request_id 告诉管理员。" "Try again later; if it stays, tell an operator the request_id.";
}

impl Explained {
    /// Its own `sub_code`, or all that it can have.
    pub fn sub_codes(&self) -> Vec<&'static str> {
        self.row.sub_code.into_iter().chain(self.sub_codes.iter().copied()).collect()
    }

    /// The code on the wire.
    pub const fn code(&self, remote: RemoteErrorCode) -> u16 {
        if self.row.code == RemoteErrorCode::Published.code() {
            remote.code()
        } else {
            self.row.code
        }
    }

    /// Where it stands on the page of errors: under its `sub_code`, or under its code without one. Where it can
    /// have several, each has an anchor of its own, too.
    pub fn anchor(&self) -> String {
        self.row.sub_code.map_or_else(|| self.row.code.to_string(), str::to_owned)
    }
}

/// The errors that a call of this method can get.
pub fn of(spec: &Spec) -> impl Iterator<Item = &'static Explained> {
    let has_session = spec.session == Session::Required;
    let has_parameters = !spec.request.fields.is_empty();
    EXPLAINED.iter().filter(move |explained| match explained.met {
        Met::Always => true,
        Met::Nameless => false,
        Met::WithSession => has_session,
        Met::WithParameters => has_parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_platform_is_explained_in_its_place() {
        let explained: Vec<_> = EXPLAINED.iter().map(|explained| explained.row).collect();
        assert_eq!(explained, error::ROWS);
    }
}
