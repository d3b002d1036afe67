//! The limits that Graph and EWS put on their callers: requests per window, requests at once, and how
//! long a refused caller is told to wait.
//!
//! Budgets are kept for each application and mailbox and for each application over all mailboxes, and
//! flow back evenly over their window. Nothing is kept for a mailbox whose budget is whole, so that a
//! world of any size costs what is under way.

mod policy;
mod wire;

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

pub use self::policy::Service;
use self::policy::{Policy, Window};
pub use self::wire::{demands, refusal};
use super::World;

/// Locks over which the accounts are spread.
const SHARDS: usize = 64;
/// Accounts of one lock from which on those that are whole again are looked for.
const CROWDED: usize = 1 << 10;

/// What the limits did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThrottlingLog {
    /// Requests that were let through.
    pub allowed: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Those of the refused that came while their caller was told to wait.
    pub early: u64,
    /// The most requests that were under way at once in one mailbox by one application.
    pub most_at_once: u64,
}

/// One request, as far as the limits concern it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// Whose limits.
    pub service: Service,
    /// Who asks: an app id, or the name of an account.
    pub app: String,
    /// Which mailbox it is about; `None`: none in particular.
    pub mailbox: Option<String>,
    /// A connection that is kept open for notifications.
    pub hanging: bool,
    /// It takes from the budgets.
    pub counts: bool,
    /// It is under way in the mailbox.
    pub enters: bool,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Too many at once in the mailbox.
    AtOnce,
    /// The budget for the mailbox is used up.
    Mailbox,
    /// The application's budget for all mailboxes is used up.
    Application,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// What the caller is told to wait.
    pub wait: Duration,
}

/// One application in one mailbox, or over all of them.
#[derive(Debug, Default)]
struct Account {
    /// When the budget is whole again, in nanoseconds since the start.
    whole: u64,
    /// Until when the caller was told to wait.
    told: u64,
    /// Requests under way, and connections that hang.
    under_way: [u64; 2],
}

/// Keys are hashes already.
#[derive(Debug, Default)]
struct Ready(u64);

impl Hasher for Ready {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

type Accounts = HashMap<u64, Account, BuildHasherDefault<Ready>>;

/// The limits of a world, and how far they are used.
#[derive(Debug)]
pub struct Throttling {
    policies: [Option<Policy>; 2],
    shards: Vec<Mutex<Accounts>>,
    seed: RandomState,
    started: Instant,
    allowed: AtomicU64,
    refused: AtomicU64,
    early: AtomicU64,
    most_at_once: AtomicU64,
}

/// A request that is under way; dropping it ends it.
#[derive(Debug)]
pub struct Permit {
    throttling: Arc<Throttling>,
    key: u64,
    hanging: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (now, mut accounts) = (self.throttling.now(), self.throttling.shard(self.key));
        let Some(account) = accounts.get_mut(&self.key) else { return };
        let under_way = &mut account.under_way[usize::from(self.hanging)];
        *under_way = under_way.saturating_sub(1);
        if account.whole <= now && account.told <= now && !account.busy() {
            accounts.remove(&self.key);
        }
    }
}

impl Throttling {
    /// The limits that a world sets.
    pub fn new(world: &World) -> Self {
        let policies = Service::ALL.map(|service| Policy::read(&world.at("/throttling")[service.as_str()]));
        Self {
            policies,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            seed: RandomState::new(),
            started: Instant::now(),
            allowed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            early: AtomicU64::new(0),
            most_at_once: AtomicU64::new(0),
        }
    }

    /// What the limits did so far.
    pub fn log(&self) -> ThrottlingLog {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ThrottlingLog {
            allowed: read(&self.allowed),
            refused: read(&self.refused),
            early: read(&self.early),
            most_at_once: read(&self.most_at_once),
        }
    }

    /// The limits of a service, if it has any.
    fn policy(&self, service: Service) -> Option<&Policy> {
        self.policies[service as usize].as_ref()
    }

    /// Whether a service has limits.
    pub fn limits(&self, service: Service) -> bool {
        self.policy(service).is_some()
    }

    /// How the service of a world words its refusals.
    pub fn form(&self, service: Service) -> &str {
        self.policy(service).map_or("", |policy| policy.form.as_str())
    }

    /// Lets a request through or refuses it.
    pub fn admit(self: &Arc<Self>, demand: &Demand) -> Result<Option<Permit>, Refused> {
        let Some(policy) = self.policy(demand.service) else { return Ok(None) };
        let outcome = self.judge(policy, demand, self.now());
        match &outcome {
            Ok(_) if demand.counts => {
                self.allowed.fetch_add(1, Ordering::Relaxed);
            }
            Err((_, early)) if demand.counts => self.count_refusal(*early),
            Ok(_) | Err(_) => {}
        }
        outcome.map_err(|(refused, _)| refused)
    }

    /// Counts a refusal.
    pub fn count_refusal(&self, early: bool) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.early.fetch_add(u64::from(early), Ordering::Relaxed);
    }

    fn judge(
        self: &Arc<Self>,
        policy: &Policy,
        demand: &Demand,
        now: u64,
    ) -> Result<Option<Permit>, (Refused, bool)> {
        if let (true, Some(window)) = (demand.counts, &policy.app) {
            let key = self.key(demand, None);
            self.spend(policy, window, key, now)
                .map_err(|(wait, early)| (Refused { reason: Reason::Application, wait }, early))?;
        }
        let Some(mailbox) = demand.mailbox.as_deref() else { return Ok(None) };
        let key = self.key(demand, Some(mailbox));
        if let (true, Some(window)) = (demand.counts, &policy.mailbox) {
            self.spend(policy, window, key, now)
                .map_err(|(wait, early)| (Refused { reason: Reason::Mailbox, wait }, early))?;
        }
        if demand.enters { self.enter(policy, demand.hanging, key, now).map(Some) } else { Ok(None) }
    }

    /// Takes one request from a budget, or says how long to wait and whether that had been said before.
    fn spend(&self, policy: &Policy, window: &Window, key: u64, now: u64) -> Result<(), (Duration, bool)> {
        let mut accounts = self.shard(key);
        if accounts.len() >= CROWDED {
            accounts.retain(|_, account| account.whole > now || account.told > now || account.busy());
        }
        let account = accounts.entry(key).or_default();
        let told = account.told > now;
        let whole = account.whole.max(now) + window.each;
        if !told && whole - now <= window.span {
            account.whole = whole;
            return Ok(());
        }
        if !told || policy.prolongs {
            let short = (whole - now).saturating_sub(window.span);
            let wait = policy.back_off.unwrap_or(short.max(1));
            account.told = now + wait;
        }
        Err((Duration::from_nanos(account.told - now), told))
    }

    /// Begins a request in a mailbox, or refuses it because too many are under way.
    fn enter(
        self: &Arc<Self>,
        policy: &Policy,
        hanging: bool,
        key: u64,
        now: u64,
    ) -> Result<Permit, (Refused, bool)> {
        let limit = if hanging { policy.hanging } else { policy.at_once };
        let mut accounts = self.shard(key);
        let account = accounts.entry(key).or_default();
        let under_way = &mut account.under_way[usize::from(hanging)];
        if limit.is_some_and(|limit| *under_way >= limit) {
            let wait = Duration::from_nanos(policy.back_off.unwrap_or(policy::SECOND));
            let told = account.told > now;
            return Err((Refused { reason: Reason::AtOnce, wait }, told));
        }
        *under_way += 1;
        self.most_at_once.fetch_max(*under_way, Ordering::Relaxed);
        drop(accounts);
        Ok(Permit { throttling: Arc::clone(self), key, hanging })
    }

    fn key(&self, demand: &Demand, mailbox: Option<&str>) -> u64 {
        self.seed.hash_one((demand.service as usize, &demand.app, mailbox))
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Accounts> {
        let place = usize::try_from(key >> 32).unwrap_or_default() % SHARDS;
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX / 2)
    }
}

impl Account {
    fn busy(&self) -> bool {
        self.under_way != [0, 0]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn limits(graph: &Value) -> Arc<Throttling> {
        let world = World::new(json!({"throttling": {"graph": graph}}), jiff::Timestamp::UNIX_EPOCH);
        Arc::new(Throttling::new(&world.expect("a world")))
    }

    fn demand(mailbox: &str) -> Demand {
        let mailbox = Some(mailbox.to_owned());
        Demand {
            service: Service::Graph,
            app: "app".into(),
            mailbox,
            hanging: false,
            counts: true,
            enters: true,
        }
    }

    /// What a request at that second gets.
    fn at(limits: &Arc<Throttling>, mailbox: &str, second: u64) -> Result<(), (Reason, u64, bool)> {
        let policy = limits.policy(Service::Graph).expect("a policy");
        let outcome = limits.judge(policy, &demand(mailbox), second * policy::SECOND);
        outcome.map(drop).map_err(|(refused, early)| (refused.reason, refused.wait.as_secs(), early))
    }

    #[test]
    fn a_budget_flows_back_evenly() {
        let limits = limits(&json!({"requests": 2, "window_ms": 20_000}));
        assert_eq!([at(&limits, "a", 0), at(&limits, "a", 0)], [Ok(()), Ok(())]);
        assert_eq!(at(&limits, "a", 0), Err((Reason::Mailbox, 10, false)));
        assert_eq!(at(&limits, "a", 10), Ok(()));
        assert_eq!(at(&limits, "a", 10), Err((Reason::Mailbox, 10, false)));
    }

    #[test]
    fn another_mailbox_has_a_budget_of_its_own_and_the_app_one_over_all() {
        let limits = limits(
            &json!({"requests": 1, "window_ms": 9000, "app_requests": 2, "app_window_ms": 8000, "prolongs": true}),
        );
        assert_eq!([at(&limits, "a", 0), at(&limits, "b", 0)], [Ok(()), Ok(())]);
        assert_eq!(at(&limits, "c", 0), Err((Reason::Application, 4, false)));
    }

    #[test]
    fn asking_while_told_to_wait_is_refused_and_prolongs_only_where_the_policy_says_so() {
        let policy = |prolongs: bool| {
            limits(&json!({"requests": 1, "window_ms": 1000, "back_off_ms": 30_000, "prolongs": prolongs}))
        };
        for (prolongs, later) in [(false, 20), (true, 30)] {
            let limits = policy(prolongs);
            assert_eq!(at(&limits, "a", 0), Ok(()));
            assert_eq!(at(&limits, "a", 0), Err((Reason::Mailbox, 30, false)));
            assert_eq!(at(&limits, "a", 10), Err((Reason::Mailbox, later, true)));
            assert_eq!(at(&limits, "a", 30).is_ok(), !prolongs);
        }
    }

    #[test]
    fn only_so_many_are_under_way_at_once_in_one_mailbox() {
        let limits = limits(&json!({"at_once": 2}));
        let (one, two) = (limits.admit(&demand("a")), limits.admit(&demand("a")));
        let refused = limits.admit(&demand("a")).expect_err("two are under way");
        assert_eq!(refused.reason, Reason::AtOnce);
        assert!(limits.admit(&demand("b")).is_ok());
        drop(one);
        assert!(limits.admit(&demand("a")).is_ok());
        drop(two);
        let log = ThrottlingLog { allowed: 4, refused: 1, early: 0, most_at_once: 2 };
        assert_eq!(limits.log(), log);
    }

    #[test]
    fn mailboxes_with_a_whole_budget_are_forgotten() {
        let limits = limits(&json!({"requests": 10, "window_ms": 10}));
        for number in 0..200_000 {
            let _ = at(&limits, &number.to_string(), number);
        }
        let kept: usize = limits.shards.iter().map(|shard| shard.lock().expect("a lock").len()).sum();
        assert!(kept <= SHARDS * CROWDED, "{kept}");
    }

    #[test]
    fn a_world_without_limits_refuses_nothing() {
        let limits = limits(&Value::Null);
        assert!((0..100).all(|_| limits.admit(&demand("a")).is_ok_and(|permit| permit.is_none())));
        assert_eq!(limits.log(), ThrottlingLog::default());
    }
}
