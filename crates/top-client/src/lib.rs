#![doc = include_str!("../README.md")]

mod batch;
mod builder;
mod check;
mod client;
mod error;
mod prepared;
mod raw;
mod retry;

pub use batch::{BATCH_ITEMS_MAX, Batch, BatchAnswer, Place};
pub use builder::Builder;
pub use client::Client;
pub use error::{Error, Rejected};
pub use prepared::Prepared;
pub use raw::{ANSWER_BYTES_MAX, Raw, Reply};
pub use retry::{RETRIES_MAX, Retry};
pub use top::batch::SEPARATOR;
pub use top::seal;
pub use top::{Date, Format, Id, JsonText, Masked, Method, Needed, Sealed, SignMethod, Yuan};

/// The demo app of `tripwright serve` on this machine, the same at every start.
pub mod sandbox {
    /// Where it is called.
    pub const URL: &str = "http://127.0.0.1:8080/router/rest";
    /// Its key.
    pub const APP_KEY: &str = "test";
    /// Its secret, which is none.
    pub const APP_SECRET: &str = "test";
    /// Its access token.
    pub const SESSION: &str = "6100demo0tripwright0sandbox0session0000002088000000000001";
    /// Its SM4 key, which is the standard's own example.
    pub const SM4_KEY: &str = "0123456789abcdeffedcba9876543210";
}
