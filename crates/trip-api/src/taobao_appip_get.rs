//! `taobao.appip.get`

use top::{Label, Method, Session, Wire, label};

/// No parameters.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {}

/// The caller as the gateway sees it.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// ISV发起请求服务器IP
    ///
    /// The address the call came from.
    #[top(example = "115.238.1.2")]
    pub ip: String,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "taobao.appip.get";
    const TITLE: Label = label("获取ISV发起请求服务器IP", "Read the caller's address");
    const SESSION: Session = Session::NotRequired;
    // It reads.
    const IDEMPOTENT: bool = true;
}
