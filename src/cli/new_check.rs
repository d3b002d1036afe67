//! `checks new`: a check file to start from. It explains itself, and its examples hold.

use std::{fs, io::Write, path::Path};

use super::{exit, output::note, problem::Problem, trouble::Trouble};
use crate::engine::{self, Catalogue};

/// A check that reads facts which everybody may read.
const OF_FACTS: &str = include_str!("new_check/facts.toml");

/// A check that asks something of its own.
const OF_A_QUERY: &str = include_str!("new_check/query.toml");

/// Writes a check file that is not there yet.
pub fn run(id: &str, directory: &Path, graph: Option<&str>) -> Result<u8, Trouble> {
    let (area, statement) = parts(id)?;
    let folder = directory.join(area);
    let path = folder.join(format!("{statement}.toml"));
    let shown = path.display().to_string();
    let text = text(id, directory, graph);
    let wrong = engine::Check::parse(id, &text).and_then(|check| check.compile());
    wrong.map_err(|error| Problem::new(error.message).help(error.help.unwrap_or_default()))?;
    let refuse = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Problem::new(format!("{shown} is there already, and nothing is overwritten"))
        }
        _ => Problem::new(format!("cannot write {shown}: {error}")),
    };
    fs::create_dir_all(&folder).map_err(refuse)?;
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(refuse)?;
    let dir = directory.display();
    note(&format!(
        "{shown} is written. Its examples hold: `syncready checks test {shown}`.\n\
         Edit it, then try it: `syncready check --demo --checks {dir} --only {id}`."
    ));
    if Catalogue::embedded().check(id).is_some() {
        note(&format!("note: with `--checks {dir}` it stands in the place of the built-in {id}"));
    }
    Ok(exit::READY)
}

fn parts(id: &str) -> Result<(&str, &str), Problem> {
    let kebab = |part: &str| {
        let plain = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        plain && !part.is_empty() && !part.starts_with('-')
    };
    match id.split_once('/') {
        Some((area, statement))
            if kebab(area) && kebab(statement) && area != "profiles" && area != "knowledge" =>
        {
            Ok((area, statement))
        }
        _ => Err(Problem::new(format!("`{id}` cannot be the id of a check"))
            .help(
                "AREA/STATEMENT in lower-case letters, digits and hyphens, for example license/some-are-left",
            )
            .help("the statement says what is so when all is well")),
    }
}

fn text(id: &str, directory: &Path, graph: Option<&str>) -> String {
    let statement = id.split('/').nth(1).unwrap_or_default().replace('-', " ");
    let mut letters = statement.chars();
    let title: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect();
    let template = if graph.is_some() { OF_A_QUERY } else { OF_FACTS };
    template
        .replace("@ID@", id)
        .replace("@TITLE@", &title)
        .replace("@DIR@", &directory.display().to_string())
        .replace("@GRAPH@", graph.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_its_place_is_refused() {
        for id in ["license", "a/b/c", "../b", "a/..", "A/b", "a/b c", "/b", "profiles/x", ""] {
            assert!(parts(id).is_err(), "{id}");
        }
        assert!(parts("license/some-are-left").is_ok());
    }
}
