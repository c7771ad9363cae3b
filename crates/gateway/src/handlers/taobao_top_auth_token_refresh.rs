//! `taobao.top.auth.token.refresh`: new tokens for a refresh token.

use top::{Masked, Rejection};
use trip_api::taobao_top_auth_token_refresh::{Request, Response};

use super::Caller;
use crate::Context;
use crate::failure::Failure;
use crate::oauth::grants::{self, Use};
use crate::oauth::token::token_result;

/// Gives new tokens, and ends those before them.
pub async fn handle(cx: &Context, caller: &Caller, request: Request) -> Result<Response, Failure> {
    let used = Use::Refresh(&request.refresh_token.0);
    let given = grants::tokens(cx, &caller.app.key, &used, &caller.cause()).await?;
    let given = given.map_err(|_| Rejection::invalid_parameter("refresh_token"))?;
    let app_key = caller.app.key.as_str();
    Ok(Response { token_result: Masked(token_result(&cx.store, app_key, &given, caller.now)) })
}
