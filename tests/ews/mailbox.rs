//! A small mailbox with state behind the same manners: an independent server's, not Exchange's and not
//! the lab's. It knows only what it is asked, answers unknown operations with a fault without a code,
//! leaves empty lists out, and has its own opinion on change keys.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

use roxmltree::{Document, Node};

use super::stub::{Seen, http};

const XML: &str = "content-TYPE: text/xml";
const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";

/// What is peculiar about a server.
#[derive(Debug, Clone, Default)]
pub struct Manners {
    /// Changes with an old change key are accepted.
    pub no_conflicts: bool,
    /// A folder that is not empty cannot be deleted.
    pub empties_nothing: bool,
    /// A search for a property that nobody has used yet is refused.
    pub unknown_property_refused: bool,
    /// Operations that are answered with this instead.
    pub instead: BTreeMap<&'static str, Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Folder {
    name: String,
    marker: Option<String>,
}

#[derive(Debug, Clone)]
struct Item {
    folder: String,
    inner: String,
    element: String,
    marker: Option<String>,
    version: u32,
}

#[derive(Debug, Default)]
struct State {
    folders: BTreeMap<String, Folder>,
    items: BTreeMap<String, Item>,
    log: Vec<(String, &'static str, String)>,
    next: u32,
    marked: bool,
    subscribed: Option<String>,
    requests: usize,
}

/// The mailbox.
#[derive(Debug, Clone)]
pub struct Server {
    state: Arc<Mutex<State>>,
    manners: Arc<Manners>,
}

impl Server {
    pub fn new(manners: Manners) -> Self {
        let mut state = State::default();
        for name in ["msgfolderroot", "contacts", "calendar", "deleteditems", "inbox", "root"] {
            state.folders.insert(name.into(), Folder { name: name.into(), marker: None });
        }
        Self { state: Arc::new(Mutex::new(state)), manners: Arc::new(manners) }
    }

    /// Everything in it.
    pub fn dump(&self) -> String {
        let state = self.state.lock().expect("no panic");
        format!("{:?} {:?}", state.folders, state.items)
    }

    /// Requests so far.
    pub fn requests(&self) -> usize {
        self.state.lock().expect("no panic").requests
    }

    /// Somebody puts an item of his own into every marked folder.
    pub fn intrude(&self) {
        let mut state = self.state.lock().expect("no panic");
        let marked: Vec<_> = state
            .folders
            .iter()
            .filter(|(_, folder)| folder.marker.is_some())
            .map(|(id, _)| id.clone())
            .collect();
        for folder in marked {
            let id = state.id("foreign");
            let item = Item {
                folder,
                inner: "<t:Subject>mine</t:Subject>".into(),
                element: "Contact".into(),
                marker: None,
                version: 1,
            };
            state.items.insert(id, item);
        }
    }

    /// Somebody moves one item of a run into the default folder for contacts.
    pub fn mislay(&self) {
        let mut state = self.state.lock().expect("no panic");
        let item = state.items.values_mut().find(|item| item.marker.is_some()).expect("an item");
        item.folder = "contacts".into();
    }

    /// Answers a request.
    pub fn answer(&self, seen: &Seen) -> Vec<u8> {
        let document = Document::parse(&seen.body).expect("well-formed");
        let body = document.descendants().find(|node| node.tag_name().name() == "Body").expect("a body");
        let request = body.first_element_child().expect("a request");
        let name = request.tag_name().name();
        let mut state = self.state.lock().expect("no panic");
        state.requests += 1;
        if let Some(instead) = self.manners.instead.get(name.trim_end_matches("Request")) {
            return instead.clone();
        }
        let said = match name {
            "GetFolder" => Ok(State::get_folder(request)),
            "CreateFolder" => Ok(state.create_folder(request)),
            "FindFolder" | "FindItem"
                if self.manners.unknown_property_refused && !state.marked && asks(request) =>
            {
                Err("ErrorInvalidRestriction")
            }
            "FindFolder" => Ok(state.find_folder(request)),
            "FindItem" => Ok(state.find_item(request)),
            "DeleteFolder" if self.manners.empties_nothing && state.is_filled(request) => {
                Err("ErrorCannotDeleteObject")
            }
            "DeleteFolder" => state.delete_folder(request),
            "CreateItem" => state.create_item(request),
            "GetItem" => state.get_item(request),
            "UpdateItem" => state.update_item(request, self.manners.no_conflicts),
            "DeleteItem" => state.delete_item(request),
            "SyncFolderItems" => Ok(state.sync(request)),
            "Subscribe" => Ok(state.subscribe(request)),
            "GetEvents" => Ok(state.events(request)),
            "Unsubscribe" => Ok(String::new()),
            "ResolveNames" => {
                let address = text(request, "UnresolvedEntry");
                Ok(format!(
                    "<m:ResolutionSet><t:Resolution><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox></t:Resolution></m:ResolutionSet>"
                ))
            }
            "GetUserAvailabilityRequest" => {
                return soap(
                    "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\">\
                    <m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType></m:FreeBusyView>\
                    </m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>",
                );
            }
            _ => return unknown(name),
        };
        message(name, &said)
    }
}

fn asks(request: Node<'_, '_>) -> bool {
    request.children().any(|node| node.tag_name().name() == "Restriction")
}

/// A fault without any code of Exchange's.
pub fn unknown(name: &str) -> Vec<u8> {
    let body = format!(
        "<SOAP:Envelope xmlns:SOAP='http://schemas.xmlsoap.org/soap/envelope/'><SOAP:Body><SOAP:Fault>\
         <faultcode>SOAP:Server</faultcode><faultstring>Unknown request '{name}'.</faultstring></SOAP:Fault></SOAP:Body></SOAP:Envelope>"
    );
    http("500 Internal Server Error", &[XML], body.as_bytes())
}

/// A response message that refuses with this code.
pub fn refused(code: &str) -> Vec<u8> {
    soap(&format!(
        "<m:AnyResponse><m:ResponseMessages><m:AnyResponseMessage ResponseClass=\"Error\"><m:MessageText>no</m:MessageText>\
         <m:ResponseCode>{code}</m:ResponseCode></m:AnyResponseMessage></m:ResponseMessages></m:AnyResponse>"
    ))
}

fn soap(inner: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version='1.0'?><Q:Envelope xmlns:Q='http://schemas.xmlsoap.org/soap/envelope/'><Q:Body xmlns:m='{MESSAGES}' xmlns:t='{TYPES}'>{inner}</Q:Body></Q:Envelope>"
    );
    http("200 OK", &[XML], body.as_bytes())
}

fn message(name: &str, said: &Result<String, &str>) -> Vec<u8> {
    let Ok(inner) = said else { return refused(said.as_ref().expect_err("not ok")) };
    let one = |inner: &str| {
        format!(
            "<m:{name}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{inner}</m:{name}ResponseMessage>"
        )
    };
    // Several messages stand apart.
    let messages: String = inner.split('\u{1}').map(one).collect();
    soap(&format!("<m:{name}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{name}Response>"))
}

impl State {
    fn id(&mut self, kind: &str) -> String {
        self.next += 1;
        format!("{kind}-{:03}=", self.next)
    }

    fn get_folder(request: Node<'_, '_>) -> String {
        let one = |id: String| {
            format!(
                "<m:Folders><t:Folder><t:FolderId Id=\"{id}\"/><t:EffectiveRights><t:CreateContents>true</t:CreateContents>\
                 <t:CreateHierarchy>true</t:CreateHierarchy><t:Delete>true</t:Delete><t:Modify>true</t:Modify><t:Read>true</t:Read>\
                 </t:EffectiveRights></t:Folder></m:Folders>"
            )
        };
        ids(request).into_iter().map(one).collect::<Vec<_>>().join("\u{1}")
    }

    fn create_folder(&mut self, request: Node<'_, '_>) -> String {
        let id = self.id("folder");
        let marker = some_text(request, "Value");
        self.marked |= marker.is_some();
        self.folders.insert(id.clone(), Folder { name: text(request, "DisplayName"), marker });
        format!("<m:Folders><t:Folder><t:FolderId Id=\"{id}\"/></t:Folder></m:Folders>")
    }

    fn find_folder(&self, request: Node<'_, '_>) -> String {
        let parents = ids(request);
        let wanted = constant(request);
        let found = self.folders.iter().filter(|(_, folder)| {
            parents.iter().any(|parent| parent == "msgfolderroot")
                && folder.marker.is_some()
                && wanted.as_ref().is_none_or(|wanted| folder.marker.as_ref() == Some(wanted))
        });
        let folders: Vec<_> = found
            .map(|(id, folder)| {
                let (name, marker) = (&folder.name, marked(folder.marker.as_deref()));
                format!("<t:Folder><t:FolderId Id=\"{id}\"/><t:DisplayName>{name}</t:DisplayName>{marker}</t:Folder>")
            })
            .collect();
        let folders = folders.concat();
        // Where there is nothing, there is no list.
        if folders.is_empty() {
            return String::new();
        }
        format!(
            "<m:RootFolder IncludesLastItemInRange=\"true\"><t:Folders>{folders}</t:Folders></m:RootFolder>"
        )
    }

    fn find_item(&self, request: Node<'_, '_>) -> String {
        let wanted = constant(request);
        let one = |parent: String| {
            let mut found = String::new();
            for (id, item) in self.items.iter().filter(|(_, item)| item.folder == parent) {
                if asks(request) && (item.marker.is_none() || wanted.is_some() && item.marker != wanted) {
                    continue;
                }
                let (name, marker) = (&item.element, marked(item.marker.as_deref()));
                let subject = between(&item.inner, "<t:Subject>", "</t:Subject>");
                write!(
                    found,
                    "<t:{name}><t:ItemId Id=\"{id}\"/><t:Subject>{subject}</t:Subject>{marker}</t:{name}>"
                )
                .expect("memory");
            }
            format!(
                "<m:RootFolder IncludesLastItemInRange=\"true\"><t:Items>{found}</t:Items></m:RootFolder>"
            )
        };
        ids(request).into_iter().map(one).collect::<Vec<_>>().join("\u{1}")
    }

    fn is_filled(&self, request: Node<'_, '_>) -> bool {
        let ids = ids(request);
        self.items.values().any(|item| ids.contains(&item.folder))
    }

    fn delete_folder(&mut self, request: Node<'_, '_>) -> Result<String, &'static str> {
        let id = ids(request).remove(0);
        self.folders.remove(&id).ok_or("ErrorFolderNotFound")?;
        self.items.retain(|_, item| item.folder != id);
        Ok(String::new())
    }

    fn create_item(&mut self, request: Node<'_, '_>) -> Result<String, &'static str> {
        let folder = ids(request).remove(0);
        if !self.folders.contains_key(&folder) {
            return Err("ErrorFolderNotFound");
        }
        let items = find(request, "Items").expect("items");
        let element = items.first_element_child().expect("an item");
        let id = self.id("item");
        let marker = some_text(element, "Value");
        let name = element.tag_name().name().to_owned();
        let inner: String = element
            .children()
            .filter(|node| node.tag_name().name() != "ExtendedProperty")
            .map(written)
            .collect();
        self.items.insert(
            id.clone(),
            Item { folder: folder.clone(), inner, element: name.clone(), marker, version: 1 },
        );
        self.log.push((folder, "Create", id.clone()));
        Ok(format!("<m:Items><t:{name}><t:ItemId Id=\"{id}\" ChangeKey=\"k1\"/></t:{name}></m:Items>"))
    }

    fn get_item(&self, request: Node<'_, '_>) -> Result<String, &'static str> {
        let id = ids(request).remove(0);
        let item = self.items.get(&id).ok_or("ErrorItemNotFound")?;
        let (name, version, marker) = (&item.element, item.version, marked(item.marker.as_deref()));
        // Line ends as on Windows, and times as this server likes them.
        let inner = item.inner.replace('\n', "&#13;\n").replace("T12:00:00Z", "T13:00:00+01:00");
        Ok(format!(
            "<m:Items><t:{name}><t:ItemId Id=\"{id}\" ChangeKey=\"k{version}\"/>{marker}{inner}</t:{name}></m:Items>"
        ))
    }

    fn update_item(&mut self, request: Node<'_, '_>, no_conflicts: bool) -> Result<String, &'static str> {
        let key = find(request, "ItemId")
            .and_then(|node| node.attribute("ChangeKey"))
            .unwrap_or_default()
            .to_owned();
        let id = ids(request).remove(0);
        let item = self.items.get_mut(&id).ok_or("ErrorItemNotFound")?;
        if !no_conflicts && key != format!("k{}", item.version) {
            return Err("ErrorIrresolvableConflict");
        }
        let field = find(request, "SetItemField")
            .and_then(|node| node.last_element_child()?.first_element_child())
            .expect("a field");
        let tag = format!("t:{}>", field.tag_name().name());
        let old = format!("<{tag}{}</{tag}", between(&item.inner, &format!("<{tag}"), &format!("</{tag}")));
        item.inner = item.inner.replace(&old, &written(field));
        item.version += 1;
        let (folder, name, version) = (item.folder.clone(), item.element.clone(), item.version);
        self.log.push((folder, "Update", id.clone()));
        Ok(format!(
            "<m:Items><t:{name}><t:ItemId Id=\"{id}\" ChangeKey=\"k{version}\"/></t:{name}></m:Items>"
        ))
    }

    fn delete_item(&mut self, request: Node<'_, '_>) -> Result<String, &'static str> {
        for id in ids(request) {
            let item = self.items.remove(&id).ok_or("ErrorItemNotFound")?;
            self.log.push((item.folder, "Delete", id));
        }
        Ok(String::new())
    }

    fn sync(&self, request: Node<'_, '_>) -> String {
        let folder = ids(request).remove(0);
        let from: usize = some_text(request, "SyncState")
            .map_or(0, |state| state.trim_start_matches("state").parse().expect("ours"));
        let most: usize = text(request, "MaxChangesReturned").parse().expect("a number");
        let mut changes = String::new();
        let (mut at, mut told) = (from, 0);
        for (of, kind, id) in &self.log[from..] {
            if told == most {
                break;
            }
            at += 1;
            if *of != folder {
                continue;
            }
            told += 1;
            match *kind {
                "Delete" => write!(changes, "<t:Delete><t:ItemId Id=\"{id}\"/></t:Delete>"),
                kind => {
                    write!(changes, "<t:{kind}><t:Contact><t:ItemId Id=\"{id}\"/></t:Contact></t:{kind}>")
                }
            }
            .expect("memory");
        }
        let last = self.log[at..].iter().all(|(of, ..)| *of != folder);
        format!(
            "<m:SyncState>state{at}</m:SyncState><m:IncludesLastItemInRange>{last}</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
        )
    }

    fn subscribe(&mut self, request: Node<'_, '_>) -> String {
        self.subscribed = ids(request).pop();
        format!("<m:SubscriptionId>sub-1</m:SubscriptionId><m:Watermark>{}</m:Watermark>", self.log.len())
    }

    fn events(&self, request: Node<'_, '_>) -> String {
        let (folder, now) = (self.subscribed.clone().unwrap_or_default(), self.log.len());
        let from: usize = text(request, "Watermark").parse().expect("ours");
        let news = self.log[from..].iter().filter(|(of, ..)| *of == folder);
        let events: Vec<_> = news
            .map(|(_, kind, id)| {
                let kind = match *kind {
                    "Create" => "Created",
                    "Update" => "Modified",
                    _ => "Deleted",
                };
                format!(
                    "<t:{kind}Event><t:Watermark>{now}</t:Watermark><t:ItemId Id=\"{id}\"/></t:{kind}Event>"
                )
            })
            .collect();
        let events = if events.is_empty() { "<t:StatusEvent/>".into() } else { events.concat() };
        format!("<m:Notification><t:SubscriptionId>sub-1</t:SubscriptionId>{events}</m:Notification>")
    }
}

fn marked(value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| {
        format!(
            "<t:ExtendedProperty><t:ExtendedFieldURI PropertySetId=\"5CB26B4E-8A0F-4D0C-9B3E-2F2A71C6D94A\" \
             PropertyName=\"syncready-test-sync\" PropertyType=\"String\"/><t:Value>{value}</t:Value></t:ExtendedProperty>"
        )
    })
}

fn find<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.descendants().find(|node| node.tag_name().name() == name)
}

fn some_text(node: Node<'_, '_>, name: &str) -> Option<String> {
    Some(find(node, name)?.text()?.to_owned())
}

fn text(node: Node<'_, '_>, name: &str) -> String {
    some_text(node, name).unwrap_or_default()
}

fn constant(request: Node<'_, '_>) -> Option<String> {
    find(request, "Constant")?.attribute("Value").map(str::to_owned)
}

fn ids(request: Node<'_, '_>) -> Vec<String> {
    let named = ["FolderId", "ItemId", "DistinguishedFolderId"];
    let nodes = request.descendants().filter(|node| named.contains(&node.tag_name().name()));
    nodes.filter_map(|node| node.attribute("Id").map(str::to_owned)).collect()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    text.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map_or("", |(inner, _)| inner)
}

/// A node as text again.
fn written(node: Node<'_, '_>) -> String {
    if node.is_text() {
        let text = node.text().unwrap_or_default();
        return text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    let name = node.tag_name().name();
    let mut attributes = String::new();
    for attribute in node.attributes() {
        write!(attributes, " {}=\"{}\"", attribute.name(), attribute.value()).expect("memory");
    }
    let inner: String = node.children().map(written).collect();
    format!("<t:{name}{attributes}>{inner}</t:{name}>")
}
