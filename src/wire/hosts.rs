//! Which host names belong to Microsoft's cloud.

/// Domains under which Microsoft's clouds serve mail, directory and sign-in. From Microsoft's list of
/// Office 365 endpoints, worldwide and national clouds.
const DOMAINS: &[&str] = &[
    "apps.mil",
    "chinacloudapi.cn",
    "microsoft.com",
    "microsoft.us",
    "microsoftonline.cn",
    "microsoftonline.com",
    "microsoftonline.us",
    "office.com",
    "office365.com",
    "office365.us",
    "outlook.cn",
    "outlook.com",
    "windows.net",
];

/// Whether a host belongs to Microsoft's cloud.
pub fn is_microsoft(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    DOMAINS
        .iter()
        .any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

/// The registrable domain of a host (`contoso.co.uk` of `mail.contoso.co.uk`), by the public suffix list.
pub fn registrable(host: &str) -> Option<&str> {
    psl::domain_str(host.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_labels_count() {
        assert!(is_microsoft("autodiscover-s.outlook.com"));
        assert!(!is_microsoft("evil-outlook.com"));
        assert!(!is_microsoft("outlook.com.evil.example"));
    }

    #[test]
    fn the_registrable_domain_follows_the_public_suffix_list() {
        assert_eq!(registrable("autodiscover.mail.contoso.co.uk"), Some("contoso.co.uk"));
        assert_eq!(registrable("co.uk"), None);
    }
}
