//! What each step is good for: what it proves, which requests it takes, and which test of Microsoft's
//! Remote Connectivity Analyzer looks at the same.

use super::{Access, Name, Part, Plan, Role};

/// Tests of the Remote Connectivity Analyzer, by the names that its page shows. All of them speak EWS.
const SERVICE_ACCOUNT: &str = "Service Account Access (Developers)";
const TASKS: &str = "Synchronization, Notification, Availability, and Automatic Replies";

impl Name {
    /// What the step proves when it ends well.
    pub fn proves(self) -> &'static str {
        match self {
            Self::Open => "the mailbox opens with the product's credential, the way the product opens it",
            Self::Quota => "there is room for what a sync writes",
            Self::Sweep => "no earlier run has left anything behind",
            Self::CreateFolder => "a folder can be made, so the right to write is there",
            Self::FeedStart => "the change feed begins, and a state can be kept",
            Self::Create => "an item can be made",
            Self::Read => "what was written comes back field by field",
            Self::FeedCreated => "a new item shows in the change feed",
            Self::Update => "an item can be changed with its change key",
            Self::Conflict => "a change with an old change key is noticed, so nobody's work is overwritten",
            Self::FeedUpdated => "a change shows in the change feed, and nothing else",
            Self::Delete => "an item can be deleted",
            Self::FeedDeleted => "a deletion shows in the change feed, and nothing else",
            Self::Notification => "the server tells of a change in time",
            Self::AddressList => "the address list knows the account",
            Self::Availability => "free and busy times are told",
            Self::PublicFolders => "the way to public folders is open",
            Self::CleanUp => "everything that the run made is gone",
        }
    }

    /// The test of the Remote Connectivity Analyzer that looks at the same; it has none for Graph.
    pub fn rca_test(self, access: Access) -> Option<&'static str> {
        if access.is_graph() {
            return None;
        }
        match self {
            Self::Open | Self::CreateFolder | Self::Create | Self::Read | Self::Update | Self::Delete => {
                Some(SERVICE_ACCOUNT)
            }
            Self::FeedStart
            | Self::FeedCreated
            | Self::FeedUpdated
            | Self::FeedDeleted
            | Self::Notification
            | Self::Availability => Some(TASKS),
            Self::Quota
            | Self::Sweep
            | Self::Conflict
            | Self::AddressList
            | Self::PublicFolders
            | Self::CleanUp => None,
        }
    }

    /// It changes the mailbox.
    pub fn writes(self) -> bool {
        use Name::{CleanUp, Conflict, Create, CreateFolder, Delete, Notification, Update};
        matches!(self, CreateFolder | Create | Update | Conflict | Delete | Notification | CleanUp)
    }

    /// What it asks the server for, in the protocol's own words.
    pub fn requests(self, graph: bool) -> &'static str {
        match (self, graph) {
            (Self::Open, false) => "GetFolder",
            (Self::Open, true) => "GET contactFolders, GET calendars",
            (Self::Quota, false) => "GetFolder with the quota's properties",
            (Self::Quota, true) => "none: Graph does not tell",
            (Self::Sweep, false) => "FindFolder, FindItem by the marker",
            (Self::Sweep, true) => "GET contactFolders and calendars by the marker",
            (Self::CreateFolder, false) => "CreateFolder",
            (Self::CreateFolder, true) => "POST contactFolders, POST calendars",
            (Self::FeedStart | Self::FeedCreated | Self::FeedUpdated | Self::FeedDeleted, false) => {
                "SyncFolderItems"
            }
            (Self::FeedStart | Self::FeedCreated | Self::FeedUpdated | Self::FeedDeleted, true) => {
                "GET delta"
            }
            (Self::Create, false) => "CreateItem",
            (Self::Create, true) => "POST contacts, POST events",
            (Self::Read, false) => "GetItem",
            (Self::Read, true) => "GET the item",
            (Self::Update | Self::Conflict, false) => "UpdateItem",
            (Self::Update | Self::Conflict, true) => "PATCH with If-Match",
            (Self::Delete, false) => "DeleteItem (HardDelete)",
            (Self::Delete, true) => "POST permanentDelete",
            (Self::Notification, false) => "Subscribe, GetEvents, Unsubscribe",
            (Self::Notification, true) => "none: Graph sends notifications to a public web address only",
            (Self::AddressList, false) => "ResolveNames, FindPeople",
            (Self::AddressList, true) => "GET /users, GET /contacts",
            (Self::Availability, false) => "GetUserAvailability",
            (Self::Availability, true) => "POST calendar/getSchedule",
            (Self::PublicFolders, false) => "FindFolder, GetFolder below publicfoldersroot",
            (Self::PublicFolders, true) => "none: Graph has no public folders",
            (Self::CleanUp, false) => "FindItem, DeleteFolder (HardDelete), FindFolder",
            (Self::CleanUp, true) => "GET, POST permanentDelete, GET by the marker",
        }
    }
}

/// A step that a plan holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned<'p> {
    /// Mailbox.
    pub mailbox: &'p str,
    /// Why it takes part.
    pub role: Role,
    /// Which.
    pub name: Name,
    /// What it is done with.
    pub subject: Option<&'static str>,
}

/// A folder of its own with what is done in it.
const FOLDERS: [(Part, &str, &[&str]); 2] = [
    (Part::Contacts, "contacts", &["contact", "note"]),
    (Part::Calendar, "calendar", &["appointment", "recurring"]),
];

impl Plan {
    /// The steps that it comes to if all goes well, mailbox by mailbox.
    pub fn steps(&self) -> Vec<Planned<'_>> {
        let mut steps = Vec::new();
        for mailbox in &self.mailboxes {
            let mut step = |name, subject| {
                steps.push(Planned { mailbox: &mailbox.address, role: mailbox.role, name, subject });
            };
            if self.only_sweep {
                step(Name::Sweep, None);
                continue;
            }
            step(Name::Open, None);
            if mailbox.role == Role::Outside {
                continue;
            }
            if mailbox.read_only.is_none() {
                self.writing(&mut step);
            }
            self.reading(mailbox.role, &mut step);
        }
        steps
    }

    fn writing(&self, step: &mut impl FnMut(Name, Option<&'static str>)) {
        step(Name::Quota, None);
        step(Name::Sweep, None);
        for (_, folder, items) in FOLDERS.iter().filter(|(part, ..)| self.parts.contains(part)) {
            step(Name::CreateFolder, Some(folder));
            step(Name::FeedStart, Some(folder));
            for name in [Name::Create, Name::Read] {
                items.iter().for_each(|item| step(name, Some(item)));
            }
            step(Name::FeedCreated, Some(folder));
            for name in [Name::Update, Name::Conflict] {
                step(name, Some(items[0]));
            }
            step(Name::FeedUpdated, Some(folder));
            step(Name::Delete, Some(items[0]));
            step(Name::FeedDeleted, Some(folder));
        }
        if self.parts.contains(&Part::Notifications) {
            step(Name::Notification, None);
        }
        step(Name::CleanUp, None);
    }

    fn reading(&self, role: Role, step: &mut impl FnMut(Name, Option<&'static str>)) {
        // What is asked about the account is not asked again of every other mailbox.
        let asked = [
            (Part::AddressList, Name::AddressList),
            (Part::Availability, Name::Availability),
            (Part::PublicFolders, Name::PublicFolders),
        ];
        for (part, name) in asked {
            if role == Role::Account && self.parts.contains(&part) {
                step(name, None);
            }
        }
    }

    /// What the run leaves behind that nobody can undo, in words.
    pub fn traces(&self) -> Vec<String> {
        let writes =
            self.mailboxes.iter().any(|mailbox| mailbox.read_only.is_none() && mailbox.role != Role::Outside);
        if self.only_sweep || !writes {
            return vec![
                "entries in the audit log of each mailbox that was opened, where it is switched on"
                    .to_owned(),
            ];
        }
        vec![
            "deleted items stay in Recoverable Items for as long as the mailbox keeps them (14 days, as a rule)".to_owned(),
            format!(
                "each mailbox that was written to keeps the name of one property ({}) for good, the same in all runs",
                super::MARKER_NAME
            ),
            "entries in the audit log of each mailbox that was opened, where it is switched on".to_owned(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{Mailbox, RunId, Sweep};

    fn plan(read_only: Option<String>, role: Role) -> Plan {
        let now = tokio::time::Instant::now();
        Plan {
            run: RunId::new("2026-11-21T08:15:00Z".parse().expect("a time"), 7),
            access: Access::Impersonation,
            mailboxes: vec![Mailbox { address: "a@contoso.com".into(), role, read_only }],
            parts: Part::ALL.into_iter().collect(),
            public_folders: Vec::new(),
            sweep: Sweep::Old,
            only_sweep: false,
            work_until: now,
            clean_until: now,
        }
    }

    #[test]
    fn nothing_that_writes_is_planned_for_a_mailbox_that_is_only_read() {
        for role in [Role::Account, Role::Other, Role::Shared, Role::Outside] {
            let plan = plan(Some("no".into()), role);
            assert!(plan.steps().iter().all(|step| !step.name.writes()), "{role:?}");
            assert_eq!(plan.traces().len(), 1);
        }
    }

    #[test]
    fn an_outsider_is_opened_and_nothing_else() {
        let plan = plan(Some("outside".into()), Role::Outside);
        assert_eq!(plan.steps().iter().map(|step| step.name).collect::<Vec<_>>(), [Name::Open]);
    }

    #[test]
    fn whatever_is_made_is_cleaned_up_last() {
        let plan = plan(None, Role::Account);
        let writing: Vec<_> = plan.steps().into_iter().filter(|step| step.name.writes()).collect();
        assert_eq!(writing.last().map(|step| step.name), Some(Name::CleanUp));
        assert_eq!(plan.traces().len(), 3);
    }
}
