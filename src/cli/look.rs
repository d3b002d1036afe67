//! How text looks on this terminal: width, color, characters.

use std::io::IsTerminal;

use super::args::{Color, Look};
use crate::report::Style;

/// Columns where there is no terminal to ask.
const USUAL_WIDTH: usize = 80;

/// Of standard output; `to_file` when the document goes to a file instead.
pub fn stdout(look: &Look, to_file: bool) -> Style {
    let terminal = !to_file && std::io::stdout().is_terminal();
    Style { width: width(terminal), color: color(look.color, terminal), unicode: unicode(look) }
}

/// Of standard error.
pub fn stderr(look: &Look) -> Style {
    let terminal = std::io::stderr().is_terminal();
    Style { width: width(terminal), color: color(look.color, terminal), unicode: unicode(look) }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn width(terminal: bool) -> usize {
    let asked = env("COLUMNS").and_then(|columns| columns.parse().ok());
    let told = || comfy_table::Table::new().width().filter(|_| terminal).map(usize::from);
    asked.or_else(told).unwrap_or(USUAL_WIDTH).clamp(40, 160)
}

fn color(asked: Color, terminal: bool) -> bool {
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && env("NO_COLOR").is_none() && env("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// ASCII when asked for, or when the locale knows nothing else.
fn unicode(look: &Look) -> bool {
    let locale = env("LC_ALL").or_else(|| env("LC_CTYPE")).or_else(|| env("LANG"));
    !look.ascii && locale.is_none_or(|locale| !matches!(locale.as_str(), "C" | "POSIX"))
}
