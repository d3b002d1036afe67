//! The mailboxes of the lab as an EWS client sees them: raw requests, and answers that fit Microsoft's
//! schema where `EWS_SCHEMA` names the folder with it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod calendar;
mod client;
mod items;
mod limits;
mod notifications;
mod server;
#[path = "../support/mod.rs"]
mod support;
