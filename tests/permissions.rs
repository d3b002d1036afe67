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

#[test]
fn what_is_optional_is_missed_without_a_word_about_the_reader() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut scenario = named("healthy-app-graph");
    let grants = grants(&scenario, &runtime);
    let (key, _) = grants.iter().find(|(_, name)| *name == "ServiceHealth.Read.All").expect("granted");
    let removed =
        json!({ "service_principals": { "reader": { "x": { "app_role_assignments": { key: null } } } } });
    merge(&mut scenario.patch, removed);
    let trial =
        runtime.block_on(trial::run(&scenario, Options::default(), str::to_owned)).expect("the lab runs");
    let findings = findings(&trial);
    let health = findings["tenant/no-outage-is-reported"];
    assert_eq!((health.result, health.required), (Word::Unknown, false), "{}", health.message);
    assert_eq!(findings["reader/can-read-what-is-needed"].result, Word::Pass);
    assert_eq!(trial.report.verdict, syncready::engine::Verdict::Ready);
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

/// What `syncready permissions` says.
fn planned(args: &[&str]) -> Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(["permissions", "--format", "json"])
        .args(args)
        .current_dir(std::env::temp_dir())
        .env_remove("SYNCREADY_CONFIG")
        .output()
        .expect("the program starts");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str());
    names.map(|name| name.split(" + ").next().unwrap_or(name).to_owned()).collect()
}

/// The healthy scenario whose reader holds these permissions and no other.
fn with_reader(scenario: &Scenario, permissions: &[String]) -> Scenario {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let mut assignments = serde_json::Map::new();
    for (key, _) in grants(scenario, &runtime) {
        assignments.insert(key, Value::Null);
    }
    for (index, permission) in permissions.iter().enumerate() {
        let resource = if permission.starts_with("Exchange.") { "exchange" } else { "graph" };
        assignments.insert(
            format!("least{index}"),
            json!({ "resource": resource, "permission": permission, "created": "@now-60d" }),
        );
    }
    let mut changed = scenario.clone();
    let patch =
        json!({ "service_principals": { "reader": { "x": { "app_role_assignments": assignments } } } });
    merge(&mut changed.patch, patch);
    changed
}

fn denied(trial: &Trial) -> Vec<String> {
    let findings = trial.report.accounts[0].findings.iter();
    findings
        .filter(|finding| finding.reason.as_ref().is_some_and(|reason| reason.permission.is_some()))
        .map(|finding| format!("{}: {:?}", finding.check, finding.reason))
        .collect()
}

#[test]
fn the_least_permissions_suffice_for_every_check() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for name in ["healthy-delegated", "healthy-app-graph", "healthy-app-ews"] {
        let scenario = named(name);
        let plan = planned(&["--world", &scenario.world]);
        let reduced = with_reader(&scenario, &names(&plan["least"]));
        let run = |scenario: &Scenario| {
            runtime.block_on(trial::run(scenario, Options::default(), str::to_owned)).expect("the lab runs")
        };
        let delegated_only = names(&plan["delegated_only"]);
        let missing: Vec<String> = denied(&run(&reduced))
            .into_iter()
            .filter(|text| !delegated_only.iter().any(|only| text.contains(only.as_str())))
            .collect();
        assert!(missing.is_empty(), "{name}: {missing:#?}");
    }
}

#[test]
fn each_tier_lifts_what_it_says() {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let scenario = named("healthy-app-graph");
    let plan = planned(&["--world", &scenario.world]);
    let mut lifted: Vec<String> = Vec::new();
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        list.map(|text| text.split(" + ").next().unwrap_or(text).to_owned()).collect()
    };
    lifted.extend(texts(&plan["without_reader"]));
    for tier in plan["tiers"].as_array().expect("tiers") {
        lifted.extend(texts(&tier["lifts"]));
        let reduced = with_reader(&scenario, &texts(&tier["least"]));
        let trial =
            runtime.block_on(trial::run(&reduced, Options::default(), str::to_owned)).expect("the lab runs");
        for text in denied(&trial) {
            let id = text.split(':').next().unwrap_or_default();
            assert!(!lifted.iter().any(|lifted| lifted == id), "tier {}: {text}", tier["title"]);
        }
    }
}

#[test]
fn fewer_checks_need_fewer_permissions() {
    let (all, few) = (planned(&[]), planned(&["--only", "license/plan-meets-the-vendor"]));
    assert!(names(&few["least"]).len() < names(&all["least"]).len());
    assert!(names(&few["least"]).iter().all(|name| !name.starts_with("Directory.")), "{few:#}");
}
