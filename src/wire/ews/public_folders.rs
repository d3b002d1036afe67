//! Public folders by Exchange Web Services: what lies below a folder, and what the caller may do there.
//!
//! The hierarchy is read level by level, because a deep search is refused there, and page by page. Two
//! headers lead a request to the mailbox that keeps the hierarchy. Knows nothing of paths or of facts.

use std::io;

use quick_xml::events::BytesText;
use roxmltree::Node;

use super::super::{
    soap::{self, RequestVersion, XmlWriter, below, child, is_exchange},
    xml,
};
use super::{Client, Kind, Mailbox, Outcome, Question};
use crate::facts::Exchange;

/// Folders asked for at once.
const PAGE: usize = 500;
/// Pages read of one level.
const PAGES: usize = 10;
/// Permissions read of one folder.
const PERMISSIONS: usize = 500;

/// Where requests for the hierarchy are sent to, as headers say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// `X-AnchorMailbox`.
    pub anchor: String,
    /// `X-PublicFolderMailbox`; `None`: nobody told.
    pub mailbox: Option<String>,
}

/// The folder whose children are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parent {
    /// The root of all public folders.
    Root,
    /// A folder with this id.
    Folder(String),
}

/// One folder below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Id.
    pub id: String,
    /// Name as users see it.
    pub name: String,
}

/// What lies below a folder.
#[derive(Debug, Clone)]
pub struct Listing {
    /// How the last question ended.
    pub outcome: Outcome,
    /// Folders that the caller is shown.
    pub children: Vec<Child>,
    /// No folder was left out.
    pub complete: bool,
}

/// What the caller may do with a folder, as the server says it of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// Read items.
    pub read: bool,
    /// Create items.
    pub create: bool,
    /// Change items.
    pub modify: bool,
    /// Delete items.
    pub delete: bool,
}

/// A folder as the caller sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// How the question ended.
    pub outcome: Outcome,
    /// Class of its items, for example `IPF.Contact`.
    pub class: Option<String>,
    /// `None`: the server did not say.
    pub rights: Option<Rights>,
}

/// Whom a permission is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everybody who is signed in.
    Default,
    /// Everybody else.
    Anonymous,
    /// A user or group with this address.
    Address(String),
    /// Somebody without an address.
    Other,
}

/// One entry of a folder's permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    /// Whom it is for.
    pub who: Who,
    /// Its level, for example `Reviewer`.
    pub level: String,
    /// It lets read all items.
    pub reads: bool,
}

impl Client {
    /// The folders below a public folder, page by page.
    pub async fn public_children(&self, mailbox: &Mailbox, route: &Route, parent: &Parent) -> Listing {
        let mut children = Vec::new();
        let mut exchanges: Vec<Exchange> = Vec::new();
        let (mut offset, mut pages) = (0, 0);
        loop {
            let body = |version| find_folders(mailbox, version, parent, offset);
            let (mut outcome, answer) = self.route(route, &body).await;
            exchanges.append(&mut outcome.exchanges);
            pages += 1;
            let page = answer.as_deref().map(page).unwrap_or_default();
            children.extend(page.children);
            let more = outcome.kind == Kind::Ok && !page.last && pages < PAGES;
            let Some(next) = page.next.filter(|next| more && *next > offset) else {
                let complete = outcome.kind == Kind::Ok && page.last;
                return Listing { outcome: Outcome { exchanges, ..outcome }, children, complete };
            };
            offset = next;
        }
    }

    /// A public folder, with what the caller may do there.
    pub async fn public_folder(&self, mailbox: &Mailbox, route: &Route, id: &str) -> Seen {
        let body = |version| get_folder(mailbox, version, id, "folder:EffectiveRights");
        let (outcome, answer) = self.route(route, &body).await;
        let (class, rights) = answer.as_deref().map(seen).unwrap_or_default();
        Seen { outcome, class, rights }
    }

    /// The permissions of a public folder; `None`: they are not shown to the caller.
    pub async fn public_permissions(
        &self,
        mailbox: &Mailbox,
        route: &Route,
        id: &str,
    ) -> (Option<Vec<Permission>>, Vec<Exchange>) {
        let body = |version| get_folder(mailbox, version, id, "folder:PermissionSet");
        let (outcome, answer) = self.route(route, &body).await;
        let found = answer.as_deref().filter(|_| outcome.kind == Kind::Ok).and_then(permissions);
        (found, outcome.exchanges)
    }

    async fn route(
        &self,
        route: &Route,
        body: &(dyn Fn(RequestVersion) -> String + Sync),
    ) -> (Outcome, Option<String>) {
        let question =
            Question { anchor: &route.anchor, public_folder_mailbox: route.mailbox.as_deref(), body };
        let answered = self.put(&question).await;
        let text = answered.body.and_then(|body| xml::decode(&body).ok());
        (answered.outcome, text)
    }
}

/// The request for the folders below a folder, as text.
pub fn find_folders(mailbox: &Mailbox, version: RequestVersion, parent: &Parent, offset: usize) -> String {
    soap::envelope(version, impersonated(mailbox), |writer| {
        let find = writer.create_element("m:FindFolder").with_attribute(("Traversal", "Shallow"));
        find.write_inner_content(|writer| {
            write_shape(writer, &["folder:DisplayName"])?;
            let (page, offset) = (PAGE.to_string(), offset.to_string());
            let view = [
                ("MaxEntriesReturned", page.as_str()),
                ("Offset", offset.as_str()),
                ("BasePoint", "Beginning"),
            ];
            writer.create_element("m:IndexedPageFolderView").with_attributes(view).write_empty()?;
            writer.create_element("m:ParentFolderIds").write_inner_content(|writer| match parent {
                Parent::Root => {
                    let root = ("Id", "publicfoldersroot");
                    writer
                        .create_element("t:DistinguishedFolderId")
                        .with_attribute(root)
                        .write_empty()
                        .map(drop)
                }
                Parent::Folder(id) => write_id(writer, id),
            })?;
            Ok(())
        })?;
        Ok(())
    })
}

/// The request for one property of a folder and its class, as text.
pub fn get_folder(mailbox: &Mailbox, version: RequestVersion, id: &str, property: &str) -> String {
    soap::envelope(version, impersonated(mailbox), |writer| {
        writer.create_element("m:GetFolder").write_inner_content(|writer| {
            write_shape(writer, &["folder:FolderClass", property])?;
            writer.create_element("m:FolderIds").write_inner_content(|writer| write_id(writer, id))?;
            Ok(())
        })?;
        Ok(())
    })
}

fn impersonated(mailbox: &Mailbox) -> Option<&str> {
    match mailbox {
        Mailbox::Impersonated(address) => Some(address),
        Mailbox::Own(_) | Mailbox::Named(_) => None,
    }
}

fn write_shape(writer: &mut XmlWriter, properties: &[&str]) -> io::Result<()> {
    writer.create_element("m:FolderShape").write_inner_content(|writer| {
        writer.create_element("t:BaseShape").write_text_content(BytesText::new("IdOnly"))?;
        writer.create_element("t:AdditionalProperties").write_inner_content(|writer| {
            for property in properties {
                writer.create_element("t:FieldURI").with_attribute(("FieldURI", *property)).write_empty()?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn write_id(writer: &mut XmlWriter, id: &str) -> io::Result<()> {
    writer.create_element("t:FolderId").with_attribute(("Id", id)).write_empty().map(drop)
}

/// One page of a listing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    children: Vec<Child>,
    next: Option<usize>,
    last: bool,
}

fn page(answer: &str) -> Page {
    let Ok(document) = xml::parse(answer) else { return Page::default() };
    let Some(root) = below(document.root_element(), "RootFolder") else { return Page::default() };
    let children: Vec<Child> = child(root, |node| is_exchange(node, "Folders"))
        .into_iter()
        .flat_map(|folders| folders.children().filter(Node::is_element))
        .filter_map(child_of)
        .take(PAGE)
        .collect();
    let next = root.attribute("IndexedPagingOffset").and_then(|text| text.trim().parse().ok());
    let last = match root.attribute("IncludesLastItemInRange") {
        Some(text) => is_true(text),
        None => children.len() < PAGE,
    };
    Page { children, next, last }
}

fn child_of(folder: Node<'_, '_>) -> Option<Child> {
    let id = child(folder, |node| is_exchange(node, "FolderId"))?.attribute("Id")?;
    let name = child(folder, |node| is_exchange(node, "DisplayName")).and_then(xml::text).unwrap_or_default();
    Some(Child { id: id.to_owned(), name })
}

fn seen(answer: &str) -> (Option<String>, Option<Rights>) {
    let Ok(document) = xml::parse(answer) else { return (None, None) };
    let root = document.root_element();
    let class = below(root, "FolderClass").and_then(xml::text);
    (class, below(root, "EffectiveRights").and_then(rights))
}

/// All of them, or nothing: half an answer is none.
fn rights(node: Node<'_, '_>) -> Option<Rights> {
    let right =
        |name| child(node, |node| is_exchange(node, name)).and_then(xml::text).map(|text| is_true(&text));
    Some(Rights {
        read: right("Read")?,
        create: right("CreateContents")?,
        modify: right("Modify")?,
        delete: right("Delete")?,
    })
}

fn permissions(answer: &str) -> Option<Vec<Permission>> {
    let document = xml::parse(answer).ok()?;
    let set = below(document.root_element(), "PermissionSet")?;
    let entries = set
        .descendants()
        .filter(|node| is_exchange(*node, "Permission") || is_exchange(*node, "CalendarPermission"));
    Some(entries.filter_map(permission).take(PERMISSIONS).collect())
}

fn permission(entry: Node<'_, '_>) -> Option<Permission> {
    let user = child(entry, |node| is_exchange(node, "UserId"))?;
    let of = |node, name| child(node, |node| is_exchange(node, name)).and_then(xml::text);
    let who = match of(user, "DistinguishedUser").as_deref() {
        Some("Default") => Who::Default,
        Some("Anonymous") => Who::Anonymous,
        _ => of(user, "PrimarySmtpAddress").map_or(Who::Other, Who::Address),
    };
    let level = of(entry, "PermissionLevel").or_else(|| of(entry, "CalendarPermissionLevel"))?;
    let reads = of(entry, "ReadItems").as_deref() == Some("FullDetails") || reads_at(&level);
    Some(Permission { who, level, reads })
}

/// Whether a named level lets read all items.
fn reads_at(level: &str) -> bool {
    let reading =
        ["Owner", "PublishingEditor", "Editor", "PublishingAuthor", "Author", "NoneditingAuthor", "Reviewer"];
    reading.contains(&level)
}

fn is_true(text: &str) -> bool {
    matches!(text.trim(), "true" | "1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(payload: &str) -> String {
        format!(
            "<s:Envelope xmlns:s=\"{}\"><s:Body xmlns:t=\"{}\" xmlns:m=\"{}\">{payload}</s:Body></s:Envelope>",
            soap::SOAP,
            soap::TYPES,
            soap::MESSAGES
        )
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let text = envelope(
            "<m:RootFolder IndexedPagingOffset=\"2\" IncludesLastItemInRange=\"false\"><t:Folders>\
             <t:Folder><t:FolderId Id=\"a\"/><t:DisplayName>Team  Contacts</t:DisplayName></t:Folder>\
             <t:ContactsFolder><t:FolderId Id=\"b\"/><t:DisplayName>Other</t:DisplayName></t:ContactsFolder>\
             </t:Folders></m:RootFolder>",
        );
        let page = page(&text);
        assert_eq!((page.next, page.last), (Some(2), false));
        let named = |id: &str, name: &str| Child { id: id.into(), name: name.into() };
        assert_eq!(page.children, [named("a", "Team Contacts"), named("b", "Other")]);
    }

    #[test]
    fn an_answer_without_a_listing_is_no_last_page() {
        assert_eq!(page(&envelope("<m:Other/>")), Page::default());
        assert_eq!(page("<html>"), Page::default());
    }

    #[test]
    fn half_the_rights_are_none() {
        let with =
            |inner: &str| seen(&envelope(&format!("<t:EffectiveRights>{inner}</t:EffectiveRights>"))).1;
        let all = "<t:CreateContents>0</t:CreateContents><t:Delete>false</t:Delete><t:Modify>1</t:Modify><t:Read>true</t:Read>";
        assert_eq!(with(all), Some(Rights { read: true, create: false, modify: true, delete: false }));
        assert_eq!(with("<t:Read>true</t:Read>"), None);
    }

    #[test]
    fn permissions_name_everybody_and_levels_of_both_kinds() {
        let text = envelope(
            "<t:PermissionSet><t:Permissions>\
             <t:Permission><t:UserId><t:DistinguishedUser>Default</t:DistinguishedUser></t:UserId>\
             <t:ReadItems>None</t:ReadItems><t:PermissionLevel>None</t:PermissionLevel></t:Permission>\
             <t:CalendarPermission><t:UserId><t:PrimarySmtpAddress>a@contoso.com</t:PrimarySmtpAddress></t:UserId>\
             <t:ReadItems>FullDetails</t:ReadItems><t:CalendarPermissionLevel>Custom</t:CalendarPermissionLevel>\
             </t:CalendarPermission></t:Permissions></t:PermissionSet>",
        );
        let found = permissions(&text).expect("shown");
        assert_eq!(found[0], Permission { who: Who::Default, level: "None".into(), reads: false });
        let address = Who::Address("a@contoso.com".into());
        assert_eq!(found[1], Permission { who: address, level: "Custom".into(), reads: true });
        assert_eq!(permissions(&envelope("<t:Folder/>")), None);
    }

    #[test]
    fn ids_are_escaped() {
        let mailbox = Mailbox::Own("a@contoso.com".into());
        let text = get_folder(&mailbox, RequestVersion::Exchange2013Sp1, "a\"<b", "folder:PermissionSet");
        assert!(text.contains("Id=\"a&quot;&lt;b\""), "{text}");
    }
}
