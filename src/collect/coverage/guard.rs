//! The guard: stops a run whose refusals rise, before it alarms somebody or wears out a credential.

use std::collections::VecDeque;

use super::Standing;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Share of refusals, in percent, at which the run stops; 100: never.
    pub percent: u8,
    /// Answers looked at: the latest ones.
    pub window: usize,
    /// Fewest answers that say something.
    pub least: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { percent: 50, window: 100, least: 50 }
    }
}

/// Refusals rose above the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm {
    /// Refusals among the latest answers.
    pub refused: usize,
    /// How many answers these are.
    pub of: usize,
    /// Some mailbox was opened before, in this run.
    pub some_opened: bool,
}

/// Watches the latest answers.
#[derive(Debug)]
pub struct Guard {
    limits: Limits,
    latest: VecDeque<bool>,
    refused: usize,
    some_opened: bool,
}

impl Guard {
    /// A guard with these limits.
    pub fn new(limits: Limits) -> Self {
        let latest = VecDeque::with_capacity(limits.window);
        Self { limits, latest, refused: 0, some_opened: false }
    }

    /// Takes note of what a mailbox said that the identity should be able to open.
    pub fn take(&mut self, standing: Standing) -> Option<Alarm> {
        let refused = standing == Standing::Denied;
        self.some_opened |= standing == Standing::Open;
        if self.latest.len() >= self.limits.window.max(1) {
            self.refused -= usize::from(self.latest.pop_front() == Some(true));
        }
        self.latest.push_back(refused);
        self.refused += usize::from(refused);
        let of = self.latest.len();
        let above = self.refused * 100 > of * usize::from(self.limits.percent);
        let telling = of >= self.limits.least.min(self.limits.window);
        (refused && telling && above).then_some(Alarm {
            refused: self.refused,
            of,
            some_opened: self.some_opened,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_alarm(limits: Limits, answers: impl IntoIterator<Item = bool>) -> Option<(usize, Alarm)> {
        let mut guard = Guard::new(limits);
        answers.into_iter().enumerate().find_map(|(at, refused)| {
            let standing = if refused { Standing::Denied } else { Standing::Open };
            Some((at + 1, guard.take(standing)?))
        })
    }

    #[test]
    fn nothing_but_refusals_stops_as_soon_as_it_says_something() {
        let (at, alarm) = first_alarm(Limits::default(), std::iter::repeat_n(true, 200)).expect("an alarm");
        assert_eq!((at, alarm), (50, Alarm { refused: 50, of: 50, some_opened: false }));
    }

    #[test]
    fn a_jump_stops_after_any_number_of_good_answers() {
        let answers = std::iter::repeat_n(false, 10_000).chain(std::iter::repeat_n(true, 200));
        let (at, alarm) = first_alarm(Limits::default(), answers).expect("an alarm");
        assert_eq!((at, alarm.refused, alarm.some_opened), (10_051, 51, true));
    }

    #[test]
    fn a_steady_minority_never_stops() {
        let answers = (0..100_000).map(|at| at % 3 == 0);
        assert_eq!(first_alarm(Limits::default(), answers), None);
    }

    #[test]
    fn a_hundred_percent_means_never() {
        let limits = Limits { percent: 100, ..Limits::default() };
        assert_eq!(first_alarm(limits, std::iter::repeat_n(true, 1000)), None);
    }
}
