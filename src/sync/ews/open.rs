//! Opening a mailbox: whether it can be opened, what may be done there, how full it is, and what
//! follows from that for the rest of the visit.

use super::visit::{Asked, Visit};
use crate::sync::{Doing, Kind, Name, Phase, Result, Role, why};
use crate::wire::ews::{
    Effective, Folder, FolderRef, FolderShape, Operation, Page, RECEIVE_QUOTA, SEND_QUOTA, SIZE,
};

/// From this part of the quota on nothing is written.
const FULL: u64 = 95;
/// Folders told at once.
const PAGE: usize = 500;
/// Parts of a listing that are read.
const PAGES: usize = 10;

/// The folder below which users see theirs.
pub(super) const TOP: &str = "msgfolderroot";

/// A folder that opened.
#[derive(Debug)]
struct Door {
    /// What the caller may do there; `None`: the server does not tell.
    rights: Option<Effective>,
}

/// What a mailbox allows.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// The top folder, with what the caller may do there.
    top: Option<Door>,
    /// The default folder for contacts.
    contacts: Option<Door>,
    /// The default calendar.
    calendar: Option<Door>,
}

impl Opened {
    fn of(&self, kind: Kind) -> Option<&Door> {
        match kind {
            Kind::Contacts => self.contacts.as_ref(),
            Kind::Calendar => self.calendar.as_ref(),
        }
    }

    /// Where a folder of this kind is made; `None`: the right is missing everywhere.
    pub fn parent(&self, kind: Kind) -> Option<FolderRef> {
        let may = |door: &Door| door.rights.is_none_or(|rights| rights.create_hierarchy);
        let top = self.top.as_ref().filter(|door| may(door)).map(|_| TOP);
        let own = || self.of(kind).filter(|door| may(door)).map(|_| kind.default_folder());
        top.or_else(own).map(FolderRef::Default)
    }

    /// Below which folders everything of this program lies.
    pub fn roots(&self) -> Vec<FolderRef> {
        if self.top.is_some() {
            return vec![FolderRef::Default(TOP)];
        }
        let opened = Kind::ALL.into_iter().filter(|kind| self.of(*kind).is_some());
        opened.map(|kind| FolderRef::Default(kind.default_folder())).collect()
    }

    /// Whether the default folder of this kind was opened.
    pub fn has(&self, kind: Kind) -> bool {
        self.of(kind).is_some()
    }

    /// What may be looked at when nothing was opened before.
    pub fn unknown() -> Self {
        let open = || Some(Door { rights: None });
        Self { top: open(), contacts: open(), calendar: open() }
    }
}

impl Visit<'_> {
    /// The whole visit.
    pub async fn go(self) {
        match self.mailbox.role {
            Role::Outside if self.run.plan.only_sweep => {}
            Role::Outside => self.outside().await,
            _ if self.run.plan.only_sweep => self.only_sweep().await,
            Role::Shared => {
                self.open().await;
            }
            Role::Account | Role::Other => Box::pin(self.full()).await,
        }
        self.skip_after(|_, _| true, "an earlier step did not end well");
    }

    async fn only_sweep(&self) {
        match &self.mailbox.read_only {
            Some(because) => self.skip(|_, _| true, why::READ_ONLY, because),
            None => {
                self.sweep(&Opened::unknown()).await;
            }
        }
    }

    /// One cheap read that must be refused.
    async fn outside(&self) {
        let inbox = Operation::GetFolder {
            folders: vec![FolderRef::Default("inbox")],
            shape: FolderShape::default(),
        };
        let mut doing = Doing::new(Name::Open, None);
        let asked = self.ask(Phase::Work, &mut doing, &inbox).await;
        self.end_with(doing, &inbox, asked.as_ref());
    }

    async fn full(&self) {
        let Some(opened) = self.open().await else {
            return self.skip_after(|_, _| true, "the mailbox did not open");
        };
        // What the rest waits for gets the first turns.
        tokio::join!(biased; self.write_or_read(&opened), self.others());
    }

    async fn open(&self) -> Option<Opened> {
        let names = [TOP, Kind::Contacts.default_folder(), Kind::Calendar.default_folder()];
        let operation = Operation::GetFolder {
            folders: names.map(FolderRef::Default).into(),
            shape: FolderShape { rights: true, ..FolderShape::default() },
        };
        let mut doing = Doing::new(Name::Open, None);
        let asked = self.ask(Phase::Work, &mut doing, &operation).await;
        let mut folders = asked.as_ref().map(|asked| asked.called.folders(None)).unwrap_or_default();
        if !folders.iter().any(std::result::Result::is_ok) || folders.len() != names.len() {
            match &asked {
                // An answer without what was asked for.
                Some(asked) if asked.is_ok() => {
                    doing.text = Some("the answer does not tell the folders that were asked for".into());
                    self.end(doing, Result::Failed);
                }
                _ => self.end_with(doing, &operation, asked.as_ref()),
            }
            return None;
        }
        for (kind, folder) in Kind::ALL.into_iter().zip(&folders[1..]) {
            let Err(refusal) = folder else { continue };
            let code = refusal.code.as_deref().unwrap_or("no answer");
            doing.differs(format!("the default folder for {} does not open: {code}", kind.subject()));
        }
        let mut take =
            || folders.pop().and_then(std::result::Result::ok).map(|folder| Door { rights: folder.rights });
        let (calendar, contacts, top) = (take(), take(), take());
        doing.text = None;
        self.end(doing, Result::Ok);
        Some(Opened { top, contacts, calendar })
    }

    /// Writes where that is allowed, and otherwise says why not and reads what can be read.
    async fn write_or_read(&self, opened: &Opened) {
        if let Some(because) = self.mailbox.read_only.clone() {
            tokio::join!(self.quota(opened), self.read_only(opened, why::READ_ONLY, &because));
            return;
        }
        let (full, swept) = tokio::join!(biased; self.quota(opened), self.sweep(opened));
        if full {
            return self.read_only(opened, why::QUOTA, "the mailbox is nearly full").await;
        }
        if !swept {
            let because = "a run that cannot look for leftovers makes none";
            return self.read_only(opened, why::BEFORE, because).await;
        }
        let mut kinds = self.run.plan.kinds();
        kinds.retain(|kind| opened.parent(*kind).is_some());
        if kinds.is_empty() {
            return self.read_only(opened, why::NO_RIGHT, "no folder may be made in this mailbox").await;
        }
        let both = Kind::ALL.map(|kind| async move {
            let Some(parent) = opened.parent(kind).filter(|_| self.run.plan.kinds().contains(&kind)) else {
                return;
            };
            self.chain(kind, parent).await;
        });
        let [contacts, calendar] = both;
        tokio::join!(contacts, calendar);
        let within = |name: Name, _: Option<&str>| name.needs_writing() || name == Name::FeedStart;
        self.skip_after(
            |name, subject| name != Name::CleanUp && within(name, subject),
            "no folder may be made",
        );
        self.clean_up(opened).await;
    }

    /// The steps that only read, where nothing may be written.
    async fn read_only(&self, opened: &Opened, code: &str, because: &str) {
        let [contacts, calendar] = Kind::ALL.map(|kind| async move {
            if opened.has(kind) && self.run.plan.parts.contains(&kind.part()) {
                self.default_feed(kind).await;
            }
        });
        self.skip(|name, _| name.needs_writing(), code, because);
        tokio::join!(contacts, calendar);
    }

    /// How full the mailbox is; whether it is too full to be written to.
    async fn quota(&self, opened: &Opened) -> bool {
        let doing = Doing::new(Name::Quota, None);
        let root = Operation::GetFolder {
            folders: vec![FolderRef::Default("root")],
            shape: FolderShape { tags: vec![SIZE, SEND_QUOTA, RECEIVE_QUOTA], ..FolderShape::default() },
        };
        let Some((mut doing, asked)) = self.need(doing, &root).await else { return false };
        let told = asked.called.folders(None).pop().and_then(std::result::Result::ok).unwrap_or_default();
        let limits = [SEND_QUOTA, RECEIVE_QUOTA].map(|tag| told.number(tag.id).filter(|limit| *limit > 0));
        let Some(limit) = limits.into_iter().flatten().min() else {
            doing.text = Some("the server does not tell how large the mailbox may become".into());
            self.end(doing, Result::Unavailable);
            return false;
        };
        // The root tells its own items alone on most servers.
        let used = told.number(SIZE.id).unwrap_or(0).max(self.size(&mut doing, opened).await);
        let percent = used.saturating_mul(100) / limit.saturating_mul(1024);
        let text = format!("{percent} % of the mailbox is in use");
        doing.text = Some(text.clone());
        if percent >= FULL {
            doing.differs(text);
        }
        self.end(doing, Result::Ok);
        percent >= FULL
    }

    /// Bytes in all folders together, as far as they are told.
    async fn size(&self, doing: &mut Doing, opened: &Opened) -> u64 {
        let (mut total, mut offset) = (0_u64, 0);
        for _ in 0..PAGES {
            let list = Operation::FindFolder {
                parents: opened.roots(),
                deep: true,
                shape: FolderShape { tags: vec![SIZE], ..FolderShape::default() },
                only: None,
                page: Page { offset, size: PAGE },
            };
            let Some(asked) = self.ask(Phase::Work, doing, &list).await else { break };
            let found = asked.called.found_folders(super::visit::MARKER);
            total = found
                .all
                .iter()
                .filter_map(|folder: &Folder| folder.number(SIZE.id))
                .fold(total, u64::saturating_add);
            match found.next.filter(|next| *next > offset) {
                Some(next) => offset = next,
                None => break,
            }
        }
        total
    }

    /// A look at the feed of a default folder that keeps nothing.
    async fn default_feed(&self, kind: Kind) {
        let operation = Operation::SyncFolderItems {
            folder: FolderRef::Default(kind.default_folder()),
            state: None,
            at_most: 1,
        };
        let doing = Doing::new(Name::FeedStart, Some(kind.subject()));
        let Some((mut doing, asked)) = self.need(doing, &operation).await else { return };
        if is_unread(&asked) {
            doing.text = Some("the answer holds no state to go on from".into());
            return self.end(doing, Result::Failed);
        }
        doing.text = Some("the default folder answers; nothing of it was kept".into());
        self.end(doing, Result::Ok);
    }
}

fn is_unread(asked: &Asked) -> bool {
    asked.called.feed().is_none()
}
