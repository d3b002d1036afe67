//! BER as a directory server writes and reads it. Apart from the client's on purpose: what both got wrong
//! in the same way would never show.

/// One element, taken apart.
#[derive(Debug, Clone)]
pub struct Node {
    pub tag: u8,
    pub content: Vec<u8>,
}

impl Node {
    /// The elements inside.
    pub fn children(&self) -> Vec<Self> {
        let (mut rest, mut found) = (self.content.as_slice(), Vec::new());
        while let Some((node, after)) = Self::parse(rest) {
            found.push(node);
            rest = after;
        }
        found
    }

    /// The first element, and what follows it.
    pub fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&tag, rest) = bytes.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first - 0x80);
            if count > 3 {
                return None;
            }
            let (digits, after) = rest.split_at_checked(count)?;
            length = digits.iter().fold(0, |sum, digit| sum * 256 + usize::from(*digit));
            rest = after;
        }
        let (content, after) = rest.split_at_checked(length)?;
        Some((Self { tag, content: content.to_vec() }, after))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content).into_owned()
    }

    pub fn number(&self) -> u64 {
        self.content.iter().fold(0, |sum, digit| sum.wrapping_mul(256).wrapping_add(u64::from(*digit)))
    }
}

/// An element around others.
pub fn around(tag: u8, parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    plain(tag, &parts.into_iter().flatten().collect::<Vec<_>>())
}

/// An element. Lengths take four bytes, as Windows writes them.
pub fn plain(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

pub fn text(tag: u8, text: &str) -> Vec<u8> {
    plain(tag, text.as_bytes())
}

pub fn number(tag: u8, value: u64) -> Vec<u8> {
    let mut bytes = value.to_be_bytes().to_vec();
    while bytes.len() > 1 && bytes[0] == 0 && bytes[1] < 0x80 {
        bytes.remove(0);
    }
    plain(tag, &bytes)
}
