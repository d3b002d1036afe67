//! What the ids of a request name, and what the acting identity may do there.

use roxmltree::Node;
use serde_json::Value;

use super::folders::{self, change_in};
use super::gates::{self, delegate};
use super::identity::Caller;
use super::operations::Context;
use super::xml::{Fault, TYPES};
use crate::lab::access;
use crate::lab::levels::{self, Level, OWNER};
use crate::lab::store::{Folder, Mailbox, Refusal, Target, folder_id};
use crate::lab::view::{answers_to, has, text};

/// A folder that a request named.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    /// Row of its mailbox.
    pub row: &'a Value,
    /// Its id.
    pub folder: String,
    /// What the acting identity may do with it.
    pub level: &'static Level,
}

/// An item that a request named.
#[derive(Debug, Clone)]
pub(super) struct Thing<'a> {
    /// Its folder.
    pub place: Place<'a>,
    /// Its id.
    pub id: String,
    /// Number in the change key that came with it.
    pub change: Option<u64>,
    /// A change key came with it.
    pub keyed: bool,
    /// Its class.
    pub class: String,
    /// The acting identity made it.
    pub own: bool,
}

/// Access is denied.
pub(super) fn denied() -> Fault {
    Fault::new("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}

fn no_folder() -> Fault {
    Fault::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
}

/// No such item.
pub(super) fn no_item() -> Fault {
    Fault::new("ErrorItemNotFound", "The specified object was not found in the store.")
}

/// The fault of something that the store refuses.
pub(super) fn refusal(refusal: Refusal) -> Fault {
    let (code, text) = match refusal {
        Refusal::NoFolder => return no_folder(),
        Refusal::NoItem => return no_item(),
        Refusal::NoSubscription => ("ErrorSubscriptionNotFound", "The specified subscription was not found."),
        Refusal::FolderExists => ("ErrorFolderExists", "A folder with the specified name already exists."),
        Refusal::DefaultFolder => {
            ("ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
        }
        Refusal::IntoItself => ("ErrorMoveCopyFailed", "The move or copy operation failed."),
        Refusal::WrongFolder => {
            ("ErrorInvalidFolderTypeForOperation", "The folder type is invalid for the requested operation.")
        }
        Refusal::Conflict => (
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
        ),
        Refusal::Full => ("ErrorQuotaExceeded", "The mailbox has exceeded its maximum mailbox size."),
        Refusal::BadToken => {
            ("ErrorInvalidSyncStateData", "Synchronization state data is corrupt or otherwise invalid.")
        }
        Refusal::BadWatermark => {
            ("ErrorInvalidWatermark", "The watermark used for creating this subscription was not found.")
        }
    };
    Fault::new(code, text)
}

/// Who acts, as folders and items remember who made them.
pub(super) fn actor(context: &Context) -> String {
    match (context.caller, context.impersonated, context.mailbox) {
        (Caller::User { name, .. }, false, _) => name.clone(),
        (_, _, Some(mailbox)) => text(mailbox, "PrimarySmtpAddress").to_lowercase(),
        (caller, ..) => caller.app().to_owned(),
    }
}

/// What the acting identity may do with a folder of a mailbox: all, or what the level says that the
/// default folder above it gives.
pub(super) fn level(context: &Context, row: &Value, folder: Option<&str>) -> &'static Level {
    if owns(context, row) {
        return OWNER;
    }
    match (context.caller, folder) {
        (Caller::User { name, .. }, Some(folder)) if !context.impersonated => {
            levels::highest(access::folder_rights(context.view, row, folder, name))
        }
        _ => levels::NONE,
    }
}

/// Whether the acting identity may open a whole mailbox: the impersonated one, its own, or by full access.
pub(super) fn owns(context: &Context, row: &Value) -> bool {
    let acting =
        context.mailbox.is_some_and(|own| has(own, "PrimarySmtpAddress", text(row, "PrimarySmtpAddress")));
    acting || (!context.impersonated && delegate(context.view, context.caller, row))
}

/// The folder behind an id, when the acting identity may read it.
pub(super) fn folder<'a>(context: &Context<'a>, id: Node) -> Result<Place<'a>, Fault> {
    let place = locate(context, id)?;
    if place.level.may('r') { Ok(place) } else { Err(denied()) }
}

/// The folder behind an id, whatever the acting identity may do there.
pub(super) fn locate<'a>(context: &Context<'a>, id: Node) -> Result<Place<'a>, Fault> {
    let value = id.attribute("Id").unwrap_or_default();
    if id.has_tag_name((TYPES, "FolderId")) {
        return by_id(context, value);
    }
    let address =
        id.descendants().find(|node| node.has_tag_name((TYPES, "EmailAddress"))).and_then(|node| node.text());
    let row = match address.map(str::trim) {
        None => context.mailbox.ok_or_else(|| {
            let text = "When making a request as an account that does not have a mailbox, you must specify the mailbox primary \
                SMTP address for any distinguished folder Ids.";
            Fault::new("ErrorMissingEmailAddress", text)
        })?,
        Some(address) => {
            let mut known = context.view.mailboxes_named(address).into_iter();
            let fits = |row: &&Value| gates::served(context.view, row) && answers_to(row, address);
            known.find(fits).ok_or_else(gates::no_mailbox)?
        }
    };
    let level = level(context, row, Some(value));
    if level == levels::NONE {
        return Err(denied());
    }
    if let Some(error) = gates::error_of(context.view, row, context.impersonated) {
        let message = gates::message_of(error).unwrap_or("The request could not be completed.");
        return Err(Fault::new(text(error, "code"), message));
    }
    let found = context.store.read(row, |mailbox| mailbox.default(value).map(|folder| folder.id.clone()));
    found.map(|folder| Place { row, folder, level }).ok_or_else(no_folder)
}

fn by_id<'a>(context: &Context<'a>, id: &str) -> Result<Place<'a>, Fault> {
    if !folders::is_id(id) {
        return Err(Fault::new("ErrorInvalidIdMalformed", "Id is malformed."));
    }
    let row = row_of(context, id).ok_or_else(no_folder)?;
    let root = context.store.read(row, |mailbox| {
        mailbox.folder(id)?;
        Some(mailbox.rooted_in(id))
    });
    let level = level(context, row, root.ok_or_else(no_folder)?);
    // Who has no right at all is not told that the folder is there.
    if level == levels::NONE { Err(no_folder()) } else { Ok(Place { row, folder: id.to_owned(), level }) }
}

/// The mailbox that knows an id: the acting one, one that somebody wrote to, one that the caller may open.
fn row_of<'a>(context: &Context<'a>, id: &str) -> Option<&'a Value> {
    let knows = |row: &Value| context.store.read(row, |mailbox| mailbox.knows(id));
    if let Some(own) = context.mailbox.filter(|own| knows(own)) {
        return Some(own);
    }
    if let Some(address) = context.store.owner_of(id) {
        return context.view.mailbox(&address);
    }
    let Caller::User { name, .. } = context.caller else { return None };
    let default = |row: &Value| {
        let address = text(row, "PrimarySmtpAddress");
        ["calendar", "contacts"].into_iter().find(|folder| folder_id(address, folder) == id)
    };
    let mut all = context.view.rows("exchange.mailboxes").into_iter().filter(|_| !context.impersonated);
    all.find(|row| {
        let by_folder =
            || default(row).is_some_and(|name_of| access::reads_folder(context.view, row, name_of, name));
        (owns(context, row) && knows(row)) || by_folder()
    })
}

/// The item behind an `ItemId`, `OccurrenceItemId` or `RecurringMasterItemId`, when the acting identity
/// may read it.
pub(super) fn item<'a>(context: &Context<'a>, node: Node) -> Result<Thing<'a>, Fault> {
    let named = ["Id", "OccurrenceId", "RecurringMasterId"];
    let id = named.into_iter().find_map(|name| node.attribute(name)).unwrap_or_default();
    if !folders::is_id(id) {
        return Err(Fault::new("ErrorInvalidIdMalformed", "Id is malformed."));
    }
    let row = row_of(context, id).ok_or_else(no_item)?;
    let instance = node.attribute("InstanceIndex").and_then(|index| index.parse::<usize>().ok());
    let master = node.attribute("OccurrenceId").is_some();
    let key = node.attribute("ChangeKey").filter(|key| !key.is_empty());
    let by = actor(context);
    let found = context.store.read(row, |mailbox| {
        let (item, day) = match mailbox.target(id) {
            Ok(Target::Item(item)) => (item, None),
            Ok(Target::Occurrence(item, day)) => (item, Some(day).filter(|_| !master)),
            Err(_) => return None,
        };
        let day = match instance {
            Some(index) => Some(nth_day(item.content.kind.appointment()?, index)?),
            None => day,
        };
        let id = day.map_or(item.id.clone(), |day| Mailbox::occurrence_id(&item.id, day));
        let change = key.and_then(|key| change_in(mailbox, key));
        Some((
            id,
            item.folder.clone(),
            mailbox.rooted_in(&item.folder),
            item.content.class.clone(),
            item.by == by,
            change,
        ))
    });
    let (id, folder, root, class, own, change) = found.ok_or_else(no_item)?;
    let place = Place { row, folder, level: level(context, row, root) };
    if key.is_some() && change.is_none() {
        return Err(Fault::new("ErrorInvalidChangeKey", "The change key is invalid."));
    }
    let thing = Thing { place, id, change, keyed: key.is_some(), class, own };
    if thing.place.level.may('r') { Ok(thing) } else { Err(no_item()) }
}

fn nth_day(series: &crate::lab::store::Appointment, index: usize) -> Option<jiff::civil::Date> {
    series.recurrence.as_ref()?.days().nth(index.checked_sub(1)?)
}

impl Thing<'_> {
    /// Whether the acting identity may change it.
    pub(super) fn may_change(&self) -> bool {
        self.place.level.may('a') || (self.own && self.place.level.may('o'))
    }

    /// Whether the acting identity may delete it.
    pub(super) fn may_delete(&self) -> bool {
        self.place.level.may('a') || (self.own && self.place.level.may('d'))
    }
}

/// A folder of a mailbox that is there, which was looked up a moment ago.
pub(super) fn present<'a>(mailbox: &'a Mailbox, id: &str) -> Result<&'a Folder, Fault> {
    mailbox.folder(id).ok_or_else(no_folder)
}
