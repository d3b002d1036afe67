//! Appointments on the wire.

use super::{Shown, element_text, recurrence};
use crate::lab::ews::folders::change_key;
use crate::lab::ews::times;
use crate::lab::ews::xml::escape;
use crate::lab::store::{Appointment, Busy, Mailbox, Occurrence, zone};

/// How an appointment shows, as the schema names it.
pub(in crate::lab::ews) fn busy_name(busy: Busy) -> &'static str {
    match busy {
        Busy::Free => "Free",
        Busy::WorkingElsewhere => "WorkingElsewhere",
        Busy::Tentative => "Tentative",
        Busy::Busy => "Busy",
        Busy::OutOfOffice => "OOF",
    }
}

/// A property that is one text.
pub(super) fn text(shown: &Shown, series: &Appointment, name: &str) -> Option<String> {
    let (start, end) = match shown.occurrence {
        Some(found) => (found.start, found.end),
        None => (series.start, series.end),
    };
    let flag = |on: bool| Some(on.to_string());
    let meeting = shown.item.content.rest.contains_key("ews:RequiredAttendees");
    match name {
        "UID" => Some(series.uid.clone()).filter(|uid| !uid.is_empty()),
        "RecurrenceId" | "OriginalStart" => shown.occurrence.map(|found| times::write(found.start)),
        "DateTimeStamp" => Some(times::write(shown.item.created)),
        "Start" => Some(times::write(start)),
        "End" => Some(times::write(end)),
        "IsAllDayEvent" => flag(series.all_day),
        "LegacyFreeBusyStatus" | "IntendedFreeBusyStatus" => Some(busy_name(series.busy).to_owned()),
        "Location" => Some(series.location.clone()).filter(|location| !location.is_empty()),
        "IsMeeting" => flag(meeting),
        "IsCancelled" | "MeetingRequestWasSent" | "IsOnlineMeeting" => flag(false),
        "IsRecurring" => flag(shown.occurrence.is_some()),
        "IsResponseRequested" | "IsOrganizer" | "AllowNewTimeProposal" => flag(true),
        "CalendarItemType" => Some(
            match (shown.occurrence, &series.recurrence) {
                (Some(_), _) => "Occurrence",
                (None, Some(_)) => "RecurringMaster",
                _ => "Single",
            }
            .to_owned(),
        ),
        "MyResponseType" => Some("Organizer".to_owned()),
        "Duration" => Some(duration(end.duration_since(start).as_secs())),
        "TimeZone" | "StartTimeZoneId" => Some(series.start_zone.clone()),
        "EndTimeZoneId" => Some(series.end_zone.clone()),
        "AppointmentSequenceNumber" => Some("0".to_owned()),
        "AppointmentState" => Some(if meeting { "1" } else { "0" }.to_owned()),
        "ReminderDueBy" => Some(times::write(start)).filter(|_| shown.item.content.reminder.on),
        "StartWallClock" => Some(wall_clock(start, &series.start_zone)),
        "EndWallClock" => Some(wall_clock(end, &series.end_zone)),
        _ => None,
    }
}

fn wall_clock(time: jiff::Timestamp, name: &str) -> String {
    time.to_zoned(zone(name)).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

fn duration(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let day = if days > 0 { format!("{days}D") } else { String::new() };
    format!("P{day}T{hours}H{minutes}M")
}

/// What of an appointment is more than a text.
pub(super) fn special(shown: &Shown, series: &Appointment, name: &str) -> Option<String> {
    match name {
        "Organizer" => {
            let address = escape(shown.mailbox.address());
            Some(format!(
                "<t:Organizer><t:Mailbox><t:Name>{address}</t:Name><t:EmailAddress>{address}</t:EmailAddress>\
                 <t:RoutingType>SMTP</t:RoutingType></t:Mailbox></t:Organizer>"
            ))
        }
        "StartTimeZone" => Some(zone_xml(name, &series.start_zone)),
        "EndTimeZone" => Some(zone_xml(name, &series.end_zone)),
        _ if shown.occurrence.is_some() => None,
        "Recurrence" => Some(recurrence::write(series.recurrence.as_ref()?)),
        "FirstOccurrence" => Some(occurrence(shown, series.recurrence.as_ref().and(series.ends().0)?, name)),
        "LastOccurrence" => Some(occurrence(shown, series.recurrence.as_ref().and(series.ends().1)?, name)),
        "DeletedOccurrences" => {
            let clock = series.start.to_zoned(zone(&series.start_zone)).time();
            let starts = series.deleted.iter().filter_map(|day| {
                let local = zone(&series.start_zone).to_ambiguous_zoned(day.to_datetime(clock));
                Some(times::write(local.compatible().ok()?.timestamp()))
            });
            let rows: String = starts.map(|start| deleted(&start)).collect();
            (!rows.is_empty()).then(|| format!("<t:{name}>{rows}</t:{name}>"))
        }
        _ => None,
    }
}

fn deleted(start: &str) -> String {
    format!("<t:DeletedOccurrence>{}</t:DeletedOccurrence>", element_text("Start", start))
}

fn zone_xml(element: &str, name: &str) -> String {
    format!("<t:{element} Id=\"{0}\" Name=\"{0}\"/>", escape(name))
}

fn occurrence(shown: &Shown, found: Occurrence, element: &str) -> String {
    let id = Mailbox::occurrence_id(&shown.item.id, found.day);
    let key = change_key(shown.mailbox, 0x0f, shown.item.change);
    let (start, end) = (times::write(found.start), times::write(found.end));
    format!(
        "<t:{element}><t:ItemId Id=\"{id}\" ChangeKey=\"{key}\"/><t:Start>{start}</t:Start><t:End>{end}</t:End>\
         <t:OriginalStart>{start}</t:OriginalStart></t:{element}>"
    )
}
