//! A number that stands for what was put into it.

/// A key, mixed eight bytes at a time.
pub(super) struct Key(pub u64);

impl Key {
    fn word(&mut self, word: u64) {
        let product = u128::from(self.0 ^ 0x9E37_79B9_7F4A_7C15) * u128::from(word ^ 0xF39C_C060_5CED_C835);
        let [low, high] = [product & u128::from(u64::MAX), product >> 64];
        self.0 = u64::try_from(low ^ high).unwrap_or_default();
    }

    /// Puts a number in; none is zero.
    pub fn number(&mut self, number: u64) {
        if number != 0 {
            self.word(number);
        }
    }

    /// Puts a text in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.part(bytes, 0);
    }

    /// Puts a text in, and what is told of that which stands behind it.
    pub fn part(&mut self, bytes: &[u8], behind: u32) {
        let (eights, rest) = bytes.as_chunks::<8>();
        for eight in eights {
            self.word(u64::from_le_bytes(*eight));
        }
        if !rest.is_empty() {
            self.word(few(rest));
        }
        // The length closes what stands verbatim, so that parts cannot be told as others.
        self.word(bytes.len() as u64 | u64::from(behind) << 32);
    }
}

/// Up to eight bytes, but not none, as a number.
fn few(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    let [first, middle, last] = [bytes[0], bytes[bytes.len() / 2], bytes[bytes.len() - 1]];
    u64::from(first) | u64::from(middle) << 8 | u64::from(last) << 16
}
