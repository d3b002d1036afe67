//! Secrets that stand in a log: found, and taken out of everything that is shown.

mod values;

use std::ops::Range;
use std::sync::LazyLock;

use super::matcher::build;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use values::{
    address, assertion, base64_byte, content, entra, gap, header, holds_address, holds_password, is_removed,
    jwt, line, literal, pair, pem, run, signature, token_byte, value,
};

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
    /// The rest of the line: cookies.
    Line,
    /// What stands in an element with attributes.
    Content,
    /// A signed statement, to the end of its element.
    Assertion,
    /// A private key, to the line that ends it.
    Pem,
    /// A literal in quotes, or the next word: options of commands.
    Literal,
    /// Password behind a user and a colon.
    Pair,
    /// A refresh token or code of Entra, told by its beginning and length.
    Refresh,
    /// A long value behind an equals sign.
    Signature,
    /// The value of a header in an archive of exchanges.
    Header,
}

const TRIGGERS: &[(&str, Form, &str)] = &[
    ("bearer ", Form::Token, "access token"),
    ("basic ", Form::Basic, "password (Basic)"),
    ("ntlm tlrm", Form::Answer, "NTLM answer"),
    ("negotiate y", Form::Answer, "Kerberos ticket"),
    ("negotiate tlrm", Form::Answer, "NTLM answer"),
    ("authorization: ", Form::Token, "credential in a header"),
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
    ("passphrase", Form::Value, "password"),
    ("kennwort", Form::Value, "password"),
    ("mot de passe", Form::Value, "password"),
    ("senha", Form::Value, "password"),
    ("password ", Form::Content, "password (WS-Security)"),
    ("password xmlns", Form::Content, "password (WS-Security)"),
    ("binarysecuritytoken ", Form::Content, "security token"),
    ("securitytokenreference ", Form::Content, "security token"),
    ("ciphervalue", Form::Value, "encrypted token"),
    ("assertion ", Form::Assertion, "SAML assertion"),
    ("samlresponse", Form::Value, "SAML assertion"),
    ("assertion=", Form::Signature, "signed assertion"),
    ("phnhbww", Form::Answer, "SAML assertion"),
    ("-----begin ", Form::Pem, "private key"),
    ("convertto-securestring ", Form::Literal, "password"),
    ("-password ", Form::Literal, "password"),
    ("-clientsecret ", Form::Literal, "client secret"),
    ("-client-secret ", Form::Literal, "client secret"),
    (" -u ", Form::Pair, "password"),
    ("--user ", Form::Pair, "password"),
    ("sig=", Form::Signature, "signature of an address"),
    ("device_code", Form::Value, "device code"),
    ("subscription-key", Form::Value, "key"),
    ("functions-key", Form::Value, "key"),
    ("sharedsecret", Form::Value, "key"),
    ("secrettext", Form::Value, "client secret"),
    ("secret", Form::Value, "secret"),
    ("\"cookie\"", Form::Header, "cookie"),
    ("\"set-cookie\"", Form::Header, "cookie"),
    (" 0.a", Form::Refresh, "refresh token"),
    ("=0.a", Form::Refresh, "refresh token"),
    (":0.a", Form::Refresh, "refresh token"),
    ("\"0.a", Form::Refresh, "refresh token"),
    ("'0.a", Form::Refresh, "refresh token"),
    (" 1.a", Form::Refresh, "refresh token"),
    ("=1.a", Form::Refresh, "refresh token"),
    (":1.a", Form::Refresh, "refresh token"),
    ("\"1.a", Form::Refresh, "refresh token"),
    ("'1.a", Form::Refresh, "refresh token"),
    ("pwd", Form::Value, "password"),
    ("api_key", Form::Value, "key"),
    ("apikey", Form::Value, "key"),
    ("accountkey", Form::Value, "key"),
    ("sharedaccesskey", Form::Value, "key"),
    ("private_key", Form::Value, "key"),
    ("eyj", Form::Jwt, "token"),
    ("q~", Form::Entra, "client secret"),
    ("://", Form::Address, "password in an address"),
    ("cookie:", Form::Line, "cookie"),
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
        Form::Line => line(text, end),
        Form::Content => content(text, start, end),
        Form::Assertion => assertion(text, start, end),
        Form::Pem => pem(text, start, end),
        Form::Literal => literal(text, end),
        Form::Pair => pair(text, end),
        Form::Refresh if text[end - 1] != b'A' => None,
        Form::Refresh => {
            run(text, end - 3, |byte| base64_byte(byte) || byte == b'.').filter(|range| range.len() >= 100)
        }
        Form::Signature => signature(text, start, end),
        Form::Header => header(text, end),
    };
    let range = range?;
    let whole = matches!(form, Form::Assertion | Form::Pem);
    (whole || !is_removed(&text[range.clone()])).then_some((range, kind))
}

/// Whether words stand in a text behind which secrets stand.
pub(super) fn may_stand_in(text: &str) -> bool {
    let Some(automaton) = AUTOMATON.as_ref() else { return false };
    automaton.find_overlapping_iter(text).any(|hit| match TRIGGERS[hit.pattern().as_usize()].1 {
        Form::Value => gap(text.as_bytes(), hit.end()).is_some(),
        Form::Address => holds_address(text.as_bytes(), hit.end()),
        _ => true,
    })
}

/// Every secret in a text, in order.
pub fn find(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let Some(automaton) = AUTOMATON.as_ref() else { return Vec::new() };
    let mut found: Vec<(Range<usize>, &'static str)> = Vec::new();
    let mut done = 0;
    for hit in automaton.find_overlapping_iter(text) {
        if hit.end() <= done {
            continue; // It stands within a secret.
        }
        let secret = behind(text.as_bytes(), hit.pattern().as_usize(), hit.start(), hit.end());
        let whole =
            |range: &Range<usize>| text.is_char_boundary(range.start) && text.is_char_boundary(range.end);
        if let Some((range, kind)) = secret.filter(|(range, _)| whole(range)) {
            done = done.max(range.end);
            found.push((range, kind));
        }
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

    /// A refresh token as Entra gives it, but for its value.
    fn refresh() -> String {
        format!("0.AX8ACanary0123456789.{}", "AgABAwEAAADW6jl31mB3T7ugrWTT8pFeAw".repeat(4))
    }

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
            ("Negotiate TlRMTVNTUAADAAAAGAAYAHIAAAAYABgAigAAABQAFABIAAAADAAMAFwAAAAK".to_owned(), "AAYABgAigAA"),
            (format!("\"refresh_token\":\"{}\"", refresh()), "Canary0123456789"),
            (format!("cached token {} was refused", refresh()), "Canary0123456789"),
            ("<saml:Assertion ID=\"_1\" Issuer=\"x\"><saml:Subject>canary-canary-canary</saml:Subject></saml:Assertion>".to_owned(), "canary-canary"),
            (format!("SAMLResponse=PHNhbWwyOkFzc2VydGlvbg{}", "Q".repeat(40)), "QQQQQQ"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIEcanary\nAAAA\n-----END RSA PRIVATE KEY-----".to_owned(), "MIIEcanary"),
            ("-----BEGIN PRIVATE KEY-----\\nMIIEcanary\\n-----END PRIVATE KEY-----".to_owned(), "MIIEcanary"),
            ("Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=canary/0123456789=".to_owned(), "canary/0123"),
            ("Server=db;User Id=sa;Password=can;ary1".to_owned().replace(';', " ;").replace("can ;", "canary"), "canaryary1"),
            ("$s = ConvertTo-SecureString 'hunter 2' -AsPlainText -Force".to_owned(), "hunter 2"),
            ("ConvertTo-SecureString -String \"hunter2\" -AsPlainText".to_owned(), "hunter2"),
            ("sync.exe --password hunter2 --mailbox a".to_owned(), "hunter2"),
            ("curl -u svc@contoso.com:hunter2 https://x".to_owned(), "hunter2"),
            ("<wsse:Password Type=\"http://x#PasswordText\">hunter2</wsse:Password>".to_owned(), "hunter2"),
            ("<wsse:BinarySecurityToken ValueType=\"x\">Y2FuYXJ5</wsse:BinarySecurityToken>".to_owned(), "Y2FuYXJ5"),
            ("GET https://x.blob.core.windows.net/c?sv=1&sig=canary0123456789abcdefg%3D".to_owned(), "canary0123"),
            ("Cookie: ESTSAUTH=canary0123456".to_owned(), "canary0123456"),
            ("{\"name\": \"Cookie\", \"value\": \"a=canary\"}".to_owned(), "canary"),
            ("Authorization: canary0123456789canary".to_owned(), "canary0123456789"),
            ("\"secret\": \"canary-value\"".to_owned(), "canary-value"),
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
            "The secret of the app has expired: see secret id 1234",
            "set the -Password parameter, or -Password $cred",
            "The cookie: none was sent, which is what we want",
            "version 0.Alpha of the assertion was refused",
            "-----BEGIN CERTIFICATE-----",
            "curl -u user https://x",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
