//! Extended properties: `String {GUID} Name NAME`, `Integer {GUID} Id 0x8233`, `String 0x3001`.

use serde_json::{Value, json};
use uuid::Uuid;

use super::change::{Field, wrong};
use crate::lab::graph::error::Refusal;
use crate::lab::store::{Extended, Property, PropertyName};

/// Types that a single value may have.
const KINDS: &[&str] = &[
    "ApplicationTime",
    "Binary",
    "Boolean",
    "CLSID",
    "Currency",
    "Double",
    "Float",
    "Integer",
    "Long",
    "Short",
    "String",
    "SystemTime",
];

/// Type and name in an id.
fn parse(id: &str) -> Option<(String, PropertyName)> {
    let (kind, rest) = id.trim().split_once(' ')?;
    let kind = KINDS.iter().find(|known| known.eq_ignore_ascii_case(kind))?;
    let number = |text: &str| match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let rest = rest.trim();
    let Some(inside) = rest.strip_prefix('{') else {
        let tag = u16::try_from(number(rest)?).ok()?;
        return Some(((*kind).to_owned(), PropertyName::Tag(tag)));
    };
    let (set, rest) = inside.split_once('}')?;
    let set = Uuid::parse_str(set).ok()?;
    let (form, rest) = rest.trim_start().split_once(' ')?;
    let name = match form.to_ascii_lowercase().as_str() {
        "name" if !rest.trim().is_empty() => PropertyName::Name { set, name: rest.trim().to_owned() },
        "id" => PropertyName::Id { set, id: number(rest.trim())? },
        _ => return None,
    };
    Some(((*kind).to_owned(), name))
}

/// The id as the service writes it.
fn id_of(property: &Property) -> String {
    let kind = &property.kind;
    match &property.name {
        PropertyName::Tag(tag) => format!("{kind} 0x{tag:x}"),
        PropertyName::Id { set, id } => format!("{kind} {{{set}}} Id 0x{id:x}"),
        PropertyName::Name { set, name } => format!("{kind} {{{set}}} Name {name}"),
    }
}

/// The single-valued ones, as rows.
pub(super) fn rows(extended: &Extended) -> Value {
    let single = extended.iter().filter(|property| !property.kind.ends_with("Array"));
    single.map(|property| json!({ "id": id_of(property), "value": property.values.first() })).collect()
}

/// The properties that a body sets.
pub(super) fn read(field: &Field) -> Result<Vec<Property>, Refusal> {
    let mut found = Vec::new();
    for entry in field.list()? {
        let id = entry["id"].as_str().unwrap_or_default();
        let Some((kind, name)) = parse(id) else {
            let text = format!("The specified extended property id '{id}' is invalid.");
            return Err(Refusal::new(400, "ErrorInvalidExtendedProperty", text));
        };
        let value = entry["value"].as_str().ok_or_else(|| wrong("singleValueExtendedProperties"))?;
        found.push(Property { name, kind, values: vec![value.to_owned()] });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_in_one_form() {
        for (id, written) in [
            (
                "string {00020329-0000-0000-C000-000000000046} name My Name",
                "String {00020329-0000-0000-c000-000000000046} Name My Name",
            ),
            (
                "Integer {00062002-0000-0000-C000-000000000046} Id 33331",
                "Integer {00062002-0000-0000-c000-000000000046} Id 0x8233",
            ),
            ("String 0x3001", "String 0x3001"),
        ] {
            let (kind, name) = parse(id).expect("an id");
            assert_eq!(id_of(&Property { name, kind, values: Vec::new() }), written);
        }
        for id in [
            "",
            "String",
            "Text {00020329-0000-0000-C000-000000000046} Name x",
            "String {0} Name x",
            "String 0x123456",
        ] {
            assert_eq!(parse(id), None, "{id}");
        }
    }
}
