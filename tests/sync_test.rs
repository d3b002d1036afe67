//! The test sync as a user runs it, against a lab in this process: it passes and leaves the mailbox as it
//! was, is ended by signals without leaving anything, and whatever a killed run leaves, the next sweep
//! removes.

#![cfg(unix)]

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use syncready::lab::{self, Lab, Options, Scenario};

const ACCOUNT: &str = "svc-sync@contoso.com";

/// Held back so long that nobody waits for the answer.
const NEVER: u64 = 600_000;

struct Place {
    folder: tempfile::TempDir,
    lab: Lab,
}

fn scenario(name: &str) -> Scenario {
    lab::scenario(name).expect("an embedded scenario")
}

/// A scenario in which one request, after so many others, is never answered.
fn stuck(name: &str, after: u64) -> Scenario {
    let mut scenario = scenario(name);
    let path = if name.contains("graph") { "/v1.0/users/" } else { "/EWS/" };
    scenario.patch["faults"] =
        json!({ "stuck": { "path": path, "after": after, "times": 1, "delay_ms": NEVER } });
    scenario
}

impl Place {
    async fn new(scenario: &Scenario, latency_ms: u64) -> Self {
        let lab = Lab::start(scenario, Options { latency_ms }).await.expect("the lab starts");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("syncready.toml"), lab.config_toml()).expect("written");
        Self { folder, lab }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
            .env("XDG_STATE_HOME", self.folder.path())
            .env_remove("SYNCREADY_CONFIG")
            .env("LANG", "C.UTF-8");
        command.env_remove("COLUMNS").env_remove("LC_ALL");
        command
    }

    async fn run(&self, args: &[&str]) -> Output {
        finished(self.start(args)).await
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program starts")
    }

    /// The mailbox without the traces that nobody can undo.
    fn dump(&self) -> Value {
        let mut dump = self.lab.dump(ACCOUNT);
        if let Some(dump) = dump.as_object_mut() {
            dump.remove("traces");
        }
        dump
    }

    fn asked(&self) -> usize {
        let paths = ["/v1.0/users/", "/EWS/"];
        let own = |path: &str| paths.iter().any(|start| path.starts_with(start));
        self.lab.requests().iter().filter(|log| own(&log.path)).map(|log| log.count).sum()
    }

    /// Waits until something of a run stands in the mailbox.
    async fn until_something_is_made(&self, before: &Value) {
        for _ in 0..1_500 {
            if self.dump() != *before {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nothing was ever made");
    }
}

/// Waits without keeping the lab from its work.
async fn finished(child: Child) -> Output {
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    waiting.await.expect("no panic").expect("ended")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn passes(name: &str) {
    let place = Place::new(&scenario(name), 0).await;
    let before = place.dump();
    let output = place.run(&["sync-test", "--format", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let steps = report["accounts"][0]["sync"]["steps"].as_array().expect("steps").clone();
    let ended = |name: &str| {
        let found: Vec<_> = steps.iter().filter(|s| s["step"] == name && s["role"] == "account").collect();
        !found.is_empty() && found.iter().all(|step| step["result"] == "ok")
    };
    for step in [
        "open",
        "create-folder",
        "create",
        "read",
        "feed-created",
        "update",
        "conflict",
        "delete",
        "clean-up",
    ] {
        assert!(ended(step), "{step}: {steps:#?}");
    }
    assert!(
        steps.iter().all(|step| step["role"] == "account"
            || step["code"] == "read-only"
            || step["result"] != "failed")
    );
    assert_eq!(place.dump(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_passes_by_ews_and_leaves_the_mailbox_as_it_was() {
    passes("healthy-on-premises").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_passes_by_graph_and_leaves_the_mailbox_as_it_was() {
    passes("healthy-app-graph").await;
}

/// Kills a run in which one request hangs, and sweeps; gives whether the run came that far.
async fn killed(name: &str, after: u64) -> bool {
    let place = Place::new(&stuck(name, after), 0).await;
    let before = place.dump();
    let mut child = place.start(&["sync-test", "--timeout", "5m"]);
    let wanted = usize::try_from(after).expect("small");
    while place.asked() <= wanted {
        if child.try_wait().expect("a child").is_some() {
            assert_eq!(place.dump(), before, "{name}, not killed");
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // What goes on at the same time may leave more.
    tokio::time::sleep(Duration::from_millis(30)).await;
    child.kill().expect("killed");
    finished(child).await;
    let output = place.run(&["sync-test", "--sweep", "--format", "json"]).await;
    assert_eq!(place.dump(), before, "{name}, killed after {after}: {}", text(&output));
    assert!(matches!(output.status.code(), Some(0)), "{name}, killed after {after}: {}", text(&output));
    true
}

async fn killed_everywhere(name: &str) {
    let mut far = 0;
    // `SYNC_KILLS=all` kills at every request, which takes minutes; otherwise at every third.
    let apart = if std::env::var("SYNC_KILLS").is_ok_and(|kills| kills == "all") { 1 } else { 3 };
    // Four at a time, until a run ends before it can be killed.
    for first in (0..200).step_by(4 * apart) {
        let places = (0..4).map(|place| u64::try_from(first + place * apart).expect("small"));
        let four = futures_util::future::join_all(places.map(|after| killed(name, after))).await;
        far += four.iter().filter(|killed| **killed).count();
        if four.contains(&false) {
            break;
        }
    }
    assert!(far > 30 / apart, "{name}: only {far} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_ews_that_is_killed_at_any_request_is_swept_away() {
    killed_everywhere("healthy-on-premises").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_graph_that_is_killed_at_any_request_is_swept_away() {
    killed_everywhere("healthy-app-graph").await;
}

fn send(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id()).expect("small");
    let pid = rustix::process::Pid::from_raw(id).expect("no zero");
    rustix::process::kill_process(pid, signal).expect("sent");
}

/// Sends signals to a run that has made something; gives what it said and left.
async fn signalled(name: &str, signals: &[rustix::process::Signal]) -> (Place, Output, Value) {
    let place = Place::new(&scenario(name), 150).await;
    let before = place.dump();
    let child = place.start(&["sync-test"]);
    place.until_something_is_made(&before).await;
    for signal in signals {
        send(&child, *signal);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let output = finished(child).await;
    (place, output, before)
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_cleans_up_first() {
    for name in ["healthy-on-premises", "healthy-app-graph"] {
        let (place, output, before) = signalled(name, &[rustix::process::Signal::INT]).await;
        assert_eq!(output.status.code(), Some(130), "{}", text(&output));
        assert!(text(&output).contains("has removed what it made"), "{}", text(&output));
        assert_eq!(place.dump(), before, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_cleans_up_first() {
    let (place, output, before) = signalled("healthy-on-premises", &[rustix::process::Signal::TERM]).await;
    assert_eq!(output.status.code(), Some(143), "{}", text(&output));
    assert_eq!(place.dump(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_at_once_and_says_how_to_sweep() {
    let twice = [rustix::process::Signal::INT; 2];
    let (place, output, before) = signalled("healthy-on-premises", &twice).await;
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
    assert!(text(&output).contains("--sweep"), "{}", text(&output));
    let output = place.run(&["sync-test", "--sweep"]).await;
    assert_eq!(place.dump(), before, "{}", text(&output));
}

/// The time limit strikes while the work goes on: the program ends in time, cleaned up, and says what was
/// left out.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_limit_in_the_middle_ends_the_run_cleaned_up() {
    for name in ["healthy-on-premises", "healthy-app-graph"] {
        let place = Place::new(&scenario(name), 800).await;
        let before = place.dump();
        let output = place.run(&["sync-test", "--timeout", "18s", "--format", "json"]).await;
        assert_eq!(place.dump(), before, "{name}: {}", text(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        // From the first request on: how long a busy machine takes to start a program is not its doing.
        assert!(
            report["duration_ms"].as_u64().is_some_and(|ms| ms <= 18_000),
            "{name}: {}",
            report["duration_ms"]
        );
        let sync = &report["accounts"][0]["sync"];
        assert_eq!((&sync["ended"], &sync["left"]), (&json!("out-of-time"), &json!([])), "{name}: {sync:#}");
        let left_out = sync["steps"].as_array().expect("steps").iter();
        assert!(left_out.filter(|step| step["code"] == "out-of-time").count() > 0, "{name}: {sync:#}");
        assert_eq!(output.status.code(), Some(3), "{name}: {}", text(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_asks_no_server() {
    let place = Place::new(&scenario("healthy-on-premises"), 0).await;
    let output = place.run(&["sync-test", "--dry-run", "--format", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let steps = plan["accounts"][0]["steps"].as_array().expect("steps");
    assert!(steps.iter().any(|step| step["step"] == "create-folder"), "{plan}");
    assert_eq!(place.lab.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_writes_nothing_unless_it_is_told_to() {
    let place = Place::new(&scenario("healthy-on-premises"), 0).await;
    let before = place.lab.dump(ACCOUNT);
    let output = place.run(&["check", "--format", "json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(report["accounts"][0]["sync"].is_null(), "{}", text(&output));
    let findings = report["accounts"][0]["findings"].as_array().expect("findings");
    assert!(
        !findings.iter().any(|finding| finding["check"].as_str().is_some_and(|id| id.starts_with("sync/")))
    );
    assert_eq!(place.lab.dump(ACCOUNT), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_the_test_sync_is_refused_without_it() {
    let place = Place::new(&scenario("healthy-on-premises"), 0).await;
    let output = place.run(&["check", "--yes"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--sync"), "{}", text(&output));
    let output = place.run(&["sync-test", "--protocol", "graph"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("--protocol graph"), "{}", text(&output));
}
