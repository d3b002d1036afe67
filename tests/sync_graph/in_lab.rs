//! The same in the lab's tenant: what is in the mailbox before is in it after, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use syncready::sync::{
    Access, Mailbox, Name, Outcome, Plan, Result as Ended, Role, RunId, Step, Sweep, graph, why,
};
use syncready::wire::graph::Writer;
use syncready::wire::{Net, NetConfig, ProxySetting, Secret};
use tokio_util::sync::CancellationToken;

use super::support::{Bench, GRAPH, PRODUCT};
use super::{plan, step, table};

const ADDRESS: &str = "svc-sync@contoso.com";

/// What the product may do besides contacts and calendars.
fn granted() -> Value {
    let grants = json!({ "users": { "resource": "graph", "permission": "User.ReadBasic.All" },
                         "org": { "resource": "graph", "permission": "OrgContact.Read.All" } });
    json!({ "service_principals": { "product": { "x": { "app_role_assignments": grants } } } })
}

struct Trial {
    bench: Bench,
    writer: Writer,
}

impl Trial {
    async fn app(patch: Value) -> Self {
        let bench = Bench::new("online-graph-app", &patch).await;
        let token = bench.app(PRODUCT, GRAPH).await;
        Self::with(bench, &token)
    }

    fn with(bench: Bench, token: &str) -> Self {
        let connect_to = bench.lab.connect_to().iter().filter_map(|(from, to)| {
            let (host, port) = from.rsplit_once(':')?;
            Some(((host.to_owned(), port.parse().ok()?), *to))
        });
        let config = NetConfig {
            ca_file: Some(bench.lab.folder().join("ca.pem")),
            connect_to: connect_to.collect(),
            proxy: ProxySetting::Direct,
            ..NetConfig::default()
        };
        let base = format!("https://{GRAPH}/").parse().unwrap();
        let writer = Writer::new(Net::new(config).unwrap(), base, Secret::new(token));
        Self { bench, writer }
    }

    async fn run(&self, plan: &Plan) -> Outcome {
        graph::run(&self.writer, plan, &CancellationToken::new(), |_| {}).await
    }

    fn dump(&self) -> Value {
        self.bench.lab.dump(ADDRESS)
    }

    fn requests(&self) -> usize {
        self.bench.lab.requests().iter().filter(|log| log.host == GRAPH).map(|log| log.count).sum()
    }
}

fn assert_all_ok(outcome: &Outcome) {
    for (name, subject) in super::DONE {
        let step = step(outcome, name, subject);
        assert_eq!(step.result, Ended::Ok, "{}", table(outcome));
    }
    assert_eq!(outcome.left, [], "{}", table(outcome));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_is_as_it_was() {
    let trial = Trial::app(granted()).await;
    let before = trial.dump();
    let outcome = trial.run(&plan(Role::Account)).await;
    assert_all_ok(&outcome);
    assert_eq!(super::without_traces(trial.dump()), super::without_traces(before));
    let log = trial.bench.lab.throttling();
    assert!(log.most_at_once <= 4, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_itself_does_it_by_delegated_permissions() {
    let grants = ["Contacts.ReadWrite", "Calendars.ReadWrite", "User.ReadBasic.All"];
    let grant =
        json!({ "client": "product", "principal": null, "resource": "graph", "scope": grants.join(" ") });
    let patch =
        json!({ "service_principals": { "product": { "x": { "oauth2_grants": { "sync": grant } } } } });
    let bench = Bench::new("online-delegated", &patch).await;
    let token = bench.user("https://graph.microsoft.com/.default").await;
    let trial = Trial::with(bench, &token);
    let before = trial.dump();
    let mut plan = plan(Role::Account);
    plan.access = Access::GraphDelegated;
    let outcome = trial.run(&plan).await;
    for name in [Name::Open, Name::CreateFolder, Name::FeedDeleted, Name::CleanUp] {
        for subject in ["contacts", "calendar"] {
            assert_eq!(step(&outcome, name, subject).result, Ended::Ok, "{}", table(&outcome));
        }
    }
    let paths = trial.bench.lab.requests();
    assert!(paths.iter().any(|log| log.path == "/v1.0/me/contactFolders"), "{paths:#?}");
    assert_eq!(super::without_traces(trial.dump()), super::without_traces(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_permissions_each_step_names_what_it_takes() {
    let take = json!({ "calendars": { "permission": "Calendars.Read" } });
    let trial =
        Trial::app(json!({ "service_principals": { "product": { "x": { "app_role_assignments": take } } } }))
            .await;
    let before = trial.dump();
    let outcome = trial.run(&plan(Role::Account)).await;
    let create = step(&outcome, Name::CreateFolder, "calendar");
    assert_eq!((create.result, create.status), (Ended::Refused, Some(403)), "{}", table(&outcome));
    assert!(
        create.text.as_deref().unwrap().ends_with("the application permission Calendars.ReadWrite"),
        "{create:?}"
    );
    assert_eq!(step(&outcome, Name::FeedStart, "calendar").result, Ended::Ok, "{}", table(&outcome));
    let users = step(&outcome, Name::AddressList, "");
    assert_eq!((users.result, users.code.as_deref()), (Ended::Skipped, Some(why::NO_RIGHT)), "{users:?}");
    assert!(users.text.as_deref().unwrap().ends_with("User.ReadBasic.All"), "{users:?}");
    assert_eq!(step(&outcome, Name::FeedDeleted, "contacts").result, Ended::Ok, "{}", table(&outcome));
    assert_eq!(super::without_traces(trial.dump()), super::without_traces(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_every_request_fails_once_the_result_is_the_same() {
    let error = |code: &str| json!({ "error": { "code": code, "message": "a fault" } });
    let faults = [
        json!({ "status": 429, "headers": { "Retry-After": "0" }, "body": error("ApplicationThrottled") }),
        json!({ "status": 503, "body": error("serviceNotAvailable") }),
        json!({ "kind": "lost" }),
        json!({ "kind": "lost", "status": 504, "body": error("timeout") }),
    ];
    for fault in faults {
        let mut once = fault.clone();
        for (key, value) in [("path", json!("/v1.0/")), ("times", json!(1)), ("per_path", json!(true))] {
            once[key] = value;
        }
        let mut patch = granted();
        patch["faults"] = json!({ "once": once });
        let trial = Trial::app(patch).await;
        let before = trial.dump();
        let outcome = trial.run(&plan(Role::Account)).await;
        assert_eq!(
            super::without_traces(trial.dump()),
            super::without_traces(before),
            "{fault} {}",
            table(&outcome)
        );
        assert_all_ok(&outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_documented_leaves_nothing_either() {
    let gone = json!({ "error": { "code": "SyncStateNotFound", "message": "start over" } });
    let conflict = json!({ "error": { "code": "ErrorIrresolvableConflict", "message": "a conflict" } });
    let faults = [
        json!({ "kind": "wrong-type" }),
        json!({ "kind": "garbage" }),
        json!({ "status": 412, "body": conflict }),
        json!({ "status": 410, "body": gone }),
        json!({ "status": 401, "body": { "error": { "code": "InvalidAuthenticationToken", "message": "no" } }, "after": 7 }),
    ];
    for fault in faults {
        let mut once = fault.clone();
        for (key, value) in [("path", json!("/v1.0/")), ("times", json!(1))] {
            once[key] = value;
        }
        if fault["after"].is_null() {
            once["per_path"] = true.into();
        }
        let trial = Trial::app(json!({ "faults": { "once": once } })).await;
        let before = trial.dump();
        let outcome = trial.run(&plan(Role::Account)).await;
        assert_eq!(
            super::without_traces(trial.dump()),
            super::without_traces(before),
            "{fault} {}",
            table(&outcome)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_request_the_next_run_ends_with_the_same_mailbox() {
    let trial = Arc::new(Trial::app(json!({ "latency_ms": 4 })).await);
    let before = super::without_traces(trial.dump());
    let started = trial.requests();
    trial.run(&plan(Role::Account)).await;
    let count = trial.requests() - started;
    let mut swept = 0;
    for at in 1..=count {
        let (dying, from) = (trial.clone(), trial.requests());
        let first = tokio::spawn(async move { dying.run(&plan(Role::Account)).await });
        while trial.requests() < from + at && !first.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.abort();
        let _ = first.await;
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mut next = plan(Role::Account);
        next.run = RunId::new("2026-11-22T08:01:00Z".parse().unwrap(), 7);
        (next.sweep, next.only_sweep) = (Sweep::All, true);
        let outcome = trial.run(&next).await;
        swept += outcome.leftovers.iter().filter(|leftover| leftover.removed).count();
        assert_eq!(
            super::without_traces(trial.dump()),
            before,
            "killed at {at} of {count}\n{}",
            table(&outcome)
        );
    }
    assert!(swept > count, "most deaths leave two folders: {swept} of {count}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_others_write_to_is_told_apart() {
    let trial = Trial::app(json!({})).await;
    let mut plan = plan(Role::Account);
    let other = |address: &str, role| Mailbox { address: address.into(), role, read_only: None };
    plan.mailboxes.push(other("nobody@contoso.com", Role::Outside));
    plan.mailboxes.push(other("alice@contoso.com", Role::Shared));
    let outcome = trial.run(&plan).await;
    let opened = |address: &str| -> Vec<&Step> {
        outcome.steps.iter().filter(|step| step.mailbox == address && step.name == Name::Open).collect()
    };
    let outside = opened("nobody@contoso.com");
    assert_eq!((outside.len(), outside[0].result), (1, Ended::Refused), "{}", table(&outcome));
    assert_eq!(opened("alice@contoso.com").len(), 2, "{}", table(&outcome));
}
