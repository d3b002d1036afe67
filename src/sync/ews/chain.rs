//! What is done in one own folder: made, read back, changed, deleted, and seen in its change feed.

use super::items::{WRONG_CHANGE, compare};
use super::judge::{CONFLICT, GONE};
use super::notice::Notice;
use super::visit::{Asked, MARKER, Visit};
use crate::sync::{Doing, Kind, Name, Phase, Result, Verdict, why};
use crate::wire::ews::{Changed, Field, FolderRef, FolderShape, Item, NewItem, Only, Operation, Page};

/// Attempts to make something whose answer is lost.
const TRIES: u32 = 3;

/// The folder of a chain.
pub(super) struct Own {
    pub kind: Kind,
    pub id: String,
}

/// What was made in it.
struct Made {
    new: NewItem,
    subject: &'static str,
    item: Item,
}

impl Visit<'_> {
    /// Everything that is done in one own folder.
    pub async fn chain(&self, kind: Kind, parent: FolderRef) {
        let mine = |name: Name, subject: Option<&str>| kind.owns(name, subject);
        let Some(own) = self.create_folder(kind, parent).await else {
            return self.skip_after(mine, "the folder was not made");
        };
        let notified = self.run.plan.notified() == Some(kind);
        let whole = self.run.plan.parts.contains(&kind.part());
        let feed = async { if whole { self.feed_start(&own).await } else { None } };
        let subscribe = async { if notified { self.subscribe(&own).await } else { None } };
        let (state, notice) = tokio::join!(feed, subscribe);
        if state.is_none() {
            let feeds = |name, subject: Option<&str>| {
                mine(name, subject)
                    && matches!(name, Name::FeedCreated | Name::FeedUpdated | Name::FeedDeleted)
            };
            self.skip_after(feeds, "the feed has no beginning");
        }
        let [first, second] = kind.new_items(&self.run.plan.run);
        let [one, two] = kind.item_subjects();
        let (first, second) = tokio::join!(self.create(&own, one, first), async {
            if whole { self.create(&own, two, second).await } else { None }
        });
        if whole {
            self.go_on(&own, state, notice, first, second).await;
        } else {
            self.hear(notice, first.as_ref()).await;
        }
        self.skip_after(mine, "what it needs was not made");
    }

    async fn hear(&self, notice: Option<Notice>, made: Option<&Made>) {
        if let Some(notice) = notice {
            self.await_event(notice, made.map(|made| made.item.id.as_str())).await;
        }
    }

    /// From reading back to the last look at the feed. What nothing else waits for takes its turn late.
    async fn go_on(
        &self,
        own: &Own,
        state: Option<String>,
        notice: Option<Notice>,
        first: Option<Made>,
        second: Option<Made>,
    ) {
        let (Some(first), complete) = (&first, second.is_some()) else {
            let read = async { self.read_if(second.as_ref()).await };
            tokio::join!(read, self.hear(notice, None));
            return;
        };
        let expected: Vec<_> = [Some(first), second.as_ref()]
            .into_iter()
            .flatten()
            .map(|made| (Changed::Created, made.item.id.clone(), made.subject))
            .collect();
        let feed = async {
            let state = state.filter(|_| complete)?;
            self.feed(own, Name::FeedCreated, state, 1, &expected).await
        };
        let (state, key) = tokio::join!(feed, self.read(first));
        let key = key.unwrap_or_else(|| first.item.change_key.clone());
        tokio::join!(
            self.change_and_delete(own, state, first, &key),
            self.read_if(second.as_ref()),
            self.hear(notice, Some(first)),
        );
    }

    async fn read_if(&self, made: Option<&Made>) {
        if let Some(made) = made {
            self.read(made).await;
        }
    }

    async fn change_and_delete(&self, own: &Own, state: Option<String>, made: &Made, key: &str) {
        let updated = self.update(own, made, key).await;
        let expected = [(Changed::Updated, made.item.id.clone(), made.subject)];
        let conflict = async {
            if let Some(old) = &updated {
                self.conflict(own, made, old).await;
            }
        };
        let feed = async {
            match (state, &updated) {
                (Some(state), Some(_)) => self.feed(own, Name::FeedUpdated, state, 100, &expected).await,
                (state, _) => state,
            }
        };
        let ((), state) = tokio::join!(conflict, feed);
        if self.delete(made).await
            && let Some(state) = state
        {
            let expected = [(Changed::Deleted, made.item.id.clone(), made.subject)];
            self.feed(own, Name::FeedDeleted, state, 100, &expected).await;
        }
    }

    async fn create_folder(&self, kind: Kind, parent: FolderRef) -> Option<Own> {
        let mut doing = Doing::new(Name::CreateFolder, Some(kind.subject()));
        let run = self.run.plan.run.to_string();
        let name = format!("syncready test {} {}", kind.subject(), run.replace([':', '/'], "-"));
        let operation = Operation::CreateFolder {
            parent: parent.clone(),
            kind: kind.item_kind(),
            name: name.clone(),
            marked: (MARKER, run.clone()),
        };
        for attempt in 1..=TRIES {
            self.journal().tried = true;
            let Some(asked) = self.ask(Phase::Work, &mut doing, &operation).await else {
                self.end_with(doing, &operation, None);
                return None;
            };
            let mut id = asked.called.folder().map(|folder| folder.id);
            let lost = id.is_none() && (asked.is_ok() || asked.called.outcome.is_lost());
            if lost {
                // Cleaning up looks for it if nobody finds it now.
                self.journal().uncertain = true;
                id = self.look_for_folder(&mut doing, &parent, &name).await;
            }
            if let Some(id) = id {
                self.journal().folders.push(id.clone());
                self.end(doing, Result::Ok);
                return Some(Own { kind, id });
            }
            if !lost || attempt == TRIES || self.wait_again(&mut doing, attempt).await.is_none() {
                self.refuse(doing, kind, &operation, &asked);
                return None;
            }
        }
        None
    }

    /// Ends a step whose folder was not made; a missing right is the reason for all that follows.
    fn refuse(&self, mut doing: Doing, kind: Kind, operation: &Operation, asked: &Asked) {
        if asked.is_ok() {
            doing.text = Some("the answer does not tell what was made, and it cannot be found".into());
            return self.end(doing, Result::Failed);
        }
        let denied = asked.has_code(&["ErrorAccessDenied", "ErrorCreateSubfolderAccessDenied"]);
        self.end_with(doing, operation, Some(asked));
        if denied {
            let mine = |name: Name, subject: Option<&str>| kind.owns(name, subject);
            self.skip(mine, why::NO_RIGHT, "the right to make a folder is missing");
        }
    }

    async fn wait_again(&self, doing: &mut Doing, attempt: u32) -> Option<()> {
        doing.waited += self.pace.pause(Phase::Work, Verdict::Passing, attempt).await?;
        Some(())
    }

    async fn look_for_folder(&self, doing: &mut Doing, parent: &FolderRef, name: &str) -> Option<String> {
        let find = Operation::FindFolder {
            parents: vec![parent.clone()],
            deep: false,
            shape: FolderShape { names: true, property: Some(MARKER), ..FolderShape::default() },
            only: Some(Only::Equal(MARKER, self.run.plan.run.to_string())),
            page: Page { offset: 0, size: 100 },
        };
        let found = self.ask(Phase::Work, doing, &find).await?.called.found_folders(MARKER);
        let run = self.run.plan.run.to_string();
        let is_it = |folder: &crate::wire::ews::Folder| {
            folder.name.as_deref() == Some(name) && folder.marker.as_ref() == Some(&run)
        };
        found.all.into_iter().find(is_it).map(|folder| folder.id)
    }

    async fn create(&self, own: &Own, subject: &'static str, new: NewItem) -> Option<Made> {
        let mut doing = Doing::new(Name::Create, Some(subject));
        let operation = Operation::CreateItem { folder: own.id.clone(), item: Box::new(new.clone()) };
        for attempt in 1..=TRIES {
            let Some(asked) = self.ask(Phase::Work, &mut doing, &operation).await else {
                self.end_with(doing, &operation, None);
                return None;
            };
            let mut item = asked.called.item(None);
            let lost = item.is_none() && (asked.is_ok() || asked.called.outcome.is_lost());
            if lost {
                item = self.look_for_item(&mut doing, own, &new).await;
            }
            if let Some(item) = item {
                self.end(doing, Result::Ok);
                return Some(Made { new, subject, item });
            }
            if !lost || attempt == TRIES || self.wait_again(&mut doing, attempt).await.is_none() {
                if asked.is_ok() {
                    doing.text =
                        Some("the answer does not tell what was made, and it cannot be found".into());
                    self.end(doing, Result::Failed);
                } else {
                    self.end_with(doing, &operation, Some(&asked));
                }
                return None;
            }
        }
        None
    }

    async fn look_for_item(&self, doing: &mut Doing, own: &Own, new: &NewItem) -> Option<Item> {
        let find = Operation::FindItem {
            parents: vec![FolderRef::Id(own.id.clone())],
            property: MARKER,
            only: None,
            page: Page { offset: 0, size: 100 },
        };
        let found = self.ask(Phase::Work, doing, &find).await?.called.found_items(MARKER);
        let is_it = |item: &Item| {
            item.marker.as_ref() == Some(&new.marked.1)
                && item.fields.get(&Field::Subject) == new.fields.get(&Field::Subject)
        };
        found.all.into_iter().find(is_it)
    }

    /// Reads an item back; its change key.
    async fn read(&self, made: &Made) -> Option<String> {
        let series = made.new.series.as_ref().map(|_| Field::Recurrence);
        let operation = Operation::GetItem {
            id: made.item.id.clone(),
            fields: made.new.fields.keys().copied().chain(series).collect(),
            property: MARKER,
        };
        let doing = Doing::new(Name::Read, Some(made.subject));
        let (mut doing, asked) = self.need(doing, &operation).await?;
        let Some(found) = asked.called.item(Some(MARKER)) else {
            doing.text = Some("the answer holds no item".into());
            self.end(doing, Result::Failed);
            return None;
        };
        for sentence in compare(&made.new, &found.fields) {
            doing.differs(sentence);
        }
        if found.marker.as_ref() != Some(&made.new.marked.1) {
            doing.differs("the marker is missing or another");
        }
        self.end(doing, Result::Ok);
        Some(found.change_key).filter(|key| !key.is_empty())
    }

    /// Changes an item with its current change key. Gives back the key that is old by then.
    async fn update(&self, own: &Own, made: &Made, key: &str) -> Option<String> {
        let mut doing = Doing::new(Name::Update, Some(made.subject));
        let (mut key, mut again) = (key.to_owned(), true);
        loop {
            let operation = change(own, made, &key, own.kind.change().1);
            let asked = self.ask(Phase::Work, &mut doing, &operation).await;
            let Some(answer) = asked.as_ref().filter(|asked| asked.has_code(&CONFLICT) && again) else {
                let done = asked.as_ref().is_some_and(Asked::is_ok);
                self.end_with(doing, &operation, asked.as_ref());
                return done.then_some(key);
            };
            // It was changed in the meantime: by the server itself, or by an attempt whose answer is lost.
            again = false;
            let Some(now) = self.look_at(&mut doing, own, made).await else {
                self.end_with(doing, &operation, asked.as_ref());
                return None;
            };
            if answer.after_loss && now.1 == own.kind.change().1 {
                self.end(doing, Result::Ok);
                return Some(key);
            }
            key = now.0;
        }
    }

    /// The change key of an item, and the field that is changed.
    async fn look_at(&self, doing: &mut Doing, own: &Own, made: &Made) -> Option<(String, String)> {
        let field = own.kind.change().0;
        let operation =
            Operation::GetItem { id: made.item.id.clone(), fields: vec![field], property: MARKER };
        let found = self.ask(Phase::Work, doing, &operation).await?.called.item(Some(MARKER))?;
        Some((found.change_key, found.fields.get(&field).cloned().unwrap_or_default()))
    }

    /// A change with an old change key must be refused, and must not be seen.
    async fn conflict(&self, own: &Own, made: &Made, old: &str) {
        let mut doing = Doing::new(Name::Conflict, Some(made.subject));
        let operation = change(own, made, old, WRONG_CHANGE);
        let Some(asked) = self.ask(Phase::Work, &mut doing, &operation).await else {
            return self.end_with(doing, &operation, None);
        };
        let refused = asked.has_code(&CONFLICT);
        if !refused && !asked.is_ok() {
            return self.end_with(doing, &operation, Some(&asked));
        }
        if !refused {
            doing.differs("a change with an old change key was accepted");
        }
        let (status, text) = (doing.status, doing.text.clone());
        let now = self.look_at(&mut doing, own, made).await.map(|(_, value)| value);
        (doing.status, doing.text) = (status, text);
        match now.as_deref() {
            Some(value) if value == WRONG_CHANGE => {
                doing.differs("it overwrote the change before it");
            }
            Some(value) if value != own.kind.change().1 => {
                doing.differs("the change before it cannot be read");
            }
            _ => {}
        }
        self.end(doing, Result::Ok);
    }

    async fn delete(&self, made: &Made) -> bool {
        let mut doing = Doing::new(Name::Delete, Some(made.subject));
        let operation = Operation::DeleteItem { ids: vec![made.item.id.clone()] };
        let asked = self.ask(Phase::Work, &mut doing, &operation).await;
        let gone = asked.as_ref().is_some_and(|asked| asked.after_loss && asked.has_code(&GONE));
        let done = gone || asked.as_ref().is_some_and(Asked::is_ok);
        if gone {
            self.end(doing, Result::Ok);
        } else {
            self.end_with(doing, &operation, asked.as_ref());
        }
        done
    }
}

/// A change of the one field that is changed.
fn change(own: &Own, made: &Made, key: &str, value: &str) -> Operation {
    Operation::UpdateItem {
        id: made.item.id.clone(),
        change_key: key.to_owned(),
        kind: own.kind.item_kind(),
        field: own.kind.change().0,
        value: value.to_owned(),
    }
}
