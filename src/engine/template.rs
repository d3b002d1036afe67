//! Texts with `{{ expression }}` in them: messages, steps and commands.

use cel::Context;
use cel::common::types::{CelBool, CelDouble, CelDuration, CelInt, CelNull, CelString, CelTimestamp};
use cel::common::value::Val;

use super::expr::{Expr, Names, Problem};

/// For which shell values are quoted in a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// Into a PowerShell command.
    PowerShell,
    /// Into a POSIX shell command.
    Sh,
    /// Into a TOML document.
    Toml,
}

/// A compiled text.
#[derive(Debug, Clone, Default)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    /// A value, and whether it may be left out when a fact is missing.
    Value(Expr, bool),
}

impl Template {
    /// Compiles a text; offsets in problems count from its beginning.
    pub fn compile(source: &str, names: &Names) -> Result<Self, Problem> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find("{{") {
            let inside = &rest[open + 2..];
            let at = source.len() - rest.len() + open;
            let Some(close) = inside.find("}}") else {
                let message = "\"{{\" without \"}}\"".to_owned();
                return Err(Problem { at, len: 2, message, help: None });
            };
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let expression = &inside[..close];
            let lead = expression.len() - expression.trim_start().len();
            let expr = names
                .compile(expression.trim())
                .map_err(|problem| Problem { at: at + 2 + lead + problem.at, ..problem })?;
            let optional = expr.is_optional_text();
            pieces.push(Piece::Value(expr, optional));
            rest = &inside[close + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// Paths that the text may read.
    pub fn reads(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|piece| match piece {
            Piece::Text(_) => None.into_iter().flatten(),
            Piece::Value(expr, _) => Some(expr.reads()).into_iter().flatten(),
        })
    }

    /// The text as prose: missing facts read "not known", and `{{ rule ? text : "" }}` is left out.
    pub fn prose(&self, context: &Context<'_, '_>) -> String {
        self.spoken(context, "not known")
    }

    /// The text where little is known yet: what is missing reads `…`.
    pub fn outline(&self, context: &Context<'_, '_>) -> String {
        self.spoken(context, "…")
    }

    fn spoken(&self, context: &Context<'_, '_>, missing: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Value(expr, optional) => {
                let (value, trace) = expr.value(context);
                match value {
                    Ok(value) if trace.absent.is_empty() => show(value.as_ref()),
                    _ if *optional => String::new(),
                    _ => missing.to_owned(),
                }
            }
        };
        self.0.iter().map(piece).collect()
    }

    /// The text as a command with every value quoted. `None` when a value is missing, or holds a
    /// control character that no quoting makes safe.
    pub fn command(&self, context: &Context<'_, '_>, quoting: Quoting) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Value(expr, _) => {
                    let (value, trace) = expr.value(context);
                    let value = value.ok()?;
                    if !trace.absent.is_empty() || value.downcast_ref::<CelNull>().is_some() {
                        return None;
                    }
                    text.push_str(&quote(value.as_ref(), quoting)?);
                }
            }
        }
        Some(text)
    }
}

/// A value in words.
fn show(value: &dyn Val) -> String {
    if let Some(text) = value.downcast_ref::<CelString>() {
        text.inner().to_owned()
    } else if let Some(number) = value.downcast_ref::<CelInt>() {
        number.inner().to_string()
    } else if let Some(value) = value.downcast_ref::<CelBool>() {
        value.inner().to_string()
    } else if value.downcast_ref::<CelNull>().is_some() {
        "none".to_owned()
    } else if let Some(number) = value.downcast_ref::<CelDouble>() {
        number.inner().to_string()
    } else if let Some(time) = value.downcast_ref::<CelTimestamp>() {
        time.inner().with_timezone(&chrono::Utc).format("%Y-%m-%d").to_string()
    } else if let Some(length) = value.downcast_ref::<CelDuration>() {
        length.inner().to_string()
    } else {
        let items = elements(value, |item| Some(show(item))).unwrap_or_default();
        if items.is_empty() { "none".to_owned() } else { items.join(", ") }
    }
}

fn elements<T>(value: &dyn Val, mut each: impl FnMut(&dyn Val) -> Option<T>) -> Option<Vec<T>> {
    let mut items = Vec::new();
    let list = value.as_iterable()?;
    let mut iter = list.iter();
    while let Some(item) = iter.next() {
        items.push(each(item)?);
    }
    Some(items)
}

fn quote(value: &dyn Val, quoting: Quoting) -> Option<String> {
    if value.downcast_ref::<CelString>().is_none() && value.as_iterable().is_some() {
        let separator = if quoting == Quoting::Sh { " " } else { "," };
        return Some(elements(value, |item| quote(item, quoting))?.join(separator));
    }
    let text = show(value);
    if text.chars().any(char::is_control) {
        return None;
    }
    let plain = value.downcast_ref::<CelInt>().is_some() || value.downcast_ref::<CelBool>().is_some();
    Some(match quoting {
        _ if plain => text,
        // PowerShell takes typographic quotes for quotes as well.
        Quoting::PowerShell => {
            let mut quoted = String::from("'");
            for c in text.chars() {
                quoted.push(c);
                if matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
                    quoted.push(c);
                }
            }
            quoted.push('\'');
            quoted
        }
        Quoting::Toml => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Quoting::Sh if is_safe_word(&text) => text,
        Quoting::Sh => format!("'{}'", text.replace('\'', r"'\''")),
    })
}

fn is_safe_word(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c))
}
