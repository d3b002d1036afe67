//! What stands for an address where millions of them must be told apart, and which shard it belongs to.

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};

/// Eight bytes that stand for an address, the same on every machine and in every version: the first of the
/// SHA-256 of its lower-case text, read as one number, highest byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(pub u64);

impl Key {
    /// The key of an address, whatever its letters' case.
    pub fn of(address: &str) -> Self {
        let hash = digest(&SHA256, address.trim().to_lowercase().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        Self(u64::from_be_bytes(first))
    }
}

/// One of several runs that share a list between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    of: u64,
}

impl Shard {
    /// Most shards.
    pub const MOST: u64 = 100_000;

    /// The shard of that number, counted from 0; `None` where there is none.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (of > 0 && of <= Self::MOST && index < of).then_some(Self { index, of })
    }

    /// Whether an address belongs to it. Each address belongs to exactly one.
    pub fn holds(self, key: Key) -> bool {
        key.0 % self.of == self.index
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `I/N`, where I counts from 1.
    fn from_str(text: &str) -> Result<Self, String> {
        let refusal = || format!("`{text}` is no shard; write it like 1/8 for the first of eight");
        let (index, of) = text.split_once('/').ok_or_else(refusal)?;
        let (index, of): (u64, u64) =
            (index.trim().parse().map_err(|_| refusal())?, of.trim().parse().map_err(|_| refusal())?);
        index.checked_sub(1).and_then(|index| Self::new(index, of)).ok_or_else(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_for_ever() {
        // printf %s adele@contoso.com | sha256sum | cut -c1-16
        assert_eq!(format!("{:016x}", Key::of("Adele@Contoso.com").0), "6305db4b21f770b2");
    }

    #[test]
    fn every_address_belongs_to_exactly_one_shard() {
        for at in 0..1000 {
            let key = Key::of(&format!("user{at}@contoso.com"));
            let holding = (0..7).filter(|&index| Shard::new(index, 7).is_some_and(|shard| shard.holds(key)));
            assert_eq!(holding.count(), 1);
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("1/8".parse(), Ok(Shard { index: 0, of: 8 }));
        assert_eq!("8/8".parse::<Shard>().map(|shard| shard.to_string()).as_deref(), Ok("8/8"));
        for wrong in ["0/8", "9/8", "1", "1/0", "a/b", "1/8/2", "-1/8", "1/999999999"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
