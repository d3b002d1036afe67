//! The elements of a request, before they are written: what comes from servers is escaped, and
//! characters that XML cannot carry are left out.

use std::io;

use quick_xml::events::BytesText;

use super::super::soap::XmlWriter;

/// One element with its attributes, and either text or elements inside.
#[derive(Debug, Clone, Default)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: Option<String>,
    inside: Vec<Element>,
}

/// An empty element.
pub(super) fn element(name: &'static str) -> Element {
    Element { name, ..Element::default() }
}

/// An element with text.
pub(super) fn text(name: &'static str, text: impl AsRef<str>) -> Element {
    Element { name, text: Some(carried(text.as_ref())), ..Element::default() }
}

impl Element {
    /// With an attribute.
    pub fn attribute(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        self.attributes.push((name, carried(value.as_ref())));
        self
    }

    /// With one more element inside.
    pub fn with(mut self, inside: Self) -> Self {
        self.inside.push(inside);
        self
    }

    /// With more elements inside, in their order.
    pub fn with_all(mut self, inside: impl IntoIterator<Item = Self>) -> Self {
        self.inside.extend(inside);
        self
    }

    /// One more element inside.
    pub fn push(&mut self, inside: Self) {
        self.inside.push(inside);
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The last element inside.
    pub fn last_mut(&mut self) -> Option<&mut Self> {
        self.inside.last_mut()
    }

    pub fn write(&self, writer: &mut XmlWriter) -> io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (*name, value.as_str()));
        let writing = writer.create_element(self.name).with_attributes(attributes);
        match &self.text {
            Some(text) => writing.write_text_content(BytesText::new(text)).map(drop),
            None if self.inside.is_empty() => writing.write_empty().map(drop),
            None => writing
                .write_inner_content(|writer| self.inside.iter().try_for_each(|one| one.write(writer)))
                .map(drop),
        }
    }
}

/// Without the characters that XML 1.0 has no form for.
fn carried(text: &str) -> String {
    let fits = |c: &char| match c {
        '\t' | '\n' | '\r' => true,
        c => !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}'),
    };
    text.chars().filter(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(element: &Element) -> String {
        let mut writer = XmlWriter::new(Vec::new());
        element.write(&mut writer).expect("memory");
        String::from_utf8(writer.into_inner()).expect("UTF-8")
    }

    #[test]
    fn what_servers_say_is_escaped() {
        let id = element("t:ItemId").attribute("Id", "a\"<&\u{0}b");
        assert_eq!(written(&id), "<t:ItemId Id=\"a&quot;&lt;&amp;b\"/>");
        assert_eq!(written(&text("m:SyncState", "]]>&\u{1}")), "<m:SyncState>]]&gt;&amp;</m:SyncState>");
    }
}
