//! Rail tickets: an order as the platform has it with a supplier, and what becomes of its refunds.

mod booking;
mod callback;
pub mod code;
mod fee;
mod order;
mod person;

pub use booking::{
    BadTrain, LEGS_MAX, Leg, Station, TICKETS_MAX, TrainBooking, TrainKey, TrainPassenger,
    TrainTicket, is_telecode,
};
pub use callback::{
    Callback, CallbackRefusal, CallbackTicket, CallbackTrain, Problem, Remark, Spot,
};
pub use order::{
    CHANGES_MAX, OFFLINE_MAX, REFUNDS_MAX, Refund, RefundState, Report, Seat, TicketResult,
    TrainChange, TrainCommand, TrainOrder, TrainRefusal,
};
pub use person::{Field, Personal};
