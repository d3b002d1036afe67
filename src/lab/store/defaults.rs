//! The folders that every mailbox has.

use crate::lab::names::made_up;

/// One default folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Default {
    /// Name by which protocols know it (`msgfolderroot`).
    pub name: &'static str,
    /// Name that users see.
    pub shown: &'static str,
    /// Folder class.
    pub class: &'static str,
    /// Name of the folder above; empty at the top.
    pub parent: &'static str,
}

const fn folder(
    name: &'static str,
    shown: &'static str,
    class: &'static str,
    parent: &'static str,
) -> Default {
    Default { name, shown, class, parent }
}

/// Folders that every mailbox has; those above come first.
pub const DEFAULTS: &[Default] = &[
    folder("root", "", "", ""),
    folder("msgfolderroot", "Top of Information Store", "IPF.Note", "root"),
    folder("inbox", "Inbox", "IPF.Note", "msgfolderroot"),
    folder("drafts", "Drafts", "IPF.Note", "msgfolderroot"),
    folder("sentitems", "Sent Items", "IPF.Note", "msgfolderroot"),
    folder("deleteditems", "Deleted Items", "IPF.Note", "msgfolderroot"),
    folder("outbox", "Outbox", "IPF.Note", "msgfolderroot"),
    folder("junkemail", "Junk Email", "IPF.Note", "msgfolderroot"),
    folder("calendar", "Calendar", "IPF.Appointment", "msgfolderroot"),
    folder("contacts", "Contacts", "IPF.Contact", "msgfolderroot"),
    folder("tasks", "Tasks", "IPF.Task", "msgfolderroot"),
    folder("notes", "Notes", "IPF.StickyNote", "msgfolderroot"),
    folder("journal", "Journal", "IPF.Journal", "msgfolderroot"),
    folder("searchfolders", "Finder", "", "root"),
    folder("recoverableitemsroot", "Recoverable Items", "", "root"),
    folder("recoverableitemsdeletions", "Deletions", "", "recoverableitemsroot"),
];

/// The default folder of that name.
pub fn default_folder(name: &str) -> Option<&'static Default> {
    DEFAULTS.iter().find(|folder| folder.name.eq_ignore_ascii_case(name))
}

/// Id of a default folder in the mailbox with that primary address.
pub fn folder_id(address: &str, name: &str) -> String {
    format!("AAMkAG{}AAA=", made_up(&[address, name]).replace('-', ""))
}
