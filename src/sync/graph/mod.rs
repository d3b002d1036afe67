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

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::{Agenda, Kind, Mailbox, Outcome, Pace, Part, Phase, Plan, Record, Role, Standing, Step, why};
use crate::wire::graph::{Id, Path, Writer};
use chain::Chain;
use hand::Hand;
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
    let standing = Standing::default();
    let run = Run { client, plan, stop, record: &record, standing: &standing };
    let each: Vec<BoxFuture<'_, ()>> = plan.mailboxes.iter().map(|target| one(run, target).boxed()).collect();
    stream::iter(each).buffer_unordered(MAILBOXES).collect::<Vec<()>>().await;
    record.finish(standing.is_refused(Phase::Work))
}

/// What the mailboxes of a run share.
#[derive(Clone, Copy)]
struct Run<'a> {
    client: &'a Writer,
    plan: &'a Plan,
    stop: &'a CancellationToken,
    record: &'a Record<'a>,
    standing: &'a Standing,
}

async fn one(run: Run<'_>, target: &Mailbox) {
    let Run { plan, record, standing, .. } = run;
    let agenda = Agenda::new(plan, target, record);
    let Some(address) = Id::new(&target.address) else {
        return agenda.skip(|_, _| true, why::NOT_HERE, "the address holds characters that no address has");
    };
    let root = if Post::is_own(plan.access, target.role) { Path::me() } else { Path::user(&address) };
    let (mailbox, pace) = (run.client.mailbox(), Pace::new(plan, run.stop));
    let hand = |phase| Hand { mailbox: &mailbox, pace: &pace, phase, standing };
    let (work, clean) = (hand(Phase::Work), hand(Phase::Cleaning));
    let post = Post { plan, target, root, work, clean, agenda, record };
    match (target.role, &target.read_only) {
        (Role::Outside, _) if plan.only_sweep => {}
        (Role::Outside, _) => drop(post.open(Kind::Contacts).await),
        (_, Some(_)) if plan.only_sweep => {}
        (_, None) if plan.only_sweep => post.sweep(&Kind::ALL).await,
        (Role::Shared, _) => drop(post.open_all().await),
        (_, Some(_)) => post.read().await,
        (_, None) => post.write().await,
    }
    post.agenda.skip_unmeant();
    let (code, text) = post.work.over().unwrap_or((why::BEFORE, "an earlier step did not end well"));
    post.agenda.skip(|_, _| true, code, text);
}

impl Post<'_> {
    fn has(&self, part: Part) -> bool {
        self.plan.parts.contains(&part)
    }

    /// Opens the mailbox by each kind that is worked in, and by one at least; yields those that are worked
    /// in and open, or why none opens.
    async fn open_all(&self) -> Result<Vec<Kind>, Halt> {
        let wanted = self.plan.kinds();
        let kinds = if wanted.is_empty() { vec![Kind::Contacts] } else { wanted.clone() };
        let opened = futures_util::future::join_all(kinds.iter().map(|kind| self.open(*kind))).await;
        let mut halt = None;
        let mut open = Vec::new();
        for (kind, result) in kinds.into_iter().zip(opened) {
            match result {
                Ok(()) => open.push(kind),
                Err(why) => {
                    self.skip(|name, subject| kind.owns(name, subject), &why);
                    halt = Some(why);
                }
            }
        }
        match halt {
            Some(halt) if open.is_empty() => {
                self.skip(|_, _| true, &halt);
                Err(halt)
            }
            _ if wanted.is_empty() => Ok(Vec::new()),
            _ => Ok(open),
        }
    }

    /// Everything, in a mailbox that may be written to.
    async fn write(&self) {
        let opened = self.open_all().await;
        self.agenda.skip_unmeant();
        let Ok(kinds) = opened else { return };
        let chains = async {
            if kinds.is_empty() {
                return;
            }
            self.sweep(&kinds).await;
            let chains: Vec<_> = kinds.iter().map(|kind| Chain { post: self, kind: *kind }).collect();
            futures_util::future::join_all(chains.iter().map(Chain::run)).await;
        };
        tokio::join!(chains, self.looks());
    }

    /// What needs no writing, in a mailbox that may not be written to.
    async fn read(&self) {
        let opened = self.open_all().await;
        self.agenda.skip_unmeant();
        let Ok(kinds) = opened else { return };
        let feeds = futures_util::future::join_all(kinds.iter().map(|kind| self.feed_start(*kind)));
        tokio::join!(feeds, self.looks());
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
}
