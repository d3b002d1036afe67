//! What each step is good for: what it proves, which requests it takes, and which test of Microsoft's
//! Remote Connectivity Analyzer looks at the same.

use super::{Access, Kind, Mailbox, Name, Part, Plan, Role, why};

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
            Self::PublicFolders => "the way to public folders is open, and an item can be read",
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
        use Name::{CleanUp, Conflict, Create, CreateFolder, Delete, Notification, Sweep, Update};
        matches!(self, Sweep | CreateFolder | Create | Update | Conflict | Delete | Notification | CleanUp)
    }

    /// It changes the mailbox, or looks at what was changed. Where nothing may be written, a feed is begun
    /// in the mailbox's own folder.
    pub fn needs_writing(self) -> bool {
        use Name::{FeedCreated, FeedDeleted, FeedUpdated, Read};
        self.writes() || matches!(self, Read | FeedCreated | FeedUpdated | FeedDeleted)
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
            (Self::PublicFolders, false) => {
                "FindFolder and GetFolder below publicfoldersroot, FindItem, GetItem"
            }
            (Self::PublicFolders, true) => "none: Graph has no public folders",
            (Self::CleanUp, false) => "FindItem, DeleteFolder (HardDelete), FindFolder",
            (Self::CleanUp, true) => "GET, POST permanentDelete, GET by the marker",
        }
    }
}

/// A step that a plan holds for a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Which.
    pub name: Name,
    /// What it is done with.
    pub subject: Option<String>,
    /// Why it is not even tried, as a code of [`why`] and in words; `None`: it is.
    pub skipped: Option<(&'static str, String)>,
}

impl Planned {
    fn new(name: Name, subject: Option<&str>) -> Self {
        Self { name, subject: subject.map(str::to_owned), skipped: None }
    }

    /// One that Microsoft Graph does not offer to a program on a terminal.
    fn not_here(name: Name, because: &str) -> Self {
        Self { skipped: Some((why::NOT_HERE, because.to_owned())), ..Self::new(name, None) }
    }

    /// Whether it is this one.
    pub fn is(&self, name: Name, subject: Option<&str>) -> bool {
        self.name == name && self.subject.as_deref() == subject
    }
}

const NO_QUOTA: &str = "Microsoft Graph tells how full a mailbox is in reports only";
const NO_NOTIFICATION: &str = "change notifications of Microsoft Graph go to a public https address, which this \
    program has none of; changes were looked for by the change feed";
const NO_PUBLIC_FOLDERS: &str = "Microsoft Graph does not reach public folders";

impl Plan {
    /// Every step of the run, mailbox by mailbox, in the order of a report.
    pub fn steps(&self) -> impl Iterator<Item = (&Mailbox, Planned)> {
        self.mailboxes
            .iter()
            .flat_map(|mailbox| self.steps_in(mailbox).into_iter().map(move |step| (mailbox, step)))
    }

    /// Every step of the visit to a mailbox, in the order of a report: what a dry run shows, and what the
    /// run itself tells of, whatever becomes of it.
    pub fn steps_in(&self, mailbox: &Mailbox) -> Vec<Planned> {
        let mut steps = match mailbox.role {
            Role::Outside if self.only_sweep => Vec::new(),
            Role::Outside => vec![Planned::new(Name::Open, None)],
            _ if self.only_sweep => self.by_kind(Name::Sweep, &Kind::ALL),
            Role::Shared => self.opening(),
            Role::Account | Role::Other => self.visit(mailbox),
        };
        if let Some(because) = &mailbox.read_only {
            for step in steps.iter_mut().filter(|step| step.name.needs_writing() && step.skipped.is_none()) {
                step.skipped = Some((why::READ_ONLY, because.clone()));
            }
        }
        steps.sort_by_key(|step| step.name);
        steps
    }

    fn visit(&self, mailbox: &Mailbox) -> Vec<Planned> {
        let (graph, kinds) = (self.access.is_graph(), self.kinds());
        let mut steps = self.opening();
        if !graph {
            steps.push(Planned::new(Name::Quota, None));
        } else if mailbox.read_only.is_none() && !kinds.is_empty() {
            steps.push(Planned::not_here(Name::Quota, NO_QUOTA));
        }
        steps.extend(self.by_kind(Name::Sweep, &kinds));
        for kind in &kinds {
            steps.extend(self.chain(*kind));
        }
        steps.extend(self.looks(mailbox.role));
        if !kinds.is_empty() {
            steps.extend(self.by_kind(Name::CleanUp, &kinds));
        }
        steps
    }

    /// Graph opens a mailbox by its contact folders and by its calendars.
    fn opening(&self) -> Vec<Planned> {
        match self.kinds().as_slice() {
            [] => self.by_kind(Name::Open, &[Kind::Contacts]),
            kinds => self.by_kind(Name::Open, kinds),
        }
    }

    /// One step for all kinds; by Graph one for each.
    fn by_kind(&self, name: Name, kinds: &[Kind]) -> Vec<Planned> {
        if !self.access.is_graph() {
            return vec![Planned::new(name, None)];
        }
        kinds.iter().map(|kind| Planned::new(name, Some(kind.subject()))).collect()
    }

    /// What is done with one own folder and in it.
    fn chain(&self, kind: Kind) -> Vec<Planned> {
        let (folder, items) = (Some(kind.subject()), kind.item_subjects());
        let mut steps = vec![Planned::new(Name::CreateFolder, folder)];
        if self.parts.contains(&kind.part()) {
            let of_folder = [Name::FeedStart, Name::FeedCreated, Name::FeedUpdated, Name::FeedDeleted];
            steps.extend(of_folder.map(|name| Planned::new(name, folder)));
            let of_each = [Name::Create, Name::Read];
            steps.extend(of_each.iter().flat_map(|name| items.map(|item| Planned::new(*name, Some(item)))));
            let of_first = [Name::Update, Name::Conflict, Name::Delete];
            steps.extend(of_first.map(|name| Planned::new(name, Some(items[0]))));
        } else {
            steps.push(Planned::new(Name::Create, Some(items[0])));
        }
        if self.notified() == Some(kind) {
            steps.push(Planned::new(Name::Notification, folder));
        }
        steps
    }

    /// What needs no own folder. The directory is the tenant's: by Graph it is asked for the account alone.
    fn looks(&self, role: Role) -> Vec<Planned> {
        let (graph, account) = (self.access.is_graph(), role == Role::Account);
        let has = |part| self.parts.contains(&part);
        let mut steps = Vec::new();
        if graph && account && has(Part::Notifications) {
            steps.push(Planned::not_here(Name::Notification, NO_NOTIFICATION));
        }
        if has(Part::AddressList) && (account || !graph) {
            steps.push(Planned::new(Name::AddressList, None));
        }
        if has(Part::Availability) {
            steps.push(Planned::new(Name::Availability, None));
        }
        if has(Part::PublicFolders) && account {
            if graph {
                steps.push(Planned::not_here(Name::PublicFolders, NO_PUBLIC_FOLDERS));
            } else {
                let paths = self.public_folders.iter().map(|path| Some(path.as_str()));
                let each = std::iter::once(None).chain(paths);
                steps.extend(each.map(|path| Planned::new(Name::PublicFolders, path)));
            }
        }
        steps
    }

    /// The kinds of folders that are worked in.
    pub fn kinds(&self) -> Vec<Kind> {
        let wanted = |kind: &Kind| self.parts.contains(&kind.part());
        let kinds: Vec<_> = Kind::ALL.into_iter().filter(wanted).collect();
        if kinds.is_empty() { self.notified().into_iter().collect() } else { kinds }
    }

    /// The kind of folder whose events are waited for; Graph tells of none.
    pub fn notified(&self) -> Option<Kind> {
        let contacts = self.parts.contains(&Part::Contacts) || !self.parts.contains(&Part::Calendar);
        let kind = if contacts { Kind::Contacts } else { Kind::Calendar };
        (self.parts.contains(&Part::Notifications) && !self.access.is_graph()).then_some(kind)
    }

    /// What the run leaves behind that nobody can undo, in words.
    pub fn traces(&self) -> Vec<String> {
        let writes = self.steps().any(|(_, step)| step.name.writes() && step.skipped.is_none());
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
    fn nothing_that_writes_is_meant_for_a_mailbox_that_is_only_read() {
        for role in [Role::Account, Role::Other, Role::Shared, Role::Outside] {
            let plan = plan(Some("no".into()), role);
            assert!(plan.steps().all(|(_, step)| !step.name.writes() || step.skipped.is_some()), "{role:?}");
            assert_eq!(plan.traces().len(), 1);
        }
    }

    #[test]
    fn an_outsider_is_opened_and_nothing_else() {
        let plan = plan(Some("outside".into()), Role::Outside);
        assert_eq!(plan.steps().map(|(_, step)| step.name).collect::<Vec<_>>(), [Name::Open]);
    }

    #[test]
    fn whatever_is_made_is_cleaned_up_last() {
        let plan = plan(None, Role::Account);
        assert_eq!(plan.steps().map(|(_, step)| step.name).last(), Some(Name::CleanUp));
        assert_eq!(plan.traces().len(), 3);
    }

    #[test]
    fn a_mailbox_that_is_only_read_is_still_looked_at() {
        use Name::{AddressList, Availability, FeedStart, Open, Quota};
        let plan = plan(Some("no".into()), Role::Other);
        let meant: Vec<_> = plan.steps().filter(|(_, step)| step.skipped.is_none()).collect();
        let names: Vec<_> = meant.iter().map(|(_, step)| step.name).collect();
        assert_eq!(names, [Open, Quota, FeedStart, FeedStart, AddressList, Availability]);
    }
}
