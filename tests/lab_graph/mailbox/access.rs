//! Who may write where, and what becomes of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::mailbox::caller::{Caller, OWN, contact, event};
use crate::mailbox::events::weekly;
use crate::support::{Bench, GRAPH, PRODUCT};

#[tokio::test]
async fn the_permission_to_read_does_not_write() {
    let only_read = json!({"service_principals": {"product": {"x": {"app_role_assignments": {
        "contacts": {"permission": "Contacts.Read"}, "calendars": {"permission": "Calendars.Read"}}}}}});
    let caller = Caller::app(&only_read).await;
    assert_eq!(caller.get(&format!("{OWN}/contacts")).await.status, 200);
    for (path, body) in [
        ("contacts", contact("x")),
        ("contactFolders", json!({"displayName": "x"})),
        ("events", event("x")),
        ("calendars", json!({"name": "x"})),
    ] {
        assert_eq!(
            caller.post(&format!("{OWN}/{path}"), &body).await.code(),
            (403, "ErrorAccessDenied"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_access_policy_leaves_a_mailbox_out_for_writing_too() {
    let policy = json!({"exchange": {"access_policies": {"only": {"AppId": PRODUCT, "AccessRight": "RestrictAccess",
        "x": {"members": ["svc-sync@contoso.com"]}}}}});
    let caller = Caller::app(&policy).await;
    assert_eq!(caller.post(&format!("{OWN}/contacts"), &contact("x")).await.status, 201);
    let other = caller.post("/v1.0/users/alice@contoso.com/contacts", &contact("x")).await;
    assert_eq!(other.code(), (403, "ErrorAccessDenied"));
    assert!(other.body["error"]["message"].as_str().unwrap().contains("[RAOP]"));
}

#[tokio::test]
async fn a_user_writes_at_home_and_where_the_rights_reach() {
    let patch = json!({"exchange": {"mailboxes": {
        "alice": {"x": {"full_access": {"svc": null}, "folders": {"contacts": {"permissions": {"svc": "Reviewer"}}}}},
        "bob": {"x": {"full_access": {"svc": ["FullAccess"]}}}}}});
    let caller = Caller::user(&patch).await;
    assert_eq!(caller.post("/v1.0/me/contacts", &contact("x")).await.status, 201);
    assert_eq!(caller.get(&format!("{OWN}/contacts")).await.rows().len(), 1);
    let alice = "/v1.0/users/alice@contoso.com";
    assert_eq!(caller.get(&format!("{alice}/contacts")).await.status, 200);
    assert_eq!(
        caller.post(&format!("{alice}/contacts"), &contact("x")).await.code(),
        (403, "ErrorAccessDenied")
    );
    assert_eq!(caller.get(&format!("{alice}/events")).await.code(), (403, "ErrorAccessDenied"));
    caller.folder("/v1.0/users/bob@contoso.com").await;
}

#[tokio::test]
async fn a_batch_writes_in_the_order_of_its_dependencies() {
    let caller = Caller::app(&json!({})).await;
    let item = |id: &str, url: &str, body: Value, waits: &[&str]| {
        json!({"id": id, "method": "POST", "url": url, "body": body, "dependsOn": waits,
            "headers": {"Content-Type": "application/json", "Prefer": "IdType=\"ImmutableId\""}})
    };
    let own = "/users/svc-sync@contoso.com";
    let batch = json!({"requests": [
        item("1", &format!("{own}/contacts"), contact("Ann"), &[]),
        item("2", &format!("{own}/contacts"), json!({"shoeSize": 43}), &["1"]),
        item("3", &format!("{own}/contacts"), contact("Cid"), &["2"]),
    ]});
    let back = caller.post("/v1.0/$batch", &batch).await;
    let responses = back.body["responses"].as_array().unwrap();
    let statuses: Vec<u64> = responses.iter().map(|part| part["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 400, 424]);
    assert!(responses[0]["body"]["id"].as_str().unwrap().starts_with("AAkA"));
    assert_eq!(caller.get(&format!("{OWN}/contacts")).await.rows().len(), 1);
}

#[tokio::test]
async fn what_was_executed_stays_when_the_answer_is_lost() {
    let faults = json!({"faults": {"lost": {"method": "POST", "path": "/v1.0/users/*/contacts$", "times": 1,
        "kind": "lost", "status": 504}}});
    let caller = Caller::app(&faults).await;
    assert_eq!(caller.post(&format!("{OWN}/contacts"), &contact("Ann")).await.status, 504);
    assert_eq!(caller.get(&format!("{OWN}/contacts")).await.rows().len(), 1);
}

#[tokio::test]
async fn a_mailbox_that_was_written_to_can_be_left_as_it_was() {
    let caller = Caller::app(&json!({})).await;
    let dump = || {
        let mut dump = caller.bench.lab.dump("svc-sync@contoso.com");
        dump.as_object_mut().unwrap().remove("traces");
        dump
    };
    let before = dump();
    let (folder, calendar) = (caller.folder(OWN).await, caller.calendar().await);
    caller.post(&format!("{OWN}/contactFolders/{folder}/contacts"), &contact("x")).await;
    caller.post(&format!("{OWN}/calendars/{calendar}/events"), &weekly(3)).await;
    assert_ne!(dump(), before);
    for path in [format!("contactFolders/{folder}"), format!("calendars/{calendar}")] {
        assert_eq!(caller.act(Method::POST, &format!("{OWN}/{path}/permanentDelete")).await, 204);
    }
    assert_eq!(dump(), before);
}

#[tokio::test]
async fn contacts_of_the_organization_are_listed_for_who_may_read_the_directory() {
    let patch = json!({"org_contacts": {"one": {"id": "25caf6a2-0000-4000-8000-0000000000c1", "displayName": "One", "mail": "one@fabrikam.com"}}});
    let bench = Bench::new("online-graph-app", &patch).await;
    let reader = bench.app(crate::support::READER, GRAPH).await;
    let (status, body) = bench.graph(&reader, "/v1.0/contacts?$top=1&$select=mail").await;
    assert_eq!((status, &body["value"][0]["mail"]), (200, &json!("one@fabrikam.com")));
    let product = bench.app(PRODUCT, GRAPH).await;
    let (status, body) = bench.graph(&product, "/v1.0/contacts").await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
}
