//! What proves who asks, and where it must not be sent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderValue;

use super::super::secret::Secret;

/// What proves who asks.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A user name with its password.
    Basic {
        /// User name as the server wants it.
        username: String,
        /// Password.
        password: Secret,
    },
    /// An access token.
    Bearer(Secret),
}

impl Credential {
    /// The scheme, as in a challenge, lower case.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::Bearer(_) => "bearer",
        }
    }

    pub(super) fn header(&self) -> Option<HeaderValue> {
        let encoded = self.encoded();
        let text = match self {
            Self::Basic { .. } => format!("Basic {}", encoded.expose()),
            Self::Bearer(_) => format!("Bearer {}", encoded.expose()),
        };
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn encoded(&self) -> Secret {
        match self {
            Self::Basic { username, password } => {
                Secret::new(STANDARD.encode(format!("{username}:{}", password.expose())))
            }
            Self::Bearer(token) => token.clone(),
        }
    }

    /// Whatever a server could echo.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        match self {
            Self::Basic { password, .. } => vec![self.encoded(), password.clone()],
            Self::Bearer(token) => vec![token.clone()],
        }
    }
}

/// The URL would carry the credential in the clear, or the credential cannot stand in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// Not https.
    #[error("the address is not https: no credential is sent there")]
    PlainHttp,
    /// Line breaks or other characters that no header can carry.
    #[error("the credential holds characters that cannot be sent")]
    Characters,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_prints_nothing_of_itself() {
        let credential = Credential::Basic { username: "a".into(), password: Secret::new("b\u{e4}") };
        let header = credential.header().expect("sendable");
        assert!(!format!("{credential:?} {header:?}").contains("YTpi"));
    }
}
