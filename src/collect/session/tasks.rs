//! Work that ends on its own account.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::lock;

/// What goes on by itself until it has cleaned up behind it, whatever becomes of who started it.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    ended: Arc<Mutex<Vec<Ended>>>,
}

/// What became of such a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The account for which it was started.
    pub account: String,
    /// How many things of its own are still there.
    pub left: usize,
}

impl Tasks {
    /// Starts a task; it ends on its own account, soon after being told to stop.
    pub fn start<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tracker.spawn(work)
    }

    /// Tells when to stop.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Whether none is running.
    pub fn is_idle(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Waits until all have ended; none is started afterwards.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Writes down how one ended.
    pub fn note(&self, ended: Ended) {
        lock(&self.ended).push(ended);
    }

    /// How those ended that did.
    pub fn ended(&self) -> Vec<Ended> {
        lock(&self.ended).clone()
    }
}
