//! What a report says beyond its findings: what would let a failing check pass, what changed lately,
//! whether Microsoft reports an outage, and a paragraph for a ticket.
//!
//! Worked out for failing checks alone, and only when somebody is going to read it.

use super::bench::Bench;
use super::check::CheckError;
use super::finding::{AccountReport, Word};
use super::judge::Judge;
use super::lately::{USUAL_WINDOW, changed_lately};
use super::outage::outage;
use super::profile::Profile;
use super::ticket::ticket;
use super::view::View;
use super::would_pass::would_pass_if;
use crate::facts::{Account, Run, Tenant};

impl Judge<'_> {
    /// Adds to the report on an account what its facts say about each failing check.
    ///
    /// # Errors
    ///
    /// When a check does not compile.
    pub fn elaborate(
        &self,
        run: &Run,
        tenant: &Tenant,
        account: &Account,
        report: &mut AccountReport,
    ) -> Result<(), CheckError> {
        let loud = |word| matches!(word, Word::Fail | Word::Warn);
        if !report.findings.iter().any(|finding| loud(finding.result)) {
            return Ok(());
        }
        let view = View::new(run, tenant, account);
        let fallback = Profile::bare();
        let profile = self.profile(account).unwrap_or(&fallback);
        let mut bench =
            Bench { view: &view, profile, context: view.context(profile), selection: self.selection };
        for finding in
            report.findings.iter_mut().filter(|finding| loud(finding.result) && finding.waived.is_none())
        {
            if let (Some(check), Some(row)) = (self.catalogue.check(&finding.check), finding.row) {
                finding.would_pass_if = would_pass_if(&mut bench, check, row, &finding.facts)?;
            }
        }
        for cause in &mut report.first_causes {
            cause.outage = outage(&view, &cause.cause);
            if let Some(finding) = report.findings.iter().find(|finding| finding.check == cause.check) {
                cause.would_pass_if.clone_from(&finding.would_pass_if);
            }
        }
        let window = self.selection.changed_within.unwrap_or(USUAL_WINDOW);
        if let Some(first) = report.first_causes.first_mut() {
            first.changed_lately = changed_lately(&view, window);
        }
        let evidence: Vec<_> = view.sections().map(|section| &section.evidence).collect();
        let ticket = report.first_causes.first().map(|first| ticket(run, &view, report, first, &evidence));
        if let Some(first) = report.first_causes.first_mut() {
            first.ticket = ticket;
        }
        Ok(())
    }
}
