//! `taobao.time.get`

use top::{Date, Label, Method, Session, Wire, label};

/// No parameters.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {}

/// The platform's clock.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 淘宝系统当前时间
    ///
    /// The platform's time at +08:00.
    #[top(example = "2000-01-01 00:00:00")]
    pub time: Date,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "taobao.time.get";
    const TITLE: Label = label("获取前台展示的系统时间", "Read the platform's clock");
    const SESSION: Session = Session::NotRequired;
    // It reads.
    const IDEMPOTENT: bool = true;
}
