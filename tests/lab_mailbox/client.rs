//! A client signed in as the service account, and its requests.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::{Bench, Soap, basic, envelope};

pub const HOST: &str = "mail.contoso.com";
pub const ALICE: &str = "alice@contoso.com";
pub const MARK: &str = r#"<t:ExtendedFieldURI PropertySetId="5cb26b4e-8a0f-4d0c-9b3e-2f2a71c6d94a" PropertyName="test" PropertyType="String"/>"#;

/// A client signed in as the service account.
pub struct Client {
    pub bench: Bench,
    pub sign_in: String,
}

impl Client {
    pub async fn new(patch: &Value) -> Self {
        let bench = Bench::new("exchange-server", patch).await;
        let sign_in = basic(&bench.secret("account-password"));
        Self { bench, sign_in }
    }

    /// One request as the account, or as somebody else; its answer must fit the schema.
    pub async fn by(&self, impersonated: &str, operation: &str) -> Soap {
        let answer = self.bench.ews(HOST, &self.sign_in, envelope(impersonated, operation)).await;
        self.fits_schema(operation, &answer.text);
        answer
    }

    pub async fn ask(&self, operation: &str) -> Soap {
        self.by("", operation).await
    }

    pub fn fits_schema(&self, operation: &str, answer: &str) {
        let schema = Path::new(&std::env::var("EWS_SCHEMA").unwrap_or_default()).join("soap-envelope.xsd");
        if !schema.is_file() {
            return;
        }
        let file = self.bench.lab.folder().join(format!("{}.xml", uuid::Uuid::new_v4()));
        std::fs::write(&file, answer).unwrap();
        let run =
            Command::new("xmllint").arg("--noout").arg("--schema").args([&schema, &file]).output().unwrap();
        assert!(run.status.success(), "{operation}\n{}\n{answer}", String::from_utf8_lossy(&run.stderr));
    }

    /// The response code of an operation.
    pub async fn code(&self, operation: &str) -> String {
        self.ask(operation).await.element("ResponseCode")
    }

    /// A folder below a default one; its id.
    pub async fn folder(&self, element: &str, parent: &str) -> String {
        let made = self.ask(&create_folder(element, parent)).await;
        attribute(&made.text, "FolderId", "Id")
    }

    /// A contact in a folder; its id and change key.
    pub async fn contact(&self, folder: &str, inner: &str) -> (String, String) {
        let made = self.ask(&create(folder, "Contact", inner)).await;
        (attribute(&made.text, "ItemId", "Id"), attribute(&made.text, "ItemId", "ChangeKey"))
    }

    /// The changes of a folder since a state: what they are, and the state after them.
    pub async fn sync(&self, folder: &str, state: &str, most: u32) -> (Vec<String>, String, bool) {
        let state =
            if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
        let answer = self
            .ask(&format!(
                "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>\
                 <m:SyncFolderId><t:FolderId Id=\"{folder}\"/></m:SyncFolderId>{state}\
                 <m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
            ))
            .await;
        let document = roxmltree::Document::parse(&answer.text).unwrap();
        let changes = document.descendants().find(|node| node.tag_name().name() == "Changes");
        let kinds = changes.into_iter().flat_map(|changes| changes.children());
        let kinds = kinds.map(|change| {
            let id = change.descendants().find_map(|node| node.attribute("Id")).unwrap();
            format!("{} {id}", change.tag_name().name())
        });
        let last = answer.element("IncludesLastItemInRange") == "true";
        (kinds.collect(), answer.element("SyncState"), last)
    }
}

pub fn attribute(text: &str, element: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(text).unwrap();
    let found = document.descendants().find(|node| node.tag_name().name() == element);
    let found = found.unwrap_or_else(|| panic!("no {element} in {text}"));
    found.attribute(name).unwrap_or_default().to_owned()
}

pub fn create_folder(element: &str, parent: &str) -> String {
    format!(
        "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id=\"{parent}\"/></m:ParentFolderId><m:Folders>\
         <t:{element}><t:DisplayName>Own</t:DisplayName><t:ExtendedProperty>{MARK}<t:Value>run</t:Value>\
         </t:ExtendedProperty></t:{element}></m:Folders></m:CreateFolder>"
    )
}

pub fn create(folder: &str, element: &str, inner: &str) -> String {
    format!(
        "<m:CreateItem MessageDisposition=\"SaveOnly\" SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId>\
         <t:FolderId Id=\"{folder}\"/></m:SavedItemFolderId><m:Items><t:{element}>{inner}</t:{element}></m:Items></m:CreateItem>"
    )
}

pub fn get(id: &str) -> String {
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType>\
         <t:AdditionalProperties>{MARK}</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id=\"{id}\"/></m:ItemIds></m:GetItem>"
    )
}

pub fn update(id: &str, key: &str, how: &str, change: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"{how}\" MessageDisposition=\"SaveOnly\" SendMeetingInvitationsOrCancellations=\"SendToNone\">\
         <m:ItemChanges><t:ItemChange><t:ItemId Id=\"{id}\" {key}/><t:Updates>{change}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
}

pub fn set(uri: &str, element: &str, inner: &str) -> String {
    format!(
        "<t:SetItemField><t:FieldURI FieldURI=\"{uri}\"/><t:{element}>{inner}</t:{element}></t:SetItemField>"
    )
}

pub fn delete(id: &str, how: &str) -> String {
    format!(
        "<m:DeleteItem DeleteType=\"{how}\" SendMeetingCancellations=\"SendToNone\"><m:ItemIds><t:ItemId Id=\"{id}\"/>\
         </m:ItemIds></m:DeleteItem>"
    )
}
