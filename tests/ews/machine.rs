//! The test sync against a server that is neither Exchange nor the lab: what it finds there, what it
//! leaves, and what it makes of odd answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use syncready::sync::{
    Access, Left, Mailbox, Name, Outcome, Part, Place, Plan, Result, Role, RunId, Sweep, why,
};
use syncready::wire::ews::{Client, Credential};
use syncready::wire::{Limits, Secret};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::mailbox::{Manners, Server, refused, unknown};
use super::stub::{HOST, Seen, Stub, bare_fault, detailed_fault, http};

const USER: &str = "svc-sync@contoso.com";

pub fn plan(unique: u32) -> Plan {
    let now = Instant::now();
    Plan {
        run: RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), unique),
        access: Access::Delegate,
        mailboxes: vec![Mailbox { address: USER.into(), role: Role::Account, read_only: None }],
        parts: Part::ALL.into_iter().filter(|part| *part != Part::PublicFolders).collect(),
        public_folders: Vec::new(),
        sweep: Sweep::All,
        only_sweep: false,
        work_until: now + Duration::from_mins(1),
        clean_until: now + Duration::from_secs(90),
    }
}

fn client(stub: &Stub) -> Client {
    let credential = Credential::Basic { username: USER.into(), password: Secret::new("right") };
    let url = Url::parse(&format!("https://{HOST}/EWS/Exchange.asmx")).expect("a URL");
    Client::new(stub.net_within(Limits::default()), url, &credential).expect("sendable")
}

async fn run_on(stub: &Stub, plan: &Plan) -> Outcome {
    syncready::sync::ews::run(&client(stub), plan, &CancellationToken::new(), |_| {}).await
}

async fn serve(server: &Server) -> Stub {
    let server = server.clone();
    Stub::start(move |seen| server.answer(seen)).await
}

async fn run(manners: Manners) -> (Outcome, Server) {
    let server = Server::new(manners);
    let stub = serve(&server).await;
    (run_on(&stub, &plan(1)).await, server)
}

fn result(outcome: &Outcome, name: Name, subject: Option<&str>) -> Result {
    let step = outcome.steps.iter().find(|step| step.name == name && step.subject.as_deref() == subject);
    step.unwrap_or_else(|| panic!("{name:?} {subject:?}: {:#?}", shown(outcome))).result
}

fn shown(outcome: &Outcome) -> Vec<String> {
    let step = |step: &syncready::sync::Step| {
        let (name, subject, result) =
            (step.name.as_str(), step.subject.as_deref().unwrap_or("-"), step.result.as_str());
        format!("{name} {subject} {result} {:?} {:?} {:?}", step.code, step.text, step.differences)
    };
    outcome.steps.iter().map(step).collect()
}

fn bad(outcome: &Outcome) -> Vec<String> {
    shown(outcome).into_iter().filter(|line| line.split(' ').nth(2) != Some("ok")).collect()
}

#[tokio::test]
async fn a_server_that_does_its_work_passes_and_is_left_as_it_was() {
    let before = Server::new(Manners::default()).dump();
    let (outcome, server) = run(Manners::default()).await;
    assert_eq!(
        bad(&outcome),
        ["quota - unavailable None Some(\"the server does not tell how large the mailbox may become\") []"]
    );
    assert_eq!(server.dump(), before);
    assert_eq!((outcome.leftovers.len(), outcome.left.len()), (0, 0));
    let created = outcome.steps.iter().find(|step| step.name == Name::FeedCreated).expect("done");
    assert_eq!(created.text.as_deref(), Some("2 changes in 2 pages"));
}

#[tokio::test]
async fn every_step_is_told_once_and_as_it_ends() {
    let server = Server::new(Manners::default());
    let stub = serve(&server).await;
    let told = AtomicUsize::new(0);
    let client = client(&stub);
    let outcome = syncready::sync::ews::run(&client, &plan(1), &CancellationToken::new(), |_| {
        told.fetch_add(1, Ordering::Relaxed);
    })
    .await;
    assert_eq!(told.load(Ordering::Relaxed), outcome.steps.len());
    let unlike: BTreeSet<_> = outcome.steps.iter().map(|step| (step.name, step.subject.clone())).collect();
    assert_eq!(unlike.len(), outcome.steps.len());
    assert_eq!(outcome.steps.last().map(|step| step.name), Some(Name::CleanUp));
}

#[tokio::test]
async fn a_server_that_deletes_none_but_empty_folders_is_left_as_it_was() {
    let (outcome, server) = run(Manners { empties_nothing: true, ..Manners::default() }).await;
    assert_eq!(result(&outcome, Name::CleanUp, None), Result::Ok, "{:#?}", shown(&outcome));
    assert_eq!(server.dump(), Server::new(Manners::default()).dump());
    assert!(outcome.left.is_empty());
}

#[tokio::test]
async fn a_server_without_change_keys_is_found_out() {
    let (outcome, _) = run(Manners { no_conflicts: true, ..Manners::default() }).await;
    let step = outcome.steps.iter().find(|step| step.name == Name::Conflict).expect("done");
    assert_eq!(step.result, Result::Differs);
    assert_eq!(
        step.differences,
        ["a change with an old change key was accepted", "it overwrote the change before it"]
    );
}

#[tokio::test]
async fn a_property_that_nobody_used_yet_is_no_reason_to_stop() {
    let (outcome, server) = run(Manners { unknown_property_refused: true, ..Manners::default() }).await;
    assert_eq!(result(&outcome, Name::Sweep, None), Result::Ok);
    assert_eq!(result(&outcome, Name::CleanUp, None), Result::Ok);
    assert_eq!(server.dump(), Server::new(Manners::default()).dump());
}

/// The step that each operation decides.
const DECIDES: &[(&str, Name, Option<&str>)] = &[
    ("GetFolder", Name::Open, None),
    ("CreateFolder", Name::CreateFolder, Some("contacts")),
    ("FindFolder", Name::Sweep, None),
    ("CreateItem", Name::Create, Some("contact")),
    ("GetItem", Name::Read, Some("contact")),
    ("UpdateItem", Name::Update, Some("contact")),
    ("DeleteItem", Name::Delete, Some("contact")),
    ("SyncFolderItems", Name::FeedStart, Some("contacts")),
    ("Subscribe", Name::Notification, Some("contacts")),
    ("GetEvents", Name::Notification, Some("contacts")),
    ("ResolveNames", Name::AddressList, None),
    ("GetUserAvailability", Name::Availability, None),
];

async fn each_answered(instead: impl Fn(&str) -> Vec<u8>, expected: impl Fn(&str) -> Result) {
    let runs = DECIDES.iter().map(|(operation, ..)| {
        run(Manners { instead: BTreeMap::from([(*operation, instead(operation))]), ..Manners::default() })
    });
    let ran = join_all(runs).await;
    for ((operation, name, subject), (outcome, server)) in DECIDES.iter().zip(ran) {
        let found = result(&outcome, *name, *subject);
        assert_eq!(found, expected(operation), "{operation}: {:#?}", bad(&outcome));
        let clean = server.dump() == Server::new(Manners::default()).dump();
        let lost = matches!(*operation, "DeleteFolder" | "FindFolder");
        assert!(clean || lost, "{operation}: {:#?}", bad(&outcome));
    }
}

#[tokio::test]
async fn operations_that_a_server_does_not_know_are_unavailable() {
    // What the address list does not tell by one operation is asked for by another.
    tokio::join!(
        each_answered(unknown, |_| Result::Unavailable),
        each_answered(|_| refused("ErrorInvalidRequest"), |_| Result::Unavailable),
        each_answered(|_| http("501 Not Implemented", &[], b""), |_| Result::Unavailable),
    );
}

#[tokio::test]
async fn a_bare_fault_code_is_a_refusal() {
    each_answered(|_| bare_fault("ErrorAccessDenied"), |_| Result::Refused).await;
}

#[tokio::test]
async fn empty_and_cut_off_answers_are_failures() {
    let cut =
        b"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><m:X ResponseClass='Succ";
    tokio::join!(
        each_answered(|_| http("200 OK", &[], b""), |_| Result::Failed),
        each_answered(|_| http("200 OK", &[], cut), |_| Result::Failed),
    );
}

#[tokio::test]
async fn a_success_that_holds_nothing_is_never_a_good_answer() {
    let empty = "<q:Envelope xmlns:q='http://schemas.xmlsoap.org/soap/envelope/'><q:Body><a ResponseClass='Success'/></q:Body></q:Envelope>";
    for (operation, name, subject) in DECIDES {
        // These have nothing to say; silence of a search means that nothing is there.
        if matches!(*operation, "DeleteItem" | "UpdateItem" | "FindFolder") {
            continue;
        }
        let instead = BTreeMap::from([(*operation, http("200 OK", &[], empty.as_bytes()))]);
        let (outcome, _) = run(Manners { instead, ..Manners::default() }).await;
        assert_ne!(result(&outcome, *name, *subject), Result::Ok, "{operation}: {:#?}", bad(&outcome));
    }
}

#[tokio::test]
async fn a_busy_server_is_waited_for_and_what_it_said_is_told() {
    let server = Server::new(Manners::default());
    let busy = Arc::new(AtomicUsize::new(0));
    let (inner, count) = (server.clone(), Arc::clone(&busy));
    let stub = Stub::start(move |seen| {
        let first = seen.body.contains("<m:SyncFolderItems>") && count.fetch_add(1, Ordering::Relaxed) < 2;
        if first { detailed_fault("ErrorServerBusy", 40) } else { inner.answer(seen) }
    })
    .await;
    let outcome = run_on(&stub, &plan(1)).await;
    assert_eq!(result(&outcome, Name::FeedStart, Some("contacts")), Result::Ok);
    assert!(outcome.steps.iter().map(|step| step.waited_ms).sum::<u64>() >= 40);
}

#[tokio::test]
async fn a_server_that_stays_busy_is_throttled_and_the_rest_is_skipped() {
    let instead = BTreeMap::from([("CreateItem", detailed_fault("ErrorServerBusy", 600_000))]);
    let (outcome, server) = run(Manners { instead, ..Manners::default() }).await;
    assert_eq!(result(&outcome, Name::Create, Some("contact")), Result::Throttled);
    let update = outcome.steps.iter().find(|step| step.name == Name::Update).expect("told");
    assert_eq!((update.result, update.code.as_deref()), (Result::Skipped, Some(why::BEFORE)));
    assert_eq!(server.dump(), Server::new(Manners::default()).dump());
}

/// A server that answers the request with this number with nothing, before or after doing the work.
async fn lossy(server: &Server, lost: usize, done: bool) -> Stub {
    let (inner, count) = (server.clone(), AtomicUsize::new(0));
    Stub::start(move |seen: &Seen| {
        if count.fetch_add(1, Ordering::Relaxed) != lost {
            return inner.answer(seen);
        }
        if done {
            inner.answer(seen);
        }
        Vec::new()
    })
    .await
}

#[tokio::test]
async fn whichever_answer_is_lost_the_result_is_the_same_and_nothing_is_made_twice() {
    let clean = Server::new(Manners::default()).dump();
    // One that was not carried out is the easier half.
    let cases: Vec<_> =
        (0..45).map(|lost| (lost, true)).chain((0..45).step_by(4).map(|lost| (lost, false))).collect();
    for some in cases.chunks(15) {
        let runs = some.iter().map(|(lost, done)| async {
            let server = Server::new(Manners::default());
            let stub = lossy(&server, *lost, *done).await;
            (run_on(&stub, &plan(1)).await, server)
        });
        for (case, (outcome, server)) in some.iter().zip(join_all(runs).await) {
            let bad = bad(&outcome);
            assert!(bad.iter().all(|line| line.starts_with("quota")), "{case:?}: {bad:#?}");
            assert_eq!((server.dump(), outcome.left.len()), (clean.clone(), 0), "{case:?}");
        }
    }
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_request_is_swept_by_the_next() {
    let clean = Server::new(Manners::default()).dump();
    let mut at = 0;
    loop {
        let server = Server::new(Manners::default());
        let stub = serve(&server).await;
        let (client, first) = (client(&stub), plan(1));
        let task = tokio::spawn(async move {
            syncready::sync::ews::run(&client, &first, &CancellationToken::new(), |_| {}).await
        });
        while server.requests() <= at && !task.is_finished() {
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
        let finished = task.is_finished();
        task.abort();
        let _ = task.await;
        let second = Plan { only_sweep: true, ..plan(2) };
        let outcome = run_on(&stub, &second).await;
        assert_eq!(server.dump(), clean, "killed after {at}: {:#?}", shown(&outcome));
        assert!(outcome.leftovers.iter().all(|leftover| leftover.removed));
        if finished {
            break;
        }
        at += 1;
    }
    assert!(at > 30, "{at}");
}

#[tokio::test]
async fn a_stop_cleans_up_and_says_so() {
    let server = Server::new(Manners::default());
    let stub = serve(&server).await;
    for after in [1, 5, 9, 14, 20, 28] {
        let stop = CancellationToken::new();
        let (client, plan, token, counter) = (client(&stub), plan(1), stop.clone(), server.clone());
        let from = server.requests();
        tokio::spawn(async move {
            while counter.requests() < from + after {
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
            token.cancel();
        });
        let outcome = syncready::sync::ews::run(&client, &plan, &stop, |_| {}).await;
        assert_eq!(server.dump(), Server::new(Manners::default()).dump(), "{after}: {:#?}", shown(&outcome));
        let stopped = outcome.steps.iter().filter(|step| step.code.as_deref() == Some(why::STOPPED)).count();
        assert!(stopped > 0, "{after}: {:#?}", shown(&outcome));
    }
}

#[tokio::test]
async fn somebody_elses_item_keeps_the_folder_and_loses_nothing() {
    let server = Server::new(Manners::default());
    let (inner, done) = (server.clone(), AtomicUsize::new(0));
    let stub = Stub::start(move |seen| {
        if seen.body.contains("<m:DeleteItem ") && done.fetch_add(1, Ordering::Relaxed) == 0 {
            inner.intrude();
        }
        inner.answer(seen)
    })
    .await;
    let outcome = run_on(&stub, &plan(1)).await;
    assert_eq!(result(&outcome, Name::CleanUp, None), Result::Differs);
    assert_eq!(outcome.left.len(), 2);
    let foreign = |left: &Left| left.kind == "folder" && left.because == "foreign-items";
    assert!(outcome.left.iter().all(foreign), "{:?}", outcome.left);
    let dump = server.dump();
    assert_eq!((dump.matches("foreign-").count(), dump.matches("item-").count()), (2, 0), "{dump}");
}

/// Begins a run and breaks it off as soon as an item is there.
async fn break_off(server: &Server, stub: &Stub) {
    let (client, first) = (client(stub), plan(1));
    let task = tokio::spawn(async move {
        syncready::sync::ews::run(&client, &first, &CancellationToken::new(), |_| {}).await
    });
    while !server.dump().contains("item-") {
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
    task.abort();
    let _ = task.await;
}

#[tokio::test]
async fn a_young_leftover_may_belong_to_somebody_and_stays() {
    let server = Server::new(Manners::default());
    let stub = serve(&server).await;
    break_off(&server, &stub).await;
    let young = Plan { only_sweep: true, sweep: Sweep::Old, ..plan(2) };
    let outcome = run_on(&stub, &young).await;
    assert!(!outcome.leftovers.is_empty());
    assert!(outcome.leftovers.iter().all(|leftover| leftover.because.as_deref() == Some("too-young")));
    let mut old = young;
    old.run = RunId::new("2026-11-21T10:15:00Z".parse().expect("a time"), 3);
    let outcome = run_on(&stub, &old).await;
    assert!(outcome.leftovers.iter().all(|leftover| leftover.removed));
    assert_eq!(server.dump(), Server::new(Manners::default()).dump());
}

#[tokio::test]
async fn what_somebody_moved_elsewhere_is_told_and_stays() {
    let server = Server::new(Manners::default());
    let stub = serve(&server).await;
    break_off(&server, &stub).await;
    server.mislay();
    let outcome = run_on(&stub, &plan(2)).await;
    let (moved, folders): (Vec<_>, Vec<_>) =
        outcome.leftovers.iter().partition(|leftover| leftover.place == Place::Elsewhere);
    assert_eq!(moved.len(), 1, "{:?}", outcome.leftovers);
    assert_eq!(
        (moved[0].kind, moved[0].removed, moved[0].run.as_str()),
        ("item", false, "2026-11-21T08:15:00Z/00000001")
    );
    assert!(!folders.is_empty() && folders.iter().all(|leftover| leftover.removed));
    let dump = server.dump();
    assert_eq!((dump.matches("item-").count(), dump.matches("folder-").count()), (1, 0), "{dump}");
    assert_eq!((outcome.left.len(), result(&outcome, Name::CleanUp, None)), (0, Result::Ok));
}

#[tokio::test]
async fn a_refused_password_ends_everything() {
    let server = Server::new(Manners::default());
    let (inner, count) = (server.clone(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&count);
    let stub = Stub::start(move |seen| {
        if counter.fetch_add(1, Ordering::Relaxed) < 14 {
            return inner.answer(seen);
        }
        http("401 Unauthorized", &["WWW-Authenticate: Basic realm=\"x\""], b"")
    })
    .await;
    let outcome = run_on(&stub, &plan(1)).await;
    // As many as were under way.
    assert!(count.load(Ordering::Relaxed) <= 14 + 4, "{}", count.load(Ordering::Relaxed));
    assert_ne!(result(&outcome, Name::CleanUp, None), Result::Ok);
    assert!(outcome.left.iter().all(|left| left.because == "sign-in-refused"), "{:?}", outcome.left);
    assert!(!outcome.left.is_empty());
}

#[tokio::test]
async fn a_mailbox_that_is_only_read_is_not_written_to() {
    let server = Server::new(Manners::default());
    let stub = serve(&server).await;
    let mut plan = plan(1);
    plan.mailboxes[0].read_only = Some("somebody else's".into());
    let outcome = run_on(&stub, &plan).await;
    let writes = ["<m:Create", "<m:Update", "<m:Delete", "<m:Subscribe"];
    assert!(stub.seen().iter().all(|seen| !writes.iter().any(|write| seen.body.contains(write))));
    assert_eq!(result(&outcome, Name::FeedStart, Some("contacts")), Result::Ok);
    let create = outcome.steps.iter().find(|step| step.name == Name::Create).expect("told");
    assert_eq!((create.result, create.code.as_deref()), (Result::Skipped, Some(why::READ_ONLY)));
    assert_eq!(create.text.as_deref(), Some("somebody else's"));
}

#[tokio::test]
async fn a_mailbox_outside_is_asked_once_and_by_ids_alone() {
    for (answer, expected) in [(None, Result::Ok), (Some("ErrorImpersonateUserDenied"), Result::Refused)] {
        let server = Server::new(Manners::default());
        let stub = Stub::start(move |seen| answer.map_or_else(|| server.answer(seen), bare_fault)).await;
        let mut plan = plan(1);
        plan.mailboxes[0].role = Role::Outside;
        let outcome = run_on(&stub, &plan).await;
        assert_eq!(outcome.steps.len(), 1);
        assert_eq!(result(&outcome, Name::Open, None), expected);
        assert_eq!(stub.seen().len(), 1);
        assert!(!stub.seen()[0].body.contains("AdditionalProperties"));
    }
}
