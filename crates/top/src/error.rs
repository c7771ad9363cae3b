//! Platform errors: what `error_response` says, as one table.

use std::borrow::Cow;
use std::fmt;

use crate::form::BadForm;
use crate::node::{Violation, ViolationKind};

/// One row of the platform's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `code`, a number on the wire.
    pub code: u16,
    /// `msg`, in English: clients compare it.
    pub msg: &'static str,
    /// `sub_code`, where the row always has the same.
    pub sub_code: Option<&'static str>,
    /// `sub_msg`, where the row always has the same.
    pub sub_msg: Option<&'static str>,
}

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident $code:literal $msg:literal $sub_code:expr, $sub_msg:expr;)*) => {
        $($(#[$doc])* pub const $name: &Row =
            &Row { code: $code, msg: $msg, sub_code: $sub_code, sub_msg: $sub_msg };)*

        /// Every row, in the order of the table.
        pub const ROWS: &[&Row] = &[$($name),*];
    };
}

// Messages that real answers have shown are spelled as shown (`Invalid app Key` included); the
// others are the documents' words in the same sentence case.
#[rustfmt::skip]
rows! {
    /// A quota or frequency is used up; `sub_msg` says for how long, in words clients parse.
    CALL_LIMITED              7 "App Call Limited"                 None, None;
    /// A verb that is neither GET nor POST.
    HTTP_ACTION               9 "Http action not allowed"          None, None;
    /// The app may not call this method.
    ISV_PERMISSIONS          11 "Insufficient isv permissions"     Some("isv.permission-api-package-limit"), None;
    /// No `method`.
    MISSING_METHOD           21 "Missing method"                   None, Some("http传入的参数加入method字段");
    /// A `method` nobody knows.
    INVALID_METHOD           22 "Invalid method"                   None, None;
    /// A `format` that is neither xml nor json.
    INVALID_FORMAT           23 "Invalid format"                   None, None;
    /// No `sign`.
    MISSING_SIGNATURE        24 "Missing signature"                None, None;
    /// A `sign` that is not the one, or a `sign_method` nobody knows.
    INVALID_SIGNATURE        25 "Invalid signature"                None, None;
    /// No `session` for a method that needs one.
    MISSING_SESSION          26 "Missing session"                  None, None;
    /// A `session` that is unknown, expired, revoked or another app's.
    INVALID_SESSION          27 "Invalid session"                  Some("invalid-sessionkey"), Some("SessionKey非法");
    /// No `app_key`.
    MISSING_APP_KEY          28 "Missing app Key"                  None, None;
    /// An `app_key` nobody knows.
    INVALID_APP_KEY          29 "Invalid app Key"                  Some("isv.appkey-not-exists"), None;
    /// No `timestamp`.
    MISSING_TIMESTAMP        30 "Missing timestamp"                None, None;
    /// A `timestamp` that is unreadable or more than ten minutes off.
    INVALID_TIMESTAMP        31 "Invalid timestamp"                None, None;
    /// No `v`.
    MISSING_VERSION          32 "Missing version"                  None, None;
    /// A `v` that is no version number.
    INVALID_VERSION          33 "Invalid version"                  None, None;
    /// A `v` other than 2.0.
    UNSUPPORTED_VERSION      34 "Unsupported version"              None, None;
    /// A required parameter is not there; its name follows the message.
    MISSING_ARGUMENT         40 "Missing required arguments"       None, None;
    /// A parameter is malformed; its path follows the message.
    INVALID_ARGUMENT         41 "Invalid arguments"                None, None;
    /// The request is not UTF-8.
    INVALID_ENCODING         47 "Invalid encoding"                 None, None;
    /// The service rejects a value by its form. The code is a setting, see [`RemoteErrorCode`].
    INVALID_PARAMETER        50 "Remote service error"             Some("isv.invalid-parameter"), Some("非法参数");
    /// Our own fault. The code is a setting, see [`RemoteErrorCode`].
    UNKNOWN_ERROR            50 "Remote service error"             Some("isp.unknown-error"), None;
}

/// Which code a "Remote service error" carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RemoteErrorCode {
    /// 50, as every published page prints it.
    #[default]
    Published,
    /// 15, as the live platform has been seen to send.
    Live,
}

impl RemoteErrorCode {
    /// The number.
    pub const fn code(self) -> u16 {
        match self {
            Self::Published => 50,
            Self::Live => 15,
        }
    }

    /// The setting for a number, if it is one of the two.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            50 => Some(Self::Published),
            15 => Some(Self::Live),
            _ => None,
        }
    }
}

/// A caller is told in `error_response` that the call was not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The table row.
    pub row: &'static Row,
    /// What follows the message after a colon: a parameter name or path.
    pub argument: Option<String>,
    /// `sub_code`.
    pub sub_code: Option<&'static str>,
    /// `sub_msg`.
    pub sub_msg: Option<Cow<'static, str>>,
}

impl From<&'static Row> for Rejection {
    fn from(row: &'static Row) -> Self {
        Self {
            row,
            argument: None,
            sub_code: row.sub_code,
            sub_msg: row.sub_msg.map(Cow::Borrowed),
        }
    }
}

impl From<BadForm> for Rejection {
    fn from(fault: BadForm) -> Self {
        match fault {
            BadForm::NotUtf8 => INVALID_ENCODING.into(),
            BadForm::TooMany => Self::with_argument(INVALID_ARGUMENT, "body"),
        }
    }
}

impl From<&Violation> for Rejection {
    fn from(violation: &Violation) -> Self {
        let path = || violation.path.clone();
        match violation.kind {
            ViolationKind::MissingArgument => Self::with_argument(MISSING_ARGUMENT, path()),
            ViolationKind::InvalidArgument => Self::with_argument(INVALID_ARGUMENT, path()),
            ViolationKind::InvalidParameter => Self::invalid_parameter(&path()),
        }
    }
}

impl Rejection {
    /// A row whose message ends in `:<argument>`.
    pub fn with_argument(row: &'static Row, argument: impl Into<String>) -> Self {
        Self { argument: Some(argument.into()), ..row.into() }
    }

    /// The service rejects the value at `path` by its form.
    pub fn invalid_parameter(path: &str) -> Self {
        Self { sub_msg: Some(format!("非法参数: {path}").into()), ..INVALID_PARAMETER.into() }
    }

    /// The caller is held back for `seconds` by the limit that `sub_code` names.
    pub fn limited(sub_code: &'static str, seconds: u64) -> Self {
        Self {
            sub_code: Some(sub_code),
            // Clients take the number out of this exact English sentence.
            sub_msg: Some(format!("This ban will last for {seconds} more seconds").into()),
            ..CALL_LIMITED.into()
        }
    }

    /// The code on the wire.
    pub fn code(&self, remote: RemoteErrorCode) -> u16 {
        if self.row.code == RemoteErrorCode::Published.code() {
            remote.code()
        } else {
            self.row.code
        }
    }

    /// The message on the wire.
    pub fn msg(&self) -> Cow<'static, str> {
        match &self.argument {
            Some(argument) => format!("{}:{argument}", self.row.msg).into(),
            None => Cow::Borrowed(self.row.msg),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.row.code, self.msg())?;
        for part in [self.sub_code, self.sub_msg.as_deref()].into_iter().flatten() {
            write!(f, " | {part}")?;
        }
        Ok(())
    }
}
