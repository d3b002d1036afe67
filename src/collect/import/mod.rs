//! Imports: what no API tells about an Exchange Server, written to a file by a PowerShell script and
//! read here, bounded and forgiving of PowerShell's habits.
//!
//! An import fills facts of the account that it was made for. What was seen live always counts more;
//! where both differ, both are kept. Opens no file and asks no server.

mod directory;
mod fill;
mod lax;
mod mailbox;
mod rbac;
mod shape;
mod text;

pub(super) use fill::fill;
pub use shape::File as Shape;

/// Version of the import format that this build reads and whose script it prints.
pub const FORMAT: u64 = 1;

/// Marks a JSON file as an import.
pub const KIND: &str = "syncready-import";

/// Largest file that is read.
pub const MAX_BYTES: u64 = 16 << 20;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Import {
    /// Name as the user gave it.
    pub name: String,
    shape: Shape,
}

/// Why a file is no import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// Line, counted from 1.
    pub line: usize,
    /// Column, counted from 1.
    pub column: usize,
}

impl Import {
    /// Reads an import from the bytes of a file.
    ///
    /// # Errors
    ///
    /// When they are no text, no JSON, cut off, no import, of a newer format, or beyond a bound.
    pub fn parse(name: impl Into<String>, bytes: &[u8]) -> Result<Self, Refusal> {
        let text = text::decode(bytes)?;
        text::bounded(&text)?;
        head(&text)?;
        let shape: Shape = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(&text))
            .map_err(|error| {
            let path = error.path().to_string();
            refusal(error.inner(), &format!(" in `{path}`"))
        })?;
        if shape.made_at.0.is_none() {
            let at = text::position_of(&text, "\"made_at\"");
            return Err(Refusal {
                message: "`made_at` is no time; one like 2026-11-21T08:00:00Z is wanted".into(),
                ..at
            });
        }
        Ok(Self { name: name.into(), shape })
    }

    /// When it was made, RFC 3339, UTC.
    fn made_at(&self) -> &str {
        self.shape.made_at.0.as_deref().unwrap_or_default()
    }

    /// Its part about an account.
    fn account(&self, address: &str) -> Option<&shape::Account> {
        self.shape.accounts.items.iter().find(|account| account.address.is(address))
    }
}

/// What a file claims to be, before its shape is looked at.
fn head(text: &str) -> Result<(), Refusal> {
    #[derive(serde::Deserialize)]
    struct Head {
        kind: Option<serde_json::Value>,
        format: Option<serde_json::Value>,
    }
    let head: Head = serde_json::from_str(text).map_err(|error| refusal(&error, ""))?;
    let found = head.kind.as_ref().map_or_else(|| "missing".to_owned(), ToString::to_string);
    if head.kind.as_ref().and_then(|kind| kind.as_str()) != Some(KIND) {
        let found: String = found.chars().take(80).collect();
        let message = format!("this is JSON, but no import: its \"kind\" is {found}, not \"{KIND}\"");
        return Err(Refusal { message, ..text::position_of(text, "\"kind\"") });
    }
    match head.format.as_ref().and_then(serde_json::Value::as_u64) {
        Some(1..=FORMAT) => Ok(()),
        Some(newer) if newer > FORMAT => Err(Refusal {
            message: format!(
                "the import has format {newer}; this version reads up to {FORMAT}: use a newer syncready"
            ),
            ..text::position_of(text, "\"format\"")
        }),
        _ => Err(Refusal {
            message: format!("the import has no \"format\"; a number up to {FORMAT} is wanted"),
            ..text::position_of(text, "\"format\"")
        }),
    }
}

/// The parser's refusal in our words.
fn refusal(error: &serde_json::Error, place: &str) -> Refusal {
    let full = error.to_string();
    let what = full.split(" at line ").next().unwrap_or(&full);
    let message = if error.is_eof() {
        format!("the import is cut off: {what}")
    } else if error.is_syntax() {
        format!("the import is not JSON: {what}")
    } else {
        format!("the import has another shape than the script gives it{place}: {what}")
    };
    Refusal { message, line: error.line().max(1), column: error.column().max(1) }
}

#[cfg(test)]
mod tests;
