//! Walks through Autodiscover answers given in advance.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use serde_json::Value;

use super::*;
use crate::collect::{
    Memo,
    session::{Memory, Session},
    testing,
};
use crate::facts::{Exchange, Section};
use crate::wire::{Reply, Response};

/// A context whose GETs are answered from a list: URL, status, `Location` or body.
async fn context(world: Option<World>, answers: &[(&str, u16, &str)]) -> Context {
    let mut target = testing::target("svc@contoso.com");
    (target.world, target.protocol) = (world, Protocol::Ews);
    target.endpoints.autodiscover = "https://autodiscover.contoso.com".parse().ok();
    let deadline = tokio::time::Instant::now();
    let context = Context {
        target: Arc::new(target),
        net: testing::offline(),
        before: Arc::new(Section::default()),
        peers: Arc::new([]),
        memo: Memo::default(),
        call: "discovery",
        session: Arc::new(Session::new(Memory::default(), std::collections::BTreeSet::new(), 1, deadline)),
    };
    for (url, status, text) in answers {
        let status = StatusCode::from_u16(*status).expect("a status");
        let mut headers = HeaderMap::new();
        if status.is_redirection() {
            headers.insert(header::LOCATION, text.parse().expect("a header"));
        }
        let response = Response { status, headers, body: Bytes::from((*text).to_owned()) };
        let reply = Reply { exchange: Exchange::default(), outcome: Ok(response) };
        context.memo.once(format!("GET {url}"), async { reply }).await;
    }
    context
}

const V2: &str =
    "https://autodiscover.contoso.com/autodiscover/autodiscover.json?Email=svc%40contoso.com&Protocol=Ews";
const XML: &str = "https://autodiscover.contoso.com/autodiscover/autodiscover.xml";

async fn routed(answers: &[(&str, u16, &str)]) -> Yield {
    route(&context(Some(World::ExchangeServer), answers).await).await.expect("facts")
}

fn text<'a>(yielded: &'a Yield, path: &str) -> Option<&'a str> {
    yielded.section.get(path)?.as_str()
}

#[tokio::test]
async fn the_json_form_gives_the_address() {
    let url = "https://mail.contoso.com/EWS/Exchange.asmx";
    let body = format!(r#"{{"Protocol":"Ews","Url":"{url}"}}"#);
    let yielded = routed(&[(V2, 200, &body), (XML, 401, "")]).await;
    assert_eq!(text(&yielded, "discovery.ews_url"), Some(url));
    assert_eq!(text(&yielded, "discovery.source"), Some("autodiscover-v2"));
    assert_eq!(text(&yielded, "discovery.problem"), None);
}

#[tokio::test]
async fn a_foreign_host_is_named_and_not_asked() {
    let yielded = routed(&[(V2, 302, "https://autodiscover.evil.example/x")]).await;
    assert_eq!(text(&yielded, "discovery.problem"), Some("foreign-host"));
    assert_eq!(text(&yielded, "discovery.problem_target"), Some("https://autodiscover.evil.example/x"));
    assert_eq!(yielded.section.get("discovery.hops").and_then(Value::as_array).map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_foreign_address_in_the_settings_is_not_used() {
    let body = r#"{"Protocol":"Ews","Url":"https://mail.evil.example/EWS/Exchange.asmx"}"#;
    let yielded = routed(&[(V2, 200, body), (XML, 401, "")]).await;
    assert_eq!(text(&yielded, "discovery.problem"), Some("foreign-host"));
    assert_eq!(yielded.section.get("discovery.ews_url"), Some(&Value::Null));
}

#[tokio::test]
async fn a_way_out_of_tls_is_a_problem() {
    let yielded = routed(&[(V2, 302, "http://mail.contoso.com/autodiscover/autodiscover.json")]).await;
    assert_eq!(text(&yielded, "discovery.problem"), Some("plain-http"));
}

#[tokio::test]
async fn a_circle_is_a_loop() {
    let yielded = routed(&[(V2, 302, V2)]).await;
    assert_eq!(text(&yielded, "discovery.problem"), Some("loop"));
}

#[tokio::test]
async fn the_route_of_a_cloud_mailbox_says_where_it_lives() {
    let v2 = v2(&testing::target("svc@contoso.com").endpoints.exchange_admin, "svc@contoso.com");
    let body = r#"{"Protocol":"Ews","Url":"https://outlook.office365.com/EWS/Exchange.asmx"}"#;
    let context = context(Some(World::OnlineDelegated), &[(v2.as_str(), 200, body)]).await;
    let yielded = mailbox(&context).await.expect("facts");
    assert_eq!(text(&yielded, "mailbox.location"), Some("cloud"));
}
