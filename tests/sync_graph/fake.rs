//! A small mailbox that speaks Graph over plain HTTP, with the quirks that a test asks for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::form_urlencoded;

/// What this mailbox does other than it should.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// It has no `$batch`.
    pub no_batch: bool,
    /// It has no `permanentDelete`.
    pub no_purge: bool,
    /// It takes every change, whatever its change key.
    pub no_conflicts: bool,
    /// It forgets the marker of new folders.
    pub no_marker: bool,
    /// Contacts cannot be written.
    pub read_only_contacts: bool,
    /// Contacts lose what is not ASCII.
    pub ascii: bool,
    /// A new item shows in the feed after so many looks.
    pub slow_feed: u32,
    /// It is full.
    pub full: bool,
    /// The next link of a feed leads to another host.
    pub link_elsewhere: bool,
}

/// What happens to one request, by its number from 0.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// This status, with or without `Retry-After`.
    Status(u16, Option<u32>),
    /// It is carried out and the connection closed.
    Lost,
    /// A page of something in between.
    Html,
    /// A feed must be read from its start.
    Resync,
}

#[derive(Debug, Clone)]
struct Object {
    collection: &'static str,
    parent: Option<String>,
    body: Value,
    changed: u64,
    gone: bool,
    looks: u32,
}

#[derive(Debug, Default)]
pub struct World {
    pub quirks: Quirks,
    pub fault: Option<(usize, Fault)>,
    pub requests: Vec<String>,
    /// Each request, those within batches by themselves: method, path and query, `Prefer`, `If-Match`,
    /// body.
    pub calls: Vec<(String, String, String, String, Value)>,
    objects: BTreeMap<String, Object>,
    trash: Vec<String>,
    clock: u64,
}

pub struct Fake {
    pub address: SocketAddr,
    world: Arc<Mutex<World>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Answer = (u16, Value);

impl Fake {
    pub async fn start(quirks: Quirks) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("an address");
        let world = Arc::new(Mutex::new(World { quirks, ..World::default() }));
        let shared = world.clone();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let world = shared.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(world.clone(), address, request));
                    let http = hyper::server::conn::http1::Builder::new();
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, world, serving }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("not poisoned")
    }
}

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("broken")
    }
}

impl std::error::Error for Broken {}

/// One request, alone or of a batch.
#[derive(Clone, Copy)]
struct Asked<'a> {
    address: SocketAddr,
    method: &'a Method,
    path: &'a str,
    prefer: &'a str,
    if_match: &'a str,
    body: &'a Value,
}

async fn serve(
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let fault = {
        let mut world = world.lock().expect("not poisoned");
        world.requests.push(format!("{} {path}", head.method));
        let number = world.requests.len() - 1;
        world.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault)
    };
    let answer = || {
        let mut world = world.lock().expect("not poisoned");
        world.whole(Asked {
            address,
            method: &head.method,
            path: &path,
            prefer: &header("prefer"),
            if_match: &header("if-match"),
            body: &body,
        })
    };
    Ok(match fault {
        Some(Fault::Lost) => {
            let _ = answer();
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Err(Broken);
        }
        Some(Fault::Html) => plain(200, "text/html", "<html>Sign in to the network</html>".into(), None),
        Some(Fault::Status(status, after)) => {
            let body = json!({ "error": { "code": "Injected", "message": "a fault" } });
            plain(status, "application/json", body.to_string(), after)
        }
        Some(Fault::Resync) if path.contains("delta") => {
            let body = json!({ "error": { "code": "resyncRequired", "message": "start over" } });
            plain(410, "application/json", body.to_string(), None)
        }
        _ => {
            let (status, body) = answer();
            let text = if body.is_null() { String::new() } else { body.to_string() };
            plain(status, "application/json", text, None)
        }
    })
}

fn plain(status: u16, kind: &str, body: String, after: Option<u32>) -> Response<Full<Bytes>> {
    let mut builder = Response::builder().status(status).header("content-type", kind);
    if let Some(after) = after {
        builder = builder.header("retry-after", after.to_string());
    }
    builder.body(Full::new(body.into())).expect("an answer")
}

fn refuse(status: u16, code: &str) -> Answer {
    (status, json!({ "error": { "code": code, "message": format!("{code}, says the fake") } }))
}

fn missing() -> Answer {
    refuse(404, "ErrorItemNotFound")
}

struct Query(BTreeMap<String, String>);

impl Query {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl World {
    /// Everything that is there, and what was thrown away.
    pub fn dump(&self) -> Value {
        let there =
            |(id, object): (&String, &Object)| (!object.gone).then(|| (id.clone(), object.body.clone()));
        json!({ "objects": self.objects.iter().filter_map(there).collect::<BTreeMap<_, _>>(), "trash": self.trash })
    }

    /// Puts something there that no run made.
    pub fn add(&mut self, collection: &'static str, parent: Option<&str>, body: Value) -> String {
        self.clock += 1;
        let id = format!("{}-{}=", collection, self.clock);
        let mut body = body;
        body["id"] = id.clone().into();
        body["@odata.etag"] = format!("W/\"{}\"", self.clock).into();
        let parent = parent.map(str::to_owned);
        let object = Object { collection, parent, body, changed: self.clock, gone: false, looks: 0 };
        self.objects.insert(id.clone(), object);
        id
    }

    /// Ids of what is there in a collection.
    pub fn ids(&self, collection: &str) -> Vec<String> {
        let there = |object: &Object| object.collection == collection && !object.gone;
        self.objects.iter().filter(|(_, object)| there(object)).map(|(id, _)| id.clone()).collect()
    }

    fn whole(&mut self, asked: Asked<'_>) -> Answer {
        let Asked { path, prefer, body, .. } = asked;
        assert!(path.ends_with("/$batch") || prefer.contains("IdType=\"ImmutableId\""), "{path}");
        if path != "/v1.0/$batch" {
            return self.one(asked);
        }
        if self.quirks.no_batch {
            return refuse(404, "BadRequest: Resource not found for the segment '$batch'.");
        }
        let requests = body["requests"].as_array().expect("requests");
        assert!(requests.len() <= 20);
        let answer = |request: &Value| {
            let method: Method = request["method"].as_str().expect("a method").parse().expect("a method");
            let header = |name: &str| request["headers"][name].as_str().unwrap_or_default();
            assert_eq!(request["body"].is_null(), header("Content-Type").is_empty());
            let path = format!("/v1.0{}", request["url"].as_str().expect("a URL"));
            let (status, body) = self.one(Asked {
                method: &method,
                path: &path,
                prefer: header("Prefer"),
                if_match: header("If-Match"),
                body: &request["body"],
                ..asked
            });
            json!({ "id": request["id"], "status": status, "headers": {}, "body": body })
        };
        let mut answers: Vec<_> = requests.iter().map(answer).collect();
        answers.reverse();
        (200, json!({ "responses": answers }))
    }

    fn one(&mut self, asked: Asked<'_>) -> Answer {
        let Asked { address, method, path, prefer, if_match, body } = asked;
        let call =
            (method.to_string(), path.to_owned(), prefer.to_owned(), if_match.to_owned(), body.clone());
        self.calls.push(call);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = Query(form_urlencoded::parse(query.as_bytes()).into_owned().collect());
        let decode = |part: &str| {
            let pair = format!("x={}", part.replace('+', "%2B"));
            form_urlencoded::parse(pair.as_bytes()).next().expect("a pair").1.into_owned()
        };
        let parts: Vec<_> = path.split('/').skip(2).map(decode).collect();
        let parts: Vec<_> = parts.iter().map(String::as_str).collect();
        let inner = match parts.as_slice() {
            ["users"] => return (200, json!({ "value": [{ "id": "u" }] })),
            ["contacts"] => return (200, json!({ "value": [] })),
            ["users", _, rest @ ..] | ["me", rest @ ..] => rest,
            _ => return refuse(400, "Resource not found for the segment"),
        };
        let page = prefer
            .split(", ")
            .find_map(|one| one.strip_prefix("odata.maxpagesize=")?.parse().ok())
            .unwrap_or(100_usize);
        match (method.as_str(), inner) {
            ("GET", [.., "delta"]) => self.delta(address, path, inner, &query, page),
            ("GET", ["contactFolders", id, "childFolders"]) => self.list("childFolders", Some(id), &query),
            ("GET", [collection @ ("contactFolders" | "calendars" | "contacts" | "events")]) => {
                self.list(collection, None, &query)
            }
            ("GET", ["contactFolders" | "calendars", id, items]) => self.list(items, Some(id), &query),
            ("GET", [_, id]) => self
                .objects
                .get(*id)
                .filter(|object| !object.gone)
                .map_or_else(missing, |object| (200, object.body.clone())),
            ("POST", ["calendar", "getSchedule"]) => {
                (200, json!({ "value": [{ "availabilityView": "000" }] }))
            }
            ("POST", [_, _, "permanentDelete"]) if self.quirks.no_purge => {
                refuse(400, "Resource not found for the segment 'permanentDelete'.")
            }
            ("POST", [_, id, "permanentDelete"]) => self.remove(id, false),
            ("DELETE", [_, id]) => self.remove(id, true),
            ("POST", [collection @ ("contactFolders" | "calendars")]) => self.create(collection, None, body),
            ("POST", ["contactFolders" | "calendars", id, items]) => self.create(items, Some(id), body),
            ("PATCH", [_, id]) => self.change(id, if_match, body),
            _ => refuse(405, "ErrorInvalidRequest"),
        }
    }

    fn list(&self, collection: &str, parent: Option<&str>, query: &Query) -> Answer {
        let filtered = query.get("$filter").is_some();
        let value = query.get("$filter").and_then(|filter| {
            let (_, value) = filter.split_once("ep/value eq '")?;
            Some(value.split('\'').next()?.to_owned())
        });
        let fits = |object: &&Object| {
            let marker = object.body["singleValueExtendedProperties"][0]["value"].as_str();
            object.collection == collection
                && object.parent.as_deref() == parent
                && !object.gone
                && (!filtered
                    || marker.is_some_and(|marker| value.as_deref().is_none_or(|value| value == marker)))
        };
        if parent.is_some_and(|parent| self.objects.get(parent).is_none_or(|parent| parent.gone)) {
            return missing();
        }
        let rows: Vec<_> = self.objects.values().filter(fits).map(|object| object.body.clone()).collect();
        (200, json!({ "value": rows }))
    }

    fn create(&mut self, collection: &str, parent: Option<&str>, body: &Value) -> Answer {
        let known = ["contactFolders", "calendars", "contacts", "events"];
        let Some(collection) = known.into_iter().find(|known| *known == collection) else {
            return refuse(405, "ErrorInvalidRequest");
        };
        if self.quirks.read_only_contacts && collection == "contactFolders" {
            return refuse(403, "ErrorAccessDenied");
        }
        if self.quirks.full && parent.is_some() {
            return refuse(507, "ErrorQuotaExceeded");
        }
        if parent.is_some_and(|parent| self.objects.get(parent).is_none_or(|parent| parent.gone)) {
            return missing();
        }
        let transaction = body["transactionId"].as_str();
        let twin = |object: &&Object| !object.gone && object.body["transactionId"].as_str() == transaction;
        if transaction.is_some() && self.objects.values().any(|object| twin(&object)) {
            return refuse(409, "ErrorDuplicateTransactionId");
        }
        let mut body = body.clone();
        if self.quirks.no_marker && parent.is_none() {
            body.as_object_mut().expect("an object").remove("singleValueExtendedProperties");
        }
        if self.quirks.ascii && collection == "contacts" {
            let ascii: String = body["displayName"]
                .as_str()
                .unwrap_or_default()
                .chars()
                .map(|c| if c.is_ascii() { c } else { '?' })
                .collect();
            body["displayName"] = ascii.into();
        }
        let id = self.add(collection, parent, body);
        (201, self.objects[&id].body.clone())
    }

    fn change(&mut self, id: &str, if_match: &str, change: &Value) -> Answer {
        self.clock += 1;
        let clock = self.clock;
        let no_conflicts = self.quirks.no_conflicts;
        let Some(object) = self.objects.get_mut(id).filter(|object| !object.gone) else { return missing() };
        if !no_conflicts && object.body["@odata.etag"] != if_match {
            return refuse(412, "ErrorIrresolvableConflict");
        }
        for (name, value) in change.as_object().expect("an object") {
            object.body[name] = value.clone();
        }
        object.body["@odata.etag"] = format!("W/\"{clock}\"").into();
        object.changed = clock;
        (200, object.body.clone())
    }

    fn remove(&mut self, id: &str, to_trash: bool) -> Answer {
        self.clock += 1;
        let clock = self.clock;
        let Some(object) = self.objects.get_mut(id).filter(|object| !object.gone) else { return missing() };
        (object.gone, object.changed) = (true, clock);
        for item in self.objects.values_mut().filter(|item| item.parent.as_deref() == Some(id)) {
            item.gone = true;
        }
        if to_trash {
            self.trash.push(id.to_owned());
        }
        (204, Value::Null)
    }

    fn delta(
        &mut self,
        address: SocketAddr,
        path: &str,
        inner: &[&str],
        query: &Query,
        page: usize,
    ) -> Answer {
        let base = format!("http://{address}{path}");
        let [_, folder, _, _] = inner else {
            return (200, json!({ "value": [], "@odata.deltaLink": format!("{base}?$deltatoken=0") }));
        };
        if self.objects.get(*folder).is_none_or(|folder| folder.gone) {
            return missing();
        }
        let token = query.get("$skiptoken").or(query.get("$deltatoken"));
        let from: u64 = token.map_or(0, |token| token.parse().expect("a token"));
        let slow = self.quirks.slow_feed;
        for object in self.objects.values_mut().filter(|object| object.parent.as_deref() == Some(*folder)) {
            object.looks += 1;
        }
        let mut rows: Vec<_> = self
            .objects
            .iter()
            .filter(|(_, object)| object.parent.as_deref() == Some(*folder) && object.changed > from)
            .filter(|(_, object)| object.looks > slow && (from > 0 || !object.gone))
            .collect();
        rows.sort_by_key(|(_, object)| object.changed);
        let more = rows.len() > page;
        rows.truncate(page);
        let last = rows.last().map_or(from, |(_, object)| object.changed);
        let mut value = Vec::new();
        for (id, object) in rows {
            if object.gone {
                value.push(json!({ "id": id, "@removed": { "reason": "deleted" } }));
                continue;
            }
            value.push(object.body.clone());
            if object.body.get("recurrence").is_some() {
                value.push(json!({ "id": format!("{id}.1"), "type": "occurrence", "seriesMasterId": id }));
                value.push(json!({ "id": format!("{id}.2"), "type": "occurrence", "seriesMasterId": id }));
            }
        }
        let (name, token) =
            if more { ("@odata.nextLink", "$skiptoken") } else { ("@odata.deltaLink", "$deltatoken") };
        let host = if self.quirks.link_elsewhere { "http://evil.example".to_owned() + path } else { base };
        let last = last.max(u64::from(!more && last == 0));
        (200, json!({ "value": value, name: format!("{host}?{token}={last}") }))
    }
}
