//! Protocol clients: what is said on the wire, and what comes back.
//!
//! Every refusal, time-out and garbled answer is a value here, never a panic. Knows nothing of facts
//! (but for the evidence types), of checks or of the lab.

pub mod answer;
pub mod certificate;
pub mod challenge;
pub mod client;
pub mod clock;
pub mod command;
mod connecting;
pub mod dns;
pub mod ews;
pub mod exchange_admin;
pub mod failure;
pub mod graph;
pub mod hosts;
pub mod json;
pub mod ldap;
mod lean;
pub mod net;
pub mod program;
pub mod proxy;
pub mod redact;
pub mod refusal;
mod renewal;
pub mod secret;
pub mod sign_in;
pub mod soap;
pub mod tcp;
pub mod tls;
pub mod trust;
pub mod xml;

pub use client::Net;
pub use net::{Body, Failure, Limits, NetConfig, NetError, ProxySetting, Reply, Request, Response};
pub use renewal::Renewal;
pub use secret::Secret;
