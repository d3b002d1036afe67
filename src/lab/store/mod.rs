//! What stands in the mailboxes of the simulated world and changes while the lab runs: folders, items,
//! extended properties, change feeds, events and subscriptions, the same for every protocol.
//!
//! The world document is the initial state. A mailbox without content costs nothing until something is
//! written to it: until then each reading makes it up from its row, and forgets it. Must not know any protocol, nor
//! who may do what.

mod defaults;
mod events;
mod feed;
mod folder;
mod item;
mod mailbox;
mod property;
mod recurrence;
mod seed;
#[cfg(test)]
mod tests;
mod zone;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;

use super::view::{View, text};

use self::seed::Seed;
pub use self::{
    defaults::{DEFAULTS, Default as DefaultFolder, default_folder, folder_id},
    events::{Event, EventKind, Events, Subscription},
    feed::{Change, ChangeKind, Page, Token},
    folder::{Folder, NewFolder},
    item::{
        Address, Appointment, Body, Busy, Contact, ContactText, Content, Email, Importance, Item, Kind,
        Phone, Place, Sensitivity,
    },
    mailbox::{Deletion, Mailbox, Target},
    property::{Extended, Property, PropertyName},
    recurrence::{Day, End, Index, Occurrence, Pattern, Recurrence},
    zone::{windows_zones, zone, zone_name_known},
};

/// Why the store does not do what it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such folder.
    #[error("no such folder")]
    NoFolder,
    /// No such item.
    #[error("no such item")]
    NoItem,
    /// No such subscription, or it has run out.
    #[error("no such subscription")]
    NoSubscription,
    /// A folder of that name stands beside it.
    #[error("a folder of that name exists")]
    FolderExists,
    /// A default folder is not moved, renamed or deleted.
    #[error("a default folder stays")]
    DefaultFolder,
    /// A folder cannot be put into itself or below itself.
    #[error("a folder cannot lie in itself")]
    IntoItself,
    /// The folder does not take that kind of item.
    #[error("the folder takes other items")]
    WrongFolder,
    /// The item has changed since it was read.
    #[error("the item has changed since")]
    Conflict,
    /// The mailbox is full.
    #[error("the mailbox is full")]
    Full,
    /// The state of a change feed is none, or another folder's.
    #[error("no state of this feed")]
    BadToken,
    /// Events before that mark are no longer kept.
    #[error("events are no longer kept")]
    BadWatermark,
}

/// The content of all mailboxes that somebody wrote to.
#[derive(Debug)]
pub struct Store {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    mailboxes: BTreeMap<String, Mailbox>,
    subscriptions: BTreeMap<String, Subscription>,
    made: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self { inner: Mutex::default(), changed: watch::channel(0).0 }
    }
}

/// A row of the world describes content that cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the content of the mailbox {mailbox} makes no sense: {why}")]
pub struct BadContent {
    /// Primary address.
    pub mailbox: String,
    /// Why.
    pub why: String,
}

/// Under which a mailbox is kept: its primary address.
fn key(row: &Value) -> String {
    text(row, "PrimarySmtpAddress").to_lowercase()
}

impl Store {
    /// The mailboxes of a world, with what stands in them from the start.
    pub fn new(view: View) -> Result<Self, BadContent> {
        let store = Self::default();
        for row in view.rows("exchange.mailboxes") {
            let bad = |why| BadContent { mailbox: key(row), why };
            if let Some(seed) = Seed::of(row).map_err(bad)? {
                store.write(row, |mailbox| seed.plant(mailbox)).map_err(bad)?;
            }
        }
        Ok(store)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a mailbox, by its row of the world (`exchange.mailboxes`). Nothing is kept of it.
    pub fn read<T>(&self, row: &Value, act: impl FnOnce(&Mailbox) -> T) -> T {
        if let Some(mailbox) = self.inner().mailboxes.get(&key(row)) {
            return act(mailbox);
        }
        act(&Mailbox::new(row))
    }

    /// Changes a mailbox; from now on it is kept.
    pub fn write<T>(&self, row: &Value, act: impl FnOnce(&mut Mailbox) -> T) -> T {
        let done = act(self.inner().mailboxes.entry(key(row)).or_insert_with(|| Mailbox::new(row)));
        self.changed.send_modify(|count| *count += 1);
        done
    }

    /// Address of the kept mailbox that has a folder or item of that id.
    pub fn owner_of(&self, id: &str) -> Option<String> {
        let inner = self.inner();
        let mut all = inner.mailboxes.iter();
        all.find(|(_, mailbox)| mailbox.knows(id)).map(|(address, _)| address.clone())
    }

    /// Wakes up whenever something was written.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Adds a subscription under an id of its own, which it returns.
    pub fn subscribe(&self, make: impl FnOnce(String) -> Subscription) -> String {
        let mut inner = self.inner();
        inner.made += 1;
        let id = events::subscription_id(inner.made);
        inner.subscriptions.retain(|_, subscription| subscription.alive());
        inner.subscriptions.insert(id.clone(), make(id.clone()));
        id
    }

    /// A subscription that has not run out.
    pub fn subscription(&self, id: &str) -> Result<Subscription, Refusal> {
        let inner = self.inner();
        let found = inner.subscriptions.get(id).filter(|subscription| subscription.alive());
        found.cloned().ok_or(Refusal::NoSubscription)
    }

    /// Living subscriptions on a mailbox.
    pub fn subscriptions_on(&self, address: &str) -> usize {
        let inner = self.inner();
        let on = |subscription: &&Subscription| {
            subscription.alive() && subscription.mailbox.eq_ignore_ascii_case(address)
        };
        inner.subscriptions.values().filter(on).count()
    }

    /// Ends a subscription.
    pub fn unsubscribe(&self, id: &str) -> Result<(), Refusal> {
        self.inner().subscriptions.remove(id).map(|_| ()).ok_or(Refusal::NoSubscription)
    }

    /// Puts off the end of a subscription: somebody asked for its events.
    pub fn renew(&self, id: &str) {
        if let Some(subscription) = self.inner().subscriptions.get_mut(id) {
            subscription.renew();
        }
    }

    /// Everything in a mailbox, and in `traces` what deleting does not undo.
    pub fn dump(&self, row: &Value) -> Value {
        self.read(row, Mailbox::dump)
    }
}
