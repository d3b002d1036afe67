//! The test sync by Graph against a small server with quirks, with faults at every request, and killed
//! at every request.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod fake;
mod in_lab;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fake::{Fake, Fault, Quirks};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use syncready::sync::{
    Access, MARKER_NAME, MARKER_SET, Mailbox, Name, Outcome, Part, Plan, Result as Ended, Role, RunId, Step,
    Sweep, graph, why,
};
use syncready::wire::graph::Writer;
use syncready::wire::{Limits, Net, NetConfig, ProxySetting, Secret};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

fn plan(role: Role) -> Plan {
    let now = Instant::now();
    let address = "svc-sync@contoso.com".to_owned();
    Plan {
        run: RunId::new("2026-11-22T08:00:00Z".parse().unwrap(), 0x00c0_ffee),
        access: Access::GraphApp,
        mailboxes: vec![Mailbox { address, role, read_only: None }],
        parts: BTreeSet::from(Part::ALL),
        public_folders: Vec::new(),
        sweep: Sweep::Old,
        only_sweep: false,
        work_until: now + Duration::from_mins(3),
        clean_until: now + Duration::from_mins(5),
    }
}

fn writer(fake: &Fake) -> Writer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let patient = Duration::from_mins(1);
    let limits = Limits { request: patient, connect: patient, ..Limits::default() };
    let config = NetConfig { proxy: ProxySetting::Direct, limits, ..NetConfig::default() };
    let base = format!("http://{}/", fake.address).parse().unwrap();
    Writer::new(Net::new(config).unwrap(), base, Secret::new("token"))
}

async fn run(fake: &Fake, plan: &Plan) -> Outcome {
    graph::run(&writer(fake), plan, &CancellationToken::new(), |_| {}).await
}

async fn with(quirks: Quirks) -> (Fake, Outcome) {
    let fake = Fake::start(quirks).await;
    let outcome = run(&fake, &plan(Role::Account)).await;
    (fake, outcome)
}

fn step<'a>(outcome: &'a Outcome, name: Name, subject: &str) -> &'a Step {
    let is_it = |step: &&Step| step.name == name && step.subject.as_deref().unwrap_or("") == subject;
    outcome.steps.iter().find(is_it).unwrap_or_else(|| panic!("no {name:?} {subject}: {}", table(outcome)))
}

fn table(outcome: &Outcome) -> String {
    let line = |step: &Step| {
        format!(
            "{:15} {:12} {:12} {:?} {:?} {:?} {:?}\n",
            step.name.as_str(),
            step.subject.as_deref().unwrap_or(""),
            step.result.as_str(),
            step.status,
            step.code,
            step.text,
            step.differences
        )
    };
    let lines: String = outcome.steps.iter().map(line).collect();
    format!("{lines}{:#?}\n{:#?}", outcome.leftovers, outcome.left)
}

fn assert_clean(fake: &Fake, outcome: &Outcome) {
    assert_eq!(fake.world().dump(), json!({ "objects": {}, "trash": [] }), "{}", table(outcome));
    assert_eq!(outcome.left, [], "{}", table(outcome));
}

const DONE: [(Name, &str); 31] = [
    (Name::Open, "contacts"),
    (Name::Open, "calendar"),
    (Name::Sweep, "contacts"),
    (Name::Sweep, "calendar"),
    (Name::CreateFolder, "contacts"),
    (Name::CreateFolder, "calendar"),
    (Name::FeedStart, "contacts"),
    (Name::FeedStart, "calendar"),
    (Name::Create, "contact"),
    (Name::Create, "note"),
    (Name::Create, "appointment"),
    (Name::Create, "recurring"),
    (Name::Read, "contact"),
    (Name::Read, "note"),
    (Name::Read, "appointment"),
    (Name::Read, "recurring"),
    (Name::FeedCreated, "contacts"),
    (Name::FeedCreated, "calendar"),
    (Name::Update, "contact"),
    (Name::Update, "appointment"),
    (Name::Conflict, "contact"),
    (Name::Conflict, "appointment"),
    (Name::FeedUpdated, "contacts"),
    (Name::FeedUpdated, "calendar"),
    (Name::Delete, "contact"),
    (Name::Delete, "appointment"),
    (Name::FeedDeleted, "contacts"),
    (Name::FeedDeleted, "calendar"),
    (Name::AddressList, ""),
    (Name::Availability, ""),
    (Name::CleanUp, "contacts"),
];

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_done_and_nothing_stays() {
    let (fake, outcome) = with(Quirks::default()).await;
    for (name, subject) in DONE {
        let step = step(&outcome, name, subject);
        assert_eq!(step.result, Ended::Ok, "{}", table(&outcome));
        assert!(!step.exchanges.is_empty(), "{name:?}");
    }
    for name in [Name::Quota, Name::Notification, Name::PublicFolders] {
        let step = step(&outcome, name, "");
        assert_eq!((step.result, step.code.as_deref()), (Ended::Skipped, Some(why::NOT_HERE)));
    }
    assert_eq!(outcome.steps.len(), DONE.len() + 4, "{}", table(&outcome));
    assert_clean(&fake, &outcome);
    let requests = fake.world().requests.len();
    assert!(requests <= 50, "{requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_batches_is_asked_one_by_one() {
    let (fake, outcome) = with(Quirks { no_batch: true, ..Quirks::default() }).await;
    assert!(
        DONE.iter().all(|(name, subject)| step(&outcome, *name, subject).result == Ended::Ok),
        "{}",
        table(&outcome)
    );
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_deleted_for_good_the_step_says_so() {
    let (fake, outcome) = with(Quirks { no_purge: true, ..Quirks::default() }).await;
    for (name, subject) in [(Name::Delete, "contact"), (Name::CleanUp, "calendar")] {
        let step = step(&outcome, name, subject);
        assert_eq!(step.result, Ended::Ok, "{}", table(&outcome));
        assert!(step.text.as_deref().unwrap_or_default().contains("lies in Deleted Items"), "{step:?}");
    }
    assert!(outcome.in_deleted_items);
    assert_eq!(fake.world().dump()["objects"], json!({}));
    assert_eq!(fake.world().dump()["trash"].as_array().unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_every_change_differs() {
    let (fake, outcome) = with(Quirks { no_conflicts: true, ..Quirks::default() }).await;
    let conflict = step(&outcome, Name::Conflict, "contact");
    assert_eq!(conflict.result, Ended::Differs);
    assert_eq!(conflict.differences, ["a change with an outdated change key was taken instead of refused"]);
    assert_eq!(step(&outcome, Name::FeedUpdated, "contacts").result, Ended::Ok, "{}", table(&outcome));
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_put_into_a_folder_that_a_later_run_would_not_find() {
    let (fake, outcome) = with(Quirks { no_marker: true, ..Quirks::default() }).await;
    assert_eq!(step(&outcome, Name::CreateFolder, "contacts").result, Ended::Differs);
    let create = step(&outcome, Name::Create, "contact");
    assert_eq!((create.result, create.code.as_deref()), (Ended::Skipped, Some(why::BEFORE)));
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_write_the_rest_is_read() {
    let (fake, outcome) = with(Quirks { read_only_contacts: true, ..Quirks::default() }).await;
    let refused = step(&outcome, Name::CreateFolder, "contacts");
    assert_eq!((refused.result, refused.status), (Ended::Refused, Some(403)));
    assert!(
        refused.text.as_deref().unwrap().contains("application permission Contacts.ReadWrite"),
        "{refused:?}"
    );
    assert_eq!(step(&outcome, Name::FeedStart, "contacts").result, Ended::Ok);
    let create = step(&outcome, Name::Create, "note");
    assert_eq!((create.result, create.code.as_deref()), (Ended::Skipped, Some(why::NO_RIGHT)));
    assert_eq!(step(&outcome, Name::FeedDeleted, "calendar").result, Ended::Ok);
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_not_filled_further() {
    let (fake, outcome) = with(Quirks { full: true, ..Quirks::default() }).await;
    assert_eq!(step(&outcome, Name::Create, "contact").code.as_deref(), Some("ErrorQuotaExceeded"));
    assert_eq!(step(&outcome, Name::Update, "contact").code.as_deref(), Some(why::QUOTA));
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_changed_is_named() {
    let (fake, outcome) = with(Quirks { ascii: true, ..Quirks::default() }).await;
    let read = step(&outcome, Name::Read, "contact");
    assert_eq!(read.result, Ended::Differs);
    assert!(read.differences.iter().any(|text| text.starts_with("displayName is \"Zo?")), "{read:?}");
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_feed_is_waited_for_and_a_foreign_link_is_not_followed() {
    let (fake, outcome) = with(Quirks { slow_feed: 3, ..Quirks::default() }).await;
    assert_eq!(step(&outcome, Name::FeedCreated, "contacts").result, Ended::Ok, "{}", table(&outcome));
    assert_clean(&fake, &outcome);
    let (fake, outcome) = with(Quirks { link_elsewhere: true, ..Quirks::default() }).await;
    let start = step(&outcome, Name::FeedStart, "contacts");
    assert_eq!(
        (start.result, start.text.as_deref()),
        (Ended::Failed, Some("the feed goes on at another host"))
    );
    assert_eq!(step(&outcome, Name::FeedCreated, "contacts").code.as_deref(), Some(why::BEFORE));
    assert_eq!(step(&outcome, Name::Delete, "contact").result, Ended::Ok);
    assert_clean(&fake, &outcome);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outsider_is_asked_one_thing_and_a_shared_mailbox_two() {
    let fake = Fake::start(Quirks::default()).await;
    let outcome = run(&fake, &plan(Role::Outside)).await;
    assert_eq!(outcome.steps.len(), 1);
    assert_eq!(
        fake.world().requests,
        ["GET /v1.0/users/svc-sync@contoso.com/contactFolders?$top=1&$select=id".to_owned()]
    );
    fake.world().requests.clear();
    run(&fake, &plan(Role::Shared)).await;
    assert_eq!(fake.world().requests.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_only_read_is_not_written_to() {
    let fake = Fake::start(Quirks::default()).await;
    let mut plan = plan(Role::Account);
    plan.mailboxes[0].read_only = Some("it is somebody else's".into());
    let outcome = run(&fake, &plan).await;
    for name in [Name::Open, Name::FeedStart] {
        assert_eq!(step(&outcome, name, "contacts").result, Ended::Ok, "{}", table(&outcome));
    }
    assert_eq!(step(&outcome, Name::AddressList, "").result, Ended::Ok);
    let create = step(&outcome, Name::Create, "contact");
    assert_eq!((create.result, create.code.as_deref()), (Ended::Skipped, Some(why::READ_ONLY)));
    let wrote = |request: &String| !request.starts_with("GET ") && !request.ends_with("/getSchedule");
    assert!(!fake.world().requests.iter().any(wrote), "{:#?}", fake.world().requests);
}

fn marked(run: &str) -> Value {
    json!([{ "id": format!("String {{{MARKER_SET}}} Name {MARKER_NAME}"), "value": run }])
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_an_old_run_left_is_swept() {
    let fake = Fake::start(Quirks::default()).await;
    let (old, young) = ("2026-11-22T06:00:00Z/0000000a", "2026-11-22T07:30:00Z/0000000b");
    let mut ids = Vec::new();
    {
        let mut world = fake.world();
        for (run, foreign) in [(old, false), (young, false), (old, true)] {
            let folder =
                world.add("contactFolders", None, json!({ "singleValueExtendedProperties": marked(run) }));
            world.add("contacts", Some(&folder), json!({ "singleValueExtendedProperties": marked(run) }));
            if foreign {
                world.add("contacts", Some(&folder), json!({ "displayName": "A real one" }));
            }
            ids.push(folder);
        }
        let other = world.add("contactFolders", None, json!({ "displayName": "Friends" }));
        ids.push(world.add(
            "contacts",
            Some(&other),
            json!({ "singleValueExtendedProperties": marked(old) }),
        ));
        ids.push(world.add("events", None, json!({ "singleValueExtendedProperties": marked(young) })));
    }
    let mut plan = plan(Role::Account);
    plan.only_sweep = true;
    let outcome = run(&fake, &plan).await;
    let mut found: Vec<_> = outcome
        .leftovers
        .iter()
        .map(|one| (one.id.clone(), one.place.as_str(), one.removed, one.because.as_deref().unwrap_or("")))
        .collect();
    found.sort();
    let mut expected = vec![
        (ids[0].clone(), "own-folder", true, ""),
        (ids[1].clone(), "own-folder", false, "too-young"),
        (ids[2].clone(), "own-folder", false, "foreign-items"),
        (ids[3].clone(), "elsewhere", false, "elsewhere"),
        (ids[4].clone(), "elsewhere", false, "elsewhere"),
    ];
    expected.sort();
    assert_eq!(found, expected, "{}", table(&outcome));
    assert_eq!(outcome.steps.len(), 2);
    plan.sweep = Sweep::All;
    let outcome = run(&fake, &plan).await;
    assert!(outcome.leftovers.iter().any(|one| one.id == ids[1] && one.removed), "{}", table(&outcome));
    let folders = fake.world().ids("contactFolders");
    assert_eq!(folders.len(), 2, "the one with a real contact, and that of the user");
    assert_eq!(fake.world().ids("contacts").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_into_which_somebody_put_something_stays() {
    let fake = Arc::new(Fake::start(Quirks::default()).await);
    let client = writer(&fake);
    let other = fake.clone();
    let news = move |step: &Step| {
        if step.name == Name::Delete && step.subject.as_deref() == Some("contact") {
            let mut world = other.world();
            let folder = world.ids("contactFolders")[0].clone();
            world.add("contacts", Some(&folder), json!({ "displayName": "A real one" }));
        }
    };
    let outcome = graph::run(&client, &plan(Role::Account), &CancellationToken::new(), news).await;
    assert_eq!(step(&outcome, Name::CleanUp, "contacts").result, Ended::Differs, "{}", table(&outcome));
    assert_eq!(outcome.left.len(), 1);
    assert_eq!((outcome.left[0].kind, outcome.left[0].because.as_str()), ("folder", "foreign-items"));
    assert_eq!(fake.world().ids("contacts").len(), 1);
    assert_eq!(fake.world().ids("calendars"), Vec::<String>::new());
}

/// How many requests a whole run takes.
async fn requests() -> usize {
    let (fake, _) = with(Quirks::default()).await;
    fake.world().requests.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_request_leaves_nothing() {
    let faults = [
        Fault::Status(429, Some(0)),
        Fault::Status(503, None),
        Fault::Status(412, None),
        Fault::Lost,
        Fault::Html,
        Fault::Resync,
    ];
    let count = requests().await;
    let each = faults.into_iter().flat_map(|fault| (0..count).map(move |at| (fault, at)));
    let each = each.map(|(fault, at)| async move {
        let fake = Fake::start(Quirks::default()).await;
        fake.world().fault = Some((at, fault));
        let outcome = run(&fake, &plan(Role::Account)).await;
        let request = fake.world().requests.get(at).cloned();
        assert_eq!(
            fake.world().dump(),
            json!({ "objects": {}, "trash": [] }),
            "{fault:?} at {at} {request:?}\n{}",
            table(&outcome)
        );
        assert_eq!(outcome.left, [], "{fault:?} at {at} {request:?}\n{}", table(&outcome));
        let good = matches!(fault, Fault::Status(429 | 503, _) | Fault::Lost | Fault::Resync);
        for (name, subject) in DONE.iter().filter(|_| good) {
            let result = step(&outcome, *name, subject).result;
            assert_eq!(result, Ended::Ok, "{fault:?} at {at} {request:?} {name:?}\n{}", table(&outcome));
        }
    });
    stream::iter(each).buffer_unordered(20).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_dies_the_next_run_leaves_nothing() {
    let count = requests().await;
    let each = (1..=count).map(|at| async move {
        let fake = Arc::new(Fake::start(Quirks::default()).await);
        let client = writer(&fake);
        let first = plan(Role::Account);
        let dying =
            tokio::spawn(async move { graph::run(&client, &first, &CancellationToken::new(), |_| {}).await });
        while fake.world().requests.len() < at && !dying.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        dying.abort();
        let _ = dying.await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut next = plan(Role::Account);
        next.run = RunId::new("2026-11-22T08:01:00Z".parse().unwrap(), 0x00c0_ffef);
        next.sweep = Sweep::All;
        next.only_sweep = at % 2 == 0;
        let outcome = run(&fake, &next).await;
        assert_clean(&fake, &outcome);
    });
    futures_util::future::join_all(each).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_any_step_ends_in_cleaning_up() {
    let each = (1..DONE.len()).map(|at| async move {
        let fake = Fake::start(Quirks::default()).await;
        let client = writer(&fake);
        let stop = CancellationToken::new();
        let seen = std::sync::atomic::AtomicUsize::new(0);
        let news = |_: &Step| {
            if seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 == at {
                stop.cancel();
            }
        };
        let outcome = graph::run(&client, &plan(Role::Account), &stop, news).await;
        assert_clean(&fake, &outcome);
        let names: BTreeSet<_> = outcome.steps.iter().map(|step| (step.name, step.subject.clone())).collect();
        assert_eq!(names.len(), outcome.steps.len(), "no step twice\n{}", table(&outcome));
    });
    futures_util::future::join_all(each).await;
}

/// Texts of the bodies that are only long.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > 1000 => {
            *text = format!("{}… {} bytes", text.chars().take(40).collect::<String>(), text.len());
        }
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Array(list) => list.iter_mut().for_each(shorten),
        _ => {}
    }
}

/// Without the numbers of ids and tokens, which depend on the order of events.
fn anonymous(path: &str) -> String {
    let (mut text, mut number) = (String::new(), false);
    for c in path.chars() {
        let starts = ["s-", "token="].iter().any(|before| text.ends_with(before));
        number = c.is_ascii_digit() && (number || starts);
        match c {
            _ if number && text.ends_with('#') => {}
            _ if number => text.push('#'),
            c => text.push(c),
        }
        number |= text.ends_with('#') && c.is_ascii_digit();
    }
    text
}

/// Every request of a run, each once, with placeholders for what differs between runs.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_as_documented() {
    let quirks = Quirks { no_purge: true, ..Quirks::default() };
    let fake = Fake::start(quirks).await;
    run(&fake, &plan(Role::Account)).await;
    let mut own = plan(Role::Account);
    own.access = Access::GraphDelegated;
    own.mailboxes[0].read_only = Some("it is only read".into());
    run(&fake, &own).await;
    let calls = std::mem::take(&mut fake.world().calls);
    let line = |(method, path, prefer, etag, mut body): (String, String, String, String, Value)| {
        shorten(&mut body);
        let decoded =
            form_urlencoded::parse(format!("x={}", path.replace('&', "%26").replace('+', "%2B")).as_bytes())
                .next()
                .map(|(_, text)| text.into_owned())
                .unwrap_or_default();
        let prefer = prefer.replace("IdType=\"ImmutableId\"", "immutable");
        let etag = if etag.is_empty() { "" } else { "  If-Match" };
        let body = if body.is_null() { String::new() } else { format!("\n    {body}") };
        let decoded = anonymous(&decoded);
        format!("{method} {decoded}  ({prefer}){etag}{body}")
    };
    let lines: BTreeSet<_> = calls.into_iter().map(line).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/sync"));
    settings.set_prepend_module_to_snapshot(false);
    settings
        .bind(|| insta::assert_snapshot!("graph-requests", lines.into_iter().collect::<Vec<_>>().join("\n")));
}

/// A dump without what cannot be undone.
fn without_traces(mut dump: Value) -> Value {
    if let Some(map) = dump.as_object_mut() {
        map.remove("traces");
    }
    dump
}
