//! Calls that were begun: each is made once, whoever needs it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::collect::Yield;
use crate::facts::Section;

/// What a call brought, and everything known to calls after it.
pub(in crate::collect) struct Done {
    pub(in crate::collect) yielded: Yield,
    pub(super) known: Arc<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Run,
    Tenant(String),
    App(String, String),
    Account,
}

pub(super) type Job = Arc<OnceCell<Arc<Done>>>;

/// Calls that were begun, by what they are about.
#[derive(Default)]
pub(in crate::collect) struct Jobs(Mutex<HashMap<(Key, &'static str), Job>>);

impl Jobs {
    pub(super) fn job(&self, key: Key, call: &'static str) -> Job {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.entry((key, call)).or_default().clone()
    }

    /// Drops calls by their names and by what they brought: who asks for them again makes them anew. Gives
    /// the names of those that were dropped.
    pub(in crate::collect) fn forget(
        &self,
        which: impl Fn(&'static str, Option<&Done>) -> bool,
    ) -> Vec<&'static str> {
        let mut gone = Vec::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, call), job| {
            let goes = which(call, job.get().map(AsRef::as_ref));
            gone.extend(goes.then_some(*call));
            !goes
        });
        gone
    }
}
