//! The knowledge of codes and causes is whole: what the program and the checks name is explained, and
//! what is explained exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syncready::engine::{Catalogue, causes};
use syncready::knowledge::{Knowledge, diagnosis::Engine};

fn texts(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            let own = path.file_name().is_some_and(|name| name == "knowledge" || name == "lab");
            if path.is_dir() && !own {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                let code = code.split("[[example]]").next().unwrap_or_default();
                found.push((path, code.to_owned()));
            }
        }
    }
    found
}

/// Words of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// Names that only look like codes: elements of Autodiscover's answer.
const NO_CODES: &[&str] = &["ErrorCode"];

/// Codes of Exchange that a text names: `ErrorSomething` in quotes.
fn response_codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(['"', '\'']).filter(|part| {
        let rest = part.strip_prefix("Error").unwrap_or_default();
        rest.len() > 3
            && rest.starts_with(|c: char| c.is_ascii_uppercase())
            && rest.chars().all(char::is_alphanumeric)
    })
}

/// Numbers of the sign-in service: behind the word, and in lists of `error_code` comparisons.
fn sign_in_codes(text: &str) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let line = line.replace('_', "");
        let about = ["errorcode", "codes", "AADSTS"].iter().any(|word| line.contains(word));
        if about {
            found.extend(words(&line).filter_map(|word| {
                let number: u64 = word.trim_start_matches("AADSTS").parse().ok()?;
                (number > 9999 && word.len() <= 13).then_some(number)
            }));
        }
    }
    found
}

#[test]
fn every_response_code_that_is_named_is_explained() {
    let mut missing = BTreeSet::new();
    for (path, text) in texts("src", "rs").into_iter().chain(texts("checks", "toml")) {
        let named = response_codes(&text).filter(|code| !NO_CODES.contains(code));
        for code in named.filter(|code| Knowledge::embedded().code(code).is_none()) {
            missing.insert(format!("{code} ({})", path.display()));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_sign_in_code_that_is_named_is_explained() {
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for (path, text) in texts("src", "rs").into_iter().chain(texts("checks", "toml")) {
        for code in sign_in_codes(&text) {
            seen += 1;
            if Knowledge::embedded().code(&format!("AADSTS{code}")).is_none() {
                missing.insert(format!("{code} ({})", path.display()));
            }
        }
    }
    assert!(seen > 50, "the search finds only {seen} codes");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_code_of_the_graph_collectors_is_explained() {
    for code in [
        "AadPremiumLicenseRequired",
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "Authorization_RequestDenied",
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotHostedInExchangeOnline",
        "MailboxNotSupportedForRESTAPI",
        "Request_ResourceNotFound",
        "ResourceNotFound",
    ] {
        assert!(Knowledge::embedded().code(code).is_some(), "{code}");
    }
}

#[test]
fn every_cause_that_a_code_names_exists() {
    let knowledge = Knowledge::embedded();
    for name in knowledge.names() {
        let entry = knowledge.code(name).expect("each name leads to an entry");
        for likely in &entry.causes {
            assert!(causes::meaning(&likely.cause).is_some(), "{name}: {}", likely.cause);
        }
        assert!(entry.source().starts_with("https://"), "{name}");
    }
}

#[test]
fn every_cause_is_described_and_has_a_way_out() {
    let knowledge = Knowledge::embedded();
    for (cause, _) in causes::CAUSES {
        let known = knowledge.cause(cause).unwrap_or_else(|| panic!("{cause} stands not in causes.toml"));
        let repaired = Catalogue::embedded()
            .checks()
            .iter()
            .filter(|check| check.mentions(cause))
            .flat_map(|check| &check.file().outcome)
            .any(|row| row.cause.as_deref() == Some(*cause) && !row.fix.is_empty());
        assert!(repaired || !known.steps.is_empty() || *cause == "unknown", "{cause} has no way out");
    }
    for cause in knowledge.causes() {
        assert!(causes::meaning(cause).is_some(), "{cause} is described and does not exist");
    }
}

#[test]
fn enough_codes_are_known() {
    let names: Vec<&str> = Knowledge::embedded().names().collect();
    let sign_in = names.iter().filter(|name| name.starts_with("AADSTS")).count();
    let exchange = names.iter().filter(|name| name.starts_with("Error")).count();
    assert!(sign_in >= 300 && exchange >= 320, "{sign_in} of the sign-in, {exchange} of Exchange");
    for (file, least) in [("graph", 40), ("signals", 36)] {
        let count = tables().iter().filter(|(name, _, _)| name == file).count();
        assert!(count >= least, "{count} in {file}");
    }
}

/// A table of a knowledge file: its file, its name, its keys.
type Table = (String, String, toml::Table);

fn tables() -> Vec<Table> {
    let mut found = Vec::new();
    for folder in ["checks/knowledge", "checks/knowledge/texts"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            if path.extension().is_none_or(|ending| ending != "toml") || name == "causes" {
                continue;
            }
            let text = fs::read_to_string(&path).expect("UTF-8");
            for (table, keys) in toml::from_str::<toml::Table>(&text).expect("TOML") {
                if table != "file" {
                    found.push((name.clone(), table, keys.as_table().expect("a table").clone()));
                }
            }
        }
    }
    found
}

fn strings<'a>(keys: &'a toml::Table, key: &str) -> impl Iterator<Item = &'a str> {
    keys.get(key).and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str)
}

/// The lists of causes of an entry: its own, and those of its cases.
fn spreads(keys: &toml::Table) -> Vec<Vec<&str>> {
    let cases = keys.get("cases").and_then(toml::Value::as_array).into_iter().flatten();
    let lists = keys.get("causes").into_iter().chain(cases.filter_map(|case| case.get("causes")));
    lists
        .map(|list| {
            let list = list.as_array().into_iter().flatten();
            list.filter_map(|likely| likely.get("cause")?.as_str()).collect()
        })
        .collect()
}

#[test]
fn every_name_leads_somewhere() {
    let tables = tables();
    let names: BTreeSet<String> = tables
        .iter()
        .flat_map(|(_, name, keys)| std::iter::once(&**name).chain(strings(keys, "also")))
        .map(str::to_ascii_lowercase)
        .collect();
    let mut lost = Vec::new();
    for (file, table, keys) in &tables {
        let cases = keys.get("cases").and_then(toml::Value::as_array).into_iter().flatten();
        let cases = cases.filter_map(toml::Value::as_table).flat_map(|case| strings(case, "seen"));
        let own = ["seen", "unless", "silences"].into_iter().flat_map(|key| strings(keys, key));
        for name in own.chain(cases).filter(|name| !names.contains(&name.to_ascii_lowercase())) {
            lost.push(format!("{file}: [{table}] names {name}"));
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn every_cause_of_a_text_exists_and_every_cause_is_reached() {
    let tables = tables();
    let named: BTreeSet<&str> = tables.iter().flat_map(|(_, _, keys)| spreads(keys)).flatten().collect();
    for name in &named {
        assert!(causes::meaning(name).is_some(), "{name} is no cause");
    }
    let missing: Vec<&str> =
        causes::CAUSES.iter().map(|(name, _)| *name).filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "no text and no code leads to {missing:?}");
}

#[test]
fn causes_of_one_entry_are_told_apart() {
    let knowledge = Knowledge::embedded();
    for (cause, _) in causes::CAUSES {
        let sign = knowledge.cause(cause).and_then(|known| known.sign);
        assert!(sign.is_some_and(|sign| sign.len() > 20), "{cause} has no sign");
    }
    for name in knowledge.names() {
        let entry = knowledge.code(name).expect("each name leads to an entry");
        assert!(entry.causes.len() < 2 || entry.tells.is_some(), "{name}");
    }
    for (file, table, keys) in tables().iter().filter(|(_, _, keys)| keys.contains_key("tells")) {
        let tells = keys["tells"].as_str().unwrap_or_default();
        assert!(tells.len() > 20 && tells.ends_with('.'), "{file}: [{table}] {tells}");
    }
}

#[test]
fn an_entry_rests_on_no_product_and_no_person() {
    let free = tables().into_iter().filter(|(_, _, keys)| keys.contains_key("causes"));
    let said = |keys: &toml::Table| -> Vec<String> {
        let rows = keys.get("all").and_then(toml::Value::as_array).into_iter().flatten();
        let rows = rows.filter_map(toml::Value::as_array).flatten().filter_map(toml::Value::as_str);
        strings(keys, "any").chain(strings(keys, "words")).chain(rows).map(str::to_owned).collect()
    };
    for (file, table, keys) in free {
        for text in said(&keys) {
            let address = text.contains('@') || text.contains("contoso") || text.contains("example.com");
            assert!(!address && text.trim().len() > 1, "{file}: [{table}] rests on {text:?}");
        }
    }
}

/// Causes that no check can prove, and why.
const ONLY_SEEN_WHEN_IT_HAPPENS: &[(&str, &str)] = &[
    ("server-busy", "a load that passes within minutes"),
    ("throttled", "a budget that fills up again within minutes"),
];

#[test]
fn every_cause_is_proven_by_a_check_where_one_can() {
    let rows = || Catalogue::embedded().checks().iter().flat_map(|check| &check.file().outcome);
    for (cause, _) in causes::CAUSES {
        let proven = rows().any(|row| row.cause.as_deref() == Some(*cause));
        let alone = ONLY_SEEN_WHEN_IT_HAPPENS.iter().any(|(name, _)| name == cause);
        assert!(
            proven != alone,
            "{cause}: proven by a check: {proven}, listed as one that is only seen: {alone}"
        );
    }
}

#[test]
fn causes_that_pass_by_themselves_say_how_long_to_wait() {
    for cause in ["throttled", "server-busy", "server-error", "concurrency-limit"] {
        let known = Knowledge::embedded().cause(cause).expect("described");
        assert!(known.waits.is_some() && !known.steps.is_empty(), "{cause}");
    }
}

#[test]
fn the_examples_of_entries_lead_to_them() {
    let knowledge = Knowledge::embedded();
    let engine = Engine::new(knowledge);
    for entry in knowledge.with_examples() {
        for example in &entry.examples {
            assert_eq!(engine.complaint(&entry, example), None, "[{}] {example}", entry.code);
        }
    }
}
