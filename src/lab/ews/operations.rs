//! The operations: which there are, and what they have in common.

use roxmltree::Node;
use serde_json::Value;

use super::identity::Caller;
use super::reader::{Request, child};
use super::xml::{self, Fault, MESSAGES};
use super::{
    availability, find, folder_operations, item_operations, notifications, people, sync, time_zones,
};
use crate::lab::ask::Ask;
use crate::lab::store::Store;
use crate::lab::view::View;

/// Who asks for what.
pub(super) struct Context<'a> {
    /// The world.
    pub view: View<'a>,
    /// What stands in the mailboxes.
    pub store: &'a Store,
    /// The request.
    pub ask: &'a Ask,
    /// The caller.
    pub caller: &'a Caller,
    /// The impersonated mailbox, else the caller's own.
    pub mailbox: Option<&'a Value>,
    /// The mailbox is an impersonated one.
    pub impersonated: bool,
    /// Zone of times that have no offset.
    pub zone: &'a str,
}

/// Runs the operation of a request.
pub(super) fn run(context: &Context, request: &Request) -> Result<String, Fault> {
    let operation = request.operation;
    Ok(match operation.tag_name().name() {
        "GetFolder" => folder_operations::get(context, operation),
        "FindFolder" => folder_operations::find(context, operation),
        "CreateFolder" => folder_operations::create(context, operation),
        "UpdateFolder" => folder_operations::update(context, operation),
        "MoveFolder" => folder_operations::transfer(context, operation),
        "DeleteFolder" => folder_operations::delete(context, operation),
        "EmptyFolder" => folder_operations::empty(context, operation),
        "CreateItem" => item_operations::create(context, operation),
        "GetItem" => item_operations::get(context, operation),
        "UpdateItem" => item_operations::update(context, operation),
        "DeleteItem" => item_operations::delete(context, operation),
        "MoveItem" | "CopyItem" => item_operations::transfer(context, operation),
        "FindItem" => find::items(context, operation),
        "SyncFolderHierarchy" => sync::hierarchy(context, operation),
        "SyncFolderItems" => sync::items(context, operation),
        "Subscribe" => notifications::subscribe(context, operation),
        "GetEvents" => notifications::get_events(context, operation),
        "Unsubscribe" => notifications::unsubscribe(context, operation),
        "ResolveNames" => people::resolve_names(context, operation),
        "FindPeople" => people::find_people(context, operation)?,
        "GetUserAvailabilityRequest" => availability::get(context, operation)?,
        "GetUserOofSettingsRequest" => availability::oof_settings(context, operation),
        "GetServerTimeZones" => time_zones::get(operation),
        "ConvertId" => convert_id(operation),
        _ => return Err(Fault::new("ErrorInvalidRequest", "The request is invalid.")),
    })
}

/// The elements of a list of a request.
pub(super) fn list<'a>(operation: Node<'a, 'a>, name: &str) -> Vec<Node<'a, 'a>> {
    let list = child(operation, MESSAGES, name).into_iter();
    list.flat_map(|list| list.children().filter(Node::is_element)).collect()
}

/// A child of the operation.
pub(super) fn part<'a>(operation: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    child(operation, MESSAGES, name)
}

/// The text of a child of the operation; empty without one.
pub(super) fn text_of<'a>(operation: Node<'a, 'a>, name: &str) -> &'a str {
    part(operation, name).and_then(|node| node.text()).unwrap_or_default().trim()
}

/// The first element in a node.
pub(super) fn first<'a>(node: Node<'a, 'a>) -> Option<Node<'a, 'a>> {
    node.children().find(Node::is_element)
}

/// What a message of an operation must contain even where it failed.
pub(super) fn empty_payload(operation: &str) -> &'static str {
    match operation {
        "GetFolder" | "CreateFolder" | "UpdateFolder" | "MoveFolder" => "<m:Folders/>",
        "GetServerTimeZones" => "<m:TimeZoneDefinitions/>",
        "GetItem" | "CreateItem" | "UpdateItem" | "MoveItem" | "CopyItem" => "<m:Items/>",
        _ => "",
    }
}

/// One response message for each outcome: its payload or its fault.
pub(super) fn respond(operation: &str, outcomes: impl IntoIterator<Item = Result<String, Fault>>) -> String {
    let message = |outcome: Result<String, Fault>| match outcome {
        Ok(payload) => xml::success(operation, &payload),
        Err(fault) => failure(operation, &fault),
    };
    xml::response(operation, &outcomes.into_iter().map(message).collect::<String>())
}

/// A refusal as a response message.
pub(super) fn failure(operation: &str, fault: &Fault) -> String {
    xml::failure(operation, "Error", fault.code(), fault.message(), empty_payload(operation))
}

/// Ids of this server have one form only, so that nothing can be converted.
fn convert_id(operation: Node) -> String {
    let malformed = || Err(Fault::new("ErrorInvalidIdMalformed", "Id is malformed."));
    respond("ConvertId", list(operation, "SourceIds").into_iter().map(|_| malformed()))
}
