//! Ctrl-C and SIGTERM: what was started is torn down in order, then the program ends.

use super::exit;

/// Waits for a signal; gives its exit code.
#[cfg(unix)]
pub async fn received() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => exit::INTERRUPTED,
        _ = terminate.recv() => exit::TERMINATED,
    }
}

/// Waits for a signal; gives its exit code.
#[cfg(not(unix))]
pub async fn received() -> u8 {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    exit::INTERRUPTED
}
