//! What stands between this tool and a service may answer anything: no fact comes from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use syncready::collect::session::{Memory, Session};
use syncready::collect::{
    Access, Call, Cloud, Context, Endpoints, Memo, Protocol, Reader, SignIn, Subject, SubjectKind, Target,
    World, calls,
};
use syncready::facts::Section;
use syncready::wire::{Net, NetConfig, ProxySetting, Secret};

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"opaque"}"#;

/// A server that gives a token to everybody, and to everything else the same answer.
async fn serve(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, status, body));
        }
    });
    format!("http://{address}")
}

async fn answer(mut stream: TcpStream, status: u16, body: &str) {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    while !is_whole(&request) {
        match stream.read(&mut chunk).await {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return,
        }
    }
    let is_token = request.starts_with(b"POST /contoso.com/oauth2/");
    let (status, body) = if is_token { (200, TOKEN) } else { (status, body) };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all((head + body).as_bytes()).await;
}

/// Whether head and body of a request have arrived.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn target(base: &str) -> Target {
    let url = || base.parse().expect("a URL");
    let secret = |text: &str| Secret::new(text);
    Target {
        tenant: "contoso.com".into(),
        domain: "contoso.com".into(),
        tenant_id: None,
        cloud: Cloud::Worldwide,
        endpoints: Endpoints {
            sign_in: url(),
            graph: url(),
            exchange_admin: url(),
            ews: None,
            autodiscover: None,
            custom: Vec::new(),
        },
        account: "svc@contoso.com".into(),
        world: Some(World::OnlineDelegated),
        hybrid: false,
        protocol: Protocol::Graph,
        subject: Subject {
            kind: SubjectKind::ClientSecret,
            client_id: Some("a-1".into()),
            username: None,
            secret: Some(secret("one")),
            certificate: None,
            scheme: "oauth".into(),
            scheme_given: false,
            user_agent: None,
        },
        reader: Some(Reader { sign_in: SignIn::ClientSecret(secret("two")), client_id: Some("r-1".into()) }),
        active_directory: None,
        profile: "generic-graph".into(),
        profile_on_premises: None,
        application_permissions: Vec::new(),
        delegated_permissions: Vec::new(),
        features: Vec::new(),
        scope: "organization".into(),
        phase: None,
        also: vec!["other@contoso.com".into()],
        public_folders: Vec::new(),
        shared_mailboxes: Vec::new(),
        outside_mailboxes: Vec::new(),
        test_sync: None,
        wanted_users: None,
        sign_in_allowed: true,
        vendor_credential: false,
        consenting_admin: None,
        attested: Vec::new(),
    }
}

fn context(target: Target) -> Context {
    let net = Net::new(NetConfig { proxy: ProxySetting::Direct, ..NetConfig::default() }).expect("a client");
    // No time is left, so that nothing waits for a throttling service.
    let deadline = Instant::now();
    let target = Arc::new(target);
    Context {
        call: "hostile",
        target: Arc::clone(&target),
        peers: Arc::new([target]),
        net,
        before: Arc::new(Section::default()),
        session: Arc::new(Session::new(Memory::default(), BTreeSet::new(), 1, deadline)),
        memo: Memo::default(),
    }
}

/// The calls that read Graph and the Exchange admin interface.
fn tables() -> impl Iterator<Item = &'static Call> {
    let of_cloud = |name: &str| name.starts_with("graph.") || name.starts_with("exchange.");
    calls().filter(move |call| of_cloud(call.name) && !matches!(call.access, Access::Anonymous))
}

/// What the call of a probe says of a mailbox that did not answer.
fn without_probes(mut facts: Map<String, Value>) -> Map<String, Value> {
    if let Some(graph) = facts.remove("graph") {
        let rows = graph["targets"].as_array().expect("rows").clone();
        assert!(rows.iter().all(|row| row["result"] != "ok" && row["code"].is_null()), "{rows:?}");
    }
    if facts.get("scope").is_some_and(|scope| scope.get("delegate_tests").is_some()) {
        let scope = facts.remove("scope").unwrap_or_default();
        let rows = scope["delegate_tests"].as_array().expect("rows").clone();
        assert!(rows.iter().all(|row| row["status"] != 200 && row["code"].is_null()), "{rows:?}");
    }
    facts
}

async fn no_fact_from(status: u16, body: &'static str) {
    let base = serve(status, body).await;
    let context = context(target(&base));
    for call in tables().filter(|call| (call.applies)(&context.target)) {
        let running = (call.run)(context.clone());
        let yielded = tokio::time::timeout(Duration::from_mins(1), running).await.expect("ends");
        let facts = without_probes(yielded.section.facts);
        assert!(facts.is_empty(), "{} makes {facts:?} of HTTP {status} {body}", call.name);
    }
}

#[tokio::test]
async fn pages_of_something_in_between_are_no_facts() {
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        no_fact_from(status, "<html><body>Blocked: the page was not found</body></html>").await;
    }
}

#[tokio::test]
async fn json_that_nobody_documents_is_no_fact() {
    for body in ["{}", "[]", "null", "7", r#"{"value":{}}"#, r#"{"value":"x"}"#, r#"{"message":"hello"}"#] {
        no_fact_from(200, body).await;
        no_fact_from(404, body).await;
    }
}

#[tokio::test]
async fn an_undocumented_code_is_no_fact() {
    for status in [400, 404] {
        no_fact_from(status, r#"{"error":{"message":"what?"}}"#).await;
    }
}
