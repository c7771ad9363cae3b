//! The signature vectors that the platform, its SDKs and independent tools agree on.
//!
//! Origin of `vectors/sign.json`: the first two are published by the platform; all were computed
//! with hashlib and openssl and cross-checked against the SDKs each names in `verified_by`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::collections::BTreeMap;

use serde_json::Value;
use top::SignMethod;
use top::sign::{Secret, string_to_sign};

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

/// Calls from the platform into a partner's server sign headers, query, form and body with md5.
#[test]
fn the_platforms_own_calls_sign_by_the_same_rule() {
    let all = all();
    // The legacy container's refresh is a redirect of another age, which nobody serves any more.
    let sections: Vec<_> = all.as_object().unwrap().keys().collect();
    assert_eq!(sections, ["about", "oauth_container_refresh", "rest", "spi"]);
    let vectors = all["spi"].as_array().unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in vectors {
        let mut pairs: top::form::Pairs<'_> = Vec::new();
        top::form::decode_into(vector["query"].as_str().unwrap().as_bytes(), &mut pairs).unwrap();
        for (name, value) in vector["form"].as_object().into_iter().flatten() {
            pairs.push((name.into(), value.as_str().unwrap().into()));
        }
        let headers = vector["headers"].as_object().unwrap();
        let header = |name: &str| {
            let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value.as_str().unwrap())
        };
        let listed: Vec<_> =
            header("top-sign-list").split(',').filter(|name| !name.is_empty()).collect();
        for name in listed {
            let mut value: top::form::Pairs<'_> = Vec::new();
            top::form::decode_into(header(name).as_bytes(), &mut value).unwrap();
            let value = value.pop().map_or("".into(), |(text, _)| text);
            pairs.push((name.into(), value));
        }
        let params = top::Params::from_pairs(pairs);
        let body = vector["body"].as_str().unwrap_or_default();
        let secret = vector["secret"].as_str().unwrap();
        let text = string_to_sign(SignMethod::Md5, secret, params.iter(), body);
        assert_eq!(text, vector["string_to_hash"].as_str().unwrap());
        let sign = Secret::new(secret).sign(SignMethod::Md5, params.iter(), body.as_bytes());
        assert_eq!(sign, vector["expect"].as_str().unwrap());
    }
}
