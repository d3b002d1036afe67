//! The same in the lab's tenant: what is in the mailbox before is in it after, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use syncready::sync::{
    Access, Mailbox, Name, Outcome, Part, Plan, Result as Ended, Role, RunId, Step, Sweep, graph, why,
};
use syncready::wire::graph::Writer;
use syncready::wire::{Net, NetConfig, ProxySetting, Renewal, Secret};
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

/// Runs a test sync, after which the mailbox must be as it was before.
async fn undisturbed(trial: &Trial, plan: &Plan, about: &str) -> Outcome {
    let before = super::without_traces(trial.dump());
    let outcome = trial.run(plan).await;
    assert_eq!(super::without_traces(trial.dump()), before, "{about} {}", table(&outcome));
    outcome
}

/// The fault at each request to Graph.
fn at_each_path(fault: &Value) -> Value {
    let mut once = fault.clone();
    for (key, value) in [("path", json!("/v1.0/")), ("times", json!(1)), ("per_path", json!(true))] {
        once[key] = value;
    }
    once
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mailbox_is_as_it_was() {
    let trial = Trial::app(granted()).await;
    assert_all_ok(&undisturbed(&trial, &plan(Role::Account), "").await);
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
    let mut plan = plan(Role::Account);
    plan.access = Access::GraphDelegated;
    let outcome = undisturbed(&trial, &plan, "").await;
    for name in [Name::Open, Name::CreateFolder, Name::FeedDeleted, Name::CleanUp] {
        for subject in ["contacts", "calendar"] {
            assert_eq!(step(&outcome, name, subject).result, Ended::Ok, "{}", table(&outcome));
        }
    }
    let paths = trial.bench.lab.requests();
    assert!(paths.iter().any(|log| log.path == "/v1.0/me/contactFolders"), "{paths:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_permissions_each_step_names_what_it_takes() {
    let take = json!({ "calendars": { "permission": "Calendars.Read" } });
    let trial =
        Trial::app(json!({ "service_principals": { "product": { "x": { "app_role_assignments": take } } } }))
            .await;
    let outcome = undisturbed(&trial, &plan(Role::Account), "").await;
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
        let mut patch = granted();
        patch["faults"] = json!({ "once": at_each_path(&fault) });
        let trial = Trial::app(patch).await;
        assert_all_ok(&undisturbed(&trial, &plan(Role::Account), &fault.to_string()).await);
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
        let mut once = at_each_path(&fault);
        if !fault["after"].is_null() {
            once["per_path"] = false.into();
        }
        let trial = Trial::app(json!({ "faults": { "once": once } })).await;
        undisturbed(&trial, &plan(Role::Account), &fault.to_string()).await;
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

/// The steps of a run, each with its mailbox.
fn told(outcome: &Outcome) -> BTreeSet<(String, Name, Option<String>)> {
    let told: Vec<_> =
        outcome.steps.iter().map(|step| (step.mailbox.clone(), step.name, step.subject.clone())).collect();
    let set: BTreeSet<_> = told.iter().cloned().collect();
    assert_eq!(set.len(), told.len(), "no step twice: {}", table(outcome));
    set
}

fn planned(plan: &Plan) -> BTreeSet<(String, Name, Option<String>)> {
    plan.steps().map(|(mailbox, step)| (mailbox.address.clone(), step.name, step.subject)).collect()
}

fn everybody() -> Vec<Mailbox> {
    let mailbox = |address: &str, role, read_only: bool| Mailbox {
        address: address.to_owned(),
        role,
        read_only: read_only.then(|| "not agreed to".to_owned()),
    };
    vec![
        mailbox(ADDRESS, Role::Account, false),
        mailbox("alice@contoso.com", Role::Other, false),
        mailbox("bob@contoso.com", Role::Other, true),
        mailbox("carol@contoso.com", Role::Shared, true),
        mailbox("nobody@contoso.com", Role::Outside, true),
    ]
}

/// What a dry run shows is what a run does, whatever is asked for and in whatever role.
async fn does_what_is_planned(trial: &Trial, access: Access) {
    let mut sets: Vec<BTreeSet<Part>> = Part::ALL.into_iter().map(|part| [part].into()).collect();
    sets.extend([Part::ALL.into(), [Part::Contacts, Part::Calendar].into()]);
    for (unique, parts) in (1..).zip(sets) {
        let mut plan = Plan { parts, access, mailboxes: everybody(), ..plan(Role::Account) };
        plan.run = RunId::new(plan.run.began(), unique);
        let outcome = trial.run(&plan).await;
        assert_eq!(told(&outcome), planned(&plan), "{:?}: {}", plan.parts, table(&outcome));
        let here = plan
            .steps()
            .filter(|(_, step)| step.skipped.as_ref().is_some_and(|(code, _)| *code == why::NOT_HERE));
        for (mailbox, step) in here {
            let subject = step.subject.as_deref().unwrap_or_default();
            assert_eq!(
                (mailbox.role != Role::Outside, super::step(&outcome, step.name, subject).result),
                (true, Ended::Skipped)
            );
        }
    }
    let sweep = Plan { only_sweep: true, access, mailboxes: everybody(), ..plan(Role::Account) };
    assert_eq!(told(&trial.run(&sweep).await), planned(&sweep));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_as_an_app_does_what_is_planned() {
    does_what_is_planned(&Trial::app(granted()).await, Access::GraphApp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_as_the_signed_in_account_does_what_is_planned() {
    let grant = json!({ "client": "product", "principal": null, "resource": "graph",
        "scope": "Contacts.ReadWrite Calendars.ReadWrite User.ReadBasic.All" });
    let patch =
        json!({ "service_principals": { "product": { "x": { "oauth2_grants": { "sync": grant } } } } });
    let bench = Bench::new("online-delegated", &patch).await;
    let token = bench.user("https://graph.microsoft.com/.default").await;
    does_what_is_planned(&Trial::with(bench, &token), Access::GraphDelegated).await;
}

/// A run whose token is refused from a request in the middle on, so many times; another token is to be had,
/// or not.
async fn refused(times: Option<u32>, other: bool) -> (Outcome, usize, bool) {
    let mut fault = json!({ "path": "/v1.0/", "after": 14, "status": 401,
        "body": { "error": { "code": "InvalidAuthenticationToken", "message": "Lifetime validation failed" } } });
    if let Some(times) = times {
        fault["times"] = times.into();
    }
    let mut patch = granted();
    patch["faults"] = json!({ "refused": fault });
    let mut trial = Trial::app(patch).await;
    let (asked, token) = (Arc::new(AtomicUsize::new(0)), trial.bench.app(PRODUCT, GRAPH).await);
    let count = Arc::clone(&asked);
    trial.writer = trial.writer.renewing(Renewal::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let token = other.then(|| Secret::new(token.clone()));
        Box::pin(async move { token })
    }));
    let before = super::without_traces(trial.dump());
    let outcome = trial.run(&plan(Role::Account)).await;
    assert_eq!(told(&outcome), planned(&plan(Role::Account)));
    let clean = super::without_traces(trial.dump()) == before;
    (outcome, asked.load(Ordering::SeqCst), clean)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_the_middle_is_renewed_once_and_everything_goes_on() {
    let (outcome, asked, clean) = refused(Some(1), true).await;
    assert_all_ok(&outcome);
    assert_eq!((asked, clean, outcome.sign_in_refused), (1, true, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_for_good_leaves_a_word_of_what_it_left() {
    for other in [true, false] {
        let (outcome, asked, clean) = refused(None, other).await;
        assert_eq!((asked, clean, outcome.sign_in_refused), (1, false, true), "{}", table(&outcome));
        assert!(!outcome.left.is_empty(), "{}", table(&outcome));
        for step in
            outcome.steps.iter().filter(|step| step.name == Name::CleanUp && step.result != Ended::Skipped)
        {
            assert!(matches!(step.result, Ended::Failed | Ended::Refused), "{step:?}");
            assert!(step.text.as_deref().is_some_and(|text| text.contains("--sweep")), "{step:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_in_the_middle_ends_the_run_in_time_cleaned_up() {
    let hangs = json!({ "faults": { "hangs":
        { "path": "/v1.0/$batch", "after": 3, "times": 1, "delay_ms": 600_000 } } });
    for (patch, work, clean) in [(json!({}), 800, 5_000), (json!({}), 1_400, 5_000), (hangs, 1_600, 8_000)] {
        let mut patch = patch;
        patch["latency_ms"] = 120.into();
        let trial = Trial::app(patch).await;
        let before = super::without_traces(trial.dump());
        let began = tokio::time::Instant::now();
        let mut plan = plan(Role::Account);
        plan.work_until = began + Duration::from_millis(work);
        plan.clean_until = plan.work_until + Duration::from_millis(clean);
        let outcome = trial.run(&plan).await;
        assert!(tokio::time::Instant::now() <= plan.clean_until, "{:?}", began.elapsed());
        assert_eq!(super::without_traces(trial.dump()), before, "{work}: {}", table(&outcome));
        let late = outcome.steps.iter().filter(|step| step.code.as_deref() == Some(why::OUT_OF_TIME)).count();
        assert!(late > 0, "{}", table(&outcome));
        assert_eq!((outcome.left.len(), told(&outcome)), (0, planned(&plan)), "{}", table(&outcome));
    }
}
