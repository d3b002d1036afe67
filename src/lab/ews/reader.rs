//! Reading a SOAP request: its header and its one operation; whether it keeps to the schema.

use roxmltree::{Document, Node};

use super::schema;
use super::xml::{Fault, MESSAGES, SOAP, TYPES};

/// Whom the impersonation header names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identifier {
    /// `PrincipalName`, `SID`, `PrimarySmtpAddress` or `SmtpAddress`.
    pub kind: String,
    /// Its value, trimmed.
    pub value: String,
}

/// One request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// Impersonation header.
    pub impersonated: Option<Identifier>,
    /// The operation's element.
    pub operation: Node<'a, 'a>,
    /// Zone of times that have no offset.
    pub zone: String,
}

/// Versions that a request may ask for.
const VERSIONS: &[&str] = &[
    "Exchange2007",
    "Exchange2007_SP1",
    "Exchange2009",
    "Exchange2010",
    "Exchange2010_SP1",
    "Exchange2010_SP2",
    "Exchange2012",
    "Exchange2013",
    "Exchange2013_SP1",
    "Exchange2015",
    "Exchange2016",
    "V2015_10_05",
    "V2016_01_06",
    "V2016_04_13",
    "V2016_07_13",
    "V2016_10_10",
    "V2017_01_07",
    "V2017_04_14",
    "V2017_07_11",
    "V2018_01_08",
];

/// Parses the body.
pub(super) fn parse(text: &str) -> Result<Document<'_>, Fault> {
    if text.trim().is_empty() {
        return Err(Fault::new("ErrorInvalidRequest", "The request is invalid."));
    }
    Document::parse(text).map_err(|error| violation(error.pos(), &error.to_string()))
}

/// Reads header and operation, and checks what the schema says about them.
pub(super) fn read<'a>(document: &'a Document<'a>) -> Result<Request<'a>, Fault> {
    let root = document.root_element();
    if !root.has_tag_name((SOAP, "Envelope")) {
        return Err(wrong(
            root,
            &format!("The element '{}' is not expected; an Envelope is.", root.tag_name().name()),
        ));
    }
    let body = child(root, SOAP, "Body").ok_or_else(|| wrong(root, "The element 'Body' is missing."))?;
    let header = child(root, SOAP, "Header");
    for node in root.descendants().filter(Node::is_element) {
        check(node)?;
    }
    let operation = body.children().find(Node::is_element);
    let operation = operation.ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))?;
    if operation.tag_name().namespace() != Some(MESSAGES) {
        return Err(wrong(
            operation,
            &format!("The element '{}' is not of the messages namespace.", operation.tag_name().name()),
        ));
    }
    if let Some(header) = header {
        version(header)?;
    }
    let impersonated = header.map(impersonated).transpose()?.flatten();
    let zone = header.and_then(|header| child(header, TYPES, "TimeZoneContext"));
    let zone =
        zone.and_then(|zone| child(zone, TYPES, "TimeZoneDefinition")).and_then(|zone| zone.attribute("Id"));
    Ok(Request { impersonated, operation, zone: zone.unwrap_or("UTC").to_owned() })
}

/// Checks one element: attributes, order, presence, values.
fn check<'a>(node: Node<'a, 'a>) -> Result<(), Fault> {
    if let Some((node, text)) = schema::violation(node) {
        return Err(wrong(node, &text));
    }
    if node.has_tag_name((TYPES, "ExtendedFieldURI")) && !super::paths::all_named(node) {
        return Err(Fault::new(
            "ErrorInvalidExtendedProperty",
            "The extended property attribute combination is invalid.",
        ));
    }
    if node.tag_name().name() == "DistinguishedFolderId" {
        let id = node.attribute("Id").unwrap_or_default();
        if !super::folders::is_distinguished(id) {
            return Err(wrong(
                node,
                &format!(
                    "The 'Id' attribute is invalid - The value '{id}' is invalid according to its datatype 'DistinguishedFolderIdNameType'."
                ),
            ));
        }
    }
    Ok(())
}

fn version(header: Node) -> Result<(), Fault> {
    let asked = child(header, TYPES, "RequestServerVersion").and_then(|node| node.attribute("Version"));
    match asked {
        Some(asked) if !VERSIONS.contains(&asked) => {
            Err(Fault::new("ErrorInvalidServerVersion", "The specified server version is invalid."))
        }
        _ => Ok(()),
    }
}

fn impersonated(header: Node) -> Result<Option<Identifier>, Fault> {
    let mut all = header.children().filter(|node| node.has_tag_name((TYPES, "ExchangeImpersonation")));
    let Some(element) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Fault::new("ErrorDuplicateSOAPHeader", "A SOAP header appears more than once."));
    }
    let named = child(element, TYPES, "ConnectingSID").and_then(|sid| sid.children().find(Node::is_element));
    let identifier = named.map(|node| Identifier {
        kind: node.tag_name().name().to_owned(),
        value: node.text().unwrap_or_default().trim().to_owned(),
    });
    Ok(Some(identifier.unwrap_or(Identifier { kind: String::new(), value: String::new() })))
}

/// The first child element of that name.
pub(super) fn child<'a>(node: Node<'a, 'a>, namespace: &str, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.has_tag_name((namespace, name)))
}

/// A violation of the schema at a node.
fn wrong(node: Node, text: &str) -> Fault {
    violation(node.document().text_pos_at(node.range().start), text)
}

fn violation(at: roxmltree::TextPos, text: &str) -> Fault {
    Fault::new("ErrorSchemaValidation", &format!("The request failed schema validation: {text}"))
        .with("LineNumber", &at.row.to_string())
        .with("LinePosition", &at.col.to_string())
        .with("Violation", text)
}
