//! The judge: facts and checks in, findings, first causes and a verdict out.

use std::collections::{BTreeMap, BTreeSet};

use cel::Context;

use super::catalogue::each;
use super::check::{Check, CheckError, Shell};
use super::expr::Truth;
use super::finding::{
    AccountReport, CannotDetermine, Counts, Finding, Fix, Missing, Report, Settles, TenantReport, Verdict,
    Word,
};
use super::profile::{Level, Profile};
use super::select::{Chosen, Selection, Waiver};
use super::template::Quoting;
use super::value::{Trace, to_val};
use super::view::{View, params};
use super::{Catalogue, roots};
use crate::facts::{Account, Document, Reason, Tenant};

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
    let chosen = selection.chosen(catalogue);
    let agenda = Agenda { catalogue, selection, order: in_order(catalogue, &chosen), chosen };
    // A check that does not compile is told when its turn comes, if it comes.
    let _ = each(&agenda.order, Check::compile);
    let mut accounts = Vec::new();
    for account in &document.accounts {
        let tenant = document.tenants.get(&account.tenant).unwrap_or(&none);
        accounts.push(judge_account(document, tenant, account, &agenda)?);
    }
    let worst = |verdict| accounts.iter().any(|account: &AccountReport| account.verdict == verdict);
    let verdict = if accounts.is_empty() || accounts.iter().all(|a| a.verdict == Verdict::NothingChecked) {
        Verdict::NothingChecked
    } else if worst(Verdict::NotReady) {
        Verdict::NotReady
    } else if worst(Verdict::Undetermined) {
        Verdict::Undetermined
    } else {
        Verdict::Ready
    };
    let tenants = document.tenants.iter().map(|(name, tenant)| {
        let apps = tenant.apps.values().flat_map(|app| app.evidence.clone());
        let evidence = tenant.section.evidence.clone().into_iter().chain(apps).collect();
        (name.clone(), TenantReport { evidence })
    });
    Ok(Report {
        format: 1,
        tool: document.run.tool.clone(),
        started_at: document.run.started_at.clone(),
        duration_ms: document.run.duration_ms,
        verdict,
        tenants: tenants.collect(),
        accounts,
    })
}

/// What is judged of every account, worked out once.
struct Agenda<'a> {
    catalogue: &'a Catalogue,
    selection: &'a Selection,
    chosen: Chosen,
    order: Vec<&'a Check>,
}

fn judge_account(
    document: &Document,
    tenant: &Tenant,
    account: &Account,
    agenda: &Agenda<'_>,
) -> Result<AccountReport, CheckError> {
    let Agenda { catalogue, selection, chosen, order } = agenda;
    let view = View::new(document, tenant, account);
    let fallback = Profile::bare();
    let name = selection.profile.as_deref().unwrap_or(&account.profile);
    let profile = catalogue.profile(name).unwrap_or(&fallback);
    let mut bench = Bench { view: &view, profile, context: view.context(profile), selection };
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    for check in order {
        let culprit = blocking(check, &findings, chosen);
        let mut finding = match (culprit, bench.out_of_place(check)?) {
            (_, Some(finding)) => finding,
            (Some(culprit), None) => skipped(check, culprit),
            (None, None) => bench.judge(check)?,
        };
        finding.required = profile.level(check.id()) == Level::Required;
        waive(&mut finding, &account.address, &document.run.started_at, &selection.waivers);
        findings.insert(check.id(), finding);
    }
    let asked = |id: &str| chosen.asked.contains(id);
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
        findings,
    })
}

/// The checks that are judged, parents before children, otherwise ground-up.
fn in_order<'c>(catalogue: &'c Catalogue, chosen: &Chosen) -> Vec<&'c Check> {
    let mut order: Vec<&Check> = Vec::new();
    let mut open: Vec<&Check> =
        catalogue.checks().iter().filter(|c| chosen.judged.contains(c.id())).collect();
    while !open.is_empty() {
        let before = order.len();
        let waiting: Vec<&str> = open.iter().map(|check| check.id()).collect();
        let mut later = Vec::new();
        for check in open {
            let ready = check
                .after()
                .iter()
                .all(|id| !waiting.contains(&&**id) || order.iter().any(|done: &&Check| done.id() == &**id));
            if ready { order.push(check) } else { later.push(check) }
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
    let parents = check.after().iter().filter(|id| chosen.judged.contains(*id));
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

fn skipped(check: &Check, culprit: String) -> Finding {
    let text = format!("waits for {culprit}");
    let reason = Missing {
        code: "skipped".into(),
        text: text.clone(),
        permission: None,
        because: Some(culprit),
        fact: None,
    };
    Finding { reason: Some(reason), ..blank(check, Word::Skipped, text) }
}

fn blank(check: &Check, result: Word, message: String) -> Finding {
    Finding {
        check: check.id().to_owned(),
        title: check.title().to_owned(),
        result,
        required: false,
        cause: None,
        message,
        why: String::new(),
        expected: None,
        actual: None,
        reason: None,
        fix: Vec::new(),
        settles: None,
        evidence: Vec::new(),
        row: None,
        facts: Vec::new(),
        references: Vec::new(),
        waived: None,
    }
}

/// Judges the checks of one account.
struct Bench<'a> {
    view: &'a View<'a>,
    profile: &'a Profile,
    context: Context<'static, 'static>,
    selection: &'a Selection,
}

impl Bench<'_> {
    /// The finding of a check that the profile or the world has no use for. Asked before every judging.
    fn out_of_place(&mut self, check: &Check) -> Result<Option<Finding>, CheckError> {
        if self.profile.level(check.id()) == Level::Unwanted {
            let text = format!("profile {} has no use for it", self.profile.name);
            return Ok(Some(blank(check, Word::NotApplicable, text)));
        }
        let params = params(check, self.profile, &self.selection.params);
        self.context.add_variable_as_val("params", to_val(&params, "params", false));
        let truth = check.rules()?.applies.as_ref().map(|applies| applies.test(&self.context).0);
        let text = "makes no sense in this world or for this way of signing in";
        Ok((truth == Some(Truth::Known(false))).then(|| blank(check, Word::NotApplicable, text.into())))
    }

    fn judge(&mut self, check: &Check) -> Result<Finding, CheckError> {
        let level = self.profile.level(check.id());
        let rules = check.rules()?;
        let mut read = BTreeSet::new();
        if let Some(applies) = &rules.applies {
            let (truth, trace) = applies.test(&self.context);
            read.extend(trace.read);
            match truth {
                // A false one was sorted out before.
                Truth::Known(_) => {}
                Truth::Absent(path) => return Ok(self.unknown(check, &path, read)),
                Truth::Broken(text) => return Ok(broken(check, &text)),
            }
        }
        for (index, row) in rules.rows.iter().enumerate() {
            let (truth, trace) = row.when.as_ref().map_or_else(always, |when| when.test(&self.context));
            read.extend(trace.read);
            match truth {
                Truth::Known(true) => return Ok(self.hit(check, index, level, read)),
                Truth::Known(false) => {}
                Truth::Absent(path) => return Ok(self.unknown(check, &path, read)),
                Truth::Broken(text) => return Ok(broken(check, &text)),
            }
        }
        Ok(broken(check, "no outcome fits"))
    }

    fn hit(&self, check: &Check, index: usize, level: Level, read: BTreeSet<String>) -> Finding {
        let rules = check.rules().expect("compiled by the caller");
        let (row, file) = (&rules.rows[index], &check.file().outcome[index]);
        let result = match *file.result.get_ref() {
            Word::Fail if level == Level::Advised => Word::Warn,
            result => result,
        };
        let message = row.message.prose(&self.context).trim().to_owned();
        let reason = (result == Word::Unknown).then(|| Missing {
            code: "not-decidable".into(),
            text: message.clone(),
            permission: None,
            because: None,
            fact: None,
        });
        let text = |template: &super::template::Template| template.prose(&self.context).trim().to_owned();
        let loud = matches!(result, Word::Fail | Word::Warn);
        Finding {
            cause: file.cause.as_ref().map(ToString::to_string),
            why: if loud { check.why() } else { String::new() },
            expected: row.expected.as_ref().map(text),
            actual: row.actual.as_ref().map(text),
            reason,
            fix: self.fixes(check, index),
            settles: file.settles.clone().map(|[usual, max]| Settles { usual, max }),
            evidence: self.view.evidence(&read),
            row: Some(index),
            facts: read.into_iter().collect(),
            references: if loud { check.file().reference.clone() } else { Vec::new() },
            ..blank(check, result, message)
        }
    }

    /// The fixes that fit; where none is known to fit, all that may.
    fn fixes(&self, check: &Check, index: usize) -> Vec<Fix> {
        let rules = check.rules().expect("compiled by the caller");
        let rows = rules.rows[index].fixes.iter().zip(&check.file().outcome[index].fix);
        let judged: Vec<_> = rows
            .map(|row| {
                let when = row.0.when.as_ref();
                (when.map_or(Truth::Known(true), |when| when.test(&self.context).0), row)
            })
            .collect();
        let sure = judged.iter().any(|(fits, _)| *fits == Truth::Known(true));
        let kept = judged.into_iter().filter(|(fits, _)| match fits {
            Truth::Known(fits) => *fits,
            _ => !sure,
        });
        let fixes = kept.map(|(_, (rules, file))| {
            let quoting = match file.shell {
                Some(Shell::Sh) => Quoting::Sh,
                Some(Shell::Toml) => Quoting::Toml,
                Some(Shell::PowerShell) | None => Quoting::PowerShell,
            };
            let command = rules.command.as_ref().and_then(|command| command.command(&self.context, quoting));
            let shell = file.shell.map(|shell| match shell {
                Shell::PowerShell => "powershell".to_owned(),
                Shell::Sh => "sh".to_owned(),
                Shell::Toml => "toml".to_owned(),
            });
            Fix {
                steps: rules.steps.iter().map(|step| step.prose(&self.context).trim().to_owned()).collect(),
                shell: command.as_ref().and(shell),
                command: command.map(|command| command.trim().to_owned()),
                who: file.who.clone(),
                role: file.role.clone(),
                verify: rules.verify.as_ref().and_then(|verify| verify.command(&self.context, Quoting::Sh)),
                overwrites: file.overwrites,
            }
        });
        fixes.collect()
    }

    fn unknown(&self, check: &Check, path: &str, read: BTreeSet<String>) -> Finding {
        let absence = self.view.absence(path);
        let text = absence.text.clone().unwrap_or_else(|| in_words(absence.reason).to_owned());
        let mut about = read;
        about.insert(path.to_owned());
        let reason = Missing {
            code: absence.reason.as_str().to_owned(),
            text: text.clone(),
            permission: absence.permission,
            because: None,
            fact: Some(path.to_owned()),
        };
        Finding {
            reason: Some(reason),
            evidence: self.view.evidence(&about),
            facts: about.into_iter().collect(),
            ..blank(check, Word::Unknown, text)
        }
    }
}

fn always() -> (Truth, Trace) {
    (Truth::Known(true), Trace::default())
}

fn broken(check: &Check, text: &str) -> Finding {
    let text = format!("the rule could not be applied to what was read: {text}");
    let reason =
        Missing { code: "error".into(), text: text.clone(), permission: None, because: None, fact: None };
    Finding { reason: Some(reason), ..blank(check, Word::Unknown, text) }
}

fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Denied => "the service refused to show it",
        Reason::NotAsked => "nobody asked for it in this run",
        Reason::Throttled => "the service limits its calls and went on refusing",
        Reason::TimedOut => "no answer came in time",
        Reason::Unlicensed => "the tenant has no license for this information",
        Reason::Unreadable => "the answer could not be read",
        Reason::Unreachable => "the server could not be reached",
        Reason::UnsupportedHere => "this world or this version has no way to read it",
    }
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
