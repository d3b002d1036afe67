//! Reading the bodies of requests: one property at a time, each of the type that the model gives it.

use serde_json::{Map, Value};

use crate::lab::graph::error::Refusal;
use crate::lab::graph::routes::Call;
use crate::lab::graph::schema;
use crate::lab::store::Mailbox;
use base64::{Engine, prelude::BASE64_STANDARD};

/// A body whose value has the wrong type.
pub(super) fn wrong(name: &str) -> Refusal {
    let text =
        format!("An error has occurred reading the property '{name}': its value is of the wrong type.");
    Refusal::new(400, "RequestBodyRead", text)
}

/// One property of a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a Value,
}

impl<'a> Field<'a> {
    /// A text; empty for null.
    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        match self.value {
            Value::Null => Ok(""),
            Value::String(text) => Ok(text),
            _ => Err(wrong(self.name)),
        }
    }

    /// A truth.
    pub(super) fn truth(&self) -> Result<bool, Refusal> {
        self.value.as_bool().ok_or_else(|| wrong(self.name))
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self) -> Result<u32, Refusal> {
        self.value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or_else(|| wrong(self.name))
    }

    /// A list; empty for null.
    pub(super) fn list(&self) -> Result<&'a [Value], Refusal> {
        match self.value {
            Value::Null => Ok(&[]),
            Value::Array(list) => Ok(list),
            _ => Err(wrong(self.name)),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, Refusal> {
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(self.name));
        self.list()?.iter().map(text).collect()
    }

    /// One of the words of an enumeration; null is its first.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Refusal> {
        let wanted = self.text()?;
        let found = words.iter().find(|(word, _)| wanted.is_empty() || word.eq_ignore_ascii_case(wanted));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| wrong(self.name))
    }
}

/// The word for a meaning.
pub(super) fn word_of<T: Copy + PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, own)| *own == meaning).map_or("", |(word, _)| *word)
}

/// The properties of a request's body; one that the type does not have is refused.
pub(super) fn fields(call: &Call, entity: &str) -> Result<Map<String, Value>, Refusal> {
    let Value::Object(body) = call.body()? else {
        return Err(Refusal::new(400, "RequestBodyRead", "The body is no JSON object."));
    };
    let known = schema::entity(entity);
    let unknown = body.keys().find(|name| {
        !name.contains('@') && known.spelled(name).is_none() && !known.navigation.contains(&name.as_str())
    });
    match unknown {
        Some(name) => Err(Refusal::new(
            400,
            "RequestBodyRead",
            format!(
                "The property '{name}' does not exist on type 'microsoft.graph.{entity}'. Make sure to only use property \
                 names that are defined by the type."
            ),
        )),
        None => Ok(body),
    }
}

/// The change that the caller knows, from `If-Match`; one of another mailbox is none that is current.
pub(super) fn expected(call: &Call, mailbox: &Mailbox) -> Option<u64> {
    let wanted = call.ask.header("if-match")?.trim();
    if wanted == "*" {
        return None;
    }
    let key = wanted.trim_start_matches("W/").trim_matches('"');
    let known = BASE64_STANDARD.decode(key).ok().and_then(|key| mailbox.change_of(&key));
    Some(known.unwrap_or(u64::MAX))
}

/// A change key as text.
pub(super) fn change_key(mailbox: &Mailbox, change: u64) -> String {
    BASE64_STANDARD.encode(mailbox.change_key(change))
}

/// Text as HTML.
pub(super) fn to_html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let lines = escaped.replace("\r\n", "\n").replace('\n', "<br>\r\n");
    format!(
        "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head><body>{lines}</body></html>"
    )
}

/// HTML as text: without its elements.
pub(super) fn to_text(html: &str) -> String {
    let body =
        html.split_once("<body").map_or(html, |(_, body)| body.split_once('>').map_or("", |(_, body)| body));
    let mut text = String::new();
    for (place, part) in body.split('<').enumerate() {
        let shown = if place == 0 { part } else { part.split_once('>').map_or("", |(_, rest)| rest) };
        text.push_str(shown);
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_being_shown_as_html() {
        let text = "a < b & c\r\nd";
        assert_eq!(to_text(&to_html(text)), text);
    }
}
