//! What goes to standard output and to files, and how it looks.

use std::fs;

use serde_json::Value;

use crate::place::{Place, finish};

#[test]
fn help_goes_to_standard_output_with_examples() {
    for subcommand in ["check", "explain", "lab"] {
        let run = Place::new().run(&[subcommand, "--help"]);
        assert!(run.code == 0 && run.stdout.contains("Examples:"), "{subcommand}");
    }
}

#[test]
fn a_piped_report_has_no_color() {
    let run = Place::new().run(&["check", "--demo"]);
    assert!(!run.stdout.contains('\x1b') && !run.stderr.contains('\x1b'));
}

#[test]
fn color_can_be_forced() {
    let run = Place::new().run(&["check", "--demo", "--color", "always"]);
    assert!(run.stdout.contains('\x1b'));
}

#[test]
fn ascii_is_ascii() {
    let run = Place::new().run(&["check", "--demo", "policy-asks-for-mfa", "--ascii"]);
    assert!(run.stdout.is_ascii());
}

#[test]
fn a_narrow_terminal_is_respected() {
    let place = Place::new();
    let run = finish(place.command(&["check", "--demo"]).env("COLUMNS", "50"));
    let wide = run.stdout.lines().find(|line| line.chars().count() > 50);
    assert_eq!(wide, None);
}

#[test]
fn json_is_exactly_one_document() {
    let run = Place::new().run(&["check", "--demo", "policy-asks-for-mfa", "--format", "json"]);
    let mut documents = serde_json::Deserializer::from_str(&run.stdout).into_iter::<Value>();
    assert!(documents.next().is_some_and(|first| first.is_ok()) && documents.next().is_none());
    assert_eq!(run.stderr, "");
}

#[test]
fn the_list_of_scenarios_keeps_its_contract() {
    let run = Place::new().run(&["check", "--demo", "list", "--format", "json"]);
    let list: Value = serde_json::from_str(&run.stdout).expect("one document");
    let scenarios = list["scenarios"].as_array().expect("a list");
    let complete = |scenario: &Value| {
        ["name", "world", "description", "verdict"].iter().all(|key| scenario[key].is_string())
            && scenario["expect"].is_array()
    };
    assert!(list["format"] == 1 && scenarios.iter().all(complete));
}

#[test]
fn every_format_ends_with_the_same_code() {
    let place = Place::new();
    let code = |format| place.run(&["check", "--demo", "policy-asks-for-mfa", "--format", format]).code;
    assert_eq!(["table", "short", "json"].map(code), [1, 1, 1]);
}

#[test]
fn the_report_can_go_to_a_file() {
    let place = Place::new();
    let run = place.run(&["check", "--demo", "-o", "report.txt"]);
    let report = fs::read_to_string(place.path().join("report.txt")).expect("written");
    assert!(run.stdout.is_empty() && report.starts_with("svc-sync@contoso.com"));
}

#[test]
fn a_usage_error_leaves_the_old_output_alone() {
    let place = Place::new();
    let old = place.write("report.txt", "old");
    place.run(&["check", "svc@", "-o", "report.txt"]);
    assert_eq!(fs::read_to_string(old).expect("there"), "old");
}

#[test]
fn saved_facts_judge_to_the_same_bytes() {
    let place = Place::new();
    let live = place.run(&[
        "check",
        "--demo",
        "policy-asks-for-mfa",
        "--save-facts",
        "facts.json",
        "--format",
        "json",
    ]);
    let replayed = place.run(&["check", "--from", "facts.json", "--format", "json"]);
    assert_eq!((live.code, live.stdout), (replayed.code, replayed.stdout));
}

#[test]
fn facts_can_come_from_standard_input() {
    let place = Place::new();
    place.run(&["check", "--demo", "--save-facts", "facts.json"]);
    let facts = fs::File::open(place.path().join("facts.json")).expect("saved");
    let run = finish(place.command(&["check", "--from", "-", "--format", "json"]).stdin(facts));
    assert!(serde_json::from_str::<Value>(&run.stdout).is_ok(), "{}", run.stderr);
}

#[test]
fn an_outage_is_named_beside_the_first_cause_and_not_where_it_explains_nothing() {
    let report = |scenario| -> Value {
        let run = Place::new().run(&["check", "--demo", scenario, "--format", "json"]);
        serde_json::from_str(&run.stdout).expect("JSON")
    };
    let outage = &report("outage-at-microsoft")["accounts"][0]["first_causes"][0];
    assert_eq!((&outage["cause"], &outage["outage"]["ids"][0]), (&"server-error".into(), &"EX123456".into()));
    let ticket = outage["ticket"].as_str().unwrap_or_default();
    assert!(ticket.contains("Microsoft reports EX123456 (Exchange Online) since"), "{ticket}");
    assert!(report("policy-asks-for-mfa")["accounts"][0]["first_causes"][0]["outage"].is_null());
}

#[test]
fn a_configuration_in_the_environment_does_not_forbid_the_demo() {
    let place = Place::new();
    place.write("other.toml", "");
    let run = finish(place.command(&["check", "--demo", "list"]).env("SYNCREADY_CONFIG", "other.toml"));
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn waivers_hold_for_replayed_facts_too() {
    let place = Place::new();
    place.run(&["check", "--demo", "policy-asks-for-mfa", "--save-facts", "facts.json"]);
    let waiver = "[[waiver]]\ncheck = \"mfa/no-policy-asks-for-a-factor\"\nreason = \"on purpose\"\n";
    place.write("waivers.toml", waiver);
    let run = place.run(&["check", "--from", "facts.json", "--config", "waivers.toml", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.stdout).expect("one document");
    assert_eq!(report["accounts"][0]["counts"]["waived"], 1);
}

#[test]
fn no_lab_is_left_behind() {
    let place = Place::new();
    let temp = place.path().join("tmp");
    fs::create_dir(&temp).expect("made");
    finish(place.command(&["check", "--demo"]).env("TMPDIR", &temp));
    assert_eq!(fs::read_dir(&temp).expect("there").count(), 0);
}
