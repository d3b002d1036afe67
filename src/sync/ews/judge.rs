//! What an answer of Exchange Web Services means: for asking again, and for a step.

use crate::sync::{Result, Verdict};
use crate::wire::ews::{Called, Kind};

/// Codes of failures that may pass.
const PASSING: [&str; 14] = [
    "ErrorInternalServerTransientError",
    "ErrorInternalServerError",
    "ErrorMailboxStoreUnavailable",
    "ErrorMailboxFailover",
    "ErrorTimeoutExpired",
    "ErrorADUnavailable",
    "ErrorADOperation",
    "ErrorInsufficientResources",
    "ErrorNotEnoughMemory",
    "ErrorTooManyObjectsOpened",
    "ErrorConnectionFailed",
    "ErrorServiceUnavailable",
    "ErrorProxiedSubscriptionCallFailure",
    "ErrorReadEventsFailed",
];

/// Codes of operations that a server does not know, or does not offer to this caller.
const UNAVAILABLE: [&str; 3] =
    ["ErrorInvalidRequest", "ErrorIncorrectSchemaVersion", "ErrorInvalidServerVersion"];

/// Codes that say that something is not, or no longer, there.
pub(super) const GONE: [&str; 2] = ["ErrorItemNotFound", "ErrorFolderNotFound"];

/// Codes of a change that is refused because the item has changed since.
pub(super) const CONFLICT: [&str; 2] = ["ErrorIrresolvableConflict", "ErrorStaleObject"];

/// What an answer means for asking again.
pub(super) fn verdict(called: &Called) -> Verdict {
    let outcome = &called.outcome;
    match outcome.kind {
        Kind::Throttled => Verdict::Busy(outcome.back_off()),
        Kind::Failed => Verdict::Passing,
        Kind::ServerError if outcome.status != Some(501) => Verdict::Passing,
        // Half an answer, or an empty one.
        Kind::NotSoap if outcome.status.is_none_or(|status| status == 200) => Verdict::Passing,
        Kind::Error if has_code(called, &PASSING) => Verdict::Passing,
        _ => Verdict::Settled,
    }
}

/// How a step ends with this answer. `understood`: the server answered the same operation before.
pub(super) fn result(called: &Called, understood: bool) -> Result {
    let outcome = &called.outcome;
    match outcome.kind {
        Kind::Ok => Result::Ok,
        Kind::Throttled => Result::Throttled,
        Kind::Error if has_code(called, &UNAVAILABLE) => Result::Unavailable,
        Kind::Error if has_code(called, &PASSING) => Result::Failed,
        Kind::Error | Kind::Unauthorized | Kind::UnsupportedScheme | Kind::Forbidden => Result::Refused,
        Kind::NotSoap | Kind::ServerError if matches!(outcome.status, Some(404 | 405 | 501)) => {
            Result::Unavailable
        }
        // Some servers answer what they do not know with a fault without any code.
        Kind::ServerError if outcome.code.is_some() && !understood => Result::Unavailable,
        Kind::ServerError | Kind::NotSoap | Kind::Failed => Result::Failed,
    }
}

/// Whether an answer proves that the server knows the operation.
pub(super) fn is_understood(called: &Called) -> bool {
    match called.outcome.kind {
        Kind::Ok => true,
        Kind::Error => !has_code(called, &UNAVAILABLE),
        _ => false,
    }
}

pub(super) fn has_code(called: &Called, codes: &[&str]) -> bool {
    called.outcome.code.as_deref().is_some_and(|code| codes.contains(&code))
}
