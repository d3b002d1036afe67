//! The tree of an expression: its parts, how deep it goes, and what its names stand for.

use std::collections::BTreeMap;

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr};

use crate::engine::functions::ROUNDS;

/// Replaces `let` names by what they stand for.
pub(super) fn inline(
    tree: &IdedExpr,
    lets: &BTreeMap<String, IdedExpr>,
    stack: &mut Vec<String>,
    budget: &mut Budget,
) -> Result<IdedExpr, String> {
    budget.enter()?;
    let inlined = inline_entered(tree, lets, stack, budget);
    budget.levels += 1;
    inlined
}

/// How much an expression may still grow while its names are replaced.
pub(super) struct Budget {
    pub(super) nodes: usize,
    pub(super) levels: usize,
}

impl Budget {
    fn enter(&mut self) -> Result<(), String> {
        let left = self.nodes.checked_sub(1).zip(self.levels.checked_sub(1));
        let left = left.ok_or("the names in it stand for too much, one inside the other")?;
        (self.nodes, self.levels) = left;
        Ok(())
    }
}

fn inline_entered(
    tree: &IdedExpr,
    lets: &BTreeMap<String, IdedExpr>,
    stack: &mut Vec<String>,
    budget: &mut Budget,
) -> Result<IdedExpr, String> {
    if let Ast::Ident(name) = &tree.expr
        && let Some(body) = lets.get(name)
    {
        if stack.contains(name) {
            return Err(format!("\"{name}\" is defined by itself: {}", stack.join(" → ")));
        }
        stack.push(name.clone());
        let body = inline(body, lets, stack, budget)?;
        stack.pop();
        return Ok(body);
    }
    let mut copy = tree.clone();
    for child in children_mut(&mut copy) {
        *child = inline(child, lets, stack, budget)?;
    }
    Ok(copy)
}

/// Makes every loop say how long the list is that it is about to run over.
pub(super) fn count_rounds(tree: &mut IdedExpr) {
    for child in children_mut(tree) {
        count_rounds(child);
    }
    if let Ast::Comprehension(inner) = &mut tree.expr {
        let range = std::mem::take(&mut inner.iter_range);
        inner.iter_range.id = range.id;
        inner.iter_range.expr =
            Ast::Call(CallExpr { func_name: ROUNDS.to_owned(), target: None, args: vec![range] });
    }
}

/// The most that an expression could nest: brackets that are open at the same time, and all signs and
/// conditions, which nest without brackets.
pub(super) fn climbs(source: &str) -> usize {
    let (mut open, mut deepest, mut others) = (0_usize, 0, 0);
    for c in source.chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '!' | '-' | '?' => others += 1,
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest + others
}

/// Whether a tree goes deeper than so many levels.
pub(super) fn is_deeper(tree: &IdedExpr, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else { return true };
    children(tree).into_iter().any(|child| is_deeper(child, left))
}

pub(super) fn children(tree: &IdedExpr) -> Vec<&IdedExpr> {
    use cel::common::ast::EntryExpr;
    match &tree.expr {
        Ast::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Ast::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Ast::List(list) => list.elements.iter().collect(),
        Ast::Select(select) => vec![&*select.operand],
        Ast::Map(map) => map
            .entries
            .iter()
            .filter_map(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => Some([&entry.key, &entry.value]),
                EntryExpr::StructField(_) => None,
            })
            .flatten()
            .collect(),
        Ast::Struct(_) | Ast::Ident(_) | Ast::Literal(_) | Ast::Unspecified => Vec::new(),
    }
}

fn children_mut(tree: &mut IdedExpr) -> Vec<&mut IdedExpr> {
    use cel::common::ast::EntryExpr;
    match &mut tree.expr {
        Ast::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).collect(),
        Ast::Comprehension(inner) => vec![
            &mut inner.iter_range,
            &mut inner.accu_init,
            &mut inner.loop_cond,
            &mut inner.loop_step,
            &mut inner.result,
        ],
        Ast::List(list) => list.elements.iter_mut().collect(),
        Ast::Select(select) => vec![&mut *select.operand],
        Ast::Map(map) => map
            .entries
            .iter_mut()
            .filter_map(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => Some([&mut entry.key, &mut entry.value]),
                EntryExpr::StructField(_) => None,
            })
            .flatten()
            .collect(),
        Ast::Struct(_) | Ast::Ident(_) | Ast::Literal(_) | Ast::Unspecified => Vec::new(),
    }
}
