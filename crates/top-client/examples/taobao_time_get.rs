//! Reads the platform's clock: the shortest call there is, and the first to try.

use top_client::Client;
use trip_api::taobao_time_get::Request;

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let clock = client.call(&Request {}).await?;
    println!("the platform's clock shows {}", clock.response.time);
    Ok(())
}
