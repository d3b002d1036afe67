//! Values of which the class is known, one by one.

use super::book::Book;
use super::form;
use super::scrub;
use super::words::known;
use crate::facts::privacy::Privacy;

/// The value with tokens in the place of names.
pub fn redact(book: &mut Book, class: Privacy, text: &str) -> String {
    if book.keep {
        return text.to_owned();
    }
    match class {
        Privacy::Address | Privacy::Named("user") => address(book, text),
        Privacy::Host => book.host(text),
        Privacy::Ip => book.ip(text),
        Privacy::Id => book.id(text),
        Privacy::Url | Privacy::Distinguished if text.contains("://") => scrub::url(book, text),
        Privacy::Url => formed(book, "target", text),
        Privacy::Named("name") => book.name(text),
        Privacy::Named(kind) | Privacy::Formed(kind) => formed(book, kind, text),
        Privacy::Known(kind) => known_or(book, kind, text),
        Privacy::Folders => folders(book, text),
        Privacy::MailboxFolder => mailbox_folder(book, text),
        Privacy::Distinguished => distinguished(book, text),
        Privacy::Thumbprint => book.thumbprint(text),
        Privacy::Position => position(book, text),
        Privacy::Filter => filter(book, text),
        _ => book.named("text", text),
    }
}

fn address(book: &mut Book, text: &str) -> String {
    // Some say of which kind an address is: `SMTP:`, `sip:`.
    match text.split_once(':') {
        Some((kind, rest)) if !kind.contains('@') => format!("{kind}:{}", book.address(rest)),
        _ => book.address(text),
    }
}

/// By its form; what has none that tells anything is a name.
fn formed(book: &mut Book, kind: &str, text: &str) -> String {
    match () {
        () if form::is_guid(text) => book.id(text),
        () if text.contains("://") => scrub::url(book, text),
        () if form::ip(text).is_some() => book.ip(text),
        () if form::is_address(text) => address(book, text),
        () if form::is_distinguished(text) => distinguished(book, text),
        () if is_host(text) => book.host(text),
        () if kind == "target" && text.len() <= 253 && !text.contains(' ') && text.contains('.') => {
            book.host(text)
        }
        () => book.named(kind, text),
    }
}

fn is_host(text: &str) -> bool {
    let bare = text.split(':').next().unwrap_or_default().to_lowercase();
    form::is_host(&bare)
        && (bare.rsplit('.').next() == Some("local")
            || psl::suffix(bare.as_bytes()).is_some_and(|suffix| suffix.is_known()))
}

fn known_or(book: &mut Book, kind: &str, text: &str) -> String {
    let own_policy = kind == "policy" && text.contains(".microsoft-");
    let word = matches!(kind, "control" | "answer" | "role") && known().is_phrase(text);
    if known().is_name(text) || own_policy || word {
        book.keeps("name that everybody has", text);
        return text.to_owned();
    }
    formed(book, kind, text)
}

/// `\Team\EMEA`: each folder has its token, so that paths can still be compared.
fn folders(book: &mut Book, text: &str) -> String {
    if !text.contains('\\')
        && known().is_phrase(text)
        && !text.contains(' ')
        && text.chars().all(char::is_lowercase)
    {
        return text.to_owned();
    }
    let each = |part: &str| match part {
        "" => String::new(),
        name => book.named("folder", name),
    };
    text.split('\\').map(each).collect::<Vec<_>>().join("\\")
}

/// `alice@contoso.com:\Calendar`.
fn mailbox_folder(book: &mut Book, text: &str) -> String {
    match text.split_once(":\\") {
        Some((mailbox, folder)) if !folder.contains('\\') => format!("{}:\\{folder}", book.address(mailbox)),
        Some((mailbox, path)) => format!("{}:\\{}", book.address(mailbox), folders(book, path)),
        None => formed(book, "folder", text),
    }
}

/// Certification authorities that sign anybody's certificates, as they name themselves.
const AUTHORITIES: &[&str] = &[
    "amazon",
    "baltimore",
    "buypass",
    "comodo",
    "cybertrust",
    "d-trust",
    "digicert",
    "entrust",
    "geotrust",
    "globalsign",
    "godaddy",
    "google trust services",
    "identrust",
    "isrg",
    "let's encrypt",
    "microsoft corporation",
    "quovadis",
    "rapidssl",
    "sectigo",
    "swisssign",
    "t-systems",
    "thawte",
    "usertrust",
    "verisign",
];

fn distinguished(book: &mut Book, text: &str) -> String {
    let lower = text.to_lowercase();
    let public = lower.split(',').any(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            name.trim() == "o" && AUTHORITIES.iter().any(|name| value.trim().starts_with(name))
        })
    });
    if public
        && lower
            .split("cn=")
            .nth(1)
            .is_none_or(|name| !form::is_host(name.split(',').next().unwrap_or_default()))
    {
        book.keeps("certification authority", text);
        return text.to_owned();
    }
    let parts = text.split_inclusive([',', '/', '+', ';']);
    let each = |part: &str| {
        let end = part.trim_end_matches([',', '/', '+', ';']).len();
        let (part, mark) = part.split_at(end);
        let Some((name, value)) = part.split_once('=') else {
            return if part.trim().is_empty() { part.to_owned() } else { book.named("name", part) } + mark;
        };
        let kind = match name.trim().to_ascii_lowercase().as_str() {
            "c" => return format!("{part}{mark}"),
            "dc" => "domain",
            "ou" => "unit",
            "uid" => "user",
            _ => "name",
        };
        format!("{name}={}{mark}", scrub::part(book, kind, value))
    };
    parts.map(each).collect()
}

/// Words that say that something, and not somebody, holds a position.
const POSTS: &[&str] = &[
    "account",
    "application",
    "automation",
    "dienstkonto",
    "integration",
    "mailbox",
    "migration",
    "resource",
    "robot",
    "service",
    "shared",
    "sync",
    "system",
    "technical",
    "test",
];

/// A position: only what tells a service from a person stays.
fn position(book: &mut Book, text: &str) -> String {
    let lower = text.to_lowercase();
    let kept: Vec<&str> = POSTS.iter().copied().filter(|post| lower.contains(post)).collect();
    let token = book.named("position", text).to_lowercase();
    if kept.is_empty() { token } else { format!("{} {token}", kept.join(" ")) }
}

/// A filter: values in quotes go, the names of attributes stay.
fn filter(book: &mut Book, text: &str) -> String {
    if !text.contains(" -") {
        return formed(book, "value", text);
    }
    let parts = text.split('\'').enumerate();
    let each = |(index, part): (usize, &str)| match part {
        "" => String::new(),
        value if index % 2 == 1 => formed(book, "value", value),
        words => words
            .split('"')
            .enumerate()
            .map(|(index, part)| {
                if index % 2 == 1 && !part.is_empty() { formed(book, "value", part) } else { part.to_owned() }
            })
            .collect::<Vec<_>>()
            .join("\""),
    };
    parts.map(each).collect::<Vec<_>>().join("'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_what_judging_needs() {
        let mut book = Book::new(false);
        for (class, text, shown) in [
            (Privacy::Folders, "\\Team Contacts\\EMEA", "\\Folder-1\\FOLDER-2"),
            (Privacy::Folders, "contacts", "contacts"),
            (Privacy::MailboxFolder, "alice@contoso.com:\\Kalender", "user-1@domain-1.example:\\Kalender"),
            (
                Privacy::Distinguished,
                "CN=Sync Service,OU=Service,DC=contoso,DC=com",
                "CN=Name-1,OU=Unit-1,DC=domain-1,DC=com",
            ),
            (Privacy::Filter, "CustomAttribute1 -eq 'Ferien'", "CustomAttribute1 -eq 'Value-1'"),
            (Privacy::Position, "Service Account", "account service position-1"),
            (Privacy::Known("group"), "Organization Management", "Organization Management"),
            (
                Privacy::Known("policy"),
                "ManagePermissionGrantsForSelf.microsoft-user-default-low",
                "ManagePermissionGrantsForSelf.microsoft-user-default-low",
            ),
        ] {
            assert_eq!(redact(&mut book, class, text), shown, "{text}");
        }
    }

    #[test]
    fn authorities_of_everybody_stay_and_own_ones_do_not() {
        let mut book = Book::new(false);
        let public = "CN=DigiCert Global G2 TLS RSA SHA256 2020 CA1, O=DigiCert Inc, C=US";
        assert_eq!(redact(&mut book, Privacy::Distinguished, public), public);
        let own = redact(&mut book, Privacy::Distinguished, "CN=Fabrikam Proxy CA, O=Fabrikam, C=DE");
        assert!(!own.contains("Fabrikam") && own.ends_with("C=DE"), "{own}");
    }
}
