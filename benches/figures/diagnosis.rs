//! How fast and how rightly logs are diagnosed.

use std::fmt::Write;
use std::io::{self, Read, Write as _};
use std::time::Instant;

use syncready::knowledge::{Knowledge, diagnosis::Engine};

/// Bytes of the synthetic log.
const LONG: u64 = 1 << 30;

/// A log that repeats a block of lines.
struct Log {
    block: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Log {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.block[self.at..];
        let count = rest.len().min(into.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        into[..count].copy_from_slice(&rest[..count]);
        self.at = (self.at + count) % self.block.len();
        self.left -= count as u64;
        Ok(count)
    }
}

/// Lines of a healthy product, and every `nth` line a failure.
fn block(nth: usize) -> Vec<u8> {
    let failures = [
        "ERROR token refused: {\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: The provided client secret keys for app are expired.\\r\\nTrace ID: 0f\"}",
        "WARN GET https://outlook.office365.com/EWS/Exchange.asmx 503 Service Unavailable, retry in 30 s",
        "ERROR sync of svc@contoso.com: ErrorAccessDenied Access is denied. Check credentials and try again.",
        "ERROR System.Net.WebException: The operation has timed out ---> at System.Net.HttpWebRequest.GetResponse()",
    ];
    let mut text = String::new();
    for number in 0..40_000 {
        let (minute, second) = (number / 60 % 60, number % 60);
        let _ = write!(text, "2026-11-20 10:{minute:02}:{second:02},{:03} ", number % 1000);
        if number % nth == 0 {
            text.push_str(failures[number / nth % failures.len()]);
        } else {
            let _ = write!(
                text,
                "INFO [worker-{}] mailbox user{number}@contoso.com: {} items changed in folder {number:08x}, took {} ms",
                number % 8,
                number % 31,
                number % 700
            );
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// The same lines as documents of JSON.
fn documents(lines: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for line in String::from_utf8_lossy(lines).lines() {
        let (time, message) = line.split_at(24);
        let document =
            serde_json::json!({ "level": "x", "msg": message, "ts": time.trim_end().replace(',', ".") });
        let _ = writeln!(text, "{document}");
    }
    text
}

/// The same lines in two bytes a letter.
fn wide(lines: &[u8]) -> Vec<u8> {
    lines.iter().flat_map(|byte| [*byte, 0]).collect()
}

/// The same lines, packed; a packed log may consist of many parts.
fn packed(lines: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let _ = packer.write_all(lines);
    packer.finish().unwrap_or_default()
}

/// Most memory that this process ever held, in MiB, where the system tells it.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let kib = line.trim().trim_end_matches(" kB").parse::<u64>();
    kib.map_or_else(|_| "unknown".to_owned(), |kib| format!("{} MiB", kib >> 10))
}

/// A form of the same lines: its name, what makes it, and its bytes for each one unpacked.
type Form = (&'static str, fn(&[u8]) -> Vec<u8>, u64);

/// Throughput of one thread, by how often something fails and by form.
pub fn diagnosis(show: fn(&str, &str, &str)) {
    let engine = Engine::new(Knowledge::embedded());
    let forms: [Form; 4] =
        [("text", <[u8]>::to_vec, 1), ("JSON lines", documents, 1), ("UTF-16", wide, 2), ("gzip", packed, 0)];
    for (form, make, width) in forms {
        for nth in [10_000, 100, 10, 2, 1] {
            let lines = block(nth);
            let unpacked = lines.len() as u64;
            let block = make(&lines);
            // Whole parts of a packed log; of all others as many bytes as wanted.
            let left = if width == 0 { LONG / unpacked * block.len() as u64 } else { LONG * width };
            let started = Instant::now();
            let read = engine.read(Log { block, at: 0, left }).expect("reads");
            #[expect(clippy::cast_precision_loss, reason = "a speed")]
            let speed = read.bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
            show(
                &format!("diagnosis of 1 GiB, {form}, one line of {nth} fails"),
                &format!("{speed:.0} MB/s"),
                "200 MB/s",
            );
        }
    }
    show("most memory until here", &peak(), "bounded");
    if let Some(path) = std::env::var_os("SYNCREADY_FAILURES") {
        labelled(&engine, &std::fs::read_to_string(path).expect("readable"), show);
    }
}

/// Rightness on labelled texts, by halves and by confidence.
fn labelled(engine: &Engine, set: &str, show: fn(&str, &str, &str)) {
    let mut halves = [[(0, 0); 2]; 2];
    let mut table = [(0, 0); 10];
    let mut causes: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
    for line in set.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a case");
        let (text, wanted) =
            (case["text"].as_str().unwrap_or_default(), case["root_cause"].as_str().unwrap_or_default());
        let found = engine.text(text).candidates;
        let ambiguous = case["ambiguous"] == true;
        let first = found.first().is_some_and(|found| found.cause == wanted);
        let right = if ambiguous { found.iter().take(3).any(|found| found.cause == wanted) } else { first };
        let half =
            text.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) >> 7 & 1;
        count(&mut halves[half as usize][usize::from(ambiguous)], right);
        count(causes.entry(wanted.to_owned()).or_default(), right);
        if let Some(best) = found.first() {
            let limits = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
            count(&mut table[limits.iter().filter(|limit| best.confidence >= **limit).count()], first);
        }
    }
    for (half, sorts) in halves.iter().enumerate() {
        for (sort, (all, right)) in ["clear, first right", "ambiguous, among three"].iter().zip(sorts) {
            show(
                &format!("labelled texts, half {}, {sort}", half + 1),
                &format!("{right} of {all}"),
                if sort.starts_with('c') { "95 %" } else { "90 %" },
            );
        }
    }
    for (tenth, (all, right)) in table.iter().enumerate().filter(|(_, (all, _))| *all > 0) {
        show(
            &format!("confidence 0.{tenth} and more: first cause right"),
            &format!("{right} of {all}"),
            "as said",
        );
    }
    for (cause, (all, right)) in causes {
        show(&format!("label {cause}"), &format!("{right} of {all}"), "");
    }
}

fn count(slot: &mut (usize, usize), right: bool) {
    *slot = (slot.0 + 1, slot.1 + usize::from(right));
}
