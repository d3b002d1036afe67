//! Which certificates are trusted: the platform's roots and the configured ones.
//!
//! Knows nothing of hosts.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::net::NetError;

/// The trust store of a run.
#[derive(Debug)]
pub struct Trust {
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ServerCertVerifier>,
    platform: OnceLock<Option<Arc<dyn ServerCertVerifier>>>,
    extra_roots: bool,
    warning: Option<String>,
}

impl Trust {
    /// The platform's roots, and those of a PEM file.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, NetError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // Others in the process may have been first; the settings are the same then.
        let _ = CryptoProvider::install_default((*provider).clone());
        let roots = ca_file.map(read_roots).transpose()?.unwrap_or_default();
        let extra_roots = !roots.is_empty();
        let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider.clone());
        let (verifier, warning): (Arc<dyn ServerCertVerifier>, _) = match verifier {
            Ok(verifier) => (Arc::new(verifier), None),
            Err(error) if extra_roots => {
                let path = ca_file.map(|path| path.display().to_string()).unwrap_or_default();
                return Err(NetError::CaFile { path, text: error.to_string() });
            }
            Err(error) => (Arc::new(TrustsNobody(provider.clone())), Some(error.to_string())),
        };
        Ok(Self { provider, verifier, platform: OnceLock::new(), extra_roots, warning })
    }

    /// The verifier that every connection uses.
    pub fn verifier(&self) -> Arc<dyn ServerCertVerifier> {
        self.verifier.clone()
    }

    /// The cryptography that every connection uses.
    pub fn provider(&self) -> Arc<CryptoProvider> {
        self.provider.clone()
    }

    /// What is wrong with the platform's own trust store, if anything.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Whether the platform alone would not trust this chain.
    pub fn needs_extra_root(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> bool {
        let Some((leaf, intermediates)) = chain.split_first() else { return false };
        if !self.extra_roots {
            return false;
        }
        let platform = self.platform.get_or_init(|| {
            let verifier = rustls_platform_verifier::Verifier::new(self.provider.clone()).ok()?;
            Some(Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        });
        platform.as_ref().is_none_or(|platform| {
            platform.verify_server_cert(leaf, intermediates, name, &[], UnixTime::now()).is_err()
        })
    }

    /// Settings of a client that uses this trust store, with a verifier of the caller's choice.
    pub fn client_config(
        &self,
        verifier: Arc<dyn ServerCertVerifier>,
    ) -> Result<rustls::ClientConfig, NetError> {
        let builder = rustls::ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| NetError::Tls { text: error.to_string() })?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

fn read_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let failed = |text: String| NetError::CaFile { path: path.display().to_string(), text };
    let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let roots = roots.map_err(|error| failed(error.to_string()))?;
    if roots.is_empty() {
        return Err(failed("it holds no certificate in PEM form".into()));
    }
    Ok(roots)
}

/// Stands in where the platform has no trust store: a run must still observe names and ports.
#[derive(Debug)]
struct TrustsNobody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsNobody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_certificate_is_named() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "hello").expect("writes");
        let error = Trust::new(Some(file.path())).expect_err("no certificate");
        assert!(error.to_string().contains("no certificate"), "{error}");
    }

    #[test]
    fn a_missing_ca_file_is_named() {
        let error = Trust::new(Some(Path::new("/nowhere/ca.pem"))).expect_err("missing");
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }
}
