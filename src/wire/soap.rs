//! SOAP envelopes of Exchange Web Services: requests written, answers read.
//!
//! Names are matched by namespace, never by prefix; a fault is a fault whatever the HTTP status says.
//! Knows nothing of HTTP or of credentials.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use roxmltree::Node;

use super::xml::{self, XmlError};

/// Namespace of the envelope, SOAP 1.1.
pub const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Namespace of the envelope, SOAP 1.2: never sent, but some gateways answer with it.
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Namespace of the types.
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// Namespace of the operations.
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// Namespace of the details of a fault.
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// Response messages read from one answer.
const MESSAGE_LIMIT: usize = 256;
/// Values read from one `MessageXml`.
const VALUE_LIMIT: usize = 32;

/// The version whose schema a request follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestVersion {
    /// Accepted from Exchange 2013 SP1 to today.
    Exchange2013Sp1,
    /// For older servers.
    Exchange2010Sp2,
}

impl RequestVersion {
    /// As in the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exchange2013Sp1 => "Exchange2013_SP1",
            Self::Exchange2010Sp2 => "Exchange2010_SP2",
        }
    }
}

/// The writer that a request is written with.
pub type XmlWriter = Writer<Vec<u8>>;

/// Writes an envelope: the header for this version and this impersonated mailbox, and the body that
/// `body` writes.
pub fn envelope(
    version: RequestVersion,
    impersonate: Option<&str>,
    body: impl FnOnce(&mut XmlWriter) -> io::Result<()>,
) -> String {
    let mut writer = Writer::new(Vec::new());
    write_envelope(&mut writer, version, impersonate, body).expect("writing to memory does not fail");
    String::from_utf8(writer.into_inner()).expect("only UTF-8 was written")
}

fn write_envelope(
    writer: &mut XmlWriter,
    version: RequestVersion,
    impersonate: Option<&str>,
    body: impl FnOnce(&mut XmlWriter) -> io::Result<()>,
) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)))?;
    writer
        .create_element("soap:Envelope")
        .with_attributes([("xmlns:soap", SOAP), ("xmlns:t", TYPES), ("xmlns:m", MESSAGES)])
        .write_inner_content(|writer| {
            writer.create_element("soap:Header").write_inner_content(|writer| {
                let version = ("Version", version.as_str());
                writer.create_element("t:RequestServerVersion").with_attribute(version).write_empty()?;
                impersonate.map_or(Ok(()), |address| write_impersonation(writer, address))
            })?;
            writer.create_element("soap:Body").write_inner_content(body)?;
            Ok(())
        })?;
    Ok(())
}

fn write_impersonation(writer: &mut XmlWriter, address: &str) -> io::Result<()> {
    writer.create_element("t:ExchangeImpersonation").write_inner_content(|writer| {
        writer.create_element("t:ConnectingSID").write_inner_content(|writer| {
            writer.create_element("t:PrimarySmtpAddress").write_text_content(BytesText::new(address))?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

/// Version of the server that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerVersion {
    /// Major version, 15 since Exchange 2013.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build.
    pub build: u32,
    /// Revision of the build.
    pub revision: u32,
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.build, self.revision)
    }
}

/// How the server rates one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Done.
    Success,
    /// Done, with a remark.
    Warning,
    /// Refused or failed.
    Error,
}

/// What a fault or one response message says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    /// `ResponseCode`, or the local name of `faultcode`.
    pub code: Option<String>,
    /// The message in words.
    pub text: Option<String>,
    /// The named values of `MessageXml`.
    pub values: Vec<(String, String)>,
}

impl Statement {
    /// A named value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What an answer holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The whole request was refused.
    Fault(Statement),
    /// One message for each thing asked for.
    Messages(Vec<(Class, Statement)>),
}

/// An answer of Exchange Web Services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Version of the server, where it tells.
    pub server: Option<ServerVersion>,
    /// What it says.
    pub content: Content,
}

/// Why a body is not an answer of Exchange Web Services.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSoap {
    /// Not XML.
    #[error("{0}")]
    Xml(#[from] XmlError),
    /// XML, but no SOAP envelope.
    #[error("the answer is XML, but not SOAP: its root is {0}")]
    Root(String),
    /// SOAP without a body, or with a body that Exchange Web Services do not send.
    #[error("the answer is SOAP, but holds no answer of Exchange Web Services")]
    Body,
}

/// Reads an answer.
///
/// # Errors
///
/// When the body is no SOAP envelope with a fault or with response messages.
pub fn read(body: &[u8]) -> Result<Answer, NotSoap> {
    let text = xml::decode(body)?;
    let document = xml::parse(&text)?;
    let root = document.root_element();
    if !is_soap(root, "Envelope") {
        return Err(NotSoap::Root(xml::clip(root.tag_name().name())));
    }
    let server = child(root, |node| is_soap(node, "Header")).and_then(server_version);
    let body = child(root, |node| is_soap(node, "Body")).ok_or(NotSoap::Body)?;
    let content = match child(body, |node| is_soap(node, "Fault")) {
        Some(fault) => Content::Fault(read_fault(fault)),
        None => Content::Messages(read_messages(body)?),
    };
    Ok(Answer { server, content })
}

fn is_soap(node: Node<'_, '_>, name: &str) -> bool {
    node.has_tag_name((SOAP, name)) || node.has_tag_name((SOAP12, name))
}

/// Exchange's own names, or unqualified ones: faults and some gateways leave the namespace out.
pub(super) fn is_exchange(node: Node<'_, '_>, name: &str) -> bool {
    let tag = node.tag_name();
    tag.name() == name && matches!(tag.namespace(), None | Some(MESSAGES | TYPES | ERRORS | SOAP | SOAP12))
}

/// The first child element that fits.
pub(super) fn child<'a, 'i>(
    node: Node<'a, 'i>,
    wanted: impl Fn(Node<'a, 'i>) -> bool,
) -> Option<Node<'a, 'i>> {
    node.children().find(|node| node.is_element() && wanted(*node))
}

/// The first element of Exchange's with that name, at any depth.
pub(super) fn below<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.descendants().find(|node| node.is_element() && is_exchange(*node, name))
}

fn server_version(header: Node<'_, '_>) -> Option<ServerVersion> {
    let info = child(header, |node| is_exchange(node, "ServerVersionInfo"))?;
    let number = |name| info.attribute(name).and_then(|value: &str| value.trim().parse().ok());
    Some(ServerVersion {
        major: number("MajorVersion")?,
        minor: number("MinorVersion").unwrap_or(0),
        build: number("MajorBuildNumber").unwrap_or(0),
        revision: number("MinorBuildNumber").unwrap_or(0),
    })
}

fn read_fault(fault: Node<'_, '_>) -> Statement {
    let detail = child(fault, |node| is_exchange(node, "detail") || is_soap(node, "Detail"));
    let stated = detail.and_then(|detail| below(detail, "ResponseCode")).and_then(code);
    let by_name = || {
        let soap12 = || below(fault, "Subcode").or_else(|| below(fault, "Code"));
        child(fault, |node| is_exchange(node, "faultcode")).or_else(soap12).and_then(code)
    };
    let said = child(fault, |node| is_exchange(node, "faultstring"))
        .or_else(|| child(fault, |node| is_soap(node, "Reason")))
        .and_then(xml::text);
    let message = || detail.and_then(|detail| below(detail, "Message")).and_then(xml::text);
    Statement { code: stated.or_else(by_name), text: said.or_else(message), values: values(fault) }
}

fn read_messages(body: Node<'_, '_>) -> Result<Vec<(Class, Statement)>, NotSoap> {
    let messages: Vec<_> = body
        .descendants()
        .filter(|node| node.has_attribute("ResponseClass"))
        .take(MESSAGE_LIMIT)
        .map(statement)
        .collect();
    if messages.is_empty() { Err(NotSoap::Body) } else { Ok(messages) }
}

/// What one response message says.
pub(super) fn statement(node: Node<'_, '_>) -> (Class, Statement) {
    let class = class(node.attribute("ResponseClass").unwrap_or_default());
    let stated = child(node, |node| is_exchange(node, "ResponseCode")).and_then(code);
    let good = || (class == Class::Success).then(|| "NoError".to_owned());
    let text = child(node, |node| is_exchange(node, "MessageText")).and_then(xml::text);
    (class, Statement { code: stated.or_else(good), text, values: values(node) })
}

/// A class that the schema does not know is no success.
fn class(text: &str) -> Class {
    match text {
        "Success" => Class::Success,
        "Warning" => Class::Warning,
        _ => Class::Error,
    }
}

/// A code without its prefix.
fn code(node: Node<'_, '_>) -> Option<String> {
    let text = xml::text(node)?;
    let name = text.rsplit(':').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn values(node: Node<'_, '_>) -> Vec<(String, String)> {
    let Some(parent) = below(node, "MessageXml") else { return Vec::new() };
    let pair = |value: Node<'_, '_>| {
        let name = value.attribute("Name")?;
        Some((xml::clip(name), xml::text(value).unwrap_or_default()))
    };
    parent
        .descendants()
        .filter(|node| is_exchange(*node, "Value"))
        .filter_map(pair)
        .take(VALUE_LIMIT)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(inner: &str) -> String {
        format!("<x:Envelope xmlns:x=\"{SOAP}\"><x:Body><x:Fault>{inner}</x:Fault></x:Body></x:Envelope>")
    }

    fn statement(body: &str) -> Statement {
        match read(body.as_bytes()).expect("an answer").content {
            Content::Fault(statement) => statement,
            Content::Messages(messages) => messages.into_iter().next().expect("a message").1,
        }
    }

    #[test]
    fn a_fault_with_detail_speaks_through_its_response_code() {
        let body = fault(&format!(
            "<faultcode xmlns:a=\"{TYPES}\">a:ErrorImpersonateUserDenied</faultcode><faultstring>No.</faultstring>\
             <detail><q:ResponseCode xmlns:q=\"{ERRORS}\"> ErrorServerBusy </q:ResponseCode><k:MessageXml xmlns:k=\"{TYPES}\">\
             <k:Value Name=\"BackOffMilliseconds\">250</k:Value></k:MessageXml></detail>"
        ));
        let statement = statement(&body);
        assert_eq!(statement.code.as_deref(), Some("ErrorServerBusy"));
        assert_eq!(statement.text.as_deref(), Some("No."));
        assert_eq!(statement.value("BackOffMilliseconds"), Some("250"));
    }

    #[test]
    fn a_bare_fault_code_is_enough() {
        let body = fault("<faultcode>ErrorCannotFindUser</faultcode><faultstring>who?</faultstring>");
        assert_eq!(statement(&body).code.as_deref(), Some("ErrorCannotFindUser"));
    }

    #[test]
    fn the_prefix_of_a_fault_code_is_dropped() {
        let body = fault("<faultcode>a:ErrorInvalidServerVersion</faultcode>");
        assert_eq!(statement(&body).code.as_deref(), Some("ErrorInvalidServerVersion"));
    }

    #[test]
    fn a_fault_of_soap_1_2_is_a_fault_as_well() {
        let body = format!(
            "<s:Envelope xmlns:s=\"{SOAP12}\"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code>\
             <s:Reason><s:Text>no</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
        );
        let statement = statement(&body);
        assert_eq!((statement.code.as_deref(), statement.text.as_deref()), (Some("Sender"), Some("no")));
    }

    #[test]
    fn messages_are_found_under_any_prefix_and_in_any_order() {
        let body = format!(
            "<Envelope xmlns=\"{SOAP}\"><Header><v:ServerVersionInfo xmlns:v=\"{TYPES}\" MinorVersion=\"2\" MajorVersion=\"15\"/></Header>\
             <Body><zz:GetFolderResponse xmlns:zz=\"{MESSAGES}\"><zz:ResponseMessages>\
             <zz:GetFolderResponseMessage ResponseClass=\"Error\"><zz:ResponseCode>ErrorNonPrimarySmtpAddress</zz:ResponseCode>\
             <zz:MessageText>use the other one</zz:MessageText></zz:GetFolderResponseMessage>\
             </zz:ResponseMessages></zz:GetFolderResponse></Body></Envelope>"
        );
        let answer = read(body.as_bytes()).expect("an answer");
        assert_eq!(answer.server, Some(ServerVersion { major: 15, minor: 2, build: 0, revision: 0 }));
        let Content::Messages(messages) = answer.content else { panic!("not a fault") };
        assert_eq!(messages[0].0, Class::Error);
        assert_eq!(messages[0].1.code.as_deref(), Some("ErrorNonPrimarySmtpAddress"));
    }

    #[test]
    fn a_foreign_namespace_with_the_same_names_is_not_soap() {
        let body = "<s:Envelope xmlns:s=\"urn:other\"><s:Body><s:Fault/></s:Body></s:Envelope>";
        assert_eq!(read(body.as_bytes()), Err(NotSoap::Root("Envelope".into())));
    }

    #[test]
    fn soap_of_another_service_is_not_an_answer() {
        let body = format!("<s:Envelope xmlns:s=\"{SOAP}\"><s:Body><hello/></s:Body></s:Envelope>");
        assert_eq!(read(body.as_bytes()), Err(NotSoap::Body));
    }

    #[test]
    fn an_unknown_class_is_no_success() {
        let body = format!(
            "<s:Envelope xmlns:s=\"{SOAP}\"><s:Body><r ResponseClass=\"Fine\"/></s:Body></s:Envelope>"
        );
        let Content::Messages(messages) = read(body.as_bytes()).expect("an answer").content else {
            panic!("not a fault")
        };
        assert_eq!(messages[0], (Class::Error, Statement::default()));
    }

    #[test]
    fn addresses_are_escaped() {
        let text = envelope(RequestVersion::Exchange2010Sp2, Some("a<b>&@c"), |_| Ok(()));
        assert!(text.contains("<t:PrimarySmtpAddress>a&lt;b&gt;&amp;@c</t:PrimarySmtpAddress>"), "{text}");
    }
}
