//! Change feeds (`delta`): what is new, changed or gone since the state in the caller's link.
//!
//! The state, the options of the first request and the place within a series stand in the token of the
//! link, which means nothing to the caller.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::calendars::calendar_id;
use super::event::{self, Part};
use super::folders::{self, contact_folder_id, is_listed};
use super::prefer::Prefer;
use super::{CALENDARS, CONTACTS, Opened, contact, events, list, opened, refused, times};
use crate::lab::graph::error::Refusal;
use crate::lab::graph::odata::Query;
use crate::lab::graph::routes::{Call, Done, Found};
use crate::lab::store::{Change, ChangeKind, Mailbox, Page, Refusal as Stored};

/// Entries of a page when the caller asks for no other number.
const PAGE: usize = 10;

/// What a token holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Which feed it belongs to.
    feed: String,
    /// State of the store's feed; `None`: its start.
    state: Option<String>,
    /// Entries of the next change that were shown already.
    shown: usize,
    /// What the first request selected.
    select: String,
    /// The span that the first request named.
    span: Option<(i64, i64)>,
}

/// How every token begins: without it, one would look like the signed token of a sign-in.
const LEAD: &str = "GK";

impl Cursor {
    fn to_text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{LEAD}{}", json!(self)))
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        serde_json::from_slice(bytes.strip_prefix(LEAD.as_bytes())?).ok()
    }
}

/// The place in the feed that a request goes on from.
fn cursor(call: &Call, feed: &str, spans: bool) -> Result<Cursor, Refusal> {
    let token = call.query.get("deltatoken").or_else(|| call.query.get("skiptoken"));
    match token.map(Cursor::read) {
        Some(Some(cursor)) if cursor.feed == feed => Ok(cursor),
        Some(Some(_)) => Err(refused(Stored::BadToken, "")),
        Some(None) => Err(Refusal::new(400, "BadRequest", "Badly formed token.")),
        None => {
            let span = if spans { Some(events::span(call)?) } else { None };
            let select = call.query.get("select").unwrap_or_default().to_owned();
            let span = span.map(|(from, until)| (from.as_second(), until.as_second()));
            Ok(Cursor { feed: feed.to_owned(), select, span, ..Cursor::default() })
        }
    }
}

/// Goes through the changes one by one until a page is full; `rows`: what one change shows.
fn walk(
    mut cursor: Cursor,
    size: usize,
    changes: impl Fn(Option<&str>) -> Result<Page, Stored>,
    rows: impl Fn(&Change) -> Vec<Value>,
) -> Result<(Vec<Value>, Cursor, bool), Stored> {
    let mut found = Vec::new();
    loop {
        let page = changes(cursor.state.as_deref())?;
        let mut entries = page.changes.first().map(&rows).unwrap_or_default();
        let rest = entries.split_off(cursor.shown.min(entries.len()));
        let space = size.saturating_sub(found.len());
        if rest.len() > space {
            cursor.shown += space;
            found.extend(rest.into_iter().take(space));
            return Ok((found, cursor, false));
        }
        found.extend(rest);
        (cursor.state, cursor.shown) = (Some(page.token), 0);
        if page.last || found.len() == size {
            return Ok((found, cursor, page.last));
        }
    }
}

/// The page as an answer, with the link to go on from.
fn answer(call: &Call, prefer: &Prefer, kind: &str, walked: (Vec<Value>, Cursor, bool)) -> Found {
    let (rows, cursor, last) = walked;
    let query = Query::parse(&format!("$select={}", cursor.select));
    let typed = |row: &Value| {
        let mut row = list::selected(row, &query);
        row["@odata.type"] = format!("#microsoft.graph.{kind}").into();
        row
    };
    let version = call.ask.path.trim_start_matches('/').split('/').next().unwrap_or("v1.0");
    let mut body = Map::new();
    let context = format!("https://{}/{version}/$metadata#Collection({kind})", call.ask.host);
    body.insert("@odata.context".into(), context.into());
    let (link, token) = if last { ("deltaLink", "deltatoken") } else { ("nextLink", "skiptoken") };
    let next = format!("https://{}{}?${token}={}", call.ask.host, call.ask.path, cursor.to_text());
    body.insert(format!("@odata.{link}"), next.into());
    body.insert("value".into(), rows.iter().map(typed).collect());
    let applied = prefer.applied().map(|(_, all)| all);
    let tracked = applied.iter().map(String::as_str).chain(["odata.track-changes"]).collect::<Vec<_>>();
    let headers = vec![("Preference-Applied".to_owned(), tracked.join(", "))];
    Found::Done(Done { status: 200, body: Some(Value::Object(body)), headers })
}

fn removed(id: &str) -> Vec<Value> {
    vec![json!({ "id": id, "@removed": { "reason": "deleted" } })]
}

/// The id of what changed, in the form that the caller prefers.
fn id<'a>(open: &Opened, mailbox: &'a Mailbox, change: &'a Change) -> &'a str {
    let immutable = mailbox.immutable_id(&change.id).filter(|_| open.prefer.immutable);
    immutable.unwrap_or(&change.id)
}

/// `/users/{id}/contacts/delta` (the default folder's) and that of a contact folder.
pub(in crate::lab::graph) fn contacts_delta(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    open.may('r')?;
    let walked = call.store.read(open.row, |mailbox| {
        let folder = contact_folder_id(mailbox, call.args.get(1).map(String::as_str))?;
        let rows = |change: &Change| match mailbox.item(&change.id) {
            Some(item) if change.kind != ChangeKind::Deleted => {
                vec![contact::row(mailbox, item, &open.prefer)]
            }
            _ => removed(id(&open, mailbox, change)),
        };
        let changes = |state: Option<&str>| mailbox.item_changes(&folder, state, 1);
        let walked = walk(cursor(call, &folder, false)?, open.prefer.page.unwrap_or(PAGE), changes, rows);
        walked.map_err(|why| refused(why, &folder))
    })?;
    Ok(answer(call, &open.prefer, "contact", walked))
}

/// `/users/{id}/contactFolders/delta`.
pub(in crate::lab::graph) fn contact_folders_delta(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CONTACTS)?;
    let walked = call.store.read(open.row, |mailbox| {
        let rows = |change: &Change| match mailbox.folder(&change.id) {
            Some(folder) if is_listed(mailbox, folder) => vec![folders::row(folder)],
            Some(folder) if !folders::is_of(folder, "IPF.Contact") || folder.default.is_some() => Vec::new(),
            _ => removed(&change.id),
        };
        let changes = |state: Option<&str>| mailbox.folder_changes(state, 1);
        let walked = walk(cursor(call, "folders", false)?, open.prefer.page.unwrap_or(PAGE), changes, rows);
        walked.map_err(|why| refused(why, ""))
    })?;
    Ok(answer(call, &open.prefer, "contactFolder", walked))
}

/// `/users/{id}/calendarView/delta` (the default calendar's) and that of a calendar.
pub(in crate::lab::graph) fn calendar_view_delta(call: &Call) -> Result<Found, Refusal> {
    let open = opened(call, &CALENDARS)?;
    open.may('r')?;
    let walked = call.store.read(open.row, |mailbox| {
        let calendar = calendar_id(mailbox, call.args.get(1).map(String::as_str))?;
        let cursor = cursor(call, &calendar, true)?;
        let second = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let (from, until) = cursor.span.unwrap_or_default();
        let rows = |change: &Change| entries(&open, mailbox, change, second(from), second(until));
        let changes = |state: Option<&str>| mailbox.item_changes(&calendar, state, 1);
        let walked = walk(cursor, open.prefer.page.unwrap_or(PAGE), changes, rows);
        walked.map_err(|why| refused(why, &calendar))
    })?;
    Ok(answer(call, &open.prefer, "event", walked))
}

/// What one change shows in a span: an event as a whole; of a series the master as a whole, and its
/// occurrences with little more than their times.
fn entries(
    open: &Opened,
    mailbox: &Mailbox,
    change: &Change,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Value> {
    let item = mailbox.item(&change.id).filter(|_| change.kind != ChangeKind::Deleted);
    let parts = item.map(|item| events::parts(item, from, until)).unwrap_or_default();
    let Some(item) = item.filter(|_| !parts.is_empty()) else {
        let known = change.kind != ChangeKind::Created;
        return if known { removed(id(open, mailbox, change)) } else { Vec::new() };
    };
    let mut found = vec![event::row(open, mailbox, item, Part::Whole)];
    for part in parts {
        if let Part::One(one) = part {
            found.push(json!({ "@odata.etag": found[0]["@odata.etag"], "id": event::id(open, item, part),
                "seriesMasterId": event::id(open, item, Part::Whole), "type": "occurrence",
                "start": times::clock(one.start, &open.prefer), "end": times::clock(one.end, &open.prefer) }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_being_sent() {
        let cursor = Cursor {
            feed: "f".into(),
            state: Some("a b".into()),
            shown: 3,
            select: "x,y".into(),
            span: Some((1, 2)),
        };
        assert_eq!(Cursor::read(&cursor.to_text()), Some(cursor));
        assert_eq!(Cursor::read("expired"), None);
    }
}
