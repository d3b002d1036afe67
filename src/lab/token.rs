//! Access tokens of the simulated sign-in service: signing them, and reading them back at the services.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;
use jiff::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
    },
};
use serde_json::{Value, json};

use super::{LabError, world::items};

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Audience.
    pub audience: String,
    /// Tenant id.
    pub tenant_id: String,
    /// App id of the client.
    pub app_id: String,
    /// Object id of the user; `None` in app-only tokens.
    pub user_id: Option<String>,
    /// Application permissions.
    pub roles: Vec<String>,
    /// Delegated permissions.
    pub scopes: Vec<String>,
    /// Template ids of directory roles.
    pub directory_roles: Vec<String>,
    /// When it runs out, in seconds since 1970.
    pub expires: Option<i64>,
    /// Every claim, as it stands in the token.
    pub claims: Value,
    /// Those that Graph, the admin API and EWS look at.
    pub seen: Arc<Value>,
}

impl Token {
    /// Whether the token is for that application permission or delegated permission.
    pub fn allows(&self, permission: &str) -> bool {
        self.roles.iter().chain(&self.scopes).any(|own| own.eq_ignore_ascii_case(permission))
    }
}

/// The bearer token of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bearer {
    /// No bearer token was sent.
    None,
    /// Something was sent that is not a token of this lab.
    Invalid,
    /// A token of this lab that has run out.
    Expired,
    /// A token of this lab.
    Valid(Arc<Token>),
}

impl Bearer {
    /// The token, if there is a valid one.
    pub fn token(&self) -> Option<&Token> {
        match self {
            Self::Valid(token) => Some(token),
            Self::None | Self::Invalid | Self::Expired => None,
        }
    }
}

/// Signs and verifies tokens.
pub struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    verified: Mutex<HashMap<String, Arc<Token>>>,
}

/// Tokens that are remembered as verified, so that a busy client does not pay for each signature again.
const REMEMBERED: usize = 256;

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

impl Signer {
    /// A signer with a new key.
    pub fn new() -> Result<Self, LabError> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| LabError::Key)?;
        let key =
            EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).map_err(|_| LabError::Key)?;
        Ok(Self { key, random, verified: Mutex::default() })
    }

    /// The claims as a signed token.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "ES256", "kid": "lab"});
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(&self.random, message.as_bytes());
        let signature = signature.expect("the system's random numbers do not fail");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// The token of a request's `Authorization` header, by the clock of whoever reads it.
    pub fn read(&self, headers: &HeaderMap, now: Timestamp) -> Bearer {
        let value = headers.get(http::header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, text)) = value.and_then(|value| value.split_once(' ')) else {
            return Bearer::None;
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Bearer::None;
        }
        match self.known(text.trim()) {
            None => Bearer::Invalid,
            Some(token) if token.expires.is_some_and(|end| end < now.as_second()) => Bearer::Expired,
            Some(token) => Bearer::Valid(token),
        }
    }

    fn known(&self, text: &str) -> Option<Arc<Token>> {
        let verified = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = verified().get(text) {
            return Some(Arc::clone(token));
        }
        let token = Arc::new(self.verify(text)?);
        let mut verified = verified();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(text.to_owned(), Arc::clone(&token));
        Some(token)
    }

    fn verify(&self, text: &str) -> Option<Token> {
        let (message, signature) = text.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref())
            .verify(message.as_bytes(), &signature)
            .ok()?;
        let (_, payload) = message.split_once('.')?;
        let claims: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        let list = |name: &str| items(&claims[name]).filter_map(Value::as_str).map(str::to_owned).collect();
        let mut token = Token {
            audience: text("aud"),
            tenant_id: text("tid"),
            app_id: text("appid"),
            user_id: (claims["idtyp"] == "user").then(|| text("oid")),
            roles: list("roles"),
            scopes: text("scp").split_whitespace().map(str::to_owned).collect(),
            directory_roles: list("wids"),
            expires: claims["exp"].as_i64(),
            claims: claims.clone(),
            seen: Arc::default(),
        };
        token.seen = Arc::new(seen(&token));
        Some(token)
    }
}

fn seen(token: &Token) -> Value {
    json!({ "aud": token.audience, "tid": token.tenant_id, "appid": token.app_id,
        "idtyp": if token.user_id.is_some() { "user" } else { "app" }, "oid": token.user_id,
        "roles": token.roles, "scp": token.scopes, "wids": token.directory_roles })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(signer: &Signer, value: &str) -> Bearer {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::AUTHORIZATION, value.parse().unwrap());
        signer.read(&headers, Timestamp::from_second(1000).unwrap())
    }

    #[test]
    fn a_signed_token_is_read_back() {
        let signer = Signer::new().unwrap();
        let text = signer
            .sign(&json!({"aud": "a", "tid": "t", "appid": "c", "idtyp": "app", "roles": ["User.Read.All"]}));
        let bearer = read(&signer, &format!("Bearer {text}"));
        let token = bearer.token().unwrap();
        assert_eq!((token.audience.as_str(), token.user_id.as_deref()), ("a", None));
        assert!(token.allows("user.read.all"));
    }

    #[test]
    fn a_token_runs_out() {
        let signer = Signer::new().unwrap();
        let at =
            |end: i64| read(&signer, &format!("Bearer {}", signer.sign(&json!({"aud": "a", "exp": end}))));
        assert_eq!(at(999), Bearer::Expired);
        assert!(at(1000).token().is_some());
    }

    #[test]
    fn foreign_tokens_are_invalid_and_other_schemes_are_none() {
        let signer = Signer::new().unwrap();
        let foreign = Signer::new().unwrap().sign(&json!({"aud": "a"}));
        assert_eq!(read(&signer, &format!("Bearer {foreign}")), Bearer::Invalid);
        assert_eq!(read(&signer, "Bearer x"), Bearer::Invalid);
        assert_eq!(read(&signer, "Basic eDp5"), Bearer::None);
    }
}
