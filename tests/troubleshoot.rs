//! From a pasted error to the proven cause, on the lab: what the product's log shows in a scenario, and
//! what the account proves.
//!
//! `PROOF=mfa cargo test --test troubleshoot` runs the scenarios with "mfa" in their names.

#[path = "support/schema.rs"]
mod schema;

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
    sync::LazyLock,
};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use syncready::{
    cli::trial::{self, Troubled},
    engine::{Catalogue, Check, finders},
    knowledge::{
        Knowledge,
        diagnosis::{Diagnosis, Engine},
    },
    lab::{self, Scenario},
};

/// Labs at the same time: few enough that a slow machine does not look like a slow network.
const AT_ONCE: usize = 4;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Knowledge::embedded()));

#[derive(Deserialize)]
struct Proofs {
    proof: Vec<Proof>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    scenario: String,
    text: String,
    cause: String,
    /// The text alone does not decide.
    #[serde(default)]
    vague: bool,
    /// Only a test sync proves it.
    #[serde(default)]
    sync: bool,
}

/// A proof, what its text says alone, and what was answered.
struct Shown {
    proof: Proof,
    alone: Diagnosis,
    answer: Result<Troubled, String>,
}

fn scenario(name: &str) -> Scenario {
    lab::scenario(name).unwrap_or_else(|| panic!("there is no scenario {name}"))
}

static ALL: LazyLock<Vec<Shown>> = LazyLock::new(|| {
    let proofs: Proofs = toml::from_str(include_str!("proofs.toml")).expect("proofs");
    let part = std::env::var("PROOF").unwrap_or_default();
    let one = |proof: Proof| async move {
        let alone = ENGINE.text(&proof.text);
        let answer = trial::troubleshoot(&scenario(&proof.scenario), Some(alone.clone()), proof.sync).await;
        Shown { proof, alone, answer }
    };
    let wanted = proofs.proof.into_iter().filter(|proof| proof.scenario.contains(&part));
    runtime().block_on(stream::iter(wanted).map(one).buffered(AT_ONCE).collect())
});

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Runtime::new().expect("threads")
}

fn complain(about: impl Fn(&Shown, &Value, u8) -> Vec<String>) {
    let mut complaints = Vec::new();
    for shown in ALL.iter() {
        let found = match &shown.answer {
            Ok(troubled) => about(shown, &troubled.answer, troubled.code),
            Err(error) => vec![error.clone()],
        };
        complaints.extend(found.into_iter().map(|text| format!("{}: {text}", shown.proof.scenario)));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn texts(value: &Value) -> BTreeSet<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn the_account_proves_what_the_text_suggests() {
    complain(|shown, answer, code| {
        let first = &answer["causes"][0];
        let right = first["cause"] == *shown.proof.cause && first["proven"] == true && code == 0;
        let all: Vec<String> = answer["causes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|cause| format!("{} {} ({})", cause["cause"], cause["verdict"], cause["reason"]))
            .collect();
        if right { Vec::new() } else { vec![format!("exit {code}, not {}: {all:#?}", shown.proof.cause)] }
    });
}

#[test]
fn enough_scenarios_are_shown_and_most_texts_name_what_is_proven() {
    if std::env::var_os("PROOF").is_some() {
        return;
    }
    let scenarios: BTreeSet<&str> = ALL.iter().map(|shown| &*shown.proof.scenario).collect();
    assert!(scenarios.len() >= 60 && scenarios.len() == ALL.len(), "{}", scenarios.len());
    let named = |shown: &&Shown| {
        shown.answer.as_ref().is_ok_and(|troubled| troubled.answer["causes"][0]["named"] == true)
    };
    let named = ALL.iter().filter(named).count();
    assert!(named >= 45, "{named}");
}

#[test]
fn a_vague_text_decides_nothing_and_a_clear_one_names_the_cause() {
    complain(|shown, _, _| {
        let found = &shown.alone.candidates;
        let place = found.iter().position(|candidate| candidate.cause == shown.proof.cause);
        let decided = place == Some(0) && found[0].confidence >= 0.7;
        match (shown.proof.vague, place) {
            (true, _) if decided => vec![format!("the text decides: {:?}", found.first())],
            (false, place) if place.is_none_or(|place| place > 2) => {
                vec![format!("the text says something else: {:?}", found.first())]
            }
            _ => Vec::new(),
        }
    });
}

/// No check can tell anything of what the text suggests: there was nothing to go on from.
fn mute(shown: &Shown) -> bool {
    let mut candidates = shown.alone.candidates.iter();
    candidates.all(|candidate| finders(Catalogue::embedded(), &candidate.cause).is_empty())
}

#[test]
fn only_checks_that_can_decide_are_run_where_one_does() {
    complain(|shown, answer, _| {
        let named = answer["causes"].as_array().into_iter().flatten();
        let decided = named.clone().any(|cause| cause["named"] == true && cause["proven"] == true);
        if answer["went_on"] != (!decided && !shown.alone.candidates.is_empty()) && !mute(shown) {
            return vec![format!("went on: {}, though decided: {decided}", answer["went_on"])];
        }
        if !decided {
            return Vec::new();
        }
        let deciding: BTreeSet<&str> = shown
            .alone
            .candidates
            .iter()
            .flat_map(|candidate| finders(Catalogue::embedded(), &candidate.cause))
            .map(Check::id)
            .collect();
        let run = answer["checks_run"].as_array().into_iter().flatten();
        run.filter(|run| {
            run["result"] != "fail" && !deciding.contains(run["check"].as_str().unwrap_or_default())
        })
        .map(|run| format!("{} decides nothing", run["check"]))
        .collect()
    });
}

#[test]
fn every_verdict_has_a_reason_and_every_proof_its_evidence() {
    complain(|_, answer, _| {
        let mut wrong = Vec::new();
        let known: BTreeSet<&str> =
            answer["evidence"].as_object().into_iter().flatten().map(|(id, _)| id.as_str()).collect();
        for cause in answer["causes"].as_array().into_iter().flatten() {
            if cause["reason"].as_str().is_none_or(str::is_empty) {
                wrong.push(format!("{} has no reason", cause["cause"]));
            }
            if cause["proven"] == true && cause["fix"].as_array().is_none_or(Vec::is_empty) {
                wrong.push(format!("{} is proven and has no way out", cause["cause"]));
            }
            if !texts(&cause["evidence"]).is_subset(&known) {
                wrong.push(format!("{} rests on exchanges that are not there", cause["cause"]));
            }
        }
        wrong
    });
}

#[test]
fn answers_fit_their_schema() {
    let schema = schema::schema("troubleshoot.schema.json");
    complain(|_, answer, _| schema::fits(&schema, &schema, answer, "answer").err().into_iter().collect());
}

#[test]
fn a_later_round_asks_nothing_again() {
    let mut twice = Vec::new();
    for shown in ALL.iter() {
        let Ok(troubled) = &shown.answer else { continue };
        // A server that pushes back is asked again, as it wants; a test sync searches before and after.
        if !scenario(&shown.proof.scenario).patch["faults"].is_null() || shown.proof.sync {
            continue;
        }
        let again = troubled.requests.iter().filter(|request| {
            let read = request.method == "GET" || request.path.contains("/token");
            read && request.count > request.distinct && !request.path.contains("InvokeCommand")
        });
        twice.extend(again.map(|request| {
            format!(
                "{}: {} {}{} × {}",
                shown.proof.scenario, request.method, request.host, request.path, request.count
            )
        }));
    }
    assert!(twice.is_empty(), "\n{}", twice.join("\n"));
}

fn asked(name: &str, text: Option<&str>) -> Troubled {
    in_world(&scenario(name), text)
}

fn in_world(scenario: &Scenario, text: Option<&str>) -> Troubled {
    let log = text.map(|text| ENGINE.text(text));
    runtime().block_on(trial::troubleshoot(scenario, log, false)).expect("the lab runs")
}

/// A scenario with a fault in front of its services.
fn faulty(name: &str, fault: &Value) -> Scenario {
    let mut faulty = scenario(name);
    faulty.patch["faults"] = serde_json::json!({ "passing": fault });
    faulty
}

/// How often the lab was asked for paths with this part, and how many of these requests differ.
fn counted(troubled: &Troubled, part: &str) -> (u64, u64) {
    let fits = troubled.requests.iter().filter(|request| request.path.contains(part));
    fits.fold((0, 0), |(count, distinct), request| {
        (count + request.count as u64, distinct + request.distinct as u64)
    })
}

/// An app without consent, whose settings nobody can read: only its own first call tells.
const ALONE: &str = "forbidden-graph-nothing-granted-unread";
const NO_CONSENT: &str = "AADSTS65001: The user or administrator has not consented to use the application";

#[test]
fn what_got_no_answer_is_asked_once_more_where_it_may_decide() {
    let busy =
        serde_json::json!({ "path": "/*/oauth2/v2.0/token", "method": "POST", "status": 503, "times": 1 });
    let troubled = in_world(&faulty(ALONE, &busy), Some(NO_CONSENT));
    let first = &troubled.answer["causes"][0];
    assert_eq!((&first["cause"], &first["proven"]), (&"consent-missing".into(), &true.into()), "{first:#}");
    assert_eq!((troubled.code, &troubled.answer["went_on"]), (0, &true.into()));
    let (count, distinct) = counted(&troubled, "/oauth2/v2.0/token");
    assert_eq!(count, distinct + 1, "{:?}", troubled.requests);
    let answered = troubled.requests.iter().filter(|request| request.method == "GET");
    let twice: Vec<_> = answered.filter(|request| request.count > request.distinct).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_service_that_wants_to_be_left_alone_for_long_is() {
    let fault = serde_json::json!({
        "host": "graph.microsoft.com", "method": "GET", "status": 429, "headers": { "Retry-After": "3000" }
    });
    let troubled = in_world(&faulty(ALONE, &fault), Some(NO_CONSENT));
    assert_eq!(troubled.answer["causes"][0]["proven"], false);
    let (count, distinct) = counted(&troubled, "/v1.0/users/");
    assert!(count > 0 && count == distinct, "{:?}", troubled.requests);
}

#[test]
fn a_password_that_got_no_answer_is_never_sent_again() {
    let busy = serde_json::json!({ "path": "/*/oauth2/v2.0/token", "method": "POST", "status": 503 });
    let world = faulty("forbidden-account-ews-off-unread", &busy);
    let troubled = in_world(&world, Some("AADSTS50126: invalid username or password"));
    assert_eq!(troubled.answer["causes"][0]["proven"], false, "{:#}", troubled.answer["causes"]);
    let (count, distinct) = counted(&troubled, "/oauth2/v2.0/token");
    assert!(count > 0 && count == distinct, "{:?}", troubled.requests);
}

fn verdicts(troubled: &Troubled) -> BTreeSet<(&str, &str)> {
    let causes = troubled.answer["causes"].as_array().into_iter().flatten();
    causes
        .map(|cause| {
            (cause["cause"].as_str().unwrap_or_default(), cause["verdict"].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn without_a_log_the_first_cause_is_the_proven_one() {
    let troubled = asked("ews-off-and-role-retired", None);
    let causes = &troubled.answer["causes"];
    assert_eq!((troubled.code, &causes[0]["cause"]), (0, &"ews-disabled-tenant".into()), "{causes:#}");
    assert_eq!(causes[1]["cause"], "impersonation-retired");
    assert!(causes[0]["hides"].as_array().is_some_and(|hides| !hides.is_empty()), "{causes:#}");
    assert!(troubled.answer["ticket"].as_str().is_some_and(|ticket| ticket.contains("ews-disabled-tenant")));
    let healthy = asked("healthy-app-graph", None);
    assert_eq!((healthy.code, &healthy.answer["outcome"]), (4, &"nothing-wrong".into()));
}

#[test]
fn a_log_that_fails_beside_an_account_that_passes_is_a_contradiction() {
    let log = "AADSTS7000222: The provided client secret keys for app '5b1e0c1e-0000-4000-8000-00000000beef' are expired.";
    let troubled = asked("healthy-app-graph", Some(log));
    assert_eq!(troubled.code, 3);
    assert!(troubled.answer["contradiction"].is_string(), "{:#}", troubled.answer);
    assert!(verdicts(&troubled).iter().all(|(_, verdict)| *verdict == "ruled-out"), "{:#}", troubled.answer);
    let differs = &troubled.answer["differs"];
    assert!(differs[0].as_str().is_some_and(|text| text.contains("00000000beef")), "{differs:#}");
}

#[test]
fn what_no_check_sees_stays_with_the_log() {
    let troubled = asked("healthy-app-graph", Some("ErrorInvalidSyncStateData: the sync state is not valid"));
    assert!(verdicts(&troubled).contains(&("sync-state-invalid", "log-only")), "{:#}", troubled.answer);
    assert_eq!(troubled.answer["causes"][0]["next_command"], "syncready check svc-sync@contoso.com --sync");
    let troubled = asked("healthy-app-graph", Some("HTTP/1.1 429 Too Many Requests, Retry-After: 120"));
    assert!(verdicts(&troubled).contains(&("throttled", "log-only")), "{:#}", troubled.answer);
    assert_eq!(troubled.code, 3);
}

#[test]
fn a_failure_that_has_more_than_one_cause_proves_none_of_them() {
    let troubled = asked("forbidden-ews-off-undecided", None);
    let first = &troubled.answer["causes"][0];
    assert_eq!((troubled.code, &troubled.answer["outcome"]), (3, &"open".into()), "{first:#}");
    assert_eq!((&first["cause"], &first["proven"]), (&"unknown".into(), &false.into()));
    assert_eq!(first["check"], "impersonation/own-mailbox-answers");
    assert!(first["next"].as_str().is_some_and(|next| next.contains("--as MAILBOX")), "{first:#}");
}

fn run(folder: &tempfile::TempDir, args: &[&str], log: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_syncready"))
        .args(args)
        .current_dir(folder.path())
        .env_remove("SYNCREADY_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments reads nothing.
    let _ = child.stdin.take().expect("piped").write_all(log.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_proof_can_be_saved_and_is_the_same_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = "POST /token client_secret=abc8Q~0123456789abcdef -> AADSTS7000222: keys are expired\n";
    let live = ["troubleshoot", "--demo", "secret-expired", "--log", "-", "--save-facts", "facts.json"];
    let (code, text, errors) = run(&folder, &live, log);
    assert_eq!(code, Some(0), "{errors}");
    for part in ["PROVEN: app-secret-expired", "The proof", "The way out", "Secrets stand in this log"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("0123456789"), "{text}");
    let again = ["troubleshoot", "--from", "facts.json", "--log", "-", "--format", "markdown"];
    let (code, text, errors) = run(&folder, &again, log);
    assert_eq!(code, Some(0), "{errors}");
    assert!(text.starts_with("# PROVEN: app-secret-expired"), "{text}");
    let elsewhere = ["troubleshoot", "other@contoso.com", "--from", "facts.json"];
    let (code, _, errors) = run(&folder, &elsewhere, "");
    assert!(code == Some(2) && errors.contains("svc-sync@contoso.com"), "{errors}");
}

#[test]
fn what_the_account_leaves_open_is_told_as_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let asked = ["troubleshoot", "--demo", "reader-lacks-audit-log", "--log", "-"];
    let (code, text, errors) = run(&folder, &asked, "authentication failed\n");
    assert_eq!(code, Some(3), "{errors}");
    assert!(text.starts_with("UNDECIDED: ") && !text.contains("The way out"), "{text}");
    let next = text.find("What to do next").expect("the next step");
    assert!(next < text.find("What it may be").expect("the causes"), "{text}");
    assert!(text.contains("AuditLog.Read.All for the reader"), "{text}");
    let (code, text, _) = run(&folder, &["troubleshoot", "--demo", "reader-lacks-audit-log"], "");
    assert!(code == Some(3) && text.starts_with("UNDETERMINED"), "{text}");
    assert!(text.contains("What could not be judged") && text.contains("AuditLog.Read.All"), "{text}");
    let (_, text, _) = run(&folder, &["troubleshoot", "--demo", "forbidden-ews-off-undecided"], "");
    assert!(text.starts_with("UNDECIDED: a check fails") && text.contains("What decides it"), "{text}");
}

#[test]
fn a_waived_failure_is_the_cause_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = "AADSTS7000222: The provided client secret keys are expired\n";
    let saved = ["troubleshoot", "--demo", "secret-expired", "--save-facts", "facts.json"];
    assert_eq!(run(&folder, &saved, "").0, Some(0));
    let waiver =
        |check: &str| format!("[[waiver]]\ncheck = \"{check}\"\nreason = \"the vendor replaces it\"\n");
    let both = waiver("app/credential-is-valid-for-30-days") + &waiver("sign-in/subject-gets-a-token");
    std::fs::write(folder.path().join("waived.toml"), both).expect("written");
    let from = ["troubleshoot", "--from", "facts.json", "--config", "waived.toml"];
    let (code, text, errors) = run(&folder, &[&from[..], &["--log", "-"]].concat(), log);
    assert_eq!(code, Some(0), "{errors}{text}");
    assert!(text.starts_with("PROVEN: app-secret-expired"), "{text}");
    assert!(text.contains("Waived") && text.contains("the vendor replaces it"), "{text}");
    let (_, json, _) = run(&folder, &[&from[..], &["--log", "-", "--format", "json"]].concat(), log);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["causes"][0]["waived"], "the vendor replaces it");
    // Without a log that names it, it is no cause to act on, and is told nevertheless.
    let (_, text, _) = run(&folder, &from, "");
    assert!(!text.starts_with("PROVEN: app-secret-expired"), "{text}");
    assert!(text.contains("Fails, and is waived") && text.contains("the vendor replaces it"), "{text}");
}

#[test]
fn nothing_to_look_at_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, text, errors) = run(&folder, &["troubleshoot"], "");
    assert_eq!((code, text.as_str()), (Some(2), ""));
    assert!(errors.contains("no --log, no ACCOUNT"), "{errors}");
}
