//! Opening connections: how long the HTTP library takes, for the request that waits for it, and one
//! connection where many requests begin at the same time.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use url::{Origin, Url};

use super::proxy::ProxyHop;

/// How long requests wait for the first connection to a server. Silence must not add up.
const PATIENCE: Duration = Duration::from_millis(250);

/// Stands for "no connection was opened": an open one was used again.
pub const REUSED: u64 = u64::MAX;

tokio::task_local! {
    /// Where the connection that the current request opens leaves its milliseconds.
    pub static TIME: Arc<AtomicU64>;
}

/// Wraps the library's connector.
#[derive(Debug, Clone, Copy)]
pub struct Measured;

impl<S> tower_layer::Layer<S> for Measured {
    type Service = Measuring<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measuring(inner)
    }
}

/// The library's connector, measured.
#[derive(Debug, Clone)]
pub struct Measuring<S>(S);

impl<S, R> tower_service::Service<R> for Measuring<S>
where
    S: tower_service::Service<R>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let started = Instant::now();
        let connecting = self.0.call(request);
        // Absent where the library moved the connection to a task of its own.
        let slot = TIME.try_with(Arc::clone).ok();
        Box::pin(async move {
            let connected = connecting.await;
            if let Some(slot) = slot {
                let taken = u64::try_from(started.elapsed().as_millis()).unwrap_or(REUSED - 1);
                slot.store(taken, Ordering::Relaxed);
            }
            connected
        })
    }
}

/// Who opened the first connection to each server. Until it is open nobody knows whether the server
/// takes many requests on one connection, and the library would open one for each.
#[derive(Default)]
pub struct Origins(Mutex<HashMap<Way, Arc<Semaphore>>>);

/// A server, and the proxy before it.
type Way = (Origin, Option<String>);

/// The first request to a server; the others go on when it is dropped.
pub struct First(Arc<Semaphore>);

impl Drop for First {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Origins {
    /// Waits while another request opens the first connection there; gives the mark of the first to who is.
    pub async fn turn(&self, url: &Url, hop: Option<&ProxyHop>) -> Option<First> {
        let key = (url.origin(), hop.map(ProxyHop::shown));
        let (gate, first) = {
            let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let mut first = false;
            let gate = gates.entry(key).or_insert_with(|| {
                first = true;
                Arc::new(Semaphore::new(0))
            });
            (Arc::clone(gate), first)
        };
        if first {
            return Some(First(gate));
        }
        // Closed or not: after a while everybody goes on.
        let _ = tokio::time::timeout(PATIENCE, gate.acquire()).await;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_others_go_on_when_the_first_is_done_however_it_ended() {
        let (origins, url) = (Origins::default(), "https://graph.example/".parse::<Url>().expect("a URL"));
        let first = origins.turn(&url, None).await.expect("nobody was there before");
        let mut second = Box::pin(origins.turn(&url, None));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_none());
    }
}
