//! `taobao.top.auth.token.create`

use top::{Label, Masked, Method, Session, Wire, label};

/// A code.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// 授权code
    ///
    /// The code that the app was told at its redirect address. It is good once.
    pub code: Masked<String>,
    /// 与生成code的uuid配对
    ///
    /// Whatever the app asked for the code with; nothing is made of it.
    pub uuid: Option<String>,
}

/// Tokens.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 返回的是json信息
    ///
    /// JSON text with the tokens, how long they last, and whom they act for.
    pub token_result: Masked<String>,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "taobao.top.auth.token.create";
    const TITLE: Label = label("获取Access Token", "Get an access token for a code");
    const SESSION: Session = Session::NotRequired;
}
