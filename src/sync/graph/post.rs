//! One mailbox of a run: where it is, who looks into it, and the journal of what happened.

use std::sync::{Mutex, PoisonError};

use super::super::{Left, Leftover, Mailbox, Name, Outcome, Plan, Result as Ended, Step, why};
use super::hand::{Hand, Refusal, Trial};
use super::kind::Kind;
use crate::wire::graph::Path;

/// Codes by which a service says that the mailbox is full.
const FULL: [&str; 2] = ["ErrorQuotaExceeded", "ErrorMailboxQuotaExceeded"];

/// Collects what happens, and tells each step as it ends.
pub struct Journal<'a> {
    news: &'a (dyn Fn(&Step) + Send + Sync),
    outcome: Mutex<Outcome>,
}

impl<'a> Journal<'a> {
    /// An empty one.
    pub fn new(news: &'a (dyn Fn(&Step) + Send + Sync)) -> Self {
        Self { news, outcome: Mutex::default() }
    }

    fn outcome(&self) -> std::sync::MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step has ended.
    pub fn step(&self, step: Step) {
        (self.news)(&step);
        self.outcome().steps.push(step);
    }

    /// An earlier run left something.
    pub fn leftover(&self, leftover: Leftover) {
        self.outcome().leftovers.push(leftover);
    }

    /// This run leaves something.
    pub fn left(&self, left: Left) {
        self.outcome().left.push(left);
    }

    /// Everything.
    pub fn close(self) -> Outcome {
        self.outcome.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why the rest of a chain is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halt {
    /// One of [`why`].
    pub code: &'static str,
    /// In words.
    pub text: String,
}

impl Halt {
    /// After a step that came to nothing.
    pub fn after(step: Name, refusal: &Refusal) -> Self {
        let code = match (refusal.result, refusal.code.as_deref()) {
            (Ended::Skipped, Some(why::STOPPED)) => why::STOPPED,
            (Ended::Skipped, _) => why::OUT_OF_TIME,
            _ if refusal.is(&FULL) => why::QUOTA,
            _ if refusal.is_denied => why::NO_RIGHT,
            _ => why::BEFORE,
        };
        let text = match code {
            why::STOPPED | why::OUT_OF_TIME => refusal.text.clone(),
            why::QUOTA => "the mailbox is full".into(),
            _ => format!("{} came to nothing: {}", step.as_str(), refusal.text),
        };
        Self { code, text }
    }

    /// Because something that it builds on is missing.
    pub fn before(text: impl Into<String>) -> Self {
        Self { code: why::BEFORE, text: text.into() }
    }
}

/// One mailbox.
pub struct Post<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// Whose mailbox.
    pub target: &'a Mailbox,
    /// `/me` or `/users/…`.
    pub root: Path,
    /// Does the work, within its time.
    pub work: Hand<'a>,
    /// Cleans up, within its own time.
    pub clean: Hand<'a>,
    /// Where it is written down.
    pub journal: &'a Journal<'a>,
}

impl Post<'_> {
    /// A step has ended: well, or with a refusal.
    pub fn end(&self, trial: Trial, refusal: Option<Refusal>) {
        self.journal.step(trial.end(self.target, refusal));
    }

    /// A step is not tried.
    pub fn skip(&self, name: Name, subject: Option<&'static str>, halt: &Halt) {
        let refusal =
            Refusal { code: Some(halt.code.into()), ..Refusal::new(Ended::Skipped, halt.text.clone()) };
        self.end(Trial::new(name, subject), Some(refusal));
    }

    /// Names the permission where one is missing.
    pub fn permit(&self, kind: Kind, write: bool, refusal: Refusal) -> Refusal {
        self.lacks(&kind.permission(self.plan.access, self.target.role, write), refusal)
    }

    /// Names a permission where one is missing.
    pub fn lacks(&self, permission: &str, refusal: Refusal) -> Refusal {
        if !refusal.is_denied {
            return refusal;
        }
        let whose =
            if self.plan.access == super::super::Access::GraphApp { "application" } else { "delegated" };
        let text = format!("{}; this takes the {whose} permission {permission}", refusal.text);
        Refusal { text, ..refusal }
    }
}
