//! What the documentation shows works.

use std::{fs, path::Path};

use crate::{collectors::collected, place::Place};

/// The blocks of a page, each with the file that its first comment names.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect("there");
    let blocks: Vec<&str> = text.split("```").skip(1).step_by(2).collect();
    let named = blocks.into_iter().filter_map(|block| {
        let body = block.split_once('\n')?.1;
        let name = body.lines().take(2).find_map(|line| line.strip_prefix("# "))?;
        Some((name.to_owned(), body.to_owned()))
    });
    named.collect()
}

#[test]
fn the_walk_through_in_the_documentation_works() {
    let place = Place::new();
    let blocks = blocks("docs/extending.md");
    for (name, text) in &blocks {
        place.script(name, text);
    }
    assert!(blocks.iter().any(|(name, _)| name == "my-checks/license/some-are-left.toml"));
    let test = place.run(&["checks", "test", "my-checks"]);
    assert_eq!((test.code, test.stdout.as_str()), (0, "1 checks, 3 examples, 0 failed\n"), "{}", test.stderr);
    let only = ["--checks", "my-checks", "--only", "license/some-are-left"];
    let demo = place.run(&[&["check", "--demo"], &only[..]].concat());
    assert!(demo.code == 0 && demo.stdout.contains("A license with a mailbox is left"), "{}", demo.stdout);
    let explained = place.run(&["explain", "license/some-are-left", "--checks", "my-checks"]);
    assert!(explained.stdout.contains("LicenseAssignment.Read.All"), "{}", explained.stdout);
}

#[test]
fn the_collector_in_the_documentation_works() {
    let (_, script) =
        blocks("docs/extending.md").into_iter().find(|(name, _)| name == "collect-seats").expect("shown");
    assert_eq!(collected(&Place::new(), &script, "20s")["message"], "7 seats of gold");
}
