//! The engine: checks judge facts, findings become first causes and a verdict.
//!
//! Pure: facts and checks in, findings out. No clock, no files, no network, no other module but
//! `facts`.

mod bench;
mod catalogue;
pub mod causes;
mod change;
mod check;
mod elaborate;
mod example;
mod expr;
mod finding;
mod functions;
mod hints;
mod judge;
mod lately;
mod origin;
mod outage;
mod own;
mod profile;
mod proof;
mod query;
mod reach;
mod requirements;
mod roots;
mod select;
mod template;
mod ticket;
mod value;
mod view;
mod would_pass;

pub use catalogue::{Area, Catalogue};
pub use change::{Change, WouldPassIf};
pub use check::{Ask, Check, CheckError, CheckFile, Example, FixFile, Outcome, Shell, Text};
pub use example::{ExampleResult, example_document, run_examples};
pub use expr::suggest;
pub use finding::{
    AccountReport, CannotDetermine, Counts, Finding, FirstCause, Fix, Missing, Reference, Report, Settles,
    TenantReport, Verdict, Word,
};
pub use judge::{Judge, judge};
pub use lately::{ChangedLately, USUAL_WINDOW};
pub use origin::Origin;
pub use outage::Outage;
pub use own::{Additions, Folder, FolderFile, Own, OwnCauses, OwnProfile};
pub use profile::{Draft, Level, Levels, Permission, Permissions, Profile, Statement};
pub use proof::{Proof, Says, Standing, Witness, finders, looks_for_few, proof};
pub use query::{Asks, Query, is_name};
pub use reach::Reach;
pub use requirements::{Requirement, requirements};
pub use select::{Selection, Waiver, needs, queries};

pub use crate::facts::WORLDS;
