//! Folders that a run made: found by their marker, looked into, and removed only if everything in them
//! is that run's.

use std::slice;

use serde_json::Value;

use super::hand::{Hand, Refusal, Repeat, say};
use super::kind::{self, marked};
use crate::sync::{Doing, Kind, Record, Result as Ended, RunId};
use crate::wire::graph::{Call, Id, Next, Path};

/// Pages of one list: more than anybody's folders fill, and far more than a run's.
const PAGES: usize = 20;

/// What a folder holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// Items of the run.
    pub own: Vec<Id>,
    /// Things that are not: items without its marker, and folders.
    pub foreign: usize,
}

/// How removing a folder ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removal {
    /// It is gone.
    Gone,
    /// Something in it is not the run's.
    Foreign,
    /// It was refused.
    Refused(Refusal),
}

/// Where the folders of a kind are, and who looks.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// Sends the requests.
    pub hand: &'a Hand<'a>,
    /// The user.
    pub root: &'a Path,
    /// Contacts or calendar.
    pub kind: Kind,
    /// Where it is written down that something is not deleted for good.
    pub record: &'a Record<'a>,
}

/// A whole list, page after page.
pub async fn list(hand: &Hand<'_>, doing: &mut Doing, call: Call) -> Result<Vec<Value>, Refusal> {
    let first = hand.ask(doing, &call).await?;
    rest(hand, doing, first).await
}

/// Whole lists; their first pages are asked for together.
pub async fn lists(hand: &Hand<'_>, doing: &mut Doing, calls: &[Call]) -> Vec<Result<Vec<Value>, Refusal>> {
    let mut found = Vec::with_capacity(calls.len());
    for first in hand.ask_all(slice::from_mut(doing), calls, Repeat::Freely).await {
        found.push(match first {
            Ok(first) => rest(hand, doing, first).await,
            Err(refusal) => Err(refusal),
        });
    }
    found
}

/// The rows of a page and of those after it.
async fn rest(hand: &Hand<'_>, doing: &mut Doing, first: Value) -> Result<Vec<Value>, Refusal> {
    let (mut rows, mut page) = (Vec::new(), first);
    for _ in 0..PAGES {
        let next = hand.mailbox.next(&page);
        let Some(Value::Array(more)) = page.get_mut("value").map(Value::take) else {
            return Err(Refusal::new(Ended::Failed, "the answer holds no list"));
        };
        rows.extend(more);
        match next {
            Next::Page(link) => page = hand.ask(doing, &Call::follow(&link)).await?,
            Next::End | Next::Later(_) => return Ok(rows),
            Next::Elsewhere => {
                return Err(Refusal::new(Ended::Failed, "the next page of the list lies on another host"));
            }
        }
    }
    Err(Refusal::new(Ended::Failed, "the list is longer than can be read"))
}

/// Folders by whether they carry a run's marker.
pub fn sorted(rows: &[Value]) -> (Vec<(Id, RunId)>, Vec<Id>) {
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        match (Id::of(row), marked(row)) {
            (Some(id), Some(run)) => own.push((id, run)),
            (Some(id), None) => others.push(id),
            (None, _) => {}
        }
    }
    (own, others)
}

impl Folders<'_> {
    /// The folders of one run.
    pub async fn of_run(&self, doing: &mut Doing, run: &RunId) -> Result<Vec<Id>, Refusal> {
        let rows = list(self.hand, doing, kind::list_folders(self.root, self.kind)).await?;
        Ok(sorted(&rows).0.into_iter().filter(|(_, found)| found == run).map(|(id, _)| id).collect())
    }

    /// What a folder of a run holds.
    pub async fn look(&self, doing: &mut Doing, folder: &Id, run: &RunId) -> Result<Contents, Refusal> {
        let mut calls = vec![kind::list_items(self.root, self.kind, folder)];
        if self.kind == Kind::Contacts {
            calls.push(kind::list_children(self.root, folder));
        }
        let mut contents = Contents::default();
        let mut lists = lists(self.hand, doing, &calls).await.into_iter();
        for item in lists.next().unwrap_or_else(|| Ok(Vec::new()))? {
            match Id::of(&item).filter(|_| marked(&item).as_ref() == Some(run)) {
                Some(id) => contents.own.push(id),
                None => contents.foreign += 1,
            }
        }
        if let Some(children) = lists.next() {
            contents.foreign += children?.len();
        }
        Ok(contents)
    }

    /// Removes a folder of a run and what the run put into it.
    pub async fn remove(&self, doing: &mut Doing, folder: &Id, contents: &Contents) -> Removal {
        if contents.foreign == 0 {
            return match self.purge(doing, &kind::folder(self.root, self.kind, folder)).await {
                Ok(()) => Removal::Gone,
                Err(refusal) => Removal::Refused(refusal),
            };
        }
        for item in &contents.own {
            if let Err(refusal) = self.purge(doing, &kind::item(self.root, self.kind, item)).await {
                return Removal::Refused(refusal);
            }
        }
        Removal::Foreign
    }

    /// Deletes for good; where the service does not offer that, the usual way, and says so.
    pub async fn purge(&self, doing: &mut Doing, path: &Path) -> Result<(), Refusal> {
        let refusal = match self.hand.ask(doing, &kind::purge(path)).await {
            Ok(_) => return Ok(()),
            Err(refusal) if refusal.is_missing => return Ok(()),
            Err(refusal) => refusal,
        };
        if !matches!(refusal.result, Ended::Refused | Ended::Unavailable) {
            return Err(refusal);
        }
        match self.hand.ask(doing, &Call::delete(path)).await {
            Err(plain) if !plain.is_missing => Err(plain),
            _ => {
                self.record.in_deleted_items();
                say(
                    doing,
                    &format!(
                        "permanentDelete was refused ({}); deleted the usual way, it lies in Deleted Items until \
                     that is emptied",
                        refusal.text
                    ),
                );
                Ok(())
            }
        }
    }
}
