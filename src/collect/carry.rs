//! What the rounds of one run share: a later round about the same targets asks for nothing again that was
//! answered. What got no answer that may come later is asked for once more.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Access, Call, Memo,
    runner::{Done, Jobs},
    session::{BUSY, Session},
};
use crate::facts::{Exchange, Reason};

/// Calls that look at what is needed: each round makes them anew, from answers that are there.
const ABOUT_NEEDS: &[&str] = &["reader.token"];

/// Calls that are never made again: they write, or sign in to a directory.
const ONCE: &[&str] = &["sync.test", "ldap.account"];

/// Calls of the product that keep each answer by itself: making them again sends only what got none.
const KEPT: &[&str] = &["graph.targets", "sign-in.attempt"];

/// What a later round does with calls that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// They stay as they ended.
    Never,
    /// They are made once more.
    Once {
        /// The product signs in with a password: a call that carries it may have counted as a bad attempt.
        password: bool,
    },
}

/// Answers, tokens and refusals of the rounds so far. Cheap to clone.
#[derive(Clone, Default)]
pub struct Carry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    memo: Memo,
    session: Mutex<Option<Arc<Session>>>,
    shared: Arc<Jobs>,
    accounts: Mutex<HashMap<usize, Arc<Jobs>>>,
}

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carry")
    }
}

impl Carry {
    /// Whether there was a round before.
    pub(super) fn is_later(&self) -> bool {
        self.0.session.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Begins a round: it goes on with the session of the one before.
    pub(super) fn begin(&self, fresh: Session, again: Again) -> (Memo, Arc<Jobs>, Arc<Session>) {
        let mut slot = self.0.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Arc::new(match &*slot {
            Some(before) => fresh.after(before),
            None => fresh,
        });
        let later = slot.replace(session.clone()).is_some();
        let accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let jobs: Vec<&Arc<Jobs>> = accounts.values().chain([&self.0.shared]).collect();
        for jobs in &jobs {
            jobs.forget(|call, _| is_bound(call));
        }
        if let (true, Again::Once { password }) = (later, again) {
            session.forget_passing();
            self.0.memo.forget_passing();
            forget_passing(&jobs, password);
        }
        (self.0.memo.clone(), self.0.shared.clone(), session)
    }

    /// The calls of the target at this place.
    pub(super) fn jobs(&self, place: usize) -> Arc<Jobs> {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default().clone()
    }
}

/// Drops calls that got no answer that may come later, and those that were not made for want of them.
fn forget_passing(jobs: &[&Arc<Jobs>], password: bool) {
    let forget = |which: &dyn Fn(&'static Call, &Done) -> bool| -> Vec<&'static str> {
        let known = |name: &str, done: Option<&Done>| {
            let call = super::calls().find(|call| call.name == name);
            call.zip(done).is_some_and(|(call, done)| which(call, done))
        };
        jobs.iter().flat_map(|jobs| jobs.forget(known)).collect()
    };
    let mut gone = forget(&|call, done| may_go_again(call, password) && is_passing(call, done));
    while !gone.is_empty() {
        let waited = |call: &Call| call.after.iter().any(|name| gone.contains(name));
        gone = forget(&|call, done| {
            let unmade = done.yielded.exchanges.is_empty() && !done.yielded.section.absent.is_empty();
            may_go_again(call, password) && waited(call) && unmade
        });
    }
}

/// Whether a call does no harm a second time: a password that got no answer is not sent again.
fn may_go_again(call: &Call, password: bool) -> bool {
    let carries = password && matches!(call.access, Access::Subject) && !KEPT.contains(&call.name);
    !ONCE.contains(&call.name) && !carries
}

/// Whether a call got no answer that may come later, and nothing that was answered would be sent twice.
fn is_passing(call: &Call, done: &Done) -> bool {
    let (section, exchanges) = (&done.yielded.section, &done.yielded.exchanges);
    let lacks = |reasons: &[Reason]| section.absent.values().any(|absence| reasons.contains(&absence.reason));
    if exchanges.is_empty() {
        return lacks(&[Reason::TimedOut, Reason::Throttled, Reason::Unreachable]);
    }
    let answered = |exchange: &Exchange| exchange.status.is_some_and(|status| !BUSY.contains(&status));
    if !KEPT.contains(&call.name) && exchanges.iter().any(answered) {
        return false;
    }
    let busy = |exchange: &Exchange| exchange.status.is_some_and(|status| BUSY.contains(&status));
    lacks(&[Reason::TimedOut, Reason::Throttled]) || exchanges.iter().any(busy)
}

/// Whether a call belongs to its round: it looks at the needs, or a user's file brought it.
fn is_bound(call: &str) -> bool {
    ABOUT_NEEDS.contains(&call) || !super::calls().any(|known| known.name == call)
}
