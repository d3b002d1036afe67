//! What pieces of a log came to, so that no other with the same key is looked at closely.

use crate::knowledge::Heals;

/// Places for outcomes; a power of two.
const PLACES: usize = 1 << 16;

/// What a piece comes to; every piece of the same key comes to the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outcome {
    pub shows: Shows,
    /// The line of the piece on which it shows, from 0.
    pub row: u32,
    /// Words stand in it behind which secrets stand.
    pub secrets: bool,
    /// It counts how far apart its parts stand: only pieces whose parts stand as far come to the same.
    pub spaced: bool,
}

impl Outcome {
    /// Nothing at all.
    pub const NOTHING: Self = Self { shows: Shows::Nothing, row: 0, secrets: false, spaced: false };
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Shows {
    Nothing,
    Success(Heals),
    /// The place of the failure; `None`: beyond those that are kept.
    Failure(Option<usize>),
}

/// The outcomes of the latest pieces: each key has two places, and the later one takes that of the one
/// that was asked for longer ago.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pairs: Vec<[Option<(u64, Outcome)>; 2]>,
}

impl Remembered {
    /// What a piece with this key came to.
    pub fn get(&mut self, key: u64) -> Option<Outcome> {
        let pair = self.pairs.get_mut(place(key))?;
        let found = pair.iter().position(|one| one.is_some_and(|(known, _)| known == key))?;
        pair[..=found].rotate_right(1);
        pair[0].map(|(_, outcome)| outcome)
    }

    /// What a piece came to.
    pub fn put(&mut self, key: u64, outcome: Outcome) {
        self.pairs.resize(PLACES / 2, [None; 2]);
        let pair = &mut self.pairs[place(key)];
        if pair[0].is_some_and(|(known, _)| known != key) {
            pair.rotate_right(1);
        }
        pair[0] = Some((key, outcome));
    }
}

fn place(key: u64) -> usize {
    usize::try_from(key % (PLACES as u64 / 2)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_two_with_the_same_place_is_forgotten() {
        let mut remembered = Remembered::default();
        let keys = [1, 1 + PLACES as u64, 1 + 2 * PLACES as u64];
        assert!(remembered.get(keys[0]).is_none());
        remembered.put(keys[0], Outcome { row: 7, ..Outcome::NOTHING });
        remembered.put(keys[1], Outcome::NOTHING);
        assert_eq!(remembered.get(keys[0]).map(|outcome| outcome.row), Some(7));
        remembered.put(keys[2], Outcome::NOTHING);
        let there = keys.map(|key| remembered.get(key).is_some());
        assert_eq!(there, [true, false, true]);
    }
}
