//! Coverage: whether the product's identity can open each of many mailboxes, one cheap read of ids each.
//!
//! A list of any length comes in as a stream, a row for each mailbox goes out as soon as it is known;
//! nothing is kept but what is under way. [`run`] is the machine: it paces itself by the
//! [`Governor`], stops when refusals rise ([`Guard`]), and leaves what a mailbox says to a [`Prober`].
//! Judges nothing: which cause stands behind an answer is for others to say.

mod again;
mod answer;
mod declared;
pub mod directory;
mod governor;
mod guard;
mod key;
mod run;
mod sample;
pub mod start;
mod way;

pub use answer::{Answer, Declared, Mailbox, Prober, Row, Standing};
pub use declared::{NEEDED, Rule};
pub use governor::{Governor, Pace, Turn};
pub use guard::{Alarm, Guard, Limits};
pub use key::{Key, Shard};
pub use run::{Ending, News, Options, Why, run};
pub use sample::{Sampled, Verdict};
pub use way::Way;
