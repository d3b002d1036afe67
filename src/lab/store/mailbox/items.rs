//! The items of a mailbox.

use jiff::{Timestamp, civil::Date};

use super::{ChangeKind, Deletion, EventKind, Item, Mailbox, Refusal, Target, folders::named};
use crate::lab::store::{Content, Kind, Page, Token, folder_id};

/// What stands between the id of a series and the day of an occurrence.
const OCCURRENCE: &str = "OCC";

impl Mailbox {
    /// The item of that id, immutable or not.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.get(id).or_else(|| {
            let immutable = id.starts_with("AAkA");
            self.items.values().find(|item| immutable && item.immutable_id == id)
        })
    }

    /// The immutable id of what has that id, or had it.
    pub fn immutable_id(&self, id: &str) -> Option<&str> {
        let known = self.items.get(id).map(|item| &item.immutable_id);
        known.or_else(|| self.gone.get(id)).map(String::as_str)
    }

    /// What an id names: an item or an occurrence.
    pub fn target(&self, id: &str) -> Result<Target<'_>, Refusal> {
        if let Some(item) = self.item(id) {
            return Ok(Target::Item(item));
        }
        let (master, day) = id.split_once(OCCURRENCE).ok_or(Refusal::NoItem)?;
        let day = Date::strptime("%Y%m%d", day.trim_end_matches("AAA=")).map_err(|_| Refusal::NoItem)?;
        let item = self.item(&format!("{master}AAA=")).ok_or(Refusal::NoItem)?;
        let series = item.content.kind.appointment().ok_or(Refusal::NoItem)?;
        let takes_place = series.recurrence.as_ref().is_some_and(|own| own.days().any(|own| own == day))
            && !series.deleted.contains(&day);
        if takes_place { Ok(Target::Occurrence(item, day)) } else { Err(Refusal::NoItem) }
    }

    /// The id of an occurrence of a series.
    pub fn occurrence_id(master: &str, day: Date) -> String {
        let stem = master.strip_suffix("AAA=").unwrap_or(master);
        format!("{stem}{OCCURRENCE}{}AAA=", day.strftime("%Y%m%d"))
    }

    /// The items of a folder, the newest first.
    pub fn items_in(&self, folder: &str) -> Vec<&Item> {
        let mut found: Vec<&Item> = self.items.values().filter(|item| item.folder == folder).collect();
        found.sort_by_key(|item| std::cmp::Reverse((item.created, item.change)));
        found
    }

    /// All items, in no order.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.values()
    }

    /// Makes an item in a folder; returns its id.
    pub fn create_item(&mut self, folder: &str, content: Content, by: &str) -> Result<String, Refusal> {
        let now = Timestamp::now();
        let item = self.new_item(folder, content, by, (now, now))?;
        let id = item.id.clone();
        self.put(item, ChangeKind::Created, EventKind::Created, None);
        Ok(id)
    }

    /// The same for an item that was there before anybody could hear of it.
    pub(in crate::lab::store) fn plant_item(
        &mut self,
        folder: &str,
        content: Content,
        by: &str,
        times: (Timestamp, Timestamp),
    ) -> Result<(), Refusal> {
        let item = self.new_item(folder, content, by, times)?;
        self.keep(item, ChangeKind::Created);
        Ok(())
    }

    fn new_item(
        &mut self,
        folder: &str,
        content: Content,
        by: &str,
        (created, modified): (Timestamp, Timestamp),
    ) -> Result<Item, Refusal> {
        let target = self.folders.get(folder).ok_or(Refusal::NoFolder)?;
        if !target.takes(&content.class) {
            return Err(Refusal::WrongFolder);
        }
        let size = content.size();
        if self.limit.is_some_and(|limit| self.used.saturating_add(size) > limit) {
            return Err(Refusal::Full);
        }
        self.used = self.used.saturating_add(size);
        self.named.extend(named(&content.extended));
        Ok(Item {
            id: self.new_id("item"),
            immutable_id: self.new_id("immutable"),
            folder: folder.to_owned(),
            change: self.next(),
            created,
            modified,
            by: by.to_owned(),
            content,
        })
    }

    fn put(&mut self, item: Item, change: ChangeKind, event: EventKind, old: Option<(String, String)>) {
        self.event(event, &item, old);
        self.keep(item, change);
    }

    fn keep(&mut self, item: Item, change: ChangeKind) {
        self.feeds.entry(item.folder.clone()).or_default().push(item.change, &item.id, change);
        self.items.insert(item.id.clone(), item);
    }

    /// Changes an item. `expected`: the number of the change that the caller knows; another one refuses.
    pub fn update_item(
        &mut self,
        id: &str,
        expected: Option<u64>,
        edit: impl FnOnce(&mut Content),
    ) -> Result<(), Refusal> {
        let mut item = self.item(id).cloned().ok_or(Refusal::NoItem)?;
        if expected.is_some_and(|expected| expected != item.change) {
            return Err(Refusal::Conflict);
        }
        let before = item.content.clone();
        edit(&mut item.content);
        let used = (self.used + item.content.size()).saturating_sub(before.size());
        if used > self.used && self.limit.is_some_and(|limit| used > limit) {
            return Err(Refusal::Full);
        }
        self.used = used;
        self.named.extend(named(&item.content.extended));
        let only_read = Content { read: item.content.read, ..before.clone() } == item.content
            && before.read != item.content.read;
        (item.change, item.modified) = (self.next(), Timestamp::now());
        let kind = if only_read { ChangeKind::Read } else { ChangeKind::Updated };
        self.put(item, kind, EventKind::Modified, None);
        Ok(())
    }

    /// Deletes an item, or one occurrence of a series.
    pub fn delete_item(&mut self, id: &str, how: Deletion) -> Result<(), Refusal> {
        let (id, day) = match self.target(id)? {
            Target::Item(item) => (item.id.clone(), None),
            Target::Occurrence(item, day) => (item.id.clone(), Some(day)),
        };
        if let Some(day) = day {
            return self.update_item(&id, None, |content| {
                if let Kind::Appointment(series) = &mut content.kind {
                    series.deleted.push(day);
                }
            });
        }
        let place = self.items.get(&id).map(|item| item.folder.clone()).ok_or(Refusal::NoItem)?;
        let bin = match how {
            Deletion::ToDeletedItems => folder_id(&self.address, "deleteditems"),
            _ => folder_id(&self.address, "recoverableitemsdeletions"),
        };
        if how == Deletion::Hard || place == bin {
            self.take(&id, EventKind::Deleted)?;
            self.recoverable += 1;
        } else if how == Deletion::Soft {
            let mut item = self.take(&id, EventKind::Deleted)?;
            (item.id, item.folder, item.change) = (self.new_id("item"), bin, self.next());
            self.items.insert(item.id.clone(), item);
        } else {
            self.move_item(&id, &bin)?;
        }
        Ok(())
    }

    /// Takes an item out of its folder.
    fn take(&mut self, id: &str, event: EventKind) -> Result<Item, Refusal> {
        let mut item = self.items.remove(id).ok_or(Refusal::NoItem)?;
        self.gone.insert(id.to_owned(), item.immutable_id.clone());
        (item.change, item.modified) = (self.next(), Timestamp::now());
        // What lies in Recoverable Items does not count.
        if !self.hidden().contains(&item.folder.as_str()) {
            self.used = self.used.saturating_sub(item.content.size());
        }
        let feed = self.feeds.entry(item.folder.clone()).or_default();
        feed.push(item.change, id, ChangeKind::Deleted);
        if event == EventKind::Deleted {
            self.event(event, &item, None);
        }
        Ok(item)
    }

    /// Moves an item; returns its new id.
    pub fn move_item(&mut self, id: &str, to: &str) -> Result<String, Refusal> {
        let id = self.item(id).map(|item| item.id.clone()).ok_or(Refusal::NoItem)?;
        self.folders.get(to).ok_or(Refusal::NoFolder)?;
        let mut item = self.take(&id, EventKind::Moved)?;
        let old = (item.id, item.folder);
        item.id = self.new_id("item");
        (item.folder, item.change) = (to.to_owned(), self.next());
        self.used = self.used.saturating_add(item.content.size());
        let new = item.id.clone();
        self.put(item, ChangeKind::Created, EventKind::Moved, Some(old));
        Ok(new)
    }

    /// Copies an item; returns the copy's id.
    pub fn copy_item(&mut self, id: &str, to: &str, by: &str) -> Result<String, Refusal> {
        let item = self.item(id).cloned().ok_or(Refusal::NoItem)?;
        self.folders.get(to).ok_or(Refusal::NoFolder)?;
        let size = item.content.size();
        if self.limit.is_some_and(|limit| self.used.saturating_add(size) > limit) {
            return Err(Refusal::Full);
        }
        self.used = self.used.saturating_add(size);
        let now = Timestamp::now();
        let copy = Item {
            id: self.new_id("item"),
            immutable_id: self.new_id("immutable"),
            folder: to.to_owned(),
            change: self.next(),
            created: now,
            modified: now,
            by: by.to_owned(),
            content: item.content,
        };
        let new = copy.id.clone();
        self.put(copy, ChangeKind::Created, EventKind::Copied, Some((item.id, item.folder)));
        Ok(new)
    }

    /// The changes of the items of a folder since a state; `None`: from the start.
    pub fn item_changes(&self, folder: &str, token: Option<&str>, most: usize) -> Result<Page, Refusal> {
        if !self.folders.contains_key(folder) {
            return Err(Refusal::NoFolder);
        }
        let token = Token::read(token, &format!("{}/{folder}", self.address), self.number)?;
        let empty = crate::lab::store::feed::Log::default();
        let feed = self.feeds.get(folder).unwrap_or(&empty);
        let here = |id: &str| self.items.get(id).is_some_and(|item| item.folder == folder);
        Ok(feed.page(&token, most, here))
    }
}
