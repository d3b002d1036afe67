//! A walk over an expression: which names it uses, what it reads, and what it compares.

use std::collections::BTreeMap;

use cel::common::ast::{Expr as Ast, IdedExpr, LiteralValue, operators};

use super::tree::children;
use crate::engine::functions::ROUNDS;

/// Two sides that a rule compares.
#[derive(Debug)]
pub struct Comparison {
    /// By order, not only by equality.
    pub ordered: bool,
    /// Both sides.
    pub sides: [Side; 2],
}

/// What stands on one side of a comparison.
#[derive(Debug, Default)]
pub struct Side {
    /// Paths that it reads.
    pub paths: Vec<String>,
    /// Literals in it.
    pub literals: Vec<serde_json::Value>,
}

/// `Some(ordered)` for a function that compares its two arguments.
fn compares(function: &str) -> Option<bool> {
    match function {
        operators::EQUALS | operators::NOT_EQUALS | operators::IN => Some(false),
        operators::LESS | operators::LESS_EQUALS | operators::GREATER | operators::GREATER_EQUALS => {
            Some(true)
        }
        _ => None,
    }
}

fn literals(tree: &IdedExpr, found: &mut Vec<serde_json::Value>) {
    match &tree.expr {
        Ast::Literal(LiteralValue::String(text)) => found.push(text.inner().into()),
        Ast::Literal(LiteralValue::Int(number)) => found.push((*number.inner()).into()),
        Ast::Literal(LiteralValue::Boolean(value)) => found.push((*value.inner()).into()),
        Ast::Literal(LiteralValue::Null) => found.push(serde_json::Value::Null),
        // A part of a text is no text to compare with.
        Ast::Call(call) if is_access(&call.func_name) || call.target.is_some() => {}
        Ast::Call(call) if call.func_name == operators::ADD => {
            let whole =
                call.args.iter().filter(|part| !matches!(part.expr, Ast::Literal(LiteralValue::String(_))));
            whole.for_each(|part| literals(part, found));
        }
        Ast::Call(call) => call.args.iter().for_each(|part| literals(part, found)),
        Ast::List(list) => list.elements.iter().for_each(|part| literals(part, found)),
        _ => {}
    }
}

/// One use of a name in an expression, with the id of its node.
pub(super) enum Use {
    Bound(u64, String),
    Call(u64, String),
    Path(u64, String),
}

/// The names that an expression uses.
pub(super) fn uses(tree: &IdedExpr, lets: &BTreeMap<String, IdedExpr>) -> Vec<Use> {
    let mut walk = Walk::new(lets);
    walk.visit(tree);
    walk.found
}

/// What an expression without `let` names compares.
pub(super) fn comparisons(tree: &IdedExpr) -> Vec<Comparison> {
    let lets = BTreeMap::new();
    let mut walk = Walk::new(&lets);
    walk.visit(tree);
    walk.compared
}

struct Walk<'a> {
    /// Loop variables in force and the path of what they run over.
    scope: Vec<(String, Option<String>)>,
    lets: &'a BTreeMap<String, IdedExpr>,
    found: Vec<Use>,
    compared: Vec<Comparison>,
}

impl<'a> Walk<'a> {
    fn new(lets: &'a BTreeMap<String, IdedExpr>) -> Self {
        Self { scope: Vec::new(), lets, found: Vec::new(), compared: Vec::new() }
    }

    fn visit(&mut self, tree: &IdedExpr) {
        match &tree.expr {
            Ast::Ident(_) | Ast::Select(_) => self.visit_path(tree),
            Ast::Call(call) if is_access(&call.func_name) => self.visit_path(tree),
            Ast::Call(call) => {
                self.found.push(Use::Call(tree.id, call.func_name.clone()));
                if let (Some(ordered), [left, right]) = (compares(&call.func_name), call.args.as_slice()) {
                    let sides = [self.side(left), self.side(right)];
                    self.compared.push(Comparison { ordered, sides });
                }
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    self.visit(part);
                }
            }
            Ast::Comprehension(inner) => {
                self.visit(&inner.iter_range);
                if !inner.iter_var.starts_with('@') {
                    self.found.push(Use::Bound(tree.id, inner.iter_var.clone()));
                }
                let element = self.path(&inner.iter_range).map(|path| format!("{path}[]"));
                self.scope.push((inner.iter_var.clone(), element));
                self.scope.push((inner.accu_var.clone(), None));
                for part in [&inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result] {
                    self.visit(part);
                }
                self.scope.truncate(self.scope.len() - 2);
            }
            _ => children(tree).into_iter().for_each(|part| self.visit(part)),
        }
    }

    fn side(&self, tree: &IdedExpr) -> Side {
        let mut side = Side::default();
        self.paths_of_value(tree, &mut side.paths);
        literals(tree, &mut side.literals);
        side
    }

    /// The paths whose values a value is made of: not those that were only counted or searched.
    fn paths_of_value(&self, tree: &IdedExpr, found: &mut Vec<String>) {
        let either = matches!(&tree.expr, Ast::Call(call) if call.func_name == operators::CONDITIONAL);
        if let Some(path) = self.path(tree).filter(|_| !either) {
            return found.push(path);
        }
        match &tree.expr {
            Ast::Call(call) if call.func_name != "size" => {
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                parts.for_each(|part| self.paths_of_value(part, found));
            }
            Ast::List(list) => list.elements.iter().for_each(|part| self.paths_of_value(part, found)),
            _ => {}
        }
    }

    fn visit_path(&mut self, tree: &IdedExpr) {
        if let Some(path) = self.path(tree) {
            self.found.push(Use::Path(tree.id, path));
        }
        self.descend(tree);
    }

    /// Visits what hangs on a path (indices, calls at its root), not the path's own prefixes.
    fn descend(&mut self, tree: &IdedExpr) {
        match &tree.expr {
            Ast::Select(select) => self.descend(&select.operand),
            Ast::Call(call) if is_access(&call.func_name) && call.args.len() == 2 => {
                if !matches!(call.args[1].expr, Ast::Literal(_)) {
                    self.visit(&call.args[1]);
                }
                self.descend(&call.args[0]);
            }
            Ast::Ident(_) => {}
            _ => self.visit(tree),
        }
    }

    fn path(&self, tree: &IdedExpr) -> Option<String> {
        match &tree.expr {
            Ast::Ident(name) => self.root(name),
            Ast::Select(select) => Some(format!("{}.{}", self.path(&select.operand)?, select.field)),
            Ast::Call(call) => match (call.func_name.as_str(), call.args.as_slice(), &call.target) {
                (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [of, at], _) => {
                    let of = self.path(of)?;
                    match &at.expr {
                        Ast::Literal(LiteralValue::String(field)) => Some(format!("{of}.{}", field.inner())),
                        _ => Some(format!("{of}[]")),
                    }
                }
                ("orValue" | "or" | "value", _, Some(target)) => self.path(target),
                ("sort" | "distinct" | ROUNDS, [list], None) => self.path(list),
                (operators::CONDITIONAL, [_, yes, no], None) => self.path(yes).or_else(|| self.path(no)),
                _ => None,
            },
            // `filter` hands on the elements of its list: they keep their path.
            Ast::Comprehension(inner) => {
                let kept = appended(&inner.loop_step)?;
                let same = matches!(&kept.expr, Ast::Ident(name) if *name == inner.iter_var);
                same.then(|| self.path(&inner.iter_range)).flatten()
            }
            _ => None,
        }
    }

    fn root(&self, name: &str) -> Option<String> {
        if let Some((_, path)) = self.scope.iter().rev().find(|(variable, _)| variable == name) {
            return path.clone();
        }
        match self.lets.get(name) {
            Some(body) => Walk::new(self.lets).path(body),
            None => Some(name.to_owned()),
        }
    }
}

fn is_access(function: &str) -> bool {
    [operators::INDEX, operators::OPT_INDEX, operators::OPT_SELECT].contains(&function)
}

/// The element that a `filter` or `map` appends in each round.
fn appended(step: &IdedExpr) -> Option<&IdedExpr> {
    let Ast::Call(call) = &step.expr else { return None };
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::CONDITIONAL, [_, yes, _]) => appended(yes),
        (operators::ADD, [_, added]) => match &added.expr {
            Ast::List(list) => list.elements.first(),
            _ => None,
        },
        _ => None,
    }
}
