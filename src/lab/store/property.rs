//! Extended properties of folders and items.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an extended property is called.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PropertyName {
    /// A predefined property, by the number of its tag without the type.
    Tag(u16),
    /// A named property with a number.
    Id {
        /// Property set.
        set: Uuid,
        /// Number.
        id: u32,
    },
    /// A named property with a name.
    Name {
        /// Property set.
        set: Uuid,
        /// Name.
        name: String,
    },
}

/// One extended property with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Its name.
    pub name: PropertyName,
    /// Its type, as both protocols spell it (`String`, `Integer`, `StringArray`, `Binary`, `SystemTime`).
    pub kind: String,
    /// Its values, as text; one unless the type is an array.
    pub values: Vec<String>,
}

/// The extended properties of a folder or item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended(Vec<Property>);

impl Extended {
    /// The property of that name and type.
    pub fn get(&self, name: &PropertyName, kind: &str) -> Option<&Property> {
        self.0.iter().find(|own| own.name == *name && own.kind == kind)
    }

    /// Sets a property, in place of one of the same name.
    pub fn set(&mut self, property: Property) {
        self.remove(&property.name);
        self.0.push(property);
    }

    /// Removes the property of that name; says whether there was one.
    pub fn remove(&mut self, name: &PropertyName) -> bool {
        let before = self.0.len();
        self.0.retain(|own| own.name != *name);
        before != self.0.len()
    }

    /// All of them, in the order in which they were set.
    pub fn iter(&self) -> std::slice::Iter<'_, Property> {
        self.0.iter()
    }

    /// Bytes that they take.
    pub(super) fn size(&self) -> usize {
        self.0.iter().flat_map(|own| &own.values).map(|value| value.len() + 16).sum()
    }
}

impl<'a> IntoIterator for &'a Extended {
    type Item = &'a Property;
    type IntoIter = std::slice::Iter<'a, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl FromIterator<Property> for Extended {
    fn from_iter<T: IntoIterator<Item = Property>>(all: T) -> Self {
        let mut found = Self::default();
        all.into_iter().for_each(|property| found.set(property));
        found
    }
}
