//! Sending requests with patience: what to repeat, how long to wait, and when to stop.

use std::{slice, time::Duration};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::{Name, Result as Ended, Step, why};
use crate::facts::Exchange;
use crate::wire::Failure;
use crate::wire::answer::{Answer, Problem};
use crate::wire::graph::{Call, Done, Mailbox};

/// Times that one request is sent when the server asks to back off, and when it fails.
const SENDS_WHEN_THROTTLED: u32 = 8;
const SENDS_WHEN_FAILING: u32 = 4;

/// First pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(400);

/// Codes of failures that pass.
const PASSING: [&str; 4] =
    ["ErrorServerBusy", "ErrorInternalServerTransientError", "ErrorTimeoutExpired", "ErrorConnectionFailed"];

/// How long a part of the run may go on.
#[derive(Debug, Clone, Copy)]
pub struct Limit<'a> {
    /// It ends then.
    pub until: Instant,
    /// It ends when this is cancelled.
    pub stop: Option<&'a CancellationToken>,
}

impl Limit<'_> {
    /// Why nothing more is begun.
    pub fn over(&self) -> Option<(&'static str, &'static str)> {
        if self.stop.is_some_and(CancellationToken::is_cancelled) {
            return Some((why::STOPPED, "the run was stopped"));
        }
        (Instant::now() >= self.until).then_some((why::OUT_OF_TIME, "the time for the test was over"))
    }

    /// Waits; false: the limit would come first, or came.
    async fn wait(&self, time: Duration) -> bool {
        if Instant::now().checked_add(time).is_none_or(|end| end >= self.until) {
            return false;
        }
        let Some(stop) = self.stop else {
            tokio::time::sleep(time).await;
            return true;
        };
        stop.run_until_cancelled(tokio::time::sleep(time)).await.is_some()
    }
}

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// As a result of a step.
    pub result: Ended,
    /// HTTP status.
    pub status: Option<u16>,
    /// Error code.
    pub code: Option<String>,
    /// In words.
    pub text: String,
    /// It may have been carried out all the same.
    pub uncertain: bool,
    /// The service says that the object does not exist.
    pub is_missing: bool,
    /// The caller lacks a right.
    pub is_denied: bool,
}

impl Refusal {
    fn over((code, text): (&'static str, &'static str)) -> Self {
        Self { code: Some(code.into()), ..Self::new(Ended::Skipped, text) }
    }

    /// One that is not an answer's.
    pub fn new(result: Ended, text: impl Into<String>) -> Self {
        let text = text.into();
        let (status, code) = (None, None);
        Self { result, status, code, text, uncertain: false, is_missing: false, is_denied: false }
    }

    fn of(done: &Done) -> Self {
        let (result, text) = match &done.answer {
            Answer::Found(_) => (Ended::Ok, String::new()),
            Answer::Throttled(problem) => (Ended::Throttled, problem.words()),
            Answer::Down(problem) if done.wait.is_some() => (Ended::Throttled, problem.words()),
            Answer::Down(problem) => (Ended::Failed, problem.words()),
            Answer::Rejected(problem) if is_unknown(problem) => (Ended::Unavailable, problem.words()),
            Answer::Missing(problem)
            | Answer::Denied(problem)
            | Answer::Unlicensed(problem)
            | Answer::Rejected(problem) => (Ended::Refused, problem.words()),
            Answer::Unreachable(failure) => (Ended::Failed, failure.to_string()),
            Answer::Unreadable(text) => (Ended::Failed, text.clone()),
        };
        let problem = done.answer.problem();
        let gone = |problem: &Problem| problem.is_of_service && matches!(problem.status, 404 | 410);
        Self {
            result,
            status: done.exchange.status,
            code: problem.and_then(|problem| problem.code.clone()),
            text,
            uncertain: done.uncertain,
            is_missing: result == Ended::Refused && problem.is_some_and(gone),
            is_denied: matches!(&done.answer, Answer::Denied(_) | Answer::Unlicensed(_)),
        }
    }

    /// Whether its code is one of these.
    pub fn is(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.iter().any(|known| known.eq_ignore_ascii_case(code)))
    }
}

/// The server does not know the path or the operation.
fn is_unknown(problem: &Problem) -> bool {
    matches!(problem.status, 405 | 501) || problem.mentions(&["for the segment"])
}

/// What was found, after all patience, or why nothing was.
pub type Said = Result<Value, Refusal>;

/// A step that is under way.
#[derive(Debug)]
pub struct Trial {
    name: Name,
    subject: Option<&'static str>,
    began: Instant,
    waited: Duration,
    exchanges: Vec<Exchange>,
    status: Option<u16>,
    notes: Vec<String>,
    /// What differs from what was expected.
    pub differences: Vec<String>,
}

impl Trial {
    /// Begins one.
    pub fn new(name: Name, subject: Option<&'static str>) -> Self {
        let (exchanges, notes, differences) = (Vec::new(), Vec::new(), Vec::new());
        let (began, waited, status) = (Instant::now(), Duration::ZERO, None);
        Self { name, subject, began, waited, exchanges, status, notes, differences }
    }

    /// Which step it is.
    pub fn key(&self) -> (Name, Option<&'static str>) {
        (self.name, self.subject)
    }

    /// Says something beside the result.
    pub fn say(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn add(&mut self, done: &Done) {
        self.status = done.exchange.status;
        self.exchanges.push(done.exchange.clone());
    }

    /// The step, as it ended.
    pub fn end(self, mailbox: &super::super::plan::Mailbox, refusal: Option<Refusal>) -> Step {
        let differs = if self.differences.is_empty() { Ended::Ok } else { Ended::Differs };
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mut notes = self.notes;
        if let Some(refusal) = refusal.as_ref().filter(|refusal| !refusal.text.is_empty()) {
            notes.insert(0, refusal.text.clone());
        }
        Step {
            name: self.name,
            mailbox: mailbox.address.clone(),
            role: mailbox.role,
            subject: self.subject.map(str::to_owned),
            result: refusal.as_ref().map_or(differs, |refusal| refusal.result),
            status: refusal.as_ref().map_or(self.status, |refusal| refusal.status),
            code: refusal.and_then(|refusal| refusal.code),
            text: (!notes.is_empty()).then(|| notes.join("; ")),
            differences: self.differences,
            ms: millis(self.began.elapsed()),
            waited_ms: millis(self.waited),
            exchanges: self.exchanges,
        }
    }
}

/// Sends requests to one mailbox within a limit.
#[derive(Debug, Clone)]
pub struct Hand<'a> {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// How long.
    pub limit: Limit<'a>,
}

/// Whether a request may be sent again when it may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Sending it twice does no more than sending it once.
    Freely,
    /// It makes something.
    Carefully,
}

impl Hand<'_> {
    /// Sends a request that may be repeated.
    pub async fn ask(&self, trial: &mut Trial, call: &Call) -> Said {
        self.try_one(trial, call, Repeat::Freely).await
    }

    /// Sends a request that makes something.
    pub async fn make(&self, trial: &mut Trial, call: &Call) -> Said {
        self.try_one(trial, call, Repeat::Carefully).await
    }

    async fn try_one(&self, trial: &mut Trial, call: &Call, repeat: Repeat) -> Said {
        for sent in 1.. {
            if let Some(reason) = self.limit.over() {
                return Err(Refusal::over(reason));
            }
            let Some(done) = self.send(call).await else {
                return Err(Refusal::over(
                    self.limit.over().unwrap_or((why::STOPPED, "the run was stopped")),
                ));
            };
            trial.add(&done);
            let pause = pause(&done, sent, repeat, call);
            if let Answer::Found(value) = done.answer {
                return Ok(value);
            }
            let rested = match pause {
                Some(pause) => self.rest(slice::from_mut(trial), pause).await,
                None => false,
            };
            if !rested {
                return Err(Refusal::of(&done));
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Reads are given up when the run is stopped; what writes is not, because its end must be known.
    async fn send(&self, call: &Call) -> Option<Done> {
        match self.limit.stop.filter(|_| call.is_read()) {
            Some(stop) => stop.run_until_cancelled(self.mailbox.send(call)).await,
            None => Some(self.mailbox.send(call).await),
        }
    }

    /// Waits before a repetition; false: there is no time for one.
    async fn rest(&self, trials: &mut [Trial], pause: Duration) -> bool {
        let began = Instant::now();
        let rested = self.limit.wait(pause).await;
        for trial in trials {
            trial.waited += began.elapsed();
        }
        rested
    }

    /// Sends requests together; each answer stands for itself, and those that may pass are repeated. The
    /// evidence of each goes to its own trial, or that of all to the only one.
    pub async fn ask_all(&self, trials: &mut [Trial], calls: &[Call], repeat: Repeat) -> Vec<Said> {
        if let ([call], [trial]) = (calls, &mut *trials) {
            return vec![self.try_one(trial, call, repeat).await];
        }
        let mut said: Vec<Option<Said>> = vec![None; calls.len()];
        for sent in 1.. {
            let open: Vec<_> = (0..calls.len()).filter(|at| said[*at].is_none()).collect();
            if open.is_empty() {
                break;
            }
            if let Some(reason) = self.limit.over() {
                for at in open {
                    said[at] = Some(Err(Refusal::over(reason)));
                }
                break;
            }
            let again = self.round(trials, calls, repeat, sent, &mut said).await;
            let Some(longest) = again.iter().map(|(_, pause, _)| *pause).max() else { continue };
            if !self.rest(trials, longest).await {
                for (at, _, refusal) in again {
                    said[at] = Some(Err(refusal));
                }
            }
        }
        let said: Vec<_> = said.into_iter().flatten().collect();
        let unknown = |said: &Said| said.as_ref().is_err_and(|no| no.result == Ended::Unavailable);
        if said.is_empty() || !said.iter().all(unknown) {
            return said;
        }
        // The server has no batches.
        self.one_by_one(trials, calls, repeat).await
    }

    /// Sends what has no answer yet, once; yields what is to be repeated, when, and what it said.
    async fn round(
        &self,
        trials: &mut [Trial],
        calls: &[Call],
        repeat: Repeat,
        sent: u32,
        said: &mut [Option<Said>],
    ) -> Vec<(usize, Duration, Refusal)> {
        let open: Vec<_> = (0..calls.len()).filter(|at| said[*at].is_none()).collect();
        let batch: Vec<_> = open.iter().map(|at| calls[*at].clone()).collect();
        let last = trials.len().saturating_sub(1);
        let mut again = Vec::new();
        for (at, done) in open.into_iter().zip(self.mailbox.batch(&batch, false).await) {
            if let Some(trial) = trials.get_mut(at.min(last)) {
                trial.add(&done);
            }
            match (pause(&done, sent, repeat, &calls[at]), &done.answer) {
                (_, Answer::Found(value)) => said[at] = Some(Ok(value.clone())),
                (Some(pause), _) => again.push((at, pause, Refusal::of(&done))),
                (None, _) => said[at] = Some(Err(Refusal::of(&done))),
            }
        }
        again
    }

    async fn one_by_one(&self, trials: &mut [Trial], calls: &[Call], repeat: Repeat) -> Vec<Said> {
        if trials.len() == calls.len() {
            let each = trials.iter_mut().zip(calls).map(|(trial, call)| self.try_one(trial, call, repeat));
            return join_all(each).await;
        }
        let mut said = Vec::new();
        if let Some(trial) = trials.first_mut() {
            for call in calls {
                said.push(self.try_one(trial, call, repeat).await);
            }
        }
        said
    }

    /// Waits because something is not there yet; false: the limit would come first.
    pub async fn linger(&self, time: Duration) -> bool {
        self.limit.wait(time).await
    }
}

/// How long to wait before sending a request again; `None`: that would not help, or would do harm.
fn pause(done: &Done, sent: u32, repeat: Repeat, call: &Call) -> Option<Duration> {
    if done.uncertain && repeat == Repeat::Carefully {
        return None;
    }
    let passing = match &done.answer {
        Answer::Throttled(_) => return (sent < SENDS_WHEN_THROTTLED).then(|| patience(done, sent)),
        // Something in between answered, or the server stumbled: once more, where that does no harm.
        Answer::Unreadable(_) => sent < 2,
        Answer::Down(problem) if problem.status == 500 && sent < 2 => true,
        // A conflict that nobody asked to be told of passes.
        Answer::Rejected(problem) => {
            repeat == Repeat::Freely && matches!(problem.status, 409 | 412) && !call.is_conditional()
        }
        Answer::Down(problem) => {
            matches!(problem.status, 502..=504)
                || done.wait.is_some()
                || problem.codes.iter().any(|code| PASSING.contains(&code.as_str()))
        }
        Answer::Unreachable(failure) => matches!(
            failure,
            Failure::Closed { .. } | Failure::Refused { .. } | Failure::TimedOut { .. } | Failure::Dns { .. }
        ),
        _ => false,
    };
    (passing && sent < SENDS_WHEN_FAILING).then(|| patience(done, sent))
}

/// What the server asks for, else twice as long each time; never all clients at the same moment.
fn patience(done: &Done, sent: u32) -> Duration {
    let chance = u32::try_from(Uuid::new_v4().as_u128() % 1000).unwrap_or_default();
    match done.wait {
        Some(wait) => wait + Duration::from_millis(u64::from(chance) / 4),
        None => FIRST_PAUSE * 2_u32.pow(sent.min(6) - 1) * (500 + chance) / 1000,
    }
}
