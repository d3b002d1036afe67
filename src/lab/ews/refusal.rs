//! Answers that a fault of the world gives in place of an operation: as Exchange refuses one thing, as it
//! refuses a whole request, and as a server with habits of its own does.

use roxmltree::{Document, Node};
use serde_json::Value;

use super::operations::empty_payload;
use super::xml::{self, Fault, MESSAGES, SOAP, TYPES, escape};
use super::{XML, reader};
use crate::lab::ask::Answer;

/// Lists of which each member gets a message of its own.
const LISTS: [&str; 7] =
    ["ItemIds", "FolderIds", "Items", "Folders", "ParentFolderIds", "ItemChanges", "FolderChanges"];

/// The refusal that `entry` describes (`code`, `text`, `form`, `values`, `back_off_ms`) of the request with
/// that body.
pub fn refused(entry: &Value, body: &[u8]) -> Answer {
    let code = entry["code"].as_str().unwrap_or("ErrorInternalServerError");
    let text = entry["text"].as_str().unwrap_or(match code {
        "ErrorServerBusy" => "The server cannot service this request right now. Try again later.",
        "ErrorAccessDenied" => "Access is denied. Check credentials and try again.",
        _ => "An internal server error occurred. The operation failed.",
    });
    match entry["form"].as_str() {
        Some("fault") => {
            let mut fault = Fault::new(code, text);
            for (name, value) in entry["values"].as_object().into_iter().flatten() {
                fault = fault.with(name, value.as_str().unwrap_or_default());
            }
            if let Some(wait) = entry["back_off_ms"].as_u64() {
                fault = fault.with("BackOffMilliseconds", &wait.to_string());
            }
            Answer::new(500, XML, fault.envelope(""))
        }
        Some("bare") => Answer::new(200, XML, bare(code, text)),
        _ => Answer::new(200, XML, messages(code, text, &String::from_utf8_lossy(body))),
    }
}

/// Status 200 and the code as plain text, without a detail.
fn bare(code: &str, text: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><SOAP:Envelope xmlns:SOAP=\"{SOAP}\"><SOAP:Body><SOAP:Fault>\
         <faultcode>{}</faultcode><faultstring>{}</faultstring></SOAP:Fault></SOAP:Body></SOAP:Envelope>",
        escape(code),
        escape(text)
    )
}

/// A response message for each thing that the request names.
fn messages(code: &str, text: &str, body: &str) -> String {
    let document = Document::parse(body).ok();
    let operation = document.as_ref().and_then(|document| {
        let body = reader::child(document.root_element(), SOAP, "Body")?;
        body.children().find(Node::is_element)
    });
    let name = operation.map_or("GetFolder", |operation| operation.tag_name().name());
    let things = operation.map_or(0, |operation| {
        let lists = operation.children().filter(|child| LISTS.contains(&child.tag_name().name()));
        lists.flat_map(|list| list.children().filter(Node::is_element)).count()
    });
    let attributes = format!("xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"");
    let single = || xml::message("ResponseMessage", "Error", code, text);
    let response = match name {
        "GetUserAvailabilityRequest" => format!(
            "<m:GetUserAvailabilityResponse {attributes}><m:FreeBusyResponseArray><m:FreeBusyResponse>{}\
             </m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>",
            single()
        ),
        "GetUserOofSettingsRequest" => {
            format!("<m:GetUserOofSettingsResponse {attributes}>{}</m:GetUserOofSettingsResponse>", single())
        }
        "FindPeople" => format!(
            "<m:FindPeopleResponse {attributes} ResponseClass=\"Error\"><m:MessageText>{}</m:MessageText>\
             <m:ResponseCode>{}</m:ResponseCode></m:FindPeopleResponse>",
            escape(text),
            escape(code)
        ),
        _ => {
            let one = xml::failure(name, "Error", code, text, empty_payload(name));
            xml::response(name, &one.repeat(things.max(1)))
        }
    };
    xml::envelope("", &response)
}
