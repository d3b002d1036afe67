//! Removing what was made: at the end of a run its own, at its beginning what earlier runs left.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::Value;

use super::folders::{Folders, Removal, lists, sorted};
use super::hand::{Hand, Refusal, say};
use super::kind::{self, marked};
use super::post::Post;
use crate::sync::{Doing, Kind, Left, Leftover, Name, Phase, Place, Result as Ended, RunId, Sweep, unseen};
use crate::wire::graph::Id;

/// A younger leftover may belong to a run that is still going on.
const OLD: SignedDuration = SignedDuration::from_hours(1);

/// Times that folders of this run are removed: a request whose answer was lost may have made one late.
const ROUNDS: usize = 2;

/// Folders of others in which marked items are looked for.
const SEARCHED: usize = 40;

impl Post<'_> {
    pub(super) fn folders<'a>(&'a self, hand: &'a Hand<'a>, kind: Kind) -> Folders<'a> {
        Folders { hand, root: &self.root, kind, record: self.record }
    }

    /// Removes what this run made of a kind, and looks whether it is gone. `known` is the folder whose
    /// creation was answered.
    pub(super) async fn clean_up(&self, kind: Kind, known: Option<&Id>) {
        let mut doing = Doing::new(Name::CleanUp, Some(kind.subject()));
        let mut own: Vec<Id> = known.into_iter().cloned().collect();
        let refusal = self.clean(&mut doing, kind, &mut own).await.err();
        self.end(doing, refusal.map(|refusal| self.unseen(refusal, &own)));
    }

    /// Nobody could look whether everything is gone: what is not known to be gone counts as left.
    fn unseen(&self, refusal: Refusal, own: &[Id]) -> Refusal {
        let because = match refusal.result {
            Ended::Skipped if self.clean.standing.is_refused(Phase::Cleaning) => "sign-in-refused".to_owned(),
            Ended::Skipped => refusal.code.clone().unwrap_or_else(|| "no-answer".into()),
            _ => refusal.code.clone().unwrap_or_else(|| refusal.text.clone()),
        };
        for id in own {
            self.record.left(self.left(id, "folder", because.clone()));
        }
        // A step that was begun is not one that was left out.
        let begun = refusal.result == Ended::Skipped;
        let result = if begun { Ended::Failed } else { refusal.result };
        let code = if begun { None } else { refusal.code };
        Refusal { result, code, text: unseen(Some(&refusal.text)), ..refusal }
    }

    /// `own` is what is known to be there: at first what was made, at last what could not be looked for.
    async fn clean(&self, doing: &mut Doing, kind: Kind, own: &mut Vec<Id>) -> Result<(), Refusal> {
        let folders = self.folders(&self.clean, kind);
        if own.is_empty() {
            *own = folders.of_run(doing, &self.plan.run).await?;
        }
        let mut kept = Vec::new();
        for _ in 0..ROUNDS {
            let mut gone = Vec::new();
            for id in own.iter() {
                let removal = match folders.look(doing, id, &self.plan.run).await {
                    Ok(contents) => folders.remove(doing, id, &contents).await,
                    Err(refusal) if refusal.is_missing => Removal::Gone,
                    Err(refusal) => Removal::Refused(refusal),
                };
                if removal == Removal::Gone {
                    gone.push(id.clone());
                }
                kept.extend(self.keep(doing, id, removal));
            }
            own.retain(|id| !gone.contains(id));
            *own = self.look_again(doing, kind).await?;
            own.retain(|id| !kept.contains(id));
            if own.is_empty() {
                return Ok(());
            }
        }
        for id in own.iter() {
            doing.differences.push("a folder of this run is still there".into());
            self.record.left(self.left(id, "folder", "it was removed and is still there".into()));
        }
        Ok(())
    }

    /// Folders of this run that are still there; notes its items in the mailbox's own folder.
    async fn look_again(&self, doing: &mut Doing, kind: Kind) -> Result<Vec<Id>, Refusal> {
        let run = &self.plan.run;
        let calls =
            [kind::list_folders(&self.root, kind), kind::find_marked(&self.root, kind, None, Some(run))];
        let mut lists = lists(&self.clean, doing, &calls).await.into_iter();
        let rows = lists.next().unwrap_or_else(|| Ok(Vec::new()))?;
        let own: Vec<_> =
            sorted(&rows).0.into_iter().filter(|(_, found)| found == run).map(|(id, _)| id).collect();
        for row in lists.next().unwrap_or_else(|| Ok(Vec::new()))? {
            let Some(id) = Id::of(&row).filter(|_| own.is_empty() && marked(&row).as_ref() == Some(run))
            else {
                continue;
            };
            doing.differences.push("an item of this run was moved or copied elsewhere: it stays".into());
            self.record.left(self.left(&id, "item", "elsewhere".into()));
        }
        Ok(own)
    }

    /// Notes a folder that could not be removed.
    fn keep(&self, doing: &mut Doing, id: &Id, removal: Removal) -> Option<Id> {
        let because = match removal {
            Removal::Gone => return None,
            Removal::Foreign => {
                doing.differences.push("somebody put something else into the folder: it stays".into());
                "foreign-items".to_owned()
            }
            Removal::Refused(refusal) => {
                doing.differences.push(format!("the folder could not be removed: {}", refusal.text));
                refusal.text
            }
        };
        self.record.left(self.left(id, "folder", because));
        Some(id.clone())
    }

    fn left(&self, id: &Id, kind: &'static str, because: String) -> Left {
        Left { mailbox: self.target.address.clone(), id: id.as_str().to_owned(), kind, because }
    }

    /// Looks for what earlier runs left, and removes what may be removed.
    pub(super) async fn sweep(&self, kinds: &[Kind]) {
        let mut doings: Vec<_> =
            kinds.iter().map(|kind| Doing::new(Name::Sweep, Some(kind.subject()))).collect();
        let each = doings.iter_mut().zip(kinds).map(|(doing, kind)| self.sweep_kind(doing, *kind));
        let refusals: Vec<_> = join_all(each).await.into_iter().map(Result::err).collect();
        for (doing, refusal) in doings.into_iter().zip(refusals) {
            self.end(doing, refusal);
        }
    }

    async fn sweep_kind(&self, doing: &mut Doing, kind: Kind) -> Result<(), Refusal> {
        let folders = self.folders(&self.work, kind);
        let calls = [kind::list_folders(&self.root, kind), kind::find_marked(&self.root, kind, None, None)];
        let mut first = lists(&self.work, doing, &calls).await.into_iter();
        let (marked_folders, others) = sorted(&first.next().unwrap_or_else(|| Ok(Vec::new()))?);
        let mut marked_items = first.next().unwrap_or_else(|| Ok(Vec::new()))?;
        let mut inside = BTreeSet::new();
        for (id, run) in marked_folders.iter().filter(|(_, run)| *run != self.plan.run) {
            let contents = match folders.look(doing, id, run).await {
                Err(refusal) if refusal.is_missing => continue,
                other => other?,
            };
            inside.extend(contents.own.iter().cloned());
            let young = self.plan.run.began().duration_since(run.began()) < OLD;
            let (removed, because) = if young && self.plan.sweep == Sweep::Old {
                (false, Some("too-young".to_owned()))
            } else {
                match folders.remove(doing, id, &contents).await {
                    Removal::Gone => (true, None),
                    Removal::Foreign => (false, Some("foreign-items".to_owned())),
                    Removal::Refused(refusal) => (false, Some(refusal.code.unwrap_or(refusal.text))),
                }
            };
            self.record.leftover(self.leftover(id, "folder", Place::OwnFolder, run, removed, because));
        }
        marked_items.extend(self.search(doing, kind, &others).await?);
        self.elsewhere(&marked_items, &inside);
        Ok(())
    }

    /// Marked items in folders that no run made.
    async fn search(&self, doing: &mut Doing, kind: Kind, others: &[Id]) -> Result<Vec<Value>, Refusal> {
        if others.len() > SEARCHED {
            say(doing, &format!("only the first {SEARCHED} folders were searched for moved items"));
        }
        let searched = others.iter().take(SEARCHED);
        let calls: Vec<_> = searched.map(|id| kind::find_marked(&self.root, kind, Some(id), None)).collect();
        let mut found = Vec::new();
        for rows in lists(&self.work, doing, &calls).await {
            match rows {
                Err(refusal) if refusal.is_missing => {}
                rows => found.extend(rows?),
            }
        }
        Ok(found)
    }

    /// Notes marked items that lie in no folder of a run.
    fn elsewhere(&self, rows: &[Value], inside: &BTreeSet<Id>) {
        let mut seen = BTreeSet::new();
        for row in rows {
            let (Some(id), Some(run)) = (Id::of(row), marked(row)) else { continue };
            if run == self.plan.run || inside.contains(&id) || !seen.insert(id.clone()) {
                continue;
            }
            let because = Some("elsewhere".to_owned());
            self.record.leftover(self.leftover(&id, "item", Place::Elsewhere, &run, false, because));
        }
    }

    fn leftover(
        &self,
        id: &Id,
        kind: &'static str,
        place: Place,
        run: &RunId,
        removed: bool,
        because: Option<String>,
    ) -> Leftover {
        let (mailbox, id) = (self.target.address.clone(), id.as_str().to_owned());
        Leftover { mailbox, id, kind, place, run: run.to_string(), removed, because }
    }
}
