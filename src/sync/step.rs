//! What became of a test sync, step by step.

use crate::facts::Exchange;

/// The steps, in the order in which reports show them. Names are the same in both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Opens the mailbox, reads the rights on its folders where the protocol tells.
    Open,
    /// Reads how full the mailbox is.
    Quota,
    /// Looks for leftovers of earlier runs and removes them.
    Sweep,
    /// Makes an own folder.
    CreateFolder,
    /// Reads the change feed of the own, still empty folder from its start.
    FeedStart,
    /// Makes an item.
    Create,
    /// Reads it back and compares field by field.
    Read,
    /// The change feed shows exactly what was made.
    FeedCreated,
    /// Changes an item with its current change key.
    Update,
    /// Changes it again with the old one, which must be refused.
    Conflict,
    /// The change feed shows exactly that change.
    FeedUpdated,
    /// Deletes an item.
    Delete,
    /// The change feed shows exactly that deletion.
    FeedDeleted,
    /// A notification of a change arrives.
    Notification,
    /// The address list knows the account.
    AddressList,
    /// Free and busy times are told.
    Availability,
    /// The hierarchy of public folders answers, and a folder can be read.
    PublicFolders,
    /// Removes everything, and looks whether it is gone.
    CleanUp,
}

impl Name {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 18] = [
        Self::Open,
        Self::Quota,
        Self::Sweep,
        Self::CreateFolder,
        Self::FeedStart,
        Self::Create,
        Self::Read,
        Self::FeedCreated,
        Self::Update,
        Self::Conflict,
        Self::FeedUpdated,
        Self::Delete,
        Self::FeedDeleted,
        Self::Notification,
        Self::AddressList,
        Self::Availability,
        Self::PublicFolders,
        Self::CleanUp,
    ];

    /// As in `sync.steps[].step`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Quota => "quota",
            Self::Sweep => "sweep",
            Self::CreateFolder => "create-folder",
            Self::FeedStart => "feed-start",
            Self::Create => "create",
            Self::Read => "read",
            Self::FeedCreated => "feed-created",
            Self::Update => "update",
            Self::Conflict => "conflict",
            Self::FeedUpdated => "feed-updated",
            Self::Delete => "delete",
            Self::FeedDeleted => "feed-deleted",
            Self::Notification => "notification",
            Self::AddressList => "address-list",
            Self::Availability => "availability",
            Self::PublicFolders => "public-folders",
            Self::CleanUp => "clean-up",
        }
    }
}

/// Why a step was skipped: the `code` of such a step.
pub mod why {
    /// An earlier step that this one builds on did not end well; `text` names it.
    pub const BEFORE: &str = "before";
    /// The mailbox is only read in this run.
    pub const READ_ONLY: &str = "read-only";
    /// The mailbox is nearly full: nothing is written at 95 % or above.
    pub const QUOTA: &str = "quota";
    /// The right to write is missing, as an earlier step showed.
    pub const NO_RIGHT: &str = "no-right";
    /// The time for the work was over.
    pub const OUT_OF_TIME: &str = "out-of-time";
    /// The run was told to stop.
    pub const STOPPED: &str = "stopped";
    /// It cannot be done from here at all, for example a notification to a public web address.
    pub const NOT_HERE: &str = "not-here";
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// As it should.
    Ok,
    /// It was done, and the answer is not what was expected: see the differences.
    Differs,
    /// The server refused it with a code or status that repeating does not change.
    Refused,
    /// The server does not know the operation, or does not offer it to this caller.
    Unavailable,
    /// The server kept asking to back off.
    Throttled,
    /// The server failed, or did not answer, or answered something unreadable.
    Failed,
    /// It was not tried.
    Skipped,
}

impl Result {
    /// As in `sync.steps[].result`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Differs => "differs",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One step in one mailbox.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which.
    pub name: Name,
    /// Address of the mailbox.
    pub mailbox: String,
    /// `account`, `other`, `shared` or `outside`.
    pub role: super::Role,
    /// What it was done with: `contacts` or `calendar` for folders and feeds; `contact`, `note`,
    /// `appointment` or `recurring` for items; a path for public folders.
    pub subject: Option<String>,
    /// How it ended.
    pub result: Result,
    /// HTTP status of the answer that decided.
    pub status: Option<u16>,
    /// Response code (EWS) or error code (Graph) of that answer, where it was an error; of a skipped step
    /// one of [`why`].
    pub code: Option<String>,
    /// What the server said, or why the step was skipped, in words.
    pub text: Option<String>,
    /// What differs between what was expected and what was found, one sentence each.
    pub differences: Vec<String>,
    /// Milliseconds from its first request to its last answer, waiting included.
    pub ms: u64,
    /// Milliseconds of these spent waiting because the server asked to.
    pub waited_ms: u64,
    /// Its exchanges, retries included, in order.
    pub exchanges: Vec<Exchange>,
}

impl Step {
    /// What decided, in a word: a code, the HTTP status, or the result where there is neither.
    pub fn answer(&self) -> String {
        let code = self.code.clone().filter(|code| !code.is_empty());
        let status = || self.status.map(|status| format!("HTTP {status}"));
        code.or_else(status).unwrap_or_else(|| self.result.as_str().to_owned())
    }
}

/// Where a marked thing of an earlier run was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A folder that a run made, or an item in one.
    OwnFolder,
    /// Somebody moved or copied it elsewhere: it is reported and never deleted.
    Elsewhere,
}

impl Place {
    /// As in `sync.leftovers[].place`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnFolder => "own-folder",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A marked thing of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Address of the mailbox.
    pub mailbox: String,
    /// Id of the folder or item, as the server names it.
    pub id: String,
    /// `folder` or `item`.
    pub kind: &'static str,
    /// Where.
    pub place: Place,
    /// The run that made it.
    pub run: String,
    /// Whether this run removed it.
    pub removed: bool,
    /// Why not: `too-young`, `foreign-items`, `elsewhere`, or the refusal's code.
    pub because: Option<String>,
}

/// A thing of this run that is still there at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Address of the mailbox.
    pub mailbox: String,
    /// Id of the folder or item.
    pub id: String,
    /// `folder` or `item`.
    pub kind: &'static str,
    /// Why: `foreign-items` (somebody put something else into the folder), or what the server said.
    pub because: String,
}

/// Everything that a test sync found.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Steps in the order in which they ended.
    pub steps: Vec<Step>,
    /// What earlier runs left.
    pub leftovers: Vec<Leftover>,
    /// What this run left.
    pub left: Vec<Left>,
    /// Something was deleted the usual way because the server does not delete for good: it lies in Deleted
    /// Items.
    pub in_deleted_items: bool,
    /// The server refused the credential, and no other was to be had.
    pub sign_in_refused: bool,
}
