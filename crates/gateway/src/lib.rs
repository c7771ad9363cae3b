//! The gateway: what stands between the wire, the rules and the store.

pub mod access;
pub mod account;
pub mod audit;
pub mod calls;
pub mod catalogue;
pub mod cli;
pub mod console;
pub mod context;
pub mod demo;
pub mod docs;
pub mod failure;
pub mod family;
pub mod flight;
mod handlers;
mod hot;
pub mod import;
pub mod metrics;
mod oauth;
pub mod office;
pub mod ops;
pub mod pipeline;
pub mod policies;
pub mod quota;
pub mod receipts;
pub mod rental;
pub mod server;
pub mod settings;
pub mod train;
pub mod web;

pub use context::{Clock, Context};
pub use settings::Settings;
