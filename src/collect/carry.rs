//! What the rounds of one run share: a later round about the same targets asks for nothing again.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Memo, runner::Jobs, session::Session};

/// Calls that look at what is needed: each round makes them anew, from answers that are there.
const ABOUT_NEEDS: &[&str] = &["reader.token"];

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
    /// Begins a round: it goes on with the session of the one before.
    pub(super) fn begin(&self, fresh: Session) -> (Memo, Arc<Jobs>, Arc<Session>) {
        let mut slot = self.0.session.lock().unwrap_or_else(PoisonError::into_inner);
        let session = Arc::new(match &*slot {
            Some(before) => fresh.after(before),
            None => fresh,
        });
        *slot = Some(session.clone());
        let accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.values().chain([&self.0.shared]).for_each(|jobs| jobs.forget(is_bound));
        (self.0.memo.clone(), self.0.shared.clone(), session)
    }

    /// The calls of the target at this place.
    pub(super) fn jobs(&self, place: usize) -> Arc<Jobs> {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner).entry(place).or_default().clone()
    }
}

/// Whether a call belongs to its round: it looks at the needs, or a user's file brought it.
fn is_bound(call: &str) -> bool {
    ABOUT_NEEDS.contains(&call) || !super::calls().any(|known| known.name == call)
}
