//! Mailboxes that are asked again, each not before its time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use tokio::time::Instant;

use super::Mailbox;

/// A mailbox on its way, with the number of questions so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turned {
    pub mailbox: Mailbox,
    pub asked: u32,
}

#[derive(Debug, PartialEq, Eq)]
struct Waiting {
    due: Instant,
    number: u64,
    turned: Turned,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The queue; the earliest comes first.
#[derive(Debug, Default)]
pub(super) struct Again {
    heap: BinaryHeap<Reverse<Waiting>>,
    number: u64,
}

impl Again {
    pub fn push(&mut self, turned: Turned, due: Instant) {
        self.number += 1;
        self.heap.push(Reverse(Waiting { due, number: self.number, turned }));
    }

    /// The first one whose time has come.
    pub fn pop(&mut self, now: Instant) -> Option<Turned> {
        self.next_due().filter(|due| *due <= now)?;
        self.heap.pop().map(|Reverse(waiting)| waiting.turned)
    }

    /// When the first one's time comes.
    pub fn next_due(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(waiting)| waiting.due)
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }
}
