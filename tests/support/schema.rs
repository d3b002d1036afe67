//! The published schemas, and whether a document fits one.

use std::{fs, path::Path};

use serde_json::Value;

/// Whether a value has the JSON types, required keys and listed values of a schema, and no key that it
/// does not name. Covers what our schemas use, and refuses a schema that uses more.
pub fn fits(schema: &Value, root: &Value, value: &Value, at: &str) -> Result<(), String> {
    const KNOWN: &[&str] = &[
        "$defs",
        "$id",
        "$ref",
        "$schema",
        "additionalProperties",
        "const",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maximum",
        "minimum",
        "properties",
        "required",
        "title",
        "type",
    ];
    let Some(object) = schema.as_object() else { return Ok(()) };
    if let Some(key) = object.keys().find(|key| !KNOWN.contains(&key.as_str())) {
        return Err(format!("the schema uses `{key}`, which this test does not know"));
    }
    if let Some(Value::String(name)) = object.get("$ref") {
        let target = root.pointer(name.trim_start_matches('#')).ok_or_else(|| format!("no {name}"))?;
        return fits(target, root, value, at);
    }
    let types: Vec<&str> = match object.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.is_empty() && !types.contains(&kind) {
        return Err(format!("{at} is {kind}, not {types:?}"));
    }
    if object.get("const").is_some_and(|only| only != value) {
        return Err(format!("{at} is {value}"));
    }
    let bound = |key: &str| object.get(key).and_then(Value::as_f64).zip(value.as_f64());
    if bound("minimum").is_some_and(|(least, value)| value < least)
        || bound("maximum").is_some_and(|(most, value)| value > most)
    {
        return Err(format!("{at} is {value}, which is out of bounds"));
    }
    if object.get("enum").and_then(Value::as_array).is_some_and(|all| !all.contains(value)) {
        return Err(format!("{at} is {value}, which is not listed"));
    }
    for key in object.get("required").and_then(Value::as_array).into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        if value.is_object() && value.get(key).is_none() {
            return Err(format!("{at} has no {key}"));
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(&schema["items"], root, item, &format!("{at}[{index}]"))?;
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        match schema["properties"].get(key) {
            Some(known) => fits(known, root, inner, &at)?,
            None if schema["properties"].is_object() => return Err(format!("{at} is not known")),
            None => fits(&schema["additionalProperties"], root, inner, &at)?,
        }
    }
    Ok(())
}

/// A schema of `docs/schema/`.
pub fn schema(name: &str) -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name))
        .expect("there");
    serde_json::from_str(&text).expect("a schema is JSON")
}
