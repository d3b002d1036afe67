//! Bounded XML reading: a hostile or broken text becomes a named problem, never a panic.
//!
//! Knows nothing of SOAP or Exchange.

use quick_xml::events::Event;
use roxmltree::{Document, Node, ParsingOptions};

/// Levels of nesting that an answer may have.
const DEPTH: usize = 64;

/// Nodes that an answer may have.
const NODES: u32 = 200_000;

/// Longest text taken out of an answer, in characters.
const TEXT: usize = 500;

/// Why bytes are not usable as XML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Nothing there.
    #[error("the answer is empty")]
    Empty,
    /// A web page.
    #[error("the answer is a web page")]
    Html,
    /// The bytes are not in the encoding they claim.
    #[error("the answer is not text in a known encoding")]
    Encoding,
    /// A document type declaration, which could define entities.
    #[error("the answer carries a document type declaration, which is refused")]
    Dtd,
    /// Nested too deeply.
    #[error("the answer is nested deeper than {DEPTH} levels")]
    TooDeep,
    /// Cut off, or not well-formed.
    #[error("the answer is not well-formed XML: {0}")]
    Malformed(String),
}

/// The text of a body: UTF-8 with or without a mark, UTF-16 with a mark or by its declaration, or
/// Latin-1 where the declaration says so.
///
/// # Errors
///
/// When it is empty or not in the encoding it claims.
pub fn decode(bytes: &[u8]) -> Result<String, XmlError> {
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ if declares_latin1(bytes) => Ok(bytes.iter().copied().map(char::from).collect()),
        _ => utf8(bytes),
    }?;
    if text.trim().is_empty() {
        return Err(XmlError::Empty);
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<String, XmlError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| XmlError::Encoding)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, XmlError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(XmlError::Encoding);
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<_, _>>()
        .map_err(|_| XmlError::Encoding)
}

fn declares_latin1(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(120)).unwrap_or_default();
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let declaration = head.split("?>").next().unwrap_or_default();
    declaration.trim_start().starts_with("<?xml")
        && ["iso-8859-1", "windows-1252"].iter().any(|name| declaration.contains(name))
}

/// Parses a text within the bounds.
///
/// # Errors
///
/// When it is a web page, too deep, too large, has a document type, or is not well-formed.
pub fn parse(text: &str) -> Result<Document<'_>, XmlError> {
    if is_html(text) {
        return Err(XmlError::Html);
    }
    guard(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text.trim_start(), options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => XmlError::Dtd,
        other => XmlError::Malformed(clip(&other.to_string())),
    })
}

/// Whether a text begins as a web page does.
pub fn is_html(text: &str) -> bool {
    let head: String = text.trim_start().chars().take(200).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.contains("//dtd xhtml")
}

/// A streaming look ahead, because a tree parser only notices depth once it has built it.
fn guard(text: &str) -> Result<(), XmlError> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::DocType(_)) => return Err(XmlError::Dtd),
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(XmlError::Malformed(clip(&error.to_string()))),
        }
        if depth > DEPTH {
            return Err(XmlError::TooDeep);
        }
    }
}

/// All text below a node, white space folded, at most [`TEXT`] characters; `None` when there is none.
pub fn text(node: Node<'_, '_>) -> Option<String> {
    let whole: String = node.descendants().filter(Node::is_text).filter_map(|part| part.text()).collect();
    let folded = clip(&whole);
    (!folded.is_empty()).then_some(folded)
}

/// White space folded and control characters dropped, at most [`TEXT`] characters.
pub fn clip(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let folded = words.take(TEXT).collect::<Vec<_>>().join(" ");
    folded.chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<String, XmlError> {
        let text = decode(bytes)?;
        let document = parse(&text)?;
        Ok(document.root_element().tag_name().name().to_owned())
    }

    fn utf16_bytes(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(read(b"\xEF\xBB\xBF<a/>"), Ok("a".into()));
    }

    #[test]
    fn utf16_is_read_with_and_without_mark() {
        let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?><ä/>";
        let little = utf16_bytes(text, u16::to_le_bytes);
        assert_eq!(read(&little), Ok("ä".into()));
        assert_eq!(read(&[&[0xFE, 0xFF][..], &utf16_bytes(text, u16::to_be_bytes)].concat()), Ok("ä".into()));
        assert_eq!(read(&little[..little.len() - 1]), Err(XmlError::Encoding));
    }

    #[test]
    fn declared_latin1_is_read() {
        let bytes = b"<?xml version='1.0' encoding='ISO-8859-1'?><a t='\xE4'/>";
        assert_eq!(read(bytes), Ok("a".into()));
        assert_eq!(read(b"<a t='\xE4'/>"), Err(XmlError::Encoding));
    }

    #[test]
    fn an_entity_bomb_is_refused_unexpanded() {
        let bomb = "<!DOCTYPE b [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><b>&b;</b>";
        assert_eq!(read(bomb.as_bytes()), Err(XmlError::Dtd));
    }

    #[test]
    fn very_deep_nesting_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000));
        assert_eq!(read(deep.as_bytes()), Err(XmlError::TooDeep));
    }

    #[test]
    fn the_depth_bound_itself_is_allowed() {
        let deep = format!("{}{}", "<a>".repeat(DEPTH), "</a>".repeat(DEPTH));
        assert_eq!(read(deep.as_bytes()), Ok("a".into()));
    }

    #[test]
    fn too_many_nodes_are_refused() {
        let wide = format!("<a>{}</a>", "<b/>".repeat(NODES as usize));
        assert!(matches!(read(wide.as_bytes()), Err(XmlError::Malformed(_))));
    }

    #[test]
    fn a_cut_off_text_is_malformed() {
        assert!(matches!(read(b"<a><b>"), Err(XmlError::Malformed(_))));
        assert!(matches!(read(b"<a><"), Err(XmlError::Malformed(_))));
    }

    #[test]
    fn a_web_page_is_named_as_such() {
        assert_eq!(read(b"\r\n<!DOCTYPE html><html><p></html>"), Err(XmlError::Html));
        assert_eq!(read(b"<HTML><br></HTML>"), Err(XmlError::Html));
    }

    #[test]
    fn nothing_and_blanks_are_empty() {
        assert_eq!(read(b""), Err(XmlError::Empty));
        assert_eq!(read(b" \r\n"), Err(XmlError::Empty));
    }

    #[test]
    fn clipped_text_ends_at_the_bound() {
        assert_eq!(clip(&"ab ".repeat(1000)).chars().count(), TEXT);
        assert_eq!(clip(" a\u{7}b \n c "), "a b c");
    }
}
