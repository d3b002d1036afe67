//! Evidence: the exchanges with servers that facts rest on.

use serde::{Deserialize, Serialize};

/// Milliseconds of each phase of an exchange; `None` where unknown or not gone through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Name resolution.
    pub dns: Option<u64>,
    /// TCP and TLS.
    pub connect: Option<u64>,
    /// From the request until the first byte of the answer.
    pub first_byte: Option<u64>,
    /// Reading the body.
    pub body: Option<u64>,
}

/// One exchange with a server. Holds no secret: query values, headers and bodies are trimmed to what
/// a support engineer needs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// HTTP method, or the protocol in capitals: `DNS`, `TCP`, `TLS`, `CONNECT`.
    pub method: String,
    /// URL, or `name type` for DNS and `host:port` for TCP and TLS.
    pub url: String,
    /// HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Time by phase.
    pub ms: Timings,
    /// When it started, RFC 3339, UTC.
    pub at: String,
    /// `request-id` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `client-request-id` that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// `x-ms-diagnostics` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnostics: Option<String>,
    /// `X-FEServer` of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// First characters of the answer or of the failure, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Fact paths that this exchange yielded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
}
