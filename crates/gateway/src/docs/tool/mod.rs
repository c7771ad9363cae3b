//! The API tool: a form for every method, made of its declaration, that signs and calls.

mod call;
mod choice;
mod draft;
mod parts;

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State as Extract};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use top::form::decode_into;
use top::{Session, SignMethod, Spec};

use self::call::{Made, Sealing};
use self::choice::Choice;
pub use self::draft::Draft;
use self::draft::{ELEMENTS_MAX, INPUTS_MAX, Typed};
use self::parts::{Part, parts};
use crate::web::{From, Problem, State, Visit, page};
use crate::{Context, demo};

/// Most inputs of the tool's own in a form, buttons included.
const OWN_INPUTS_MAX: usize = 16;
/// Largest form: two kilobytes for each input that there may be.
const FORM_BYTES_MAX: usize = 2 * 1024 * INPUTS_MAX;

/// The tool's pages.
pub fn router() -> Router<Arc<Context>> {
    let form = get(show).post(submit).layer(DefaultBodyLimit::max(FORM_BYTES_MAX));
    Router::new().route("/docs/{method}/tool", form)
}

#[derive(Template)]
#[template(path = "docs/tool.html")]
struct Tool<'a> {
    visit: &'a Visit,
    spec: &'static Spec,
    has_demo: bool,
    choice: &'a Choice,
    parts: Vec<Part<'a>>,
    /// Why no element was added, in the visitor's language.
    full: Option<String>,
    /// Why nothing was sent.
    refusal: Option<&'a str>,
    made: Option<Made>,
}

impl Tool<'_> {
    fn needs_session(&self) -> bool {
        self.spec.session == Session::Required
    }

    fn formats(&self) -> [(&'static str, &'static str, bool); 3] {
        let label = |name| match name {
            "xml" => "XML",
            "simplified" => {
                self.visit.t("精简 JSON (simplify=true)", "Simplified JSON (simplify=true)")
            }
            _ => "JSON",
        };
        choice::FORMATS.map(|(name, format)| (name, label(name), format == self.choice.format))
    }

    fn sign_methods(&self) -> [(String, bool); 3] {
        SignMethod::ALL.map(|method| (method.to_string(), method == self.choice.sign_method))
    }

    fn has_sealed(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Input(input) if input.is_sealed()))
    }

    /// Where the secret is, which the string alone does not say.
    fn about_secret(&self) -> &'static str {
        let (is_md5, is_demo) = (self.choice.sign_method == SignMethod::Md5, self.choice.is_demo());
        match (is_md5, is_demo) {
            (true, true) => {
                self.visit.t("首尾是 App Secret。", "The app's secret is at both ends.")
            }
            (true, false) => self
                .visit
                .t("首尾的 *** 是 App Secret。", "*** at both ends stands for the app's secret."),
            (false, _) => self.visit.t(
                "App Secret 不在其中，它是 HMAC 的密钥。",
                "The app's secret is not in it: it is the key of the HMAC.",
            ),
        }
    }

    /// The input that a complaint names, if the form has it.
    fn points_to<'m>(&self, complaint: &'m call::Complaint) -> Option<&'m str> {
        let path = complaint.input.as_deref()?;
        parts::has_input(&self.parts, path).then_some(path)
    }
}

/// The declaration of a method.
fn spec(method: &str) -> Result<&'static Spec, Problem> {
    let found = trip_api::SPECS.iter().copied().find(|spec| spec.name == method);
    found.ok_or(Problem::NotFound)
}

async fn show(
    Extract(cx): State,
    visit: Visit,
    Path(method): Path<String>,
) -> Result<Response, Problem> {
    let spec = spec(&method)?;
    let has_demo = call::has_demo(&cx).await?;
    let (choice, draft) = (Choice::usual(has_demo), Draft::example(spec));
    let (choice, parts) = (&choice, parts(spec, &draft));
    let (full, refusal, made) = (None, None, None);
    Ok(page(&Tool { visit: &visit, spec, has_demo, choice, parts, full, refusal, made }))
}

async fn submit(
    Extract(cx): State,
    visit: Visit,
    Extension(From(address)): Extension<From>,
    Path(method): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let spec = spec(&method)?;
    let typed = typed(body)?;
    let has_demo = call::has_demo(&cx).await?;
    let choice = Choice::read(&typed, has_demo);
    let mut draft = Draft::read(spec, &typed).map_err(|_| too_much())?;
    let (mut full, mut refusal, mut made) = (None, None, None);
    if let Some(path) = typed.get("add") {
        full = draft.add(spec, path).err().map(|_| is_full(&visit));
    } else if let Some(path) = typed.get("remove") {
        draft.remove(spec, path);
    } else if choice.has_plausible_key() {
        made = Some(call::make(&cx, &visit, address, spec, &choice, &draft).await?);
    } else {
        refusal =
            Some(visit.t("没有发送：请填写有效的 App Key。", "Not sent: give a valid app key."));
    }
    let (choice, parts) = (&choice, parts(spec, &draft));
    Ok(page(&Tool { visit: &visit, spec, has_demo, choice, parts, full, refusal, made }))
}

/// What was typed, each name once.
fn typed(body: Result<Bytes, BytesRejection>) -> Result<Typed, Problem> {
    let body = body.map_err(|_| too_much())?;
    let mut typed = Typed::new();
    // One at a time: a form may have more values than a call has parameters.
    for (at, pair) in body.split(|byte| *byte == b'&').enumerate() {
        if at == INPUTS_MAX + OWN_INPUTS_MAX {
            return Err(too_much());
        }
        let mut pairs = Vec::new();
        let decoded = decode_into(pair, &mut pairs);
        let (Some((name, value)), Ok(())) = (pairs.pop(), decoded) else {
            if pair.is_empty() {
                continue;
            }
            return Err(Problem::Refused("表单不是 UTF-8 编码。", "The form is not UTF-8."));
        };
        if value.contains('\0') {
            // No shell can be given one, so the command would not be the call.
            return Err(Problem::Refused(
                "参数值不能含有空字符。",
                "A value holds a null character.",
            ));
        }
        typed.entry(name.into_owned()).or_insert_with(|| value.into_owned());
    }
    Ok(typed)
}

fn too_much() -> Problem {
    const { assert!(ELEMENTS_MAX == 20 && INPUTS_MAX == 1000, "the text names both") };
    Problem::Refused(
        "表单过大：每个列表最多 20 个元素，整个表单最多 1000 个输入项。",
        "The form is too large: a list has at most 20 elements, and the form 1000 inputs.",
    )
}

/// The same of an element that was to be added.
fn is_full(visit: &Visit) -> String {
    let (zh, en) = (
        format!("未添加：每个列表最多 {ELEMENTS_MAX} 个元素，整个表单最多 {INPUTS_MAX} 个输入项。"),
        format!(
            "Not added: a list has at most {ELEMENTS_MAX} elements, and the form {INPUTS_MAX} inputs."
        ),
    );
    visit.t(&zh, &en).to_owned()
}
