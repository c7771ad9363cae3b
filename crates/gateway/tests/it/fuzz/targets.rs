//! What must hold of every decoder whatever it is given: each target takes bytes and panics when it
//! does not. The tests beside this file run them over a corpus and its mutations; the folder `fuzz`
//! of the repository compiles this same file for a fuzzer that is led by coverage.

use std::sync::OnceLock;

use bytes::Bytes;
use clap::Parser;
use gateway::pipeline::{self, Call};
use gateway::server::read::{Parameters, Read};
use gateway::{Clock, Context, Settings, demo};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use store::{SealingKey, Store};
use tokio::runtime::Runtime;
use top::form::{self, BadForm, PAIRS_MAX};
use top::seal::{Key, Scheme, Sealing};
use top::sign::Secret;
use top::{Format, Method, Node, Params, SignMethod, answer, batch, json, xml};

use super::parsers::{self, Element, Typed};

/// A decoder, with what is made of any input.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Words of its language, for mutations to put in.
    pub words: &'static [&'static str],
}

pub const TARGETS: [Target; 7] = [
    Target {
        name: "form",
        run: form,
        words: &["%", "%E7%A5%A8", "+", "&", "=", "%00", "%ff", "a=1&", "sign", "%%"],
    },
    Target {
        name: "multipart",
        run: multipart,
        words: &[
            "--B",
            "--B--",
            "\r\n",
            "\r\n\r\n",
            "Content-Disposition:",
            " form-data; name=\"k\"",
            "; filename=\"f\"",
            "filename*=UTF-8''x",
            "Content-Type: text/plain",
            "\r\n--B\r\n",
            "boundary=",
            "\"",
            ";",
            "票",
            "\0",
        ],
    },
    Target {
        name: "json",
        run: json,
        words: &[
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "null",
            "true",
            "-0",
            "1e309",
            "9223372036854775808",
            "\\u0000",
            "\\ud83d\\ude00",
            "\\ud800",
            "\\/",
            "\"sub_channel\":",
            "\"request_id\":\"1\"",
            "[[[[[[[[",
            "{\"a\":",
            "\"refund_train_details\":[",
            "\"result\":{",
            "票",
        ],
    },
    Target {
        name: "xml",
        run: xml,
        words: &[
            "<",
            ">",
            "</",
            "/>",
            "&amp;",
            "&#13;",
            "&#x0;",
            "&#xFFFF;",
            "&nope;",
            "<![CDATA[",
            "]]>",
            "<!--",
            "-->",
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>",
            "<!DOCTYPE x [",
            " list=\"true\"",
            "<a>",
            "</a>",
            "票",
        ],
    },
    Target {
        name: "sm4",
        run: sm4,
        words: &[
            "00",
            "0f",
            "==",
            "=",
            "/",
            "+",
            "\0",
            "ecb/pkcs7/hex",
            "cbc:",
            "gcm/zero/base64",
            "票",
            "0123456789abcdeffedcba9876543210",
        ],
    },
    Target {
        name: "answer",
        run: answered,
        words: &[
            "format=json&",
            "format=xml&",
            "simplify=true&",
            "method=",
            "alitrip.btrip.flight.distribution.change.detail",
            "alitrip.rentcar.btb.order.cancelcheck",
            "alibaba.happytrip.flight.order.itinerary.postback",
            "alitrip.btrip.supplychain.train.callback.refund",
            "taobao.time.get",
            "&",
            "=",
            "%22",
            "%7B",
            "%7D",
            "%00",
            "%5B",
            "%5D",
            "%2C",
            "%3A",
            "%EF%BF%BE",
            "%E7%A5%A8",
            "%3C!--",
            "v=",
            "session=",
            "sign_method=hmac-sha256&",
        ],
    },
    Target {
        name: "batch",
        run: batched,
        words: &[
            "\r\n-S-\r\n",
            "#PUBLIC#",
            "N",
            "||",
            "\n",
            "method=taobao.time.get",
            "alitrip.btrip.flight.distribution.order.cancel",
            "session=",
            "target_app_key=1",
            "format=xml",
            "&",
            "=",
            "%",
            "-",
            "top",
            "}",
        ],
    },
];

/// A form is read as a slow and simple reading of it has it, and what was read survives being
/// written and read again.
fn form(bytes: &[u8]) {
    let mut pairs = Vec::new();
    let outcome = form::decode_into(bytes, &mut pairs);
    let simple = simple_form(bytes);
    let readable: Vec<_> = simple.iter().take(PAIRS_MAX + 1).flatten().take(PAIRS_MAX).collect();
    match outcome {
        Ok(()) => assert!(simple.iter().all(Option::is_some) && simple.len() <= PAIRS_MAX),
        Err(BadForm::NotUtf8) => assert!(simple.iter().any(Option::is_none)),
        Err(BadForm::TooMany) => assert!(simple.iter().flatten().count() > PAIRS_MAX - 1),
    }
    assert!(pairs.len() <= PAIRS_MAX);
    for ((name, value), (simple_name, simple_value)) in pairs.iter().zip(readable) {
        assert_eq!((name.as_ref(), value.as_ref()), (simple_name.as_str(), simple_value.as_str()));
    }
    let written = form::encode(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())));
    let mut again = Vec::new();
    form::decode_into(written.as_bytes(), &mut again).unwrap();
    assert_eq!(again, pairs);
    let params = Params::from_pairs(again);
    let names: Vec<_> = params.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for (name, value) in params.iter() {
        assert_eq!(params.get(name), (!value.trim().is_empty()).then_some(value));
    }
}

/// The pairs of a form, byte by byte; `None` where one is not UTF-8.
fn simple_form(bytes: &[u8]) -> Vec<Option<(String, String)>> {
    let decode = |part: &[u8]| {
        let mut decoded = Vec::new();
        let mut at = 0;
        while at < part.len() {
            let digits = part.get(at + 1..at + 3).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            match (part[at], digits) {
                (b'%', Some(digits)) => {
                    decoded.push(u8::from_str_radix(digits, 16).unwrap());
                    at += 2;
                }
                (b'+', _) => decoded.push(b' '),
                (byte, _) => decoded.push(byte),
            }
            at += 1;
        }
        String::from_utf8(decoded).ok()
    };
    let pairs = bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let (name, value) = (parts.next().unwrap(), parts.next().unwrap_or_default());
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

/// The first line is what follows the content type; what is read stands in the body as it is.
fn multipart(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let kind = [b"multipart/form-data;", &bytes[..end]].concat();
    // One that is not ASCII is none, and the body a form.
    let Some(kind) = HeaderValue::from_bytes(&kind).ok().filter(|kind| kind.to_str().is_ok())
    else {
        return;
    };
    let body = Bytes::copy_from_slice(bytes.get(end + 1..).unwrap_or_default());
    let mut head = Request::new(()).into_parts().0;
    head.headers.insert(CONTENT_TYPE, kind);
    let read = Read::whole(body.clone());
    let Ok(params) = Parameters::of(&head, b"", &read).params else { return };
    let text = String::from_utf8_lossy(&body);
    assert!(params.iter().count() <= PAIRS_MAX);
    for (name, value) in params.iter() {
        assert!(text.contains(value), "{name}={value:?}");
    }
}

macro_rules! every_method {
    ($($stem:ident,)*) => {
        /// Reads a text as the parameter of every method, and as the answer to it.
        fn json_of_every_method(text: &str) {
            $(
                request::<trip_api::$stem::Request>(text);
                response::<trip_api::$stem::Request>(Format::Json, text);
                response::<trip_api::$stem::Request>(Format::SimplifiedJson, text);
            )*
        }

        /// Reads a text as the answer of every method.
        fn xml_of_every_method(text: &str) {
            $(response::<trip_api::$stem::Request>(Format::Xml, text);)*
        }
    };
}
trip_api::catalogue!(every_method);

fn response<M: Method>(format: Format, text: &str) {
    // Nothing is known of it but that it ends.
    let _ = answer::read::<M::Response>(format, text);
}

/// A request that was read is written and read to the same; one that was not says why, by a path
/// that begins with its parameter.
fn request<M: Method + PartialEq + std::fmt::Debug>(text: &str) {
    let Some(field) = M::OBJECT.fields.first() else { return };
    let params = Params::from_pairs(vec![(field.name.into(), text.into())]);
    match form::read_request::<M>(&params) {
        Ok(request) => {
            let written = form::request_params(&request).into_iter();
            let pairs = written.map(|(name, value)| (name.into(), value.into())).collect();
            assert_eq!(form::read_request::<M>(&Params::from_pairs(pairs)), Ok(request));
        }
        Err(violations) => {
            assert!(!violations.is_empty() && violations.len() <= top::node::VIOLATIONS_MAX + 1);
            assert!(violations.iter().all(|violation| violation.path.starts_with(field.name)));
        }
    }
}

/// What another reader takes for JSON is JSON, and nothing else; it is read by every method.
fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let other = serde_json::from_str::<serde_json::Value>(text);
    assert_eq!(json::parse(text).is_ok(), other.is_ok(), "{other:?}");
    json_of_every_method(text);
}

/// Every document of the platform's form is read, to the same tree as a strict reader's.
fn xml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = xml::parse(text);
    if let Ok(strict) = parsers::xml(text) {
        let (root, node) = read.unwrap();
        assert_eq!(root, strict.name);
        same(&node, &strict);
    }
    xml_of_every_method(text);
}

fn same(node: &Node<'_>, element: &Element) {
    match node {
        Node::Text(text) => {
            assert!(element.children.is_empty() && *text == element.text, "{element:?}")
        }
        Node::Object(members) => {
            assert_eq!(members.len(), element.children.len());
            for ((name, node), child) in members.iter().zip(&element.children) {
                assert_eq!(*name, child.name);
                same(node, child);
            }
        }
        other => panic!("{other:?}"),
    }
}

/// The first byte says which scheme; the rest opens or does not, and comes back when it was sealed.
fn sm4(bytes: &[u8]) {
    const SCHEMES: [&str; 8] = [
        "ecb/pkcs7/hex",
        "ecb/zero/base64",
        "cbc:000102030405060708090a0b0c0d0e0f/pkcs7/base64",
        "cbc:000102030405060708090a0b0c0d0e0f/zero/hex",
        "cbc-prefixed/pkcs7/hex-upper",
        "cbc-prefixed/zero/base64",
        "gcm/pkcs7/base64",
        "gcm/pkcs7/hex",
    ];
    let Some((first, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let name = SCHEMES[usize::from(*first) % SCHEMES.len()];
    let sealing = Sealing { key: demo::SM4_KEY.parse().unwrap(), scheme: name.parse().unwrap() };
    let _ = sealing.open(text);
    let sealed = sealing.seal(text, [7; 16]);
    let comes_back = !name.contains("zero") || !text.ends_with('\0');
    assert!(!comes_back || sealing.open(&sealed).as_deref() == Ok(text), "{name}");
    let has_blocks = !text.is_empty() || !name.contains("/zero");
    assert!(
        !has_blocks || name.starts_with("gcm") || sealing.has_form(&sealed),
        "{name}: {sealed}"
    );
    let _ = text.parse::<Key>();
    if let Ok(scheme) = text.parse::<Scheme>() {
        assert_eq!(scheme.to_string().parse(), Ok(scheme));
    }
}

/// The demo world's first day.
const NOW: &str = "2026-03-01T01:00:00Z";
/// The same on the platform's clock.
const NOW_TEXT: &str = "2026-03-01 09:00:00";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

/// A gateway of its own without a listener.
struct World {
    runtime: Runtime,
    context: Context,
    _folder: tempfile::TempDir,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let context = runtime.block_on(async {
            let flags = ["tripwright", "--data", folder.path().to_str().unwrap()];
            let settings = Flags::parse_from(flags).settings;
            let file = settings.data.file();
            let store = Store::open_sqlite(&file, &SealingKey::generate()).unwrap();
            let clock = Clock::set_to(NOW.parse().unwrap());
            demo::load(&store, clock.now()).await.unwrap();
            Context::new(settings, clock, store)
        });
        World { runtime, context, _folder: folder }
    })
}

/// A call from this machine, as it was read.
fn call<'a>(verb: &'a hyper::Method, read: Parameters<'a>) -> Call<'a> {
    let Parameters { params, signed_body, format } = read;
    Call { verb, params, signed_body, address: [127, 0, 0, 1].into(), format }
}

/// A form is completed and signed as the demo app would, and sent.
pub fn answer_to(bytes: &[u8]) -> (Option<String>, Format, String) {
    let mut pairs = Vec::new();
    let _ = form::decode_into(bytes, &mut pairs);
    pairs.retain(|(name, _)| !matches!(name.as_ref(), "app_key" | "timestamp" | "v" | "sign"));
    // Room for what every call has.
    pairs.truncate(PAIRS_MAX - 8);
    let usual = [
        ("app_key", demo::APP_KEY),
        ("timestamp", NOW_TEXT),
        ("v", "2.0"),
        ("method", "alitrip.btrip.flight.distribution.order.cancel"),
        ("session", demo::SESSION),
    ];
    pairs.extend(usual.map(|(name, value)| (name.into(), value.into())));
    let params = Params::from_pairs(pairs);
    let named: Option<SignMethod> = params.get("sign_method").and_then(|name| name.parse().ok());
    let sign = Secret::new(demo::SECRET).sign(named.unwrap_or(SignMethod::Md5), params.iter(), b"");
    let body = form::encode(params.iter().chain([("sign", sign.as_str())]));
    let method = params.get("method").map(str::to_owned);
    let mut head = Request::new(()).into_parts().0;
    head.method = hyper::Method::POST;
    let read = Read::whole(body.into());
    let read = Parameters::of(&head, b"", &read);
    let call = call(&head.method, read);
    let world = world();
    let answer = world.runtime.block_on(pipeline::serve(&world.context, call));
    (method, answer.format, answer.body)
}

/// Whatever is asked, every SDK can read all of the answer.
fn answered(bytes: &[u8]) {
    let (method, format, body) = answer_to(bytes);
    let spec = trip_api::SPECS.iter().find(|spec| Some(spec.name) == method.as_deref());
    let spec = spec.unwrap_or(&trip_api::SPECS[0]);
    match format {
        Format::Json => {
            for sdk in [Typed::Java, Typed::DotNet] {
                assert_eq!(parsers::wrapped_json(sdk, spec, &body), Ok(()), "{sdk:?}: {body}");
            }
            parsers::php(&body).unwrap();
        }
        Format::SimplifiedJson => assert_eq!(parsers::go(spec, &body), Ok(()), "{body}"),
        Format::Xml => assert_eq!(parsers::typed_xml(spec, &body), Ok(()), "{body}"),
    }
    let fault = "isp.unknown-error";
    assert!(!body.contains(fault), "{body}");
}

/// The first line is the separator, if it says one; the rest is the body. Each call has its answer and
/// there is no other; or there is one complaint.
fn batched(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (named, body) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let format = if body.len().is_multiple_of(2) { "json" } else { "xml" };
    let query = [
        ("app_key", demo::APP_KEY),
        ("format", format),
        ("session", demo::SESSION),
        ("sign_method", "md5"),
        ("timestamp", NOW_TEXT),
        ("v", "2.0"),
    ];
    let params = Params::from_pairs(query.map(|(name, value)| (name.into(), value.into())).into());
    let sign = Secret::new(demo::SECRET).sign(SignMethod::Md5, params.iter(), body);
    let query = form::encode(params.iter().chain([("sign", sign.as_str())]));
    let mut head = Request::new(()).into_parts().0;
    head.method = hyper::Method::POST;
    head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    let read = Read::whole(Bytes::copy_from_slice(body));
    let read = Parameters::of_batch(&head, query.as_bytes(), &read);
    let call = call(&head.method, read);
    let world = world();
    let separator = (!named.is_empty()).then_some(named);
    let served = pipeline::batch::serve(&world.context, call, separator);
    let answer = world.runtime.block_on(served);
    let separator = separator.unwrap_or(batch::SEPARATOR.as_bytes());
    let calls = segments(body, separator);
    let is_readable = |text: &str| match answer.format {
        Format::Xml => parsers::xml(text).is_ok(),
        Format::Json | Format::SimplifiedJson => parsers::php(text).is_ok(),
    };
    let is_refused = !(1..=20).contains(&calls) || answer.body.contains("top-api-separator");
    if is_refused && is_readable(&answer.body) {
        return;
    }
    let parts: Vec<_> = answer.body.split(std::str::from_utf8(separator).unwrap()).collect();
    assert_eq!(parts.len(), calls, "{}", answer.body);
    assert!(parts.iter().all(|part| is_readable(part)), "{}", answer.body);
}

/// How many calls are in a body, byte by byte: a segment that is empty at the end is none, nor is a first
/// one that is everybody's.
fn segments(text: &[u8], separator: &[u8]) -> usize {
    let (mut segments, mut at, mut start) = (Vec::new(), 0, 0);
    while at < text.len() {
        if text[at..].starts_with(separator) {
            segments.push(&text[start..at]);
            at += separator.len();
            start = at;
        } else {
            at += 1;
        }
    }
    if start < text.len() {
        segments.push(&text[start..]);
    }
    let is_public = segments.first().is_some_and(|first| first.starts_with(b"#PUBLIC#"));
    segments.len() - usize::from(is_public)
}
