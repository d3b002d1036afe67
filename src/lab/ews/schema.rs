//! What the schema says about requests: children in order, which must be there, and values. The table
//! names elements of Microsoft's schema; a line is `Element @Attribute!=values: Child! Child` or
//! `Element =values`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use roxmltree::Node;

use super::times;

const TABLE: &str = include_str!("schema.txt");

/// What is known of one element.
#[derive(Debug, Default)]
struct Rule {
    attributes: Vec<(&'static str, bool, Values)>,
    children: Option<Vec<(&'static str, bool)>>,
    text: Values,
}

/// What a text may be.
#[derive(Debug, Default, Clone, Copy)]
enum Values {
    #[default]
    Any,
    DateTime,
    Range(u32, u32),
    OneOf(&'static str),
}

impl Values {
    fn read(text: &'static str) -> Self {
        let range =
            text.split_once('-').and_then(|(low, high)| Some((low.parse().ok()?, high.parse().ok()?)));
        match (text, range) {
            ("", _) => Self::Any,
            ("dateTime", _) => Self::DateTime,
            (_, Some((low, high))) => Self::Range(low, high),
            _ => Self::OneOf(text),
        }
    }

    fn fit(self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::DateTime => times::read(text, "UTC").is_some(),
            Self::Range(low, high) => text.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number)),
            Self::OneOf(all) => all.split('|').any(|one| one == text),
        }
    }
}

fn rules() -> &'static BTreeMap<&'static str, Rule> {
    static RULES: OnceLock<BTreeMap<&'static str, Rule>> = OnceLock::new();
    RULES.get_or_init(|| {
        let mut rules: BTreeMap<&str, Rule> = BTreeMap::new();
        for line in TABLE.lines() {
            let (head, children) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
            let mut words = head.split(' ');
            let name = words.next().unwrap_or_default();
            let mut rule = Rule { children: line.contains(": ").then(Vec::new), ..Rule::default() };
            for word in words {
                if let Some(values) = word.strip_prefix('=') {
                    rule.text = Values::read(values);
                } else if let Some(attribute) = word.strip_prefix('@') {
                    let (name, values) = attribute.split_once('=').unwrap_or((attribute, ""));
                    rule.attributes.push((
                        name.trim_end_matches('!'),
                        name.ends_with('!'),
                        Values::read(values),
                    ));
                }
            }
            for child in children.split_whitespace() {
                let list = rule.children.get_or_insert_default();
                match child.strip_prefix('=') {
                    Some(base) => {
                        let base = rules.get(base).and_then(|base| base.children.as_ref());
                        list.extend(base.into_iter().flatten().copied());
                    }
                    None => list.push((child.trim_end_matches('!'), child.ends_with('!'))),
                }
            }
            rules.insert(name, rule);
        }
        rules
    })
}

/// Names of the children of an element, in order.
pub(super) fn order(element: &str) -> impl Iterator<Item = &'static str> {
    let rule = rules().get(element).and_then(|rule| rule.children.as_ref());
    rule.into_iter().flatten().map(|(name, _)| *name)
}

/// What is wrong with an element, and at which node.
pub(super) fn violation<'a>(node: Node<'a, 'a>) -> Option<(Node<'a, 'a>, String)> {
    let name = node.tag_name().name();
    let rule = rules().get(name)?;
    let attributes = rule.attributes.iter().find_map(|(attribute, required, values)| {
        match node.attribute(*attribute) {
            None if *required => Some(format!("The required attribute '{attribute}' is missing.")),
            Some(text) if !values.fit(text) => Some(format!(
                "The '{attribute}' attribute is invalid - The value '{text}' is invalid according to its datatype."
            )),
            _ => None,
        }
    });
    if let Some(text) = attributes {
        return Some((node, text));
    }
    let text = node.text().unwrap_or_default().trim();
    if !rule.text.fit(text) {
        let text = format!(
            "The '{name}' element is invalid - The value '{text}' is invalid according to its datatype."
        );
        return Some((node, text));
    }
    children(node, name, rule.children.as_ref()?)
}

fn children<'a>(node: Node<'a, 'a>, name: &str, order: &[(&str, bool)]) -> Option<(Node<'a, 'a>, String)> {
    let own = || node.children().filter(Node::is_element);
    let mut place = 0;
    for child in own() {
        let local = child.tag_name().name();
        let at = order.iter().position(|(known, _)| *known == local).filter(|at| *at >= place);
        let Some(at) = at else {
            let expected: Vec<String> =
                order.iter().skip(place).map(|(known, _)| format!("'{known}'")).collect();
            let text = format!(
                "The element '{name}' has invalid child element '{local}'. List of possible elements expected: {}.",
                expected.join(", ")
            );
            return Some((child, text));
        };
        place = at;
    }
    let missing = order
        .iter()
        .find(|(wanted, required)| *required && !own().any(|child| child.tag_name().name() == *wanted));
    missing.map(|(missing, _)| {
        let text = format!(
            "The element '{name}' has incomplete content. List of possible elements expected: '{missing}'."
        );
        (node, text)
    })
}
