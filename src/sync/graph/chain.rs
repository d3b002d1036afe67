//! The chain of one kind: a folder, items in it, and everything that a sync does with them. Each link
//! builds on the one before; what is independent runs at once.

use std::collections::BTreeSet;

use serde_json::Value;

use super::feed::{Expected, Feed};
use super::hand::{Refusal, Repeat, Said, say};
use super::items::{self, Item, change, differences, etag};
use super::kind::{self, marked};
use super::post::{Halt, Post};
use crate::sync::{Doing, Kind, Name, Result as Ended, why};
use crate::wire::graph::{Call, Id};

/// What the change writes, and what the conflicting one would.
pub(super) const CHANGED: &str = "after the change";
pub(super) const CONFLICTING: &str = "after a change that should have been refused";

/// Times that something is made when nobody knows whether it was.
pub(super) const TRIES: usize = 3;

/// The chain of one kind in one mailbox.
pub struct Chain<'a> {
    pub(super) post: &'a Post<'a>,
    pub(super) kind: Kind,
}

impl Chain<'_> {
    /// Does everything, and cleans up whatever happened.
    pub async fn run(&self) {
        let mut folder = None;
        let mut begun = false;
        let ended = self.work(&mut folder, &mut begun).await;
        if let Err(halt) = &ended {
            let unread = self.post.agenda.holds(Name::FeedStart, Some(self.kind.subject()));
            if unread && (!begun || matches!(halt.code, why::NO_RIGHT | why::QUOTA)) {
                self.post.feed_start(self.kind).await;
            }
            self.skip(|name| name != Name::CleanUp, halt);
        }
        if begun {
            self.post.clean_up(self.kind, folder.as_ref()).await;
        } else {
            self.skip(|name| name == Name::CleanUp, &Halt::before("nothing was made"));
        }
    }

    pub(super) fn end(&self, doing: Doing, refusal: Option<Refusal>) {
        let refusal = refusal.map(|refusal| self.post.permit(self.kind, true, refusal));
        self.post.end(doing, refusal);
    }

    fn skip(&self, which: impl Fn(Name) -> bool, halt: &Halt) {
        self.post.skip(|name, subject| which(name) && self.kind.owns(name, subject), halt);
    }

    fn doing(&self, name: Name) -> Doing {
        Doing::new(name, Some(self.kind.subject()))
    }

    async fn work(&self, folder: &mut Option<Id>, begun: &mut bool) -> Result<(), Halt> {
        let mut doing = self.doing(Name::CreateFolder);
        let made = self.create_folder(&mut doing, begun).await;
        let id = match made {
            Ok(id) => id,
            Err(refusal) => {
                let refusal = self.post.permit(self.kind, true, refusal);
                let halt = Halt::after(Name::CreateFolder, &refusal);
                self.post.end(doing, Some(refusal));
                return Err(halt);
            }
        };
        *folder = Some(id.clone());
        let mut feed = Feed::of(&self.post.root, self.kind, &id, &self.post.plan.run);
        let (is_marked, ()) = tokio::join!(self.verify(doing, &id), self.start_feed(&mut feed));
        is_marked?;
        let mut items = self.create_items(&id).await?;
        let all: BTreeSet<Id> = items.iter().filter_map(|item| item.id.clone()).collect();
        let created = Expected { changed: all.clone(), there: all.clone(), ..Expected::default() };
        tokio::join!(self.read_items(&mut items), self.feed(&mut feed, Name::FeedCreated, created));
        let Some((id, main)) = items.first().and_then(|item| Some((item.id.clone()?, item.clone()))) else {
            return Err(Halt::before("the item to be changed was not made"));
        };
        let later = self.update(&id, &main).await?;
        let updated = Expected {
            changed: BTreeSet::from([id.clone()]),
            there: all.clone(),
            field: Some((change(self.kind, "").0, [CHANGED, CONFLICTING])),
            ..Expected::default()
        };
        tokio::join!(
            self.conflict(&id, main.etag.as_deref(), later.as_deref()),
            self.feed(&mut feed, Name::FeedUpdated, updated)
        );
        self.delete(&id).await?;
        let there = all.into_iter().filter(|other| *other != id).collect();
        let deleted = Expected { deleted: BTreeSet::from([id]), there, ..Expected::default() };
        self.feed(&mut feed, Name::FeedDeleted, deleted).await;
        Ok(())
    }

    /// Makes the folder; where the answer is lost, looks for it before making it again.
    async fn create_folder(&self, doing: &mut Doing, begun: &mut bool) -> Result<Id, Refusal> {
        let run = &self.post.plan.run;
        let call = kind::create_folder(&self.post.root, self.kind, run);
        let folders = self.post.folders(&self.post.work, self.kind);
        let mut last = None;
        for _ in 0..TRIES {
            let refusal = match self.post.work.make(doing, &call).await {
                Ok(made) if Id::of(&made).is_some() => {
                    *begun = true;
                    return Id::of(&made).ok_or_else(|| unnamed("folder"));
                }
                Ok(_) => unnamed("folder"),
                Err(refusal) if may_be_there(&refusal) => refusal,
                Err(refusal) => return Err(last.unwrap_or(refusal)),
            };
            *begun = true;
            if let Some(id) = folders.of_run(doing, run).await?.into_iter().next() {
                say(
                    doing,
                    &format!("its answer did not tell ({}); it was found by its marker", refusal.text),
                );
                return Ok(id);
            }
            last = Some(refusal);
        }
        Err(last.unwrap_or_else(|| unnamed("folder")))
    }

    /// A folder that does not carry its marker would not be found by a later run: nothing is put into it.
    async fn verify(&self, mut doing: Doing, folder: &Id) -> Result<(), Halt> {
        let call = kind::get_folder(&self.post.root, self.kind, folder);
        let answer = self.post.work.ask(&mut doing, &call).await;
        let (refusal, halt) = match answer {
            Ok(found) if marked(&found).as_ref() == Some(&self.post.plan.run) => (None, None),
            Ok(_) => {
                doing
                    .differences
                    .push("the new folder does not carry the marker that it was made with".into());
                (None, Some(Halt::before("the new folder does not carry its marker")))
            }
            Err(refusal) => {
                let halt = Halt::after(Name::CreateFolder, &refusal);
                (Some(refusal), Some(halt))
            }
        };
        self.end(doing, refusal);
        halt.map_or(Ok(()), Err)
    }

    async fn start_feed(&self, feed: &mut Feed) {
        let mut doing = self.doing(Name::FeedStart);
        let refusal = match feed.read(&self.post.work, &mut doing).await {
            Ok(changes) => {
                if !changes.present.is_empty() {
                    let text = format!("the feed of a new folder shows {} items", changes.present.len());
                    doing.differences.push(text);
                }
                None
            }
            Err(refusal) => Some(refusal),
        };
        self.end(doing, refusal);
    }

    async fn feed(&self, feed: &mut Feed, name: Name, expected: Expected) {
        if !feed.is_started() {
            return self.skip(|other| other == name, &Halt::before("feed-start came to nothing"));
        }
        let mut doing = self.doing(name);
        let refusal = feed.expect(&self.post.work, &mut doing, &expected).await.err();
        self.end(doing, refusal);
    }

    /// Makes the items together.
    async fn create_items(&self, folder: &Id) -> Result<Vec<Item>, Halt> {
        let mut items = items::items(self.kind, &self.post.plan.run);
        let mut doings: Vec<_> =
            items.iter().map(|item| Doing::new(Name::Create, Some(item.subject))).collect();
        let calls: Vec<_> = items
            .iter()
            .map(|item| kind::create_item(&self.post.root, self.kind, folder, item.body.clone()))
            .collect();
        let said = self.post.work.ask_all(&mut doings, &calls, Repeat::Carefully).await;
        let mut halt = None;
        for (((item, mut doing), said), call) in items.iter_mut().zip(doings).zip(said).zip(&calls) {
            let refusal = self.settle(item, &mut doing, said, call, folder).await.err();
            if let Some(refusal) = &refusal {
                let refusal = self.post.permit(self.kind, true, refusal.clone());
                halt.get_or_insert_with(|| Halt::after(Name::Create, &refusal));
            }
            self.end(doing, refusal);
        }
        match halt {
            Some(halt) if items.iter().all(|item| item.id.is_none()) => Err(halt),
            _ => Ok(items),
        }
    }

    /// Takes what was made; where the answer is lost, looks for it before making it again.
    async fn settle(
        &self,
        item: &mut Item,
        doing: &mut Doing,
        said: Said,
        call: &Call,
        folder: &Id,
    ) -> Result<(), Refusal> {
        let mut answer = said;
        for _ in 1..TRIES {
            let refusal = match answer {
                Ok(made) if item.made(&made) => return Ok(()),
                Ok(_) => unnamed("item"),
                Err(refusal) if may_be_there(&refusal) => refusal,
                Err(refusal) => return Err(refusal),
            };
            let list = kind::list_items(&self.post.root, self.kind, folder);
            let rows = super::folders::list(&self.post.work, doing, list).await?;
            let is_it = |row: &&Value| {
                row.get(self.kind.item_name()).and_then(Value::as_str) == item.name(self.kind)
                    && marked(row).as_ref() == Some(&self.post.plan.run)
            };
            if rows.iter().find(is_it).is_some_and(|row| item.made(row)) {
                say(
                    doing,
                    &format!("its answer did not tell ({}); it was found by its marker", refusal.text),
                );
                return Ok(());
            }
            answer = self.post.work.make(doing, call).await;
        }
        match answer {
            Ok(made) if item.made(&made) => Ok(()),
            Ok(_) => Err(unnamed("item")),
            Err(refusal) => Err(refusal),
        }
    }

    /// Reads the items together and compares them field by field.
    async fn read_items(&self, items: &mut [Item]) {
        let mut made: Vec<_> = items.iter_mut().filter(|item| item.id.is_some()).collect();
        let ids: Vec<_> = made.iter().filter_map(|item| item.id.clone()).collect();
        let calls: Vec<_> = ids.iter().map(|id| kind::get_item(&self.post.root, self.kind, id)).collect();
        let mut doings: Vec<_> = made.iter().map(|item| Doing::new(Name::Read, Some(item.subject))).collect();
        let said = self.post.work.ask_all(&mut doings, &calls, Repeat::Freely).await;
        for (((item, mut doing), said), id) in made.iter_mut().zip(doings).zip(said).zip(&ids) {
            let refusal = match said {
                Ok(found) => {
                    doing.differences.extend(differences(&item.body, &found));
                    doing.differences.extend(other_id(id, &found));
                    item.etag = etag(&found).or_else(|| item.etag.take());
                    None
                }
                Err(refusal) => Some(refusal),
            };
            self.end(doing, refusal);
        }
    }
}

/// The request may have been carried out, or the service says that the thing is there already.
fn may_be_there(refusal: &Refusal) -> bool {
    refusal.uncertain || refusal.status == Some(409)
}

fn unnamed(what: &str) -> Refusal {
    Refusal::new(Ended::Failed, format!("the answer names no {what}"))
}

/// Immutable ids stay the same from the first answer on.
pub(super) fn other_id(id: &Id, found: &Value) -> Option<String> {
    let other = Id::of(found).is_some_and(|found| found != *id);
    other.then(|| "its immutable id is not the one that it was made with".to_owned())
}
