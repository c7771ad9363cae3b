//! Everything end to end: a real server, real sockets, real clients, whole answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod alibaba_happytrip_flight_order_itinerary_postback;
mod alitrip_btrip_flight_distribution_change_detail;
mod alitrip_btrip_flight_distribution_order_cancel;
mod alitrip_btrip_supplychain_train_callback_refund;
mod alitrip_rentcar_btb_order_cancelcheck;
mod app;
mod arguments;
mod batch;
mod browser;
mod calls;
mod checks;
mod clients;
mod console;
mod coverage;
mod crash;
mod dialects;
mod docs;
mod explain;
mod failover;
mod fuzz;
mod gateways;
mod http;
mod oauth;
mod openapi;
mod ops;
#[path = "../../../store/tests/postgres/mod.rs"]
mod postgres;
mod postman;
mod program;
mod readme;
mod sdk;
mod secrets;
mod taobao_appip_get;
mod taobao_time_get;
mod taobao_top_auth_token_create;
mod taobao_top_auth_token_refresh;
pub mod tidy;
mod tool;
mod upkeep;
