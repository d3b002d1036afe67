//! Values as PowerShell's `ConvertTo-Json` prints them: a list of one without its brackets, a date as
//! `/Date(0)/`, an enumeration as text, number or object, `null` where a read failed.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

/// Most elements of one list.
const ELEMENTS: usize = 50_000;

/// Longest text that is kept.
const CHARACTERS: usize = 16_384;

/// A text; none where the script found nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Option<String>);

/// Yes or no; none where it was not told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(pub Option<bool>);

/// A whole number; Active Directory's are printed as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Number(pub Option<i64>);

/// A time, RFC 3339, UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Time(pub Option<String>);

/// A list, and whether the script could read it at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T> {
    /// Its elements.
    pub items: Vec<T>,
    /// False where `null` stands, or nothing.
    pub told: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), told: false }
    }
}

impl<T> List<T> {
    /// Its first element.
    pub fn first(&self) -> Option<&T> {
        self.items.first()
    }
}

impl List<Text> {
    /// The texts in it.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(Text::get)
    }
}

impl Text {
    /// The text.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether it is that text, whatever its case.
    pub fn is(&self, other: &str) -> bool {
        self.get().is_some_and(|own| own.eq_ignore_ascii_case(other))
    }

    /// The last part of a canonical name such as `contoso.com/Users/Sync Service`.
    pub fn name(&self) -> Option<&str> {
        self.get().and_then(|text| text.rsplit('/').next()).filter(|name| !name.is_empty())
    }
}

/// What stands behind the wrapping of an enumeration, a date or a size.
fn bare(value: &Value) -> &Value {
    let Value::Object(fields) = value else { return value };
    ["Value", "value", "Name", "DistinguishedName"].iter().find_map(|key| fields.get(*key)).unwrap_or(value)
}

fn plain(text: &str) -> Option<String> {
    let text: String = text.chars().take(CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bare(&Value::deserialize(deserializer)?) {
            Value::Null => Ok(Self(None)),
            Value::String(text) => Ok(Self(plain(text))),
            Value::Number(number) => Ok(Self(Some(number.to_string()))),
            Value::Bool(flag) => Ok(Self(Some(if *flag { "True" } else { "False" }.into()))),
            Value::Array(_) => Err(de::Error::custom("a list stands where a text is wanted")),
            Value::Object(_) => Err(de::Error::custom("an object stands where a text is wanted")),
        }
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match bare(&value) {
            Value::Null => Ok(Self(None)),
            Value::Bool(flag) => Ok(Self(Some(*flag))),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Self(Some(true))),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Self(Some(false))),
            Value::String(text) if text.trim().is_empty() => Ok(Self(None)),
            Value::Number(number) if number.as_i64() == Some(0) => Ok(Self(Some(false))),
            Value::Number(number) if number.as_i64() == Some(1) => Ok(Self(Some(true))),
            _ => Err(de::Error::custom("true or false is wanted")),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let wanted = || de::Error::custom("a whole number is wanted");
        match bare(&value) {
            Value::Null => Ok(Self(None)),
            Value::Number(number) => number.as_i64().map(|number| Self(Some(number))).ok_or_else(wanted),
            Value::String(text) if text.trim().is_empty() => Ok(Self(None)),
            Value::String(text) => text.trim().parse().map(|number| Self(Some(number))).map_err(|_| wanted()),
            _ => Err(wanted()),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match bare(&value) {
            Value::Null => Ok(Self(None)),
            Value::String(text) if text.trim().is_empty() => Ok(Self(None)),
            Value::String(text) => match time(text.trim()) {
                Some(time) => Ok(Self(Some(time))),
                None => Err(de::Error::custom("a time like 2026-11-21T08:00:00Z is wanted")),
            },
            _ => Err(de::Error::custom("a time like 2026-11-21T08:00:00Z is wanted")),
        }
    }
}

/// A time in any of the forms that PowerShell prints, as RFC 3339 in UTC.
fn time(text: &str) -> Option<String> {
    let ticks = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/"));
    let at = match ticks {
        // A zone behind the milliseconds is for display: they count from 1970 in UTC anyway.
        Some(ticks) => {
            let end = ticks.char_indices().skip(1).find(|(_, c)| matches!(c, '+' | '-'));
            let milliseconds = ticks[..end.map_or(ticks.len(), |(at, _)| at)].parse().ok()?;
            jiff::Timestamp::from_millisecond(milliseconds).ok()?
        }
        None => text.parse().or_else(|_| format!("{text}Z").parse()).ok()?,
    };
    Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

impl<'de, T: de::DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Elements(PhantomData))
    }
}

struct Elements<T>(PhantomData<T>);

impl<T: de::DeserializeOwned> Elements<T> {
    fn one<'de, E: de::Error>(value: impl IntoDeserializer<'de, E>) -> Result<List<T>, E> {
        Ok(List { items: vec![T::deserialize(value.into_deserializer())?], told: true })
    }
}

impl<'de, T: de::DeserializeOwned> Visitor<'de> for Elements<T> {
    type Value = List<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list, or its only element")
    }

    fn visit_unit<E: de::Error>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == ELEMENTS {
                return Err(de::Error::custom(format!("the list has more than {ELEMENTS} elements")));
            }
            items.push(item);
        }
        Ok(List { items, told: true })
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<List<T>, A::Error> {
        let fields = Value::deserialize(MapAccessDeserializer::new(fields))?;
        // Windows PowerShell prints some arrays as an object of their elements and their number.
        let list = match fields {
            Value::Object(mut object) if object.get("Count").is_some_and(Value::is_number) => {
                match object.remove("value") {
                    Some(list @ Value::Array(_)) => return within(list),
                    Some(other) => {
                        object.insert("value".into(), other);
                        Value::Object(object)
                    }
                    None => Value::Object(object),
                }
            }
            other => other,
        };
        within(Value::Array(vec![list]))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<List<T>, E> {
        Self::one(text.to_owned())
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<List<T>, E> {
        Self::one(flag)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<List<T>, E> {
        Self::one(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<List<T>, E> {
        Self::one(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<List<T>, E> {
        Self::one(number)
    }
}

fn within<T: de::DeserializeOwned, E: de::Error>(list: Value) -> Result<List<T>, E> {
    let Value::Array(list) = list else { return Ok(List::default()) };
    if list.len() > ELEMENTS {
        return Err(de::Error::custom(format!("the list has more than {ELEMENTS} elements")));
    }
    let items = list.into_iter().map(|item| T::deserialize(item).map_err(de::Error::custom));
    Ok(List { items: items.collect::<Result<_, _>>()?, told: true })
}

/// In the published schema each value has the one form that the script gives it.
macro_rules! published {
    ($($lax:ty => $form:ty;)*) => { $(
        impl JsonSchema for $lax {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                <$form>::schema_name()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$form>::json_schema(generator)
            }
        }
    )* };
}

published! {
    Text => Option<String>;
    Flag => Option<bool>;
    Number => Option<String>;
    Time => Option<String>;
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        <Option<Vec<T>>>::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Option<Vec<T>>>::json_schema(generator)
    }
}
