//! Ctrl-C and SIGTERM: what was started is torn down in order, then the program ends.

use super::exit;

/// Listens from its making on, so that no signal is lost between two.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    both: Option<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)>,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen.
    pub fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt());
        Self { both: interrupt.ok().zip(signal(SignalKind::terminate()).ok()) }
    }

    /// Waits for the next one; gives its exit code.
    pub async fn next(&mut self) -> u8 {
        let Some((interrupt, terminate)) = &mut self.both else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => exit::INTERRUPTED,
            _ = terminate.recv() => exit::TERMINATED,
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen.
    pub fn new() -> Self {
        Self {}
    }

    /// Waits for the next one; gives its exit code.
    pub async fn next(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.is_err() {
            return std::future::pending().await;
        }
        exit::INTERRUPTED
    }
}
