//! Makes the planned calls, each once, all at the same time, and puts what they bring into a document.
//!
//! A call that panics, hangs or forgets a fact costs its own facts only. The document does not depend
//! on the order in which calls end.

mod jobs;
#[cfg(test)]
mod offline;
mod part;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{BoxFuture, join, join_all},
    stream,
};
use tokio::{sync::mpsc::UnboundedSender, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Access, Call, Carry, Context, Memo, Protocol, SubjectKind, Target, World, Yield, assemble,
    carry::Again,
    given,
    import::{self, Import},
    plan::Plan,
    session::Session,
    world,
};
use crate::facts::{Absence, Document, Reason, Section, catalogue::Scope};
use crate::wire::Net;
use jobs::Key;
pub(super) use jobs::{Done, Jobs};
pub use part::{Part, Progress, RunOptions};

/// Longest time that a later round waits for services that push back.
const PATIENCE: Duration = Duration::from_secs(10);

/// Accounts examined at the same time.
const ACCOUNTS_AT_ONCE: usize = 64;

/// Collects the needed facts about the targets.
pub async fn run(targets: Vec<Target>, needed: &BTreeSet<String>, net: Net, options: RunOptions) -> Document {
    let mut document = None;
    let took = stream(targets, needed, net, options, |part| {
        part.join(&mut document);
        ControlFlow::Continue(())
    })
    .await;
    let mut document = document.unwrap_or_else(|| Document::new(jiff::Timestamp::now().to_string()));
    document.run.duration_ms = took;
    document
}

/// Collects the needed facts about the targets and hands each part on as soon as it is complete, in the
/// order asked for; nothing of an account is kept. Gives the milliseconds that it took.
pub async fn stream(
    targets: Vec<Target>,
    needed: &BTreeSet<String>,
    net: Net,
    options: RunOptions,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> u64 {
    let table: Vec<_> = super::calls().chain(options.extra.calls()).collect();
    stream_table(&table, targets, needed, net, options, take).await
}

async fn stream_table(
    table: &[&'static Call],
    targets: Vec<Target>,
    needed: &BTreeSet<String>,
    net: Net,
    options: RunOptions,
    take: impl FnMut(Part) -> ControlFlow<()>,
) -> u64 {
    let started = Instant::now();
    let started_at = jiff::Timestamp::now();
    let unknown_world = targets.iter().any(|target| target.world.is_none());
    let needed = given::with_implied(needed, unknown_world);
    let plan = Plan::new(table, &needed);
    let deadline = started + options.deadline;
    let session = Session::new(options.memory, needed, targets.len(), deadline)
        .with_extra(options.extra)
        .with_tasks(options.tasks, options.progress.clone());
    let (memo, shared, session) = match &options.carry {
        Some(carry) => carry.begin(session, again(carry, &net, &targets, deadline).await),
        None => (Memo::default(), Arc::default(), Arc::new(session)),
    };
    let runner = Runner {
        plan,
        net,
        memo,
        session,
        deadline,
        progress: options.progress,
        imports: options.imports,
        shared,
        carry: options.carry,
    };
    runner.collect(targets, started_at, take).await;
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Whether a later round asks again for what got no answer: not before the services want to be asked.
async fn again(carry: &Carry, net: &Net, targets: &[Target], deadline: Instant) -> Again {
    if !carry.is_later() {
        return Again::Never;
    }
    if let Some(rested) = net.rested() {
        if rested >= deadline || rested > Instant::now() + PATIENCE {
            return Again::Never;
        }
        tokio::time::sleep_until(rested).await;
    }
    let password = |target: &Target| target.subject.kind == SubjectKind::Password;
    Again::Once { password: targets.iter().any(password) }
}

/// The targets of one tenant, in the order asked for.
type Peers = BTreeMap<String, Arc<[Arc<Target>]>>;

/// One account on its way through the run.
pub(super) struct Subject {
    pub(super) target: Arc<Target>,
    peers: Arc<[Arc<Target>]>,
    jobs: Arc<Jobs>,
}

struct Runner {
    plan: Plan,
    net: Net,
    memo: Memo,
    session: Arc<Session>,
    deadline: Instant,
    progress: Option<UnboundedSender<Progress>>,
    imports: Arc<[Import]>,
    shared: Arc<Jobs>,
    carry: Option<Carry>,
}

impl Runner {
    async fn collect(
        &self,
        targets: Vec<Target>,
        started_at: jiff::Timestamp,
        mut take: impl FnMut(Part) -> ControlFlow<()>,
    ) {
        let targets: Vec<_> = targets.into_iter().map(Arc::new).collect();
        let peers = peers(&targets);
        let subjects = targets.iter().enumerate().map(|(place, target)| {
            let jobs = self.carry.as_ref().map(|carry| carry.jobs(place)).unwrap_or_default();
            Subject { jobs, ..subject(target, &peers) }
        });
        // Worlds are observed first, because they decide which calls make sense. Names that will be
        // needed whatever comes of it are asked for meanwhile: silence must not add up.
        let observing = stream::iter(subjects)
            .map(|subject| self.observe(subject))
            .buffered(ACCOUNTS_AT_ONCE)
            .collect::<Vec<_>>();
        let (mut subjects, ()) = join(observing, self.ask_names(&targets)).await;

        let targets: Vec<_> = subjects.iter().map(|(subject, _)| subject.target.clone()).collect();
        let peers = self::peers(&targets);
        for (subject, _) in &mut subjects {
            subject.peers = peers.get(&subject.target.tenant).cloned().unwrap_or_default();
        }
        let mut accounts = stream::iter(subjects)
            .map(|(subject, world)| self.account(subject, world))
            .buffered(ACCOUNTS_AT_ONCE)
            .fuse();
        // Accounts wait for the answers that they share with others, and the other way round: both go on
        // until what is shared is there. The accounts finished by then are few.
        let (mut early, mut tenants) = (Vec::new(), pin!(self.tenants(&targets, &peers).fuse()));
        let tenants = loop {
            futures_util::select_biased! {
                tenants = tenants => break tenants,
                account = accounts.select_next_some() => early.push(account),
            }
        };
        let mut parts = assemble::Parts::default();
        if take(Part::Head(parts.head(started_at, tenants))).is_break() {
            return;
        }
        for account in early {
            if take(Part::Account(parts.account(account))).is_break() {
                return;
            }
        }
        while let Some(account) = accounts.next().await {
            if take(Part::Account(parts.account(account))).is_break() {
                return;
            }
        }
    }

    async fn observe(&self, mut subject: Subject) -> (Subject, world::Observed) {
        if subject.target.world.is_some() {
            return (subject, world::Observed::Configured);
        }
        let calls = self.plan.calls().filter(|call| world::OBSERVERS.contains(&call.name));
        let done = join_all(calls.map(|call| self.perform(call, &subject))).await;
        let mut known = Section::default();
        for done in &done {
            assemble::merge(&mut known, &done.known);
        }
        let observed = world::observe(&known);
        if let world::Observed::Seen { world, hybrid } = &observed {
            let mut target = Target::clone(&subject.target);
            (target.world, target.hybrid) = (Some(*world), target.hybrid || *hybrid);
            if *world == World::ExchangeServer {
                target.protocol = Protocol::Ews;
                if !target.subject.scheme_given {
                    "basic".clone_into(&mut target.subject.scheme);
                }
                target.profile = target.profile_on_premises.take().unwrap_or(target.profile);
            }
            subject.target = Arc::new(target);
        }
        (subject, observed)
    }

    async fn ask_names(&self, targets: &[Arc<Target>]) {
        let unknown = targets.iter().filter(|target| target.world.is_none());
        let hosts: BTreeSet<_> = unknown
            .flat_map(|target| {
                let ends = &target.endpoints;
                [&ends.sign_in, &ends.graph, &ends.exchange_admin].map(|url| url.host_str())
            })
            .flatten()
            .collect();
        let asking = join_all(hosts.into_iter().map(|host| self.net.addresses(host, 443)));
        // What is not known by then is said by the calls that need it.
        let _ = tokio::time::timeout_at(self.deadline, asking).await;
    }

    /// Makes the calls of the run, of each tenant and of each app for these targets.
    async fn tenant_calls(&self, targets: &[Arc<Target>], peers: &Peers) {
        let mut seen = BTreeSet::new();
        let leads: Vec<_> = targets
            .iter()
            .filter(|target| seen.insert((&target.tenant, &target.subject.client_id)))
            .map(|target| subject(target, peers))
            .collect();
        let calls = self.plan.calls().filter(|call| call.scope != Scope::Account);
        let calls: Vec<_> = calls.collect();
        join_all(leads.iter().flat_map(|lead| calls.iter().map(move |call| self.perform(call, lead)))).await;
    }

    async fn tenants(&self, targets: &[Arc<Target>], peers: &Peers) -> assemble::Tenants {
        self.tenant_calls(targets, peers).await;
        let mut tenants = assemble::Tenants::default();
        for (name, peers) in peers {
            let Some(first) = peers.first() else { continue };
            let lead = self::subject(first, &BTreeMap::from([(name.clone(), peers.clone())]));
            let (run, tenant) =
                (self.section(&lead, Scope::Run).await, self.section(&lead, Scope::Tenant).await);
            let mut apps = BTreeMap::new();
            for peer in peers.iter() {
                let Some(id) = peer.subject.client_id.clone() else { continue };
                if apps.contains_key(&id) {
                    continue;
                }
                let lead = Subject { target: peer.clone(), peers: peers.clone(), jobs: Arc::default() };
                apps.insert(id, self.section(&lead, Scope::App).await);
            }
            tenants.add(name, run, tenant, apps);
        }
        tenants
    }

    async fn account(&self, subject: Subject, observed: world::Observed) -> assemble::Account {
        let mut own = self.section(&subject, Scope::Account).await;
        let app = self.section(&subject, Scope::App).await;
        given::account(&mut own.section, &subject.target, &observed, &app.section);
        import::fill(&mut own, &subject.target, &self.imports);
        assemble::fill(&mut own.section, &self.plan, Scope::Account);
        if subject.target.subject.client_id.is_none() {
            // There is no app under which the reasons could stand.
            assemble::merge(&mut own.section, &app.section);
        }
        if self.session.accounts > ACCOUNTS_AT_ONCE {
            self.session.forget(&subject.target.account);
            self.memo.forget(&subject.target.account);
        }
        assemble::Account { target: subject.target, own }
    }

    /// Everything of one scope, made now if it was not before, with a reason for whatever is missing;
    /// an account's own part still lacks what was given.
    async fn section(&self, subject: &Subject, scope: Scope) -> assemble::Gathered {
        let calls = self.plan.calls().filter(|call| call.scope == scope);
        let done = join_all(calls.map(|call| self.perform(call, subject))).await;
        let mut gathered = assemble::gather(&done);
        if scope == Scope::Tenant {
            given::tenant(&mut gathered.section, &subject.target);
        }
        if scope != Scope::Account {
            assemble::fill(&mut gathered.section, &self.plan, scope);
        }
        gathered
    }

    fn perform<'a>(&'a self, call: &'static Call, subject: &'a Subject) -> BoxFuture<'a, Arc<Done>> {
        Box::pin(async move {
            let target = &subject.target;
            let client_id = || target.subject.client_id.clone().unwrap_or_default();
            let (jobs, key) = match call.scope {
                Scope::Run => (&self.shared, Key::Run),
                Scope::Tenant => (&self.shared, Key::Tenant(target.tenant.clone())),
                Scope::App => (&self.shared, Key::App(target.tenant.clone(), client_id())),
                Scope::Account => (&subject.jobs, Key::Account),
            };
            let job = jobs.job(key, call.name);
            job.get_or_init(|| async { Arc::new(self.make(call, subject).await) }).await.clone()
        })
    }

    async fn make(&self, call: &'static Call, subject: &Subject) -> Done {
        let target = lead(call, subject);
        let mut known = Section::default();
        let ready = match barred(call, &target) {
            Some(absence) => Err(absence),
            None => self.wait(call, subject, &mut known).await,
        };
        let known = Arc::new(known);
        let yielded = match ready {
            Ok(()) => self.attempt(call, target, subject, known.clone()).await,
            Err(absence) => missing(call, &absence),
        };
        let yielded = assemble::complete(call, yielded, &known);
        let mut known = Arc::unwrap_or_clone(known);
        assemble::merge(&mut known, &yielded.section);
        Done { yielded, known: Arc::new(known) }
    }

    /// Waits for the calls before this one and puts together what is known after them.
    async fn wait(&self, call: &Call, subject: &Subject, known: &mut Section) -> Result<(), Absence> {
        let before = call.after.iter().filter_map(|name| self.plan.call(name));
        let before = join_all(before.map(|call| self.perform(call, subject)));
        // A table in which calls wait for each other must not hang the run.
        let done = tokio::time::timeout_at(self.deadline, before).await.map_err(|_| too_late())?;
        for done in &done {
            assemble::merge(known, &done.known);
        }
        Ok(())
    }

    async fn attempt(
        &self,
        call: &'static Call,
        target: Arc<Target>,
        subject: &Subject,
        before: Arc<Section>,
    ) -> Yield {
        if Instant::now() >= self.deadline {
            return missing(call, &too_late());
        }
        let about = match call.scope {
            Scope::Run => String::new(),
            Scope::Tenant => target.tenant.clone(),
            Scope::App => target.subject.client_id.clone().unwrap_or_default(),
            Scope::Account => target.account.clone(),
        };
        self.tell(|| Progress::Started { call: call.name, about: about.clone() });
        let context = Context {
            target,
            net: self.net.clone(),
            before,
            peers: subject.peers.clone(),
            memo: self.memo.clone(),
            call: call.name,
            session: self.session.clone(),
        };
        let task = AbortOnDropHandle::new(tokio::spawn(async move { (call.run)(context).await }));
        let ended = tokio::time::timeout_at(self.deadline, task).await;
        self.tell(|| Progress::Finished { call: call.name, about });
        match ended {
            Ok(Ok(yielded)) => yielded,
            Ok(Err(_)) => {
                let text = "this tool broke while reading it";
                missing(call, &Absence::new(Reason::Unreadable).with_text(text))
            }
            Err(_) => missing(call, &too_late()),
        }
    }

    fn tell(&self, news: impl FnOnce() -> Progress) {
        if let Some(listener) = &self.progress {
            // Nobody listens any more: then nobody misses it.
            let _ = listener.send(news());
        }
    }
}

fn peers(targets: &[Arc<Target>]) -> Peers {
    let mut peers: BTreeMap<String, Vec<Arc<Target>>> = BTreeMap::new();
    for target in targets {
        peers.entry(target.tenant.clone()).or_default().push(target.clone());
    }
    peers.into_iter().map(|(tenant, targets)| (tenant, targets.into())).collect()
}

fn subject(target: &Arc<Target>, peers: &Peers) -> Subject {
    let peers = peers.get(&target.tenant).cloned().unwrap_or_default();
    Subject { target: target.clone(), peers, jobs: Arc::default() }
}

/// The target on whose behalf a shared call is made: the first for which it makes sense, so that the
/// order in which calls happen to start does not matter.
fn lead(call: &Call, subject: &Subject) -> Arc<Target> {
    let mut candidates: Vec<&Arc<Target>> = match call.scope {
        Scope::Account => vec![&subject.target],
        Scope::App => {
            let id = &subject.target.subject.client_id;
            subject.peers.iter().filter(|peer| peer.subject.client_id == *id).collect()
        }
        Scope::Run | Scope::Tenant => subject.peers.iter().collect(),
    };
    if candidates.is_empty() {
        candidates.push(&subject.target);
    }
    let chosen = candidates.iter().find(|target| barred(call, target).is_none());
    Arc::clone(chosen.unwrap_or(&candidates[0]))
}

/// Why a call is not made for a target.
fn barred(call: &Call, target: &Target) -> Option<Absence> {
    if !(call.applies)(target) {
        let text = "this call does not exist in this world";
        return Some(Absence::new(Reason::UnsupportedHere).with_text(text));
    }
    if call.scope == Scope::App && target.subject.client_id.is_none() {
        let text = "the product's app id is not known";
        return Some(Absence::new(Reason::NotAsked).with_text(text));
    }
    match call.access {
        Access::Reader(grant) if target.reader.is_none() => Some(
            Absence::new(Reason::NotAsked)
                .with_text("no reader is configured")
                .with_permission(grant.permission),
        ),
        _ => None,
    }
}

fn too_late() -> Absence {
    Absence::new(Reason::TimedOut).with_text("the time for the whole run was over")
}

fn missing(call: &Call, absence: &Absence) -> Yield {
    let mut yielded = Yield::new();
    for path in call.yields {
        yielded.absent(path, absence.clone());
    }
    yielded
}
