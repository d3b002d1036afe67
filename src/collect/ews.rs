//! EWS with the product's credential: the own inbox, the account impersonating itself, and the other
//! mailboxes that the user named.
//!
//! A password goes out only where the server offered to take it, only to a host that is configured or
//! belongs to the account's organization, and never again once it was refused.

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use url::Url;

use super::scope::TARGETS;
use super::session::{Resource, password_fingerprint};
use super::{Access, Call, Context, Protocol, SubjectKind, Target, World, Yield};
use crate::facts::{Absence, Reason, catalogue::Scope};
use crate::wire::Secret;
use crate::wire::ews::{self, Client, Credential, Kind, Mailbox, Outcome, Proof};
use crate::wire::refusal::Given;

/// The calls of this collector.
pub const CALLS: &[Call] = &[
    Call {
        name: "ews.own",
        scope: Scope::Account,
        yields: &["ews.server_version", "ews.server_major", "ews.server_minor", "ews.own"],
        after: &["ews.endpoint"],
        access: Access::Subject,
        applies: speaks_ews,
        run: |context| Box::pin(own(context)),
    },
    Call {
        name: "ews.impersonated",
        scope: Scope::Account,
        yields: &["ews.impersonated"],
        // The account's own question finds out whether the password is good, always the same one.
        after: &["ews.endpoint", "ews.own"],
        access: Access::Subject,
        applies: impersonates,
        run: |context| Box::pin(impersonated(context)),
    },
    Call {
        name: "ews.others",
        scope: Scope::Account,
        yields: &["ews.others"],
        after: &["ews.endpoint", "ews.own"],
        access: Access::Subject,
        applies: impersonates,
        run: |context| Box::pin(others(context)),
    },
    Call {
        name: "ews.delegate-tests",
        scope: Scope::Account,
        yields: &["scope.delegate_tests"],
        after: &["ews.endpoint"],
        access: Access::Subject,
        applies: is_delegated,
        run: |context| Box::pin(delegate_tests(context)),
    },
];

/// Facts of one question, by the field names that `own`, `impersonated` and `others[]` share.
const COMMON: [&str; 6] = ["status", "result", "code", "text", "policy_reason", "reason"];

/// Other mailboxes asked at the same time.
const AT_ONCE: usize = 4;

pub(super) fn speaks_ews(target: &Target) -> bool {
    target.protocol == Protocol::Ews && target.world != Some(World::OnlineGraphApp)
}

/// In Exchange Online a signed-in account can no longer impersonate.
fn impersonates(target: &Target) -> bool {
    speaks_ews(target) && target.world != Some(World::OnlineDelegated)
}

fn is_delegated(target: &Target) -> bool {
    speaks_ews(target) && target.world == Some(World::OnlineDelegated)
}

async fn own(context: Context) -> Yield {
    let mut yielded = Yield::new();
    if context.target.world.is_some_and(World::is_app) {
        let unsent = Unsent::new("app-only", Reason::UnsupportedHere, "an app has no mailbox of its own");
        write_own(&mut yielded, &Asked::not_sent(unsent));
        return yielded;
    }
    let asked = ask(&context, Mailbox::Own(context.target.account.clone())).await;
    write_own(&mut yielded, &asked);
    yielded
}

async fn impersonated(context: Context) -> Yield {
    let mut yielded = Yield::new();
    let asked = ask(&context, Mailbox::Impersonated(context.target.account.clone())).await;
    write(&mut yielded, "ews.impersonated", &asked);
    let rest = [
        ("diagnostics", asked.sent().map(|outcome| json!(outcome.diagnostics))),
        ("suggested_address", asked.sent().map(|outcome| json!(outcome.suggested_address))),
    ];
    for (name, value) in rest {
        put(&mut yielded, &format!("ews.impersonated.{name}"), value, &asked);
    }
    yielded
}

async fn others(context: Context) -> Yield {
    let asked = each_other(&context, Mailbox::Impersonated).await;
    rows("ews.others", &asked, |target, outcome, repeated| {
        let mut row = json!({ "target": target, "repeated": repeated });
        for (name, value) in common(outcome) {
            row[name] = value;
        }
        row
    })
}

/// The other mailboxes by the account's own permissions on them.
async fn delegate_tests(context: Context) -> Yield {
    let folders = context.target.synced_folders();
    let targets = context.target.also.iter().take(TARGETS);
    let questions: Vec<(String, String)> = targets
        .flat_map(|target| folders.iter().map(move |&folder| (target.clone(), folder.into())))
        .collect();
    let asked: Vec<_> = stream::iter(questions)
        .map(|(target, folder)| open_other(&context, target, folder))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let (asked, folders): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let mut folders = folders.into_iter();
    rows("scope.delegate_tests", &asked, |target, outcome, _| {
        let code = outcome.code.as_ref().filter(|_| outcome.kind != Kind::Ok);
        json!({ "target": target, "folder": folders.next(), "status": outcome.status, "code": code })
    })
}

/// A folder of somebody else's mailbox, by the account's own permissions.
async fn open_other(context: &Context, target: String, folder: String) -> ((String, Asked, bool), String) {
    let (mailbox, name) = (Mailbox::Named(target.clone()), folder.clone());
    let opened = converse(context, |client| async move { client.open_folder(&mailbox, &name).await }).await;
    let asked = match opened {
        Ok(outcome) => Asked::Sent(Box::new(outcome)),
        Err(unsent) => Asked::not_sent(unsent),
    };
    ((target, asked, false), folder)
}

/// Asks for each mailbox that the user named, a few at a time.
async fn each_other(context: &Context, mailbox: fn(String) -> Mailbox) -> Vec<(String, Asked, bool)> {
    let targets = context.target.also.iter().take(TARGETS).cloned();
    stream::iter(targets)
        .map(|target| async move {
            let (asked, repeated) = ask_twice(context, mailbox(target.clone())).await;
            (target, asked, repeated)
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// A list with one row for each mailbox; absent as a whole where a question was not asked.
fn rows(
    path: &str,
    asked: &[(String, Asked, bool)],
    mut row: impl FnMut(&str, &Outcome, bool) -> Value,
) -> Yield {
    let mut yielded = Yield::new();
    let mut list = Vec::new();
    for (target, asked, repeated) in asked {
        match asked {
            Asked::Sent(outcome) => {
                yielded.exchanges.extend(outcome.exchanges.iter().cloned());
                list.push(row(target, outcome, *repeated));
            }
            Asked::NotSent(_) => {
                yielded.absent(path, asked.absence());
                return yielded;
            }
        }
    }
    yielded.set(path, list);
    yielded
}

/// What became of a question: an outcome, or why it was not asked.
enum Asked {
    Sent(Box<Outcome>),
    NotSent(Unsent),
}

/// Why nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsent {
    /// As in `ews.own.not_attempted_because`.
    because: &'static str,
    /// The server wants a scheme that is not spoken: known without sending anything.
    unsupported_scheme: bool,
    challenges: Vec<String>,
    pub(super) absence: Box<Absence>,
}

impl Unsent {
    fn new(because: &'static str, reason: Reason, text: impl Into<String>) -> Self {
        let absence = Box::new(Absence::new(reason).with_text(text));
        Self { because, unsupported_scheme: false, challenges: Vec::new(), absence }
    }

    fn scheme(text: String, challenges: Vec<String>) -> Self {
        let unsent = Self::new("unsupported", Reason::UnsupportedHere, text);
        Self { unsupported_scheme: true, challenges, ..unsent }
    }
}

impl Asked {
    fn not_sent(unsent: Unsent) -> Self {
        Self::NotSent(unsent)
    }

    fn sent(&self) -> Option<&Outcome> {
        match self {
            Self::Sent(outcome) => Some(outcome),
            Self::NotSent(_) => None,
        }
    }

    fn absence(&self) -> Absence {
        match self {
            Self::Sent(_) => Absence::new(Reason::Unreadable),
            Self::NotSent(unsent) => (*unsent.absence).clone(),
        }
    }
}

pub(super) fn common(outcome: &Outcome) -> [(&'static str, Value); 6] {
    [
        (COMMON[0], json!(outcome.status)),
        (COMMON[1], json!(outcome.kind.as_str())),
        (COMMON[2], json!(outcome.code)),
        (COMMON[3], json!(outcome.text)),
        (COMMON[4], json!(outcome.policy_reason)),
        (COMMON[5], json!(outcome.reason.map(Given::as_str))),
    ]
}

/// The value, or the reason for which the question was not asked.
fn put(yielded: &mut Yield, path: &str, value: Option<Value>, asked: &Asked) {
    match value {
        Some(value) => yielded.set(path, value),
        None => yielded.absent(path, asked.absence()),
    };
}

fn write(yielded: &mut Yield, prefix: &str, asked: &Asked) {
    yielded.set(&format!("{prefix}.attempted"), asked.sent().is_some());
    match asked {
        Asked::Sent(outcome) => {
            for (name, value) in common(outcome) {
                yielded.set(&format!("{prefix}.{name}"), value);
            }
            yielded.exchanges.extend(outcome.exchanges.iter().cloned());
        }
        Asked::NotSent(unsent) => {
            for name in COMMON {
                yielded.absent(&format!("{prefix}.{name}"), asked.absence());
            }
            if unsent.unsupported_scheme {
                let path = |name: &str| format!("{prefix}.{name}");
                for known in ["result", "text"] {
                    yielded.section.absent.remove(&path(known));
                }
                yielded.set(&path("result"), Kind::UnsupportedScheme.as_str());
                yielded.set(&path("text"), json!(unsent.absence.text));
            }
        }
    }
}

fn write_own(yielded: &mut Yield, asked: &Asked) {
    write(yielded, "ews.own", asked);
    let (because, challenges) = match asked {
        Asked::Sent(outcome) => (Value::Null, Some(json!(outcome.challenges))),
        Asked::NotSent(unsent) => {
            let known = unsent.unsupported_scheme.then(|| json!(unsent.challenges));
            (json!(unsent.because), known)
        }
    };
    yielded.set("ews.own.not_attempted_because", because);
    put(yielded, "ews.own.challenges", challenges, asked);
    let diagnostics = asked.sent().map(|outcome| json!(outcome.diagnostics));
    put(yielded, "ews.own.diagnostics", diagnostics, asked);
    let version = asked.sent().and_then(|outcome| outcome.server);
    let missing = match asked.sent() {
        Some(_) => Absence::new(Reason::Unreadable).with_text("the server did not tell its version"),
        None => asked.absence(),
    };
    let versions = [
        ("ews.server_version", version.map(|version| json!(version.to_string()))),
        ("ews.server_major", version.map(|version| json!(version.major))),
        ("ews.server_minor", version.map(|version| json!(version.minor))),
    ];
    for (path, value) in versions {
        match value {
            Some(value) => yielded.set(path, value),
            None => yielded.absent(path, missing.clone()),
        };
    }
}

/// A refusal of another mailbox is confirmed once, because directories lag behind each other.
async fn ask_twice(context: &Context, mailbox: Mailbox) -> (Asked, bool) {
    let first = ask(context, mailbox.clone()).await;
    let Some(outcome) = first.sent().filter(|outcome| is_refusal(outcome)) else {
        return (first, false);
    };
    let before = outcome.exchanges.clone();
    match ask(context, mailbox).await {
        Asked::Sent(mut second) => {
            let repeated = is_refusal(&second);
            second.exchanges.splice(0..0, before);
            (Asked::Sent(second), repeated)
        }
        Asked::NotSent(_) => (first, false),
    }
}

fn is_refusal(outcome: &Outcome) -> bool {
    let code = outcome.code.as_deref().unwrap_or_default();
    let refused = ["ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorAccessDenied"];
    outcome.kind == Kind::Forbidden || (outcome.kind == Kind::Error && refused.contains(&code))
}

async fn ask(context: &Context, mailbox: Mailbox) -> Asked {
    match try_ask(context, &mailbox).await {
        Ok(outcome) => Asked::Sent(Box::new(outcome)),
        Err(unsent) => Asked::not_sent(unsent),
    }
}

async fn try_ask(context: &Context, mailbox: &Mailbox) -> Result<Outcome, Unsent> {
    let mailbox = mailbox.clone();
    converse(context, |client| async move { client.open_inbox(&mailbox).await }).await
}

/// Lets somebody talk to the server with the product's credential, and keeps account of what the first
/// answer says of it.
pub(super) async fn converse<T, F>(context: &Context, talk: impl FnOnce(Client) -> F) -> Result<T, Unsent>
where
    T: AsRef<Outcome>,
    F: Future<Output = T>,
{
    let needed = credential_kind(context)?;
    let url = place(context, needed)?;
    match needed {
        Needed::Password => with_password(context, url, talk).await,
        Needed::Token => with_token(context, url, talk).await,
    }
}

/// Where to ask: a host that is configured, belongs to the organization, or is the cloud's.
fn place(context: &Context, needed: Needed) -> Result<Url, Unsent> {
    let target = &context.target;
    let found = context.text("ews_endpoint.url").or_else(|| context.text("discovery.ews_url"));
    let url = match (found, needed) {
        (Some(text), _) => Url::parse(text).ok(),
        (None, _) if target.endpoints.ews.is_some() => target.endpoints.ews.clone(),
        (None, Needed::Token) => target.endpoints.exchange_admin.join(ews::PATH).ok(),
        (None, Needed::Password) => None,
    };
    let Some(url) = url else {
        return Err(Unsent::new("no-endpoint", Reason::Unreachable, "no EWS address is known"));
    };
    if is_trusted(target, &url, needed) {
        return Ok(url);
    }
    let host = url.host_str().unwrap_or_default();
    let text =
        format!("no credential is sent to {host}: it is neither configured nor the organization's own");
    Err(Unsent::new("unverified-host", Reason::NotAsked, text))
}

fn is_trusted(target: &Target, url: &Url, needed: Needed) -> bool {
    let Some(host) = url.host_str().map(str::to_ascii_lowercase) else { return false };
    if url.scheme() != "https" {
        return false;
    }
    let is = |known: &Url| known.host_str() == Some(&host);
    if target.endpoints.ews.as_ref().is_some_and(is) {
        return true;
    }
    match needed {
        // A token is made for the cloud's Exchange and worth nothing elsewhere.
        Needed::Token => is(&target.endpoints.exchange_admin),
        Needed::Password => [target.mail_domain(), target.domain.to_ascii_lowercase()]
            .iter()
            .any(|domain| registrable(domain).is_some_and(|known| registrable(&host) == Some(known))),
    }
}

fn registrable(name: &str) -> Option<&str> {
    psl::domain_str(name)
}

/// What the product signs in with here.
#[derive(Debug, Clone, Copy)]
enum Needed {
    Password,
    Token,
}

fn credential_kind(context: &Context) -> Result<Needed, Unsent> {
    let target = &context.target;
    let subject = &target.subject;
    if target.vendor_credential || !subject.is_held() {
        let text = "the product's credential is not in the configuration";
        return Err(Unsent::new("secret-not-held", Reason::NotAsked, text));
    }
    if target.world.is_some_and(World::is_cloud) {
        return Ok(Needed::Token);
    }
    if subject.kind != SubjectKind::Password {
        let text = "Exchange Server is asked with a password only";
        return Err(Unsent::new("unsupported", Reason::UnsupportedHere, text));
    }
    if !target.sign_in_allowed {
        let text = "a sign-in with the password was not allowed in this run";
        return Err(Unsent::new("not-allowed", Reason::NotAsked, text));
    }
    password_wanted(context).map(|()| Needed::Password)
}

/// Whether the server takes a password in a scheme that is spoken here, as it said without any.
fn password_wanted(context: &Context) -> Result<(), Unsent> {
    let scheme = context.target.subject.scheme.to_ascii_lowercase();
    let Some(offered) = context.fact("ews_endpoint.challenges").and_then(Value::as_array) else {
        let text = "the server did not answer when asked without a password, so none was sent";
        return Err(Unsent::new("no-answer", Reason::Unreachable, text));
    };
    let offered: Vec<String> =
        offered.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase).collect();
    if scheme != "basic" {
        let text = format!("{scheme} is not spoken by this version");
        return Err(Unsent::scheme(text, offered));
    }
    if offered.iter().any(|challenge| challenge == "basic") {
        return Ok(());
    }
    if offered.is_empty() {
        let text = "what answers at the EWS address asks for no sign-in, so no password was sent";
        return Err(Unsent::new("no-challenge", Reason::UnsupportedHere, text));
    }
    Err(Unsent::scheme(format!("this server wants {}, not basic", offered.join(" or ")), offered))
}

async fn with_password<T, F>(context: &Context, url: Url, talk: impl FnOnce(Client) -> F) -> Result<T, Unsent>
where
    T: AsRef<Outcome>,
    F: Future<Output = T>,
{
    let (username, password) = password(context)?;
    let print = password_fingerprint(&username, &password);
    let mut permit = context.session.credential(&print).await;
    if permit.is_refused() {
        let text = "this password was refused, or got no answer, and is not sent again";
        return Err(Unsent::new("refused-before", Reason::NotAsked, text));
    }
    let said = talk(client(context, url, &Credential::Basic { username, password })?).await;
    let outcome = said.as_ref();
    match outcome.proof() {
        Proof::Refused if outcome.kind == Kind::Unauthorized => permit.condemn(),
        Proof::Refused | Proof::Lost => permit.refuse(),
        Proof::Accepted => permit.prove(),
        Proof::Nothing => {}
    }
    Ok(said)
}

async fn with_token<T, F>(context: &Context, url: Url, talk: impl FnOnce(Client) -> F) -> Result<T, Unsent>
where
    F: Future<Output = T>,
{
    let token = context.subject_token(Resource::Exchange).await.map_err(|absence| {
        let because = match absence.reason {
            Reason::UnsupportedHere => "unsupported",
            _ => "no-token",
        };
        Unsent { because, unsupported_scheme: false, challenges: Vec::new(), absence: Box::new(absence) }
    })?;
    Ok(talk(client(context, url, &Credential::Bearer(token.secret.clone()))?).await)
}

/// A client for somebody who asks much, with a credential that was accepted in this run.
pub(super) async fn proven(context: &Context) -> Result<Client, Unsent> {
    let needed = credential_kind(context)?;
    let url = place(context, needed)?;
    if matches!(needed, Needed::Token) {
        return with_token(context, url, |client| async move { client }).await;
    }
    let (username, password) = password(context)?;
    let permit = context.session.credential(&password_fingerprint(&username, &password)).await;
    if permit.is_refused() || !permit.is_proven() {
        let text = "this password was refused, or got no answer, and is not sent again";
        return Err(Unsent::new("refused-before", Reason::NotAsked, text));
    }
    client(context, url, &Credential::Basic { username, password })
}

/// The password was refused after all: nobody sends it again.
pub(super) async fn refused(context: &Context) {
    if let Ok((username, password)) = password(context) {
        context.session.credential(&password_fingerprint(&username, &password)).await.condemn();
    }
}

fn password(context: &Context) -> Result<(String, Secret), Unsent> {
    let subject = &context.target.subject;
    let username = subject.username.clone().unwrap_or_else(|| context.target.account.clone());
    let missing = || Unsent::new("secret-not-held", Reason::NotAsked, "no password is configured");
    Ok((username, subject.secret.clone().ok_or_else(missing)?))
}

fn client(context: &Context, url: Url, credential: &Credential) -> Result<Client, Unsent> {
    Client::new(context.net.clone(), url, credential)
        .map_err(|problem| Unsent::new("unverified-host", Reason::NotAsked, problem.to_string()))
}
