//! Microsoft Graph as Microsoft documents it: the paths that a readiness check reads, and no others.
//!
//! A pure function from the world and a request to an answer; whatever is not in the table of routes
//! gets the documented error. Must not know this program's own client.

mod applications;
mod batch;
mod crowd;
mod directory;
mod error;
mod filter;
mod mailbox;
mod odata;
mod policies;
mod rights;
mod routes;
mod schema;
mod service_health;
mod what_if;

use serde_json::{Map, Value};
use url::form_urlencoded;

pub use self::batch::{is_batch, parts};
use self::error::Refusal;
use self::odata::Query;
use self::routes::{Call, Done, Found, ROUTES, Route};
use super::ask::{Answer, Ask};
use super::front::Parts;
use super::store::Store;
use super::view::View;

/// Rows on a page when the caller asks for no other number.
const PAGE: usize = 100;

/// Answers one request; the parts of a batch go their own way through what stands in front.
pub fn answer(view: View, store: &Store, parts: &Parts, ask: &Ask) -> Answer {
    if is_batch(&ask.path) {
        let batch = rights::audience(ask).and_then(|()| batch::run(view, store, parts, ask));
        return error::answer(ask, batch.map(Done::from));
    }
    error::answer(ask, respond(view, store, ask))
}

/// A refusal before any path was looked at.
pub fn refuse(ask: &Ask, status: u16, code: &str, message: &str) -> Answer {
    error::answer(ask, Err(Refusal::new(status, code, message)))
}

/// The user whose mailbox data a path is about: an id or name as sent, or `me`.
pub fn mailbox_named(path: &str) -> Option<String> {
    let mut segments = segments(path).into_iter().skip(1);
    let name = match segments.next()? {
        first if first == "me" => first,
        first if first.eq_ignore_ascii_case("users") => segments.next()?,
        _ => return None,
    };
    let kind = segments.next()?;
    MAILBOX.iter().any(|own| own.eq_ignore_ascii_case(&kind)).then_some(name)
}

/// Segments below a user that lead to mailbox data.
const MAILBOX: &[&str] = &[
    "calendar",
    "calendarGroups",
    "calendarView",
    "calendars",
    "contactFolders",
    "contacts",
    "events",
    "mailFolders",
    "mailboxSettings",
    "messages",
];

/// What becomes of a request.
fn respond(view: View, store: &Store, ask: &Ask) -> Result<Done, Refusal> {
    let mut segments = segments(&ask.path);
    let version = if segments.is_empty() { String::new() } else { segments.remove(0) };
    let beta = version.eq_ignore_ascii_case("beta");
    if !beta && !version.eq_ignore_ascii_case("v1.0") {
        return Err(Refusal::new(400, "BadRequest", format!("Invalid version: {version}")));
    }
    rights::audience(ask)?;
    if segments.first().is_some_and(|first| first == "me") && segments.len() > 1 {
        segments.splice(..1, ["users".to_owned(), "me".to_owned()]);
    }
    let (route, args) = route(&ask.method, &segments, beta)?;
    let args = if segments == ["me"] { vec!["me".to_owned()] } else { args };
    if args.first().is_some_and(|first| first == "me") && ask.app_only() {
        let text = "/me request is only valid with delegated authentication flow.";
        return Err(Refusal::new(400, "BadRequest", text));
    }
    let call = Call { view, store, ask, query: Query::parse(&ask.query), args, beta };
    serve(route, &call)
}

/// The path's segments, decoded; a key in parentheses is a segment of its own.
fn segments(path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let decoded = decode(segment);
        match decoded.strip_suffix(')').and_then(|inner| inner.split_once('(')) {
            Some((name, key)) if !key.is_empty() => found.extend([name.to_owned(), key.to_owned()]),
            // A function without arguments may be written with its parentheses.
            Some((name, _)) => found.push(name.to_owned()),
            None => found.push(decoded),
        }
    }
    found
}

/// A segment with its percent-encoding undone; a plus sign stays one.
fn decode(segment: &str) -> String {
    let name = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// The route of a path; a literal segment wins over a variable.
fn route(method: &str, segments: &[String], beta: bool) -> Result<(&'static Route, Vec<String>), Refusal> {
    let served = ROUTES.iter().filter(|route| beta || !route.beta_only);
    let found = served.filter_map(|route| Some((route, routes::matches(route.pattern, segments)?)));
    let candidates: Vec<_> = found.collect();
    let unknown = || Refusal::no_segment(segments.last().map_or("", String::as_str));
    if candidates.is_empty() {
        return Err(unknown());
    }
    let allowed = candidates.into_iter().filter(|(route, _)| route.method.eq_ignore_ascii_case(method));
    allowed.min_by_key(|(_, args)| args.len()).ok_or_else(|| {
        Refusal::new(
            405,
            "Request_BadRequest",
            format!("Specified HTTP method is not allowed for the request target: {method}"),
        )
    })
}

/// Checks the caller, runs the handler, applies the query options.
fn serve(route: &Route, call: &Call) -> Result<Done, Refusal> {
    let entity = schema::entity(route.entity);
    odata::check_names(entity, &call.query)?;
    if let Some(right) = &route.right {
        let own = route.pattern == "organization" || directory::own(call);
        right.check(call.ask, own)?;
    }
    match (route.handler)(call)? {
        Found::Done(done) => Ok(done),
        Found::Raw(body) => Ok(body.into()),
        Found::One(row) => {
            let mut body = Map::new();
            body.insert("@odata.context".into(), schema::context(call.ask, false).into());
            if let Value::Object(row) = odata::select(&row, entity, &call.query) {
                body.extend(row);
            }
            Ok(Value::Object(body).into())
        }
        Found::Many(rows) => {
            let filters: Vec<&str> = route.filters.split_whitespace().collect();
            odata::list(&rows, entity, &filters, &call.query, call.ask, PAGE).map(Done::from)
        }
        Found::Everybody(written, group) => {
            let filters: Vec<&str> = route.filters.split_whitespace().collect();
            let rows = crowd::rows(call, entity, &written, group.as_deref());
            odata::pages(&rows, &filters, &call.query, call.ask, PAGE).map(Done::from)
        }
    }
}
