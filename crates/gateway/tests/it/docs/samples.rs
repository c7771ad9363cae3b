//! What the pages print, run as printed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use gateway::docs::notes::ENTRIES;

use super::text;
use crate::program::Program;

/// The printed text of this id on a method's page.
pub fn printed(page: &str, id: &str) -> String {
    let start = format!("id=\"sample-{id}\"><code>");
    let (_, rest) = page.split_once(&start).unwrap_or_else(|| panic!("no {id} in {page}"));
    text(rest.split_once("</code></pre>").unwrap().0)
}

/// Feeds a program to an interpreter and returns what it printed.
fn run(mut interpreter: Command, program: &str) -> String {
    interpreter.env("NO_PROXY", "127.0.0.1");
    interpreter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = interpreter.spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{program}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn curl_runs_as_printed() {
    let program = Program::serve(&[]);
    for entry in ENTRIES {
        let page = super::page(&program, &format!("/docs/{}", entry.spec.name));
        let answer = run(Command::new("sh"), &printed(&page, "curl"));
        println!("{answer}");
    }
}
