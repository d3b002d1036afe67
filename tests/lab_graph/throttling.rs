//! The limits that the lab puts on callers, and faults at chosen requests, over the wire.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Bench, GRAPH, OUTLOOK, PRODUCT, envelope, get_folder};

const CONTACTS: &str = "/v1.0/users/svc-sync@contoso.com/contacts";

#[tokio::test]
async fn graph_refuses_the_fifth_request_at_once_in_one_mailbox() {
    let bench = Bench::new("online-graph-app", &json!({"latency_ms": 200})).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    let ask = |path: &'static str| bench.http.get(bench.url(GRAPH, path)).bearer_auth(&token).send();
    let by_name = (0..3).map(|_| ask(CONTACTS));
    let by_id = (0..2).map(|_| ask("/v1.0/users/5b1e0c1e-0000-4000-8000-00000000a001/contacts"));
    let other = [ask("/v1.0/users/alice@contoso.com/contacts")];
    let answers = join_all(by_name.chain(by_id).chain(other)).await;
    let refused: Vec<_> =
        answers.into_iter().map(Result::unwrap).filter(|answer| answer.status() == 429).collect();
    assert_eq!(refused.len(), 1);
    for answer in refused {
        assert_eq!(answer.headers()["retry-after"], "1");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "ApplicationThrottled");
        assert!(body["error"]["message"].as_str().unwrap().contains("MailboxConcurrency"));
    }
    assert_eq!(bench.lab.throttling().most_at_once, 4);
}

#[tokio::test]
async fn a_used_up_budget_says_how_long_to_wait_and_keeps_its_word() {
    let limits = json!({"throttling": {"graph": {"requests": 2, "window_ms": 2000}}});
    let bench = Bench::new("online-graph-app", &limits).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    assert_eq!(bench.graph(&token, CONTACTS).await.0, 200);
    assert_eq!(bench.graph(&token, CONTACTS).await.0, 200);
    let refused = bench.http.get(bench.url(GRAPH, CONTACTS)).bearer_auth(&token).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(bench.graph(&token, CONTACTS).await.0, 429);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.graph(&token, CONTACTS).await.0, 200);
    let log = bench.lab.throttling();
    assert_eq!((log.allowed, log.refused, log.early), (3, 2, 1));
}

#[tokio::test]
async fn the_parts_of_a_batch_are_throttled_one_by_one() {
    let limits = json!({"throttling": {"graph": {"requests": 2}}});
    let bench = Bench::new("online-graph-app", &limits).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    let part = |id: &str, user: &str| json!({"id": id, "method": "GET", "url": format!("/users/{user}@contoso.com/contacts")});
    let parts = [part("1", "svc-sync"), part("2", "svc-sync"), part("3", "svc-sync"), part("4", "alice")];
    let (status, body) = bench.post(GRAPH, &token, "/v1.0/$batch", &json!({"requests": parts})).await;
    assert_eq!(status, 200);
    let statuses: Vec<&Value> =
        body["responses"].as_array().unwrap().iter().map(|part| &part["status"]).collect();
    assert_eq!(json!(statuses), json!([200, 200, 429, 200]));
    assert!(body["responses"][2]["headers"]["Retry-After"].is_string());
}

#[tokio::test]
async fn two_batches_at_once_share_the_requests_at_once_of_a_mailbox() {
    let limits = json!({"latency_ms": 200, "throttling": {"graph": {"at_once": 1}}});
    let bench = Bench::new("online-graph-app", &limits).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    let body =
        json!({"requests": [{"id": "1", "method": "GET", "url": "/users/svc-sync@contoso.com/contacts"}]});
    let ask = || bench.post(GRAPH, &token, "/v1.0/$batch", &body);
    let (one, two) = tokio::join!(ask(), ask());
    let mut statuses = [one, two].map(|(_, body)| body["responses"][0]["status"].as_u64().unwrap());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
}

#[tokio::test]
async fn ews_words_its_refusals_in_three_forms() {
    for (form, status, code) in
        [("fault", 500, "ErrorServerBusy"), ("503", 503, ""), ("wrapped", 200, "ErrorInternalServerError")]
    {
        let limits = json!({"throttling": {"ews": {"requests": 1, "back_off_ms": 4500, "form": form}}});
        let bench = Bench::new("online-ews-app", &limits).await;
        let token = format!("Bearer {}", bench.app(PRODUCT, OUTLOOK).await);
        let ask =
            |whom: &str| bench.ews(OUTLOOK, &token, envelope(whom, &get_folder("IdOnly", &["contacts"])));
        assert_eq!(ask("svc-sync@contoso.com").await.status, 200);
        let refused = ask("SVC-sync@contoso.com").await;
        assert_eq!(refused.status, status, "{form}");
        if form == "503" {
            assert_eq!(refused.header("retry-after"), "5");
        } else {
            assert_eq!(
                (refused.element("ResponseCode").as_str(), refused.value("BackOffMilliseconds").as_str()),
                (code, "4500")
            );
        }
        assert_eq!(ask("alice@contoso.com").await.status, 200, "another mailbox has its own budget");
    }
}

#[tokio::test]
async fn ews_refuses_one_connection_too_many() {
    let limits = json!({"latency_ms": 200, "throttling": {"ews": {"at_once": 1}}});
    let bench = Bench::new("online-ews-app", &limits).await;
    let token = format!("Bearer {}", bench.app(PRODUCT, OUTLOOK).await);
    let ask =
        || bench.ews(OUTLOOK, &token, envelope("svc-sync@contoso.com", &get_folder("IdOnly", &["contacts"])));
    let (one, two) = tokio::join!(ask(), ask());
    let refused = if one.status == 200 { two } else { one };
    assert_eq!(
        (refused.status, refused.element("ResponseCode").as_str()),
        (500, "ErrorExceededConnectionCount")
    );
}

#[tokio::test]
async fn a_fault_strikes_the_nth_request_of_a_path_and_a_part_of_a_batch() {
    let faults = json!({"faults": {"second": {"method": "GET", "path": "/v1.0/users/*/contacts$", "after": 1,
        "times": 1, "status": 503, "headers": {"Retry-After": "2"}}}});
    let bench = Bench::new("online-graph-app", &faults).await;
    let token = bench.app(PRODUCT, GRAPH).await;
    assert_eq!(bench.graph(&token, CONTACTS).await.0, 200);
    let part = |id: &str| json!({"id": id, "method": "GET", "url": "/users/svc-sync@contoso.com/contacts"});
    let batch = json!({"requests": [part("1"), part("2")]});
    let (_, body) = bench.post(GRAPH, &token, "/v1.0/$batch", &batch).await;
    assert_eq!(
        (&body["responses"][0]["status"], &body["responses"][1]["status"]),
        (&json!(503), &json!(200))
    );
    assert_eq!(body["responses"][0]["headers"]["retry-after"], "2");
}
