//! Coverage: how near it comes to the barest client there can be, what it takes of the processor and of
//! the memory, and how well it uses what a throttling server allows.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    ops::RangeInclusive,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use serde_json::json;
use syncready::lab::{Lab, Options};
use syncready::wire::{
    Net, Secret,
    ews::{self, Credential, Mailbox},
    graph::Graph,
    soap::RequestVersion,
};

use crate::{
    bare::{self, Request},
    client::{self, GRAPH, OUTLOOK},
    machine::{self, Served, Took, cpu_of},
    show,
};

/// Connections, and questions at the same time.
const WIDTH: usize = 8;
const TAIL: &str = "/contactFolders?$select=id&$top=1";
const SERVICES: [(&str, &str, &str); 2] =
    [("EWS", "healthy-app-ews", OUTLOOK), ("Graph", "healthy-app-graph", GRAPH)];

/// All figures of coverage; those of a million mailboxes only where `million` is asked for.
pub fn coverage() {
    way();
    command();
    throttled();
    memory(&[10_000, 100_000]);
}

/// Peak memory at a million mailboxes: some minutes.
pub fn million() {
    memory(&[1_000_000]);
}

/// The command itself, from a list: two runs, of which the shorter is taken off, so that what is done
/// once does not count.
fn command() {
    const FEW: u64 = 2_000;
    const MANY: u64 = 62_000;
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list.txt");
    for (name, scenario, host) in SERVICES {
        let served = Served::new(scenario, 1_000_000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let token = runtime.block_on(token(&served, &net(&served), host));
        let requests = requests(host, &token);
        let bare = || bare::rate(&served, &requests, WIDTH, Duration::from_secs(2));
        let run = |count: u64| {
            let text: String = (1..=count).map(|number| address(number) + "\n").collect();
            std::fs::write(&list, text).expect("written");
            covered(&served, &folder.path().join("rows.jsonl"), &["--list", path(&list), "--rate", "max"])
        };
        let few = run(FEW);
        let rounds: Vec<_> = (0..3).map(|_| (bare(), run(MANY))).collect();
        let many = rounds.iter().map(|(_, took)| *took).min_by_key(|took| took.wall).unwrap_or_default();
        let by = rounds[0].0.1;
        let bare = rounds.iter().map(|((rate, _), _)| *rate).fold(0.0, f64::max);
        let count = as_f64(MANY - FEW);
        let rate = count / (many.wall.saturating_sub(few.wall)).as_secs_f64();
        let cpu = many.cpu.saturating_sub(few.cpu).as_secs_f64() * 1e6 / count;
        let what = format!("{name}, coverage: {rate:.0}/s, {by} {bare:.0}/s, {WIDTH} connections");
        show(&what, &format!("{:.2}", rate / bare), "0.9");
        show(&format!("{name}, coverage: processor for each mailbox"), &format!("{cpu:.0} µs"), "300 µs");
    }
}

/// Runs the command to its end on a lab; every mailbox must have been opened.
fn covered(served: &Served, rows: &Path, arguments: &[&str]) -> Took {
    let _ = std::fs::remove_file(rows);
    let config = served.contract["config_file"].as_str().unwrap_or_default();
    let width = WIDTH.to_string();
    let always =
        ["coverage", "--config", config, "--concurrency", &width, "--format", "json", "-o", path(rows)];
    let took = machine::run(&[&always[..], arguments].concat());
    let refused = BufReader::new(File::open(rows).expect("rows"));
    let refused = refused
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("\"proven\":") && !line.contains("\"open\""));
    assert_eq!(refused, None, "every mailbox was opened");
    took
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[expect(clippy::cast_precision_loss, reason = "some million at most")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

/// The whole directory: memory must not grow with it.
fn memory(counts: &[u64]) {
    let folder = tempfile::tempdir().expect("a folder");
    for count in counts {
        let served = Served::new("healthy-app-ews", *count);
        let took = covered(&served, &folder.path().join("rows.jsonl"), &["--all", "--rate", "max"]);
        show(
            &format!("coverage of {count} mailboxes: peak memory"),
            &format!("{:.1} MiB", took.peak),
            "100 MB",
        );
        let lab = machine::peak_of(served.process());
        let rate = as_f64(*count) / took.wall.as_secs_f64();
        show(
            &format!("coverage of {count} mailboxes: {rate:.0}/s; memory of the lab"),
            &format!("{lab:.1} MiB"),
            "flat",
        );
    }
}

/// A server that lets through so many requests a second over all mailboxes: what part of that is used,
/// and what part of the requests is refused.
fn throttled() {
    const RATE: u64 = 100;
    const COUNT: u64 = 6_000;
    let mut scenario = syncready::lab::scenario("healthy-app-ews").expect("it is always there");
    scenario = scenario.with_mailboxes(COUNT).expect("a healthy world");
    scenario.patch["throttling"]["ews"] = json!({ "app_requests": RATE * 10, "app_window_ms": 10_000 });
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let lab = runtime.block_on(Lab::start(&scenario, Options::default())).expect("the lab starts");
    let folder = tempfile::tempdir().expect("a folder");
    let (rows, config) = (folder.path().join("rows.jsonl"), lab.folder().join("syncready.toml"));
    let arguments = [
        "coverage",
        "--config",
        path(&config),
        "--all",
        "--rate",
        "1000",
        "--format",
        "json",
        "-o",
        path(&rows),
    ];
    let took = machine::run(&arguments);
    let log = lab.throttling();
    // What was saved up at the start is allowed besides.
    let allowed = as_f64(RATE) * took.wall.as_secs_f64() + as_f64(RATE * 10);
    let (used, sent) = (as_f64(log.allowed), as_f64(log.allowed + log.refused));
    let what = format!("{RATE} requests a second are allowed: {} of {allowed:.0} used", log.allowed);
    show(&what, &format!("{:.1} %", 100.0 * used / allowed), "95 %");
    let what =
        format!("the same: {} of {sent:.0} refused, {} of them while told to wait", log.refused, log.early);
    show(&what, &format!("{:.1} %", 100.0 * as_f64(log.refused) / sent), "2 %");
}

fn net(served: &Served) -> Net {
    let ca_file = served.contract["ca_file"].as_str().unwrap_or_default();
    let hosts = served.contract["connect_to"].as_object().into_iter().flatten();
    client::net(
        ca_file.into(),
        hosts.filter_map(|(from, to)| Some((from.clone(), to.as_str()?.parse().ok()?))),
    )
}

async fn token(served: &Served, net: &Net, host: &str) -> Secret {
    let app = &served.contract["apps"][0];
    let text = |name: &str| app[name].as_str().unwrap_or_default();
    client::token(net, text("client_id"), text("secret"), host).await
}

fn address(number: u64) -> String {
    format!("box{number:07}@contoso.com")
}

/// The client's way for many questions, without the command around it. Both take turns, because the
/// machine may have other work at one time than at another; the best of each counts.
fn way() {
    const EACH: u64 = 20_000;
    const ROUNDS: u64 = 5;
    for (name, scenario, host) in SERVICES {
        let served = Served::new(scenario, 1_000_000);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let net = net(&served);
        let token = runtime.block_on(token(&served, &net, host));
        let requests = requests(host, &token);
        let (mut best, mut bare, mut by) = (0.0, 0.0, "");
        let [mut mine, mut theirs] = [Duration::ZERO; 2];
        for round in 0..ROUNDS {
            let (rate, who) = bare::rate(&served, &requests, WIDTH, Duration::from_secs(2));
            (bare, by) = (f64::max(bare, rate), who);
            let both = [std::process::id(), served.process()];
            let (started, before) = (Instant::now(), both.map(cpu_of));
            let numbers = round * EACH + 1..=(round + 1) * EACH;
            runtime.block_on(ask(net.clone(), host, token.clone(), numbers));
            best = f64::max(best, as_f64(EACH) / started.elapsed().as_secs_f64());
            let after = both.map(cpu_of);
            (mine, theirs) =
                (mine + after[0].saturating_sub(before[0]), theirs + after[1].saturating_sub(before[1]));
        }
        let each = |time: Duration| time.as_secs_f64() * 1e6 / as_f64(ROUNDS * EACH);
        let what = format!("{name}, the way alone: {best:.0}/s, {by} {bare:.0}/s, {WIDTH} connections");
        show(&what, &format!("{:.2}", best / bare), "0.9");
        let what = format!("{name}, the way alone: processor for each, lab {:.0} µs", each(theirs));
        show(&what, &format!("{:.0} µs", each(mine)), "300 µs");
    }
}

async fn ask(net: Net, host: &str, token: Secret, numbers: RangeInclusive<u64>) {
    let all = stream::iter(numbers);
    if host == OUTLOOK {
        let url = "https://outlook.office365.com/EWS/Exchange.asmx".parse().expect("a URL");
        let client = ews::Client::new(net, url, &Credential::Bearer(token)).expect("https");
        let inboxes = client.inboxes(true).expect("https");
        let one = |number| {
            let inboxes = &inboxes;
            async move { inboxes.open(&address(number)).await.expect("opened") }
        };
        all.map(one).buffer_unordered(WIDTH).for_each(|()| std::future::ready(())).await;
    } else {
        let base = "https://graph.microsoft.com".parse().expect("a URL");
        let until = tokio::time::Instant::now() + Duration::from_mins(10);
        let reads = Graph::new(net, base, token, until).reads(TAIL).expect("https");
        let one = |number| {
            let reads = &reads;
            async move { reads.get(&address(number)).await.expect("found") }
        };
        all.map(one).buffer_unordered(WIDTH).for_each(|()| std::future::ready(())).await;
    }
}

/// Requests as coverage sends them, for the bare client: of several mailboxes, because each allows only
/// so many.
fn requests(host: &'static str, token: &Secret) -> Vec<Request> {
    (500_000..500_100).map(|number| request(host, token, address(number))).collect()
}

fn request(host: &'static str, token: &Secret, address: String) -> Request {
    let mut headers = vec![
        ("User-Agent", "syncready/0.1.0".to_owned()),
        ("Authorization", format!("Bearer {}", token.expose())),
        ("client-request-id", "30925229-04b6-44b0-a33e-000000000000".to_owned()),
    ];
    if host == GRAPH {
        headers.push(("Accept", "application/json".to_owned()));
        let path = format!("/v1.0/users/{address}{TAIL}");
        return Request { method: "GET", host, path, headers, body: String::new() };
    }
    headers.push(("Accept", "text/xml".to_owned()));
    headers.push(("Content-Type", "text/xml; charset=utf-8".to_owned()));
    headers.push(("X-AnchorMailbox", address.clone()));
    let body = ews::get_inbox(&Mailbox::Impersonated(address), RequestVersion::Exchange2013Sp1);
    Request { method: "POST", host, path: "/EWS/Exchange.asmx".to_owned(), headers, body }
}
