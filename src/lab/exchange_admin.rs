//! The Exchange Online admin API: one endpoint that runs a cmdlet and answers its rows as JSON.
//!
//! Reads only; a cmdlet outside the table is answered as one that does not exist, which is also what
//! a caller without the role for it sees. Must not know this program's own client.

mod cmdlets;

use serde_json::{Map, Value, json};

use self::cmdlets::{CMDLETS, Cmdlet, Run};
use super::ask::{Answer, Ask};
use super::names::{self, EXCHANGE_APP};
use super::view::{View, has};

/// Roles in Entra that may read through this endpoint.
const READERS: &[&str] = &[
    "Global Reader",
    "Global Administrator",
    "Exchange Administrator",
    "Exchange Recipient Administrator",
    "Security Reader",
    "Security Administrator",
    "Compliance Administrator",
    "Helpdesk Administrator",
];

/// Rows on a page unless the caller prefers another number.
const PAGE: usize = 1000;

/// Common parameters that every cmdlet takes.
const COMMON: &[&str] = &["ErrorAction", "WarningAction", "ResultSize", "Verbose"];

/// One failure of a cmdlet.
#[derive(Debug)]
struct Failure {
    kind: &'static str,
    text: String,
}

/// Answers one request.
pub fn answer(view: View, ask: &Ask) -> Answer {
    let answer = respond(view, ask);
    answer
        .with("request-id", &ask.request_id)
        .with("X-FEServer", "AM0PR01CA0101")
        .with("X-BEServer", "AM9PR01MB7777")
        .with("X-CalculatedBETarget", "AM9PR01MB7777.eurprd01.prod.exchangelabs.com")
}

fn respond(view: View, ask: &Ask) -> Answer {
    let segments: Vec<&str> = ask.path.split('/').filter(|segment| !segment.is_empty()).collect();
    let [api, "beta", tenant, "InvokeCommand"] = segments.as_slice() else {
        return Answer::new(
            404,
            "text/html",
            "<html><head><title>404 - File or directory not found.</title></head></html>",
        );
    };
    if !api.eq_ignore_ascii_case("adminapi") {
        return Answer::empty(404);
    }
    if ask.method != "POST" {
        return Answer::empty(405).with("Allow", "POST");
    }
    if let Err(refused) = may_call(view, ask, tenant) {
        return refused;
    }
    match invoke(view, ask, tenant) {
        Ok(body) => json_answer(200, &body),
        Err(failure) => json_answer(400, &failure.body(&ask.request_id)),
    }
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::new(
        status,
        "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8",
        body.to_string(),
    )
    .with("OData-Version", "4.0")
}

/// Checks token, audience, permission, tenant and directory role.
fn may_call(view: View, ask: &Ask, tenant: &str) -> Result<(), Answer> {
    let unauthorized = |error: &str| {
        let challenge = format!(
            "Bearer client_id=\"{EXCHANGE_APP}\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", \
             token_types=\"app_asserted_user_v1 service_asserted_app_v1\", error=\"{error}\""
        );
        Err(Answer::empty(401).with("WWW-Authenticate", challenge))
    };
    if ask.claims.is_none() {
        return unauthorized(if ask.header("authorization").is_some() { "invalid_token" } else { "" });
    }
    let audience = ask.claim("aud").trim_end_matches('/');
    let host = audience.strip_prefix("https://");
    if audience != EXCHANGE_APP && host != Some(ask.host.as_str()) && host != Some("outlook.office.com") {
        return unauthorized("invalid_token");
    }
    let permitted = if ask.app_only() {
        ask.claim_words("roles").contains(&"Exchange.ManageAsApp")
    } else {
        ask.claim_words("scp").contains(&"Exchange.Manage")
    };
    let known = [view.at("tenant.id"), view.at("tenant.domain"), view.at("tenant.initial_domain")];
    let own_tenant =
        known.iter().any(|name| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(tenant)));
    if !permitted || !own_tenant {
        return unauthorized("invalid_token");
    }
    let held = ask.claim_words("wids");
    if READERS.iter().any(|role| held.contains(&names::role(role).1.as_str())) {
        return Ok(());
    }
    let text = "The role assigned to application isn't supported in this scenario.";
    let body = json!({ "error": { "code": "Forbidden", "message": text, "details": [], "innererror": {
        "message": text, "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException" } } });
    Err(json_answer(403, &body))
}

/// Runs the cmdlet of the body and pages its rows.
fn invoke(view: View, ask: &Ask, tenant: &str) -> Result<Value, Failure> {
    let body: Value = serde_json::from_slice(&ask.body)
        .map_err(|_| Failure::new("InvalidRequest", "The request body is not valid JSON.".to_owned()))?;
    let input = &body["CmdletInput"];
    let Some(name) = input["CmdletName"].as_str() else {
        return Err(Failure::new(
            "InvalidRequest",
            "The parameter CmdletInput.CmdletName is required.".to_owned(),
        ));
    };
    let cmdlet = CMDLETS.iter().find(|cmdlet| cmdlet.name.eq_ignore_ascii_case(name));
    let cmdlet = cmdlet.ok_or_else(|| Failure::unknown_cmdlet(name))?;
    let empty = Map::new();
    let parameters = input["Parameters"].as_object().unwrap_or(&empty);
    check_parameters(cmdlet, parameters)?;
    let run = Run { view, parameters };
    let rows = (cmdlet.run)(&run)?;
    Ok(page(&rows, ask, tenant, cmdlet.kind))
}

/// Refuses a parameter that the cmdlet does not have, and misses one that it needs.
fn check_parameters(cmdlet: &Cmdlet, parameters: &Map<String, Value>) -> Result<(), Failure> {
    let known = |name: &str| cmdlet.parameters.iter().chain(COMMON).any(|own| own.eq_ignore_ascii_case(name));
    if let Some(name) = parameters.keys().find(|name| !known(name)) {
        let text = format!("A parameter cannot be found that matches parameter name '{name}'.");
        return Err(Failure::new("ParameterBindingException", text));
    }
    let given = |name: &str| parameters.keys().any(|own| own.eq_ignore_ascii_case(name));
    match cmdlet.required.iter().find(|name| !given(name)) {
        Some(name) => Err(Failure::new(
            "ParameterBindingException",
            format!("Cannot process command because of one or more missing mandatory parameters: {name}."),
        )),
        None => Ok(()),
    }
}

/// One page of the rows, cut down to the selected properties.
fn page(rows: &[Value], ask: &Ask, tenant: &str, kind: &str) -> Value {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(ask.query.as_bytes()).into_owned().collect();
    let option = |name: &str| {
        query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let prefer = ask.header("prefer").unwrap_or_default();
    let size = prefer.split("odata.maxpagesize=").nth(1).and_then(|rest| rest.split([',', ';']).next());
    let size = size.and_then(|size| size.trim().parse().ok()).unwrap_or(PAGE).max(1);
    let skip = option("$skiptoken").and_then(|skip| skip.parse().ok()).unwrap_or(0usize);
    let select = option("$select").map(|names| names.split(',').map(str::trim).collect::<Vec<_>>());
    let shown: Vec<Value> =
        rows.iter().skip(skip).take(size).map(|row| cut(row, select.as_deref())).collect();
    let base = format!("https://{}/adminapi/beta/{tenant}", ask.host);
    let mut body = Map::new();
    body.insert("@odata.context".into(), format!("{base}/$metadata#{kind}").into());
    body.insert("@adminapi.warnings@odata.type".into(), "#Collection(String)".into());
    body.insert("@adminapi.warnings".into(), json!([]));
    if skip + size < rows.len() {
        let select = option("$select").map_or(String::new(), |names| format!("$select={names}&"));
        body.insert(
            "@odata.nextLink".into(),
            format!("{base}/InvokeCommand?{select}$skiptoken={}", skip + size).into(),
        );
    }
    body.insert("value".into(), shown.into());
    Value::Object(body)
}

fn cut(row: &Value, select: Option<&[&str]>) -> Value {
    let (Some(names), Some(members)) = (select, row.as_object()) else { return row.clone() };
    let kept = members.iter().filter(|(name, _)| names.iter().any(|own| own.eq_ignore_ascii_case(name)));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

impl Failure {
    fn new(kind: &'static str, text: String) -> Self {
        Self { kind, text }
    }

    fn unknown_cmdlet(name: &str) -> Self {
        let text = format!(
            "The term '{name}' is not recognized as the name of a cmdlet, function, script file, or operable program. \
             Check the spelling of the name, or if a path was included, verify that the path is correct and try again."
        );
        Self::new("CommandNotFoundException", text)
    }

    fn not_found(identity: &str) -> Self {
        let text = format!(
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be \
             performed because object '{identity}' couldn't be found on 'AM9PR01A01DC001.EURPRD01A001.prod.outlook.com'."
        );
        Self::new("ManagementObjectNotFoundException", text)
    }

    fn no_permission_entry(user: &str) -> Self {
        let text = format!(
            "Ex9E2D1B|Microsoft.Exchange.Management.StoreTasks.UserNotFoundInPermissionEntryException|There is no existing \
             permission entry found for user: {user}."
        );
        Self::new("UserNotFoundInPermissionEntryException", text)
    }

    /// The body that carries the failure, its useful text deepest.
    fn body(&self, request_id: &str) -> Value {
        let exception = format!("Microsoft.Exchange.Configuration.Tasks.{}", self.kind);
        json!({ "error": { "code": "BadRequest", "message": "Error executing cmdlet",
            "details": [{ "code": "Context", "target": "", "message": self.text }],
            "innererror": { "message": "Error executing cmdlet",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException", "stacktrace": "",
                "internalException": { "message": self.text, "type": exception, "stacktrace": "" } } },
            "adminapi.requestid": request_id })
    }
}

/// Whether a row is the one that an identity names.
fn named(row: &Value, identity: &str) -> bool {
    ["Name", "Identity", "AppId", "ObjectId", "Guid", "DisplayName"]
        .iter()
        .any(|field| has(row, field, identity))
}

#[cfg(test)]
mod tests;
