//! The test sync by Exchange Web Services, as a product would do it: each mailbox by impersonation, or
//! by the signed-in account's own rights.
//!
//! What depends on nothing else goes on at the same time, at most four requests in a mailbox. Each folder
//! and item is marked by the very request that makes it, so that whatever ends a run early leaves nothing
//! that a later one would not know.

mod chain;
mod clean;
mod feed;
mod items;
mod judge;
mod notice;
mod open;
mod others;
mod public;
mod sweep;
mod visit;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use self::visit::{Run, Visit};
use super::{Outcome, Phase, Plan, Record, Standing, Step};
use crate::wire::ews::Client;

/// Mailboxes that are visited at the same time.
const AT_ONCE: usize = 4;

/// Does what the plan says, and tells each step as it ends. Ends by itself: the work by
/// [`Plan::work_until`] or when `stop` is cancelled, cleaning up by [`Plan::clean_until`].
pub async fn run(
    client: &Client,
    plan: &Plan,
    stop: &CancellationToken,
    news: impl Fn(&Step) + Send + Sync,
) -> Outcome {
    let record = Record::new(news);
    let run = Run {
        client,
        plan,
        record: &record,
        stop,
        standing: Standing::default(),
        old: AtomicBool::new(false),
        understood: Mutex::new(HashSet::new()),
    };
    let visits: Vec<_> =
        plan.mailboxes.iter().map(|mailbox| Visit::new(&run, mailbox).go().boxed()).collect();
    stream::iter(visits).buffer_unordered(AT_ONCE).collect::<()>().await;
    let refused = run.standing.is_refused(Phase::Work);
    record.finish(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_can_be_a_task_of_its_own() {
        fn is_send<T: Send>(_: impl Fn(&'static Client, &'static Plan, &'static CancellationToken) -> T) {}
        is_send(|client, plan, stop| run(client, plan, stop, |_| {}));
    }
}
