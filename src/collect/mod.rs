//! Collectors: from the wire to facts. They observe and never judge.
//!
//! A collector is one file with a table of [`Call`]s. A call says which fact paths it yields, what it
//! needs and after which calls it can run; the planner picks the calls behind the selected checks, the
//! runner sends each of them once, as early as its own dependencies allow.

mod call;
mod context;
mod directory;
pub mod session;
mod target;

pub use call::{Access, Call, Grant, Running, Yield};
pub use context::Context;
pub use target::{Cloud, Endpoints, Protocol, Reader, SignIn, Subject, SubjectKind, Target, World};
