//! What the chain of contacts and that of the calendar do not share: names, paths, permissions.

use serde_json::{Value, json};

use crate::sync::{Access, Kind, MARKER_NAME, MARKER_SET, Role, RunId};
use crate::wire::graph::{Call, Id, Path, literal};

/// Entries wanted on one page of a list.
const PAGE: &str = "100";

impl Kind {
    /// The collection of folders.
    pub(super) fn folders(self) -> &'static str {
        match self {
            Self::Contacts => "contactFolders",
            Self::Calendar => "calendars",
        }
    }

    /// The collection of items, in a folder or in the mailbox.
    pub(super) fn items(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Calendar => "events",
        }
    }

    /// The field that names a folder.
    pub(super) fn folder_name(self) -> &'static str {
        match self {
            Self::Contacts => "displayName",
            Self::Calendar => "name",
        }
    }

    /// The field that names an item.
    pub(super) fn item_name(self) -> &'static str {
        match self {
            Self::Contacts => "displayName",
            Self::Calendar => "subject",
        }
    }

    /// The permission that reading or writing takes.
    pub(super) fn permission(self, access: Access, role: Role, write: bool) -> String {
        let what = match self {
            Self::Contacts => "Contacts",
            Self::Calendar => "Calendars",
        };
        let right = if write { "ReadWrite" } else { "Read" };
        let shared = access == Access::GraphDelegated && role != Role::Account;
        format!("{what}.{right}{}", if shared { ".Shared" } else { "" })
    }
}

/// The marker's id as extended properties want it.
pub fn marker_id() -> String {
    format!("String {{{MARKER_SET}}} Name {MARKER_NAME}")
}

/// The marker as a property of a new folder or item.
pub fn marker(run: &RunId) -> Value {
    json!([{ "id": marker_id(), "value": run.to_string() }])
}

/// The option that has the marker told.
fn expand() -> String {
    format!("singleValueExtendedProperties($filter=id eq {})", literal(&marker_id()))
}

/// The filter for what carries the marker: that of one run, or any.
fn filter(run: Option<&RunId>) -> String {
    let value = match run {
        Some(run) => format!("ep/value eq {}", literal(&run.to_string())),
        // Every run's id begins with its year.
        None => "startswith(ep/value, '20')".into(),
    };
    format!("singleValueExtendedProperties/Any(ep: ep/id eq {} and {value})", literal(&marker_id()))
}

/// The run that a folder's or item's marker names; `None`: it carries none of this program's.
pub fn marked(object: &Value) -> Option<RunId> {
    let properties = object.get("singleValueExtendedProperties")?.as_array()?;
    let id = marker_id();
    let is_ours = |property: &&Value| {
        property.get("id").and_then(Value::as_str).is_some_and(|found| found.eq_ignore_ascii_case(&id))
    };
    RunId::parse(properties.iter().find(is_ours)?.get("value")?.as_str()?)
}

/// The cheapest question that proves that folders can be listed: one id.
pub fn open(root: &Path, kind: Kind) -> Call {
    Call::get(&root.to(kind.folders()), &[("$top", "1"), ("$select", "id")])
}

/// All folders, with their markers.
pub fn list_folders(root: &Path, kind: Kind) -> Call {
    list_marked(&root.to(kind.folders()))
}

/// All items of a folder, with their markers.
pub fn list_items(root: &Path, kind: Kind, folder: &Id) -> Call {
    let name = kind.item_name();
    let query = [("$top", PAGE), ("$select", &format!("id,{name}")), ("$expand", &expand())];
    Call::get(&root.to(kind.folders()).of(folder).to(kind.items()), &query)
}

/// The folders within a contact folder.
pub fn list_children(root: &Path, folder: &Id) -> Call {
    list_marked(&root.to(Kind::Contacts.folders()).of(folder).to("childFolders"))
}

fn list_marked(path: &Path) -> Call {
    Call::get(path, &[("$top", PAGE), ("$select", "id"), ("$expand", &expand())])
}

/// Marked items of a folder, or of the mailbox's own folder of that kind.
pub fn find_marked(root: &Path, kind: Kind, folder: Option<&Id>, run: Option<&RunId>) -> Call {
    let path = match folder {
        Some(folder) => root.to(kind.folders()).of(folder).to(kind.items()),
        None => root.to(kind.items()),
    };
    let query = [("$top", PAGE), ("$select", "id"), ("$filter", &filter(run)), ("$expand", &expand())];
    Call::get(&path, &query)
}

/// One folder, with its marker.
pub fn get_folder(root: &Path, kind: Kind, folder: &Id) -> Call {
    Call::get(&root.to(kind.folders()).of(folder), &[("$select", "id"), ("$expand", &expand())])
}

/// Makes a folder that carries the marker from its first moment.
pub fn create_folder(root: &Path, kind: Kind, run: &RunId) -> Call {
    let mut body = json!({ "singleValueExtendedProperties": marker(run) });
    body[kind.folder_name()] = format!("syncready test sync {run}").replace('/', " ").into();
    Call::post(&root.to(kind.folders()), body)
}

/// Makes an item in a folder.
pub fn create_item(root: &Path, kind: Kind, folder: &Id, body: Value) -> Call {
    Call::post(&root.to(kind.folders()).of(folder).to(kind.items()), body)
}

/// One item, whole, with its marker.
pub fn get_item(root: &Path, kind: Kind, item: &Id) -> Call {
    Call::get(&root.to(kind.items()).of(item), &[("$expand", &expand())]).plain_body()
}

/// Changes an item if it is still the one of this change key.
pub fn update_item(root: &Path, kind: Kind, item: &Id, etag: Option<&str>, change: Value) -> Call {
    Call::patch(&root.to(kind.items()).of(item), etag, change)
}

/// Removes an item or a folder for good.
pub fn purge(path: &Path) -> Call {
    Call::act(&path.to("permanentDelete"))
}

/// The path of an item.
pub fn item(root: &Path, kind: Kind, item: &Id) -> Path {
    root.to(kind.items()).of(item)
}

/// The path of a folder.
pub fn folder(root: &Path, kind: Kind, folder: &Id) -> Path {
    root.to(kind.folders()).of(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> RunId {
        RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 0x1b9d_6bcd)
    }

    #[test]
    fn only_the_programs_own_marker_counts() {
        let with = |id: &str, value: &str| {
            marked(&json!({ "singleValueExtendedProperties": [{ "id": id, "value": value }] }))
        };
        assert_eq!(with(&marker_id(), "2026-11-21T08:15:00Z/1b9d6bcd"), Some(run()));
        assert_eq!(with(&marker_id().to_uppercase(), "2026-11-21T08:15:00Z/1b9d6bcd"), Some(run()));
        assert_eq!(with(&marker_id(), "somebody else's"), None);
        assert_eq!(
            with("String {00020329-0000-0000-c000-000000000046} Name x", "2026-11-21T08:15:00Z/1b9d6bcd"),
            None
        );
        assert_eq!(marked(&json!({ "singleValueExtendedProperties": "x" })), None);
    }

    #[test]
    fn a_shared_mailbox_takes_a_permission_of_its_own() {
        let name = |access, role| Kind::Calendar.permission(access, role, true);
        assert_eq!(name(Access::GraphApp, Role::Other), "Calendars.ReadWrite");
        assert_eq!(name(Access::GraphDelegated, Role::Account), "Calendars.ReadWrite");
        assert_eq!(name(Access::GraphDelegated, Role::Shared), "Calendars.ReadWrite.Shared");
    }
}
