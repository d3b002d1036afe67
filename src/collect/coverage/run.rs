//! The machine: takes mailboxes from a stream, asks for each at the governor's pace, and gives out rows.

use std::{ops::ControlFlow, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt as _, Stream, StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::again::{Again, Turned};
use super::{Alarm, Answer, Declared, Governor, Guard, Limits, Mailbox, Pace, Prober, Row, Standing, Turn};
use crate::facts::Absence;

/// Questions for one mailbox where the service fails or does not answer.
const TRIES: u32 = 3;
/// The same where it asks to back off.
const PATIENCE: u32 = 6;
/// Failures in a row after which everybody waits and one asks alone.
const FAILURES: u32 = 10;
/// First such wait; it doubles up to a minute.
const FIRST_REST: Duration = Duration::from_secs(2);
/// Longest wait that a service may ask for; a longer one ends the run, which can be resumed.
const LONGEST_WAIT: Duration = Duration::from_mins(20);

/// How to run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// How fast.
    pub pace: Pace,
    /// When to stop because of refusals.
    pub guard: Limits,
    /// How long the service may go on failing; zero: five minutes.
    pub patience: Duration,
}

/// What goes out.
#[derive(Debug)]
pub enum News {
    /// A mailbox is done.
    Row(Row),
    /// Everybody waits until then, because the service asks for it or fails.
    Paused(Instant),
}

/// Why a run ended before its list did.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// Refusals rose.
    Refusals(Alarm),
    /// The credential was refused.
    Unauthorized(Box<Answer>),
    /// The service went on failing.
    Failing(Box<Answer>),
    /// The service asked for a longer wait than makes sense.
    Wait(Duration),
    /// The list could not be read to its end.
    List(Box<Absence>),
    /// The caller wants no more.
    Stopped,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// `None`: the whole list was asked.
    pub early: Option<Why>,
    /// Requests sent.
    pub requests: u64,
    /// Requests that were refused for being too many.
    pub refused_for_rate: u64,
    /// Mailboxes that were taken from the list and got no row.
    pub left: u64,
}

/// Asks for each mailbox of a list. `take` gets every row as soon as it is known, in no order. The first
/// mailbox is asked alone: a credential that is refused is sent once, not by everybody at the same time.
/// The list is read only as far as mailboxes can be asked, so it may have any length.
pub async fn run<S, P>(
    list: S,
    prober: Arc<P>,
    options: &Options,
    stop: &CancellationToken,
    take: impl FnMut(News) -> ControlFlow<()>,
) -> Ending
where
    S: Stream<Item = Result<Mailbox, Absence>> + Unpin,
    P: Prober,
{
    let now = Instant::now();
    let mut machine = Machine {
        prober,
        governor: Governor::new(options.pace, now),
        guard: Guard::new(options.guard),
        patience: if options.patience.is_zero() { Duration::from_mins(5) } else { options.patience },
        take,
        flight: FuturesUnordered::new(),
        again: Again::default(),
        next: None,
        exhausted: false,
        proven: false,
        failing: None,
        failures: 0,
        requests: 0,
        refused_for_rate: 0,
        lost: 0,
    };
    let early = machine.work(list, stop).await.err();
    let waiting =
        machine.flight.len() + machine.again.len() + usize::from(machine.next.is_some()) + machine.lost;
    Ending {
        early,
        requests: machine.requests,
        refused_for_rate: machine.refused_for_rate,
        left: u64::try_from(waiting).unwrap_or(u64::MAX),
    }
}

/// A question that ended.
struct Asked {
    turned: Turned,
    answer: Answer,
    sent: Instant,
    ended: Instant,
}

struct Machine<P, T> {
    prober: Arc<P>,
    governor: Governor,
    guard: Guard,
    patience: Duration,
    take: T,
    flight: FuturesUnordered<BoxFuture<'static, Option<Asked>>>,
    again: Again,
    next: Option<Turned>,
    /// The list has come to its end.
    exhausted: bool,
    /// An answer showed that the credential is good and the service works.
    proven: bool,
    failing: Option<Instant>,
    failures: u32,
    requests: u64,
    refused_for_rate: u64,
    lost: usize,
}

impl<P: Prober, T: FnMut(News) -> ControlFlow<()>> Machine<P, T> {
    async fn work<S>(&mut self, mut list: S, stop: &CancellationToken) -> Result<(), Why>
    where
        S: Stream<Item = Result<Mailbox, Absence>> + Unpin,
    {
        loop {
            while let Some(Some(done)) = self.flight.next().now_or_never() {
                self.ended(done)?;
            }
            let wake = self.send();
            if self.exhausted && self.is_idle() {
                return Ok(());
            }
            let wants = !self.exhausted && self.next.is_none() && self.flight.len() < self.width();
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Why::Stopped),
                Some(done) = self.flight.next(), if !self.flight.is_empty() => self.ended(done)?,
                mailbox = list.next(), if wants => self.take_up(mailbox)?,
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
        }
    }

    /// One at a time until something shows that asking makes sense.
    fn width(&self) -> usize {
        if self.proven { self.governor.width() } else { 1 }
    }

    fn is_idle(&self) -> bool {
        self.flight.is_empty() && self.next.is_none() && self.again.len() == 0
    }

    fn take_up(&mut self, mailbox: Option<Result<Mailbox, Absence>>) -> Result<(), Why> {
        match mailbox {
            Some(Ok(mailbox)) => self.next = Some(Turned { mailbox, asked: 0 }),
            Some(Err(absence)) => return Err(Why::List(Box::new(absence))),
            None => self.exhausted = true,
        }
        Ok(())
    }

    /// Sends what may be sent; gives when there will be more to send, if time alone decides that.
    fn send(&mut self) -> Option<Instant> {
        while self.flight.len() < self.width() {
            let now = Instant::now();
            let Some(turned) = self.next.take().or_else(|| self.again.pop(now)) else {
                return self.again.next_due();
            };
            if let Turn::At(later) = self.governor.turn(now) {
                self.next = Some(turned);
                return Some(later);
            }
            self.requests += 1;
            self.flight.push(ask(Arc::clone(&self.prober), turned).boxed());
        }
        None
    }

    fn ended(&mut self, done: Option<Asked>) -> Result<(), Why> {
        let Some(mut asked) = done else {
            self.lost += 1;
            return Ok(());
        };
        asked.turned.asked += 1;
        match asked.answer.standing {
            Standing::Unauthorized => Err(Why::Unauthorized(Box::new(asked.answer))),
            Standing::Throttled => self.throttled(asked),
            Standing::Failed => self.failed(asked),
            Standing::Open | Standing::Denied | Standing::Faulty => {
                self.governor.admitted(asked.ended);
                (self.proven, self.failing, self.failures) = (true, None, 0);
                let standing = asked.answer.standing;
                // What lies outside by declaration is refused rightly.
                let expected =
                    standing == Standing::Denied && asked.turned.mailbox.declared == Declared::Outside;
                self.give(asked)?;
                let alarm = if expected { None } else { self.guard.take(standing) };
                alarm.map_or(Ok(()), |alarm| Err(Why::Refusals(alarm)))
            }
        }
    }

    fn throttled(&mut self, asked: Asked) -> Result<(), Why> {
        self.refused_for_rate += 1;
        let wait = asked.answer.wait;
        if let Some(wait) = wait.filter(|wait| *wait > LONGEST_WAIT) {
            self.give(asked)?;
            return Err(Why::Wait(wait));
        }
        let at_once = asked.answer.too_many_at_once;
        let begins = self.governor.refused(asked.ended, asked.sent, wait, at_once);
        self.tell_pause(begins)?;
        if asked.turned.asked >= PATIENCE {
            return self.give(asked);
        }
        self.again.push(asked.turned, self.governor.paused_until().unwrap_or(asked.ended));
        Ok(())
    }

    fn failed(&mut self, asked: Asked) -> Result<(), Why> {
        self.failures += 1;
        let since = *self.failing.get_or_insert(asked.sent);
        if self.failures >= FAILURES || !self.proven {
            self.proven = false;
            let doubled = self.failures.saturating_sub(FAILURES).min(5);
            let pause = FIRST_REST.saturating_mul(1 << doubled).min(Duration::from_mins(1));
            self.governor.rest(asked.ended, pause);
            self.tell_pause(true)?;
        }
        if asked.ended.duration_since(since) > self.patience {
            let answer = Box::new(asked.answer.clone());
            self.give(asked)?;
            return Err(Why::Failing(answer));
        }
        if asked.turned.asked >= TRIES {
            return self.give(asked);
        }
        let pause = Duration::from_millis(500 << (2 * (asked.turned.asked - 1).min(4)));
        let due = asked.ended + pause + jitter();
        self.again.push(asked.turned, due);
        Ok(())
    }

    fn tell_pause(&mut self, begins: bool) -> Result<(), Why> {
        match self.governor.paused_until().filter(|_| begins) {
            Some(until) => self.tell(News::Paused(until)),
            None => Ok(()),
        }
    }

    fn give(&mut self, asked: Asked) -> Result<(), Why> {
        let took = asked.ended.duration_since(asked.sent);
        self.tell(News::Row(Row {
            mailbox: asked.turned.mailbox,
            answer: asked.answer,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            at: jiff::Timestamp::now(),
            attempts: asked.turned.asked,
        }))
    }

    fn tell(&mut self, news: News) -> Result<(), Why> {
        if (self.take)(news).is_break() { Err(Why::Stopped) } else { Ok(()) }
    }
}

/// Asks once; `None`: asking broke in this program, which costs this mailbox only.
async fn ask<P: Prober>(prober: Arc<P>, turned: Turned) -> Option<Asked> {
    let sent = Instant::now();
    let answer = AssertUnwindSafe(prober.probe(&turned.mailbox.address)).catch_unwind().await.ok()?;
    Some(Asked { turned, answer, sent, ended: Instant::now() })
}

/// Up to a quarter of a second, so that those who failed together do not come back together.
fn jitter() -> Duration {
    let unique = uuid::Uuid::new_v4().as_u128() % 250;
    Duration::from_millis(u64::try_from(unique).unwrap_or_default())
}

#[cfg(test)]
mod tests;
