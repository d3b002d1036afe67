//! Queries: what a check asks of Microsoft's services beyond the facts that every check may read.
//!
//! Here a query is read and judged as a text; whoever sends it judges it once more.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;

use super::check::Text;
use super::expr::{Problem, suggest};
use crate::facts::placeholder::{self, Piece};
use crate::facts::{Shape, catalogue};

/// Longest path, and longest parameter.
const LONGEST: usize = 2000;

/// Facts that are known before anything is asked, with the narrowest scope that has them.
const GIVEN: &[(&str, catalogue::Scope)] = &[
    ("account.address", catalogue::Scope::Account),
    ("account.domain", catalogue::Scope::Account),
    ("subject.client_id", catalogue::Scope::App),
    ("subject.username", catalogue::Scope::Account),
];

/// Groups that the configuration fills, not a call: their facts come too late for a query.
const LATE: &[&str] = &["endpoints", "request", "subject", "world"];

/// A query as written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryFile {
    /// Path below Microsoft Graph, from `/v1.0/` or `/beta/` on. It is read, never written to. Facts
    /// stand in braces: `/v1.0/users/{account.id}/manager`.
    #[schemars(with = "Option<String>")]
    pub graph: Option<Text>,
    /// A `Get-…` or `Test-…` cmdlet of Exchange Online.
    #[schemars(with = "Option<String>")]
    pub exchange: Option<Text>,
    /// Parameters of the cmdlet; facts stand in braces.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub parameters: BTreeMap<Spanned<String>, Spanned<toml::Value>>,
    /// The least permission of the reader that allows it.
    pub permission: Option<String>,
    /// Wider permissions that suffice as well.
    #[serde(default)]
    pub or: Vec<String>,
    /// How widely the answer holds, and so how often it is asked.
    #[serde(default)]
    pub scope: QueryScope,
    /// What the answer looks like: only this is kept, and only this can be read by rules.
    pub answer: Shape,
}

/// How widely the answer of a query holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueryScope {
    /// One account.
    #[default]
    Account,
    /// The product's app in one tenant.
    App,
    /// One tenant.
    Tenant,
}

/// A query that may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Under which its answer stands in the facts: made of what it asks, so that equal queries of two
    /// checks share one answer and different ones of the same name do not meet.
    pub key: String,
    /// What is asked.
    pub asks: Asks,
    /// The least permission; `None`: that of reading Exchange.
    pub permission: Option<String>,
    /// Wider permissions that suffice as well.
    pub or: Vec<String>,
    /// How widely the answer holds.
    pub scope: catalogue::Scope,
    /// What the answer looks like.
    pub answer: Shape,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A path of Microsoft Graph, facts in braces.
    Graph(String),
    /// A cmdlet with its parameters, facts in braces.
    Exchange(String, Map<String, Value>),
}

impl Query {
    /// The query in one line, for people.
    pub fn words(&self) -> String {
        match &self.asks {
            Asks::Graph(path) => format!("GET {path}"),
            Asks::Exchange(cmdlet, parameters) => {
                let mut text = cmdlet.clone();
                for (name, value) in parameters {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let _ = write!(text, " -{name} {value}");
                }
                text
            }
        }
    }
}

/// What is wrong with a query: a range of the file, or a place in one of its texts.
pub(super) enum Wrong {
    /// A range.
    At(Range<usize>, String, Option<String>),
    /// In a text, whose quotes may shift its offsets.
    In(Range<usize>, Problem),
}

/// Judges a query. `span` is where it stands.
pub(super) fn examine(name: &str, file: &QueryFile, span: Range<usize>) -> Result<Query, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut refuse = |message: &str, help: &str| {
        wrong.push(Wrong::At(span.clone(), message.to_owned(), Some(help.to_owned())));
    };
    if !is_name(name) {
        refuse("this name cannot be used in a rule", "lower-case letters, digits and `_`, a letter first");
    }
    match (&file.graph, &file.exchange) {
        (Some(_), Some(_)) => refuse("a query asks `graph` or `exchange`, not both", "make it two queries"),
        (None, None) => refuse("the query asks nothing", "`graph = \"/v1.0/…\"` or `exchange = \"Get-…\"`"),
        (Some(_), None) if file.permission.is_none() => {
            refuse(
                "the query names no `permission`",
                "the least permission that allows it, of Graph's documentation",
            );
        }
        _ => {}
    }
    if file.graph.is_some() && !file.parameters.is_empty() {
        refuse("`parameters` belong to `exchange`", "options of Graph stand in the path: `?$select=…`");
    }
    let scope = match file.scope {
        QueryScope::Account => catalogue::Scope::Account,
        QueryScope::App => catalogue::Scope::App,
        QueryScope::Tenant => catalogue::Scope::Tenant,
    };
    if let Some(path) = &file.graph
        && let Err(problem) = graph(path, scope)
    {
        wrong.push(Wrong::In(path.span(), problem));
    }
    if let Some(cmdlet) = &file.exchange
        && let Err(problem) = reads_only(cmdlet)
    {
        wrong.push(Wrong::In(cmdlet.span(), problem));
    }
    let parameters = parameters(file, scope, &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let asks = match (&file.graph, &file.exchange) {
        (Some(path), _) => Asks::Graph(path.to_string()),
        (None, cmdlet) => {
            Asks::Exchange(cmdlet.as_ref().map(ToString::to_string).unwrap_or_default(), parameters)
        }
    };
    let (permission, or, answer) = (file.permission.clone(), file.or.clone(), file.answer.clone());
    let mut query = Query { key: String::new(), asks, permission, or, scope, answer };
    query.key = key(&query);
    Ok(query)
}

/// Whether a name can stand behind a dot in a rule.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn problem(at: usize, len: usize, message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { at, len: len.max(1), message: message.into(), help: Some(help.into()) }
}

/// Refuses what is no plain path to read from.
fn graph(text: &str, scope: catalogue::Scope) -> Result<(), Problem> {
    let whole = |message: &str, help: &str| Err(problem(0, text.len(), message, help));
    if text.len() > LONGEST {
        return whole("the path is too long", "2000 characters are the most");
    }
    if text.split_once(' ').is_some_and(|(verb, _)| verb.chars().all(|c| c.is_ascii_uppercase())) {
        return whole("a query only reads", "write the path alone: it is sent with GET");
    }
    if text.contains("://") || text.starts_with("//") {
        return whole("a query names a path, never a host", "begin with /v1.0/ or /beta/");
    }
    if !text.starts_with("/v1.0/") && !text.starts_with("/beta/") {
        return whole("this is no path of Microsoft Graph", "begin with /v1.0/ or /beta/");
    }
    let options = text.find('?').unwrap_or(text.len());
    let bad = |(at, c): &(usize, char)| {
        c.is_control()
            || "#%\\".contains(*c)
            || (*at < options && (c.is_whitespace() || "\"<>^`|".contains(*c)))
    };
    if let Some((at, c)) = text.char_indices().find(bad) {
        let help = "write it plainly: everything is encoded for you";
        return Err(problem(at, c.len_utf8(), format!("{c:?} cannot stand in the path"), help));
    }
    let parts = std::iter::once(&text[..options])
        .chain(text.get(options + 1..).into_iter().flat_map(|o| o.split('&')));
    if let Some(part) = parts.into_iter().find(|part| part.matches('\'').count() % 2 == 1) {
        let at = text.find(part).unwrap_or(0);
        return Err(problem(
            at,
            part.len(),
            "a quote without its partner",
            "texts stand between two single quotes",
        ));
    }
    let mut at = 1;
    for segment in text[1..options].split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(problem(
                at,
                segment.len(),
                "this part of the path leads elsewhere",
                "name every part",
            ));
        }
        at += segment.len() + 1;
    }
    let mut at = options + 1;
    for option in text.get(options + 1..).into_iter().flat_map(|rest| rest.split('&')) {
        let name = option.split_once('=').map(|(name, _)| name.strip_prefix('$').unwrap_or(name));
        if !name.is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic())) {
            let help = "options are written `?$select=…&$filter=…`";
            return Err(problem(at, option.len(), "this is no option of a query", help));
        }
        at += option.len() + 1;
    }
    placeholders(text, scope, |at| at < options)
}

/// Refuses what is no cmdlet that reads.
fn reads_only(cmdlet: &str) -> Result<(), Problem> {
    let noun = cmdlet.strip_prefix("Get-").or_else(|| cmdlet.strip_prefix("Test-"));
    match noun {
        Some(noun) if !noun.is_empty() && noun.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Ok(()),
        _ => {
            let message = format!("`{}` is never run", cmdlet.escape_debug());
            Err(problem(0, cmdlet.len(), message, "a query runs one cmdlet that reads: Get-… or Test-…"))
        }
    }
}

fn parameters(file: &QueryFile, scope: catalogue::Scope, wrong: &mut Vec<Wrong>) -> Map<String, Value> {
    let mut parameters = Map::new();
    for (name, value) in &file.parameters {
        let (plain, value_span) = (name.get_ref(), value.span());
        if plain.is_empty() || !plain.chars().all(|c| c.is_ascii_alphanumeric()) {
            let help = "letters and digits, as Exchange's documentation writes it";
            wrong.push(Wrong::At(name.span(), "this is no parameter".to_owned(), Some(help.to_owned())));
        }
        if let toml::Value::String(text) = value.get_ref() {
            if text.len() > LONGEST || text.chars().any(char::is_control) {
                let help = Some("one line of at most 2000 characters".to_owned());
                wrong.push(Wrong::At(value_span.clone(), "this value cannot be sent".to_owned(), help));
            }
            let alone = text.starts_with('{') && text.find('}') == Some(text.len().saturating_sub(1));
            if let Err(problem) = placeholders(text, scope, |_| alone) {
                wrong.push(Wrong::In(value_span, problem));
            }
        } else if !is_plain(value.get_ref()) {
            let help = Some("text, a number, true, false, or a list of texts".to_owned());
            wrong.push(Wrong::At(value_span, "this value cannot be sent".to_owned(), help));
        }
        let json = serde_json::to_value(value.get_ref()).unwrap_or(Value::Null);
        parameters.insert(plain.clone(), json);
    }
    parameters
}

fn is_plain(value: &toml::Value) -> bool {
    match value {
        toml::Value::Array(items) => {
            items.iter().all(|item| item.as_str().is_some_and(|text| !text.contains('{')))
        }
        toml::Value::Integer(_) | toml::Value::Boolean(_) => true,
        _ => false,
    }
}

/// Refuses facts in braces that do not exist, are not known in time, or could break out of their place.
fn placeholders(text: &str, scope: catalogue::Scope, safe: impl Fn(usize) -> bool) -> Result<(), Problem> {
    let pieces = placeholder::parse(text)
        .map_err(|at| problem(at, 1, "a brace without its partner", "facts stand in braces: {account.id}"))?;
    for piece in pieces {
        let Piece::Fact { path, at, quoted } = piece else { continue };
        if let Some((message, help)) = unfit(&path, scope) {
            return Err(problem(at + 1, path.len(), message, help));
        }
        if !quoted && !safe(at) {
            let help = format!("write '{{{path}}}': the quotes in its value are doubled then");
            return Err(problem(at, path.len() + 2, "a fact stands here without quotes", help));
        }
    }
    Ok(())
}

fn unfit(path: &str, scope: catalogue::Scope) -> Option<(String, String)> {
    let choices: Vec<&str> = GIVEN.iter().filter(|(_, from)| *from <= scope).map(|(path, _)| *path).collect();
    if choices.contains(&path) {
        return None;
    }
    let group = catalogue::group(path.split('.').next().unwrap_or_default());
    let fact = catalogue::fact(path);
    let plain = fact.is_some_and(|fact| {
        matches!(fact.kind, catalogue::Kind::Text | catalogue::Kind::Int) && !path.contains('[')
    });
    match group {
        Some(group) if plain && group.scope <= scope && !LATE.contains(&group.name) => None,
        Some(group) if plain && group.scope > scope => {
            let scope = |scope| format!("{scope:?}").to_lowercase();
            let message = format!("\"{path}\" differs from one {} to the next", scope(group.scope));
            Some((message, format!("`scope = \"{}\"`", scope(group.scope))))
        }
        _ => {
            let near = ["account.id", "account.upn", "app.id", "tenant.id"];
            let known = near.into_iter().filter(|path| {
                catalogue::fact(path).is_some()
                    && catalogue::group(path.split('.').next().unwrap_or_default())
                        .is_some_and(|g| g.scope <= scope)
            });
            let help = suggest(path, choices.into_iter().chain(known));
            Some((
                format!("\"{path}\" is no fact that a query can use"),
                format!("{help}, and other texts of docs/facts.md"),
            ))
        }
    }
}

/// The last word of what is asked, and a digest of all of it.
fn key(query: &Query) -> String {
    let text = match &query.asks {
        Asks::Graph(path) => {
            let path = path.split('?').next().unwrap_or_default();
            let mut words =
                path.split(['/', '(']).filter(|part| part.chars().all(|c| c.is_ascii_alphanumeric()));
            words.rfind(|part| !part.is_empty()).unwrap_or("graph").to_owned()
        }
        Asks::Exchange(cmdlet, _) => cmdlet.replace('-', "_"),
    };
    let whole = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        query.asks, query.permission, query.or, query.scope, query.answer
    );
    // FNV-1a: the same in every version and on every machine, so that saved answers are found again.
    let digest = whole.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{}_{digest:016x}", text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> String {
        graph(path, catalogue::Scope::Account).expect_err(path).message
    }

    #[test]
    fn plain_paths_are_taken() {
        for path in [
            "/v1.0/subscribedSkus",
            "/beta/users/{account.id}/authentication/requirements",
            "/v1.0/servicePrincipals(appId='{subject.client_id}')/owners?$select=id,displayName",
            "/v1.0/users?$filter=mail eq '{account.address}' and accountEnabled eq true&$top=5",
        ] {
            assert_eq!(graph(path, catalogue::Scope::Account), Ok(()), "{path}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for path in [
            "https://evil.example/v1.0/users",
            "//evil.example/v1.0/users",
            "/v1.0/../beta/users",
            "/v1.0/users/./x",
            "/v1.0/%2e%2e/users",
            "/v1.0/users#me",
            "/v1.0/users\\x",
            "/v1.0/us ers",
            "/v1.0/users\r\nHost: evil.example",
            "/v1.0//users",
            "/v2.0/users",
            "POST /v1.0/users",
            "v1.0/users",
            "/v1.0/users?select",
            "/v1.0/users?$filter=x eq {account.id}",
            "/v1.0/users/{account.nam}",
            "/v1.0/users/{account.id",
            "/v1.0/users/{world.kind}",
        ] {
            assert!(!refused(path).is_empty(), "{path}");
        }
    }

    #[test]
    fn a_fact_of_a_narrower_scope_is_refused() {
        let problem = graph("/v1.0/users/{account.id}", catalogue::Scope::Tenant).expect_err("narrower");
        assert!(problem.message.contains("differs from one account"), "{}", problem.message);
        assert_eq!(problem.at, 13);
    }

    #[test]
    fn only_cmdlets_that_read_are_taken() {
        assert_eq!(reads_only("Get-CASMailbox"), Ok(()));
        assert_eq!(reads_only("Test-OAuthConnectivity"), Ok(()));
        for cmdlet in
            ["Set-Mailbox", "get-mailbox", "Get-", "Get-Mailbox; Remove-Mailbox", "Get-Mailbox\n", ""]
        {
            assert!(reads_only(cmdlet).is_err(), "{cmdlet}");
        }
    }
}
