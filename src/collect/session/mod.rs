//! Identities of a run: one token request for each identity and resource, shared by everybody.
//!
//! Lock-out is real. Whoever wants to send a credential asks here; a credential that was refused is
//! not sent again in the run by anybody, and what is worth remembering longer is listed for the
//! caller. Requests run in tasks of their own, so that a call that is given up neither loses an answer
//! nor lets the next call ask again. Knows nothing of what the tokens are used for.

mod credential;
mod once;
mod tasks;
mod tokens;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync::mpsc::UnboundedSender, time::Instant};

use super::{Cloud, Extra, Progress};
use crate::wire::Failure;
use crate::wire::answer::Answer;
use crate::wire::sign_in::{Attempt, Outcome};
use credential::Credential;
pub use credential::{Memory, Permit, RefusedBefore, fingerprint, password_fingerprint};
pub use once::Once;
pub use tasks::{Ended, Tasks};

/// Statuses of a service that pushes back, or that is down for now.
pub const BUSY: [u16; 4] = [429, 502, 503, 504];

/// A service that tokens are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// Exchange Online: EWS and the admin interface.
    Exchange,
    /// Microsoft Graph.
    Graph,
}

impl Resource {
    /// The resource's URL in scopes, without a slash at the end.
    pub fn url(self, cloud: Cloud) -> &'static str {
        match (self, cloud) {
            (Self::Graph, Cloud::Worldwide) => "https://graph.microsoft.com",
            (Self::Graph, Cloud::GccHigh) => "https://graph.microsoft.us",
            (Self::Graph, Cloud::Dod) => "https://dod-graph.microsoft.us",
            (Self::Graph, Cloud::China) => "https://microsoftgraph.chinacloudapi.cn",
            (Self::Exchange, Cloud::Worldwide) => "https://outlook.office365.com",
            (Self::Exchange, Cloud::GccHigh) => "https://outlook.office365.us",
            (Self::Exchange, Cloud::Dod) => "https://outlook-dod.office365.us",
            (Self::Exchange, Cloud::China) => "https://partner.outlook.cn",
        }
    }

    /// As in permissions of a profile: `graph` or `exchange`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Graph => "graph",
        }
    }
}

/// Why a credential was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotSent {
    /// A live sign-in was not allowed.
    NotAllowed,
    /// It was refused before, in this run or in one remembered.
    RefusedBefore,
    /// There is none.
    SecretNotHeld,
    /// This tool does not speak the flow, or a needed detail is missing.
    Unsupported,
}

impl NotSent {
    /// As in `sign_in.not_attempted_because`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::RefusedBefore => "refused-before",
            Self::SecretNotHeld => "secret-not-held",
            Self::Unsupported => "unsupported",
        }
    }
}

/// A sign-in of this run, sent or not.
pub type SignInResult = Result<Attempt, NotSent>;

/// Everything of a run that its calls share.
pub struct Session {
    /// Fact paths that the selected checks read.
    pub needed: BTreeSet<String>,
    /// Accounts examined in this run.
    pub accounts: usize,
    /// When the run ends; nothing waits beyond it.
    pub deadline: Instant,
    /// Calls that the user's files bring.
    pub extra: Arc<Extra>,
    /// What goes on until it has cleaned up behind it.
    pub tasks: Tasks,
    /// Who hears of the run, if anybody does.
    pub news: Option<UnboundedSender<Progress>>,
    memory: Memory,
    credentials: Arc<Mutex<HashMap<String, Arc<Credential>>>>,
    attempts: Arc<Once<SignInResult>>,
    pub(super) answers: Arc<Once<crate::wire::answer::Said>>,
    pub(super) users: Arc<Once<super::directory::Lookup>>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl Session {
    /// A run over so many accounts that ends at `deadline`.
    pub fn new(memory: Memory, needed: BTreeSet<String>, accounts: usize, deadline: Instant) -> Self {
        Self {
            needed,
            accounts,
            deadline,
            extra: Arc::default(),
            tasks: Tasks::default(),
            news: None,
            memory,
            credentials: Arc::default(),
            attempts: Arc::default(),
            answers: Arc::default(),
            users: Arc::default(),
        }
    }

    /// The same, going on with what another one asked and tried.
    #[must_use]
    pub fn after(self, before: &Self) -> Self {
        Self {
            memory: before.memory.clone(),
            credentials: before.credentials.clone(),
            attempts: before.attempts.clone(),
            answers: before.answers.clone(),
            users: before.users.clone(),
            ..self
        }
    }

    /// The same with calls that the user's files bring.
    #[must_use]
    pub fn with_extra(self, extra: Arc<Extra>) -> Self {
        Self { extra, ..self }
    }

    /// The same with tasks that somebody waits for, and with somebody who hears of the run.
    #[must_use]
    pub fn with_tasks(self, tasks: Tasks, news: Option<UnboundedSender<Progress>>) -> Self {
        Self { tasks, news, ..self }
    }

    /// Drops what was read of an account that is finished; what was tried with a credential stays known.
    pub fn forget(&self, account: &str) {
        self.answers.forget(account);
        self.users.forget(account);
    }

    /// Drops what got no answer that may come later: time-outs, connections that broke, services that push
    /// back or are down. An attempt with a password is never dropped: without an answer it may have counted.
    pub fn forget_passing(&self) {
        self.answers.keep(|said| !is_passing(&said.answer));
        self.users.keep(|found| found.entry.as_ref().err().is_none_or(|absence| !absence.reason.may_pass()));
        self.attempts.keep(|attempt| match attempt {
            Ok(Attempt { flow, outcome, .. }) if *flow != "password" => !matches!(
                outcome,
                Outcome::Busy { .. } | Outcome::NoAnswer(Failure::TimedOut { .. } | Failure::Closed { .. })
            ),
            _ => true,
        });
    }

    /// Drops the tokens: whoever needs one signs in anew. What was refused stays refused.
    pub fn forget_tokens(&self) {
        self.attempts.clear();
    }
}

/// Whether asking again may bring another answer.
fn is_passing(answer: &Answer) -> bool {
    match answer {
        Answer::Throttled(_) => true,
        Answer::Down(problem) => BUSY.contains(&problem.status),
        Answer::Unreachable(failure) => matches!(failure, Failure::TimedOut { .. } | Failure::Closed { .. }),
        _ => false,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is written under these locks can be left half done by a panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
