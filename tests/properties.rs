//! What must hold for every check and any facts, proven on the documents of all examples.

use serde_json::{Map, Value};
use syncready::engine::{Catalogue, Check, Selection, Word, example_document, judge};
use syncready::facts::Document;

fn verdict_of(catalogue: &Catalogue, check: &Check, document: &Document) -> Word {
    let others = catalogue.checks().iter().map(|other| other.id().to_owned()).filter(|id| id != check.id());
    let only = vec![check.id().to_owned()];
    let selection = Selection { only, skip: others.collect(), ..Selection::default() };
    let report = judge(document, catalogue, &selection).expect("embedded checks compile");
    report.accounts[0].findings[0].result
}

fn facts(document: &mut Document) -> &mut Map<String, Value> {
    &mut document.accounts[0].section.facts
}

/// Every path to a key or list element of a facts tree.
fn paths(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        path.push(key);
        found.push(path.clone());
        paths(child, path, found);
        path.pop();
    }
}

fn parent<'v>(root: &'v mut Map<String, Value>, path: &[String]) -> Option<&'v mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(root.get_mut(first)?, |value, key| match value {
        Value::Object(map) => map.get_mut(key),
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn each_example(mut visit: impl FnMut(&Catalogue, &Check, &str, &Document)) {
    let catalogue = Catalogue::embedded();
    for check in catalogue.checks() {
        for example in &check.file().example {
            let document = example_document(catalogue, check, example).expect("sound example");
            visit(catalogue, check, &example.name, &document);
        }
    }
}

#[test]
fn dropping_any_fact_changes_a_result_to_unknown_or_not_at_all() {
    let mut complaints = Vec::new();
    each_example(|catalogue, check, name, document| {
        let before = verdict_of(catalogue, check, document);
        let mut all = Vec::new();
        let whole = Value::Object(document.accounts[0].section.facts.clone());
        paths(&whole, &mut Vec::new(), &mut all);
        for path in all {
            let mut document = document.clone();
            let key = path.last().expect("paths are not empty").clone();
            let removed = match path.as_slice() {
                [group] => facts(&mut document).remove(group).is_some(),
                [above @ .., _] => match parent(facts(&mut document), above) {
                    Some(Value::Object(map)) => map.remove(&key).is_some(),
                    _ => false,
                },
                [] => false,
            };
            if !removed {
                continue;
            }
            let after = verdict_of(catalogue, check, &document);
            if after != before && after != Word::Unknown {
                complaints.push(format!(
                    "{} ({name}): without {} {before:?} becomes {after:?}",
                    check.id(),
                    path.join(".")
                ));
            }
        }
    });
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn an_empty_list_passes_only_where_an_example_says_so() {
    let mut complaints = Vec::new();
    each_example(|catalogue, check, name, document| {
        if verdict_of(catalogue, check, document) == Word::Pass {
            return;
        }
        let mut all = Vec::new();
        paths(&Value::Object(document.accounts[0].section.facts.clone()), &mut Vec::new(), &mut all);
        // Lists inside list elements belong to the element: emptying them makes another element.
        all.retain(|path| path.iter().all(|key| key.parse::<usize>().is_err()));
        for path in all {
            let mut changed = document.clone();
            let Some(Value::Array(items)) = parent(facts(&mut changed), &path) else { continue };
            items.clear();
            let said = || {
                check.file().example.iter().any(|other| {
                    let mut other_document =
                        example_document(catalogue, check, other).expect("sound example");
                    let empty = parent(facts(&mut other_document), &path)
                        .is_some_and(|v| v.as_array().is_some_and(Vec::is_empty));
                    other.expect == Word::Pass && empty
                })
            };
            if verdict_of(catalogue, check, &changed) == Word::Pass && !said() {
                complaints.push(format!("{} ({name}): passes when {} is empty", check.id(), path.join(".")));
            }
        }
    });
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn the_order_of_files_changes_nothing() {
    let files = |reversed: bool| {
        let mut files = Vec::new();
        collect_files(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("checks"), "", &mut files);
        files.sort();
        if reversed {
            files.reverse();
        }
        Catalogue::load(files).expect("embedded checks load")
    };
    let (forth, back) = (files(false), files(true));
    each_example(|_, _, name, document| {
        let judged = |catalogue| judge(document, catalogue, &Selection::default()).expect("compiles");
        assert_eq!(judged(&forth), judged(&back), "{name}");
    });
}

fn collect_files(folder: std::path::PathBuf, prefix: &str, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("the checks folder") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect_files(entry.path(), &format!("{name}/"), files);
        } else {
            files.push((name, std::fs::read_to_string(entry.path()).expect("a check file")));
        }
    }
}

/// The `world` facts of each kind of world, as the examples have them.
fn worlds() -> Vec<Value> {
    let mut worlds: Vec<Value> = Vec::new();
    each_example(|_, check, name, document| {
        let examples = &check.file().example;
        let moved = examples.iter().filter(|example| *example.name == *name).any(|example| {
            example.facts.contains_key("world") || example.nulls.iter().any(|path| path.starts_with("world"))
        });
        let world = document.accounts[0].section.facts.get("world").cloned();
        if let Some(world) = world.filter(|world| !moved && !worlds.contains(world)) {
            worlds.push(world);
        }
    });
    worlds
}

#[test]
fn a_fail_has_a_fix_in_every_world_in_which_it_can_occur() {
    let worlds = worlds();
    assert_eq!(worlds.len(), 4, "{worlds:#?}");
    let mut complaints = Vec::new();
    each_example(|catalogue, check, name, document| {
        for world in &worlds {
            let mut document = document.clone();
            facts(&mut document).insert("world".into(), world.clone());
            let selection = Selection { only: vec![check.id().to_owned()], ..Selection::default() };
            let report = judge(&document, catalogue, &selection).expect("embedded checks compile");
            let finding = report.accounts[0].findings.iter().find(|finding| finding.check == check.id());
            if finding.is_some_and(|finding| finding.result == Word::Fail && finding.fix.is_empty()) {
                complaints.push(format!("{}: {name} in {}", check.id(), world["kind"]));
            }
        }
    });
    assert!(complaints.is_empty(), "no fix:\n{}", complaints.join("\n"));
}
