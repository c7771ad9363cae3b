//! Nothing is forgotten: every method of the catalogue has its facts, its handler and its tests.

use std::path::Path;

#[test]
fn every_method_has_a_declaration_a_handler_facts_and_tests_of_its_own_name() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for spec in trip_api::SPECS {
        let stem = spec.name.replace('.', "_");
        for file in [
            format!("trip-api/src/{stem}.rs"),
            format!("trip-api/tests/published/{stem}.tsv"),
            format!("gateway/src/handlers/{stem}.rs"),
            format!("gateway/src/docs/notes/{stem}.rs"),
            format!("gateway/tests/it/{stem}.rs"),
        ] {
            let text = std::fs::read_to_string(crates.join(&file));
            let text = text.unwrap_or_else(|error| panic!("{file}: {error}"));
            let is_test = file.contains("/tests/it/");
            assert!(!is_test || text.contains("#[test]"), "{file} has no test");
        }
    }
}

#[test]
fn every_file_named_like_a_method_is_one() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stems: Vec<_> = trip_api::SPECS.iter().map(|spec| spec.name.replace('.', "_")).collect();
    for folder in [
        "trip-api/src",
        "trip-api/tests/published",
        "gateway/src/handlers",
        "gateway/src/docs/notes",
    ] {
        for file in std::fs::read_dir(crates.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let is_known = stems.contains(&stem) || stem == "lib" || stem == "mod";
            assert!(is_known, "{} is no method of the catalogue", path.display());
        }
    }
}
