//! Getting tokens: the token endpoint of Microsoft Entra, one request at a time.
//!
//! Texts and numbers of refusals may change at any time, so everything here is tolerant: an answer
//! that is not understood is a refusal without a number, never a failure of this tool. Knows nothing
//! of who asks and how often; that a credential is not sent twice is the caller's business.

mod answer;
pub mod browser;
pub mod device_code;
mod elsewhere;

use jiff::Timestamp;
use url::Url;

pub use self::answer::{Claims, Outcome, Refusal, Token, claims, codes_in, first_sentence, read, refusal};
pub use self::elsewhere::ManagedIdentity;
use super::{Body, Net, Request, Secret, certificate::AppKey};
use crate::facts::Exchange;

/// What an assertion is, as the token endpoint wants it named.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What is sent as proof of identity.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Client credentials with an assertion of somebody whom the app's federated credential names.
    Assertion(Secret),
    /// Authorization code of a sign-in in the browser.
    AuthorizationCode {
        /// The code.
        code: Secret,
        /// What the challenge of the sign-in was made of.
        verifier: Secret,
        /// Where the code was sent.
        redirect_uri: String,
    },
    /// Client credentials with an assertion signed by the app's certificate.
    Certificate(AppKey),
    /// Client credentials with an app secret.
    ClientSecret(Secret),
    /// A program of the user's own that prints a token; `{resource}` and `{tenant}` are filled in.
    Command(Vec<String>),
    /// Device code, once somebody has signed in with its other half.
    DeviceCode(Secret),
    /// The identity of the Azure resource that this runs on.
    ManagedIdentity(ManagedIdentity),
    /// Resource owner password credentials.
    Password {
        /// Sign-in name.
        username: String,
        /// Password.
        password: Secret,
    },
    /// Refresh token.
    RefreshToken(Secret),
}

impl Proof {
    /// As in `sign_in.flow`.
    pub fn flow(&self) -> &'static str {
        match self {
            Self::Assertion(_) | Self::Certificate(_) | Self::ClientSecret(_) => "client-credentials",
            Self::AuthorizationCode { .. } => "authorization-code",
            Self::Command(_) => "command",
            Self::DeviceCode(_) => "device-code",
            Self::ManagedIdentity(_) => "managed-identity",
            Self::Password { .. } => "password",
            Self::RefreshToken(_) => "refresh-token",
        }
    }
}

/// A request for one token.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Sign-in host, for example `https://login.microsoftonline.com`.
    pub authority: Url,
    /// Tenant id or domain.
    pub tenant: String,
    /// App id.
    pub client_id: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// Proof of identity.
    pub proof: Proof,
}

impl TokenRequest {
    fn url(&self) -> Url {
        endpoint(&self.authority, &self.tenant, "token")
    }

    fn form(&self, now: Timestamp) -> Vec<(String, String)> {
        let signed = match &self.proof {
            Proof::Certificate(key) => Some(key.assertion(&self.client_id, self.url().as_str(), now)),
            Proof::Assertion(assertion) => Some(assertion.clone()),
            _ => None,
        };
        let mut form = vec![("client_id", self.client_id.as_str()), ("scope", self.scope.as_str())];
        match &self.proof {
            Proof::ClientSecret(secret) => {
                form.extend([("grant_type", "client_credentials"), ("client_secret", secret.expose())]);
            }
            Proof::Password { username, password } => form.extend([
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ]),
            Proof::RefreshToken(token) => {
                form.extend([("grant_type", "refresh_token"), ("refresh_token", token.expose())]);
            }
            Proof::DeviceCode(code) => {
                form.extend([("grant_type", device_code::GRANT), ("device_code", code.expose())]);
            }
            Proof::AuthorizationCode { code, verifier, redirect_uri } => form.extend([
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("code_verifier", verifier.expose()),
                ("redirect_uri", redirect_uri),
            ]),
            Proof::Assertion(_) | Proof::Certificate(_) => form.push(("grant_type", "client_credentials")),
            Proof::Command(_) | Proof::ManagedIdentity(_) => {}
        }
        if let Some(assertion) = &signed {
            form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.expose())]);
        }
        form.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The resource whose `/.default` is asked for.
    fn resource(&self) -> &str {
        let first = self.scope.split_whitespace().next().unwrap_or_default();
        first.strip_suffix("/.default").unwrap_or(first)
    }
}

/// An address of the sign-in service below a tenant.
fn endpoint(authority: &Url, tenant: &str, name: &str) -> Url {
    let mut url = authority.clone();
    url.set_query(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend([tenant, "oauth2", "v2.0", name]);
    }
    url
}

/// One request with its evidence.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Evidence, without token and credential.
    pub exchange: Exchange,
    /// What became of it.
    pub outcome: Outcome,
    /// As [`Proof::flow`].
    pub flow: &'static str,
}

/// Asks for one token, once.
pub async fn token(net: &Net, request: &TokenRequest) -> Attempt {
    let (exchange, outcome) = match &request.proof {
        Proof::Command(argv) => elsewhere::command(net, argv, request).await,
        Proof::ManagedIdentity(identity) => {
            ask(net, identity.request(request.resource(), &request.client_id)).await
        }
        _ => {
            let form = Body::Form(request.form(Timestamp::now()));
            ask(net, Request::post(request.url(), form)).await
        }
    };
    // The body of a success is the token itself, and a refusal may repeat the user name.
    let answer = match &outcome {
        Outcome::Token(_) => Some("a token".to_owned()),
        Outcome::Refused(refusal) => refusal.text.clone(),
        Outcome::NoAnswer(failure) => Some(failure.to_string()),
        Outcome::Busy { .. } | Outcome::Unreadable { .. } => None,
    };
    Attempt { exchange: Exchange { answer, ..exchange }, outcome, flow: request.proof.flow() }
}

async fn ask(net: &Net, request: Request) -> (Exchange, Outcome) {
    let reply = net.send(request).await;
    let outcome = match reply.outcome {
        Ok(response) => read(&response),
        Err(failure) => Outcome::NoAnswer(failure),
    };
    (reply.exchange, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(proof: Proof) -> TokenRequest {
        TokenRequest {
            authority: Url::parse("https://login.microsoftonline.com/").expect("url"),
            tenant: "contoso.com/../x".into(),
            client_id: "c".into(),
            scope: "https://graph.microsoft.com/.default offline_access".into(),
            proof,
        }
    }

    #[test]
    fn a_missing_service_principal_does_not_condemn_the_secret() {
        let proof = Proof::ClientSecret(Secret::new("s"));
        let condemned = |code| Refusal { code: Some(code), ..Refusal::default() }.condemns(&proof);
        assert!(condemned(7_000_215));
        assert!(!condemned(700_016));
    }

    #[test]
    fn the_endpoint_is_the_tenants() {
        assert_eq!(
            request(Proof::ClientSecret(Secret::new("x"))).url().as_str(),
            "https://login.microsoftonline.com/contoso.com%2F..%2Fx/oauth2/v2.0/token"
        );
    }

    #[test]
    fn the_resource_is_what_the_first_scope_belongs_to() {
        assert_eq!(request(Proof::Command(Vec::new())).resource(), "https://graph.microsoft.com");
    }

    #[test]
    fn a_foreign_assertion_goes_out_as_it_is() {
        let form = request(Proof::Assertion(Secret::new("a.b.c"))).form(Timestamp::UNIX_EPOCH);
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        assert_eq!(value("client_assertion"), Some("a.b.c"));
        assert_eq!(
            (value("grant_type"), value("client_assertion_type")),
            (Some("client_credentials"), Some(JWT_BEARER))
        );
    }

    #[test]
    fn no_proof_prints_its_secret() {
        let secret = || Secret::new("hunter2");
        let proofs = [
            Proof::Assertion(secret()),
            Proof::ClientSecret(secret()),
            Proof::DeviceCode(secret()),
            Proof::Password { username: "u".into(), password: secret() },
            Proof::RefreshToken(secret()),
        ];
        assert!(!format!("{proofs:?}").contains("hunter2"));
    }
}
