//! Contacts: in a contact folder, in the default one, and by themselves.

use super::change::{expected, fields};
use super::folders::contact_folder_id;
use super::{CONTACTS, CONTACTS_WRITE, Opened, contact, list, no_item, opened, refused};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Found};
use crate::lab::store::{Deletion, Item, Mailbox};

/// `/users/{id}/contacts` (the default folder's) and `/users/{id}/contactFolders/{id}/contacts`.
pub(in crate::lab::graph) fn contacts(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    open.may('r')?;
    let rows = call.store.read(open.row, |mailbox| {
        let folder = contact_folder_id(mailbox, call.args.get(1).map(String::as_str))?;
        let items =
            mailbox.items_in(&folder).into_iter().filter(|item| item.content.kind.contact().is_some());
        Ok(items.map(|item| contact::row(mailbox, item, &open.prefer)).collect())
    })?;
    list::many(call, &open.prefer, "contact", rows)
}

/// A new contact in one of these folders.
pub(in crate::lab::graph) fn create_contact(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS_WRITE)?;
    open.may('c')?;
    let content = contact::new(&fields(call, "contact")?)?;
    let row = call.store.write(open.row, |mailbox| {
        let folder = contact_folder_id(mailbox, call.args.get(1).map(String::as_str))?;
        let id = mailbox.create_item(&folder, content, &open.by).map_err(|why| refused(why, &folder))?;
        find(mailbox, &id, None).map(|item| contact::row(mailbox, item, &open.prefer))
    })?;
    list::one(call, &open.prefer, 201, &row)
}

/// Folder and id that a path names.
fn named<'a>(call: &'a Call) -> (Option<&'a str>, &'a str) {
    let folder = (call.args.len() > 2).then(|| call.arg(1));
    (folder, call.arg(call.args.len() - 1))
}

/// The contact of that id, where a folder is named only in it.
fn find<'a>(mailbox: &'a Mailbox, id: &str, folder: Option<&str>) -> Result<&'a Item, Refusal> {
    let item = mailbox.item(id).filter(|item| item.content.kind.contact().is_some());
    let item = item.ok_or_else(|| no_item(id))?;
    match folder {
        Some(folder) if contact_folder_id(mailbox, Some(folder))? != item.folder => Err(no_item(id)),
        _ => Ok(item),
    }
}

/// One contact.
pub(in crate::lab::graph) fn contact_one(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    open.may('r')?;
    let (folder, id) = named(call);
    let row = call.store.read(open.row, |mailbox| {
        find(mailbox, id, folder).map(|item| contact::row(mailbox, item, &open.prefer))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Changes a contact.
pub(in crate::lab::graph) fn change_contact(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS_WRITE)?;
    let (body, (folder, id)) = (fields(call, "contact")?, named(call));
    let row = call.store.write(open.row, |mailbox| {
        let item = find(mailbox, id, folder)?;
        open.may_change(&item.by)?;
        let (own, mut content) = (item.id.clone(), item.content.clone());
        contact::set(&mut content, &body)?;
        let known = expected(call, mailbox);
        mailbox.update_item(&own, known, |old| *old = content).map_err(|why| refused(why, id))?;
        find(mailbox, &own, None).map(|item| contact::row(mailbox, item, &open.prefer))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Moves a contact to Deleted Items.
pub(in crate::lab::graph) fn delete_contact(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::ToDeletedItems)
}

/// Removes a contact for good.
pub(in crate::lab::graph) fn purge_contact(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::Hard)
}

fn remove(call: &Call, how: Deletion) -> Result<Found, Refusal> {
    let open: Opened = opened(call, &CONTACTS_WRITE)?;
    let (folder, id) = named(call);
    call.store.write(open.row, |mailbox| {
        let item = find(mailbox, id, folder)?;
        open.may_change(&item.by)?;
        let own = item.id.clone();
        if expected(call, mailbox).is_some_and(|known| known != item.change) {
            return Err(refused(crate::lab::store::Refusal::Conflict, id));
        }
        mailbox.delete_item(&own, how).map_err(|why| refused(why, id))
    })?;
    Ok(list::nothing(&open.prefer))
}
