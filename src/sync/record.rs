//! What a run writes down while it goes: each step as it ends, and what was found and left.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Left, Leftover, Mailbox, Name, Outcome, Result, Step};
use crate::facts::Exchange;

/// What a run found so far, told to its caller step by step.
pub struct Record<'a> {
    outcome: Mutex<Outcome>,
    news: Box<dyn Fn(&Step) + Send + Sync + 'a>,
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl<'a> Record<'a> {
    /// An empty one.
    pub fn new(news: impl Fn(&Step) + Send + Sync + 'a) -> Self {
        Self { outcome: Mutex::default(), news: Box::new(news) }
    }

    /// A step has ended.
    pub fn step(&self, step: Step) {
        (self.news)(&step);
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).steps.push(step);
    }

    /// Something of an earlier run was found.
    pub fn leftover(&self, leftover: Leftover) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).leftovers.push(leftover);
    }

    /// Something of this run is still there; the first reason that is told stays.
    pub fn left(&self, left: Left) {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        if !outcome.left.iter().any(|known| known.mailbox == left.mailbox && known.id == left.id) {
            outcome.left.push(left);
        }
    }

    /// Something lies in Deleted Items, because the server does not delete for good.
    pub fn in_deleted_items(&self) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).in_deleted_items = true;
    }

    /// Everything that was found, and whether the credential was refused for good.
    pub fn finish(self, sign_in_refused: bool) -> Outcome {
        let outcome = self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
        Outcome { sign_in_refused, ..outcome }
    }
}

/// A step while it goes on.
#[derive(Debug)]
pub struct Doing {
    name: Name,
    subject: Option<String>,
    began: Instant,
    /// Its exchanges so far.
    pub exchanges: Vec<Exchange>,
    /// Time waited because the server asked for it.
    pub waited: Duration,
    /// HTTP status of the last answer.
    pub status: Option<u16>,
    /// Error code of the last answer.
    pub code: Option<String>,
    /// What the server said last, or what is to be said of the step.
    pub text: Option<String>,
    /// What differs so far, one sentence each.
    pub differences: Vec<String>,
}

impl Doing {
    /// A step begins.
    pub fn new(name: Name, subject: Option<&str>) -> Self {
        Self {
            name,
            subject: subject.map(str::to_owned),
            began: Instant::now(),
            exchanges: Vec::new(),
            waited: Duration::ZERO,
            status: None,
            code: None,
            text: None,
            differences: Vec::new(),
        }
    }

    /// Something is not as expected.
    pub fn differs(&mut self, sentence: impl Into<String>) {
        /// More of them help nobody.
        const MANY: usize = 40;
        if self.differences.len() < MANY {
            self.differences.push(sentence.into());
        }
    }

    /// The step ends: a good one with differences is one that differs.
    pub fn end(self, mailbox: &Mailbox, result: Result) -> Step {
        let differs = result == Result::Ok && !self.differences.is_empty();
        let result = if differs { Result::Differs } else { result };
        let good = matches!(result, Result::Ok | Result::Differs);
        Step {
            name: self.name,
            mailbox: mailbox.address.clone(),
            role: mailbox.role,
            subject: self.subject,
            result,
            status: self.status,
            code: self.code.filter(|_| !good),
            text: self.text,
            differences: self.differences,
            ms: millis(self.began.elapsed()),
            waited_ms: millis(self.waited),
            exchanges: self.exchanges,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A step that was not tried: why, as a code of [`why`](super::why) and in words.
pub fn skipped(mailbox: &Mailbox, name: Name, subject: Option<&str>, code: &str, because: &str) -> Step {
    let mut doing = Doing::new(name, subject);
    (doing.code, doing.text) = (Some(code.to_owned()), Some(because.to_owned()));
    doing.end(mailbox, Result::Skipped)
}

/// What a step of cleaning up says when nobody could look whether everything is gone, and why.
pub fn unseen(because: Option<&str>) -> String {
    let because = because.map(|because| format!(": {because}")).unwrap_or_default();
    format!(
        "it could not be seen whether everything is gone{because}; `syncready sync-test --sweep` removes what is left"
    )
}
