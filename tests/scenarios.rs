//! Every scenario of the lab, through the program as a user runs it, and once more from the saved facts.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;
use syncready::lab::{Scenario, scenarios};

fn syncready(arguments: &[&str], state: &Path) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(arguments)
        .env("XDG_STATE_HOME", state)
        .env_remove("SYNCREADY_CONFIG")
        .current_dir(state)
        .output()
        .expect("the program starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// What is wrong with a scenario, a line each.
fn examine(scenario: &Scenario) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let facts = folder.path().join("facts.json");
    let facts = facts.to_str().expect("temporary paths are text");
    let name = scenario.name.as_str();
    let live = ["check", "--demo", name, "--format", "json", "--save-facts", facts];
    let (code, report, errors) = syncready(&live, folder.path());
    let Ok(parsed) = serde_json::from_str::<Value>(&report) else {
        return vec![format!("no report (exit {code:?}): {errors}")];
    };
    let mut complaints = compare(scenario, &parsed, code);
    let (again, replayed, _) = syncready(&["check", "--from", facts, "--format", "json"], folder.path());
    if again != code || replayed != report {
        complaints.push(format!("judged again from saved facts it says something else (exit {again:?})"));
    }
    complaints
}

fn compare(scenario: &Scenario, report: &Value, code: Option<i32>) -> Vec<String> {
    let mut complaints = Vec::new();
    let verdict = report["verdict"].as_str().unwrap_or_default();
    if verdict != scenario.verdict {
        complaints.push(format!("verdict {verdict}, expected {}", scenario.verdict));
    }
    let wanted = match scenario.verdict.as_str() {
        "ready" => 0,
        "not-ready" => 1,
        _ => 3,
    };
    if code != Some(wanted) {
        complaints.push(format!("exit code {code:?}, expected {wanted}"));
    }
    let findings = report["accounts"][0]["findings"].as_array().cloned().unwrap_or_default();
    for expect in &scenario.expect {
        let finding = findings.iter().find(|finding| finding["check"] == expect.check.as_str());
        let result = finding.map_or("nothing", |finding| finding["result"].as_str().unwrap_or_default());
        let cause = finding.and_then(|finding| finding["cause"].as_str());
        if result != expect.result || expect.cause.is_some() && cause != expect.cause.as_deref() {
            let message = finding.map_or("", |finding| finding["message"].as_str().unwrap_or_default());
            complaints.push(format!(
                "{}: {result} {cause:?}, expected {} {:?}: {message}",
                expect.check, expect.result, expect.cause
            ));
        }
    }
    let expected: BTreeSet<&str> =
        scenario.expect.iter().filter(|e| e.result == "fail").map(|e| e.check.as_str()).collect();
    for finding in findings.iter().filter(|finding| finding["result"] == "fail") {
        let check = finding["check"].as_str().unwrap_or_default();
        if !expected.contains(check) {
            complaints.push(format!("{check} fails too: {}", finding["message"]));
        }
    }
    complaints
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let all = scenarios();
    let only = std::env::var("SCENARIO").unwrap_or_default();
    let queue = Mutex::new(all.iter().filter(|scenario| scenario.name.contains(&only)).collect::<Vec<_>>());
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(scenario) = { queue.lock().expect("no panics").pop() } {
                    let found = examine(scenario);
                    let named = found.into_iter().map(|text| format!("{}: {text}", scenario.name));
                    complaints.lock().expect("no panics").extend(named);
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().expect("no panics");
    complaints.sort();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_catalogue_world_has_a_healthy_scenario() {
    let healthy: BTreeSet<String> =
        scenarios().into_iter().filter(|s| s.name.starts_with("healthy-")).map(|s| s.world).collect();
    let worlds = ["exchange-server", "online-delegated", "online-ews-app", "online-graph-app"];
    assert_eq!(healthy.iter().map(String::as_str).collect::<Vec<_>>(), worlds);
}
