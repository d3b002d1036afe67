//! A document that can be shown on a terminal and written as Markdown: the same pieces in the same order.

mod html;

use super::mark::Paint;
use super::page::Page;
use super::{Style, grid};

/// One piece of a sheet.
enum Piece {
    Title(String),
    Heading(String),
    Subheading(String),
    Text(String, Paint),
    Labelled(String, String),
    Step(usize, String),
    Point(String),
    Entry(String, String),
    Link(String, String),
    Command(String),
    Verify(String),
    Table(Vec<String>, Vec<Vec<String>>),
    Gap,
}

/// Pieces so far.
#[derive(Default)]
pub(super) struct Sheet(Vec<Piece>);

impl Sheet {
    /// The name of what the sheet is about.
    pub fn title(&mut self, text: &str) {
        self.0.push(Piece::Title(text.to_owned()));
    }

    /// Begins a part.
    pub fn heading(&mut self, text: &str) {
        self.0.push(Piece::Heading(text.to_owned()));
    }

    /// Begins a part of a part.
    pub fn subheading(&mut self, text: &str) {
        self.0.push(Piece::Subheading(text.to_owned()));
    }

    /// A paragraph.
    pub fn text(&mut self, text: &str, paint: Paint) {
        self.0.push(Piece::Text(text.to_owned(), paint));
    }

    /// A value with its name.
    pub fn labelled(&mut self, label: &str, text: &str) {
        self.0.push(Piece::Labelled(label.to_owned(), text.to_owned()));
    }

    /// A numbered step.
    pub fn step(&mut self, number: usize, text: &str) {
        self.0.push(Piece::Step(number, text.to_owned()));
    }

    /// One of several points.
    pub fn point(&mut self, text: &str) {
        self.0.push(Piece::Point(text.to_owned()));
    }

    /// A term and its explanation.
    pub fn entry(&mut self, term: &str, text: &str) {
        self.0.push(Piece::Entry(term.to_owned(), text.to_owned()));
    }

    /// Something to read elsewhere.
    pub fn link(&mut self, title: &str, url: &str) {
        self.0.push(Piece::Link(title.to_owned(), url.to_owned()));
    }

    /// Lines to be copied.
    pub fn command(&mut self, command: &str) {
        self.0.push(Piece::Command(command.to_owned()));
    }

    /// The command that shows that it worked.
    pub fn verify(&mut self, command: &str) {
        self.0.push(Piece::Verify(command.to_owned()));
    }

    /// A table.
    pub fn table<const N: usize>(&mut self, head: [&str; N], rows: &[[String; N]]) {
        let rows = rows.iter().map(|row| row.to_vec()).collect();
        self.0.push(Piece::Table(head.map(str::to_owned).to_vec(), rows));
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.0.push(Piece::Gap);
    }

    /// For a terminal.
    pub fn on_terminal(&self, style: &Style) -> String {
        let mut page = Page::new(style);
        for piece in &self.0 {
            show(&mut page, piece);
        }
        page.finish()
    }

    /// As a page of HTML that needs nothing else.
    pub fn as_html(&self) -> String {
        html::page(&self.0)
    }

    /// As Markdown.
    pub fn as_markdown(&self) -> String {
        let mut text = String::new();
        let mut before = Kind::Start;
        for piece in self.0.iter().filter(|piece| !matches!(piece, Piece::Gap)) {
            let kind = Kind::of(piece);
            if before != Kind::Start && !(kind == before && kind != Kind::Alone) {
                text.push('\n');
            }
            text.push_str(&written(piece));
            before = kind;
        }
        text
    }
}

fn show(page: &mut Page<'_>, piece: &Piece) {
    match piece {
        Piece::Title(text) => page.text(0, text, Paint::Bold),
        Piece::Heading(text) => page.heading(text),
        Piece::Subheading(text) => {
            page.blank();
            page.text(0, text, Paint::Bold);
        }
        Piece::Text(text, paint) => page.text(0, text, *paint),
        Piece::Labelled(label, text) => page.labelled(label, text, Paint::Plain),
        Piece::Step(number, text) => page.hang(2, &format!("{number}. "), text, Paint::Plain),
        Piece::Point(text) => page.hang(0, "- ", text, Paint::Plain),
        Piece::Entry(term, text) => {
            page.text(0, term, Paint::Bold);
            page.text(4, text, Paint::Plain);
        }
        Piece::Link(title, url) => {
            page.text(0, title, Paint::Plain);
            page.text(4, url, Paint::Dim);
        }
        Piece::Command(command) => {
            page.blank();
            page.command(4, command);
            page.blank();
        }
        Piece::Verify(command) => page.labelled_command("Verify", command),
        Piece::Table(head, rows) => match rows.first().map_or(head.len(), Vec::len) {
            2 => grid::put(page, sized::<2>(head), &rows.iter().map(|row| owned(row)).collect::<Vec<_>>()),
            _ => grid::put(page, sized::<3>(head), &rows.iter().map(|row| owned(row)).collect::<Vec<_>>()),
        },
        Piece::Gap => page.blank(),
    }
}

fn sized<const N: usize>(head: &[String]) -> [&str; N] {
    std::array::from_fn(|index| head.get(index).map_or("", String::as_str))
}

fn owned<const N: usize>(row: &[String]) -> [String; N] {
    std::array::from_fn(|index| row.get(index).cloned().unwrap_or_default())
}

/// Pieces of one kind stand together without an empty line between them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    Bullets,
    Steps,
    Alone,
}

impl Kind {
    fn of(piece: &Piece) -> Self {
        match piece {
            Piece::Labelled(..) | Piece::Point(_) | Piece::Entry(..) | Piece::Link(..) | Piece::Verify(_) => {
                Self::Bullets
            }
            Piece::Step(..) => Self::Steps,
            _ => Self::Alone,
        }
    }
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Title(text) => format!("# {}\n", escaped(text)),
        Piece::Heading(text) => format!("## {}\n", escaped(text)),
        Piece::Subheading(text) => format!("### {}\n", escaped(text)),
        Piece::Text(text, Paint::Bold) => format!("**{}**\n", escaped(text)),
        Piece::Text(text, _) => format!("{}\n", escaped(text)),
        Piece::Labelled(label, text) if is_address(text) => {
            format!("- {}: <{}>\n", escaped(label), text.replace(['<', '>'], ""))
        }
        Piece::Labelled(label, text) => format!("- {}: {}\n", escaped(label), escaped(text)),
        Piece::Step(number, text) => format!("{number}. {}\n", escaped(text)),
        Piece::Point(text) => format!("- {}\n", escaped(text)),
        Piece::Entry(term, text) => format!("- `{}`: {}\n", term.replace('`', "'"), escaped(text)),
        Piece::Link(title, url) => format!("- [{}](<{}>)\n", escaped(title), url.replace(['<', '>'], "")),
        Piece::Command(command) => format!("```\n{}\n```\n", command.trim().replace("```", "'''")),
        Piece::Verify(command) => format!("- Verify: `{}`\n", command.replace('`', "'")),
        Piece::Table(head, rows) => {
            let line = |cells: &[String]| {
                let cells: Vec<String> = cells.iter().map(|cell| escaped(cell).replace('|', "\\|")).collect();
                format!("| {} |\n", cells.join(" | "))
            };
            let under: Vec<String> = head.iter().map(|_| "---".to_owned()).collect();
            let rows: String = rows.iter().map(|row| line(row)).collect();
            line(head) + &format!("|{}|\n", under.join("|")) + &rows
        }
        Piece::Gap => String::new(),
    }
}

/// Whether a text is an address and nothing else.
fn is_address(text: &str) -> bool {
    text.starts_with("https://") && !text.contains(char::is_whitespace)
}

/// One paragraph in which nothing means more than it says.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in super::wrap::plain(text.trim()).chars() {
        if matches!(c, '<' | '>' | '*' | '_' | '[' | ']' | '\\' | '#') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::default();
        sheet.title("a_b");
        sheet.labelled("Area", "x");
        sheet.labelled("Since", "y");
        sheet.heading("Steps");
        sheet.step(1, "see <this>");
        sheet.command("do | that\n");
        sheet.table(["A", "B"], &[["1|2".into(), "3".into()]]);
        sheet
    }

    #[test]
    fn markdown_keeps_every_character_harmless() {
        let wanted = "# a\\_b\n\n- Area: x\n- Since: y\n\n## Steps\n\n1. see \\<this\\>\n\n```\ndo | that\n```\n\n| A | B \
                      |\n|---|---|\n| 1\\|2 | 3 |\n";
        assert_eq!(sheet().as_markdown(), wanted);
    }

    #[test]
    fn a_terminal_shows_the_same_pieces() {
        let text = sheet().on_terminal(&Style::default());
        for part in ["a_b", "Area", "Steps\n─────", "1. see <this>", "    do | that", "1|2"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
