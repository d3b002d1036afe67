//! The operations: folders, an empty list of items, and name resolution.

use roxmltree::Node;
use serde_json::Value;

use super::folders::{self, Folder, Shape};
use super::gates::{self, delegate};
use super::identity::Caller;
use super::public_folders;
use super::reader::{Request, child};
use super::xml::{self, Fault, MESSAGES, TYPES, escape};
use crate::lab::access;
use crate::lab::ask::Ask;
use crate::lab::view::{View, answers_to, has, text};

/// Who asks for what.
pub(super) struct Context<'a> {
    /// The world.
    pub view: View<'a>,
    /// The request.
    pub ask: &'a Ask,
    /// The caller.
    pub caller: &'a Caller,
    /// The impersonated mailbox, else the caller's own.
    pub mailbox: Option<&'a Value>,
    /// The mailbox is an impersonated one.
    pub impersonated: bool,
}

/// A folder that a request found.
type Opened<'a> = (&'a Value, &'static Folder);

/// Runs the operation of a request.
pub(super) fn run(context: &Context, request: &Request) -> Result<String, Fault> {
    let operation = request.operation;
    match operation.tag_name().name() {
        "GetFolder" => Ok(get_folder(context, operation)),
        "FindFolder" => Ok(find_folder(context, operation)),
        "FindItem" => Ok(find_item(context, operation)),
        "ResolveNames" => Ok(resolve_names(context, operation)),
        "ConvertId" => Ok(convert_id(operation)),
        _ => Err(Fault::new("ErrorInvalidRequest", "The request is invalid.")),
    }
}

/// Folder ids of a request.
fn ids<'a>(operation: Node<'a, 'a>, list: &str) -> Vec<Node<'a, 'a>> {
    let list = child(operation, MESSAGES, list).into_iter();
    list.flat_map(|list| list.children().filter(Node::is_element)).collect()
}

/// The folder behind an id, when the caller may open it.
fn open<'a>(context: &Context<'a>, id: Node) -> Result<Opened<'a>, Fault> {
    let own = context.mailbox.ok_or_else(|| {
        let text = "When making a request as an account that does not have a mailbox, you must specify the mailbox primary \
            SMTP address for any distinguished folder Ids.";
        Fault::new("ErrorMissingEmailAddress", text)
    });
    let value = id.attribute("Id").unwrap_or_default();
    if id.has_tag_name((TYPES, "FolderId")) {
        return by_id(context, value);
    }
    let address =
        id.descendants().find(|node| node.has_tag_name((TYPES, "EmailAddress"))).and_then(|node| node.text());
    let mailbox = match address.map(str::trim) {
        None => own?,
        Some(address) => other(context, address, value)?,
    };
    if let Some(error) = gates::error_of(context.view, mailbox, context.impersonated) {
        let message = gates::message_of(error).unwrap_or("The request could not be completed.");
        return Err(Fault::new(text(error, "code"), message));
    }
    let found = folders::distinguished(value).map(|folder| (mailbox, folder));
    found.ok_or_else(|| {
        Fault::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    })
}

fn by_id<'a>(context: &Context<'a>, id: &str) -> Result<Opened<'a>, Fault> {
    if !folders::is_id(id) {
        return Err(Fault::new("ErrorInvalidIdMalformed", "Id is malformed."));
    }
    let all = context.view.rows("exchange.mailboxes").into_iter();
    let mut found = all.filter_map(|mailbox| Some((mailbox, folders::by_id(mailbox, id)?)));
    let found = found.find(|(mailbox, _)| may_open(context, mailbox));
    found.ok_or_else(|| {
        Fault::new("ErrorFolderNotFound", "The specified folder could not be found in the store.")
    })
}

/// Another mailbox that a distinguished folder names.
fn other<'a>(context: &Context<'a>, address: &str, folder: &str) -> Result<&'a Value, Fault> {
    let all = context.view.mailboxes_named(address).into_iter();
    let mut known =
        all.filter(|mailbox| gates::served(context.view, mailbox) && answers_to(mailbox, address));
    let mailbox = known.next().ok_or_else(gates::no_mailbox)?;
    let by_folder = !context.impersonated
        && matches!(context.caller, Caller::User { name, .. }
            if access::reads_folder(context.view, mailbox, folder, name));
    if by_folder || may_open(context, mailbox) {
        return Ok(mailbox);
    }
    Err(Fault::new("ErrorAccessDenied", "Access is denied. Check credentials and try again."))
}

/// Whether the acting identity may open a mailbox: as the impersonated one, its own or by full access.
fn may_open(context: &Context, mailbox: &Value) -> bool {
    let acting = context
        .mailbox
        .is_some_and(|own| has(own, "PrimarySmtpAddress", text(mailbox, "PrimarySmtpAddress")));
    acting || (!context.impersonated && delegate(context.view, context.caller, mailbox))
}

fn get_folder(context: &Context, operation: Node) -> String {
    let shape = Shape::read(child_of(operation, "FolderShape"));
    let messages = ids(operation, "FolderIds").into_iter().map(|id| {
        let found = match public_folders::wanted(id) {
            Some(wanted) => public_folders::get(context, &wanted, &shape),
            None => open(context, id).map(|(mailbox, folder)| folders::element(mailbox, folder, &shape)),
        };
        match found {
            Ok(folder) => xml::success("GetFolder", &format!("<m:Folders>{folder}</m:Folders>")),
            Err(fault) => public_folders::failure("GetFolder", &fault),
        }
    });
    xml::response("GetFolder", &messages.collect::<String>())
}

fn find_folder(context: &Context, operation: Node) -> String {
    let shape = Shape::read(child_of(operation, "FolderShape"));
    let deep = operation.attribute("Traversal") == Some("Deep");
    let messages = ids(operation, "ParentFolderIds").into_iter().map(|id| {
        let found = match public_folders::wanted(id) {
            Some(wanted) => public_folders::below(context, &wanted, operation, &shape),
            None => open(context, id).map(|(mailbox, folder)| level(mailbox, folder, deep, &shape)),
        };
        match found {
            Ok(payload) => xml::success("FindFolder", &payload),
            Err(fault) => public_folders::failure("FindFolder", &fault),
        }
    });
    xml::response("FindFolder", &messages.collect::<String>())
}

/// The folders below one of a mailbox.
fn level(mailbox: &Value, folder: &Folder, deep: bool, shape: &Shape) -> String {
    let found = folders::below(folder, deep);
    let rows: String = found.iter().map(|folder| folders::element(mailbox, folder, shape)).collect();
    format!(
        "<m:RootFolder IndexedPagingOffset=\"{0}\" TotalItemsInView=\"{0}\" IncludesLastItemInRange=\"true\">\
         <t:Folders>{rows}</t:Folders></m:RootFolder>",
        found.len()
    )
}

fn find_item(context: &Context, operation: Node) -> String {
    let messages = ids(operation, "ParentFolderIds").into_iter().map(|id| match open(context, id) {
        Ok(_) => {
            let payload = "<m:RootFolder IndexedPagingOffset=\"0\" TotalItemsInView=\"0\" IncludesLastItemInRange=\"true\">\
                <t:Items/></m:RootFolder>";
            xml::success("FindItem", payload)
        }
        Err(fault) => xml::failure("FindItem", "Error", fault.code(), fault.message(), ""),
    });
    xml::response("FindItem", &messages.collect::<String>())
}

fn child_of<'a>(operation: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    child(operation, MESSAGES, name)
}

/// Ids of this server have one form only, so that nothing can be converted.
fn convert_id(operation: Node) -> String {
    let messages = ids(operation, "SourceIds")
        .into_iter()
        .map(|_| xml::failure("ConvertId", "Error", "ErrorInvalidIdMalformed", "Id is malformed.", ""));
    xml::response("ConvertId", &messages.collect::<String>())
}

/// Resolves against the address list: equal addresses, or the beginning of a name.
fn resolve_names(context: &Context, operation: Node) -> String {
    let entry = child_of(operation, "UnresolvedEntry")
        .and_then(|node| node.text())
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let bare = entry.strip_prefix("smtp:").unwrap_or(&entry);
    let all = context.view.rows("exchange.mailboxes").into_iter();
    let found: Vec<&Value> = all
        .filter(|mailbox| {
            mailbox["x"]["soft_deleted"] != true && mailbox["HiddenFromAddressListsEnabled"] != true
        })
        .filter(|mailbox| {
            let shown = text(mailbox, "DisplayName").to_lowercase();
            let words = shown.split_whitespace().any(|word| word.starts_with(bare));
            answers_to(mailbox, bare) || words || shown.starts_with(bare)
        })
        .collect();
    let rows: String = found.iter().map(|mailbox| resolution(mailbox)).collect();
    let set = format!(
        "<m:ResolutionSet TotalItemsInView=\"{}\" IncludesLastItemInRange=\"true\">{rows}</m:ResolutionSet>",
        found.len()
    );
    let warn = |code: &str, text: &str, set: &str| xml::failure("ResolveNames", "Warning", code, text, set);
    let message = match found.len() {
        0 => xml::failure(
            "ResolveNames",
            "Error",
            "ErrorNameResolutionNoResults",
            "No results were found.",
            "",
        ),
        1 => xml::success("ResolveNames", &set),
        _ => warn("ErrorNameResolutionMultipleResults", "Multiple results were found.", &set),
    };
    xml::response("ResolveNames", &message)
}

fn resolution(mailbox: &Value) -> String {
    format!(
        "<t:Resolution><t:Mailbox><t:Name>{}</t:Name><t:EmailAddress>{}</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>\
         <t:MailboxType>Mailbox</t:MailboxType></t:Mailbox></t:Resolution>",
        escape(text(mailbox, "DisplayName")),
        escape(text(mailbox, "PrimarySmtpAddress"))
    )
}
