//! The test sync: does in a mailbox what the product would do, and leaves it as it was. The only code
//! that writes to a mailbox.
//!
//! A [`Plan`] says whose mailboxes, by which way, and which parts; [`Outcome`] says what became of each
//! [`Step`]. Everything that a run makes carries one fixed marker and the run's id, and lies in a folder
//! that the run made; nothing else is ever changed. Judges nothing: the steps become facts.

mod agenda;
pub mod ews;
pub mod graph;
mod kind;
mod marker;
mod pace;
mod plan;
mod record;
mod standing;
mod step;
mod table;

pub use agenda::Agenda;
pub use kind::Kind;
pub use marker::{MARKER_NAME, MARKER_SET, RunId};
pub use pace::{Pace, Phase, Verdict};
pub use plan::{Access, Mailbox, Part, Plan, Role, Sweep};
pub use record::{Doing, Record, skipped, unseen};
pub use standing::{REFUSED, Standing};
pub use step::{Left, Leftover, Name, Outcome, Place, Result, Step, why};
pub use table::Planned;
