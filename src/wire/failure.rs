//! From the error chains of the libraries to our own failures.

use std::error::Error;

use rustls::{AlertDescription, CertificateError};

use super::{dns::DnsResult, net::Failure};

/// A name that did not resolve, on its way through the HTTP library's error chain.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct Unresolved {
    /// Host.
    pub host: String,
    /// How the question ended.
    pub result: DnsResult,
    /// In words.
    pub text: String,
}

impl From<&Unresolved> for Failure {
    fn from(error: &Unresolved) -> Self {
        Self::Dns { host: error.host.clone(), kind: error.result.as_str(), text: error.text.clone() }
    }
}

/// What kind of TLS failure this is, in the words of the fact `tls.hosts[].result`.
pub fn tls_kind(error: &rustls::Error) -> &'static str {
    use CertificateError as Certificate;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => "expired",
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => "not-yet-valid",
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => "name-mismatch",
            _ => "untrusted-issuer",
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        ) => "no-common-version",
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerSentOversizedRecord => "not-tls",
        _ => "failed",
    }
}

/// The failure behind an error of the HTTP library.
pub fn from_chain(host: &str, through_proxy: bool, error: &(dyn Error + 'static)) -> Failure {
    let host = host.to_owned();
    let mut deepest = error.to_string();
    let mut refused = None;
    let mut tunnel = false;
    for cause in chain(error) {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return unresolved.into();
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Failure::Tls { host, kind: tls_kind(tls), text: tls.to_string() };
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && is_refusal(io.kind())
        {
            refused = Some(io.to_string());
        }
        deepest = cause.to_string();
        tunnel |= deepest.contains("tunnel error");
    }
    if tunnel || (through_proxy && refused.is_some()) {
        return Failure::Proxy { text: deepest };
    }
    match refused {
        Some(text) => Failure::Refused { host, text },
        None => Failure::Garbled { text: deepest },
    }
}

fn is_refusal(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(
        kind,
        Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::BrokenPipe
    )
}

/// An error and everything below it. An [`std::io::Error`] hides what it wraps from `source`.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found: Vec<&'a (dyn Error + 'static)> = vec![error];
    // Bounded, because a chain is built by code that is not ours.
    while found.len() < 32 {
        let last = found[found.len() - 1];
        let wrapped = last
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| inner as &(dyn Error + 'static));
        match wrapped.or_else(|| last.source()) {
            Some(next) => found.push(next),
            None => break,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_error_inside_an_io_error_is_found() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let io = std::io::Error::new(std::io::ErrorKind::InvalidData, tls);
        let failure = from_chain("mail.contoso.com", false, &io);
        assert!(matches!(failure, Failure::Tls { kind: "expired", .. }), "{failure:?}");
    }

    #[test]
    fn a_refused_connection_to_the_proxy_is_the_proxys() {
        let io = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(matches!(from_chain("graph.microsoft.com", true, &io), Failure::Proxy { .. }));
    }

    #[test]
    fn an_old_server_has_no_common_version() {
        let error = rustls::Error::AlertReceived(AlertDescription::ProtocolVersion);
        assert_eq!(tls_kind(&error), "no-common-version");
    }
}
