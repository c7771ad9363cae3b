//! As whom to call and how, as it was chosen on the page.

use std::str::FromStr;

use domain::Pii;
use domain::id::AppKey;
use top::{Format, SignMethod};

use super::draft::Typed;

/// The formats, by the names the page's list has for them.
pub const FORMATS: [(&str, Format); 3] =
    [("json", Format::Json), ("xml", Format::Xml), ("simplified", Format::SimplifiedJson)];

/// Who calls.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The demo app with its session.
    Demo,
    /// An app whose credentials were typed. Nothing of them is kept, and no page shows the secret.
    Own {
        key: String,
        secret: Pii<String>,
        /// Empty for none.
        session: Pii<String>,
    },
}

/// What was chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    pub caller: Caller,
    pub format: Format,
    pub sign_method: SignMethod,
    /// Whether to seal the values that travel sealed; otherwise they are sent as they were typed.
    pub seals: bool,
}

impl Choice {
    /// What a page begins with.
    pub fn usual(has_demo: bool) -> Self {
        let own = Caller::Own {
            key: String::new(),
            secret: Pii::new(String::new()),
            session: Pii::new(String::new()),
        };
        Self {
            caller: if has_demo { Caller::Demo } else { own },
            format: Format::Json,
            sign_method: SignMethod::HmacSha256,
            seals: true,
        }
    }

    /// What was typed; what is missing or unknown is as usual.
    pub fn read(typed: &Typed, has_demo: bool) -> Self {
        let text = |name: &str| typed.get(name).map(String::as_str).unwrap_or_default();
        let caller = if has_demo && text("caller") != "own" {
            Caller::Demo
        } else {
            // Nobody's key, secret or token has white space around it, but what is copied may.
            let trimmed = |name: &str| text(name).trim().to_owned();
            Caller::Own {
                key: trimmed("own_key"),
                secret: Pii::new(trimmed("own_secret")),
                session: Pii::new(trimmed("own_session")),
            }
        };
        let format = FORMATS.iter().find(|(name, _)| *name == text("format"));
        Self {
            caller,
            format: format.map_or(Format::Json, |(_, format)| *format),
            sign_method: SignMethod::from_str(text("sign_method"))
                .unwrap_or(SignMethod::HmacSha256),
            seals: text("seals") == "on",
        }
    }

    /// The key that was typed.
    pub fn own_key(&self) -> &str {
        match &self.caller {
            Caller::Own { key, .. } => key,
            Caller::Demo => "",
        }
    }

    pub fn is_demo(&self) -> bool {
        matches!(self.caller, Caller::Demo)
    }

    /// Whether an app's key can be what was typed.
    pub fn has_plausible_key(&self) -> bool {
        self.is_demo() || self.own_key().parse::<AppKey>().is_ok()
    }
}
