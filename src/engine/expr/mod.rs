//! Expressions: compiled, linted against the fact catalogue, and walked for the facts they need.
//!
//! The rule language itself checks only syntax; everything that a misspelling could break silently
//! (functions, variables, facts) is refused here, with its place in the text.

mod names;
mod tree;
mod walk;

use std::collections::BTreeSet;

use cel::common::ast::{Expr as Ast, IdedExpr, LiteralValue, operators};
use cel::common::value::CowVal;
use cel::{Context, ExecutionError, Value};

use super::functions::as_bool;
use super::value::{Trace, traced};
pub use names::Names;
pub use walk::{Comparison, Side};

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Byte offset in the expression's source.
    pub at: usize,
    /// Length in bytes, at least 1.
    pub len: usize,
    /// What is wrong.
    pub message: String,
    /// Valid choices, or another way out.
    pub help: Option<String>,
}

/// More names than this are no help.
const MANY: usize = 50;

/// Names that are shown where there are many.
const NEAR: usize = 8;

/// Offers the nearest name, then all of them; of very many, the nearest.
pub fn suggest<'a>(wrong: &str, choices: impl Iterator<Item = &'a str>) -> String {
    let choices: Vec<&str> = choices.collect();
    let likeness = |name: &str| strsim::jaro_winkler(wrong, name);
    let nearest = choices.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    if choices.len() > MANY {
        let mut near = choices.clone();
        near.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)));
        near.truncate(NEAR);
        return format!("nearest of {} valid names: {}", choices.len(), near.join(", "));
    }
    match nearest {
        Some(name) if strsim::jaro_winkler(wrong, name) > 0.8 => {
            format!("did you mean \"{name}\"? valid here: {}", choices.join(", "))
        }
        Some(_) => format!("valid here: {}", choices.join(", ")),
        None => "nothing is valid here".to_owned(),
    }
}

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Expr {
    tree: IdedExpr,
    reads: BTreeSet<String>,
}

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// A definite answer.
    Known(bool),
    /// A fact was missing; its path.
    Absent(String),
    /// The rule broke: type mismatch, index beyond the end, not a boolean …
    Broken(String),
}

impl Expr {
    /// Paths that the expression may read, `[]` for list elements.
    pub fn reads(&self) -> &BTreeSet<String> {
        &self.reads
    }

    /// Everything that the expression compares, at any depth.
    pub fn comparisons(&self) -> Vec<Comparison> {
        walk::comparisons(&self.tree)
    }

    /// Whether this is a text that may be empty: `rule ? text : ""`.
    pub fn is_optional_text(&self) -> bool {
        let Ast::Call(call) = &self.tree.expr else { return false };
        let otherwise = call.args.last().map(|last| &last.expr);
        call.func_name == operators::CONDITIONAL
            && matches!(otherwise, Some(Ast::Literal(LiteralValue::String(text))) if text.inner().is_empty())
    }

    /// Evaluates a rule. Whatever it returned, a missing fact that it read makes it unknown.
    pub fn test(&self, context: &Context<'_, '_>) -> (Truth, Trace) {
        let (result, trace) = traced(|| {
            let value = Value::resolve_val(&self.tree, context).map_err(|error| error.to_string())?;
            as_bool(value.as_ref()).ok_or_else(|| "the rule gives no true or false".to_owned())
        });
        let truth = match (trace.absent.first(), result) {
            (Some(path), _) => Truth::Absent(path.clone()),
            (None, Ok(value)) => Truth::Known(value),
            (None, Err(message)) => Truth::Broken(message),
        };
        (truth, trace)
    }

    /// Evaluates an expression of any kind.
    pub fn value<'a, 'v>(
        &'a self,
        context: &'a Context<'a, 'v>,
    ) -> (Result<CowVal<'a, 'v>, ExecutionError>, Trace) {
        traced(|| Value::resolve_val(&self.tree, context))
    }
}
