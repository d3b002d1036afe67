//! Calendars, and free and busy times.

use serde_json::json;

use crate::client::{ALICE, Client, attribute, create, create_folder, delete, get};
use crate::items::CONTACT;

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
