//! Grants: every state against everything that can be presented to it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use domain::grant::{
    CODE_LIFE, Challenge, Code, Digest, Fresh, Grant, REFRESH_LEEWAY, Refusal, SPENT_MAX, State,
    Verifier,
};
use domain::{Instant, Pii, Step};
use jiff::SignedDuration;

const URI: &str = "https://a.example/cb";

fn at(text: &str) -> Instant {
    format!("2026-03-01T{text}Z").parse().unwrap()
}

fn digest(text: &str) -> Digest {
    Digest(text.to_owned())
}

fn code(challenge: Option<Challenge>) -> Code {
    let until = at("00:00:00") + CODE_LIFE;
    Code { digest: digest("code"), until, redirect_uri: URI.parse().unwrap(), challenge }
}

fn fresh(name: &str) -> Fresh {
    Fresh {
        token: Pii::new(format!("token {name}")),
        refresh: digest(&format!("refresh {name}")),
        refresh_until: at("12:00:00"),
    }
}

fn consented() -> Grant {
    Grant::consent(Pii::new("somebody".into()), code(None))
}

fn invited() -> Grant {
    Grant::invite(Pii::new("somebody".into()), digest("passcode"), at("01:00:00"))
}

fn open() -> Grant {
    let given = digest("code");
    consented().redeem(&given, Some(URI), None, fresh("1"), at("00:01:00")).unwrap()
}

fn revoked(grant: Grant) -> Grant {
    grant.revoke(at("00:30:00")).into_state()
}

fn tokens(grant: &Grant) -> Vec<&str> {
    grant.tokens().iter().map(|token| token.0.expose().as_str()).collect()
}

#[test]
fn every_secret_opens_its_own_state_and_no_other() {
    use Refusal::{Reused, Unknown};
    let now = at("00:02:00");
    let accept = |grant: &Grant| grant.accept(&digest("passcode"), code(None), now).err();
    let redeem =
        |grant: &Grant| grant.redeem(&digest("code"), Some(URI), None, fresh("2"), now).err();
    let refresh = |grant: &Grant| grant.refresh(&digest("refresh 1"), fresh("2"), now).err();
    let spent = |grant: &Grant| {
        let later = now + REFRESH_LEEWAY + SignedDuration::from_secs(1);
        grant.refresh(&digest("refresh 1"), fresh("3"), later).err()
    };
    let refreshed = open().refresh(&digest("refresh 1"), fresh("2"), now).unwrap();
    #[rustfmt::skip]
    let table = [
        ("invited",   invited(),            None,          Some(Unknown), Some(Unknown), Some(Unknown)),
        ("consented", consented(),          Some(Unknown), None,          Some(Unknown), Some(Unknown)),
        ("open",      open(),               Some(Unknown), Some(Reused),  None,          None),
        ("refreshed", refreshed,            Some(Unknown), Some(Reused),  None,          Some(Reused)),
        ("refused",   revoked(invited()),   Some(Unknown), Some(Unknown), Some(Unknown), Some(Unknown)),
        ("withdrawn", revoked(consented()), Some(Unknown), Some(Reused),  Some(Unknown), Some(Unknown)),
        ("revoked",   revoked(open()),      Some(Unknown), Some(Reused),  Some(Unknown), Some(Unknown)),
    ];
    for (name, grant, accepted, redeemed, refreshed, late) in table {
        assert_eq!(accept(&grant), accepted, "accept {name}");
        assert_eq!(redeem(&grant), redeemed, "redeem {name}");
        assert_eq!(refresh(&grant), refreshed, "refresh {name}");
        assert_eq!(spent(&grant), late, "refresh {name} late");
        // A secret that is nobody's is nobody's in every state.
        let other = digest("other");
        assert_eq!(grant.accept(&other, code(None), now).err(), Some(Unknown), "{name}");
        assert_eq!(
            grant.redeem(&other, None, None, fresh("2"), now).err(),
            Some(Unknown),
            "{name}"
        );
        assert_eq!(grant.refresh(&other, fresh("2"), now).err(), Some(Unknown), "{name}");
    }
}

#[test]
fn a_code_is_bound_to_its_time_its_address_and_its_proof() {
    let verifier =
        |text: &str| Verifier { plain: text.to_owned(), s256: format!("hash of {text}") };
    let tied = |challenge| Grant::consent(Pii::new("somebody".into()), code(Some(challenge)));
    let redeem = |grant: &Grant, uri: Option<&str>, verifier: Option<&Verifier>, now| {
        grant.redeem(&digest("code"), uri, verifier, fresh("1"), now).err()
    };
    let grant = consented();
    let (in_time, late) = (at("00:09:59"), at("00:10:00"));
    assert_eq!(redeem(&grant, Some(URI), None, in_time), None);
    assert_eq!(redeem(&grant, None, None, in_time), None);
    assert_eq!(redeem(&grant, Some(URI), None, late), Some(Refusal::Expired));
    let elsewhere = Some("https://a.example/cb/");
    assert_eq!(redeem(&grant, elsewhere, None, in_time), Some(Refusal::OtherRedirectUri));
    // A proof that nobody asked for says that the wish was tampered with.
    assert_eq!(redeem(&grant, None, Some(&verifier("v")), in_time), Some(Refusal::Unproven));
    for challenge in [Challenge::Plain("v".into()), Challenge::S256("hash of v".into())] {
        let grant = tied(challenge);
        assert_eq!(redeem(&grant, None, None, in_time), Some(Refusal::Unproven));
        assert_eq!(redeem(&grant, None, Some(&verifier("w")), in_time), Some(Refusal::Unproven));
        assert_eq!(redeem(&grant, None, Some(&verifier("v")), in_time), None);
    }
    // The one form never stands for the other.
    let crossed = tied(Challenge::Plain("hash of v".into()));
    assert_eq!(redeem(&crossed, None, Some(&verifier("v")), in_time), Some(Refusal::Unproven));
}

#[test]
fn a_passcode_is_bound_to_its_time() {
    let accept = |now| invited().accept(&digest("passcode"), code(None), now);
    assert_eq!(accept(at("00:59:59")).unwrap(), consented());
    assert_eq!(accept(at("01:00:00")), Err(Refusal::Expired));
}

#[test]
fn refreshing_moves_the_tokens_on_and_never_the_end() {
    let mut grant = open();
    let mut now = at("01:00:00");
    for number in 1..=2 * SPENT_MAX {
        let (given, next) = (digest(&format!("refresh {number}")), format!("{}", number + 1));
        let later = Fresh { refresh_until: at("23:00:00"), ..fresh(&next) };
        grant = grant.refresh(&given, later, now).unwrap();
        assert_eq!(tokens(&grant), [format!("token {next}"), format!("token {number}")]);
        assert_eq!(grant.refresh_until(), Some(at("12:00:00")));
        now += SignedDuration::from_mins(2);
    }
    let State::Open { spent, .. } = &grant.state else { panic!("{grant:?}") };
    assert_eq!(spent.len(), SPENT_MAX);
    // One that is forgotten opens nothing, either.
    let refused = |name: &str| grant.refresh(&digest(name), fresh("x"), now).err();
    assert_eq!(refused("refresh 1"), Some(Refusal::Unknown));
    assert_eq!(refused(&format!("refresh {}", 2 * SPENT_MAX)), Some(Refusal::Reused));
    let last = digest(&format!("refresh {}", 2 * SPENT_MAX + 1));
    assert_eq!(grant.refresh(&last, fresh("x"), at("12:00:00")).err(), Some(Refusal::Expired));
}

#[test]
fn a_client_that_lost_an_answer_asks_again_for_a_minute() {
    let (first, now) = (digest("refresh 1"), at("01:00:00"));
    let second = open().refresh(&first, fresh("2"), now).unwrap();
    let third = second.refresh(&first, fresh("3"), now + REFRESH_LEEWAY).unwrap();
    assert_eq!(tokens(&third), ["token 3", "token 2"]);
    // The minute is counted from the first use, not from the last.
    let late = now + REFRESH_LEEWAY + SignedDuration::from_secs(1);
    assert_eq!(third.refresh(&first, fresh("4"), late).err(), Some(Refusal::Reused));
    // Of two that asked at once, either may go on for as long.
    assert!(third.refresh(&digest("refresh 2"), fresh("4"), late).is_ok());
}

#[test]
fn revoking_twice_is_revoking_once_and_names_what_ends() {
    let Step::Taken(grant) = open().revoke(at("00:30:00")) else { panic!("it was open") };
    assert_eq!(tokens(&grant), ["token 1"]);
    let Step::Already(again) = grant.clone().revoke(at("00:40:00")) else { panic!("it had ended") };
    assert_eq!(again, grant);
}

#[test]
fn a_stored_grant_reads_back_as_it_was_and_shows_nobody() {
    for grant in [invited(), consented(), open(), revoked(open())] {
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant, "{text}");
        assert!(text.contains(r#""nick":{"$pii":"somebody"}"#), "{text}");
        assert!(!text.contains("\"token 1\"") || text.contains(r#"{"$pii":"token 1"}"#), "{text}");
        assert!(!format!("{grant:?}").contains("somebody"), "{grant:?}");
    }
}

/// Documents as they have been stored. When their form must change, add another and keep these.
#[test]
fn every_document_ever_stored_still_reads() {
    let stored: Grant = serde_json::from_str(include_str!("documents/grant-1.json")).unwrap();
    let now = at("00:02:00");
    assert_eq!(stored, open().refresh(&digest("refresh 1"), fresh("2"), now).unwrap());
}
