//! Turns the code that a person's consent gave into tokens. Run it without one to be told where to consent.

use top_client::{Client, Masked, sandbox};
use trip_api::taobao_top_auth_token_create::Request;

#[tokio::main]
async fn main() -> Result<(), top_client::Error> {
    let client = Client::from_env()?;
    let Some(code) = std::env::args().nth(1) else {
        let variable = |name, other: &str| std::env::var(name).unwrap_or(other.to_owned());
        let url = variable("TRIPWRIGHT_URL", sandbox::URL);
        let server = url.trim_end_matches("/router/rest");
        let app_key = variable("TRIPWRIGHT_APP_KEY", sandbox::APP_KEY);
        // An address that the app has registered: the browser is sent back there.
        let back = variable("TRIPWRIGHT_REDIRECT_URI", "http://localhost:3000/callback");
        let wish = format!("response_type=code&client_id={app_key}&redirect_uri={back}");
        println!("consent at {server}/authorize?{wish}");
        println!("and run this again with the code that the browser is sent back with");
        return Ok(());
    };
    // The platform's answer is one text, which holds JSON.
    let tokens = client.call(&Request { code: Masked(code), uuid: None }).await?.response;
    println!("{}", tokens.token_result.0);
    Ok(())
}
