//! Expressions: compiled, linted against the fact catalogue, and walked for the facts they need.
//!
//! The rule language itself checks only syntax; everything that a misspelling could break silently
//! (functions, variables, facts) is refused here, with its place in the text.

use std::collections::{BTreeMap, BTreeSet};

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr, LiteralValue, operators};
use cel::common::value::CowVal;
use cel::{Context, ExecutionError, Program, Value};

use super::functions::{ENV, NAMES, ROUNDS, as_bool};
use super::value::{Trace, traced};
use crate::facts::{Shape, catalogue};

/// Longest expression of a user's check, in bytes.
const LONGEST: usize = 8 << 10;

/// Most nodes of one, with everything that its names stand for.
const NODES: usize = 20_000;

/// Deepest nesting of one.
const DEEPEST: usize = 200;

/// Most brackets, signs and conditions of one that may be open at the same time.
const BRACKETS: usize = 100;

/// Fields of the `profile` variable.
const PROFILE: &[&str] = &[
    "app_id",
    "features",
    "name",
    "permissions.application",
    "permissions.application[].permission",
    "permissions.application[].resource",
    "permissions.delegated",
    "permissions.delegated[].permission",
    "permissions.delegated[].resource",
    "permissions.optional",
    "permissions.optional[].permission",
    "permissions.optional[].resource",
    "protocol",
    "scope",
    "sign_in",
    "title",
    "user_agent",
    "worlds",
];

/// Variables that are not fact groups.
const VARIABLES: &[&str] = &["params", "profile", "run"];

/// Variables below which a check's file or the configuration declares what there is.
const DECLARED: &[&str] = &["external", "query"];

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

/// The names that belong to one check.
#[derive(Debug, Clone, Default)]
pub struct Names {
    params: BTreeSet<String>,
    lets: BTreeMap<String, IdedExpr>,
    /// `query.NAME` and `external.NAME` with what is declared below them.
    shapes: BTreeMap<String, Shape>,
    bounded: bool,
}

impl Names {
    /// With the check's parameters, and no `let` yet.
    pub fn new(params: impl IntoIterator<Item = String>) -> Self {
        Self { params: params.into_iter().collect(), ..Self::default() }
    }

    /// With the answers of the check's own queries and the facts of external collectors.
    #[must_use]
    pub fn with_shapes<'a>(
        mut self,
        queries: impl IntoIterator<Item = (String, &'a Shape)>,
        externals: &BTreeMap<String, Shape>,
    ) -> Self {
        let queries = queries.into_iter().map(|(name, shape)| (format!("query.{name}"), shape.clone()));
        self.shapes.extend(queries);
        self.shapes.extend(externals.iter().map(|(name, shape)| (format!("external.{name}"), shape.clone())));
        self
    }

    /// Whether the expressions come from a user: then they are held to sizes, and their loops to a number
    /// of rounds. Ours are proven by tests.
    #[must_use]
    pub fn bounded(mut self, bounded: bool) -> Self {
        self.bounded = bounded;
        self
    }

    /// Adds the `let` names. Each may use the others, but not itself.
    pub fn add_lets<'a>(
        &mut self,
        sources: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), (String, Problem)> {
        let sources: BTreeMap<&str, &str> = sources.into_iter().collect();
        let mut programs = Vec::new();
        for (name, source) in &sources {
            let program = self.parse(source).map_err(|problem| ((*name).to_owned(), problem))?;
            programs.push((*name, *source, program));
        }
        let raw =
            programs.iter().map(|(name, _, program)| ((*name).to_owned(), program.expression().clone()));
        let raw: BTreeMap<String, IdedExpr> = raw.collect();
        for (name, source) in &sources {
            let mut budget = self.budget();
            let tree = inline(&raw[*name], &raw, &mut vec![(*name).to_owned()], &mut budget);
            let tree = tree.map_err(|message| {
                let problem = Problem { at: 0, len: source.len().max(1), message, help: None };
                ((*name).to_owned(), problem)
            })?;
            self.lets.insert((*name).to_owned(), tree);
        }
        for (name, source, program) in &programs {
            self.lint(source, program).map_err(|problem| ((*name).to_owned(), problem))?;
        }
        Ok(())
    }

    /// Compiles an expression and refuses unknown names in it.
    pub fn compile(&self, source: &str) -> Result<Expr, Problem> {
        let program = self.parse(source)?;
        self.lint(source, &program)?;
        let tree = inline(program.expression(), &self.lets, &mut Vec::new(), &mut self.budget());
        let mut tree =
            tree.map_err(|message| Problem { at: 0, len: source.len().max(1), message, help: None })?;
        let reads = uses(&tree, &BTreeMap::new()).into_iter().filter_map(|usage| match usage {
            Use::Path(_, path) => Some(path),
            Use::Bound(..) | Use::Call(..) => None,
        });
        let reads = reads.collect();
        if self.bounded {
            count_rounds(&mut tree);
        }
        Ok(Expr { tree, reads })
    }

    fn parse(&self, source: &str) -> Result<Program, Problem> {
        let refuse = |message: &str| {
            let help = Some("split it, or give a part of it a name in [let]".to_owned());
            Err(Problem { at: 0, len: source.len().clamp(1, 80), message: message.to_owned(), help })
        };
        if self.bounded && source.len() > LONGEST {
            return refuse("the expression is too long");
        }
        // The parser goes as deep as the text does, and must not be led too deep.
        if self.bounded && climbs(source) > BRACKETS {
            return refuse("the expression is nested too deeply");
        }
        let program = parse(source)?;
        if self.bounded && is_deeper(program.expression(), DEEPEST) {
            return refuse("the expression is nested too deeply");
        }
        Ok(program)
    }

    fn budget(&self) -> Budget {
        let (nodes, levels) = if self.bounded { (NODES, DEEPEST) } else { (usize::MAX, usize::MAX) };
        Budget { nodes, levels }
    }

    fn lint(&self, source: &str, program: &Program) -> Result<(), Problem> {
        for usage in uses(program.expression(), &self.lets) {
            let (id, complaint) = match &usage {
                Use::Path(id, path) => (*id, self.complain(path)),
                Use::Call(id, name) => (*id, complain_call(name)),
                Use::Bound(id, name) => (*id, self.complain_bound(name)),
            };
            if let Some((message, help)) = complaint {
                let (start, stop) = program.source_info().offset_for(id).unwrap_or_default();
                let at = byte_offset(source, start);
                let len = byte_offset(source, stop + 1).saturating_sub(at).max(1);
                return Err(Problem { at, len, message, help });
            }
        }
        Ok(())
    }

    fn complain_bound(&self, name: &str) -> Option<(String, Option<String>)> {
        let taken = self.lets.contains_key(name)
            || VARIABLES.contains(&name)
            || DECLARED.contains(&name)
            || catalogue::group(name).is_some();
        taken.then(|| (format!("the loop variable \"{name}\" hides another name"), None))
    }

    fn complain(&self, path: &str) -> Option<(String, Option<String>)> {
        let (root, rest) = path.split_once('.').unwrap_or((path, ""));
        if DECLARED.contains(&root) {
            return self.complain_declared(path, root, rest);
        }
        let choices: Vec<String> = match root {
            "run" if matches!(rest, "" | "started_at") => return None,
            "run" => vec!["started_at".into()],
            "params" if rest.is_empty() => return None,
            "params" => {
                let first = rest.split(['.', '[']).next().unwrap_or_default();
                if self.params.contains(first) {
                    return None;
                }
                self.params.iter().cloned().collect()
            }
            "profile" => {
                let known = |field: &&&str| {
                    **field == rest
                        || field.strip_prefix(rest).is_some_and(|tail| tail.starts_with(['.', '[']))
                };
                if rest.is_empty() || PROFILE.iter().any(|field| known(&field)) || rest == "sign_in[]" {
                    return None;
                }
                PROFILE.iter().map(|field| (*field).to_owned()).collect()
            }
            _ if catalogue::group(root).is_some() => {
                if known_fact(path) {
                    return None;
                }
                let mut parent = path;
                while let Some(at) = parent.rfind(['.', '[']) {
                    parent = &parent[..at];
                    if known_fact(parent) {
                        break;
                    }
                }
                let parent =
                    if known_fact(&format!("{parent}[]")) { format!("{parent}[]") } else { parent.into() };
                catalogue::children(&parent).into_iter().map(Into::into).collect()
            }
            _ => {
                let groups = catalogue::GROUPS.iter().map(|group| group.name);
                let declared = DECLARED.iter().copied().filter(|root| !self.declared(root).is_empty());
                let names = groups
                    .chain(VARIABLES.iter().copied())
                    .chain(declared)
                    .chain(self.lets.keys().map(String::as_str));
                return Some((format!("unknown name \"{root}\""), Some(suggest(root, names))));
            }
        };
        let last = rest.rsplit(['.', ']']).find(|part| !part.is_empty()).unwrap_or(rest);
        let help = suggest(last, choices.iter().map(String::as_str));
        Some((format!("unknown fact \"{path}\""), Some(help)))
    }

    /// Names declared below `query` or `external`.
    fn declared(&self, root: &str) -> Vec<&str> {
        let below = |name: &str| name.split_once('.').is_some_and(|(head, _)| head == root);
        let names = self.shapes.keys().filter(|name| below(name));
        names.map(|name| &name[root.len() + 1..]).collect()
    }

    fn complain_declared(&self, path: &str, root: &str, rest: &str) -> Option<(String, Option<String>)> {
        let name = &rest[..rest.find(['.', '[']).unwrap_or(rest.len())];
        let Some(shape) = self.shapes.get(&format!("{root}.{name}")) else {
            let declared = self.declared(root);
            let help = match (root, declared.is_empty()) {
                ("query", true) => "the check has no [query.NAME]".to_owned(),
                (_, true) => "the configuration has no [[collector]] of that name".to_owned(),
                _ => suggest(name, declared.into_iter()),
            };
            return Some((format!("unknown name \"{path}\""), Some(help)));
        };
        let mut below = &rest[name.len()..];
        if shape.at(below).is_some() {
            return None;
        }
        while shape.at(below).is_none() {
            below = &below[..below.rfind(['.', '['])?];
        }
        let (kind, last) = (shape.at(below)?, path.rsplit(['.', ']']).next().unwrap_or_default());
        let help = match shape.children(below) {
            names if names.is_empty() => format!("\"{root}.{name}{below}\" is declared as {kind}"),
            names => suggest(last, names.into_iter()),
        };
        Some((format!("\"{path}\" is not declared"), Some(help)))
    }
}

fn known_fact(path: &str) -> bool {
    // An element of a list of plain values has no entry of its own.
    catalogue::is_known(path)
        || path
            .strip_suffix("[]")
            .is_some_and(|list| catalogue::fact(list).is_some_and(|fact| fact.kind == catalogue::Kind::List))
}

fn complain_call(name: &str) -> Option<(String, Option<String>)> {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !plain || NAMES.contains(&name) {
        return None;
    }
    Some((format!("unknown function \"{name}\""), Some(suggest(name, NAMES.iter().copied()))))
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

fn byte_offset(source: &str, characters: u32) -> usize {
    source.char_indices().nth(characters as usize).map_or(source.len(), |(at, _)| at)
}

fn parse(source: &str) -> Result<Program, Problem> {
    ENV.compile(source).map_err(|errors| syntax(source, &errors))
}

fn syntax(source: &str, errors: &cel::ParseErrors) -> Problem {
    let Some(error) = errors.errors.first() else {
        return Problem { at: 0, len: 1, message: "not an expression".into(), help: None };
    };
    let line = usize::try_from(error.pos.0 - 1).unwrap_or(0);
    let column = usize::try_from(error.pos.1 - 1).unwrap_or(0);
    let before: usize = source.split_inclusive('\n').take(line).map(str::len).sum();
    let message = error.msg.split(" expecting ").next().unwrap_or(&error.msg).to_owned();
    let at = (before + column).min(source.len().saturating_sub(1));
    Problem { at, len: 1, message: format!("this is not an expression: {message}"), help: None }
}

/// Replaces `let` names by what they stand for.
fn inline(
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
struct Budget {
    nodes: usize,
    levels: usize,
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
fn count_rounds(tree: &mut IdedExpr) {
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
fn climbs(source: &str) -> usize {
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
fn is_deeper(tree: &IdedExpr, levels: usize) -> bool {
    let Some(left) = levels.checked_sub(1) else { return true };
    children(tree).into_iter().any(|child| is_deeper(child, left))
}

fn children(tree: &IdedExpr) -> Vec<&IdedExpr> {
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
enum Use {
    Bound(u64, String),
    Call(u64, String),
    Path(u64, String),
}

fn uses(tree: &IdedExpr, lets: &BTreeMap<String, IdedExpr>) -> Vec<Use> {
    let mut walk = Walk { scope: Vec::new(), lets, found: Vec::new(), compared: Vec::new() };
    walk.visit(tree);
    walk.found
}

struct Walk<'a> {
    /// Loop variables in force and the path of what they run over.
    scope: Vec<(String, Option<String>)>,
    lets: &'a BTreeMap<String, IdedExpr>,
    found: Vec<Use>,
    compared: Vec<Comparison>,
}

impl Walk<'_> {
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
            Some(body) => {
                Walk { scope: Vec::new(), lets: self.lets, found: Vec::new(), compared: Vec::new() }
                    .path(body)
            }
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
        let lets = BTreeMap::new();
        let mut walk = Walk { scope: Vec::new(), lets: &lets, found: Vec::new(), compared: Vec::new() };
        walk.visit(&self.tree);
        walk.compared
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
