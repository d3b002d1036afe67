//! The change feeds: `SyncFolderHierarchy` and `SyncFolderItems`.

use roxmltree::Node;

use super::folders;
use super::item::{Extent, Shown};
use super::operations::{Context, first, list, part, respond, text_of};
use super::paths::Shape;
use super::public_folders;
use super::target::{self, Place, refusal};
use super::xml::{Fault, escape};
use crate::lab::store::{Change, ChangeKind, Mailbox, Refusal};

/// Changes of the hierarchy on one page.
const FOLDERS: usize = 2000;

/// `SyncFolderHierarchy`.
pub(super) fn hierarchy(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "FolderShape"));
    let id = part(operation, "SyncFolderId").and_then(first);
    let outcome = (|| {
        let place = match id {
            Some(id) if public_folders::wanted(id).is_some() => return Err(not_public()),
            Some(id) => target::folder(context, id).map_err(sync_folder)?,
            None => root(context)?,
        };
        context.store.read(place.row, |mailbox| {
            let page = mailbox.folder_changes(state(operation), FOLDERS).map_err(refusal)?;
            let below: Vec<&str> =
                mailbox.below(&place.folder, true).into_iter().map(|folder| folder.id.as_str()).collect();
            let changes = page
                .changes
                .iter()
                .filter(|change| change.kind == ChangeKind::Deleted || below.contains(&change.id.as_str()));
            let rows: String = changes.map(|change| folder_change(mailbox, change, &shape, &place)).collect();
            Ok(feed(&page.token, "IncludesLastFolderInRange", page.last, &rows))
        })
    })();
    respond("SyncFolderHierarchy", [outcome])
}

fn root<'a>(context: &Context<'a>) -> Result<Place<'a>, Fault> {
    let row = context.mailbox.ok_or_else(|| {
        Fault::new("ErrorMissingEmailAddress", "An account without a mailbox must name the folder.")
    })?;
    let folder =
        context.store.read(row, |mailbox| mailbox.default("msgfolderroot").map(|own| own.id.clone()));
    let folder = folder.ok_or_else(|| refusal(Refusal::NoFolder))?;
    Ok(Place { row, folder, level: target::level(context, row, None) })
}

fn state<'a>(operation: Node<'a, 'a>) -> Option<&'a str> {
    Some(text_of(operation, "SyncState")).filter(|state| !state.is_empty())
}

fn not_public() -> Fault {
    Fault::new("ErrorInvalidOperation", "The operation is not supported for public folders.")
}

/// A folder that is gone has its own code here.
fn sync_folder(fault: Fault) -> Fault {
    match fault.code() {
        "ErrorFolderNotFound" => Fault::new("ErrorSyncFolderNotFound", fault.message()),
        _ => fault,
    }
}

fn feed(state: &str, name: &str, last: bool, rows: &str) -> String {
    format!(
        "<m:SyncState>{}</m:SyncState><m:{name}>{last}</m:{name}><m:Changes>{rows}</m:Changes>",
        escape(state)
    )
}

fn folder_change(mailbox: &Mailbox, change: &Change, shape: &Shape, place: &Place) -> String {
    match mailbox.folder(&change.id) {
        Some(folder) => {
            let name = if change.kind == ChangeKind::Created { "Create" } else { "Update" };
            format!("<t:{name}>{}</t:{name}>", folders::element(mailbox, folder, shape, place.level))
        }
        None => format!("<t:Delete><t:FolderId Id=\"{}\"/></t:Delete>", change.id),
    }
}

/// `SyncFolderItems`.
pub(super) fn items(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "ItemShape"));
    let most = text_of(operation, "MaxChangesReturned").parse().unwrap_or(1);
    let ignored: Vec<&str> =
        list(operation, "Ignore").into_iter().filter_map(|id| id.attribute("Id")).collect();
    let outcome = (|| {
        let id = part(operation, "SyncFolderId").and_then(first);
        let id = id.ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))?;
        if public_folders::wanted(id).is_some() {
            return Err(not_public());
        }
        let place = target::folder(context, id).map_err(sync_folder)?;
        context.store.read(place.row, |mailbox| {
            let page = mailbox.item_changes(&place.folder, state(operation), most).map_err(refusal)?;
            let changes = page.changes.iter().filter(|change| !ignored.contains(&change.id.as_str()));
            let rows: String = changes.map(|change| item_change(mailbox, change, &shape, &place)).collect();
            Ok(feed(&page.token, "IncludesLastItemInRange", page.last, &rows))
        })
    })();
    respond("SyncFolderItems", [outcome])
}

fn item_change(mailbox: &Mailbox, change: &Change, shape: &Shape, place: &Place) -> String {
    let Some(item) = mailbox.item(&change.id).filter(|_| change.kind != ChangeKind::Deleted) else {
        return format!("<t:Delete><t:ItemId Id=\"{}\"/></t:Delete>", change.id);
    };
    let shown = Shown::item(mailbox, item);
    let name = match change.kind {
        ChangeKind::Read => {
            let read = item.content.read;
            return format!(
                "<t:ReadFlagChange>{}<t:IsRead>{read}</t:IsRead></t:ReadFlagChange>",
                shown.id_xml()
            );
        }
        ChangeKind::Created => "Create",
        _ => "Update",
    };
    format!("<t:{name}>{}</t:{name}>", shown.element(shape, place.level, Extent::Listed))
}
