//! Fleets: reports and facts as JSON Lines, each line complete in itself.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

fn check(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
    command.arg("check").args(args).current_dir(folder).env_remove("SYNCREADY_CONFIG");
    let output = command.output().expect("the program starts");
    (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn facts_in_lines_are_judged_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = ["--demo", "secret-expired", "--save-facts", "one.jsonl", "--format", "jsonl"];
    let (code, report) = check(folder.path(), &args);
    assert_eq!(code, Some(1));
    let facts = fs::read_to_string(folder.path().join("one.jsonl")).expect("saved");
    assert_eq!(facts.lines().count(), 2, "a run and an account");
    fs::write(folder.path().join("many.jsonl"), facts.repeat(3)).expect("written");
    let judged = check(folder.path(), &["--from", "many.jsonl", "--format", "jsonl"]);
    assert_eq!(judged, (Some(1), report.repeat(3)));
}

#[test]
fn each_line_of_a_report_stands_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, report) = check(folder.path(), &["--demo", "secret-expired", "--format", "jsonl"]);
    let line: Value = serde_json::from_str(report.trim_end()).expect("one line of JSON");
    assert_eq!((&line["format"], &line["account"]), (&Value::from(1), &Value::from("svc-sync@contoso.com")));
    let findings = line["findings"].as_array().expect("findings").iter();
    let named = findings.flat_map(|finding| finding["evidence"].as_array().expect("a list"));
    for id in named {
        assert!(line["evidence"].get(id.as_str().expect("an id")).is_some(), "{id} is not in the line");
    }
}
