//! What a declaration does not say of a method: what it is for, where it belongs, and its codes. A module for
//! each method, which the catalogue demands.

mod alibaba_happytrip_flight_order_itinerary_postback;
mod alitrip_btrip_flight_distribution_change_detail;
mod alitrip_btrip_flight_distribution_order_cancel;
mod alitrip_btrip_supplychain_train_callback_refund;
mod alitrip_rentcar_btb_order_cancelcheck;
mod taobao_appip_get;
mod taobao_time_get;
mod taobao_top_auth_token_create;
mod taobao_top_auth_token_refresh;

use domain::code::{Code, Source};
use top::{Label, Method as _, Spec, label};

/// Where a method stands in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Flights, changes, receipts.
    Flight,
    /// Rail.
    Train,
    /// Car rental.
    Rental,
    /// The platform itself.
    Platform,
}

impl Group {
    /// Every group, in the order of the index.
    pub const ALL: [Self; 4] = [Self::Flight, Self::Train, Self::Rental, Self::Platform];

    /// Its heading.
    pub const fn title(self) -> Label {
        match self {
            Self::Flight => label("商旅机票", "Flights"),
            Self::Train => label("商旅火车票", "Rail"),
            Self::Rental => label("租车", "Car rental"),
            Self::Platform => label("平台与授权", "Platform and authorization"),
        }
    }

    /// Its anchor.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Flight => "flight",
            Self::Train => "train",
            Self::Rental => "rental",
            Self::Platform => "platform",
        }
    }
}

/// What a method is, beyond its declaration.
#[derive(Debug)]
pub struct Notes {
    /// Where it belongs.
    pub group: Group,
    /// What it does, in one line.
    pub purpose: Label,
    /// What to know before calling it.
    pub about: &'static [Label],
    /// What a call that is made twice does.
    pub twice: Label,
    /// The codes by which it refuses.
    pub refusals: &'static [List],
    /// The codes of its other members.
    pub enumerations: &'static [List],
}

/// A code list, and the members that hold its codes.
#[derive(Debug)]
pub struct List {
    /// Its anchor.
    pub id: &'static str,
    /// The members' names.
    pub members: &'static [&'static str],
    /// What tells it from another list of the same members.
    pub title: Label,
    /// Its rows.
    pub rows: fn() -> Vec<Row>,
}

/// A row of a code list.
#[derive(Debug, Clone)]
pub struct Row {
    /// The code on the wire.
    pub code: String,
    /// What it means.
    pub label: Label,
    /// Where it comes from.
    pub source: Source,
}

/// Numbers as they are.
fn numbers(codes: &[Code]) -> Vec<Row> {
    texts(codes, |code| code.to_string())
}

/// Numbers as a method writes them.
fn texts(codes: &[Code], write: impl Fn(i64) -> String) -> Vec<Row> {
    let row = |row: &Code| {
        let Code { code, zh, en, source } = *row;
        Row { code: write(code), label: label(zh, en), source }
    };
    codes.iter().map(row).collect()
}

/// What the answers to a method's example are, as the demo world gave them.
#[derive(Debug)]
pub struct Answers {
    /// `format=xml`.
    pub xml: &'static str,
    /// `format=json`.
    pub json: &'static str,
    /// `format=json` and `simplify=true`.
    pub simplified: &'static str,
}

/// A method as the documentation knows it.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The declaration.
    pub spec: &'static Spec,
    /// What it does not say.
    pub notes: &'static Notes,
    /// The example's answers.
    pub answers: &'static Answers,
    /// The example in Rust.
    pub rust: &'static str,
}

macro_rules! entries {
    ($($stem:ident,)*) => {
        /// Every method of the catalogue, in its order.
        pub static ENTRIES: &[Entry] = &[$(Entry {
            spec: &trip_api::$stem::Request::SPEC,
            notes: &$stem::NOTES,
            answers: &Answers {
                xml: include_str!(concat!("../answers/", stringify!($stem), ".xml")),
                json: include_str!(concat!("../answers/", stringify!($stem), ".json")),
                simplified: include_str!(concat!("../answers/", stringify!($stem), ".simplified.json")),
            },
            rust: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../top-client/examples/", stringify!($stem), ".rs"
            )),
        }),*];
    };
}
trip_api::catalogue!(entries);

/// The method of this name.
pub fn find(name: &str) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.spec.name == name)
}

impl Entry {
    /// The code list of a member.
    pub fn list_of(&self, member: &str) -> Option<&'static List> {
        let mut lists = self.notes.refusals.iter().chain(self.notes.enumerations);
        lists.find(|list| list.members.contains(&member))
    }
}
