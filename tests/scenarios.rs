//! Every scenario on its own lab, by the route that users take: it comes out as its file says, saved facts
//! are judged alike, no secret is told, and nothing is asked twice.
//!
//! `SCENARIO=mfa cargo test --test scenarios` runs those with "mfa" in their names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use futures_util::{StreamExt, stream};
use syncready::{
    cli::trial::{self, Trial},
    engine::{Finding, Word},
    facts::Document,
    lab::{self, Options, Scenario},
    report::{self, Style},
};

/// Labs at the same time: few enough that a slow machine does not look like a slow network.
const AT_ONCE: usize = 4;

static TRIALS: LazyLock<Vec<(Scenario, Result<Trial, String>)>> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let one = |scenario: Scenario| async move {
        let trial = trial::run(&scenario, Options::default(), str::to_owned).await;
        (scenario, trial)
    };
    let part = std::env::var("SCENARIO").unwrap_or_default();
    let scenarios = lab::scenarios().into_iter().filter(|scenario| scenario.name.contains(&part));
    runtime.block_on(stream::iter(scenarios).map(one).buffered(AT_ONCE).collect())
});

fn complain(about: impl Fn(&Scenario, &Trial) -> Vec<String>) {
    let mut complaints = Vec::new();
    for (scenario, trial) in TRIALS.iter() {
        let found = match trial {
            Ok(trial) => about(scenario, trial),
            Err(error) => vec![error.clone()],
        };
        complaints.extend(found.into_iter().map(|text| format!("{}: {text}", scenario.name)));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The word of a result, verdict and the like, as documents spell it.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn unlike(findings: &[Finding], expect: &lab::Expect) -> Option<String> {
    let Some(finding) = findings.iter().find(|finding| finding.check == expect.check) else {
        return Some(format!("{} is not in the report", expect.check));
    };
    let result = word(finding.result);
    let alike = result == expect.result && (expect.cause.is_none() || finding.cause == expect.cause);
    let (got, wanted) =
        (finding.cause.as_deref().unwrap_or("none"), expect.cause.as_deref().unwrap_or("none"));
    let (check, message) = (&expect.check, &finding.message);
    (!alike).then(|| format!("{check}: {result} ({got}), expected {} ({wanted}): {message}", expect.result))
}

/// What a scenario expects of an account.
fn of_account<'s>(scenario: &'s Scenario, address: &str) -> Vec<&'s lab::Expect> {
    let about = |expect: &&lab::Expect| expect.account.as_deref().unwrap_or(&scenario.account) == address;
    scenario.expect.iter().filter(about).collect()
}

#[test]
fn every_scenario_comes_out_as_its_file_says() {
    complain(|scenario, trial| {
        let mut complaints = Vec::new();
        let verdict = word(trial.report.verdict);
        if verdict != scenario.verdict {
            complaints.push(format!("verdict {verdict}, expected {}", scenario.verdict));
        }
        for account in &trial.report.accounts {
            let findings = &account.findings;
            let expected = of_account(scenario, &account.account);
            complaints.extend(expected.iter().filter_map(|expect| unlike(findings, expect)));
            let failing = expected.iter().filter(|expect| expect.result == "fail");
            let failing: BTreeSet<&str> = failing.map(|expect| expect.check.as_str()).collect();
            let others =
                findings.iter().filter(|f| f.result == Word::Fail && !failing.contains(f.check.as_str()));
            complaints.extend(others.map(|f| format!("{} fails too: {}", f.check, f.message)));
        }
        complaints
    });
}

#[test]
fn the_expected_failure_is_the_first_cause() {
    complain(|scenario, trial| {
        let mut complaints = Vec::new();
        for account in &trial.report.accounts {
            let first = account.first_causes.first().map(|cause| cause.check.as_str());
            let expected = of_account(scenario, &account.account);
            let expected = expected.iter().find(|expect| expect.result == "fail");
            let expected = expected.map(|expect| expect.check.as_str());
            if first != expected {
                complaints.push(format!("{}: first is {first:?}, expected {expected:?}", account.account));
            }
        }
        complaints
    });
}

#[test]
fn saved_facts_are_judged_alike() {
    complain(|_, trial| {
        let saved = serde_json::to_string(&trial.document).expect("documents serialize");
        let again = Document::parse(&saved).expect("saved facts read back");
        match trial::replay(&again) {
            Ok(report) if report == trial.report => Vec::new(),
            Ok(_) => vec!["the replayed report differs".to_owned()],
            Err(error) => vec![error],
        }
    });
}

#[test]
fn every_world_has_a_healthy_scenario() {
    let healthy = lab::scenarios().into_iter().filter(|scenario| scenario.name.starts_with("healthy-"));
    let worlds: BTreeSet<String> = healthy.map(|scenario| scenario.world).collect();
    let expected = ["exchange-server", "online-delegated", "online-ews-app", "online-graph-app"];
    assert_eq!(worlds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// The configuration of a lab without its accounts, reader and tenant: the way there, and one address.
fn from_outside(config: &str) -> String {
    let mut tables: toml::Table = config.parse().expect("the lab writes TOML");
    tables.retain(|key, _| key == "network");
    format!("[[account]]\naddress = \"svc-sync@contoso.com\"\n\n{tables}")
}

#[test]
fn an_exchange_server_seen_from_outside_is_judged_as_one() {
    let scenario = lab::scenarios().into_iter().find(|scenario| scenario.name == "healthy-on-premises");
    let scenario = scenario.expect("an embedded scenario");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let trial =
        runtime.block_on(trial::run(&scenario, Options::default(), from_outside)).expect("the lab runs");
    let account = &trial.report.accounts[0];
    assert_eq!((account.world.as_str(), account.profile.as_str()), ("exchange-server", "generic-ews"));
    assert_eq!(account.first_causes, []);
    let passed = |id: &str| account.findings.iter().any(|f| f.check == id && f.result == Word::Pass);
    assert!(passed("discovery/autodiscover-leads-to-the-mailbox"), "{:#?}", account.findings);
    assert!(passed("discovery/ews-endpoint-answers"), "{:#?}", account.findings);
}

#[test]
fn no_secret_is_told() {
    complain(|_, trial| {
        let facts = serde_json::to_string(&trial.document).expect("documents serialize");
        let json = report::json::render(&trial.report);
        let table = report::table::render(&trial.report, &Style::default());
        let mut complaints = Vec::new();
        for (name, text) in [("facts", &facts), ("JSON", &json), ("table", &table)] {
            if trial.secrets.iter().any(|secret| text.contains(secret.as_str())) {
                complaints.push(format!("a secret stands in the {name}"));
            }
            // Every signed token begins like this.
            if text.contains("eyJ") {
                complaints.push(format!("a token stands in the {name}"));
            }
        }
        complaints
    });
}

#[test]
fn nothing_is_asked_twice() {
    complain(|scenario, trial| {
        // A server that pushes back is asked again, as it wants.
        if !scenario.patch["faults"].is_null() {
            return Vec::new();
        }
        // A search after something was tried in a mailbox is another question than the one before it.
        let tried = |path: &str| {
            scenario.sync.is_some() && (path.contains("/contactFolders") || path.contains("/calendars"))
        };
        let twice = trial.requests.iter().filter(|request| request.count > request.distinct);
        twice
            .filter(|request| !tried(&request.path))
            .filter(|request| request.method == "GET" && !request.path.contains("InvokeCommand"))
            .map(|request| format!("{} {}{} × {}", request.method, request.host, request.path, request.count))
            .collect()
    });
}
