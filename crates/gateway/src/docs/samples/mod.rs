//! The same call in eight languages, printed so that it runs as it is: against this server, as the demo app,
//! with the values of the published page's own example.

mod c;
mod curl;
mod dotnet;
mod java;
mod node;
mod php;
mod python;
mod rust;
mod value;

use top::{Field, Session, Spec};

pub use self::value::Value;
use super::method::has_sealed;
use crate::demo;
use crate::web::Lang;

/// What a call needs beside its parameters.
#[derive(Debug, Clone)]
pub struct Access {
    /// The server, up to its port: `http://127.0.0.1:8080`.
    pub server: String,
    /// Who calls.
    pub app_key: &'static str,
    /// What it signs with.
    pub secret: &'static str,
    /// Its access token.
    pub session: &'static str,
    /// What it seals personal data with.
    pub sm4_key: &'static str,
}

impl Access {
    /// The demo app.
    pub const fn demo(server: String) -> Self {
        let (app_key, secret, session) = (demo::APP_KEY, demo::SECRET, demo::SESSION);
        Self { server, app_key, secret, session, sm4_key: demo::SM4_KEY }
    }

    /// Whoever reads it.
    pub const fn readers(server: String) -> Self {
        let (app_key, secret, session) = ("YOUR_APP_KEY", "YOUR_APP_SECRET", "YOUR_SESSION");
        Self { server, app_key, secret, session, sm4_key: "YOUR_SM4_KEY" }
    }

    /// Whether the reader must put keys in.
    pub fn is_readers(&self) -> bool {
        self.app_key != demo::APP_KEY
    }
}

impl Access {
    /// Where calls go.
    pub fn url(&self) -> String {
        format!("{}/router/rest", self.server)
    }
}

/// A call to print.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// What is called.
    pub spec: &'static Spec,
    /// By whom, and where.
    pub access: &'a Access,
    /// The language of remarks.
    pub lang: Lang,
    /// The method's example in Rust, as it stands in a file.
    pub rust: &'static str,
}

/// A call as printed.
#[derive(Debug)]
pub struct Sample {
    /// What readers call the language.
    pub name: &'static str,
    /// The same in a program.
    pub id: &'static str,
    /// What to run it with, where that takes more than the language.
    pub needs: Option<String>,
    /// The text.
    pub code: String,
}

impl Call<'_> {
    /// In every language, in the order of the published pages.
    pub fn samples(&self) -> Vec<Sample> {
        let sample = |name, id, code| Sample { name, id, needs: None, code };
        vec![
            sample("Java", "java", java::write(self)),
            sample(".NET", "dotnet", dotnet::write(self)),
            sample("PHP", "php", php::write(self)),
            sample("cURL", "curl", curl::write(self)),
            sample("Python", "python", python::write(self)),
            sample("C/C++", "c", c::write(self)),
            sample("Node.js", "node", node::write(self)),
            Sample {
                needs: Some(rust::needs(self)),
                ..sample("Rust", "rust", self.rust.to_owned())
            },
        ]
    }

    /// The parameters, nested as declared.
    fn values(&self) -> Vec<(&'static Field, Value)> {
        value::members(&self.spec.request)
    }

    /// The access token, if the method needs one.
    fn session(&self) -> Option<&'static str> {
        (self.spec.session == Session::Required).then_some(self.access.session)
    }

    const fn t(&self, zh: &'static str, en: &'static str) -> &'static str {
        self.lang.of(zh, en)
    }
}

/// The method's parameters as they travel, with the page's example values.
pub fn params(spec: &Spec) -> Vec<(&'static str, String)> {
    let members = value::members(&spec.request).into_iter();
    members.map(|(field, value)| (field.name, value.as_param())).collect()
}

/// `dis_order_id` or `taobao.time.get` as `DisOrderId` or `TaobaoTimeGet`.
fn camel(name: &str) -> String {
    let words = name.split(['.', '_']);
    words
        .map(|word| {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

/// What the SDKs call a method's classes: a leading `taobao.` goes.
fn class(spec: &Spec) -> String {
    camel(spec.name.strip_prefix("taobao.").unwrap_or(spec.name))
}

/// A literal in double quotes, as Java, C# and C write it.
fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => literal.extend(['\\', letter]),
            '\n' => literal.push_str("\\n"),
            _ => literal.push(letter),
        }
    }
    literal.push('"');
    literal
}

/// Numbers the variables of a sample.
#[derive(Default)]
struct Names(u32);

impl Names {
    fn next(&mut self, kind: &str) -> String {
        self.0 += 1;
        format!("{kind}{}", self.0)
    }
}
