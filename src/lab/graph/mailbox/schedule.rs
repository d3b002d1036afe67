//! Free and busy times (`getSchedule`).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::prefer::Prefer;
use super::{CALENDARS, opened, times};
use crate::lab::access;
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Done, Found};
use crate::lab::store::{Busy, Item, Occurrence, Sensitivity};
use crate::lab::view::has;

/// Mailboxes and days of one request.
const MAILBOXES: usize = 20;
const DAYS: i64 = 62;
/// Minutes of an interval when the caller names none.
const MINUTES: i64 = 30;
/// Events of one mailbox that are looked at.
const MOST: usize = 1000;

/// `/users/{id}/calendar/getSchedule`.
pub(in crate::lab::graph) fn schedule(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    let body = call.body()?;
    let invalid = |text: &str| Refusal::new(400, "ErrorInvalidRequest", text);
    let names: Option<Vec<&str>> =
        body["schedules"].as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    let names =
        names.filter(|names| !names.is_empty()).ok_or_else(|| invalid("Schedules cannot be empty."))?;
    if names.len() > MAILBOXES {
        return Err(invalid("The number of schedules exceeds the limit."));
    }
    let (from, _) = times::read("startTime", &body["startTime"])?;
    let (until, _) = times::read("endTime", &body["endTime"])?;
    let minutes = body["availabilityViewInterval"].as_i64().unwrap_or(MINUTES);
    if until <= from || !(5..=1440).contains(&minutes) {
        return Err(Refusal::new(400, "ErrorInvalidTimeInterval", "The time interval is invalid."));
    }
    let window = Window { from, until, minutes, prefer: open.prefer };
    let rows: Vec<Value> = names.into_iter().map(|name| row(call, name, &window)).collect();
    let mut body = json!({ "value": rows });
    let version = call.ask.path.trim_start_matches('/').split('/').next().unwrap_or("v1.0");
    let kind = "Collection(microsoft.graph.scheduleInformation)";
    body["@odata.context"] = format!("https://{}/{version}/$metadata#{kind}", call.ask.host).into();
    let headers = window.prefer.applied().into_iter().collect();
    Ok(Found::Done(Done { status: 200, body: Some(body), headers }))
}

/// What is asked about.
struct Window {
    from: Timestamp,
    until: Timestamp,
    minutes: i64,
    prefer: Prefer,
}

fn failed(name: &str, code: &str, message: &str) -> Value {
    json!({ "scheduleId": name, "error": { "message": message, "responseCode": code } })
}

/// The times of one mailbox.
fn row(call: &Call, name: &str, window: &Window) -> Value {
    if window.until.duration_since(window.from) > SignedDuration::from_hours(24 * DAYS) {
        return failed(name, "ErrorTimeIntervalTooBig", "The requested time duration is too long.");
    }
    let Some(mailbox) = call.view.mailbox(name).filter(|mailbox| mailbox["x"]["soft_deleted"] != true) else {
        let text = "Unable to resolve e-mail address to an Active Directory object.";
        return failed(name, "ErrorMailRecipientNotFound", text);
    };
    let caller = call.ask.claim("oid");
    let own = has(mailbox, "ExternalDirectoryObjectId", caller);
    let details = call.ask.app_only() || own || access::reads_folder(call.view, mailbox, "calendar", caller);
    let mut busy: Vec<(Busy, Occurrence, Value)> = call.store.read(mailbox, |content| {
        let id = content.default("calendar").map(|folder| folder.id.clone()).unwrap_or_default();
        let items = content.items_in(&id).into_iter();
        items.flat_map(|item| times_of(item, window, details)).collect()
    });
    busy.sort_by_key(|(_, one, _)| one.start);
    let zone = mailbox["x"]["time_zone"].as_str().unwrap_or("W. Europe Standard Time");
    json!({ "scheduleId": name, "availabilityView": view(&busy, window),
        "scheduleItems": busy.into_iter().map(|(.., row)| row).collect::<Vec<_>>(),
        "workingHours": { "daysOfWeek": ["monday", "tuesday", "wednesday", "thursday", "friday"],
            "startTime": "08:00:00.0000000", "endTime": "17:00:00.0000000", "timeZone": { "name": zone } } })
}

fn times_of(item: &Item, window: &Window, details: bool) -> Vec<(Busy, Occurrence, Value)> {
    let Some(own) = item.content.kind.appointment() else { return Vec::new() };
    let status = match own.busy {
        Busy::Free => "free",
        Busy::Tentative => "tentative",
        Busy::Busy => "busy",
        Busy::OutOfOffice => "oof",
        Busy::WorkingElsewhere => "workingElsewhere",
    };
    let private = !matches!(item.content.sensitivity, Sensitivity::Normal | Sensitivity::Personal);
    let found = own.occurrences(window.from, window.until, MOST).into_iter();
    found
        .map(|one| {
            let mut row = json!({ "status": status, "start": times::clock(one.start, &window.prefer),
                "end": times::clock(one.end, &window.prefer) });
            if details {
                row["isPrivate"] = private.into();
                row["isMeeting"] = false.into();
                row["isRecurring"] = own.recurrence.is_some().into();
                row["isException"] = false.into();
                row["isReminderSet"] = item.content.reminder.on.into();
                if !private {
                    row["subject"] = item.content.subject.as_str().into();
                    row["location"] = own.location.as_str().into();
                }
            }
            (own.busy, one, row)
        })
        .collect()
}

/// One digit an interval: free, tentative, busy, out of office, working elsewhere.
fn view(busy: &[(Busy, Occurrence, Value)], window: &Window) -> String {
    let digit = |busy: Busy| match busy {
        Busy::Free => (0, '0'),
        Busy::WorkingElsewhere => (1, '4'),
        Busy::Tentative => (2, '1'),
        Busy::Busy => (3, '2'),
        Busy::OutOfOffice => (4, '3'),
    };
    let mut text = String::new();
    let mut start = window.from;
    while start < window.until {
        let Ok(end) = start.checked_add(SignedDuration::from_mins(window.minutes)) else { break };
        let here = busy.iter().filter(|(_, one, _)| one.start < end && one.end > start);
        text.push(here.map(|(busy, ..)| digit(*busy)).max().map_or('0', |(_, digit)| digit));
        start = end;
    }
    text
}
