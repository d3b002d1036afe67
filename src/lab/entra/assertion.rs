//! Client assertions: signed by a certificate of the app, or by an issuer that a federated credential
//! names.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey},
};
use serde_json::Value;
use x509_parser::{
    pem::parse_x509_pem,
    prelude::{FromDer, X509Certificate},
};

use super::refusal::Refusal;
use crate::lab::{World, call::Call, certificates, world::entries};

/// Difference of clocks that the service forgives an assertion that is not valid yet.
const FORGIVEN: i64 = 300;

/// A JSON web token, taken apart.
struct Assertion<'a> {
    header: Value,
    claims: Value,
    message: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let part = |text: &str| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            message,
            signature: BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// Signed by the key of this certificate, in the way that its header says.
    fn is_signed_by(&self, certificate: &[u8]) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
        let key = certificate.tbs_certificate.subject_pki.subject_public_key.data;
        match self.header["alg"].as_str() {
            Some("PS256") => UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
                .verify(self.message.as_bytes(), &self.signature)
                .is_ok(),
            Some("RS256") => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key)
                .verify(self.message.as_bytes(), &self.signature)
                .is_ok(),
            _ => false,
        }
    }

    /// Names this certificate in its header.
    fn names(&self, certificate: &[u8]) -> bool {
        let is = |name: &str, digest: &[u8]| self.header[name] == BASE64_URL_SAFE_NO_PAD.encode(digest);
        is("x5t#S256", digest(&SHA256, certificate).as_ref())
            || is("x5t", digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref())
    }

    /// Refuses one outside of its time.
    fn check_time(&self, world: &World) -> Result<(), Refusal> {
        let now = world.clock().as_second();
        let time = |name: &str| self.claims[name].as_i64();
        let outside = time("exp").is_none_or(|end| end < now)
            || time("nbf").is_some_and(|start| start > now + FORGIVEN);
        if !outside {
            return Ok(());
        }
        let shown = |time: Option<i64>| {
            time.and_then(|time| Timestamp::from_second(time).ok())
                .map(|time| time.to_string())
                .unwrap_or_default()
        };
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, \
             expiry time of assertion {}.",
            shown(Some(now)),
            shown(time("nbf")),
            shown(time("exp")),
        );
        Err(Refusal::client(700_024, text))
    }
}

/// Checks the assertion of a client.
pub fn check(
    world: &World,
    call: &Call,
    app_id: &str,
    application: &Value,
    text: &str,
) -> Result<(), Refusal> {
    if call.form("client_assertion_type").as_deref()
        != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    {
        return Err(Refusal::missing("client_assertion_type"));
    }
    let Some(assertion) = Assertion::parse(text) else {
        return Err(Refusal::client(50_027, "The client assertion is no JSON web token."));
    };
    if assertion.claims["iss"] != app_id {
        return federated(world, application, &assertion);
    }
    if assertion.claims["sub"] != app_id {
        let text = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(Refusal::client(700_021, text));
    }
    by_certificate(world, application, &assertion)?;
    assertion.check_time(world)?;
    let base = format!("https://{}/{}", call.host, world.tenant_id());
    let known = [format!("{base}/oauth2/v2.0/token"), format!("{base}/v2.0"), format!("{base}/oauth2/token")];
    if !known.iter().any(|audience| assertion.claims["aud"] == audience.as_str()) {
        let text = "Client assertion audience claim does not match Realm issuer.";
        return Err(Refusal::client(700_023, text));
    }
    Ok(())
}

fn by_certificate(world: &World, application: &Value, assertion: &Assertion<'_>) -> Result<(), Refusal> {
    let unsigned = |reason: &str| {
        let text = format!("Client assertion contains an invalid signature. [Reason - {reason}]");
        Err(Refusal::client(700_027, text))
    };
    let Some(certificate) = certificates::uploaded(application).find(|own| assertion.names(own)) else {
        return unsigned("The key was not found.");
    };
    if !assertion.is_signed_by(&certificate) {
        return unsigned("The provided signature value did not match the expected signature value.");
    }
    let ends = X509Certificate::from_der(&certificate)
        .map_or(0, |(_, certificate)| certificate.validity().not_after.timestamp());
    if ends < world.clock().as_second() {
        return unsigned("The key used is expired.");
    }
    Ok(())
}

/// An issuer outside of Entra: issuer, subject and audience must be those of a federated credential.
fn federated(world: &World, application: &Value, assertion: &Assertion<'_>) -> Result<(), Refusal> {
    let known = |name: &str, claim: &str| {
        entries(&application["x"]["federated"]).any(|(_, own)| own[name] == assertion.claims[claim])
    };
    for (name, claim, code) in
        [("issuer", "iss", 700_211), ("subject", "sub", 700_213), ("audience", "aud", 700_212)]
    {
        if !known(name, claim) {
            let given = assertion.claims[claim].as_str().unwrap_or_default();
            let text = format!(
                "No matching federated identity record found for presented assertion {name} '{given}'."
            );
            return Err(Refusal::client(code, text));
        }
    }
    // The issuers of the simulated world sign with the key of the certificate that the world makes.
    let issuer = world.entries("/certificates").find_map(|(_, own)| own["pem"].as_str());
    let issuer = issuer.and_then(|pem| parse_x509_pem(pem.as_bytes()).ok()).map(|(_, pem)| pem.contents);
    if !issuer.is_some_and(|issuer| assertion.is_signed_by(&issuer)) {
        return Err(Refusal::client(50_013, "Assertion failed signature validation."));
    }
    assertion.check_time(world)
}
