//! What a bundle holds, for people: its files, what was taken out of them, and what stayed.

use super::Style;
use super::mark::Paint;
use super::page::Page;

/// Columns of a size, and of a number of values and of places.
const COLUMNS: (usize, usize, usize) = (8, 6, 7);

/// What is told of a bundle.
#[derive(Debug, Default)]
pub struct Contents<'a> {
    /// Where it lies.
    pub name: &'a str,
    /// Program and version that made it.
    pub made_by: String,
    /// When the run began.
    pub started_at: &'a str,
    /// Files: size in words, and name.
    pub files: Vec<(String, &'a str)>,
    /// Whether personal values were taken out.
    pub redacted: bool,
    /// What was replaced or removed, kind by kind.
    pub replaced: Vec<Taken<'a>>,
    /// What stayed: of which kind, and which values.
    pub kept: Vec<(&'a str, &'a [String])>,
    /// How the redacted facts are judged otherwise than the original ones.
    pub differs: Vec<String>,
    /// What is to be known beside.
    pub notes: &'a [String],
    /// The command that shows one of the files.
    pub more: String,
}

/// Values of one kind.
#[derive(Debug)]
pub struct Taken<'a> {
    /// Which.
    pub kind: &'a str,
    /// How many different ones; `None`: nobody counts them, because they are secrets.
    pub values: Option<usize>,
    /// How often.
    pub places: u64,
    /// In which files.
    pub files: Vec<&'a str>,
}

/// How many kept values of a kind are named.
const NAMED: usize = 3;

/// The list of a bundle.
pub fn list(contents: &Contents<'_>, style: &Style) -> String {
    let mut page = Page::new(style);
    page.text(0, contents.name, Paint::Bold);
    page.labelled("Made by", &contents.made_by, Paint::Plain);
    page.labelled("Run of", contents.started_at, Paint::Plain);
    page.heading("Files");
    for (size, name) in &contents.files {
        page.hang(2, &format!("{size:>width$}  ", width = COLUMNS.0), name, Paint::Plain);
    }
    taken(&mut page, contents);
    kept(&mut page, contents);
    page.heading("How it is judged");
    page.text(0, judged(contents), if contents.differs.is_empty() { Paint::Plain } else { Paint::Warn });
    for difference in &contents.differs {
        page.hang(0, "- ", difference, Paint::Plain);
    }
    if !contents.notes.is_empty() {
        page.heading("To be known");
    }
    for note in contents.notes {
        page.hang(0, "- ", note, Paint::Plain);
    }
    page.heading("One of the files");
    page.command(2, &contents.more);
    page.finish()
}

fn judged(contents: &Contents<'_>) -> &'static str {
    if contents.differs.is_empty() {
        "The redacted facts are judged as the original ones were."
    } else {
        "The redacted facts are judged otherwise than the original ones:"
    }
}

fn taken(page: &mut Page<'_>, contents: &Contents<'_>) {
    page.heading(if contents.redacted { "Replaced or removed" } else { "Removed" });
    if !contents.redacted {
        page.text(0, "Personal values stand in it as they are; secrets do not.", Paint::Warn);
    }
    if contents.replaced.is_empty() {
        return page.text(0, "nothing", Paint::Plain);
    }
    let (_, values, places) = COLUMNS;
    page.text(2, &format!("{:>values$} {:>places$}", "values", "places"), Paint::Dim);
    for taken in &contents.replaced {
        let number = taken.values.map_or_else(|| "-".to_owned(), |number| number.to_string());
        let lead = format!("{number:>values$} {:>places$}  ", taken.places);
        page.hang(2, &lead, &format!("{}: {}", taken.kind, taken.files.join(", ")), Paint::Plain);
    }
}

fn kept(page: &mut Page<'_>, contents: &Contents<'_>) {
    if contents.kept.is_empty() {
        return;
    }
    page.heading("What stays");
    page.text(0, "It is everybody's, or support needs it.", Paint::Dim);
    for (what, values) in &contents.kept {
        let mut named = values.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if let Some(more) = values.len().checked_sub(NAMED).filter(|more| *more > 0) {
            named = format!("{named} and {more} more");
        }
        page.hang(0, "- ", &format!("{what}: {named}"), Paint::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn every_line_fits_a_narrow_terminal_and_steers_none() {
        let values: Vec<String> =
            (0..5).map(|number| format!("0ff1ce00-0000-4000-8000-00000000{number:04}")).collect();
        let notes = ["logs/1.log: the first 1234567 bytes of the log are left out\u{1b}[2J".to_owned()];
        let contents = Contents {
            name: "a-bundle-with-a-rather-long-name-20261122T080000Z.tar.gz",
            made_by: "syncready 0.1.0".into(),
            started_at: "2026-11-22T08:00:00Z",
            files: vec![("12 KiB".into(), "facts.json"), ("1 B".into(), "logs/1.log")],
            redacted: true,
            replaced: vec![Taken {
                kind: "public IPv4 address",
                values: Some(12),
                places: 1234,
                files: vec!["facts.json", "findings.json", "configuration.toml", "logs/1.log"],
            }],
            kept: vec![("public id", &values)],
            differs: vec!["mailbox/has-room of account-1@domain-1.example: pass, was warn".into()],
            notes: &notes,
            more: "syncready bundle show a.tar.gz --file facts.json".into(),
        };
        for width in [40, 50, 80] {
            let text = list(&contents, &Style { width, color: false, unicode: false });
            let wide = |line: &&str| line.width() > width && !line.contains("syncready bundle show");
            assert_eq!(text.lines().find(wide), None, "{width}: {text}");
            assert!(!text.contains('\u{1b}') && text.is_ascii(), "{text}");
            let whole = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(whole.contains("and 2 more") && whole.contains("judged otherwise"), "{text}");
        }
    }
}
