//! Change feeds: what was made, changed and deleted since a state that the reader keeps.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::Refusal;

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is new.
    Created,
    /// It is another.
    Updated,
    /// It was only marked as read or unread.
    Read,
    /// It is gone.
    Deleted,
}

/// One change of a feed: the sum of all that happened to something since the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What became of it.
    pub kind: ChangeKind,
    /// Id of the item or folder.
    pub id: String,
    position: u64,
}

/// A page of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Changes, the newest first.
    pub changes: Vec<Change>,
    /// The state after them, to be given back.
    pub token: String,
    /// Nothing more has changed.
    pub last: bool,
}

/// What happened in one folder, or to the folders of a mailbox, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Vec<(u64, String, ChangeKind)>);

impl Log {
    /// Writes down a change under its number.
    pub(super) fn push(&mut self, number: u64, id: &str, kind: ChangeKind) {
        self.0.push((number, id.to_owned(), kind));
    }

    /// The sums of the changes after one number and up to another, the newest first.
    fn between(&self, since: u64, until: u64, exists: impl Fn(&str) -> bool) -> Vec<Change> {
        let mut sums: BTreeMap<&str, (u64, bool, bool)> = BTreeMap::new();
        let span = self.0.iter().filter(|(number, ..)| *number > since && *number <= until);
        for (number, id, kind) in span {
            let (position, new, only_read) = sums.entry(id).or_insert((0, false, true));
            *position = *number;
            *new |= *kind == ChangeKind::Created;
            *only_read &= *kind == ChangeKind::Read;
        }
        let mut found: Vec<Change> = sums
            .into_iter()
            .filter_map(|(id, (position, new, only_read))| {
                let kind = match (exists(id), new) {
                    (true, true) => ChangeKind::Created,
                    (true, false) if only_read => ChangeKind::Read,
                    (true, false) => ChangeKind::Updated,
                    (false, true) => return None,
                    (false, false) => ChangeKind::Deleted,
                };
                Some(Change { kind, id: id.to_owned(), position })
            })
            .collect();
        found.sort_by_key(|change| std::cmp::Reverse(change.position));
        found
    }

    /// A page of at most so many changes after a state.
    pub(super) fn page(&self, token: &Token, most: usize, exists: impl Fn(&str) -> bool) -> Page {
        let mut changes = self.between(token.since, token.until, exists);
        changes.retain(|change| change.position < token.before);
        let last = changes.len() <= most;
        changes.truncate(most);
        let before = changes.last().map_or(token.before, |change| change.position);
        let next = if last { token.done() } else { Token { before, ..token.clone() } };
        Page { changes, token: next.to_text(), last }
    }
}

/// The state of a feed. A round covers what had happened when it began; a page within it continues
/// below what was shown before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    feed: String,
    since: u64,
    until: u64,
    before: u64,
}

impl Token {
    /// The state of a feed from its start, or the state that a reader gives back. `now` is the number of
    /// the latest change.
    pub(super) fn read(text: Option<&str>, feed: &str, now: u64) -> Result<Self, Refusal> {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            return Ok(Self { feed: feed.to_owned(), since: 0, until: now, before: u64::MAX });
        };
        let bytes = BASE64_STANDARD.decode(text.trim()).map_err(|_| Refusal::BadToken)?;
        let text = String::from_utf8(bytes).map_err(|_| Refusal::BadToken)?;
        let mut parts = text.rsplitn(4, ' ');
        let mut number = || parts.next().and_then(|part| part.parse::<u64>().ok()).ok_or(Refusal::BadToken);
        let (before, until, since) = (number()?, number()?, number()?);
        if parts.next() != Some(feed) || since > now {
            return Err(Refusal::BadToken);
        }
        // A finished round begins anew with what has happened by now.
        let until = if before == u64::MAX { now } else { until.min(now) };
        Ok(Self { feed: feed.to_owned(), since, until, before })
    }

    /// The state after the last page of the round.
    fn done(&self) -> Self {
        Self { feed: self.feed.clone(), since: self.until, until: self.until, before: u64::MAX }
    }

    fn to_text(&self) -> String {
        let Self { feed, since, until, before } = self;
        BASE64_STANDARD.encode(format!("{feed} {since} {until} {before}"))
    }
}
