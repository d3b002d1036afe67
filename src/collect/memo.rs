//! Answers that several calls of a run share, each asked for once.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use super::session::BUSY;
use crate::wire::{Failure, Reply};

type Shared = Arc<dyn Any + Send + Sync>;

/// A run's shared answers. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memo(Arc<Mutex<HashMap<String, Arc<OnceCell<Shared>>>>>);

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}

impl Memo {
    /// The answer to a question, asked by whoever comes first. A key stands for one type.
    pub async fn once<T, F>(&self, key: String, ask: F) -> Arc<T>
    where
        T: Send + Sync + 'static,
        F: Future<Output = T>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            cells.entry(key).or_default().clone()
        };
        let answer = cell.get_or_init(|| async { Arc::new(ask.await) as Shared }).await.clone();
        answer.downcast().expect("a key stands for one type")
    }

    /// Drops requests that got no answer that may come later.
    pub fn forget_passing(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, cell| {
            let reply = cell.get().and_then(|answer| answer.downcast_ref::<Reply>());
            reply.is_none_or(|reply| match &reply.outcome {
                Ok(response) => !BUSY.contains(&response.status.as_u16()),
                Err(failure) => !matches!(failure, Failure::TimedOut { .. } | Failure::Closed { .. }),
            })
        });
    }

    /// Drops the answers about an account that is finished: they are asked for no more.
    pub fn forget(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| !is_about(key, account));
    }
}

/// Whether a key names this very address, plainly or as in a URL.
pub(super) fn is_about(key: &str, account: &str) -> bool {
    let key = key.to_ascii_lowercase().replace("%40", "@");
    let account = account.to_ascii_lowercase();
    let part = |c: char| c.is_ascii_alphanumeric() || "-_.+'".contains(c);
    key.match_indices(&account).any(|(at, found)| {
        let before = key[..at].chars().next_back().is_some_and(part);
        let after = key[at + found.len()..].chars().next().is_some_and(|c| part(c) && c != '\'');
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn an_address_is_not_found_within_another() {
        assert!(is_about("contoso.com Svc@contoso.com", "svc@contoso.com"));
        assert!(is_about("GET https://h/a.json?Email=svc%40contoso.com&Protocol=Ews", "svc@contoso.com"));
        assert!(!is_about("contoso.com my-svc@contoso.com", "svc@contoso.com"));
        assert!(!is_about("contoso.com svc@contoso.com.au", "svc@contoso.com"));
    }

    #[tokio::test]
    async fn two_who_ask_the_same_share_one_answer() {
        let (memo, asked) = (Memo::default(), AtomicUsize::new(0));
        let ask = || memo.once("realm contoso.com".into(), async { asked.fetch_add(1, Ordering::Relaxed) });
        futures_util::future::join(ask(), ask()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
