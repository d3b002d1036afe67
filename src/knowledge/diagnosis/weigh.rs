//! What several pieces of evidence say together, with a confidence that means something.
//!
//! Each piece spreads its strength over causes; what is left says nothing. A cause on which several
//! pieces agree wins (their product); a weak piece beside a strong one hardly counts. The confidence is
//! never more than the pieces are worth by themselves.

use crate::knowledge::Likely;

/// What an unlisted cause is worth beside a listed one.
const FLOOR: f64 = 0.06;
/// Nothing is surer than this without a proof.
pub(super) const SUREST: f64 = 0.96;
/// How much a second piece that agrees adds.
const AGREES: f64 = 0.5;
/// How fast a weaker piece loses its say beside the strongest.
const FADES: f64 = 3.0;

/// One piece of evidence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// How much it decides, of one.
    pub strength: f64,
    /// How it spreads over causes.
    pub spread: &'a [Likely],
}

impl Piece<'_> {
    fn share(&self, cause: &str) -> f64 {
        let weight =
            self.spread.iter().find(|likely| likely.cause == cause).map_or(0, |likely| likely.weight);
        self.strength * f64::from(weight) / 100.0
    }

    fn silent(&self) -> f64 {
        let said: f64 = self.spread.iter().map(|likely| f64::from(likely.weight) / 100.0).sum();
        1.0 - self.strength * said.min(1.0)
    }
}

/// The causes that the pieces name, each with a confidence, the surest first.
pub(super) fn weigh<'a>(pieces: &[Piece<'a>]) -> Vec<(&'a str, f64)> {
    let strongest = pieces.iter().map(|piece| piece.strength).fold(0.0, f64::max);
    if strongest <= 0.0 {
        return Vec::new();
    }
    let say = |piece: &Piece<'_>| (piece.strength / strongest).powf(FADES);
    let mut causes: Vec<&str> =
        pieces.iter().flat_map(|piece| piece.spread).map(|likely| &*likely.cause).collect();
    causes.sort_unstable();
    causes.dedup();
    let scores: Vec<f64> = causes
        .iter()
        .map(|cause| {
            pieces
                .iter()
                .map(|piece| (piece.share(cause) + piece.silent() * FLOOR).powf(say(piece)))
                .product()
        })
        .collect();
    let silent: f64 = pieces.iter().map(|piece| piece.silent().powf(say(piece))).product();
    let sum: f64 = scores.iter().sum::<f64>() / (1.0 - silent).max(f64::EPSILON);
    let mut weighed: Vec<(&str, f64)> = causes
        .into_iter()
        .zip(scores)
        .map(|(cause, score)| (cause, (score / sum).min(worth(pieces, cause, say)).min(SUREST)))
        .collect();
    weighed.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(other.0)));
    weighed
}

/// The most that these pieces can say for a cause: the best of them, and a part of those that agree.
fn worth<'a>(pieces: &[Piece<'a>], cause: &str, say: impl Fn(&Piece<'a>) -> f64) -> f64 {
    let mut shares: Vec<f64> = pieces.iter().map(|piece| piece.share(cause) * say(piece)).collect();
    shares.sort_by(|one, other| other.total_cmp(one));
    let doubt =
        shares.iter().enumerate().map(|(place, share)| 1.0 - share * if place == 0 { 1.0 } else { AGREES });
    1.0 - doubt.product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(list: &[(&str, u8)]) -> Vec<Likely> {
        list.iter()
            .map(|(cause, weight)| Likely {
                cause: (*cause).to_owned(),
                weight: *weight,
                when: None,
                worlds: Vec::new(),
                others: None,
            })
            .collect()
    }

    #[test]
    fn one_piece_says_what_it_says() {
        let code = spread(&[("a", 60), ("b", 30)]);
        let weighed = weigh(&[Piece { strength: 1.0, spread: &code }]);
        assert_eq!(weighed[0].0, "a");
        assert!((weighed[0].1 - 0.6).abs() < 0.02 && (weighed[1].1 - 0.3).abs() < 0.02, "{weighed:?}");
    }

    #[test]
    fn agreement_wins_over_either_first_choice() {
        let (one, other) = (spread(&[("a", 50), ("b", 40)]), spread(&[("c", 50), ("b", 40)]));
        let pieces = [Piece { strength: 0.8, spread: &one }, Piece { strength: 0.8, spread: &other }];
        let weighed = weigh(&pieces);
        assert_eq!(weighed[0].0, "b");
        assert!(weighed[0].1 < 0.6, "two middling pieces make no certainty: {weighed:?}");
    }

    #[test]
    fn a_weak_piece_does_not_overrule_a_code() {
        let (code, text) = (spread(&[("a", 95)]), spread(&[("b", 90)]));
        let pieces = [Piece { strength: 0.95, spread: &code }, Piece { strength: 0.3, spread: &text }];
        let weighed = weigh(&pieces);
        assert!(weighed[0].0 == "a" && weighed[0].1 > 0.8 && weighed[1].1 < 0.1, "{weighed:?}");
    }

    #[test]
    fn nothing_is_certain() {
        let code = spread(&[("a", 100)]);
        let pieces = [Piece { strength: 1.0, spread: &code }; 5];
        assert!(weigh(&pieces)[0].1 <= SUREST);
        assert!(weigh(&[]).is_empty());
    }
}
