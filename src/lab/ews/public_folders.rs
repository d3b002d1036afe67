//! Public folders: who sees which, who may do what, and the headers that lead to their hierarchy.
//!
//! A folder is a row with its path and the levels of its permissions; folders above it are rows as
//! well. Only who owns a folder is shown its permissions.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use roxmltree::Node;
use serde_json::{Value, json};

use super::operations::Context;
use super::paths::{Shape, extended_xml};
use super::reader::child;
use super::xml::{Fault, MESSAGES, TYPES, escape};
use crate::lab::access;
use crate::lab::levels::{Level, NONE, level_of};
use crate::lab::names::made_up;
use crate::lab::store::{Property, PropertyName};
use crate::lab::view::{View, text};

/// A folder id of a request that means public folders: the root, or one of them.
pub(super) enum Wanted {
    Root,
    Id(String),
}

/// Whether an id means public folders.
pub(super) fn wanted(id: Node) -> Option<Wanted> {
    let value = id.attribute("Id").unwrap_or_default();
    if id.has_tag_name((TYPES, "FolderId")) {
        return value.starts_with("AAEu").then(|| Wanted::Id(value.to_owned()));
    }
    (value == "publicfoldersroot").then_some(Wanted::Root)
}

/// Refuses where the caller does not get at the hierarchy.
pub(super) fn gate(context: &Context) -> Result<(), Fault> {
    let keeper = context.view.at("exchange.public_folder_mailbox");
    led(context, keeper.is_object().then(|| (text(keeper, "address"), text(keeper, "server"))))
}

/// Refuses where the caller does not get at the public folders at all, or is not led to the mailbox that
/// keeps what is asked for: the values of the two headers.
fn led(context: &Context, to: Option<(&str, &str)>) -> Result<(), Fault> {
    let view = context.view;
    let state = text(view.at("exchange.organization"), "PublicFoldersEnabled");
    let none = state == "None" || state == "Remote" || (state.is_empty() && super::online(view));
    let Some(mailbox) = context.mailbox.filter(|_| !none) else {
        let text = "There are no public folder servers available.";
        return Err(Fault::new("ErrorNoPublicFolderServerAvailable", text));
    };
    let user = view.user(text(mailbox, "UserPrincipalName"));
    if super::online(view) && !user.is_some_and(|user| access::carries_public_folders(view, user)) {
        // Assumed: no source shows how a plan without public folders is refused.
        return Err(Fault::new("ErrorAccessDenied", "Access is denied. Check credentials and try again."));
    }
    let has = |header: &str, wanted: &str| {
        context.ask.header(header).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    if to.is_some_and(|(anchor, mailbox)| {
        !(has("x-anchormailbox", anchor) && has("x-publicfoldermailbox", mailbox))
    }) {
        // Assumed: the documents demand both headers and do not say what comes without them.
        return Err(Fault::new("ErrorPublicFolderOperationFailed", "The public folder operation failed."));
    }
    Ok(())
}

fn all(view: View<'_>) -> Vec<&Value> {
    view.rows("exchange.public_folders")
}

fn id(folder: &Value) -> String {
    format!("AAEu{}AAA=", made_up(&["public-folder", text(folder, "path")]).replace('-', ""))
}

/// The mailbox that keeps a folder's items: its id and its address. Without one of its own it is that of
/// the hierarchy; where nobody told of that one, nothing is led anywhere.
fn keeper<'a>(view: View<'a>, folder: &'a Value) -> Option<(&'a str, &'a str)> {
    let own = &folder["content"];
    if own.is_object() {
        return Some((text(own, "guid"), text(own, "address")));
    }
    let hierarchy = view.at("exchange.public_folder_mailbox");
    let guid = text(hierarchy, "server").split('@').next().unwrap_or_default();
    hierarchy.is_object().then(|| (guid, text(hierarchy, "address")))
}

/// The address of a mailbox that keeps items, by its id in place of a name.
pub(super) fn keeper_at<'a>(view: View<'a>, address: &str) -> Option<&'a str> {
    let wanted = address.split_once('@')?.0;
    let mut keepers = all(view).into_iter().filter_map(|folder| keeper(view, folder));
    keepers.find(|(guid, _)| guid.eq_ignore_ascii_case(wanted)).map(|(_, address)| address)
}

fn parent_path(folder: &Value) -> &str {
    text(folder, "path").rsplit_once('\\').map_or("", |(above, _)| above)
}

fn name(folder: &Value) -> &str {
    text(folder, "path").rsplit('\\').next().unwrap_or_default()
}

/// The level that a folder gives to the acting mailbox: its own, that of a group, else everybody's.
fn granted(context: &Context, folder: &Value) -> &'static Level {
    let Some(mailbox) = context.mailbox else { return NONE };
    let given = || folder["permissions"].as_object().into_iter().flatten();
    let holds = |holder: &str| {
        let own = context.view.named("exchange.mailboxes", holder);
        let same =
            own.is_some_and(|own| text(own, "PrimarySmtpAddress") == text(mailbox, "PrimarySmtpAddress"));
        same || (own.is_none() && context.view.reaches(&json!([holder]), mailbox))
    };
    let named = given().find(|(holder, _)| holds(holder));
    let everybody = given().find(|(holder, _)| *holder == "Default");
    named.or(everybody).map_or(NONE, |(_, level)| level_of(level.as_str().unwrap_or_default()))
}

fn visible(context: &Context, folder: &Value) -> bool {
    granted(context, folder).name != "None"
}

fn find<'a>(context: &Context<'a>, wanted: &str) -> Result<&'a Value, Fault> {
    let mut all = all(context.view).into_iter();
    let found = all.find(|folder| id(folder) == wanted && visible(context, folder));
    found.ok_or_else(|| {
        Fault::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    })
}

/// One folder, as an element.
pub(super) fn get(context: &Context, wanted: &Wanted, shape: &Shape) -> Result<String, Fault> {
    gate(context)?;
    match wanted {
        Wanted::Root => Ok(root()),
        Wanted::Id(wanted) => {
            let folder = find(context, wanted)?;
            let shown = shape.names("PermissionSet");
            if shown && granted(context, folder).name != "Owner" {
                let text = "Access is denied. Check credentials and try again.";
                return Err(Fault::new("ErrorAccessDenied", text));
            }
            Ok(element(context, folder, shape))
        }
    }
}

fn root() -> String {
    let id = made_up(&["public-folder", ""]).replace('-', "");
    format!("<t:Folder><t:FolderId Id=\"AAEu{id}AAA=\" ChangeKey=\"AQAAABYAAAB0AAAA\"/></t:Folder>")
}

/// The folders below another: one page of those that the caller may see.
pub(super) fn below(
    context: &Context,
    wanted: &Wanted,
    operation: Node,
    shape: &Shape,
) -> Result<String, Fault> {
    gate(context)?;
    if operation.attribute("Traversal") != Some("Shallow") {
        return Err(Fault::new(
            "ErrorInvalidOperation",
            "The operation is not supported for public folders.",
        ));
    }
    let above = match wanted {
        Wanted::Root => "",
        Wanted::Id(wanted) => text(find(context, wanted)?, "path"),
    };
    let shown: Vec<&Value> = all(context.view)
        .into_iter()
        .filter(|folder| parent_path(folder) == above && visible(context, folder))
        .collect();
    let view = child(operation, MESSAGES, "IndexedPageFolderView");
    let number =
        |name| view.and_then(|view| view.attribute(name)).and_then(|text| text.parse::<usize>().ok());
    let (offset, most) = (number("Offset").unwrap_or(0), number("MaxEntriesReturned").unwrap_or(1000));
    let page = shown.iter().skip(offset).take(most);
    let rows: String = page.map(|folder| element(context, folder, shape)).collect();
    let next = shown.len().min(offset + most);
    Ok(format!(
        "<m:RootFolder IndexedPagingOffset=\"{next}\" TotalItemsInView=\"{}\" IncludesLastItemInRange=\"{}\">\
         <t:Folders>{rows}</t:Folders></m:RootFolder>",
        shown.len(),
        next == shown.len()
    ))
}

/// A folder, its properties in the order of the schema.
fn element(context: &Context, folder: &Value, shape: &Shape) -> String {
    let class = folder["class"].as_str().unwrap_or("IPF.Note");
    let kind = match class {
        "IPF.Contact" => "ContactsFolder",
        "IPF.Appointment" => "CalendarFolder",
        _ => "Folder",
    };
    let children = all(context.view).into_iter().filter(|other| parent_path(other) == text(folder, "path"));
    let put = |name: &str, in_default: bool, value: &str| {
        if shape.shows(name, in_default) { format!("<t:{name}>{value}</t:{name}>") } else { String::new() }
    };
    let permissions = || permissions(context.view, folder, kind == "CalendarFolder");
    let properties = [
        format!("<t:FolderId Id=\"{}\" ChangeKey=\"AQAAABYAAAB1AAAA\"/>", id(folder)),
        put("FolderClass", false, class),
        put("DisplayName", true, &escape(name(folder))),
        put("TotalCount", true, &contents(folder).len().to_string()),
        put("ChildFolderCount", true, &children.count().to_string()),
        replicas(context.view, folder, shape),
        put("EffectiveRights", false, &rights(granted(context, folder))),
        if shape.names("PermissionSet") {
            put("PermissionSet", false, &permissions())
        } else {
            String::new()
        },
    ];
    format!("<t:{kind}>{}</t:{kind}>", properties.concat())
}

/// The list of replicas as Exchange keeps it: the id of the mailbox as text, ended by a zero.
fn replicas(view: View, folder: &Value, shape: &Shape) -> String {
    let asked = shape.extended().find(|(name, _)| **name == PropertyName::Tag(0x6698));
    let Some(((name, kind), (guid, _))) = asked.zip(keeper(view, folder)) else { return String::new() };
    let value = STANDARD.encode(format!("{guid}\0"));
    extended_xml(&Property { name: name.clone(), kind: kind.to_owned(), values: vec![value] })
}

fn rights(level: &Level) -> String {
    format!(
        "<t:CreateAssociated>{}</t:CreateAssociated><t:CreateContents>{}</t:CreateContents>\
         <t:CreateHierarchy>{}</t:CreateHierarchy><t:Delete>{own}</t:Delete><t:Modify>{own}</t:Modify>\
         <t:Read>{}</t:Read>",
        level.name == "Owner",
        level.may('c'),
        level.may('f'),
        level.may('r'),
        own = level.may('o')
    )
}

fn permissions(view: View, folder: &Value, calendar: bool) -> String {
    let kind = if calendar { "Calendar" } else { "" };
    let given = folder["permissions"].as_object().into_iter().flatten();
    let mut rows = String::new();
    for (holder, level) in given.filter_map(|(holder, level)| Some((holder, level_of(level.as_str()?)))) {
        let name = if level.name == "FolderVisible" { "Custom" } else { level.name };
        write!(
            rows,
            "<t:{kind}Permission><t:UserId>{}</t:UserId>{}<t:{kind}PermissionLevel>{name}</t:{kind}PermissionLevel>\
             </t:{kind}Permission>",
            holder_of(view, holder),
            actions(level),
        )
        .expect("writing to a String cannot fail");
    }
    format!("<t:{kind}Permissions>{rows}</t:{kind}Permissions>")
}

fn holder_of(view: View, holder: &str) -> String {
    if matches!(holder, "Default" | "Anonymous") {
        return format!("<t:DistinguishedUser>{holder}</t:DistinguishedUser>");
    }
    let found = view.named("exchange.mailboxes", holder);
    let address = found.map_or(holder, |mailbox| text(mailbox, "PrimarySmtpAddress"));
    let shown = found.map_or(holder, |mailbox| text(mailbox, "DisplayName"));
    format!(
        "<t:PrimarySmtpAddress>{}</t:PrimarySmtpAddress><t:DisplayName>{}</t:DisplayName>",
        escape(address),
        escape(shown)
    )
}

fn actions(level: &Level) -> String {
    let items = match (level.may('a'), level.may('o')) {
        (true, _) => "All",
        (_, true) => "Owned",
        _ => "None",
    };
    format!(
        "<t:CanCreateItems>{}</t:CanCreateItems><t:CanCreateSubFolders>{}</t:CanCreateSubFolders>\
         <t:IsFolderOwner>{owner}</t:IsFolderOwner><t:IsFolderVisible>{}</t:IsFolderVisible>\
         <t:IsFolderContact>{owner}</t:IsFolderContact><t:EditItems>{items}</t:EditItems>\
         <t:DeleteItems>{items}</t:DeleteItems><t:ReadItems>{}</t:ReadItems>",
        level.may('c'),
        level.may('f'),
        level.name != "None",
        if level.may('r') { "FullDetails" } else { "None" },
        owner = level.name == "Owner",
    )
}

/// Subjects of the items of a folder.
fn contents(folder: &Value) -> Vec<&str> {
    folder["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// A folder whose items the caller may read, and is led to.
fn readable<'a>(context: &Context<'a>, wanted: &str) -> Result<&'a Value, Fault> {
    let found = all(context.view).into_iter().find(|folder| id(folder) == wanted);
    let route = found.and_then(|folder| keeper(context.view, folder));
    led(context, route.map(|(_, address)| (address, address)))?;
    let folder = find(context, wanted)?;
    if !granted(context, folder).may('r') {
        return Err(Fault::new("ErrorAccessDenied", "Access is denied. Check credentials and try again."));
    }
    if folder["content"]["broken"] == true {
        // Assumed: no source shows what a mailbox says that does not get at the items that it keeps.
        return Err(Fault::new("ErrorPublicFolderOperationFailed", "The public folder operation failed."));
    }
    Ok(folder)
}

/// The items of a folder, one page of them; the root holds none.
pub(super) fn items(context: &Context, id: Node, operation: Node) -> Result<String, Fault> {
    let rows: Vec<String> = if let Some(Wanted::Id(wanted)) = wanted(id) {
        let folder = readable(context, &wanted)?;
        contents(folder).iter().map(|subject| item_element(folder, subject)).collect()
    } else {
        gate(context)?;
        Vec::new()
    };
    let (page, root) = super::paging::page(operation, rows);
    Ok(format!("<m:RootFolder {root}><t:Items>{}</t:Items></m:RootFolder>", page.concat()))
}

fn item_id(folder: &Value, subject: &str) -> String {
    format!("AAEx{}AAA=", made_up(&["public-item", text(folder, "path"), subject]).replace('-', ""))
}

/// An item is told by its id alone.
fn item_element(folder: &Value, subject: &str) -> String {
    let kind = match folder["class"].as_str() {
        Some("IPF.Contact") => "Contact",
        Some("IPF.Appointment") => "CalendarItem",
        _ => "Message",
    };
    let id = item_id(folder, subject);
    format!("<t:{kind}><t:ItemId Id=\"{id}\" ChangeKey=\"AQAAABYAAAB2AAAA\"/></t:{kind}>")
}

/// Whether the id of an item means one in a public folder.
pub(super) fn is_item(id: Node) -> bool {
    id.attribute("Id").is_some_and(|id| id.starts_with("AAEx"))
}

/// One item, as an element.
pub(super) fn item(context: &Context, id_node: Node) -> Result<String, Fault> {
    let wanted = id_node.attribute("Id").unwrap_or_default();
    for folder in all(context.view) {
        if let Some(subject) = contents(folder).into_iter().find(|subject| item_id(folder, subject) == wanted)
        {
            return readable(context, &id(folder)).map(|folder| item_element(folder, subject));
        }
    }
    gate(context)?;
    Err(Fault::new("ErrorItemNotFound", "The specified object was not found in the store."))
}
