//! The visit to one mailbox: asks with care, and writes down what becomes of each step.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::judge;
use crate::sync::{
    Access, Agenda, Doing, MARKER_NAME, MARKER_SET, Mailbox, Name, Pace, Phase, Plan, REFUSED, Record,
    Result, Role, Standing, Verdict, why,
};
use crate::wire::ews::{self, Called, Client, Kind, Operation, Property, Route};
use crate::wire::soap::RequestVersion;

/// The marker, as Exchange Web Services name it.
pub(super) const MARKER: Property = Property { set: MARKER_SET, name: MARKER_NAME };

/// What all visits of a run share.
pub(super) struct Run<'a> {
    pub client: &'a Client,
    pub plan: &'a Plan,
    pub record: &'a Record<'a>,
    pub stop: &'a CancellationToken,
    /// What the server makes of the credential.
    pub standing: Standing,
    /// The server is older than the newest requests.
    pub old: AtomicBool,
    /// Operations that the server has answered.
    pub understood: Mutex<HashSet<&'static str>>,
}

/// What a run made in one mailbox.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Ids of folders.
    pub folders: Vec<String>,
    /// Something may have been made although no answer says so.
    pub uncertain: bool,
    /// Something was at least tried.
    pub tried: bool,
}

/// The visit to one mailbox.
pub(super) struct Visit<'a> {
    pub run: &'a Run<'a>,
    pub mailbox: &'a Mailbox,
    pub target: ews::Mailbox,
    pub pace: Pace,
    pub journal: Mutex<Journal>,
    agenda: Agenda<'a>,
}

/// An answer, and whether an earlier attempt may have been carried out already.
pub(super) struct Asked {
    pub called: Called,
    pub after_loss: bool,
}

impl Asked {
    pub fn is_ok(&self) -> bool {
        self.called.is_ok()
    }

    pub fn has_code(&self, codes: &[&str]) -> bool {
        judge::has_code(&self.called, codes)
    }
}

impl<'a> Visit<'a> {
    pub fn new(run: &'a Run<'a>, mailbox: &'a Mailbox) -> Self {
        let address = mailbox.address.clone();
        let target = match (run.plan.access, mailbox.role) {
            (Access::Delegate, Role::Account) => ews::Mailbox::Own(address),
            (Access::Delegate, _) => ews::Mailbox::Named(address),
            _ => ews::Mailbox::Impersonated(address),
        };
        Self {
            run,
            mailbox,
            target,
            pace: Pace::new(run.plan, run.stop),
            journal: Mutex::default(),
            agenda: Agenda::new(run.plan, mailbox, run.record),
        }
    }

    /// Asks, and again where it is worth it; `None`: there was no time for it, or no right to ask.
    ///
    /// What makes something is not repeated after a lost answer: the caller looks first.
    pub async fn ask(&self, phase: Phase, doing: &mut Doing, operation: &Operation) -> Option<Asked> {
        self.ask_by(phase, doing, None, operation).await
    }

    /// The same; public folders are asked by their route.
    pub async fn ask_by(
        &self,
        phase: Phase,
        doing: &mut Doing,
        route: Option<&Route>,
        operation: &Operation,
    ) -> Option<Asked> {
        let makes = matches!(operation, Operation::CreateFolder { .. } | Operation::CreateItem { .. });
        let (mut attempts, mut after_loss) = (0, false);
        let mut answer = None;
        loop {
            let Some(called) = self.send(phase, route, operation).await else { return answer };
            note(doing, &called);
            if self.falls_back(&called) || self.is_renewed(phase, &called).await {
                continue;
            }
            attempts += 1;
            let (verdict, lost) = (judge::verdict(&called), called.outcome.is_lost());
            answer = Some(Asked { called, after_loss });
            if verdict == Verdict::Settled || (makes && lost) {
                return answer;
            }
            let Some(waited) = self.pace.pause(phase, verdict, attempts).await else { return answer };
            doing.waited += waited;
            after_loss |= lost;
        }
    }

    /// Sends a request once it is its turn. One that writes is waited for longer than the work lasts,
    /// because what it made should be known.
    async fn send(&self, phase: Phase, route: Option<&Route>, operation: &Operation) -> Option<Called> {
        let _permit = self.pace.turn(phase).await?;
        if self.run.standing.is_refused(phase) {
            return None;
        }
        let called = tokio::select! {
            called = self.run.client.call(&self.target, route, self.version(), operation) => called,
            () = self.pace.give_up(phase, operation.writes()) => return None,
        };
        if judge::is_understood(&called) {
            self.understood().insert(operation.name());
        }
        Some(called)
    }

    /// Whether there is another token in place of one that the server took before and now refuses. A refused
    /// password is never sent again.
    async fn is_renewed(&self, phase: Phase, called: &Called) -> bool {
        if !matches!(called.outcome.kind, Kind::Unauthorized | Kind::UnsupportedScheme) {
            if called.outcome.status.is_some() {
                self.run.standing.take();
            }
            return false;
        }
        if self.run.standing.was_taken() {
            let renewed = tokio::select! {
                renewed = self.run.client.renewed(called) => renewed,
                () = self.pace.run_out(phase) => false,
            };
            if renewed {
                return true;
            }
        }
        if self.run.client.sends_password() {
            self.run.standing.refuse();
        } else {
            self.run.standing.refuse_token(phase);
        }
        false
    }

    fn version(&self) -> RequestVersion {
        if self.run.old.load(Ordering::Relaxed) {
            RequestVersion::Exchange2010Sp2
        } else {
            RequestVersion::Exchange2013Sp1
        }
    }

    /// Whether the same is worth asking in an older version.
    fn falls_back(&self, called: &Called) -> bool {
        judge::has_code(called, &["ErrorInvalidServerVersion"]) && !self.run.old.swap(true, Ordering::Relaxed)
    }

    fn understood(&self) -> std::sync::MutexGuard<'_, HashSet<&'static str>> {
        self.run.understood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn journal(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a step ends with this answer.
    pub fn judge(&self, operation: &Operation, asked: &Asked) -> Result {
        judge::result(&asked.called, self.understood().contains(operation.name()))
    }

    /// Asks within the work; anything but a good answer ends the step. `None`: it has ended.
    pub async fn need(&self, mut doing: Doing, operation: &Operation) -> Option<(Doing, Asked)> {
        let asked = self.ask(Phase::Work, &mut doing, operation).await;
        match asked {
            Some(asked) if asked.is_ok() => Some((doing, asked)),
            asked => {
                self.end_with(doing, operation, asked.as_ref());
                None
            }
        }
    }

    /// Ends a step with the answer that it got, or as one that there was no time for.
    pub fn end_with(&self, doing: Doing, operation: &Operation, asked: Option<&Asked>) {
        match asked {
            Some(asked) => {
                let result = self.judge(operation, asked);
                self.end(doing, result);
            }
            None => self.end_unasked(doing),
        }
    }

    /// Ends a step that there was no time for, or no right to ask for.
    pub fn end_unasked(&self, mut doing: Doing) {
        let (code, text) = self.stopped();
        (doing.code, doing.text) = (Some(code.to_owned()), Some(text.to_owned()));
        let tried = !doing.exchanges.is_empty();
        self.end(doing, if tried { Result::Failed } else { Result::Skipped });
    }

    /// A step ends.
    pub fn end(&self, doing: Doing, result: Result) {
        self.agenda.end(doing.end(self.mailbox, result));
    }

    /// Skips the planned steps that these words hold for.
    pub fn skip(&self, which: impl Fn(Name, Option<&str>) -> bool, code: &str, because: &str) {
        self.agenda.skip(which, code, because);
    }

    /// Skips what an ended step leaves without ground, or what there is no time for.
    pub fn skip_after(&self, which: impl Fn(Name, Option<&str>) -> bool, before: &str) {
        match self.ended_early() {
            Some((code, because)) => self.skip(which, code, because),
            None => self.skip(which, why::BEFORE, before),
        }
    }

    /// Why nothing more is done, where that is so.
    pub fn ended_early(&self) -> Option<(&'static str, &'static str)> {
        if self.run.standing.is_refused(Phase::Work) {
            return Some(REFUSED);
        }
        self.pace.over(Phase::Work)
    }

    fn stopped(&self) -> (&'static str, &'static str) {
        self.ended_early().unwrap_or((why::OUT_OF_TIME, "the time for it was over"))
    }
}

/// Writes an answer down.
pub(super) fn note(doing: &mut Doing, called: &Called) {
    let outcome = &called.outcome;
    doing.exchanges.extend(outcome.exchanges.iter().cloned());
    doing.status = outcome.status;
    doing.code = outcome.code.clone().filter(|code| code != "NoError");
    doing.text.clone_from(&outcome.text);
}
