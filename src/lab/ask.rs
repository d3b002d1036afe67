//! What Graph, the admin API and EWS are asked and what they answer, free of sockets.
//!
//! Plain owned data, so that one item of a batch is a request like any other and a test needs no
//! server. Must not know the client of this program.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

use super::call::{self, Call};
use super::ews::Streaming;
use super::token::Bearer;

/// One request, as a service sees it.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// HTTP method, upper case.
    pub method: String,
    /// Host asked for, without port.
    pub host: String,
    /// Path as sent, percent-encoded.
    pub path: String,
    /// Query as sent, without the question mark.
    pub query: String,
    /// Headers as sent.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    pub body: Vec<u8>,
    /// Claims of the bearer token, when one came that the lab itself had signed.
    pub claims: Option<Arc<Value>>,
    /// The bearer token has run out.
    pub expired: bool,
    /// Id that the answer carries.
    pub request_id: String,
}

impl From<&Call> for Ask {
    fn from(call: &Call) -> Self {
        let headers = call.headers.iter();
        Self {
            method: call.method.as_str().to_owned(),
            host: call.host.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: headers
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect(),
            body: call.body.to_vec(),
            claims: call.bearer.token().map(|token| Arc::clone(&token.seen)),
            expired: call.bearer == Bearer::Expired,
            request_id: call.request_id.clone(),
        }
    }
}

impl Ask {
    /// The header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A claim of the token as text; empty without one.
    pub fn claim(&self, name: &str) -> &str {
        self.claims.as_ref().and_then(|claims| claims[name].as_str()).unwrap_or_default()
    }

    /// Words of a claim that holds a list, or one text with blanks between the words.
    pub fn claim_words(&self, name: &str) -> Vec<&str> {
        let claim = self.claims.as_ref().map(|claims| &claims[name]);
        match claim {
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(words)) => words.split_whitespace().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the token is an app's own.
    pub fn app_only(&self) -> bool {
        self.claim("idtyp") == "app"
    }
}

/// One answer of a service.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names as Microsoft spells them.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// What follows the body for as long as the connection is open.
    pub stream: Option<Box<Streaming>>,
}

impl Answer {
    /// An answer with a body of that content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), stream: None }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), stream: None }
    }

    /// The same answer, followed by a stream.
    #[must_use]
    pub fn streaming(mut self, stream: Streaming) -> Self {
        self.stream = Some(Box::new(stream));
        self
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl From<Answer> for call::Answer {
    fn from(answer: Answer) -> Self {
        let mut http = Self::new(Bytes::from(answer.body));
        if let Some(stream) = answer.stream {
            http.extensions_mut().insert(*stream);
        }
        *http.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in answer.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                http.headers_mut().append(name, value);
            }
        }
        http
    }
}

impl From<call::Answer> for Answer {
    fn from(http: call::Answer) -> Self {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            http.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        Self { status: http.status().as_u16(), headers, body: http.into_body().to_vec(), stream: None }
    }
}
