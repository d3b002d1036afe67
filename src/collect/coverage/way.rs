//! The ways into mailboxes: by EWS or by Graph, with the product's own credential and by its rules.
//!
//! A password is sent alone once before anybody else sends it, and never after it was refused; a token is
//! renewed a while before it ends, and once when it is refused all the same.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Answer, Prober, Standing};
use crate::collect::ews::converse;
use crate::collect::graph_targets::{Cheap, cheapest, of_folder};
use crate::collect::session::Resource;
use crate::collect::{Context, Protocol, SubjectKind, Target, World};
use crate::facts::{Absence, Reason};
use crate::sync;
use crate::wire::answer::{self, Problem};
use crate::wire::ews::{Client, Inboxes, Kind, Mailbox, Outcome};
use crate::wire::graph::{Reads, Writer};

/// A token is renewed so long before it ends.
const BEFORE_END: i64 = 300;
/// A token that was made less than this ago is not renewed because it was refused.
const FRESH: Duration = Duration::from_secs(30);

/// Response codes by which a server refuses the caller, not the mailbox.
const DENIED: [&str; 5] = [
    "ErrorAccessDenied",
    "ErrorImpersonateUserDenied",
    "ErrorImpersonationDenied",
    "ErrorTokenSerializationDenied",
    "ErrorInvalidAuthorizationContext",
];

/// Response codes that say nothing about the mailbox: another time they are gone.
const PASSING: [&str; 16] = [
    "ErrorADOperation",
    "ErrorADUnavailable",
    "ErrorConnectionFailed",
    "ErrorImpersonationFailed",
    "ErrorInsufficientResources",
    "ErrorInternalServerError",
    "ErrorInternalServerTransientError",
    "ErrorInvalidServerVersion",
    "ErrorMailboxFailover",
    "ErrorMailboxStoreUnavailable",
    "ErrorNoRespondingCASInDestinationSite",
    "ErrorNotEnoughMemory",
    "ErrorProxyRequestNotAllowed",
    "ErrorServiceUnavailable",
    "ErrorTimeoutExpired",
    "ErrorTooManyObjectsOpened",
];

/// A way into mailboxes.
#[derive(Debug)]
pub struct Way {
    context: Context,
    kind: Ways,
    held: RwLock<Arc<Held>>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
enum Ways {
    Ews { folder: &'static str },
    Graph { read: Cheap },
}

/// A client with the credential that it holds.
#[derive(Debug)]
struct Held {
    client: Asker,
    whole: Whole,
    made: Instant,
    /// When its token ends, in seconds since 1970; `None`: it holds a password, or nobody knows.
    ends: Option<i64>,
}

#[derive(Debug)]
enum Asker {
    Ews(Box<Inboxes>),
    Graph(Box<Reads>),
}

/// The client for more than one question.
#[derive(Debug)]
enum Whole {
    Ews(Client),
    Graph(Writer),
}

/// A first question, and the client for all others.
struct Opened {
    client: Client,
    outcome: Outcome,
}

impl AsRef<Outcome> for Opened {
    fn as_ref(&self) -> &Outcome {
        &self.outcome
    }
}

impl Way {
    /// Signs in, and asks for the account's own mailbox where that is what proves a password.
    ///
    /// # Errors
    ///
    /// When the credential is not held, must not be sent, or was refused.
    pub async fn open(context: Context) -> Result<Self, Absence> {
        let target = &context.target;
        let delegated = target.world == Some(World::OnlineDelegated);
        let kind = match target.protocol {
            Protocol::Ews => Ways::Ews { folder: target.synced_folders()[0] },
            Protocol::Graph if delegated => Ways::Graph { read: of_folder(target.synced_folders()[0]) },
            Protocol::Graph => Ways::Graph { read: cheapest(target) },
        };
        let held = RwLock::new(Arc::new(hold(&context, kind).await?));
        Ok(Self { context, kind, held, renewing: tokio::sync::Mutex::default() })
    }

    /// What is asked for, in words.
    pub fn question(&self) -> String {
        match self.kind {
            Ways::Ews { folder } => format!("the id of the folder {folder}"),
            Ways::Graph { read: (_, below, _) } => format!("one id below {below}"),
        }
    }

    /// Whom it asks for.
    pub(super) fn target(&self) -> &Target {
        &self.context.target
    }

    /// Does a test sync, with a credential that lasts as long.
    pub(super) async fn sync(&self, plan: &sync::Plan, stop: &CancellationToken) -> sync::Outcome {
        let held = self.fresh().await;
        match &held.whole {
            Whole::Ews(client) => sync::ews::run(client, plan, stop, |_| {}).await,
            Whole::Graph(writer) => sync::graph::run(writer, plan, stop, |_| {}).await,
        }
    }

    /// The credential, renewed if it is about to end.
    async fn fresh(&self) -> Arc<Held> {
        let held = self.current();
        if held.ends.is_none_or(|end| end - Timestamp::now().as_second() >= BEFORE_END) {
            return held;
        }
        self.renew(&held).await.unwrap_or(held)
    }

    fn current(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another credential than that one; `None`: there is none.
    async fn renew(&self, old: &Arc<Held>) -> Option<Arc<Held>> {
        let _one = self.renewing.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, old) {
            return Some(current);
        }
        let refreshable = self.context.target.subject.kind != SubjectKind::Password
            || self.context.target.world.is_some_and(World::is_cloud);
        if !refreshable || old.made.elapsed() < FRESH {
            return None;
        }
        self.context.session.forget_tokens();
        let new = Arc::new(hold(&self.context, self.kind).await.ok()?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        Some(new)
    }
}

impl Asker {
    async fn ask(&self, address: &str) -> Answer {
        match self {
            Self::Ews(inboxes) => match inboxes.open(address).await {
                Ok(()) => opened(),
                Err(outcome) => of_ews(&outcome),
            },
            Self::Graph(reads) => match reads.get(address).await {
                Ok(()) => opened(),
                Err(refused) => of_graph(&refused.answer, refused.wait),
            },
        }
    }
}

fn opened() -> Answer {
    Answer { status: Some(200), ..Answer::new(Standing::Open) }
}

impl Prober for Way {
    async fn probe(&self, address: &str) -> Answer {
        let held = self.fresh().await;
        let answer = held.client.ask(address).await;
        if answer.standing != Standing::Unauthorized {
            return answer;
        }
        match self.renew(&held).await {
            Some(new) => new.client.ask(address).await,
            None => answer,
        }
    }
}

async fn hold(context: &Context, kind: Ways) -> Result<Held, Absence> {
    let made = Instant::now();
    match kind {
        Ways::Graph { read: (_, below, query) } => {
            let token = context.subject_token(Resource::Graph).await?;
            let ends = token.claims.as_ref().and_then(|claims| claims.expires);
            let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let tail = format!("/{below}?{}", query.join("&"));
            let reads = context.graph_with(token.secret.clone()).reads(&tail).ok_or_else(unsendable)?;
            let base = context.target.endpoints.graph.clone();
            let whole = Whole::Graph(Writer::new(context.net.clone(), base, token.secret));
            Ok(Held { client: Asker::Graph(Box::new(reads)), whole, made, ends })
        }
        Ways::Ews { folder } => {
            let account = context.target.account.clone();
            let app = context.target.world.is_some_and(World::is_app);
            let own = if app { Mailbox::Impersonated(account) } else { Mailbox::Own(account) };
            let opened = converse(context, |client| async move {
                let outcome = client.open_inbox(&own).await;
                Opened { client, outcome }
            });
            let opened = opened.await.map_err(|unsent| *unsent.absence)?;
            refused(&opened.outcome)?;
            let ends = if context.target.world.is_some_and(World::is_cloud) {
                let token = context.subject_token(Resource::Exchange).await.ok();
                token.and_then(|token| token.claims.as_ref().and_then(|claims| claims.expires))
            } else {
                None
            };
            let impersonates = context.target.world != Some(World::OnlineDelegated);
            let inboxes = opened.client.folders(impersonates, folder).ok_or_else(unsendable)?;
            let whole = Whole::Ews(opened.client);
            Ok(Held { client: Asker::Ews(Box::new(inboxes)), whole, made, ends })
        }
    }
}

fn unsendable() -> Absence {
    Absence::new(Reason::Unreadable).with_text("the credential must not or cannot be sent there")
}

/// A first answer that shows that no other question makes sense.
fn refused(outcome: &Outcome) -> Result<(), Absence> {
    let text = |what: &str| match &outcome.text {
        Some(text) => format!("{what}: {text}"),
        None => what.to_owned(),
    };
    match outcome.kind {
        Kind::Unauthorized | Kind::UnsupportedScheme => {
            Err(Absence::new(Reason::Denied).with_text(text("EWS refused the product's credential")))
        }
        Kind::NotSoap => Err(Absence::new(Reason::Unreadable).with_text(text("no EWS answers there"))),
        Kind::Failed => Err(Absence::new(Reason::Unreachable).with_text(text("EWS did not answer"))),
        _ => Ok(()),
    }
}

fn of_ews(outcome: &Outcome) -> Answer {
    let code = outcome.code.as_deref().filter(|code| *code != "NoError");
    let standing = match outcome.kind {
        Kind::Ok => Standing::Open,
        Kind::Throttled => Standing::Throttled,
        Kind::Unauthorized | Kind::UnsupportedScheme => Standing::Unauthorized,
        Kind::Forbidden => Standing::Denied,
        Kind::NotSoap | Kind::ServerError | Kind::Failed => Standing::Failed,
        Kind::Error => match code {
            Some(code) if DENIED.contains(&code) => Standing::Denied,
            Some(code) if PASSING.contains(&code) => Standing::Failed,
            _ => Standing::Faulty,
        },
    };
    let text = outcome.policy_reason.as_deref().or(outcome.text.as_deref());
    Answer {
        standing,
        status: outcome.status,
        code: code.map(Into::into),
        text: text.filter(|_| standing != Standing::Open).map(Into::into),
        suggested: outcome.suggested_address.as_deref().map(Into::into),
        wait: outcome.wait(),
        too_many_at_once: code == Some("ErrorExceededConnectionCount"),
    }
}

fn of_graph(answer: &answer::Answer, wait: Option<Duration>) -> Answer {
    use answer::Answer as Said;
    let standing = match answer {
        Said::Throttled(_) => Standing::Throttled,
        Said::Down(_) if wait.is_some() => Standing::Throttled,
        Said::Found(_) | Said::Down(_) | Said::Unreadable(_) | Said::Unreachable(_) => Standing::Failed,
        Said::Denied(problem) if problem.status == 401 => Standing::Unauthorized,
        Said::Denied(_) => Standing::Denied,
        Said::Rejected(problem) if problem.status < 400 => Standing::Failed,
        Said::Rejected(problem) if problem.code.as_deref().is_some_and(|code| PASSING.contains(&code)) => {
            Standing::Failed
        }
        Said::Missing(_) | Said::Unlicensed(_) | Said::Rejected(_) => Standing::Faulty,
    };
    let problem = answer.problem();
    let text = match answer {
        Said::Found(_) => None,
        Said::Unreachable(failure) => Some(failure.to_string()),
        Said::Unreadable(text) => Some(text.clone()),
        _ => problem.map(|problem| problem.message.clone()).filter(|text| !text.is_empty()),
    };
    let status = problem.map(|problem| problem.status);
    let at_once = |problem: &Problem| problem.mentions(&["MailboxConcurrency", "concurrent"]);
    Answer {
        standing,
        status,
        code: problem.and_then(|problem| problem.code.as_deref()).map(Into::into),
        text: text.map(Into::into),
        suggested: None,
        wait,
        too_many_at_once: standing == Standing::Throttled && problem.is_some_and(at_once),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> Problem {
        Problem {
            status,
            code: Some(code.into()),
            codes: vec![code.into()],
            message: message.into(),
            is_of_service: true,
            reason: None,
        }
    }

    #[test]
    fn a_refusal_by_graph_says_whose_it_is() {
        use answer::Answer as Said;
        let standing = |answer: Said| of_graph(&answer, None).standing;
        assert_eq!(standing(Said::Denied(refused(403, "ErrorAccessDenied", "[RAOP]"))), Standing::Denied);
        assert_eq!(
            standing(Said::Denied(refused(401, "InvalidAuthenticationToken", ""))),
            Standing::Unauthorized
        );
        assert_eq!(
            standing(Said::Missing(refused(404, "MailboxNotEnabledForRESTAPI", ""))),
            Standing::Faulty
        );
        assert_eq!(standing(Said::Rejected(refused(404, "ErrorTimeoutExpired", ""))), Standing::Failed);
        assert_eq!(standing(Said::Down(refused(503, "x", ""))), Standing::Failed);
        assert_eq!(standing(Said::Found(serde_json::json!({ "hello": 1 }))), Standing::Failed);
    }

    #[test]
    fn a_wait_and_a_limit_of_concurrency_are_told() {
        use answer::Answer as Said;
        let wait = Some(Duration::from_secs(7));
        let limit = refused(429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit.");
        let answer = of_graph(&Said::Throttled(limit), wait);
        assert_eq!(
            (answer.standing, answer.wait, answer.too_many_at_once),
            (Standing::Throttled, wait, true)
        );
        let answer = of_graph(&Said::Down(refused(503, "x", "")), wait);
        assert_eq!((answer.standing, answer.too_many_at_once), (Standing::Throttled, false));
    }
}
