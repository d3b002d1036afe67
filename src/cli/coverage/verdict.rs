//! From an answer to the causes that may stand behind it, by the knowledge of codes.

use std::collections::HashMap;

use crate::collect::coverage::{Answer, Standing};
use crate::knowledge::{Entry, Knowledge, Others};

/// Most different answers that are remembered.
const REMEMBERED: usize = 512;

/// Causes by which a mailbox lies outside what the identity was granted.
pub const OUTSIDE: [&str; 3] = ["app-access-policy", "impersonation-scope", "delegate-access-denied"];

/// The likeliest cause, by what became of the other mailboxes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Causes {
    /// If some open.
    pub open: Option<String>,
    /// If none does.
    pub closed: Option<String>,
}

impl Causes {
    /// The one that holds.
    pub fn decided(&self, some_open: bool) -> Option<&str> {
        if some_open { self.open.as_deref() } else { self.closed.as_deref() }
    }
}

/// What tells answers apart: status, code, and text without the address.
type Said = (Option<u16>, Option<Box<str>>, Option<Box<str>>);

/// Looks causes up, each kind of answer once.
#[derive(Debug)]
pub struct Causal<'a> {
    knowledge: &'a Knowledge,
    world: Option<String>,
    known: HashMap<Said, Causes>,
}

impl<'a> Causal<'a> {
    /// For one world.
    pub fn new(knowledge: &'a Knowledge, world: Option<String>) -> Self {
        Self { knowledge, world, known: HashMap::new() }
    }

    /// What may stand behind an answer; nothing behind one that opened or says nothing.
    pub fn causes(&mut self, address: &str, answer: &Answer) -> Causes {
        if answer.standing == Standing::Open {
            return Causes::default();
        }
        let text = answer.text.as_deref().map(|text| without(text, address).into_boxed_str());
        let key = (answer.status, answer.code.clone(), text);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let causes = self.look_up(&key);
        if self.known.len() < REMEMBERED {
            self.known.insert(key, causes.clone());
        }
        causes
    }

    fn look_up(&self, (_, code, text): &Said) -> Causes {
        let own = code.as_deref().and_then(|code| self.knowledge.code(code));
        let said = text.as_deref().map(|text| self.knowledge.codes_in(text)).unwrap_or_default();
        let entries: Vec<Entry> =
            own.into_iter().chain(said.into_iter().filter_map(|name| self.knowledge.code(name))).collect();
        let cause = |others| {
            let clear = |entry: &&Entry| entry.causes.first().map_or(0, |likely| likely.weight);
            // The one that decides most; of equals the first.
            let telling = entries.iter().rev().max_by_key(clear)?;
            let likely = telling.likeliest(self.world.as_deref(), Some(others));
            likely.or_else(|| telling.likeliest(None, None)).map(|likely| likely.cause.clone())
        };
        Causes { open: cause(Others::Open), closed: cause(Others::Closed) }
    }
}

/// The text without the address, so that the same refusal of many mailboxes is one.
fn without(text: &str, address: &str) -> String {
    let (lower, address) = (text.to_ascii_lowercase(), address.to_ascii_lowercase());
    if address.is_empty() || !lower.contains(&address) {
        return text.to_owned();
    }
    let mut rest = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in lower.match_indices(&address) {
        rest.push_str(&text[from..at]);
        rest.push('\u{2026}');
        from = at + found.len();
    }
    rest.push_str(&text[from..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn causes(world: &str, standing: Standing, code: Option<&str>, text: Option<&str>) -> Causes {
        let answer =
            Answer { code: code.map(Into::into), text: text.map(Into::into), ..Answer::new(standing) };
        Causal::new(Knowledge::embedded(), Some(world.into())).causes("a@contoso.com", &answer)
    }

    #[test]
    fn one_cause_or_the_other_by_what_the_others_do() {
        let denied =
            causes("exchange-server", Standing::Denied, Some("ErrorImpersonateUserDenied"), Some("no"));
        assert_eq!(denied.decided(true), Some("impersonation-scope"));
        assert_eq!(denied.decided(false), Some("impersonation-role-missing"));
        let off = causes("online-ews-app", Standing::Denied, None, Some("EWS is disabled for this user"));
        assert_eq!(off.decided(true), Some("ews-disabled-mailbox"));
        assert_eq!(off.decided(false), Some("ews-disabled-tenant"));
    }

    #[test]
    fn a_telling_text_outweighs_a_general_code() {
        let text = "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.";
        let denied = causes("online-graph-app", Standing::Denied, Some("ErrorAccessDenied"), Some(text));
        assert_eq!(denied.decided(false), Some("app-access-policy"));
    }

    #[test]
    fn what_is_not_known_has_no_cause() {
        assert_eq!(causes("exchange-server", Standing::Faulty, Some("ErrorNew"), None), Causes::default());
        assert_eq!(causes("exchange-server", Standing::Open, None, None), Causes::default());
    }

    #[test]
    fn an_address_in_a_text_makes_no_new_kind() {
        assert_eq!(
            without("The user 'A@x.y' is invalid: a@X.y.", "a@x.y"),
            "The user '\u{2026}' is invalid: \u{2026}."
        );
    }
}
