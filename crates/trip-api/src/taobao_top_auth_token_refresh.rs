//! `taobao.top.auth.token.refresh`

use top::{Label, Masked, Method, Session, Wire, label};

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// grantType==refresh_token 时需要
    ///
    /// The refresh token that was given last. It is good once.
    pub refresh_token: Masked<String>,
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
    const NAME: &'static str = "taobao.top.auth.token.refresh";
    const TITLE: Label = label("刷新Access Token", "Get a new access token for a refresh token");
    const SESSION: Session = Session::NotRequired;
}
