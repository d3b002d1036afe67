//! Notifications: a subscription on the own folder, made before anything changes there, and the event of
//! the first change.

use std::time::Duration;

use tokio::time::Instant;

use super::chain::Own;
use super::visit::Visit;
use crate::sync::{Doing, Name, Phase, Result};
use crate::wire::ews::{Operation, Subscription};

/// Minutes after which the server forgets a subscription that nobody asks.
const MINUTES: u8 = 2;
/// How long an event is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// First pause between two questions; longer each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A subscription with the step that it belongs to.
pub(super) struct Notice {
    doing: Doing,
    subscription: Subscription,
}

impl Visit<'_> {
    /// Subscribes to the events of an own folder.
    pub async fn subscribe(&self, own: &Own) -> Option<Notice> {
        let operation = Operation::Subscribe { folder: own.id.clone(), minutes: MINUTES };
        let doing = Doing::new(Name::Notification, Some(own.kind.subject()));
        let (mut doing, asked) = self.need(doing, &operation).await?;
        let Some(subscription) = asked.called.subscription() else {
            doing.text = Some("the answer holds no subscription".into());
            self.end(doing, Result::Failed);
            return None;
        };
        Some(Notice { doing, subscription })
    }

    /// Asks until the event of this item is there, and unsubscribes whatever came.
    pub async fn await_event(&self, notice: Notice, item: Option<&str>) {
        let Notice { mut doing, subscription } = notice;
        let result = if let Some(item) = item {
            self.poll(&mut doing, &subscription, item).await
        } else {
            doing.text = Some("nothing was made that an event could tell of".into());
            Result::Skipped
        };
        let said = (doing.status, doing.code.clone(), doing.text.clone());
        let end = Operation::Unsubscribe { subscription: subscription.id };
        let ended = self.ask(Phase::Cleaning, &mut doing, &end).await;
        if result == Result::Ok && !ended.is_some_and(|ended| ended.is_ok()) {
            doing.differs("the subscription could not be ended; the server forgets it by itself");
        }
        (doing.status, doing.code, doing.text) = said;
        if result == Result::Skipped {
            doing.code = Some(crate::sync::why::BEFORE.into());
        }
        self.end(doing, result);
    }

    async fn poll(&self, doing: &mut Doing, subscription: &Subscription, item: &str) -> Result {
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        let mut watermark = subscription.watermark.clone();
        let mut others = 0;
        loop {
            let operation = Operation::GetEvents {
                subscription: subscription.id.clone(),
                watermark: if watermark.is_empty() { "AAAA".into() } else { watermark.clone() },
            };
            let Some(asked) = self.ask(Phase::Work, doing, &operation).await else {
                return unheard(doing);
            };
            if !asked.is_ok() {
                return self.judge(&operation, &asked);
            }
            let events = asked.called.events().unwrap_or_default();
            if let Some(next) = events.watermark {
                watermark = next;
            }
            if let Some((kind, _)) = events.events.iter().find(|(_, id)| id == item) {
                doing.text = Some(format!("{kind} after {} ms", began.elapsed().as_millis()));
                return Result::Ok;
            }
            others += events.events.len();
            if began.elapsed() + pause > PATIENCE {
                let seconds = PATIENCE.as_secs();
                doing.differs(format!(
                    "no event of the change came within {seconds} s, and {others} of something else"
                ));
                return Result::Ok;
            }
            if self.pace.sleep(Phase::Work, Instant::now() + pause).await.is_none() {
                return unheard(doing);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// There was no time left to wait for the event.
fn unheard(doing: &mut Doing) -> Result {
    doing.text = Some("the run ended before the event came".into());
    Result::Failed
}
