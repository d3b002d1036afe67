//! Free and busy times, and the out-of-office settings.

mod time_zone;

use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

use self::time_zone::Zone;
use super::item::busy_name;
use super::operations::{Context, list};
use super::target;
use super::xml::{self, Fault, MESSAGES, TYPES, escape};
use super::{gates, times};
use crate::lab::store::{Busy, Item, Mailbox, Occurrence, Sensitivity};
use crate::lab::view::answers_to;

/// Longest span of time that may be asked for.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 62);
/// Most events that are told of one mailbox.
const MOST: usize = 1000;

/// What is asked of each mailbox.
struct Wish {
    zone: Zone,
    from: Timestamp,
    to: Timestamp,
    /// Minutes of one digit of the merged view.
    interval: i64,
    view: String,
}

fn text_below<'a>(node: Node<'a, 'a>, name: &str) -> &'a str {
    let found = node.descendants().find(|child| child.has_tag_name((TYPES, name)));
    found.and_then(|child| child.text()).unwrap_or_default().trim()
}

fn typed<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((TYPES, name)))
}

fn wish(operation: Node) -> Result<Wish, Fault> {
    let zone = typed(operation, "TimeZone").and_then(Zone::read);
    let zone = zone.ok_or_else(|| Fault::new("ErrorTimeZone", "The time zone is missing or invalid."))?;
    let options = typed(operation, "FreeBusyViewOptions").ok_or_else(|| {
        let text = "At least one of the FreeBusyView and Suggestions options must be requested.";
        Fault::new("ErrorInvalidFreeBusyViewType", text)
    })?;
    let time = |name: &str| zone.read_time(text_below(options, name));
    let (Some(from), Some(to)) = (time("StartTime"), time("EndTime")) else {
        return Err(Fault::new("ErrorInvalidTimeInterval", "The time window is invalid."));
    };
    if to <= from {
        return Err(Fault::new(
            "ErrorInvalidTimeInterval",
            "The end of the time window is not after its start.",
        ));
    }
    if to.duration_since(from) > LONGEST {
        return Err(Fault::new("ErrorTimeIntervalTooBig", "The time window is longer than 62 days."));
    }
    let interval = text_below(options, "MergedFreeBusyIntervalInMinutes");
    let interval = if interval.is_empty() { Some(30) } else { interval.parse().ok() };
    let interval = interval.filter(|minutes| (5..=1440).contains(minutes)).ok_or_else(|| {
        Fault::new("ErrorInvalidMergedFreeBusyInterval", "The interval must be between 5 and 1440 minutes.")
    })?;
    let view = text_below(options, "RequestedView");
    let view = if view.is_empty() { "FreeBusy" } else { view }.to_owned();
    Ok(Wish { zone, from, to, interval, view })
}

/// `GetUserAvailability`.
pub(super) fn get(context: &Context, operation: Node) -> Result<String, Fault> {
    let wish = wish(operation)?;
    let responses = list(operation, "MailboxDataArray").into_iter().map(|data| {
        let address = typed(data, "Email").map_or("", |email| text_below(email, "Address"));
        match view_of(context, address, &wish) {
            Ok(view) => format!(
                "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
                 </m:ResponseMessage>{view}</m:FreeBusyResponse>"
            ),
            Err(fault) => format!(
                "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>{}</m:MessageText>\
                 <m:ResponseCode>{}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage>\
                 <m:FreeBusyView><t:FreeBusyViewType>None</t:FreeBusyViewType></m:FreeBusyView></m:FreeBusyResponse>",
                escape(fault.message()),
                escape(fault.code())
            ),
        }
    });
    let responses: String = responses.collect();
    Ok(format!(
        "<m:GetUserAvailabilityResponse xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><m:FreeBusyResponseArray>{responses}\
         </m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
    ))
}

/// What the caller may see of the times of a mailbox.
fn view_of(context: &Context, address: &str, wish: &Wish) -> Result<String, Fault> {
    let mut all = context.view.mailboxes_named(address).into_iter();
    let row = all.find(|row| gates::served(context.view, row) && answers_to(row, address));
    let row = row.ok_or_else(|| {
        Fault::new(
            "ErrorMailRecipientNotFound",
            "Unable to resolve e-mail address to an Active Directory object.",
        )
    })?;
    let everybody = &row["x"]["folders"]["calendar"]["permissions"]["Default"];
    let reader = target::level(context, row, Some("calendar")).may('r');
    if everybody == "None" && !reader {
        return Err(Fault::new("ErrorNoFreeBusyAccess", "The caller has no access to free/busy data."));
    }
    let detailed = reader && wish.view.starts_with("Detailed");
    let kind = match (wish.view.as_str(), detailed) {
        ("Detailed", false) => "FreeBusy",
        ("DetailedMerged", false) => "FreeBusyMerged",
        (asked, _) => asked,
    };
    Ok(context.store.read(row, |mailbox| free_busy(mailbox, wish, kind, detailed)))
}

fn free_busy(mailbox: &Mailbox, wish: &Wish, kind: &str, detailed: bool) -> String {
    let found = events(mailbox, wish);
    let merged = if kind.contains("Merged") {
        format!("<t:MergedFreeBusy>{}</t:MergedFreeBusy>", digits(&found, wish))
    } else {
        String::new()
    };
    let rows: String = found.iter().map(|found| event_xml(found, wish, detailed)).collect();
    let array = if kind == "MergedOnly" || rows.is_empty() {
        String::new()
    } else {
        format!("<t:CalendarEventArray>{rows}</t:CalendarEventArray>")
    };
    let hours = wish.zone.working_hours();
    format!(
        "<m:FreeBusyView><t:FreeBusyViewType>{kind}</t:FreeBusyViewType>{merged}{array}{hours}</m:FreeBusyView>"
    )
}

type Found<'a> = (&'a Item, Occurrence, Busy, bool);

/// What takes place in the default calendar, by its start.
fn events<'a>(mailbox: &'a Mailbox, wish: &Wish) -> Vec<Found<'a>> {
    let Some(folder) = mailbox.default("calendar") else { return Vec::new() };
    let mut found: Vec<Found> = Vec::new();
    for item in mailbox.items_in(&folder.id) {
        let Some(series) = item.content.kind.appointment() else { continue };
        let times = series.occurrences(wish.from, wish.to, MOST);
        found.extend(times.into_iter().map(|one| (item, one, series.busy, series.recurrence.is_some())));
    }
    found.sort_by_key(|(_, one, ..)| one.start);
    found.truncate(MOST);
    found
}

/// One digit for each interval: the busiest of what takes place in it.
fn digits(found: &[Found], wish: &Wish) -> String {
    let step = SignedDuration::from_mins(wish.interval);
    let mut start = wish.from;
    let mut text = String::new();
    while start < wish.to {
        let Ok(end) = start.checked_add(step) else { break };
        let within = found.iter().filter(|(_, one, ..)| one.start < end && one.end > start);
        let busiest = within.map(|(_, _, busy, _)| *busy).max().unwrap_or(Busy::Free);
        text.push(match busiest {
            Busy::Free => '0',
            Busy::Tentative => '1',
            Busy::Busy => '2',
            Busy::OutOfOffice => '3',
            Busy::WorkingElsewhere => '4',
        });
        start = end;
    }
    text
}

fn event_xml((item, one, busy, series): &Found, wish: &Wish, detailed: bool) -> String {
    let private = item.content.sensitivity != Sensitivity::Normal;
    let location = item.content.kind.appointment().map_or("", |own| own.location.as_str());
    let details = if detailed {
        format!(
            "<t:CalendarEventDetails><t:ID>{}</t:ID><t:Subject>{}</t:Subject><t:Location>{}</t:Location>\
             <t:IsMeeting>false</t:IsMeeting><t:IsRecurring>{series}</t:IsRecurring><t:IsException>false</t:IsException>\
             <t:IsReminderSet>{}</t:IsReminderSet><t:IsPrivate>{private}</t:IsPrivate></t:CalendarEventDetails>",
            escape(&item.id),
            escape(&item.content.subject),
            escape(location),
            item.content.reminder.on
        )
    } else {
        String::new()
    };
    format!(
        "<t:CalendarEvent><t:StartTime>{}</t:StartTime><t:EndTime>{}</t:EndTime><t:BusyType>{}</t:BusyType>{details}\
         </t:CalendarEvent>",
        wish.zone.write_time(one.start),
        wish.zone.write_time(one.end),
        busy_name(*busy)
    )
}

/// `GetUserOofSettings`: nobody of the lab is out.
pub(super) fn oof_settings(context: &Context, operation: Node) -> String {
    let address = typed(operation, "Mailbox").map_or("", |mailbox| text_below(mailbox, "Address"));
    let row = context.view.mailboxes_named(address).into_iter().find(|row| answers_to(row, address));
    let body = match row {
        Some(row) if target::owns(context, row) => oof_xml(),
        Some(_) => oof_failure(&target::denied()),
        None => oof_failure(&gates::no_mailbox()),
    };
    format!(
        "<m:GetUserOofSettingsResponse xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\">{body}</m:GetUserOofSettingsResponse>"
    )
}

fn oof_failure(fault: &Fault) -> String {
    xml::message("ResponseMessage", "Error", fault.code(), fault.message())
}

fn oof_xml() -> String {
    let now = Timestamp::now();
    let tomorrow = now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now);
    let (start, end) = (times::write(now), times::write(tomorrow));
    format!(
        "<m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>\
         <t:OofSettings><t:OofState>Disabled</t:OofState><t:ExternalAudience>All</t:ExternalAudience>\
         <t:Duration><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime></t:Duration>\
         <t:InternalReply><t:Message/></t:InternalReply><t:ExternalReply><t:Message/></t:ExternalReply></t:OofSettings>\
         <m:AllowExternalOof>All</m:AllowExternalOof>"
    )
}
