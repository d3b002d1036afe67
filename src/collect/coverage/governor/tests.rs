//! The governor against services that limit in different ways, on a clock of its own.

use std::collections::VecDeque;

use super::*;

/// A service that admits so much, and asks to wait otherwise.
trait Service {
    fn ask(&mut self, at: f64) -> Result<(), Option<f64>>;
    fn allowed(&self, seconds: f64) -> f64;
}

/// So many requests in each window; a refusal asks to wait for the next one.
struct Windows {
    most: u32,
    length: f64,
    window: u64,
    used: u32,
}

impl Service for Windows {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    fn ask(&mut self, at: f64) -> Result<(), Option<f64>> {
        let window = (at / self.length) as u64;
        if window != self.window {
            (self.window, self.used) = (window, 0);
        }
        if self.used < self.most {
            self.used += 1;
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let next = (window + 1) as f64 * self.length;
        Err(Some(next - at))
    }

    fn allowed(&self, seconds: f64) -> f64 {
        f64::from(self.most) / self.length * seconds
    }
}

/// A bucket that fills steadily; a refusal asks for a fixed pause, or for none.
struct Bucket {
    rate: f64,
    size: f64,
    full: f64,
    at: f64,
    pause: Option<f64>,
}

impl Service for Bucket {
    fn ask(&mut self, at: f64) -> Result<(), Option<f64>> {
        self.full = (self.full + (at - self.at) * self.rate).min(self.size);
        self.at = at;
        if self.full >= 1.0 {
            self.full -= 1.0;
            return Ok(());
        }
        Err(self.pause)
    }

    fn allowed(&self, seconds: f64) -> f64 {
        self.rate * seconds
    }
}

struct Tally {
    admitted: u32,
    refused: u32,
    early: u32,
}

/// Runs the governor for so many seconds; every answer takes 20 ms.
fn drive(service: &mut dyn Service, pace: Pace, seconds: f64) -> Tally {
    let start = Instant::now();
    let at = |time: Instant| time.duration_since(start).as_secs_f64();
    let mut governor = Governor::new(pace, start);
    let mut now = start;
    let mut flight: VecDeque<(Instant, Instant, Result<(), Option<f64>>)> = VecDeque::new();
    let mut tally = Tally { admitted: 0, refused: 0, early: 0 };
    let mut quiet_until = start;
    while at(now) < seconds {
        while flight.front().is_some_and(|(done, ..)| *done <= now) {
            let (done, sent, answer) = flight.pop_front().expect("just seen");
            match answer {
                Ok(()) => governor.admitted(done),
                Err(wait) => {
                    let wait = wait.map(Duration::from_secs_f64);
                    governor.refused(done, sent, wait, false);
                    quiet_until = quiet_until.max(done + wait.unwrap_or_default());
                }
            }
        }
        let mut next = flight.front().map(|(done, ..)| *done);
        while flight.len() < governor.width() {
            match governor.turn(now) {
                Turn::Now => {
                    let answer = service.ask(at(now));
                    tally.early += u32::from(now < quiet_until);
                    tally.admitted += u32::from(answer.is_ok());
                    tally.refused += u32::from(answer.is_err());
                    flight.push_back((now + Duration::from_millis(20), now, answer));
                    next = flight.front().map(|(done, ..)| *done);
                }
                Turn::At(later) => {
                    next = Some(next.map_or(later, |next| next.min(later)));
                    break;
                }
            }
        }
        now = next.expect("something is due").max(now + Duration::from_micros(50));
    }
    tally
}

fn proven(name: &str, service: &mut dyn Service, pace: Pace, least: f64) {
    let seconds = 600.0;
    let tally = drive(service, pace, seconds);
    let share = f64::from(tally.admitted) / service.allowed(seconds);
    let refused = f64::from(tally.refused) / f64::from(tally.admitted + tally.refused);
    assert!(share >= least, "{name}: only {share:.3} of what is allowed");
    assert!(refused <= 0.02, "{name}: {refused:.4} refused");
    assert_eq!(tally.early, 0, "{name}: asked before the pause was over");
}

fn fast(width: usize) -> Pace {
    Pace { rate: None, width }
}

#[test]
fn windows_are_used_up_and_seldom_overrun() {
    for (most, length) in [(100, 10.0), (1000, 10.0), (50, 1.0), (600, 60.0)] {
        for pace in [fast(10), fast(64), Pace { rate: Some(1000.0), width: 64 }] {
            let mut windows = Windows { most, length, window: 0, used: 0 };
            proven(&format!("{most} in {length} s, {pace:?}"), &mut windows, pace, 0.95);
        }
    }
}

fn buckets(size: f64, pause: Option<f64>, least: f64) {
    for rate in [10.0, 100.0, 400.0] {
        for pace in [fast(10), Pace { rate: Some(2000.0), width: 64 }] {
            let size = rate * size;
            let mut bucket = Bucket { rate, size, full: size, at: 0.0, pause };
            proven(&format!("{rate} a second, {size}, {pause:?}, {pace:?}"), &mut bucket, pace, least);
        }
    }
}

#[test]
fn a_bucket_is_emptied_and_seldom_overrun() {
    buckets(1.0, Some(1.0), 0.95);
    buckets(10.0, Some(1.0), 0.95);
    buckets(1.0, None, 0.95);
}

#[test]
fn pauses_longer_than_needed_cost_little() {
    buckets(1.0, Some(5.0), 0.85);
}

#[test]
fn nothing_is_asked_faster_than_the_bound() {
    let mut bucket = Bucket { rate: 1e6, size: 1e6, full: 1e6, at: 0.0, pause: None };
    let tally = drive(&mut bucket, Pace::default(), 60.0);
    assert!((1150..=1205).contains(&tally.admitted), "{}", tally.admitted);
}

#[test]
fn a_pause_holds_for_everybody_and_the_longest_counts() {
    let start = Instant::now();
    let mut governor = Governor::new(fast(10), start);
    assert_eq!(governor.turn(start), Turn::Now);
    assert!(governor.refused(start, start, Some(Duration::from_secs(3)), false));
    let later = start + Duration::from_millis(5);
    assert!(!governor.refused(later, start, Some(Duration::from_secs(9)), false), "the same pause");
    let Turn::At(until) = governor.turn(later) else { panic!("paused") };
    assert_eq!(until, later + Duration::from_secs(9) + MARGIN);
}

#[test]
fn without_a_word_the_pauses_grow_while_nothing_is_admitted() {
    let mut now = Instant::now();
    let mut governor = Governor::new(fast(10), now);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        governor.refused(now, now, None, false);
        let until = governor.paused_until().expect("paused");
        pauses.push(until.duration_since(now).as_secs());
        now = until;
        governor.turn(now);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn too_many_at_once_narrows_and_calm_widens() {
    let mut now = Instant::now();
    let mut governor = Governor::new(fast(10), now);
    governor.refused(now, now, None, true);
    assert_eq!((governor.width(), governor.rate()), (7, None));
    for _ in 0..4 {
        now += Duration::from_secs(6);
        governor.turn(now);
        governor.admitted(now);
    }
    assert_eq!(governor.width(), 10);
}
