//! Queries of the user's checks: filled with the account's values, sent as the reader, cut down to what
//! is declared. Knows nothing of what the answers are good for.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::directory::{Reading, Stop, absence, in_the_cloud, mailbox_in_the_cloud, settle};
use super::reader::EXCHANGE;
use super::{Access, Call, Context, Grant, Running, Yield};
use crate::facts::placeholder::{self, Piece};
use crate::facts::{Absence, Reason, Shape, catalogue::Scope, overlaps};
use crate::wire::answer::{Answer, Said};
use crate::wire::graph::{ReadPath, encode};

/// Longest value that is put into a query.
const LONGEST: usize = 512;

/// Most bytes of an answer that are kept.
const KEPT: usize = 1 << 20;

/// Most values that may be missing from an answer before all of it counts as unreadable.
const HOLES: usize = 200;

/// A query of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Under which its answer stands below `query`.
    pub key: String,
    /// What is asked.
    pub asks: Asks,
    /// The least permission of the reader; `None`: that of reading Exchange.
    pub permission: Option<String>,
    /// Wider ones that suffice as well.
    pub or: Vec<String>,
    /// How widely the answer holds.
    pub scope: Scope,
    /// What the answer looks like.
    pub answer: Shape,
}

/// What is asked, facts in braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A path of Microsoft Graph.
    Graph(String),
    /// A cmdlet that reads.
    Exchange(String, Map<String, Value>),
}

impl Query {
    fn path(&self) -> String {
        format!("query.{}", self.key)
    }

    fn permission(&self) -> &str {
        self.permission.as_deref().unwrap_or(EXCHANGE)
    }

    /// The row of the call table. Rows live as long as the program, and so does this one: a program
    /// reads few check files, and reads them once.
    pub(super) fn call(&self) -> Call {
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let or: Vec<&'static str> = self.or.iter().map(|name| leak(name)).collect();
        let grant = Grant { permission: leak(self.permission()), or: Box::leak(or.into_boxed_slice()) };
        let applies = match self.asks {
            Asks::Graph(_) => in_the_cloud,
            Asks::Exchange(..) => mailbox_in_the_cloud,
        };
        let path = leak(&self.path());
        Call {
            name: path,
            scope: self.scope,
            yields: Box::leak(Box::new([path])),
            after: Box::leak(self.after().into_boxed_slice()),
            access: Access::Reader(grant),
            applies,
            run,
        }
    }

    /// The calls that yield the facts in its braces.
    fn after(&self) -> Vec<&'static str> {
        let mut facts = BTreeSet::new();
        let mut take = |text: &str| {
            let pieces = placeholder::parse(text).unwrap_or_default();
            facts.extend(pieces.into_iter().filter_map(|piece| match piece {
                Piece::Fact { path, .. } => Some(path),
                Piece::Text(_) => None,
            }));
        };
        match &self.asks {
            Asks::Graph(path) => take(path),
            Asks::Exchange(_, parameters) => parameters.values().filter_map(Value::as_str).for_each(take),
        }
        let yields =
            |call: &&Call| call.yields.iter().any(|path| facts.iter().any(|fact| overlaps(path, fact)));
        super::calls().filter(yields).map(|call| call.name).collect()
    }
}

fn run(context: Context) -> Running {
    Box::pin(async move {
        let extra = context.session.extra.clone();
        match extra.query(context.call) {
            Some((call, query)) => settle(call, ask(&context, query).await),
            None => Yield::new(),
        }
    })
}

async fn ask(context: &Context, query: &Query) -> Reading {
    let said = match &query.asks {
        Asks::Graph(text) => graph(context, text, matches!(query.answer, Shape::List(_))).await?,
        Asks::Exchange(cmdlet, parameters) => {
            let parameters = filled(context, parameters)?;
            let said = context.cmdlet(cmdlet, Value::Object(parameters)).await?;
            Said::clone(&said)
        }
    };
    let stop = |absence: Absence| Stop { absence, exchanges: said.exchanges.clone() };
    if said.truncated {
        return Err(stop(unreadable("the list has more pages than are read, and half of it proves nothing")));
    }
    let answer = match &said.answer {
        Answer::Found(body) => whole(query, body.clone()).map_err(|text| stop(unreadable(text)))?,
        // That something does not exist is an answer.
        Answer::Missing(_) => Value::Null,
        Answer::Rejected(problem) if problem.status == 404 => Value::Null,
        other => return Err(stop(absence(other, query.permission()))),
    };
    let mut found = keep(query, answer).map_err(stop)?;
    found.exchanges = said.exchanges;
    Ok(found)
}

/// An answer of Exchange is always rows; where one object is declared, there is one or none.
fn whole(query: &Query, body: Value) -> Result<Value, String> {
    match (&query.asks, &query.answer, body) {
        (Asks::Exchange(..), Shape::Object(_), Value::Array(mut rows)) => match rows.len() {
            0 | 1 => Ok(rows.pop().unwrap_or(Value::Null)),
            rows => Err(format!("{rows} rows came where one is declared: declare a list")),
        },
        (_, _, body) => Ok(body),
    }
}

/// Writes down what was declared, and what of it is missing.
fn keep(query: &Query, answer: Value) -> Result<Yield, Absence> {
    let path = query.path();
    let mut missing = Vec::new();
    let Some(kept) = query.answer.fit(answer, &path, &mut missing) else {
        let text = missing.pop().map(|(_, text)| text).unwrap_or_default();
        return Err(unreadable(text));
    };
    if missing.len() >= HOLES {
        let text = missing.pop().map(|(_, text)| text).unwrap_or_default();
        return Err(unreadable(format!("{text}, and so in {HOLES} places or more")));
    }
    if kept.to_string().len() > KEPT {
        return Err(unreadable("the answer is too large; select fewer properties"));
    }
    let mut found = Yield::new();
    found.set(&path, kept);
    for (path, text) in missing {
        found.absent(&path, unreadable(text));
    }
    Ok(found)
}

pub(super) fn unreadable(text: impl Into<String>) -> Absence {
    Absence::new(Reason::Unreadable).with_text(text)
}

async fn graph(context: &Context, text: &str, list: bool) -> Result<Said, Stop> {
    let (path, options) = text.split_once('?').unwrap_or((text, ""));
    let path = fill(context, path, |value, quoted| encode(&doubled(value, quoted)))?;
    let path = ReadPath::new(&path).map_err(|refusal| unreadable(refusal.to_string()))?;
    let mut query = Vec::new();
    // The quotes before an option count for it as well as those in it: an option is filled alone.
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        query.push((name.to_owned(), fill(context, value, doubled)?));
    }
    let graph = context.graph().await?;
    let key = format!("{} {path} {query:?}", context.target.tenant);
    let ask = || async move { graph.read(&path, &query, list).await };
    let said = context.session.answers.get(key, ask).await;
    said.map(|said| Said::clone(&said)).ok_or_else(|| unreadable("reading broke in this tool").into())
}

fn filled(context: &Context, parameters: &Map<String, Value>) -> Result<Map<String, Value>, Stop> {
    let fill = |(name, value): (&String, &Value)| {
        let value = match value.as_str() {
            Some(text) => Value::String(fill(context, text, doubled)?),
            None => value.clone(),
        };
        Ok((name.clone(), value))
    };
    parameters.iter().map(fill).collect()
}

/// Between quotes, quotes in a value are doubled, so that it cannot end its own text.
fn doubled(value: &str, quoted: bool) -> String {
    if quoted { value.replace('\'', "''") } else { value.to_owned() }
}

/// Puts the account's values into a text.
fn fill(context: &Context, text: &str, write: impl Fn(&str, bool) -> String) -> Result<String, Stop> {
    let pieces = placeholder::parse(text).map_err(|_| unreadable("a brace without its partner"))?;
    let mut filled = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => filled.push_str(&text),
            Piece::Fact { path, quoted, .. } => filled.push_str(&write(&value(context, &path)?, quoted)),
        }
    }
    Ok(filled)
}

/// A value for a query, or why there is none.
fn value(context: &Context, path: &str) -> Result<String, Stop> {
    let target = &context.target;
    let known = match path {
        "account.address" => Some(Value::from(target.account.as_str())),
        "account.domain" => Some(Value::from(target.mail_domain())),
        "subject.client_id" => Some(Value::from(target.subject.client_id.clone())),
        "subject.username" => Some(Value::from(target.subject.username.clone())),
        _ => context.fact(path).cloned(),
    };
    let text = match known {
        Some(Value::String(text)) => text,
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => {
            let text = format!("{path} is empty, and the query needs it");
            return Err(Absence::new(Reason::NotAsked).with_text(text).into());
        }
        None => {
            let before = context.before.absence(path).cloned();
            let text = format!("{path} is not known, and the query needs it");
            return Err(before.unwrap_or_else(|| Absence::new(Reason::NotAsked).with_text(text)).into());
        }
    };
    let odd = text.is_empty() || text.len() > LONGEST || matches!(text.as_str(), "." | "..");
    if odd || text.chars().any(char::is_control) {
        return Err(unreadable(format!("the value of {path} cannot stand in a query")).into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn query(asks: Asks, answer: Value) -> Query {
        Query {
            key: "k".into(),
            asks,
            permission: None,
            or: Vec::new(),
            scope: Scope::Account,
            answer: serde_json::from_value(answer).expect("a shape"),
        }
    }

    #[test]
    fn a_query_waits_for_the_calls_that_yield_its_facts() {
        let by_address = query(Asks::Graph("/v1.0/users/{account.address}".into()), json!("any"));
        assert_eq!(by_address.after(), [""; 0]);
        let by_id = query(Asks::Graph("/v1.0/users/{account.id}".into()), json!("any"));
        assert!(!by_id.after().is_empty());
    }

    #[test]
    fn one_row_of_exchange_is_an_object_and_none_is_null() {
        let query = query(Asks::Exchange("Get-X".into(), Map::new()), json!({ "A": "int" }));
        assert_eq!(whole(&query, json!([{ "A": 1 }])), Ok(json!({ "A": 1 })));
        assert_eq!(whole(&query, json!([])), Ok(Value::Null));
        assert!(whole(&query, json!([{}, {}])).is_err());
    }

    #[test]
    fn a_missing_member_is_absent_and_the_rest_is_there() {
        let query = query(Asks::Graph("/v1.0/x".into()), json!({ "a": "int", "b": "text" }));
        let found = keep(&query, json!({ "a": 1, "c": 2 })).expect("kept");
        assert_eq!(found.section.get("query.k"), Some(&json!({ "a": 1 })));
        assert_eq!(found.section.absence("query.k.b").map(|a| a.reason), Some(Reason::Unreadable));
    }

    #[test]
    fn an_answer_of_another_shape_is_absent() {
        let query = query(Asks::Graph("/v1.0/x".into()), json!([{ "a": "int" }]));
        assert!(keep(&query, json!({ "a": 1 })).is_err());
        let holes: Value = (0..HOLES).map(|_| json!({})).collect();
        assert!(keep(&query, holes).is_err());
    }

    #[test]
    fn quotes_are_doubled_only_between_quotes() {
        assert_eq!(doubled("o'neil", true), "o''neil");
        assert_eq!(doubled("o'neil", false), "o'neil");
    }
}
