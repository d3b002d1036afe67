//! Collectors: from the wire to facts. They observe and never judge.
//!
//! A collector is one file with a table of [`Call`]s. A call says which fact paths it yields, what it
//! needs and after which calls it can run; the planner picks the calls behind the selected checks, the
//! runner sends each of them once, as early as its own dependencies allow.

pub mod account;
mod active_directory;
mod anonymous;
mod app;
mod assemble;
mod call;
mod carry;
mod conditional_access;
mod consent;
mod context;
pub mod coverage;
mod directory;
mod discovery;
mod domain;
pub mod ews;
mod ews_endpoint;
pub mod external;
mod extra;
mod given;
mod graph_targets;
pub mod import;
pub mod license;
mod mailbox;
mod memo;
mod mfa;
mod network;
mod organization;
pub mod permission_ids;
mod plan;
pub mod policies;
mod public_folders;
pub mod query;
pub mod reader;
mod realm;
mod refusal;
mod runner;
mod scope;
pub mod service_health;
pub mod session;
mod sign_in;
pub mod sign_in_log;
pub mod sync;
mod target;
mod tenant;
#[cfg(test)]
mod testing;
mod wanted;
mod world;

pub use call::{Access, Call, Grant, Running, Yield};
pub use carry::Carry;
pub use context::Context;
pub use extra::Extra;
pub use memo::Memo;
pub use runner::{Part, Progress, RunOptions, run, stream};
pub use target::{
    ActiveDirectory, Attested, Cloud, Endpoints, Protocol, Reader, SignIn, Subject, SubjectKind, Target,
    TestSync, WantedUsers, World,
};

/// The call table: every call of every collector.
pub fn calls() -> impl Iterator<Item = &'static Call> {
    let tables: &[&'static [Call]] = &[
        account::CALLS,
        active_directory::CALLS,
        app::CALLS,
        consent::CALLS,
        discovery::CALLS,
        domain::CALLS,
        ews::CALLS,
        ews_endpoint::CALLS,
        graph_targets::CALLS,
        license::CALLS,
        mailbox::CALLS,
        mfa::CALLS,
        network::CALLS,
        organization::CALLS,
        policies::CALLS,
        public_folders::CALLS,
        reader::CALLS,
        realm::CALLS,
        refusal::CALLS,
        scope::CALLS,
        service_health::CALLS,
        sign_in::CALLS,
        sign_in_log::CALLS,
        sync::CALLS,
        tenant::CALLS,
        wanted::CALLS,
    ];
    tables.iter().copied().flatten()
}
