//! The TOP wire protocol, and nothing else.
//!
//! A method is declared once as Rust types ([`Wire`], [`Composite`], [`Method`]); everything the
//! platform does with it follows from that declaration: reading parameters, answering in XML, JSON
//! or simplified JSON, documenting. This crate knows no method, does no I/O and asks nobody for the
//! time.

// So that `#[derive(Wire)]`, which names this crate, works in the crate's own tests too.
extern crate self as top;

pub mod answer;
pub mod batch;
pub mod error;
mod escape;
pub mod explain;
pub mod form;
pub mod json;
pub mod model;
pub mod node;
pub mod scalar;
pub mod seal;
pub mod sign;
pub mod spi;
mod word;
pub mod xml;

pub use answer::Format;
pub use error::Rejection;
pub use form::Params;
pub use model::{
    Composite, Encoder, Field, Form, Label, Method, Object, Privacy, Session, Shape, Spec, Wire,
    label,
};
pub use node::{Node, Reader, Violation, ViolationKind};
pub use scalar::{Date, Id, Json, JsonText, Masked, Needed, Sealed, Yuan};
pub use sign::SignMethod;
pub use top_derive::Wire;
