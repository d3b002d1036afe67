//! Who may call: the permissions and directory roles that a path wants of a token.

use super::error::Refusal;
use crate::lab::ask::Ask;
use crate::lab::names::{self, GRAPH_APP};

/// What a path wants: any one of the permissions of the token's kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Right {
    /// Application permissions, blank-separated.
    pub app: &'static str,
    /// Delegated permissions, blank-separated.
    pub delegated: &'static str,
    /// Delegated permissions that are enough for one's own data.
    pub own: &'static str,
    /// Display names of directory roles of which a delegated caller needs one besides; empty: none.
    pub roles: &'static [&'static str],
}

/// Roles that read everything.
pub(super) const ADMINS: [&str; 2] = ["Global Administrator", "Global Reader"];

impl Right {
    /// The same permissions in both kinds, no role needed.
    pub(super) const fn both(permissions: &'static str) -> Self {
        Self { app: permissions, delegated: permissions, own: "", roles: &[] }
    }

    /// The same right, with a delegated permission that is enough for one's own data.
    pub(super) const fn own(self, own: &'static str) -> Self {
        Self { own, ..self }
    }

    /// The same right, for delegated callers with one of the roles.
    pub(super) const fn roles(self, roles: &'static [&'static str]) -> Self {
        Self { roles, ..self }
    }

    /// The same right without an application form.
    pub(super) const fn delegated_only(self) -> Self {
        Self { app: "", ..self }
    }

    /// Refuses a caller that lacks the permission or the role; `own`: the data is the caller's.
    pub(super) fn check(&self, ask: &Ask, own: bool) -> Result<(), Refusal> {
        if ask.app_only() {
            return if holds(ask, "roles", self.app) { Ok(()) } else { Err(Refusal::denied()) };
        }
        if own && holds(ask, "scp", self.own) {
            return Ok(());
        }
        let held = ask.claim_words("wids");
        let mut roles = self.roles.iter().chain(ADMINS.iter()).map(|role| names::role(role).1);
        let may = self.roles.is_empty() || own || roles.any(|role| held.contains(&role.as_str()));
        if may && holds(ask, "scp", self.delegated) { Ok(()) } else { Err(Refusal::denied()) }
    }
}

/// Whether a claim holds one of the wanted words.
pub(super) fn holds(ask: &Ask, claim: &str, wanted: &str) -> bool {
    let held = ask.claim_words(claim);
    wanted.split_whitespace().any(|word| held.contains(&word))
}

/// Refuses a token that is none, or was made for somebody else.
pub(super) fn audience(ask: &Ask) -> Result<(), Refusal> {
    let unauthorized = |text: &str| Err(Refusal::new(401, "InvalidAuthenticationToken", text));
    if ask.header("authorization").is_none() && ask.claims.is_none() {
        return unauthorized("Access token is empty.");
    }
    if ask.expired {
        return unauthorized("Lifetime validation failed, the token is expired.");
    }
    if ask.claims.is_none() {
        return unauthorized("CompactToken parsing failed with error code: 80049217");
    }
    let audience = ask.claim("aud").trim_end_matches('/');
    let host = audience.strip_prefix("https://");
    if audience == GRAPH_APP || host == Some(ask.host.as_str()) {
        Ok(())
    } else {
        unauthorized("Access token validation failure. Invalid audience.")
    }
}
