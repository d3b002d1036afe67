//! Texts with fact paths in braces, `/users/{account.id}/manager`: taken apart, not filled.

/// One piece of such a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A fact's path, and whether it stands between single quotes.
    Fact {
        /// Dotted path.
        path: String,
        /// Offset of the opening brace in the text.
        at: usize,
        /// An odd number of single quotes comes before it.
        quoted: bool,
    },
}

/// Takes a text apart. `Err`: the offset of a brace without its partner.
pub fn parse(text: &str) -> Result<Vec<Piece>, usize> {
    let mut pieces = Vec::new();
    let mut quotes = 0;
    let mut at = 0;
    while let Some(open) = text[at..].find(['{', '}']).map(|found| at + found) {
        let close = text[open..].find('}').map(|found| open + found);
        let Some(close) = close.filter(|close| *close > open) else { return Err(open) };
        let path = &text[open + 1..close];
        if path.contains('{') {
            return Err(open);
        }
        if open > at {
            quotes += text[at..open].matches('\'').count();
            pieces.push(Piece::Text(text[at..open].to_owned()));
        }
        pieces.push(Piece::Fact { path: path.to_owned(), at: open, quoted: quotes % 2 == 1 });
        at = close + 1;
    }
    if at < text.len() {
        pieces.push(Piece::Text(text[at..].to_owned()));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_facts_alternate() {
        let pieces = parse("/a/{x.y}?$filter=z eq '{x.z}'").expect("parses");
        let facts: Vec<_> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Fact { path, quoted, .. } => Some((path.as_str(), *quoted)),
                Piece::Text(_) => None,
            })
            .collect();
        assert_eq!(facts, [("x.y", false), ("x.z", true)]);
        assert_eq!(pieces.len(), 5);
    }

    #[test]
    fn a_brace_without_its_partner_is_found() {
        assert_eq!(parse("a{b"), Err(1));
        assert_eq!(parse("a}b"), Err(1));
        assert_eq!(parse("a{b{c}}"), Err(1));
    }
}
