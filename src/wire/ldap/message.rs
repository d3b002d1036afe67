//! Messages of LDAP: what is asked, and what an answer says. Filters are built as values, never as text,
//! so that nothing in an address can change a question.

use super::ber::{ENUMERATED, Elements, INTEGER, OCTETS, SEQUENCE, element, nest, number};
use crate::wire::json::clip;

/// Control by which a search is answered page by page.
const PAGED: &str = "1.2.840.113556.1.4.319";
/// Extended operation that begins TLS.
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";

/// Most values of one attribute that are kept.
const VALUES: usize = 5000;

/// Which objects a search looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// One of them.
    Any(Vec<Filter>),
    /// All of them.
    All(Vec<Filter>),
    /// The attribute has the value.
    Equals(&'static str, String),
    /// The attribute has a value.
    Has(&'static str),
}

impl Filter {
    fn write(&self) -> Vec<u8> {
        match self {
            Self::All(parts) => nest(0xa0, &parts.iter().map(Self::write).collect::<Vec<_>>()),
            Self::Any(parts) => nest(0xa1, &parts.iter().map(Self::write).collect::<Vec<_>>()),
            Self::Equals(name, value) => nest(0xa3, &[octets(name), octets(value)]),
            Self::Has(name) => element(0x87, name.as_bytes()),
        }
    }
}

/// How far below its base a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The base alone.
    Base,
    /// Everything below it, and itself.
    Subtree,
}

/// A search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// Distinguished name where it begins.
    pub base: String,
    /// How far it goes.
    pub depth: Depth,
    /// What it looks for.
    pub filter: Filter,
    /// Attributes to read.
    pub attributes: &'static [&'static str],
}

/// What is asked.
#[derive(Debug)]
pub enum Question<'a> {
    /// Sign in by name and password.
    Bind(&'a str, &'a str),
    /// One page of a search, behind a cookie.
    Search(&'a Search, u32, &'a [u8]),
    /// Begin TLS.
    StartTls,
    /// Good-bye.
    Unbind,
}

impl Question<'_> {
    /// The message with this number.
    pub fn write(&self, id: u32) -> Vec<u8> {
        let (operation, controls) = match self {
            Self::Bind(name, password) => {
                let password = element(0x80, password.as_bytes());
                (nest(0x60, &[number(INTEGER, 3), octets(name), password]), None)
            }
            Self::Search(search, page, cookie) => (write_search(search), Some(paged(*page, cookie))),
            Self::StartTls => (nest(0x77, &[element(0x80, START_TLS.as_bytes())]), None),
            Self::Unbind => (element(0x42, &[]), None),
        };
        let mut parts = vec![number(INTEGER, id), operation];
        parts.extend(controls);
        nest(SEQUENCE, &parts)
    }
}

fn octets(text: &str) -> Vec<u8> {
    element(OCTETS, text.as_bytes())
}

fn write_search(search: &Search) -> Vec<u8> {
    let depth = match search.depth {
        Depth::Base => 0,
        Depth::Subtree => 2,
    };
    let attributes: Vec<_> = search.attributes.iter().map(|name| octets(name)).collect();
    nest(
        0x63,
        &[
            octets(&search.base),
            number(ENUMERATED, depth),
            number(ENUMERATED, 0),
            number(INTEGER, 0),
            number(INTEGER, 0),
            element(0x01, &[0]),
            search.filter.write(),
            nest(SEQUENCE, &attributes),
        ],
    )
}

fn paged(page: u32, cookie: &[u8]) -> Vec<u8> {
    let value = nest(SEQUENCE, &[number(INTEGER, page), element(OCTETS, cookie)]);
    nest(0xa0, &[nest(SEQUENCE, &[octets(PAGED), element(OCTETS, &value)])])
}

/// An object that a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its distinguished name.
    pub name: String,
    /// Attributes in the order in which they came.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// The values of an attribute that are text.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.attributes.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.flat_map(|(_, values)| values).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of an attribute.
    pub fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The first value of an attribute as a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.one(name)?.parse().ok()
    }
}

/// The result of an operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Result code; 0: success.
    pub code: i64,
    /// What the server says about it.
    pub text: String,
    /// Where the next page begins; empty: there is none.
    pub cookie: Vec<u8>,
}

impl Verdict {
    /// What Active Directory says about a refused sign-in: the hexadecimal number behind `data`, which is
    /// an error number of Windows.
    pub fn data(&self) -> Option<String> {
        let (_, rest) = self.text.split_once("data ")?;
        let digits: String = rest.chars().take_while(char::is_ascii_hexdigit).take(8).collect();
        (!digits.is_empty()).then(|| digits.to_ascii_lowercase())
    }
}

/// What a message of the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An object.
    Entry(Entry),
    /// The search would go on elsewhere, at these addresses.
    Elsewhere(Vec<String>),
    /// The operation has ended.
    Done(Verdict),
    /// Something else, which changes nothing.
    Other,
}

/// Reads a message: its number and what it says; `None`: it is broken.
pub fn read(message: &[u8]) -> Option<(i64, Answer)> {
    let mut parts = Elements(Elements(message).expect(SEQUENCE)?);
    let id = parts.number(INTEGER)?;
    let (tag, content) = parts.next()?;
    let answer = match tag {
        0x64 => Answer::Entry(entry(content)?),
        0x73 => Answer::Elsewhere(texts(content)),
        0x61 | 0x65 | 0x78 => {
            let cookie = parts.expect(0xa0).and_then(cookie).unwrap_or_default();
            Answer::Done(Verdict { cookie, ..verdict(content)? })
        }
        _ => Answer::Other,
    };
    Some((id, answer))
}

fn texts(content: &[u8]) -> Vec<String> {
    let mut elements = Elements(content);
    std::iter::from_fn(|| elements.next())
        .take(20)
        .map(|(_, text)| clip(&String::from_utf8_lossy(text), 300))
        .collect()
}

fn verdict(content: &[u8]) -> Option<Verdict> {
    let mut parts = Elements(content);
    let code = parts.number(ENUMERATED)?;
    let _matched = parts.expect(OCTETS)?;
    let text = clip(&String::from_utf8_lossy(parts.expect(OCTETS)?), 300);
    Some(Verdict { code, text, cookie: Vec::new() })
}

fn cookie(controls: &[u8]) -> Option<Vec<u8>> {
    let mut controls = Elements(controls);
    while let Some((SEQUENCE, control)) = controls.next() {
        let mut parts = Elements(control);
        if parts.expect(OCTETS)? != PAGED.as_bytes() {
            continue;
        }
        // Criticality may stand between the name and the value.
        let value = std::iter::from_fn(|| parts.next()).find(|(tag, _)| *tag == OCTETS)?.1;
        let mut parts = Elements(Elements(value).expect(SEQUENCE)?);
        parts.number(INTEGER)?;
        return Some(parts.expect(OCTETS)?.to_vec());
    }
    None
}

fn entry(content: &[u8]) -> Option<Entry> {
    let mut parts = Elements(content);
    let name = String::from_utf8_lossy(parts.expect(OCTETS)?).into_owned();
    let mut rows = Elements(parts.expect(SEQUENCE)?);
    let mut attributes = Vec::new();
    while let Some((_, row)) = rows.next() {
        let mut row = Elements(row);
        let name = String::from_utf8_lossy(row.expect(OCTETS)?).into_owned();
        let mut values = Elements(row.expect(0x31)?);
        let values = std::iter::from_fn(|| values.next()).take(VALUES).map(|(_, value)| value.to_vec());
        attributes.push((name, values.collect()));
    }
    Some(Entry { name, attributes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn done(code: u32, text: &str, controls: Option<Vec<u8>>) -> Vec<u8> {
        let result = nest(0x65, &[number(ENUMERATED, code), octets(""), octets(text)]);
        let mut parts = vec![number(INTEGER, 3), result];
        parts.extend(controls);
        nest(SEQUENCE, &parts)
    }

    #[test]
    fn an_entry_is_read() {
        let row = nest(SEQUENCE, &[octets("mail"), nest(0x31, &[octets("a@b.c"), octets("d@e.f")])]);
        let found = nest(0x64, &[octets("CN=x"), nest(SEQUENCE, &[row])]);
        let message = nest(SEQUENCE, &[number(INTEGER, 2), found]);
        let Some((2, Answer::Entry(entry))) = read(&message) else { panic!("{:?}", read(&message)) };
        assert_eq!((entry.name.as_str(), entry.one("MAIL")), ("CN=x", Some("a@b.c")));
        assert_eq!(entry.all("mail").count(), 2);
    }

    #[test]
    fn a_refused_sign_in_tells_why() {
        let text = "80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data 52e, v3839";
        let Some((3, Answer::Done(verdict))) = read(&done(49, text, None)) else { panic!("no verdict") };
        assert_eq!((verdict.code, verdict.data().as_deref()), (49, Some("52e")));
    }

    #[test]
    fn the_cookie_of_the_next_page_is_found() {
        let Some((_, Answer::Done(verdict))) = read(&done(0, "", Some(paged(0, b"next")))) else {
            panic!("none")
        };
        assert_eq!(verdict.cookie, b"next");
    }

    #[test]
    fn nothing_in_a_value_changes_the_question() {
        let search = |value: &str| Search {
            base: String::new(),
            depth: Depth::Subtree,
            filter: Filter::Equals("mail", value.into()),
            attributes: &["cn"],
        };
        let written = Question::Search(&search("*)(objectClass=*"), 1, b"").write(1);
        assert!(written.windows(16).any(|window| window == b"*)(objectClass=*"));
        let tag_of_filter = nest(0xa3, &[octets("mail"), octets("*)(objectClass=*")]);
        assert!(written.windows(tag_of_filter.len()).any(|window| window == tag_of_filter));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
            let _ = read(&nest(SEQUENCE, &[number(INTEGER, 1), element(0x64, &bytes)]));
            let _ = read(&nest(SEQUENCE, &[number(INTEGER, 1), element(0x65, &bytes)]));
        }
    }
}
