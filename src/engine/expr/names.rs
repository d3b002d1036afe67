//! What a name in an expression may be: facts, parameters, `let` names, declared answers.

use std::collections::{BTreeMap, BTreeSet};

use cel::Program;
use cel::common::ast::IdedExpr;

use super::tree::{Budget, climbs, count_rounds, inline, is_deeper};
use super::walk::{Use, uses};
use super::{Expr, Problem, suggest};
use crate::engine::functions::{ENV, NAMES};
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
