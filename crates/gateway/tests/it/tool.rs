//! The API tool: forms filled in and sent as a browser without scripts does.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::access::PartnerKey;
use domain::{Pii, id};
use gateway::demo;
use serde_json::{Value, json};
use top::seal::{Scheme, Sealing};

use crate::alitrip_btrip_supplychain_train_callback_refund as refund;
use crate::app::{self, App, CANCEL, Form, Reply, WRAPPER};
use crate::program::Program;

/// The list of tickets in the largest form.
const TICKETS: &str = "param.refund_call_back_param.refund_train_details.0.refund_ticket_details";

/// The button that sends has nothing to say.
const SEND: (&str, &str) = ("", "");

/// What a browser would send of a page's form, in the page's order.
pub type Fields = Vec<(String, String)>;

/// A tag's attribute, as a browser reads it.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next().unwrap()))
}

fn unescaped(text: &str) -> String {
    let named = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    named.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

/// The form of a page, as it is sent by a button.
fn form(page: &str, button: (&str, &str)) -> Fields {
    let form = page.split_once("<form").unwrap().1.split_once("</form>").unwrap().0;
    let mut fields = Fields::new();
    let mut select = String::new();
    for piece in form.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let name = attribute(tag, "name").unwrap_or_default();
        let is_chosen = |word: &str| tag.split(' ').any(|part| part == word);
        if tag.starts_with("input ") {
            let is_box = tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"");
            if !is_box || is_chosen("checked") {
                fields.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        } else if tag.starts_with("textarea ") {
            fields.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text))));
        } else if tag.starts_with("select ") {
            select = name;
        } else if tag.starts_with("option") {
            // Until one is chosen it is the first.
            let is_first = fields.last().is_none_or(|(last, _)| *last != select);
            let value = attribute(tag, "value").unwrap_or_else(|| unescaped(text));
            if is_first {
                fields.push((select.clone(), value));
            } else if is_chosen("selected") {
                fields.last_mut().unwrap().1 = value;
            }
        }
    }
    if button != SEND {
        fields.push((button.0.to_owned(), button.1.to_owned()));
    }
    fields
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    fields.retain(|(known, _)| known != name);
    fields.push((name.to_owned(), value.to_owned()));
}

fn encoded(fields: &Fields) -> String {
    top::form::encode(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn get(address: std::net::SocketAddr, method: &str) -> Reply {
    let head = format!("GET /docs/{method}/tool HTTP/1.1\r\nAccept-Language: en\r\n");
    app::send(address, &head, b"")
}

fn post(address: std::net::SocketAddr, method: &str, form: &str) -> Reply {
    let kind = "Content-Type: application/x-www-form-urlencoded\r\nAccept-Language: en\r\n";
    app::send(address, &format!("POST /docs/{method}/tool HTTP/1.1\r\n{kind}"), form.as_bytes())
}

/// The text of an element that shows one thing as it is.
fn shown(page: &str, id: &str) -> String {
    let start = format!("id=\"{id}\"><code>");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {id} in {page}"));
    unescaped(rest.split_once("</code>").unwrap().0)
}

/// An answer whose request id, once checked, is `RID`.
fn masked(answer: String) -> String {
    Reply { status: 200, head: String::new(), bytes: answer.into_bytes() }.text()
}

/// The published pages' own examples, as parameters.
fn examples(method: &str) -> Vec<(&'static str, String)> {
    let stem = method.replace('.', "_");
    let (name, value) = match stem.as_str() {
        "alibaba_happytrip_flight_order_itinerary_postback" => (
            "flight_itinerary_request",
            json!({
                "out_relation_order_id": "123421342134", "tes_head_id": "3021342134",
                "ticket_no_list": ["23142134"], "emp_no": "322558", "cwt_account_no": "12342134",
                "ht_user_id": "123421",
            }),
        ),
        "alitrip_btrip_flight_distribution_change_detail" => (
            WRAPPER,
            json!({"dis_order_id": "1234", "sub_channel": "jianhang001", "dis_sub_order_id": "1234"}),
        ),
        "alitrip_btrip_flight_distribution_order_cancel" => {
            (WRAPPER, json!({"sub_channel": "corp001", "dis_order_id": "test0087771"}))
        }
        "alitrip_btrip_supplychain_train_callback_refund" => (refund::WRAPPER, refund::page()),
        "alitrip_rentcar_btb_order_cancelcheck" => (
            "rent_car_b2b_check_cancel_order_req",
            json!({
                "trace_id": "2147b30d16692118671772754ed701", "order_id": "fz1234567",
                "out_order_id": "gaode123456", "exts": "{\"key\":\"value\"}", "channel_id": "80001",
            }),
        ),
        // These have no parameters, or none with an example.
        _ => return Vec::new(),
    };
    vec![(name, value.to_string())]
}

#[test]
fn the_prefilled_form_of_every_method_is_answered_as_a_direct_call_is() {
    let app = App::start();
    let mut served = 0;
    for spec in trip_api::SPECS {
        let page = get(app.address(), spec.name);
        for (format, form_of, sign_method) in [
            ("json", Form::Json, "hmac-sha256"),
            ("xml", Form::Xml, "md5"),
            ("simplified", Form::Simplified, "hmac"),
        ] {
            let mut fields = form(page.body(), SEND);
            assert_eq!(fields[0], ("caller".to_owned(), "demo".to_owned()));
            set(&mut fields, "format", format);
            set(&mut fields, "sign_method", sign_method);
            let result = post(app.address(), spec.name, &encoded(&fields));
            assert_eq!(result.status, 200, "{}", result.body());
            let params = examples(spec.name);
            let params: Vec<_> = params.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let direct = app.call_as(form_of, spec.name, &params).text();
            assert_eq!(masked(shown(result.body(), "raw")), direct, "{}", spec.name);
            served += usize::from(!direct.contains("error_response"));
            // What was chosen stays chosen.
            let again = form(result.body(), SEND);
            let chosen = |name: &str| again.iter().find(|(known, _)| known == name).unwrap();
            assert_eq!(
                (chosen("format").1.as_str(), &*chosen("sign_method").1),
                (format, sign_method)
            );
        }
    }
    // All but the two of tokens, which only a consent gives.
    assert_eq!(served, 3 * (trip_api::SPECS.len() - 2));
}

#[test]
fn list_elements_are_added_and_removed_without_a_script() {
    let app = App::start();
    let post = |fields: &Fields| post(app.address(), refund::METHOD, &encoded(fields));
    let page = get(app.address(), refund::METHOD);
    let first = form(page.body(), ("add", TICKETS));
    let added = post(&first);
    let mut second = form(added.body(), ("remove", &format!("{TICKETS}.0")));
    let of_ticket = |fields: &Fields, at: usize| {
        let start = format!("{TICKETS}.{at}.");
        fields.iter().filter(|(name, _)| name.starts_with(&start)).cloned().collect::<Fields>()
    };
    assert_eq!(of_ticket(&second, 0), of_ticket(&first, 0));
    assert_eq!(of_ticket(&second, 1).len(), of_ticket(&first, 0).len());
    assert!(of_ticket(&second, 1).iter().all(|(_, value)| value.is_empty()));
    assert!(!added.body().contains("id=\"raw\""), "adding sends nothing");

    set(&mut second, &format!("{TICKETS}.1.seat_no"), "12F<\"&'>");
    set(&mut second, "param.refund_call_back_param.refund_total", "777");
    let removed = post(&second);
    let mut third = form(removed.body(), SEND);
    let seat = (format!("{TICKETS}.0.seat_no"), "12F<\"&'>".to_owned());
    let kept: Fields =
        of_ticket(&third, 0).into_iter().filter(|(_, value)| !value.is_empty()).collect();
    assert_eq!(kept, [seat]);
    assert!(of_ticket(&third, 1).is_empty());

    // What is sent is what stands there, and of what is empty nothing.
    set(&mut third, "format", "json");
    let sent = shown(post(&third).body(), "string_to_sign");
    let json = sent.split_once(refund::WRAPPER).unwrap().1.split_once("session").unwrap().0;
    let json: Value = serde_json::from_str(json).unwrap();
    let train = &json["refund_train_details"][0];
    assert_eq!(train["refund_ticket_details"], json!([{"seat_no": "12F<\"&'>"}]));
    assert_eq!(json["refund_total"], "777");

    // Nor of a whole list.
    let none = form(post(&form(removed.body(), ("remove", &format!("{TICKETS}.0")))).body(), SEND);
    let sent = shown(post(&none).body(), "string_to_sign");
    assert!(!sent.contains("refund_ticket_details"), "{sent}");
    assert!(sent.contains("refund_train_details"), "{sent}");
}

/// The tool's form as an app of one's own.
fn own(page: &str, key: &str, secret: &str, session: &str) -> Fields {
    let mut fields = form(page, SEND);
    let typed =
        [("caller", "own"), ("own_key", key), ("own_secret", secret), ("own_session", session)];
    for (name, value) in typed {
        set(&mut fields, name, value);
    }
    fields
}

#[test]
fn fields_that_travel_sealed_are_sealed_with_the_apps_newest_key_and_open() {
    let app = App::start();
    let newest = "00112233445566778899aabbccddeeff";
    app.add_app("strict", |app| {
        let key = |key_id: &str, key: &str| PartnerKey {
            key_id: key_id.parse::<id::KeyId>().unwrap(),
            key: Pii::new(key.to_owned()),
            scheme: Scheme::default().to_string(),
        };
        app.partner_keys = vec![key("new", newest), key("old", demo::SM4_KEY)];
    });
    // The page's order, as an app that must seal has it.
    app.import(|import| {
        let mut booking = serde_json::to_value(refund::load(&app, "123456789").booking).unwrap();
        booking["key"]["app"] = "strict".into();
        let ask = json!({"command": "ask-refund", "refund_id": "1231123"});
        *import = json!({
            "kind": "train", "booking": booking,
            "history": [{"at": "2022-10-02T00:00:00Z", "do": ask}],
        });
    });
    let page = get(app.address(), refund::METHOD);
    let mut fields = own(page.body(), "strict", "strict-secret", "strict-session");
    set(&mut fields, &format!("{TICKETS}.0.passenger_info.passenger_name"), "欧阳不在册");
    set(&mut fields, &format!("{TICKETS}.0.passenger_info.passenger_mobile"), "13800000001");
    let sealing = Sealing { key: newest.parse().unwrap(), scheme: Scheme::default() };
    let sealed = sealing.seal("欧阳不在册", [0; 16]);

    let result = post(app.address(), refund::METHOD, &encoded(&fields));
    let (curl, raw) = (shown(result.body(), "curl"), shown(result.body(), "raw"));
    assert!(curl.contains(&sealed) && !curl.contains("欧阳不在册"), "{curl}");
    assert!(result.body().contains("Fields sealed: 10"), "{}", result.body());
    // All ten opened: the rules have nothing against one but that it is another person's name.
    assert!(!raw.contains("无法解密") && raw.contains("passenger_name"), "{raw}");

    fields.retain(|(name, _)| name != "seals");
    let result = post(app.address(), refund::METHOD, &encoded(&fields));
    let (curl, raw) = (shown(result.body(), "curl"), shown(result.body(), "raw"));
    assert!(curl.contains("欧阳不在册") && !curl.contains(&sealed), "{curl}");
    assert!(raw.contains("passenger_name 无法解密"), "{raw}");
    assert!(result.body().contains("The SM4 fields were sent in the clear."));
}

#[test]
fn nobody_without_the_secret_gets_anything_sealed_with_an_apps_key() {
    let app = App::start();
    let page = get(app.address(), refund::METHOD);
    let fields = own(page.body(), "test", "guess", demo::SESSION);
    let result = post(app.address(), refund::METHOD, &encoded(&fields));
    let curl = shown(result.body(), "curl");
    assert!(curl.contains(r#""passenger_name":"123123""#), "{curl}");
    assert!(result.body().contains("the secret given is not the app&#39;s"), "{}", result.body());
    assert!(shown(result.body(), "raw").contains(r#""code":25"#));
}

#[test]
fn what_an_own_app_lets_in_with_stands_neither_in_the_form_nor_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_in(folder, &[], &[("RUST_LOG", "trace")]);
    let value = |printed: &str, name: &str| {
        printed.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned()
    };
    let added = program.run(&["app", "add", "bank", "--sub-channel", "corp001"]);
    let secret = value(&added, "secret ");
    let session = value(&program.run(&["session", "add", "bank"]), "session ");
    let page = get(program.address(), CANCEL);
    assert!(!page.body().contains("bank"), "nobody learns which apps there are");
    for (method, given) in [("md5", secret.as_str()), ("hmac", &secret), ("md5", "a-wrong-secret")]
    {
        let mut fields = own(page.body(), "bank", given, &session);
        set(&mut fields, "sign_method", method);
        let result = post(program.address(), CANCEL, &encoded(&fields));
        let body = result.body();
        let raw = shown(body, "raw");
        assert_eq!(raw.contains("_cancel_response"), given == secret, "{raw}");
        assert!(!body.contains(given), "{body}");
        assert!(body.contains("name=\"own_key\" value=\"bank\""), "{body}");
        // The session stands in what was sent, which says so, and nowhere else.
        assert!(body.contains("It holds the session that you gave"));
        assert_eq!(body.matches(&session).count(), 2, "{body}");
        let signed = shown(body, "string_to_sign");
        assert!(signed.contains(&session) && shown(body, "curl").contains(&session));
        assert_eq!(
            signed.starts_with("***") && signed.ends_with("***"),
            method == "md5",
            "{signed}"
        );
        if given != secret {
            assert!(body.contains("Inferred: <span lang=\"en\">the secret given is not the app"));
            assert!(body.contains("href=\"/docs/errors#25\""), "{body}");
        }
    }
    let padded = own(page.body(), "bank", &format!(" {secret}\t"), &session);
    let result = post(program.address(), CANCEL, &encoded(&padded));
    assert!(shown(result.body(), "raw").contains("_cancel_response"));
    let log = program.log();
    assert!(log.contains("app_key=\"bank\""), "{log}");
    assert!(!log.contains(&secret) && !log.contains("a-wrong-secret") && !log.contains(&session));
}

#[test]
fn in_production_only_an_app_of_ones_own_can_call_and_a_wrong_sign_stays_unexplained() {
    let sandbox = App::start();
    assert!(get(sandbox.address(), CANCEL).body().contains("value=\"demo\""));
    let production = App::with(&["--production"]);
    production.add_app("bank", |_| {});
    let (method, secret) = ("taobao.time.get", "bank-secret");
    let page = get(production.address(), method);
    assert!(!page.body().contains("value=\"demo\"") && !page.body().contains(demo::SESSION));

    let send = |fields: &Fields| post(production.address(), method, &encoded(fields));
    let mut as_demo = form(page.body(), SEND);
    set(&mut as_demo, "caller", "demo");
    let refused = send(&as_demo);
    assert!(refused.body().contains("Not sent: give a valid app key."), "{}", refused.body());
    let unknown = shown(send(&own(page.body(), "test", "test", demo::SESSION)).body(), "raw");
    assert!(unknown.contains("isv.appkey-not-exists"), "{unknown}");
    let served = shown(send(&own(page.body(), "bank", secret, "")).body(), "raw");
    assert!(served.contains("time_get_response"), "{served}");
    let wrong = send(&own(page.body(), "bank", &secret[1..], ""));
    assert!(shown(wrong.body(), "raw").contains(r#""code":25"#));
    assert!(!wrong.body().contains("Inferred"), "{}", wrong.body());
}

/// What was done from its start to its end in one second of the clock.
fn within_one_second<T>(mut act: impl FnMut() -> T) -> T {
    /// What takes half a second needs two tries; a slow machine may need a few more.
    const TRIES_MAX: usize = 20;
    #[expect(clippy::disallowed_methods, reason = "the program under test has this clock too")]
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for _ in 0..TRIES_MAX {
        let start = second();
        let done = act();
        if second() == start {
            return done;
        }
    }
    panic!("nothing was done within one second in {TRIES_MAX} tries");
}

#[test]
fn the_command_gets_the_answer_that_the_tool_got_whatever_stands_in_it() {
    let program = Program::serve(&[]);
    let address = program.address();
    let send = |method: &str, edit: &dyn Fn(&mut Fields)| {
        let mut fields = form(get(address, method).body(), SEND);
        edit(&mut fields);
        // A browser says where it reached the program.
        let head = format!("POST /docs/{method}/tool HTTP/1.1\r\n");
        let host = format!("Host: {address}\r\nConnection: close\r\n");
        let body = encoded(&fields);
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        sent_whole(address, &[&head, &host, kind, &length, &body].concat())
    };
    let pasted = |page: &str| {
        let curl = shown(page, "curl");
        assert!(
            curl.starts_with(&format!("curl -sS 'http://{address}/router/rest' \\\n")),
            "{curl}"
        );
        let mut bash = Command::new("bash");
        let output = bash.args(["-c", &curl]).env("NO_PROXY", "127.0.0.1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        masked(String::from_utf8(output.stdout).unwrap())
    };
    for spec in trip_api::SPECS.iter().filter(|spec| spec.name != "taobao.time.get") {
        // A quote says when it ends: what is compared must have been asked in one second.
        let (page, pasted) = within_one_second(|| {
            let page = send(spec.name, &|_| {});
            let pasted = pasted(&page);
            (page, pasted)
        });
        assert_eq!(pasted, masked(shown(&page, "raw")), "{}", spec.name);
    }
    let odd = "@a'b\"c$(id)`id`\\ %41+&=;#\r\n<票😀>";
    let page = send(CANCEL, &|fields| set(fields, &format!("param.{WRAPPER}.sub_channel"), odd));
    assert_eq!(pasted(&page), masked(shown(&page, "raw")));
    // Beyond the sign, which is of the very same characters.
    assert!(shown(&page, "raw").contains("isv.invalid-parameter"), "{page}");
    let odd = "@a'b\"c$(id)`id`\\ %41+&=;#<票😀>";
    let page = send(CANCEL, &|fields| set(fields, &format!("param.{WRAPPER}.dis_order_id"), odd));
    assert_eq!(pasted(&page), masked(shown(&page, "raw")));
    assert!(shown(&page, "raw").contains("order_cancel_response"), "{page}");
    let page = send("taobao.top.auth.token.create", &|fields| set(fields, "param.code", odd));
    assert_eq!(pasted(&page), masked(shown(&page, "raw")));
}

/// Sends a request as it is, and returns the answer's body.
fn sent_whole(address: std::net::SocketAddr, request: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).unwrap();
    let reply = app::parse(&raw);
    assert_eq!(reply.status, 200, "{}", reply.body());
    reply.body().to_owned()
}

#[test]
fn what_is_too_much_is_answered_with_the_limits() {
    let app = App::start();
    let send = |body: &str| post(app.address(), refund::METHOD, body);
    let mut page = get(app.address(), refund::METHOD);
    for _ in 1..20 {
        let fields = form(page.body(), ("add", TICKETS));
        page = send(&encoded(&fields));
        assert!(!page.body().contains("Not added"), "{}", page.body());
    }
    assert!(page.body().contains(&format!("id=\"{TICKETS}.19\"")));
    let full = send(&encoded(&form(page.body(), ("add", TICKETS))));
    assert!(
        full.body()
            .contains("Not added: a list has at most 20 elements, and the form 1000 inputs.")
    );
    assert!(!full.body().contains(&format!("id=\"{TICKETS}.20\"")));

    // Trains with as many tickets, until the form has a thousand inputs.
    let trains = TICKETS.strip_suffix(".0.refund_ticket_details").unwrap();
    let mut fields = form(page.body(), SEND);
    let tickets: Fields =
        fields.iter().filter(|(name, _)| name.starts_with(TICKETS)).cloned().collect();
    for (name, value) in &tickets {
        fields
            .push((name.replace(&format!("{trains}.0."), &format!("{trains}.1.")), value.clone()));
    }
    let too_large =
        "The form is too large: a list has at most 20 elements, and the form 1000 inputs.";
    let crowded = send(&encoded(&fields));
    assert_eq!(crowded.status, 200, "{}", crowded.body());
    for (name, value) in &tickets {
        fields
            .push((name.replace(&format!("{trains}.0."), &format!("{trains}.2.")), value.clone()));
    }
    let refused = |body: &str, why: &str| {
        let reply = send(body);
        assert_eq!(reply.status, 400, "{}", reply.body());
        assert!(reply.body().contains(why), "{}", reply.body());
    };
    refused(&encoded(&fields), too_large);
    // Few names can ask for as many inputs.
    let few: Fields = (0..20)
        .flat_map(|train| (0..20).map(move |ticket| (train, ticket)))
        .map(|(train, ticket)| {
            let name = format!("{trains}.{train}.refund_ticket_details.{ticket}.seat_no");
            (name, "1".to_owned())
        })
        .collect();
    refused(&encoded(&few), too_large);
    refused(
        &encoded(&(0..21).map(|at| (format!("{TICKETS}.{at}.seat_no"), "1".into())).collect()),
        too_large,
    );
    refused(&"a=1&".repeat(100_000), too_large);
    refused(&format!("a={}", "x".repeat(3 << 20)), too_large);
    refused("a=%FF", "The form is not UTF-8.");
    refused("a=%00", "A value holds a null character.");
    assert_eq!(get(app.address(), "taobao.no.such.method").status, 404);
    assert_eq!(post(app.address(), "taobao.no.such.method", "a=1").status, 404);
}

#[test]
fn a_complaint_leads_to_its_explanation_and_to_the_field() {
    let app = App::start();
    let page = get(app.address(), refund::METHOD);
    for (name, anchor) in [
        (format!("{TICKETS}.0.seat_no"), "isv.invalid-parameter"),
        ("param.refund_call_back_param.order_id".to_owned(), "isv.invalid-parameter"),
    ] {
        for format in ["json", "xml"] {
            let mut fields = form(page.body(), SEND);
            set(&mut fields, &name, "");
            set(&mut fields, "format", format);
            let result = post(app.address(), refund::METHOD, &encoded(&fields));
            assert!(result.body().contains(&format!("href=\"/docs/errors#{anchor}\"")), "{name}");
            assert!(
                result.body().contains(&format!("href=\"#{name}\"")),
                "{name}: {}",
                result.body()
            );
        }
    }
    let create = "taobao.top.auth.token.create";
    let fields = form(get(app.address(), create).body(), SEND);
    let missing = post(app.address(), create, &encoded(&fields));
    assert!(missing.body().contains("href=\"/docs/errors#40\""), "{}", missing.body());
    assert!(missing.body().contains("href=\"#param.code\""), "{}", missing.body());
    let served = post(app.address(), CANCEL, "caller=demo");
    assert!(served.body().contains("Missing required arguments"), "{}", served.body());
    let fields = form(get(app.address(), CANCEL).body(), SEND);
    let served = post(app.address(), CANCEL, &encoded(&fields));
    assert!(
        served.body().contains(&format!("href=\"/docs/{CANCEL}#errors\"")),
        "{}",
        served.body()
    );
}

#[test]
fn every_tool_page_is_light_and_runs_and_loads_nothing_but_what_is_ours() {
    let app = App::start();
    let zipped = |path: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n");
        let reply = app.send(&head, b"");
        assert_eq!(reply.status, 200, "{path}");
        reply.bytes.len()
    };
    for spec in trip_api::SPECS {
        let page = get(app.address(), spec.name);
        let body = page.body();
        let assets = body.split("=\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap());
        let assets: std::collections::BTreeSet<_> = assets.collect();
        assert!(assets.len() >= 4, "{assets:?}");
        let own = zipped(&format!("/docs/{}/tool", spec.name));
        let all = own + assets.iter().map(|name| zipped(&format!("/assets/{name}"))).sum::<usize>();
        assert!(all < 150_000, "{}: {all}", spec.name);
        for banned in [" style=", " onclick=", "<style", "javascript:", "//cdn", "hx-on"] {
            assert!(!body.contains(banned), "{}: {banned}", spec.name);
        }
        assert_eq!(body.matches("<script").count(), body.matches("<script src=\"/assets/").count());
        assert_eq!(body.matches("<h1").count(), 1);
        // Every input has its label.
        for name in form(body, SEND).iter().map(|(name, _)| name) {
            let is_labelled = body.contains(&format!("<label for=\"{name}\">"))
                || ["caller", "seals"].contains(&name.as_str());
            assert!(is_labelled, "{}: {name}", spec.name);
        }
    }
}
