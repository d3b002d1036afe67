//! What the answers to a test sync's requests hold. Ids mean nothing here and are bounded in length;
//! an answer that lacks what it should hold is told apart from one that holds nothing.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use roxmltree::Node;
use uuid::Uuid;

use super::super::soap::{Class, Statement, child, is_exchange, statement};
use super::item::{Fields, read_fields};
use super::operation::{Property, REPLICAS};

/// Longest id that is kept.
const ID: usize = 4096;
/// Longest state of a feed that is kept.
const STATE: usize = 1 << 20;
/// Longest text of a field that is kept.
const TEXT: usize = 1 << 20;
/// Folders, items, changes or events that are read of one answer.
const MANY: usize = 2000;

/// What the caller may do in a folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effective {
    /// Make items.
    pub create_contents: bool,
    /// Make folders below it.
    pub create_hierarchy: bool,
    /// Delete.
    pub delete: bool,
    /// Change.
    pub modify: bool,
    /// Read.
    pub read: bool,
}

/// A folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Id.
    pub id: String,
    /// Class of its items.
    pub class: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// What the caller may do there, where it was asked for and told.
    pub rights: Option<Effective>,
    /// Value of the property that was asked for.
    pub marker: Option<String>,
    /// Numbers by the id of their property.
    pub numbers: Vec<(u16, u64)>,
    /// The mailbox that keeps the items of a public folder, where it was asked for and told.
    pub keeper: Option<Uuid>,
}

impl Folder {
    /// A number by the id of its property.
    pub fn number(&self, id: u16) -> Option<u64> {
        self.numbers.iter().find(|(known, _)| *known == id).map(|(_, number)| *number)
    }
}

/// An item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// Id.
    pub id: String,
    /// Change key; empty where none is told.
    pub change_key: String,
    /// Value of the property that was asked for.
    pub marker: Option<String>,
    /// Fields that are told.
    pub fields: Fields,
}

/// A part of what a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<T> {
    /// What was found.
    pub all: Vec<T>,
    /// Where the next part begins; `None`: there is none.
    pub next: Option<usize>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { all: Vec::new(), next: None }
    }
}

/// How an item changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// It is new.
    Created,
    /// It is another.
    Updated,
    /// It is gone.
    Deleted,
}

/// A part of a change feed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Feed {
    /// State to go on from.
    pub state: String,
    /// There is no more.
    pub last: bool,
    /// Changes with the ids of their items.
    pub changes: Vec<(Changed, String)>,
}

/// Collected events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Events {
    /// Last event.
    pub watermark: Option<String>,
    /// Kind of event, and id of its item.
    pub events: Vec<(String, String)>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Id.
    pub id: String,
    /// Where its events begin.
    pub watermark: String,
}

/// The messages of an answer, one for each thing asked for: its node, or what refuses it.
pub(super) fn messages<'a, 'i>(root: Node<'a, 'i>) -> Vec<Result<Node<'a, 'i>, Statement>> {
    root.descendants()
        .filter_map(|node| Some((node, node.attribute("ResponseClass")?)))
        .take(MANY)
        .map(|(node, _)| match statement(node) {
            (Class::Error, said) => Err(said),
            _ => Ok(node),
        })
        .collect()
}

/// The folders of one message; `None`: it tells none, which is no answer to what was asked.
pub(super) fn folders(message: Node<'_, '_>, property: Option<Property>) -> Option<Vec<Folder>> {
    let list = below(message, "Folders")?;
    Some(elements(list).take(MANY).filter_map(|node| folder(node, property)).collect())
}

/// Folders that a search found. Some servers leave the list out where it is empty.
pub(super) fn found_folders(message: Node<'_, '_>, property: Option<Property>) -> Found<Folder> {
    let Some(root) = below(message, "RootFolder") else { return Found::default() };
    let all: Vec<_> = below(root, "Folders").map(|list| elements(list).collect()).unwrap_or_default();
    let next = next(root, all.len());
    Found { all: all.into_iter().take(MANY).filter_map(|node| folder(node, property)).collect(), next }
}

/// Items that a search found.
pub(super) fn found_items(message: Node<'_, '_>, property: Property) -> Found<Item> {
    let Some(root) = below(message, "RootFolder") else { return Found::default() };
    let all: Vec<_> = below(root, "Items").map(|list| elements(list).collect()).unwrap_or_default();
    let next = next(root, all.len());
    Found { all: all.into_iter().take(MANY).filter_map(|node| item(node, Some(property))).collect(), next }
}

/// The items of a list; `None`: the message holds no list.
pub(super) fn listed_items(message: Node<'_, '_>) -> Option<Vec<Item>> {
    let list = below(below(message, "RootFolder")?, "Items");
    Some(list.into_iter().flat_map(elements).take(MANY).filter_map(|node| item(node, None)).collect())
}

/// The items of one message; `None`: it tells none.
pub(super) fn items(message: Node<'_, '_>, property: Option<Property>) -> Option<Vec<Item>> {
    let list = below(message, "Items")?;
    Some(elements(list).take(MANY).filter_map(|node| item(node, property)).collect())
}

/// A part of a change feed; `None`: there is no state to go on from, or an id is missing.
pub(super) fn feed(message: Node<'_, '_>) -> Option<Feed> {
    let state = exact(below(message, "SyncState")?, STATE).filter(|state| !state.is_empty())?;
    let last = below(message, "IncludesLastItemInRange").is_none_or(|node| is_true(&whole_text(node)));
    let told = below(message, "Changes");
    let mut changes = Vec::new();
    for node in told.iter().flat_map(|list| elements(*list)).take(MANY) {
        let kind = match node.tag_name().name() {
            "Create" => Changed::Created,
            "Update" => Changed::Updated,
            "Delete" => Changed::Deleted,
            _ => continue,
        };
        changes.push((kind, id(below(node, "ItemId")?)?));
    }
    Some(Feed { state, last, changes })
}

/// The subscription that was made.
pub(super) fn subscription(message: Node<'_, '_>) -> Option<Subscription> {
    let id = exact(below(message, "SubscriptionId")?, ID).filter(|id| !id.is_empty())?;
    // Some servers tell none and want none.
    let watermark = below(message, "Watermark").and_then(|node| exact(node, ID)).unwrap_or_default();
    Some(Subscription { id, watermark })
}

/// The events of one message.
pub(super) fn events(message: Node<'_, '_>) -> Events {
    let mut read = Events::default();
    let Some(list) = below(message, "Notification") else { return read };
    for node in elements(list).filter(|node| node.tag_name().name().ends_with("Event")).take(MANY) {
        if let Some(watermark) = part(node, "Watermark").and_then(|node| exact(node, ID)) {
            read.watermark = Some(watermark);
        }
        if let Some(item) = part(node, "ItemId").and_then(id) {
            read.events.push((node.tag_name().name().to_owned(), item));
        }
    }
    read
}

/// The addresses that an answer of the address list names.
pub(super) fn addresses(root: Node<'_, '_>) -> Vec<String> {
    let named = |node: &Node<'_, '_>| is_exchange(*node, "EmailAddress");
    let leaves = root.descendants().filter(named).filter(|node| elements(*node).next().is_none());
    leaves.map(whole_text).filter(|text| text.contains('@')).take(MANY).collect()
}

/// Whether a message tells free and busy times at all.
pub(super) fn has_availability(root: Node<'_, '_>) -> bool {
    ["FreeBusyViewType", "CalendarEventArray", "MergedFreeBusy"]
        .iter()
        .any(|name| below(root, name).is_some())
}

fn folder(node: Node<'_, '_>, property: Option<Property>) -> Option<Folder> {
    let numbers = extended(node)
        .filter_map(|(uri, value)| Some((tag(uri.attribute("PropertyTag")?)?, value.trim().parse().ok()?)));
    Some(Folder {
        id: id(part(node, "FolderId")?)?,
        class: part(node, "FolderClass").map(whole_text),
        name: part(node, "DisplayName").map(whole_text),
        rights: part(node, "EffectiveRights").and_then(rights),
        marker: property.and_then(|property| marker(node, property)),
        numbers: numbers.collect(),
        keeper: extended(node).find_map(|(uri, value)| {
            (tag(uri.attribute("PropertyTag")?)? == REPLICAS.id).then(|| keeper(&value)).flatten()
        }),
    })
}

/// The list of replicas is bytes: the id of a mailbox as text, and whatever follows.
fn keeper(value: &str) -> Option<Uuid> {
    let bytes = STANDARD.decode(value.trim()).ok()?;
    Uuid::try_parse_ascii(bytes.get(..36)?).ok()
}

fn item(node: Node<'_, '_>, property: Option<Property>) -> Option<Item> {
    let own = part(node, "ItemId")?;
    Some(Item {
        id: id(own)?,
        change_key: own.attribute("ChangeKey").filter(|key| key.len() <= ID).unwrap_or_default().to_owned(),
        marker: property.and_then(|property| marker(node, property)),
        fields: read_fields(node),
    })
}

fn rights(node: Node<'_, '_>) -> Option<Effective> {
    let right = |name| part(node, name).map(|node| is_true(&whole_text(node)));
    Some(Effective {
        read: right("Read")?,
        create_contents: right("CreateContents")?,
        // Not every server tells these two.
        create_hierarchy: right("CreateHierarchy").unwrap_or(true),
        delete: right("Delete").unwrap_or(true),
        modify: right("Modify")?,
    })
}

fn marker(node: Node<'_, '_>, property: Property) -> Option<String> {
    let set = property.set.to_string();
    let is_it = |uri: Node<'_, '_>| {
        uri.attribute("PropertyName").is_some_and(|name| name.eq_ignore_ascii_case(property.name))
            && uri
                .attribute("PropertySetId")
                .is_some_and(|text| text.trim_matches(['{', '}']).eq_ignore_ascii_case(&set))
    };
    extended(node).find(|(uri, _)| is_it(*uri)).map(|(_, value)| value)
}

fn extended<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = (Node<'a, 'i>, String)> {
    elements(node)
        .filter(|node| is_exchange(*node, "ExtendedProperty"))
        .take(64)
        .filter_map(|node| Some((part(node, "ExtendedFieldURI")?, whole_text(part(node, "Value")?))))
}

fn tag(text: &str) -> Option<u16> {
    match text.trim().to_ascii_lowercase().strip_prefix("0x") {
        Some(hex) => u16::from_str_radix(hex, 16).ok(),
        None => text.trim().parse().ok(),
    }
}

/// Where the next part of a search begins.
fn next(root: Node<'_, '_>, told: usize) -> Option<usize> {
    let last = root.attribute("IncludesLastItemInRange").is_none_or(is_true);
    let next = root.attribute("IndexedPagingOffset").and_then(|text| text.trim().parse().ok());
    next.filter(|_| !last && told > 0)
}

fn id(node: Node<'_, '_>) -> Option<String> {
    node.attribute("Id").filter(|id| !id.is_empty() && id.len() <= ID).map(str::to_owned)
}

fn exact(node: Node<'_, '_>, most: usize) -> Option<String> {
    let text: String = node.children().filter_map(|part| part.text()).collect();
    (text.len() <= most).then(|| text.trim().to_owned())
}

/// All text of a node as it stands, at most [`TEXT`] bytes.
pub(super) fn whole_text(node: Node<'_, '_>) -> String {
    let mut text = String::new();
    for part in node.descendants().filter(Node::is_text).filter_map(|part| part.text()) {
        if text.len() + part.len() > TEXT {
            break;
        }
        text.push_str(part);
    }
    text
}

fn is_true(text: &str) -> bool {
    matches!(text.trim(), "true" | "1")
}

fn part<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    child(node, |node| is_exchange(node, name))
}

fn below<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    super::super::soap::below(node, name)
}

fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;
    use uuid::Uuid;

    use super::*;

    const MARKER: Property = Property { set: Uuid::from_u128(0xab), name: "mark" };

    fn on<T>(xml: &str, read: impl FnOnce(Node<'_, '_>) -> T) -> T {
        read(Document::parse(xml).expect("XML").root_element())
    }

    #[test]
    fn a_feed_without_a_state_or_with_an_endless_id_is_no_feed() {
        let with = |state: &str, id: &str| {
            let change = format!("<Create><Contact><ItemId Id=\"{id}\"/></Contact></Create>");
            on(&format!("<m>{state}<Changes>{change}<ReadFlagChange/></Changes></m>"), feed)
        };
        let read = with("<SyncState>s</SyncState>", "a").expect("a feed");
        assert_eq!((read.last, read.changes), (true, vec![(Changed::Created, "a".to_owned())]));
        assert_eq!(with("", "a"), None);
        assert_eq!(with("<SyncState> </SyncState>", "a"), None);
        assert_eq!(with("<SyncState>s</SyncState>", ""), None);
        assert_eq!(with("<SyncState>s</SyncState>", &"a".repeat(ID + 1)), None);
    }

    #[test]
    fn a_marker_is_known_by_its_set_and_name_and_a_number_by_its_tag() {
        let xml = "<Folders><ContactsFolder><FolderId Id=\"f\"/>\
            <ExtendedProperty><ExtendedFieldURI PropertySetId=\"00000000-0000-0000-0000-0000000000CD\" PropertyName=\"mark\"/><Value>no</Value></ExtendedProperty>\
            <ExtendedProperty><ExtendedFieldURI PropertySetId=\"{00000000-0000-0000-0000-0000000000AB}\" PropertyName=\"Mark\"/><Value>yes</Value></ExtendedProperty>\
            <ExtendedProperty><ExtendedFieldURI PropertyTag=\"0xe08\"/><Value>12</Value></ExtendedProperty>\
            <ExtendedProperty><ExtendedFieldURI PropertyTag=\"0x666e\"/><Value>many</Value></ExtendedProperty>\
            </ContactsFolder><Folder/></Folders>";
        let read = on(&format!("<m>{xml}</m>"), |node| folders(node, Some(MARKER))).expect("a list");
        assert_eq!(read.len(), 1);
        assert_eq!(
            (read[0].marker.as_deref(), read[0].number(0x0e08), read[0].number(0x666e)),
            (Some("yes"), Some(12), None)
        );
    }

    #[test]
    fn a_search_ends_where_nothing_is_told_of_a_next_part() {
        let next_of = |attributes: &str, items: &str| {
            let xml = format!("<m><RootFolder {attributes}><Items>{items}</Items></RootFolder></m>");
            on(&xml, |node| found_items(node, MARKER)).next
        };
        let item = "<Item><ItemId Id=\"a\"/></Item>";
        let more = "IncludesLastItemInRange=\"false\" IndexedPagingOffset=\"7\"";
        assert_eq!(next_of(more, item), Some(7));
        assert_eq!(next_of(more, ""), None);
        assert_eq!(next_of("IncludesLastItemInRange=\"false\"", item), None);
        assert_eq!(next_of("IndexedPagingOffset=\"7\"", item), None);
        assert_eq!(on("<m/>", |node| found_items(node, MARKER)), Found::default());
    }

    #[test]
    fn events_tell_their_items_and_the_last_watermark() {
        let xml = "<m><Notification><SubscriptionId>s</SubscriptionId><CreatedEvent><Watermark>1</Watermark><ItemId Id=\"a\"/></CreatedEvent>\
            <ModifiedEvent><Watermark>2</Watermark><FolderId Id=\"f\"/></ModifiedEvent></Notification></m>";
        let read = on(xml, events);
        assert_eq!(read.watermark.as_deref(), Some("2"));
        assert_eq!(read.events, [("CreatedEvent".to_owned(), "a".to_owned())]);
        assert_eq!(on("<m/>", events), Events::default());
    }

    #[test]
    fn only_a_leaf_with_an_at_sign_is_an_address() {
        let xml = "<m><EmailAddress><Name>x</Name><EmailAddress>a@contoso.com</EmailAddress></EmailAddress><EmailAddress>b</EmailAddress></m>";
        assert_eq!(on(xml, addresses), ["a@contoso.com"]);
    }
}
