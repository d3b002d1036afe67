//! Certificates of apps in a simulated world: made when the lab starts, so that they are as old as the
//! world says, and entered where the world says that they were uploaded.
//!
//! One key, which comes with the program and protects nothing, signs them all: making an RSA key takes
//! longer than everything else that the lab does.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::{LabError, authority::validity, world::items};

/// The key of every app of the simulated world, PKCS #8 in PEM form.
pub const KEY: &str = include_str!("worlds/app-key.pem");

/// The keys that cannot be made and sign certificates of apps.
fn key() -> Result<KeyPair, LabError> {
    Ok(KeyPair::from_pkcs8_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256)?)
}

/// Makes the certificates of a world document and enters them in the registrations that name them.
pub fn issue(document: &mut Value, now: Timestamp) -> Result<(), LabError> {
    let Some(wanted) = document["certificates"].as_object().cloned() else { return Ok(()) };
    let key = key()?;
    for (name, settings) in wanted.iter().filter(|(_, settings)| settings.is_object()) {
        let days = |at: &str, usual: i64| settings[at].as_i64().unwrap_or(usual);
        let (starts, ends) = (days("starts", -30), days("ends", 335));
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, settings["name"].as_str().unwrap_or(name));
        validity(&mut params, now, starts, ends);
        let certificate = params.self_signed(&key)?;
        document["certificates"][name]["pem"] = certificate.pem().into();
        let entry = entry(certificate.der(), settings, name, |days| time(now, days), (starts, ends));
        enter(document, name, &entry);
    }
    Ok(())
}

fn time(now: Timestamp, days: i64) -> String {
    let time = now.checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(now);
    time.strftime("%Y-%m-%dT00:00:00Z").to_string()
}

/// The certificate as Graph shows it among the `keyCredentials`.
fn entry(
    der: &[u8],
    settings: &Value,
    name: &str,
    time: impl Fn(i64) -> String,
    (starts, ends): (i64, i64),
) -> Value {
    json!({
        "customKeyIdentifier": BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, der)),
        "displayName": format!("CN={}", settings["name"].as_str().unwrap_or(name)),
        "endDateTime": time(ends),
        "key": BASE64_STANDARD.encode(der),
        "keyId": format!("0badcafe-0000-4000-8000-{:012x}", name.len()),
        "startDateTime": time(starts),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// Puts a certificate in place of each entry `{"certificate": NAME}`.
fn enter(document: &mut Value, name: &str, certificate: &Value) {
    let applications = document["applications"].as_object_mut().into_iter().flatten();
    for (_, application) in applications {
        for entry in application["keyCredentials"].as_array_mut().into_iter().flatten() {
            if entry["certificate"] == name {
                entry.clone_from(certificate);
            }
        }
    }
}

/// The certificates in DER form that a registration lists.
pub fn uploaded(application: &Value) -> impl Iterator<Item = Vec<u8>> {
    let keys = items(&application["keyCredentials"]).filter_map(|entry| entry["key"].as_str());
    keys.filter_map(|key| BASE64_STANDARD.decode(key).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_stands_where_it_was_uploaded_only() {
        let mut document = json!({
            "certificates": { "app": { "ends": 5 } },
            "applications": { "a": { "keyCredentials": [{ "certificate": "app" }] }, "b": { "keyCredentials": [] } },
        });
        let now = "2026-11-21T08:00:00Z".parse().unwrap();
        issue(&mut document, now).unwrap();
        assert!(document["certificates"]["app"]["pem"].as_str().unwrap().starts_with("-----BEGIN"));
        assert_eq!(document["applications"]["a"]["keyCredentials"][0]["endDateTime"], "2026-11-26T00:00:00Z");
        assert_eq!(uploaded(&document["applications"]["a"]).count(), 1);
        assert_eq!(uploaded(&document["applications"]["b"]).count(), 0);
    }
}
