//! What is going on, on a terminal only.

use std::{collections::BTreeMap, io::IsTerminal, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::{collect::Progress, report::Style};

/// Whether anybody would see it.
pub fn is_visible() -> bool {
    std::io::stderr().is_terminal()
}

/// Shows the news until the sender is gone.
pub async fn show(mut news: UnboundedReceiver<Progress>, style: Style) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let ticks = if style.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "|/-\\ " };
    if let Ok(look) = ProgressStyle::with_template("{spinner} {wide_msg}") {
        bar.set_style(look.tick_chars(ticks));
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut tally = Tally::default();
    while let Some(news) = news.recv().await {
        tally.note(&news);
        bar.set_message(tally.line());
    }
    bar.finish_and_clear();
}

/// Calls begun and ended.
#[derive(Debug, Default)]
struct Tally {
    ended: usize,
    open: BTreeMap<&'static str, usize>,
    steps: usize,
    last: Option<String>,
}

impl Tally {
    fn note(&mut self, news: &Progress) {
        match news {
            Progress::Started { call, .. } => *self.open.entry(call).or_default() += 1,
            Progress::Finished { call, .. } => {
                self.ended += 1;
                if let Some(count) = self.open.get_mut(call) {
                    *count = count.saturating_sub(1);
                }
                self.open.retain(|_, count| *count > 0);
            }
            Progress::Step { mailbox, step, result } => {
                self.steps += 1;
                self.last = Some(format!("{step} {result} ({mailbox})"));
            }
        }
    }

    fn line(&self) -> String {
        if let Some(last) = &self.last {
            return format!("test sync: {} steps done; last: {last}", self.steps);
        }
        let waiting: Vec<&str> = self.open.keys().copied().take(3).collect();
        let more = self.open.len().saturating_sub(waiting.len());
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} calls answered; waiting for {}{rest}", self.ended, waiting.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_sync_says_how_far_it_is() {
        let mut tally = Tally::default();
        let step = |step: &str| Progress::Step { mailbox: "a@b.c".into(), step: step.into(), result: "ok" };
        tally.note(&step("open"));
        tally.note(&step("create contact"));
        assert_eq!(tally.line(), "test sync: 2 steps done; last: create contact ok (a@b.c)");
    }

    #[test]
    fn a_line_names_what_is_waited_for() {
        let mut tally = Tally::default();
        for call in ["a", "b", "c", "d"] {
            tally.note(&Progress::Started { call, about: String::new() });
        }
        tally.note(&Progress::Finished { call: "a", about: String::new() });
        assert_eq!(tally.line(), "1 calls answered; waiting for b, c, d");
    }
}
