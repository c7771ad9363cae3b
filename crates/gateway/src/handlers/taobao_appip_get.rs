//! `taobao.appip.get`: the caller's address.

use trip_api::taobao_appip_get::{Request, Response};

use super::Caller;
use crate::Context;
use crate::failure::Failure;

/// Answers the address at the other end of the connection.
pub async fn handle(_: &Context, caller: &Caller, _: Request) -> Result<Response, Failure> {
    Ok(Response { ip: caller.address.to_string() })
}
