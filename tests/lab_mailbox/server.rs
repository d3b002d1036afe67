//! What the server tells besides, and its ways.

use serde_json::json;

use crate::client::{ALICE, Client, attribute, get, set, update};
use crate::items::CONTACT;
use crate::notifications::{IN_CONTACTS, subscribe};

#[tokio::test]
async fn the_address_list_tells_people_and_their_data() {
    let client = Client::new(&json!({})).await;
    let resolve = "<m:ResolveNames ReturnFullContactData=\"true\"><m:UnresolvedEntry>alice</m:UnresolvedEntry></m:ResolveNames>";
    let found = client.ask(resolve).await;
    assert_eq!(found.element("ContactSource"), "ActiveDirectory");
    let people = "<m:FindPeople><m:IndexedPageItemView MaxEntriesReturned=\"10\" Offset=\"0\" BasePoint=\"Beginning\"/><m:ParentFolderId>\
        <t:DistinguishedFolderId Id=\"directory\"/></m:ParentFolderId><m:QueryString>bob</m:QueryString></m:FindPeople>";
    let found = client.ask(people).await;
    assert_eq!(
        (found.element("TotalNumberOfPeopleInView").as_str(), found.element("DisplayName").as_str()),
        ("1", "Bob Okafor")
    );
}

#[tokio::test]
async fn reading_a_mailbox_leaves_nothing_and_every_kind_of_item_is_kept() {
    let client = Client::new(&json!({})).await;
    let items = "<t:Message><t:Subject>m</t:Subject><t:ToRecipients><t:Mailbox><t:EmailAddress>x@example.invalid</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message>\
        <t:Task><t:Subject>t</t:Subject><t:DueDate>2026-12-01T00:00:00Z</t:DueDate><t:Status>NotStarted</t:Status></t:Task>";
    let made = client
        .ask(&format!(
            "<m:CreateItem MessageDisposition=\"SaveOnly\"><m:Items>{items}</m:Items></m:CreateItem>"
        ))
        .await;
    let document = roxmltree::Document::parse(&made.text).unwrap();
    let ids: Vec<_> = document.descendants().filter_map(|node| node.attribute("Id")).collect();
    assert_eq!(client.ask(&get(ids[0])).await.element("EmailAddress"), "x@example.invalid");
    assert_eq!(client.ask(&get(ids[1])).await.element("Status"), "NotStarted");
    let moved = client
        .ask(&format!("<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id=\"inbox\"/></m:ToFolderId><m:ItemIds><t:ItemId Id=\"{}\"/></m:ItemIds></m:MoveItem>", ids[0]))
        .await;
    assert_ne!(attribute(&moved.text, "ItemId", "Id"), ids[0]);
    let folders = "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape></m:SyncFolderHierarchy>";
    let told = client.ask(folders).await;
    assert!(told.text.contains("<t:DisplayName>Inbox</t:DisplayName>"));
    assert!(!told.text.contains("Recoverable Items"));
}

#[tokio::test]
async fn the_servers_time_zones_are_told_whole_or_by_name_and_unknown_ones_not_at_all() {
    let client = Client::new(&json!({})).await;
    let ask = async |attribute: &str, ids: &str| {
        client.ask(&format!("<m:GetServerTimeZones{attribute}>{ids}</m:GetServerTimeZones>")).await
    };
    let ids = "<m:Ids><t:Id>W. Europe Standard Time</t:Id><t:Id>Middle-earth Standard Time</t:Id></m:Ids>";
    let told = ask("", ids).await;
    assert_eq!(told.text.matches("<t:TimeZoneDefinition ").count(), 1, "{}", told.text);
    assert_eq!(attribute(&told.text, "Period", "Bias"), "-PT60M");
    let names = ask(" ReturnFullTimeZoneData=\"false\"", "").await;
    assert!(names.text.matches("<t:TimeZoneDefinition ").count() > 30, "{}", names.text);
    assert!(!names.text.contains("Period"));
    ask(" ReturnFullTimeZoneData=\"true\"", "").await;
}

#[tokio::test]
async fn a_server_may_take_any_change_key_or_tell_of_nothing() {
    let quirks = json!({"any_change_key": true, "no_events": true});
    let client = Client::new(&json!({"ews": {"quirks": quirks}})).await;
    let subscribed = client.ask(&subscribe("Pull", "<t:Timeout>10</t:Timeout>")).await;
    let (id, mark) = (subscribed.element("SubscriptionId"), subscribed.element("Watermark"));
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (item, key) = client.contact(&folder, CONTACT).await;
    let key = format!("ChangeKey=\"{key}\"");
    for name in ["Ada", "Grace"] {
        let change = set("contacts:GivenName", "Contact", &format!("<t:GivenName>{name}</t:GivenName>"));
        assert_eq!(client.code(&update(&item, &key, "NeverOverwrite", &change)).await, "NoError");
    }
    assert_eq!(client.ask(&get(&item)).await.element("GivenName"), "Grace");
    client.ask(IN_CONTACTS).await;
    let events = format!(
        "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>"
    );
    let heard = client.ask(&events).await;
    assert!(heard.text.contains("StatusEvent") && !heard.text.contains("CreatedEvent"), "{}", heard.text);
}

#[tokio::test]
async fn content_of_the_world_is_there_for_whoever_may_read_it() {
    let content = json!({
        "folders": { "team": { "below": "contacts", "shown": "Team", "created": "@now-2d" } },
        "items": { "ada": { "folder": "team", "created": "@now-2d", "content": {
            "kind": { "Contact": { "texts": { "GivenName": "Ada" } } } } } },
    });
    let alice =
        json!({"x": {"content": content, "folders": {"contacts": {"permissions": {"svc": "Reviewer"}}}}});
    let client = Client::new(&json!({"exchange": {"mailboxes": {"alice": alice}}})).await;
    let below = format!(
        "<m:FindFolder Traversal=\"Shallow\"><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:ParentFolderIds>\
         <t:DistinguishedFolderId Id=\"contacts\"><t:Mailbox><t:EmailAddress>{ALICE}</t:EmailAddress></t:Mailbox>\
         </t:DistinguishedFolderId></m:ParentFolderIds></m:FindFolder>"
    );
    let found = client.ask(&below).await;
    assert_eq!(found.element("DisplayName"), "Team");
    let (_, folder) = found.text.split_once("<t:ContactsFolder>").unwrap();
    let id = attribute(
        &format!("<x xmlns:t=\"t\">{}</x>", &folder[..folder.find("/>").unwrap() + 2]),
        "FolderId",
        "Id",
    );
    let (changes, ..) = client.sync(&id, "", 9).await;
    assert_eq!(changes.len(), 1);
    let item = changes[0].strip_prefix("Create ").unwrap();
    let read = client.ask(&get(item)).await;
    assert_eq!(read.element("GivenName"), "Ada");
}
