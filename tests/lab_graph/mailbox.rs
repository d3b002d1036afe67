//! Contacts, calendars and events in a mailbox, and their change feeds.

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::support::{Bench, GRAPH, PRODUCT};

const OWN: &str = "/v1.0/users/svc-sync@contoso.com";
const MARK: &str = "String {5cb26b4e-8a0f-4d0c-9b3e-2f2a71c6d94a} Name a-mark";

/// A caller with its token.
struct Caller {
    bench: Bench,
    token: String,
}

/// What came back.
struct Back {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Back {
    fn code(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id: {} {}", self.status, self.body)).to_owned()
    }

    fn rows(&self) -> &[Value] {
        self.body["value"].as_array().unwrap_or_else(|| panic!("no list: {} {}", self.status, self.body))
    }

    fn ids(&self) -> Vec<&str> {
        self.rows().iter().map(|row| row["id"].as_str().unwrap()).collect()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The path and query of a link of the page.
    fn link(&self, name: &str) -> Option<String> {
        let link = self.body[format!("@odata.{name}")].as_str()?;
        Some(link.strip_prefix("https://graph.microsoft.com").unwrap().to_owned())
    }
}

impl Caller {
    async fn app(patch: &Value) -> Self {
        let bench = Bench::new("online-graph-app", patch).await;
        let token = bench.app(PRODUCT, GRAPH).await;
        Self { bench, token }
    }

    async fn user(patch: &Value) -> Self {
        let bench = Bench::new("online-delegated", patch).await;
        let token = bench.user("https://graph.microsoft.com/.default").await;
        Self { bench, token }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Back {
        let mut request =
            self.bench.http.request(method, self.bench.url(GRAPH, path)).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Back { status, headers, body }
    }

    async fn get(&self, path: &str) -> Back {
        self.send(Method::GET, path, &[], None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Back {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    /// An action or a deletion, which answers without a body.
    async fn act(&self, method: Method, path: &str) -> u16 {
        self.send(method, path, &[], None).await.status
    }

    async fn folder(&self, user: &str) -> String {
        let back = self.post(&format!("{user}/contactFolders"), &json!({"displayName": "Own"})).await;
        assert_eq!(back.status, 201, "{}", back.body);
        back.id()
    }

    async fn calendar(&self) -> String {
        let back = self.post(&format!("{OWN}/calendars"), &json!({"name": "Own"})).await;
        assert_eq!(back.status, 201, "{}", back.body);
        back.id()
    }

    /// Everything that a feed shows from a link on, and the link for later.
    async fn feed(&self, start: &str, headers: &[(&str, &str)]) -> (Vec<Value>, String) {
        let (mut rows, mut path) = (Vec::new(), start.to_owned());
        loop {
            let page = self.send(Method::GET, &path, headers, None).await;
            assert_eq!(page.status, 200, "{}", page.body);
            rows.extend(page.rows().iter().cloned());
            match page.link("nextLink") {
                Some(next) => path = next,
                None => return (rows, page.link("deltaLink").unwrap()),
            }
        }
    }
}

fn contact(name: &str) -> Value {
    json!({"givenName": name, "surname": "Test"})
}

fn event(subject: &str) -> Value {
    json!({"subject": subject, "start": {"dateTime": "2026-12-21T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-12-21T11:00:00", "timeZone": "UTC"}, "showAs": "free", "isReminderOn": false})
}

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

#[tokio::test]
async fn an_event_comes_back_as_it_was_sent() {
    let caller = Caller::app(&json!({})).await;
    let calendar = caller.calendar().await;
    let mut sent = event("Тест 🧪");
    sent["body"] = json!({"contentType": "text", "content": "Ümlauts\r\n& <tags>"});
    sent["location"] = json!({"displayName": "Room <3>"});
    sent["sensitivity"] = "private".into();
    sent["importance"] = "high".into();
    sent["start"] = json!({"dateTime": "2026-07-01T10:00:00", "timeZone": "W. Europe Standard Time"});
    sent["end"] = json!({"dateTime": "2026-07-01T11:00:00", "timeZone": "W. Europe Standard Time"});
    let made = caller.post(&format!("{OWN}/calendars/{calendar}/events"), &sent).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let path = format!("{OWN}/events/{}", made.id());
    let read = caller.get(&path).await;
    for name in ["subject", "sensitivity", "importance", "showAs", "isReminderOn"] {
        assert_eq!(read.body[name], sent[name], "{name}");
    }
    assert_eq!(read.body["location"]["displayName"], "Room <3>");
    assert_eq!(read.body["start"], json!({"dateTime": "2026-07-01T08:00:00.0000000", "timeZone": "UTC"}));
    assert_eq!(
        (&read.body["originalStartTimeZone"], &read.body["body"]["contentType"]),
        (&json!("W. Europe Standard Time"), &json!("html"))
    );
    let prefer =
        [("prefer", "outlook.timezone=\"W. Europe Standard Time\", outlook.body-content-type=\"text\"")];
    let local = caller.send(Method::GET, &path, &prefer, None).await;
    assert_eq!(local.body["start"]["dateTime"], "2026-07-01T10:00:00.0000000");
    assert_eq!(local.body["body"], sent["body"]);
    assert!(local.header("preference-applied").contains("outlook.timezone"));
}

#[tokio::test]
async fn times_in_the_wrong_order_or_an_unknown_zone_are_refused() {
    let caller = Caller::app(&json!({})).await;
    let mut wrong = event("x");
    wrong["end"]["dateTime"] = "2026-12-21T09:00:00".into();
    assert_eq!(
        caller.post(&format!("{OWN}/events"), &wrong).await.code(),
        (400, "ErrorPropertyValidationFailure")
    );
    wrong["end"] = json!({"dateTime": "2026-12-21T11:00:00", "timeZone": "Mars"});
    assert_eq!(
        caller.post(&format!("{OWN}/events"), &wrong).await.code(),
        (400, "TimeZoneNotSupportedException")
    );
}

#[tokio::test]
async fn a_repeated_transaction_makes_no_second_event() {
    let caller = Caller::app(&json!({})).await;
    let mut body = event("Once");
    body["transactionId"] = "t-1".into();
    let events = format!("{OWN}/events");
    let (first, second) = (caller.post(&events, &body).await, caller.post(&events, &body).await);
    assert_eq!((first.status, second.status, first.id()), (201, 201, second.id()));
    assert_eq!(caller.get(&events).await.rows().len(), 1);
    body["subject"] = "Other".into();
    assert_eq!(caller.post(&events, &body).await.code(), (409, "ErrorDuplicateTransactionId"));
}

fn weekly(times: u32) -> Value {
    let mut body = event("Weekly");
    body["recurrence"] = json!({"pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
        "range": {"type": "numbered", "startDate": "2026-12-21", "numberOfOccurrences": times}});
    body
}

const DECEMBER: &str = "startDateTime=2026-12-01T00:00:00Z&endDateTime=2027-01-01T00:00:00Z";

#[tokio::test]
async fn a_view_expands_a_series_and_the_list_does_not() {
    let caller = Caller::app(&json!({})).await;
    let made = caller.post(&format!("{OWN}/events"), &weekly(5)).await;
    assert_eq!(
        (&made.body["type"], &made.body["recurrence"]["range"]["numberOfOccurrences"]),
        (&json!("seriesMaster"), &json!(5))
    );
    assert_eq!(caller.get(&format!("{OWN}/events")).await.ids(), [made.id()]);
    for view in ["calendarView", "calendar/calendarView"] {
        let shown = caller.get(&format!("{OWN}/{view}?{DECEMBER}")).await;
        let starts: Vec<&str> =
            shown.rows().iter().map(|row| row["start"]["dateTime"].as_str().unwrap()).collect();
        assert_eq!(starts, ["2026-12-21T10:00:00.0000000", "2026-12-28T10:00:00.0000000"]);
        assert!(
            shown.rows().iter().all(|row| row["type"] == "occurrence" && row["seriesMasterId"] == made.id())
        );
    }
    let instances = caller.get(&format!("{OWN}/events/{}/instances?{DECEMBER}", made.id())).await;
    let first = instances.ids()[0];
    assert_eq!(caller.get(&format!("{OWN}/events/{first}")).await.body["type"], "occurrence");
    assert_eq!(caller.act(Method::DELETE, &format!("{OWN}/events/{first}")).await, 204);
    assert_eq!(caller.get(&format!("{OWN}/calendarView?{DECEMBER}")).await.rows().len(), 1);
    assert_eq!(caller.get(&format!("{OWN}/calendarView")).await.code(), (400, "ErrorInvalidParameter"));
}

#[tokio::test]
async fn the_feed_of_a_view_shows_a_series_with_its_occurrences_page_by_page() {
    let caller = Caller::app(&json!({})).await;
    let calendar = caller.calendar().await;
    let events = format!("{OWN}/calendars/{calendar}/events");
    let paged = [("prefer", "odata.maxpagesize=2")];
    let start = format!("{OWN}/calendars/{calendar}/calendarView/delta?{DECEMBER}");
    let (rows, link) = caller.feed(&start, &paged).await;
    assert!(rows.is_empty());
    let single = caller.post(&events, &event("Once")).await.id();
    let series = caller.post(&events, &weekly(2)).await.id();
    let first = caller.send(Method::GET, &link, &paged, None).await;
    assert_eq!((first.rows().len(), first.link("deltaLink")), (2, None));
    let (rows, link) = caller.feed(&link, &paged).await;
    let kinds: Vec<&str> = rows.iter().map(|row| row["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["seriesMaster", "occurrence", "occurrence", "singleInstance"]);
    assert!(rows[1].get("subject").is_none() && rows[1]["seriesMasterId"] == series);
    assert_eq!(caller.act(Method::POST, &format!("{OWN}/events/{single}/permanentDelete")).await, 204);
    let (rows, link) = caller.feed(&link, &paged).await;
    assert_eq!((rows.len(), &rows[0]["id"], rows[0]["@removed"].is_object()), (1, &json!(single), true));
    let away = json!({"start": {"dateTime": "2027-12-21T10:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2027-12-21T11:00:00", "timeZone": "UTC"}, "recurrence": null});
    caller.send(Method::PATCH, &format!("{OWN}/events/{series}"), &[], Some(&away)).await;
    let (rows, _) = caller.feed(&link, &paged).await;
    assert!(rows[0]["@removed"].is_object(), "it left the span: {rows:?}");
    assert_eq!(caller.get(&format!("{OWN}/calendarView/delta")).await.code(), (400, "ErrorInvalidParameter"));
}

#[tokio::test]
async fn free_and_busy_times_follow_the_calendar() {
    let caller = Caller::app(&json!({})).await;
    let mut busy = event("Busy");
    busy["showAs"] = "busy".into();
    caller.post(&format!("{OWN}/events"), &busy).await;
    let ask = json!({"schedules": ["svc-sync@contoso.com", "nobody@contoso.com"],
        "startTime": {"dateTime": "2026-12-21T09:00:00", "timeZone": "UTC"},
        "endTime": {"dateTime": "2026-12-21T12:00:00", "timeZone": "UTC"}, "availabilityViewInterval": 60});
    let back = caller.post(&format!("{OWN}/calendar/getSchedule"), &ask).await;
    assert_eq!((back.status, &back.rows()[0]["availabilityView"]), (200, &json!("020")));
    assert_eq!(back.rows()[0]["scheduleItems"][0]["status"], "busy");
    assert_eq!(back.rows()[1]["error"]["responseCode"], "ErrorMailRecipientNotFound");
}

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
