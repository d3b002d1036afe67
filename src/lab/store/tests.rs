use jiff::{Timestamp, civil::date};
use serde_json::{Value, json};

use super::*;

fn row() -> Value {
    json!({"PrimarySmtpAddress": "Svc@contoso.com", "ProhibitSendReceiveQuota": "1 MB (1,048,576 bytes)",
        "x": {"used_bytes": 1000, "folders": {"calendar": {"shown": "Kalender"}}}})
}

fn contact(name: &str) -> Content {
    let mut contact = Contact::default();
    contact.set(ContactText::GivenName, name);
    Content { class: "IPM.Contact".into(), kind: Kind::Contact(Box::new(contact)), ..Content::default() }
}

fn marker() -> Property {
    let set = uuid::Uuid::from_u128(7);
    Property {
        name: PropertyName::Name { set, name: "x".into() },
        kind: "String".into(),
        values: vec!["v".into()],
    }
}

fn own_folder(mailbox: &mut Mailbox) -> String {
    let parent = mailbox.default("contacts").unwrap().id.clone();
    let extended = [marker()].into_iter().collect();
    let new =
        NewFolder { parent, shown: "Own".into(), class: "IPF.Contact".into(), extended, by: String::new() };
    mailbox.create_folder(new).unwrap()
}

#[test]
fn reading_keeps_nothing_and_writing_does() {
    let store = Store::default();
    let id = store.read(&row(), |mailbox| mailbox.default("Calendar").unwrap().id.clone());
    assert_eq!(store.owner_of(&id), None);
    assert_eq!(store.read(&row(), |mailbox| mailbox.folder(&id).unwrap().shown.clone()), "Kalender");
    store.write(&row(), own_folder);
    assert_eq!(store.owner_of(&id).as_deref(), Some("svc@contoso.com"));
}

#[test]
fn a_dump_is_the_same_after_everything_is_removed() {
    let store = Store::default();
    let before = store.dump(&row());
    store.write(&row(), |mailbox| {
        let folder = own_folder(mailbox);
        let item = mailbox.create_item(&folder, contact("Ada"), "").unwrap();
        mailbox.update_item(&item, None, |content| content.subject = "é".repeat(300)).unwrap();
        mailbox.delete_folder(&folder, Deletion::Hard).unwrap();
    });
    let mut after = store.dump(&row());
    let traces = after["traces"].take();
    assert_eq!(traces["recoverable_items"], 1);
    assert_eq!(traces["named_properties"].as_array().unwrap().len(), 1);
    let mut before = before;
    before["traces"].take();
    assert_eq!(before, after);
}

#[test]
fn a_feed_tells_sums_the_newest_first_and_goes_on_below_its_pages() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let ids: Vec<String> =
        ["a", "b", "c"].iter().map(|name| mailbox.create_item(&folder, contact(name), "").unwrap()).collect();
    let first = mailbox.item_changes(&folder, None, 2).unwrap();
    assert!(!first.last);
    // What happens in the middle of a round belongs to the next one.
    mailbox.create_item(&folder, contact("d"), "").unwrap();
    let second = mailbox.item_changes(&folder, Some(&first.token), 2).unwrap();
    assert!(second.last);
    let shown: Vec<&str> =
        first.changes.iter().chain(&second.changes).map(|change| change.id.as_str()).collect();
    assert_eq!(shown, [ids[2].as_str(), &ids[1], &ids[0]]);

    mailbox.update_item(&ids[0], None, |content| content.subject = "x".into()).unwrap();
    mailbox.delete_item(&ids[1], Deletion::Hard).unwrap();
    mailbox.update_item(&ids[2], None, |content| content.read = true).unwrap();
    let third = mailbox.item_changes(&folder, Some(&second.token), 9).unwrap();
    let kinds: Vec<ChangeKind> = third.changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Read, ChangeKind::Deleted, ChangeKind::Updated, ChangeKind::Created]);
    let fourth = mailbox.item_changes(&folder, Some(&third.token), 9).unwrap();
    assert_eq!((fourth.changes.len(), fourth.last), (0, true));
}

#[test]
fn a_state_of_another_feed_is_refused() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let other = mailbox.default("calendar").unwrap().id.clone();
    let token = mailbox.item_changes(&folder, None, 9).unwrap().token;
    assert_eq!(mailbox.item_changes(&other, Some(&token), 9), Err(Refusal::BadToken));
    assert_eq!(mailbox.folder_changes(Some(&token), 9), Err(Refusal::BadToken));
    assert_eq!(mailbox.item_changes(&folder, Some("bm9uZQ=="), 9), Err(Refusal::BadToken));
    assert_eq!(mailbox.item_changes("none", None, 9), Err(Refusal::NoFolder));
}

#[test]
fn folders_come_and_go_in_their_feed() {
    let mut mailbox = Mailbox::new(&row());
    let start = mailbox.folder_changes(None, 100).unwrap();
    assert_eq!(start.changes.len(), DEFAULTS.len());
    let folder = own_folder(&mut mailbox);
    let made = mailbox.folder_changes(Some(&start.token), 100).unwrap();
    assert_eq!((made.changes[0].kind, &made.changes[0].id), (ChangeKind::Created, &folder));
    mailbox.delete_folder(&folder, Deletion::Hard).unwrap();
    let gone = mailbox.folder_changes(Some(&made.token), 100).unwrap();
    assert_eq!(gone.changes[0].kind, ChangeKind::Deleted);
}

#[test]
fn an_old_change_number_is_a_conflict() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let id = mailbox.create_item(&folder, contact("Ada"), "").unwrap();
    let change = mailbox.item(&id).unwrap().change;
    assert_eq!(mailbox.change_of(&mailbox.change_key(change)), Some(change));
    mailbox.update_item(&id, Some(change), |content| content.subject = "x".into()).unwrap();
    let refused = mailbox.update_item(&id, Some(change), |content| content.subject = "y".into());
    assert_eq!(refused, Err(Refusal::Conflict));
    assert_eq!(mailbox.item(&id).unwrap().content.subject, "x");
}

#[test]
fn the_ways_of_deleting_end_in_different_places() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let mut delete = |how| {
        let id = mailbox.create_item(&folder, contact("Ada"), "").unwrap();
        let stays = mailbox.item(&id).unwrap().immutable_id.clone();
        mailbox.delete_item(&id, how).unwrap();
        assert!(mailbox.item(&id).is_none());
        let found = mailbox.item(&stays).map(|item| item.folder.clone());
        found.and_then(|folder| mailbox.folder(&folder).unwrap().default)
    };
    assert_eq!(delete(Deletion::Hard), None);
    assert_eq!(delete(Deletion::Soft), Some("recoverableitemsdeletions"));
    assert_eq!(delete(Deletion::ToDeletedItems), Some("deleteditems"));
    assert_eq!(mailbox.dump()["traces"]["recoverable_items"], 2);
    assert_eq!(mailbox.dump()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn moving_changes_the_id_and_tells_both_feeds() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let target = mailbox.default("contacts").unwrap().id.clone();
    let id = mailbox.create_item(&folder, contact("Ada"), "").unwrap();
    let token = mailbox.item_changes(&folder, None, 9).unwrap().token;
    let new = mailbox.move_item(&id, &target).unwrap();
    assert_ne!(id, new);
    let left = mailbox.item_changes(&folder, Some(&token), 9).unwrap();
    assert_eq!((left.changes[0].kind, &left.changes[0].id), (ChangeKind::Deleted, &id));
    assert_eq!(mailbox.item_changes(&target, None, 9).unwrap().changes[0].id, new);
}

#[test]
fn a_folder_name_is_used_once_and_default_folders_stay() {
    let mut mailbox = Mailbox::new(&row());
    let own = own_folder(&mut mailbox);
    let parent = mailbox.folder(&own).unwrap().parent.clone().unwrap();
    let again = NewFolder { parent: parent.clone(), shown: "OWN".into(), ..NewFolder::default() };
    assert_eq!(mailbox.create_folder(again), Err(Refusal::FolderExists));
    assert_eq!(mailbox.delete_folder(&parent, Deletion::Hard), Err(Refusal::DefaultFolder));
    assert_eq!(mailbox.move_folder(&own, &own), Err(Refusal::IntoItself));
    assert_eq!(mailbox.rooted_in(&own), Some("contacts"));
}

#[test]
fn a_full_mailbox_and_a_wrong_folder_refuse() {
    let mut mailbox = Mailbox::new(&row());
    let folder = own_folder(&mut mailbox);
    let big = Content { body: Some(Body { html: false, text: "x".repeat(1 << 20) }), ..contact("Ada") };
    assert_eq!(mailbox.create_item(&folder, big, ""), Err(Refusal::Full));
    let calendar = mailbox.default("calendar").unwrap().id.clone();
    assert_eq!(mailbox.create_item(&calendar, contact("Ada"), ""), Err(Refusal::WrongFolder));
}

fn series(pattern: Pattern, end: End) -> Appointment {
    Appointment {
        start: "2026-10-20T07:00:00Z".parse().unwrap(),
        end: "2026-10-20T07:30:00Z".parse().unwrap(),
        start_zone: "W. Europe Standard Time".into(),
        recurrence: Some(Recurrence { pattern, start: date(2026, 10, 20), end }),
        ..Appointment::default()
    }
}

fn starts(series: &Appointment, from: &str, to: &str) -> Vec<String> {
    let found = series.occurrences(from.parse().unwrap(), to.parse().unwrap(), 100);
    found.iter().map(|found| found.start.to_string()).collect()
}

#[test]
fn a_series_keeps_its_time_of_day_across_the_end_of_summer_time() {
    let weekly =
        series(Pattern::Weekly { interval: 1, days: vec![Day::Tuesday], first: Day::Monday }, End::Count(3));
    let found = starts(&weekly, "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert_eq!(found, ["2026-10-20T07:00:00Z", "2026-10-27T08:00:00Z", "2026-11-03T08:00:00Z"]);
    let (first, last) = weekly.ends();
    assert_eq!((first.unwrap().day, last.unwrap().day), (date(2026, 10, 20), date(2026, 11, 3)));
}

#[test]
fn patterns_fall_on_their_days() {
    let days = |pattern| {
        let recurrence = Recurrence { pattern, start: date(2026, 1, 31), end: End::Count(3) };
        recurrence.days().map(|day| day.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(days(Pattern::Daily { interval: 3 }), ["2026-01-31", "2026-02-03", "2026-02-06"]);
    assert_eq!(days(Pattern::Monthly { interval: 1, day: 31 }), ["2026-01-31", "2026-02-28", "2026-03-31"]);
    let every_day = vec![Day::Monday, Day::Friday];
    assert_eq!(
        days(Pattern::MonthlyByDay { interval: 1, days: every_day, index: Index::Last }),
        ["2026-02-27", "2026-03-30", "2026-04-27"]
    );
    assert_eq!(
        days(Pattern::Yearly { interval: 1, month: 2, day: 29 }),
        ["2026-02-28", "2027-02-28", "2028-02-29"]
    );
    assert_eq!(
        days(Pattern::YearlyByDay { interval: 1, month: 5, days: vec![Day::Monday], index: Index::Second }),
        ["2026-05-11", "2027-05-10", "2028-05-08"]
    );
    assert_eq!(
        days(Pattern::Weekly { interval: 2, days: vec![Day::Sunday, Day::Saturday], first: Day::Monday }),
        ["2026-01-31", "2026-02-01", "2026-02-14"]
    );
}

#[test]
fn one_occurrence_can_be_deleted() {
    let mut mailbox = Mailbox::new(&row());
    let calendar = mailbox.default("calendar").unwrap().id.clone();
    let kind = Kind::Appointment(Box::new(series(Pattern::Daily { interval: 1 }, End::Count(3))));
    let content = Content { class: "IPM.Appointment".into(), kind, ..Content::default() };
    let id = mailbox.create_item(&calendar, content, "").unwrap();
    let second = Mailbox::occurrence_id(&id, date(2026, 10, 21));
    assert!(matches!(mailbox.target(&second), Ok(Target::Occurrence(..))));
    mailbox.delete_item(&second, Deletion::Hard).unwrap();
    assert!(mailbox.target(&second).is_err());
    let left = mailbox.item(&id).unwrap().content.kind.appointment().unwrap().clone();
    assert_eq!(left.occurrences(Timestamp::MIN, Timestamp::MAX, 9).len(), 2);
}

#[test]
fn a_subscription_hears_of_its_folders_until_it_runs_out() {
    let store = Store::default();
    let folder = store.write(&row(), own_folder);
    let subscribe = |lives| {
        let (folders, kinds) =
            (Some([folder.clone()].into()), [EventKind::Created, EventKind::Deleted].into());
        let since = store.read(&row(), |mailbox| mailbox.events().last());
        store.subscribe(|id| Subscription {
            id,
            mailbox: "svc@contoso.com".into(),
            owner: String::new(),
            folders,
            kinds,
            since,
            streaming: false,
            lives,
            read: std::time::Instant::now(),
        })
    };
    let id = subscribe(std::time::Duration::from_mins(1));
    store.write(&row(), |mailbox| {
        let item = mailbox.create_item(&folder, contact("Ada"), "").unwrap();
        mailbox.update_item(&item, None, |content| content.subject = "x".into()).unwrap();
        mailbox.delete_item(&item, Deletion::Hard).unwrap();
    });
    let subscription = store.subscription(&id).unwrap();
    let kinds = store.read(&row(), |mailbox| {
        let heard = mailbox.events().after(subscription.since, &subscription).unwrap();
        heard.iter().map(|event| event.kind).collect::<Vec<_>>()
    });
    assert_eq!(kinds, [EventKind::Created, EventKind::Deleted]);
    assert_eq!(store.subscriptions_on("SVC@contoso.com"), 1);
    store.unsubscribe(&id).unwrap();
    assert_eq!(store.subscription(&id).err(), Some(Refusal::NoSubscription));
    let short = subscribe(std::time::Duration::ZERO);
    assert_eq!(store.subscription(&short).err(), Some(Refusal::NoSubscription));
}

/// A world with content in one mailbox.
fn seeded(content: Value) -> Result<Store, BadContent> {
    let mut mailbox = row();
    mailbox["x"]["content"] = content;
    let document = json!({ "exchange": { "mailboxes": { "svc": mailbox } } });
    Store::new(View::new(&document, None))
}

#[test]
fn content_of_the_world_stands_there_from_the_start() {
    let marker = json!([marker()]);
    let store = seeded(json!({
        "folders": {
            "a": { "below": "b", "shown": "Below own", "created": "2026-11-20T08:00:00Z" },
            "b": { "below": "contacts", "shown": "Own", "extended": marker, "by": "svc" },
        },
        "items": { "ada": { "folder": "a", "created": "2026-11-20T08:00:01Z", "content": {
            "subject": "Ada", "extended": marker, "body": { "text": "Hello" },
            "kind": { "Contact": { "texts": { "GivenName": "Ada" }, "emails": [{ "address": "ada@x.y" }, null, null] } },
        } } },
    }));
    let (store, row) = (store.unwrap(), row());
    let id = store.read(&row, |mailbox| {
        let contacts = mailbox.default("contacts").unwrap();
        let found = mailbox.below(&contacts.id, true);
        let [below, own] = found.as_slice() else { panic!("{found:#?}") };
        assert_eq!(
            (own.shown.as_str(), own.class.as_str(), own.created),
            ("Own", "IPF.Contact", contacts.created)
        );
        assert_eq!(own.extended.iter().collect::<Vec<_>>(), [&self::marker()]);
        let items = mailbox.items_in(&below.id);
        assert_eq!(items[0].content.class, "IPM.Contact");
        assert_eq!(items[0].modified.to_string(), "2026-11-20T08:00:01Z");
        assert_eq!(mailbox.quota().0, 1000 + items[0].content.size());
        assert_eq!(mailbox.item_changes(&below.id, None, 9).unwrap().changes.len(), 1);
        assert_eq!(mailbox.events().last(), 0, "nobody hears of it");
        items[0].id.clone()
    });
    assert_eq!(store.owner_of(&id).as_deref(), Some("svc@contoso.com"), "whoever may reads it");
}

#[test]
fn content_that_cannot_be_is_refused_with_its_reason() {
    let why = |content| seeded(content).unwrap_err().to_string();
    let folder = |below: &str| json!({ "folders": { "a": { "below": below, "shown": "A" } } });
    assert!(
        why(folder("nowhere"))
            .ends_with("svc@contoso.com makes no sense: folder a lies below nowhere, which is nowhere")
    );
    assert!(why(folder("a")).contains("folder a lies below a"));
    assert!(why(json!({ "folder": {} })).contains("unknown field `folder`"));
    let item = |content: Value| json!({ "items": { "i": { "folder": "inbox", "content": content } } });
    assert!(why(item(json!({ "subjct": "x" }))).contains("unknown field `subjct`"));
    assert!(why(item(json!({ "kind": { "Contact": {} } }))).contains("item i: the folder takes other items"));
}
