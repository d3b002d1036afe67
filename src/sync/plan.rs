//! What a test sync is to do.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::RunId;

/// By which right mailboxes are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// EWS with `ExchangeImpersonation`.
    Impersonation,
    /// EWS as the signed-in account: its own mailbox, and folders of others by the rights on them.
    Delegate,
    /// Graph with application permissions.
    GraphApp,
    /// Graph as the signed-in account, others by the `.Shared` permissions.
    GraphDelegated,
}

impl Access {
    /// As in `sync.access`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Impersonation => "impersonation",
            Self::Delegate => "delegate",
            Self::GraphApp => "graph-app",
            Self::GraphDelegated => "graph-delegated",
        }
    }

    /// It speaks Graph.
    pub fn is_graph(self) -> bool {
        matches!(self, Self::GraphApp | Self::GraphDelegated)
    }
}

/// Why a mailbox is part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The service account's own.
    Account,
    /// Another one that the user named.
    Other,
    /// A shared one that the configuration names.
    Shared,
    /// One outside the scope, which must be refused.
    Outside,
}

impl Role {
    /// As in `sync.steps[].role`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Other => "other",
            Self::Shared => "shared",
            Self::Outside => "outside",
        }
    }
}

/// One mailbox of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Primary address.
    pub address: String,
    /// Why it is here.
    pub role: Role,
    /// Whether the run may write to it; if not, this is why not.
    pub read_only: Option<String>,
}

/// A part of the test that can be asked for by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A contact folder, contacts, their change feed.
    Contacts,
    /// A calendar, appointments, their change feed.
    Calendar,
    /// A subscription and its event.
    Notifications,
    /// The global address list.
    AddressList,
    /// Free and busy times.
    Availability,
    /// The hierarchy of public folders, and one item.
    PublicFolders,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Contacts,
        Self::Calendar,
        Self::Notifications,
        Self::AddressList,
        Self::Availability,
        Self::PublicFolders,
    ];

    /// As on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contacts => "contacts",
            Self::Calendar => "calendar",
            Self::Notifications => "notifications",
            Self::AddressList => "address-list",
            Self::Availability => "availability",
            Self::PublicFolders => "public-folders",
        }
    }

    /// What it is.
    pub fn about(self) -> &'static str {
        match self {
            Self::Contacts => "A contact folder, contacts, their change feed",
            Self::Calendar => "A calendar, appointments, their change feed",
            Self::Notifications => "A subscription and its event",
            Self::AddressList => "The global address list",
            Self::Availability => "Free and busy times",
            Self::PublicFolders => "The hierarchy of public folders, and one item",
        }
    }
}

/// Which leftovers of earlier runs are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Those that are older than an hour: a younger one may belong to a run that is still going on.
    Old,
    /// All, at once.
    All,
}

/// What a test sync is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Names the run.
    pub run: RunId,
    /// By which right.
    pub access: Access,
    /// The mailboxes, the account's own first.
    pub mailboxes: Vec<Mailbox>,
    /// Parts to do.
    pub parts: BTreeSet<Part>,
    /// Public folders to look at, by path; empty: the first one that may be read.
    pub public_folders: Vec<String>,
    /// Leftovers to remove.
    pub sweep: Sweep,
    /// Nothing but sweeping is done.
    pub only_sweep: bool,
    /// When the work ends whatever is left of it, and cleaning up begins.
    pub work_until: Instant,
    /// When cleaning up ends as well.
    pub clean_until: Instant,
}
