//! The gateway's own fuzz targets, for a fuzzer that is led by coverage.

#![allow(dead_code, reason = "the tests use more of it")]

#[path = "../crates/gateway/tests/it/dialects/parsers.rs"]
pub mod parsers;
#[path = "../crates/gateway/tests/it/fuzz/targets.rs"]
pub mod targets;

/// Runs the target of that name.
pub fn run(name: &str, bytes: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target").run)(bytes);
}
