//! The requests of a test sync.
//!
//! Ids, sync states, watermarks and subscription ids come from servers and mean nothing here.

use uuid::Uuid;

use super::super::soap::{self, RequestVersion};
use super::Mailbox;
use super::element::{Element, element};
use super::item::{Field, ItemKind, NewItem};
use super::request;

/// A folder that a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderRef {
    /// A default folder of the mailbox, by its distinguished name.
    Default(&'static str),
    /// One with this id.
    Id(String),
}

/// A named text property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    /// Its set.
    pub set: Uuid,
    /// Its name.
    pub name: &'static str,
}

impl Property {
    pub(super) fn uri(self) -> Element {
        element("t:ExtendedFieldURI")
            .attribute("PropertySetId", self.set.to_string())
            .attribute("PropertyName", self.name)
            .attribute("PropertyType", "String")
    }
}

/// A predefined property of folders, by its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// Id of the property.
    pub id: u16,
    /// Its type, as in the schema.
    pub kind: &'static str,
}

/// Bytes that the items of a folder take.
pub const SIZE: Tag = Tag { id: 0x0e08, kind: "Long" };
/// Kilobytes from which on nothing is received any more.
pub const RECEIVE_QUOTA: Tag = Tag { id: 0x666a, kind: "Integer" };
/// Kilobytes from which on nothing is sent any more.
pub const SEND_QUOTA: Tag = Tag { id: 0x666e, kind: "Integer" };
/// The mailboxes that keep the items of a public folder.
pub const REPLICAS: Tag = Tag { id: 0x6698, kind: "Binary" };
/// Kilobytes from which on the owner is warned.
pub const WARNING_QUOTA: Tag = Tag { id: 0x3ff5, kind: "Integer" };

impl Tag {
    pub(super) fn uri(self) -> Element {
        element("t:ExtendedFieldURI")
            .attribute("PropertyTag", format!("{:#06x}", self.id))
            .attribute("PropertyType", self.kind)
    }
}

/// What is told of each folder besides its id.
#[derive(Debug, Clone, Default)]
pub struct FolderShape {
    /// Its name, class and parent.
    pub names: bool,
    /// What the caller may do there.
    pub rights: bool,
    /// This property.
    pub property: Option<Property>,
    /// These as well.
    pub tags: Vec<Tag>,
}

/// Which folders or items a search finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// Those that have this property.
    Having(Property),
    /// Those whose property has this value.
    Equal(Property, String),
}

/// Which part of a search's result is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// How many are passed over.
    pub offset: usize,
    /// How many are told at most.
    pub size: usize,
}

/// One request.
#[derive(Debug, Clone)]
pub enum Operation {
    /// Opens folders.
    GetFolder {
        /// Which.
        folders: Vec<FolderRef>,
        /// What is told of them.
        shape: FolderShape,
    },
    /// Makes a folder that is marked from its first moment on.
    CreateFolder {
        /// Where.
        parent: FolderRef,
        /// For contacts or for appointments.
        kind: ItemKind,
        /// Its name.
        name: String,
        /// Property that marks it, with its value.
        marked: (Property, String),
    },
    /// Searches for folders.
    FindFolder {
        /// Where.
        parents: Vec<FolderRef>,
        /// Below these as well.
        deep: bool,
        /// What is told of them.
        shape: FolderShape,
        /// Which.
        only: Option<Only>,
        /// Part of the result.
        page: Page,
    },
    /// Removes a folder with everything in it, past the deleted items.
    DeleteFolder {
        /// Which.
        id: String,
    },
    /// Makes an item, without telling anybody.
    CreateItem {
        /// Id of the folder it is made in.
        folder: String,
        /// The item.
        item: Box<NewItem>,
    },
    /// Reads an item.
    GetItem {
        /// Id.
        id: String,
        /// Fields that are told.
        fields: Vec<Field>,
        /// And this property.
        property: Property,
    },
    /// Changes one field, unless the item has changed since.
    UpdateItem {
        /// Id.
        id: String,
        /// Change key that the item had.
        change_key: String,
        /// Contact or appointment.
        kind: ItemKind,
        /// Which field.
        field: Field,
        /// Its new value.
        value: String,
    },
    /// Searches for items, in the folders themselves.
    FindItem {
        /// Where.
        parents: Vec<FolderRef>,
        /// Property that is told of them.
        property: Property,
        /// Which.
        only: Option<Only>,
        /// Part of the result.
        page: Page,
    },
    /// Asks for the id of one item of a folder, whichever.
    FindAnyItem {
        /// Id of the folder.
        folder: String,
    },
    /// Opens an item, and is told no more than its id.
    OpenItem {
        /// Id.
        id: String,
    },
    /// Removes items, past the deleted items and without telling anybody.
    DeleteItem {
        /// Which.
        ids: Vec<String>,
    },
    /// The changes in a folder since a state.
    SyncFolderItems {
        /// Which folder.
        folder: FolderRef,
        /// The state; `None`: from the start.
        state: Option<String>,
        /// Changes told at most.
        at_most: u16,
    },
    /// Begins to collect the events of a folder.
    Subscribe {
        /// Id of the folder.
        folder: String,
        /// Minutes without a question after which the server forgets the subscription.
        minutes: u8,
    },
    /// Reads collected events.
    GetEvents {
        /// Id of the subscription.
        subscription: String,
        /// Last event that was read.
        watermark: String,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Its id.
        subscription: String,
    },
    /// Asks the address list for an address.
    ResolveNames {
        /// The address.
        address: String,
    },
    /// Asks the directory for people.
    FindPeople {
        /// What they are called.
        text: String,
    },
    /// Asks when a mailbox is busy.
    GetUserAvailability {
        /// Its address.
        address: String,
        /// From when on.
        from: jiff::civil::DateTime,
        /// Until when.
        to: jiff::civil::DateTime,
    },
}

impl Operation {
    /// Its name in the protocol.
    pub fn name(&self) -> &'static str {
        match self {
            Self::GetFolder { .. } => "GetFolder",
            Self::CreateFolder { .. } => "CreateFolder",
            Self::FindFolder { .. } => "FindFolder",
            Self::DeleteFolder { .. } => "DeleteFolder",
            Self::CreateItem { .. } => "CreateItem",
            Self::GetItem { .. } | Self::OpenItem { .. } => "GetItem",
            Self::UpdateItem { .. } => "UpdateItem",
            Self::FindItem { .. } | Self::FindAnyItem { .. } => "FindItem",
            Self::DeleteItem { .. } => "DeleteItem",
            Self::SyncFolderItems { .. } => "SyncFolderItems",
            Self::Subscribe { .. } => "Subscribe",
            Self::GetEvents { .. } => "GetEvents",
            Self::Unsubscribe { .. } => "Unsubscribe",
            Self::ResolveNames { .. } => "ResolveNames",
            Self::FindPeople { .. } => "FindPeople",
            Self::GetUserAvailability { .. } => "GetUserAvailability",
        }
    }

    /// It changes something in the mailbox.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::CreateFolder { .. }
                | Self::DeleteFolder { .. }
                | Self::CreateItem { .. }
                | Self::UpdateItem { .. }
                | Self::DeleteItem { .. }
        )
    }

    /// The request as text, for this mailbox in this version.
    pub fn request(&self, mailbox: &Mailbox, version: RequestVersion) -> String {
        let (impersonate, named) = match mailbox {
            Mailbox::Own(_) => (None, None),
            Mailbox::Impersonated(address) => (Some(address.as_str()), None),
            Mailbox::Named(address) => (None, Some(address.as_str())),
        };
        let body = request::Writing { named }.operation(self);
        soap::envelope(version, impersonate, |writer| body.write(writer))
    }
}
