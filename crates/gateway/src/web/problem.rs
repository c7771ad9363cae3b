//! What goes wrong on a page, told in the visitor's language.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Visit;
use crate::context;

/// Why there is no page.
#[derive(Debug)]
pub enum Problem {
    /// There is nothing there, or nothing that this visitor may know of.
    NotFound,
    /// The role does not reach so far.
    Forbidden,
    /// The visitor gave something that cannot be taken: what, in the two languages.
    Refused(&'static str, &'static str),
    /// The rules refuse it, in their own words.
    Rules(String),
    /// We are wrong. It was logged with this request id.
    Fault {
        /// What the visitor can tell an operator.
        request_id: String,
    },
}

impl Problem {
    /// Our own fault: logged here, once, with everything beneath it.
    pub fn fault(error: impl Into<anyhow::Error>) -> Self {
        let request_id = context::request_id();
        let fault = format!("{:#}", error.into());
        tracing::error!(request_id, fault, "a page failed");
        Self::Fault { request_id }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Refused(..) | Self::Rules(_) => StatusCode::BAD_REQUEST,
            Self::Fault { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The page that says so.
    pub fn tell(&self, visit: &Visit) -> Response {
        let (title, detail) = match self {
            Self::NotFound => (visit.t("没有这个页面", "There is no such page"), String::new()),
            Self::Forbidden => {
                (visit.t("您的角色无权这样做", "Your role does not allow this"), String::new())
            }
            Self::Refused(zh, en) => {
                (visit.t("无法照办", "This cannot be done"), visit.t(zh, en).to_owned())
            }
            Self::Rules(reason) => (visit.t("规则不允许", "The rules refuse this"), reason.clone()),
            Self::Fault { request_id } => {
                (visit.t("系统出错", "Something went wrong here"), request_id.clone())
            }
        };
        let told = Told { visit, title, detail }.render();
        // A template that has no loop and no fallible filter does not fail; its title would say it all.
        let text = told.unwrap_or_else(|_| title.to_owned());
        (self.status(), Html(text)).into_response()
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Told<'a> {
    visit: &'a Visit,
    title: &'a str,
    detail: String,
}

/// Kept with the answer until it is known in which language to tell it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Self::fault(error)
    }
}

impl From<anyhow::Error> for Problem {
    fn from(error: anyhow::Error) -> Self {
        Self::fault(error)
    }
}
