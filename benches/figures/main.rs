//! The figures that the project promises, each beside its mark, all from one run.
//!
//! `cargo bench` prints them; `cargo bench -- latency fleet` only some. Nothing here passes or fails:
//! tests never time.

mod bare;
mod client;
mod coverage;
mod diagnosis;
mod machine;
mod sync;

use std::{
    fmt::Write,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use syncready::{
    cli::trial::{self, Trial},
    lab::{self, Lab, Options, RequestLog, Scenario},
};

type Figure = (&'static str, fn());

const FIGURES: &[Figure] = &[
    ("start", start),
    ("demo", demo),
    ("latency", latency),
    ("requests", requests),
    ("judging", judging),
    ("fleet", fleet),
    ("live", live),
    ("lines", lines),
    ("sync", sync::sync),
    ("coverage", coverage::coverage),
    ("million", coverage::million),
    ("diagnosis", || diagnosis::diagnosis(show)),
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, figure) in FIGURES {
        // A million mailboxes take minutes.
        if asked.is_empty() && *name != "million" || asked.iter().any(|asked| asked == name) {
            figure();
        }
    }
}

fn show(what: &str, measured: &str, mark: &str) {
    println!("{what:<74} {measured:>16}   mark: {mark}");
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_syncready");

/// Wall time of the program over several runs: the least, which other work on the machine does not
/// touch, and the median.
fn wall(arguments: &[&str], runs: usize) -> String {
    let one = |_| {
        let started = Instant::now();
        Command::new(PROGRAM).args(arguments).output().expect("the program starts");
        started.elapsed()
    };
    range((0..runs).map(one).collect())
}

fn range(times: Vec<Duration>) -> String {
    let least = times.iter().min().copied().unwrap_or_default();
    format!("{:.1} – {}", least.as_secs_f64() * 1000.0, millis(median(times)))
}

/// Peak memory of the program, where GNU time is there to tell.
fn peak(arguments: &[&str]) -> String {
    let output = Command::new("/usr/bin/time").args(["-f", "%M", PROGRAM]).args(arguments).output();
    let told = output.ok().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let kib = told.and_then(|text| text.lines().last()?.trim().parse::<f64>().ok());
    kib.map_or_else(|| "not measured".to_owned(), |kib| format!("{:.1} MiB", kib / 1024.0))
}

fn start() {
    let check = ["explain", "mfa/per-user-mfa-is-off"];
    for arguments in [&check[..], &["explain", "AADSTS50076"], &["checks", "list"], &["completions", "bash"]]
    {
        let name = arguments.join(" ");
        show(&format!("start-up, {name}"), &wall(arguments, 41), "10 ms");
        show(&format!("peak memory, {name}"), &peak(arguments), "20 MiB");
    }
}

fn demo() {
    show("the demo from nothing: lab, check, report", &wall(&["check", "--demo"], 11), "500 ms");
}

fn scenario(name: &str) -> Scenario {
    lab::scenario(name).expect("the healthy scenarios are always there")
}

fn attempt(scenario: &Scenario, latency_ms: u64, configure: impl FnOnce(&str) -> String + Send) -> Trial {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(trial::run(scenario, Options { latency_ms }, configure)).expect("the lab is checked")
}

/// The healthy scenarios, each with its longest chain of answers of which every one needs the one
/// before: a token, an object id, an address, or the proof that a credential may be sent again.
const HEALTHY: &[(&str, &[&str])] = &[
    (
        "healthy-delegated",
        &["first token", "token for Exchange", "name of the folder", "rights on the folder"],
    ),
    ("healthy-app-graph", &["token", "user", "sign-ins of the user's id"]),
    ("healthy-app-ews", &["token", "user", "sign-ins of the user's id"]),
    ("healthy-on-premises", &["Autodiscover", "EWS challenge", "own mailbox", "other mailbox"]),
];

/// Every answer takes 50 ms longer: how near is the run to the longest chain of answers that depend on
/// each other? The least of a few runs, because the lab and the rest of the machine share the processors.
fn latency() {
    const ADDED: u64 = 50;
    for (name, chain) in HEALTHY {
        let scenario = scenario(name);
        let runs = (0..5).map(|_| attempt(&scenario, ADDED, str::to_owned).document.run.duration_ms);
        let (took, waits) = (runs.min().unwrap_or_default(), chain.len() as u64 * ADDED);
        #[expect(clippy::cast_precision_loss, reason = "a few thousand milliseconds")]
        let ratio = took as f64 / waits as f64;
        show(&format!("+{ADDED} ms an answer, {name}: {took} / {waits} ms"), &format!("{ratio:.2}"), "1.25");
    }
}

/// Requests that the lab got, against those that differ in address, body or credential.
fn requests() {
    for (name, _) in HEALTHY {
        let trial = attempt(&scenario(name), 0, str::to_owned);
        let sent = sum(&trial.requests);
        let distinct: usize = trial.requests.iter().map(|request| request.distinct).sum();
        #[expect(clippy::cast_precision_loss, reason = "a few dozen requests")]
        let ratio = sent as f64 / distinct.max(1) as f64;
        show(&format!("requests, {name}: {sent} sent / {distinct} distinct"), &format!("{ratio:.2}"), "1.00");
    }
}

fn sum(requests: &[RequestLog]) -> usize {
    requests.iter().map(|request| request.count).sum()
}

fn judging() {
    let trial = attempt(&scenario("healthy-delegated"), 0, str::to_owned);
    let judge = |_| {
        let started = Instant::now();
        trial::replay(&trial.document).expect("judged");
        started.elapsed()
    };
    let times = range((0..301).map(judge).collect());
    let count = trial.report.accounts[0].findings.len();
    show(&format!("judging stored facts, {count} checks, rules compiled"), &times, "2 ms");
}

/// Accounts of one tenant: the tenant is asked once, each account adds the same few requests, and none
/// takes longer because there are many.
fn fleet() {
    const MANY: u32 = 1000;
    let size = |count: u32| usize::try_from(count).expect("a small number");
    let [one, two, some, many] = [1, 2, MANY / 10, MANY].map(|count| {
        let count = size(count);
        let trial = attempt(&crowd(count), 0, |config| accounts(config, count));
        assert_eq!(trial.report.accounts.len(), count, "every account is in the report");
        let started = Instant::now();
        trial::replay(&trial.document).expect("judged");
        (sum(&trial.requests), Duration::from_millis(trial.document.run.duration_ms), started.elapsed())
    });
    let each = two.0 - one.0;
    let expected = one.0 + size(MANY - 1) * each;
    let per = |time: Duration, count: u32| (time / count).as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    let ratio = many.0 as f64 / expected as f64;
    show(
        &format!("{MANY} accounts: {} requests / {} + {} × {each}", many.0, one.0, MANY - 1),
        &format!("{ratio:.2}"),
        "1.00",
    );
    for (what, few, all) in [("serve and collect", some.1, many.1), ("judge", some.2, many.2)] {
        let (few, each) = (per(few, MANY / 10), per(all, MANY));
        let what = format!("{MANY} accounts: to {what} each, lab included");
        show(&what, &format!("{each:.1} ms"), &format!("one of {}: {few:.1} ms", MANY / 10));
    }
}

/// A live run of the program itself against a lab in this process: neither its memory nor its time for
/// an account grows with their number.
fn live() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    for count in [100, 300, 1000] {
        let scenario = crowd(count);
        let lab = runtime.block_on(Lab::start(&scenario, Options::default())).expect("the lab starts");
        let (config, reports) = (folder.path().join("syncready.toml"), folder.path().join("reports.jsonl"));
        std::fs::write(&config, accounts(lab.config_toml(), count)).expect("written");
        let [config, output] = [&config, &reports].map(|path| path.to_str().expect("UTF-8"));
        let arguments = ["check", "--config", config, "--format", "jsonl", "-o", output];
        let started = Instant::now();
        let peak = peak(&arguments);
        let each = started.elapsed() / u32::try_from(count).expect("a small number");
        let text = std::fs::read_to_string(&reports).unwrap_or_default();
        let ready = text.lines().filter(|line| line.contains(r#""verdict":"ready""#)).count();
        assert_eq!(ready, count, "every account is there, and ready");
        show(&format!("{count} live accounts as JSON Lines: peak memory"), &peak, "flat");
        show(&format!("{count} live accounts as JSON Lines: each"), &millis(each), "linear");
    }
}

/// Saved facts of many accounts, judged line by line: the memory must not grow with their number.
fn lines() {
    let mut document = attempt(&scenario("healthy-app-graph"), 0, str::to_owned).document;
    let account = document.accounts.remove(0);
    let line = |value: &Value| value.to_string() + "\n";
    let (head, account) = (line(&json!(document)), line(&json!(account)));
    let folder = tempfile::tempdir().expect("a folder");
    for count in [100, 1000, 10_000] {
        let path = folder.path().join(format!("{count}.jsonl"));
        std::fs::write(&path, head.clone() + &account.repeat(count)).expect("written");
        let arguments =
            ["check", "--from", path.to_str().expect("UTF-8"), "--format", "jsonl", "-o", "/dev/null"];
        show(&format!("{count} saved accounts as JSON Lines: peak memory"), &peak(&arguments), "flat");
        show(&format!("{count} saved accounts as JSON Lines: wall time"), &wall(&arguments, 1), "linear");
    }
}

/// The healthy app world with more users.
fn crowd(count: usize) -> Scenario {
    let mut scenario = scenario("healthy-app-graph");
    let world = scenario.document().expect("a healthy world");
    let mut patch = json!({ "users": {}, "exchange": { "mailboxes": {} } });
    for number in 1..count {
        let rename = |value: &Value| {
            let text = value.to_string().replace(&scenario.account, &address(&scenario.account, number));
            serde_json::from_str::<Value>(&text).expect("still JSON")
        };
        let key = format!("crowd{number}");
        let (users, mailboxes) = (&world["users"], &world["exchange"]["mailboxes"]);
        let owner = |map: &Value| {
            let found = map
                .as_object()
                .into_iter()
                .flatten()
                .find(|(_, value)| value.to_string().contains(&scenario.account));
            found.map(|(_, value)| rename(value))
        };
        if let Some(mut user) = owner(users) {
            user["id"] = json!(format!("c0000000-0000-4000-8000-{number:012}"));
            patch["users"][&key] = user;
        }
        if let Some(mailbox) = owner(mailboxes) {
            patch["exchange"]["mailboxes"][&key] = mailbox;
        }
    }
    scenario.patch = patch;
    scenario
}

fn address(first: &str, number: usize) -> String {
    if number == 0 { first.to_owned() } else { format!("crowd{number}-{first}") }
}

fn accounts(config: &str, count: usize) -> String {
    let (head, account) = config.split_once("[[account]]").expect("the lab writes an account");
    let mut text = head.to_owned();
    let (block, tail) = account.find("\n[network").map_or((account, ""), |at| account.split_at(at));
    let first = block
        .lines()
        .find_map(|line| line.strip_prefix("address = \"")?.strip_suffix('"'))
        .unwrap_or_default();
    for number in 0..count {
        let _ = writeln!(text, "[[account]]{}", block.replace(first, &address(first, number)));
    }
    text + tail + "\n[limits]\nrun = \"10m\"\n"
}
