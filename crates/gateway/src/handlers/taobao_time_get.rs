//! `taobao.time.get`: the platform's clock.

use top::Date;
use trip_api::taobao_time_get::{Request, Response};

use super::Caller;
use crate::Context;
use crate::failure::Failure;

/// Answers the moment of the call.
pub async fn handle(_: &Context, caller: &Caller, _: Request) -> Result<Response, Failure> {
    Ok(Response { time: Date::at_platform(caller.now.as_second()) })
}
