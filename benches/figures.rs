//! The figures that the project promises, each beside its mark, all from one run.
//!
//! `cargo bench` prints them; `cargo bench -- latency fleet` only some. Nothing here passes or fails:
//! tests never time.

use std::{
    collections::BTreeSet,
    fmt::Write,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use syncready::{
    cli::trial::{self, Trial},
    collect::{self, Access, Call},
    engine::{self, Catalogue, Selection},
    facts::{Document, overlaps},
    lab::{self, Options, RequestLog, Scenario},
};

type Figure = (&'static str, fn());

const FIGURES: &[Figure] = &[
    ("start", start),
    ("demo", demo),
    ("latency", latency),
    ("requests", requests),
    ("judging", judging),
    ("fleet", fleet),
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, figure) in FIGURES {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            figure();
        }
    }
}

fn show(what: &str, measured: &str, mark: &str) {
    println!("{what:<62} {measured:>16}   mark: {mark}");
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_syncready");

/// Wall time of the program, the median of several runs.
fn wall(arguments: &[&str], runs: usize) -> Duration {
    let one = |_| {
        let started = Instant::now();
        Command::new(PROGRAM).args(arguments).output().expect("the program starts");
        started.elapsed()
    };
    median((0..runs).map(one).collect())
}

/// Peak memory of the program, where GNU time is there to tell.
fn peak(arguments: &[&str]) -> String {
    let output = Command::new("/usr/bin/time").args(["-f", "%M", PROGRAM]).args(arguments).output();
    let told = output.ok().map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
    let kib = told.and_then(|text| text.lines().last()?.trim().parse::<f64>().ok());
    kib.map_or_else(|| "not measured".to_owned(), |kib| format!("{:.1} MiB", kib / 1024.0))
}

fn start() {
    let id = Catalogue::embedded().checks()[0].id();
    for arguments in [&["explain", id][..], &["checks", "list"]] {
        let name = arguments.join(" ");
        show(&format!("start-up, {name}"), &millis(wall(arguments, 21)), "10 ms");
        show(&format!("peak memory, {name}"), &peak(arguments), "20 MiB");
    }
}

fn demo() {
    show("the demo from nothing: lab, check, report", &millis(wall(&["check", "--demo"], 11)), "500 ms");
}

fn scenario(name: &str) -> Scenario {
    let found = lab::scenarios().into_iter().find(|scenario| scenario.name == name);
    found.expect("the healthy scenarios are always there")
}

fn attempt(scenario: &Scenario, latency_ms: u64, configure: impl FnOnce(&str) -> String + Send) -> Trial {
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    runtime.block_on(trial::run(scenario, Options { latency_ms }, configure)).expect("the lab is checked")
}

const HEALTHY: &[&str] =
    &["healthy-delegated", "healthy-app-graph", "healthy-app-ews", "healthy-on-premises"];

/// Every answer takes 50 ms longer: how near is the run to the longest chain of answers that depend on
/// each other?
fn latency() {
    const ADDED: u64 = 50;
    for name in HEALTHY {
        let scenario = scenario(name);
        // The first run compiles the rules, which is no waiting for answers.
        attempt(&scenario, 0, str::to_owned);
        let slow = attempt(&scenario, ADDED, str::to_owned);
        let chain = chain(&slow.document) * ADDED;
        let took = slow.document.run.duration_ms;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand milliseconds")]
        let ratio = took as f64 / chain.max(1) as f64;
        let what = format!("+{ADDED} ms an answer, {name}: {took} ms / chain {chain} ms");
        show(&what, &format!("{ratio:.2}"), "1.25");
    }
}

/// Answers in the longest chain: calls by their `after`, a token before the first that wants one.
fn chain(document: &Document) -> u64 {
    let needed = needed();
    let evidence = document.accounts.iter().flat_map(|account| account.section.evidence.values());
    let tenants = document.tenants.values();
    let shared = tenants.flat_map(|tenant| {
        tenant.section.evidence.values().chain(tenant.apps.values().flat_map(|app| app.evidence.values()))
    });
    let told: BTreeSet<&str> =
        evidence.chain(shared).flat_map(|exchange| exchange.facts.iter().map(String::as_str)).collect();
    let made: Vec<&Call> = collect::calls()
        .filter(|call| call.yields.iter().any(|path| needed.iter().any(|needed| overlaps(path, needed))))
        .filter(|call| call.yields.iter().any(|path| told.contains(path)))
        .collect();
    made.iter().map(|call| depth(call, &made)).max().unwrap_or_default()
}

fn depth(call: &Call, made: &[&Call]) -> u64 {
    let token = u64::from(!matches!(call.access, Access::Anonymous));
    let before = made.iter().filter(|other| call.after.contains(&other.name)).map(|other| depth(other, made));
    1 + before.max().unwrap_or_default().max(token)
}

fn needed() -> BTreeSet<String> {
    engine::needs(Catalogue::embedded(), &Selection::default(), &[]).expect("the embedded checks compile")
}

fn requests() {
    for name in HEALTHY {
        let trial = attempt(&scenario(name), 0, str::to_owned);
        let tenants = trial.document.tenants.values();
        let shared = tenants.flat_map(|tenant| {
            tenant.section.evidence.values().chain(tenant.apps.values().flat_map(|app| app.evidence.values()))
        });
        let accounts = trial.document.accounts.iter().flat_map(|account| account.section.evidence.values());
        // One request may be evidence in several places; its start tells it from another one.
        let sent: BTreeSet<(&str, &str)> = shared
            .chain(accounts)
            .filter(|exchange| exchange.method == "GET")
            .map(|exchange| (exchange.url.as_str(), exchange.at.as_str()))
            .collect();
        let distinct: BTreeSet<&str> = sent.iter().map(|(url, _)| *url).collect();
        #[expect(clippy::cast_precision_loss, reason = "a few dozen requests")]
        let ratio = sent.len() as f64 / distinct.len().max(1) as f64;
        let all = sum(&trial.requests);
        let what = format!("requests sent / distinct, {name} ({all} in all, {} GET)", sent.len());
        show(&what, &format!("{ratio:.2}"), "1.00");
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
    let time = median((0..101).map(judge).collect());
    let count = trial.report.accounts[0].findings.len();
    show(&format!("judging stored facts, {count} checks, rules compiled"), &millis(time), "2 ms");
}

/// Accounts of one tenant: the tenant is asked once, each account adds the same few requests.
fn fleet() {
    const MANY: usize = 1000;
    let [one, two, many] = [1, 2, MANY].map(|count| {
        let trial = attempt(&crowd(count), 0, |config| accounts(config, count));
        (sum(&trial.requests), trial.document.run.duration_ms, trial.report.accounts.len())
    });
    let each = two.0 - one.0;
    let expected = one.0 + (MANY - 1) * each;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    let ratio = many.0 as f64 / expected as f64;
    assert_eq!(many.2, MANY, "every account is in the report");
    show(
        &format!("{MANY} accounts: {} requests / {} + {} × {each}", many.0, one.0, MANY - 1),
        &format!("{ratio:.2}"),
        "1.00",
    );
    show(&format!("{MANY} accounts: time to collect"), &format!("{} ms", many.1), "-");
    show(&format!("{MANY} accounts: peak memory, the lab included"), &own_peak(), "-");
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

fn own_peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.map_or_else(|| "not measured".to_owned(), |peak| peak.trim().to_owned())
}
