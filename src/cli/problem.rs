//! What the user did wrong: one clear message with its place and the valid choices.

use std::{fmt::Write, ops::Range};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet, renderer::DecorStyle};

/// A refusal of the caller's input; ends with [`exit::USAGE`](super::exit::USAGE).
#[derive(Debug, Clone)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    message: String,
    place: Place,
    help: Vec<String>,
    more: Vec<Problem>,
}

#[derive(Debug, Clone)]
enum Place {
    Nowhere,
    Position { file: String, line: usize, column: usize },
    Span { file: String, text: String, span: Range<usize>, label: String },
}

impl Problem {
    /// A problem without a place in a file.
    pub fn new(message: impl Into<String>) -> Self {
        let (place, help, more) = (Place::Nowhere, Vec::new(), Vec::new());
        Self(Box::new(Parts { message: message.into(), place, help, more }))
    }

    /// Several problems as one, told one after the other; `None` where there are none.
    pub fn all(problems: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut problems = problems.into_iter();
        let mut first = problems.next()?;
        first.0.more.extend(problems);
        Some(first)
    }

    /// At a line and column of a file that is not shown.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.0.place = Place::Position { file: file.into(), line, column };
        self
    }

    /// At a range of a text that is shown, without the secrets that may stand in it.
    #[must_use]
    pub fn within(mut self, file: &str, text: &str, span: Range<usize>, label: impl Into<String>) -> Self {
        let text = mask_secrets(text);
        let span = first_line(&text, span);
        self.0.place = Place::Span { file: file.to_owned(), text, span, label: label.into() };
        self
    }

    /// At a range of a text in which no secret can stand.
    #[must_use]
    pub fn within_plain(
        mut self,
        file: &str,
        text: &str,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> Self {
        let span = first_line(text, span);
        self.0.place =
            Place::Span { file: file.to_owned(), text: text.to_owned(), span, label: label.into() };
        self
    }

    /// With a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    /// With the nearest of the valid names, and all of them if they are few.
    #[must_use]
    pub fn choices<S: AsRef<str>>(mut self, given: &str, valid: &[S], what: &str) -> Self {
        if let Some(near) = nearest(given, valid) {
            self.0.help.push(format!("did you mean `{near}`?"));
        }
        let names: Vec<&str> = valid.iter().map(AsRef::as_ref).collect();
        if (1..=MANY).contains(&names.len()) {
            self.0.help.push(format!("valid {what}: {}", names.join(", ")));
        }
        self
    }

    /// The message alone.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// As rustc would print it.
    pub fn render(&self, color: bool, unicode: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let characters = if unicode { DecorStyle::Unicode } else { DecorStyle::Ascii };
        let mut group = Level::ERROR
            .primary_title(self.0.message.as_str())
            .elements(Vec::<annotate_snippets::Snippet<'_, annotate_snippets::Annotation<'_>>>::new());
        match &self.0.place {
            Place::Nowhere => {}
            Place::Position { file, line, column } => {
                let origin = annotate_snippets::Origin::path(file.as_str()).line(*line).char_column(*column);
                group = group.element(origin);
            }
            Place::Span { file, text, span, label } => {
                let annotation = AnnotationKind::Primary.span(span.clone()).label(label.as_str());
                group =
                    group.element(Snippet::source(text.as_str()).path(file.as_str()).annotation(annotation));
            }
        }
        for help in &self.0.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let mut text = renderer.decor_style(characters).render(&[group]);
        let _ = writeln!(text);
        for problem in &self.0.more {
            let _ = write!(text, "\n{}", problem.render(color, unicode));
        }
        text
    }
}

/// How many valid names are still a help.
const MANY: usize = 24;

/// The valid name that is written most alike, if any is near.
pub fn nearest<'a, S: AsRef<str>>(given: &str, valid: &'a [S]) -> Option<&'a str> {
    let score = |name: &str| {
        let tail = name.rsplit('/').next().unwrap_or(name);
        strsim::jaro_winkler(given, name).max(strsim::jaro_winkler(given, tail))
    };
    let best = valid.iter().map(|name| (name.as_ref(), score(name.as_ref())));
    best.filter(|(_, score)| *score > 0.75).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, _)| name)
}

/// Cuts a span at the end of its first line, and at the end of the text.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let mut start = span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let mut end = span.end.clamp(start, line_end);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// Words in a line that make what stands in its quotes a secret.
const SENSITIVE: &[&str] = &["secret", "pass", "pwd", "token", "key"];

/// Keys whose text says where a secret is, and is none itself.
const POINTERS: &[&str] = &["env", "file"];

/// Overwrites with `*` every text that may be a secret; lengths in bytes stay as they are.
fn mask_secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut open: Option<&'static str> = None;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let sensitive = open.is_some() || SENSITIVE.iter().any(|word| lower.contains(word));
        if sensitive {
            open = mask_line(line, open, &mut masked);
        } else {
            masked.push_str(line);
        }
    }
    masked
}

/// Masks the quoted parts of one line; returns the multi-line quote that is still open at its end.
fn mask_line(line: &str, open: Option<&'static str>, masked: &mut String) -> Option<&'static str> {
    let mut quote = open;
    let mut hide = open.is_some();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some(mark) = quote {
            if let Some(after) = rest.strip_prefix(mark) {
                masked.push_str(mark);
                (quote, rest) = (None, after);
                continue;
            }
            let keep = !hide || first == '\n';
            if keep {
                masked.push(first);
            } else {
                masked.extend(std::iter::repeat_n('*', first.len_utf8()));
            }
        } else if let Some(mark) =
            ["\"\"\"", "'''", "\"", "'"].into_iter().find(|mark| rest.starts_with(*mark))
        {
            hide = !points_elsewhere(&line[..line.len() - rest.len()]);
            masked.push_str(mark);
            (quote, rest) = (Some(mark), &rest[mark.len()..]);
            continue;
        } else {
            masked.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    quote.filter(|mark| mark.len() == 3)
}

/// Whether the key right before a quote names a place and no secret.
fn points_elsewhere(before: &str) -> bool {
    let before = before.trim_end();
    let Some(key) = before.strip_suffix('=') else {
        return before.is_empty() || before.ends_with(['{', '.']);
    };
    let key = key.trim_end();
    POINTERS.iter().any(|pointer| {
        key.strip_suffix(pointer)
            .is_some_and(|head| !head.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// What went wrong with a file, without the number that the system adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string().to_lowercase();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_file_line_and_column() {
        let text = "[tenant]\ndomian = \"contoso.com\"\n";
        let problem = Problem::new("unknown key `domian`").within("a.toml", text, 9..15, "not known here");
        let rendered = problem.render(false, false);
        assert!(rendered.contains("a.toml:2:1"), "{rendered}");
    }

    #[test]
    fn a_position_is_shown_without_the_text() {
        let rendered = Problem::new("cut off").at("facts.json", 3, 7).render(false, false);
        assert!(rendered.contains("facts.json:3:7"), "{rendered}");
    }

    #[test]
    fn the_nearest_name_is_offered() {
        let problem = Problem::new("unknown key `domian`").choices("domian", &["id", "domain"], "keys");
        assert!(problem.render(false, false).contains("did you mean `domain`?"));
    }

    #[test]
    fn nothing_is_offered_when_nothing_is_near() {
        assert_eq!(nearest("zzz", &["domain"]), None);
    }

    #[test]
    fn a_literal_secret_is_not_shown() {
        let masked = mask_secrets("secret = \"hunter2\"\nname = \"x\"\n");
        assert_eq!(masked, "secret = \"*******\"\nname = \"x\"\n");
    }

    #[test]
    fn a_secret_over_several_lines_is_not_shown() {
        let masked = mask_secrets("secret = \"\"\"hun\nter2\"\"\"\nname = \"x\"\n");
        assert_eq!(masked, "secret = \"\"\"***\n****\"\"\"\nname = \"x\"\n");
    }

    #[test]
    fn an_unfinished_secret_is_not_shown() {
        assert_eq!(mask_secrets("secret = \"hunter2\nname = 1\n"), "secret = \"*******\nname = 1\n");
    }

    #[test]
    fn the_name_of_a_variable_stays() {
        let line = "secret = { env = \"SYNC_SECRET\" }\n";
        assert_eq!(mask_secrets(line), line);
    }

    #[test]
    fn a_span_over_several_lines_is_cut() {
        assert_eq!(first_line("ab\ncd", 1..5), 1..2);
    }
}
