//! Items of a mailbox: contacts, appointments, and others that are only kept.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{Extended, Recurrence};

/// An item.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// Id; another one after the item was moved.
    pub id: String,
    /// Id that stays for as long as the item is in the mailbox.
    pub immutable_id: String,
    /// Id of its folder.
    pub folder: String,
    /// Number of its last change: what change keys are made of.
    pub change: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Who made it, as the protocol names its callers.
    pub by: String,
    /// What it says.
    pub content: Content,
}

/// What an item says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Content {
    /// Item class (`IPM.Contact`).
    pub class: String,
    /// Subject.
    pub subject: String,
    /// Body: the notes of a contact, the text of an appointment.
    pub body: Option<Body>,
    /// Categories.
    pub categories: Vec<String>,
    /// Sensitivity.
    pub sensitivity: Sensitivity,
    /// Importance.
    pub importance: Importance,
    /// Reminder.
    pub reminder: Reminder,
    /// Whether somebody read it.
    pub read: bool,
    /// Extended properties.
    pub extended: Extended,
    /// What else the kind has.
    pub kind: Kind,
    /// Fields that one protocol knows and the store does not, as that protocol wrote them:
    /// `ews:MiddleName`, `graph:gender`.
    pub rest: BTreeMap<String, String>,
}

impl Content {
    /// Bytes that it takes, about.
    pub(super) fn size(&self) -> u64 {
        let body = self.body.as_ref().map_or(0, |body| body.text.len());
        let rest: usize = self.rest.values().map(String::len).sum();
        (1024 + self.subject.len() + body + rest + self.extended.size()) as u64
    }
}

/// What kind of item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// A contact.
    Contact(Box<Contact>),
    /// An appointment.
    Appointment(Box<Appointment>),
    /// Anything else; what it says stands in the rest.
    #[default]
    Other,
}

impl Kind {
    /// The contact, where it is one.
    pub fn contact(&self) -> Option<&Contact> {
        match self {
            Self::Contact(contact) => Some(contact),
            _ => None,
        }
    }

    /// The appointment, where it is one.
    pub fn appointment(&self) -> Option<&Appointment> {
        match self {
            Self::Appointment(appointment) => Some(appointment),
            _ => None,
        }
    }
}

/// A body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Body {
    /// It is HTML.
    pub html: bool,
    /// Its text.
    pub text: String,
}

/// Who is to see an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Sensitivity {
    #[default]
    Normal,
    Personal,
    Private,
    Confidential,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Importance {
    Low,
    #[default]
    Normal,
    High,
}

/// A reminder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Reminder {
    /// It is on.
    pub on: bool,
    /// Minutes before the start.
    pub minutes: u32,
}

impl Default for Reminder {
    fn default() -> Self {
        Self { on: false, minutes: 15 }
    }
}

/// The plain texts of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum ContactText {
    FileAs,
    DisplayName,
    GivenName,
    MiddleName,
    Surname,
    Initials,
    Nickname,
    Title,
    Generation,
    Company,
    Department,
    JobTitle,
    Office,
    Manager,
    Assistant,
    Profession,
    HomePage,
    Spouse,
}

/// The telephones of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Phone {
    Assistant,
    BusinessFax,
    Business,
    Business2,
    Callback,
    Car,
    CompanyMain,
    HomeFax,
    Home,
    Home2,
    Isdn,
    Mobile,
    OtherFax,
    Other,
    Pager,
    Primary,
    Radio,
    Telex,
    TtyTdd,
}

/// Which of the postal addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub enum Place {
    Business,
    Home,
    Other,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "named as in both protocols")]
pub struct Address {
    pub street: String,
    pub city: String,
    pub state: String,
    pub country: String,
    pub postal_code: String,
}

/// An e-mail address of a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Email {
    /// Name shown with it; may be empty.
    pub name: String,
    /// Address.
    pub address: String,
}

/// A contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Contact {
    /// Its texts; one that is not set is not here.
    pub texts: BTreeMap<ContactText, String>,
    /// The three e-mail addresses.
    pub emails: [Option<Email>; 3],
    /// Telephones.
    pub phones: BTreeMap<Phone, String>,
    /// Postal addresses.
    pub addresses: BTreeMap<Place, Address>,
    /// Birthday.
    pub birthday: Option<Timestamp>,
    /// The up to three addresses for instant messages.
    pub im: Vec<String>,
}

impl Contact {
    /// A text; empty where it is not set.
    pub fn text(&self, which: ContactText) -> &str {
        self.texts.get(&which).map_or("", String::as_str)
    }

    /// Sets a text; an empty one is removed.
    pub fn set(&mut self, which: ContactText, text: &str) {
        if text.is_empty() {
            self.texts.remove(&which);
        } else {
            self.texts.insert(which, text.to_owned());
        }
    }
}

/// How an appointment shows in free and busy times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, clippy::enum_variant_names, reason = "named as in both protocols")]
pub enum Busy {
    Free,
    WorkingElsewhere,
    Tentative,
    #[default]
    Busy,
    OutOfOffice,
}

/// An appointment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Appointment {
    /// The id that calendars of other people know it by.
    pub uid: String,
    /// Start, of a series its first occurrence's.
    pub start: Timestamp,
    /// End, of a series its first occurrence's.
    pub end: Timestamp,
    /// Zone of the start, as it was named (a Windows or an IANA name).
    pub start_zone: String,
    /// Zone of the end.
    pub end_zone: String,
    /// It takes whole days.
    pub all_day: bool,
    /// How it shows.
    pub busy: Busy,
    /// Where.
    pub location: String,
    /// How it recurs.
    pub recurrence: Option<Recurrence>,
    /// Days, in its zone, on which an occurrence was deleted.
    pub deleted: Vec<Date>,
}

impl Default for Appointment {
    fn default() -> Self {
        Self {
            uid: String::new(),
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
            start_zone: "UTC".to_owned(),
            end_zone: "UTC".to_owned(),
            all_day: false,
            busy: Busy::default(),
            location: String::new(),
            recurrence: None,
            deleted: Vec::new(),
        }
    }
}
