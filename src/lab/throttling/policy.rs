//! What a world says about the limits of one service.

use serde_json::Value;

/// Nanoseconds of a second.
pub(super) const SECOND: u64 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
/// The window of Microsoft's published limits.
const WINDOW_MS: u64 = 600_000;

/// A service with limits of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Microsoft Graph.
    Graph,
    /// Exchange Web Services.
    Ews,
}

impl Service {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Graph, Self::Ews];

    /// As in the world.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graph => "graph",
            Self::Ews => "ews",
        }
    }
}

/// A budget of requests, which flows back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Nanoseconds until an empty budget is whole.
    pub span: u64,
    /// Nanoseconds in which one request flows back.
    pub each: u64,
}

impl Window {
    fn read(policy: &Value, requests: &str, window: &str) -> Option<Self> {
        let requests = policy[requests].as_u64().filter(|requests| *requests > 0)?;
        let span = policy[window].as_u64().unwrap_or(WINDOW_MS).max(1).saturating_mul(MILLISECOND);
        let each = (span / requests).max(1);
        // A rest of the division would let one request too few through.
        Some(Self { span: each * requests, each })
    }
}

/// The limits of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    /// For each application and mailbox.
    pub mailbox: Option<Window>,
    /// For each application.
    pub app: Option<Window>,
    /// Requests of an application under way at once in one mailbox.
    pub at_once: Option<u64>,
    /// Open connections for notifications, likewise.
    pub hanging: Option<u64>,
    /// Nanoseconds that a refused caller is told to wait; without, until there is budget again.
    pub back_off: Option<u64>,
    /// Asking while told to wait begins the waiting anew.
    pub prolongs: bool,
    /// How the refusal is worded.
    pub form: String,
}

impl Policy {
    /// Reads a policy; a service without one has no limits.
    pub(super) fn read(policy: &Value) -> Option<Self> {
        policy.as_object()?;
        Some(Self {
            mailbox: Window::read(policy, "requests", "window_ms"),
            app: Window::read(policy, "app_requests", "app_window_ms"),
            at_once: policy["at_once"].as_u64(),
            hanging: policy["hanging"].as_u64(),
            back_off: policy["back_off_ms"].as_u64().map(|ms| ms.max(1).saturating_mul(MILLISECOND)),
            prolongs: policy["prolongs"] == true,
            form: policy["form"].as_str().unwrap_or_default().to_owned(),
        })
    }
}
