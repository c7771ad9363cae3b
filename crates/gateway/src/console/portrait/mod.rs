//! An order as the console draws it: the way it has come, amounts that add up, and who and what is in it.

mod flight;
mod receipts;
mod rental;
mod train;

use std::borrow::Borrow;
use std::cmp::Ordering;

use domain::code::Code;
use domain::time::platform_clock;
use domain::{Civil, Fen, Instant, Pii};

use crate::family::Family;
use crate::office::orders::MASK;
use crate::web::Visit;

/// Who looks, when, and how much they may see.
pub struct Eyes<'a> {
    /// In which language.
    pub visit: &'a Visit,
    /// Whether what is personal is shown in the clear.
    pub reveal: bool,
    /// When.
    pub now: Instant,
    /// What the journal says has happened to the order, by name.
    pub told: &'a [&'a str],
}

impl Eyes<'_> {
    fn t<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        self.visit.t(zh, en)
    }

    fn row(&self, row: Code) -> &'static str {
        self.visit.t(row.zh, row.en)
    }

    fn row_with_code(&self, row: Code) -> String {
        format!("{} · {}", row.code, self.row(row))
    }

    fn yes(&self, is_so: bool) -> &'static str {
        if is_so { self.visit.t("是", "yes") } else { self.visit.t("否", "no") }
    }

    /// A cell with what is personal.
    fn personal(&self, value: &Pii<String>) -> Cell {
        let text = if self.reveal { value.expose().clone() } else { MASK.to_owned() };
        Cell { text, is_number: false, is_personal: true }
    }

    fn personal_or_none(&self, value: Option<&Pii<String>>) -> Cell {
        value.map_or_else(|| Cell::from("–"), |value| self.personal(value))
    }

    /// Whether the journal says that this happened.
    fn was_told(&self, what: &str) -> bool {
        self.told.contains(&what)
    }
}

/// A family as the console draws its orders.
pub trait Portray: Family {
    /// Its transitions, in the order in which they usually happen.
    const TRANSITIONS: &'static [Transition];

    /// The order, drawn.
    fn portray(&self, eyes: &Eyes<'_>) -> Portrait;
}

/// A transition that an operator can choose.
pub struct Transition {
    /// Its name.
    pub name: &'static str,
    zh: &'static str,
    en: &'static str,
    /// Facts of its form; empty when it has none that are needed.
    pub facts: &'static str,
}

impl Transition {
    const fn new(
        name: &'static str,
        zh: &'static str,
        en: &'static str,
        facts: &'static str,
    ) -> Self {
        Self { name, zh, en, facts }
    }

    /// What it is, in words.
    pub const fn label(&self, visit: &Visit) -> &'static str {
        visit.t(self.zh, self.en)
    }
}

/// An order, drawn.
#[derive(Default)]
pub struct Portrait {
    /// The way it has come, and the ways of what belongs to it.
    pub ways: Vec<Way>,
    /// Its amounts.
    pub sheets: Vec<Sheet>,
    /// Everything else.
    pub tables: Vec<Table>,
}

/// The way that an order has come, and could still go.
pub struct Way {
    /// Of what.
    pub title: String,
    /// Its states.
    pub stages: Vec<Stage>,
}

/// A state on the way.
pub struct Stage {
    /// Its code; nothing where it has none.
    pub code: String,
    /// Its label.
    pub label: &'static str,
    /// Whether it is past, present or neither.
    pub mark: Mark,
}

/// Where a state stands to the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// The order was in it.
    Passed,
    /// It is in it.
    Current,
    /// It is not, and nothing says that it was.
    Other,
}

impl Mark {
    /// The class that draws it.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Current => "current",
            Self::Other => "other",
        }
    }
}

impl Way {
    /// The states of a line in their order, then, where the order has left the line, the state that it is in
    /// instead of those it will not reach.
    fn new<C: Copy + PartialEq>(
        title: &str,
        line: &[C],
        current: C,
        passed: impl Fn(C) -> bool,
        row: impl Fn(C) -> Code,
        visit: &Visit,
    ) -> Self {
        let is_over = !line.contains(&current);
        let mark = |state: C| match state {
            state if state == current => Mark::Current,
            state if passed(state) => Mark::Passed,
            _ => Mark::Other,
        };
        let stage = |state: C| {
            let Code { code, zh, en, .. } = row(state);
            Stage { code: code.to_string(), label: visit.t(zh, en), mark: mark(state) }
        };
        let ahead = |state: &C| !is_over || passed(*state);
        let stages = line.iter().copied().filter(ahead).chain(is_over.then_some(current));
        Self { title: title.to_owned(), stages: stages.map(stage).collect() }
    }
}

impl Way {
    /// A way of states without codes, whose present one is the one at `current`.
    fn plain(title: String, labels: &[&'static str], current: usize) -> Self {
        let stage = |(at, label): (usize, &&'static str)| {
            let mark = match at.cmp(&current) {
                Ordering::Less => Mark::Passed,
                Ordering::Equal => Mark::Current,
                Ordering::Greater => Mark::Other,
            };
            Stage { code: String::new(), label, mark }
        };
        Self { title, stages: labels.iter().enumerate().map(stage).collect() }
    }
}

/// Most ways drawn of what belongs to an order; tables have all of it.
const WAYS_MAX: usize = 50;

/// Amounts that belong together, and their sum.
pub struct Sheet {
    /// Of what.
    pub title: String,
    /// The amounts.
    pub amounts: Vec<Amount>,
    /// What the sum is.
    pub sum: String,
}

/// An amount.
pub struct Amount {
    /// For what.
    pub label: String,
    /// One of how many.
    pub each: Option<(Fen, usize)>,
    /// How much in all.
    pub fen: Fen,
}

impl Amount {
    fn new(label: impl Into<String>, fen: Fen) -> Self {
        Self { label: label.into(), each: None, fen }
    }

    /// The same amount so many times.
    fn times(label: impl Into<String>, each: Fen, count: usize) -> Self {
        // A booking whose sum does not fit is none.
        let fen = each.times(count).unwrap_or(Fen(i64::MAX));
        Self { label: label.into(), each: Some((each, count)), fen }
    }

    /// One of how many, as it is written; nothing for what is there once.
    pub fn times_text(&self) -> String {
        let times = |(each, count)| format!("{} × {count}", yuan(each));
        self.each.map(times).unwrap_or_default()
    }

    /// The amount in yuan.
    pub fn yuan(&self) -> String {
        yuan(self.fen)
    }

    fn minus(label: impl Into<String>, fen: Fen) -> Self {
        Self::new(label, Fen(fen.0.saturating_neg()))
    }
}

impl Sheet {
    fn new(title: impl Into<String>, sum: &str, amounts: Vec<Amount>) -> Self {
        Self { title: title.into(), amounts, sum: sum.to_owned() }
    }

    /// What stands under the line.
    pub fn total(&self) -> String {
        let total = Fen::total(self.amounts.iter().map(|amount| amount.fen));
        total.map_or_else(|| "–".to_owned(), yuan)
    }
}

/// A table.
pub struct Table {
    /// Of what.
    pub title: String,
    /// Its columns.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    fn new(title: &str, heads: Vec<&'static str>, rows: Vec<Vec<Cell>>) -> Self {
        Self { title: title.to_owned(), heads, rows }
    }
}

/// A cell of a table.
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// Whether it is a number, which stands to the right.
    pub is_number: bool,
    /// Whether it is about a person.
    pub is_personal: bool,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), is_number: false, is_personal: false }
    }
}

impl Cell {
    fn amount(fen: Fen) -> Self {
        Self { text: yuan(fen), is_number: true, is_personal: false }
    }
}

/// An amount in yuan, with two digits.
fn yuan(fen: Fen) -> String {
    fen.to_string().trim_end_matches(" yuan").to_owned()
}

/// A moment on the platform's clock. Templates have some by reference.
pub fn moment(at: impl Borrow<Instant>) -> String {
    platform_clock(*at.borrow()).strftime("%Y-%m-%d %H:%M:%S +08:00").to_string()
}

fn clock(civil: Civil) -> String {
    civil.strftime("%Y-%m-%d %H:%M").to_string()
}

fn or_none(text: Option<String>) -> Cell {
    text.unwrap_or_else(|| "–".to_owned()).into()
}

fn list<'i>(items: impl IntoIterator<Item = &'i str>) -> String {
    items.into_iter().collect::<Vec<_>>().join(", ")
}
