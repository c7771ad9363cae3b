//! Every declaration against the facts of its published page, row by row.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use top::{Object, Session, Shape, Spec};

/// A published page as facts: the header lines and the rows.
struct Page {
    facts: Vec<(String, String)>,
    rows: Vec<String>,
}

fn page(spec: &Spec) -> Page {
    let stem = spec.name.replace('.', "_");
    let file = format!("{}/tests/published/{stem}.tsv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file)
        .unwrap_or_else(|error| panic!("{} has no published facts in {file}: {error}", spec.name));
    let (mut facts, mut rows) = (Vec::new(), Vec::new());
    for line in text.lines() {
        match line.strip_prefix("# ").and_then(|fact| fact.split_once('\t')) {
            Some((name, value)) => facts.push((name.to_owned(), value.to_owned())),
            None => rows.push(line.to_owned()),
        }
    }
    Page { facts, rows }
}

fn list(side: &str, prefix: &str, object: &Object, rows: &mut Vec<String>) {
    for field in object.fields {
        let mut path = format!("{prefix}{}", field.name);
        if field.shape.is_list() {
            path.push_str("[]");
        }
        let required = match (side, field.required) {
            ("request", true) => "required",
            ("request", false) => "optional",
            _ => "",
        };
        let (name, example) = (field.shape.type_name(), field.example);
        rows.push(format!("{side}\t{path}\t{name}\t{required}\t{example}"));
        let element = match field.shape {
            Shape::List(element) => *element,
            other => other,
        };
        if let Shape::Object(object) = element {
            list(side, &format!("{path}."), object, rows);
        }
    }
}

#[test]
fn every_declaration_matches_its_published_page() {
    for spec in trip_api::SPECS {
        let session = match spec.session {
            Session::Required => "required",
            Session::NotRequired => "not required",
        };
        let page = page(spec);
        let declared = [
            ("method", spec.name.to_owned()),
            ("title", spec.title.zh.to_owned()),
            ("session", session.to_owned()),
            ("root", spec.root()),
        ];
        assert_eq!(page.facts, declared.map(|(name, value)| (name.to_owned(), value)));

        let mut rows = vec!["side\tpath\ttype\trequired\texample".to_owned()];
        list("request", "", &spec.request, &mut rows);
        list("response", "", &spec.response, &mut rows);
        assert_eq!(page.rows, rows, "{}", spec.name);
    }
}

#[test]
fn every_member_is_labelled_in_both_languages() {
    fn check(path: &str, object: &Object) {
        for field in object.fields {
            let path = format!("{path}.{}", field.name);
            assert!(!field.label.zh.is_empty(), "{path} has no Chinese label");
            assert!(!field.label.en.is_empty(), "{path} has no English label");
            if let Shape::Object(object) | Shape::List(&Shape::Object(object)) = field.shape {
                check(&path, object);
            }
        }
    }
    for spec in trip_api::SPECS {
        assert!(!spec.title.en.is_empty(), "{}", spec.name);
        check(spec.name, &spec.request);
        check(spec.name, &spec.response);
    }
}
