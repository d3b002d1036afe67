//! The two kinds of folders that a run makes, and what is put into them.

use super::{Name, Part};

/// Contacts or the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Contact folders and contacts.
    Contacts,
    /// Calendars and appointments.
    Calendar,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Contacts, Self::Calendar];

    /// As in `sync.steps[].subject`.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Calendar => "calendar",
        }
    }

    /// The subjects of its items; the first is the one that is changed and deleted.
    pub fn item_subjects(self) -> [&'static str; 2] {
        match self {
            Self::Contacts => ["contact", "note"],
            Self::Calendar => ["appointment", "recurring"],
        }
    }

    /// Whether a step is done with a folder or an item of this kind. A public folder may be called the same.
    pub fn owns(self, name: Name, subject: Option<&str>) -> bool {
        let own = |subject: &str| subject == self.subject() || self.item_subjects().contains(&subject);
        name != Name::PublicFolders && subject.is_some_and(own)
    }

    /// The part of a test that works in such folders.
    pub fn part(self) -> Part {
        match self {
            Self::Contacts => Part::Contacts,
            Self::Calendar => Part::Calendar,
        }
    }
}
