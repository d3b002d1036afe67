//! Protocol clients: what is said on the wire, and what comes back.
//!
//! Every refusal, time-out and garbled answer is a value here, never a panic. Knows nothing of facts
//! (but for the evidence types), of checks or of the lab.

pub mod net;
pub mod secret;

pub use net::{Body, Failure, Limits, Net, NetConfig, ProxySetting, Reply, Request, Response};
pub use secret::Secret;
