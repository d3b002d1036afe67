//! The facts document: everything that a run saw, in the form in which it is saved and replayed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Section;

/// Version of the document format that this build writes and reads.
pub const FORMAT: u32 = 1;

/// Marks a JSON file as ours.
const KIND: &str = "syncready-facts";

/// Name and version of the program that made a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Program name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This build.
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// The run that collected a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it started, RFC 3339, UTC. The only clock that rules know.
    pub started_at: String,
    /// How long collecting took.
    #[serde(default)]
    pub duration_ms: u64,
    /// What collected.
    pub tool: Tool,
    /// Facts of the run's own scope.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// Facts of one tenant or Exchange organization, and of the apps in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// The tenant's own facts.
    #[serde(flatten)]
    pub section: Section,
    /// App id → facts of that app in this tenant.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub apps: BTreeMap<String, Section>,
}

/// Facts of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Address as the user gave it.
    pub address: String,
    /// Name of its tenant: a key of [`Document::tenants`].
    pub tenant: String,
    /// App id of the product in that tenant: a key of [`Tenant::apps`].
    #[serde(default)]
    pub app: Option<String>,
    /// Profile it was checked against.
    pub profile: String,
    /// The account's own facts.
    #[serde(flatten)]
    pub section: Section,
}

/// Everything that a run saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Format version.
    pub format: u32,
    /// Always `syncready-facts`.
    pub kind: String,
    /// The run.
    pub run: Run,
    /// Tenant name → its facts.
    pub tenants: BTreeMap<String, Tenant>,
    /// The accounts, in the order asked for.
    pub accounts: Vec<Account>,
}

/// Why a text is not a facts document.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Not JSON, cut off, or not of the document's shape.
    #[error("{message}")]
    Json {
        /// What is wrong, without position.
        message: String,
        /// Line, counted from 1.
        line: usize,
        /// Column, counted from 1.
        column: usize,
    },
    /// JSON, but not a facts document.
    #[error("this is JSON, but not a facts document: its \"kind\" is {found}, not \"syncready-facts\"")]
    Kind {
        /// What stands under `kind`.
        found: String,
    },
    /// Written by a newer version.
    #[error("the document has format {found}; this version reads up to {FORMAT}: use a newer syncready")]
    Newer {
        /// Its format.
        found: u64,
    },
    /// An account names a tenant that the document does not hold.
    #[error("account {address} belongs to tenant \"{tenant}\", which the document does not hold")]
    Tenant {
        /// The account.
        address: String,
        /// The tenant it names.
        tenant: String,
    },
}

impl Document {
    /// A document with nothing collected yet.
    pub fn new(started_at: impl Into<String>) -> Self {
        Self {
            format: FORMAT,
            kind: KIND.into(),
            run: Run { started_at: started_at.into(), duration_ms: 0, tool: Tool::this(), facts: Map::new() },
            tenants: BTreeMap::new(),
            accounts: Vec::new(),
        }
    }

    /// Reads a document from its JSON text.
    ///
    /// # Errors
    ///
    /// When the text is cut off, not JSON, not a facts document, or of a newer format.
    pub fn parse(text: &str) -> Result<Self, LoadError> {
        let json = |error: serde_json::Error| {
            let full = error.to_string();
            let message = full.split(" at line ").next().unwrap_or(&full).to_owned();
            LoadError::Json { message, line: error.line(), column: error.column() }
        };
        let head: Value = serde_json::from_str(text).map_err(json)?;
        match head.get("kind") {
            Some(Value::String(kind)) if kind == KIND => {}
            other => {
                let found = other.map_or_else(|| "missing".to_owned(), Value::to_string);
                return Err(LoadError::Kind { found });
            }
        }
        if let Some(found) = head.get("format").and_then(Value::as_u64)
            && found > u64::from(FORMAT)
        {
            return Err(LoadError::Newer { found });
        }
        let document: Self = serde_json::from_str(text).map_err(json)?;
        for account in &document.accounts {
            if !document.tenants.contains_key(&account.tenant) {
                let (address, tenant) = (account.address.clone(), account.tenant.clone());
                return Err(LoadError::Tenant { address, tenant });
            }
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_document_reads_back_equal() {
        let mut document = Document::new("2026-11-21T08:00:00Z");
        document.tenants.insert("contoso.com".into(), Tenant::default());
        document.accounts.push(Account {
            address: "svc@contoso.com".into(),
            tenant: "contoso.com".into(),
            profile: "generic-graph".into(),
            ..Account::default()
        });
        let text = serde_json::to_string(&document).expect("documents serialize");
        assert_eq!(Document::parse(&text).expect("reads back"), document);
    }

    #[test]
    fn a_newer_format_is_named() {
        let error = Document::parse(r#"{"format": 7, "kind": "syncready-facts"}"#).expect_err("newer");
        assert!(matches!(error, LoadError::Newer { found: 7 }));
    }

    #[test]
    fn other_json_is_not_ours() {
        let error = Document::parse(r#"{"kind": "bill"}"#).expect_err("not ours");
        assert!(error.to_string().contains("\"bill\""));
    }

    #[test]
    fn a_cut_off_text_says_where() {
        let error = Document::parse("{\"format\": 1,").expect_err("cut off");
        assert!(matches!(error, LoadError::Json { line: 1, .. }));
    }
}
