//! The PowerShell script that makes an import, with the accounts that it is for filled in.
//!
//! It must stay readable for an administrator who is asked to run it: read-only, plain ASCII, for the
//! Exchange Management Shell on Windows PowerShell 5.1.

use std::fmt::Write;

use super::problem::Problem;
use crate::facts::Tool;

const TEMPLATE: &str = include_str!("import.ps1");

/// The script for these accounts and for the mailboxes that they are to act for.
pub fn render(accounts: &[String], targets: &[String]) -> Result<String, Problem> {
    let list = |values: &[String]| {
        let quoted = values.iter().map(|value| quote(value)).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Problem>(quoted.join(", "))
    };
    Ok(TEMPLATE
        .replace("@@VERSION@@", &Tool::this().version)
        .replace("@@ACCOUNTS@@", &list(accounts)?)
        .replace("@@TARGETS@@", &list(targets)?))
}

/// A value as a PowerShell literal that holds nothing but ASCII.
fn quote(text: &str) -> Result<String, Problem> {
    if text.chars().any(char::is_control) {
        return Err(Problem::new(format!("`{}` holds a control character", text.escape_default())));
    }
    if text.is_ascii() {
        return Ok(format!("'{}'", text.replace('\'', "''")));
    }
    // A file without a mark is read in the code page of the machine: other letters go by their number.
    let mut quoted = String::from("(''");
    for unit in text.encode_utf16() {
        let _ = write!(quoted, " + [char]{unit}");
    }
    quoted.push(')');
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> String {
        render(&["svc-sync@contoso.com".into()], &["alice@contoso.com".into()]).expect("renders")
    }

    /// The script without comments and without what stands in quotes.
    fn code(script: &str) -> String {
        let mut code = String::new();
        for line in script.lines() {
            let mut quote = None;
            for c in line.chars() {
                match (quote, c) {
                    (None, '#') => break,
                    (None, '\'' | '"') => quote = Some(c),
                    (None, c) => code.push(c),
                    (Some(open), c) if c == open => quote = None,
                    (Some(_), _) => {}
                }
            }
            assert_eq!(quote, None, "a quote stays open in: {line}");
            code.push('\n');
        }
        code
    }

    #[test]
    fn it_reads_only() {
        const NOT_READING: &[&str] = &["ForEach-Object", "Where-Object", "ConvertTo-Json"];
        let code = code(&script());
        let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
        let cmdlets = words.filter(|word| {
            let Some((verb, noun)) = word.split_once('-') else { return false };
            verb.starts_with(char::is_uppercase) && noun.starts_with(char::is_uppercase)
        });
        let mut number = 0;
        for cmdlet in cmdlets {
            number += 1;
            assert!(cmdlet.starts_with("Get-") || NOT_READING.contains(&cmdlet), "{cmdlet}");
        }
        assert!(number > 20, "only {number} cmdlets were seen");
        let lower = code.to_lowercase();
        for word in
            ["invoke-", "iex", "commitchanges", "setinfo", "start-", "::new(", ".put(", "add-type", "> "]
        {
            assert!(!lower.contains(word), "{word}");
        }
    }

    #[test]
    fn it_is_ascii_and_its_brackets_match() {
        let script = script();
        assert!(script.is_ascii());
        let mut open = Vec::new();
        for c in code(&script).chars() {
            match c {
                '(' | '[' | '{' => open.push(c),
                ')' => assert_eq!(open.pop(), Some('(')),
                ']' => assert_eq!(open.pop(), Some('[')),
                '}' => assert_eq!(open.pop(), Some('{')),
                _ => {}
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn it_uses_nothing_that_windows_powershell_lacks() {
        let code = code(&script());
        for newer in ["??", "?.", "&&", "||", "-AsArray", "-EnumsAsStrings", " ? "] {
            assert!(!code.contains(newer), "{newer}");
        }
        assert!(code.contains("ConvertTo-Json -Depth"));
    }

    /// Every property name of a schema.
    fn properties(schema: &serde_json::Value, found: &mut Vec<String>) {
        for (key, value) in schema.as_object().into_iter().flatten() {
            if key == "properties" {
                found.extend(value.as_object().into_iter().flat_map(|all| all.keys().cloned()));
            }
            properties(value, found);
        }
    }

    #[test]
    fn it_writes_whatever_is_read() {
        let mut names = Vec::new();
        properties(&schemars::schema_for!(crate::collect::import::Shape).to_value(), &mut names);
        assert!(names.len() > 60, "{names:?}");
        let script = script();
        for name in names {
            let written = script.contains(&format!("{name} =")) || script.contains(&format!("'{name}'"));
            assert!(written || script.contains(&format!("row.{name}")), "{name}");
        }
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(quote("o'hara@contoso.com").expect("quotes"), "'o''hara@contoso.com'");
        assert_eq!(quote("é\u{2019}").expect("quotes"), "('' + [char]233 + [char]8217)");
        assert!(quote("a\nb").is_err());
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        assert!(!script().contains("@@"));
        assert!(script().contains("[string[]]$Target = @('alice@contoso.com')"));
    }
}
