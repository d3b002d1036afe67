//! Calendars and events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::mailbox::caller::{Caller, OWN, event};

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

pub fn weekly(times: u32) -> Value {
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
