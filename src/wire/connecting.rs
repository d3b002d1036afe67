//! Measures how long the HTTP library takes to open a connection, for the request that waits for it.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

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
