//! The house rules that a machine can keep.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest function, in lines: what fits on a screen.
const FUNCTION_LINES_MAX: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap().to_owned()
}

/// Every Rust file of ours, with its text.
pub fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["crates", "benches/src"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(found.len() > 40);
    found
}

#[test]
fn crates_know_only_what_they_may_know() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        // Measured from outside, as a program; only what is counted is called.
        ("benches", ["domain", "top", "trip-api"].as_slice()),
        ("domain", &[]),
        ("gateway", &["domain", "store", "top", "top-client", "trip-api"]),
        ("store", &["domain"]),
        ("top", &["top-derive"]),
        ("top-client", &["top"]),
        ("top-derive", &[]),
        ("trip-api", &["top"]),
    ]);
    // What would let the rules ask the world, or the protocol wait for it.
    let banned: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("domain", ["tokio", "rusqlite", "hyper", "rand", "tracing"].as_slice()),
        ("top", &["tokio", "futures-util", "hyper", "rusqlite", "rand", "tracing"]),
        ("trip-api", &["tokio", "hyper", "rusqlite", "serde"]),
    ]);
    for (name, may_know) in &allowed {
        let folder = if *name == "benches" { root() } else { root().join("crates") };
        let path = folder.join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let empty = toml::Table::new();
        let dependencies = manifest.get("dependencies").and_then(|d| d.as_table());
        for dependency in dependencies.unwrap_or(&empty).keys() {
            let ours = allowed.contains_key(dependency.as_str());
            assert!(!ours || may_know.contains(&dependency.as_str()), "{name} → {dependency}");
            let banned = banned.get(name).is_some_and(|names| names.contains(&dependency.as_str()));
            assert!(!banned, "{name} → {dependency}");
        }
    }
    let folders = std::fs::read_dir(root().join("crates")).unwrap().count();
    assert_eq!(folders + 1, allowed.len(), "a crate is missing from this table");
}

#[test]
fn functions_fit_on_a_screen() {
    let mut longest = 0;
    for (path, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            let starts = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(crate) fn ",
                "pub(crate) async fn ",
                "pub(super) fn ",
                "pub const fn ",
                "const fn ",
            ];
            // A macro's template ends like nothing else.
            let is_template = code.contains("fn $");
            if is_template || !starts.iter().any(|start| code.starts_with(start)) {
                continue;
            }
            // rustfmt puts the closing brace under the first letter of the signature.
            let indent = &line[..line.len() - code.len()];
            let end = format!("{indent}}}");
            let Some(length) = lines[start..].iter().position(|line| *line == end) else {
                continue;
            };
            // Tables of expectations in tests are as long as what they expect.
            let is_test = path.components().any(|part| part.as_os_str() == "tests");
            let most = if is_test { 2 * FUNCTION_LINES_MAX } else { FUNCTION_LINES_MAX };
            assert!(length < most, "{}:{}: {} lines", path.display(), start + 1, length + 1);
            longest = longest.max(length);
        }
    }
    assert!(longest > 20, "no function was measured");
}

#[test]
fn nothing_outside_tests_unwraps_or_leaves_work_undone() {
    // Spelled apart, so that this file does not find itself.
    let banned = [concat!(".unwr", "ap()"), concat!("tod", "o!("), concat!("unimpl", "emented!(")];
    for (path, text) in sources() {
        let is_test = path.components().any(|part| part.as_os_str() == "tests");
        // Unit tests stand at the end of their file.
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in product.lines().enumerate() {
            let found = !is_test && banned.iter().any(|word| line.contains(word));
            assert!(!found, "{}:{}: {}", path.display(), number + 1, line.trim());
        }
    }
}

#[test]
fn every_public_limit_says_why() {
    for (path, text) in sources() {
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let declares = line.contains("const ") && line.contains(concat!("_M", "AX:"));
            let documented = number > 0 && lines[number - 1].trim_start().starts_with("///");
            assert!(!declares || documented, "{}:{}: {line}", path.display(), number + 1);
        }
    }
}
