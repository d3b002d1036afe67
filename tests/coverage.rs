//! `coverage` as a user runs it, against a lab with a few hundred mailboxes of all sorts.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use syncready::lab::{Lab, Options, Scenario};

/// A lab, and a folder with the configuration that reaches it.
struct Place {
    lab: Lab,
    folder: tempfile::TempDir,
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Place {
    async fn new(world: &str, patch: &str) -> Self {
        let text =
            format!("description = 'x'\nworld = '{world}'\nverdict = 'ready'\npatch = '''{patch}'''\n");
        let lab = Lab::start(&Scenario::parse("x", &text).unwrap(), Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("syncready.toml"), lab.config_toml()).unwrap();
        Self { lab, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn list(&self, name: &str, numbers: impl Iterator<Item = u32>) {
        let text = numbers.fold(String::new(), |mut text, number| {
            writeln!(text, "box{number:07}@contoso.com").unwrap();
            text
        });
        fs::write(self.path(name), text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.arg("coverage").args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("COLUMNS").env_remove("JOB_COMPLETION_INDEX").env("LANG", "C.UTF-8");
        command
    }

    async fn run(&self, args: &[&str]) -> Run {
        let mut command = self.command(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        lines(&fs::read_to_string(self.path(name)).unwrap())
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The mailboxes of a file, in order.
fn mailboxes(lines: &[Value]) -> Vec<&str> {
    lines.iter().filter_map(|line| line["address"].as_str()).collect()
}

/// Every tenth-odd mailbox has one of four faults.
const SORTS: &str = r#"{ "crowd": { "count": 200, "variants": {
    "alias": { "every": 50, "at": 1 }, "none": { "every": 100, "at": 2 }, "ews-off": { "every": 200, "at": 3 } } } }"#;

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_grouped_by_cause() {
    let place = Place::new("online-ews-app", SORTS).await;
    place.list("users.txt", 1..=200);
    let run = place.run(&["--list", "users.txt", "--rate", "max", "-o", "c.jsonl"]).await;
    assert_eq!(run.code, 1, "{}", run.stderr);
    let said: Vec<&str> = run.stdout.split_whitespace().collect();
    let line =
        "200 mailboxes: 193 ok, 7 fail: 4 alias instead of primary address, 2 not provisioned, 1 EWS off";
    assert!(said.join(" ").contains(line), "{}", run.stdout);
    assert!(run.stdout.contains("syncready check svc-sync@contoso.com --as box"), "{}", run.stdout);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(run.stderr.starts_with("For the security team: "), "{}", run.stderr);
    let lines = place.lines("c.jsonl");
    assert_eq!(mailboxes(&lines).len(), 200);
    let alias = lines.iter().find(|line| line["address"] == "box0000051@contoso.com").unwrap();
    assert_eq!(alias["cause"], "address-not-primary");
    assert_eq!((&alias["proven"], &alias["declared"]), (&"faulty".into(), &"inside".into()));
    assert_eq!(alias["suggested"], "first0000051@contoso.com");
    let summary = lines.last().unwrap();
    assert_eq!((&summary["open"], &summary["failed"]), (&193.into(), &7.into()));
    assert_eq!(summary["early"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_by_graph_and_in_every_format() {
    let patch = r#"{ "crowd": { "count": 60, "variants": { "none": { "every": 30, "at": 2 } } } }"#;
    let place = Place::new("online-graph-app", patch).await;
    place.list("users.txt", 1..=60);
    let run = place.run(&["--list", "users.txt", "--rate", "max", "--format", "json"]).await;
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &summary["open"], &summary["failed"]), (1, &58.into(), &2.into()));
    let run = place.run(&["--list", "users.txt", "--rate", "max", "--format", "jsonl"]).await;
    let lines = lines(&run.stdout);
    assert_eq!((mailboxes(&lines).len(), lines.len()), (60, 62));
    assert_eq!(lines[0]["kind"], "syncready-coverage");
    assert_eq!(lines[61]["kind"], "syncready-coverage-summary");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_goes_on_where_it_was() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 300 } }"#).await;
    place.list("users.txt", 1..=300);
    let mut child = place
        .command(&["--list", "users.txt", "--rate", "100", "-o", "c.jsonl"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let some = || fs::read_to_string(place.path("c.jsonl")).map_or(0, |text| text.lines().count()) > 20;
    for _ in 0..3000 {
        if some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(some(), "nothing was written while it ran");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = fs::read_to_string(place.path("c.jsonl")).unwrap();
    assert!(before.lines().count() < 300, "it was killed too late to prove anything");
    let known = mailboxes(&lines(&before[..=before.rfind('\n').unwrap()])).len();
    fs::write(place.path("c.jsonl"), format!("{before}{{\"address\":\"box00")).unwrap();
    let asked = |place: &Place| -> usize {
        let requests = place.lab.requests();
        requests.iter().filter(|log| log.path == "/EWS/Exchange.asmx").map(|log| log.count).sum()
    };
    let before = asked(&place);
    let run = place.run(&["--list", "users.txt", "--rate", "max", "--resume", "c.jsonl"]).await;
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let all = place.lines("c.jsonl");
    let names = mailboxes(&all);
    assert_eq!((names.len(), names.iter().collect::<BTreeSet<_>>().len()), (300, 300), "each of them once");
    assert_eq!(all.last().unwrap()["resumed"], known);
    // One question proves the credential, and one more finds out what the server wants.
    let again = asked(&place) - before;
    assert!(again <= 300 - known + 2, "{again} questions for {} mailboxes", 300 - known);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_run_is_not_mixed_into_a_file() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 10 } }"#).await;
    place.list("users.txt", 1..=10);
    let run = place.run(&["--list", "users.txt", "-o", "c.jsonl"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let run = place.run(&["--list", "users.txt", "--shard", "1/2", "--resume", "c.jsonl"]).await;
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("its shard is `none`, now it is `1/2`"), "{}", run.stderr);
    let run = place.run(&["--list", "users.txt", "-o", "c.jsonl"]).await;
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("`--resume c.jsonl` goes on with it"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_share_a_list_exactly() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 100 } }"#).await;
    place.list("users.txt", 1..=100);
    let mut all = Vec::new();
    for index in 0..3 {
        let mut command = place.command(&["--list", "users.txt", "--rate", "max", "--shard", "index/3"]);
        command.args(["--format", "jsonl"]).env("JOB_COMPLETION_INDEX", index.to_string());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert_eq!(output.status.code(), Some(0));
        let part = lines(std::str::from_utf8(&output.stdout).unwrap());
        assert_eq!(part[0]["options"]["shard"], format!("{}/3", index + 1));
        all.extend(mailboxes(&part).into_iter().map(str::to_owned));
    }
    let each: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), each.len()), (100, 100));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_limits_is_waited_for() {
    let patch = r#"{ "crowd": { "count": 200 }, "throttling": { "ews": { "app_requests": 50, "app_window_ms": 1000 } } }"#;
    let place = Place::new("online-ews-app", patch).await;
    place.list("users.txt", 1..=200);
    let args = ["--list", "users.txt", "--rate", "max", "--concurrency", "8", "--format", "json"];
    let run = place.run(&args).await;
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &summary["open"]), (0, &200.into()), "{}", run.stdout);
    let refused = summary["refused_for_rate"].as_u64().unwrap();
    assert!((1..=40).contains(&refused), "{refused} refused");
}

/// The configuration without a reader: nobody tells what is declared.
fn without_reader(config: &str) -> String {
    let (before, rest) = config.split_once("[reader]").unwrap();
    let (_, after) = rest.split_once("[tenant]").unwrap();
    format!("{before}[tenant]{after}")
}

#[tokio::test(flavor = "multi_thread")]
async fn rising_refusals_stop_a_run_that_can_be_resumed() {
    let place = Place::new("online-graph-app", &HALF.replace("\"count\": 40", "\"count\": 800")).await;
    fs::write(place.path("syncready.toml"), without_reader(place.lab.config_toml())).unwrap();
    let outside = |number: &u32| number % 4 == 1;
    let inside = (1..=200).filter(|number| !outside(number));
    place.list("users.txt", inside.chain((1..=800).filter(outside)));
    let args = ["--list", "users.txt", "--rate", "max", "-o", "c.jsonl"];
    let run = place.run(&args).await;
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("ENDED EARLY: 51 of the latest 100 mailboxes were refused"),
        "{}",
        run.stdout
    );
    let lines = place.lines("c.jsonl");
    assert!(mailboxes(&lines).len() < 250, "{} were asked", mailboxes(&lines).len());
    assert_eq!(lines.last().unwrap()["early"]["because"], "refusals");
    let args = ["--list", "users.txt", "--rate", "max", "--resume", "c.jsonl", "--stop-at", "100"];
    let run = place.run(&args).await;
    let lines = place.lines("c.jsonl");
    assert_eq!((run.code, mailboxes(&lines).len()), (1, 350), "{}", run.stdout);
    assert_eq!(lines.last().unwrap()["groups"][0]["cause"], "app-access-policy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_is_synced_and_left_as_it_was() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 12 } }"#).await;
    place.list("users.txt", 1..=12);
    let args = ["--list", "users.txt", "--rate", "max", "--sample", "2", "--yes", "-o", "c.jsonl"];
    let run = place.run(&args).await;
    let lines = place.lines("c.jsonl");
    let sample: Vec<&Value> =
        lines.iter().filter(|line| line["kind"] == "syncready-coverage-sample").collect();
    assert_eq!(sample.len(), 2, "{}{}", run.stdout, run.stderr);
    assert_eq!(run.code, 0, "{}{sample:#?}", run.stdout);
    assert!(run.stdout.contains("Test sync in 2 mailboxes: 2 ok"), "{}", run.stdout);
    let first = sample[0];
    assert_eq!(first["left"], serde_json::json!([]));
    assert!(first["steps"].as_array().unwrap().iter().any(|step| step["step"] == "create"));
    let folders = place.lab.dump(first["mailbox"].as_str().unwrap()).to_string();
    assert!(!folders.contains("syncready"), "{folders}");
}

/// A scope that holds half of the mailboxes.
const HALF: &str = r#"{
  "crowd": { "count": 40, "variants": { "outside": { "every": 4, "at": 1 } } },
  "groups": {
    "scope": { "id": "9a9a9a9a-0000-4000-8000-000000000003", "displayName": "Sync scope",
      "mail": "sync-scope@contoso.com", "mailEnabled": true, "securityEnabled": true, "groupTypes": [],
      "x": { "member_of": [], "owners": [] } },
    "sync-users": { "x": { "member_of": ["scope"] } }
  },
  "exchange": { "access_policies": { "restrict": {
    "AppId": "b1f0c0de-0000-4000-8000-00000000a991", "AccessRight": "RestrictAccess", "ScopeName": "Sync scope",
    "ScopeIdentity": "Sync scope", "IsValid": true, "x": { "members": ["crowd", "scope"] } } } }
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn wanted_users_outside_the_scope_are_named_and_the_new_ones_too() {
    let place = Place::new("online-graph-app", HALF).await;
    place.list("users.txt", 1..=20);
    let run = place.run(&["--list", "users.txt", "--rate", "max", "-o", "one.jsonl"]).await;
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("Wanted, and outside the scope: 5\n"), "{}", run.stdout);
    place.list("users.txt", 1..=28);
    let args = ["--list", "users.txt", "--rate", "max", "--since", "one.jsonl", "-o", "two.jsonl"];
    let run = place.run(&args).await;
    let said: Vec<&str> = run.stdout.split_whitespace().collect();
    let line = "Wanted, and outside the scope: 7, 2 of them new since the earlier run";
    assert!(said.join(" ").contains(line), "{}", run.stdout);
    let lines = place.lines("two.jsonl");
    let row = lines.iter().find(|line| line["address"] == "box0000021@contoso.com").unwrap();
    assert_eq!((&row["declared"], &row["new"]), (&"outside".into(), &true.into()));
    assert_eq!(row["proven"], "denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_brings_the_list() {
    let place = Place::new("online-graph-app", HALF).await;
    let open = async |args: &[&str]| {
        let args = [args, &["--rate", "max", "--format", "json"]].concat();
        let run = place.run(&args).await;
        let summary: Value = serde_json::from_str(&run.stdout)
            .unwrap_or_else(|_| panic!("{args:?}: {}{}", run.stdout, run.stderr));
        (summary["open"].as_u64().unwrap(), summary["mailboxes"].as_u64().unwrap())
    };
    let (all, everybody) = open(&["--all", "--stop-at", "100"]).await;
    assert!(everybody >= 43 && all >= 30, "{all} of {everybody}");
    let (scope, of) = open(&["--scope"]).await;
    assert!(scope >= 30 && of >= scope && of < everybody, "{scope} of {of}");
    let (_, group) = open(&["--group", "sync-users@contoso.com"]).await;
    assert!(group >= 30 && group < everybody, "{group}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_from_standard_input_as_long_as_somebody_writes() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 50 } }"#).await;
    let mut command = place.command(&["--list", "-", "--format", "jsonl", "--rate", "max"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        writeln!(input, "Mail\nbox0000001@contoso.com").unwrap();
        input.flush().unwrap();
        // The header comes at once; the rest when the list has ended.
        output.read_line(&mut text).unwrap();
        assert!(text.contains("\"source\":\"standard input\""), "{text}");
        for number in 2..=50 {
            writeln!(input, "box{number:07}@contoso.com,x").unwrap();
        }
        drop(input);
        let rest: Vec<String> = output.lines().map(Result::unwrap).collect();
        assert_eq!(rest.len(), 51);
        assert_eq!(child.wait().unwrap().code(), Some(0));
    })
    .await
    .unwrap();
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_leaves_a_summary_and_a_file_to_resume() {
    let place = Place::new("online-ews-app", r#"{ "crowd": { "count": 500 } }"#).await;
    place.list("users.txt", 1..=500);
    let mut command = place.command(&["--list", "users.txt", "--rate", "50", "-o", "c.jsonl"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..3000 {
        if fs::read_to_string(place.path("c.jsonl")).is_ok_and(|text| text.lines().count() > 5) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let id = child.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("ENDED EARLY: it was stopped"), "{shown}");
    assert!(shown.contains("--resume c.jsonl"), "{shown}");
    assert_eq!(place.lines("c.jsonl").last().unwrap()["early"]["because"], "stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_secret_is_sent_once_and_asks_nobody() {
    let patch = r#"{ "crowd": { "count": 20 },
        "service_principals": { "product": { "x": { "token_error": { "code": 7000222 } } } } }"#;
    let place = Place::new("online-ews-app", patch).await;
    place.list("users.txt", 1..=20);
    let run = place.run(&["--list", "users.txt", "-o", "c.jsonl"]).await;
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("no mailbox can be asked"), "{}", run.stderr);
    assert!(run.stderr.contains("syncready check svc-sync@contoso.com"), "{}", run.stderr);
    let run = place.run(&["--list", "users.txt", "--resume", "c.jsonl"]).await;
    assert!(run.stderr.contains("is not sent again"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_asks_no_mailbox() {
    let place = Place::new("online-graph-app", HALF).await;
    place.list("users.txt", 1..=20);
    let run = place.run(&["--list", "users.txt", "--dry-run"]).await;
    let line = "Would ask 20 mailboxes: 15 declared inside the scope, 5 outside, 0 unknown.\n";
    assert_eq!((run.code, run.stdout.as_str()), (0, line), "{}", run.stderr);
    let mailbox = |path: &str| path.contains("/users/box");
    assert!(place.lab.requests().iter().all(|log| !mailbox(&log.path)));
}

/// Asks for everybody in a list, and gives the lines that came out, by address.
async fn by_address(place: &Place, addresses: &[&str], args: &[&str]) -> (Run, BTreeMap<String, Value>) {
    fs::write(place.path("named.txt"), addresses.join("\n")).unwrap();
    let args =
        [&["--list", "named.txt", "--rate", "max", "--format", "jsonl", "--stop-at", "100"], args].concat();
    let run = place.run(&args).await;
    let rows = lines(&run.stdout).into_iter();
    let rows = rows.filter_map(|row| Some((row["address"].as_str()?.to_owned(), row))).collect();
    (run, rows)
}

fn told(rows: &BTreeMap<String, Value>, address: &str) -> (String, String) {
    let row = rows.get(address).unwrap_or_else(|| panic!("{address} is not in {rows:#?}"));
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    (text("declared"), text("proven"))
}

fn pair(declared: &str, proven: &str) -> (String, String) {
    (declared.to_owned(), proven.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_runs_out_in_the_middle_is_renewed() {
    let patch = r#"{ "crowd": { "count": 200 }, "tenant": { "token_seconds": 33 } }"#;
    let place = Place::new("online-ews-app", patch).await;
    place.list("users.txt", 1..=80);
    let run = place.run(&["--list", "users.txt", "--rate", "2", "--format", "json"]).await;
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((run.code, &summary["open"]), (0, &80.into()), "{}", run.stdout);
    assert!(summary["seconds"].as_f64().unwrap() > 34.0, "one token was enough: {}", run.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_opens_what_is_shared_with_it() {
    let patch = r#"{ "exchange": { "mailboxes": { "alice": { "x": { "full_access": { "svc": null },
        "folders": { "calendar": { "permissions": { "svc": "Editor" } }, "contacts": { "permissions": { "svc": "Editor" } } } } },
        "bob": { "x": { "full_access": { "svc": null } } } } } }"#;
    let place = Place::new("online-delegated", patch).await;
    let config = place.lab.config_toml().to_owned();
    let everybody = ["svc-sync@contoso.com", "alice@contoso.com", "bob@contoso.com"];
    let (run, rows) = by_address(&place, &everybody, &[]).await;
    assert_eq!(run.code, 1, "{}{}\n{config}", run.stdout, run.stderr);
    assert_eq!(told(&rows, "svc-sync@contoso.com"), pair("inside", "open"));
    assert_eq!(told(&rows, "alice@contoso.com"), pair("inside", "open"), "{config}");
    assert_eq!(told(&rows, "bob@contoso.com"), pair("unknown", "denied"));
    assert_eq!(rows["bob@contoso.com"]["cause"], "delegate-access-denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_an_exchange_server_an_import_declares_and_impersonation_proves() {
    let patch = r#"{ "crowd": { "count": 20, "variants": { "alias": { "every": 20, "at": 1 } } } }"#;
    let place = Place::new("exchange-server", patch).await;
    let everybody = ["alice@contoso.com", "bob@contoso.com", "box0000001@contoso.com", "nobody@contoso.com"];
    let (run, rows) = by_address(&place, &everybody, &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(told(&rows, "alice@contoso.com"), pair("inside", "open"));
    assert_eq!(told(&rows, "nobody@contoso.com").1, "faulty");
    assert_eq!(rows["box0000001@contoso.com"]["cause"], "address-not-primary");
    let run = place.run(&["--all"]).await;
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(run.stderr.contains("Get-Mailbox -ResultSize Unlimited"), "{}", run.stderr);
}

/// An app whose role reaches an administrative unit.
const UNIT: &str = r#"{
  "administrative_units": { "north": { "id": "4d819ce9-0000-4000-8000-000000000001", "displayName": "North",
    "x": { "members": ["svc", "alice"] } } },
  "service_principals": { "product": { "x": { "app_role_assignments": null } } },
  "exchange": {
    "service_principals": { "product": { "AppId": "b1f0c0de-0000-4000-8000-00000000a991",
      "ObjectId": "5ca1ab1e-0000-4000-8000-000000000001", "DisplayName": "Contoso Sync" } },
    "role_assignments": {
      "calendars": { "app": "product", "role": "Application Calendars.ReadWrite", "unit": "north" },
      "contacts": { "app": "product", "role": "Application Contacts.ReadWrite", "unit": "north" } } }
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_administrative_unit_is_read_and_listed() {
    let place = Place::new("online-graph-app", UNIT).await;
    let everybody = ["svc-sync@contoso.com", "alice@contoso.com", "bob@contoso.com"];
    let (run, rows) = by_address(&place, &everybody, &[]).await;
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(told(&rows, "alice@contoso.com"), pair("inside", "open"), "{}", run.stdout);
    assert_eq!(told(&rows, "bob@contoso.com"), pair("outside", "denied"));
    let run = place.run(&["--scope", "--rate", "max", "--format", "json"]).await;
    let summary: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (run.code, &summary["open"], &summary["mailboxes"]),
        (0, &2.into(), &2.into()),
        "{}",
        run.stdout
    );
}

/// The same with a scope that is a filter, and has the name of a group with other members.
const FILTER: &str = r#"{
  "groups": { "sales": { "displayName": "Filtered" } },
  "service_principals": { "product": { "x": { "app_role_assignments": null } } },
  "exchange": {
    "service_principals": { "product": { "AppId": "b1f0c0de-0000-4000-8000-00000000a991",
      "ObjectId": "5ca1ab1e-0000-4000-8000-000000000001", "DisplayName": "Contoso Sync" } },
    "role_assignments": {
      "calendars": { "app": "product", "role": "Application Calendars.ReadWrite", "scope": "Filtered", "members": ["svc", "bob"] },
      "contacts": { "app": "product", "role": "Application Contacts.ReadWrite", "scope": "Filtered", "members": ["svc", "bob"] } } }
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_with_the_name_of_a_group_is_not_taken_for_it() {
    let place = Place::new("online-graph-app", FILTER).await;
    let everybody = ["svc-sync@contoso.com", "alice@contoso.com", "bob@contoso.com"];
    let (run, rows) = by_address(&place, &everybody, &[]).await;
    assert_eq!(told(&rows, "svc-sync@contoso.com"), pair("inside", "open"), "{}{}", run.stdout, run.stderr);
    assert_eq!(told(&rows, "bob@contoso.com"), pair("unknown", "open"));
    let header = &lines(&run.stdout)[0];
    assert!(header["scope"].to_string().contains("is not the group of that name"), "{header}");
    let run = place.run(&["--scope"]).await;
    assert_eq!(run.code, 2, "{}", run.stdout);
}
