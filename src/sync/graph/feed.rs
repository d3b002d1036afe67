//! The change feed of a folder (`delta`): read page by page, its link kept, and compared with what was
//! done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::hand::{Hand, Refusal, say};
use super::items::window;
use crate::sync::{Doing, Kind, Result as Ended, RunId};
use crate::wire::graph::{Call, Id, Link, Next, Path};

/// Pages of one reading, and entries on all of them.
const PAGES: usize = 40;
const ENTRIES: usize = 1000;

/// How long a change may take to show, and the first pause between two looks.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// Codes by which a service says that a feed must be read from its start again.
const START_OVER: [&str; 4] = ["resyncRequired", "syncStateNotFound", "syncStateInvalid", "fullSyncRequired"];

/// The feed of one folder.
#[derive(Debug)]
pub struct Feed {
    start: Call,
    page: u32,
    later: Option<Link>,
    /// Occurrences that the feed showed: they come and go with their series.
    occurrences: BTreeSet<Id>,
}

/// What a feed showed.
#[derive(Debug, Default)]
pub struct Changes {
    /// What is there, new or changed.
    pub present: BTreeMap<Id, Value>,
    /// What is gone.
    pub removed: BTreeSet<Id>,
    /// It was read from its start again: what is there is all there is.
    pub whole: bool,
}

/// What a feed is to show.
#[derive(Debug, Default)]
pub struct Expected {
    /// Made or changed, and nothing else.
    pub changed: BTreeSet<Id>,
    /// Deleted, and nothing else.
    pub deleted: BTreeSet<Id>,
    /// Everything that is in the folder now.
    pub there: BTreeSet<Id>,
    /// A field of everything changed, and the values that it may have now.
    pub field: Option<(&'static str, [&'static str; 2])>,
}

impl Feed {
    /// The feed of an own folder.
    pub fn of(root: &Path, kind: Kind, folder: &Id, run: &RunId) -> Self {
        let folder = root.to(kind.folders()).of(folder);
        let (start, page) = match kind {
            Kind::Contacts => {
                let query = [("$select", "displayName,jobTitle")];
                (Call::get(&folder.to("contacts").to("delta"), &query), 1)
            }
            Kind::Calendar => {
                let (from, until) = window(run);
                let query = [("startDateTime", from.as_str()), ("endDateTime", until.as_str())];
                (Call::get(&folder.to("calendarView").to("delta"), &query), 2)
            }
        };
        Self { start: start.page(page), page, later: None, occurrences: BTreeSet::new() }
    }

    /// It was read to its end at least once.
    pub fn is_started(&self) -> bool {
        self.later.is_some()
    }

    /// Reads everything since the last time; from the start, if there was none or the service asks to.
    pub async fn read(&mut self, hand: &Hand<'_>, doing: &mut Doing) -> Result<Changes, Refusal> {
        let first = self.later.as_ref().map_or(self.start.clone(), |link| Call::follow(link).page(self.page));
        match self.pages(hand, doing, first, self.later.is_none()).await {
            Err(refusal) if is_lost(&refusal) => {
                say(
                    doing,
                    &format!("the service asked to read the feed from its start again ({})", refusal.text),
                );
                self.pages(hand, doing, self.start.clone(), true).await
            }
            other => other,
        }
    }

    async fn pages(
        &mut self,
        hand: &Hand<'_>,
        doing: &mut Doing,
        first: Call,
        whole: bool,
    ) -> Result<Changes, Refusal> {
        let mut changes = Changes { whole, ..Changes::default() };
        let mut call = first;
        for _ in 0..PAGES {
            let page = hand.ask(doing, &call).await?;
            self.take(&page, &mut changes)?;
            match hand.mailbox.next(&page) {
                Next::Page(link) => call = Call::follow(&link).page(self.page),
                Next::Later(link) => {
                    self.later = Some(link);
                    return Ok(changes);
                }
                Next::End => return Err(unreadable("the feed ended without a link to later changes")),
                Next::Elsewhere => return Err(unreadable("the feed goes on at another host")),
            }
        }
        Err(unreadable("the feed of an own folder has no end"))
    }

    fn take(&mut self, page: &Value, changes: &mut Changes) -> Result<(), Refusal> {
        let Some(entries) = page.get("value").and_then(Value::as_array) else {
            return Err(unreadable("the answer holds no list of changes"));
        };
        if changes.present.len() + changes.removed.len() + entries.len() > ENTRIES {
            return Err(unreadable("the feed of an own folder holds far more than was put into it"));
        }
        for entry in entries {
            let Some(id) = Id::of(entry) else {
                return Err(unreadable("a change without an id"));
            };
            let master = entry.get("seriesMasterId").and_then(Value::as_str).and_then(Id::new);
            let is_occurrence = entry.get("type").and_then(Value::as_str) == Some("occurrence");
            if entry.get("@removed").is_some() {
                changes.present.remove(&id);
                changes.removed.insert(id);
            } else if is_occurrence || master.is_some() {
                self.occurrences.insert(id);
                if let Some(master) = master {
                    changes.present.entry(master).or_insert(Value::Null);
                }
            } else {
                changes.removed.remove(&id);
                changes.present.insert(id, entry.clone());
            }
        }
        changes.removed.retain(|id| !self.occurrences.contains(id));
        Ok(())
    }

    /// Reads until the feed shows what is expected, or long enough. What it shows beyond that, and what
    /// it does not show, is noted as a difference.
    pub async fn expect(
        &mut self,
        hand: &Hand<'_>,
        doing: &mut Doing,
        expected: &Expected,
    ) -> Result<(), Refusal> {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut seen = self.read(hand, doing).await?;
        while !expected.is_shown(&seen) && began.elapsed() + pause < PATIENCE {
            if !hand.linger(pause).await {
                break;
            }
            pause *= 2;
            seen.add(self.read(hand, doing).await?);
        }
        doing.differences.extend(expected.differences(&seen));
        Ok(())
    }
}

impl Changes {
    fn add(&mut self, later: Self) {
        if later.whole {
            *self = later;
            return;
        }
        for (id, entry) in later.present {
            self.removed.remove(&id);
            self.present.insert(id, entry);
        }
        for id in later.removed {
            self.present.remove(&id);
            self.removed.insert(id);
        }
    }
}

impl Expected {
    fn is_shown(&self, seen: &Changes) -> bool {
        let gone = |id| if seen.whole { !seen.present.contains_key(id) } else { seen.removed.contains(id) };
        self.changed.iter().all(|id| seen.present.contains_key(id)) && self.deleted.iter().all(gone)
    }

    fn differences(&self, seen: &Changes) -> Vec<String> {
        let mut differences = Vec::new();
        for id in &self.changed {
            match seen.present.get(id) {
                None => differences.push(format!("the feed does not show the change of {}", short(id))),
                Some(entry) => differences.extend(self.field.and_then(|field| stale(id, entry, field))),
            }
        }
        for id in &self.deleted {
            let gone = if seen.whole { !seen.present.contains_key(id) } else { seen.removed.contains(id) };
            if !gone {
                differences.push(format!("the feed does not show that {} was deleted", short(id)));
            }
        }
        let known = if seen.whole { &self.there } else { &self.changed };
        for id in seen.present.keys().filter(|id| !known.contains(id) && !self.deleted.contains(id)) {
            differences.push(format!("the feed shows {}, which was not changed", short(id)));
        }
        for id in seen.removed.iter().filter(|id| !seen.whole && !self.deleted.contains(id)) {
            differences.push(format!("the feed shows {} as deleted, which was not", short(id)));
        }
        differences.truncate(20);
        differences
    }
}

/// The entry tells a field, and tells it as it was before.
fn stale(id: &Id, entry: &Value, (name, values): (&str, [&str; 2])) -> Option<String> {
    let found = entry.get(name)?.as_str()?;
    (!values.contains(&found)).then(|| format!("the feed shows {} as it was before the change", short(id)))
}

fn is_lost(refusal: &Refusal) -> bool {
    refusal.status == Some(410) || refusal.is(&START_OVER)
}

fn unreadable(text: &str) -> Refusal {
    Refusal::new(Ended::Failed, text)
}

/// The end of an id, where ids of one mailbox differ.
fn short(id: &Id) -> String {
    let text = id.as_str();
    let skip = text.chars().count().saturating_sub(16);
    if skip == 0 { text.to_owned() } else { format!("…{}", text.chars().skip(skip).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(texts: &[&str]) -> BTreeSet<Id> {
        texts.iter().filter_map(|text| Id::new(text)).collect()
    }

    fn seen(page: &Value) -> Changes {
        let root = Path::me();
        let run = RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 1);
        let mut feed = Feed::of(&root, Kind::Calendar, &Id::new("c").expect("an id"), &run);
        let mut changes = Changes::default();
        feed.take(page, &mut changes).expect("a page");
        changes
    }

    #[test]
    fn occurrences_belong_to_their_series() {
        let changes = seen(&json!({ "value": [
            { "id": "single", "type": "singleInstance" },
            { "id": "master", "type": "seriesMaster" },
            { "id": "o1", "type": "occurrence", "seriesMasterId": "master" },
            { "id": "o1", "@removed": { "reason": "deleted" } },
        ] }));
        let expected = Expected { changed: ids(&["single", "master"]), ..Expected::default() };
        assert!(expected.is_shown(&changes));
        assert_eq!(expected.differences(&changes), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_and_what_is_foreign_is_named() {
        let changes = seen(&json!({ "value": [
            { "id": "b" }, { "id": "c", "@removed": { "reason": "deleted" } },
        ] }));
        let expected = Expected { changed: ids(&["a"]), deleted: ids(&["d"]), ..Expected::default() };
        assert_eq!(
            expected.differences(&changes),
            [
                "the feed does not show the change of a",
                "the feed does not show that d was deleted",
                "the feed shows b, which was not changed",
                "the feed shows c as deleted, which was not",
            ]
        );
    }

    #[test]
    fn a_feed_read_from_its_start_shows_all_there_is() {
        let mut changes = seen(&json!({ "value": [{ "id": "a", "jobTitle": "new" }, { "id": "b" }] }));
        changes.whole = true;
        let expected = Expected {
            changed: ids(&["a"]),
            deleted: ids(&["c"]),
            there: ids(&["a", "b"]),
            field: Some(("jobTitle", ["new", "newest"])),
        };
        assert!(expected.is_shown(&changes));
        assert_eq!(expected.differences(&changes), Vec::<String>::new());
        let old = Expected { field: Some(("jobTitle", ["newer", "newest"])), ..expected };
        assert_eq!(old.differences(&changes), ["the feed shows a as it was before the change"]);
    }

    #[test]
    fn a_page_that_is_none_is_an_error() {
        let run = RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 1);
        let mut feed = Feed::of(&Path::me(), Kind::Contacts, &Id::new("f").expect("an id"), &run);
        for page in [json!(null), json!({}), json!({ "value": [{}] }), json!({ "value": [{ "id": ".." }] })] {
            assert!(feed.take(&page, &mut Changes::default()).is_err(), "{page}");
        }
        let many: Vec<_> = (0..2000).map(|at| json!({ "id": at.to_string() })).collect();
        assert!(feed.take(&json!({ "value": many }), &mut Changes::default()).is_err());
    }
}
