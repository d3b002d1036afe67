//! The operations on folders.

use roxmltree::Node;

use super::folders;
use super::operations::{Context, first, list, part, respond};
use super::paths::{self, Path, Shape};
use super::restriction::Restriction;
use super::target::{self, Place, denied, present, refusal};
use super::xml::{Fault, TYPES};
use super::{paging, public_folders};
use crate::lab::store::{Deletion, Extended, Folder, Mailbox, NewFolder};

/// `GetFolder`.
pub(super) fn get(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "FolderShape"));
    let found = list(operation, "FolderIds").into_iter().map(|id| {
        let folder = if let Some(wanted) = public_folders::wanted(id) {
            public_folders::get(context, &wanted, &shape)?
        } else {
            let place = target::folder(context, id)?;
            context.store.read(place.row, |mailbox| shown(mailbox, &place, &shape))?
        };
        Ok(format!("<m:Folders>{folder}</m:Folders>"))
    });
    respond("GetFolder", found)
}

fn shown(mailbox: &Mailbox, place: &Place, shape: &Shape) -> Result<String, Fault> {
    Ok(folders::element(mailbox, present(mailbox, &place.folder)?, shape, place.level))
}

/// `FindFolder`.
pub(super) fn find(context: &Context, operation: Node) -> String {
    let shape = Shape::read(part(operation, "FolderShape"));
    let found = list(operation, "ParentFolderIds").into_iter().map(|id| match public_folders::wanted(id) {
        Some(wanted) => public_folders::below(context, &wanted, operation, &shape),
        None => below(context, operation, id, &shape),
    });
    respond("FindFolder", found)
}

fn below(context: &Context, operation: Node, id: Node, shape: &Shape) -> Result<String, Fault> {
    let place = target::folder(context, id)?;
    let deep = operation.attribute("Traversal") == Some("Deep");
    let restriction = Restriction::read(part(operation, "Restriction"))?;
    context.store.read(place.row, |mailbox| {
        let found = mailbox.below(&place.folder, deep).into_iter();
        let found: Vec<&Folder> =
            found.filter(|folder| restriction.fits(&|path| value(mailbox, folder, path))).collect();
        let (page, root) = paging::page(operation, found);
        let rows: String =
            page.iter().map(|folder| folders::element(mailbox, folder, shape, place.level)).collect();
        Ok(format!("<m:RootFolder {root}><t:Folders>{rows}</t:Folders></m:RootFolder>"))
    })
}

/// A property of a folder as text, for comparisons.
fn value(mailbox: &Mailbox, folder: &Folder, path: &Path) -> Option<String> {
    match path {
        Path::Extended(name, kind) => {
            folders::extended(mailbox, folder, name, kind)?.values.into_iter().next()
        }
        Path::Indexed(..) => None,
        Path::Field(uri) => Some(match uri.as_str() {
            "folder:DisplayName" => folder.shown.clone(),
            "folder:FolderClass" => folder.class.clone(),
            "folder:FolderId" => folder.id.clone(),
            "folder:ParentFolderId" => folder.parent.clone()?,
            "folder:TotalCount" => mailbox.items_in(&folder.id).len().to_string(),
            "folder:ChildFolderCount" => mailbox.below(&folder.id, false).len().to_string(),
            _ => return None,
        }),
    }
}

/// `CreateFolder`.
pub(super) fn create(context: &Context, operation: Node) -> String {
    let parent = part(operation, "ParentFolderId").and_then(first);
    let made = list(operation, "Folders").into_iter().map(|folder| {
        let parent = parent.ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))?;
        if public_folders::wanted(parent).is_some() {
            return Err(Fault::new(
                "ErrorCreateSubfolderAccessDenied",
                "You don't have permission to create a folder.",
            ));
        }
        let place = target::locate(context, parent)?;
        if !place.level.may('f') {
            return Err(Fault::new(
                "ErrorCreateSubfolderAccessDenied",
                "You don't have permission to create a subfolder.",
            ));
        }
        let new = NewFolder { by: target::actor(context), ..described(folder, &place.folder)? };
        context.store.write(place.row, |mailbox| {
            let id = mailbox.create_folder(new).map_err(refusal)?;
            Ok(format!("<m:Folders>{}</m:Folders>", only_id(mailbox, &id)))
        })
    });
    respond("CreateFolder", made)
}

/// The folder that an element describes.
fn described(node: Node, parent: &str) -> Result<NewFolder, Fault> {
    let text = |name: &str| {
        let child = node.children().find(|child| child.has_tag_name((TYPES, name)));
        child.and_then(|child| child.text()).unwrap_or_default().to_owned()
    };
    let (shown, class) = (text("DisplayName"), text("FolderClass"));
    if shown.is_empty() {
        return Err(Fault::new("ErrorInvalidPropertySet", "A folder must have a display name."));
    }
    let element = node.tag_name().name();
    let class = if class.is_empty() { folders::class_of(element).to_owned() } else { class };
    if element != "Folder" && folders::element_of(&class) != element {
        return Err(Fault::new("ErrorInvalidFolderClass", "The folder class does not fit the folder."));
    }
    let properties = node.children().filter(|child| child.has_tag_name((TYPES, "ExtendedProperty")));
    let extended: Extended = properties.filter_map(paths::extended).collect();
    Ok(NewFolder { parent: parent.to_owned(), shown, class, extended, by: String::new() })
}

fn only_id(mailbox: &Mailbox, id: &str) -> String {
    let element = mailbox.folder(id).map_or("Folder", |folder| folders::element_of(&folder.class));
    format!("<t:{element}>{}</t:{element}>", folders::id_xml(mailbox, "FolderId", id))
}

/// `UpdateFolder`.
pub(super) fn update(context: &Context, operation: Node) -> String {
    let changed = list(operation, "FolderChanges").into_iter().map(|change| {
        let mut parts = change.children().filter(Node::is_element);
        let (id, updates) = (parts.next(), parts.next());
        let id = id.ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))?;
        let place = target::folder(context, id)?;
        if !place.level.may('f') {
            return Err(denied());
        }
        let key = id.attribute("ChangeKey").filter(|key| !key.is_empty());
        context.store.write(place.row, |mailbox| {
            let expected = key.and_then(|key| folders::change_in(mailbox, key));
            let Folder { mut shown, mut class, mut extended, .. } = present(mailbox, &place.folder)?.clone();
            let mut all = updates.into_iter().flat_map(|updates| updates.children().filter(Node::is_element));
            all.try_for_each(|update| apply(update, &mut shown, &mut class, &mut extended))?;
            let done = mailbox.update_folder(&place.folder, expected, |to_shown, to_class, to_extended| {
                (*to_shown, *to_class, *to_extended) = (shown, class, extended);
            });
            done.map_err(refusal)?;
            Ok(format!("<m:Folders>{}</m:Folders>", only_id(mailbox, &place.folder)))
        })
    });
    respond("UpdateFolder", changed)
}

fn apply(update: Node, shown: &mut String, class: &mut String, extended: &mut Extended) -> Result<(), Fault> {
    let Some(path) = Path::below(update) else {
        return Err(Fault::new("ErrorInvalidRequest", "The request is invalid."));
    };
    let set = update.has_tag_name((TYPES, "SetFolderField"));
    let object = update.children().filter(Node::is_element).nth(1);
    let node = object.and_then(|object| first(object));
    match (path, set, node) {
        (Path::Extended(name, _), false, _) => {
            extended.remove(&name);
        }
        (Path::Extended(..), true, Some(node)) => extended.set(paths::extended(node).ok_or_else(mismatch)?),
        (Path::Field(uri), true, Some(node)) => {
            let text = node.text().unwrap_or_default().to_owned();
            match (uri.as_str(), node.tag_name().name()) {
                ("folder:DisplayName", "DisplayName") => *shown = text,
                ("folder:FolderClass", "FolderClass") => *class = text,
                _ => return Err(Fault::new("ErrorInvalidPropertySet", "The property cannot be set.")),
            }
        }
        (Path::Field(_) | Path::Indexed(..), false, _) => {
            return Err(Fault::new("ErrorInvalidPropertyDelete", "The property cannot be deleted."));
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}

fn mismatch() -> Fault {
    Fault::new("ErrorUpdatePropertyMismatch", "The path does not match the property that is set.")
}

/// `MoveFolder`.
pub(super) fn transfer(context: &Context, operation: Node) -> String {
    let to = part(operation, "ToFolderId").and_then(first);
    let moved = list(operation, "FolderIds").into_iter().map(|id| {
        let to = to.ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))?;
        let (place, to) = (target::folder(context, id)?, target::locate(context, to)?);
        if !place.level.may('a') || !to.level.may('f') {
            return Err(denied());
        }
        context.store.write(place.row, |mailbox| {
            let done = mailbox.move_folder(&place.folder, &to.folder);
            done.map_err(|refused| match refused {
                crate::lab::store::Refusal::DefaultFolder => {
                    Fault::new("ErrorMoveDistinguishedFolder", "Distinguished folders cannot be moved.")
                }
                other => refusal(other),
            })?;
            Ok(format!("<m:Folders>{}</m:Folders>", only_id(mailbox, &place.folder)))
        })
    });
    respond("MoveFolder", moved)
}

/// The way of deleting that an operation asks for.
pub(super) fn deletion(operation: Node) -> Deletion {
    match operation.attribute("DeleteType") {
        Some("HardDelete") => Deletion::Hard,
        Some("SoftDelete") => Deletion::Soft,
        _ => Deletion::ToDeletedItems,
    }
}

/// `DeleteFolder`.
pub(super) fn delete(context: &Context, operation: Node) -> String {
    let deleted = list(operation, "FolderIds").into_iter().map(|id| {
        let place = target::folder(context, id)?;
        if !place.level.may('a') || !place.level.may('f') {
            return Err(denied());
        }
        let done = context
            .store
            .write(place.row, |mailbox| mailbox.delete_folder(&place.folder, deletion(operation)));
        done.map(|()| String::new()).map_err(refusal)
    });
    respond("DeleteFolder", deleted)
}

/// `EmptyFolder`.
pub(super) fn empty(context: &Context, operation: Node) -> String {
    let folders_too = matches!(operation.attribute("DeleteSubFolders"), Some("true" | "1"));
    let emptied = list(operation, "FolderIds").into_iter().map(|id| {
        if public_folders::wanted(id).is_some() {
            return Err(Fault::new("ErrorCannotEmptyFolder", "The folder cannot be emptied."));
        }
        let place = target::folder(context, id)?;
        if !place.level.may('a') {
            return Err(denied());
        }
        let how = deletion(operation);
        let done =
            context.store.write(place.row, |mailbox| mailbox.empty_folder(&place.folder, how, folders_too));
        done.map(|()| String::new())
            .map_err(|_| Fault::new("ErrorCannotEmptyFolder", "The folder cannot be emptied."))
    });
    respond("EmptyFolder", emptied)
}
