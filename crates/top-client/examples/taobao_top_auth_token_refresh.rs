//! Gets new tokens for a refresh token, which is good once: keep the new one.

use top_client::{Client, Masked};
use trip_api::taobao_top_auth_token_refresh::Request;

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let Some(refresh_token) = std::env::args().nth(1) else {
        println!("run this again with the refresh token that came with the access token");
        return Ok(());
    };
    let refresh_token = Masked(refresh_token);
    let tokens = client.call(&Request { refresh_token }).await?.response;
    println!("{}", tokens.token_result.0);
    Ok(())
}
