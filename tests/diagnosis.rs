//! The diagnosis of logs: right where a text decides, honest where it does not, whatever is fed to it.
//!
//! The texts of `tests/diagnosis/*.toml` are error strings as servers and libraries print them, labelled
//! by meaning. Another set can be measured beside them: `SYNCREADY_FAILURES=FILE.jsonl`, one object a
//! line with `text`, `root_cause` and `ambiguous`.

use std::{collections::BTreeMap, fmt::Write, fs, io::Read, path::Path, sync::LazyLock};

use serde::Deserialize;
use syncready::{
    engine::causes,
    knowledge::{
        Knowledge,
        diagnosis::{Diagnosis, Engine},
    },
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(Knowledge::embedded()));

#[derive(Deserialize)]
struct Set {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    #[serde(alias = "root_cause")]
    cause: String,
    #[serde(default)]
    ambiguous: bool,
}

fn own_cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnosis");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let text = fs::read_to_string(entry.expect("readable").path()).expect("UTF-8");
        cases.extend(toml::from_str::<Set>(&text).expect("cases").case);
    }
    cases
}

fn other_cases() -> Vec<Case> {
    let Some(path) = std::env::var_os("SYNCREADY_FAILURES") else { return Vec::new() };
    let text = fs::read_to_string(path).expect("readable");
    text.lines().map(|line| serde_json::from_str(line).expect("a case")).collect()
}

/// What a set of texts shows, with everything that is wrong.
#[derive(Default)]
struct Score {
    clear: (usize, usize),
    ambiguous: (usize, usize),
    /// Tenths of confidence: how many first causes, and how many of them are right.
    reliability: [(usize, usize); 10],
    wrong: Vec<String>,
    too_sure: Vec<String>,
}

fn score(cases: &[Case]) -> Score {
    let mut score = Score::default();
    for case in cases {
        let diagnosis = ENGINE.text(&case.text);
        let names: Vec<&str> = diagnosis.candidates.iter().map(|found| &*found.cause).collect();
        let first = names.first() == Some(&&*case.cause);
        let right = if case.ambiguous { names.iter().take(3).any(|name| *name == case.cause) } else { first };
        let slot = if case.ambiguous { &mut score.ambiguous } else { &mut score.clear };
        *slot = (slot.0 + 1, slot.1 + usize::from(right));
        let told = || format!("{}: {names:?} for {:.90?}", case.cause, case.text);
        if let Some(best) = diagnosis.candidates.first() {
            let tenth = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
            let bin = &mut score.reliability[tenth.iter().filter(|limit| best.confidence >= **limit).count()];
            *bin = (bin.0 + 1, bin.1 + usize::from(first));
            if !first && best.confidence > 0.9 {
                score.too_sure.push(told());
            }
        }
        if !right {
            score.wrong.push(told());
        }
    }
    score
}

fn assert_marks(cases: &[Case]) {
    let score = score(cases);
    let said = format!("{:?} {:?} {:#?}", score.clear, score.ambiguous, score.wrong);
    assert!(score.clear.1 * 100 >= score.clear.0 * 95, "{said}");
    assert!(score.ambiguous.1 * 100 >= score.ambiguous.0 * 90, "{said}");
    assert!(score.too_sure.is_empty(), "{:#?}", score.too_sure);
    println!("{said}\n{:?}", score.reliability);
}

#[test]
fn the_own_texts_reach_the_marks() {
    let cases = own_cases();
    assert!(cases.len() >= 150, "{}", cases.len());
    for case in &cases {
        assert!(causes::meaning(&case.cause).is_some(), "{} is no cause", case.cause);
    }
    assert_marks(&cases);
}

#[test]
fn another_set_reaches_the_marks_where_there_is_one() {
    let cases = other_cases();
    if !cases.is_empty() {
        assert_marks(&cases);
    }
}

#[test]
fn what_is_known_of_texts_names_causes_that_exist() {
    for case in own_cases() {
        for candidate in ENGINE.text(&case.text).candidates {
            assert!(causes::meaning(&candidate.cause).is_some(), "{}", candidate.cause);
            assert!(
                (0.0..=0.96).contains(&candidate.confidence) && !candidate.because.is_empty(),
                "{candidate:?}"
            );
        }
    }
}

fn first(log: &str) -> String {
    ENGINE.text(log).candidates.first().map(|found| found.cause.clone()).unwrap_or_default()
}

const EXPIRED: &str = "AADSTS7000222: The provided client secret keys for app 'x' are expired.";

#[test]
fn the_first_cause_leads_and_its_echo_follows() {
    let log = format!(
        "2026-01-01 10:00:00 ERROR token: {EXPIRED}\n2026-01-01 10:00:01 ERROR login failed for svc@contoso.com\n\
         2026-01-01 10:00:02 ERROR mailbox sync: HTTP 401\n"
    );
    let diagnosis = ENGINE.text(&log);
    assert_eq!(diagnosis.candidates[0].cause, "app-secret-expired");
    assert_eq!(
        diagnosis.failures.iter().map(|failure| failure.echo).collect::<Vec<_>>(),
        [false, true, true]
    );
}

#[test]
fn times_order_a_log_that_is_written_backwards() {
    let log = format!("2026-01-01 11:00:00 ERROR AADSTS50053: locked\n2026-01-01 10:00:00 ERROR {EXPIRED}\n");
    assert_eq!(first(&log), "app-secret-expired");
    let log = format!("2026-01-01 10:00:00 ERROR AADSTS50053: locked\n2026-01-01 11:00:00 ERROR {EXPIRED}\n");
    assert_eq!(first(&log), "account-locked");
}

#[test]
fn a_retry_that_worked_is_no_cause() {
    let log = "10:00:00 ERROR a@contoso.com: The operation has timed out\n10:00:05 INFO a@contoso.com HTTP/1.1 200 OK\n\
               10:00:06 ERROR b@contoso.com ErrorQuotaExceeded\n";
    let diagnosis = ENGINE.text(log);
    assert_eq!((diagnosis.candidates[0].cause.as_str(), diagnosis.recovered.len()), ("quota-exceeded", 1));
    let other = log.replace("a@contoso.com HTTP", "c@contoso.com HTTP");
    assert!(ENGINE.text(&other).recovered.is_empty(), "the success of another mailbox ends nothing");
}

#[test]
fn a_secret_that_has_ended_is_not_healed_by_some_answer() {
    let log = format!("10:00:00 ERROR {EXPIRED}\n10:00:01 INFO GET /health HTTP/1.1 200 OK\n");
    assert_eq!(first(&log), "app-secret-expired");
}

#[test]
fn every_writing_of_the_same_text_says_the_same() {
    for text in [
        format!("{{\"level\":\"error\",\"msg\":\"x {EXPIRED}\"}}"),
        EXPIRED.replace(' ', "\n"),
        EXPIRED.replace('\'', "&#39;").replace(' ', "%20"),
        EXPIRED.replace('\'', "\\\\u0027"),
        format!(
            "{{\"log\":{{\"entries\":[{{\"response\":{{\"content\":{{\"text\":\"{{\\\"error\\\":\\\"{EXPIRED}\\\"}}\"}}}}}}]}}}}"
        ),
    ] {
        assert_eq!(first(&text), "app-secret-expired", "{text}");
    }
}

/// A log of so many bytes: healthy lines, and one failure in the middle.
fn long(bytes: usize, failure: &str) -> String {
    let mut log = String::with_capacity(bytes + 200);
    let mut number = 0;
    while log.len() < bytes {
        if number == 5000 {
            let _ = writeln!(log, "2026-01-01 10:00:00 ERROR {failure}");
        }
        let _ = writeln!(log, "2026-01-01 10:00:00 INFO request {number} to mailbox took {} ms", number % 97);
        number += 1;
    }
    log
}

#[test]
fn a_long_log_is_read_like_a_short_one() {
    let log = long(3 << 20, &format!("svc {EXPIRED} client_secret=abc8Q~0123456789"));
    let diagnosis = ENGINE.text(&log);
    let found = &diagnosis.candidates[0];
    assert_eq!((found.cause.as_str(), &found.lines[..]), ("app-secret-expired", &[5001][..]));
    assert_eq!(diagnosis.lines, log.lines().count() as u64);
    assert_eq!(
        (diagnosis.secrets[0].kind.as_str(), &diagnosis.secrets[0].lines[..]),
        ("client secret", &[5001][..])
    );
}

#[test]
fn a_phrase_that_is_cut_in_two_lines_is_found_in_a_long_log() {
    let log = long(2 << 20, "login: The user account\n   is disabled.");
    assert_eq!(first(&log), "account-disabled");
}

#[test]
fn the_same_failure_is_counted_in_a_long_log() {
    let mut log = String::new();
    for number in 0..40_000 {
        let _ = writeln!(log, "2026-01-01 10:00:{:02} ERROR run {number}: {EXPIRED}", number % 60);
    }
    let diagnosis = ENGINE.text(&log);
    assert_eq!((diagnosis.failures.len(), diagnosis.failures[0].count), (1, 40_000));
}

/// What a hostile or broken log may look like.
fn hostile() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("nothing", Vec::new()),
        ("zeros", vec![0; 3 << 20]),
        ("an endless line", b"error ".repeat(1 << 19)),
        ("no UTF-8", [0xff, 0xfe, 0x41, 0xd8, 0x00].repeat(1 << 10)),
        ("bytes of every kind", (0..=255_u8).cycle().take(2 << 20).collect()),
        ("deep JSON", [b"[".repeat(1 << 20), b"\"AADSTS50126\"".to_vec()].concat()),
        ("only line ends", b"\n".repeat(2 << 20)),
        ("half an escape", b"AADSTS50126 \\u00".to_vec()),
        ("ampersands", b"&amp;".repeat(1 << 19)),
        ("percent signs", b"%25".repeat(1 << 19)),
        ("many secrets", b"password=abcdef12 ".repeat(1 << 17)),
        ("many links", b"error ---> ".repeat(1 << 16)),
        ("gzip and nothing behind", vec![0x1f, 0x8b]),
    ])
}

#[test]
fn nothing_breaks_it() {
    for (name, bytes) in hostile() {
        let read: Result<Diagnosis, _> = ENGINE.read(&bytes[..]);
        assert!(read.is_ok() || name.starts_with("gzip"), "{name}");
    }
}

#[test]
fn a_stream_without_end_of_lines_needs_little_memory() {
    let endless = std::io::repeat(b'x').take(64 << 20);
    let diagnosis = ENGINE.read(endless).expect("reads");
    assert_eq!((diagnosis.bytes, diagnosis.lines > 0), (64 << 20, true));
}
