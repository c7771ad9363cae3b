//! What is checked before a request leaves, with the codes and words of the official SDKs.

use top::error::{INVALID_ARGUMENT, MISSING_ARGUMENT, Row};
use top::scalar::ID_CHARS_MAX;
use top::{Encoder, Form, Method, Shape, Wire};

/// The first thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) row: &'static Row,
    /// What follows the message: a path, or a sentence about one.
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn msg(&self) -> String {
        format!("client-error:{}:{}", self.row.msg, self.text)
    }
}

/// Holds a request to its declaration: what is required is there, and what has a form has it. What is
/// missing comes first, as on the platform.
pub(crate) fn check<M: Method>(request: &M) -> Option<Fault> {
    let mut checker =
        Checker { path: String::new(), shape: None, required: false, faults: Vec::new() };
    request.encode_members(&mut checker);
    let mut faults = checker.faults;
    faults.sort_by_key(|fault| fault.row.code);
    faults.into_iter().next()
}

/// Walks a request by writing it nowhere.
struct Checker {
    path: String,
    shape: Option<Shape>,
    required: bool,
    faults: Vec<Fault>,
}

impl Checker {
    fn missing(&mut self) {
        self.faults.push(Fault { row: MISSING_ARGUMENT, text: self.path.clone() });
    }

    fn invalid(&mut self, why: impl FnOnce(&str) -> String) {
        self.faults.push(Fault { row: INVALID_ARGUMENT, text: why(&self.path) });
    }

    /// Visits `value` one step further down.
    fn below<T: Wire>(&mut self, step: &str, value: &T) {
        let (length, shape, required) = (self.path.len(), self.shape, self.required);
        self.path.push_str(step);
        (self.shape, self.required) = (Some(T::SHAPE), T::REQUIRED);
        value.encode(self);
        self.path.truncate(length);
        (self.shape, self.required) = (shape, required);
    }
}

impl Encoder for Checker {
    fn text(&mut self, value: &str) {
        if value.trim().is_empty() {
            if self.required {
                self.missing();
            }
            return;
        }
        match self.shape {
            Some(Shape::Text(Form::Id)) if value.chars().count() > ID_CHARS_MAX => {
                self.invalid(|path| {
                    format!("the string length of {path} can not be larger than {ID_CHARS_MAX}.")
                });
            }
            Some(Shape::Text(Form::Id)) if value.chars().any(char::is_control) => {
                self.invalid(|path| format!("{path} can not hold a control character."));
            }
            Some(Shape::Text(Form::Json)) if top::json::parse(value).is_err() => {
                self.invalid(|path| format!("{path} must hold JSON."));
            }
            _ => {}
        }
    }

    fn number(&mut self, _: i64) {}

    fn boolean(&mut self, _: bool) {}

    fn object(&mut self, members: impl FnOnce(&mut Self)) {
        members(self);
    }

    fn list<T: Wire>(&mut self, elements: &[T]) {
        if elements.is_empty() && self.required {
            self.missing();
        }
        for (at, element) in elements.iter().enumerate() {
            self.below(&format!("[{at}]"), element);
        }
    }

    fn member<T: Wire>(&mut self, name: &'static str, value: &T) {
        if value.is_absent() {
            return;
        }
        let dot = if self.path.is_empty() { "" } else { "." };
        self.below(&format!("{dot}{name}"), value);
    }
}
