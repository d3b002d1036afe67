//! The folders of a mailbox.

use jiff::Timestamp;

use super::{ChangeKind, Deletion, EventKind, Folder, Mailbox, Refusal};
use crate::lab::store::{Extended, NewFolder, Page, Token, folder_id};

/// Name of the feed of folders.
const HIERARCHY: &str = "folders";

impl Mailbox {
    /// The folder of that id.
    pub fn folder(&self, id: &str) -> Option<&Folder> {
        self.folders.get(id)
    }

    /// The default folder of that name (`contacts`), whatever the case.
    pub fn default(&self, name: &str) -> Option<&Folder> {
        self.folders.get(&folder_id(&self.address, &name.to_ascii_lowercase()))
    }

    /// The folders below one, in the order of their names: direct ones, or all.
    pub fn below(&self, id: &str, deep: bool) -> Vec<&Folder> {
        let mut found: Vec<&Folder> =
            self.folders.values().filter(|folder| self.lies_below(folder, id, deep)).collect();
        found.sort_by(|a, b| (&a.shown, &a.id).cmp(&(&b.shown, &b.id)));
        found
    }

    fn lies_below(&self, folder: &Folder, id: &str, deep: bool) -> bool {
        match folder.parent.as_deref() {
            Some(parent) if parent == id => true,
            Some(parent) if deep => {
                self.folders.get(parent).is_some_and(|above| self.lies_below(above, id, true))
            }
            _ => false,
        }
    }

    /// The default folder that a folder is, or lies below: whose permissions it inherits.
    pub fn rooted_in(&self, id: &str) -> Option<&'static str> {
        let folder = self.folders.get(id)?;
        folder.default.or_else(|| self.rooted_in(folder.parent.as_deref()?))
    }

    /// Makes a folder; returns its id.
    pub fn create_folder(&mut self, new: NewFolder) -> Result<String, Refusal> {
        let now = Timestamp::now();
        let id = self.plant_folder(new, now)?;
        self.folder_event(EventKind::Created, &id, now);
        Ok(id)
    }

    /// The same for a folder that was there before anybody could hear of it.
    pub(in crate::lab::store) fn plant_folder(
        &mut self,
        new: NewFolder,
        made: Timestamp,
    ) -> Result<String, Refusal> {
        if !self.folders.contains_key(&new.parent) {
            return Err(Refusal::NoFolder);
        }
        self.unused_name(&new.parent, &new.shown, "")?;
        let (id, change) = (self.new_id("folder"), self.next());
        self.named.extend(named(&new.extended));
        self.hierarchy.push(change, &id, ChangeKind::Created);
        let folder = Folder {
            id: id.clone(),
            default: None,
            parent: Some(new.parent),
            class: new.class,
            shown: new.shown,
            extended: new.extended,
            change,
            created: made,
            modified: made,
            by: new.by,
        };
        self.folders.insert(id.clone(), folder);
        Ok(id)
    }

    fn unused_name(&self, parent: &str, shown: &str, except: &str) -> Result<(), Refusal> {
        let taken = self.folders.values().any(|folder| {
            folder.parent.as_deref() == Some(parent)
                && folder.id != except
                && folder.shown.to_lowercase() == shown.to_lowercase()
        });
        if taken { Err(Refusal::FolderExists) } else { Ok(()) }
    }

    /// Changes name, class or extended properties of a folder. `expected`: the number of the change that
    /// the caller knows; another one refuses.
    pub fn update_folder(
        &mut self,
        id: &str,
        expected: Option<u64>,
        edit: impl FnOnce(&mut String, &mut String, &mut Extended),
    ) -> Result<(), Refusal> {
        let mut folder = self.folders.get(id).cloned().ok_or(Refusal::NoFolder)?;
        if expected.is_some_and(|expected| expected != folder.change) {
            return Err(Refusal::Conflict);
        }
        let before = folder.shown.clone();
        edit(&mut folder.shown, &mut folder.class, &mut folder.extended);
        if before != folder.shown {
            if folder.default.is_some() {
                return Err(Refusal::DefaultFolder);
            }
            self.unused_name(folder.parent.as_deref().unwrap_or_default(), &folder.shown, id)?;
        }
        self.named.extend(named(&folder.extended));
        folder.change = self.next();
        folder.modified = Timestamp::now();
        self.hierarchy.push(folder.change, id, ChangeKind::Updated);
        let at = folder.modified;
        self.folders.insert(id.to_owned(), folder);
        self.folder_event(EventKind::Modified, id, at);
        Ok(())
    }

    /// Moves a folder below another.
    pub fn move_folder(&mut self, id: &str, to: &str) -> Result<(), Refusal> {
        let folder = self.folders.get(id).ok_or(Refusal::NoFolder)?;
        let target = self.folders.get(to).ok_or(Refusal::NoFolder)?;
        if folder.default.is_some() {
            return Err(Refusal::DefaultFolder);
        }
        if to == id || self.lies_below(target, id, true) {
            return Err(Refusal::IntoItself);
        }
        self.unused_name(to, &folder.shown, id)?;
        self.put_below(id, to);
        Ok(())
    }

    fn put_below(&mut self, id: &str, to: &str) {
        let (change, now) = (self.next(), Timestamp::now());
        self.hierarchy.push(change, id, ChangeKind::Updated);
        if let Some(folder) = self.folders.get_mut(id) {
            (folder.parent, folder.change, folder.modified) = (Some(to.to_owned()), change, now);
        }
        self.folder_event(EventKind::Moved, id, now);
    }

    /// Deletes a folder with everything in it.
    pub fn delete_folder(&mut self, id: &str, how: Deletion) -> Result<(), Refusal> {
        let folder = self.folders.get(id).ok_or(Refusal::NoFolder)?;
        if folder.default.is_some() {
            return Err(Refusal::DefaultFolder);
        }
        if how == Deletion::ToDeletedItems {
            let to = folder_id(&self.address, "deleteditems");
            let mut shown = folder.shown.clone();
            while self.unused_name(&to, &shown, id).is_err() {
                shown.push('1');
            }
            if let Some(folder) = self.folders.get_mut(id) {
                folder.shown = shown;
            }
            self.put_below(id, &to);
            return Ok(());
        }
        let below: Vec<String> = self.below(id, true).into_iter().map(|folder| folder.id.clone()).collect();
        for id in below.iter().map(String::as_str).chain([id]) {
            self.empty(id, how);
            self.remove_folder(id);
        }
        Ok(())
    }

    fn empty(&mut self, id: &str, how: Deletion) {
        let items: Vec<String> = self.items_in(id).into_iter().map(|item| item.id.clone()).collect();
        for item in items {
            // It was found a moment ago.
            let _ = self.delete_item(&item, how);
        }
    }

    fn remove_folder(&mut self, id: &str) {
        let (change, now) = (self.next(), Timestamp::now());
        self.folder_event(EventKind::Deleted, id, now);
        self.hierarchy.push(change, id, ChangeKind::Deleted);
        self.feeds.remove(id);
        self.folders.remove(id);
    }

    /// Deletes the items of a folder, with its folders or without them.
    pub fn empty_folder(&mut self, id: &str, how: Deletion, folders_too: bool) -> Result<(), Refusal> {
        if !self.folders.contains_key(id) {
            return Err(Refusal::NoFolder);
        }
        self.empty(id, how);
        let below: Vec<String> = self.below(id, false).into_iter().map(|folder| folder.id.clone()).collect();
        for folder in below.iter().filter(|_| folders_too) {
            self.delete_folder(folder, how)?;
        }
        Ok(())
    }

    /// The changes of the folders of the mailbox since a state; `None`: from the start.
    pub fn folder_changes(&self, token: Option<&str>, most: usize) -> Result<Page, Refusal> {
        let token = Token::read(token, &format!("{}/{HIERARCHY}", self.address), self.number)?;
        Ok(self.hierarchy.page(&token, most, |id| self.folders.contains_key(id)))
    }
}

/// The named properties among those of a folder or item.
pub(super) fn named(extended: &Extended) -> impl Iterator<Item = crate::lab::store::PropertyName> + '_ {
    use crate::lab::store::PropertyName::Tag;
    extended.iter().map(|property| property.name.clone()).filter(|name| !matches!(name, Tag(_)))
}
