//! The short way for many small questions, against a lab with a crowd of mailboxes: the same answers as
//! the long way gives, on few connections, and no harm from servers that behave badly.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use syncready::{
    lab::{Lab, Options, Scenario},
    wire::{
        Limits, Net, NetConfig, ProxySetting, Secret,
        answer::Answer,
        ews::{self, Credential, Inboxes, Kind},
        graph::{Graph, Reads},
        sign_in::{self, Outcome, Proof, TokenRequest},
    },
};
use tokio::time::Instant;
use url::Url;

const PRODUCT: &str = "b1f0c0de-0000-4000-8000-00000000a991";

struct Bench {
    lab: Lab,
    net: Net,
}

impl Bench {
    async fn new(world: &str, patch: &Value) -> Self {
        let text =
            format!("description = 'x'\nworld = '{world}'\nverdict = 'ready'\npatch = '''{patch}'''\n");
        let lab = Lab::start(&Scenario::parse("x", &text).unwrap(), Options::default()).await.unwrap();
        let split = |(from, to): (&String, &std::net::SocketAddr)| {
            let (host, port) = from.rsplit_once(':').unwrap();
            ((host.to_owned(), port.parse().unwrap()), *to)
        };
        let limits = Limits { request: Duration::from_millis(1500), body: 64 << 10, ..Limits::default() };
        let net = Net::new(NetConfig {
            dns: Some(lab.dns()),
            ca_file: Some(lab.folder().join("ca.pem")),
            connect_to: lab.connect_to().iter().map(split).collect(),
            proxy: ProxySetting::Direct,
            limits,
        });
        Self { net: net.unwrap(), lab }
    }

    async fn token(&self, host: &str) -> Secret {
        let secret = std::fs::read_to_string(self.lab.folder().join("app-secret")).unwrap();
        let request = TokenRequest {
            authority: "https://login.microsoftonline.com".parse().unwrap(),
            tenant: "contoso.com".into(),
            client_id: PRODUCT.into(),
            scope: format!("https://{host}/.default"),
            proof: Proof::ClientSecret(Secret::new(secret)),
        };
        match sign_in::token(&self.net, &request).await.outcome {
            Outcome::Token(token) => token.secret,
            other => panic!("no token: {other:?}"),
        }
    }

    async fn inboxes(&self) -> Inboxes {
        let credential = Credential::Bearer(self.token("outlook.office365.com").await);
        let url = "https://outlook.office365.com/EWS/Exchange.asmx".parse().unwrap();
        ews::Client::new(self.net.clone(), url, &credential).unwrap().inboxes(true).unwrap()
    }

    async fn reads(&self) -> Reads {
        let token = self.token("graph.microsoft.com").await;
        let until = Instant::now() + Duration::from_mins(1);
        let base: Url = "https://graph.microsoft.com".parse().unwrap();
        Graph::new(self.net.clone(), base, token, until).reads("/contactFolders?$select=id").unwrap()
    }
}

fn address(number: u32) -> String {
    format!("box{number:07}@contoso.com")
}

fn crowd() -> Value {
    json!({ "count": 100, "variants": { "alias": { "every": 10, "at": 1 }, "none": { "every": 10, "at": 2 },
        "ews-off": { "every": 10, "at": 3 } } })
}

#[tokio::test]
async fn inboxes_are_opened_and_refusals_are_classified_with_their_evidence() {
    let bench = Bench::new("online-ews-app", &json!({ "crowd": crowd() })).await;
    let inboxes = bench.inboxes().await;
    inboxes.open(&address(100)).await.unwrap();
    let alias = inboxes.open(&address(11)).await.unwrap_err();
    assert_eq!((alias.kind, alias.code.as_deref()), (Kind::Error, Some("ErrorNonPrimarySmtpAddress")));
    assert_eq!(alias.suggested_address.as_deref(), Some("first0000011@contoso.com"));
    let exchange = &alias.exchanges[0];
    assert_eq!((exchange.method.as_str(), exchange.status), ("POST", Some(500)));
    assert!(exchange.request_id.is_some() && exchange.client_request_id.is_some());
    let none = inboxes.open(&address(12)).await.unwrap_err();
    assert_eq!(none.code.as_deref(), Some("ErrorNonExistentMailbox"));
    let off = inboxes.open(&address(13)).await.unwrap_err();
    assert_eq!(off.kind, Kind::Forbidden);
    assert!(off.policy_reason.is_some());
}

#[tokio::test]
async fn objects_of_users_are_read_and_refusals_are_sorted() {
    let bench = Bench::new("online-graph-app", &json!({ "crowd": crowd() })).await;
    let reads = bench.reads().await;
    reads.get(&address(11)).await.unwrap();
    let none = reads.get(&address(12)).await.unwrap_err();
    let Answer::Missing(problem) = &none.answer else { panic!("{:?}", none.answer) };
    assert_eq!(problem.code.as_deref(), Some("MailboxNotEnabledForRESTAPI"));
    assert!(none.exchange.url.ends_with("/v1.0/users/box0000012@contoso.com/contactFolders?$select=id"));
    let nobody = reads.get("../../groups?x=y#@contoso.com").await.unwrap_err();
    assert!(matches!(nobody.answer, Answer::Missing(_)), "{:?}", nobody.answer);
}

#[tokio::test]
async fn many_at_once_share_as_many_connections_as_there_are_questions_under_way() {
    let bench = Bench::new("online-ews-app", &json!({ "crowd": { "count": 300 } })).await;
    let inboxes = bench.inboxes().await;
    let before = bench.lab.connections();
    let all = stream::iter(1..=300).map(|number| {
        let inboxes = &inboxes;
        async move { inboxes.open(&address(number)).await }
    });
    let opened = all.buffer_unordered(8).filter(|answer| std::future::ready(answer.is_ok())).count().await;
    assert_eq!(opened, 300);
    assert!(bench.lab.connections() - before <= 8, "{}", bench.lab.connections() - before);
}

#[tokio::test]
async fn a_server_that_misbehaves_is_told_apart_and_the_next_question_goes_well() {
    let fault = |kind: Value| {
        let mut fault = json!({ "path": "/EWS/", "times": 1 });
        syncready::lab::world::merge(&mut fault, &kind);
        json!({ "crowd": { "count": 9 }, "faults": { "one": fault } })
    };
    let cases = [
        (json!({ "kind": "endless" }), Kind::NotSoap),
        (json!({ "kind": "oversized" }), Kind::NotSoap),
        (json!({ "kind": "truncated" }), Kind::Failed),
        (json!({ "kind": "garbage" }), Kind::NotSoap),
        (json!({ "kind": "wrong-type" }), Kind::NotSoap),
        (json!({ "kind": "reset" }), Kind::Failed),
        (json!({ "delay_ms": 4000 }), Kind::Failed),
        (json!({ "status": 302, "headers": { "Location": "https://graph.microsoft.com/" } }), Kind::NotSoap),
        (json!({ "status": 401 }), Kind::Unauthorized),
        (json!({ "status": 503, "headers": { "Retry-After": "7" } }), Kind::Throttled),
    ];
    for (kind, expected) in cases {
        let bench = Bench::new("online-ews-app", &fault(kind.clone())).await;
        let inboxes = bench.inboxes().await;
        let refused = inboxes.open(&address(1)).await.unwrap_err();
        assert_eq!(refused.kind, expected, "{kind}: {refused:?}");
        assert!(!format!("{refused:?}").contains("Bearer ey"), "{kind}");
        inboxes.open(&address(2)).await.unwrap_or_else(|refused| panic!("{kind}: {refused:?}"));
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_answer() {
    let patch = json!({ "crowd": { "count": 9 }, "faults": { "gone": { "path": "/EWS/", "after": 1, "times": 1, "kind": "reset" } } });
    let bench = Bench::new("online-ews-app", &patch).await;
    let inboxes = bench.inboxes().await;
    inboxes.open(&address(1)).await.unwrap();
    inboxes.open(&address(2)).await.unwrap();
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_apart() {
    let outcome = async |hosts: Value| {
        let bench = Bench::new("online-ews-app", &json!({ "crowd": { "count": 9 }, "hosts": hosts })).await;
        let inboxes = bench.inboxes().await;
        *inboxes.open(&address(1)).await.unwrap_err()
    };
    let refused = outcome(json!({ "outlook.office365.com": { "tcp": "refused" } })).await;
    assert!(refused.text.unwrap().contains("refused the connection"));
    let untrusted = outcome(json!({ "outlook.office365.com": { "tls": "untrusted" } })).await;
    assert!(untrusted.text.unwrap().contains("TLS with outlook.office365.com failed"));
}

#[test]
fn a_credential_goes_over_https_only() {
    let net = Net::new(NetConfig { proxy: ProxySetting::Direct, ..NetConfig::default() }).unwrap();
    let base = "http://graph.microsoft.com".parse().unwrap();
    let until = Instant::now();
    assert!(Graph::new(net, base, Secret::new("x"), until).reads("/calendar").is_none());
}
