//! Sending requests with patience: what an answer means, and whether to ask again.

use std::slice;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::Instant;

use crate::sync::{Doing, Pace, Phase, REFUSED, Result as Ended, Standing, Verdict, why};
use crate::wire::Failure;
use crate::wire::answer::{Answer, Problem};
use crate::wire::graph::{Call, Done, Mailbox};

/// Codes of failures that pass.
const PASSING: [&str; 4] =
    ["ErrorServerBusy", "ErrorInternalServerTransientError", "ErrorTimeoutExpired", "ErrorConnectionFailed"];

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
            is_denied: result == Ended::Refused && done.exchange.status == Some(403),
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

/// Sends requests to one mailbox, in one phase of the run.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The mailbox.
    pub mailbox: &'a Mailbox,
    /// How fast, and how long.
    pub pace: &'a Pace,
    /// Working or cleaning up.
    pub phase: Phase,
    /// What the service makes of the token.
    pub standing: &'a Standing,
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
    pub async fn ask(&self, doing: &mut Doing, call: &Call) -> Said {
        self.try_one(doing, call, Repeat::Freely).await
    }

    /// Sends a request that makes something.
    pub async fn make(&self, doing: &mut Doing, call: &Call) -> Said {
        self.try_one(doing, call, Repeat::Carefully).await
    }

    async fn try_one(&self, doing: &mut Doing, call: &Call, repeat: Repeat) -> Said {
        let mut sent = 0;
        loop {
            let done = self.unless_over(call.is_read(), self.mailbox.send(call)).await?;
            note(doing, &done);
            if self.is_renewed(&done).await {
                continue;
            }
            sent += 1;
            let verdict = verdict(&done, repeat, call);
            if let Answer::Found(value) = done.answer {
                return Ok(value);
            }
            if !self.pause(slice::from_mut(doing), verdict, sent).await {
                return Err(Refusal::of(&done));
            }
        }
    }

    /// Sends something when it is its turn. Reads are given up when the phase ends; what writes is waited
    /// for longer, because what became of it should be known.
    async fn unless_over<T>(&self, reads: bool, sending: impl Future<Output = T>) -> Result<T, Refusal> {
        let _turn = match self.over() {
            Some(reason) => return Err(Refusal::over(reason)),
            None => self.pace.turn(self.phase).await.ok_or_else(|| self.ended())?,
        };
        tokio::select! {
            sent = sending => Ok(sent),
            () = self.pace.give_up(self.phase, !reads) => Err(self.ended()),
        }
    }

    /// Why nothing more is begun.
    pub(super) fn over(&self) -> Option<(&'static str, &'static str)> {
        if self.standing.is_refused(self.phase) { Some(REFUSED) } else { self.pace.over(self.phase) }
    }

    fn ended(&self) -> Refusal {
        Refusal::over(self.over().unwrap_or((why::OUT_OF_TIME, "the time was over")))
    }

    /// Whether there is another token in place of one that the service took before and now refuses.
    async fn is_renewed(&self, done: &Done) -> bool {
        match done.exchange.status {
            Some(401) => {}
            Some(_) => {
                self.standing.take();
                return false;
            }
            None => return false,
        }
        if self.standing.was_taken() {
            let renewed = tokio::select! {
                renewed = self.mailbox.renewed(done) => renewed,
                () = self.pace.run_out(self.phase) => false,
            };
            if renewed {
                return true;
            }
        }
        self.standing.refuse_token(self.phase);
        false
    }

    /// Waits before a repetition; false: there is none.
    async fn pause(&self, doings: &mut [Doing], verdict: Verdict, sent: u32) -> bool {
        let Some(waited) = self.pace.pause(self.phase, verdict, sent).await else { return false };
        for doing in doings {
            doing.waited += waited;
        }
        true
    }

    /// Sends requests together; each answer stands for itself, and those that may pass are repeated. The
    /// evidence of each goes to its own step, or that of all to the only one.
    pub async fn ask_all(&self, doings: &mut [Doing], calls: &[Call], repeat: Repeat) -> Vec<Said> {
        if let ([call], [doing]) = (calls, &mut *doings) {
            return vec![self.try_one(doing, call, repeat).await];
        }
        let mut said: Vec<Option<Said>> = vec![None; calls.len()];
        for sent in 1.. {
            let open: Vec<_> = (0..calls.len()).filter(|at| said[*at].is_none()).collect();
            if open.is_empty() {
                break;
            }
            let again = self.round(doings, calls, repeat, &open, &mut said).await;
            let Some(verdict) = again.iter().map(|(_, verdict, _)| *verdict).max_by_key(patience) else {
                continue;
            };
            if !self.pause(doings, verdict, sent).await {
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
        self.one_by_one(doings, calls, repeat).await
    }

    /// Sends what has no answer yet, once; yields what may be repeated, and what it said.
    async fn round(
        &self,
        doings: &mut [Doing],
        calls: &[Call],
        repeat: Repeat,
        open: &[usize],
        said: &mut [Option<Said>],
    ) -> Vec<(usize, Verdict, Refusal)> {
        let batch: Vec<_> = open.iter().map(|at| calls[*at].clone()).collect();
        let reads = batch.iter().all(Call::is_read);
        let done = match self.unless_over(reads, self.mailbox.batch(&batch)).await {
            Ok(done) => done,
            Err(refusal) => {
                for at in open {
                    said[*at] = Some(Err(refusal.clone()));
                }
                return Vec::new();
            }
        };
        let last = doings.len().saturating_sub(1);
        let mut again = Vec::new();
        for (at, done) in open.iter().copied().zip(done) {
            if let Some(doing) = doings.get_mut(at.min(last)) {
                note(doing, &done);
            }
            if self.is_renewed(&done).await {
                again.push((at, Verdict::Passing, Refusal::of(&done)));
                continue;
            }
            match (verdict(&done, repeat, &calls[at]), &done.answer) {
                (_, Answer::Found(value)) => said[at] = Some(Ok(value.clone())),
                (Verdict::Settled, _) => said[at] = Some(Err(Refusal::of(&done))),
                (verdict, _) => again.push((at, verdict, Refusal::of(&done))),
            }
        }
        again
    }

    async fn one_by_one(&self, doings: &mut [Doing], calls: &[Call], repeat: Repeat) -> Vec<Said> {
        if doings.len() == calls.len() {
            let each = doings.iter_mut().zip(calls).map(|(doing, call)| self.try_one(doing, call, repeat));
            return join_all(each).await;
        }
        let mut said = Vec::new();
        if let Some(doing) = doings.first_mut() {
            for call in calls {
                said.push(self.try_one(doing, call, repeat).await);
            }
        }
        said
    }

    /// Waits because something is not there yet; false: the phase ends before.
    pub async fn linger(&self, time: Duration) -> bool {
        self.pace.sleep(self.phase, Instant::now() + time).await.is_some()
    }
}

fn note(doing: &mut Doing, done: &Done) {
    doing.status = done.exchange.status;
    doing.exchanges.push(done.exchange.clone());
}

/// The most patient of several verdicts counts.
fn patience(verdict: &Verdict) -> (u8, Duration) {
    match verdict {
        Verdict::Settled => (0, Duration::ZERO),
        Verdict::Passing => (1, Duration::ZERO),
        Verdict::Busy(told) => (2, told.unwrap_or_default()),
    }
}

/// Whether asking again could help, and does no harm.
fn verdict(done: &Done, repeat: Repeat, call: &Call) -> Verdict {
    if done.uncertain && repeat == Repeat::Carefully {
        return Verdict::Settled;
    }
    let passing = match &done.answer {
        Answer::Throttled(_) => return Verdict::Busy(done.wait),
        Answer::Down(_) if done.wait.is_some() => return Verdict::Busy(done.wait),
        Answer::Down(problem) => {
            matches!(problem.status, 500 | 502..=504)
                || problem.codes.iter().any(|code| PASSING.contains(&code.as_str()))
        }
        Answer::Unreachable(failure) => matches!(
            failure,
            Failure::Closed { .. }
                | Failure::Refused { .. }
                | Failure::TimedOut { .. }
                | Failure::Dns { .. }
                | Failure::Garbled { .. }
        ),
        // Something in between answered: once more, where that does no harm.
        Answer::Unreadable(_) => true,
        // A conflict that nobody asked to be told of passes.
        Answer::Rejected(problem) => {
            repeat == Repeat::Freely && matches!(problem.status, 409 | 412) && !call.is_conditional()
        }
        _ => false,
    };
    if passing { Verdict::Passing } else { Verdict::Settled }
}

/// Says something beside what came of a step.
pub fn say(doing: &mut Doing, note: &str) {
    doing.text = Some(match doing.text.take() {
        Some(text) => format!("{text}; {note}"),
        None => note.to_owned(),
    });
}
