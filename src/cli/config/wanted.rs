//! The users whom the product is to serve: a file of addresses, or a group.

use std::{io::Read, path::Path};

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::{Source, address};
use crate::cli::problem::Problem;
use crate::collect::WantedUsers;

/// Largest file that is read.
const BYTES: u64 = 4 << 20;
/// Most addresses in it.
const USERS: usize = 50_000;

/// Most of them that an Exchange Server is asked about: it takes seconds for each.
const ASKED: usize = 50;

/// Where the users stand: exactly one of the keys.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// File with one address a line, or a CSV whose first column holds them; relative to the configuration.
    pub file: Option<String>,
    /// Address or object id of a group; its members count, through groups inside it too.
    pub group: Option<String>,
}

/// The users that a configuration asks for.
pub fn read(source: &Source, wanted: &Spanned<Wanted>) -> Result<WantedUsers, Problem> {
    let refuse = |message: String| source.problem(wanted.span(), message, "asked for here");
    match (&wanted.get_ref().file, &wanted.get_ref().group) {
        (Some(file), None) => from_file(&source.folder.join(file)).map(WantedUsers::Listed),
        (None, Some(group)) if !group.trim().is_empty() && !group.contains(['\'', '/', '\\']) => {
            Ok(WantedUsers::Group(group.trim().to_owned()))
        }
        (None, Some(_)) => Err(refuse("a group is named by its address or its object id".into())),
        _ => Err(refuse(
            "the wanted users stand in one place: { file = \"users.txt\" } or { group = \"ADDRESS\" }".into(),
        )),
    }
}

/// The first users of a file, for a script that asks Exchange Server about each; none of a group.
pub fn listed(source: &Source, wanted: Option<&Spanned<Wanted>>) -> Result<Vec<String>, Problem> {
    let Some(WantedUsers::Listed(mut users)) = wanted.map(|wanted| read(source, wanted)).transpose()? else {
        return Ok(Vec::new());
    };
    users.truncate(ASKED);
    Ok(users)
}

fn from_file(path: &Path) -> Result<Vec<String>, Problem> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| Problem::new(format!("cannot read {name}: {error}"));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > BYTES) {
        return Err(Problem::new(format!("{name} is larger than {} MiB", BYTES >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| Problem::new(format!("{name} is not UTF-8 text")))?;
    addresses(&name, text.trim_start_matches('\u{feff}'))
}

/// One address a line: the first column of a CSV. Comments begin with `#`; a heading is a first line
/// without an address.
fn addresses(name: &str, text: &str) -> Result<Vec<String>, Problem> {
    let mut found: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).peekable();
    let heading = |line: &str| !line.contains('@');
    lines.next_if(|(_, line)| heading(line));
    for (number, line) in lines {
        let column = line.split([',', ';', '\t']).next().unwrap_or_default();
        let given = column.trim().trim_matches('"').trim();
        if let Some(fault) = address::fault(given) {
            return Err(Problem::new(format!("this is no mail address: {fault}")).at(name, number, 1));
        }
        if known.insert(given.to_lowercase()) {
            found.push(given.to_owned());
        }
        if found.len() > USERS {
            return Err(Problem::new(format!("more than {USERS} addresses")).at(name, number, 1));
        }
    }
    if found.is_empty() { Err(Problem::new(format!("{name} holds no address"))) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_headings_columns_and_repetitions_are_taken_off() {
        let text = "# sales\nMail,Name\n\"a@contoso.com\",Ann\n\nb@contoso.com;Bo\nA@contoso.com\n";
        assert_eq!(addresses("users.csv", text).unwrap(), ["a@contoso.com", "b@contoso.com"]);
    }

    #[test]
    fn what_is_no_address_is_named_with_its_line() {
        let problem = addresses("users.txt", "a@contoso.com\nnobody\n").unwrap_err();
        assert!(problem.render(false, false).contains("users.txt:2"), "{}", problem.render(false, false));
        assert!(addresses("users.txt", "# none\n").is_err());
    }
}
