//! Texts in a JSON document that may be cut off in the middle.

/// Replaces every text that is a value; what comes before it as its key is told. Of a text without an end
/// nothing stays but what `cut` says, because it may be a piece of anything.
pub fn each_string(
    json: &str,
    mut shown: impl FnMut(&str, &str) -> String,
    mut cut: impl FnMut(&str, &str) -> Option<String>,
) -> String {
    let (mut out, mut at, mut key) = (String::with_capacity(json.len()), 0, String::new());
    while let Some(open) = json[at..].find('"').map(|next| at + next) {
        out.push_str(&json[at..open]);
        let Some(end) = closing(json, open) else {
            if let Some(words) = cut(&key, &json[open + 1..]) {
                out.push('"');
                out.push_str(&words);
            }
            out.push('…');
            return out;
        };
        let raw = &json[open..=end];
        let text: String = serde_json::from_str(raw).unwrap_or_default();
        at = end + 1;
        if json[at..].trim_start().starts_with(':') {
            out.push_str(&if is_name(&text) { raw.to_owned() } else { quote(&shown("", &text)) });
            key = text;
        } else {
            out.push_str(&quote(&shown(&key, &text)));
        }
    }
    out.push_str(&json[at..]);
    out
}

/// Where the text that opens at a place ends.
fn closing(json: &str, open: usize) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in json.bytes().enumerate().skip(open + 1) {
        match byte {
            b'"' if !escaped => return Some(at),
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    None
}

/// Whether it is the name of a field, and not an address or a name in its place.
fn is_name(key: &str) -> bool {
    key.len() <= 64
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "@._-".contains(c))
        && !is_address(key)
}

fn is_address(key: &str) -> bool {
    key.find('@').is_some_and(|at| at > 0) && !key.contains("@odata") && !key.contains("@data")
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_and_a_cut_one_is_dropped() {
        let json = r#"{"id":"a\"b","list":["c",{"x@odata.type":"d"}],"n":3,"cut":"ali"#;
        let shown = each_string(json, |key, value| format!("{key}={value}"), |_, _| None);
        assert_eq!(
            shown,
            r#"{"id":"id=a\"b","list":["list=c",{"x@odata.type":"x@odata.type=d"}],"n":3,"cut":…"#
        );
    }
}
