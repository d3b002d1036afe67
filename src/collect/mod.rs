//! Collectors: from the wire to facts. They observe and never judge.
//!
//! A collector is one file with a table of [`Call`]s. A call says which fact paths it yields, what it
//! needs and after which calls it can run; the planner picks the calls behind the selected checks, the
//! runner sends each of them once, as early as its own dependencies allow.

mod assemble;
mod call;
mod context;
mod directory;
pub mod ews;
mod given;
mod memo;
mod plan;
mod runner;
pub mod session;
mod target;
#[cfg(test)]
mod testing;
mod world;

pub use call::{Access, Call, Grant, Running, Yield};
pub use context::Context;
pub use memo::Memo;
pub use runner::{Progress, RunOptions, run};
pub use target::{Cloud, Endpoints, Protocol, Reader, SignIn, Subject, SubjectKind, Target, World};

/// The call table: every call of every collector.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    let tables: &[&'static [Call]] = &[ews::CALLS];
    tables.iter().copied().flatten()
}
