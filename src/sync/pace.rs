//! How fast a run goes in one mailbox, and when it gives up: few requests at once, repeated with care,
//! never past the end of its time. Knows no protocol.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Plan, why};

/// Requests under way at the same time in one mailbox, far below what any server allows.
const AT_ONCE: usize = 4;
/// Repetitions after a failure that may pass.
const REPEATS: u32 = 2;
/// Repetitions after a server asked to be left alone for a while.
const BUSY_REPEATS: u32 = 8;
/// First wait after a failure that may pass; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Wait where a busy server does not say how long.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// What an answer means for going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// An answer, good or bad, that asking again would not change.
    Settled,
    /// The server asks to be left alone, for this long where it says so.
    Busy(Option<Duration>),
    /// A failure that may pass.
    Passing,
}

/// Which part of the run's time a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The work itself: ends early when the run is told to stop.
    Work,
    /// Cleaning up, which goes on when the run is told to stop.
    Cleaning,
}

/// The pace of one mailbox.
#[derive(Debug)]
pub struct Pace {
    stop: CancellationToken,
    work_until: Instant,
    clean_until: Instant,
    permits: Semaphore,
    quiet_until: Mutex<Option<Instant>>,
}

impl Pace {
    /// The pace that a plan asks for.
    pub fn new(plan: &Plan, stop: &CancellationToken) -> Self {
        Self {
            stop: stop.clone(),
            work_until: plan.work_until,
            clean_until: plan.clean_until,
            permits: Semaphore::new(AT_ONCE),
            quiet_until: Mutex::new(None),
        }
    }

    /// Why no further step is begun, as a code of [`why`] and in words; `None`: go on.
    pub fn over(&self, phase: Phase) -> Option<(&'static str, &'static str)> {
        let late = Instant::now() >= self.end(phase);
        match phase {
            Phase::Work if self.stop.is_cancelled() => Some((why::STOPPED, "the run was told to stop")),
            Phase::Work if late => Some((why::OUT_OF_TIME, "the time for the work was over")),
            Phase::Cleaning if late => Some((why::OUT_OF_TIME, "the time for cleaning up was over")),
            _ => None,
        }
    }

    /// When a phase ends.
    pub fn end(&self, phase: Phase) -> Instant {
        match phase {
            Phase::Work => self.work_until,
            Phase::Cleaning => self.clean_until,
        }
    }

    /// Waits until the phase is over, early when the run is told to stop.
    pub async fn run_out(&self, phase: Phase) {
        match phase {
            Phase::Work => tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep_until(self.work_until) => {}
            },
            Phase::Cleaning => tokio::time::sleep_until(self.clean_until).await,
        }
    }

    /// Waits until a request of this phase is given up: when the phase ends. One that writes may take half
    /// of the time for cleaning up as well, because what it made should be known; not all of it, because
    /// that is to be removed.
    pub async fn give_up(&self, phase: Phase, writes: bool) {
        match phase {
            Phase::Work if writes => {
                let cleaning = self.clean_until.saturating_duration_since(self.work_until);
                tokio::time::sleep_until(self.work_until + cleaning / 2).await;
            }
            _ => self.run_out(phase).await,
        }
    }

    /// Waits for a turn, and while the server wants to be left alone; `None`: the phase is over.
    pub async fn turn(&self, phase: Phase) -> Option<SemaphorePermit<'_>> {
        loop {
            if self.over(phase).is_some() {
                return None;
            }
            if let Some(until) = self.quiet() {
                self.sleep(phase, until).await?;
            }
            let permit = tokio::select! {
                permit = self.permits.acquire() => permit.ok()?,
                () = self.run_out(phase) => return None,
            };
            // Somebody may have been asked to wait in the meantime.
            if self.quiet().is_none() {
                return Some(permit);
            }
        }
    }

    /// Waits before the next attempt; `None`: this was the last one. The time waited because the server
    /// asked for it is told.
    pub async fn pause(&self, phase: Phase, verdict: Verdict, attempts: u32) -> Option<Duration> {
        let wait = wait_after(verdict, attempts, chance())?;
        let until = Instant::now() + wait;
        let busy = matches!(verdict, Verdict::Busy(_));
        if until >= self.end(phase) {
            return None;
        }
        if busy {
            self.keep_quiet(until);
        }
        self.sleep(phase, until).await?;
        Some(if busy { wait } else { Duration::ZERO })
    }

    /// Waits for a moment; `None`: the phase is over before.
    pub async fn sleep(&self, phase: Phase, until: Instant) -> Option<()> {
        tokio::select! {
            () = tokio::time::sleep_until(until) => Some(()),
            () = self.run_out(phase) => None,
        }
    }

    fn quiet(&self) -> Option<Instant> {
        let until = *self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > Instant::now())
    }

    fn keep_quiet(&self, until: Instant) {
        let mut known = self.quiet_until.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(known.map_or(until, |known| known.max(until)));
    }
}

/// How long to wait after so many attempts; `None`: not again. `chance` is between 0 and 1.
fn wait_after(verdict: Verdict, attempts: u32, chance: f64) -> Option<Duration> {
    match verdict {
        // A server that names a time is given it, and a little more, so that not all come back at once.
        Verdict::Busy(told) if attempts <= BUSY_REPEATS => {
            Some(told.unwrap_or(BUSY_WAIT * attempts).mul_f64(1.0 + chance * 0.1))
        }
        Verdict::Passing if attempts <= REPEATS => {
            Some((FIRST_WAIT * 2_u32.pow(attempts.saturating_sub(1))).mul_f64(0.5 + chance))
        }
        Verdict::Settled | Verdict::Busy(_) | Verdict::Passing => None,
    }
}

/// A number between 0 and 1 that need not be secret, only different each time.
fn chance() -> f64 {
    f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_told_time_is_given_and_only_a_little_more() {
        let told = Verdict::Busy(Some(Duration::from_secs(10)));
        assert_eq!(wait_after(told, 1, 0.0), Some(Duration::from_secs(10)));
        assert_eq!(wait_after(told, 8, 1.0), Some(Duration::from_secs(11)));
        assert_eq!(wait_after(told, 9, 0.0), None);
    }

    #[test]
    fn what_may_pass_is_tried_twice_more_and_what_is_settled_never() {
        let waits: Vec<_> = (1..4).map(|attempts| wait_after(Verdict::Passing, attempts, 0.5)).collect();
        assert_eq!(waits, [Some(Duration::from_millis(500)), Some(Duration::from_secs(1)), None]);
        assert_eq!(wait_after(Verdict::Settled, 1, 0.5), None);
    }

    fn pace(work: u64, clean: u64) -> (Pace, CancellationToken) {
        pace_of(Duration::from_secs(work), Duration::from_secs(clean))
    }

    fn pace_of(work: Duration, clean: Duration) -> (Pace, CancellationToken) {
        let (stop, now) = (CancellationToken::new(), Instant::now());
        let pace = Pace {
            stop: stop.clone(),
            work_until: now + work,
            clean_until: now + clean,
            permits: Semaphore::new(AT_ONCE),
            quiet_until: Mutex::new(None),
        };
        (pace, stop)
    }

    #[tokio::test]
    async fn a_wait_that_does_not_fit_is_not_begun() {
        let (pace, _stop) = pace(5, 20);
        let began = Instant::now();
        let told = Verdict::Busy(Some(Duration::from_secs(8)));
        assert_eq!(pace.pause(Phase::Work, told, 1).await, None);
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn everybody_waits_while_the_server_wants_to_be_left_alone() {
        let (pace, _stop) = pace(60, 90);
        let began = Instant::now();
        let told = Verdict::Busy(Some(Duration::from_millis(80)));
        tokio::join!(pace.pause(Phase::Work, told, 1), async {
            tokio::task::yield_now().await;
            assert!(pace.turn(Phase::Work).await.is_some());
            assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
        });
    }

    #[tokio::test]
    async fn a_request_that_writes_leaves_time_for_cleaning_up() {
        let ms = Duration::from_millis;
        let (pace, stop) = pace_of(ms(40), ms(400));
        let began = Instant::now();
        pace.give_up(Phase::Work, false).await;
        assert!((40..220).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        stop.cancel();
        pace.give_up(Phase::Work, true).await;
        assert!((220..400).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
        pace.give_up(Phase::Cleaning, true).await;
        assert!(began.elapsed() >= ms(400), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn a_stop_ends_the_work_at_once_and_not_the_cleaning() {
        let (pace, stop) = pace(60, 90);
        stop.cancel();
        assert!(pace.turn(Phase::Work).await.is_none());
        assert!(pace.over(Phase::Work).is_some_and(|(code, _)| code == why::STOPPED));
        assert!(pace.turn(Phase::Cleaning).await.is_some());
    }
}
