//! The governor: how fast to ask. It starts politely, learns what the service admits from when it refuses,
//! and keeps everybody waiting for as long as the service asks.
//!
//! What a service admits is measured over whole cycles, from the end of one pause to the end of the next:
//! whatever the shape of the limit, so many requests were admitted in that time. Two cycles that agree are
//! believed, and the rate stays just below; one alone is met half way. From there it feels its way up
//! slowly, so that refusals stay rare.

use std::time::Duration;

use tokio::time::Instant;

/// Bounds of the pace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Most requests a second; `None`: as fast as answers come.
    pub rate: Option<f64>,
    /// Most requests at the same time.
    pub width: usize,
}

impl Default for Pace {
    /// Far below what the services allow: a product that works meanwhile does not feel it.
    fn default() -> Self {
        Self { rate: Some(20.0), width: 10 }
    }
}

/// Whether a request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Now; it was counted.
    Now,
    /// Not before this.
    At(Instant),
}

/// Rate at which a paced run starts; it doubles every second until the bound.
const FIRST_RATE: f64 = 20.0;
/// Slowest rate.
const LEAST_RATE: f64 = 0.05;
/// Pause where the service does not say how long; it doubles while nothing is admitted.
const USUAL_PAUSE: Duration = Duration::from_secs(1);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause after too many at the same time: the others end meanwhile.
const SHORT_PAUSE: Duration = Duration::from_millis(200);
/// Added to what a service asks for: its clock and ours are not the same.
const MARGIN: Duration = Duration::from_millis(20);
/// How much the estimates of two cycles may differ to be believed.
const AGREEMENT: f64 = 0.08;
/// Kept below what was measured.
const BELOW: f64 = 0.985;

/// How the rate came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was refused yet.
    Opening,
    /// One cycle was measured.
    Guessed,
    /// Two cycles agree.
    Believed,
}

/// Paces a run.
#[derive(Debug)]
pub struct Governor {
    pace: Pace,
    rate: Option<f64>,
    phase: Phase,
    measured: Option<Measured>,
    /// Requests that may go out at once, earned by time.
    earned: f64,
    counted: Instant,
    width: f64,
    widened: Instant,
    paused: Option<Pause>,
    cycle: Cycle,
    /// Pauses in a row in which nothing was admitted.
    fruitless: u32,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    began: Instant,
    until: Instant,
}

/// From the end of one pause to the end of the next.
#[derive(Debug, Clone, Copy)]
struct Cycle {
    began: Instant,
    admitted: u64,
    /// Since the rate was last raised.
    stepped: Instant,
    since_step: u64,
}

/// What a cycle told.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Requests a second that were admitted, the pause included: at most this is too little.
    estimate: f64,
    /// The same without the pause: at least this is too much, unless a reserve was used up first.
    sent: f64,
}

impl Measured {
    /// Both found the same limit although they asked at different rates, so it is no child of the rate.
    fn confirms(self, other: Self) -> bool {
        let near = |one: f64, other: f64, share: f64| (one - other).abs() <= share * other;
        near(self.estimate, other.estimate, AGREEMENT) && !near(self.sent, other.sent, 2.0 * AGREEMENT)
    }
}

impl Cycle {
    fn new(began: Instant) -> Self {
        Self { began, admitted: 0, stepped: began, since_step: 0 }
    }
}

impl Governor {
    /// A governor that begins now.
    pub fn new(pace: Pace, now: Instant) -> Self {
        Self {
            pace,
            rate: pace.rate.map(|bound| bound.min(FIRST_RATE)),
            phase: Phase::Opening,
            measured: None,
            earned: 1.0,
            counted: now,
            width: as_f64(pace.width.max(1)),
            widened: now,
            paused: None,
            cycle: Cycle::new(now),
            fruitless: 0,
        }
    }

    /// How many requests may be under way.
    pub fn width(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
        let width = self.width as usize;
        width.clamp(1, self.pace.width.max(1))
    }

    /// Requests a second; `None`: not paced.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Until when everybody waits.
    pub fn paused_until(&self) -> Option<Instant> {
        self.paused.map(|pause| pause.until)
    }

    /// Asks for the turn of one request.
    pub fn turn(&mut self, now: Instant) -> Turn {
        if let Some(pause) = self.paused {
            if now < pause.until {
                return Turn::At(pause.until);
            }
            self.paused = None;
            self.cycle = Cycle::new(now);
            (self.earned, self.counted) = (1.0, now);
        }
        let Some(rate) = self.rate else { return Turn::Now };
        let most = (rate * 0.02).max(1.0);
        self.earned = (self.earned + now.duration_since(self.counted).as_secs_f64() * rate).min(most);
        self.counted = now;
        if self.earned >= 1.0 {
            self.earned -= 1.0;
            return Turn::Now;
        }
        Turn::At(now + Duration::from_secs_f64((1.0 - self.earned) / rate) + Duration::from_micros(100))
    }

    /// An answer that was no refusal for being too fast.
    pub fn admitted(&mut self, now: Instant) {
        self.fruitless = 0;
        self.cycle.admitted += 1;
        self.cycle.since_step += 1;
        self.raise(now);
        let calm = now.duration_since(self.widened) >= Duration::from_secs(5);
        if calm && self.width < as_f64(self.pace.width) {
            (self.width, self.widened) = (self.width + 1.0, now);
        }
    }

    /// A refusal for being too fast, of a request that went out at `sent`. Gives whether it begins a pause.
    pub fn refused(&mut self, now: Instant, sent: Instant, wait: Option<Duration>, at_once: bool) -> bool {
        let begins = self.paused.is_none_or(|pause| sent >= pause.until);
        if begins && at_once {
            (self.width, self.widened) = ((self.width * 0.7).max(1.0), now);
        }
        let usual = if at_once { SHORT_PAUSE } else { USUAL_PAUSE };
        let own = usual.saturating_mul(1 << self.fruitless.min(6)).min(LONGEST_PAUSE);
        let until = now + wait.map_or(own, |wait| wait + MARGIN);
        let (began, until) = match self.paused {
            Some(pause) if !begins => (pause.began, pause.until.max(until)),
            _ => (now, until),
        };
        self.paused = Some(Pause { began, until });
        if begins {
            self.fruitless += 1;
            if !at_once {
                self.learn(now, until);
            }
        }
        begins
    }

    /// Keeps everybody waiting for a reason that has nothing to do with the rate.
    pub fn rest(&mut self, now: Instant, pause: Duration) {
        let until = self.paused.map_or(now + pause, |other| other.until.max(now + pause));
        self.paused = Some(Pause { began: now, until });
    }

    /// Takes what the cycle that just ends tells of the rate that the service admits.
    fn learn(&mut self, now: Instant, until: Instant) {
        let seconds = |time: Duration| time.as_secs_f64().max(0.001);
        let admitted = as_f64_u64(self.cycle.admitted);
        if self.cycle.admitted == 0 {
            // Nothing got through: it was refused at once, at whatever rate.
            self.set(self.rate.unwrap_or(FIRST_RATE) * 0.7);
            self.phase = Phase::Guessed;
            return;
        }
        let measured = Measured {
            estimate: admitted / seconds(until.duration_since(self.cycle.began)),
            sent: match (self.phase, self.rate) {
                // It began slowly, so that the mean says little.
                (Phase::Opening, Some(rate)) => rate,
                _ => admitted / seconds(now.duration_since(self.cycle.began)),
            },
        };
        let Measured { estimate, sent } = measured;
        let confirmed = self.measured.replace(measured).is_some_and(|known| measured.confirms(known));
        if confirmed || sent <= estimate * (1.0 + AGREEMENT) {
            self.phase = Phase::Believed;
            self.set(estimate * BELOW);
        } else {
            self.phase = Phase::Guessed;
            self.set((estimate * sent).sqrt());
        }
    }

    fn set(&mut self, rate: f64) {
        let bound = self.pace.rate.unwrap_or(f64::INFINITY);
        self.rate = Some(rate.min(bound).max(LEAST_RATE.min(bound)));
    }

    /// Raises the rate where the service has had nothing against it for a while.
    fn raise(&mut self, now: Instant) {
        let Some(rate) = self.rate else { return };
        if self.pace.rate.is_some_and(|bound| rate >= bound) {
            return;
        }
        let calm =
            now.duration_since(self.cycle.began) >= Duration::from_secs(30) && self.cycle.admitted >= 500;
        let far =
            self.measured.is_some_and(|measured| rate < f64::midpoint(measured.estimate, measured.sent));
        let (least, time, factor) = match self.phase {
            Phase::Opening => (1, Duration::from_millis(500), std::f64::consts::SQRT_2),
            Phase::Guessed if far => (3, Duration::from_secs(1), 1.05),
            _ if calm => (50, Duration::from_secs(2), 1.03),
            _ => (50, Duration::from_secs(2), 1.007),
        };
        if self.cycle.since_step >= least && now.duration_since(self.cycle.stepped) >= time {
            (self.cycle.stepped, self.cycle.since_step) = (now, 0);
            self.set(rate * factor);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below what a float holds")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below what a float holds")]
fn as_f64_u64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
