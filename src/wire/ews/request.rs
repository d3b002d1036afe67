//! The requests of a test sync as text, in the element order of Microsoft's schema.

use super::element::{Element, element, text};
use super::item::{self, Field, ItemKind, NewItem};
use super::operation::{FolderRef, FolderShape, Only, Operation, Page, Property};

/// Writes a request; default folders are those of the named mailbox, if one is named.
pub(super) struct Writing<'a> {
    pub named: Option<&'a str>,
}

impl Writing<'_> {
    /// A request's body.
    pub fn operation(&self, operation: &Operation) -> Element {
        match operation {
            Operation::GetFolder { folders, shape } => element("m:GetFolder")
                .with(folder_shape(shape))
                .with(element("m:FolderIds").with_all(self.folders(folders))),
            Operation::CreateFolder { parent, kind, name, marked } => element("m:CreateFolder")
                .with(element("m:ParentFolderId").with(self.folder(parent)))
                .with(element("m:Folders").with(new_folder(*kind, name, marked))),
            Operation::FindFolder { parents, deep, shape, only, page } => element("m:FindFolder")
                .attribute("Traversal", if *deep { "Deep" } else { "Shallow" })
                .with(folder_shape(shape))
                .with(paging("m:IndexedPageFolderView", *page))
                .with_all(only.as_ref().map(restriction))
                .with(element("m:ParentFolderIds").with_all(self.folders(parents))),
            Operation::DeleteFolder { id } => element("m:DeleteFolder")
                .attribute("DeleteType", "HardDelete")
                .with(element("m:FolderIds").with(folder_id(id))),
            Operation::SyncFolderItems { folder, state, at_most } => element("m:SyncFolderItems")
                .with(id_only())
                .with(element("m:SyncFolderId").with(self.folder(folder)))
                .with_all(state.as_ref().map(|state| text("m:SyncState", state)))
                .with(text("m:MaxChangesReturned", at_most.to_string())),
            Operation::FindItem { parents, property, only, page } => element("m:FindItem")
                .attribute("Traversal", "Shallow")
                .with(item_shape(&[Field::Subject], *property, false))
                .with(paging("m:IndexedPageItemView", *page))
                .with_all(only.as_ref().map(restriction))
                .with(element("m:ParentFolderIds").with_all(self.folders(parents))),
            Operation::FindAnyItem { folder } => element("m:FindItem")
                .attribute("Traversal", "Shallow")
                .with(id_only())
                .with(paging("m:IndexedPageItemView", Page { offset: 0, size: 1 }))
                .with(element("m:ParentFolderIds").with(folder_id(folder))),
            Operation::OpenItem { id } => {
                element("m:GetItem").with(id_only()).with(element("m:ItemIds").with(item_id(id)))
            }
            Operation::CreateItem { folder, item } => create_item(folder, item),
            Operation::GetItem { id, fields, property } => element("m:GetItem")
                .with(item_shape(fields, *property, true))
                .with(element("m:ItemIds").with(item_id(id))),
            Operation::UpdateItem { id, change_key, kind, field, value } => {
                update_item(item_id(id).attribute("ChangeKey", change_key), *kind, *field, value)
            }
            Operation::DeleteItem { ids } => element("m:DeleteItem")
                .attribute("DeleteType", "HardDelete")
                .attribute("SendMeetingCancellations", "SendToNone")
                .with(element("m:ItemIds").with_all(ids.iter().map(|id| item_id(id)))),
            Operation::Subscribe { folder, minutes } => subscribe(folder, *minutes),
            Operation::GetEvents { subscription, watermark } => element("m:GetEvents")
                .with(text("m:SubscriptionId", subscription))
                .with(text("m:Watermark", watermark)),
            Operation::Unsubscribe { subscription } => {
                element("m:Unsubscribe").with(text("m:SubscriptionId", subscription))
            }
            Operation::ResolveNames { address } => element("m:ResolveNames")
                .attribute("ReturnFullContactData", "false")
                .attribute("SearchScope", "ActiveDirectory")
                .with(text("m:UnresolvedEntry", address)),
            Operation::FindPeople { text } => find_people(text),
            Operation::GetUserAvailability { address, from, to } => availability(address, *from, *to),
        }
    }

    fn folders<'f>(&'f self, folders: &'f [FolderRef]) -> impl Iterator<Item = Element> + 'f {
        folders.iter().map(|folder| self.folder(folder))
    }

    fn folder(&self, folder: &FolderRef) -> Element {
        match folder {
            FolderRef::Id(id) => folder_id(id),
            FolderRef::Default(name) => {
                let folder = element("t:DistinguishedFolderId").attribute("Id", name);
                let mailbox = |address| element("t:Mailbox").with(text("t:EmailAddress", address));
                folder.with_all(self.named.map(mailbox))
            }
        }
    }
}

fn create_item(folder: &str, item: &NewItem) -> Element {
    element("m:CreateItem")
        .attribute("MessageDisposition", "SaveOnly")
        .attribute("SendMeetingInvitations", "SendToNone")
        .with(element("m:SavedItemFolderId").with(folder_id(folder)))
        .with(element("m:Items").with(item::write_new(item)))
}

fn update_item(id: Element, kind: ItemKind, field: Field, value: &str) -> Element {
    let set = element("t:SetItemField").with(field.uri()).with(item::write_one(kind, field, value));
    element("m:UpdateItem")
        .attribute("ConflictResolution", "NeverOverwrite")
        .attribute("MessageDisposition", "SaveOnly")
        .attribute("SendMeetingInvitationsOrCancellations", "SendToNone")
        .with(
            element("m:ItemChanges")
                .with(element("t:ItemChange").with(id).with(element("t:Updates").with(set))),
        )
}

fn subscribe(folder: &str, minutes: u8) -> Element {
    let kinds = ["CreatedEvent", "ModifiedEvent", "DeletedEvent"];
    element("m:Subscribe").with(
        element("m:PullSubscriptionRequest")
            .with(element("t:FolderIds").with(folder_id(folder)))
            .with(element("t:EventTypes").with_all(kinds.map(|kind| text("t:EventType", kind))))
            .with(text("t:Timeout", minutes.to_string())),
    )
}

fn find_people(asked: &str) -> Element {
    let address = element("t:FieldURI").attribute("FieldURI", "persona:EmailAddress");
    element("m:FindPeople")
        .with(
            element("m:PersonaShape")
                .with(text("t:BaseShape", "IdOnly"))
                .with(element("t:AdditionalProperties").with(address)),
        )
        .with(paging("m:IndexedPageItemView", Page { offset: 0, size: 10 }))
        .with(
            element("m:ParentFolderId").with(element("t:DistinguishedFolderId").attribute("Id", "directory")),
        )
        .with(text("m:QueryString", asked))
}

fn folder_id(id: &str) -> Element {
    element("t:FolderId").attribute("Id", id)
}

fn item_id(id: &str) -> Element {
    element("t:ItemId").attribute("Id", id)
}

fn new_folder(kind: ItemKind, name: &str, (property, value): &(Property, String)) -> Element {
    let folder = match kind {
        ItemKind::Contact => element("t:ContactsFolder").with(text("t:FolderClass", "IPF.Contact")),
        ItemKind::Appointment => element("t:CalendarFolder").with(text("t:FolderClass", "IPF.Appointment")),
    };
    folder
        .with(text("t:DisplayName", name))
        .with(element("t:ExtendedProperty").with(property.uri()).with(text("t:Value", value)))
}

fn folder_shape(shape: &FolderShape) -> Element {
    let named: &[&str] = if shape.names {
        &["folder:DisplayName", "folder:FolderClass", "folder:ParentFolderId"]
    } else {
        &[]
    };
    let rights = shape.rights.then_some("folder:EffectiveRights");
    let fields = named.iter().copied().chain(rights);
    let mut more: Vec<Element> = fields.map(|uri| element("t:FieldURI").attribute("FieldURI", uri)).collect();
    more.extend(shape.property.map(Property::uri));
    more.extend(shape.tags.iter().map(|tag| tag.uri()));
    let properties = (!more.is_empty()).then(|| element("t:AdditionalProperties").with_all(more));
    element("m:FolderShape").with(text("t:BaseShape", "IdOnly")).with_all(properties)
}

fn id_only() -> Element {
    element("m:ItemShape").with(text("t:BaseShape", "IdOnly"))
}

fn item_shape(fields: &[Field], property: Property, body: bool) -> Element {
    let more = fields.iter().map(|field| field.uri()).chain([property.uri()]);
    element("m:ItemShape")
        .with(text("t:BaseShape", "IdOnly"))
        .with_all(body.then(|| text("t:BodyType", "Text")))
        .with(element("t:AdditionalProperties").with_all(more))
}

fn paging(name: &'static str, page: Page) -> Element {
    element(name)
        .attribute("MaxEntriesReturned", page.size.to_string())
        .attribute("Offset", page.offset.to_string())
        .attribute("BasePoint", "Beginning")
}

fn restriction(only: &Only) -> Element {
    element("m:Restriction").with(match only {
        Only::Having(property) => element("t:Exists").with(property.uri()),
        Only::Equal(property, value) => element("t:IsEqualTo")
            .with(property.uri())
            .with(element("t:FieldURIOrConstant").with(element("t:Constant").attribute("Value", value))),
    })
}

/// Times are told in UTC, so that the server need not know another zone.
fn availability(address: &str, from: jiff::civil::DateTime, to: jiff::civil::DateTime) -> Element {
    let change = |name, month: &str| {
        let parts = [
            ("t:Bias", "0"),
            ("t:Time", "02:00:00"),
            ("t:DayOrder", "1"),
            ("t:Month", month),
            ("t:DayOfWeek", "Sunday"),
        ];
        element(name).with_all(parts.map(|(name, value)| text(name, value)))
    };
    element("m:GetUserAvailabilityRequest")
        .with(
            element("t:TimeZone")
                .with(text("t:Bias", "0"))
                .with(change("t:StandardTime", "10"))
                .with(change("t:DaylightTime", "3")),
        )
        .with(
            element("m:MailboxDataArray").with(
                element("t:MailboxData")
                    .with(element("t:Email").with(text("t:Address", address)))
                    .with(text("t:AttendeeType", "Required")),
            ),
        )
        .with(
            element("t:FreeBusyViewOptions")
                .with(
                    element("t:TimeWindow")
                        .with(text("t:StartTime", from.to_string()))
                        .with(text("t:EndTime", to.to_string())),
                )
                .with(text("t:MergedFreeBusyIntervalInMinutes", "30"))
                .with(text("t:RequestedView", "FreeBusy")),
        )
}
