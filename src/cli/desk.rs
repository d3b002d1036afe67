//! The desk: takes the parts of a run one after the other, judges each account as it comes, and hands
//! it on to whatever was asked for. Keeps only what a format needs as a whole.

use std::{ops::ControlFlow, path::Path};

use super::{
    args::{self, Format},
    exit, hint,
    output::{self, Lines, Sink},
    problem::Problem,
    select,
    trouble::Trouble,
};
use crate::{
    collect::Part,
    engine::{AccountReport, Catalogue, Judge, Report, Selection, Verdict},
    facts::{Account, Document, Tenant},
    report::{self, Style},
};

/// Where reports go: line by line, or all of them in the end.
enum Reports {
    Lines(Lines),
    Whole(Sink, Vec<AccountReport>),
}

/// Where facts go: line by line, all of them in the end, or nowhere.
enum Facts {
    Lines(Lines),
    Whole(Sink, Vec<Account>),
    Nowhere,
}

/// The desk of one command.
pub struct Desk<'a> {
    args: &'a args::Check,
    style: Style,
    catalogue: &'a Catalogue,
    selection: &'a Selection,
    judge: Judge<'a>,
    head: Option<Document>,
    reports: Reports,
    facts: Facts,
    verdict: Verdict,
    warned: bool,
    trouble: Option<Trouble>,
}

impl<'a> Desk<'a> {
    /// A desk between the checks and these destinations.
    pub fn new(
        args: &'a args::Check,
        style: Style,
        catalogue: &'a Catalogue,
        selection: &'a Selection,
        (reports, facts): (Sink, Option<Sink>),
    ) -> Result<Self, Problem> {
        let reports = match args.report.format {
            Format::Jsonl => Reports::Lines(reports.lines()?),
            _ => Reports::Whole(reports, Vec::new()),
        };
        let facts = match facts {
            Some(sink) if args.save_facts.as_deref().is_some_and(is_lines) => Facts::Lines(sink.lines()?),
            Some(sink) => Facts::Whole(sink, Vec::new()),
            None => Facts::Nowhere,
        };
        let judge = Judge::new(catalogue, selection);
        let (head, verdict) = (None, Verdict::NothingChecked);
        Ok(Self {
            args,
            style,
            catalogue,
            selection,
            judge,
            head,
            reports,
            facts,
            verdict,
            warned: false,
            trouble: None,
        })
    }

    /// Takes a part; `Break`: no more are wanted.
    pub fn take(&mut self, part: Part) -> ControlFlow<()> {
        let taken = match part {
            Part::Head(head) => self.open(head),
            Part::Account(account) => self.examine(account),
        };
        taken.unwrap_or_else(|trouble| {
            self.trouble = Some(trouble);
            ControlFlow::Break(())
        })
    }

    fn open(&mut self, head: Document) -> Result<ControlFlow<()>, Trouble> {
        let flow = match &mut self.facts {
            Facts::Lines(lines) => lines.put(&output::line(&head)?)?,
            _ => ControlFlow::Continue(()),
        };
        // Several saved runs, one behind the other: accounts belong to the last. Earlier tenants are kept
        // where a document at the end tells of all.
        let whole = matches!(self.reports, Reports::Whole(..)) || matches!(self.facts, Facts::Whole(..));
        let mut tenants = self.head.take().filter(|_| whole).map(|known| known.tenants).unwrap_or_default();
        tenants.extend(head.tenants);
        self.head = Some(Document { tenants, ..head });
        Ok(flow)
    }

    fn examine(&mut self, account: Account) -> Result<ControlFlow<()>, Trouble> {
        known_profile(&account, self.catalogue, self.selection)?;
        let Some(head) = &self.head else { return Ok(ControlFlow::Continue(())) };
        let report = judge(&self.judge, head, &account)?;
        self.verdict = self.verdict.or_worse(report.verdict);
        self.warned |= report.counts.warn > 0;
        let kept = match &mut self.facts {
            Facts::Lines(lines) => lines.put(&output::line(&account)?)?,
            Facts::Whole(_, accounts) => {
                accounts.push(account);
                ControlFlow::Continue(())
            }
            Facts::Nowhere => ControlFlow::Continue(()),
        };
        let told = match &mut self.reports {
            Reports::Lines(lines) => {
                let report = whole(report, head);
                lines.put(&report::jsonl::line(&head.run.started_at, &report))?
            }
            Reports::Whole(_, reports) => {
                reports.push(report);
                ControlFlow::Continue(())
            }
        };
        // A reader of the report that went away ends nothing while facts are still to be saved.
        Ok(if matches!(self.facts, Facts::Nowhere) { told } else { kept })
    }

    /// Writes what is written as a whole, and gives the exit code.
    pub fn finish(self, duration_ms: Option<u64>) -> Result<u8, Trouble> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let mut head = self.head.unwrap_or_else(|| Document::new(String::new()));
        head.run.duration_ms = duration_ms.unwrap_or(head.run.duration_ms);
        match self.facts {
            Facts::Lines(lines) => lines.finish()?,
            Facts::Whole(sink, accounts) => {
                let document = Document { accounts, ..head.clone() };
                sink.write(&output::pretty(&document)?)?;
            }
            Facts::Nowhere => {}
        }
        match self.reports {
            Reports::Lines(lines) => lines.finish()?,
            Reports::Whole(sink, accounts) => {
                let report = self.judge.report(&head, accounts);
                sink.write(&render(&report, self.args.report.format, &self.style))?;
            }
        }
        Ok(exit::of(self.verdict, self.warned, self.args.report.exit_codes))
    }
}

/// Whether a file holds JSON Lines, by its name.
pub fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson")
}

/// The report on one account, with everything that is worked out for a reader.
pub fn judge(judge: &Judge<'_>, head: &Document, account: &Account) -> Result<AccountReport, Trouble> {
    let none = Tenant::default();
    let tenant = head.tenants.get(&account.tenant).unwrap_or(&none);
    let broken = |error| select::broken_check(&error);
    let mut report = judge.account(&head.run, tenant, account).map_err(broken)?;
    judge.elaborate(&head.run, tenant, account, &mut report).map_err(broken)?;
    hint::add(&mut report, account, tenant);
    Ok(report)
}

/// The account's report with the exchanges of its tenant that it rests on, so that it stands alone.
pub fn whole(mut report: AccountReport, head: &Document) -> AccountReport {
    let Some(tenant) = head.tenants.get(&report.tenant) else { return report };
    let sections = std::iter::once(&tenant.section).chain(tenant.apps.values());
    let ids: Vec<&String> = report.findings.iter().flat_map(|finding| &finding.evidence).collect();
    let shared: Vec<_> = sections
        .flat_map(|section| &section.evidence)
        .filter(|(id, _)| ids.contains(id))
        .map(|(id, exchange)| (id.clone(), exchange.clone()))
        .collect();
    report.evidence.extend(shared);
    report
}

/// Refuses an account whose profile is not known here.
pub fn known_profile(account: &Account, catalogue: &Catalogue, selection: &Selection) -> Result<(), Problem> {
    if selection.profile.is_some() || catalogue.profile(&account.profile).is_some() {
        return Ok(());
    }
    let (address, name) = (&account.address, &account.profile);
    let names: Vec<&str> = catalogue.profiles().map(|profile| profile.name.as_str()).collect();
    Err(Problem::new(format!("the facts of {address} name an unknown profile `{name}`"))
        .choices(name, &names, "profiles")
        .help("`--profile NAME` judges them by another one"))
}

fn render(report: &Report, format: Format, style: &Style) -> String {
    match format {
        Format::Json => report::json::render(report),
        // Written line by line; what is left is nothing.
        Format::Jsonl => String::new(),
        Format::Short => report::short::render(report, style),
        Format::Ticket => report::ticket::render(report, style),
        Format::Table => report::table::render(report, style),
    }
}
