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
    assert!(sign_in >= 220 && exchange >= 130, "{sign_in} of the sign-in, {exchange} of Exchange");
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
