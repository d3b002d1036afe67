//! A caller with its token, and what came back.

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{Bench, GRAPH, PRODUCT};

pub const OWN: &str = "/v1.0/users/svc-sync@contoso.com";
pub const MARK: &str = "String {5cb26b4e-8a0f-4d0c-9b3e-2f2a71c6d94a} Name a-mark";

/// A caller with its token.
pub struct Caller {
    pub bench: Bench,
    pub token: String,
}

/// What came back.
pub struct Back {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Back {
    pub fn code(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    pub fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {} {}", self.status, self.body)).to_owned()
    }

    pub fn rows(&self) -> &[Value] {
        self.body["value"].as_array().unwrap_or_else(|| panic!("no list: {} {}", self.status, self.body))
    }

    pub fn ids(&self) -> Vec<&str> {
        self.rows().iter().map(|row| row["id"].as_str().unwrap()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The path and query of a link of the page.
    pub fn link(&self, name: &str) -> Option<String> {
        let link = self.body[format!("@odata.{name}")].as_str()?;
        Some(link.strip_prefix("https://graph.microsoft.com").unwrap().to_owned())
    }
}

impl Caller {
    pub async fn app(patch: &Value) -> Self {
        let bench = Bench::new("online-graph-app", patch).await;
        let token = bench.app(PRODUCT, GRAPH).await;
        Self { bench, token }
    }

    pub async fn user(patch: &Value) -> Self {
        let bench = Bench::new("online-delegated", patch).await;
        let token = bench.user("https://graph.microsoft.com/.default").await;
        Self { bench, token }
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Back {
        let mut request =
            self.bench.http.request(method, self.bench.url(GRAPH, path)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Back { status, headers, body }
    }

    pub async fn get(&self, path: &str) -> Back {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Back {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// An action or a deletion, which answers without a body.
    pub async fn act(&self, method: Method, path: &str) -> u16 {
        self.send(method, path, &[], None).await.status
    }

    pub async fn folder(&self, user: &str) -> String {
        let back = self.post(&format!("{user}/contactFolders"), &json!({"displayName": "Own"})).await;
        assert_eq!(back.status, 201, "{}", back.body);
        back.id()
    }

    pub async fn calendar(&self) -> String {
        let back = self.post(&format!("{OWN}/calendars"), &json!({"name": "Own"})).await;
        assert_eq!(back.status, 201, "{}", back.body);
        back.id()
    }

    /// Everything that a feed shows from a link on, and the link for later.
    pub async fn feed(&self, start: &str, headers: &[(&str, &str)]) -> (Vec<Value>, String) {
        let (mut rows, mut path) = (Vec::new(), start.to_owned());
        loop {
            let page = self.send(Method::GET, &path, headers, None).await;
            assert_eq!(page.status, 200, "{}", page.body);
            rows.extend(page.rows().iter().cloned());
            match page.link("nextLink") {
                Some(next) => path = next,
                None => return (rows, page.link("deltaLink").unwrap()),
            }
        }
    }
}

pub fn contact(name: &str) -> Value {
    json!({"givenName": name, "surname": "Test"})
}

pub fn event(subject: &str) -> Value {
    json!({"subject": subject, "start": {"dateTime": "2026-12-21T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-21T11:00:00", "timeZone": "UTC"}, "showAs": "free", "isReminderOn": false})
}
