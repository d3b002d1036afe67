//! Reads saved facts.

use std::{io::Read, path::Path};

use super::problem::Problem;
use crate::facts::{Document, LoadError};

/// The facts in a file; `-` is standard input.
pub fn read(path: &Path) -> Result<Document, Problem> {
    let stdin = path == Path::new("-");
    let name = if stdin { "standard input".to_owned() } else { path.display().to_string() };
    let mut bytes = Vec::new();
    let read = if stdin {
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|error| Problem::new(format!("cannot read the facts in {name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem::new("the facts are not UTF-8 text").at(&name, valid.matches('\n').count() + 1, column)
    })?;
    Document::parse(&text).map_err(|error| refusal(&name, &error))
}

fn refusal(name: &str, error: &LoadError) -> Problem {
    let text = error.to_string();
    match error {
        LoadError::Json { line, column, .. } => {
            let message = if text.starts_with("EOF") {
                format!("the facts are cut off: {text}")
            } else {
                format!("this is not a facts document: {text}")
            };
            Problem::new(message).at(name, *line, *column)
        }
        LoadError::Kind { .. } => {
            Problem::new(text).at(name, 1, 1).help("`syncready check --save-facts FILE` writes one")
        }
        LoadError::Newer { .. } | LoadError::Tenant { .. } => Problem::new(text).at(name, 1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("facts.json");
        std::fs::write(&path, text).expect("written");
        read(&path).expect_err("refused").render(false, false)
    }

    #[test]
    fn facts_that_are_cut_off_say_where() {
        let shown = refused("{\n  \"kind\": \"syncready-facts\",");
        assert!(shown.contains("facts.json:2:") && shown.contains("cut off"), "{shown}");
    }

    #[test]
    fn newer_facts_name_both_formats() {
        let shown = refused("{\"kind\": \"syncready-facts\", \"format\": 9}");
        assert!(shown.contains("format 9") && shown.contains("facts.json:1:1"), "{shown}");
    }

    #[test]
    fn other_json_is_told_from_facts() {
        assert!(refused("{\"kind\": \"bill\"}").contains("not a facts document"));
    }

    #[test]
    fn a_document_of_the_wrong_shape_says_where() {
        let shown = refused("{\"kind\": \"syncready-facts\", \"format\": 1,\n\"run\": 7}");
        assert!(shown.contains("facts.json:2:"), "{shown}");
    }
}
