//! A full test sync of a few mailboxes, one after the other: what a single read cannot prove.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Way;
use crate::collect::{Protocol, World};
use crate::sync::{
    Access, Left, Mailbox, Name, Outcome, Part, Plan, Result as Ended, Role, RunId, Step, Sweep,
};

/// Time for the work in one mailbox.
const WORK: Duration = Duration::from_secs(90);
/// Time for cleaning up behind it.
const CLEAN: Duration = Duration::from_mins(1);

/// Steps that every product needs; the others are worth knowing and decide nothing.
const DECIDING: [Name; 11] = [
    Name::Open,
    Name::CreateFolder,
    Name::FeedStart,
    Name::Create,
    Name::Read,
    Name::FeedCreated,
    Name::Update,
    Name::FeedUpdated,
    Name::Delete,
    Name::FeedDeleted,
    Name::CleanUp,
];

/// What a test sync of one mailbox came to.
#[derive(Debug)]
pub struct Sampled {
    /// Its address.
    pub address: String,
    /// Its steps.
    pub steps: Vec<Step>,
    /// What is still there.
    pub left: Vec<Left>,
}

/// The result of a sampled mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every step that was tried went as it should.
    Ok,
    /// A step was refused, or came out otherwise, or something is left.
    Fails,
    /// The service failed or asked to back off.
    Undetermined,
}

impl Verdict {
    /// As in the lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Fails => "fail",
            Self::Undetermined => "undetermined",
        }
    }
}

impl Sampled {
    /// What it comes to, with the step that decides.
    pub fn verdict(&self) -> (Verdict, Option<&Step>) {
        let of = |results: &[Ended]| {
            let mut deciding = self.steps.iter().filter(|step| DECIDING.contains(&step.name));
            deciding.find(|step| results.contains(&step.result))
        };
        if let Some(step) = of(&[Ended::Refused, Ended::Differs]) {
            return (Verdict::Fails, Some(step));
        }
        if !self.left.is_empty() {
            return (Verdict::Fails, None);
        }
        match of(&[Ended::Throttled, Ended::Failed, Ended::Unavailable]) {
            Some(step) => (Verdict::Undetermined, Some(step)),
            None if self.steps.iter().any(|step| step.result == Ended::Ok) => (Verdict::Ok, None),
            None => (Verdict::Undetermined, self.steps.first()),
        }
    }
}

impl Way {
    /// Does a test sync in one mailbox. Ends by itself, also after `stop`, and cleans up before it does.
    pub async fn sample(&self, address: &str, read_only: Option<&str>, stop: &CancellationToken) -> Sampled {
        let plan = self.plan(address, read_only);
        let Outcome { steps, left, .. } = self.sync(&plan, stop).await;
        Sampled { address: address.to_owned(), steps, left }
    }

    fn plan(&self, address: &str, read_only: Option<&str>) -> Plan {
        let target = self.target();
        let delegated = target.world == Some(World::OnlineDelegated);
        let access = match (target.protocol, delegated) {
            (Protocol::Ews, false) => Access::Impersonation,
            (Protocol::Ews, true) => Access::Delegate,
            (Protocol::Graph, false) => Access::GraphApp,
            (Protocol::Graph, true) => Access::GraphDelegated,
        };
        let uses = |feature: &str| target.features.iter().any(|own| own == feature);
        let parts = [("contacts", Part::Contacts), ("calendars", Part::Calendar)];
        let mut parts: BTreeSet<Part> =
            parts.into_iter().filter(|(feature, _)| uses(feature)).map(|(_, part)| part).collect();
        if parts.is_empty() {
            parts.extend([Part::Contacts, Part::Calendar]);
        }
        let now = Instant::now();
        let mailbox = Mailbox {
            address: address.to_owned(),
            role: Role::Other,
            read_only: read_only.map(str::to_owned),
        };
        Plan {
            run: RunId::new(Timestamp::now(), uuid::Uuid::new_v4().as_fields().0),
            access,
            mailboxes: vec![mailbox],
            parts,
            public_folders: Vec::new(),
            sweep: Sweep::Old,
            only_sweep: false,
            work_until: now + WORK,
            clean_until: now + WORK + CLEAN,
        }
    }
}
