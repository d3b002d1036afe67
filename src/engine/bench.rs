//! The bench: one account's facts as variables, and one check after the other judged on them.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use cel::Context;

use super::check::{Check, CheckError, Rules, Shell};
use super::expr::Truth;
use super::finding::{Finding, Fix, Missing, Settles, Word};
use super::profile::{Level, Profile};
use super::select::Selection;
use super::template::Quoting;
use super::value::{Trace, to_val};
use super::view::{View, params};
use crate::facts::Reason;

const OUT_OF_PLACE: &str = "makes no sense in this world or for this way of signing in";

pub(super) fn skipped(check: &Check, culprit: String) -> Finding {
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
    let origin = check.origin().cloned();
    Finding { origin, message, ..Finding::new(check.id(), check.title(), result) }
}

/// Judges the checks of one account.
pub(super) struct Bench<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) profile: &'a Profile,
    pub(super) context: Context<'static, 'static>,
    pub(super) selection: &'a Selection,
}

/// What the rules of a check come to.
pub(super) enum Ruling {
    /// The row that is hit.
    Row(usize),
    /// The check does not apply.
    OutOfPlace,
    /// A fact is missing.
    Absent(String),
    /// A rule broke.
    Broken(String),
}

impl Ruling {
    fn of(truth: Truth, hit: Self) -> Option<Self> {
        match truth {
            Truth::Known(false) => None,
            Truth::Known(true) => Some(hit),
            Truth::Absent(path) => Some(Self::Absent(path)),
            Truth::Broken(text) => Some(Self::Broken(text)),
        }
    }
}

/// What the rule came to that says whether a check applies, where there is one.
pub(super) type Applied = Option<(Truth, Trace)>;

fn apply(rules: &Rules, context: &Context<'_, '_>) -> Applied {
    rules.applies.as_ref().map(|applies| applies.test(context))
}

/// Goes through the rows until one decides, and notes what was read on the way.
pub(super) fn rule(rules: &Rules, context: &Context<'_, '_>) -> (Ruling, BTreeSet<String>) {
    decide(rules, apply(rules, context), context)
}

fn decide(rules: &Rules, applied: Applied, context: &Context<'_, '_>) -> (Ruling, BTreeSet<String>) {
    let mut read = BTreeSet::new();
    if let Some((truth, trace)) = applied {
        read.extend(trace.read);
        match truth {
            Truth::Known(true) => {}
            Truth::Known(false) => return (Ruling::OutOfPlace, read),
            other => {
                let ruling = Ruling::of(other, Ruling::OutOfPlace).unwrap_or(Ruling::OutOfPlace);
                return (ruling, read);
            }
        }
    }
    for (index, row) in rules.rows.iter().enumerate() {
        let (truth, trace) = row.when.as_ref().map_or_else(always, |when| when.test(context));
        read.extend(trace.read);
        if let Some(ruling) = Ruling::of(truth, Ruling::Row(index)) {
            return (ruling, read);
        }
    }
    (Ruling::Broken("no outcome fits".to_owned()), read)
}

impl Bench<'_> {
    /// The finding of a check that the profile or the world has no use for, or else what judging it
    /// goes on from. Asked before every judging.
    pub(super) fn place(&mut self, check: &Check) -> Result<ControlFlow<Finding, Applied>, CheckError> {
        if self.profile.level(check.id()) == Level::Unwanted {
            let text = format!("profile {} has no use for it", self.profile.name);
            return Ok(ControlFlow::Break(blank(check, Word::NotApplicable, text)));
        }
        let params = params(check, self.profile, self.selection);
        self.context.add_variable_as_val("params", to_val(&params, "params", false));
        let rules = check.rules()?;
        if !rules.queries.is_empty() {
            self.context.add_variable_as_val("query", self.view.queries(&rules.queries));
        }
        Ok(match apply(rules, &self.context) {
            Some((Truth::Known(false), _)) => {
                ControlFlow::Break(blank(check, Word::NotApplicable, OUT_OF_PLACE.into()))
            }
            applied => ControlFlow::Continue(applied),
        })
    }

    pub(super) fn judge(&self, check: &Check, applied: Applied) -> Result<Finding, CheckError> {
        let (ruling, read) = decide(check.rules()?, applied, &self.context);
        Ok(match ruling {
            Ruling::Row(index) => self.hit(check, index, self.profile.level(check.id()), read),
            Ruling::OutOfPlace => blank(check, Word::NotApplicable, OUT_OF_PLACE.into()),
            Ruling::Absent(path) => self.unknown(check, &path, read),
            Ruling::Broken(text) => broken(check, &text),
        })
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
            let quoting = file.shell.map_or(Quoting::PowerShell, Shell::quoting);
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
