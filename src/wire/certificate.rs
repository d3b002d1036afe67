//! The certificate by which an app proves itself: reading it, and signing an assertion with its key.
//!
//! The key never leaves this module. Whether a certificate has ended is a fact, not an error: the
//! sign-in service judges that, and so do checks. Knows nothing of files and requests.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{
    digest,
    rand::SystemRandom,
    signature::{RSA_PSS_SHA256, RsaKeyPair},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::json;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Secret;

/// How long an assertion holds. Microsoft advises five to ten minutes.
const LIFE_SECONDS: i64 = 300;

/// Why a certificate cannot be signed in with: a fault of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM at all.
    #[error("it is a binary file; a certificate with its key is wanted in PEM form")]
    Binary,
    /// No certificate.
    #[error("it holds no certificate in PEM form")]
    NoCertificate,
    /// No private key.
    #[error("it holds no private key in PEM form")]
    NoKey,
    /// The private key is encrypted.
    #[error("its private key is encrypted, and encrypted keys are not read")]
    Encrypted,
    /// Not RSA.
    #[error("its key is not an RSA key; Microsoft Entra accepts no other kind for apps")]
    NotRsa,
    /// The key belongs to another certificate.
    #[error("its private key belongs to another certificate")]
    KeyMismatch,
    /// Broken, or a key that cannot be used.
    #[error("it cannot be used: {0}")]
    Unusable(String),
}

impl CertificateError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Binary => Some("openssl pkcs12 -in app.pfx -nodes -out app.pem && chmod 600 app.pem"),
            Self::Encrypted => Some("openssl pkey -in app.key -out plain.key && chmod 600 plain.key"),
            Self::NoKey => {
                Some("name the file of the key too: { file = \"app.pem\", key_file = \"app.key\" }")
            }
            _ => None,
        }
    }
}

/// What a certificate says of itself; nothing of it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Subject, as text.
    pub subject: String,
    /// SHA-1 of the certificate, as Entra shows it.
    pub thumbprint: String,
    /// SHA-256 of the certificate.
    pub thumbprint_sha256: String,
    /// Start of its life.
    pub not_before: Option<Timestamp>,
    /// End of its life.
    pub not_after: Option<Timestamp>,
    /// Bits of its key.
    pub key_bits: usize,
}

/// A certificate with its private key. Prints the certificate alone. Cheap to clone.
#[derive(Clone)]
pub struct AppKey {
    certificate: Arc<Certificate>,
    sha256: [u8; 32],
    key: Arc<RsaKeyPair>,
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey").field("thumbprint", &self.certificate.thumbprint).finish_non_exhaustive()
    }
}

impl AppKey {
    /// Reads a certificate and its key from PEM texts, which may be the same; of a chain it takes the
    /// certificate that the key belongs to.
    ///
    /// # Errors
    ///
    /// When one of them is missing or cannot be used, or they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        if [certificates, key].iter().any(|text| !contains(text, "-----BEGIN ")) {
            return Err(CertificateError::Binary);
        }
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|error| CertificateError::Unusable(error.to_string()))?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = private_key(key)?;
        let own = chain.iter().find(|der| public_key(der).is_some_and(|own| own == key.public().as_ref()));
        let (certificate, sha256) = describe(own.ok_or(CertificateError::KeyMismatch)?)?;
        Ok(Self { certificate: Arc::new(certificate), sha256, key: Arc::new(key) })
    }

    /// What the certificate says.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// A signed assertion that the holder of the key is this app, for one token request.
    ///
    /// `now` is this machine's time: a clock that is wrong makes an assertion that is refused, as it does
    /// in the product.
    pub fn assertion(&self, client_id: &str, audience: &str, now: Timestamp) -> Secret {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(self.sha256) });
        let start = now.as_second();
        let claims = json!({
            "aud": audience,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4().to_string(),
            "nbf": start,
            "iat": start,
            "exp": start + LIFE_SECONDS,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("the system's random numbers do not fail, and the buffer has the size of the key");
        Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn contains(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

fn private_key(pem: &[u8]) -> Result<RsaKeyPair, CertificateError> {
    if contains(pem, "ENCRYPTED") {
        return Err(CertificateError::Encrypted);
    }
    let read = match PrivateKeyDer::from_pem_slice(pem) {
        Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        Ok(_) => return Err(CertificateError::NotRsa),
        Err(rustls::pki_types::pem::Error::NoItemsFound) => return Err(CertificateError::NoKey),
        Err(error) => return Err(CertificateError::Unusable(error.to_string())),
    };
    read.map_err(|refused| match refused.to_string().as_str() {
        "WrongAlgorithm" => CertificateError::NotRsa,
        "TooSmall" => CertificateError::Unusable("its key has less than 2048 bits".into()),
        other => CertificateError::Unusable(format!("its key is refused: {other}")),
    })
}

/// The key in a certificate, as PKCS #1 writes it.
fn public_key<'a>(der: &'a CertificateDer<'_>) -> Option<&'a [u8]> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.tbs_certificate.subject_pki.subject_public_key.data).and_then(|data| match data {
        std::borrow::Cow::Borrowed(bytes) => Some(bytes),
        std::borrow::Cow::Owned(_) => None,
    })
}

fn describe(der: &CertificateDer<'_>) -> Result<(Certificate, [u8; 32]), CertificateError> {
    let (_, parsed) = X509Certificate::from_der(der)
        .map_err(|error| CertificateError::Unusable(format!("the certificate is broken: {error}")))?;
    let sha256: [u8; 32] =
        digest::digest(&digest::SHA256, der).as_ref().try_into().expect("a SHA-256 digest has 32 bytes");
    let time = |seconds: i64| Timestamp::from_second(seconds).ok();
    let bits = match parsed.public_key().parsed() {
        Ok(key) => key.key_size(),
        Err(_) => 0,
    };
    let certificate = Certificate {
        subject: super::json::clip(&parsed.subject().to_string(), 200),
        thumbprint: thumbprint(der),
        thumbprint_sha256: hex(&sha256),
        not_before: time(parsed.validity().not_before.timestamp()),
        not_after: time(parsed.validity().not_after.timestamp()),
        key_bits: bits,
    };
    Ok((certificate, sha256))
}

/// SHA-1 of a certificate in DER form, in capital hexadecimal digits.
pub fn thumbprint(der: &[u8]) -> String {
    hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref())
}

/// Capital hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
    use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    const KEY: &str = include_str!("../lab/worlds/app-key.pem");

    fn certificate(key: &KeyPair) -> String {
        CertificateParams::new(vec!["sync".into()]).unwrap().self_signed(key).unwrap().pem()
    }

    fn own() -> String {
        certificate(&KeyPair::from_pkcs8_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256).unwrap())
    }

    fn refused(certificate: &str, key: &str) -> CertificateError {
        AppKey::from_pem(certificate.as_bytes(), key.as_bytes()).expect_err("refused")
    }

    #[test]
    fn an_assertion_is_what_microsoft_documents() {
        let key = AppKey::from_pem(format!("{}{KEY}", own()).as_bytes(), KEY.as_bytes()).unwrap();
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let text = key.assertion("app", "https://login.example/token", now);
        let (message, signature) = text.expose().rsplit_once('.').unwrap();
        let part = |at: usize| -> Value {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(message.split('.').nth(at).unwrap()).unwrap())
                .unwrap()
        };
        assert_eq!((&part(0)["alg"], &part(0)["typ"]), (&json!("PS256"), &json!("JWT")));
        let (claims, start) = (part(1), now.as_second());
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("app"), &json!("app")));
        assert_eq!(claims["aud"], "https://login.example/token");
        assert!(claims["nbf"] == start && claims["exp"].as_i64().unwrap() - start <= 600);
        let der = CertificateDer::from_pem_slice(own().as_bytes()).unwrap();
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, public_key(&der).unwrap())
            .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn two_assertions_differ() {
        let key = AppKey::from_pem(own().as_bytes(), KEY.as_bytes()).unwrap();
        let id = |secret: &Secret| secret.expose().split('.').nth(1).unwrap().to_owned();
        let now = Timestamp::UNIX_EPOCH;
        assert_ne!(id(&key.assertion("a", "b", now)), id(&key.assertion("a", "b", now)));
    }

    #[test]
    fn of_a_chain_the_certificate_of_the_key_is_taken() {
        let chain = certificate(&KeyPair::generate().unwrap()) + &own();
        let key = AppKey::from_pem(chain.as_bytes(), KEY.as_bytes()).unwrap();
        assert_eq!(key.certificate().thumbprint.len(), 40);
        assert_eq!(key.certificate().key_bits, 2048);
    }

    #[test]
    fn what_cannot_be_signed_with_is_named() {
        let other = KeyPair::generate().unwrap();
        assert_eq!(refused(&certificate(&other), KEY), CertificateError::KeyMismatch);
        assert_eq!(refused(&certificate(&other), &other.serialize_pem()), CertificateError::NotRsa);
        assert_eq!(refused(&own(), &own()), CertificateError::NoKey);
        assert_eq!(refused(KEY, KEY), CertificateError::NoCertificate);
        assert_eq!(refused("\u{30}\u{2}", KEY), CertificateError::Binary);
        let encrypted = KEY.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(refused(&own(), &encrypted), CertificateError::Encrypted);
    }

    #[test]
    fn the_key_is_not_printed() {
        let key = AppKey::from_pem(own().as_bytes(), KEY.as_bytes()).unwrap();
        let line = KEY.lines().nth(1).unwrap();
        assert!(!format!("{key:?}").contains(line) && format!("{key:?}").contains("thumbprint"));
    }
}
