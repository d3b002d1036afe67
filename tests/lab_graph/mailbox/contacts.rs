//! Contacts, folders and their change feeds.

use reqwest::Method;
use serde_json::json;

use crate::mailbox::caller::{Caller, MARK, OWN, contact};

#[tokio::test]
async fn a_contact_comes_back_as_it_was_sent() {
    let caller = Caller::app(&json!({})).await;
    let folder = caller.folder(OWN).await;
    let sent = json!({"displayName": "Zoë 測試 🧪", "givenName": "Zoë", "surname": "Test", "fileAs": "Test, Zoë",
        "companyName": "Contoso", "jobTitle": "Engineer", "department": "Ünits", "businessPhones": ["+1 425 555 0100"],
        "mobilePhone": "+1 425 555 0101", "emailAddresses": [{"name": "Zoë", "address": "zoe@example.invalid"}],
        "businessAddress": {"street": "1 Road", "city": "Zürich", "countryOrRegion": "CH", "postalCode": "8000"},
        "birthday": "1990-02-03T11:59:00Z", "personalNotes": "x".repeat(100_000), "categories": ["Blue"],
        "imAddresses": ["sip:zoe@example.invalid"], "children": ["A"], "yomiSurname": "テスト", "spouseName": "S"});
    let path = format!("{OWN}/contactFolders/{folder}/contacts");
    let made = caller.post(&path, &sent).await;
    assert_eq!(made.status, 201);
    let read = caller.get(&format!("{OWN}/contacts/{}", made.id())).await;
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&read.body[name], value, "{name}");
    }
    assert_eq!(read.body["parentFolderId"], folder);
    assert_eq!(read.header("etag"), read.body["@odata.etag"].as_str().unwrap());
    assert!(read.body["@odata.etag"].as_str().unwrap().contains(read.body["changeKey"].as_str().unwrap()));
}

#[tokio::test]
async fn names_are_made_from_given_name_and_surname() {
    let caller = Caller::app(&json!({})).await;
    let made = caller.post(&format!("{OWN}/contacts"), &contact("Ann")).await;
    assert_eq!((&made.body["displayName"], &made.body["fileAs"]), (&json!("Ann Test"), &json!("Test, Ann")));
}

#[tokio::test]
async fn a_property_that_the_type_lacks_is_refused() {
    let caller = Caller::app(&json!({})).await;
    let back = caller.post(&format!("{OWN}/contacts"), &json!({"givenname": "x", "shoeSize": 43})).await;
    assert_eq!(back.code(), (400, "RequestBodyRead"));
    let back = caller.post(&format!("{OWN}/contacts"), &json!({"givenName": 43})).await;
    assert_eq!(back.code(), (400, "RequestBodyRead"));
}

#[tokio::test]
async fn an_old_change_key_is_refused_and_changes_nothing() {
    let caller = Caller::app(&json!({})).await;
    let made = caller.post(&format!("{OWN}/contacts"), &contact("Ann")).await;
    let path = format!("{OWN}/contacts/{}", made.id());
    let old = made.body["@odata.etag"].as_str().unwrap();
    let change = |title: &str| json!({"jobTitle": title});
    let changed = caller.send(Method::PATCH, &path, &[("if-match", old)], Some(&change("first"))).await;
    assert_eq!((changed.status, &changed.body["jobTitle"]), (200, &json!("first")));
    assert_ne!(changed.body["@odata.etag"], old);
    let refused = caller.send(Method::PATCH, &path, &[("if-match", old)], Some(&change("second"))).await;
    assert_eq!(refused.code(), (412, "ErrorIrresolvableConflict"));
    let deleted = caller.send(Method::DELETE, &path, &[("if-match", old)], None).await;
    assert_eq!(deleted.code(), (412, "ErrorIrresolvableConflict"));
    assert_eq!(caller.get(&path).await.body["jobTitle"], "first");
}

#[tokio::test]
async fn an_extended_property_is_found_and_shown_only_when_asked_for() {
    let caller = Caller::app(&json!({})).await;
    let mark = json!([{"id": MARK.to_lowercase().replace("string", "String"), "value": "2026/1"}]);
    let mut body = contact("Ann");
    body["singleValueExtendedProperties"] = mark.clone();
    let marked = caller.post(&format!("{OWN}/contacts"), &body).await;
    assert!(marked.body.get("singleValueExtendedProperties").is_none());
    caller.post(&format!("{OWN}/contacts"), &contact("Bob")).await;
    let find = |value: &str| {
        let filter = format!("singleValueExtendedProperties/Any(ep: ep/id eq '{MARK}' and {value})");
        let expand = format!("singleValueExtendedProperties($filter=id eq '{MARK}')");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("$filter", &filter)
            .append_pair("$expand", &expand)
            .append_pair("$select", "id")
            .finish();
        format!("{OWN}/contacts?{query}")
    };
    for value in ["ep/value eq '2026/1'", "startswith(ep/value, '20')"] {
        let found = caller.get(&find(value)).await;
        assert_eq!(found.ids(), [marked.id()], "{value}");
        let shown = &found.rows()[0]["singleValueExtendedProperties"];
        assert_eq!((&shown[0]["value"], shown.as_array().unwrap().len()), (&json!("2026/1"), 1));
        assert!(found.rows()[0].get("displayName").is_none());
    }
    assert!(caller.get(&find("ep/value eq '2026/2'")).await.rows().is_empty());
    let wrong = caller.get(&format!("{OWN}/contacts?$filter=shoeSize%20eq%2043")).await;
    assert_eq!(wrong.code(), (400, "ErrorInvalidUrlQueryFilter"));
}

#[tokio::test]
async fn a_folder_carries_its_mark_and_its_name_once() {
    let caller = Caller::app(&json!({})).await;
    let body = json!({"displayName": "Own", "singleValueExtendedProperties": [{"id": MARK, "value": "x"}]});
    let made = caller.post(&format!("{OWN}/contactFolders"), &body).await;
    assert_eq!(caller.post(&format!("{OWN}/contactFolders"), &body).await.code(), (409, "ErrorFolderExists"));
    let expand =
        format!("$expand=singleValueExtendedProperties($filter=id%20eq%20'{MARK}')").replace(' ', "%20");
    let listed = caller.get(&format!("{OWN}/contactFolders?{expand}")).await;
    assert_eq!(
        (listed.ids(), &listed.rows()[0]["singleValueExtendedProperties"][0]["value"]),
        (vec![made.body["id"].as_str().unwrap()], &json!("x"))
    );
    let calendar = json!({"name": "Own", "singleValueExtendedProperties": [{"id": MARK, "value": "y"}]});
    let made = caller.post(&format!("{OWN}/calendars"), &calendar).await;
    let read = caller.get(&format!("{OWN}/calendars/{}?{expand}", made.id())).await;
    assert_eq!(read.body["singleValueExtendedProperties"][0]["value"], "y");
    assert_eq!(caller.get(&format!("{OWN}/calendars")).await.ids().len(), 2);
}

#[tokio::test]
async fn lists_come_in_pages_that_lead_to_the_end() {
    let caller = Caller::app(&json!({})).await;
    for number in 0..13 {
        caller.post(&format!("{OWN}/contacts"), &contact(&number.to_string())).await;
    }
    let first = caller.get(&format!("{OWN}/contacts?$select=id&$count=true")).await;
    assert_eq!((first.ids().len(), &first.body["@odata.count"]), (10, &json!(13)));
    let second = caller.get(&first.link("nextLink").unwrap()).await;
    assert_eq!((second.ids().len(), second.link("nextLink")), (3, None));
    let wanted = caller
        .send(Method::GET, &format!("{OWN}/contacts"), &[("prefer", "odata.maxpagesize=5")], None)
        .await;
    assert_eq!((wanted.ids().len(), wanted.header("preference-applied")), (5, "odata.maxpagesize=5"));
}

#[tokio::test]
async fn a_feed_shows_what_was_made_changed_and_deleted() {
    let caller = Caller::app(&json!({})).await;
    let folder = caller.folder(OWN).await;
    let contacts = format!("{OWN}/contactFolders/{folder}/contacts");
    let (rows, link) = caller.feed(&format!("{contacts}/delta?$select=displayName"), &[]).await;
    assert!(rows.is_empty());
    let mut ids = Vec::new();
    for name in ["Ann", "Bob", "Cid"] {
        ids.push(caller.post(&contacts, &contact(name)).await.id());
    }
    let paged = [("prefer", "odata.maxpagesize=1")];
    let (rows, link) = caller.feed(&link, &paged).await;
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| row["@odata.type"] == "#microsoft.graph.contact" && row.get("jobTitle").is_none())
    );
    caller.send(Method::PATCH, &format!("{contacts}/{}", ids[0]), &[], Some(&json!({"jobTitle": "x"}))).await;
    assert_eq!(caller.act(Method::DELETE, &format!("{contacts}/{}", ids[1])).await, 204);
    let (rows, link) = caller.feed(&link, &paged).await;
    let mut seen: Vec<(&str, bool)> =
        rows.iter().map(|row| (row["id"].as_str().unwrap(), row["@removed"].is_object())).collect();
    seen.sort_by_key(|(_, removed)| *removed);
    assert_eq!(seen, [(ids[0].as_str(), false), (ids[1].as_str(), true)]);
    assert!(caller.feed(&link, &[]).await.0.is_empty());
}

#[tokio::test]
async fn a_feed_of_folders_shows_a_new_and_a_deleted_one() {
    let caller = Caller::app(&json!({})).await;
    let (rows, link) = caller.feed(&format!("{OWN}/contactFolders/delta()"), &[]).await;
    assert!(rows.is_empty());
    let folder = caller.folder(OWN).await;
    let (rows, link) = caller.feed(&link, &[]).await;
    assert_eq!((rows.len(), &rows[0]["displayName"]), (1, &json!("Own")));
    assert_eq!(
        caller.act(Method::POST, &format!("{OWN}/contactFolders/{folder}/permanentDelete")).await,
        204
    );
    let (rows, _) = caller.feed(&link, &[]).await;
    assert_eq!((&rows[0]["id"], rows[0]["@removed"].is_object()), (&json!(folder), true));
}

#[tokio::test]
async fn a_state_of_another_feed_is_gone_and_one_that_is_none_is_bad() {
    let caller = Caller::app(&json!({})).await;
    let folder = caller.folder(OWN).await;
    let (_, link) = caller.feed(&format!("{OWN}/contacts/delta"), &[]).await;
    let token = link.split_once('?').unwrap().1;
    let other = caller.get(&format!("{OWN}/contactFolders/{folder}/contacts/delta?{token}")).await;
    assert_eq!(other.code(), (410, "SyncStateNotFound"));
    let bad = caller.get(&format!("{OWN}/contacts/delta?$deltatoken=expired")).await;
    assert_eq!(bad.code(), (400, "BadRequest"));
    let elsewhere = caller.get(&format!("/v1.0/users/alice@contoso.com/contacts/delta?{token}")).await;
    assert_eq!(elsewhere.code(), (410, "SyncStateNotFound"));
}

#[tokio::test]
async fn an_immutable_id_stays_when_the_item_moves() {
    let caller = Caller::app(&json!({})).await;
    let prefer = [("prefer", "IdType=\"ImmutableId\"")];
    let contacts = format!("{OWN}/contacts");
    let made = caller.send(Method::POST, &contacts, &prefer, Some(&contact("Ann"))).await;
    assert_eq!(made.header("preference-applied"), "IdType=\"ImmutableId\"");
    let (_, link) = caller.feed(&format!("{contacts}/delta"), &prefer).await;
    let listed = caller.get(&contacts).await;
    assert_ne!(listed.ids(), [made.id()]);
    let own = format!("{contacts}/{}", made.id());
    assert_eq!(caller.act(Method::DELETE, &own).await, 204);
    let moved = caller.send(Method::GET, &own, &prefer, None).await;
    assert_eq!((moved.status, moved.id()), (200, made.id()));
    assert_ne!(moved.body["parentFolderId"], made.body["parentFolderId"]);
    assert_eq!(
        caller.get(&format!("{contacts}/{}", listed.ids()[0])).await.code(),
        (404, "ErrorItemNotFound")
    );
    let (rows, _) = caller.feed(&link, &prefer).await;
    assert_eq!((&rows[0]["id"], rows[0]["@removed"].is_object()), (&json!(made.id()), true));
    assert_eq!(caller.act(Method::POST, &format!("{own}/permanentDelete")).await, 204);
    assert_eq!(caller.get(&own).await.code(), (404, "ErrorItemNotFound"));
}

#[tokio::test]
async fn a_deleted_folder_lies_in_deleted_items_until_it_is_removed_for_good() {
    let caller = Caller::app(&json!({})).await;
    let folder = caller.folder(OWN).await;
    let path = format!("{OWN}/contactFolders/{folder}");
    assert_eq!(caller.act(Method::DELETE, &path).await, 204);
    assert!(caller.get(&format!("{OWN}/contactFolders")).await.rows().is_empty());
    assert_eq!(caller.get(&path).await.status, 200);
    assert_eq!(caller.act(Method::POST, &format!("{path}/permanentDelete")).await, 204);
    assert_eq!(caller.get(&path).await.code(), (404, "ErrorItemNotFound"));
    let default = caller.act(Method::DELETE, &format!("{OWN}/contactFolders/contacts")).await;
    assert_eq!(default, 400);
}
