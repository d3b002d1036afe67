//! Why a fact is missing.

use serde::{Deserialize, Serialize};

/// The reason for which a fact could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The service refused for want of a permission or role.
    Denied,
    /// Nobody asked: no reader, no credential, or the call was not selected.
    NotAsked,
    /// The service limits its calls, and went on refusing.
    Throttled,
    /// No answer in time.
    TimedOut,
    /// The tenant has no license for this information.
    Unlicensed,
    /// The answer was not what the service documents, or this tool broke while reading it.
    Unreadable,
    /// The host could not be reached.
    Unreachable,
    /// The world, the server or this tool does not support the call.
    UnsupportedHere,
}

impl Reason {
    /// Whether asking again may bring the fact.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::TimedOut)
    }

    /// The reason as it stands in documents, for example `timed-out`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotAsked => "not-asked",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed-out",
            Self::Unlicensed => "unlicensed",
            Self::Unreadable => "unreadable",
            Self::Unreachable => "unreachable",
            Self::UnsupportedHere => "unsupported-here",
        }
    }
}

/// A missing fact: the reason, and what would lift it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absence {
    /// Why it is missing.
    pub reason: Reason,
    /// The permission or role that would allow it, where `reason` is `denied` or `not-asked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// The call that would have yielded it, for example `graph.user`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What was seen, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Absence {
    /// An absence with nothing but its reason.
    pub fn new(reason: Reason) -> Self {
        Self { reason, permission: None, source: None, text: None }
    }

    /// The same with what was seen, in words.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// The same with the permission that would lift it.
    #[must_use]
    pub fn with_permission(mut self, permission: impl Into<String>) -> Self {
        self.permission = Some(permission.into());
        self
    }
}
