//! Mailbox data of the lab's Graph, and the limits on its callers, driven by a plain HTTP client.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod machine;
mod mailbox;
#[path = "../support/mod.rs"]
mod support;
mod throttling;
