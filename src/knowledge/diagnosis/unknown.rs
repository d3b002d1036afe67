//! Codes in a text that nothing is known of: they are named, never guessed at.

use super::matcher::Matcher;

/// What stands before the numbers of the sign-in service.
const SIGN_IN: &str = "AADSTS";
/// What stands in every text that holds a code.
pub(super) const TRIGGERS: &[&str] = &[
    SIGN_IN,
    ".Error",
    "=Error",
    "\"Error",
    "'Error",
    ">Error",
    ":Error",
    "\"code\":",
    "\"code\" :",
    "ResponseCode>",
];
/// Most unknown codes of one text.
const MOST: usize = 6;
/// Words that look like codes and are none.
const NO_CODES: &[&str] = &[
    "ErrorCode",
    "ErrorMessage",
    "ErrorDetails",
    "ErrorType",
    "ErrorDescription",
    "ErrorReported",
    "ErrorRecord",
    "ErrorResponse",
    "ErrorLevel",
];

/// The unknown codes of a text, in order, each once.
pub(super) fn codes(text: &str, matcher: &Matcher) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let all = sign_in_numbers(text).chain(named(text)).chain(behind_code(text));
    for code in all.filter(|code| matcher.place(code).is_none() && !matcher.knows(code)) {
        if found.len() < MOST && !found.contains(&code) {
            found.push(code);
        }
    }
    found
}

fn sign_in_numbers(text: &str) -> impl Iterator<Item = String> {
    text.match_indices(SIGN_IN).filter_map(|(at, _)| {
        let digits: String =
            text[at + SIGN_IN.len()..].chars().take_while(char::is_ascii_digit).take(12).collect();
        (digits.len() >= 4).then(|| format!("{SIGN_IN}{digits}"))
    })
}

/// `ErrorSomething` where a code stands: behind a dot, an equals sign, a quote or a bracket.
fn named(text: &str) -> impl Iterator<Item = String> {
    text.match_indices("Error").filter_map(|(at, _)| {
        let before = text[..at].chars().next_back()?;
        let name = word(&text[at..]);
        let rest = name.strip_prefix("Error")?;
        let shaped =
            rest.len() > 4 && rest.starts_with(|c: char| c.is_ascii_uppercase()) && !NO_CODES.contains(&name);
        (shaped && ".=\"'>:".contains(before) && !text[at + name.len()..].starts_with(['(', '.', '=']))
            .then(|| name.to_owned())
    })
}

/// The value behind `"code":` and `ResponseCode>`.
fn behind_code(text: &str) -> impl Iterator<Item = String> {
    ["\"code\":", "\"code\" :", "ResponseCode>"].into_iter().flat_map(move |key| {
        text.match_indices(key).filter_map(move |(at, _)| {
            let name = word(text[at + key.len()..].trim_start_matches([' ', '"']));
            let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
            let mixed = name.chars().skip(1).any(|c| c.is_ascii_lowercase());
            (name.len() > 5 && capital && mixed && name != "NoError").then(|| name.to_owned())
        })
    })
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end.min(80)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Knowledge;

    fn found(text: &str) -> Vec<String> {
        codes(text, &Matcher::new(Knowledge::embedded()).expect("builds"))
    }

    #[test]
    fn what_nobody_knows_is_named() {
        assert_eq!(
            found("AADSTS99887766: odd. <m:ResponseCode>ErrorQuiteNew</m:ResponseCode>"),
            ["AADSTS99887766", "ErrorQuiteNew"]
        );
        assert_eq!(
            found("{\"error\":{\"code\":\"SomethingStrange\",\"message\":\"?\"}}"),
            ["SomethingStrange"]
        );
    }

    #[test]
    fn what_is_known_or_no_code_is_not() {
        assert!(found("AADSTS50126 \"code\":\"ErrorAccessDenied\" ResponseCode>NoError< ErrorHandler(x) System.ErrorRecord").is_empty());
    }
}
