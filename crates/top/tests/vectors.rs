//! The signature vectors that the platform, its SDKs and independent tools agree on.
//!
//! Origin of `vectors/sign.json`: the first two are published by the platform; all were computed
//! with hashlib and openssl and cross-checked against the SDKs each names in `verified_by`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeMap;

use serde_json::Value;
use top::form::{self, BadForm};
use top::sign::{Secret, string_to_sign};
use top::spi::{self, Refused};
use top::{Date, Format, SignMethod};

fn all() -> Value {
    serde_json::from_str(include_str!("vectors/sign.json")).unwrap()
}

fn vectors() -> Vec<Value> {
    all()["rest"].as_array().unwrap().clone()
}

struct Vector {
    name: String,
    secret: String,
    method: SignMethod,
    params: BTreeMap<String, String>,
    body: String,
}

impl Vector {
    fn of(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            secret: text("secret"),
            method: text("sign_method").parse().unwrap(),
            params: serde_json::from_value(value["params"].clone()).unwrap(),
            body: text("body"),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn accepts(&self, given: &str) -> bool {
        Secret::new(&self.secret).verify(self.method, self.pairs(), self.body.as_bytes(), given)
    }
}

#[test]
fn every_vector_signs_to_its_published_digest() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 30);
    for value in &vectors {
        let vector = Vector::of(value);
        let expected = value["expect"].as_str().or(value["expect_include_empty"].as_str());
        let expected = expected.unwrap_or_else(|| panic!("{} expects nothing", vector.name));
        let body = vector.body.as_bytes();
        assert_eq!(
            Secret::new(&vector.secret).sign(vector.method, vector.pairs(), body),
            expected,
            "{}",
            vector.name
        );
        assert_eq!(
            string_to_sign(vector.method, &vector.secret, vector.pairs(), &vector.body),
            value["string_to_hash"].as_str().unwrap(),
            "{}",
            vector.name
        );
    }
}

#[test]
fn a_sign_with_or_without_the_empty_values_is_accepted() {
    let mut with_empty_values = 0;
    for value in vectors() {
        let vector = Vector::of(&value);
        for key in ["expect", "expect_include_empty", "expect_skip_empty"] {
            if let Some(sign) = value[key].as_str() {
                assert!(vector.accepts(sign), "{} {key}", vector.name);
                assert!(vector.accepts(&sign.to_lowercase()), "{} {key}", vector.name);
            }
        }
        with_empty_values += usize::from(value["expect_skip_empty"].is_string());
    }
    assert_eq!(with_empty_values, 3);
}

#[test]
fn a_sign_over_anything_else_is_refused() {
    for value in vectors() {
        let vector = Vector::of(&value);
        let good =
            Secret::new(&vector.secret).sign(vector.method, vector.pairs(), vector.body.as_bytes());
        assert!(!vector.accepts(""), "{}", vector.name);
        assert!(!vector.accepts(&good[1..]), "{}", vector.name);
        let body = format!("{} ", vector.body);
        assert!(
            !Secret::new(&vector.secret).verify(
                vector.method,
                vector.pairs(),
                body.as_bytes(),
                &good
            ),
            "{}",
            vector.name
        );
        for name in vector.params.keys() {
            let mut changed = vector.params.clone();
            changed.entry(name.clone()).and_modify(|value| value.push('x'));
            let pairs = changed.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            assert!(
                !Secret::new(&vector.secret).verify(
                    vector.method,
                    pairs,
                    vector.body.as_bytes(),
                    &good
                ),
                "{} {name}",
                vector.name
            );
        }
    }
}

/// A vector of the platform's own calls, with what it sends.
struct Spi {
    secret: Secret,
    headers: Vec<(String, String)>,
    query: String,
    body: String,
    expect: String,
    has_form: bool,
}

impl Spi {
    fn all() -> Vec<Self> {
        let all = all();
        // The legacy container's refresh is a redirect of another age, which nobody serves any more.
        let sections: Vec<_> = all.as_object().unwrap().keys().collect();
        assert_eq!(sections, ["about", "oauth_container_refresh", "rest", "spi"]);
        all["spi"].as_array().unwrap().iter().map(Self::of).collect()
    }

    fn of(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let headers: BTreeMap<String, String> =
            serde_json::from_value(value["headers"].clone()).unwrap();
        let mut headers: Vec<_> = headers.into_iter().collect();
        headers.push(("Content-Type".to_owned(), text("content_type")));
        let form = value["form"].as_object();
        let body = form.map_or_else(
            || text("body"),
            |form| form::encode(form.iter().map(|(name, v)| (name.as_str(), v.as_str().unwrap()))),
        );
        Self {
            secret: Secret::new(&text("secret")),
            headers,
            query: text("query"),
            body,
            expect: text("expect"),
            has_form: form.is_some(),
        }
    }

    fn with<T>(&self, use_call: impl FnOnce(&spi::Call<'_>) -> T) -> T {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let body = self.body.as_bytes();
        use_call(&spi::Call { headers: &headers, query: &self.query, body })
    }

    /// What comes of it at a time of the platform's clock.
    fn check(&self, now: &str) -> Result<Vec<(String, String)>, Refused> {
        let now: Date = now.parse().unwrap();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        self.with(|call| {
            spi::check(&self.secret, call, now.unix_seconds().unwrap(), spi::MAX_AGE)
                .map(|params| params.iter().map(owned).collect())
        })
    }
}

/// When every one of those vectors was made.
const MADE: &str = "2022-10-19 12:00:00";

#[test]
fn the_platforms_own_calls_are_signed_and_checked_as_the_official_sdk_does() {
    let vectors = Spi::all();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let sign = vector.with(|call| spi::sign(&vector.secret, call));
        assert_eq!(sign.as_ref(), Ok(&vector.expect));
        let params = vector.check(MADE).unwrap();
        assert_eq!(params[0], ("app_key".to_owned(), "12345678".to_owned()));
        assert!(params.iter().all(|(name, _)| name != "sign"), "{params:?}");
    }
}

#[test]
fn a_call_that_was_changed_on_its_way_is_refused() {
    for mut vector in Spi::all() {
        let (query, body) = (vector.query.clone(), vector.body.clone());
        vector.query = query.replace("v=2.0", "v=2.1");
        assert_eq!(vector.check(MADE), Err(Refused::WrongSign));
        vector.query = format!("{query}&other=1");
        assert_eq!(vector.check(MADE), Err(Refused::WrongSign));
        vector.query = query.replace("&sign=", "&other=");
        assert_eq!(vector.check(MADE), Err(Refused::NoSign));
        vector.query = query.clone();
        vector.body = if vector.has_form { format!("{body}&other=1") } else { format!("{body} ") };
        assert_eq!(vector.check(MADE), Err(Refused::WrongSign));
        // Only the query has a place for the sign.
        vector.body = format!("{body}&sign={}", vector.expect);
        vector.query = query.replace("&sign=", "&other=");
        assert_eq!(vector.check(MADE), Err(Refused::NoSign));
    }
    let mut headed = Spi::all().remove(2);
    headed.headers[0].1 = "1".to_owned();
    assert_eq!(headed.check(MADE), Err(Refused::WrongSign));
}

#[test]
fn an_old_call_of_the_platform_is_refused_and_one_from_the_future_is_not() {
    for vector in Spi::all() {
        assert!(vector.check("2022-10-19 12:10:00").is_ok());
        assert_eq!(vector.check("2022-10-19 12:10:01"), Err(Refused::Old));
        assert!(vector.check("2022-10-19 08:00:00").is_ok());
    }
    let mut undated = Spi::all().remove(0);
    undated.query = undated.query.replace("2022-10-19+12%3A00%3A00", "1666152000");
    let sign = undated.with(|call| spi::sign(&undated.secret, call)).unwrap();
    undated.query = undated.query.replace(&undated.expect, &sign);
    assert_eq!(undated.check(MADE), Err(Refused::NoTimestamp));
}

#[test]
fn a_body_is_signed_where_it_is_text_and_no_form() {
    let sign = |content_type: &str, body: &[u8]| {
        let headers = [("Content-Type", content_type)];
        let call = spi::Call { headers: &headers, query: "v=2.0", body };
        spi::sign(&Secret::new("spisecret"), &call)
    };
    let without = sign("", b"");
    for text in ["application/json", "Text/XML; charset=UTF-8", "application/xml", "text/plain"] {
        assert_ne!(sign(text, b"a=1"), without, "{text}");
        assert_eq!(sign(text, b""), without, "{text}");
    }
    for other in ["", "multipart/form-data;boundary=x", "application/octet-stream"] {
        assert_eq!(sign(other, b""), without, "{other}");
        // Anybody could have written it.
        assert_eq!(sign(other, b"a=1"), Err(Refused::Body), "{other}");
    }
    let form = "application/x-www-form-urlencoded";
    assert_ne!(sign(form, b"a=1"), without);
    assert_eq!(sign(form, b"v=3.0"), without, "the query wins");
}

/// What the Java SDK does not sign, a caller must not be told either.
#[test]
fn what_is_not_signed_is_not_handed_on() {
    let mut vector = Spi::all().remove(0);
    let params = vector.check(MADE).unwrap();
    vector.query.push_str("&admin=true=1");
    assert_eq!(vector.check(MADE).unwrap(), params);
    let mut charset = Spi::all().remove(0);
    charset.headers = vec![("content-type".into(), "application/json; charset=GBK".into())];
    assert_eq!(charset.check(MADE), Err(Refused::Charset));
    vector.query = "a=1&".repeat(300);
    assert_eq!(vector.check(MADE), Err(Refused::Form(BadForm::TooMany)));
}

#[test]
fn the_refusal_is_the_one_the_platform_probes_for() {
    assert_eq!(
        spi::refusal(Format::Json),
        r#"{"success":false,"errorCode":"sign-check-failure","errorMsg":"Illegal request"}"#
    );
    assert_eq!(
        spi::refusal(Format::Xml),
        "<response><flag>failure</flag><sub_code>sign-check-failure</sub_code><sub_message>Illegal request</sub_message></response>"
    );
}
