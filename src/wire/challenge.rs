//! Which ways of signing in a server offers.
//!
//! Knows nothing of who asks or of what is spoken here.

use http::{HeaderMap, header};

/// The schemes of all `WWW-Authenticate` challenges, lower case, each once, whether they come in
/// several headers or in one.
pub fn challenges(headers: &HeaderMap) -> Vec<String> {
    let mut schemes: Vec<String> = Vec::new();
    for value in headers.get_all(header::WWW_AUTHENTICATE) {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        for item in split_unquoted(&text) {
            let word = item.split_whitespace().next().unwrap_or_default();
            // `realm="…"` behind a comma is a parameter of the challenge before it.
            let is_scheme = !word.is_empty()
                && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
            let scheme = word.to_ascii_lowercase();
            if is_scheme && schemes.len() < 16 && !schemes.contains(&scheme) {
                schemes.push(scheme);
            }
        }
    }
    schemes
}

fn split_unquoted(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c: char| {
        let inside = quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        c == ',' && !inside
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn offered(values: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_str(value).expect("a header"));
        }
        challenges(&headers)
    }

    #[test]
    fn challenges_in_one_header_and_in_several_are_the_same() {
        let one = offered(&["Negotiate, NTLM, Basic realm=\"a, b\\\" c\", charset=\"UTF-8\""]);
        assert_eq!(one, ["negotiate", "ntlm", "basic"]);
        assert_eq!(offered(&["Negotiate", "NTLM", "Basic realm=\"x\""]), one);
    }

    #[test]
    fn parameters_of_a_bearer_challenge_are_no_schemes() {
        let bearer = "Bearer client_id=\"1\", trusted_issuers=\"a@*, b@*\", token_types=\"app\"";
        assert_eq!(offered(&[bearer, "BASIC"]), ["bearer", "basic"]);
    }
}
