//! The requests of a test sync: as they are sent, and whether their elements stand in Microsoft's order.
//!
//! `SYNCREADY_REQUESTS=folder cargo test --test ews requests` writes them all down, for a validator.

use std::{fmt::Write, fs, path::Path};

use roxmltree::{Document, Node};
use syncready::sync::{MARKER_NAME, MARKER_SET};
use syncready::wire::ews::{
    Field, Fields, FolderRef, FolderShape, ItemKind, Mailbox, NewItem, Only, Operation, Page, Property,
    RECEIVE_QUOTA, REPLICAS, SEND_QUOTA, SIZE, WARNING_QUOTA, Weekly,
};
use syncready::wire::soap::RequestVersion;

const MARKER: Property = Property { set: MARKER_SET, name: MARKER_NAME };
const RUN: &str = "2026-11-21T08:15:00Z/1b9d6bcd";

/// A contact with every field. They are listed here as Microsoft's schema has them, and not taken from the
/// program's own list, so that one that is lost or displaced there shows.
fn contact() -> NewItem {
    use Field::*;
    let all = [
        Subject,
        Sensitivity,
        Body,
        FileAs,
        DisplayName,
        GivenName,
        MiddleName,
        Company,
        Email,
        Street,
        City,
        Country,
        PostalCode,
        BusinessPhone,
        MobilePhone,
        Department,
        JobTitle,
        Surname,
    ];
    let value = |field| match field {
        Sensitivity => "Private".to_owned(),
        field => format!("{} <ä> & 🙂", field.name()),
    };
    let fields: Fields = all.map(|field| (field, value(field))).into();
    NewItem { kind: ItemKind::Contact, fields, series: None, marked: (MARKER, RUN.into()) }
}

fn recurring() -> NewItem {
    use Field::*;
    let values = [
        (Subject, "Series"),
        (Sensitivity, "Private"),
        (Body, "body"),
        (Reminder, "false"),
        (Start, "2027-12-26T12:00:00Z"),
        (End, "2027-12-26T12:30:00Z"),
        (FreeBusy, "Free"),
        (Location, "here"),
    ];
    let fields = values.map(|(field, value)| (field, value.to_owned())).into();
    let series = Some(Weekly { day: "Sunday", from: jiff::civil::date(2027, 12, 26), times: 3 });
    NewItem { kind: ItemKind::Appointment, fields, series, marked: (MARKER, RUN.into()) }
}

fn folder_requests() -> Vec<Operation> {
    let page = Page { offset: 0, size: 200 };
    let own = || FolderRef::Id("AAMk\"<&".into());
    let shape = FolderShape {
        names: true,
        rights: true,
        property: Some(MARKER),
        tags: vec![SIZE, SEND_QUOTA, RECEIVE_QUOTA, WARNING_QUOTA],
    };
    let marked = || (MARKER, RUN.to_owned());
    let create = |kind, name: &str| Operation::CreateFolder {
        parent: FolderRef::Default("msgfolderroot"),
        kind,
        name: name.into(),
        marked: marked(),
    };
    vec![
        Operation::GetFolder { folders: vec![FolderRef::Default("contacts"), own()], shape: shape.clone() },
        Operation::GetFolder { folders: vec![FolderRef::Default("inbox")], shape: FolderShape::default() },
        Operation::GetFolder {
            folders: vec![own()],
            shape: FolderShape { rights: true, tags: vec![REPLICAS], ..FolderShape::default() },
        },
        create(ItemKind::Contact, "contacts"),
        create(ItemKind::Appointment, "calendar"),
        Operation::FindFolder {
            parents: vec![FolderRef::Default("msgfolderroot")],
            deep: true,
            shape: shape.clone(),
            only: Some(Only::Having(MARKER)),
            page,
        },
        Operation::FindFolder { parents: vec![own()], deep: false, shape, only: None, page },
        Operation::DeleteFolder { id: "AAMk".into() },
        Operation::SyncFolderItems { folder: FolderRef::Default("contacts"), state: None, at_most: 1 },
        Operation::SyncFolderItems { folder: own(), state: Some("H4sI&<".into()), at_most: 512 },
    ]
}

fn item_requests() -> Vec<Operation> {
    let page = Page { offset: 400, size: 200 };
    let update = |kind, field, value: &str| Operation::UpdateItem {
        id: "AAMk".into(),
        change_key: "EQAA\"".into(),
        kind,
        field,
        value: value.into(),
    };
    vec![
        Operation::CreateItem { folder: "AAMk".into(), item: Box::new(contact()) },
        Operation::CreateItem { folder: "AAMk".into(), item: Box::new(recurring()) },
        Operation::GetItem {
            id: "AAMk".into(),
            fields: contact().fields.into_keys().collect(),
            property: MARKER,
        },
        Operation::GetItem {
            id: "AAMk".into(),
            fields: recurring().fields.into_keys().chain([Field::Recurrence]).collect(),
            property: MARKER,
        },
        Operation::FindAnyItem { folder: "AAEu\"<&".into() },
        Operation::OpenItem { id: "AAEx\"<&".into() },
        update(ItemKind::Contact, Field::JobTitle, "other"),
        update(ItemKind::Appointment, Field::Location, "there"),
        Operation::FindItem {
            parents: vec![FolderRef::Default("contacts"), FolderRef::Default("deleteditems")],
            property: MARKER,
            only: Some(Only::Equal(MARKER, RUN.into())),
            page,
        },
        Operation::FindItem {
            parents: vec![FolderRef::Id("AAMk".into())],
            property: MARKER,
            only: None,
            page,
        },
        Operation::DeleteItem { ids: vec!["AAMk".into(), "AAMl".into()] },
    ]
}

fn other_requests() -> Vec<Operation> {
    let day = jiff::civil::date(2026, 11, 21);
    vec![
        Operation::Subscribe { folder: "AAMk".into(), minutes: 2 },
        Operation::GetEvents { subscription: "sub&".into(), watermark: "AQAA".into() },
        Operation::Unsubscribe { subscription: "sub&".into() },
        Operation::ResolveNames { address: "o'neil&co@contoso.com".into() },
        Operation::FindPeople { text: "svc-sync@contoso.com".into() },
        Operation::GetUserAvailability {
            address: "svc-sync@contoso.com".into(),
            from: day.at(0, 0, 0, 0),
            to: day.at(23, 30, 0, 0),
        },
    ]
}

fn all() -> Vec<Operation> {
    [folder_requests(), item_requests(), other_requests()].concat()
}

fn forms() -> [(&'static str, Mailbox); 3] {
    let address = || "svc-sync@contoso.com".to_owned();
    [
        ("own", Mailbox::Own(address())),
        ("impersonated", Mailbox::Impersonated(address())),
        ("named", Mailbox::Named(address())),
    ]
}

const VERSIONS: [RequestVersion; 2] = [RequestVersion::Exchange2013Sp1, RequestVersion::Exchange2010Sp2];

#[test]
fn requests_are_as_they_were() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/wire"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mailbox = Mailbox::Impersonated("svc-sync@contoso.com".into());
    let mut shown = String::new();
    for operation in all() {
        let request = operation.request(&mailbox, RequestVersion::Exchange2013Sp1);
        let (_, body) = request.split_once("<soap:Body>").expect("a body");
        let body = body.trim_end_matches("</soap:Body></soap:Envelope>");
        writeln!(shown, "# {}\n{}\n", operation.name(), body.replace("><", ">\n<")).expect("memory");
    }
    settings.bind(|| insta::assert_snapshot!("ews-requests", shown));
    let head = |mailbox: &Mailbox| {
        let folders = vec![FolderRef::Default("calendar")];
        let request = Operation::GetFolder { folders, shape: FolderShape::default() };
        request.request(mailbox, RequestVersion::Exchange2010Sp2).replace("><", ">\n<")
    };
    let envelopes = forms().map(|(name, mailbox)| format!("# {name}\n{}\n", head(&mailbox))).concat();
    settings.bind(|| insta::assert_snapshot!("ews-envelopes", envelopes));
}

#[test]
fn requests_are_written_down_where_somebody_asks_for_it() {
    let Some(folder) = std::env::var_os("SYNCREADY_REQUESTS") else { return };
    let folder = Path::new(&folder);
    for (form, mailbox) in forms() {
        for version in VERSIONS {
            for (at, operation) in all().iter().enumerate() {
                let name = format!("{at:02}-{}-{form}-{}.xml", operation.name(), version.as_str());
                fs::write(folder.join(name), operation.request(&mailbox, version)).expect("writable");
            }
        }
    }
}

/// Elements inside an element, in the order that Microsoft's schema wants.
const ORDER: &[(&str, &str)] = &[
    ("Envelope", "Header Body"),
    ("Header", "RequestServerVersion ExchangeImpersonation"),
    ("GetFolder", "FolderShape FolderIds"),
    ("CreateFolder", "ParentFolderId Folders"),
    ("FindFolder", "FolderShape IndexedPageFolderView Restriction ParentFolderIds"),
    ("DeleteFolder", "FolderIds"),
    ("SyncFolderItems", "ItemShape SyncFolderId SyncState MaxChangesReturned"),
    ("CreateItem", "SavedItemFolderId Items"),
    ("GetItem", "ItemShape ItemIds"),
    ("FindItem", "ItemShape IndexedPageItemView Restriction ParentFolderIds"),
    ("PullSubscriptionRequest", "FolderIds EventTypes Timeout"),
    ("GetEvents", "SubscriptionId Watermark"),
    ("FindPeople", "PersonaShape IndexedPageItemView ParentFolderId QueryString"),
    ("GetUserAvailabilityRequest", "TimeZone MailboxDataArray FreeBusyViewOptions"),
    ("TimeZone", "Bias StandardTime DaylightTime"),
    ("StandardTime", "Bias Time DayOrder Month DayOfWeek"),
    ("DaylightTime", "Bias Time DayOrder Month DayOfWeek"),
    ("MailboxData", "Email AttendeeType"),
    ("FreeBusyViewOptions", "TimeWindow MergedFreeBusyIntervalInMinutes RequestedView"),
    ("TimeWindow", "StartTime EndTime"),
    ("PersonaShape", "BaseShape AdditionalProperties"),
    ("FolderShape", "BaseShape AdditionalProperties"),
    ("ItemShape", "BaseShape BodyType AdditionalProperties"),
    ("ContactsFolder", "FolderClass DisplayName ExtendedProperty"),
    ("CalendarFolder", "FolderClass DisplayName ExtendedProperty"),
    ("ExtendedProperty", "ExtendedFieldURI Value"),
    ("IsEqualTo", "ExtendedFieldURI FieldURIOrConstant"),
    ("ItemChange", "ItemId Updates"),
    ("SetItemField", "FieldURI Contact CalendarItem"),
    (
        "Contact",
        "Subject Sensitivity Body ReminderIsSet ExtendedProperty FileAs DisplayName GivenName MiddleName CompanyName \
         EmailAddresses PhysicalAddresses PhoneNumbers Department JobTitle Surname",
    ),
    (
        "CalendarItem",
        "Subject Sensitivity Body ReminderIsSet ExtendedProperty Start End LegacyFreeBusyStatus Location Recurrence StartTimeZone EndTimeZone",
    ),
    ("PhysicalAddressEntry", "Street City CountryOrRegion PostalCode"),
    ("Recurrence", "WeeklyRecurrence NumberedRecurrence"),
    ("WeeklyRecurrence", "Interval DaysOfWeek"),
    ("NumberedRecurrence", "StartDate NumberOfOccurrences"),
];

/// Elements that hold any number of the same, or of a choice.
const LISTS: &[&str] = &[
    "FolderIds",
    "ItemIds",
    "ParentFolderIds",
    "AdditionalProperties",
    "EventTypes",
    "EmailAddresses",
    "PhysicalAddresses",
    "PhoneNumbers",
];

fn check(node: Node<'_, '_>, wrong: &mut Vec<String>) {
    let children: Vec<_> = node.children().filter(Node::is_element).collect();
    let name = match (node.tag_name().name(), node.parent_element().map(|parent| parent.tag_name().name())) {
        ("Entry", Some("PhysicalAddresses")) => "PhysicalAddressEntry",
        (name, _) => name,
    };
    if children.len() > 1 && !LISTS.contains(&name) {
        let names: Vec<_> = children.iter().map(|child| child.tag_name().name()).collect();
        let order = ORDER.iter().find(|(known, _)| *known == name).map(|(_, order)| order.split(' '));
        let places: Vec<_> = match order {
            Some(order) => {
                let order: Vec<_> = order.collect();
                names.iter().map(|name| order.iter().position(|known| known == name)).collect()
            }
            None => vec![None],
        };
        if places.iter().any(Option::is_none) || !places.windows(2).all(|two| two[0] < two[1]) {
            wrong.push(format!("{name}: {names:?}"));
        }
    }
    for child in children {
        check(child, wrong);
    }
}

#[test]
fn elements_stand_in_the_order_of_the_schema() {
    let mut wrong = Vec::new();
    for (_, mailbox) in forms() {
        for operation in all() {
            let request = operation.request(&mailbox, RequestVersion::Exchange2013Sp1);
            check(Document::parse(&request).expect("XML").root_element(), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_named_mailboxes_stand_in_default_folders_and_only_impersonated_ones_in_the_header() {
    for operation in all() {
        for (form, mailbox) in forms() {
            let request = operation.request(&mailbox, RequestVersion::Exchange2013Sp1);
            assert_eq!(request.contains("ExchangeImpersonation"), form == "impersonated", "{request}");
            let defaults = request.matches("<t:DistinguishedFolderId Id=\"").count()
                - request.matches("Id=\"directory\"").count();
            let named = if form == "named" { defaults } else { 0 };
            assert_eq!(request.matches("<t:Mailbox>").count(), named, "{request}");
        }
    }
}
