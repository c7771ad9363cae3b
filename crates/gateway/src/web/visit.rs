//! Who looks at a page, as far as a page needs to know: the language, and where they are.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};

/// The cookie that remembers the language.
const COOKIE_NAME: &str = "tripwright_lang";
/// How long it does: a year.
const REMEMBERED_SECONDS: u32 = 365 * 24 * 60 * 60;
/// Longest host that is believed: a DNS name with a port.
const HOST_BYTES_MAX: usize = 253 + 6;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// 简体中文
    Zh,
    /// English
    En,
}

impl Lang {
    fn named(name: &str) -> Option<Self> {
        match name {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Its name in a link and a cookie.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// Its tag in HTML.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The text of the two that is in this language.
    pub const fn of<'t>(self, zh: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// One look at a page.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The language to answer in: asked for in the address, remembered, or the browser's.
    pub lang: Lang,
    /// Whether the address asked for it.
    is_asked: bool,
    /// The page's path.
    pub path: String,
    query: String,
    /// Where the browser reached the program, as far as it can stand in an example.
    host: Option<String>,
    is_https: bool,
}

impl Visit {
    /// The look that a request is.
    pub fn of(request: &Request) -> Self {
        Self::read(request.uri(), request.headers())
    }

    fn read(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
        let asked = asked.and_then(Lang::named);
        let lang = asked.or_else(|| remembered(headers)).or_else(|| preferred(headers));
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        Self {
            lang: lang.unwrap_or(Lang::Zh),
            is_asked: asked.is_some(),
            path: uri.path().to_owned(),
            query: query.to_owned(),
            host: host.filter(|host| is_plain_host(host)).map(str::to_owned),
            is_https: is_https(headers),
        }
    }

    /// Where clients reach what the browser has reached, such as `http://127.0.0.1:8080`; `bound` is what the
    /// program listens on, for a browser that does not say.
    pub fn origin(&self, bound: SocketAddr) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let usable = match bound.ip() {
            ip if ip.is_unspecified() => SocketAddr::new(Ipv4Addr::LOCALHOST.into(), bound.port()),
            _ => bound,
        };
        let host = self.host.clone().unwrap_or_else(|| usable.to_string());
        format!("{scheme}://{host}")
    }

    /// A text in the visitor's language.
    pub const fn t<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        self.lang.of(zh, en)
    }

    /// A declared text in the visitor's language.
    pub const fn label(&self, label: &top::Label) -> &'static str {
        self.lang.of(label.zh, label.en)
    }

    /// The same page in the other language.
    pub fn switched(&self) -> String {
        let other = match self.lang {
            Lang::Zh => Lang::En,
            Lang::En => Lang::Zh,
        };
        let others = self.query.split('&');
        let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
        let own = format!("lang={}", other.name());
        let query: Vec<_> = others.chain([own.as_str()]).collect();
        // Without the path: one that begins with two slashes would lead to another host.
        format!("?{}", query.join("&"))
    }

    /// The cookie to send, if the address asked for a language.
    pub fn remembered(&self) -> Option<HeaderValue> {
        let name = self.lang.name();
        let cookie = format!(
            "{COOKIE_NAME}={name}; Path=/; Max-Age={REMEMBERED_SECONDS}; SameSite=Lax; HttpOnly"
        );
        if self.is_asked { HeaderValue::try_from(cookie).ok() } else { None }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::read(&parts.uri, &parts.headers))
    }
}

/// Whether the browser came by HTTPS, as the proxy before us says, or the browser itself. Nobody gains by
/// saying so falsely: it only makes their own browser keep the cookie for HTTPS.
pub fn is_https(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let forwarded = text("forwarded").to_ascii_lowercase();
    text("x-forwarded-proto").split(',').next().is_some_and(|first| first.trim() == "https")
        || forwarded.split([',', ';']).any(|pair| pair.trim().trim_matches('"') == "proto=https")
        || text("origin").starts_with("https://")
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| known.trim() == name).map(|(_, value)| value.trim())
}

fn remembered(headers: &HeaderMap) -> Option<Lang> {
    cookie(headers, COOKIE_NAME).and_then(Lang::named)
}

/// The first of the browser's languages that is ours.
fn preferred(headers: &HeaderMap) -> Option<Lang> {
    let accepted = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let tags = accepted.split(',').filter_map(|tag| tag.trim().split(['-', ';']).next());
    tags.map(str::to_ascii_lowercase).find_map(|tag| Lang::named(&tag))
}

/// Whether a host can be repeated in a command that somebody pastes into a shell.
fn is_plain_host(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(uri: &'static str, headers: &[(&'static str, &'static str)]) -> Visit {
        let pairs = headers.iter().map(|(name, value)| {
            (axum::http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        Visit::read(&Uri::from_static(uri), &pairs.collect())
    }

    #[test]
    fn the_language_is_the_one_asked_for_then_the_one_remembered_then_the_browsers() {
        let chinese = ("cookie", "a=b; tripwright_lang=zh");
        let english = ("accept-language", "fr-FR, en-US;q=0.8, zh;q=0.5");
        assert_eq!(visit("/docs?lang=en", &[chinese]).lang, Lang::En);
        assert_eq!(visit("/docs?lang=fr", &[chinese, english]).lang, Lang::Zh);
        assert_eq!(visit("/docs", &[english]).lang, Lang::En);
        assert_eq!(visit("/docs", &[]).lang, Lang::Zh);
    }

    #[test]
    fn the_switch_leads_to_the_same_page_in_the_other_language() {
        assert_eq!(visit("/docs?q=x&lang=en&p=2", &[]).switched(), "?q=x&p=2&lang=zh");
        assert_eq!(visit("/docs", &[]).switched(), "?lang=en");
    }

    #[test]
    fn only_a_language_that_was_asked_for_is_remembered() {
        assert!(visit("/docs", &[]).remembered().is_none());
        let cookie = visit("/docs?lang=en", &[]).remembered().unwrap();
        assert!(cookie.to_str().unwrap().starts_with("tripwright_lang=en; Path=/; "));
    }

    #[test]
    fn a_host_that_a_shell_would_understand_is_not_repeated() {
        let bound = "0.0.0.0:8080".parse().unwrap();
        let https = ("x-forwarded-proto", "https");
        let seen = visit("/", &[("host", "[::1]:8080"), https]);
        assert_eq!(seen.origin(bound), "https://[::1]:8080");
        let odd = visit("/", &[("host", "a;rm -rf")]);
        assert_eq!(odd.origin(bound), "http://127.0.0.1:8080");
    }
}
