//! Restrictions of searches.

use roxmltree::Node;

use super::paths::Path;
use super::times;
use super::xml::Fault;

/// What must hold of an item or folder; nothing asked for holds of all.
#[derive(Debug)]
pub(super) enum Restriction {
    All(Vec<Restriction>),
    Any(Vec<Restriction>),
    Not(Box<Restriction>),
    Exists(Path),
    Compare(Path, &'static str, Operand),
    Contains { path: Path, text: String, mode: String, exact: bool },
}

/// What a property is compared with.
#[derive(Debug)]
pub(super) enum Operand {
    Constant(String),
    Field(Path),
}

const COMPARISONS: &[&str] = &[
    "IsEqualTo",
    "IsNotEqualTo",
    "IsGreaterThan",
    "IsGreaterThanOrEqualTo",
    "IsLessThan",
    "IsLessThanOrEqualTo",
];

/// Restrictions within each other.
const DEPTH: usize = 32;

impl Restriction {
    /// Reads a `Restriction`.
    pub(super) fn read(node: Option<Node>) -> Result<Self, Fault> {
        match node.and_then(|node| node.children().find(Node::is_element)) {
            Some(node) => Self::expression(node, DEPTH),
            None => Ok(Self::All(Vec::new())),
        }
    }

    fn expression(node: Node, depth: usize) -> Result<Self, Fault> {
        if depth == 0 {
            return Err(Fault::new("ErrorRestrictionTooLong", "The restriction has too many levels."));
        }
        let name = node.tag_name().name();
        let inner = || {
            let children = node.children().filter(Node::is_element);
            children.map(|child| Self::expression(child, depth - 1)).collect::<Result<Vec<_>, _>>()
        };
        let path = || Path::below(node).ok_or_else(unsupported);
        Ok(match name {
            "And" => Self::All(inner()?),
            "Or" => Self::Any(inner()?),
            "Not" => Self::Not(Box::new(inner()?.into_iter().next().ok_or_else(unsupported)?)),
            "Exists" => Self::Exists(path()?),
            "Contains" => Self::Contains {
                path: path()?,
                text: constant(node).ok_or_else(unsupported)?,
                mode: node.attribute("ContainmentMode").unwrap_or("FullString").to_owned(),
                exact: node.attribute("ContainmentComparison").is_none_or(|how| how == "Exact"),
            },
            _ => {
                let known = COMPARISONS.iter().find(|known| **known == name).ok_or_else(unsupported)?;
                Self::Compare(path()?, known, operand(node).ok_or_else(unsupported)?)
            }
        })
    }

    /// Whether it holds, by the texts of the properties.
    pub(super) fn fits(&self, value: &dyn Fn(&Path) -> Option<String>) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.fits(value)),
            Self::Any(all) => all.iter().any(|one| one.fits(value)),
            Self::Not(one) => !one.fits(value),
            Self::Exists(path) => value(path).is_some(),
            Self::Compare(path, how, operand) => {
                let other = match operand {
                    Operand::Constant(text) => Some(text.clone()),
                    Operand::Field(path) => value(path),
                };
                let (Some(own), Some(other)) = (value(path), other) else { return *how == "IsNotEqualTo" };
                compare(&own, how, &other)
            }
            Self::Contains { path, text, mode, exact } => {
                let Some(own) = value(path) else { return false };
                let (own, text) =
                    if *exact { (own, text.clone()) } else { (own.to_lowercase(), text.to_lowercase()) };
                match mode.as_str() {
                    "Substring" => own.contains(&text),
                    "Prefixed" => own.starts_with(&text),
                    "PrefixOnWords" | "ExactPhrase" => {
                        own.split_whitespace().any(|word| word.starts_with(&text))
                    }
                    _ => own == text,
                }
            }
        }
    }
}

fn compare(own: &str, how: &str, other: &str) -> bool {
    let times = times::read(own, "UTC").zip(times::read(other, "UTC")).map(|(own, other)| own.cmp(&other));
    let numbers = own.parse::<f64>().ok().zip(other.parse::<f64>().ok());
    let numbers = numbers.and_then(|(own, other)| own.partial_cmp(&other));
    let order = numbers.or(times).unwrap_or_else(|| own.cmp(other));
    match how {
        "IsEqualTo" => order.is_eq(),
        "IsNotEqualTo" => order.is_ne(),
        "IsGreaterThan" => order.is_gt(),
        "IsGreaterThanOrEqualTo" => order.is_ge(),
        "IsLessThan" => order.is_lt(),
        _ => order.is_le(),
    }
}

fn unsupported() -> Fault {
    Fault::new("ErrorUnsupportedQueryFilter", "The query filter is not supported.")
}

fn constant(node: Node) -> Option<String> {
    let constant = node.descendants().find(|node| node.tag_name().name() == "Constant")?;
    constant.attribute("Value").map(str::to_owned)
}

fn operand(node: Node) -> Option<Operand> {
    let side = node.children().find(|node| node.tag_name().name() == "FieldURIOrConstant")?;
    constant(side).map(Operand::Constant).or_else(|| Path::below(side).map(Operand::Field))
}
