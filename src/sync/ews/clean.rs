//! Cleaning up: whatever became of the work, the run's folders go, and a search says whether anything of
//! it is left.

use super::open::Opened;
use super::sweep::Removal;
use super::visit::Visit;
use crate::sync::{Doing, Left, Name, Phase, REFUSED, Result, unseen, why};

/// Rounds of removing and looking.
const ROUNDS: usize = 3;

impl Visit<'_> {
    /// Removes everything that this run made, and looks whether it is gone.
    pub async fn clean_up(&self, opened: &Opened) {
        let (tried, uncertain) = {
            let journal = self.journal();
            (journal.tried, journal.uncertain)
        };
        if !tried {
            return self.skip(|name, _| name == Name::CleanUp, why::BEFORE, "nothing was made");
        }
        let run = self.run.plan.run.to_string();
        let mut doing = Doing::new(Name::CleanUp, None);
        let mut folders = std::mem::take(&mut self.journal().folders);
        if uncertain {
            let found = self.find_folders(Phase::Cleaning, &mut doing, opened, Some(&run)).await;
            folders
                .extend(found.map(|found| found.all).unwrap_or_default().into_iter().map(|folder| folder.id));
        }
        let mut kept: Vec<Left> = Vec::new();
        for _ in 0..ROUNDS {
            folders.sort();
            folders.dedup();
            let foreign: Vec<_> = kept.iter().map(|left| left.id.clone()).collect();
            folders.retain(|id| !foreign.contains(id));
            kept.extend(self.remove_all(&mut doing, &folders, &run).await);
            let mut other = Doing::new(Name::CleanUp, None);
            let (found, elsewhere) = tokio::join!(
                self.find_folders(Phase::Cleaning, &mut doing, opened, Some(&run)),
                self.find_elsewhere(Phase::Cleaning, &mut other, opened, Some(&run)),
            );
            doing.exchanges.append(&mut other.exchanges);
            doing.waited += other.waited;
            let Ok(found) = found else { return self.end_unseen(doing, kept) };
            for item in elsewhere.map(|found| found.all).unwrap_or_default() {
                let left = self.left(&item.id, "item", "elsewhere");
                if !kept.contains(&left) {
                    kept.push(left);
                }
            }
            folders = found.all.into_iter().map(|folder| folder.id).collect();
            let known: Vec<_> = kept.iter().map(|left| left.id.clone()).collect();
            if folders.iter().all(|id| known.contains(id)) {
                folders.clear();
                break;
            }
        }
        kept.extend(folders.iter().map(|id| self.left(id, "folder", "it is still there")));
        self.end_clean(doing, kept);
    }

    fn left(&self, id: &str, kind: &'static str, because: &str) -> Left {
        Left { mailbox: self.mailbox.address.clone(), id: id.to_owned(), kind, because: because.to_owned() }
    }

    async fn remove_all(&self, doing: &mut Doing, folders: &[String], run: &str) -> Vec<Left> {
        let removing = folders.iter().map(|id| async move {
            let mut doing = Doing::new(Name::CleanUp, None);
            let removal = self.remove(Phase::Cleaning, &mut doing, id, run).await;
            (id, removal, doing)
        });
        let mut left = Vec::new();
        for (id, removal, mut one) in futures_util::future::join_all(removing).await {
            doing.exchanges.append(&mut one.exchanges);
            doing.waited += one.waited;
            (doing.status, doing.code, doing.text) = (one.status, one.code, one.text);
            match removal {
                Removal::Gone => {}
                Removal::Foreign => left.push(self.left(id, "folder", "foreign-items")),
                Removal::Kept(because) => left.push(self.left(id, "folder", &because)),
            }
        }
        left
    }

    /// Nobody could look whether everything is gone.
    fn end_unseen(&self, mut doing: Doing, left: Vec<Left>) {
        let ended = match self.word() {
            "sign-in-refused" => Some(REFUSED.1),
            "out-of-time" => Some("the time for cleaning up was over"),
            _ => doing.text.as_deref(),
        };
        doing.text = Some(unseen(ended));
        for left in left {
            self.run.record.left(left);
        }
        self.end(doing, Result::Failed);
    }

    fn end_clean(&self, mut doing: Doing, left: Vec<Left>) {
        doing.text = Some(match left.len() {
            0 => "nothing of this run is left".into(),
            1 => "1 thing of this run is left".into(),
            many => format!("{many} things of this run are left"),
        });
        for left in left {
            doing.differs(format!("the {} stays: {}", left.kind, left.because));
            self.run.record.left(left);
        }
        self.end(doing, Result::Ok);
    }
}
