//! Shapes: the paths below a fact that no catalogue lists, because whoever brings the fact says what
//! it looks like. Knows nothing of where the values come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

/// Names of the plain kinds, as they are written.
pub const KINDS: &[&str] = &["any", "bool", "int", "number", "text", "time"];

/// Most missing values of one answer that are written down one by one.
const MISSING: usize = 200;

/// A kind of plain value; each may be null as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// Text.
    Text,
    /// A time, RFC 3339.
    Time,
}

/// What a value looks like. Written as an example of itself with the kinds in the place of the values:
/// `[{ name = "text", seats = "int" }]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Whatever it is.
    Any,
    /// A plain value.
    Plain(Plain),
    /// A list of them.
    List(Box<Shape>),
    /// An object with these members.
    Object(BTreeMap<String, Shape>),
}

impl Shape {
    /// The shape at a path below this one: empty, `.name`, `[]`, or several of them.
    pub fn at(&self, path: &str) -> Option<&Self> {
        let mut shape = self;
        let mut rest = path;
        loop {
            if rest.is_empty() || *shape == Self::Any {
                return Some(shape);
            }
            (shape, rest) = match (shape, rest.strip_prefix("[]"), rest.strip_prefix('.')) {
                (Self::List(inner), Some(rest), _) => (&**inner, rest),
                (Self::Object(members), None, Some(rest)) => {
                    let end = rest.find(['.', '[']).unwrap_or(rest.len());
                    (members.get(&rest[..end])?, &rest[end..])
                }
                _ => return None,
            };
        }
    }

    /// The names that may follow a path below this one.
    pub fn children(&self, path: &str) -> Vec<&str> {
        match self.at(path) {
            Some(Self::Object(members)) => members.keys().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Cuts a value down to what is declared. What it lacks, or holds in another kind, has no key
    /// afterwards, and stands in `missing`: its path, and what is wrong. `None`: all of it is wrong.
    pub fn fit(&self, value: Value, path: &str, missing: &mut Vec<(String, String)>) -> Option<Value> {
        match (self, value) {
            (_, Value::Null) => Some(Value::Null),
            (Self::Any, value) => Some(value),
            (Self::Plain(kind), value) if kind.fits(&value) => Some(value),
            (Self::List(inner), Value::Array(items)) => {
                let items = items.into_iter().enumerate();
                let fit = |(index, item)| inner.fit(item, &format!("{path}[{index}]"), missing);
                // A list with a hole would be counted wrongly.
                items.map(fit).collect::<Option<Vec<Value>>>().map(Value::Array)
            }
            (Self::Object(members), Value::Object(mut found)) => {
                let mut kept = Map::new();
                for (name, shape) in members {
                    let path = format!("{path}.{name}");
                    match found.remove(name) {
                        Some(value) => {
                            if let Some(value) = shape.fit(value, &path, missing) {
                                kept.insert(name.clone(), value);
                            }
                        }
                        None => note(missing, path, format!("the answer holds no `{name}`")),
                    }
                }
                Some(Value::Object(kept))
            }
            (shape, value) => {
                let text = format!("the answer holds {} where {shape} is declared", kind_of(&value));
                note(missing, path.to_owned(), text);
                None
            }
        }
    }
}

fn note(missing: &mut Vec<(String, String)>, path: String, text: String) {
    if missing.len() < MISSING {
        missing.push((path, text));
    }
}

impl Plain {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Int => value.is_i64(),
            Self::Number => value.is_number(),
            Self::Text => value.is_string(),
            Self::Time => value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any value",
            Self::Plain(Plain::Bool) => "true or false",
            Self::Plain(Plain::Int) => "a whole number",
            Self::Plain(Plain::Number) => "a number",
            Self::Plain(Plain::Text) => "text",
            Self::Plain(Plain::Time) => "a time",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        })
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a kind ({}), a list of one shape, or a table of shapes", KINDS.join(", "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Shape, E> {
        Ok(match text {
            "any" => Shape::Any,
            "bool" => Shape::Plain(Plain::Bool),
            "int" => Shape::Plain(Plain::Int),
            "number" => Shape::Plain(Plain::Number),
            "text" => Shape::Plain(Plain::Text),
            "time" => Shape::Plain(Plain::Time),
            _ => return Err(E::unknown_variant(text, KINDS)),
        })
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        let wrong = || de::Error::custom("a list holds one shape, that of each of its elements");
        let inner = items.next_element()?.ok_or_else(wrong)?;
        match items.next_element::<de::IgnoredAny>()? {
            Some(_) => Err(wrong()),
            None => Ok(Shape::List(Box::new(inner))),
        }
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            if name.is_empty() || name.contains(['.', '[', ']']) {
                let text = format!("`{name}` cannot be declared: a name has no dots and no brackets");
                return Err(de::Error::custom(text));
            }
            members.insert(name, entries.next_value()?);
        }
        Ok(Shape::Object(members))
    }
}

impl JsonSchema for Shape {
    fn schema_name() -> Cow<'static, str> {
        "Shape".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let inner = generator.subschema_for::<Self>();
        json_schema!({
            "description": "What a value looks like: a kind, a list of one shape, or an object of shapes.",
            "anyOf": [
                { "type": "string", "enum": KINDS },
                { "type": "array", "items": inner, "minItems": 1, "maxItems": 1 },
                { "type": "object", "additionalProperties": inner },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(value: Value) -> Shape {
        serde_json::from_value(value).expect("a shape")
    }

    fn fit(shape: Value, value: Value) -> (Option<Value>, Vec<String>) {
        let mut missing = Vec::new();
        let fit = self::shape(shape).fit(value, "q", &mut missing);
        (fit, missing.into_iter().map(|(path, _)| path).collect())
    }

    #[test]
    fn only_declared_members_are_kept_and_the_others_are_named() {
        let (value, missing) =
            fit(json!([{ "a": "int", "b": "text" }]), json!([{ "a": 1, "b": null, "c": 3 }, { "a": 2 }]));
        assert_eq!(value, Some(json!([{ "a": 1, "b": null }, { "a": 2 }])));
        assert_eq!(missing, ["q[1].b"]);
    }

    #[test]
    fn a_value_of_another_kind_counts_as_missing() {
        assert_eq!(fit(json!({ "a": "int" }), json!({ "a": "1" })), (Some(json!({})), vec!["q.a".into()]));
        assert_eq!(fit(json!(["text"]), json!({})).0, None);
        assert_eq!(fit(json!(["text"]), json!(["a", 1])).0, None);
        assert_eq!(fit(json!("time"), json!("yesterday")).0, None);
    }

    #[test]
    fn null_fits_every_shape() {
        assert_eq!(fit(json!([{ "a": "int" }]), Value::Null).0, Some(Value::Null));
    }

    #[test]
    fn paths_are_known_as_deep_as_they_are_declared() {
        let shape = shape(json!({ "rows": [{ "name": "text" }], "rest": "any" }));
        for known in ["", ".rows", ".rows[]", ".rows[].name", ".rest.whatever[].it.is"] {
            assert!(shape.at(known).is_some(), "{known}");
        }
        for unknown in [".row", ".rows.name", ".rows[].nam", "[]"] {
            assert!(shape.at(unknown).is_none(), "{unknown}");
        }
        assert_eq!(shape.children(".rows[]"), ["name"]);
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        for wrong in [json!("string"), json!([]), json!(["int", "int"]), json!(7), json!({ "a.b": "int" })] {
            assert!(serde_json::from_value::<Shape>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
