//! Writing SOAP answers: envelope, fault, response message.

use std::fmt::Write as _;

use crate::lab::view::View;

/// Namespace of SOAP 1.1.
pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Namespace of the operations.
pub(super) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// Namespace of the types.
pub(super) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// Namespace of fault details.
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// Escapes text and attribute values; characters that XML does not have are left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A reader would take a bare carriage return for a line feed.
            '\r' => escaped.push_str("&#xD;"),
            '\t' | '\n' => escaped.push(letter),
            control if control.is_control() => {}
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// The header element with the server's version.
pub(super) fn version(view: View) -> String {
    let numbers: Vec<&str> = view.at("ews.version").as_str().unwrap_or("15.20.0.0").split('.').collect();
    let number = |place: usize| numbers.get(place).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    let schema = if number(1) == 20 { "V2018_01_08" } else { "V2017_07_11" };
    format!(
        "<h:ServerVersionInfo MajorVersion=\"{}\" MinorVersion=\"{}\" MajorBuildNumber=\"{}\" MinorBuildNumber=\"{}\" \
         Version=\"{schema}\" xmlns:h=\"{TYPES}\" xmlns=\"{TYPES}\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/>",
        number(0),
        number(1),
        number(2),
        number(3)
    )
}

/// An answering envelope.
pub(super) fn envelope(version: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Header>{version}</s:Header>\
         <s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">\
         {body}</s:Body></s:Envelope>"
    )
}

/// The refusal of a whole request.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    code: String,
    message: String,
    values: Vec<(String, String)>,
}

impl Fault {
    /// A fault of that response code and text.
    pub(super) fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), values: Vec::new() }
    }

    /// The same fault with one more named value.
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.values.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its response code.
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    /// Its text.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn message_xml(&self) -> String {
        if self.values.is_empty() {
            return String::new();
        }
        let mut text = format!("<t:MessageXml xmlns:t=\"{TYPES}\">");
        for (name, value) in &self.values {
            let (name, value) = (escape(name), escape(value));
            write!(text, "<t:Value Name=\"{name}\">{value}</t:Value>")
                .expect("writing to a String cannot fail");
        }
        text + "</t:MessageXml>"
    }

    /// The envelope that carries it; a fault has no version header but for schema violations.
    pub(super) fn envelope(&self, _version: &str) -> String {
        let (code, message) = (escape(&self.code), escape(&self.message));
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Body><s:Fault>\
             <faultcode xmlns:a=\"{TYPES}\">a:{code}</faultcode><faultstring xml:lang=\"en-US\">{message}</faultstring>\
             <detail><e:ResponseCode xmlns:e=\"{ERRORS}\">{code}</e:ResponseCode>\
             <e:Message xmlns:e=\"{ERRORS}\">{message}</e:Message>{}</detail></s:Fault></s:Body></s:Envelope>",
            self.message_xml()
        )
    }
}

/// A response message that succeeded, with its payload.
pub(super) fn success(operation: &str, payload: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{payload}\
         </m:{operation}ResponseMessage>"
    )
}

/// A response message that failed or warns, with what its type wants besides.
pub(super) fn failure(operation: &str, class: &str, code: &str, text: &str, payload: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"{class}\"><m:MessageText>{}</m:MessageText>\
         <m:ResponseCode>{}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{payload}\
         </m:{operation}ResponseMessage>",
        escape(text),
        escape(code)
    )
}

/// A message of that name that failed, with nothing besides.
pub(super) fn message(name: &str, class: &str, code: &str, text: &str) -> String {
    format!(
        "<m:{name} ResponseClass=\"{class}\"><m:MessageText>{}</m:MessageText><m:ResponseCode>{}</m:ResponseCode>\
         <m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:{name}>",
        escape(text),
        escape(code)
    )
}

/// The response of an operation around its messages.
pub(super) fn response(operation: &str, messages: &str) -> String {
    format!(
        "<m:{operation}Response xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><m:ResponseMessages>{messages}\
         </m:ResponseMessages></m:{operation}Response>"
    )
}
