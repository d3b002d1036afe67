//! Takes secrets out of what is kept as evidence.

use serde_json::Value;
use url::Url;

/// Longest answer kept, in characters.
const KEPT: usize = 300;
/// Longest part of an answer that is looked at.
const READ: usize = 16 << 10;

const SECRET_KEYS: &[&str] = &[
    "access_token",
    "assertion",
    "auth_code",
    "client_assertion",
    "client_secret",
    "code",
    "device_code",
    "id_token",
    "passwd",
    "password",
    "pwd",
    "refresh_token",
    "samlresponse",
    "secret",
    "secrettext",
    "sig",
    "signature",
    "token",
    "user_code",
];
const REMOVED: &str = "[removed]";

fn is_secret_key(key: &str) -> bool {
    SECRET_KEYS.contains(&key.to_ascii_lowercase().as_str())
}

/// `code` is also the key of every Graph error, and `token` a common word: short values stay.
fn is_secret(key: &str, value: &str) -> bool {
    let harmless = ["code", "token"].contains(&key) && value.len() < 64;
    is_secret_key(key) && !harmless && !value.is_empty() && value != REMOVED
}

/// A URL without credentials, and without the values of query parameters that carry secrets.
pub fn url(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_fragment(None);
    if url.query_pairs().any(|(key, _)| is_secret_key(&key)) {
        shown.query_pairs_mut().clear();
        for (key, value) in url.query_pairs() {
            let value = if is_secret_key(&key) { REMOVED } else { &value };
            shown.query_pairs_mut().append_pair(&key, value);
        }
    }
    shown.into()
}

/// The beginning of an answer's body, on one line, without the given secrets and without anything
/// that looks like one.
pub fn answer(body: &[u8], secrets: &[String]) -> Option<String> {
    let head = &body[..body.len().min(READ)];
    let text = match serde_json::from_slice::<Value>(head) {
        Ok(mut value) => {
            scrub(&mut value);
            value.to_string()
        }
        Err(_) => String::from_utf8_lossy(head).into_owned(),
    };
    self::text(&text, secrets)
}

/// A text on one line, bounded, without the given secrets and without anything that looks like one.
pub fn text(text: &str, secrets: &[String]) -> Option<String> {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        text = text.replace(secret.as_str(), REMOVED);
    }
    let words: Vec<_> = text.split_whitespace().collect();
    let mut kept = String::new();
    let mut hide_next = false;
    for word in words {
        if !kept.is_empty() {
            kept.push(' ');
        }
        let hide = hide_next && !is_prose(word);
        kept.push_str(&if hide { REMOVED.to_owned() } else { hide_tokens(word) });
        hide_next = ["bearer", "basic"].contains(&word.to_ascii_lowercase().as_str());
    }
    kept.retain(|c| !c.is_control());
    if kept.chars().count() > KEPT {
        kept = kept.chars().take(KEPT - 1).chain(['…']).collect();
    }
    (!kept.is_empty()).then_some(kept)
}

/// "Basic authentication" is prose, "Basic dXNlcjpwYXNz" is not.
fn is_prose(word: &str) -> bool {
    let word = word.trim_end_matches([',', '.', ':', ';']);
    word.contains("=\"") || word.chars().all(|c| c.is_ascii_lowercase())
}

/// Replaces `key=value` and `"key":"value"` of secret keys, and JSON web tokens, within a word.
fn hide_tokens(word: &str) -> String {
    let mut shown = String::new();
    for part in word.split_inclusive(['&', ';', ',', '{', '}', '<', '>']) {
        let (text, end) = match part.char_indices().next_back() {
            Some((at, last)) if "&;,{}<>".contains(last) => (&part[..at], &part[at..]),
            _ => (part, ""),
        };
        let pair = text.split_once(['=', ':']);
        match pair {
            Some((key, value)) if is_secret(key.trim_matches(['"', '\'', '?']), value.trim_matches('"')) => {
                shown.push_str(&text[..=key.len()]);
                shown.push_str(REMOVED);
            }
            _ if text.contains("eyJ") && text.contains('.') => shown.push_str(REMOVED),
            _ => shown.push_str(text),
        }
        shown.push_str(end);
    }
    shown
}

fn scrub(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if is_secret(key, value.as_str().unwrap_or(REMOVED)) {
                    *value = Value::String(REMOVED.into());
                } else {
                    scrub(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(scrub),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_leave_json_and_error_codes_stay() {
        let body = br#"{"access_token":"abcdefgh","error":{"code":"ErrorAccessDenied"}}"#;
        let shown = answer(body, &[]).expect("text");
        assert!(!shown.contains("abcdefgh") && shown.contains("ErrorAccessDenied"), "{shown}");
    }

    #[test]
    fn what_was_sent_as_a_secret_is_not_echoed() {
        let shown = answer(b"<p>wrong password: hunter22!</p>", &["hunter22!".into()]).expect("text");
        assert!(!shown.contains("hunter22"), "{shown}");
    }

    #[test]
    fn secrets_in_plain_text_are_hidden() {
        let shown = text("Authorization: Bearer abc.def and client_secret=qwertz&x=1", &[]).expect("text");
        assert!(!shown.contains("abc.def") && !shown.contains("qwertz") && shown.contains("x=1"), "{shown}");
    }

    #[test]
    fn urls_lose_credentials_and_secret_parameters() {
        let shown = url(&"https://a:b@contoso.com/x?code=geheim&Email=c%40d.e".parse().expect("a URL"));
        assert_eq!(shown, "https://contoso.com/x?code=%5Bremoved%5D&Email=c%40d.e");
    }
}
