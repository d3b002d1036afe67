//! A folder of a mailbox.

use jiff::Timestamp;
use serde::Serialize;

use super::Extended;

/// A folder.
#[derive(Debug, Clone, Serialize)]
pub struct Folder {
    /// Id.
    pub id: String,
    /// Name by which protocols know a default folder.
    pub default: Option<&'static str>,
    /// Id of the folder above; `None` at the top.
    pub parent: Option<String>,
    /// Folder class (`IPF.Contact`).
    pub class: String,
    /// Name that users see.
    pub shown: String,
    /// Extended properties.
    pub extended: Extended,
    /// Number of its last change: what change keys are made of.
    pub change: u64,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Who made it, as the protocol names its callers; empty for default folders.
    pub by: String,
}

impl Folder {
    /// Whether items of a class (`IPM.Contact`) may be made in it: contacts, appointments and tasks only
    /// where they belong, anything else only where they do not. Deleted Items takes everything.
    pub fn takes(&self, class: &str) -> bool {
        let own = |prefix: &str| {
            self.class.eq_ignore_ascii_case(prefix)
                || self.class.to_ascii_lowercase().starts_with(&format!("{}.", prefix.to_ascii_lowercase()))
        };
        let class = class.to_ascii_lowercase();
        if matches!(self.default, Some("deleteditems" | "recoverableitemsdeletions")) {
            return true;
        }
        if class.starts_with("ipm.contact") || class.starts_with("ipm.distlist") {
            own("IPF.Contact")
        } else if class.starts_with("ipm.appointment") {
            own("IPF.Appointment")
        } else if class.starts_with("ipm.task") {
            own("IPF.Task")
        } else {
            !own("IPF.Contact") && !own("IPF.Appointment") && !own("IPF.Task")
        }
    }
}

/// A folder to be made.
#[derive(Debug, Clone, Default)]
pub struct NewFolder {
    /// Id of the folder above.
    pub parent: String,
    /// Name that users see.
    pub shown: String,
    /// Folder class.
    pub class: String,
    /// Extended properties.
    pub extended: Extended,
    /// Who makes it.
    pub by: String,
}
