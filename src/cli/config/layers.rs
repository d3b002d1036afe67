//! The layers of a configuration: the file, and what the command line sets on top of it.

use toml::Value;

use super::{File, Source, secret};
use crate::cli::problem::Problem;

/// Parses the text with the overrides on top; the source that comes back is the one that spans refer to.
pub fn load(source: Source, overrides: &[String]) -> Result<(File, Source), Problem> {
    let source = if overrides.is_empty() { source } else { overlay(&source, overrides)? };
    let file = toml::from_str(&source.text).map_err(|error| explain(&source, &error))?;
    Ok((file, source))
}

fn explain(source: &Source, error: &toml::de::Error) -> Problem {
    if secret::is_literal_refusal(error.message()) {
        let span = error.span().unwrap_or(0..0);
        return source.problem(span, error.message(), "a literal").help(secret::SHAPES);
    }
    source.refusal(error)
}

/// The overrides alone, as tables.
pub fn overrides(entries: &[String]) -> Result<toml::Table, Problem> {
    let mut root = Value::Table(toml::Table::new());
    for entry in entries {
        let (key, value) = split(entry)?;
        set(&mut root, &key, value)
            .map_err(|message| Problem::new(format!("--set {}: {message}", key.join("."))))?;
    }
    Ok(root.as_table().cloned().unwrap_or_default())
}

fn overlay(source: &Source, overrides: &[String]) -> Result<Source, Problem> {
    let mut root: Value = toml::from_str(&source.text).map_err(|error| explain(source, &error))?;
    for entry in overrides {
        let (key, value) = split(entry)?;
        set(&mut root, &key, value)
            .map_err(|message| Problem::new(format!("--set {}: {message}", key.join("."))))?;
    }
    let text = toml::to_string(&root).map_err(|error| Problem::new(format!("--set: {error}")))?;
    Ok(Source { name: format!("{} with --set", source.name), folder: source.folder.clone(), text })
}

/// `a.b=value`; a value that is no TOML is a text.
fn split(entry: &str) -> Result<(Vec<String>, Value), Problem> {
    let malformed = || Problem::new("--set wants KEY=VALUE, for example tenant.domain=contoso.com");
    let (key, value) = entry.split_once('=').ok_or_else(malformed)?;
    let key: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
    if key.iter().any(String::is_empty) {
        return Err(malformed());
    }
    let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
    let parsed = parsed.and_then(|mut table| table.remove("value"));
    Ok((key, parsed.unwrap_or_else(|| Value::String(value.to_owned()))))
}

fn set(at: &mut Value, key: &[String], value: Value) -> Result<(), String> {
    let Some((first, rest)) = key.split_first() else {
        *at = value;
        return Ok(());
    };
    let next = match at {
        Value::Table(table) => table.entry(first.clone()).or_insert_with(|| Value::Table(toml::Table::new())),
        Value::Array(list) => {
            let (index, length): (usize, usize) = (first.parse().map_err(|_| counted(first))?, list.len());
            list.get_mut(index).ok_or_else(|| format!("there are only {length}, counted from 0"))?
        }
        _ => return Err(format!("there is nothing below a plain value to set `{first}` in")),
    };
    set(next, rest, value)
}

fn counted(given: &str) -> String {
    format!("`{given}` stands where a number is wanted: account.0 is the first account")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { name: "a.toml".into(), folder: ".".into(), text: text.into() }
    }

    fn refused(text: &str, overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        load(source(text), &overrides).expect_err("refused").render(false, false)
    }

    #[test]
    fn an_unknown_key_is_shown_where_it_stands() {
        let shown = refused("[[account]]\nadress = \"svc@contoso.com\"\n", &[]);
        assert!(shown.contains("a.toml:2:1") && shown.contains("did you mean `address`?"), "{shown}");
    }

    #[test]
    fn an_unknown_value_names_the_valid_ones() {
        let shown = refused("[tenant]\ncloud = \"gcchigh\"\n", &[]);
        assert!(shown.contains("did you mean `gcc-high`?") && shown.contains("worldwide"), "{shown}");
    }

    #[test]
    fn a_wrong_type_is_shown_where_it_stands() {
        let shown = refused("[tenant]\nid = 7\n", &[]);
        assert!(shown.contains("a.toml:2:6"), "{shown}");
    }

    #[test]
    fn a_literal_secret_is_refused_and_not_shown() {
        let shown = refused("[reader]\nsecret = \"hunter2\"\n", &[]);
        assert!(shown.contains("a.toml:2:10") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_literal_secret_is_not_shown_by_an_unknown_key_either() {
        let shown = refused("[reader]\npassword = \"hunter2\"\n", &[]);
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn an_unfinished_text_is_shown_where_it_ends() {
        let shown = refused("[tenant]\ndomain = \"contoso.com\n", &[]);
        assert!(shown.contains("a.toml:2:"), "{shown}");
    }

    #[test]
    fn an_override_wins_over_the_file() {
        let text = "[[account]]\naddress = \"a@contoso.com\"\n";
        let (file, _) = load(source(text), &["account.0.address=b@contoso.com".into()]).expect("loads");
        let address = file.accounts[0].get_ref().address.as_ref().expect("given");
        assert_eq!(address.get_ref(), "b@contoso.com");
    }

    #[test]
    fn an_override_of_an_unknown_key_is_refused() {
        assert!(refused("", &["tenant.domian=contoso.com"]).contains("did you mean `domain`?"));
    }

    #[test]
    fn an_override_without_a_value_is_refused() {
        assert!(refused("", &["tenant"]).contains("KEY=VALUE"));
    }
}
