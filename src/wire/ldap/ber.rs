//! The few rules of BER that LDAP uses. Reading goes level by level as the caller asks, so that deep
//! nesting costs nothing, and never beyond what was received.

/// Writes one element.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut written = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => written.push(short),
        _ => {
            let bytes = content.len().to_be_bytes();
            let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            written.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            written.extend(bytes);
        }
    }
    written.extend(content);
    written
}

/// Writes an element that holds others.
pub fn nest(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// Writes a number that is not negative, as an INTEGER or an ENUMERATED.
pub fn number(tag: u8, value: u32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let mut bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    element(tag, &bytes)
}

/// Tag of an INTEGER.
pub const INTEGER: u8 = 0x02;
/// Tag of an OCTET STRING.
pub const OCTETS: u8 = 0x04;
/// Tag of an ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// Tag of a SEQUENCE.
pub const SEQUENCE: u8 = 0x30;

/// Length of the element that begins here, head and content: `None` while more bytes are needed.
///
/// # Errors
///
/// When its head is none, or it is longer than `limit`.
pub fn whole(bytes: &[u8], limit: usize) -> Result<Option<usize>, &'static str> {
    let Some((head, length)) = head(bytes)? else { return Ok(None) };
    match head.checked_add(length) {
        Some(whole) if whole <= limit => Ok((bytes.len() >= whole).then_some(whole)),
        _ => Err("a message is longer than allowed"),
    }
}

/// Length of an element's head and of its content; `None` while more bytes are needed.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, &'static str> {
    let (Some(tag), Some(first)) = (bytes.first(), bytes.get(1)) else { return Ok(None) };
    if tag & 0x1f == 0x1f {
        return Err("a message holds a tag that LDAP does not know");
    }
    if *first < 0x80 {
        return Ok(Some((2, usize::from(*first))));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return Err("a message holds a length that LDAP does not know");
    }
    let Some(digits) = bytes.get(2..2 + count) else { return Ok(None) };
    let length = digits.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    Ok(Some((2 + count, length)))
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a>(pub &'a [u8]);

impl<'a> Elements<'a> {
    /// The next element: its tag and its content; `None` at the end, or where it is broken.
    pub fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (start, length) = head(self.0).ok()??;
        let end = start.checked_add(length)?;
        let content = self.0.get(start..end)?;
        let tag = *self.0.first()?;
        self.0 = self.0.get(end..)?;
        Some((tag, content))
    }

    /// The content of the next element, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }

    /// The next element as a number.
    pub fn number(&mut self, tag: u8) -> Option<i64> {
        let content = self.expect(tag).filter(|content| (1..=8).contains(&content.len()))?;
        let negative = content.first()? & 0x80 != 0;
        Some(
            content.iter().fold(if negative { -1 } else { 0 }, |value, byte| (value << 8) | i64::from(*byte)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let written = element(OCTETS, &vec![7; length]);
            assert_eq!(whole(&written, 1 << 20), Ok(Some(written.len())), "{length}");
            assert_eq!(Elements(&written).expect(OCTETS).map(<[u8]>::len), Some(length));
        }
        for value in [0, 1, 127, 128, 255, 256, 65_535, u32::MAX] {
            assert_eq!(Elements(&number(INTEGER, value)).number(INTEGER), Some(i64::from(value)));
        }
    }

    #[test]
    fn a_part_of_a_message_waits_for_the_rest() {
        let written = element(SEQUENCE, &[1; 300]);
        for end in 0..written.len() {
            assert_eq!(whole(&written[..end], 1 << 20), Ok(None));
        }
    }

    #[test]
    fn hostile_heads_are_refused_before_anything_is_kept() {
        assert!(whole(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], 1 << 20).is_err());
        assert!(whole(&[0x30, 0x80], 1 << 20).is_err());
        assert!(whole(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1], 1 << 20).is_err());
        assert!(whole(&[0x1f, 0x81, 1], 1 << 20).is_err());
        assert_eq!(Elements(&[0x04, 0x05, 1]).next(), None);
    }
}
