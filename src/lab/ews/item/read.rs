//! Items that a request describes.

use jiff::{Timestamp, civil::Time};
use roxmltree::Node;

use super::contact::filed_by;
use super::{child, child_text, class_of, element_of, set};
use crate::lab::ews::paths::Path;
use crate::lab::ews::xml::Fault;
use crate::lab::names::made_up;
use crate::lab::store::{Appointment, Contact, ContactText, Content, Kind, zone};

/// The item that an element describes. `unique` makes the id that other calendars know it by.
pub(in crate::lab::ews) fn described(node: Node, request_zone: &str, unique: &str) -> Result<Content, Fault> {
    let element = node.tag_name().name();
    let class = child_text(node, "ItemClass");
    let class = if class.is_empty() { class_of(element) } else { class };
    if element != "Item" && element_of(class) != element {
        return Err(Fault::new(
            "ErrorInvalidItemForOperationCreateItem",
            "The item class does not fit the item.",
        ));
    }
    let kind = match element {
        "Contact" => Kind::Contact(Box::default()),
        "CalendarItem" => Kind::Appointment(Box::default()),
        "Message" | "Task" | "Item" => Kind::Other,
        _ => {
            let text = "Items of this type cannot be created.";
            return Err(Fault::new("ErrorInvalidItemForOperationCreateItem", text));
        }
    };
    let mut content = Content { class: class.to_owned(), kind, read: true, ..Content::default() };
    let zone = child(node, "StartTimeZone").and_then(|zone| zone.attribute("Id")).unwrap_or(request_zone);
    for property in node.children().filter(Node::is_element) {
        if property.tag_name().name() != "ItemClass" {
            let path = Path::below(property)
                .unwrap_or_else(|| Path::Field(format!("item:{}", property.tag_name().name())));
            set(&mut content, &path, property, zone)?;
        }
    }
    let mapping = child_text(node, "FileAsMapping");
    match &mut content.kind {
        Kind::Contact(contact) => complete_contact(contact, mapping, &mut content.subject),
        Kind::Appointment(series) => complete_appointment(series, node, zone, unique)?,
        Kind::Other => {}
    }
    Ok(content)
}

/// What the server adds to a contact: names that follow from others.
fn complete_contact(contact: &mut Contact, mapping: &str, subject: &mut String) {
    if let Some(filed) = filed_by(contact, mapping) {
        contact.set(ContactText::FileAs, &filed);
    }
    if contact.text(ContactText::DisplayName).is_empty() {
        let shown = filed_by(contact, "FirstSpaceLast").unwrap_or_default();
        contact.set(ContactText::DisplayName, &shown);
    }
    if subject.is_empty() {
        contact.text(ContactText::DisplayName).clone_into(subject);
    }
}

/// What the server adds to an appointment: a start now, an end half an hour later, its zones.
fn complete_appointment(series: &mut Appointment, node: Node, zone: &str, unique: &str) -> Result<(), Fault> {
    if child(node, "Start").is_none() {
        series.start = Timestamp::now();
    }
    if child(node, "End").is_none() {
        let later = series.start.checked_add(jiff::SignedDuration::from_mins(30));
        series.end = later.unwrap_or(series.start);
    }
    zone.clone_into(&mut series.start_zone);
    let end_zone = child(node, "EndTimeZone").and_then(|zone| zone.attribute("Id")).unwrap_or(zone);
    end_zone.clone_into(&mut series.end_zone);
    if series.uid.is_empty() {
        series.uid = format!(
            "040000008200E00074C5B7101A82E008{}",
            made_up(&["uid", unique]).replace('-', "").to_uppercase()
        );
    }
    zoned(series)
}

/// Checks what start and end must be to each other; whole days begin and end at midnight of their zone.
pub(in crate::lab::ews) fn zoned(series: &mut Appointment) -> Result<(), Fault> {
    if series.end < series.start {
        let text = "EndDate is earlier than StartDate";
        return Err(Fault::new("ErrorCalendarEndDateIsEarlierThanStartDate", text));
    }
    if series.all_day {
        let midnight = |time: Timestamp, name: &str, up: bool| {
            let local = time.to_zoned(zone(name)).datetime();
            let day = local.date();
            let day =
                if up && local.time() != Time::midnight() { day.tomorrow().unwrap_or(day) } else { day };
            let midnight = zone(name).to_ambiguous_zoned(day.to_datetime(Time::midnight())).compatible();
            midnight.map_or(time, |midnight| midnight.timestamp())
        };
        series.start = midnight(series.start, &series.start_zone, false);
        series.end = midnight(series.end, &series.end_zone, true);
    }
    Ok(())
}
