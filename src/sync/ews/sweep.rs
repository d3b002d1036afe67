//! Leftovers of earlier runs: own folders that are old enough are removed when nothing foreign is in
//! them; what somebody moved or copied elsewhere is only reported.

use super::judge::GONE;
use super::open::Opened;
use super::visit::{MARKER, Visit};
use crate::sync::{Doing, Leftover, Name, Phase, Place, Result, Role, RunId, Sweep};
use crate::wire::ews::{Folder, FolderRef, FolderShape, Item, Only, Operation, Page};

/// Age from which on a leftover belongs to no run that is still going on.
const OLD: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);
/// Things told at once.
const PAGE: usize = 200;
/// Parts of a search that are read.
const PAGES: usize = 10;
/// Items deleted by one request.
const BATCH: usize = 50;

/// What became of a folder that was to go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// It is gone.
    Gone,
    /// Somebody put something else into it: it stays, without the own items.
    Foreign,
    /// It could not be removed; why, in a word.
    Kept(String),
}

/// What a search found, and whether it found everything.
pub(super) struct Search<T> {
    pub all: Vec<T>,
    pub complete: bool,
}

impl Visit<'_> {
    /// Looks for leftovers and removes them; whether looking worked.
    pub async fn sweep(&self, opened: &Opened) -> bool {
        let (mut folders, mut items) = (Doing::new(Name::Sweep, None), Doing::new(Name::Sweep, None));
        let (found, elsewhere) = tokio::join!(
            self.find_folders(Phase::Work, &mut folders, opened, None),
            self.find_elsewhere(Phase::Work, &mut items, opened, None),
        );
        let mut doing = folders;
        doing.exchanges.append(&mut items.exchanges);
        doing.waited += items.waited;
        let found = match found {
            Ok(found) => found,
            Err(result) => {
                match result {
                    Some(result) => self.end(doing, result),
                    None => self.end_unasked(doing),
                }
                return false;
            }
        };
        let (mut removed, mut kept) = (0, 0);
        for folder in found.all {
            let Some(leftover) = self.sweep_folder(&mut doing, folder).await else { continue };
            if leftover.removed {
                removed += 1;
            } else {
                kept += 1;
            }
            self.run.record.leftover(leftover);
        }
        let elsewhere = elsewhere.map(|found| found.all).unwrap_or_default();
        kept += elsewhere.len();
        for item in elsewhere {
            self.run.record.leftover(Leftover {
                mailbox: self.mailbox.address.clone(),
                id: item.id,
                kind: "item",
                place: Place::Elsewhere,
                run: item.marker.unwrap_or_default(),
                removed: false,
                because: Some("elsewhere".into()),
            });
        }
        doing.text = Some(match (removed, kept) {
            (0, 0) => "nothing was left by earlier runs".into(),
            (removed, kept) => format!("{removed} removed, {kept} left"),
        });
        self.end(doing, Result::Ok);
        true
    }

    async fn sweep_folder(&self, doing: &mut Doing, folder: Folder) -> Option<Leftover> {
        let marker = folder.marker?;
        let run = RunId::parse(&marker).filter(|run| *run != self.run.plan.run)?;
        let age = self.run.plan.run.began().duration_since(run.began());
        let removal = if self.run.plan.sweep == Sweep::Old && age < OLD {
            Removal::Kept("too-young".into())
        } else {
            self.remove(Phase::Work, doing, &folder.id, &marker).await
        };
        let because = match &removal {
            Removal::Gone => None,
            Removal::Foreign => Some("foreign-items".to_owned()),
            Removal::Kept(because) => Some(because.clone()),
        };
        Some(Leftover {
            mailbox: self.mailbox.address.clone(),
            id: folder.id,
            kind: "folder",
            place: Place::OwnFolder,
            run: marker,
            removed: removal == Removal::Gone,
            because,
        })
    }

    /// Removes a folder of a run, if nothing but that run's items is in it; otherwise its items alone.
    pub async fn remove(&self, phase: Phase, doing: &mut Doing, folder: &str, run: &str) -> Removal {
        let mut below = Doing::new(Name::Sweep, None);
        let parents = vec![FolderRef::Id(folder.to_owned())];
        let (items, folders) = tokio::join!(
            self.find_items(phase, doing, parents.clone(), None),
            self.search_folders(phase, &mut below, parents, None, false),
        );
        doing.exchanges.append(&mut below.exchanges);
        doing.waited += below.waited;
        let (items, folders) = match (items, folders) {
            (Ok(items), Ok(folders)) => (items, folders),
            _ if doing.code.as_deref().is_some_and(|code| GONE.contains(&code)) => return Removal::Gone,
            _ => return Removal::Kept(doing.code.clone().unwrap_or_else(|| self.word().into())),
        };
        let (own, foreign): (Vec<_>, Vec<_>) =
            items.all.into_iter().partition(|item: &Item| item.marker.as_deref() == Some(run));
        let alone = foreign.is_empty() && folders.all.is_empty() && items.complete && folders.complete;
        let ids: Vec<_> = own.into_iter().map(|item| item.id).collect();
        if alone {
            return self.remove_own(phase, doing, folder, &ids).await;
        }
        match self.erase_items(phase, doing, &ids).await {
            Ok(()) => Removal::Foreign,
            Err(because) => Removal::Kept(because),
        }
    }

    /// Removes a folder in which nothing but these items is. Exchange deletes it with them; a server that
    /// deletes none but empty folders gets it emptied.
    async fn remove_own(&self, phase: Phase, doing: &mut Doing, folder: &str, items: &[String]) -> Removal {
        let delete = Operation::DeleteFolder { id: folder.to_owned() };
        let Err(because) = self.erase(phase, doing, &delete).await else { return Removal::Gone };
        if items.is_empty() || self.erase_items(phase, doing, items).await.is_err() {
            return Removal::Kept(because);
        }
        self.erase(phase, doing, &delete).await.map_or_else(Removal::Kept, |()| Removal::Gone)
    }

    async fn erase_items(
        &self,
        phase: Phase,
        doing: &mut Doing,
        ids: &[String],
    ) -> std::result::Result<(), String> {
        for batch in ids.chunks(BATCH) {
            self.erase(phase, doing, &Operation::DeleteItem { ids: batch.to_vec() }).await?;
        }
        Ok(())
    }

    /// Deletes; the error says why that did not work, in a word.
    async fn erase(
        &self,
        phase: Phase,
        doing: &mut Doing,
        operation: &Operation,
    ) -> std::result::Result<(), String> {
        let Some(asked) = self.ask(phase, doing, operation).await else { return Err(self.word().into()) };
        if asked.is_ok() || asked.has_code(&GONE) {
            return Ok(());
        }
        let status = asked.called.outcome.status.map(|status| format!("HTTP {status}"));
        Err(asked.called.outcome.code.clone().or(status).unwrap_or_else(|| "no-answer".into()))
    }

    /// Why there was no answer, in a word.
    pub(super) fn word(&self) -> &'static str {
        if self.run.standing.is_refused(Phase::Cleaning) {
            "sign-in-refused"
        } else if self.pace.over(Phase::Cleaning).is_some() {
            "out-of-time"
        } else {
            "no-answer"
        }
    }

    /// Own folders, of one run or of all.
    pub async fn find_folders(
        &self,
        phase: Phase,
        doing: &mut Doing,
        opened: &Opened,
        run: Option<&str>,
    ) -> std::result::Result<Search<Folder>, Option<Result>> {
        let only = self::only(run);
        let found = self.search_folders(phase, doing, opened.roots(), Some(only), true).await;
        let found = match found {
            // A server may not know the property as long as nobody has used it in this mailbox.
            Err(Some(_)) if doing.code.as_deref() == Some("ErrorInvalidRestriction") => {
                self.search_folders(phase, doing, opened.roots(), None, true).await
            }
            found => found,
        };
        let mut found = found?;
        found.all.retain(|folder| is_of(folder.marker.as_deref(), run));
        Ok(found)
    }

    /// Marked items in the folders where users move things to.
    pub async fn find_elsewhere(
        &self,
        phase: Phase,
        doing: &mut Doing,
        opened: &Opened,
        run: Option<&str>,
    ) -> std::result::Result<Search<Item>, Option<Result>> {
        let named =
            self.mailbox.role != Role::Account && self.run.plan.access == crate::sync::Access::Delegate;
        let mut parents: Vec<_> = crate::sync::Kind::ALL
            .into_iter()
            .filter(|kind| opened.has(*kind))
            .map(|kind| FolderRef::Default(kind.default_folder()))
            .collect();
        // A delegate sees the folders that were shared with him, and not these.
        parents.extend((!named).then_some(FolderRef::Default("deleteditems")));
        let found = self.find_items(phase, doing, parents.clone(), Some(only(run))).await;
        let found = match found {
            Err(Some(_)) if doing.code.as_deref() == Some("ErrorInvalidRestriction") => {
                self.find_items(phase, doing, parents, None).await
            }
            found => found,
        };
        let mut found = found?;
        found.all.retain(|item| is_of(item.marker.as_deref(), run));
        Ok(found)
    }

    async fn search_folders(
        &self,
        phase: Phase,
        doing: &mut Doing,
        parents: Vec<FolderRef>,
        only: Option<Only>,
        deep: bool,
    ) -> std::result::Result<Search<Folder>, Option<Result>> {
        let shape = FolderShape { property: Some(MARKER), ..FolderShape::default() };
        let mut search = Search { all: Vec::new(), complete: false };
        let mut offset = 0;
        for _ in 0..PAGES {
            let page = Page { offset, size: PAGE };
            let operation = Operation::FindFolder {
                parents: parents.clone(),
                deep,
                shape: shape.clone(),
                only: only.clone(),
                page,
            };
            let asked = self.ask(phase, doing, &operation).await.ok_or(None)?;
            if !asked.is_ok() {
                return Err(Some(self.judge(&operation, &asked)));
            }
            let found = asked.called.found_folders(MARKER);
            search.all.extend(found.all);
            let Some(next) = found.next.filter(|next| *next > offset) else {
                search.complete = true;
                break;
            };
            offset = next;
        }
        search.all.sort_by(|one, other| one.id.cmp(&other.id));
        search.all.dedup_by(|one, other| one.id == other.id);
        Ok(search)
    }

    async fn find_items(
        &self,
        phase: Phase,
        doing: &mut Doing,
        parents: Vec<FolderRef>,
        only: Option<Only>,
    ) -> std::result::Result<Search<Item>, Option<Result>> {
        let mut search = Search { all: Vec::new(), complete: false };
        let mut offset = 0;
        for _ in 0..PAGES {
            let page = Page { offset, size: PAGE };
            let operation =
                Operation::FindItem { parents: parents.clone(), property: MARKER, only: only.clone(), page };
            let asked = self.ask(phase, doing, &operation).await.ok_or(None)?;
            if !asked.is_ok() {
                return Err(Some(self.judge(&operation, &asked)));
            }
            let found = asked.called.found_items(MARKER);
            search.all.extend(found.all);
            let Some(next) = found.next.filter(|next| *next > offset) else {
                search.complete = true;
                break;
            };
            offset = next;
        }
        Ok(search)
    }
}

/// Whether a marker is of this run, or of any.
fn is_of(marker: Option<&str>, run: Option<&str>) -> bool {
    marker.is_some_and(|marker| match run {
        Some(run) => marker == run,
        None => RunId::parse(marker).is_some(),
    })
}

fn only(run: Option<&str>) -> Only {
    run.map_or(Only::Having(MARKER), |run| Only::Equal(MARKER, run.to_owned()))
}
