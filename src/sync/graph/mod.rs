//! The test sync by Microsoft Graph.
//!
//! Contacts and calendar run at once, mailboxes a few at a time; within one mailbox never more requests
//! at a time than the service allows. What it makes lies in a contact folder and a calendar of its own,
//! which carry the marker from their first moment, so that a run that dies at any point leaves nothing
//! that the next one does not find.

mod chain;
mod change;
mod clean;
mod feed;
mod folders;
mod hand;
mod items;
mod kind;
mod look;
mod post;

use std::sync::atomic::AtomicBool;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::{Mailbox, Name, Outcome, Pace, Part, Phase, Plan, Record, Role, Step, skipped, why};
use crate::wire::graph::{Id, Path, Writer};
use chain::Chain;
use hand::Hand;
use kind::Kind;
use post::{Halt, Post};

/// Mailboxes at a time.
const MAILBOXES: usize = 4;

/// Does what the plan says, tells each step as it ends, and cleans up whatever happens. Ends by
/// `plan.clean_until`.
pub async fn run(
    client: &Writer,
    plan: &Plan,
    stop: &CancellationToken,
    news: impl Fn(&Step) + Send + Sync,
) -> Outcome {
    let record = Record::new(news);
    let refused = AtomicBool::new(false);
    let run = Run { client, plan, stop, record: &record, refused: &refused };
    let each: Vec<BoxFuture<'_, ()>> = plan.mailboxes.iter().map(|target| one(run, target).boxed()).collect();
    stream::iter(each).buffer_unordered(MAILBOXES).collect::<Vec<()>>().await;
    record.finish()
}

/// What the mailboxes of a run share.
#[derive(Clone, Copy)]
struct Run<'a> {
    client: &'a Writer,
    plan: &'a Plan,
    stop: &'a CancellationToken,
    record: &'a Record<'a>,
    refused: &'a AtomicBool,
}

async fn one(run: Run<'_>, target: &Mailbox) {
    let Run { plan, record, refused, .. } = run;
    let Some(address) = Id::new(&target.address) else {
        let text = "the address holds characters that no address has";
        return record.step(skipped(target, Name::Open, None, why::NOT_HERE, text));
    };
    let root = if Post::is_own(plan.access, target.role) { Path::me() } else { Path::user(&address) };
    let (mailbox, pace) = (run.client.mailbox(), Pace::new(plan, run.stop));
    let hand = |phase| Hand { mailbox: &mailbox, pace: &pace, phase, refused };
    let (work, clean) = (hand(Phase::Work), hand(Phase::Cleaning));
    let post = Post { plan, target, root, work, clean, record };
    match (target.role, &target.read_only) {
        (Role::Outside, _) if plan.only_sweep => {}
        (Role::Outside, _) => drop(post.open(Kind::Contacts).await),
        (_, Some(_)) if plan.only_sweep => post.skip(Name::Sweep, None, &post.read_only()),
        (_, None) if plan.only_sweep => post.sweep(&[Kind::Contacts, Kind::Calendar]).await,
        (Role::Shared, _) => drop(post.open_all().await),
        (_, Some(_)) => post.read().await,
        (_, None) => post.write().await,
    }
}

impl Post<'_> {
    fn has(&self, part: Part) -> bool {
        self.plan.parts.contains(&part)
    }

    /// The kinds that the parts want; one of them at least, to open the mailbox with.
    fn kinds(&self) -> Vec<Kind> {
        let wanted = [(Part::Contacts, Kind::Contacts), (Part::Calendar, Kind::Calendar)];
        wanted.into_iter().filter(|(part, _)| self.has(*part)).map(|(_, kind)| kind).collect()
    }

    /// Opens the mailbox by each kind; yields those that open, or why none does.
    async fn open_all(&self) -> Result<Vec<Kind>, Halt> {
        let mut kinds = self.kinds();
        let chosen = !kinds.is_empty();
        if !chosen {
            kinds.push(Kind::Contacts);
        }
        let opened = futures_util::future::join_all(kinds.iter().map(|kind| self.open(*kind))).await;
        let mut halt = None;
        let mut open = Vec::new();
        for (kind, result) in kinds.into_iter().zip(opened) {
            match result {
                Ok(()) => open.push(kind),
                Err(why) => {
                    if chosen && self.target.role != Role::Shared {
                        Chain::new(self, kind).skip_all(&why);
                    }
                    halt = Some(why);
                }
            }
        }
        match halt {
            Some(halt) if open.is_empty() => Err(halt),
            _ if chosen => Ok(open),
            _ => Ok(Vec::new()),
        }
    }

    fn read_only(&self) -> Halt {
        let why = self.target.read_only.as_deref().unwrap_or("this mailbox is only read");
        Halt { code: why::READ_ONLY, text: why.to_owned() }
    }

    /// Everything, in a mailbox that may be written to.
    async fn write(&self) {
        let opened = self.open_all().await;
        self.unreachable_parts(true);
        let kinds = match opened {
            Ok(kinds) => kinds,
            Err(halt) => return self.skip_looks(&halt),
        };
        let chains = async {
            if kinds.is_empty() {
                return;
            }
            self.sweep(&kinds).await;
            let chains: Vec<_> = kinds.iter().map(|kind| Chain::new(self, *kind)).collect();
            futures_util::future::join_all(chains.iter().map(Chain::run)).await;
        };
        tokio::join!(chains, self.looks());
    }

    /// What needs no writing, in a mailbox that may not be written to.
    async fn read(&self) {
        let opened = self.open_all().await;
        self.unreachable_parts(false);
        let kinds = match opened {
            Ok(kinds) => kinds,
            Err(halt) => return self.skip_looks(&halt),
        };
        let feeds = futures_util::future::join_all(kinds.iter().map(|kind| self.feed_start(*kind)));
        tokio::join!(feeds, self.looks());
        for kind in kinds {
            Chain::new(self, kind).skip_writing(&self.read_only());
        }
    }

    /// The address list is the tenant's: it is looked at for the account alone.
    async fn looks(&self) {
        let list = async {
            if self.has(Part::AddressList) && self.target.role == Role::Account {
                self.address_list().await;
            }
        };
        let times = async {
            if self.has(Part::Availability) {
                self.availability().await;
            }
        };
        tokio::join!(list, times);
    }

    fn skip_looks(&self, halt: &Halt) {
        if self.has(Part::AddressList) && self.target.role == Role::Account {
            self.skip(Name::AddressList, None, halt);
        }
        if self.has(Part::Availability) {
            self.skip(Name::Availability, None, halt);
        }
    }

    fn unreachable_parts(&self, writes: bool) {
        if writes && !self.kinds().is_empty() {
            self.not_here(Name::Quota);
        }
        if self.target.role != Role::Account {
            return;
        }
        if self.has(Part::Notifications) {
            self.not_here(Name::Notification);
        }
        if self.has(Part::PublicFolders) {
            self.not_here(Name::PublicFolders);
        }
    }
}
