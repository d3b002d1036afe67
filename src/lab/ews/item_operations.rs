//! The operations on items.

use roxmltree::Node;
use serde_json::Value;

use super::folder_operations::deletion;
use super::item::{self, Extent, Shown, element_of};
use super::operations::{Context, first, list, part, respond, text_of};
use super::paths::{Path, Shape};
use super::target::{self, Place, Thing, denied, refusal};
use super::xml::{Fault, TYPES};
use super::{folders, public_folders};
use crate::lab::store::{Content, Kind, Mailbox, Refusal};

fn invalid() -> Fault {
    Fault::new("ErrorInvalidRequest", "The request is invalid.")
}

/// `CreateItem`.
pub(super) fn create(context: &Context, operation: Node) -> String {
    let saved = part(operation, "SavedItemFolderId").and_then(first);
    let made = list(operation, "Items").into_iter().map(|node| {
        dispositions(operation, node.tag_name().name())?;
        let place = destination(context, saved, node.tag_name().name())?;
        if !place.level.may('c') {
            let text = "Access is denied. The item cannot be created in this folder.";
            return Err(Fault::new("ErrorCreateItemAccessDenied", text));
        }
        let new = item::described(node, context.zone, &context.ask.request_id)?;
        let by = target::actor(context);
        context.store.write(place.row, |mailbox| {
            let id = mailbox.create_item(&place.folder, new, &by);
            let id = id.map_err(|refused| wrong_folder(refused, node.tag_name().name()))?;
            only_id(mailbox, &id)
        })
    });
    respond("CreateItem", made)
}

/// Attributes that an item of a kind needs.
fn dispositions(operation: Node, element: &str) -> Result<(), Fault> {
    let disposition = operation.attribute("MessageDisposition");
    match element {
        "CalendarItem" if operation.attribute("SendMeetingInvitations").is_none() => {
            let text = "The SendMeetingInvitations attribute is required for calendar items.";
            Err(Fault::new("ErrorSendMeetingInvitationsRequired", text))
        }
        "Message" if disposition.is_none() => {
            let text = "The MessageDisposition attribute is required for messages.";
            Err(Fault::new("ErrorMessageDispositionRequired", text))
        }
        // Nothing leaves the lab.
        "Message" if disposition != Some("SaveOnly") => {
            Err(Fault::new("ErrorMessageSubmissionBlocked", "Sending messages is blocked for this mailbox."))
        }
        _ => Ok(()),
    }
}

/// The folder that takes a new item: the one that is named, else the default one of its kind.
fn destination<'a>(context: &Context<'a>, saved: Option<Node>, element: &str) -> Result<Place<'a>, Fault> {
    if let Some(id) = saved {
        if public_folders::wanted(id).is_some() {
            let text = "Access is denied. The item cannot be created in this folder.";
            return Err(Fault::new("ErrorCreateItemAccessDenied", text));
        }
        return target::locate(context, id);
    }
    let row: &Value = context.mailbox.ok_or_else(|| {
        Fault::new("ErrorMissingEmailAddress", "An account without a mailbox must name the folder.")
    })?;
    let name = match element {
        "Contact" => "contacts",
        "CalendarItem" => "calendar",
        "Task" => "tasks",
        _ => "drafts",
    };
    let folder = context.store.read(row, |mailbox| mailbox.default(name).map(|folder| folder.id.clone()));
    let folder = folder.ok_or_else(|| refusal(Refusal::NoFolder))?;
    Ok(Place { row, folder, level: target::level(context, row, Some(name)) })
}

fn wrong_folder(refused: Refusal, element: &str) -> Fault {
    let (code, text) = match (refused, element) {
        (Refusal::WrongFolder, "Contact") => {
            ("ErrorCannotCreateContactInNonContactFolder", "Contacts can only be created in contact folders.")
        }
        (Refusal::WrongFolder, "CalendarItem") => (
            "ErrorCannotCreateCalendarItemInNonCalendarFolder",
            "Calendar items can only be created in calendar folders.",
        ),
        (Refusal::WrongFolder, "Task") => {
            ("ErrorCannotCreateTaskInNonTaskFolder", "Tasks can only be created in task folders.")
        }
        _ => return refusal(refused),
    };
    Fault::new(code, text)
}

fn only_id(mailbox: &Mailbox, id: &str) -> Result<String, Fault> {
    let shown = Shown::of(mailbox, id).map_err(refusal)?;
    Ok(format!("<m:Items>{}</m:Items>", shown.only_id()))
}

/// `GetItem`.
pub(super) fn get(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "ItemShape"));
    let found = list(operation, "ItemIds").into_iter().map(|node| {
        if public_folders::is_item(node) {
            return public_folders::item(context, node).map(|item| format!("<m:Items>{item}</m:Items>"));
        }
        let thing = target::item(context, node)?;
        context.store.read(thing.place.row, |mailbox| {
            let shown = Shown::of(mailbox, &thing.id).map_err(refusal)?;
            Ok(format!("<m:Items>{}</m:Items>", shown.element(&shape, thing.place.level, Extent::Full)))
        })
    });
    respond("GetItem", found)
}

/// `UpdateItem`.
pub(super) fn update(context: &Context, operation: Node) -> String {
    let changed = list(operation, "ItemChanges").into_iter().map(|change| {
        let id = first(change).ok_or_else(invalid)?;
        let thing = target::item(context, id)?;
        updatable(operation, &thing)?;
        let updates = change.children().find(|child| child.has_tag_name((TYPES, "Updates")));
        let updates = updates.ok_or_else(invalid)?;
        context.store.write(thing.place.row, |mailbox| {
            // A series and its occurrences have one change key.
            let item = mailbox.item(&thing.id).ok_or_else(occurrence_stays)?;
            let mut edited = item.content.clone();
            for one in updates.children().filter(Node::is_element) {
                apply(&mut edited, one, context.zone)?;
            }
            let blind = context.view.at("ews.quirks.any_change_key") == true;
            let never = !blind && operation.attribute("ConflictResolution") == Some("NeverOverwrite");
            let expected = thing.change.filter(|_| never);
            mailbox.update_item(&thing.id, expected, |own| *own = edited).map_err(refusal)?;
            Ok(format!(
                "{}<m:ConflictResults><t:Count>0</t:Count></m:ConflictResults>",
                only_id(mailbox, &thing.id)?
            ))
        })
    });
    respond("UpdateItem", changed)
}

/// The lab changes series, not single occurrences.
fn occurrence_stays() -> Fault {
    Fault::new("ErrorCalendarOccurrenceIsDeletedFromRecurrence", "The occurrence cannot be changed.")
}

fn updatable(operation: Node, thing: &Thing) -> Result<(), Fault> {
    let overwrite = operation.attribute("ConflictResolution") == Some("AlwaysOverwrite");
    if !thing.keyed && !overwrite {
        return Err(Fault::new("ErrorChangeKeyRequired", "A change key is required for this operation."));
    }
    if !thing.may_change() {
        return Err(denied());
    }
    let calendar = element_of(&thing.class) == "CalendarItem";
    if calendar && operation.attribute("SendMeetingInvitationsOrCancellations").is_none() {
        let text = "The SendMeetingInvitationsOrCancellations attribute is required for calendar items.";
        return Err(Fault::new("ErrorSendMeetingInvitationsOrCancellationsRequired", text));
    }
    if element_of(&thing.class) == "Message" && operation.attribute("MessageDisposition").is_none() {
        let text = "The MessageDisposition attribute is required for messages.";
        return Err(Fault::new("ErrorMessageDispositionRequired", text));
    }
    Ok(())
}

/// One update of an item.
fn apply(content: &mut Content, update: Node, zone: &str) -> Result<(), Fault> {
    let path = Path::below(update).ok_or_else(invalid)?;
    let how = update.tag_name().name();
    if how == "DeleteItemField" {
        return item::clear(content, &path);
    }
    let object = update.children().filter(Node::is_element).nth(1).ok_or_else(invalid)?;
    let element = element_of(&content.class);
    if object.tag_name().name() != element && object.tag_name().name() != "Item" {
        return Err(Fault::new(
            "ErrorUpdatePropertyMismatch",
            "The item and the property that is set do not match.",
        ));
    }
    let mut properties = object.children().filter(Node::is_element);
    let (Some(property), None) = (properties.next(), properties.next()) else {
        let text = "An object within a change description must contain one and only one property to modify.";
        return Err(Fault::new("ErrorIncorrectUpdatePropertyCount", text));
    };
    let zone = match &content.kind {
        Kind::Appointment(series) => series.start_zone.clone(),
        _ => zone.to_owned(),
    };
    if how == "AppendToItemField" {
        return item::append(content, &path, property);
    }
    item::set(content, &path, property, &zone)?;
    match &mut content.kind {
        // The end usually follows its start in the same request.
        Kind::Appointment(series) if property.tag_name().name() != "Start" => item::zoned(series),
        _ => Ok(()),
    }
}

/// `DeleteItem`.
pub(super) fn delete(context: &Context, operation: Node) -> String {
    let deleted = list(operation, "ItemIds").into_iter().map(|node| {
        let thing = target::item(context, node)?;
        let needs = match element_of(&thing.class) {
            "CalendarItem" => ("SendMeetingCancellations", "ErrorSendMeetingCancellationsRequired"),
            "Task" => ("AffectedTaskOccurrences", "ErrorAffectedTaskOccurrencesRequired"),
            _ => ("DeleteType", ""),
        };
        if operation.attribute(needs.0).is_none() {
            return Err(Fault::new(needs.1, &format!("The {} attribute is required.", needs.0)));
        }
        if !thing.may_delete() {
            return Err(denied());
        }
        let how = deletion(operation);
        let done = context.store.write(thing.place.row, |mailbox| mailbox.delete_item(&thing.id, how));
        done.map(|()| String::new()).map_err(refusal)
    });
    respond("DeleteItem", deleted)
}

/// `MoveItem` and `CopyItem`.
pub(super) fn transfer(context: &Context, operation: Node) -> String {
    let name = operation.tag_name().name();
    let to = part(operation, "ToFolderId").and_then(first);
    let tells = !matches!(text_of(operation, "ReturnNewItemIds"), "false" | "0");
    let done = list(operation, "ItemIds").into_iter().map(|node| {
        let (thing, to) = (target::item(context, node)?, target::locate(context, to.ok_or_else(invalid)?)?);
        if !to.level.may('c') || (name == "MoveItem" && !thing.may_delete()) {
            return Err(denied());
        }
        let same = folders::is_id(&to.folder) && std::ptr::eq(thing.place.row, to.row);
        if !same {
            return Err(Fault::new("ErrorMoveCopyFailed", "The move or copy operation failed."));
        }
        let by = target::actor(context);
        context.store.write(to.row, |mailbox| {
            let id = match name {
                "MoveItem" => mailbox.move_item(&thing.id, &to.folder),
                _ => mailbox.copy_item(&thing.id, &to.folder, &by),
            };
            let id = id.map_err(refusal)?;
            if tells { only_id(mailbox, &id) } else { Ok("<m:Items/>".to_owned()) }
        })
    });
    respond(name, done)
}
