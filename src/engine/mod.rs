//! The engine: checks judge facts, findings become first causes and a verdict.
//!
//! Pure: facts and checks in, findings out. No clock, no files, no network, no other module but
//! `facts`.

mod finding;

pub use finding::{
    AccountReport, CannotDetermine, Counts, Finding, FirstCause, Fix, Missing, Reference, Report, Settles,
    TenantReport, Verdict, Word,
};
