//! What a user brings along: where a check comes from, and what its file may name besides ours.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::Serialize;

use super::causes;
use crate::facts::Shape;

/// Where a check of the user's own comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// File, as the user named its directory.
    pub file: String,
    /// It stands in the place of a built-in check.
    pub overrides: bool,
}

impl Origin {
    /// In words.
    pub fn words(&self) -> String {
        let place = if self.overrides { ", in place of the built-in check" } else { "" };
        format!("{}{place}", self.file)
    }
}

/// What the files of a user may name besides the built-in facts and causes.
#[derive(Debug, Default)]
pub struct Setting {
    /// Facts of external collectors, by collector.
    pub externals: BTreeMap<String, Shape>,
    /// Causes and what they mean.
    pub causes: BTreeMap<String, String>,
    /// Areas and their titles.
    pub areas: BTreeMap<String, String>,
}

static USUAL: LazyLock<Arc<Setting>> = LazyLock::new(Arc::default);

impl Setting {
    /// Nothing besides ours.
    pub(super) fn usual() -> Arc<Self> {
        USUAL.clone()
    }

    /// Whether somebody gave a cause its meaning.
    pub(super) fn knows_cause(&self, cause: &str) -> bool {
        self.meaning(cause).is_some()
    }

    /// What a cause means.
    pub(super) fn meaning(&self, cause: &str) -> Option<&str> {
        causes::meaning(cause).or_else(|| self.causes.get(cause).map(String::as_str))
    }
}
