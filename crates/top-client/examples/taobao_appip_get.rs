//! Asks where calls come from, as the platform sees it: what belongs on its list of allowed addresses.

use top_client::Client;
use trip_api::taobao_appip_get::Request;

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let caller = client.call(&Request {}).await?;
    println!("this machine calls from {}", caller.response.ip);
    Ok(())
}
