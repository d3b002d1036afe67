//! Query options: which properties, which rows, which page.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::error::Refusal;
use super::filter::Filter;
use super::schema::{self, Entity};
use crate::lab::ask::Ask;

/// The query options of one request, decoded.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    options: Vec<(String, String)>,
}

impl Query {
    /// Decodes a query.
    pub(super) fn parse(query: &str) -> Self {
        Self { options: form_urlencoded::parse(query.as_bytes()).into_owned().collect() }
    }

    /// An option, with or without its dollar sign.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found =
            self.options.iter().find(|(key, _)| key.trim_start_matches('$').eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Names listed in an option.
    pub(super) fn names(&self, name: &str) -> Vec<&str> {
        let listed = self.get(name).unwrap_or_default().split(',').map(str::trim);
        listed.filter(|name| !name.is_empty()).collect()
    }

    /// The same query at another place of the list.
    fn at(&self, skip: usize) -> String {
        self.with("$skiptoken", &format!("RFNwdAIAAQ{skip}"))
    }

    /// The same query with another value of an option.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let kept = self.options.iter().filter(|(key, _)| !key.eq_ignore_ascii_case(name));
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in kept {
            query.append_pair(key, value);
        }
        query.append_pair(name, value);
        query.finish().replace("%24", "$").replace('+', "%20")
    }

    /// Where the page starts.
    fn skip(&self) -> Result<usize, Refusal> {
        let Some(token) = self.get("skiptoken") else {
            return self.number("skip", 0);
        };
        let place = token.strip_prefix("RFNwdAIAAQ").and_then(|place| place.parse().ok());
        place.ok_or_else(|| {
            Refusal::new(
                400,
                "Directory_ExpiredPageToken",
                "The specified page token value has expired and can no longer be included in your request.",
            )
        })
    }

    fn number(&self, name: &str, otherwise: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(otherwise) };
        text.parse().map_err(|_| {
            Refusal::new(400, "BadRequest", format!("Invalid value '{text}' for ${name} query option."))
        })
    }
}

/// A row cut down to what was selected, or to what the type returns unasked.
pub(super) fn select(row: &Value, entity: &Entity, query: &Query) -> Value {
    let wanted = query.names("select");
    let Some(members) = row.as_object() else { return row.clone() };
    let expanded = query.names("expand");
    let mut kept = Map::new();
    for (name, value) in members {
        let annotation = name.starts_with('@');
        let unasked = entity.default.is_empty() && !entity.navigation.contains(&name.as_str())
            || entity.default.contains(&name.as_str());
        let selected = wanted.iter().any(|want| want.eq_ignore_ascii_case(name));
        let expand = expanded.iter().any(|want| want.split('(').next() == Some(name));
        if annotation || expand || selected || (wanted.is_empty() && unasked) {
            kept.insert(name.clone(), value.clone());
        }
    }
    // A known property without a value is answered as null, as the service does for what was selected.
    for name in wanted.iter().filter_map(|want| entity.spelled(want)) {
        kept.entry(name).or_insert(Value::Null);
    }
    if wanted.is_empty() {
        for name in entity.default {
            kept.entry(*name).or_insert(Value::Null);
        }
    }
    Value::Object(kept)
}

/// Refuses selected or expanded names that the type does not have.
pub(super) fn check_names(entity: &Entity, query: &Query) -> Result<(), Refusal> {
    let known = |name: &str| entity.properties.is_empty() || entity.spelled(name).is_some();
    let select =
        query.names("select").into_iter().find(|name| !known(name) && !entity.navigation.contains(name));
    let expand = query
        .names("expand")
        .into_iter()
        .find(|name| !entity.navigation.contains(&name.split('(').next().unwrap_or_default()));
    match select.or(expand) {
        Some(name) => Err(Refusal::new(
            400,
            "BadRequest",
            format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.{}'.",
                entity.name
            ),
        )),
        None => Ok(()),
    }
}

/// The rows of a list, made one by one as they are needed.
pub(super) struct Rows<'a> {
    /// How many places there are.
    pub places: usize,
    /// The whole row at a place; `None`: nothing is there.
    pub row: Box<dyn Fn(usize) -> Option<Cow<'a, Value>> + 'a>,
    /// The same row cut down to what the query shows.
    pub shown: Box<dyn Fn(usize) -> Option<Value> + 'a>,
}

/// A list cut by filter and page, with the link to the next page on the same host.
pub(super) fn list(
    rows: &[Value],
    entity: &Entity,
    filters: &[&str],
    query: &Query,
    ask: &Ask,
    page: usize,
) -> Result<Value, Refusal> {
    let rows = Rows {
        places: rows.len(),
        row: Box::new(|place| rows.get(place).map(Cow::Borrowed)),
        shown: Box::new(|place| rows.get(place).map(|row| select(row, entity, query))),
    };
    pages(&rows, filters, query, ask, page)
}

/// The same for a list that need not be there as a whole.
pub(super) fn pages(
    rows: &Rows,
    filters: &[&str],
    query: &Query,
    ask: &Ask,
    page: usize,
) -> Result<Value, Refusal> {
    let filter = filter(filters, query)?;
    let top = query.number("top", page)?;
    if top == 0 || top > 999 {
        return Err(Refusal::new(
            400,
            "Request_BadRequest",
            format!("Invalid page size specified: '{top}'. Must be between 1 and 999 inclusive."),
        ));
    }
    let fits = |place: usize| {
        let filter = filter.as_ref();
        filter.is_none_or(|filter| (rows.row)(place).is_some_and(|row| filter.holds(&row)))
    };
    let shown = |place: usize| Some((place, (rows.shown)(place).filter(|_| fits(place))?));
    let mut found = (query.skip()?..rows.places).filter_map(shown);
    let page: Vec<Value> = found.by_ref().take(top).map(|(_, row)| row).collect();
    let next = found.next();
    let mut body = Map::new();
    body.insert("@odata.context".into(), schema::context(ask, true).into());
    if query.get("count") == Some("true") {
        body.insert("@odata.count".into(), (0..rows.places).filter_map(shown).count().into());
    }
    if let Some((next, _)) = next {
        let link = format!("https://{}{}?{}", ask.host, ask.path, query.at(next));
        body.insert("@odata.nextLink".into(), link.into());
    }
    body.insert("value".into(), json!(page));
    Ok(Value::Object(body))
}

/// The filter of a query, where it names only what may be named.
fn filter(filters: &[&str], query: &Query) -> Result<Option<Filter>, Refusal> {
    let Some(text) = query.get("filter") else { return Ok(None) };
    let filter = Filter::parse(text).ok_or_else(|| Refusal::filter(text))?;
    match filter.properties().into_iter().find(|name| !filters.contains(name)) {
        Some(name) => Err(Refusal::filter(&format!("Property '{name}' is not filterable here: {text}"))),
        None => Ok(Some(filter)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_leads_through_the_whole_list() {
        let rows: Vec<Value> = (0..5).map(|n| json!({ "id": n.to_string() })).collect();
        let entity = schema::entity("group");
        let mut ask =
            Ask { host: "graph.microsoft.com".into(), path: "/v1.0/groups".into(), ..Ask::default() };
        let mut seen = Vec::new();
        loop {
            let query = Query::parse(&ask.query);
            let page = list(&rows, entity, &[], &query, &ask, 2).expect("a page");
            seen.extend(page["value"].as_array().into_iter().flatten().cloned());
            let Some(link) = page["@odata.nextLink"].as_str() else { break };
            let (path, query) = link.split_once('?').expect("a query");
            assert_eq!(path, "https://graph.microsoft.com/v1.0/groups");
            query.clone_into(&mut ask.query);
        }
        assert_eq!(seen.len(), rows.len());
    }
}
