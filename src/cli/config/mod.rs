//! The configuration: where it is found, what may stand in it, and what is to be examined because of it.
//!
//! Every refusal names file, line and column and the valid choices. Knows nothing of what is later
//! done with the targets.

mod address;
mod discover;
mod file;
mod layers;
mod net;
mod secret;
mod sign_in;
mod source;
mod targets;
mod wanted;
mod worlds;

pub use address::fault as address_fault;
pub use discover::{DEFAULT_NAME, find, refuse_writable};
pub use file::{Attest as RawAttest, CollectorScope, File, Waiver as RawWaiver};
pub use layers::{load, overrides};
pub use net::time;
pub use secret::Vault;
pub use source::{Source, unknown};
pub use targets::{Plan, Profile, Wishes, plain_address, plan};
pub use wanted::listed;

/// Forgets where the secrets of the products are: nobody signs in as them.
pub fn without_subject_secrets(file: &mut File) {
    for account in &mut file.accounts {
        if let Some(subject) = &mut account.as_mut().subject {
            subject.as_mut().secret = None;
            subject.as_mut().certificate = None;
        }
    }
}

/// Forgets the reader, too.
pub fn without_secrets(file: &mut File) {
    without_subject_secrets(file);
    file.reader = None;
}
