//! What the machine tells of a process: its processor time, its largest memory.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::PROGRAM;

/// What a run of the program took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Took {
    /// From start to end.
    pub wall: Duration,
    /// Processor time, of itself and the system for it.
    pub cpu: Duration,
    /// Largest memory, in MiB; 0: nobody told.
    pub peak: f64,
}

/// Runs the program to its end.
pub fn run(arguments: &[&str]) -> Took {
    let started = Instant::now();
    let mut command = Command::new("/usr/bin/time");
    let told = command.args(["-f", "%U %S %M", PROGRAM]).args(arguments).stdout(Stdio::null()).output();
    let wall = started.elapsed();
    let text = told.ok().map(|told| String::from_utf8_lossy(&told.stderr).into_owned()).unwrap_or_default();
    let numbers: Vec<f64> = text
        .lines()
        .last()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    if let [user, system, kib] = numbers[..] {
        return Took { wall, cpu: Duration::from_secs_f64(user + system), peak: kib / 1024.0 };
    }
    eprintln!("{text}");
    Took { wall, ..Took::default() }
}

/// Processor time of a process so far, in Linux's hundredths of a second.
pub fn cpu_of(process: u32) -> Duration {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"));
    let fields = text.unwrap_or_default();
    let fields: Vec<&str> = fields.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or_default();
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Largest memory of a running process, in MiB.
pub fn peak_of(process: u32) -> f64 {
    let text = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    let text = text.unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// A lab in a process of its own, so that what a client takes is told apart from what the lab takes.
pub struct Served {
    child: Child,
    /// What it says of itself.
    pub contract: Value,
}

impl Served {
    /// Serves a scenario with so many computed mailboxes.
    pub fn new(scenario: &str, mailboxes: u64) -> Self {
        let count = mailboxes.to_string();
        let arguments = ["lab", scenario, "--mailboxes", &count, "--print", "json"];
        let mut command = Command::new(PROGRAM);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the lab starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
        let contract: Value = serde_json::from_str(&line).expect("the lab's line is JSON");
        Self { child, contract }
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where a host is served.
    pub fn address(&self, host: &str) -> &str {
        self.contract["connect_to"][format!("{host}:443")].as_str().unwrap_or_default()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
