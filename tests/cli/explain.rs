//! Explanations, and the examples of all checks.

use serde_json::Value;

use crate::place::{Place, assert_refused};

#[test]
fn the_examples_of_all_checks_hold() {
    let run = Place::new().run(&["checks", "test"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
}

/// The one topic that a document explains.
fn explained(topic: &[&str]) -> Value {
    let args: Vec<&str> =
        ["explain"].into_iter().chain(topic.iter().copied()).chain(["--format", "json"]).collect();
    let run = Place::new().run(&args);
    assert_eq!(run.code, 0, "{}", run.stderr);
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[test]
fn a_pasted_error_is_explained_by_its_most_telling_code() {
    let told =
        explained(&["invalid_client:", "AADSTS7000222:", "The", "provided", "keys", "are", "expired."]);
    assert_eq!(
        (&told["code"], &told["causes"][0]["cause"]),
        (&"AADSTS7000222".into(), &"app-secret-expired".into())
    );
    assert_eq!(told["others"], serde_json::json!(["invalid_client"]));
    assert!(told["fix"][0]["steps"].as_array().is_some_and(|steps| !steps.is_empty()));
}

#[test]
fn a_number_alone_is_a_code_of_the_sign_in() {
    assert_eq!(explained(&["50076"])["code"], "AADSTS50076");
}

#[test]
fn a_small_number_is_an_exit_code() {
    assert_eq!(explained(&["3"])["exit_code"], 3);
}

#[test]
fn a_cause_brings_the_repairs_of_its_checks() {
    let told = explained(&["mfa-required"]);
    let checks: Vec<&str> =
        told["checks"].as_array().into_iter().flatten().filter_map(|c| c["check"].as_str()).collect();
    assert!(checks.contains(&"mfa/per-user-mfa-is-off"), "{checks:?}");
    assert!(told["fix"].as_array().is_some_and(|fixes| fixes.len() > 1));
}

#[test]
fn an_unknown_number_is_never_forced_into_a_cause() {
    let run = Place::new().run(&["explain", "invalid_grant: AADSTS99999: something new"]);
    assert_refused(&run, &["nothing is known of", "error?code=99999"]);
}

#[test]
fn a_misspelt_code_names_the_nearest() {
    assert_refused(
        &Place::new().run(&["explain", "ErrorImpersonateUserDenid"]),
        &["`ErrorImpersonateUserDenied`"],
    );
    assert_refused(&Place::new().run(&["explain", "AADSTS50067"]), &["`AADSTS50076`"]);
}

#[test]
fn an_explanation_can_be_markdown() {
    let run = Place::new().run(&["explain", "mfa/per-user-mfa-is-off", "--format", "markdown"]);
    assert!(run.stdout.starts_with("# mfa/per-user-mfa-is-off\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\n## Why it matters\n") && run.stdout.contains("\n```\n"), "{}", run.stdout);
}
