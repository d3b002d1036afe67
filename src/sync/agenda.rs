//! The steps of a visit that have not ended yet: each one that the plan holds is told exactly once,
//! whatever becomes of the visit.

use std::sync::{Mutex, PoisonError};

use super::table::Planned;
use super::{Mailbox, Name, Plan, Record, Step, skipped, why};

/// What is still to be done in one mailbox.
#[derive(Debug)]
pub struct Agenda<'a> {
    mailbox: &'a Mailbox,
    record: &'a Record<'a>,
    open: Mutex<Vec<Planned>>,
}

impl<'a> Agenda<'a> {
    /// Everything that the plan holds for this mailbox.
    pub fn new(plan: &Plan, mailbox: &'a Mailbox, record: &'a Record<'a>) -> Self {
        Self { mailbox, record, open: Mutex::new(plan.steps_in(mailbox)) }
    }

    /// A step ends.
    pub fn end(&self, step: Step) {
        self.open().retain(|planned| !planned.is(step.name, step.subject.as_deref()));
        self.record.step(step);
    }

    /// Whether a step is planned and has not ended.
    pub fn holds(&self, name: Name, subject: Option<&str>) -> bool {
        self.open().iter().any(|planned| planned.is(name, subject))
    }

    /// Skips the steps that these words hold for, as the plan orders them. What cannot be done from here
    /// at all says that instead.
    pub fn skip(&self, which: impl Fn(Name, Option<&str>) -> bool, code: &str, because: &str) {
        let skipped_now: Vec<_> =
            self.open().extract_if(.., |planned| which(planned.name, planned.subject.as_deref())).collect();
        for step in skipped_now {
            let never = step.skipped.as_ref().filter(|(code, _)| *code == why::NOT_HERE);
            let (code, because) = never.map_or((code, because), |(code, because)| (*code, because));
            self.record.step(skipped(self.mailbox, step.name, step.subject.as_deref(), code, because));
        }
    }

    /// Skips the steps that the plan never meant to do.
    pub fn skip_unmeant(&self) {
        let unmeant: Vec<_> = self.open().extract_if(.., |planned| planned.skipped.is_some()).collect();
        for step in unmeant {
            let Some((code, because)) = step.skipped else { continue };
            self.record.step(skipped(self.mailbox, step.name, step.subject.as_deref(), code, &because));
        }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, Vec<Planned>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
