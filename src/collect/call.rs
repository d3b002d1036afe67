//! The call table's row, and what a call brings back.

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use super::Target;
use crate::facts::{Absence, Exchange, Section, catalogue::Scope};

/// A permission of the reader, and wider ones that suffice as well.
#[derive(Debug, Clone, Copy)]
pub struct Grant {
    /// The least permission, for example `User.Read.All`.
    pub permission: &'static str,
    /// Others that include it.
    pub or: &'static [&'static str],
}

/// On whose behalf a call is made.
#[derive(Debug, Clone, Copy)]
pub enum Access {
    /// Nobody's: no credential is sent.
    Anonymous,
    /// The reader's.
    Reader(Grant),
    /// The product's.
    Subject,
}

/// A future that a call returns.
pub type Running = Pin<Box<dyn Future<Output = Yield> + Send>>;

/// One row of the call table.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Name, for example `graph.user`.
    pub name: &'static str,
    /// How widely its answer holds: it is made once for each run, tenant, app or account.
    pub scope: Scope,
    /// Fact paths it yields; each of them is present or absent afterwards.
    pub yields: &'static [&'static str],
    /// Calls whose facts it reads.
    pub after: &'static [&'static str],
    /// On whose behalf.
    pub access: Access,
    /// Whether it makes sense for a target; where not, its facts are `unsupported-here`.
    pub applies: fn(&Target) -> bool,
    /// Makes it.
    pub run: fn(super::Context) -> Running,
}

/// What a call brings back: facts, absences and evidence, with full paths.
#[derive(Debug, Clone, Default)]
pub struct Yield {
    /// Facts and absences.
    pub section: Section,
    /// Exchanges, in order.
    pub exchanges: Vec<Exchange>,
}

impl Yield {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a fact.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> &mut Self {
        self.section.set(path, value.into());
        self
    }

    /// Writes down why a path is missing.
    pub fn absent(&mut self, path: &str, absence: Absence) -> &mut Self {
        self.section.set_absent(path, absence);
        self
    }

    /// Keeps an exchange as evidence.
    pub fn exchange(&mut self, exchange: Exchange) -> &mut Self {
        self.exchanges.push(exchange);
        self
    }
}
