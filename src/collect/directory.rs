//! Reading Microsoft Graph and the Exchange admin interface as the reader: what every collector of
//! the cloud shares. Knows how answers become facts or absences, and nothing of what they mean.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::session::Resource;
use super::{Call, Context, Yield};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::answer::{Answer, Said};
use crate::wire::exchange_admin::{Cmdlet, ExchangeAdmin, NotReadOnly};
use crate::wire::graph::{Graph, encode, literal};
use crate::wire::{Failure, Secret};

/// Properties of a user that the collectors read.
const USER: &str = "id,userPrincipalName,displayName,givenName,surname,mail,proxyAddresses,usageLocation,\
accountEnabled,userType,creationType,createdDateTime,onPremisesSyncEnabled,passwordPolicies,passwordProfile,\
lastPasswordChangeDateTime,signInSessionsValidFromDateTime,jobTitle,licenseAssignmentStates";

/// Why a call brings no facts.
#[derive(Debug, Clone)]
pub struct Stop {
    /// What is written down for each fact of the call.
    pub absence: Absence,
    /// Evidence.
    pub exchanges: Vec<Exchange>,
}

impl From<Absence> for Stop {
    fn from(absence: Absence) -> Self {
        Self { absence, exchanges: Vec::new() }
    }
}

/// What a call comes to.
pub type Reading = Result<Yield, Stop>;

/// Turns what a call came to into what it brings back: every fact is present or absent.
pub fn settle(call: &Call, reading: Reading) -> Yield {
    let absence = |absence: Absence| Absence { source: Some(call.name.to_owned()), ..absence };
    match reading {
        Ok(mut found) => {
            for entry in found.section.absent.values_mut() {
                entry.source.get_or_insert_with(|| call.name.to_owned());
            }
            found
        }
        Err(stop) => {
            let mut nothing = Yield::new();
            for path in call.yields {
                nothing.absent(path, absence(stop.absence.clone()));
            }
            nothing.exchanges = stop.exchanges;
            nothing
        }
    }
}

/// One row of a call table whose function yields a [`Reading`].
macro_rules! row {
    ($name:literal, $scope:ident, $access:expr, $applies:expr, after $after:expr, $run:path, yields $yields:expr $(,)?) => {{
        const ROW: $crate::collect::Call = $crate::collect::Call {
            name: $name,
            scope: $crate::facts::catalogue::Scope::$scope,
            yields: &$yields,
            after: &$after,
            access: $access,
            applies: $applies,
            run: |context| {
                Box::pin(async move { $crate::collect::directory::settle(&ROW, $run(&context).await) })
            },
        };
        ROW
    }};
}
pub(super) use row;

/// The reader needs this permission, or one of those that include it.
pub const fn reads(permission: &'static str, or: &'static [&'static str]) -> super::Access {
    super::Access::Reader(super::Grant { permission, or })
}

/// Whether Exchange Online and Entra have something to say about a target.
pub fn in_the_cloud(target: &super::Target) -> bool {
    target.hybrid || target.subject.scheme == "oauth" || target.world.is_none_or(super::World::is_cloud)
}

/// The same, where mailboxes live in Exchange Online.
pub fn mailbox_in_the_cloud(target: &super::Target) -> bool {
    target.world.is_none_or(super::World::is_cloud)
}

/// Why an answer is no fact.
pub fn absence(answer: &Answer, permission: &str) -> Absence {
    let words = || answer.problem().map(crate::wire::answer::Problem::words).unwrap_or_default();
    match answer {
        Answer::Found(_) => Absence::new(Reason::Unreadable).with_text("the answer lacks what is documented"),
        Answer::Denied(_) => Absence::new(Reason::Denied).with_permission(permission).with_text(words()),
        Answer::Unlicensed(_) => Absence::new(Reason::Unlicensed).with_text(words()),
        Answer::Throttled(_) => Absence::new(Reason::Throttled).with_text(words()),
        Answer::Missing(_) | Answer::Rejected(_) => Absence::new(Reason::Unreadable).with_text(words()),
        Answer::Down(_) => Absence::new(Reason::Unreachable).with_text(words()),
        Answer::Unreachable(failure @ Failure::TimedOut { .. }) => {
            Absence::new(Reason::TimedOut).with_text(failure.to_string())
        }
        Answer::Unreachable(failure) => Absence::new(Reason::Unreachable).with_text(failure.to_string()),
        Answer::Unreadable(text) => Absence::new(Reason::Unreadable).with_text(text.clone()),
    }
}

/// The body, or `None` where the object does not exist; everything else stops the call.
pub fn found(said: &Said, permission: &str) -> Result<Option<Value>, Stop> {
    match &said.answer {
        Answer::Found(body) => Ok(Some(body.clone())),
        Answer::Missing(_) => Ok(None),
        other => Err(Stop { absence: absence(other, permission), exchanges: said.exchanges.clone() }),
    }
}

/// The object with a property that it always has, or `None` where the object does not exist; everything
/// else, also an object without that property, stops the call.
pub fn object(said: &Said, permission: &str, property: &str) -> Result<Option<Value>, Stop> {
    let object = found(said, permission)?;
    match &object {
        Some(object) if object.get(property).is_none() => Err(lacks(said, property)),
        _ => Ok(object),
    }
}

/// The answer lacks a property that is documented.
pub fn lacks(said: &Said, property: &str) -> Stop {
    let absence = Absence::new(Reason::Unreadable).with_text(format!("the answer lacks {property}"));
    Stop { absence, exchanges: said.exchanges.clone() }
}

/// The object with a property that it always has; that it does not exist stops the call too.
pub fn existing(said: &Said, permission: &str, property: &str) -> Result<Value, Stop> {
    let missing = || Stop { absence: absence(&said.answer, permission), exchanges: said.exchanges.clone() };
    object(said, permission, property)?.ok_or_else(missing)
}

/// The entries of one page of a collection; an answer without a list of them stops the call.
pub fn listed(said: &Said, permission: &str) -> Result<Value, Stop> {
    match existing(said, permission, "value")?.get_mut("value").map(Value::take) {
        Some(list @ Value::Array(_)) => Ok(list),
        _ => Err(lacks(said, "a list")),
    }
}

/// The body; that the object does not exist stops the call too.
pub fn body(said: &Said, permission: &str) -> Result<Value, Stop> {
    found(said, permission)?
        .ok_or_else(|| Stop { absence: absence(&said.answer, permission), exchanges: said.exchanges.clone() })
}

/// The directory's entry of the account.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// It exists.
    User(Value),
    /// It is among the deleted objects.
    Deleted(Value),
    /// The directory does not have it.
    None,
    /// The directory does not have it, and who was deleted could not be read.
    Gone(Absence),
}

/// The account's entry and those that share its address.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The entry, or why it was not read.
    pub entry: Result<Entry, Absence>,
    /// Evidence.
    pub exchanges: Vec<Exchange>,
}

impl Context {
    /// A Graph client with the reader's token.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn graph(&self) -> Result<Graph, Absence> {
        Ok(self.graph_with(self.reader_token(Resource::Graph).await?.secret))
    }

    /// A Graph client with a token.
    pub fn graph_with(&self, token: Secret) -> Graph {
        Graph::new(self.net.clone(), self.target.endpoints.graph.clone(), token, self.session.deadline)
    }

    /// Reads an object or list of the tenant, once in the run whoever asks.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn shared_list(
        &self,
        path: impl Into<String>,
        query: &'static [(&'static str, &'static str)],
    ) -> Result<Arc<Said>, Absence> {
        let (graph, path) = (self.graph().await?, path.into());
        let key = format!("{} {path} {query:?}", self.target.tenant);
        let said = self.session.answers.get(key, || async move { graph.list(&path, query).await }).await;
        said.ok_or_else(broke)
    }

    /// Reads one object, once in the run whoever asks.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn shared_object(
        &self,
        path: String,
        query: &'static [(&'static str, &'static str)],
    ) -> Result<Arc<Said>, Absence> {
        let graph = self.graph().await?;
        let key = format!("{} {path} {query:?}", self.target.tenant);
        let said = self.session.answers.get(key, || async move { graph.get(&path, query).await }).await;
        said.ok_or_else(broke)
    }

    /// Runs a cmdlet that reads, once in the run for the same parameters.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn cmdlet(&self, name: &str, parameters: Value) -> Result<Arc<Said>, Absence> {
        let refuse =
            |refusal: NotReadOnly| Absence::new(Reason::UnsupportedHere).with_text(refusal.to_string());
        let cmdlet = Cmdlet::new(name).map_err(refuse)?;
        let token = self.reader_token(Resource::Exchange).await?;
        let target = &self.target;
        let tenant = target.tenant_id.as_deref().unwrap_or(&target.domain);
        let named = target.reader.as_ref().and_then(|reader| reader.sign_in.username());
        let upn = named.or(token.claims.as_ref().and_then(|claims| claims.upn.as_deref()));
        let base = target.endpoints.exchange_admin.clone();
        let admin =
            ExchangeAdmin::new(self.net.clone(), base, tenant, upn, token.secret, self.session.deadline);
        let key = format!("{} {name} {parameters}", target.tenant);
        let parameters = parameters.as_object().cloned().unwrap_or_else(Map::new);
        let said =
            self.session.answers.get(key, || async move { admin.run(&cmdlet, &parameters).await }).await;
        said.ok_or_else(broke)
    }

    /// The account's entry in the directory, read once in the run.
    pub async fn user(&self) -> Arc<Lookup> {
        let graph = match self.graph().await {
            Ok(graph) => graph,
            Err(absence) => return Arc::new(Lookup { entry: Err(absence), exchanges: Vec::new() }),
        };
        let (context, key) = (self.clone(), format!("{} {}", self.target.tenant, self.target.account));
        let lookup = self.session.users.get(key, || async move { look_up(&context, &graph).await }).await;
        lookup.unwrap_or_else(|| Arc::new(Lookup { entry: Err(broke()), exchanges: Vec::new() }))
    }

    /// The account's object id; `None`: the directory does not have the account.
    ///
    /// # Errors
    ///
    /// When the directory could not be read.
    pub async fn user_id(&self) -> Result<Option<String>, Absence> {
        let lookup = self.user().await;
        match &lookup.entry {
            Ok(Entry::User(user)) => Ok(user.get("id").and_then(Value::as_str).map(str::to_owned)),
            Ok(_) => Ok(None),
            Err(absence) => Err(absence.clone()),
        }
    }

    /// Rows of the directory that carry the account's address, read once in the run.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn same_address(&self) -> Result<Arc<Said>, Absence> {
        let graph = self.graph().await?;
        let address = self.target.account.to_lowercase();
        let key = format!("{} same address {address}", self.target.tenant);
        let ask = || async move {
            let filter = format!(
                "proxyAddresses/any(p:p eq {}) or userPrincipalName eq {}",
                literal(&format!("smtp:{address}")),
                literal(&address)
            );
            let query = [("$filter", filter.as_str()), ("$select", "id,userPrincipalName,displayName")];
            graph.list("/v1.0/users", &query).await
        };
        self.session.answers.get(key, ask).await.ok_or_else(broke)
    }

    /// Groups and directory roles of the account, through groups too, read once in the run.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn memberships(&self) -> Result<Arc<Said>, Absence> {
        self.graph().await?;
        let (context, account) = (self.clone(), &self.target.account);
        let key = format!("{} memberships of {account}", self.target.tenant);
        let ask = || async move {
            let query = [("$select", "id,displayName,roleTemplateId"), ("$top", "999")];
            let said = context.of_user("v1.0", "transitiveMemberOf", &query, true).await;
            said.unwrap_or_else(|absence| Said {
                answer: Answer::Unreadable(absence.text.unwrap_or_default()),
                exchanges: Vec::new(),
                truncated: false,
            })
        };
        self.session.answers.get(key, ask).await.ok_or_else(broke)
    }

    /// Reads something below the account's entry: by the address, which spares a round trip, and by
    /// the object id where the address is not the key.
    ///
    /// # Errors
    ///
    /// When there is no reader, or it got no token.
    pub async fn of_user(
        &self,
        version: &str,
        below: &str,
        query: &[(&str, &str)],
        list: bool,
    ) -> Result<Said, Absence> {
        let graph = self.graph().await?;
        let read = async |key: &str| {
            let path = format!("/{version}/users/{}/{below}", encode(key));
            if list { graph.list(&path, query).await } else { graph.get(&path, query).await }
        };
        let mut said = read(&self.target.account).await;
        if !matches!(said.answer, Answer::Missing(_)) {
            return Ok(said);
        }
        if let Some(id) = self.user_id().await?
            && !self.is_key().await
        {
            let earlier = std::mem::take(&mut said.exchanges);
            said = read(&id).await;
            said.exchanges.splice(0..0, earlier);
        }
        Ok(said)
    }

    /// Whether the account's address is also its sign-in name, and so a key of the directory.
    async fn is_key(&self) -> bool {
        let lookup = self.user().await;
        let Ok(Entry::User(user)) = &lookup.entry else { return false };
        let upn = user.get("userPrincipalName").and_then(Value::as_str);
        upn.is_some_and(|upn| upn.eq_ignore_ascii_case(&self.target.account))
    }
}

fn broke() -> Absence {
    Absence::new(Reason::Unreadable).with_text("reading broke in this tool")
}

/// Looks for the account: by its address as key, by the address as one of many, among the deleted.
async fn look_up(context: &Context, graph: &Graph) -> Lookup {
    let mut exchanges = Vec::new();
    let entry = find(context, graph, &mut exchanges).await;
    Lookup { entry, exchanges }
}

async fn find(context: &Context, graph: &Graph, exchanges: &mut Vec<Exchange>) -> Result<Entry, Absence> {
    const NEEDS: &str = "User.Read.All";
    let account = &context.target.account;
    let by_key =
        async |key: &str| graph.get(&format!("/v1.0/users/{}", encode(key)), &[("$select", USER)]).await;
    let mut read = |said: Said| {
        exchanges.extend(said.exchanges.iter().cloned());
        found(&said, NEEDS).map_err(|stop| stop.absence)
    };
    if let Some(user) = read(by_key(account).await)? {
        return if user.get("id").is_some_and(Value::is_string) {
            Ok(Entry::User(user))
        } else {
            Err(Absence::new(Reason::Unreadable).with_text("the user that came back has no id"))
        };
    }
    let same = context.same_address().await?;
    let rows = read(Said::clone(&same))?.unwrap_or_default();
    if let Some(id) = rows.pointer("/0/id").and_then(Value::as_str)
        && let Some(user) = read(by_key(id).await)?
    {
        return Ok(Entry::User(user));
    }
    let query = [("$select", "id,userPrincipalName,mail,displayName,deletedDateTime"), ("$top", "999")];
    let deleted = graph.list("/v1.0/directory/deletedItems/microsoft.graph.user", &query).await;
    let rows = match read(deleted) {
        Ok(rows) => rows.unwrap_or_default(),
        Err(absence) => return Ok(Entry::Gone(absence)),
    };
    let row = rows.as_array().into_iter().flatten().find(|row| was(row, account));
    Ok(row.map_or(Entry::None, |row| Entry::Deleted(row.clone())))
}

/// Whether a deleted entry is the account: deletion puts the object id before the sign-in name.
fn was(row: &Value, account: &str) -> bool {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let (account, id) = (account.to_lowercase(), text("id").replace('-', ""));
    let upn = text("userPrincipalName");
    upn == account || !id.is_empty() && upn == format!("{id}{account}") || text("mail") == account
}

/// A text of an object as a fact: null where it is missing or empty.
pub fn text(object: &Value, name: &str) -> Value {
    match object.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => text.into(),
        _ => Value::Null,
    }
}

/// A boolean of an object as a fact.
pub fn flag(object: &Value, name: &str) -> Value {
    match object.get(name) {
        Some(Value::Bool(flag)) => (*flag).into(),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => true.into(),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => false.into(),
        _ => Value::Null,
    }
}

/// A whole number of an object as a fact.
pub fn number(object: &Value, name: &str) -> Value {
    object.get(name).and_then(Value::as_i64).map_or(Value::Null, Value::from)
}

/// A time of an object as a fact, RFC 3339, UTC; null where it is missing or no time.
pub fn time(object: &Value, name: &str) -> Value {
    object.get(name).and_then(Value::as_str).and_then(utc).map_or(Value::Null, Value::from)
}

/// A time in RFC 3339, UTC; a time without offset is taken as UTC.
pub fn utc(text: &str) -> Option<String> {
    let with_offset = text.parse::<jiff::Timestamp>().ok();
    let timestamp = with_offset.or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    timestamp.map(|timestamp| timestamp.to_string())
}

/// The texts of a list, which may also be one text.
pub fn texts(object: &Value, name: &str) -> Vec<String> {
    match object.get(name) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
        _ => Vec::new(),
    }
}

/// The rows of a list.
pub fn rows(body: &Value) -> impl Iterator<Item = &Value> {
    body.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deleted_account_is_known_by_its_prefixed_name() {
        let id = "0f000000-0000-4000-8000-00000000000a";
        let upn = "0f00000000004000800000000000000aSvc@contoso.com";
        assert!(was(&json!({ "id": id, "userPrincipalName": upn }), "svc@contoso.com"));
        assert!(was(&json!({ "id": id, "mail": "svc@contoso.com" }), "SVC@contoso.com"));
        assert!(!was(&json!({ "id": id, "userPrincipalName": "othersvc@contoso.com" }), "svc@contoso.com"));
        assert!(!was(&json!({}), "svc@contoso.com"));
    }

    #[test]
    fn times_come_out_in_utc() {
        assert_eq!(utc("2026-11-01T08:00:00.1234567Z").as_deref(), Some("2026-11-01T08:00:00.1234567Z"));
        assert_eq!(utc("2026-11-01T10:00:00+02:00").as_deref(), Some("2026-11-01T08:00:00Z"));
        assert_eq!(utc("2026-11-01T08:00:00").as_deref(), Some("2026-11-01T08:00:00Z"));
        assert_eq!(utc("yesterday"), None);
    }

    #[test]
    fn switches_come_as_booleans_or_words() {
        assert_eq!(flag(&json!({ "a": "True" }), "a"), json!(true));
        assert_eq!(flag(&json!({ "a": false }), "a"), json!(false));
        assert_eq!(flag(&json!({ "a": null }), "a"), Value::Null);
    }
}
