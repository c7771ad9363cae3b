//! Accounts: one's own password, and, for admins, everybody's accounts. A password or token that was made up
//! is shown once, on the page that answers.

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Query, State as Extract};
use axum::response::{IntoResponse, Redirect, Response};
use domain::account::{Account, Role};
use domain::id::AccountName;
use serde::Deserialize;

use super::guard::Guarded;
use super::portrait::moment;
use crate::office;
use crate::web::{From, Problem, State, Visit, page};
use crate::{Context, account, audit, context};

/// How many accounts a page lists.
const LINES: usize = 50;
/// Longest label of a token, in characters: a line.
const LABEL_CHARS_MAX: usize = 100;

#[derive(Template)]
#[template(path = "console/me.html")]
struct Me<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
}

/// One's own page.
pub async fn me(visit: Visit, by: Guarded) -> Response {
    page(&Me { visit: &visit, by: &by })
}

/// A new password, with the one before it.
#[derive(Deserialize)]
pub struct NewPassword {
    old: String,
    new: String,
    again: String,
}

/// Changes one's own password, which signs every browser out.
pub async fn change_password(
    Extract(cx): State,
    Extension(From(address)): Extension<From>,
    by: Guarded,
    Form(given): Form<NewPassword>,
) -> Result<Response, Problem> {
    let name = &by.operator.name;
    let is_long = given.new.chars().count() >= account::PASSWORD_CHARS_MIN;
    if !is_long || given.new.len() > account::PASSWORD_BYTES_MAX {
        return Err(Problem::Refused(
            "新密码须为 12 个字符至 512 字节。",
            "A new password has at least 12 characters and at most 512 bytes.",
        ));
    }
    if given.new != given.again {
        return Err(Problem::Refused("两次输入的新密码不同。", "The two new passwords differ."));
    }
    // Whoever finds a browser signed in guesses no faster than at the door.
    let counted = cx.store.keyed_hash("sign-in", name.as_str());
    if cx.sign_ins.begin(&counted, address, by.cause.at).is_err() {
        return Err(Problem::Refused(
            "失败次数过多，请稍后再试。",
            "Too many failed tries. Please wait a while.",
        ));
    }
    let known = account::get(&cx.store, name).await?.ok_or(Problem::Forbidden)?;
    if !account::knows_password(&given.old, known.password.expose().clone()).await? {
        let subject = format!("account/{name}");
        audit::record(&cx.store, &by.cause, "password-failed", &subject, None).await?;
        return Err(Problem::Refused("原密码不正确。", "The old password is not right."));
    }
    cx.sign_ins.forgive(&counted, address);
    record(&cx, &by, "account-password", name).await?;
    account::change_password(&cx.store, name, &given.new, &by.cause).await?;
    Ok(Redirect::to("/console/login?changed=1").into_response())
}

async fn record(
    cx: &Context,
    by: &Guarded,
    what: &'static str,
    name: &AccountName,
) -> Result<(), Problem> {
    Ok(audit::record(&cx.store, &by.cause, what, &format!("account/{name}"), None).await?)
}

/// What was made up, shown this once.
pub struct Made {
    /// What it is.
    pub what: &'static str,
    /// Itself.
    pub secret: String,
}

/// Which part of the list is asked for.
#[derive(Deserialize)]
pub struct Asked {
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "console/accounts.html")]
struct List<'a> {
    visit: &'a Visit,
    by: &'a Guarded,
    accounts: Vec<Account>,
    next: Option<String>,
    made: Option<Made>,
}

async fn show(
    cx: &Context,
    visit: &Visit,
    by: &Guarded,
    after: &str,
    made: Option<Made>,
) -> Result<Response, Problem> {
    let after = Some(after).filter(|after| !after.is_empty());
    let accounts = account::list(&cx.store, after, LINES).await?;
    let last = accounts.last().filter(|_| accounts.len() == LINES);
    let next = last.map(|account| format!("/console/accounts?after={}", account.name));
    Ok(page(&List { visit, by, accounts, next, made }))
}

/// The list.
pub async fn list(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Query(Asked { after }): Query<Asked>,
) -> Result<Response, Problem> {
    by.must_be(Role::Admin)?;
    show(&cx, &visit, &by, &after, None).await
}

/// What an admin does with an account.
#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Act {
    /// Makes one, with a password that is made up.
    Add { name: String, role: Role },
    /// Gives it another role.
    Role { name: String, role: Role },
    /// Makes up another password.
    Password { name: String },
    /// Closes it.
    Close { name: String },
    /// Makes a token of the operations API.
    Token { name: String, label: String },
    /// Takes a token back.
    TakeBack { name: String, token: String },
}

/// Does it.
pub async fn act(
    Extract(cx): State,
    visit: Visit,
    by: Guarded,
    Form(act): Form<Act>,
) -> Result<Response, Problem> {
    by.must_be(Role::Admin)?;
    let made = match act {
        Act::Add { name, role } => Some(add(&cx, &visit, &by, &read(&name)?, role).await?),
        Act::Role { name, role } => {
            let name = of_another(&by, &name)?;
            record(&cx, &by, "account-role", &name).await?;
            let edit = |account: Account| Ok(Account { role, ..account });
            change(&cx, &by, &name, "role", edit).await?;
            None
        }
        Act::Password { name } => {
            let name = of_another(&by, &name)?;
            record(&cx, &by, "account-password", &name).await?;
            let secret = context::token();
            account::change_password(&cx.store, &name, &secret, &by.cause).await.map_err(told)?;
            Some(Made { what: visit.t("新密码", "New password"), secret })
        }
        Act::Close { name } => {
            let (name, at) = (of_another(&by, &name)?, by.cause.at);
            record(&cx, &by, "account-close", &name).await?;
            let edit = |mut account: Account| {
                account.closed_at.get_or_insert(at);
                Ok(account)
            };
            change(&cx, &by, &name, "close", edit).await?;
            None
        }
        Act::Token { name, label } => {
            let (name, label) = (read(&name)?, label.trim());
            if !(1..=LABEL_CHARS_MAX).contains(&label.chars().count()) {
                return Err(Problem::Refused(
                    "请填写令牌用途。",
                    "Please say what the token is for.",
                ));
            }
            record(&cx, &by, "account-token", &name).await?;
            let secret = account::add_token(&cx.store, &name, label, &by.cause).await;
            Some(Made { what: visit.t("令牌", "Token"), secret: secret.map_err(told)? })
        }
        Act::TakeBack { name, token } => {
            let name = read(&name)?;
            record(&cx, &by, "account-token-revoke", &name).await?;
            let edit = |account: Account| Ok(account.without_token(&token));
            change(&cx, &by, &name, "token-revoke", edit).await?;
            None
        }
    };
    match made {
        Some(made) => show(&cx, &visit, &by, "", Some(made)).await,
        None => Ok(Redirect::to("/console/accounts").into_response()),
    }
}

async fn add(
    cx: &Context,
    visit: &Visit,
    by: &Guarded,
    name: &AccountName,
    role: Role,
) -> Result<Made, Problem> {
    if account::get(&cx.store, name).await?.is_some() {
        return Err(Problem::Refused("已有同名账号。", "There is an account of that name."));
    }
    record(cx, by, "account-add", name).await?;
    let secret = context::token();
    account::add(&cx.store, name, role, &secret, &by.cause).await.map_err(told)?;
    Ok(Made { what: visit.t("密码", "Password"), secret })
}

async fn change(
    cx: &Context,
    by: &Guarded,
    name: &AccountName,
    what: &'static str,
    edit: impl Fn(Account) -> anyhow::Result<Account>,
) -> Result<(), Problem> {
    account::change(&cx.store, name, what, &by.cause, edit).await.map(drop).map_err(told)
}

fn read(name: &str) -> Result<AccountName, Problem> {
    let refused = Problem::Refused(
        "账号名须为 1 至 64 个字母、数字、- 或 _。",
        "A name has 1 to 64 letters, digits, hyphens and underscores.",
    );
    name.trim().parse().map_err(|_| refused)
}

/// The name, if it is not one's own: so there is always an admin left.
fn of_another(by: &Guarded, name: &str) -> Result<AccountName, Problem> {
    let name = read(name)?;
    if name == by.operator.name {
        return Err(Problem::Refused(
            "不能修改自己的角色、重置自己的密码或关闭自己的账号。",
            "Your own role, password and account are for another admin to change here.",
        ));
    }
    Ok(name)
}

/// A refusal in its own words; what the store has to say is for the log, but that a number is taken.
pub fn told(error: impl Into<anyhow::Error>) -> Problem {
    // The office's errors may be the store's.
    let error = match error.into().downcast::<office::Error>() {
        Ok(office::Error::Store(error)) => error.into(),
        Ok(error) => error.into(),
        Err(error) => error,
    };
    match error.downcast::<store::Error>() {
        Ok(taken @ store::Error::Taken { .. }) => Problem::Rules(taken.to_string()),
        Ok(error) => error.into(),
        Err(refusal) => Problem::Rules(format!("{refusal:#}")),
    }
}
