//! The folders of a mailbox: their names, ids and shapes on the wire.

use std::fmt::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::paths::{Shape, extended_xml};
use super::schema;
use super::xml::escape;
use crate::lab::levels::Level;
use crate::lab::store::{Folder, Mailbox, Property, PropertyName, default_folder};

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
    default_folder(name).is_some() || OTHER.split_whitespace().any(|other| other == name)
}

/// Whether a text has the form of an id of this server.
pub(super) fn is_id(wanted: &str) -> bool {
    (wanted.starts_with("AAMk") || wanted.starts_with("AAkA")) && wanted.len() > 20
}

/// The element that stands for a folder of a class.
pub(super) fn element_of(class: &str) -> &'static str {
    let class = class.to_ascii_lowercase();
    let is = |prefix: &str| class == prefix || class.starts_with(&format!("{prefix}."));
    if is("ipf.appointment") {
        "CalendarFolder"
    } else if is("ipf.contact") {
        "ContactsFolder"
    } else if is("ipf.task") {
        "TasksFolder"
    } else {
        "Folder"
    }
}

/// The class of a folder that an element makes.
pub(super) fn class_of(element: &str) -> &'static str {
    match element {
        "CalendarFolder" => "IPF.Appointment",
        "ContactsFolder" => "IPF.Contact",
        "TasksFolder" => "IPF.Task",
        _ => "IPF.Note",
    }
}

/// A change key: the kind of object, then what the mailbox makes of the number.
pub(super) fn change_key(mailbox: &Mailbox, kind: u8, change: u64) -> String {
    let key = mailbox.change_key(change);
    let length = u8::try_from(key.len()).unwrap_or_default();
    let bytes: Vec<u8> = [kind, 0, 0, 0, length, 0, 0, 0].into_iter().chain(key).collect();
    BASE64_STANDARD.encode(bytes)
}

/// The number in a change key; `None`: it is none of this mailbox.
pub(super) fn change_in(mailbox: &Mailbox, key: &str) -> Option<u64> {
    let bytes = BASE64_STANDARD.decode(key).ok()?;
    mailbox.change_of(bytes.get(8..)?)
}

/// The change key of a folder.
pub(super) fn key_of(mailbox: &Mailbox, folder: &Folder) -> String {
    let kind = match element_of(&folder.class) {
        "CalendarFolder" => 2,
        "ContactsFolder" => 3,
        "TasksFolder" => 4,
        _ => 1,
    };
    change_key(mailbox, kind, folder.change)
}

/// An element with id and change key of a folder.
pub(super) fn id_xml(mailbox: &Mailbox, name: &str, id: &str) -> String {
    let key = mailbox.folder(id).map_or(String::new(), |folder| key_of(mailbox, folder));
    format!("<t:{name} Id=\"{id}\" ChangeKey=\"{key}\"/>")
}

/// A folder as an element, its properties in the order of the schema.
pub(super) fn element(mailbox: &Mailbox, folder: &Folder, shape: &Shape, level: &Level) -> String {
    let element = element_of(&folder.class);
    let mut text = format!("<t:{element}>");
    for name in schema::order(element) {
        let in_default =
            matches!(name, "FolderId" | "DisplayName" | "TotalCount" | "ChildFolderCount" | "UnreadCount");
        if name == "FolderId" || shape.shows(name, in_default) || name == "ExtendedProperty" {
            text += &property(mailbox, folder, name, shape, level).unwrap_or_default();
        }
    }
    text + &format!("</t:{element}>")
}

fn property(mailbox: &Mailbox, folder: &Folder, name: &str, shape: &Shape, level: &Level) -> Option<String> {
    let value = match name {
        "FolderId" => return Some(id_xml(mailbox, name, &folder.id)),
        "ParentFolderId" => return Some(id_xml(mailbox, name, folder.parent.as_deref()?)),
        "ExtendedProperty" => {
            let asked = shape.extended().filter_map(|(name, kind)| extended(mailbox, folder, name, kind));
            return Some(asked.map(|property| extended_xml(&property)).collect());
        }
        "FolderClass" => folder.class.clone(),
        "DisplayName" => escape(&folder.shown),
        "TotalCount" => mailbox.items_in(&folder.id).len().to_string(),
        "ChildFolderCount" => mailbox.below(&folder.id, false).len().to_string(),
        "UnreadCount" => {
            mailbox.items_in(&folder.id).iter().filter(|item| !item.content.read).count().to_string()
        }
        "EffectiveRights" => rights(level),
        "DistinguishedFolderId" => folder.default?.to_owned(),
        _ => return None,
    };
    (!value.is_empty()).then(|| format!("<t:{name}>{value}</t:{name}>"))
}

/// An extended property of a folder: one that was set, or one that the store computes.
pub(super) fn extended(
    mailbox: &Mailbox,
    folder: &Folder,
    name: &PropertyName,
    kind: &str,
) -> Option<Property> {
    let root = folder.default == Some("root");
    let (_, send, limit) = mailbox.quota_details();
    let kilobytes = |bytes: Option<u64>| bytes.map(|bytes| (bytes >> 10).to_string());
    let value = match (name, kind) {
        (PropertyName::Tag(SIZE), "Long") => Some(mailbox.size_of(&folder.id).to_string()),
        (PropertyName::Tag(SEND_QUOTA), "Integer") if root => kilobytes(send),
        (PropertyName::Tag(RECEIVE_QUOTA), "Integer") if root => kilobytes(limit),
        _ => return folder.extended.get(name, kind).cloned(),
    };
    Some(Property { name: name.clone(), kind: kind.to_owned(), values: vec![value?] })
}

/// `PR_MESSAGE_SIZE_EXTENDED`.
const SIZE: u16 = 0x0e08;
/// `PR_PROHIBIT_RECEIVE_QUOTA`, in kilobytes.
const RECEIVE_QUOTA: u16 = 0x666a;
/// `PR_PROHIBIT_SEND_QUOTA`, in kilobytes.
const SEND_QUOTA: u16 = 0x666e;

/// What a level lets its holder do with a folder.
pub(super) fn rights(level: &Level) -> String {
    let owner = level.name == "Owner";
    let mut text = String::new();
    for (name, may) in [
        ("CreateAssociated", owner),
        ("CreateContents", level.may('c')),
        ("CreateHierarchy", level.may('f')),
        ("Delete", level.may('d')),
        ("Modify", level.may('o')),
        ("Read", level.may('r')),
        ("ViewPrivateItems", owner),
    ] {
        write!(text, "<t:{name}>{may}</t:{name}>").expect("writing to a String cannot fail");
    }
    text
}
