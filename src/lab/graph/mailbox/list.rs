//! Lists and single objects of a mailbox: filter, order, pages, selection, expanded extended properties.

use serde_json::{Map, Value, json};

use super::prefer::Prefer;
use crate::lab::graph::error::Refusal;
use crate::lab::graph::filter::Filter;
use crate::lab::graph::odata::Query;
use crate::lab::graph::routes::{Call, Done, Found};
use crate::lab::graph::schema;

/// Entries of a page when the caller asks for no other number, and the most that there may be.
const PAGE: usize = 10;
const LARGEST: usize = 1000;

/// Under which rows hold all their single-valued extended properties.
pub(super) const EXTENDED: &str = "singleValueExtendedProperties";

fn bad_query(code: &str, text: impl Into<String>) -> Refusal {
    Refusal::new(400, code, text)
}

/// The extended properties that are to be shown.
fn expansion(query: &Query) -> Result<Option<Filter>, Refusal> {
    let Some(text) = query.get("expand") else { return Ok(None) };
    let Some(start) = text.to_ascii_lowercase().find(&EXTENDED.to_ascii_lowercase()) else { return Ok(None) };
    let options = text.get(start + EXTENDED.len()..).and_then(|rest| rest.strip_prefix('('));
    let options = options.map(inside).unwrap_or_default();
    let filter =
        options.split(';').find_map(|option| option.trim().trim_start_matches('$').strip_prefix("filter="));
    let filter = filter.and_then(Filter::parse);
    // Assumed: the service wants the ids, but no source shows what it says without them.
    let text = "Expanding singleValueExtendedProperties needs a filter that names their ids.";
    filter.map(Some).ok_or_else(|| bad_query("ErrorInvalidUrlQuery", text))
}

/// What stands before the closing parenthesis; those in quotes do not count.
fn inside(text: &str) -> &str {
    let (mut quoted, mut depth) = (false, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return text.get(..place).unwrap_or_default(),
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    text
}

/// A row as the query shows it.
fn cut(row: &Value, query: &Query, expansion: Option<&Filter>) -> Value {
    let wanted = query.names("select");
    let mut kept = Map::new();
    for (name, value) in row.as_object().into_iter().flatten() {
        if name == EXTENDED {
            let all = value.as_array().into_iter().flatten();
            let shown: Vec<&Value> =
                all.filter(|property| expansion.is_some_and(|wanted| wanted.holds(property))).collect();
            if !shown.is_empty() {
                kept.insert(name.clone(), json!(shown));
            }
        } else if name.starts_with('@')
            || name == "id"
            || wanted.is_empty()
            || wanted.iter().any(|want| want.eq_ignore_ascii_case(name))
        {
            kept.insert(name.clone(), value.clone());
        }
    }
    Value::Object(kept)
}

/// The same for an entry of a change feed, which knows no expansion.
pub(super) fn selected(row: &Value, query: &Query) -> Value {
    cut(row, query, None)
}

/// One object, as the answer to having asked for it or made it.
pub(super) fn one(call: &Call, prefer: &Prefer, status: u16, row: &Value) -> Result<Found, Refusal> {
    let expansion = expansion(&call.query)?;
    let mut body = Map::new();
    body.insert("@odata.context".into(), schema::context(call.ask, false).into());
    let row = cut(row, &call.query, expansion.as_ref());
    let mut headers: Vec<(String, String)> = prefer.applied().into_iter().collect();
    if let Some(etag) = row["@odata.etag"].as_str() {
        headers.push(("ETag".into(), etag.into()));
    }
    if let (201, Some(id)) = (status, row["id"].as_str()) {
        headers.push(("Location".into(), format!("https://{}{}('{id}')", call.ask.host, call.ask.path)));
    }
    if let Value::Object(row) = row {
        body.extend(row);
    }
    Ok(Found::Done(Done { status, body: Some(Value::Object(body)), headers }))
}

/// Nothing, as the answer to having deleted something.
pub(super) fn nothing(prefer: &Prefer) -> Found {
    Found::Done(Done { status: 204, body: None, headers: prefer.applied().into_iter().collect() })
}

/// A list.
pub(super) fn many(
    call: &Call,
    prefer: &Prefer,
    entity: &str,
    mut rows: Vec<Value>,
) -> Result<Found, Refusal> {
    let (query, expansion) = (&call.query, expansion(&call.query)?);
    if let Some(filter) = filter(query, entity)? {
        rows.retain(|row| filter.holds(row));
    }
    order(query, &mut rows);
    let number = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<usize>().map(Some).map_err(|_| {
            bad_query("ErrorInvalidUrlQuery", format!("Invalid value '{text}' for ${name} query option."))
        }),
    };
    let (top, skip) = (number("top")?, number("skip")?.unwrap_or(0));
    if top.is_some_and(|top| top == 0 || top > LARGEST) {
        let text = format!("The value of $top has to be between 1 and {LARGEST}.");
        return Err(bad_query("ErrorInvalidUrlQuery", text));
    }
    let size = prefer.page.or(top).unwrap_or(PAGE).min(LARGEST);
    let mut body = Map::new();
    body.insert("@odata.context".into(), schema::context(call.ask, true).into());
    if query.get("count") == Some("true") {
        body.insert("@odata.count".into(), rows.len().into());
    }
    if rows.len() > skip + size {
        let next = query.with("$skip", &(skip + size).to_string());
        body.insert(
            "@odata.nextLink".into(),
            format!("https://{}{}?{next}", call.ask.host, call.ask.path).into(),
        );
    }
    let shown = rows.iter().skip(skip).take(size).map(|row| cut(row, query, expansion.as_ref()));
    body.insert("value".into(), shown.collect());
    let headers = prefer.applied().into_iter().collect();
    Ok(Found::Done(Done { status: 200, body: Some(Value::Object(body)), headers }))
}

fn filter(query: &Query, entity: &str) -> Result<Option<Filter>, Refusal> {
    let Some(text) = query.get("filter") else { return Ok(None) };
    let entity = schema::entity(entity);
    let known = |name: &str| name == EXTENDED || entity.spelled(name).is_some();
    let filter = Filter::parse(text).filter(|filter| filter.properties().into_iter().all(known));
    let invalid = "The query filter contains one or more invalid nodes.";
    filter.map(Some).ok_or_else(|| bad_query("ErrorInvalidUrlQueryFilter", invalid))
}

fn order(query: &Query, rows: &mut [Value]) {
    for key in query.names("orderby").into_iter().rev() {
        let (path, down) =
            key.split_once(' ').map_or((key, false), |(path, way)| (path, way.trim() == "desc"));
        let value =
            |row: &Value| path.split('/').fold(row, |value, name| &value[name]).to_string().to_lowercase();
        rows.sort_by_key(value);
        if down {
            rows.reverse();
        }
    }
}
