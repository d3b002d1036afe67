//! Why a subcommand ended early.

use super::{exit, problem::Problem};

/// The three ways to end early.
#[derive(Debug)]
pub enum Trouble {
    /// This program broke.
    Ours(String),
    /// A signal, with its exit code.
    Signal(u8),
    /// The caller's input cannot be used.
    Usage(Problem),
}

impl Trouble {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Ours(_) => exit::OURS,
            Self::Signal(code) => *code,
            Self::Usage(_) => exit::USAGE,
        }
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Usage(problem)
    }
}
