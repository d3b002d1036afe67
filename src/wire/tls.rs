//! What a host shows in the TLS handshake, also when it is not trusted.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use rustls::{
    DigitallySignedStruct, Error, ProtocolVersion, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::net::TcpStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{client::Net, failure::tls_kind, redact};
use crate::facts::{Exchange, Timings};

/// Names of a certificate that are kept.
const MAX_NAMES: usize = 100;

/// Names by which the authorities call themselves that sign for Microsoft's cloud. From "Azure
/// Certificate Authority details" and "Microsoft 365 encryption chains" at learn.microsoft.com.
const PUBLIC_ISSUERS: &[&str] =
    &["baltimore", "digicert", "entrust", "globalsign", "microsoft", "verisign", "d-trust"];

/// What a leaf certificate says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaf {
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// DNS names.
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: Option<jiff::Timestamp>,
    /// End of validity.
    pub not_after: Option<jiff::Timestamp>,
}

/// What a handshake showed.
#[derive(Debug, Clone)]
pub struct TlsProbe {
    /// As the fact `tls.hosts[].result`.
    pub result: &'static str,
    /// Version agreed.
    pub version: Option<&'static str>,
    /// Leaf certificate, if the server sent one.
    pub leaf: Option<Leaf>,
    /// Certificates that the server sent.
    pub chain_length: usize,
    /// Trusted only because of the configured CA file.
    pub extra_root: bool,
    /// The chain ends at a public authority that Microsoft uses; `None`: no chain was seen.
    pub public_issuer: Option<bool>,
    /// In words, when it failed.
    pub text: Option<String>,
    /// Evidence.
    pub exchange: Exchange,
}

impl Net {
    /// Makes a TLS handshake with a host, directly or through the proxy, and closes it again.
    pub async fn tls_probe(&self, host: &str, port: u16) -> TlsProbe {
        let at = jiff::Timestamp::now().to_string();
        let started = Instant::now();
        let recorder = Arc::new(Recorder { inner: self.0.trust.verifier(), chain: Mutex::default() });
        let limit = self.limits().connect * 2;
        let ended = tokio::time::timeout(limit, self.shake(host, port, recorder.clone())).await;
        let (result, version, text) = match ended {
            Ok(Ok(version)) => ("trusted", version, None),
            Ok(Err(Broken::Tls(error))) => (tls_kind(&error), None, Some(error.to_string())),
            Ok(Err(Broken::Other(text))) => ("failed", None, Some(text)),
            Err(_) => ("failed", None, Some("the handshake timed out".to_owned())),
        };
        let chain = recorder.chain.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let extra_root = result == "trusted"
            && ServerName::try_from(host.to_owned())
                .is_ok_and(|name| self.0.trust.needs_extra_root(&chain, &name));
        let text = text.and_then(|text| redact::text(&text, &[]));
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let exchange = Exchange {
            method: "TLS".into(),
            url: format!("{host}:{port}"),
            ms: Timings { connect: Some(ms), ..Timings::default() },
            at,
            answer: text.clone().or_else(|| version.map(str::to_owned)),
            ..Exchange::default()
        };
        TlsProbe {
            result,
            version,
            leaf: chain.first().and_then(|leaf| read_leaf(leaf)),
            chain_length: chain.len(),
            extra_root,
            public_issuer: chain.last().map(|last| !extra_root && is_public(last)),
            text,
            exchange,
        }
    }

    async fn shake(
        &self,
        host: &str,
        port: u16,
        recorder: Arc<Recorder>,
    ) -> Result<Option<&'static str>, Broken> {
        let other = |text: String| Broken::Other(text);
        let name = ServerName::try_from(host.to_owned()).map_err(|error| other(error.to_string()))?;
        let config = self.0.trust.client_config(recorder).map_err(|error| other(error.to_string()))?;
        let stream = self.open(host, port).await.map_err(other)?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(tls) => Broken::Tls(tls.clone()),
                None => other(error.to_string()),
            }
        })?;
        Ok(stream.get_ref().1.protocol_version().map(version))
    }

    async fn open(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let url = format!("https://{host}:{port}/").parse().map_err(|_| format!("{host} is no host name"))?;
        if let Some(hop) = self.proxy_for(&url) {
            return self.tunnel(&hop, host, port).await;
        }
        let addresses = self.addresses(host, port).await;
        if addresses.is_empty() {
            return Err("the name does not resolve".into());
        }
        TcpStream::connect(addresses.as_slice()).await.map_err(|error| error.to_string())
    }
}

enum Broken {
    Tls(Error),
    Other(String),
}

fn version(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        _ => "other",
    }
}

/// Verifies as every connection does, and keeps what the server sent whatever comes of it.
#[derive(Debug)]
struct Recorder {
    inner: Arc<dyn ServerCertVerifier>,
    chain: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let sent = std::iter::once(leaf).chain(intermediates);
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) =
            sent.map(|certificate| certificate.clone().into_owned()).collect();
        self.inner.verify_server_cert(leaf, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

fn read_leaf(der: &[u8]) -> Option<Leaf> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let shown = |text: String| redact::text(&text, &[]).unwrap_or_default();
    let time = |time: x509_parser::time::ASN1Time| jiff::Timestamp::from_second(time.timestamp()).ok();
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names = alternatives.map(|names| names.value.general_names.as_slice()).unwrap_or_default();
    let names = names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(shown((*name).to_owned())),
        _ => None,
    });
    Some(Leaf {
        subject: shown(certificate.subject().to_string()),
        issuer: shown(certificate.issuer().to_string()),
        names: names.take(MAX_NAMES).collect(),
        not_before: time(certificate.validity().not_before),
        not_after: time(certificate.validity().not_after),
    })
}

/// Whether the authority that signed a certificate is one of those that Microsoft uses.
fn is_public(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    let issuer = certificate.issuer();
    let mut names = issuer.iter_organization().chain(issuer.iter_common_name());
    names.any(|name| {
        let name = name.as_str().unwrap_or_default().to_lowercase();
        PUBLIC_ISSUERS.iter().any(|public| name.contains(public))
    })
}
