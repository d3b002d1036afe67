//! The judge: facts and checks in, findings, first causes and a verdict out.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use super::bench::{Bench, skipped};
use super::catalogue::each;
use super::check::{Check, CheckError};
use super::finding::{AccountReport, CannotDetermine, Counts, Finding, Report, TenantReport, Verdict, Word};
use super::own::Additions;
use super::profile::{Level, Profile};
use super::select::{Chosen, Selection, Waiver};
use super::view::View;
use super::{Catalogue, roots};
use crate::facts::{Account, Document, Run, Tenant};

/// Judges every account of a document.
///
/// # Errors
///
/// When a check does not compile, or the profile is not in the catalogue.
pub fn judge(
    document: &Document,
    catalogue: &Catalogue,
    selection: &Selection,
) -> Result<Report, CheckError> {
    let none = Tenant::default();
    let judge = Judge::new(catalogue, selection);
    let mut accounts = Vec::new();
    for account in &document.accounts {
        let tenant = document.tenants.get(&account.tenant).unwrap_or(&none);
        accounts.push(judge.account(&document.run, tenant, account)?);
    }
    Ok(judge.report(document, accounts))
}

/// What is other than built in, parameters of the configuration included.
pub fn additions(catalogue: &Catalogue, selection: &Selection) -> Additions {
    let mut additions = catalogue.additions().clone();
    let params = selection.check_params.iter();
    additions.params =
        params.flat_map(|(id, values)| values.keys().map(move |name| format!("{id}.{name}"))).collect();
    additions
}

/// Judges one account after the other; what is the same for all of them is worked out once.
pub struct Judge<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) selection: &'a Selection,
    chosen: Chosen,
    order: Vec<&'a Check>,
}

impl<'a> Judge<'a> {
    /// For the checks of a selection.
    pub fn new(catalogue: &'a Catalogue, selection: &'a Selection) -> Self {
        let chosen = selection.chosen(catalogue);
        let order = in_order(catalogue, &chosen);
        // A check that does not compile is told when its turn comes, if it comes.
        let _ = each(&order, Check::compile);
        Self { catalogue, selection, chosen, order }
    }

    /// The report on one account.
    ///
    /// # Errors
    ///
    /// When a check does not compile.
    pub fn account(
        &self,
        run: &Run,
        tenant: &Tenant,
        account: &Account,
    ) -> Result<AccountReport, CheckError> {
        judge_account(run, tenant, account, self)
    }

    /// The report of a run on these accounts; of the document, only its run and tenants count.
    pub fn report(&self, document: &Document, accounts: Vec<AccountReport>) -> Report {
        Report {
            format: 1,
            tool: document.run.tool.clone(),
            started_at: document.run.started_at.clone(),
            duration_ms: document.run.duration_ms,
            verdict: Verdict::of_all(accounts.iter().map(|account| account.verdict)),
            tenants: document.tenants.iter().map(|(name, tenant)| (name.clone(), tenant.into())).collect(),
            additions: additions(self.catalogue, self.selection),
            accounts,
        }
    }

    /// The profile that an account is judged by.
    pub(super) fn profile(&self, account: &Account) -> Option<&'a Profile> {
        self.catalogue.profile(self.selection.profile.as_deref().unwrap_or(&account.profile))
    }
}

impl From<&Tenant> for TenantReport {
    fn from(tenant: &Tenant) -> Self {
        let apps = tenant.apps.values().flat_map(|app| app.evidence.clone());
        Self { evidence: tenant.section.evidence.clone().into_iter().chain(apps).collect() }
    }
}

fn judge_account(
    run: &Run,
    tenant: &Tenant,
    account: &Account,
    judge: &Judge<'_>,
) -> Result<AccountReport, CheckError> {
    let Judge { catalogue, selection, chosen, order } = judge;
    let view = View::new(run, tenant, account);
    let fallback = Profile::bare();
    let profile = judge.profile(account).unwrap_or(&fallback);
    let mut bench = Bench { view: &view, profile, context: view.context(profile), selection };
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    let awake = |check: &&&Check| chosen.dormant.get(check.id()).is_none_or(|group| view.holds(group));
    for check in order.iter().filter(awake) {
        let mut finding = match bench.place(check)? {
            ControlFlow::Break(finding) => finding,
            ControlFlow::Continue(applied) => match blocking(check, &findings, chosen) {
                Some(culprit) => skipped(check, culprit),
                None => bench.judge(check, applied)?,
            },
        };
        finding.required = profile.level(check.id()) == Level::Required;
        waive(&mut finding, &account.address, &run.started_at, &selection.waivers);
        findings.insert(check.id(), finding);
    }
    let asked = |id: &str| chosen.asked.contains(id) || chosen.dormant.contains_key(id);
    let shown = |finding: &Finding| asked(&finding.check) || finding.result == Word::Fail;
    let findings: Vec<Finding> =
        catalogue.checks().iter().filter_map(|c| findings.remove(c.id())).filter(shown).collect();
    let first_causes = roots::first_causes(catalogue, &findings);
    let verdict = verdict(&findings, selection.strict);
    Ok(AccountReport {
        account: account.address.clone(),
        tenant: account.tenant.clone(),
        profile: profile.name.clone(),
        world: view.text("world.kind").unwrap_or("unknown").to_owned(),
        mode: mode(&view),
        verdict,
        counts: count(&findings),
        first_causes,
        cannot_determine: cannot_determine(&findings),
        evidence: account.section.evidence.clone(),
        custom_endpoints: view.texts("endpoints.custom"),
        hint: None,
        sync: view.group("sync").filter(|sync| sync.get("steps").is_some()).cloned(),
        findings,
    })
}

/// The checks that are judged, parents before children, otherwise ground-up.
fn in_order<'c>(catalogue: &'c Catalogue, chosen: &Chosen) -> Vec<&'c Check> {
    let (mut order, mut done): (Vec<&Check>, HashSet<&str>) = Default::default();
    let mut open: Vec<&Check> = catalogue.checks().iter().filter(|c| chosen.may_judge(c.id())).collect();
    while !open.is_empty() {
        let before = order.len();
        let waiting: HashSet<&str> = open.iter().map(|check| check.id()).collect();
        let mut later = Vec::new();
        for check in open {
            let ready = check.after().iter().all(|id| !waiting.contains(&**id) || done.contains(&**id));
            if ready {
                done.insert(check.id());
                order.push(check);
            } else {
                later.push(check);
            }
        }
        if order.len() == before {
            order.append(&mut later);
        }
        open = later;
    }
    order
}

/// The failed check that keeps this one from being judged.
fn blocking(check: &Check, done: &BTreeMap<&str, Finding>, chosen: &Chosen) -> Option<String> {
    let parents = check.after().iter().filter(|id| chosen.may_judge(id));
    let mut culprits = parents.filter_map(|id| {
        let parent = done.get(&**id)?;
        match parent.result {
            Word::Fail if parent.waived.is_none() => Some(parent.check.clone()),
            Word::Skipped => parent.reason.as_ref()?.because.clone(),
            _ => None,
        }
    });
    culprits.next()
}

fn waive(finding: &mut Finding, account: &str, now: &str, waivers: &[Waiver]) {
    let fits = |waiver: &&Waiver| {
        waiver.check == finding.check
            && waiver.account.as_deref().is_none_or(|only| only.eq_ignore_ascii_case(account))
            && waiver.until.as_deref().is_none_or(|until| now.get(..10).unwrap_or(now) <= until)
    };
    if matches!(finding.result, Word::Fail | Word::Warn) {
        finding.waived = waivers.iter().find(fits).map(|waiver| waiver.reason.clone());
    }
}

fn count(findings: &[Finding]) -> Counts {
    let mut counts = Counts::default();
    for finding in findings {
        let place = match finding.result {
            Word::Pass => &mut counts.pass,
            Word::Warn => &mut counts.warn,
            Word::Fail => &mut counts.fail,
            Word::Unknown => &mut counts.unknown,
            Word::Skipped => &mut counts.skipped,
            Word::NotApplicable => &mut counts.not_applicable,
        };
        *place += 1;
        counts.waived += usize::from(finding.waived.is_some());
    }
    counts
}

fn verdict(findings: &[Finding], strict: bool) -> Verdict {
    let open = || findings.iter().filter(|finding| finding.waived.is_none());
    let failed = |finding: &&Finding| finding.result == Word::Fail;
    if findings.iter().all(|finding| finding.result == Word::NotApplicable) {
        Verdict::NothingChecked
    } else if open().filter(failed).any(|finding| finding.cause.as_deref() == Some("no-network")) {
        Verdict::Undetermined
    } else if open().any(|finding| finding.result == Word::Fail || strict && finding.result == Word::Warn) {
        Verdict::NotReady
    } else if open().any(|finding| finding.result == Word::Unknown && (finding.required || strict)) {
        Verdict::Undetermined
    } else {
        Verdict::Ready
    }
}

fn cannot_determine(findings: &[Finding]) -> Vec<CannotDetermine> {
    let mut groups: Vec<CannotDetermine> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.result == Word::Unknown) {
        let Some(reason) = &finding.reason else { continue };
        let same = |group: &&mut CannotDetermine| {
            group.permission == reason.permission
                && group.reason == reason.code
                && (reason.permission.is_some() || group.text == reason.text)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.checks.push(finding.check.clone()),
            None => groups.push(CannotDetermine {
                permission: reason.permission.clone(),
                reason: reason.code.clone(),
                text: reason.text.clone(),
                checks: vec![finding.check.clone()],
            }),
        }
    }
    groups
}

/// Protocol, identity and credential in words, for the header.
fn mode(view: &View<'_>) -> String {
    let protocol = match view.text("world.protocol") {
        Some("ews") => "EWS",
        Some("graph") => "Graph",
        _ => return "from outside, without signing in".to_owned(),
    };
    let credential = match view.text("subject.kind") {
        Some("client-secret") => "secret",
        Some("client-certificate") => "certificate",
        Some("password") => "password",
        Some("refresh-token") => "refresh token",
        _ if view.flag("reader.configured") => {
            return format!("{protocol}, without the product's credential");
        }
        _ => return format!("{protocol}, from outside, without signing in"),
    };
    let identity = match view.text("world.sign_in") {
        Some("app") => "application identity",
        _ => "signed-in account",
    };
    format!("{protocol}, {identity}, {credential}")
}
