//! Secrets that stand in a log: found, and taken out of everything that is shown.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::matcher::build;

/// What stands in the place of a secret.
pub(super) const REMOVED: &str = "[secret removed]";

/// Longest value that is looked at.
const LONGEST: usize = 16 << 10;

/// A kind of secret: what stands before it, and how its value is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A token behind a word.
    Token,
    /// User and password in base64.
    Basic,
    /// A long answer of NTLM or Kerberos.
    Answer,
    /// A value behind `key=` or `"key":`.
    Value,
    /// A token that is told by its own beginning.
    Jwt,
    /// A client secret of Entra, told by a sign in its middle.
    Entra,
    /// User and password before a host.
    Address,
    /// The rest of the line.
    Line,
}

const TRIGGERS: &[(&str, Form, &str)] = &[
    ("bearer ", Form::Token, "access token"),
    ("basic ", Form::Basic, "password (Basic)"),
    ("ntlm tlrm", Form::Answer, "NTLM answer"),
    ("negotiate y", Form::Answer, "Kerberos ticket"),
    ("client_secret", Form::Value, "client secret"),
    ("clientsecret", Form::Value, "client secret"),
    ("client secret", Form::Value, "client secret"),
    ("client_assertion", Form::Value, "signed assertion"),
    ("refresh_token", Form::Value, "refresh token"),
    ("refreshtoken", Form::Value, "refresh token"),
    ("access_token", Form::Value, "access token"),
    ("accesstoken", Form::Value, "access token"),
    ("id_token", Form::Value, "id token"),
    ("password", Form::Value, "password"),
    ("passwort", Form::Value, "password"),
    ("passwd", Form::Value, "password"),
    ("pwd", Form::Value, "password"),
    ("api_key", Form::Value, "key"),
    ("apikey", Form::Value, "key"),
    ("accountkey", Form::Value, "key"),
    ("sharedaccesskey", Form::Value, "key"),
    ("private_key", Form::Value, "key"),
    ("eyj", Form::Jwt, "token"),
    ("q~", Form::Entra, "client secret"),
    ("://", Form::Address, "password in an address"),
    ("set-cookie:", Form::Line, "cookie"),
    ("\ncookie:", Form::Line, "cookie"),
    ("auth xoauth2 ", Form::Answer, "access token"),
];

static AUTOMATON: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| build(TRIGGERS.iter().map(|(text, ..)| text), AhoCorasickKind::DFA).ok());

/// The words behind which secrets stand, for a quick look at long logs.
pub(super) fn triggers() -> impl Iterator<Item = &'static str> {
    TRIGGERS.iter().map(|(text, ..)| *text)
}

/// The secret behind a trigger that ends at `end`: its bytes and its kind.
pub(super) fn behind(
    text: &[u8],
    trigger: usize,
    start: usize,
    end: usize,
) -> Option<(Range<usize>, &'static str)> {
    let (_, form, kind) = TRIGGERS[trigger];
    let range = match form {
        Form::Token => run(text, end, token_byte).filter(|range| range.len() >= 20),
        Form::Basic => run(text, end, base64_byte).filter(|range| holds_password(&text[range.clone()])),
        Form::Answer => run(text, start, |byte| base64_byte(byte) || byte == b' ')
            .map(|range| end - 1..range.end)
            .filter(|range| range.len() >= 40),
        Form::Value => value(text, start, end),
        Form::Jwt => jwt(text, start),
        Form::Entra => entra(text, start),
        Form::Address => address(text, end),
        Form::Line => run(text, end, |byte| byte != b'\n' && byte != b'\r').filter(|range| range.len() >= 8),
    };
    let range = range?;
    (!is_removed(&text[range.clone()])).then_some((range, kind))
}

fn token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

fn base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
}

/// Bytes of one sort from a place on.
fn run(text: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let count = text.get(from..)?.iter().take(LONGEST).take_while(|byte| wanted(**byte)).count();
    (count > 0).then_some(from..from + count)
}

fn holds_password(value: &[u8]) -> bool {
    let trimmed: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'=').collect();
    value.len() >= 8 && STANDARD_NO_PAD.decode(trimmed).is_ok_and(|decoded| decoded.contains(&b':'))
}

/// The value behind a key: quotes, equals signs, colons and escapes lie between.
fn value(text: &[u8], start: usize, end: usize) -> Option<Range<usize>> {
    if start > 0 && text[start - 1].is_ascii_alphabetic() {
        return None; // Part of another word.
    }
    let rest = text.get(end..)?;
    let gap = rest.iter().take(12).take_while(|byte| b"\"'\\: =>".contains(byte)).count();
    let between = &rest[..gap];
    let assigned = between.contains(&b'=') || between.contains(&b'>');
    let quoted = between.iter().filter(|byte| b"\"'".contains(byte)).count() > 0 && between.contains(&b':');
    let spoken = between.contains(&b':');
    if !(assigned || quoted || spoken) {
        return None;
    }
    let range =
        run(text, end + gap, |byte| !byte.is_ascii_whitespace() && !b"\"'&,;<>{}()|\\".contains(&byte))?;
    let found = &text[range.clone()];
    let enough = if assigned || quoted { found.len() >= 4 } else { found.len() >= 8 && looks_chosen(found) };
    (enough && !is_word(found)).then_some(range)
}

/// Letters and something else: what nobody writes as prose.
fn looks_chosen(value: &[u8]) -> bool {
    let some = |wanted: fn(&u8) -> bool| value.iter().any(wanted);
    some(u8::is_ascii_alphabetic)
        && some(u8::is_ascii_digit)
        && !value.contains(&b'/')
        && !value.starts_with(b"AADSTS")
}

/// Words that stand where a secret would.
fn is_word(value: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "null",
        "none",
        "true",
        "false",
        "undefined",
        "empty",
        "removed",
        "redacted",
        "hidden",
        "expired",
        "invalid",
        "missing",
        "string",
        "value",
        "required",
    ];
    let lower = value.to_ascii_lowercase();
    let lower = String::from_utf8_lossy(&lower);
    let bare = lower.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    WORDS.contains(&bare) || bare.is_empty()
}

/// Somebody took it out before: stars, dots, one and the same sign, a name in brackets.
fn is_removed(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default();
    let same = value.iter().all(|byte| *byte == first);
    let marked =
        value.windows(3).any(|three| three == b"***" || three == b"...") || b"[<{$%".contains(&first);
    let text = value.to_ascii_lowercase();
    let said = [&b"redact"[..], b"removed", b"masked", b"xxxx", b"hidden"]
        .iter()
        .any(|word| text.windows(word.len()).any(|part| part == *word));
    same || marked || said
}

/// Three parts in base64 with dots between.
fn jwt(text: &[u8], start: usize) -> Option<Range<usize>> {
    if !text[start..].starts_with(b"eyJ") || start > 0 && base64_byte(text[start - 1]) {
        return None;
    }
    let range = run(text, start, |byte| base64_byte(byte) || byte == b'.')?;
    let parts: Vec<usize> = text[range.clone()].split(|byte| *byte == b'.').map(<[u8]>::len).collect();
    (parts.len() >= 2 && parts[0] >= 10 && parts[1] >= 10).then_some(range)
}

/// `xxx8Q~` and 31 or more signs.
fn entra(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at.checked_sub(4)?;
    let head = text.get(start..at)?;
    let fits = head[..3].iter().all(|byte| token_byte(*byte)) && head[3].is_ascii_digit() && text[at] == b'Q';
    let range = run(text, start, |byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))?;
    (fits && (37..=44).contains(&range.len())).then_some(range)
}

/// `user:password@` behind `://`.
fn address(text: &[u8], end: usize) -> Option<Range<usize>> {
    let name = run(text, end, |byte| byte.is_ascii_alphanumeric() || b"._%-+".contains(&byte))?;
    if text.get(name.end) != Some(&b':') || name.len() > 128 {
        return None;
    }
    let password = run(text, name.end + 1, |byte| byte.is_ascii_graphic() && !b"/@\"'<> ".contains(&byte))?;
    (text.get(password.end) == Some(&b'@') && password.len() < 256).then_some(password)
}

/// Every secret in a text, in order.
pub fn find(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    for hit in automaton.find_overlapping_iter(text) {
        let secret = behind(text.as_bytes(), hit.pattern().as_usize(), hit.start(), hit.end());
        found.extend(
            secret
                .filter(|(range, _)| text.is_char_boundary(range.start) && text.is_char_boundary(range.end)),
        );
    }
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|(range, _)| {
        let free = range.start >= end;
        end = end.max(range.end);
        free
    });
    found
}

/// A text without its secrets.
pub(super) fn redact(text: &str) -> String {
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for (range, _) in find(text) {
        shown.push_str(&text[at..range.start]);
        shown.push_str(REMOVED);
        at = range.end;
    }
    shown + &text[at..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_every_kind_are_taken_out() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL2cifQ.c2lnbmF0dXJlc2lnbmF0dXJl";
        let entra = "abc8Q~0123456789012345678901234567890123";
        for (text, secret) in [
            (format!("Authorization: Bearer {jwt}"), jwt),
            (format!("token {jwt} refused"), jwt),
            ("Authorization: Basic c3ZjOmh1bnRlcjI=".to_owned(), "c3ZjOmh1bnRlcjI="),
            ("grant_type=password&password=hunter2&scope=x".to_owned(), "hunter2"),
            ("{\"client_secret\":\"s3cr3t-value\"}".to_owned(), "s3cr3t-value"),
            (r#"{\"password\": \"s3cr3t\"}"#.to_owned(), "s3cr3t"),
            (format!("used secret {entra}"), entra),
            ("GET https://svc:hunter2@mail.contoso.com/ews".to_owned(), "hunter2"),
            ("<t:Password>hunter2</t:Password>".to_owned(), "hunter2"),
            ("Set-Cookie: session=0123456789".to_owned(), "0123456789"),
            ("Password: Winter2024".to_owned(), "Winter2024"),
            (
                "Authorization: NTLM TlRMTVNTUAADAAAAGAAYAHIAAAAYABgAigAAABQAFABIAAAADAAMAFwAAAAK".to_owned(),
                "AAAYABgAigAAABQAFABI",
            ),
        ] {
            let shown = redact(&text);
            assert!(!shown.contains(secret) && shown.contains(REMOVED), "{text}: {shown}");
        }
    }

    #[test]
    fn prose_is_no_secret() {
        for text in [
            "Basic authentication is disabled",
            "bearer token expired",
            "the password: expired yesterday",
            "AADSTS50126: invalid username or password.",
            "password=***** client_secret=[removed] pwd=xxxxxx",
            "WWW-Authenticate: Bearer realm=\"\"",
            "https://login.microsoftonline.com:443/common/oauth2",
            "client_secret or client_assertion is missing",
            "The password=null",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
