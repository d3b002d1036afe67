//! The folders of a mailbox, and their shapes on the wire.

use roxmltree::Node;
use serde_json::Value;

use super::xml::{TYPES, escape};
use crate::lab::names::made_up;
use crate::lab::view::text;

/// One default folder: distinguished name, shown name, class, element, parent.
pub(super) struct Folder {
    /// Distinguished name.
    pub name: &'static str,
    /// Name that users see.
    pub shown: &'static str,
    /// Folder class.
    pub class: &'static str,
    /// Element of the types namespace.
    pub element: &'static str,
    /// Distinguished name of the parent; empty at the top.
    pub parent: &'static str,
}

const fn folder(
    name: &'static str,
    shown: &'static str,
    class: &'static str,
    element: &'static str,
    parent: &'static str,
) -> Folder {
    Folder { name, shown, class, element, parent }
}

/// Folders that every mailbox has.
pub(super) const FOLDERS: &[Folder] = &[
    folder("root", "", "", "Folder", ""),
    folder("msgfolderroot", "Top of Information Store", "IPF.Note", "Folder", "root"),
    folder("inbox", "Inbox", "IPF.Note", "Folder", "msgfolderroot"),
    folder("drafts", "Drafts", "IPF.Note", "Folder", "msgfolderroot"),
    folder("sentitems", "Sent Items", "IPF.Note", "Folder", "msgfolderroot"),
    folder("deleteditems", "Deleted Items", "IPF.Note", "Folder", "msgfolderroot"),
    folder("outbox", "Outbox", "IPF.Note", "Folder", "msgfolderroot"),
    folder("junkemail", "Junk Email", "IPF.Note", "Folder", "msgfolderroot"),
    folder("calendar", "Calendar", "IPF.Appointment", "CalendarFolder", "msgfolderroot"),
    folder("contacts", "Contacts", "IPF.Contact", "ContactsFolder", "msgfolderroot"),
    folder("tasks", "Tasks", "IPF.Task", "TasksFolder", "msgfolderroot"),
    folder("notes", "Notes", "IPF.StickyNote", "Folder", "msgfolderroot"),
    folder("journal", "Journal", "IPF.Journal", "Folder", "msgfolderroot"),
    folder("searchfolders", "Finder", "", "Folder", "root"),
    folder("recoverableitemsroot", "Recoverable Items", "", "Folder", "root"),
    folder("recoverableitemsdeletions", "Deletions", "", "Folder", "recoverableitemsroot"),
];

/// Further distinguished names, of the published schema and of newer clients, whose folders a new
/// mailbox lacks.
const OTHER: &str = "voicemail recoverableitemsversions recoverableitemspurges recoverableitemsdiscoveryholds archiveroot \
    archivemsgfolderroot archivedeleteditems archiveinbox archiverecoverableitemsroot archiverecoverableitemsdeletions \
    archiverecoverableitemsversions archiverecoverableitemspurges archiverecoverableitemsdiscoveryholds syncissues conflicts \
    localfailures serverfailures recipientcache quickcontacts conversationhistory adminauditlogs todosearch mycontacts \
    directory imcontactlist peopleconnect favorites mecontact personmetadata teamspaceactivity teamspacemessaging \
    teamspaceworkitems scheduled orionnotes tagitems alltaggeditems allcategorizeditems externalcontacts teamchat \
    teamchathistory yammerroot yammerinbound yammeroutbound yammerfeeds onedriveroot onedriverecylebin onedrivesystem \
    onedrivevolume important starred archive publicfoldersroot \
    allcontacts allitems allpersonmetadata companycontacts dlppolicyevaluation fromfavoritesenders inference \
    onenotepagepreviews peoplecentricconversationbuddies qedcdefaultretention qedclongretention qedcmediumretention \
    qedcshortretention quarantinedemail quarantinedemaildefaultcategory recoverableitemssubstrateholds relevantcontacts \
    sharepointnotifications shortnotes temporarysaves usercuratedcontacts";

/// Whether the schema has a distinguished folder of that name.
pub(super) fn is_distinguished(name: &str) -> bool {
    distinguished(name).is_some() || OTHER.split_whitespace().any(|other| other == name)
}

/// The default folder of that distinguished name.
pub(super) fn distinguished(name: &str) -> Option<&'static Folder> {
    FOLDERS.iter().find(|folder| folder.name == name)
}

/// The default folder of a mailbox with that id.
pub(super) fn by_id(mailbox: &Value, wanted: &str) -> Option<&'static Folder> {
    FOLDERS.iter().find(|folder| id(mailbox, folder.name) == wanted)
}

/// Id of a folder in a mailbox.
pub(super) fn id(mailbox: &Value, name: &str) -> String {
    format!("AAMkAG{}AAA=", made_up(&[text(mailbox, "PrimarySmtpAddress"), name]).replace('-', ""))
}

/// Whether a text has the form of an id of this server.
pub(super) fn is_id(wanted: &str) -> bool {
    wanted.starts_with("AAMk") && wanted.len() > 20
}

/// Folders below another: direct ones, or all.
pub(super) fn below(parent: &Folder, deep: bool) -> Vec<&'static Folder> {
    let within = |folder: &Folder| {
        let mut above = folder.parent;
        loop {
            if above == parent.name {
                return true;
            }
            match distinguished(above) {
                Some(next) if deep => above = next.parent,
                _ => return false,
            }
        }
    };
    FOLDERS.iter().filter(|folder| within(folder)).collect()
}

/// What a request wants to see of a folder.
pub(super) struct Shape {
    base: String,
    fields: Vec<String>,
}

impl Shape {
    /// Reads a `FolderShape` or `ItemShape`.
    pub(super) fn read(node: Option<Node>) -> Self {
        let within = |name: &'static str| {
            let nodes = node.into_iter().flat_map(|node| node.descendants());
            nodes.filter(move |child| child.has_tag_name((TYPES, name)))
        };
        let base =
            within("BaseShape").next().and_then(|node| node.text()).unwrap_or("Default").trim().to_owned();
        let fields =
            within("FieldURI").filter_map(|node| node.attribute("FieldURI")).map(str::to_owned).collect();
        Self { base, fields }
    }

    /// Whether a folder property is asked for by its name.
    pub(super) fn names(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.strip_prefix("folder:") == Some(name))
    }

    /// Whether a folder property is shown.
    pub(super) fn shows(&self, name: &str, in_default: bool) -> bool {
        self.names(name) || self.base == "AllProperties" || (in_default && self.base == "Default")
    }
}

/// A folder as an element, its properties in the order of the schema.
pub(super) fn element(mailbox: &Value, folder: &Folder, shape: &Shape) -> String {
    let mut text = format!(
        "<t:{}><t:FolderId Id=\"{}\" ChangeKey=\"{}\"/>",
        folder.element,
        id(mailbox, folder.name),
        change_key(folder)
    );
    let children = below(folder, false).len().to_string();
    if !folder.parent.is_empty() && shape.shows("ParentFolderId", false) {
        let parent = distinguished(folder.parent).map_or(String::new(), change_key);
        text =
            format!("{text}<t:ParentFolderId Id=\"{}\" ChangeKey=\"{parent}\"/>", id(mailbox, folder.parent));
    }
    let mut put = |name: &str, in_default: bool, value: &str| {
        if shape.shows(name, in_default) && !value.is_empty() {
            text = format!("{text}<t:{name}>{value}</t:{name}>");
        }
    };
    put("FolderClass", false, folder.class);
    put("DisplayName", true, &escape(folder.shown));
    put("TotalCount", true, "0");
    put("ChildFolderCount", true, &children);
    put("EffectiveRights", false, RIGHTS);
    put("DistinguishedFolderId", false, folder.name);
    if matches!(folder.element, "Folder" | "TasksFolder") {
        put("UnreadCount", true, "0");
    }
    text + &format!("</t:{}>", folder.element)
}

/// Rights of whoever may open the mailbox.
const RIGHTS: &str = "<t:CreateAssociated>true</t:CreateAssociated><t:CreateContents>true</t:CreateContents>\
    <t:CreateHierarchy>true</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify><t:Read>true</t:Read>\
    <t:ViewPrivateItems>true</t:ViewPrivateItems>";

/// Change key of a folder: its kind and a counter, base64.
fn change_key(folder: &Folder) -> String {
    let kind = match folder.element {
        "CalendarFolder" => "AgAAABYAAAB",
        "ContactsFolder" => "AwAAABYAAAB",
        "TasksFolder" => "BAAAABYAAAB",
        _ => "AQAAABYAAAB",
    };
    format!("{kind}{:0>8}AAAA=", folder.name.len())
}
