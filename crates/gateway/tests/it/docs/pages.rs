//! What the pages say.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use gateway::docs::errors::EXPLAINED;
use gateway::docs::notes::ENTRIES;
use gateway::{catalogue, demo};
use serde_json::Value;
use top::form::encode;

use super::{fetch, page, text};
use crate::app::{CANCEL, send};
use crate::program::Program;

const CHANGE: &str = "alitrip.btrip.flight.distribution.change.detail";
const REFUND: &str = "alitrip.btrip.supplychain.train.callback.refund";
const RENTAL: &str = "alitrip.rentcar.btb.order.cancelcheck";
const RECEIPTS: &str = "alibaba.happytrip.flight.order.itinerary.postback";
/// A page with all it loads, as transferred.
const PAGE_BYTES_MAX: usize = 150_000;

/// Every page of the documentation centre.
fn paths() -> Vec<String> {
    let fixed = ["/docs", "/docs/errors", "/docs?q=order"].map(str::to_owned);
    let methods = ENTRIES.iter().map(|entry| format!("/docs/{}", entry.spec.name));
    fixed.into_iter().chain(methods).collect()
}

/// The values of an attribute, as they stand.
fn attributes(page: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).map(|rest| text(rest.split('"').next().unwrap())).collect()
}

/// The cells of the row with this id, as a reader sees them.
fn cells(page: &str, id: &str) -> Vec<String> {
    let (_, rest) = page.split_once(&format!("<tr id=\"{id}\">")).unwrap_or_else(|| panic!("{id}"));
    let row = rest.split_once("</tr>").unwrap().0.replace("<th scope=\"row\">", "<td>");
    let row = row.replace("<td class=\"example\">", "<td>");
    row.split("<td>").skip(1).map(|cell| text(cell).trim().to_owned()).collect()
}

#[test]
fn every_published_row_stands_on_its_methods_page() {
    let program = Program::serve(&[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trip-api/tests/published");
    let mut rows = 0;
    for entry in ENTRIES {
        let page = page(&program, &format!("/docs/{}", entry.spec.name));
        let file = folder.join(format!("{}.tsv", entry.spec.name.replace('.', "_")));
        let published = std::fs::read_to_string(file).unwrap();
        for row in published.lines().filter(|line| !line.starts_with('#')).skip(1) {
            let [side, path, kind, required, example] =
                row.split('\t').collect::<Vec<_>>().try_into().unwrap();
            let path = path.replace("[]", "");
            let mut expected = vec![path.rsplit('.').next().unwrap(), kind];
            expected.extend(match required {
                "required" => Some("必须"),
                "optional" => Some("可选"),
                _ => None,
            });
            expected.push(example);
            let cells = cells(&page, &format!("{side}.{path}"));
            assert_eq!(cells[..cells.len() - 1], expected, "{} {path}", entry.spec.name);
            rows += 1;
        }
        for fact in published.lines().take_while(|line| line.starts_with('#')) {
            let (name, value) = fact[2..].split_once('\t').unwrap();
            let value = match (name, value) {
                ("session", "required") => ">需要 session<",
                ("session", _) => ">不需要 session<",
                (_, value) => value,
            };
            assert!(page.contains(value), "{}: {value}", entry.spec.name);
        }
    }
    assert!(rows > 120, "{rows}");
}

#[test]
fn a_page_has_every_part_in_the_order_of_the_published_ones() {
    let program = Program::serve(&[]);
    let headings = |page: &str| -> Vec<String> {
        page.split("<h2 id=")
            .skip(1)
            .map(|rest| text(rest.split_once('>').unwrap().1.split_once("</h2>").unwrap().0))
            .collect()
    };
    let cancel = page(&program, &format!("/docs/{CANCEL}"));
    assert_eq!(
        headings(&cancel),
        [
            "公共参数",
            "请求参数",
            "响应参数",
            "请求示例",
            "响应示例",
            "异常示例",
            "错误码解释",
            "枚举值",
            "API 工具",
            "FAQ",
        ]
    );
    let english = page(&program, &format!("/docs/{CANCEL}?lang=en"));
    assert_eq!(
        headings(&english),
        [
            "Public parameters",
            "Request parameters",
            "Response",
            "Samples",
            "Answers",
            "Failures",
            "Errors",
            "Enumerations",
            "API tool",
            "FAQ",
        ]
    );
    assert!(english.contains("<html lang=\"en\">") && english.contains("Cancels a flight order"));
    let samples: Vec<_> = cancel
        .split("name=\"samples\"")
        .skip(1)
        .map(|rest| {
            text(rest.split_once("<summary>").unwrap().1.split_once("</summary>").unwrap().0)
        })
        .collect();
    assert_eq!(samples, ["Java", ".NET", "PHP", "cURL", "Python", "C/C++", "Node.js", "Rust"]);
    // With line breaks, and otherwise as the codec wrote it.
    let answer = text(
        cancel.split_once("<summary>JSON</summary>").unwrap().1.split_once("</pre>").unwrap().0,
    );
    let shown: Value = serde_json::from_str(&answer).unwrap();
    let kept: Value = serde_json::from_str(ENTRIES[2].answers.json).unwrap();
    assert_eq!((shown, answer.lines().count()), (kept, 16));
}

#[test]
fn codes_say_whether_they_are_published_or_inferred() {
    let program = Program::serve(&[]);
    let cancel = page(&program, &format!("/docs/{CANCEL}"));
    let (_, table) = cancel.split_once("<h3 id=\"codes-fail_code\">").unwrap();
    let rows: Vec<_> = table
        .split_once("</table>")
        .unwrap()
        .0
        .split("<tr>")
        .skip(2)
        .map(|row| row.split("<td>").map(|cell| text(cell).trim().to_owned()).collect::<Vec<_>>())
        .collect();
    assert_eq!(
        rows,
        [
            ["1001", "已出票不可取消 already ticketed", "平台公布"],
            ["1002", "出票中不可取消 ticketing in progress", "推断"],
            ["1003", "订单已关闭 closed, not by a cancel", "推断"],
        ]
    );
    // A member leads to its codes, and says who may read it.
    let status = "response.result.module.order_status";
    assert_eq!(cells(&cancel, status)[3].split_whitespace().last(), Some("编码表"));
    assert!(cancel.contains("href=\"#codes-order_status\""));
    let refund = page(&program, &format!("/docs/{REFUND}"));
    let passenger =
        "request.refund_call_back_param.refund_train_details.refund_ticket_details.passenger_info";
    assert_eq!(
        cells(&refund, &format!("{passenger}.sex"))[4],
        "性别,SM4加密,0:男,1:女\n 个人信息，SM4 加密\n 编码表"
    );
    let receipts = page(&program, &format!("/docs/{RECEIPTS}"));
    assert!(receipts.contains("<code>HT-3001</code>"));
    assert_eq!(cells(&receipts, "request.flight_itinerary_request.emp_no")[4], "工号\n 个人信息");
}

#[test]
fn search_finds_methods_by_two_characters_a_parameter_or_part_of_a_name() {
    let program = Program::serve(&[]);
    let found = |query: &str| -> Vec<String> {
        let page = page(&program, &format!("/docs?{}", encode([("q", query)])));
        let results = page.split("<li class=\"card\">").skip(1);
        results
            .map(|one| text(one.split_once("<code>").unwrap().1.split_once("</code>").unwrap().0))
            .collect()
    };
    assert_eq!(found("改签"), [CHANGE]);
    assert_eq!(found("退票")[0], REFUND);
    assert_eq!(found("租车"), [RENTAL]);
    assert_eq!(found("itinerary receipts"), [RECEIPTS]);
    assert_eq!(found("dis_sub_order_id"), [CHANGE]);
    assert_eq!(found("distribution.order"), [CANCEL]);
    assert_eq!(found("没有这样的词"), [""; 0]);
    // An error is the platform's, not a method's.
    assert_eq!(found("isv.invalid-parameter"), [""; 0]);
    let error = page(&program, "/docs?q=isv.invalid-parameter");
    assert!(error.contains("href=\"/docs/errors#isv.invalid-parameter\">50 Remote service error"));
    // What was looked for is shown as text, whatever it is.
    let page = page(&program, &format!("/docs?{}", encode([("q", "<b>\"")])));
    assert!(page.contains("value=\"&#60;b&#62;&#34;\"") && !page.contains("<b>"), "{page}");
    let long = "改".repeat(81);
    let (status, page) = fetch(&program, &format!("/docs?{}", encode([("q", long.as_str())])));
    assert_eq!(status, 400);
    assert!(page.contains("搜索内容太长"), "{page}");
    let (status, page) = fetch(&program, "/docs?q=a&q=b&lang=en");
    assert_eq!(status, 400);
    assert!(page.contains("Look for one thing at a time."), "{page}");
}

#[test]
fn every_platform_error_has_an_anchor_that_links_lead_to() {
    let program = Program::serve(&[]);
    let errors = page(&program, "/docs/errors");
    let ids: BTreeSet<_> = attributes(&errors, "id").into_iter().collect();
    for explained in EXPLAINED {
        assert!(ids.contains(&explained.anchor()), "{}", explained.anchor());
        for sub_code in explained.sub_codes() {
            assert!(ids.contains(sub_code), "{sub_code}");
        }
    }
    assert_eq!(EXPLAINED.len(), top::error::ROWS.len());
    assert_eq!(cells(&errors, "25")[..4], ["25", "Invalid signature", "", ""]);
    assert_eq!(
        cells(&errors, "isv.invalid-parameter")[..4],
        ["50", "Remote service error", "isv.invalid-parameter", "非法参数",]
    );
    // Only what can happen to a call is explained on its page.
    let clock = page(&program, "/docs/taobao.time.get");
    assert!(!clock.contains("Missing session") && !clock.contains("Missing required arguments"));
    assert!(page(&program, &format!("/docs/{CANCEL}")).contains("Missing session"));
}

#[test]
fn every_link_of_a_page_leads_to_something() {
    let program = Program::serve(&[]);
    let mut led = 0;
    for path in paths() {
        let here = page(&program, &path);
        for link in attributes(&here, "href") {
            let (target, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let there = match target {
                "" => here.clone(),
                // The same page in the other language.
                same if same.starts_with('?') => page(&program, &format!("{path}{same}")),
                other => page(&program, other),
            };
            let is_there =
                anchor.is_empty() || attributes(&there, "id").iter().any(|id| id == anchor);
            assert!(is_there, "{path}: {link}");
            led += 1;
        }
    }
    assert!(led > 300, "{led}");
}

#[test]
fn a_page_is_small_and_holds_nothing_that_its_policy_forbids() {
    let program = Program::serve(&[]);
    let size = |path: &str| {
        let reply = send(
            program.address(),
            &format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n"),
            b"",
        );
        assert_eq!(reply.status, 200, "{path}");
        reply.bytes.len()
    };
    for path in paths() {
        let page = page(&program, &path);
        let assets = attributes(&page, "href").into_iter().chain(attributes(&page, "src"));
        let assets: BTreeSet<_> = assets.filter(|link| link.starts_with("/assets/")).collect();
        let whole = size(&path) + assets.iter().map(|asset| size(asset)).sum::<usize>();
        assert!(whole <= PAGE_BYTES_MAX, "{path}: {whole} bytes");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        for forbidden in [" style=", " onclick=", "<script", "<style", "javascript:"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        let ids = attributes(&page, "id");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}: {ids:?}");
    }
}

#[test]
fn a_method_that_is_not_there_has_no_page() {
    let program = Program::serve(&[]);
    for path in ["/docs/alitrip.nope", "/docs/..%2Ferrors", "/docs/ALITRIP"] {
        let (status, page) = fetch(&program, path);
        assert_eq!(status, 404, "{path}");
        assert!(page.contains("没有这个页面"), "{page}");
    }
}

#[test]
fn production_prints_no_demo_credentials_on_any_page() {
    let sandbox = Program::serve(&[]);
    assert!(page(&sandbox, &format!("/docs/{CANCEL}")).contains(demo::SESSION));
    let (folder, _) = sandbox.terminate();
    let key = std::fs::read_to_string(folder.path().join("data/key")).unwrap();
    let variables = [("TRIPWRIGHT_KEY", key.trim()), ("RUST_LOG", "info")];
    let program = Program::serve_production_in(folder, &variables);
    for path in paths() {
        let page = page(&program, &path);
        assert!(!page.contains(demo::SESSION) && !page.contains(demo::SM4_KEY), "{path}");
        assert!(!page.contains("app_key=&#39;test&#39;"), "{path}");
        let is_method = ENTRIES.iter().any(|entry| path.ends_with(entry.spec.name));
        assert_eq!(page.contains("app_key=&#39;YOUR_APP_KEY&#39;"), is_method, "{path}");
    }
}

#[test]
fn the_catalogue_as_data_says_who_may_read_a_value() {
    let program = Program::serve(&[]);
    let served: Value = serde_json::from_str(&page(&program, "/docs/catalogue.json")).unwrap();
    assert_eq!(served, catalogue::as_json());
    let methods = served["methods"].as_array().unwrap();
    let refund = methods.iter().find(|method| method["method"] == REFUND).unwrap();
    let callback = &refund["request"][0]["members"];
    let ticket = &callback[0]["members"][4]["members"];
    let passenger = &ticket[5]["members"];
    let privacy = |member: &Value| (member["name"].clone(), member["privacy"].clone());
    assert_eq!(privacy(&passenger[0]), ("passenger_name".into(), "sealed".into()));
    assert_eq!(privacy(&callback[8]), ("ticket_no".into(), "personal".into()));
    assert_eq!(privacy(&callback[1]), ("order_id".into(), "open".into()));
}

#[test]
fn a_page_comes_compressed_and_reads_the_same() {
    let program = Program::serve(&[]);
    let path = format!("/docs/{CHANGE}");
    let head = format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n");
    let reply = send(program.address(), &head, b"");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    let mut plain = String::new();
    flate2::read::GzDecoder::new(&*reply.bytes).read_to_string(&mut plain).unwrap();
    // That request named another host, which is what samples call.
    let here = program.address().to_string();
    assert_eq!(page(&program, &path).replace(&here, "t"), plain);
}
