//! The desk of a coverage run: every row becomes a line, a count, and a step of the progress.

use std::{
    collections::{BTreeMap, HashSet},
    ops::ControlFlow,
};

use tokio::time::Instant;

use super::{
    book::Book,
    line::Line,
    progress::Progress,
    tally::{Seen, Tally},
    verdict::Causal,
};
use crate::cli::problem::Problem;
use crate::collect::coverage::{Key, News, Row, Standing};

/// The desk.
pub struct Desk<'a> {
    /// Looks causes up.
    pub causal: Causal<'a>,
    /// Counts.
    pub tally: Tally,
    /// Takes the lines.
    pub book: Book,
    /// Shows how far it is.
    pub progress: Progress,
    /// Addresses of an earlier run; `None`: there is none to compare with.
    pub since: Option<HashSet<Key>>,
    /// Some of those that opened, by their keys.
    pub sample: BTreeMap<Key, String>,
    /// How many of them are wanted.
    pub sample_size: usize,
    /// What went wrong with writing.
    pub problem: Option<Problem>,
}

impl Desk<'_> {
    /// Takes news of the machine; `Break`: no more are wanted.
    pub fn take(&mut self, news: News) -> ControlFlow<()> {
        let done = match news {
            News::Row(row) => self.row(&row),
            News::Paused(until) => {
                self.progress.paused(until.duration_since(Instant::now()));
                self.book.flush()
            }
        };
        if let Err(problem) = done {
            self.problem = Some(problem);
            return ControlFlow::Break(());
        }
        if self.book.closed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn row(&mut self, row: &Row) -> Result<(), Problem> {
        let new = self.since.as_ref().is_some_and(|since| !since.contains(&Key::of(&row.mailbox.address)));
        if row.answer.standing == Standing::Open {
            self.choose(&row.mailbox.address);
        }
        let causes = self.causal.causes(&row.mailbox.address, &row.answer);
        self.progress.row(row.answer.standing == Standing::Open);
        self.tally.take(&Seen {
            address: &row.mailbox.address,
            declared: row.mailbox.declared,
            answer: &row.answer,
            causes: causes.clone(),
            new,
        });
        self.book.put(&Line::of(row, causes.decided(self.tally.some_open()), new))
    }

    /// The mailboxes with the smallest keys are as good as drawn by lot, and the same in every run.
    fn choose(&mut self, address: &str) {
        if self.sample_size == 0 {
            return;
        }
        let key = Key::of(address);
        let largest = self.sample.last_key_value().map(|(key, _)| *key);
        if self.sample.len() >= self.sample_size && largest.is_some_and(|largest| key >= largest) {
            return;
        }
        self.sample.insert(key, address.to_owned());
        if self.sample.len() > self.sample_size {
            self.sample.pop_last();
        }
    }

    /// Takes a line of an earlier part of the run; gives whether it is known for good.
    pub fn earlier(causal: &mut Causal<'_>, tally: &mut Tally, line: &Line) -> bool {
        let Some(answer) = line.answer().filter(|answer| answer.standing.is_definite()) else {
            return false;
        };
        let causes = causal.causes(&line.address, &answer);
        let (declared, new) = (line.declared(), line.new);
        tally.take(&Seen { address: &line.address, declared, answer: &answer, causes, new });
        true
    }
}
