//! One mailbox: its folders, what changing them does to feeds and events, and its traces.

mod folders;
mod items;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::{
    DEFAULTS, Event, EventKind, Events, Folder, Item, PropertyName, Refusal,
    feed::{ChangeKind, Log},
    folder_id,
};
use crate::lab::{names::made_up, view::text};

/// How something is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// For good; Recoverable Items may keep it where no client sees it.
    Hard,
    /// Into Recoverable Items, where clients can look.
    Soft,
    /// Into Deleted Items.
    ToDeletedItems,
}

/// What an id names.
#[derive(Debug)]
pub enum Target<'a> {
    /// An item.
    Item(&'a Item),
    /// An occurrence of a recurring appointment, on that day in its zone.
    Occurrence(&'a Item, Date),
}

/// A mailbox.
#[derive(Debug, Clone)]
pub struct Mailbox {
    address: String,
    guid: [u8; 16],
    folders: BTreeMap<String, Folder>,
    items: BTreeMap<String, Item>,
    hierarchy: Log,
    feeds: BTreeMap<String, Log>,
    /// Immutable ids of what is no longer under an id: moved or deleted.
    gone: BTreeMap<String, String>,
    events: Events,
    number: u64,
    made: u64,
    used: u64,
    limit: Option<u64>,
    send_limit: Option<u64>,
    recoverable: u64,
    named: BTreeSet<PropertyName>,
}

/// When a mailbox was made, unless the world says.
const LONG_AGO: &str = "2026-01-05T08:00:00Z";

/// The bytes in a quota as cmdlets write it: `50 GB (53,687,091,200 bytes)`.
fn bytes_of(quota: &str) -> Option<u64> {
    let inner = quota.split_once('(')?.1;
    let digits: String = inner.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

impl Mailbox {
    /// The mailbox as its row of the world describes it.
    pub(super) fn new(row: &Value) -> Self {
        let address = text(row, "PrimarySmtpAddress").to_owned();
        let seed = made_up(&["mailbox", &address]).replace('-', "");
        let made = text(row, "WhenMailboxCreated").parse().or_else(|_| LONG_AGO.parse());
        let made: Timestamp = made.unwrap_or(Timestamp::UNIX_EPOCH);
        let mut mailbox = Self {
            guid: u128::from_str_radix(&seed, 16).unwrap_or_default().to_be_bytes(),
            folders: BTreeMap::new(),
            items: BTreeMap::new(),
            hierarchy: Log::default(),
            feeds: BTreeMap::new(),
            gone: BTreeMap::new(),
            events: Events::default(),
            number: 0,
            made: 0,
            used: row["x"]["used_bytes"].as_u64().unwrap_or(0),
            limit: bytes_of(text(row, "ProhibitSendReceiveQuota")),
            send_limit: bytes_of(text(row, "ProhibitSendQuota")),
            recoverable: 0,
            named: BTreeSet::new(),
            address,
        };
        for default in DEFAULTS {
            let shown = row["x"]["folders"][default.name]["shown"].as_str().unwrap_or(default.shown);
            mailbox.add_default(default, shown, made);
        }
        mailbox
    }

    fn add_default(&mut self, default: &super::DefaultFolder, shown: &str, made: Timestamp) {
        let id = folder_id(&self.address, default.name);
        self.number += 1;
        self.hierarchy.push(self.number, &id, ChangeKind::Created);
        let folder = Folder {
            id: id.clone(),
            default: Some(default.name),
            parent: (!default.parent.is_empty()).then(|| folder_id(&self.address, default.parent)),
            class: default.class.to_owned(),
            shown: shown.to_owned(),
            extended: super::Extended::default(),
            change: self.number,
            created: made,
            modified: made,
            by: String::new(),
        };
        self.folders.insert(id, folder);
    }

    /// Primary address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The 22 bytes that stand for a change: the mailbox and the number. Protocols write them in base64.
    pub fn change_key(&self, change: u64) -> Vec<u8> {
        let number = change.to_be_bytes();
        self.guid.iter().chain(&number[2..]).copied().collect()
    }

    /// The number in a change key of this mailbox.
    pub fn change_of(&self, key: &[u8]) -> Option<u64> {
        let number = key.strip_prefix(&self.guid[..]).filter(|number| number.len() == 6)?;
        Some(number.iter().fold(0, |sum, digit| sum << 8 | u64::from(*digit)))
    }

    /// Bytes in use, and the most that there may be.
    pub fn quota(&self) -> (u64, Option<u64>) {
        (self.used, self.limit)
    }

    /// Bytes in use, the most with which it still sends, and the most that there may be.
    pub fn quota_details(&self) -> (u64, Option<u64>, Option<u64>) {
        (self.used, self.send_limit, self.limit)
    }

    /// Bytes of the items of a folder. What the world says that is in use, and that nobody put there
    /// here, lies in the inbox.
    pub fn size_of(&self, folder: &str) -> u64 {
        let size = |item: &Item| item.content.size();
        let own: u64 = self.items.values().filter(|item| item.folder == folder).map(size).sum();
        let inbox = self.default("inbox").is_some_and(|inbox| inbox.id == folder);
        let hidden = self.hidden();
        let counted = self.items.values().filter(|item| !hidden.contains(&item.folder.as_str()));
        if inbox { own + self.used.saturating_sub(counted.map(size).sum()) } else { own }
    }

    /// Its events.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Whether a folder or item of that id is here.
    pub fn knows(&self, id: &str) -> bool {
        self.folders.contains_key(id) || self.target(id).is_ok()
    }

    /// An id that no other thing of this mailbox has; it depends on what was made before, and on
    /// nothing else.
    fn new_id(&mut self, kind: &str) -> String {
        self.made += 1;
        let unique = made_up(&[&self.address, kind, &self.made.to_string()]).replace('-', "");
        match kind {
            "immutable" => format!("AAkALg{unique}AAA="),
            _ => format!("AAMkAG{unique}AAA="),
        }
    }

    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn event(&mut self, kind: EventKind, item: &Item, old: Option<(String, String)>) {
        self.events.push(Event {
            number: 0,
            kind,
            at: item.modified,
            folder: false,
            id: item.id.clone(),
            change: item.change,
            parent: item.folder.clone(),
            old,
        });
        if matches!(item.content.kind, super::Kind::Appointment(_)) && kind != EventKind::Copied {
            self.folder_event(EventKind::FreeBusyChanged, &item.folder, item.modified);
        } else if kind != EventKind::Modified {
            self.folder_event(EventKind::Modified, &item.folder, item.modified);
        }
    }

    fn folder_event(&mut self, kind: EventKind, id: &str, at: Timestamp) {
        let Some(folder) = self.folders.get(id) else { return };
        let event = Event {
            number: 0,
            kind,
            at,
            folder: true,
            id: id.to_owned(),
            change: folder.change,
            parent: folder.parent.clone().unwrap_or_default(),
            old: None,
        };
        self.events.push(event);
    }

    /// Everything in it that clients can see, and what stays of what was deleted as `traces`.
    pub(super) fn dump(&self) -> Value {
        let hidden: Vec<&str> = self.hidden();
        let folders: Vec<_> =
            self.folders.values().filter(|folder| !hidden.contains(&folder.id.as_str())).collect();
        let items: Vec<_> =
            self.items.values().filter(|item| !hidden.contains(&item.folder.as_str())).collect();
        let kept = self.items.len() - items.len();
        json!({ "address": self.address, "folders": folders, "items": items, "used_bytes": self.used,
            "traces": { "recoverable_items": self.recoverable + kept as u64, "named_properties": self.named,
                "changes": self.number } })
    }

    /// Ids of the folders of Recoverable Items.
    fn hidden(&self) -> Vec<&str> {
        let Some(root) = self.default("recoverableitemsroot") else { return Vec::new() };
        let below = self.below(&root.id, true).into_iter().map(|folder| folder.id.as_str());
        below.chain([root.id.as_str()]).collect()
    }
}
