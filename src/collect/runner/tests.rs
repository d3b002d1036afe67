//! The runner with calls that break, hang, forget and wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::collect::{Grant, Running, testing};
use crate::facts::Exchange;

static TENANT_CALLS: AtomicUsize = AtomicUsize::new(0);

fn brings(path: &'static str, value: serde_json::Value) -> Running {
    Box::pin(async move {
        let mut yielded = Yield::new();
        yielded.set(path, value).exchange(Exchange { method: path.into(), ..Exchange::default() });
        yielded
    })
}

const BASE: Call = Call {
    name: "base",
    scope: Scope::Account,
    yields: &["account.id"],
    after: &[],
    access: Access::Anonymous,
    applies: |_| true,
    run: |_| brings("account.id", json!("id")),
};

const READER: Access = Access::Reader(Grant { permission: "User.Read.All", or: &[] });

static PANICS: Call = Call { run: |_| Box::pin(async { panic!("broken") }), ..BASE };
static HANGS: Call = Call { run: |_| Box::pin(std::future::pending()), ..BASE };
static FORGETS: Call = Call { run: |_| Box::pin(async { Yield::new() }), ..BASE };
static READS: Call = Call { access: READER, ..BASE };
static ELSEWHERE: Call =
    Call { applies: |target| target.world == Some(super::super::World::ExchangeServer), ..BASE };
static HEALTHY: Call = Call {
    name: "healthy",
    yields: &["license.skus"],
    run: |_| brings("license.skus", json!(["E3"])),
    ..BASE
};
static TENANT: Call = Call {
    name: "tenant",
    scope: Scope::Tenant,
    yields: &["tenant.found"],
    run: |_| {
        TENANT_CALLS.fetch_add(1, Ordering::Relaxed);
        brings("tenant.found", json!(true))
    },
    ..BASE
};
static SLOW: Call = Call {
    run: |_| {
        Box::pin(async {
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            brings("account.id", json!("id")).await
        })
    },
    ..BASE
};
static SECOND: Call = Call {
    name: "second",
    yields: &["mailbox.exists"],
    after: &["base"],
    run: |context| {
        let value = json!(context.text("account.id") == Some("id"));
        brings("mailbox.exists", value)
    },
    ..BASE
};
static NEEDS_FIRST: Call = Call { run: |_| Box::pin(async { Yield::new() }), ..SECOND };

async fn collected(table: &[&'static Call], accounts: usize) -> Document {
    let targets = (0..accounts).map(|n| testing::target(&format!("svc{n}@contoso.com"))).collect();
    let needed = ["account.id", "license.skus", "tenant.found", "mailbox.exists"];
    let needed = needed.map(String::from).into();
    let options = RunOptions { deadline: Duration::from_millis(400), ..RunOptions::default() };
    let mut document = None;
    let take = |part: Part| {
        part.join(&mut document);
        ControlFlow::Continue(())
    };
    stream_table(table, targets, &needed, testing::offline(), options, take).await;
    document.expect("every run has a head")
}

fn reason(document: &Document, path: &str) -> Option<Reason> {
    document.accounts[0].section.absence(path).map(|absence| absence.reason)
}

#[tokio::test]
async fn a_panic_costs_its_own_facts_only() {
    let document = collected(&[&PANICS, &HEALTHY], 1).await;
    assert_eq!(reason(&document, "account.id"), Some(Reason::Unreadable));
    assert_eq!(document.accounts[0].section.get("license.skus"), Some(&json!(["E3"])));
}

#[tokio::test]
async fn a_call_that_hangs_times_out_and_the_others_stay() {
    let document = collected(&[&HANGS, &HEALTHY], 1).await;
    assert_eq!(reason(&document, "account.id"), Some(Reason::TimedOut));
    assert_eq!(document.accounts[0].section.get("license.skus"), Some(&json!(["E3"])));
}

#[tokio::test]
async fn a_forgotten_fact_is_unreadable() {
    assert_eq!(reason(&collected(&[&FORGETS], 1).await, "account.id"), Some(Reason::Unreadable));
}

#[tokio::test]
async fn without_a_reader_the_permission_is_named() {
    let document = collected(&[&READS], 1).await;
    let absence = document.accounts[0].section.absence("account.id").expect("absent");
    assert_eq!((absence.reason, absence.permission.as_deref()), (Reason::NotAsked, Some("User.Read.All")));
}

#[tokio::test]
async fn a_call_of_another_world_is_unsupported() {
    assert_eq!(reason(&collected(&[&ELSEWHERE], 1).await, "account.id"), Some(Reason::UnsupportedHere));
}

#[tokio::test]
async fn a_fact_that_no_call_yields_is_not_asked() {
    assert_eq!(reason(&collected(&[&BASE_CALL], 1).await, "license.skus"), Some(Reason::NotAsked));
}

static BASE_CALL: Call = BASE;

#[tokio::test]
async fn a_call_sees_the_facts_of_those_before_it() {
    let document = collected(&[&SECOND, &SLOW], 1).await;
    assert_eq!(document.accounts[0].section.get("mailbox.exists"), Some(&json!(true)));
}

#[tokio::test]
async fn a_failed_dependency_hands_on_its_reason() {
    assert_eq!(
        reason(&collected(&[&HANGS, &NEEDS_FIRST], 1).await, "mailbox.exists"),
        Some(Reason::TimedOut)
    );
}

#[tokio::test]
async fn a_tenant_is_asked_once_for_many_accounts() {
    let document = collected(&[&TENANT, &HEALTHY], 300).await;
    assert_eq!(TENANT_CALLS.load(Ordering::Relaxed), 1);
    assert_eq!(document.tenants["contoso.com"].section.get("tenant.found"), Some(&json!(true)));
    assert_eq!(document.accounts.len(), 300);
}

#[tokio::test]
async fn the_document_does_not_depend_on_which_call_ends_first() {
    let strip = |mut document: Document| {
        document.run.started_at.clear();
        document.run.duration_ms = 0;
        serde_json::to_value(document).expect("serializes")
    };
    let slow_first = strip(collected(&[&SLOW, &HEALTHY, &SECOND], 3).await);
    let quick_first = strip(collected(&[&BASE_CALL, &HEALTHY, &SECOND], 3).await);
    assert_eq!(slow_first, quick_first);
}

#[tokio::test]
async fn evidence_says_what_it_yielded_and_no_id_stands_twice() {
    let document = collected(&[&BASE_CALL, &HEALTHY], 2).await;
    let second = &document.accounts[1].section.evidence;
    assert_eq!(second.keys().collect::<Vec<_>>(), ["e3", "e4"]);
    assert_eq!(second["e4"].facts, ["license.skus"]);
}

#[tokio::test]
async fn what_was_configured_stands_in_the_document() {
    let document = collected(&[], 1).await;
    let section = &document.accounts[0].section;
    assert_eq!(section.get("world.kind"), Some(&json!("online-delegated")));
    assert_eq!(section.get("account.domain"), Some(&json!("contoso.com")));
    let tenant = &document.tenants["contoso.com"].section;
    assert_eq!(tenant.get("endpoints.graph"), Some(&json!("graph.microsoft.com")));
}

#[test]
fn the_call_table_is_sound() {
    let table: Vec<_> = super::super::calls().collect();
    for call in &table {
        assert_eq!(
            table.iter().filter(|other| other.name == call.name).count(),
            1,
            "{} stands twice",
            call.name
        );
        for path in call.yields {
            assert!(crate::facts::catalogue::is_known(path), "{} yields the unknown {path}", call.name);
            let group = path.split('.').next().and_then(crate::facts::catalogue::group).expect("known");
            assert_eq!(group.scope, call.scope, "{} yields {path} of another scope", call.name);
        }
        for name in call.after {
            let before = table.iter().find(|other| other.name == *name);
            let before = before.unwrap_or_else(|| panic!("{} comes after the unknown {name}", call.name));
            let wide_enough = before.scope <= call.scope;
            assert!(wide_enough, "{} cannot wait for {name}, whose scope is narrower", call.name);
        }
        assert!(ends(call, &table, 0), "{} waits for itself", call.name);
    }
}

fn ends(call: &Call, table: &[&'static Call], depth: usize) -> bool {
    depth < table.len()
        && call.after.iter().all(|name| {
            table.iter().find(|other| other.name == *name).is_none_or(|other| ends(other, table, depth + 1))
        })
}
