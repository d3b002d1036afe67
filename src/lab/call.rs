//! The seam between the lab's HTTP server and its services: a request with its body read and its token
//! decoded, and helpers that build answers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::Value;

use super::token::Bearer;

/// What a service answers.
pub type Answer = http::Response<Bytes>;

/// One request to a service.
#[derive(Debug)]
pub struct Call {
    /// Method.
    pub method: Method,
    /// Host asked, lower case, without port.
    pub host: String,
    /// Path, still percent-encoded.
    pub path: String,
    /// Query without its question mark, still percent-encoded.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// The bearer token of the `Authorization` header.
    pub bearer: Bearer,
    /// The request came over TLS.
    pub secure: bool,
    /// Number of the TCP connection, for schemes that bind an identity to it.
    pub connection: u64,
    /// Id that the answer carries as `request-id`.
    pub request_id: String,
}

impl Call {
    /// The header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The decoded path segments, without empty ones.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decode).collect()
    }

    /// The decoded query parameter, its name matched without regard to case.
    pub fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.into_owned())
    }

    /// The form field of the body.
    pub fn form(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Percent-decodes a path segment.
pub fn decode(segment: &str) -> String {
    // A plus sign is itself in a path, unlike in a form.
    let plus = segment.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={plus}").as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// A JSON answer.
pub fn json(status: StatusCode, body: &Value) -> Answer {
    text(status, "application/json; charset=utf-8", body.to_string())
}

/// An answer with a content type.
pub fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Answer::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Answer::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

/// A redirect.
pub fn redirect(status: StatusCode, location: &str) -> Answer {
    let body = "<html><head><title>Object moved</title></head><body><h2>Object moved</h2></body></html>";
    with_header(text(status, "text/html; charset=utf-8", body), "location", location)
}

/// The same answer with one more header; a value that is no header value is left out.
pub fn with_header(mut answer: Answer, name: &'static str, value: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(name, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_segments_are_decoded_without_touching_plus_signs() {
        assert_eq!(decode("svc%2Bx+y%40contoso.com"), "svc+x+y@contoso.com");
        assert_eq!(decode("a&b=c%20d"), "a");
    }
}
