//! Names of properties: by their element, by an index in a list, or extended.

use roxmltree::Node;
use uuid::Uuid;

use super::xml::{TYPES, escape};
use crate::lab::store::{Property, PropertyName};

/// A property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// By its name, as `contacts:GivenName`.
    Field(String),
    /// One of a list, as `contacts:EmailAddress` and `EmailAddress1`.
    Indexed(String, String),
    /// Extended: its name and type.
    Extended(PropertyName, String),
}

/// Property sets that have a name in the schema.
const SETS: &[(&str, Uuid)] = &[
    ("Meeting", Uuid::from_u128(0x6ed8_da90_450b_101b_98da_00aa_003f_1305)),
    ("Appointment", Uuid::from_u128(0x0006_2002_0000_0000_c000_0000_0000_0046)),
    ("Common", Uuid::from_u128(0x0006_2008_0000_0000_c000_0000_0000_0046)),
    ("PublicStrings", Uuid::from_u128(0x0002_0329_0000_0000_c000_0000_0000_0046)),
    ("Address", Uuid::from_u128(0x0006_2004_0000_0000_c000_0000_0000_0046)),
    ("InternetHeaders", Uuid::from_u128(0x0002_0386_0000_0000_c000_0000_0000_0046)),
    ("CalendarAssistant", Uuid::from_u128(0x1100_0e07_b51b_40d6_af21_caa8_5eda_b1d0)),
    ("UnifiedMessaging", Uuid::from_u128(0x4442_858e_a9e3_4e80_b900_317a_210c_c15b)),
    ("Task", Uuid::from_u128(0x0006_2003_0000_0000_c000_0000_0000_0046)),
    ("Sharing", Uuid::from_u128(0x0006_2040_0000_0000_c000_0000_0000_0046)),
];

impl Path {
    /// Reads a `FieldURI`, `IndexedFieldURI` or `ExtendedFieldURI`.
    pub(super) fn read(node: Node) -> Option<Self> {
        let attribute = |name: &str| node.attribute(name).map(str::to_owned);
        match node.tag_name().name() {
            "FieldURI" => Some(Self::Field(attribute("FieldURI")?)),
            "IndexedFieldURI" => Some(Self::Indexed(attribute("FieldURI")?, attribute("FieldIndex")?)),
            "ExtendedFieldURI" => Some(Self::Extended(name_of(node)?, attribute("PropertyType")?)),
            _ => None,
        }
    }

    /// The path that stands below a node.
    pub(super) fn below(node: Node) -> Option<Self> {
        node.children().find_map(Self::read)
    }

    /// The element that it means: `GivenName` of `contacts:GivenName`, `EmailAddresses` of an entry.
    pub(super) fn element(&self) -> &str {
        match self {
            Self::Field(uri) => uri.split_once(':').map_or(uri.as_str(), |(_, name)| name),
            Self::Indexed(uri, _) if uri.starts_with("contacts:PhysicalAddress:") => "PhysicalAddresses",
            Self::Indexed(uri, _) => match uri.as_str() {
                "contacts:EmailAddress" => "EmailAddresses",
                "contacts:PhoneNumber" => "PhoneNumbers",
                "contacts:ImAddress" => "ImAddresses",
                _ => "",
            },
            Self::Extended(..) => "ExtendedProperty",
        }
    }
}

fn name_of(node: Node) -> Option<PropertyName> {
    if let Some(tag) = node.attribute("PropertyTag") {
        let hex = tag.strip_prefix("0x").or_else(|| tag.strip_prefix("0X"));
        let number = hex.map_or_else(|| tag.parse().ok(), |hex| u16::from_str_radix(hex, 16).ok())?;
        return Some(PropertyName::Tag(number));
    }
    let set = if let Some(set) = node.attribute("PropertySetId") {
        set.parse().ok()?
    } else {
        let name = node.attribute("DistinguishedPropertySetId")?;
        SETS.iter().find(|(known, _)| *known == name)?.1
    };
    match (node.attribute("PropertyName"), node.attribute("PropertyId")) {
        (Some(name), None) => Some(PropertyName::Name { set, name: name.to_owned() }),
        (None, Some(id)) => Some(PropertyName::Id { set, id: id.parse().ok()? }),
        _ => None,
    }
}

/// Whether every extended path below a node says enough to name a property.
pub(super) fn all_named(node: Node) -> bool {
    let mut paths = node.descendants().filter(|node| node.has_tag_name((TYPES, "ExtendedFieldURI")));
    paths.all(|path| Path::read(path).is_some())
}

/// Reads an `ExtendedProperty` with its value.
pub(super) fn extended(node: Node) -> Option<Property> {
    let Some(Path::Extended(name, kind)) = Path::below(node) else { return None };
    let values = node.descendants().filter(|node| node.has_tag_name((TYPES, "Value")));
    let values = values.map(|value| value.text().unwrap_or_default().to_owned()).collect();
    Some(Property { name, kind, values })
}

/// An extended property as an element.
pub(super) fn extended_xml(property: &Property) -> String {
    let kind = escape(&property.kind);
    let path = match &property.name {
        PropertyName::Tag(tag) => format!("PropertyTag=\"0x{tag:x}\""),
        PropertyName::Id { set, id } => format!("{} PropertyId=\"{id}\"", set_xml(*set)),
        PropertyName::Name { set, name } => format!("{} PropertyName=\"{}\"", set_xml(*set), escape(name)),
    };
    let values: String = property.values.iter().map(|value| value_xml(value)).collect();
    let values = if kind.ends_with("Array") { format!("<t:Values>{values}</t:Values>") } else { values };
    format!(
        "<t:ExtendedProperty><t:ExtendedFieldURI {path} PropertyType=\"{kind}\"/>{values}</t:ExtendedProperty>"
    )
}

fn value_xml(value: &str) -> String {
    format!("<t:Value>{}</t:Value>", escape(value))
}

fn set_xml(set: Uuid) -> String {
    let known = SETS.iter().find(|(_, id)| *id == set);
    known.map_or_else(
        || format!("PropertySetId=\"{set}\""),
        |(name, _)| format!("DistinguishedPropertySetId=\"{name}\""),
    )
}

/// What a request wants to see of folders or items.
#[derive(Debug)]
pub(super) struct Shape {
    base: String,
    paths: Vec<Path>,
    /// Format of bodies: `Best`, `HTML` or `Text`.
    pub body: String,
    /// Most characters of a body.
    pub body_limit: Option<usize>,
}

impl Shape {
    /// Reads a `FolderShape` or `ItemShape`.
    pub(super) fn read(node: Option<Node>) -> Self {
        let within = |name: &'static str| {
            let mut nodes = node.into_iter().flat_map(|node| node.children());
            nodes.find(|child| child.has_tag_name((TYPES, name)))
        };
        let text = |name, missing: &str| {
            within(name).and_then(|node| node.text()).unwrap_or(missing).trim().to_owned()
        };
        let paths = within("AdditionalProperties").into_iter().flat_map(|node| node.children());
        Self {
            base: text("BaseShape", "Default"),
            paths: paths.filter_map(Path::read).collect(),
            body: text("BodyType", "Best"),
            body_limit: text("MaximumBodySize", "").parse().ok(),
        }
    }

    /// The default shape.
    pub(super) fn usual() -> Self {
        Self::read(None)
    }

    /// Whether a property is asked for by its name.
    pub(super) fn names(&self, element: &str) -> bool {
        self.paths.iter().any(|path| path.element() == element)
    }

    /// Whether a property is shown.
    pub(super) fn shows(&self, element: &str, in_default: bool) -> bool {
        self.names(element) || self.base == "AllProperties" || (in_default && self.base == "Default")
    }

    /// Whether an entry of a list is shown.
    pub(super) fn shows_entry(&self, element: &str, key: &str, in_default: bool) -> bool {
        let whole = self.base == "AllProperties" || (in_default && self.base == "Default");
        let fits = |path: &Path| match path {
            Path::Indexed(_, index) => index == key,
            _ => true,
        };
        whole || self.paths.iter().any(|path| path.element() == element && fits(path))
    }

    /// The extended properties that are asked for.
    pub(super) fn extended(&self) -> impl Iterator<Item = (&PropertyName, &str)> {
        self.paths.iter().filter_map(|path| match path {
            Path::Extended(name, kind) => Some((name, kind.as_str())),
            _ => None,
        })
    }
}
