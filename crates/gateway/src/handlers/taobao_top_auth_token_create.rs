//! `taobao.top.auth.token.create`: tokens for a code that a person's consent gave.

use top::{Masked, Rejection};
use trip_api::taobao_top_auth_token_create::{Request, Response};

use super::Caller;
use crate::Context;
use crate::failure::Failure;
use crate::oauth::grants::{self, Use};
use crate::oauth::token::token_result;

/// Gives tokens for the code, once. The signature stands for the secret that `/token` wants.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let code = request.code.0.as_str();
    let used = Use::Code { code, redirect_uri: None, verifier: None };
    let given = grants::tokens(cx, &caller.app.key, &used, &caller.cause()).await?;
    let given = given.map_err(|_| Rejection::invalid_parameter("code"))?;
    let app_key = caller.app.key.as_str();
    Ok(Response { token_result: Masked(token_result(&cx.store, app_key, &given, caller.now)) })
}
