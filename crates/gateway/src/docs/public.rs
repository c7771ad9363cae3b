//! The parameters that every call has.

use top::{Label, Session, label};

/// One of them.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// Whether a call must have it.
    required: Required,
    /// An example; the method's own name and the app's key are the page's.
    pub example: &'static str,
    /// What it means.
    pub label: Label,
}

#[derive(Debug, Clone, Copy)]
enum Required {
    Yes,
    No,
    WithSession,
}

impl Parameter {
    /// Whether calls of a method must have it.
    pub fn is_required(&self, session: &Session) -> bool {
        match self.required {
            Required::Yes => true,
            Required::No => false,
            Required::WithSession => *session == Session::Required,
        }
    }
}

/// Rows read: name, type, required, example, meaning in the two languages.
macro_rules! parameters {
    ($($name:literal $kind:literal $required:ident $example:literal $zh:literal $en:literal;)*) => {
        /// All of them.
        pub const PARAMETERS: &[Parameter] = &[$(Parameter {
            name: $name,
            kind: $kind,
            required: Required::$required,
            example: $example,
            label: label($zh, $en),
        }),*];
    };
}

#[rustfmt::skip]
parameters! {
    "method" "String" Yes ""
        "API 接口名称。" "The method's name.";
    "app_key" "String" Yes ""
        "应用的 AppKey。" "The app's key.";
    "session" "String" WithSession "6100…"
        "授权得到的 access token。需要授权的 API 必填；其他 API 可以带上，带上就要参加签名。" "The access token. Needed by methods that act for somebody; where it is sent, it is signed.";
    "timestamp" "String" Yes "2026-03-01 09:00:00"
        "时间戳，GMT+8，格式 yyyy-MM-dd HH:mm:ss，或 13 位毫秒数；与平台时间最多相差 10 分钟。" "The time at +08:00 as yyyy-MM-dd HH:mm:ss, or 13 digits of epoch milliseconds; at most ten minutes off.";
    "v" "String" Yes "2.0"
        "协议版本，只有 2.0。" "The protocol's version; there is only 2.0.";
    "sign_method" "String" No "md5"
        "签名算法：md5、hmac 或 hmac-sha256；不填为 md5。" "How the call is signed: md5, hmac or hmac-sha256; md5 unless said.";
    "sign" "String" Yes "C1B2…"
        "签名，大写十六进制。除 sign 和文件外的所有参数都参加。" "The sign in upper-case hex. Every parameter takes part but itself and files.";
    "format" "String" No "json"
        "响应格式：xml（缺省）或 json。" "The answer's format: xml, unless said otherwise, or json.";
    "simplify" "Boolean" No "false"
        "true 时用精简的 JSON：没有根节点，列表就是数组。仅对 format=json 有效。" "true asks for simplified JSON: no root, and lists are arrays. For format=json only.";
    "partner_id" "String" No "top-sdk-java-20190813"
        "合作伙伴标识，SDK 用它说明自己的版本。" "Who made the client: SDKs name their version.";
    "target_app_key" "String" No ""
        "被调用的目标 AppKey，仅当被调用的 API 为第三方 ISV 提供时需要。" "The app key of the one who serves the method, where that is a third party.";
}
