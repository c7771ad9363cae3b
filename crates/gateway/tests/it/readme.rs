//! The README's own words, tried: its calls run as printed, and both languages print the same ones.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clients::{node_modules, python_home};
use crate::program::Program;

const ENGLISH: &str = include_str!("../../../../README.md");
const CHINESE: &str = include_str!("../../../../README.zh-CN.md");

/// The fenced blocks of a document: language and text.
fn blocks(document: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn block(language: &str, start: &str) -> String {
    let found = blocks(ENGLISH).into_iter().find(|(l, text)| l == language && text.contains(start));
    found.unwrap_or_else(|| panic!("no {language} block with {start}")).1
}

/// Feeds a program to an interpreter and returns what it printed.
fn run(mut interpreter: Command, program: &str) -> String {
    interpreter.env("TZ", "Asia/Shanghai").env("NO_PROXY", "127.0.0.1");
    interpreter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = interpreter.spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_languages_print_the_same_commands() {
    // Remarks behind a command are in the reader's language.
    let commands = |document| {
        let uncommented = |text: String| -> Vec<String> {
            let lines = text.lines().map(|line| line.split("  # ").next().unwrap().trim_end());
            lines.map(str::to_owned).collect()
        };
        let blocks = blocks(document).into_iter();
        blocks.map(|(language, text)| (language, uncommented(text))).collect::<Vec<_>>()
    };
    assert_eq!(commands(ENGLISH), commands(CHINESE));
    let english = blocks(ENGLISH);
    assert!(english.contains(&("sh".into(), "cargo run --release -- serve\n".into())));
    assert!(english.contains(&("sh".into(), "bash dev/test\n".into())));
}

#[test]
fn the_calls_of_the_readme_cancel_an_order_as_printed() {
    let program = Program::serve(&[]);
    let here = |text: String| text.replace("127.0.0.1:8080", &program.address().to_string());

    let printed = run(Command::new("sh"), &here(block("sh", "curl -s")));
    let answer: Value = serde_json::from_str(&printed).unwrap();
    let result = &answer["alitrip_btrip_flight_distribution_order_cancel_response"]["result"];
    assert_eq!(result["success"], true, "{printed}");
    let cancel_time = result["module"]["cancel_time"].as_str().unwrap();

    let python = Command::new(python_home().join("bin/python"));
    let printed = run(python, &here(block("python", "taobaopy")));
    assert!(printed.contains(cancel_time), "{printed}");

    let mut node = Command::new("node");
    node.env("NODE_PATH", node_modules());
    let printed = run(node, &here(block("js", "TopClient")));
    assert!(printed.contains(cancel_time), "{printed}");

    let mut shell = Command::new("sh");
    let tripwright = env!("CARGO_BIN_EXE_tripwright");
    shell.env("TRIPWRIGHT_URL", &program.url);
    let call = block("sh", "tripwright call").replace("tripwright", tripwright);
    assert!(run(shell, &call).contains(cancel_time));
}

#[test]
fn the_program_introduces_itself_as_the_readme_says() {
    let program = Program::serve(&[]);
    let shown = block("text", "url http");
    let fixed = |line: &str| line.split(' ').next().map(str::to_owned);
    let names: Vec<_> = shown.lines().map(fixed).collect();
    assert_eq!(program.lines.iter().map(|line| fixed(line)).collect::<Vec<_>>(), names);
    for line in shown.lines().filter(|line| !line.contains("http")) {
        assert!(program.lines.iter().any(|printed| printed == line), "{line}");
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut tests = String::new();
    for (_, text) in crate::tidy::sources() {
        tests.push_str(&text);
    }
    let mut named = 0;
    for document in
        ["docs/quirks.md", "docs/decisions.md", "docs/compatibility.md", "ARCHITECTURE.md"]
    {
        let text = std::fs::read_to_string(format!("{folder}/{document}")).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let is_test = word.matches('_').count() >= 4
                && word
                    .bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_lowercase() || byte.is_ascii_digit())
                && !word.starts_with("alitrip_");
            assert!(!is_test || tests.contains(&format!("fn {word}(")), "{document}: {word}");
            named += usize::from(is_test);
        }
    }
    assert!(named > 25, "only {named} tests are named");
}
