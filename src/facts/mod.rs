//! Facts: what a run observed, as one JSON document, and why something is missing from it.
//!
//! `null` or an empty list means *known to be empty*. What was not read has no key and stands in the
//! `absent` map with its reason. Knows nothing of protocols, of checks, or of who reads it.

mod absence;
pub mod catalogue;
mod document;
mod evidence;
pub mod meaning;
pub mod placeholder;
pub mod privacy;
mod section;
mod shape;

/// The worlds of an account, by `world.kind`.
pub const WORLDS: [&str; 4] = ["exchange-server", "online-delegated", "online-ews-app", "online-graph-app"];

pub use absence::{Absence, Reason};
pub use document::{Account, Document, FORMAT, LoadError, Run, Tenant, Tool};
pub use evidence::{Exchange, Timings};
pub use section::{Section, covers, overlaps};
pub use shape::{KINDS, Plain, Shape};
