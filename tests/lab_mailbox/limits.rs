//! What a mailbox refuses, and what goes wrong with it.

use serde_json::{Value, json};

use crate::client::{ALICE, Client, HOST, attribute, create, delete, get};
use crate::notifications::IN_CONTACTS;
use crate::support::envelope;

/// What the service account may do in Alice's contacts.
async fn with_level(level: &str) -> Client {
    let folders = json!({"contacts": {"permissions": {"svc": level}}});
    Client::new(&json!({"exchange": {"mailboxes": {"alice": {"x": {"folders": folders}}}}})).await
}

const ALICES: &str = "<t:DistinguishedFolderId Id=\"contacts\"><t:Mailbox><t:EmailAddress>alice@contoso.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>";

#[tokio::test]
async fn a_level_lets_do_what_it_says_and_no_more() {
    let make = format!(
        "<m:CreateItem><m:SavedItemFolderId>{ALICES}</m:SavedItemFolderId><m:Items><t:Contact><t:GivenName>A</t:GivenName></t:Contact></m:Items></m:CreateItem>"
    );
    let sub = format!(
        "<m:CreateFolder><m:ParentFolderId>{ALICES}</m:ParentFolderId><m:Folders><t:ContactsFolder><t:DisplayName>X</t:DisplayName></t:ContactsFolder></m:Folders></m:CreateFolder>"
    );
    let reviewer = with_level("Reviewer").await;
    assert_eq!(reviewer.code(&make).await, "ErrorCreateItemAccessDenied");
    assert_eq!(reviewer.code(&sub).await, "ErrorCreateSubfolderAccessDenied");
    let foreign = attribute(&reviewer.by(ALICE, IN_CONTACTS).await.text, "ItemId", "Id");
    assert_eq!(reviewer.code(&get(&foreign)).await, "NoError");
    assert_eq!(reviewer.code(&delete(&foreign, "HardDelete")).await, "ErrorAccessDenied");

    let author = with_level("Author").await;
    let own = attribute(&author.ask(&make).await.text, "ItemId", "Id");
    let foreign = attribute(&author.by(ALICE, IN_CONTACTS).await.text, "ItemId", "Id");
    assert_eq!(author.code(&delete(&foreign, "HardDelete")).await, "ErrorAccessDenied");
    assert_eq!(author.code(&delete(&own, "HardDelete")).await, "NoError");
    assert_eq!(author.code(&sub).await, "ErrorCreateSubfolderAccessDenied");

    let none = with_level("None").await;
    let foreign = attribute(&none.by(ALICE, IN_CONTACTS).await.text, "ItemId", "Id");
    assert_eq!(none.code(&get(&foreign)).await, "ErrorItemNotFound");
    assert_eq!(none.code(&make).await, "ErrorAccessDenied");
}

#[tokio::test]
async fn what_is_not_in_the_schema_is_refused_as_a_whole() {
    let client = Client::new(&json!({})).await;
    let refused = client.ask("<m:UploadItems/>").await;
    assert_eq!((refused.status, refused.element("ResponseCode").as_str()), (500, "ErrorInvalidRequest"));
    let disorder = create("x", "Contact", "<t:Surname>a</t:Surname><t:GivenName>b</t:GivenName>");
    let refused = client.ask(&disorder).await;
    assert_eq!((refused.status, refused.element("ResponseCode").as_str()), (500, "ErrorSchemaValidation"));
    assert!(refused.value("Violation").contains("GivenName"), "{}", refused.text);
    assert_eq!(client.code(&delete("x", "Softly")).await, "ErrorSchemaValidation");
}

#[tokio::test]
async fn a_full_mailbox_takes_nothing_more() {
    let quota = json!({"ProhibitSendReceiveQuota": "1 KB (1,024 bytes)", "x": {"used_bytes": 1000}});
    let client = Client::new(&json!({"exchange": {"mailboxes": {"svc": quota}}})).await;
    assert_eq!(client.code(IN_CONTACTS).await, "ErrorQuotaExceeded");
}

#[tokio::test]
async fn a_fault_strikes_one_operation_in_each_form() {
    let fault = |ews: Value, more: Value| {
        let mut fault = json!({"operation": "CreateItem", "times": 1, "ews": ews});
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"faults": {"f": fault}})
    };
    let client = Client::new(&fault(json!({"code": "ErrorAccessDenied"}), json!({"after": 1}))).await;
    assert_eq!(client.code(IN_CONTACTS).await, "NoError");
    let refused = client.ask(IN_CONTACTS).await;
    assert_eq!((refused.status, refused.element("ResponseCode").as_str()), (200, "ErrorAccessDenied"));
    assert!(refused.text.contains("CreateItemResponseMessage"));
    assert_eq!(client.code(IN_CONTACTS).await, "NoError");

    let busy = json!({"code": "ErrorServerBusy", "form": "fault", "back_off_ms": 250});
    let client = Client::new(&fault(busy, json!({}))).await;
    let refused = client.ask(IN_CONTACTS).await;
    assert_eq!((refused.status, refused.value("BackOffMilliseconds").as_str()), (500, "250"));

    let client = Client::new(&fault(json!({"code": "ErrorAccessDenied", "form": "bare"}), json!({}))).await;
    let refused = client.ask(IN_CONTACTS).await;
    assert_eq!((refused.status, refused.element("faultcode").as_str()), (200, "ErrorAccessDenied"));
}

#[tokio::test]
async fn a_lost_answer_belongs_to_something_that_was_done() {
    let fault = json!({"operation": "CreateItem", "times": 1, "kind": "lost"});
    let client = Client::new(&json!({"faults": {"f": fault}})).await;
    let url = client.bench.url(HOST, "/EWS/Exchange.asmx");
    let request = client.bench.http.post(url).header("authorization", &client.sign_in);
    let lost = request.header("content-type", "text/xml").body(envelope("", IN_CONTACTS)).send().await;
    assert!(lost.is_err());
    assert_eq!(client.bench.lab.dump("svc-sync@contoso.com")["items"].as_array().unwrap().len(), 1);
}
