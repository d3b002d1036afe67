//! Who may send a credential, and what the run and earlier ones know of it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use ring::digest::{Context as Digest, SHA256};

use super::{Session, lock};
use crate::wire::Secret;

/// Says whether an earlier run saw the credential of a fingerprint refused.
pub type RefusedBefore = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which credentials earlier runs saw refused, and which this run did.
#[derive(Clone, Default)]
pub struct Memory {
    /// Whether an earlier run saw the credential of this fingerprint refused; `None`: nobody remembers.
    pub refused_before: Option<RefusedBefore>,
    refused: Arc<Mutex<BTreeSet<String>>>,
}

impl Memory {
    /// Fingerprints of the credentials that this run saw refused and that no later run should send.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.refused).iter().cloned().collect()
    }

    fn remembers(&self, fingerprint: &str) -> bool {
        self.refused_before.as_ref().is_some_and(|refused| refused(fingerprint))
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("refused", &lock(&self.refused).len()).finish_non_exhaustive()
    }
}

/// A digest that tells credentials apart and from which none can be read.
pub fn fingerprint(parts: &[&str]) -> String {
    let mut digest = Digest::new(&SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish().as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The fingerprint of a password, the same whatever server it is sent to.
pub fn password_fingerprint(username: &str, password: &Secret) -> String {
    fingerprint(&["password", &username.to_lowercase(), password.expose()])
}

/// What the run knows of a credential.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Untried,
    Proven,
    Refused,
}

#[derive(Debug, Default)]
pub(super) struct Credential {
    gate: Arc<tokio::sync::Mutex<()>>,
    standing: Mutex<Standing>,
}

/// The right to send one credential: until it is proven, nobody else sends it while this is held.
#[derive(Debug)]
pub struct Permit {
    _gate: Option<tokio::sync::OwnedMutexGuard<()>>,
    credential: Arc<Credential>,
    fingerprint: String,
    memory: Memory,
}

impl Permit {
    /// It was refused before, in this run or in one remembered: it must not be sent.
    pub fn is_refused(&self) -> bool {
        *lock(&self.credential.standing) == Standing::Refused || self.memory.remembers(&self.fingerprint)
    }

    /// It was accepted in this run.
    pub fn is_proven(&self) -> bool {
        *lock(&self.credential.standing) == Standing::Proven
    }

    /// It was accepted: sending it again risks nothing.
    pub fn prove(&mut self) {
        let mut standing = lock(&self.credential.standing);
        if *standing == Standing::Untried {
            *standing = Standing::Proven;
        }
    }

    /// It was refused and is not sent again in this run.
    pub fn refuse(&mut self) {
        *lock(&self.credential.standing) = Standing::Refused;
    }

    /// It was refused, and later runs should not send it either.
    pub fn condemn(&mut self) {
        self.refuse();
        lock(&self.memory.refused).insert(self.fingerprint.clone());
    }
}

impl Session {
    /// Waits until nobody else is sending this credential, or it is proven.
    pub async fn credential(&self, fingerprint: &str) -> Permit {
        let credential = Arc::clone(lock(&self.credentials).entry(fingerprint.to_owned()).or_default());
        let gate = Arc::clone(&credential.gate).lock_owned().await;
        let proven = *lock(&credential.standing) == Standing::Proven;
        Permit {
            _gate: (!proven).then_some(gate),
            credential,
            fingerprint: fingerprint.to_owned(),
            memory: self.memory.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use tokio::time::Instant;

    use super::*;

    fn session() -> Session {
        Session::new(Memory::default(), BTreeSet::new(), 1, Instant::now())
    }

    #[tokio::test]
    async fn an_untried_credential_is_sent_by_one_at_a_time() {
        let session = session();
        let first = session.credential("a").await;
        let mut second = Box::pin(session.credential("a"));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert!(!second.await.is_refused());
    }

    #[tokio::test]
    async fn a_proven_credential_keeps_nobody_waiting() {
        let session = session();
        session.credential("a").await.prove();
        let _first = session.credential("a").await;
        assert!(session.credential("a").now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_refusal_outweighs_an_earlier_proof() {
        let session = session();
        session.credential("a").await.prove();
        session.credential("a").await.refuse();
        let mut permit = session.credential("a").await;
        permit.prove();
        assert!(permit.is_refused());
    }
}
