//! Expressions and texts of a check, compiled.

use std::collections::BTreeMap;

use super::{Check, CheckError, Outcome, Text};
use crate::engine::expr::{Expr, Names, Problem};
use crate::engine::query::Query;
use crate::engine::template::Template;

/// Expressions and texts of a check, compiled.
#[derive(Debug)]
pub(in crate::engine) struct Rules {
    pub queries: BTreeMap<String, Query>,
    pub applies: Option<Expr>,
    pub rows: Vec<Row>,
}

#[derive(Debug)]
pub(in crate::engine) struct Row {
    pub when: Option<Expr>,
    pub message: Template,
    pub expected: Option<Template>,
    pub actual: Option<Template>,
    pub fixes: Vec<FixRules>,
}

#[derive(Debug)]
pub(in crate::engine) struct FixRules {
    pub when: Option<Expr>,
    pub steps: Vec<Template>,
    pub command: Option<Template>,
    pub verify: Option<Template>,
}

/// Compiles the rules of a check and gathers what is wrong with them.
pub(super) struct Compiler<'a> {
    pub(super) check: &'a Check,
    pub(super) names: &'a Names,
    pub(super) wrong: Vec<CheckError>,
}

impl Compiler<'_> {
    fn keep<T>(&mut self, text: &Text, compiled: Result<T, Problem>) -> Option<T> {
        compiled.map_err(|problem| self.wrong.push(self.check.locate(text.span(), problem))).ok()
    }

    pub(super) fn expr(&mut self, text: Option<&Text>) -> Option<Expr> {
        let text = text?;
        self.keep(text, self.names.compile(text))
    }

    fn template(&mut self, text: &Text) -> Template {
        // An empty one stands in until all that is wrong is told.
        self.keep(text, Template::compile(text, self.names)).unwrap_or_default()
    }

    pub(super) fn row(&mut self, outcome: &Outcome) -> Row {
        let mut fixes = Vec::new();
        for fix in &outcome.fix {
            fixes.push(FixRules {
                when: self.expr(fix.when.as_ref()),
                steps: fix.steps.iter().map(|step| self.template(step)).collect(),
                command: fix.command.as_ref().map(|command| self.template(command)),
                verify: fix.verify.as_ref().map(|verify| self.template(verify)),
            });
        }
        Row {
            when: self.expr(outcome.when.as_ref()),
            message: self.template(&outcome.message),
            expected: outcome.expected.as_ref().map(|text| self.template(text)),
            actual: outcome.actual.as_ref().map(|text| self.template(text)),
            fixes,
        }
    }
}

impl Rules {
    /// A path as rules write it, as it stands in the document.
    pub fn in_the_document(&self, path: String) -> String {
        let Some(rest) = path.strip_prefix("query.") else { return path };
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        match self.queries.get(&rest[..end]) {
            Some(query) => format!("query.{}{}", query.key, &rest[end..]),
            None => path,
        }
    }
}
