//! The mailboxes of the lab as an EWS client sees them: raw requests, and answers that fit Microsoft's
//! schema where `EWS_SCHEMA` names the folder with it.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use support::{Bench, Soap, basic, envelope};

const HOST: &str = "mail.contoso.com";
const ALICE: &str = "alice@contoso.com";
const MARK: &str = r#"<t:ExtendedFieldURI PropertySetId="5cb26b4e-8a0f-4d0c-9b3e-2f2a71c6d94a" PropertyName="test" PropertyType="String"/>"#;

/// A client signed in as the service account.
struct Client {
    bench: Bench,
    sign_in: String,
}

impl Client {
    async fn new(patch: &Value) -> Self {
        let bench = Bench::new("exchange-server", patch).await;
        let sign_in = basic(&bench.secret("account-password"));
        Self { bench, sign_in }
    }

    /// One request as the account, or as somebody else; its answer must fit the schema.
    async fn by(&self, impersonated: &str, operation: &str) -> Soap {
        let answer = self.bench.ews(HOST, &self.sign_in, envelope(impersonated, operation)).await;
        self.fits_schema(operation, &answer.text);
        answer
    }

    async fn ask(&self, operation: &str) -> Soap {
        self.by("", operation).await
    }

    fn fits_schema(&self, operation: &str, answer: &str) {
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
    async fn code(&self, operation: &str) -> String {
        self.ask(operation).await.element("ResponseCode")
    }

    /// A folder below a default one; its id.
    async fn folder(&self, element: &str, parent: &str) -> String {
        let made = self.ask(&create_folder(element, parent)).await;
        attribute(&made.text, "FolderId", "Id")
    }

    /// A contact in a folder; its id and change key.
    async fn contact(&self, folder: &str, inner: &str) -> (String, String) {
        let made = self.ask(&create(folder, "Contact", inner)).await;
        (attribute(&made.text, "ItemId", "Id"), attribute(&made.text, "ItemId", "ChangeKey"))
    }

    /// The changes of a folder since a state: what they are, and the state after them.
    async fn sync(&self, folder: &str, state: &str, most: u32) -> (Vec<String>, String, bool) {
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

fn attribute(text: &str, element: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(text).unwrap();
    let found = document.descendants().find(|node| node.tag_name().name() == element);
    let found = found.unwrap_or_else(|| panic!("no {element} in {text}"));
    found.attribute(name).unwrap_or_default().to_owned()
}

fn create_folder(element: &str, parent: &str) -> String {
    format!(
        "<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id=\"{parent}\"/></m:ParentFolderId><m:Folders>\
         <t:{element}><t:DisplayName>Own</t:DisplayName><t:ExtendedProperty>{MARK}<t:Value>run</t:Value>\
         </t:ExtendedProperty></t:{element}></m:Folders></m:CreateFolder>"
    )
}

fn create(folder: &str, element: &str, inner: &str) -> String {
    format!(
        "<m:CreateItem MessageDisposition=\"SaveOnly\" SendMeetingInvitations=\"SendToNone\"><m:SavedItemFolderId>\
         <t:FolderId Id=\"{folder}\"/></m:SavedItemFolderId><m:Items><t:{element}>{inner}</t:{element}></m:Items></m:CreateItem>"
    )
}

fn get(id: &str) -> String {
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType>\
         <t:AdditionalProperties>{MARK}</t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id=\"{id}\"/></m:ItemIds></m:GetItem>"
    )
}

fn update(id: &str, key: &str, how: &str, change: &str) -> String {
    format!(
        "<m:UpdateItem ConflictResolution=\"{how}\" MessageDisposition=\"SaveOnly\" SendMeetingInvitationsOrCancellations=\"SendToNone\">\
         <m:ItemChanges><t:ItemChange><t:ItemId Id=\"{id}\" {key}/><t:Updates>{change}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>"
    )
}

fn set(uri: &str, element: &str, inner: &str) -> String {
    format!(
        "<t:SetItemField><t:FieldURI FieldURI=\"{uri}\"/><t:{element}>{inner}</t:{element}></t:SetItemField>"
    )
}

fn delete(id: &str, how: &str) -> String {
    format!(
        "<m:DeleteItem DeleteType=\"{how}\" SendMeetingCancellations=\"SendToNone\"><m:ItemIds><t:ItemId Id=\"{id}\"/>\
         </m:ItemIds></m:DeleteItem>"
    )
}

const CONTACT: &str = r#"<t:Body BodyType="Text">Zeile 1
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

const SERIES: &str = "<t:Subject>Series</t:Subject><t:Sensitivity>Private</t:Sensitivity><t:ReminderIsSet>false</t:ReminderIsSet>\
    <t:Start>2026-10-20T09:00:00</t:Start><t:End>2026-10-20T09:30:00</t:End><t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus>\
    <t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Tuesday</t:DaysOfWeek></t:WeeklyRecurrence>\
    <t:NumberedRecurrence><t:StartDate>2026-10-20</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence>\
    </t:Recurrence><t:StartTimeZone Id=\"W. Europe Standard Time\"/><t:EndTimeZone Id=\"W. Europe Standard Time\"/>";

fn calendar_view(folder: &str) -> String {
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"2026-10-01T00:00:00Z\" EndDate=\"2026-12-01T00:00:00Z\"/><m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
    )
}

#[tokio::test]
async fn a_series_shows_its_occurrences_at_the_same_time_of_day() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("CalendarFolder", "calendar").await;
    let made = client.ask(&create(&folder, "CalendarItem", SERIES)).await;
    let master = attribute(&made.text, "ItemId", "Id");
    let id = format!("<t:FolderId Id=\"{folder}\"/>");
    let seen = client.ask(&calendar_view(&id)).await;
    let document = roxmltree::Document::parse(&seen.text).unwrap();
    let named =
        |name: &'static str| document.descendants().filter(move |node| node.tag_name().name() == name);
    let starts: Vec<_> = named("Start").map(|node| node.text().unwrap()).collect();
    assert_eq!(starts, ["2026-10-20T07:00:00Z", "2026-10-27T08:00:00Z", "2026-11-03T08:00:00Z"]);
    assert!(named("CalendarItemType").all(|node| node.text() == Some("Occurrence")));
    let read = client.ask(&get(&master)).await;
    assert_eq!(read.element("CalendarItemType"), "RecurringMaster");
    assert_eq!(read.element("NumberOfOccurrences"), "3");
    let second = named("ItemId").nth(1).unwrap().attribute("Id").unwrap();
    assert_eq!(client.ask(&get(second)).await.element("Start"), "2026-10-27T08:00:00Z");
    assert_eq!(client.code(&delete(second, "HardDelete")).await, "NoError");
    let left = client.ask(&calendar_view(&id)).await;
    assert_eq!(attribute(&left.text, "RootFolder", "TotalItemsInView"), "2");
}

#[tokio::test]
async fn calendar_items_need_to_be_told_whether_to_send() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("CalendarFolder", "calendar").await;
    let silent =
        create(&folder, "CalendarItem", SERIES).replace(" SendMeetingInvitations=\"SendToNone\"", "");
    assert_eq!(client.code(&silent).await, "ErrorSendMeetingInvitationsRequired");
    let made = client.ask(&create(&folder, "CalendarItem", SERIES)).await;
    let id = attribute(&made.text, "ItemId", "Id");
    let silent = delete(&id, "HardDelete").replace(" SendMeetingCancellations=\"SendToNone\"", "");
    assert_eq!(client.code(&silent).await, "ErrorSendMeetingCancellationsRequired");
}

#[tokio::test]
async fn an_item_goes_only_where_it_belongs() {
    let client = Client::new(&json!({})).await;
    let folder = client.folder("CalendarFolder", "calendar").await;
    assert_eq!(
        client.code(&create(&folder, "Contact", CONTACT)).await,
        "ErrorCannotCreateContactInNonContactFolder"
    );
    assert_eq!(client.code(&create_folder("CalendarFolder", "calendar")).await, "ErrorFolderExists");
    let root = "<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds><t:DistinguishedFolderId Id=\"contacts\"/></m:FolderIds></m:DeleteFolder>";
    assert_eq!(client.code(root).await, "ErrorDeleteDistinguishedFolder");
}

fn subscribe(kind: &str, rest: &str) -> String {
    format!(
        "<m:Subscribe><m:{kind}SubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id=\"contacts\"/></t:FolderIds>\
         <t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType></t:EventTypes>{rest}\
         </m:{kind}SubscriptionRequest></m:Subscribe>"
    )
}

const IN_CONTACTS: &str =
    "<m:CreateItem><m:Items><t:Contact><t:GivenName>Ada</t:GivenName></t:Contact></m:Items></m:CreateItem>";

#[tokio::test]
async fn a_pull_subscription_tells_each_event_once() {
    let client = Client::new(&json!({})).await;
    let made = client.ask(&subscribe("Pull", "<t:Timeout>10</t:Timeout>")).await;
    let (id, mark) = (made.element("SubscriptionId"), made.element("Watermark"));
    let events = |mark: &str| {
        format!(
            "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{mark}</m:Watermark></m:GetEvents>"
        )
    };
    let none = client.ask(&events(&mark)).await;
    assert!(none.text.contains("StatusEvent"));
    let item = attribute(&client.ask(IN_CONTACTS).await.text, "ItemId", "Id");
    let heard = client.ask(&events(&mark)).await;
    assert_eq!(attribute(&heard.text, "ItemId", "Id"), item);
    let after = client.ask(&events(&heard.element("Watermark"))).await;
    assert!(!after.text.contains("CreatedEvent"));
    assert_eq!(client.code(&events("bm9uZQ==")).await, "ErrorInvalidWatermark");
    let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
    assert_eq!(client.code(&end).await, "NoError");
    assert_eq!(client.code(&events(&mark)).await, "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn a_stream_tells_what_happens_and_ends_at_its_time() {
    let client = Client::new(&json!({"ews": {"minute_ms": 600}})).await;
    let id = client.ask(&subscribe("Streaming", "")).await.element("SubscriptionId");
    let stream = format!(
        "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds>\
         <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
    );
    let listening = client.bench.ews(HOST, &client.sign_in, envelope("", &stream));
    let doing = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        client.ask(IN_CONTACTS).await
    };
    let (heard, made) = tokio::join!(listening, doing);
    let envelopes: Vec<&str> = heard.text.split("<?xml").filter(|part| !part.is_empty()).collect();
    for envelope in &envelopes {
        client.fits_schema(&stream, &format!("<?xml{envelope}"));
    }
    let told = envelopes.iter().filter(|part| part.contains("CreatedEvent")).count();
    assert_eq!(told, 1, "{}", heard.text);
    assert!(heard.text.contains(&attribute(&made.text, "ItemId", "Id")));
    assert!(envelopes[0].contains("<m:ConnectionStatus>OK</m:ConnectionStatus>"));
    assert!(envelopes.last().unwrap().contains("<m:ConnectionStatus>Closed</m:ConnectionStatus>"));
    let unknown = client.ask(&stream.replace(&id, "none")).await;
    assert_eq!(unknown.element("ResponseCode"), "ErrorSubscriptionNotFound");
    assert!(unknown.text.contains("<m:ErrorSubscriptionIds><t:SubscriptionId>none<"));
}

#[tokio::test]
async fn free_and_busy_times_are_those_of_the_default_calendar() {
    let client = Client::new(&json!({})).await;
    let series = create("", "CalendarItem", SERIES)
        .replace("<m:SavedItemFolderId><t:FolderId Id=\"\"/></m:SavedItemFolderId>", "");
    client.by(ALICE, &series).await;
    let clock = |name: &str, bias: i32, month: u8| {
        format!(
            "<t:{name}><t:Bias>{bias}</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>{month}</t:Month>\
             <t:DayOfWeek>Sunday</t:DayOfWeek></t:{name}>"
        )
    };
    let ask = |address: &str| {
        format!(
            "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-60</t:Bias>{}{}</t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email>\
             <t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray>\
             <t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-10-20T08:00:00</t:StartTime><t:EndTime>2026-10-20T11:00:00</t:EndTime>\
             </t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>DetailedMerged</t:RequestedView>\
             </t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>",
            clock("StandardTime", 0, 10),
            clock("DaylightTime", -60, 3)
        )
    };
    let told = client.ask(&ask(ALICE)).await;
    assert_eq!(told.element("MergedFreeBusy"), "001000");
    assert_eq!(
        (told.element("FreeBusyViewType").as_str(), told.element("Subject").as_str()),
        ("FreeBusyMerged", "")
    );
    let document = roxmltree::Document::parse(&told.text).unwrap();
    let event = document.descendants().find(|node| node.tag_name().name() == "CalendarEvent").unwrap();
    let start = event.descendants().find(|node| node.tag_name().name() == "StartTime");
    assert_eq!(start.and_then(|node| node.text()), Some("2026-10-20T09:00:00"));
    let own = client.by(ALICE, &ask(ALICE)).await;
    assert_eq!(own.element("Subject"), "Series");
    assert_eq!(client.code(&ask("nobody@contoso.com")).await, "ErrorMailRecipientNotFound");
}

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
