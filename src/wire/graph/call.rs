//! Requests of the writing client: paths of opaque, encoded ids, and one request as it stands alone or
//! in a batch.

use http::Method;
use serde_json::{Map, Value, json};
use url::Url;

use super::encode;

/// Longest id, and longest link, that is taken from an answer.
const LONGEST_ID: usize = 2048;

/// The header by which ids stay the same when an item is moved.
const IMMUTABLE: &str = "IdType=\"ImmutableId\"";

/// An id as a server gave it, or an address: opaque, bounded, and safe as one segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// Takes an id; `None`: it is empty, too long, holds control characters, or would lead up.
    pub fn new(text: &str) -> Option<Self> {
        let bounded = !text.is_empty() && text.len() <= LONGEST_ID;
        let plain = !text.chars().any(char::is_control) && !matches!(text, "." | "..");
        (bounded && plain).then(|| Self(text.to_owned()))
    }

    /// The id of an object.
    pub fn of(object: &Value) -> Option<Self> {
        Self::new(object.get("id")?.as_str()?)
    }

    /// As the server names it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A path below the version: fixed words and encoded ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(String);

impl Path {
    /// The signed-in user.
    pub fn me() -> Self {
        Self("/me".into())
    }

    /// A user by address.
    pub fn user(address: &Id) -> Self {
        Self("/users".into()).of(address)
    }

    /// A collection of the tenant.
    pub fn tenant(collection: &'static str) -> Self {
        Self::default().to(collection)
    }

    /// One fixed word further.
    #[must_use]
    pub fn to(&self, word: &'static str) -> Self {
        Self(format!("{}/{word}", self.0))
    }

    /// The object of an id.
    #[must_use]
    pub fn of(&self, id: &Id) -> Self {
        Self(format!("{}/{}", self.0, encode(&id.0)))
    }
}

/// A link that a server gave and that leads to the same host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(pub(super) Url);

#[derive(Debug, Clone)]
enum To {
    Path(String),
    Link(Link),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method.
    pub(super) method: Method,
    to: To,
    prefer: Vec<String>,
    if_match: Option<String>,
    pub(super) body: Option<Value>,
}

impl Call {
    fn new(method: Method, to: To, body: Option<Value>) -> Self {
        Self { method, to, prefer: vec![IMMUTABLE.into()], if_match: None, body }
    }

    /// Reads an object or a page of a list; `query` is name and raw value.
    pub fn get(path: &Path, query: &[(&str, &str)]) -> Self {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        Self::new(Method::GET, To::Path(format!("{}{mark}{}", path.0, query.join("&"))), None)
    }

    /// Reads where a link leads.
    pub fn follow(link: &Link) -> Self {
        Self::new(Method::GET, To::Link(link.clone()), None)
    }

    /// Makes an object, or asks a question that is put by POST.
    pub fn post(path: &Path, body: Value) -> Self {
        Self::new(Method::POST, To::Path(path.0.clone()), Some(body))
    }

    /// Calls an action that takes nothing.
    pub fn act(path: &Path) -> Self {
        Self::new(Method::POST, To::Path(path.0.clone()), None)
    }

    /// Changes an object, if it is still the one of this change key.
    pub fn patch(path: &Path, etag: Option<&str>, body: Value) -> Self {
        let if_match = etag.map(str::to_owned);
        Self { if_match, ..Self::new(Method::PATCH, To::Path(path.0.clone()), Some(body)) }
    }

    /// Deletes an object; the service moves it to Deleted Items.
    pub fn delete(path: &Path) -> Self {
        Self::new(Method::DELETE, To::Path(path.0.clone()), None)
    }

    /// Wants no more than so many entries on a page.
    #[must_use]
    pub fn page(self, entries: u32) -> Self {
        self.prefer(format!("odata.maxpagesize={entries}"))
    }

    /// Wants bodies as plain text.
    #[must_use]
    pub fn plain_body(self) -> Self {
        self.prefer("outlook.body-content-type=\"text\"".into())
    }

    fn prefer(mut self, preference: String) -> Self {
        self.prefer.push(preference);
        self
    }

    /// Repeating it changes nothing more than doing it once.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// It is to be refused if the object is no longer the one of its change key.
    pub fn is_conditional(&self) -> bool {
        self.if_match.is_some()
    }

    /// Its headers besides those of the client.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![("prefer", self.prefer.join(", "))];
        headers.extend(self.if_match.iter().map(|etag| ("if-match", etag.clone())));
        headers
    }

    /// Its URL on a host.
    pub(super) fn url(&self, base: &Url) -> Option<Url> {
        match &self.to {
            To::Path(path) => base.join(&format!("/v1.0{path}")).ok(),
            To::Link(link) => Some(link.0.clone()),
        }
    }

    /// As an entry of a batch.
    pub(super) fn entry(&self, id: usize) -> Value {
        let url = match &self.to {
            To::Path(path) => path.clone(),
            To::Link(link) => {
                let path = link.0.path();
                let query = link.0.query().map(|query| format!("?{query}")).unwrap_or_default();
                format!("{}{query}", path.strip_prefix("/v1.0").unwrap_or(path))
            }
        };
        let mut headers: Map<String, Value> =
            self.headers().into_iter().map(|(name, value)| (header_name(name), value.into())).collect();
        let mut entry = json!({ "id": id.to_string(), "method": self.method.as_str(), "url": url });
        if let Some(body) = &self.body {
            headers.insert("Content-Type".into(), "application/json".into());
            entry["body"] = body.clone();
        }
        entry["headers"] = headers.into();
        entry
    }
}

/// As Microsoft writes them in batches.
fn header_name(name: &str) -> String {
    match name {
        "prefer" => "Prefer".into(),
        "if-match" => "If-Match".into(),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        for text in ["", ".", "..", "a\nb", &"x".repeat(3000)] {
            assert_eq!(Id::new(text), None, "{text:?}");
        }
        let base = Url::parse("https://graph.microsoft.com/").expect("a URL");
        for (id, path) in [
            ("a/../b?c#d", "/v1.0/me/contacts/a%2F..%2Fb%3Fc%23d"),
            ("%2e%2e", "/v1.0/me/contacts/%252e%252e"),
            ("AAMk-_=", "/v1.0/me/contacts/AAMk-_%3D"),
        ] {
            let id = Id::new(id).expect("an id");
            let url = Call::get(&Path::me().to("contacts").of(&id), &[]).url(&base).expect("a URL");
            assert_eq!(url.path(), path);
        }
    }

    #[test]
    fn a_path_cannot_name_another_host() {
        let base = Url::parse("https://graph.microsoft.com/").expect("a URL");
        let user = Path::user(&Id::new("//evil.example/x").expect("an id"));
        let url = Call::get(&user, &[]).url(&base).expect("a URL");
        assert_eq!(url.host_str(), Some("graph.microsoft.com"));
    }

    #[test]
    fn an_entry_of_a_batch_carries_its_own_headers() {
        let path = Path::me().to("contacts").of(&Id::new("x").expect("an id"));
        let call = Call::patch(&path, Some("W/\"1\""), json!({ "jobTitle": "b" }));
        let expected = json!({
            "id": "2", "method": "PATCH", "url": "/me/contacts/x",
            "headers": {
                "Prefer": "IdType=\"ImmutableId\"", "If-Match": "W/\"1\"", "Content-Type": "application/json"
            },
            "body": { "jobTitle": "b" }
        });
        assert_eq!(call.entry(2), expected);
    }
}
