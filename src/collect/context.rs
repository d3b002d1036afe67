//! What a running call may use: its target, the net, and the facts of the calls before it.

use std::sync::Arc;

use serde_json::Value;

use super::{Memo, Target, session::Session};
use crate::facts::Section;
use crate::wire::Net;

/// Handed to each call. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    /// What is examined.
    pub target: Arc<Target>,
    /// The shared client.
    pub net: Net,
    /// Facts of the calls that stand in `after` (and of theirs).
    pub before: Arc<Section>,
    /// What the calls of the run share: sign-ins, and answers that several of them read.
    pub session: Arc<Session>,
    /// All targets of the same tenant, for calls whose answer holds for all of them.
    pub peers: Arc<[Arc<Target>]>,
    /// Answers that calls of this run share.
    pub memo: Memo,
    /// Name of the call that is being made.
    pub call: &'static str,
}

impl Context {
    /// A fact of an earlier call.
    pub fn fact(&self, path: &str) -> Option<&Value> {
        self.before.get(path)
    }

    /// A text fact of an earlier call; `None` also when it is null.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.fact(path)?.as_str()
    }
}
