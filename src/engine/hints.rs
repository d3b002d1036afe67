//! What the rules of a check compare each fact with: the values that would make a difference.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::check::Rules;
use super::expr::{Comparison, Expr, Side};

/// What one fact is compared with.
#[derive(Debug, Default)]
pub(super) struct Hint {
    /// Literals, in the order in which they stand.
    pub literals: Vec<Value>,
    /// Paths of other facts, of parameters or of the profile.
    pub partners: BTreeSet<String>,
    /// By order, not only by equality.
    pub ordered: bool,
}

/// Fact path, `[]` for list elements → what it is compared with.
#[derive(Debug, Default)]
pub(super) struct Hints(BTreeMap<String, Hint>);

impl Hints {
    /// Gathers them from all rules of a check.
    pub fn of(rules: &Rules) -> Self {
        let mut hints = Self::default();
        let whens = rules.rows.iter().filter_map(|row| row.when.as_ref());
        for comparison in rules.applies.iter().chain(whens).flat_map(Expr::comparisons) {
            hints.add(&comparison);
        }
        hints
    }

    fn add(&mut self, comparison: &Comparison) {
        let [left, right] = &comparison.sides;
        self.join(left, right, comparison.ordered);
        self.join(right, left, comparison.ordered);
    }

    fn join(&mut self, side: &Side, other: &Side, ordered: bool) {
        for path in &side.paths {
            let hint = self.0.entry(path.clone()).or_default();
            hint.ordered |= ordered;
            // A bound may stand on either side of its fact: `now - seen > limit`.
            let near = if ordered { side.literals.as_slice() } else { &[] };
            for literal in other.literals.iter().chain(near) {
                if !hint.literals.contains(literal) {
                    hint.literals.push(literal.clone());
                }
            }
            let near = ordered.then_some(&side.paths).into_iter().flatten();
            hint.partners.extend(other.paths.iter().chain(near).filter(|partner| *partner != path).cloned());
        }
    }

    /// What a fact is compared with.
    pub fn get(&self, path: &str) -> Option<&Hint> {
        self.0.get(path)
    }
}
