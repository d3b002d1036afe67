//! Contacts, folders and their change feed.

use serde_json::json;

use crate::client::{Client, MARK, attribute, delete, get, set, update};

pub const CONTACT: &str = r#"<t:Body BodyType="Text">Zeile 1
Zeile 2 😀</t:Body><t:ExtendedProperty><t:ExtendedFieldURI PropertySetId="5cb26b4e-8a0f-4d0c-9b3e-2f2a71c6d94a" PropertyName="test" PropertyType="String"/><t:Value>run</t:Value></t:ExtendedProperty><t:FileAs>Łovelace, Ada</t:FileAs><t:GivenName>Ada &amp; Co</t:GivenName><t:CompanyName>ACME</t:CompanyName><t:EmailAddresses><t:Entry Key="EmailAddress1">ada@example.invalid</t:Entry></t:EmailAddresses><t:PhoneNumbers><t:Entry Key="MobilePhone">+1 555</t:Entry></t:PhoneNumbers><t:Department>R</t:Department><t:Surname>Łovelace</t:Surname>"#;

#[tokio::test]
async fn a_contact_comes_back_field_by_field() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (id, _) = client.contact(&folder, CONTACT).await;
    let read = client.ask(&get(&id)).await;
    assert!(read.text.contains(">Zeile 1\nZeile 2 😀</t:Body>"), "{}", read.text);
    assert_eq!(read.element("GivenName"), "Ada & Co");
    assert_eq!(read.element("FileAs"), "Łovelace, Ada");
    assert_eq!(read.element("Value"), "run");
    assert_eq!(read.element("DisplayName"), "Ada & Co Łovelace");
    assert!(read.text.contains("<t:Entry Key=\"MobilePhone\">+1 555</t:Entry>"));
}

#[tokio::test]
async fn the_feed_shows_exactly_what_happened() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (none, start, _) = client.sync(&folder, "", 10).await;
    assert!(none.is_empty());
    let (first, key) = client.contact(&folder, CONTACT).await;
    let (second, _) = client.contact(&folder, CONTACT).await;
    let (page, state, last) = client.sync(&folder, &start, 1).await;
    assert_eq!((page, last), (vec![format!("Create {second}")], false));
    let (page, state, last) = client.sync(&folder, &state, 1).await;
    assert_eq!((page, last), (vec![format!("Create {first}")], true));
    let key = format!("ChangeKey=\"{key}\"");
    let change = set("contacts:JobTitle", "Contact", "<t:JobTitle>Boss</t:JobTitle>");
    assert_eq!(client.code(&update(&first, &key, "NeverOverwrite", &change)).await, "NoError");
    assert_eq!(client.code(&delete(&second, "HardDelete")).await, "NoError");
    let (page, ..) = client.sync(&folder, &state, 10).await;
    assert_eq!(page, [format!("Delete {second}"), format!("Update {first}")]);
}

#[tokio::test]
async fn a_state_of_another_folder_is_invalid() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (_, state, _) = client.sync(&folder, "", 10).await;
    let other = client.folder("CalendarFolder", "calendar").await;
    let wrong = format!(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId>\
         <t:FolderId Id=\"{other}\"/></m:SyncFolderId><m:SyncState>{state}</m:SyncState><m:MaxChangesReturned>5</m:MaxChangesReturned></m:SyncFolderItems>"
    );
    assert_eq!(client.code(&wrong).await, "ErrorInvalidSyncStateData");
    let too_many = wrong.replace(">5<", ">513<");
    assert_eq!(client.code(&too_many).await, "ErrorSchemaValidation");
}

#[tokio::test]
async fn an_old_change_key_is_a_conflict_unless_it_may_be_overwritten() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (id, key) = client.contact(&folder, CONTACT).await;
    let old = format!("ChangeKey=\"{key}\"");
    let change = set("contacts:JobTitle", "Contact", "<t:JobTitle>Boss</t:JobTitle>");
    assert_eq!(client.code(&update(&id, "", "NeverOverwrite", &change)).await, "ErrorChangeKeyRequired");
    assert_eq!(client.code(&update(&id, &old, "NeverOverwrite", &change)).await, "NoError");
    let refused = client.ask(&update(&id, &old, "NeverOverwrite", &change)).await;
    assert_eq!(
        (refused.status, refused.element("ResponseCode").as_str()),
        (200, "ErrorIrresolvableConflict")
    );
    assert_eq!(client.code(&update(&id, "", "AlwaysOverwrite", &change)).await, "NoError");
}

#[tokio::test]
async fn a_path_and_its_property_must_match() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (id, _) = client.contact(&folder, CONTACT).await;
    let change = set("contacts:JobTitle", "Contact", "<t:Surname>Boss</t:Surname>");
    assert_eq!(
        client.code(&update(&id, "", "AlwaysOverwrite", &change)).await,
        "ErrorUpdatePropertyMismatch"
    );
}

#[tokio::test]
async fn a_mailbox_is_as_it_was_when_everything_is_deleted_for_good() {
    let client = Client::new(&json!({})).await;
    let dump = || {
        let mut dump = client.bench.lab.dump("svc-sync@contoso.com");
        (dump["traces"].take(), dump)
    };
    let (_, before) = dump();
    let folder = client.folder("ContactsFolder", "contacts").await;
    client.contact(&folder, CONTACT).await;
    assert_ne!(dump().1, before);
    let gone = format!(
        "<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds><t:FolderId Id=\"{folder}\"/></m:FolderIds></m:DeleteFolder>"
    );
    assert_eq!(client.code(&gone).await, "NoError");
    let (traces, after) = dump();
    assert_eq!(after, before);
    assert_eq!(traces["recoverable_items"], 1);
    assert_eq!(traces["named_properties"].as_array().unwrap().len(), 1);
    assert_eq!(client.code(&gone).await, "ErrorFolderNotFound");
}

#[tokio::test]
async fn deleted_items_takes_what_is_not_deleted_for_good() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let (id, _) = client.contact(&folder, CONTACT).await;
    assert_eq!(client.code(&delete(&id, "MoveToDeletedItems")).await, "NoError");
    assert_eq!(client.code(&get(&id)).await, "ErrorItemNotFound");
    let find = |parent: &str| {
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:Restriction><t:IsEqualTo>{MARK}\
             <t:FieldURIOrConstant><t:Constant Value=\"run\"/></t:FieldURIOrConstant></t:IsEqualTo></m:Restriction>\
             <m:ParentFolderIds><t:DistinguishedFolderId Id=\"{parent}\"/></m:ParentFolderIds></m:FindItem>"
        )
    };
    let found = client.ask(&find("deleteditems")).await;
    assert_eq!(attribute(&found.text, "RootFolder", "TotalItemsInView"), "1");
    let found = client.ask(&find("contacts")).await;
    assert_eq!(attribute(&found.text, "RootFolder", "TotalItemsInView"), "0");
}

#[tokio::test]
async fn a_folder_is_found_by_its_marker_at_any_depth() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("ContactsFolder", "contacts").await;
    let find = format!(
        "<m:FindFolder Traversal=\"Deep\"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>\
         <t:FieldURI FieldURI=\"folder:EffectiveRights\"/>{MARK}</t:AdditionalProperties></m:FolderShape><m:Restriction><t:Exists>{MARK}</t:Exists>\
         </m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:ParentFolderIds></m:FindFolder>"
    );
    let found = client.ask(&find).await;
    assert_eq!(attribute(&found.text, "RootFolder", "TotalItemsInView"), "1");
    assert_eq!(attribute(&found.text, "FolderId", "Id"), folder);
    assert_eq!((found.element("Value").as_str(), found.element("Delete").as_str()), ("run", "true"));
}
