//! Every mistake a client can make with a sign, made here and named by the inference.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use base64::prelude::{BASE64_STANDARD, Engine as _};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use top::explain::{Mistake, TimeMistake, wrong_sign, wrong_time};
use top::sign::Secret;
use top::{Params, SignMethod};

const SECRET: &str = "helloworld";
const SENT: [(&str, &str); 9] = [
    ("app_key", "12345678"),
    ("dis_order_id", " 订单 a+b/c"),
    ("format", "json"),
    ("memo", ""),
    ("method", "taobao.item.seller.get"),
    ("session", "test"),
    ("sign_method", "hmac-sha256"),
    ("timestamp", "2016-01-01 12:00:00"),
    ("v", "2.0"),
];

type Pairs = Vec<(String, String)>;

fn sent() -> Pairs {
    SENT.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// What is inferred when `given` came with the parameters above.
fn inferred(method: SignMethod, body: &str, given: &str) -> Option<Mistake> {
    let pairs = SENT.iter().copied().chain([("sign", given)]);
    let params = Params::from_pairs(pairs.map(|(n, v)| (n.into(), v.into())).collect());
    wrong_sign(&Secret::new(SECRET), method, &params, body.as_bytes(), given)
}

fn sign(secret: &str, method: SignMethod, pairs: &Pairs, body: &str) -> String {
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Secret::new(secret).sign(method, pairs, body.as_bytes())
}

fn text(pairs: &Pairs) -> String {
    pairs.iter().map(|(name, value)| format!("{name}{value}")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn md5(text: &str) -> String {
    hex(&Md5::digest(text))
}

fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// What is inferred, by every method, when the parameters were changed so before they were signed.
#[track_caller]
fn signs_over(change: impl Fn(&mut Pairs), mistake: &Mistake) {
    for method in SignMethod::ALL {
        let mut signed = sent();
        change(&mut signed);
        let given = sign(SECRET, method, &signed, "");
        assert_eq!(inferred(method, "", &given).as_ref(), Some(mistake), "{method}");
    }
}

fn each_value(rewrite: impl Fn(&str) -> String) -> impl Fn(&mut Pairs) {
    move |pairs| pairs.iter_mut().for_each(|(_, value)| *value = rewrite(value))
}

#[test]
fn a_right_sign_is_no_mistake_unless_it_is_in_lower_case() {
    for method in SignMethod::ALL {
        let given = sign(SECRET, method, &sent(), "");
        assert_eq!(inferred(method, "", &given), None);
        assert_eq!(inferred(method, "", &given.to_lowercase()), Some(Mistake::LowerCase));
    }
}

#[test]
fn a_sign_nobody_can_explain_is_left_unexplained() {
    for method in SignMethod::ALL {
        assert_eq!(inferred(method, "", &sign("another", method, &sent(), "")), None);
    }
}

#[test]
fn what_is_no_digest_is_told_by_its_form() {
    let digest = Md5::digest(format!("{SECRET}{}{SECRET}", text(&sent())));
    let base64 = BASE64_STANDARD.encode(digest);
    assert_eq!(inferred(SignMethod::Md5, "", &base64), Some(Mistake::Base64));
    assert_eq!(inferred(SignMethod::Md5, "", &"A".repeat(40)), Some(Mistake::Length(40)));
    assert_eq!(inferred(SignMethod::Md5, "", &"票".repeat(32)), Some(Mistake::Length(32)));
}

#[test]
fn another_sign_method_is_named() {
    for method in SignMethod::ALL {
        for other in SignMethod::ALL.into_iter().filter(|other| *other != method) {
            let given = sign(SECRET, other, &sent(), "");
            assert_eq!(inferred(method, "", &given), Some(Mistake::Method(other)));
            // Whether the empty value is signed is nobody's mistake.
            let filled: Pairs = sent().into_iter().filter(|(_, v)| !v.is_empty()).collect();
            let given = sign(SECRET, other, &filled, "");
            assert_eq!(inferred(method, "", &given), Some(Mistake::Method(other)));
        }
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_found() {
    let signed = text(&sent());
    let (md5_method, hmac) = (SignMethod::Md5, SignMethod::HmacSha256);
    let around = format!("{SECRET}{signed}{SECRET}");
    let with = |name: &str| vec![(name.to_owned(), String::new())];
    for (method, given, mistake) in [
        (md5_method, md5(&format!("{signed}{SECRET}")), Mistake::SecretOnlyAfter),
        (md5_method, md5(&format!("{SECRET}{signed}")), Mistake::SecretOnlyBefore),
        (md5_method, md5(&signed), Mistake::SecretLeftOut),
        (hmac, sha256(&signed), Mistake::SecretLeftOut),
        (hmac, sha256(&around), Mistake::NotAnHmac),
        (hmac, sign(SECRET, hmac, &with(&around), ""), Mistake::SecretInMessage),
        (
            SignMethod::Hmac,
            sign(SECRET, SignMethod::Hmac, &with(&format!("{SECRET}{signed}")), ""),
            Mistake::SecretInMessage,
        ),
        (hmac, sign("helloworld\n", hmac, &sent(), ""), Mistake::SecretWithWhiteSpace),
        (md5_method, sign(" helloworld", md5_method, &sent(), ""), Mistake::SecretWithWhiteSpace),
        (hmac, sign("12345678", hmac, &sent(), ""), Mistake::AppKeyForSecret),
    ] {
        assert_eq!(inferred(method, "", &given), Some(mistake), "{method} {given}");
    }
}

#[test]
fn parameters_left_out_are_named() {
    let without = |names: &'static [&'static str]| {
        move |pairs: &mut Pairs| pairs.retain(|(name, _)| !names.contains(&name.as_str()))
    };
    let left_out =
        |names: &[&str]| Mistake::LeftOut(names.iter().map(|name| (*name).to_owned()).collect());
    signs_over(without(&["sign_method"]), &left_out(&["sign_method"]));
    signs_over(without(&["dis_order_id"]), &left_out(&["dis_order_id"]));
    signs_over(without(&["v", "app_key"]), &left_out(&["app_key", "v"]));
    let public = ["app_key", "format", "method", "session", "sign_method", "timestamp", "v"];
    signs_over(
        move |pairs| pairs.retain(|(name, _)| !public.contains(&name.as_str())),
        &left_out(&public),
    );
    // With the empty value left out as well, which is no mistake.
    signs_over(without(&["memo", "session"]), &left_out(&["session"]));
}

#[test]
fn encoded_values_are_recognized_as_each_language_encodes_them() {
    for encoded in [
        "+%E8%AE%A2%E5%8D%95+a%2Bb%2Fc",
        "%20%E8%AE%A2%E5%8D%95%20a%2Bb%2Fc",
        "%20%E8%AE%A2%E5%8D%95%20a%2Bb/c",
    ] {
        let blank = if encoded.starts_with('+') { "+" } else { "%20" };
        let change = each_value(|value| match value {
            " 订单 a+b/c" => encoded.to_owned(),
            other => other.replace(' ', blank).replace(':', "%3A"),
        });
        signs_over(change, &Mistake::Encoded);
    }
}

#[test]
fn white_space_that_was_signed_otherwise_is_found() {
    let name = || vec!["dis_order_id".to_owned()];
    let plus =
        |value: &str| if value.contains('a') { value.replace(' ', "+") } else { value.into() };
    signs_over(each_value(plus), &Mistake::PlusUnescaped(name()));
    signs_over(each_value(|value| value.trim().to_owned()), &Mistake::Trimmed(name()));
}

#[test]
fn another_string_of_the_same_parameters_is_found() {
    signs_over(|pairs| pairs.insert(6, ("sig".into(), "n".into())), &Mistake::SignIncluded);
    let query = |pairs: &mut Pairs| {
        let joined: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        *pairs = vec![(joined.join("&"), String::new())];
    };
    signs_over(query, &Mistake::Separated);
    signs_over(|pairs| pairs.reverse(), &Mistake::Order);
    // The public parameters first, then the method's own.
    signs_over(
        |pairs| pairs.sort_by_key(|(name, _)| name == "dis_order_id" || name == "memo"),
        &Mistake::Order,
    );
}

#[test]
fn a_timestamp_made_twice_or_in_another_zone_is_found() {
    for (signed, seconds) in [
        ("2016-01-01 12:00:01", 1),
        ("2016-01-01 11:59:59", -1),
        ("2016-01-01 04:00:00", -8 * 3600),
        ("2016-01-01 20:00:00", 8 * 3600),
        ("2016-01-01 09:30:00", -9000),
    ] {
        let change = |pairs: &mut Pairs| pairs[7].1 = signed.to_owned();
        signs_over(change, &Mistake::OtherTimestamp { seconds });
    }
}

#[test]
fn a_body_that_was_signed_elsewhere_or_not_at_all_is_found() {
    let body = "#PUBLIC#method=taobao.time.get";
    for method in SignMethod::ALL {
        let given = sign(SECRET, method, &sent(), "");
        assert_eq!(inferred(method, body, &given), Some(Mistake::BodyLeftOut));
        let given = sign(SECRET, method, &sent(), body);
        assert_eq!(inferred(method, body, &given), None);
    }
    let given = md5(&format!("{SECRET}{}{SECRET}{body}", text(&sent())));
    assert_eq!(inferred(SignMethod::Md5, body, &given), Some(Mistake::BodyAfterSecret));
}

#[test]
fn no_explanation_shows_a_value_or_the_secret() {
    for mistake in [
        Mistake::Length(40),
        Mistake::Method(SignMethod::Hmac),
        Mistake::LeftOut(vec!["session".into(), "v".into()]),
        Mistake::OtherTimestamp { seconds: -28_800 },
    ] {
        let said = mistake.to_string();
        assert!(!said.contains(SECRET) && !said.contains("12345678"), "{said}");
    }
    assert_eq!(
        Mistake::LeftOut(vec!["session".into(), "v".into()]).to_string(),
        "sent but not signed: session, v"
    );
    assert_eq!(
        Mistake::OtherTimestamp { seconds: -28_800 }.to_string(),
        "the timestamp signed is -28800 s from the one sent; make it once"
    );
}

/// A caller chooses how much there is to hash; the guessing stops all the same.
#[test]
fn a_huge_call_is_not_hashed_for_minutes() {
    let pairs = (0..256).map(|at| (format!("k{at}").into(), "x".repeat(1 << 16).into()));
    let params = Params::from_pairs(pairs.collect());
    let (secret, began) = (Secret::new(SECRET), std::time::Instant::now());
    assert_eq!(wrong_sign(&secret, SignMethod::Md5, &params, b"", &"A".repeat(32)), None);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_wrong_time_is_told_by_its_distance() {
    // 2016-01-01 12:00:00 at UTC+8.
    let now = 1_451_620_800;
    let zone = |offset_minutes| TimeMistake::Zone { offset_minutes };
    for (timestamp, mistake, said) in [
        ("2016-01-01 04:00:01", zone(0), "the timestamp is local time at UTC+0:00; send UTC+8"),
        ("2016-01-01 09:29:00", zone(330), "the timestamp is local time at UTC+5:30; send UTC+8"),
        ("2015-12-31 20:00:00", zone(-480), "the timestamp is local time at UTC-8:00; send UTC+8"),
        (
            "2016-01-01 11:45:00",
            TimeMistake::Off { seconds: -900 },
            "the timestamp is 900 s behind the platform's clock",
        ),
        (
            "1451624400000",
            TimeMistake::Off { seconds: 3600 },
            "the timestamp is 3600 s ahead of the platform's clock",
        ),
        (
            "1451620800",
            TimeMistake::EpochSeconds,
            "the timestamp is in seconds; of epoch times only milliseconds are taken",
        ),
        (
            "2016-01-01T12:00:00",
            TimeMistake::Form,
            "the timestamp is not of the form yyyy-MM-dd HH:mm:ss",
        ),
    ] {
        assert_eq!(wrong_time(timestamp, now), mistake, "{timestamp}");
        assert_eq!(mistake.to_string(), said);
    }
}
