//! An access token in place of one that a service no longer takes: fetched once, however many want it.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::Secret;

type Fetch = dyn Fn() -> BoxFuture<'static, Option<Secret>> + Send + Sync;

/// Where another token comes from. Clones share what was fetched.
#[derive(Clone)]
pub struct Renewal {
    fetch: Arc<Fetch>,
    fetched: Arc<OnceCell<Option<Secret>>>,
}

impl Renewal {
    /// One that asks this way; `None` is its answer where there is no other token.
    pub fn new(fetch: impl Fn() -> BoxFuture<'static, Option<Secret>> + Send + Sync + 'static) -> Self {
        Self { fetch: Arc::new(fetch), fetched: Arc::default() }
    }

    /// The other token, fetched now if nobody did before.
    pub async fn token(&self) -> Option<&Secret> {
        self.fetched.get_or_init(|| (self.fetch)()).await.as_ref()
    }

    /// The other token, if somebody fetched it.
    pub fn fetched(&self) -> Option<&Secret> {
        self.fetched.get()?.as_ref()
    }
}

impl fmt::Debug for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal").field("fetched", &self.fetched.initialized()).finish_non_exhaustive()
    }
}
