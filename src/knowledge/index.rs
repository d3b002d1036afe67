//! Finds tables in a knowledge file without parsing it.

use serde::de::DeserializeOwned;

/// One table: its name, and its text with the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The name in the head.
    pub name: &'a str,
    /// The lines behind the head.
    pub text: &'a str,
    /// Where its head begins in the file, and where its text does.
    pub head: usize,
    /// See `head`.
    pub body: usize,
}

impl<'a> Block<'a> {
    /// Reads the table.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        self.parse().map_err(|error| error.message().trim().to_owned())
    }

    /// Reads the table; places in the refusal count from the beginning of its text.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, toml::de::Error> {
        toml::from_str(self.text)
    }

    /// The bytes of its head.
    pub fn head_span(&self) -> std::ops::Range<usize> {
        self.head..(self.head + self.name.len() + 2).min(self.body)
    }

    /// The names in its line `also`.
    pub fn others(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let line = self.text.lines().find(|line| line.starts_with("also"));
        line.unwrap_or_default().split('"').skip(1).step_by(2)
    }
}

/// The tables of a file, in order. A head is a line that begins with `[`; no text in these files holds
/// such a line, which a test proves.
pub(super) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = after_head(text, 0);
    std::iter::from_fn(move || {
        let start = rest?;
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at + 1);
        let name = text[start..line_end].trim().trim_matches(['[', ']', '"']);
        rest = after_head(text, line_end);
        let inner = &text[line_end..rest.unwrap_or(text.len())];
        Some(Block { name, text: inner, head: start, body: line_end })
    })
}

/// Where the next head begins, from a position at the beginning of a line.
fn after_head(text: &str, from: usize) -> Option<usize> {
    if text[from..].starts_with('[') {
        return Some(from);
    }
    text[from..].find("\n[").map(|at| from + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_as_a_parser_finds_them() {
        for path in super::super::Embedded::iter() {
            let data = super::super::Embedded::get(&path).expect("embedded").data.into_owned();
            let text = String::from_utf8(data).expect("UTF-8");
            let table: toml::Table = toml::from_str(&text).expect("TOML");
            let mut names: Vec<&str> = blocks(&text).map(|block| block.name).collect();
            names.sort_unstable();
            let mut parsed: Vec<&str> = table.keys().map(String::as_str).collect();
            parsed.sort_unstable();
            assert_eq!(names, parsed, "{path}");
            for block in blocks(&text) {
                let read: toml::Table = block.read().expect("TOML");
                assert_eq!(Some(&read), table[block.name].as_table(), "{path}: {}", block.name);
            }
        }
    }

    #[test]
    fn other_names_stand_in_their_line() {
        let block = blocks("# c\n\n[A]\nalso = [\"B\", \"C\"]\nmeans = \"x\"\n").next().expect("one");
        assert_eq!((block.name, block.others().collect::<Vec<_>>()), ("A", vec!["B", "C"]));
    }
}
