//! What a run is given, and what it hands on.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc::UnboundedSender;

use crate::collect::{Carry, Extra, import::Import, session};
use crate::facts::{Account, Document};

/// Bounds and listeners of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// When to give up: what has not been read by then is absent.
    pub deadline: Duration,
    /// Who wants to hear about each call.
    pub progress: Option<UnboundedSender<Progress>>,
    /// Credentials that earlier runs saw refused, and those that this one does.
    pub memory: session::Memory,
    /// Calls that the user's files bring.
    pub extra: Arc<Extra>,
    /// Files that fill what no call can read.
    pub imports: Arc<[Import]>,
    /// What goes on until it has cleaned up behind it: whoever ends the program early waits for it.
    pub tasks: session::Tasks,
    /// What earlier rounds about the same targets brought, where there are rounds.
    pub carry: Option<Carry>,
}

impl Default for RunOptions {
    fn default() -> Self {
        let (deadline, memory) = (Duration::from_mins(1), session::Memory::default());
        Self {
            deadline,
            progress: None,
            memory,
            extra: Arc::default(),
            imports: Arc::default(),
            tasks: session::Tasks::default(),
            carry: None,
        }
    }
}

/// News of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A call began.
    Started {
        /// Its name.
        call: &'static str,
        /// The account, app or tenant.
        about: String,
    },
    /// A call ended.
    Finished {
        /// Its name.
        call: &'static str,
        /// The account, app or tenant.
        about: String,
    },
    /// A step of a test sync ended.
    Step {
        /// The mailbox.
        mailbox: String,
        /// Its name, with what it was done with.
        step: String,
        /// How it ended.
        result: &'static str,
    },
}

/// A finished part of a run: what comes first, and then one account after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// The run and its tenants: a document without accounts.
    Head(Document),
    /// An account.
    Account(Account),
}

impl Part {
    /// Puts a part into the document that all of them make.
    pub fn join(self, document: &mut Option<Document>) {
        match (self, document) {
            (Self::Head(head), document) => *document = Some(head),
            (Self::Account(account), Some(document)) => document.accounts.push(account),
            // Accounts come after the head.
            (Self::Account(_), None) => {}
        }
    }
}
