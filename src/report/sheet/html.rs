//! A sheet as one page of HTML, without scripts and without anything to fetch.

use std::fmt::Write as _;

use super::super::mark::Paint;
use super::super::wrap::plain;
use super::{Kind, Piece, is_address};

/// How the page looks, on screens and on paper.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em;\
color:#1a1a1a;background:#fff}h1{font-size:1.6em}h2{font-size:1.25em;margin-top:2em;border-bottom:1px solid \
#bbb}h3{font-size:1em;margin:1.5em 0 .3em}table{border-collapse:collapse}th,td{text-align:left;vertical-align:\
top;padding:.2em 1em .2em 0;border-bottom:1px solid #ddd}pre{background:#f4f4f4;padding:.6em;overflow-x:auto}\
p,ul,ol{margin:.4em 0}a{color:#0b57a4;overflow-wrap:anywhere}";

/// The whole page.
pub(super) fn page(pieces: &[Piece]) -> String {
    let title = pieces.iter().find_map(|piece| match piece {
        Piece::Title(text) => Some(escaped(text)),
        _ => None,
    });
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n",
        title.unwrap_or_default()
    );
    let mut open = Kind::Start;
    for piece in pieces.iter().filter(|piece| !matches!(piece, Piece::Gap)) {
        let kind = Kind::of(piece);
        if kind != open {
            text.push_str(list(open, true));
            text.push_str(list(kind, false));
            open = kind;
        }
        text.push_str(&written(piece));
    }
    text.push_str(list(open, true));
    text.push_str("</body>\n</html>\n");
    text
}

fn list(kind: Kind, end: bool) -> &'static str {
    match (kind, end) {
        (Kind::Bullets, false) => "<ul>\n",
        (Kind::Bullets, true) => "</ul>\n",
        (Kind::Steps, false) => "<ol>\n",
        (Kind::Steps, true) => "</ol>\n",
        _ => "",
    }
}

fn written(piece: &Piece) -> String {
    match piece {
        Piece::Title(text) => format!("<h1>{}</h1>\n", escaped(text)),
        Piece::Heading(text) => format!("<h2>{}</h2>\n", escaped(text)),
        Piece::Subheading(text) => format!("<h3>{}</h3>\n", escaped(text)),
        Piece::Text(text, Paint::Bold) => format!("<p><b>{}</b></p>\n", escaped(text)),
        Piece::Text(text, _) => format!("<p>{}</p>\n", escaped(text)),
        Piece::Labelled(label, text) => format!("<li>{}: {}</li>\n", escaped(label), linked(text)),
        Piece::Step(_, text) | Piece::Point(text) => format!("<li>{}</li>\n", escaped(text)),
        Piece::Entry(term, text) => format!("<li><code>{}</code>: {}</li>\n", escaped(term), escaped(text)),
        Piece::Link(title, url) if url.starts_with("https://") => {
            format!("<li><a href=\"{}\">{}</a></li>\n", escaped(url), escaped(title))
        }
        Piece::Link(title, url) => format!("<li>{}: {}</li>\n", escaped(title), escaped(url)),
        Piece::Command(command) => format!("<pre>{}</pre>\n", entities(command.trim())),
        Piece::Verify(command) => format!("<li>Verify: <code>{}</code></li>\n", escaped(command)),
        Piece::Table(head, rows) => table(head, rows),
        Piece::Gap => String::new(),
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let mut text = String::from("<table>\n<tr>");
    for cell in head {
        let _ = write!(text, "<th>{}</th>", escaped(cell));
    }
    for row in rows {
        text.push_str("</tr>\n<tr>");
        for cell in row {
            let _ = write!(text, "<td>{}</td>", escaped(cell));
        }
    }
    text + "</tr>\n</table>\n"
}

/// A text that is an address becomes a link.
fn linked(text: &str) -> String {
    let safe = escaped(text);
    if is_address(text) { format!("<a href=\"{safe}\">{safe}</a>") } else { safe }
}

/// One paragraph in which nothing means more than it says.
fn escaped(text: &str) -> String {
    entities(&plain(text.trim()))
}

fn entities(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_becomes_an_element() {
        let pieces = [Piece::Title("<script>".into()), Piece::Link("a\"b".into(), "javascript:x".into())];
        let text = page(&pieces);
        assert!(!text.contains("<script>") && !text.contains("href=\"javascript"), "{text}");
        assert!(text.contains("&lt;script&gt;") && text.contains("a&quot;b"));
    }

    #[test]
    fn points_and_steps_stand_in_lists_of_their_own() {
        let pieces = [
            Piece::Labelled("A".into(), "https://contoso.com/x".into()),
            Piece::Step(1, "one".into()),
            Piece::Step(2, "two".into()),
            Piece::Text("end".into(), Paint::Plain),
        ];
        let text = page(&pieces);
        let body = text.split("<body>\n").nth(1).expect("a body");
        let wanted = "<ul>\n<li>A: <a href=\"https://contoso.com/x\">https://contoso.com/x</a></li>\n</ul>\n<ol>\n\
                      <li>one</li>\n<li>two</li>\n</ol>\n<p>end</p>\n";
        assert!(body.starts_with(wanted), "{body}");
    }
}
