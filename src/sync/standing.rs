//! What the server makes of the credential, for all mailboxes of a run. A password that is refused is never
//! sent again: accounts are locked for that. A token harms nobody: one that the server took before may have
//! ended in the middle and is renewed, and without another, cleaning up tries it once more.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{Phase, why};

/// Why nothing more is done once the server refuses the credential: a code of [`why`], and words.
pub const REFUSED: (&str, &str) = (why::BEFORE, "the server refused the sign-in, and it is not sent again");

/// What is known of the credential.
#[derive(Debug, Default)]
pub struct Standing {
    taken: AtomicBool,
    work_over: AtomicBool,
    all_over: AtomicBool,
}

impl Standing {
    /// The server took it.
    pub fn take(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// Whether the server took it at least once: only then is a token that it refuses worth renewing.
    pub fn was_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// A password is refused.
    pub fn refuse(&self) {
        self.all_over.store(true, Ordering::Relaxed);
    }

    /// A token is refused in this phase, and there is no other.
    pub fn refuse_token(&self, phase: Phase) {
        match phase {
            Phase::Work => self.work_over.store(true, Ordering::Relaxed),
            Phase::Cleaning => self.refuse(),
        }
    }

    /// Whether nothing more is sent with it in this phase.
    pub fn is_refused(&self, phase: Phase) -> bool {
        let all_over = self.all_over.load(Ordering::Relaxed);
        all_over || (phase == Phase::Work && self.work_over.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_over_at_once_and_a_token_when_cleaning_up_is_refused_as_well() {
        let (password, token) = (Standing::default(), Standing::default());
        password.refuse();
        assert!(password.is_refused(Phase::Work) && password.is_refused(Phase::Cleaning));
        token.refuse_token(Phase::Work);
        assert!(token.is_refused(Phase::Work) && !token.is_refused(Phase::Cleaning));
        token.refuse_token(Phase::Cleaning);
        assert!(token.is_refused(Phase::Cleaning));
    }
}
