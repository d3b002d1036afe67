//! syncready says whether a sync product's Microsoft 365 or Exchange service account is ready, and if
//! not, names the first cause and its fix.
//!
//! ```text
//! config, profile ─► plan ─► collect ─► FACTS (one JSON document) ─► judge ─► findings ─► report
//!                     ▲         │             ▲                         ▲
//!                  checks/   wire clients   replay                   checks/
//! ```
//!
//! One direction, no way back: `wire`, `facts` and `lab` know none of the others (`wire` uses the
//! evidence types of `facts`), `engine` knows `facts`, `collect` knows `facts` and `wire`, `report`
//! knows `facts`, `engine` and `knowledge` (which knows none but `facts`), `bundle` takes what is personal
//! out of what leaves the house and knows `facts`, `engine` and `knowledge`, `cli` knows all.

pub mod bundle;
pub mod cli;
pub mod collect;
pub mod engine;
pub mod facts;
pub mod knowledge;
pub mod lab;
pub mod report;
pub mod sync;
pub mod wire;
