//! The pages in a real browser: Debian's Chromium, driven by playwright-core, looked over by axe-core.

use std::path::Path;
use std::process::Command;

use crate::clients::node_packages;
use crate::program::Program;

/// What drives the browser and what looks pages over, as npm is asked for them.
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/// Where pictures of the pages go, for people to look at; two of them are in the README.
const PICTURES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/pictures");

#[test]
fn a_browser_walks_from_a_chinese_word_to_the_audit_and_finds_no_serious_fault_on_any_page() {
    let program = Program::serve(&[]);
    let origin = |name: &str| {
        let line = program.lines.iter().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split(['/', ' ']).nth(2).map(|host| format!("http://{host}")).unwrap()
    };
    std::fs::create_dir_all(PICTURES).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browser/walk.js");
    let walked = Command::new("node")
        .arg(script)
        .env("NODE_PATH", node_packages("browser", &PACKAGES))
        .env("DOCS", origin("docs "))
        .env("CONSOLE", origin("console "))
        .env("PICTURES", PICTURES)
        .output()
        .unwrap();
    let (told, complaint) = (&walked.stdout, String::from_utf8_lossy(&walked.stderr));
    assert!(walked.status.success(), "{complaint}");
    println!("{}", String::from_utf8_lossy(told));
    for picture in ["docs", "method", "tool", "order", "calls"] {
        for width in [360, 1440] {
            let bytes = std::fs::read(format!("{PICTURES}/{picture}-{width}.png")).unwrap();
            assert!(bytes.len() > 10_000, "{picture} at {width} px is empty");
        }
    }
}
