//! Public folders: who sees which, who may do what, and the headers that lead to their hierarchy.
//!
//! A folder is a row with its path and the levels of its permissions; folders above it are rows as
//! well. Only who owns a folder is shown its permissions.

use std::fmt::Write as _;

use roxmltree::Node;
use serde_json::{Value, json};

use super::operations::Context;
use super::paths::Shape;
use super::reader::child;
use super::xml::{Fault, MESSAGES, TYPES, escape};
use crate::lab::access;
use crate::lab::levels::{Level, NONE, level_of};
use crate::lab::names::made_up;
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

/// Refuses where the caller does not get at the public folders at all.
pub(super) fn gate(context: &Context) -> Result<(), Fault> {
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
    let keeper = view.at("exchange.public_folder_mailbox");
    let led = |header: &str, name: &str| {
        context.ask.header(header).is_some_and(|value| value.eq_ignore_ascii_case(text(keeper, name)))
    };
    if keeper.is_object() && !(led("x-anchormailbox", "address") && led("x-publicfoldermailbox", "server")) {
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
    let mut xml = format!("<t:{kind}><t:FolderId Id=\"{}\" ChangeKey=\"AQAAABYAAAB1AAAA\"/>", id(folder));
    let mut put = |name: &str, in_default: bool, value: &str| {
        if shape.shows(name, in_default) {
            write!(xml, "<t:{name}>{value}</t:{name}>").expect("writing to a String cannot fail");
        }
    };
    put("FolderClass", false, class);
    put("DisplayName", true, &escape(name(folder)));
    put("TotalCount", true, "0");
    put("ChildFolderCount", true, &children.count().to_string());
    put("EffectiveRights", false, &rights(granted(context, folder)));
    if shape.names("PermissionSet") {
        put("PermissionSet", false, &permissions(context.view, folder, kind == "CalendarFolder"));
    }
    xml + &format!("</t:{kind}>")
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

/// The items of a folder: the lab's public folders are empty.
pub(super) fn items(context: &Context, id: Node) -> Result<String, Fault> {
    gate(context)?;
    if let Some(Wanted::Id(wanted)) = wanted(id) {
        let folder = find(context, &wanted)?;
        if !granted(context, folder).may('r') {
            return Err(Fault::new(
                "ErrorAccessDenied",
                "Access is denied. Check credentials and try again.",
            ));
        }
    }
    let root = "IndexedPagingOffset=\"0\" TotalItemsInView=\"0\" IncludesLastItemInRange=\"true\"";
    Ok(format!("<m:RootFolder {root}><t:Items/></m:RootFolder>"))
}
