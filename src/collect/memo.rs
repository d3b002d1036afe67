//! Answers that several calls of a run share, each asked for once.

use std::{
    any::Any,
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

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
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn two_who_ask_the_same_share_one_answer() {
        let (memo, asked) = (Memo::default(), AtomicUsize::new(0));
        let ask = || memo.once("realm contoso.com".into(), async { asked.fetch_add(1, Ordering::Relaxed) });
        futures_util::future::join(ask(), ask()).await;
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
