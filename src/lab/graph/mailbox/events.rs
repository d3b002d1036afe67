//! Events: of the default calendar, of another one, by themselves, and expanded in a span of time.

use jiff::Timestamp;
use serde_json::Value;

use super::calendars::calendar_id;
use super::change::{expected, fields};
use super::event::{self, Part};
use super::{CALENDARS, CALENDARS_WRITE, Opened, list, no_item, opened, refused, times};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::{Call, Found};
use crate::lab::store::{Content, Deletion, Item, Mailbox, Refusal as Stored, Target};

/// Occurrences of one series that a span shows.
const MOST: usize = 1000;

/// `/users/{id}/events`, `/users/{id}/calendar/events`, `/users/{id}/calendars/{id}/events`.
pub(in crate::lab::graph) fn events(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    open.may('r')?;
    let rows = call.store.read(open.row, |mailbox| {
        let calendar = calendar_id(mailbox, call.args.get(1).map(String::as_str))?;
        let items = mailbox.items_in(&calendar).into_iter();
        let events = items.filter(|item| item.content.kind.appointment().is_some());
        Ok(events.map(|item| event::row(&open, mailbox, item, Part::Whole)).collect())
    })?;
    list::many(call, &open.prefer, "event", rows)
}

/// The span that a query names.
pub(super) fn span(call: &Call) -> Result<(Timestamp, Timestamp), Refusal> {
    let read = |name: &str| call.query.get(name).and_then(times::asked);
    read("startDateTime").zip(read("endDateTime")).ok_or_else(|| {
        let text = "This request requires a time window specified by the query string parameters StartDateTime and \
            EndDateTime.";
        Refusal::new(400, "ErrorInvalidParameter", text)
    })
}

/// What an item shows of itself in a span: itself, or the occurrences of the series.
pub(super) fn parts(item: &Item, from: Timestamp, until: Timestamp) -> Vec<Part> {
    let Some(own) = item.content.kind.appointment() else { return Vec::new() };
    let found = own.occurrences(from, until, MOST).into_iter();
    found.map(|one| if own.recurrence.is_some() { Part::One(one) } else { Part::Whole }).collect()
}

/// `/users/{id}/calendarView` and those of a calendar.
pub(in crate::lab::graph) fn calendar_view(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    open.may('r')?;
    let (from, until) = span(call)?;
    let mut rows: Vec<Value> = call.store.read(open.row, |mailbox| {
        let calendar = calendar_id(mailbox, call.args.get(1).map(String::as_str))?;
        let items = mailbox.items_in(&calendar).into_iter();
        let shown = items.flat_map(|item| parts(item, from, until).into_iter().map(move |part| (item, part)));
        Ok(shown.map(|(item, part)| event::row(&open, mailbox, item, part)).collect())
    })?;
    rows.sort_by_key(|row| row["start"]["dateTime"].to_string());
    list::many(call, &open.prefer, "event", rows)
}

/// `/users/{id}/events/{id}/instances`.
pub(in crate::lab::graph) fn instances(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    open.may('r')?;
    let (from, until) = span(call)?;
    let rows = call.store.read(open.row, |mailbox| {
        let (item, _) = find(mailbox, call.arg(1), None)?;
        let shown = parts(item, from, until).into_iter();
        Ok(shown.map(|part| event::row(&open, mailbox, item, part)).collect())
    })?;
    list::many(call, &open.prefer, "event", rows)
}

/// Whether two requests asked for the same event.
fn same(one: &Content, other: &Content) -> bool {
    let times = |content: &Content| content.kind.appointment().map(|own| (own.start, own.end));
    one.subject == other.subject && times(one) == times(other)
}

/// A new event; a repeated request makes no second one.
pub(in crate::lab::graph) fn create_event(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS_WRITE)?;
    open.may('c')?;
    let content = event::new(&fields(call, "event")?)?;
    let row = call.store.write(open.row, |mailbox| {
        let calendar = calendar_id(mailbox, call.args.get(1).map(String::as_str))?;
        let wanted = event::transaction(&content);
        let known =
            mailbox.items().find(|item| wanted.is_some() && event::transaction(&item.content) == wanted);
        let id = match known {
            Some(item) if same(&item.content, &content) => item.id.clone(),
            Some(_) => return Err(used_before()),
            None => {
                mailbox.create_item(&calendar, content, &open.by).map_err(|why| refused(why, &calendar))?
            }
        };
        find(mailbox, &id, None).map(|(item, part)| event::row(&open, mailbox, item, part))
    })?;
    list::one(call, &open.prefer, 201, &row)
}

fn used_before() -> Refusal {
    let text = "Your request can't be completed. The TransactionId specified in the request has already been used to \
        create a different event.";
    Refusal::new(409, "ErrorDuplicateTransactionId", text)
}

/// Calendar and id that a path names.
fn named<'a>(call: &'a Call) -> (Option<&'a str>, &'a str) {
    let calendar = (call.args.len() > 2).then(|| call.arg(1));
    (calendar, call.arg(call.args.len() - 1))
}

/// The event of that id, where a calendar is named only in it.
fn find<'a>(mailbox: &'a Mailbox, id: &str, calendar: Option<&str>) -> Result<(&'a Item, Part), Refusal> {
    let (item, day) = match mailbox.target(id).map_err(|why| refused(why, id))? {
        Target::Item(item) => (item, None),
        Target::Occurrence(item, day) => (item, Some(day)),
    };
    let own = item.content.kind.appointment().ok_or_else(|| no_item(id))?;
    let part = match day {
        None => Part::Whole,
        Some(day) => event::on_day(own, day).map(Part::One).ok_or_else(|| no_item(id))?,
    };
    match calendar {
        Some(calendar) if calendar_id(mailbox, Some(calendar))? != item.folder => Err(no_item(id)),
        _ => Ok((item, part)),
    }
}

/// One event, or one occurrence of a series.
pub(in crate::lab::graph) fn event_one(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    open.may('r')?;
    let (calendar, id) = named(call);
    let row = call.store.read(open.row, |mailbox| {
        find(mailbox, id, calendar).map(|(item, part)| event::row(&open, mailbox, item, part))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Changes an event.
pub(in crate::lab::graph) fn change_event(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS_WRITE)?;
    let (body, (calendar, id)) = (fields(call, "event")?, named(call));
    let row = call.store.write(open.row, |mailbox| {
        let (item, part) = find(mailbox, id, calendar)?;
        open.may_change(&item.by)?;
        if matches!(part, Part::One(_)) {
            // Assumed: the service would make an exception of it, which the lab does not keep.
            let text = "The lab keeps no exceptions of a series.";
            return Err(Refusal::new(501, "NotImplemented", text));
        }
        let (own, mut content) = (item.id.clone(), item.content.clone());
        event::set(&mut content, &body)?;
        let known = expected(call, mailbox);
        mailbox.update_item(&own, known, |old| *old = content).map_err(|why| refused(why, id))?;
        find(mailbox, &own, None).map(|(item, part)| event::row(&open, mailbox, item, part))
    })?;
    list::one(call, &open.prefer, 200, &row)
}

/// Moves an event to Deleted Items.
pub(in crate::lab::graph) fn delete_event(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::ToDeletedItems)
}

/// Removes an event for good.
pub(in crate::lab::graph) fn purge_event(call: &Call) -> Result<Found, Refusal> {
    remove(call, Deletion::Hard)
}

fn remove(call: &Call, how: Deletion) -> Result<Found, Refusal> {
    let open: Opened = opened(call, &CALENDARS_WRITE)?;
    let (calendar, id) = named(call);
    call.store.write(open.row, |mailbox| {
        let (item, _) = find(mailbox, id, calendar)?;
        open.may_change(&item.by)?;
        if expected(call, mailbox).is_some_and(|known| known != item.change) {
            return Err(refused(Stored::Conflict, id));
        }
        mailbox.delete_item(id, how).map_err(|why| refused(why, id))
    })?;
    Ok(list::nothing(&open.prefer))
}
