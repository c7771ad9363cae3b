//! Orders brought in from a form.

use askama::Template;
use axum::Form;
use axum::extract::State as Extract;
use axum::response::Response;
use domain::account::Role;
use serde::Deserialize;

use super::guard::Guarded;
use super::{accounts, orders};
use crate::audit;
use crate::import::{self, Outcome};
use crate::web::{Problem, State, Visit, page};

/// Most orders brought in by one form: each is a commit that its sender waits for.
const ORDERS_MAX: usize = 200;
/// An order to begin with.
const EXAMPLE: &str = include_str!("../cli/order-example.json");

#[derive(Template)]
#[template(path = "console/import.html")]
struct Import<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    outcomes: Vec<Told>,
}

/// What became of an order.
struct Told {
    number: usize,
    is_there: bool,
    text: String,
    address: Option<String>,
}

/// The form.
pub async fn form(visit: Visit, by: Guarded) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    Ok(page(&Import { visit: &visit, by: &by, outcomes: Vec::new() }))
}

/// Orders as JSON.
#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    orders: String,
}

/// Brings in each order; one that is refused does not keep the others out.
pub async fn bring_in(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Form(Given { orders: given }): Form<Given>,
) -> Result<Response, Problem> {
    by.must_be(Role::Operator)?;
    let imports = import::read(&given).map_err(accounts::told)?;
    if imports.len() > ORDERS_MAX {
        return Err(Problem::Refused(
            "一次最多导入 200 个订单；更多请用 tripwright order import。",
            "At most 200 orders at a time; for more there is tripwright order import.",
        ));
    }
    let mut outcomes = Vec::new();
    for (at, order) in imports.into_iter().enumerate() {
        let outcome = import::store(&cx.store, order, &by.cause).await;
        let (is_there, text, path) = match outcome {
            Ok(Outcome::Stored(path, joined)) => {
                audit::record(&cx.store, &by.cause, "import", &path.to_string(), None).await?;
                let joined = joined.map(|joined| joined.to_string()).unwrap_or_default();
                (true, format!("{} {joined}", visit.t("已导入", "brought in")), Some(path))
            }
            Ok(Outcome::Already(path)) => {
                (true, visit.t("已存在", "was there already").to_owned(), Some(path))
            }
            Ok(Outcome::Taken(path)) => {
                let text = visit.t("该订单号已有另一订单", "there is another order of that number");
                (false, text.to_owned(), Some(path))
            }
            Err(error) => match accounts::told(error) {
                Problem::Rules(refusal) => (false, refusal, None),
                fault => return Err(fault),
            },
        };
        let address = path.as_ref().map(orders::address);
        outcomes.push(Told { number: at + 1, is_there, text, address });
    }
    Ok(page(&Import { visit: &visit, by: &by, outcomes }))
}
