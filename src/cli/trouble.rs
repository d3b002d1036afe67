//! Why a subcommand ended early.

use super::{exit, problem::Problem};

/// The ways to end early.
#[derive(Debug)]
pub enum Trouble {
    /// This program broke.
    Ours(String),
    /// A signal, with its exit code.
    Signal(u8),
    /// What was asked for could not be found out.
    Undetermined(String),
    /// The caller's input cannot be used.
    Usage(Problem),
}

impl Trouble {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Ours(_) => exit::OURS,
            Self::Signal(code) => *code,
            Self::Undetermined(_) => exit::UNDETERMINED,
            Self::Usage(_) => exit::USAGE,
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Usage(problem)
    }
}
