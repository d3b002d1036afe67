//! Contact folders: the default one, those below and beside it, and their children.

use serde_json::{Map, Value, json};

use super::change::{Field, fields, wrong};
use super::list::{self, EXTENDED};
use super::{CONTACTS, CONTACTS_WRITE, extended, no_item, opened, refused};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Found};
use crate::lab::store::{Deletion, Extended, Folder, Mailbox, NewFolder};

const CLASS: &str = "IPF.Contact";

/// Whether a folder is of a class, or of one derived from it.
pub(super) fn is_of(folder: &Folder, class: &str) -> bool {
    let own = folder.class.get(..class.len()).is_some_and(|start| start.eq_ignore_ascii_case(class));
    own && matches!(folder.class.as_bytes().get(class.len()), None | Some(b'.'))
}

/// Id of a contact folder that a path names; without a name, the default one's.
pub(super) fn contact_folder_id(mailbox: &Mailbox, named: Option<&str>) -> Result<String, Refusal> {
    let named = named.unwrap_or("contacts");
    let known = mailbox.folder(named).or_else(|| mailbox.default(named).filter(|_| named == "contacts"));
    let folder = known.filter(|folder| is_of(folder, CLASS)).ok_or_else(|| no_item(named))?;
    Ok(folder.id.clone())
}

pub(super) fn row(folder: &Folder) -> Value {
    json!({ "id": folder.id, "parentFolderId": folder.parent, "displayName": folder.shown,
        EXTENDED: extended::rows(&folder.extended) })
}

fn found(mailbox: &Mailbox, id: &str) -> Result<Value, Refusal> {
    mailbox.folder(id).map(row).ok_or_else(|| no_item(id))
}

/// Whether a folder stands in the list: below the default one, or beside it.
pub(super) fn is_listed(mailbox: &Mailbox, folder: &Folder) -> bool {
    let above = |name: &str| mailbox.default(name).map(|above| above.id.as_str()) == folder.parent.as_deref();
    is_of(folder, CLASS) && folder.default.is_none() && (above("contacts") || above("msgfolderroot"))
}

/// `/users/{id}/contactFolders`: without the default one, which the service leaves out.
pub(in crate::lab::graph) fn contact_folders(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    let rows = call.store.read(open.row, |mailbox| {
        let top = mailbox.default("msgfolderroot").map(|folder| folder.id.clone()).unwrap_or_default();
        let all = mailbox.below(&top, true).into_iter();
        all.filter(|folder| is_listed(mailbox, folder)).map(row).collect()
    });
    list::many(call, &open.prefer, "contactFolder", rows)
}

/// `/users/{id}/contactFolders/{id}/childFolders`.
pub(in crate::lab::graph) fn child_folders(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    let rows = call.store.read(open.row, |mailbox| {
        let id = contact_folder_id(mailbox, Some(call.arg(1)))?;
        let children = mailbox.below(&id, false).into_iter().filter(|folder| is_of(folder, CLASS));
        Ok(children.map(row).collect())
    })?;
    list::many(call, &open.prefer, "contactFolder", rows)
}

/// `/users/{id}/contactFolders/{id}`.
pub(in crate::lab::graph) fn contact_folder(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    let row = call.store.read(open.row, |mailbox| {
        contact_folder_id(mailbox, Some(call.arg(1))).and_then(|id| found(mailbox, &id))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Name and extended properties in a body.
pub(super) fn named(body: &Map<String, Value>, name: &str) -> Result<(Option<String>, Extended), Refusal> {
    let text = body.get(name).map(|value| Field { name, value }.text().map(str::to_owned)).transpose()?;
    let properties = body.get(EXTENDED).map(|value| extended::read(&Field { name: EXTENDED, value }));
    Ok((text, properties.transpose()?.into_iter().flatten().collect()))
}

/// A new folder in the default one, or in one that the path names.
pub(in crate::lab::graph) fn create_contact_folder(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS_WRITE)?;
    open.may('f')?;
    let (shown, extended) = named(&fields(call, "contactFolder")?, "displayName")?;
    let shown = shown.filter(|shown| !shown.trim().is_empty()).ok_or_else(|| wrong("displayName"))?;
    let row = call.store.write(open.row, |mailbox| {
        let parent = contact_folder_id(mailbox, call.args.get(1).map(String::as_str))?;
        let new =
            NewFolder { parent: parent.clone(), shown, class: CLASS.into(), extended, by: open.by.clone() };
        let id = mailbox.create_folder(new).map_err(|why| refused(why, &parent))?;
        found(mailbox, &id)
    })?;
    list::one(call, &open.prefer, 201, &row)
}

/// Renames a folder, or sets its extended properties.
pub(in crate::lab::graph) fn change_contact_folder(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS_WRITE)?;
    open.may('f')?;
    let (shown, extended) = named(&fields(call, "contactFolder")?, "displayName")?;
    let row = call.store.write(open.row, |mailbox| {
        let id = contact_folder_id(mailbox, Some(call.arg(1)))?;
        rename(mailbox, &id, shown, &extended, None)?;
        found(mailbox, &id)
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Changes name and extended properties of a folder.
pub(super) fn rename(
    mailbox: &mut Mailbox,
    id: &str,
    shown: Option<String>,
    extended: &Extended,
    known: Option<u64>,
) -> Result<(), Refusal> {
    let changed = mailbox.update_folder(id, known, |name, _, own| {
        if let Some(shown) = shown {
            *name = shown;
        }
        extended.iter().for_each(|property| own.set(property.clone()));
    });
    changed.map_err(|why| refused(why, id))
}

/// Moves a folder to Deleted Items.
pub(in crate::lab::graph) fn delete_contact_folder(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::ToDeletedItems)
}

/// Removes a folder for good, with everything in it.
pub(in crate::lab::graph) fn purge_contact_folder(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::Hard)
}

fn remove(call: &Call, how: Deletion) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS_WRITE)?;
    open.may('f')?;
    call.store.write(open.row, |mailbox| {
        let id = contact_folder_id(mailbox, Some(call.arg(1)))?;
        mailbox.delete_folder(&id, how).map_err(|why| refused(why, &id))
    })?;
    Ok(list::nothing(&open.prefer))
}
