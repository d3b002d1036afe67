//! Mail addresses: told from what only looks like one.

/// Why a text is no mail address; `None` when it is one.
pub fn fault(text: &str) -> Option<&'static str> {
    let Some((local, domain)) = text.rsplit_once('@') else { return Some("there is no @ in it") };
    if local.is_empty() {
        return Some("nothing stands before the @");
    }
    if domain.is_empty() {
        return Some("nothing stands behind the @");
    }
    if text.len() > 254 || local.len() > 64 {
        return Some("it is too long");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c)) {
        return Some("it holds a character that addresses do not have");
    }
    if local.contains('@') {
        return Some("there is more than one @ in it");
    }
    if local.split('.').any(str::is_empty) || !domain.split('.').all(is_label) {
        return Some("it has an empty or impossible part");
    }
    None
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_taken() {
        for address in
            ["svc-sync@contoso.com", "o'hara+x@mail.contoso.co.uk", "svc@corp.local", "svc@bücher.example"]
        {
            assert_eq!(fault(address), None, "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "svc",
            "@contoso.com",
            "svc@",
            "a@b@contoso.com",
            "a b@contoso.com",
            "a@.com",
            "a..b@c.com",
            "a@-b.com",
        ] {
            assert!(fault(text).is_some(), "{text}");
        }
    }
}
