//! An event, between the store and its form in Graph.

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::change::{Field, change_key, to_html, to_text, word_of, wrong};
use super::list::EXTENDED;
use super::{Opened, extended, recurrence, times};
use crate::lab::graph::error::Refusal;
use crate::lab::store::{
    Appointment, Body, Busy, Content, Importance, Item, Kind, Mailbox, Occurrence, Sensitivity,
};

const BUSY: &[(&str, Busy)] = &[
    ("busy", Busy::Busy),
    ("free", Busy::Free),
    ("tentative", Busy::Tentative),
    ("oof", Busy::OutOfOffice),
    ("workingElsewhere", Busy::WorkingElsewhere),
];
const SENSITIVITY: &[(&str, Sensitivity)] = &[
    ("normal", Sensitivity::Normal),
    ("personal", Sensitivity::Personal),
    ("private", Sensitivity::Private),
    ("confidential", Sensitivity::Confidential),
];
const IMPORTANCE: &[(&str, Importance)] =
    &[("normal", Importance::Normal), ("low", Importance::Low), ("high", Importance::High)];

/// Under which the store keeps the client's own id of the request.
const TRANSACTION: &str = "graph:transactionId";
/// Properties that the store keeps as Graph wrote them, and what they are unless somebody sets them.
const KEPT: &[(&str, &str)] = &[
    ("allowNewTimeProposals", "true"),
    ("attendees", "[]"),
    ("hideAttendees", "false"),
    ("responseRequested", "true"),
];

fn invalid() -> Refusal {
    Refusal::new(400, "ErrorPropertyValidationFailure", "At least one property failed validation.")
}

/// A new event.
pub(super) fn new(body: &Map<String, Value>) -> Result<Content, Refusal> {
    if !body.contains_key("start") || !body.contains_key("end") {
        return Err(invalid());
    }
    let uid =
        format!("040000008200E00074C5B7101A82E008{}", Uuid::new_v4().simple().to_string().to_uppercase());
    let own = Appointment { uid, ..Appointment::default() };
    let mut content = Content {
        class: "IPM.Appointment".into(),
        kind: Kind::Appointment(Box::new(own)),
        ..Content::default()
    };
    // A new event reminds, unless the client says otherwise.
    content.reminder.on = true;
    if let Some(value) = body.get("transactionId") {
        let text = Field { name: "transactionId", value }.text()?;
        content.rest.insert(TRANSACTION.into(), text.to_owned());
    }
    set(&mut content, body)?;
    Ok(content)
}

/// The client's own id of the request that made it.
pub(super) fn transaction(content: &Content) -> Option<&str> {
    content.rest.get(TRANSACTION).map(String::as_str).filter(|id| !id.is_empty())
}

/// Changes what a body names.
pub(super) fn set(content: &mut Content, body: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in body.iter().filter(|(name, _)| !name.contains('@')) {
        let field = Field { name, value };
        match name.as_str() {
            "subject" => field.text()?.clone_into(&mut content.subject),
            "body" => content.body = text_of(&field)?,
            "categories" => content.categories = field.texts()?,
            "sensitivity" => content.sensitivity = field.word(SENSITIVITY)?,
            "importance" => content.importance = field.word(IMPORTANCE)?,
            "isReminderOn" => content.reminder.on = field.truth()?,
            "reminderMinutesBeforeStart" => content.reminder.minutes = field.number()?,
            EXTENDED => {
                extended::read(&field)?.into_iter().for_each(|property| content.extended.set(property));
            }
            kept if KEPT.iter().any(|(name, _)| *name == kept) => {
                content.rest.insert(format!("graph:{kept}"), value.to_string());
            }
            _ => {
                if let Kind::Appointment(own) = &mut content.kind {
                    set_own(own, &field)?;
                }
            }
        }
    }
    match content.kind.appointment() {
        Some(own) if own.end < own.start => Err(invalid()),
        _ => Ok(()),
    }
}

fn set_own(own: &mut Appointment, field: &Field) -> Result<(), Refusal> {
    match field.name {
        "start" => (own.start, own.start_zone) = times::read(field.name, field.value)?,
        "end" => (own.end, own.end_zone) = times::read(field.name, field.value)?,
        "isAllDay" => own.all_day = field.truth()?,
        "showAs" => own.busy = field.word(BUSY)?,
        "recurrence" => own.recurrence = recurrence::read(field.value)?,
        "location" => {
            let shown = &field.value["displayName"];
            Field { name: "location", value: shown }.text()?.clone_into(&mut own.location);
        }
        _ => {}
    }
    Ok(())
}

fn text_of(field: &Field) -> Result<Option<Body>, Refusal> {
    if field.value.is_null() {
        return Ok(None);
    }
    let text = field.value["content"].as_str().ok_or_else(|| wrong("body"))?;
    let html = match field.value["contentType"].as_str() {
        Some(kind) if kind.eq_ignore_ascii_case("html") => true,
        Some(kind) if kind.eq_ignore_ascii_case("text") => false,
        None => false,
        Some(_) => return Err(wrong("body")),
    };
    Ok((!text.is_empty()).then(|| Body { html, text: text.to_owned() }))
}

/// What of an event is shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// It, or the whole series.
    Whole,
    /// One occurrence of a series.
    One(Occurrence),
}

/// The occurrence of a series on a day.
pub(super) fn on_day(own: &Appointment, day: Date) -> Option<Occurrence> {
    let all = own.occurrences(jiff::Timestamp::MIN, jiff::Timestamp::MAX, usize::MAX);
    all.into_iter().find(|found| found.day == day)
}

/// The id of an event in the form that the caller prefers.
pub(super) fn id(open: &Opened, item: &Item, part: Part) -> String {
    let id = if open.prefer.immutable { &item.immutable_id } else { &item.id };
    match part {
        Part::Whole => id.clone(),
        Part::One(occurrence) => Mailbox::occurrence_id(id, occurrence.day),
    }
}

/// An event as a row.
pub(super) fn row(open: &Opened, mailbox: &Mailbox, item: &Item, part: Part) -> Value {
    let (content, prefer) = (&item.content, &open.prefer);
    let Some(own) = content.kind.appointment() else { return Value::Null };
    let key = change_key(mailbox, item.change);
    let series = own.recurrence.as_ref();
    let (start, end, kind) = match part {
        Part::One(one) if series.is_some() => (one.start, one.end, "occurrence"),
        Part::Whole if series.is_some() => (own.start, own.end, "seriesMaster"),
        _ => (own.start, own.end, "singleInstance"),
    };
    let whole = matches!(part, Part::Whole);
    let (shown, preview) = body(content.body.as_ref(), prefer.text);
    let place = json!({ "displayName": own.location, "locationType": "default", "uniqueIdType": "unknown",
        "address": {}, "coordinates": {} });
    let mut row = json!({ "@odata.etag": format!("W/\"{key}\""), "id": id(open, item, part),
        "createdDateTime": times::utc(item.created), "lastModifiedDateTime": times::utc(item.modified), "changeKey": key,
        "categories": content.categories, "transactionId": transaction(content),
        "originalStartTimeZone": own.start_zone, "originalEndTimeZone": own.end_zone, "iCalUId": own.uid,
        "reminderMinutesBeforeStart": content.reminder.minutes, "isReminderOn": content.reminder.on,
        "hasAttachments": false, "subject": content.subject, "bodyPreview": preview,
        "importance": word_of(IMPORTANCE, content.importance), "sensitivity": word_of(SENSITIVITY, content.sensitivity),
        "isAllDay": own.all_day, "isCancelled": false, "isOrganizer": true,
        "seriesMasterId": (kind == "occurrence").then(|| id(open, item, Part::Whole)),
        "showAs": word_of(BUSY, own.busy), "type": kind,
        "webLink": format!("https://outlook.office365.com/owa/?itemid={}&exvsurl=1&path=/calendar/item", item.id),
        "onlineMeetingUrl": null, "isOnlineMeeting": false, "onlineMeetingProvider": "unknown", "isDraft": false,
        "responseStatus": { "response": "organizer", "time": "0001-01-01T00:00:00Z" }, "body": shown,
        "start": times::clock(start, prefer), "end": times::clock(end, prefer), "location": place,
        "locations": if own.location.is_empty() { json!([]) } else { json!([place]) },
        "recurrence": series.filter(|_| whole).map(|series| recurrence::row(own, series)),
        "organizer": { "emailAddress": { "name": open.row["DisplayName"], "address": open.row["PrimarySmtpAddress"] } },
        "onlineMeeting": null, EXTENDED: extended::rows(&content.extended) });
    for (name, otherwise) in KEPT {
        let text = content.rest.get(&format!("graph:{name}")).map_or(*otherwise, String::as_str);
        row[*name] = serde_json::from_str(text).unwrap_or_default();
    }
    row
}

/// Body and preview.
fn body(body: Option<&Body>, as_text: bool) -> (Value, String) {
    let plain =
        body.map_or(String::new(), |body| if body.html { to_text(&body.text) } else { body.text.clone() });
    let preview = plain.chars().take(255).collect();
    let shown = match body {
        _ if as_text => json!({ "contentType": "text", "content": plain }),
        None => json!({ "contentType": "html", "content": "" }),
        Some(body) if body.html => json!({ "contentType": "html", "content": body.text }),
        Some(body) => json!({ "contentType": "html", "content": to_html(&body.text) }),
    };
    (shown, preview)
}
