//! The operations API over HTTP: whole lives of what it keeps, and every way in which it says no.

mod access;
mod document;
mod orders;
mod policies;
mod problems;
mod twice;

use std::net::SocketAddr;

use domain::Pii;
use domain::account::{Account, Role};
use gateway::{account, demo};
use serde_json::Value;
use store::Cause;

use crate::app::{App, NOW, Reply, at, send};

/// What a test calls with: an address and a token.
pub struct Ops {
    address: SocketAddr,
    token: String,
}

impl Ops {
    /// The demo operator, who may do everything.
    pub fn of(app: &App) -> Self {
        Self { address: app.running().admin, token: demo::OPS_TOKEN.to_owned() }
    }

    /// Somebody of this role.
    pub fn with_role(app: &App, role: Role) -> Self {
        let name = format!("a-{}", role.name()).parse().unwrap();
        let cause = Cause { at: at(NOW), actor: "test bench".into(), request_id: "bench".into() };
        let token = app.runtime.block_on(async {
            let store = &app.context().store;
            let account = Account::new(name, role, Pii::new("$nothing".to_owned()));
            account::add_hashed(store, &account, &cause).await.unwrap();
            account::add_token(store, &account.name, "test", &cause).await.unwrap()
        });
        Self { address: app.running().admin, token }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[], body)
    }

    /// The same under a key of its own.
    pub fn keyed(&self, key: &str, path: &str, body: &Value) -> Reply {
        self.ask("POST", path, &[("Idempotency-Key", key)], body)
    }

    pub fn ask(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let json = [headers, &[("Content-Type", "application/json")]].concat();
        self.send(verb, path, &json, body.to_string().as_bytes())
    }

    /// Sends what may be nothing like a request of the API.
    pub fn send(&self, verb: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let mut head = format!("{verb} /ops/v1{path} HTTP/1.1\r\nAuthorization: {bearer}\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        send(self.address, &head, body)
    }
}

/// What was answered, with the status it must have.
pub fn told(reply: &Reply, status: u16) -> Value {
    assert_eq!(reply.status, status, "{}\n{}", reply.head, reply.body());
    reply.json()
}

/// A problem's name, with everything that all problems have.
pub fn problem(reply: &Reply) -> (u16, String, Value) {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{}", reply.head);
    let told = reply.json();
    assert_eq!(told["status"], reply.status, "{told}");
    assert!(!told["title"].as_str().unwrap().is_empty(), "{told}");
    assert_eq!(told["request_id"].as_str().unwrap().len(), 12, "{told}");
    let name = told["type"].as_str().unwrap().strip_prefix("urn:tripwright:problem:").unwrap();
    (reply.status, name.to_owned(), told)
}
