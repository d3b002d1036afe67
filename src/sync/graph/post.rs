//! One mailbox of a run: where it is, who looks into it, and how its steps end.

use super::hand::{Hand, Refusal, say};
use crate::sync::{Access, Agenda, Doing, Kind, Mailbox, Name, Plan, Record, Result as Ended, why};
use crate::wire::graph::Path;

/// The code by which a service says that the mailbox is full.
const FULL: [&str; 1] = ["ErrorQuotaExceeded"];

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
    /// What is still to be done.
    pub agenda: Agenda<'a>,
    /// Where everything is written down.
    pub record: &'a Record<'a>,
}

impl Post<'_> {
    /// A step has ended: well, or with a refusal.
    pub fn end(&self, mut doing: Doing, refusal: Option<Refusal>) {
        let mut result = Ended::Ok;
        if let Some(refusal) = refusal {
            let note = doing.text.take();
            (doing.status, doing.code, result) = (refusal.status, refusal.code, refusal.result);
            doing.text = Some(refusal.text).filter(|text| !text.is_empty());
            if let Some(note) = note {
                say(&mut doing, &note);
            }
        }
        self.agenda.end(doing.end(self.target, result));
    }

    /// Planned steps are not tried.
    pub fn skip(&self, which: impl Fn(Name, Option<&str>) -> bool, halt: &Halt) {
        self.agenda.skip(which, halt.code, &halt.text);
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
        let whose = if self.plan.access == Access::GraphApp { "application" } else { "delegated" };
        let text = format!("{}; this takes the {whose} permission {permission}", refusal.text);
        Refusal { text, ..refusal }
    }
}
