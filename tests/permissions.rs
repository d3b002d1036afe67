//! A reader without one of its permissions: what rests on it becomes unknown and names what would lift it;
//! nothing fails because of it, and nothing that failed or warned before turns into a pass.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use syncready::cli::trial::{self, Trial};
use syncready::engine::{Finding, Word};
use syncready::lab::{self, Options, Scenario};

fn named(name: &str) -> Scenario {
    lab::scenarios().into_iter().find(|scenario| scenario.name == name).expect("an embedded scenario")
}

/// The grants of the healthy reader: key in the world document → permission.
fn grants(scenario: &Scenario, runtime: &tokio::runtime::Runtime) -> BTreeMap<String, String> {
    let lab = runtime.block_on(lab::Lab::start(scenario, Options::default())).expect("the lab starts");
    let grants = lab.world().entries("/service_principals/reader/x/app_role_assignments");
    grants
        .map(|(key, grant)| (key.to_owned(), grant["permission"].as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn findings(trial: &Trial) -> BTreeMap<&str, &Finding> {
    trial.report.accounts[0].findings.iter().map(|finding| (finding.check.as_str(), finding)).collect()
}

fn complaints(healthy: &Trial, without: &Trial, permission: &str) -> Vec<String> {
    let before = findings(healthy);
    let mut complaints = Vec::new();
    for (id, finding) in findings(without) {
        let was = before.get(id).map_or(Word::NotApplicable, |finding| finding.result);
        let about_the_reader = id.starts_with("reader/");
        match finding.result {
            Word::Fail => complaints.push(format!("{id} fails: {}", finding.message)),
            Word::Pass if was == Word::Warn => {
                complaints.push(format!("{id} passes now: {}", finding.message));
            }
            Word::Warn if was == Word::Pass && !about_the_reader => {
                complaints.push(format!("{id} warns now: {}", finding.message));
            }
            Word::Unknown
                if was != Word::Unknown && finding.reason.as_ref().is_none_or(|r| r.permission.is_none()) =>
            {
                complaints.push(format!("{id} names no permission that would lift it: {}", finding.message));
            }
            _ => {}
        }
    }
    complaints.into_iter().map(|text| format!("without {permission}: {text}")).collect()
}

#[test]
fn a_missing_permission_is_never_a_failure() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut all = Vec::new();
    for name in ["healthy-delegated", "healthy-app-graph", "healthy-app-ews"] {
        let scenario = named(name);
        let run = |scenario: &Scenario| {
            runtime.block_on(trial::run(scenario, Options::default(), str::to_owned)).expect("the lab runs")
        };
        let healthy = run(&scenario);
        for (key, permission) in grants(&scenario, &runtime) {
            let mut scenario = scenario.clone();
            let removed = json!({ "service_principals": { "reader": { "x": { "app_role_assignments": { key: null } } } } });
            merge(&mut scenario.patch, removed);
            all.extend(
                complaints(&healthy, &run(&scenario), &permission)
                    .into_iter()
                    .map(|text| format!("{name}, {text}")),
            );
        }
    }
    assert!(all.is_empty(), "\n{}", all.join("\n"));
}

fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}
