//! The test sync by Graph in the lab: it passes in a healthy world and leaves the mailbox as it was.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};
use syncready::lab::Lab;
use syncready::sync::{Access, Mailbox, Part, Plan, Result as Ended, Role, RunId, Step, Sweep, graph};
use syncready::wire::graph::Writer;
use syncready::wire::{Net, NetConfig, ProxySetting, Secret};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{Bench, GRAPH, PRODUCT};

const OWN: &str = "svc-sync@contoso.com";

fn plan(access: Access) -> Plan {
    let now = Instant::now();
    let mailbox = Mailbox { address: OWN.into(), role: Role::Account, read_only: None };
    Plan {
        run: RunId::new(jiff::Timestamp::now(), 0x00c0_ffee),
        access,
        mailboxes: vec![mailbox],
        parts: BTreeSet::from([Part::Contacts, Part::Calendar, Part::Availability]),
        public_folders: Vec::new(),
        sweep: Sweep::Old,
        only_sweep: false,
        work_until: now + Duration::from_secs(40),
        clean_until: now + Duration::from_secs(55),
    }
}

fn writer(lab: &Lab, token: &str) -> Writer {
    let connect_to = lab.connect_to().iter().map(|(name, address)| {
        let (host, port) = name.rsplit_once(':').unwrap();
        ((host.to_owned(), port.parse().unwrap()), *address)
    });
    let config = NetConfig {
        ca_file: Some(lab.folder().join("ca.pem")),
        connect_to: connect_to.collect(),
        proxy: ProxySetting::Direct,
        ..NetConfig::default()
    };
    let base = format!("https://{GRAPH}/").parse().unwrap();
    Writer::new(Net::new(config).unwrap(), base, Secret::new(token))
}

/// What stands in the mailbox, without the traces that nothing undoes.
fn dump(lab: &Lab) -> Value {
    let mut dump = lab.dump(OWN);
    dump.as_object_mut().unwrap().remove("traces");
    dump
}

fn failed(steps: &[Step]) -> Vec<String> {
    let wrong = steps.iter().filter(|step| {
        !matches!(step.result, Ended::Ok | Ended::Unavailable | Ended::Skipped)
            || !step.differences.is_empty()
    });
    wrong
        .map(|step| {
            format!(
                "{:?} {:?} {:?} {:?} {:?}",
                step.name, step.subject, step.result, step.text, step.differences
            )
        })
        .collect()
}

async fn passes(bench: &Bench, token: &str, access: Access) {
    let before = dump(&bench.lab);
    let outcome =
        graph::run(&writer(&bench.lab, token), &plan(access), &CancellationToken::new(), |_| {}).await;
    assert_eq!(failed(&outcome.steps), Vec::<String>::new());
    assert!(
        outcome.steps.iter().filter(|step| step.result == Ended::Ok).count() >= 25,
        "{:?}",
        outcome.steps.len()
    );
    assert!(outcome.left.is_empty(), "{:?}", outcome.left);
    assert_eq!(dump(&bench.lab), before);
    assert_eq!(bench.lab.throttling().refused, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_passes() {
    let bench = Bench::new("online-graph-app", &json!({"latency_ms": 5})).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    passes(&bench, &token, Access::GraphApp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_account_passes() {
    let bench = Bench::new("online-delegated", &json!({})).await;
    let token = bench.user("https://graph.microsoft.com/.default").await;
    passes(&bench, &token, Access::GraphDelegated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_removed_for_good_it_lies_in_deleted_items() {
    let refused = json!({"status": 403, "method": "POST", "body": {"error": {"code": "ErrorAccessDenied", "message": "No."}}});
    let mut faults = json!({});
    for path in ["contacts/*", "events/*", "contactFolders/*", "calendars/*"] {
        let mut fault = refused.clone();
        fault["path"] = format!("/v1.0/users/*/{path}/permanentDelete$").into();
        faults[path] = fault;
    }
    let bench = Bench::new("online-graph-app", &json!({"faults": faults})).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    let outcome =
        graph::run(&writer(&bench.lab, &token), &plan(Access::GraphApp), &CancellationToken::new(), |_| {})
            .await;
    assert_eq!(failed(&outcome.steps), Vec::<String>::new());
    let dump = dump(&bench.lab);
    let named = |name: &str| {
        let folders = dump["folders"].as_array().unwrap();
        folders.iter().find(|folder| folder["default"] == name).map(|folder| folder["id"].clone()).unwrap()
    };
    let bin = named("deleteditems");
    let own = dump["folders"].as_array().unwrap().iter().filter(|folder| folder["default"].is_null());
    let parents: Vec<&Value> = own.map(|folder| &folder["parent"]).collect();
    assert_eq!(parents, [&bin, &bin]);
}
