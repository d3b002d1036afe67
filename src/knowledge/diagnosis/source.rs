//! Where the bytes of a log come from: packed or not, in any encoding, a portion at a time.

use std::borrow::Cow;
use std::io::{self, Read};

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flate2::read::MultiGzDecoder;

/// Bytes at the beginning that tell the encoding.
const SAMPLE: usize = 4096;
/// Bytes read at once.
const PORTION: usize = 256 << 10;
/// Most bytes that are read: a packed bomb ends here.
const MOST: u64 = 1 << 36;

/// A log as a stream of bytes that are UTF-8, or nearly so.
pub struct Source<'a> {
    from: Box<dyn Read + 'a>,
    decoder: Option<Decoder>,
    sampled: Vec<u8>,
    raw: Vec<u8>,
    most: u64,
    /// Bytes handed on so far.
    pub bytes: u64,
    /// There was more than is ever read.
    pub cut: bool,
}

impl<'a> Source<'a> {
    /// Looks at the beginning, and unpacks if need be.
    pub fn open(mut from: impl Read + 'a) -> io::Result<Self> {
        let head = some(&mut from, 2)?;
        let packed = head == [0x1f, 0x8b];
        let whole = io::Cursor::new(head).chain(from);
        let mut from: Box<dyn Read + 'a> =
            if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) };
        let sampled = some(&mut from, SAMPLE)?;
        let decoder = encoding(&sampled).map(encoding_rs::Encoding::new_decoder_with_bom_removal);
        Ok(Self { from, decoder, sampled, raw: vec![0; PORTION], most: MOST, bytes: 0, cut: false })
    }

    /// Appends the next portion; `false`: nothing is left.
    pub fn fill(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let before = into.len();
        let count = if self.sampled.is_empty() {
            read(&mut self.from, &mut self.raw)?
        } else {
            let count = self.sampled.len();
            self.raw[..count].copy_from_slice(&self.sampled);
            self.sampled.clear();
            count
        };
        let raw = &self.raw[..count];
        match &mut self.decoder {
            None if self.bytes == 0 => {
                into.extend_from_slice(raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw));
            }
            None => into.extend_from_slice(raw),
            Some(decoder) => decode(decoder, raw, into),
        }
        self.bytes += (into.len() - before) as u64;
        self.cut = self.bytes >= self.most && count > 0;
        Ok(count > 0 && !self.cut)
    }
}

/// Reads, and takes up again what a signal interrupted.
fn read(from: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// So many bytes, or all there are.
fn some(from: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut found = vec![0; count];
    let mut have = 0;
    while have < count {
        match read(from, &mut found[have..])? {
            0 => break,
            more => have += more,
        }
    }
    found.truncate(have);
    Ok(found)
}

/// UTF-16 by its mark, or by the zero bytes of its letters.
fn encoding(sample: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match sample {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), sample.len() / 2);
    let mostly = |many: usize, few: usize| half >= 4 && many * 10 >= half * 7 && few * 10 <= half;
    match (mostly(odd, even), mostly(even, odd)) {
        (true, _) => Some(UTF_16LE),
        (_, true) => Some(UTF_16BE),
        _ => None,
    }
}

fn decode(decoder: &mut Decoder, raw: &[u8], into: &mut Vec<u8>) {
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len() * 3));
    let _ = decoder.decode_to_string(raw, &mut text, raw.is_empty());
    into.extend_from_slice(text.as_bytes());
}

/// A piece as text: what is no UTF-8 is taken for the code page of Western Windows.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn all(bytes: &[u8]) -> String {
        let mut source = Source::open(bytes).expect("opens");
        let mut found = Vec::new();
        while source.fill(&mut found).expect("reads") {}
        text(&found).into_owned()
    }

    #[test]
    fn every_encoding_says_the_same() {
        let wanted = "Der Remotename konnte nicht aufgelöst werden\n";
        let wide = |little: bool| -> Vec<u8> {
            wanted
                .encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect()
        };
        let latin: Vec<u8> = wanted.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
        let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
        for bytes in [
            wanted.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", wanted.as_bytes()),
            wide(true),
            wide(false),
            marked(b"\xff\xfe", &wide(true)),
            marked(b"\xfe\xff", &wide(false)),
            latin,
        ] {
            assert_eq!(all(&bytes), wanted);
        }
    }

    #[test]
    fn packed_logs_are_unpacked() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(b"one\ntwo\n").expect("packs");
        assert_eq!(all(&packer.finish().expect("packs")), "one\ntwo\n");
    }

    #[test]
    fn a_bomb_ends() {
        let mut source = Source::open(io::repeat(b'a')).expect("opens");
        source.most = 1 << 20;
        let mut found = Vec::new();
        while source.fill(&mut found).expect("reads") {}
        assert!(source.cut && found.len() <= (1 << 20) + PORTION);
    }

    #[test]
    fn a_damaged_package_is_an_error() {
        let mut source = Source::open(&b"\x1f\x8b\x08garbage"[..]);
        let failed = match &mut source {
            Ok(source) => source.fill(&mut Vec::new()).is_err(),
            Err(_) => true,
        };
        assert!(failed);
    }
}
