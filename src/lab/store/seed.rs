//! What stands in a mailbox when the lab starts: `x.content` of its row, in the words of a dump.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Content, Extended, Kind, Mailbox, NewFolder};

/// The content of a mailbox.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Seed {
    folders: BTreeMap<String, SeedFolder>,
    items: BTreeMap<String, SeedItem>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFolder {
    /// Short name of a folder of the seed, or name of a default folder.
    below: String,
    shown: String,
    /// That of the folder above unless it says another.
    class: Option<String>,
    created: Option<Timestamp>,
    #[serde(default)]
    by: String,
    #[serde(default)]
    extended: Extended,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedItem {
    /// As `below`.
    folder: String,
    created: Option<Timestamp>,
    /// When it was made unless it says another time.
    modified: Option<Timestamp>,
    #[serde(default)]
    by: String,
    content: Content,
}

impl Seed {
    /// The content that a row describes; `None`: it describes none.
    pub(super) fn of(row: &Value) -> Result<Option<Self>, String> {
        let content = &row["x"]["content"];
        let seed = (!content.is_null()).then(|| Self::deserialize(content));
        seed.transpose().map_err(|error| error.to_string())
    }

    /// Puts it into a mailbox; what has no time of its own is as old as the mailbox.
    pub(super) fn plant(self, mailbox: &mut Mailbox) -> Result<(), String> {
        let made = mailbox.default("root").map_or(Timestamp::UNIX_EPOCH, |root| root.created);
        let mut ids = BTreeMap::new();
        let mut folders = self.folders;
        while !folders.is_empty() {
            let before = folders.len();
            let (ready, later): (BTreeMap<_, _>, _) =
                folders.into_iter().partition(|(_, folder)| place(mailbox, &ids, &folder.below).is_some());
            for (key, folder) in ready {
                let id = folder.plant(mailbox, &ids, made)?;
                ids.insert(key, id);
            }
            folders = later;
            if let Some((key, folder)) = folders.first_key_value().filter(|_| folders.len() == before) {
                return Err(format!("folder {key} lies below {}, which is nowhere", folder.below));
            }
        }
        self.items.into_iter().try_for_each(|(key, item)| {
            let folder = place(mailbox, &ids, &item.folder)
                .ok_or_else(|| format!("item {key} lies in {}, which is nowhere", item.folder))?;
            item.plant(mailbox, &folder, made).map_err(|why| format!("item {key}: {why}"))
        })
    }
}

/// Id of the folder of that short name, or of the default folder of that name.
fn place(mailbox: &Mailbox, ids: &BTreeMap<String, String>, name: &str) -> Option<String> {
    ids.get(name).cloned().or_else(|| mailbox.default(name).map(|folder| folder.id.clone()))
}

impl SeedFolder {
    fn plant(
        self,
        mailbox: &mut Mailbox,
        ids: &BTreeMap<String, String>,
        made: Timestamp,
    ) -> Result<String, String> {
        let parent = place(mailbox, ids, &self.below).unwrap_or_default();
        let above = mailbox.folder(&parent).map(|folder| folder.class.clone());
        let new = NewFolder {
            parent,
            class: self.class.or(above).unwrap_or_default(),
            extended: self.extended,
            by: self.by,
            shown: self.shown,
        };
        let shown = new.shown.clone();
        let planted = mailbox.plant_folder(new, self.created.unwrap_or(made));
        planted.map_err(|why| format!("folder {shown}: {why}"))
    }
}

impl SeedItem {
    fn plant(mut self, mailbox: &mut Mailbox, folder: &str, made: Timestamp) -> Result<(), super::Refusal> {
        if self.content.class.is_empty() {
            let class = match self.content.kind {
                Kind::Contact(_) => "IPM.Contact",
                Kind::Appointment(_) => "IPM.Appointment",
                Kind::Other => "IPM.Note",
            };
            class.clone_into(&mut self.content.class);
        }
        let created = self.created.unwrap_or(made);
        mailbox.plant_item(folder, self.content, &self.by, (created, self.modified.unwrap_or(created)))
    }
}
