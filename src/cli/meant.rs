//! Names that somebody may have meant who wrote none that is known.

/// Most names that are offered.
const OFFERED: usize = 3;
/// From this likeness on, a name may have been meant.
const LIKE: f64 = 0.82;
/// Beginnings of codes that people leave out.
const BEGINNINGS: &[&str] = &["aadsts", "error", "mapi-e-"];

/// The names that are written most alike, the nearest first; numbers that differ by more than a slip mean
/// something else.
pub fn nearest<'a>(asked: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let asked = plain(asked);
    if asked.is_empty() || asked.len() > 80 {
        return Vec::new();
    }
    let mut near: Vec<(f64, &str)> = names.filter_map(|name| Some((likeness(&asked, name)?, name))).collect();
    near.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    near.dedup_by_key(|(_, name)| *name);
    near.truncate(OFFERED);
    // What is far behind the nearest was hardly meant.
    let best = near.first().map_or(0.0, |(like, _)| *like);
    near.into_iter().filter(|(like, _)| *like > best - 0.08).map(|(_, name)| name).collect()
}

/// How alike a name is, of one; `None`: it was not meant.
fn likeness(asked: &str, name: &str) -> Option<f64> {
    let name = plain(name);
    let tail = name.rsplit('/').next().unwrap_or(&name);
    let bare = BEGINNINGS.iter().find_map(|beginning| name.strip_prefix(beginning)).unwrap_or(tail);
    if asked == bare || asked == tail {
        return Some(1.0);
    }
    let (one, other) = (digits(asked), digits(&name));
    if !(one.is_empty() && other.is_empty()) && strsim::damerau_levenshtein(&one, &other) > 1 {
        return None;
    }
    let slips = strsim::damerau_levenshtein(asked, &name).min(strsim::damerau_levenshtein(asked, tail));
    let like = [name.as_str(), tail, bare]
        .into_iter()
        .map(|form| strsim::jaro_winkler(asked, form))
        .fold(0.0, f64::max);
    // One slip in a number of five digits is as near as can be, wherever it stands.
    let few = slips <= 1 + asked.len() / 12;
    let like =
        if few { like.max(0.97 - 0.01 * f64::from(u8::try_from(slips).unwrap_or(u8::MAX))) } else { like };
    (like >= LIKE).then_some(like)
}

/// In lower case, with hyphens for all that people write between words.
fn plain(name: &str) -> String {
    let lower = name.trim().to_ascii_lowercase();
    lower.split([' ', '_', '-']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::Catalogue, knowledge::Knowledge};

    fn first(asked: &str) -> Option<String> {
        let catalogue = Catalogue::embedded();
        let checks = catalogue.checks().iter().map(crate::engine::Check::id);
        let names = checks.chain(catalogue.causes()).chain(Knowledge::embedded().names());
        nearest(asked, names).first().map(ToString::to_string)
    }

    #[test]
    fn slips_and_left_out_beginnings_are_seen_through() {
        for (asked, meant) in [
            ("AADSTS-7000222", "AADSTS7000222"),
            ("AADST50076", "AADSTS50076"),
            ("ADSTS7000222", "AADSTS7000222"),
            ("ImpersonationFailed", "ErrorImpersonationFailed"),
            ("ImpersonateUserDenied", "ErrorImpersonateUserDenied"),
            ("ErorAccessDenied", "ErrorAccessDenied"),
            ("ErrorServerBusi", "ErrorServerBusy"),
            ("bad pasword", "bad-password"),
            ("app_secret_expird", "app-secret-expired"),
            ("invalid_grnt", "invalid_grant"),
        ] {
            let found = first(asked);
            assert_eq!(found.as_deref(), Some(meant), "{asked}");
        }
    }

    #[test]
    fn what_is_far_from_everything_is_not_answered() {
        for asked in ["", "zzzzzz", "AADSTS123456789", "completely different words here"] {
            assert_eq!(first(asked), None, "{asked}");
        }
    }
}
