//! The console, over HTTP, as a browser asks it.

mod accounts;
mod apps;
mod orders;
mod roles;
mod search;
mod sign_in;

use domain::account::Role;
use gateway::{account, audit};
use store::Cause;

use crate::app::{App, NOW, Reply, at, send};

/// The password of every account that a test makes.
pub const PASSWORD: &str = "correct horse battery";

/// A browser, with the cookie that it was given.
pub struct Browser<'a> {
    app: &'a App,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    /// One that nobody is signed in with.
    pub fn new(app: &'a App) -> Self {
        Self { app, cookie: None }
    }

    /// One that the demo admin is signed in with.
    pub fn admin(app: &'a App) -> Self {
        let mut browser = Self::new(app);
        let reply = browser.sign_in("demo", "demo");
        assert_eq!(reply.status, 303, "{}", reply.head);
        browser
    }

    /// One that a new account of this role is signed in with; it is called by its role.
    pub fn of(app: &'a App, role: Role) -> Self {
        add_account(app, role.name(), role);
        let mut browser = Self::new(app);
        let reply = browser.sign_in(role.name(), PASSWORD);
        assert_eq!(reply.status, 303, "{}", reply.head);
        browser
    }

    /// Signs in, and keeps the cookie that comes of it.
    pub fn sign_in(&mut self, name: &str, password: &str) -> Reply {
        let reply = self.post("/console/login", &[("name", name), ("password", password)]);
        let cookie = reply.header("set-cookie").map(|cookie| cookie.split(';').next().unwrap());
        self.cookie = cookie.map(str::to_owned).or(self.cookie.take());
        reply
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, "", "")
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        self.ask("POST", path, "", &top::form::encode(form.iter().copied()))
    }

    /// Asks with further lines in the head, each with its end.
    pub fn ask(&self, verb: &str, path: &str, more: &str, form: &str) -> Reply {
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n"));
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let head = format!("{verb} {path} HTTP/1.1\r\n{kind}{}{more}", cookie.unwrap_or_default());
        send(self.app.running().admin, &head, form.as_bytes())
    }

    /// A page that is there.
    pub fn page(&self, path: &str) -> String {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.body());
        reply.body().to_owned()
    }
}

/// Makes an account with the tests' password.
pub fn add_account(app: &App, name: &str, role: Role) {
    let cause = Cause { at: at(NOW), actor: "test bench".into(), request_id: "bench".into() };
    let (store, name) = (&app.context().store, name.parse().unwrap());
    app.runtime.block_on(account::add(store, &name, role, PASSWORD, &cause)).unwrap();
}

/// What is on record, newest first: who, what, to what, why.
pub fn recorded(app: &App) -> Vec<(String, String, String, String)> {
    let actions = app.runtime.block_on(audit::list(&app.context().store, None, 1000)).unwrap();
    let line = |(_, action): (String, audit::Action)| {
        let reason = action.reason.map(|reason| reason.expose().clone()).unwrap_or_default();
        (action.actor, action.what, action.subject, reason)
    };
    actions.into_iter().map(line).collect()
}

/// [`recorded`], as one line each.
pub fn record_lines(app: &App) -> Vec<String> {
    let line = |(actor, what, subject, reason)| {
        format!("{actor} {what} {subject} {reason}").trim_end().to_owned()
    };
    recorded(app).into_iter().map(line).collect()
}

/// What stands between two texts, wherever the first stands.
pub fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    let rest = text.split(before).skip(1);
    rest.map(|rest| rest.split(after).next().unwrap()).collect()
}

/// The secret that a page shows once.
pub fn shown_once(page: &str) -> String {
    let secrets = between(page, "<code class=\"secret\">", "</code>");
    assert_eq!(secrets.len(), 1, "{page}");
    secrets[0].to_owned()
}
