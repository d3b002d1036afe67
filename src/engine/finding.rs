//! Findings and the report made of them: what every format renders, and what `--format json` prints.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::WouldPassIf;
use super::lately::ChangedLately;
use super::origin::Origin;
use super::outage::Outage;
use super::own::Additions;
use crate::facts::{Exchange, Tool};

/// Result of one check.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// As it should be.
    Pass,
    /// Works, but somebody should look.
    Warn,
    /// Not as it must be.
    Fail,
    /// Could not be determined; says why.
    Unknown,
    /// Not judged because a check before it failed.
    Skipped,
    /// Makes no sense for this account, world or profile.
    NotApplicable,
}

/// Answer to "is it ready?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing fails, and every required check is known.
    Ready,
    /// At least one check fails.
    NotReady,
    /// Nothing fails, but a required check is unknown; or this machine has no network.
    Undetermined,
    /// There was nothing to check.
    NothingChecked,
}

impl Verdict {
    /// The worst of several verdicts; nothing was checked if that holds for all of them.
    pub fn of_all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().fold(Self::NothingChecked, Self::or_worse)
    }

    /// The worse of two verdicts.
    #[must_use]
    pub fn or_worse(self, other: Self) -> Self {
        let rank = |verdict| match verdict {
            Self::NothingChecked => 0,
            Self::Ready => 1,
            Self::Undetermined => 2,
            Self::NotReady => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Why a finding is unknown or skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// A reason of the facts document (`denied`, …), `error` for a rule that broke, or `skipped`.
    pub code: String,
    /// In words.
    pub text: String,
    /// Permission or role that would lift it.
    pub permission: Option<String>,
    /// For skipped: the check that failed.
    pub because: Option<String>,
    /// For unknown: the fact that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fact: Option<String>,
}

/// One way to repair, filled with the values of this account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// What to do, in order.
    pub steps: Vec<String>,
    /// A command ready to paste; `None` where there is none, or where a value could not be quoted.
    pub command: Option<String>,
    /// `powershell` or `sh`.
    pub shell: Option<String>,
    /// Who does it.
    pub who: Option<String>,
    /// The least role that suffices.
    pub role: Option<String>,
    /// How to see that it worked.
    pub verify: Option<String>,
    /// The command replaces what stands there.
    pub overwrites: bool,
}

/// How long a change takes to act, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settles {
    /// As a rule.
    pub usual: String,
    /// At the longest.
    pub max: String,
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Title of the page or document, with its section.
    pub title: String,
    /// Address.
    pub url: String,
}

/// What one check says about one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id, for example `mfa/per-user-mfa-is-off`.
    pub check: String,
    /// The healthy condition.
    pub title: String,
    /// File of a check that is not built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Result.
    pub result: Word,
    /// The profile requires the check.
    pub required: bool,
    /// Root cause, for fail and some warnings.
    pub cause: Option<String>,
    /// What was seen.
    pub message: String,
    /// What breaks for the user.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Why it is unknown or skipped.
    pub reason: Option<Missing>,
    /// Ways to repair, the safest first.
    pub fix: Vec<Fix>,
    /// Waiting time of the repair.
    pub settles: Option<Settles>,
    /// Single changes of what was read that would let it pass, the most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_pass_if: Vec<WouldPassIf>,
    /// Ids of the exchanges it rests on.
    pub evidence: Vec<String>,
    /// The outcome row that was hit, counted from 0.
    #[serde(skip)]
    pub row: Option<usize>,
    /// Facts that the rule read, as paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// Sources of the rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// The waiver that covers it.
    pub waived: Option<String>,
}

impl Finding {
    /// A finding without particulars.
    pub fn new(check: &str, title: &str, result: Word) -> Self {
        Self {
            check: check.to_owned(),
            title: title.to_owned(),
            origin: None,
            result,
            required: false,
            cause: None,
            message: String::new(),
            why: String::new(),
            expected: None,
            actual: None,
            reason: None,
            fix: Vec::new(),
            settles: None,
            would_pass_if: Vec::new(),
            evidence: Vec::new(),
            row: None,
            facts: Vec::new(),
            references: Vec::new(),
            waived: None,
        }
    }
}

/// A root: a failing check, with everything that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstCause {
    /// Cause.
    pub cause: String,
    /// The check that speaks for it.
    pub check: String,
    /// Other failing checks with the same cause.
    pub also: Vec<String>,
    /// Title of the check.
    pub title: String,
    /// What was seen.
    pub message: String,
    /// What breaks for the user.
    pub why: String,
    /// What was expected.
    pub expected: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// Ways to repair.
    pub fix: Vec<Fix>,
    /// Waiting time of the repair.
    pub settles: Option<Settles>,
    /// Single changes of what was read that would let the check pass, the most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub would_pass_if: Vec<WouldPassIf>,
    /// What changed shortly before, the newest first; only for the first of all causes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed_lately: Vec<ChangedLately>,
    /// What Microsoft reports meanwhile, where that may be the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// One paragraph to paste into a ticket; only for the first of all causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Checks that were skipped because of it.
    pub hides: Vec<String>,
}

/// Checks that one permission would settle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CannotDetermine {
    /// Permission or role; `None`: something else is missing (see `reason`).
    pub permission: Option<String>,
    /// Reason code shared by the checks.
    pub reason: String,
    /// In words.
    pub text: String,
    /// The checks.
    pub checks: Vec<String>,
}

/// How many checks came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Counts {
    /// Passed.
    pub pass: usize,
    /// Warned.
    pub warn: usize,
    /// Failed.
    pub fail: usize,
    /// Unknown.
    pub unknown: usize,
    /// Skipped.
    pub skipped: usize,
    /// Not applicable.
    pub not_applicable: usize,
    /// Of all, covered by a waiver.
    pub waived: usize,
}

/// One account's part of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountReport {
    /// Address.
    pub account: String,
    /// Tenant name.
    pub tenant: String,
    /// Profile name.
    pub profile: String,
    /// World, or `unknown`.
    pub world: String,
    /// Protocol, identity and credential in words.
    pub mode: String,
    /// Verdict.
    pub verdict: Verdict,
    /// Counts.
    pub counts: Counts,
    /// First causes, the one to act on first.
    pub first_causes: Vec<FirstCause>,
    /// What could not be determined, grouped by what would lift it.
    pub cannot_determine: Vec<CannotDetermine>,
    /// All findings, ground-up.
    pub findings: Vec<Finding>,
    /// What the test sync did, step by step: the facts of its group; only where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<serde_json::Value>,
    /// The account's own exchanges.
    pub evidence: BTreeMap<String, Exchange>,
    /// Endpoints in use that are not Microsoft's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_endpoints: Vec<String>,
    /// What a signed-in check would add; only for a check from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One tenant's part of the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TenantReport {
    /// Exchanges shared by its accounts.
    pub evidence: BTreeMap<String, Exchange>,
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of this shape.
    pub format: u32,
    /// Program.
    pub tool: Tool,
    /// When collecting started.
    pub started_at: String,
    /// How long collecting took.
    pub duration_ms: u64,
    /// The worst verdict of all accounts.
    pub verdict: Verdict,
    /// Tenants by name.
    pub tenants: BTreeMap<String, TenantReport>,
    /// What was judged by besides the built-in checks and profiles.
    #[serde(skip_serializing_if = "Additions::is_empty")]
    pub additions: Additions,
    /// Accounts in the order asked for.
    pub accounts: Vec<AccountReport>,
}
