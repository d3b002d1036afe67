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
    let (mut refused, mut closed) = (None, None);
    let mut tunnel = false;
    let connecting = error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect);
    for cause in chain(error) {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return unresolved.into();
        }
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Failure::Tls { host, kind: tls_kind(tls), text: tls.to_string() };
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            if !connecting && is_end(io.kind()) {
                closed = Some(plain(io));
            } else if is_refusal(io.kind()) {
                refused = Some(io.to_string());
            }
        }
        deepest = cause.to_string();
        // The HTTP libraries keep these kinds of errors to themselves.
        if deepest == "connection closed before message completed"
            || ["stream error received", "connection error received"]
                .iter()
                .any(|kind| deepest.starts_with(kind))
        {
            closed = Some(deepest.clone());
        }
        tunnel |= deepest.contains("tunnel error");
    }
    if tunnel || (through_proxy && refused.is_some()) {
        return Failure::Proxy { text: deepest };
    }
    match (closed, refused) {
        (Some(text), _) => Failure::Closed { host, text },
        (None, Some(text)) => Failure::Refused { host, text },
        (None, None) => Failure::Garbled { text: deepest },
    }
}

/// The end of a connection that was open.
fn is_end(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind as Kind;
    matches!(kind, Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof)
}

/// The TLS library explains an early end to programmers at length.
fn plain(io: &std::io::Error) -> String {
    if io.kind() == std::io::ErrorKind::UnexpectedEof { "it ended early".into() } else { io.to_string() }
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
    fn an_end_is_told_from_a_refusal_and_without_links() {
        let early = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "see https://docs.example/");
        let failure = from_chain("mail.contoso.com", false, &early);
        assert_eq!(
            failure,
            Failure::Closed { host: "mail.contoso.com".into(), text: "it ended early".into() }
        );
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(from_chain("mail.contoso.com", false, &reset), Failure::Closed { .. }));
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(matches!(from_chain("mail.contoso.com", false, &refused), Failure::Refused { .. }));
    }

    #[test]
    fn an_old_server_has_no_common_version() {
        let error = rustls::Error::AlertReceived(AlertDescription::ProtocolVersion);
        assert_eq!(tls_kind(&error), "no-common-version");
    }
}
