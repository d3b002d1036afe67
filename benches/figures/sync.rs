//! The test sync of an account against itself: its requests, and how near its wall time comes to the
//! longest chain of answers of which every one needs the one before.
//!
//! Both folders are worked on at the same time, and in each what needs no other answer goes on at the same
//! time, so that one folder's chain is the chain of the whole. It was read off the machines:
//! the quota decides whether anything may be written, so that it comes before the first folder; a feed must
//! have a beginning before something is made, must have shown what was made before that is changed, and
//! the change before it is deleted; a folder is removed only when it was seen that it holds nothing foreign.

use std::{collections::BTreeSet, time::Duration};

use syncready::{
    lab::{self, Lab, Options},
    sync::{self, Access, Mailbox, Part, Plan, Result, Role, RunId, Sweep},
    wire::{
        ews::{self, Credential},
        graph::Writer,
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{client, show, sum};

const ADDED: u64 = 50;

const EWS: &[&str] = &[
    "open the mailbox",
    "leftovers, and how full the mailbox is",
    "make a folder",
    "beginning of the feed",
    "make an item",
    "first page of what was made, items read back",
    "second page of what was made",
    "change the item",
    "the feed shows the change, a change with the old key is refused",
    "the refused change is not there",
    "delete the item",
    "the feed shows the deletion",
    "what the folder holds",
    "delete the folder",
    "nothing of the run is left",
];

const GRAPH: &[&str] = &[
    "open the mailbox",
    "leftovers among the folders",
    "leftovers in the folders",
    "make a folder",
    "beginning of the feed",
    "make the items",
    "first page of what was made, items read back",
    "second page of what was made",
    "change the item",
    "the feed shows the change, a change with the old key is refused",
    "delete the item",
    "the feed shows the deletion",
    "what the folder holds",
    "delete the folder",
    "nothing of the run is left",
];

/// Requests and wall time in both protocols.
pub fn sync() {
    for (name, scenario, chain) in [("EWS", "healthy-app-ews", EWS), ("Graph", "healthy-app-graph", GRAPH)] {
        let runs = |latency_ms: u64| (0..3).map(|_| run(scenario, latency_ms)).min_by_key(|run| run.1);
        let (requests, took) = runs(0).unwrap_or_default();
        show(&format!("test sync by {name}: {requests} requests, no latency"), &crate::millis(took), "");
        let took = runs(ADDED).unwrap_or_default().1.as_millis();
        let waits = u128::from(ADDED) * chain.len() as u128;
        #[expect(clippy::cast_precision_loss, reason = "some thousand milliseconds")]
        let ratio = took as f64 / waits as f64;
        let what =
            format!("test sync by {name}, +{ADDED} ms an answer: {took} / {} × {ADDED} ms", chain.len());
        show(&what, &format!("{ratio:.2}"), "1.25");
    }
}

/// One run against a lab of its own: requests of the machine, and its time, sign-in left out.
fn run(scenario: &str, latency_ms: u64) -> (usize, Duration) {
    let scenario = lab::scenario(scenario).expect("the healthy scenarios are always there");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(async {
        let lab = Lab::start(&scenario, Options { latency_ms }).await.expect("the lab starts");
        let host = if scenario.world == "online-ews-app" { client::OUTLOOK } else { client::GRAPH };
        let net = client::of_lab(&lab);
        let secret = std::fs::read_to_string(lab.folder().join("app-secret")).expect("a secret");
        let app = lab.world().text("/service_principals/product/appId").unwrap_or_default().to_owned();
        let token = client::token(&net, &app, &secret, host).await;
        let before = sum(&lab.requests());
        let (plan, stop) = (plan(&scenario.account, host == client::GRAPH), CancellationToken::new());
        let started = Instant::now();
        let outcome = if host == client::GRAPH {
            let base = "https://graph.microsoft.com".parse().expect("a URL");
            sync::graph::run(&Writer::new(net, base, token), &plan, &stop, |_| {}).await
        } else {
            let url = "https://outlook.office365.com/EWS/Exchange.asmx".parse().expect("a URL");
            let client = ews::Client::new(net, url, &Credential::Bearer(token)).expect("https");
            sync::ews::run(&client, &plan, &stop, |_| {}).await
        };
        let took = started.elapsed();
        let bad = outcome.steps.iter().find(|step| {
            matches!(step.result, Result::Differs | Result::Failed | Result::Throttled | Result::Refused)
        });
        assert!(bad.is_none() && outcome.left.is_empty(), "{bad:?}");
        (sum(&lab.requests()) - before, took)
    })
}

fn plan(account: &str, graph: bool) -> Plan {
    let now = Instant::now();
    let mailbox = Mailbox { address: account.to_owned(), role: Role::Account, read_only: None };
    let parts = [Part::Contacts, Part::Calendar, Part::Notifications, Part::Availability];
    Plan {
        run: RunId::new(jiff::Timestamp::now(), 7),
        access: if graph { Access::GraphApp } else { Access::Impersonation },
        mailboxes: vec![mailbox],
        parts: BTreeSet::from(parts),
        public_folders: Vec::new(),
        sweep: Sweep::Old,
        only_sweep: false,
        work_until: now + Duration::from_mins(1),
        clean_until: now + Duration::from_mins(2),
    }
}
