//! How far a run is, on a terminal only.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::report::{Style, coverage::span};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(200);
/// Time over which the rate is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// The line on the terminal.
pub struct Progress {
    bar: Option<ProgressBar>,
    total: Option<u64>,
    begun: Instant,
    drawn: Instant,
    mark: (Instant, u64),
    rate: f64,
    done: u64,
    open: u64,
}

impl Progress {
    /// A line, if anybody would see it.
    pub fn new(style: &Style, total: Option<u64>) -> Self {
        let bar = super::super::progress::is_visible().then(|| bar(style));
        let now = Instant::now();
        Self { bar, total, begun: now, drawn: now, mark: (now, 0), rate: 0.0, done: 0, open: 0 }
    }

    /// One more mailbox.
    pub fn row(&mut self, open: bool) {
        self.done += 1;
        self.open += u64::from(open);
        let now = Instant::now();
        if self.bar.is_some() && now.duration_since(self.drawn) >= EVERY {
            self.drawn = now;
            self.measure(now);
            self.draw(None);
        }
    }

    /// Everybody waits.
    pub fn paused(&self, left: Duration) {
        self.draw(Some(left));
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn measure(&mut self, now: Instant) {
        let (since, then) = self.mark;
        let time = now.duration_since(since).as_secs_f64();
        if time > 0.0 {
            self.rate = (self.done - then) as f64 / time;
        }
        if now.duration_since(since) >= WINDOW {
            self.mark = (now, self.done);
        }
    }

    fn draw(&self, waiting: Option<Duration>) {
        let Some(bar) = &self.bar else { return };
        bar.set_message(line(self.done, self.open, self.total, self.rate, waiting, self.begun.elapsed()));
    }
}

fn bar(style: &Style) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let ticks = if style.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
    if let Ok(look) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(look.tick_chars(ticks));
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times for people"
)]
fn line(
    done: u64,
    open: u64,
    total: Option<u64>,
    rate: f64,
    waiting: Option<Duration>,
    begun: Duration,
) -> String {
    let of = total.map(|total| format!(" of {total}")).unwrap_or_default();
    let text = format!("{done}{of} asked, {open} open, {} not", done - open.min(done));
    if let Some(left) = waiting {
        return format!("{text}; waiting {}, as the service asks", span(left.as_secs().max(1)));
    }
    let left = total.map(|total| total.saturating_sub(done)).filter(|_| rate > 0.0);
    match left {
        Some(left) => format!("{text}; {rate:.1}/s, {} left", span((left as f64 / rate) as u64)),
        None => format!("{text}; {rate:.1}/s, {}", span(begun.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long_still() {
        let begun = Duration::from_mins(1);
        assert_eq!(
            line(200, 190, Some(1400), 20.0, None, begun),
            "200 of 1400 asked, 190 open, 10 not; 20.0/s, 1 min left"
        );
        assert_eq!(line(200, 190, None, 20.0, None, begun), "200 asked, 190 open, 10 not; 20.0/s, 1 min");
        let waiting = Some(Duration::from_secs(12));
        assert_eq!(
            line(2, 2, None, 0.0, waiting, begun),
            "2 asked, 2 open, 0 not; waiting 12 s, as the service asks"
        );
    }
}
