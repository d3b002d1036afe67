//! The lab's certification authority: one trusted chain, one that nobody trusts, and leaf certificates
//! with the faults that a world asks for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    crypto::ring::sign::any_ecdsa_type,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::{CertifiedKey, SigningKey},
};
use serde_json::Value;

use super::{LabError, World, world};

/// A root and the intermediate that signs leaves.
struct Chain {
    root_pem: String,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// Chooses, and makes, the certificate for each host name.
pub struct Authority {
    world: Arc<World>,
    trusted: Chain,
    foreign: Chain,
    leaf_key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// New keys and roots.
    pub fn new(world: Arc<World>) -> Result<Self, LabError> {
        let leaf_key = KeyPair::generate()?;
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let signing_key = any_ecdsa_type(&der)?;
        Ok(Self {
            trusted: chain("syncready lab root", "syncready lab issuing CA", world.started())?,
            foreign: chain("Contoso Web Gateway root", "Contoso Web Gateway", world.started())?,
            world,
            leaf_key,
            signing_key,
            made: Mutex::default(),
        })
    }

    /// The root that clients of the lab trust, PEM.
    pub fn root_pem(&self) -> &str {
        &self.trusted.root_pem
    }

    fn certificate(&self, host: &str) -> Result<Arc<CertifiedKey>, LabError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = made.get(host) {
            return Ok(Arc::clone(ready));
        }
        let settings = &self.world.at("/hosts")[host];
        let chain = match settings["tls"].as_str() {
            Some("untrusted") => &self.foreign,
            _ => &self.trusted,
        };
        let leaf = self.leaf(host, settings, &chain.intermediate)?;
        let certificates = vec![leaf, chain.intermediate.der().clone()];
        let key = Arc::new(CertifiedKey::new(certificates, Arc::clone(&self.signing_key)));
        made.insert(host.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    fn leaf(
        &self,
        host: &str,
        settings: &Value,
        issuer: &Issuer<'_, KeyPair>,
    ) -> Result<CertificateDer<'static>, LabError> {
        let mut names: Vec<_> = world::items(&settings["certificate_names"])
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            names.push(if settings["tls"] == "wrong-name" { "www.contoso.com" } else { host }.to_owned());
        }
        let (starts, ends) = match settings["tls"].as_str() {
            Some("expired") => (-400, -3),
            Some("not-yet-valid") => (3, 400),
            _ => (-30, settings["certificate_days"].as_i64().unwrap_or(180)),
        };
        let mut params = CertificateParams::new(names.clone())?;
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, names.swap_remove(0));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        validity(&mut params, self.world.started(), starts, ends);
        Ok(params.signed_by(&self.leaf_key, issuer)?.der().clone())
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Who names no host, as some load generators do not, is shown what the mail server has.
        let host = hello.server_name().or(self.world.text("/ews/host"))?;
        self.certificate(&host.to_ascii_lowercase()).ok()
    }
}

fn chain(root: &str, intermediate: &str, now: Timestamp) -> Result<Chain, LabError> {
    let root = CertifiedIssuer::self_signed(issuer_params(root, now)?, KeyPair::generate()?)?;
    let intermediate =
        CertifiedIssuer::signed_by(issuer_params(intermediate, now)?, KeyPair::generate()?, &root)?;
    Ok(Chain { root_pem: root.pem(), intermediate })
}

fn issuer_params(name: &str, now: Timestamp) -> Result<CertificateParams, LabError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::OrganizationName, "Contoso");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, now, -700, 3000);
    Ok(params)
}

/// Lets a certificate hold from and until so many days from a time.
pub(super) fn validity(params: &mut CertificateParams, now: Timestamp, starts: i64, ends: i64) {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |offset: i64| {
        let date = today.saturating_add(offset.days());
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(starts);
    params.not_after = day(ends);
}
