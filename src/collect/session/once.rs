//! Questions that are asked once, whoever asks.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use super::lock;
use crate::collect::memo::is_about;

/// A question under way, or its answer; `None`: asking broke.
type Asked<T> = Shared<BoxFuture<'static, Option<Arc<T>>>>;

/// Answers that are asked for once, whoever asks first.
pub struct Once<T> {
    running: Mutex<HashMap<String, Asked<T>>>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { running: Mutex::default() }
    }
}

impl<T: Send + Sync + 'static> Once<T> {
    /// The answer under a key; `ask` runs only for the first. `None`: asking broke.
    pub async fn get<F>(&self, key: String, ask: impl FnOnce() -> F + Send) -> Option<Arc<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let running = lock(&self.running)
            .entry(key)
            .or_insert_with(|| {
                let task = tokio::spawn(ask());
                async move { task.await.ok().map(Arc::new) }.boxed().shared()
            })
            .clone();
        running.await
    }

    /// Drops all answers: the next who asks asks anew.
    pub(super) fn clear(&self) {
        lock(&self.running).clear();
    }

    /// Drops the answer under a key.
    pub(super) fn remove(&self, key: &str) {
        lock(&self.running).remove(key);
    }

    /// Drops the answers that are not worth keeping.
    pub(super) fn keep(&self, is_worth: impl Fn(&T) -> bool) {
        lock(&self.running).retain(|_, asked| match asked.peek() {
            Some(Some(answer)) => is_worth(answer),
            Some(None) | None => true,
        });
    }

    /// Drops the answers about an account.
    pub(super) fn forget(&self, account: &str) {
        lock(&self.running).retain(|key, _| !is_about(key, account));
    }
}
