//! Events of a mailbox, and who wants to hear of them.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Refusal;
use crate::lab::names::made_up;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "named as in the protocols")]
pub enum EventKind {
    Created,
    Modified,
    Deleted,
    Moved,
    Copied,
    NewMail,
    FreeBusyChanged,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number: what watermarks are made of.
    pub number: u64,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// It happened to a folder, not to an item.
    pub folder: bool,
    /// Id of the item or folder.
    pub id: String,
    /// Number of the change at the item or folder.
    pub change: u64,
    /// Id of the folder that it lies in.
    pub parent: String,
    /// Id of what was moved or copied, and of the folder that it lay in.
    pub old: Option<(String, String)>,
}

/// Events that are kept.
const KEPT: usize = 10_000;

/// The latest events of a mailbox.
#[derive(Debug, Clone, Default)]
pub struct Events {
    kept: VecDeque<Event>,
    last: u64,
    lost: u64,
}

impl Events {
    /// Adds one under the next number.
    pub(super) fn push(&mut self, mut event: Event) {
        self.last += 1;
        event.number = self.last;
        self.kept.push_back(event);
        if self.kept.len() > KEPT {
            self.lost = self.kept.pop_front().map_or(self.lost, |event| event.number);
        }
    }

    /// The number of the latest one.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The events after a number that a subscription wants.
    pub fn after(&self, number: u64, wanted: &Subscription) -> Result<Vec<&Event>, Refusal> {
        if number > self.last || number < self.lost {
            return Err(Refusal::BadWatermark);
        }
        Ok(self.kept.iter().filter(|event| event.number > number && wanted.wants(event)).collect())
    }
}

/// Who wants to hear of what.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Id.
    pub id: String,
    /// Primary address of the mailbox.
    pub mailbox: String,
    /// Who made it, as the protocol names its callers.
    pub owner: String,
    /// Ids of the folders; `None`: all.
    pub folders: Option<BTreeSet<String>>,
    /// Kinds of events.
    pub kinds: BTreeSet<EventKind>,
    /// Number of the latest event when it began.
    pub since: u64,
    /// It is read as a stream.
    pub streaming: bool,
    /// How long it lives after it was last read.
    pub lives: Duration,
    /// When it was last read.
    pub read: Instant,
}

impl Subscription {
    pub(super) fn alive(&self) -> bool {
        self.read.elapsed() < self.lives
    }

    pub(super) fn renew(&mut self) {
        self.read = Instant::now();
    }

    /// Whether an event is one that it wants.
    pub fn wants(&self, event: &Event) -> bool {
        let within = |folders: &BTreeSet<String>| {
            folders.contains(&event.parent)
                || (event.folder && folders.contains(&event.id))
                || event.old.as_ref().is_some_and(|(_, parent)| folders.contains(parent))
        };
        self.kinds.contains(&event.kind) && self.folders.as_ref().is_none_or(within)
    }
}

/// The id of the n-th subscription.
pub(super) fn subscription_id(number: u64) -> String {
    format!("LAB{}", made_up(&["subscription", &number.to_string()]).replace('-', ""))
}
