//! Microsoft Graph: reading one object or a whole list, and the one question that is asked by POST.
//!
//! Sends the token to the configured host only: a next link that leads elsewhere ends the reading.
//! Knows nothing of what the objects mean.

mod call;
mod reads;
mod writer;

use std::fmt::Write as _;

use http::{
    HeaderName, HeaderValue,
    header::{AUTHORIZATION, USER_AGENT},
};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::answer::{self, Answer, Said};
use super::{Body, Failure, Net, Request, Response, Secret};
use crate::facts::Exchange;

pub use call::{Call, Id, Link, Path};
pub use reads::{Reads, Refused};
pub use writer::{Done, Mailbox, Next, Writer};

/// Why nothing was sent.
const UNSENDABLE: &str = "the token holds characters that no header can carry";

/// Most pages of one list that are read.
const PAGES: usize = 20;

/// A path below `/v1.0/` or `/beta/` of whatever host is configured; it is only ever read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPath(String);

/// Why a path is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not sent: it is no path below /v1.0/ or /beta/")]
pub struct NotReadable(String);

impl ReadPath {
    /// Takes a path whose values are encoded.
    ///
    /// # Errors
    ///
    /// For whatever could lead elsewhere: another host, parts that go up, options, control characters.
    pub fn new(path: &str) -> Result<Self, NotReadable> {
        let below = path.strip_prefix("/v1.0/").or_else(|| path.strip_prefix("/beta/"));
        let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\#?\"<>^`{}|".contains(&byte));
        let dots =
            |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "" | "." | "..");
        match below {
            Some(below) if plain && !below.split('/').any(dots) => Ok(Self(path.to_owned())),
            _ => Err(NotReadable(path.to_owned())),
        }
    }
}

impl std::fmt::Display for ReadPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client with the token of one identity.
#[derive(Debug, Clone)]
pub struct Graph {
    net: Net,
    base: Url,
    token: Secret,
    agent: Option<HeaderValue>,
    until: Instant,
}

impl Graph {
    /// A client for one host and one token; no retry starts that would end after `until`.
    pub fn new(net: Net, base: Url, token: Secret, until: Instant) -> Self {
        Self { net, base, token, agent: None, until }
    }

    /// The same client under another program's name.
    #[must_use]
    pub fn named(mut self, agent: HeaderValue) -> Self {
        self.agent = Some(agent);
        self
    }

    /// Reads one object. `path` begins with the version, `query` is name and raw value.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Said {
        let (outcome, exchanges) = self.send(Request::get(self.url(path, query))).await;
        Said { answer: answer::read(outcome), exchanges, truncated: false }
    }

    /// Where a list begins, for [`Graph::page`].
    pub fn first_page(&self, path: &str, query: &[(&str, &str)]) -> Url {
        self.url(path, query)
    }

    /// Reads one page of a list of any length; gives its rows and where the next one is.
    ///
    /// # Errors
    ///
    /// The answer, where it is no page.
    pub async fn page(&self, at: Url) -> Result<(Vec<Value>, Option<Url>), Answer> {
        let (outcome, _) = self.send(Request::get(at)).await;
        let mut rows = Vec::new();
        let next = page(answer::read(outcome), &mut rows)?;
        match next.map(|next| same_host(&self.base, &next)) {
            None => Ok((rows, None)),
            Some(Some(next)) => Ok((rows, Some(next))),
            Some(None) => Err(Answer::Unreadable("the next page of the list lies on another host".into())),
        }
    }

    /// Reads a whole list, page after page, into one JSON array.
    pub async fn list(&self, path: &str, query: &[(&str, &str)]) -> Said {
        let mut url = self.url(path, query);
        let (mut rows, mut exchanges) = (Vec::new(), Vec::new());
        for _ in 0..PAGES {
            let (outcome, more) = self.send(Request::get(url)).await;
            exchanges.extend(more);
            let next = match page(answer::read(outcome), &mut rows) {
                Ok(next) => next,
                Err(answer) => return Said { answer, exchanges, truncated: false },
            };
            match next.map(|next| same_host(&self.base, &next)) {
                None => return Said { answer: Answer::Found(rows.into()), exchanges, truncated: false },
                Some(Some(next)) => url = next,
                Some(None) => {
                    let text = "the next page of the list lies on another host".to_owned();
                    return Said { answer: Answer::Unreadable(text), exchanges, truncated: false };
                }
            }
        }
        Said { answer: Answer::Found(rows.into()), exchanges, truncated: true }
    }

    /// Reads an object, or a whole list, at a path that a user wrote.
    pub async fn read(&self, path: &ReadPath, query: &[(String, String)], list: bool) -> Said {
        let query: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if list { self.list(&path.0, &query).await } else { self.get(&path.0, &query).await }
    }

    /// Asks a question that Graph takes by POST and that changes nothing.
    pub async fn evaluate(&self, body: Value) -> Said {
        let url = self.url("/v1.0/identity/conditionalAccess/evaluate", &[]);
        let (outcome, exchanges) = self.send(Request::post(url, Body::Json(body))).await;
        Said { answer: answer::read(outcome), exchanges, truncated: false }
    }

    async fn send(&self, request: Request) -> (Result<Response, Failure>, Vec<Exchange>) {
        match self.authorized(request) {
            Some(request) => answer::send_patiently(&self.net, request, self.until).await,
            None => (Err(Failure::Garbled { text: UNSENDABLE.into() }), Vec::new()),
        }
    }

    /// The request with the token; `None`: no header can carry it.
    fn authorized(&self, mut request: Request) -> Option<Request> {
        request.headers.insert(AUTHORIZATION, bearer(&self.token)?);
        if let Some(agent) = &self.agent {
            request.headers.insert(USER_AGENT, agent.clone());
        }
        request
            .headers
            .insert(HeaderName::from_static("accept"), HeaderValue::from_static("application/json"));
        Some(request)
    }

    fn url(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        url
    }
}

/// The header value for a token, marked as sensitive.
pub(super) fn bearer(token: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes the rows of one page; yields the next link, or the answer that ends the reading.
pub(super) fn page(answer: Answer, rows: &mut Vec<Value>) -> Result<Option<String>, Answer> {
    let mut body = match answer {
        Answer::Found(body) => body,
        other => return Err(other),
    };
    let Some(Value::Array(values)) = body.get_mut("value").map(Value::take) else {
        return Err(Answer::Unreadable("the answer holds no list".into()));
    };
    rows.extend(values);
    Ok(body.get("@odata.nextLink").and_then(Value::as_str).map(str::to_owned))
}

/// The link, if it leads to the same scheme, host and port.
pub(super) fn same_host(base: &Url, link: &str) -> Option<Url> {
    Url::parse(link).ok().filter(|link| {
        link.scheme() == base.scheme()
            && link.host_str() == base.host_str()
            && link.port_or_known_default() == base.port_or_known_default()
    })
}

/// A text as one segment of a path or one value of a query.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~@,():$".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes every text");
        }
    }
    encoded
}

/// A text as an `OData` string literal, quotes included.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_next_link_to_another_host_is_refused() {
        let base = Url::parse("https://graph.microsoft.com/").expect("url");
        assert!(same_host(&base, "https://graph.microsoft.com:443/v1.0/users?$skiptoken=x").is_some());
        assert!(same_host(&base, "https://graph.microsoft.com.evil.example/v1.0/users").is_none());
        assert!(same_host(&base, "http://graph.microsoft.com/v1.0/users").is_none());
        assert!(same_host(&base, "/v1.0/users").is_none());
    }

    #[test]
    fn a_path_of_a_user_stays_on_the_host_and_below_its_version() {
        for path in ["/v1.0/users/a%2Fb@c.d/manager", "/beta/me", "/v1.0/servicePrincipals(appId='x')/owners"]
        {
            assert!(ReadPath::new(path).is_ok(), "{path}");
        }
        for path in [
            "https://evil.example/v1.0/users",
            "//evil.example/v1.0/",
            "/v1.0/../x",
            "/v1.0/a/%2E%2e/x",
            "/v1.0/a//b",
            "/v1.0/a?x=y",
            "/v1.0/a#b",
            "/v1.0/a b",
            "/v1.0/a\r\nHost: evil",
            "/v1.0/a\\b",
            "/v2.0/a",
            "/v1.0/",
            "",
        ] {
            assert!(ReadPath::new(path).is_err(), "{path}");
        }
    }

    #[test]
    fn pages_add_up() {
        let mut rows = Vec::new();
        let first = Answer::Found(json!({ "value": [1], "@odata.nextLink": "https://h/2" }));
        assert_eq!(page(first, &mut rows), Ok(Some("https://h/2".into())));
        assert_eq!(page(Answer::Found(json!({ "value": [2] })), &mut rows), Ok(None));
        assert_eq!(rows, [json!(1), json!(2)]);
        assert!(page(Answer::Found(json!({ "value": {} })), &mut rows).is_err());
    }

    #[test]
    fn addresses_cannot_leave_their_place() {
        assert_eq!(encode("a#EXT#/../x?y@contoso.com"), "a%23EXT%23%2F..%2Fx%3Fy@contoso.com");
        assert_eq!(literal("o'neil"), "'o''neil'");
    }
}
