//! The page of one method.

use askama::Template;
use askama::filters::HtmlSafe;
use top::error::{self, RemoteErrorCode};
use top::{Format, Object, Privacy, Session, Shape, Spec, answer};

use super::errors::{self, Explained};
use super::faq::{self, Question};
use super::layout;
use super::notes::{Entry, List};
use super::public::PARAMETERS;
use super::samples::{Access, Call, Sample};
use crate::Settings;
use crate::web::Visit;

/// All of it.
#[derive(Template)]
#[template(path = "docs/method.html")]
pub struct Page<'a> {
    visit: &'a Visit,
    entry: &'a Entry,
    access: &'a Access,
    remote: RemoteErrorCode,
    request: Members<'a>,
    response: Members<'a>,
    samples: Vec<Sample>,
    answers: Vec<(&'static str, String)>,
    failures: Vec<(&'static str, String)>,
    errors: Vec<&'static Explained>,
    questions: Vec<&'static Question>,
}

/// The request id of the failed call that a page shows.
const FAILED_ID: &str = "zzp0c5fj10y3";

/// What a failed call of this method gets: the error that the published pages show, too; of a method that takes
/// no parameters, that of a wrong sign.
fn failure(spec: &Spec, format: Format, settings: &Settings) -> String {
    let row = match spec.request.fields {
        [] => error::INVALID_SIGNATURE,
        _ => error::INVALID_PARAMETER,
    };
    let Settings { remote_error_code, node, .. } = settings;
    answer::failure(format, &row.into(), *remote_error_code, FAILED_ID, node)
}

impl<'a> Page<'a> {
    /// The page as this visitor sees it.
    pub fn new(
        visit: &'a Visit,
        entry: &'a Entry,
        access: &'a Access,
        settings: &Settings,
    ) -> Self {
        let remote = settings.remote_error_code;
        let spec = entry.spec;
        let call = Call { spec, access, lang: visit.lang, rust: entry.rust };
        let members = |object, side: &'static str| Members {
            visit,
            entry,
            object,
            path: side.to_owned(),
            in_request: side == "request",
        };
        let answers = entry.answers;
        let answers = vec![
            ("XML", layout::xml(answers.xml)),
            ("JSON", layout::json(answers.json)),
            ("JSON, simplify=true", layout::json(answers.simplified)),
        ];
        let failure = |format| failure(spec, format, settings);
        let failures = vec![
            ("XML", layout::xml(&failure(Format::Xml))),
            ("JSON", layout::json(&failure(Format::Json))),
        ];
        Self {
            visit,
            entry,
            access,
            remote,
            request: members(&spec.request, "request"),
            response: members(&spec.response, "response"),
            samples: call.samples(),
            answers,
            failures,
            errors: errors::of(spec).collect(),
            questions: faq::of(spec).collect(),
        }
    }

    fn needs_session(&self) -> bool {
        self.entry.spec.session == Session::Required
    }

    fn has_sealed(&self) -> bool {
        has_sealed(&self.entry.spec.request)
    }
}

/// Whether any member is sealed, however deep.
pub fn has_sealed(object: &Object) -> bool {
    object.fields.iter().any(|field| {
        field.privacy == Privacy::Sealed || nested(&field.shape).is_some_and(has_sealed)
    })
}

/// The object that a member holds, or a list of which it is.
const fn nested(shape: &Shape) -> Option<&'static Object> {
    match shape {
        Shape::Object(object) | Shape::List(Shape::Object(object)) => Some(object),
        _ => None,
    }
}

/// The table of an object's members, with a table of its own in it for each that has members.
#[derive(Debug, Template)]
#[template(path = "docs/members.html")]
struct Members<'a> {
    visit: &'a Visit,
    entry: &'a Entry,
    object: &'a Object,
    path: String,
    in_request: bool,
}

/// It is itself a template, which has escaped what it shows.
impl HtmlSafe for Members<'_> {}

impl Members<'_> {
    fn within(&self, shape: &Shape, name: &str) -> Option<Self> {
        let object = nested(shape)?;
        Some(Self { object, path: format!("{}.{name}", self.path), ..*self })
    }

    fn list(&self, name: &str, shape: &Shape) -> Option<&'static List> {
        if nested(shape).is_some() { None } else { self.entry.list_of(name) }
    }
}
