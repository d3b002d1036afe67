//! Setting, appending and deleting properties of items.

use std::collections::BTreeMap;

use roxmltree::Node;

use super::contact::{EMAILS, IM, PHONES, PLACES, text_of};
use super::{child, recurrence};
use crate::lab::ews::paths::{self, Path};
use crate::lab::ews::times;
use crate::lab::ews::xml::{Fault, escape};
use crate::lab::store::{
    Address, Appointment, Body, Busy, Contact, Content, Email, Importance, Kind, Sensitivity,
};

/// Properties that only the server sets.
const READ_ONLY: &[&str] = &[
    "ItemId",
    "ParentFolderId",
    "Size",
    "DateTimeCreated",
    "DateTimeReceived",
    "DateTimeSent",
    "HasAttachments",
    "EffectiveRights",
    "LastModifiedName",
    "LastModifiedTime",
    "DisplayCc",
    "DisplayTo",
    "CompleteName",
    "CalendarItemType",
    "IsRecurring",
    "IsMeeting",
    "IsCancelled",
    "Organizer",
    "MyResponseType",
    "FirstOccurrence",
    "LastOccurrence",
    "ModifiedOccurrences",
    "DeletedOccurrences",
    "ConversationId",
    "HasPicture",
    "OriginalStart",
    "RecurrenceId",
    "DateTimeStamp",
    "IsSubmitted",
    "IsFromMe",
    "IsUnmodified",
    "Duration",
    "AppointmentState",
    "AppointmentSequenceNumber",
    "IsDraft",
    "WebClientReadFormQueryString",
    "StoreEntryId",
];

fn read_only() -> Fault {
    Fault::new("ErrorInvalidPropertySet", "Set action is invalid for property.")
}

fn mismatch() -> Fault {
    Fault::new("ErrorUpdatePropertyMismatch", "The property path and the property that is set do not match.")
}

fn unreadable(name: &str) -> Fault {
    Fault::new("ErrorInvalidPropertySet", &format!("The value of the property '{name}' is invalid."))
}

/// Sets a property to what its element says; `zone` is that of times without offset.
pub(in crate::lab::ews) fn set(
    content: &mut Content,
    path: &Path,
    node: Node,
    zone: &str,
) -> Result<(), Fault> {
    let name = node.tag_name().name();
    if path.element() != name {
        return Err(mismatch());
    }
    if READ_ONLY.contains(&name) {
        return Err(read_only());
    }
    if name == "ExtendedProperty" {
        content.extended.set(paths::extended(node).ok_or_else(|| unreadable(name))?);
        return Ok(());
    }
    let text = node.text().unwrap_or_default();
    let word = text.trim();
    match name {
        "Subject" => text.clone_into(&mut content.subject),
        "ItemClass" => word.clone_into(&mut content.class),
        "Body" => {
            let html = node.attribute("BodyType") == Some("HTML");
            content.body = Some(Body { html, text: text.to_owned() });
        }
        "Categories" => {
            let all = node.children().filter(Node::is_element);
            content.categories = all.map(|one| one.text().unwrap_or_default().to_owned()).collect();
        }
        "Sensitivity" => content.sensitivity = sensitivity(word),
        "Importance" => content.importance = importance(word),
        "ReminderIsSet" => content.reminder.on = flag(word),
        "ReminderMinutesBeforeStart" => {
            content.reminder.minutes = word.parse().map_err(|_| unreadable(name))?;
        }
        "IsRead" => content.read = flag(word),
        _ => {
            let known = match &mut content.kind {
                Kind::Contact(contact) => set_contact(contact, path, node)?,
                Kind::Appointment(series) => set_appointment(series, node, zone)?,
                Kind::Other => false,
            };
            if !known {
                content.rest.insert(format!("ews:{name}"), raw(node));
            }
        }
    }
    Ok(())
}

fn flag(word: &str) -> bool {
    matches!(word, "true" | "1")
}

fn sensitivity(word: &str) -> Sensitivity {
    match word {
        "Personal" => Sensitivity::Personal,
        "Private" => Sensitivity::Private,
        "Confidential" => Sensitivity::Confidential,
        _ => Sensitivity::Normal,
    }
}

fn importance(word: &str) -> Importance {
    match word {
        "Low" => Importance::Low,
        "High" => Importance::High,
        _ => Importance::Normal,
    }
}

/// An element as this server writes it.
fn raw(node: Node) -> String {
    let name = node.tag_name().name();
    let attributes: String = node.attributes().map(attribute).collect();
    let inner: String = node.children().map(piece).collect();
    format!("<t:{name}{attributes}>{inner}</t:{name}>")
}

fn attribute(own: roxmltree::Attribute) -> String {
    format!(" {}=\"{}\"", own.name(), escape(own.value()))
}

fn piece(node: Node) -> String {
    if node.is_element() { raw(node) } else { escape(node.text().unwrap_or_default()) }
}

/// Sets a property of a contact; says whether it is one that the store knows.
fn set_contact(contact: &mut Contact, path: &Path, node: Node) -> Result<bool, Fault> {
    let name = node.tag_name().name();
    if let Some(which) = text_of(name) {
        contact.set(which, node.text().unwrap_or_default());
        return Ok(true);
    }
    let entries = || {
        let all = node.children().filter(Node::is_element);
        all.map(|entry| (entry.attribute("Key").unwrap_or_default(), entry))
    };
    // Setting one entry of a list leaves the others as they are, setting the list does not.
    let whole = !matches!(path, Path::Indexed(..));
    match name {
        "Birthday" => {
            let time = times::read(node.text().unwrap_or_default(), "UTC");
            contact.birthday = Some(time.ok_or_else(|| unreadable(name))?);
        }
        "EmailAddresses" => {
            if whole {
                contact.emails = Default::default();
            }
            for (key, entry) in entries() {
                let at = EMAILS.iter().position(|own| *own == key).ok_or_else(|| unreadable(name))?;
                contact.emails[at] = email(entry);
            }
        }
        "PhoneNumbers" => {
            if whole {
                contact.phones.clear();
            }
            for (key, entry) in entries() {
                let phone = PHONES.iter().find(|(own, _)| *own == key).ok_or_else(|| unreadable(name))?.1;
                contact.phones.insert(phone, entry.text().unwrap_or_default().to_owned());
            }
            contact.phones.retain(|_, number| !number.is_empty());
        }
        "PhysicalAddresses" => {
            if whole {
                contact.addresses.clear();
            }
            for (key, entry) in entries() {
                let place = PLACES.iter().find(|(own, _)| *own == key).ok_or_else(|| unreadable(name))?.1;
                fill(contact.addresses.entry(place).or_default(), entry);
            }
        }
        "ImAddresses" => {
            for (key, entry) in entries() {
                let at = IM.iter().position(|own| *own == key).ok_or_else(|| unreadable(name))?;
                contact.im.resize(contact.im.len().max(at + 1), String::new());
                entry.text().unwrap_or_default().clone_into(&mut contact.im[at]);
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn email(entry: Node) -> Option<Email> {
    let address = entry.text().unwrap_or_default().trim().to_owned();
    let name = entry.attribute("Name").unwrap_or_default().to_owned();
    (!address.is_empty()).then_some(Email { name, address })
}

fn fill(address: &mut Address, entry: Node) {
    let take = |name: &str, field: &mut String| {
        if let Some(part) = child(entry, name) {
            part.text().unwrap_or_default().clone_into(field);
        }
    };
    take("Street", &mut address.street);
    take("City", &mut address.city);
    take("State", &mut address.state);
    take("CountryOrRegion", &mut address.country);
    take("PostalCode", &mut address.postal_code);
}

/// Sets a property of an appointment; says whether it is one that the store knows.
fn set_appointment(series: &mut Appointment, node: Node, zone: &str) -> Result<bool, Fault> {
    let name = node.tag_name().name();
    let text = node.text().unwrap_or_default();
    let id = || node.attribute("Id").unwrap_or("UTC").to_owned();
    match name {
        "UID" => text.trim().clone_into(&mut series.uid),
        "Start" => series.start = times::read(text, zone).ok_or_else(|| unreadable(name))?,
        "End" => series.end = times::read(text, zone).ok_or_else(|| unreadable(name))?,
        "IsAllDayEvent" => series.all_day = flag(text.trim()),
        "LegacyFreeBusyStatus" => {
            series.busy = match text.trim() {
                "Free" | "NoData" => Busy::Free,
                "Tentative" => Busy::Tentative,
                "OOF" => Busy::OutOfOffice,
                "WorkingElsewhere" => Busy::WorkingElsewhere,
                _ => Busy::Busy,
            }
        }
        "Location" => text.clone_into(&mut series.location),
        "Recurrence" => {
            let read = recurrence::read(node);
            series.recurrence =
                Some(read.ok_or_else(|| {
                    Fault::new("ErrorCalendarInvalidRecurrence", "The recurrence is invalid.")
                })?);
            series.deleted.clear();
        }
        "StartTimeZone" => series.start_zone = id(),
        "EndTimeZone" => series.end_zone = id(),
        // An old form of both zones; it has no name that could be kept.
        "MeetingTimeZone" => {}
        _ => return Ok(false),
    }
    Ok(true)
}

/// Appends to a property.
pub(in crate::lab::ews) fn append(content: &mut Content, path: &Path, node: Node) -> Result<(), Fault> {
    if path.element() != node.tag_name().name() {
        return Err(mismatch());
    }
    match node.tag_name().name() {
        "Body" => {
            let body = content.body.get_or_insert_default();
            body.text += node.text().unwrap_or_default();
            Ok(())
        }
        _ => Err(Fault::new("ErrorInvalidPropertyAppend", "Append action is invalid for property.")),
    }
}

fn stays() -> Fault {
    Fault::new("ErrorInvalidPropertyDelete", "Delete action is invalid for property.")
}

/// Deletes a property.
pub(in crate::lab::ews) fn clear(content: &mut Content, path: &Path) -> Result<(), Fault> {
    if let Path::Extended(name, _) = path {
        content.extended.remove(name);
        return Ok(());
    }
    let name = path.element();
    if READ_ONLY.contains(&name) {
        return Err(stays());
    }
    match (name, &mut content.kind) {
        ("Subject", _) => content.subject.clear(),
        ("Body", _) => content.body = None,
        ("Categories", _) => content.categories.clear(),
        ("Location", Kind::Appointment(series)) => series.location.clear(),
        ("Recurrence", Kind::Appointment(series)) => (series.recurrence, series.deleted) = (None, Vec::new()),
        ("ItemClass" | "Start" | "End" | "Sensitivity" | "Importance" | "IsRead", _) => return Err(stays()),
        (_, Kind::Contact(contact)) => clear_contact(contact, path, &mut content.rest),
        _ => {
            content.rest.remove(&format!("ews:{name}"));
        }
    }
    Ok(())
}

fn clear_contact(contact: &mut Contact, path: &Path, rest: &mut BTreeMap<String, String>) {
    match path {
        Path::Field(_) => match (text_of(path.element()), path.element()) {
            (Some(which), _) => contact.set(which, ""),
            (_, "Birthday") => contact.birthday = None,
            (_, "EmailAddresses") => contact.emails = Default::default(),
            (_, "PhoneNumbers") => contact.phones.clear(),
            (_, "PhysicalAddresses") => contact.addresses.clear(),
            (_, "ImAddresses") => contact.im.clear(),
            (_, other) => {
                rest.remove(&format!("ews:{other}"));
            }
        },
        Path::Indexed(uri, key) => clear_entry(contact, uri, key),
        Path::Extended(..) => {}
    }
}

fn clear_entry(contact: &mut Contact, uri: &str, key: &str) {
    if let Some(at) = EMAILS.iter().position(|own| *own == key) {
        contact.emails[at] = None;
    } else if let Some((_, phone)) = PHONES.iter().find(|(own, _)| *own == key) {
        contact.phones.remove(phone);
    } else if let Some(address) = IM.iter().position(|own| *own == key).and_then(|at| contact.im.get_mut(at))
    {
        address.clear();
    } else if let Some((_, place)) = PLACES.iter().find(|(own, _)| *own == key) {
        clear_address(contact.addresses.entry(*place).or_default(), uri);
        contact.addresses.retain(|_, address| *address != Address::default());
    }
}

fn clear_address(address: &mut Address, uri: &str) {
    match uri.rsplit(':').next().unwrap_or_default() {
        "Street" => address.street.clear(),
        "City" => address.city.clear(),
        "State" => address.state.clear(),
        "CountryOrRegion" => address.country.clear(),
        _ => address.postal_code.clear(),
    }
}
