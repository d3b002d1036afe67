//! Calendars of a mailbox.

use serde_json::{Value, json};

use super::change::{change_key, expected, fields, wrong};
use super::folders::{is_of, named, rename};
use super::list::{self, EXTENDED};
use super::{CALENDARS, CALENDARS_WRITE, Opened, extended, no_item, opened, refused};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Found};
use crate::lab::store::{Deletion, Folder, Mailbox, NewFolder};

const CLASS: &str = "IPF.Appointment";

/// Id of a calendar that a path names; without a name, the default one's.
pub(super) fn calendar_id(mailbox: &Mailbox, named: Option<&str>) -> Result<String, Refusal> {
    let folder = match named {
        None => mailbox.default("calendar"),
        Some(named) => mailbox.folder(named),
    };
    let named = named.unwrap_or_default();
    let folder = folder.filter(|folder| is_of(folder, CLASS)).ok_or_else(|| no_item(named))?;
    Ok(folder.id.clone())
}

fn row(open: &Opened, mailbox: &Mailbox, folder: &Folder) -> Value {
    let (default, edit) = (folder.default.is_some(), open.level.may('a'));
    json!({ "id": folder.id, "name": folder.shown, "color": "auto", "hexColor": "", "isDefaultCalendar": default,
        "changeKey": change_key(mailbox, folder.change), "canShare": edit, "canViewPrivateItems": edit, "canEdit": edit,
        "allowedOnlineMeetingProviders": if default { vec!["teamsForBusiness"] } else { Vec::new() },
        "defaultOnlineMeetingProvider": if default { "teamsForBusiness" } else { "unknown" },
        "isTallyingResponses": default, "isRemovable": !default,
        "owner": { "name": open.row["DisplayName"], "address": open.row["PrimarySmtpAddress"] },
        EXTENDED: extended::rows(&folder.extended) })
}

fn found(open: &Opened, mailbox: &Mailbox, id: &str) -> Result<Value, Refusal> {
    mailbox.folder(id).map(|folder| row(open, mailbox, folder)).ok_or_else(|| no_item(id))
}

/// `/users/{id}/calendars`: the default one first, then all that were not deleted.
pub(in crate::lab::graph) fn calendars(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    let rows = call.store.read(open.row, |mailbox| {
        let id = |name: &str| mailbox.default(name).map(|folder| folder.id.clone()).unwrap_or_default();
        let deleted: Vec<&Folder> = mailbox.below(&id("deleteditems"), true);
        let mut all = mailbox.below(&id("msgfolderroot"), true);
        all.retain(|folder| is_of(folder, CLASS) && !deleted.iter().any(|gone| gone.id == folder.id));
        all.sort_by_key(|folder| folder.default.is_none());
        all.into_iter().map(|folder| row(&open, mailbox, folder)).collect()
    });
    list::many(call, &open.prefer, "calendar", rows)
}

/// `/users/{id}/calendar` (the default one) and `/users/{id}/calendars/{id}`.
pub(in crate::lab::graph) fn calendar(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    let row = call.store.read(open.row, |mailbox| {
        calendar_id(mailbox, call.args.get(1).map(String::as_str)).and_then(|id| found(&open, mailbox, &id))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// A new calendar, below the default one.
pub(in crate::lab::graph) fn create_calendar(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS_WRITE)?;
    open.may('f')?;
    let (shown, extended) = named(&fields(call, "calendar")?, "name")?;
    let shown = shown.filter(|shown| !shown.trim().is_empty()).ok_or_else(|| wrong("name"))?;
    let row = call.store.write(open.row, |mailbox| {
        let parent = calendar_id(mailbox, None)?;
        let new =
            NewFolder { parent: parent.clone(), shown, class: CLASS.into(), extended, by: open.by.clone() };
        let id = mailbox.create_folder(new).map_err(|why| refused(why, &parent))?;
        found(&open, mailbox, &id)
    })?;
    list::one(call, &open.prefer, 201, &row)
}

/// Renames a calendar, or sets its extended properties.
pub(in crate::lab::graph) fn change_calendar(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS_WRITE)?;
    open.may('f')?;
    let (shown, extended) = named(&fields(call, "calendar")?, "name")?;
    let row = call.store.write(open.row, |mailbox| {
        let id = calendar_id(mailbox, call.args.get(1).map(String::as_str))?;
        let known = expected(call, mailbox);
        rename(mailbox, &id, shown, &extended, known)?;
        found(&open, mailbox, &id)
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Moves a calendar to Deleted Items.
pub(in crate::lab::graph) fn delete_calendar(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::ToDeletedItems)
}

/// Removes a calendar for good, with everything in it.
pub(in crate::lab::graph) fn purge_calendar(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::Hard)
}

fn remove(call: &Call, how: Deletion) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS_WRITE)?;
    open.may('f')?;
    call.store.write(open.row, |mailbox| {
        let id = calendar_id(mailbox, Some(call.arg(1)))?;
        mailbox.delete_folder(&id, how).map_err(|why| refused(why, &id))
    })?;
    Ok(list::nothing(&open.prefer))
}
