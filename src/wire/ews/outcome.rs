//! What an answer says, classified from the outside in: transport, HTTP status, SOAP, response code.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::super::challenge::challenges;
use super::super::net::{Failure, Reply, Response};
use super::super::redact;
use super::super::refusal::{self, Given};
use super::super::secret::Secret;
use super::super::soap::{self, Class, Content, NotSoap, ServerVersion, Statement};
use super::super::xml;
use crate::facts::Exchange;

/// Time waited when a server does not say how long.
const USUAL_WAIT: Duration = Duration::from_millis(500);

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The folder was opened.
    Ok,
    /// Exchange refused it with a response code.
    Error,
    /// The credential was refused.
    Unauthorized,
    /// The server does not offer the scheme that was used.
    UnsupportedScheme,
    /// HTTP 403.
    Forbidden,
    /// Somebody answered, but not Exchange Web Services.
    NotSoap,
    /// The server asked to back off, and went on doing so.
    Throttled,
    /// The server failed.
    ServerError,
    /// No answer.
    Failed,
}

impl Kind {
    /// As in the facts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Unauthorized => "unauthorized",
            Self::UnsupportedScheme => "unsupported-scheme",
            Self::Forbidden => "forbidden",
            Self::NotSoap => "not-soap",
            Self::Throttled => "throttled",
            Self::ServerError => "server-error",
            Self::Failed => "failed",
        }
    }
}

/// What became of a question.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended.
    pub kind: Kind,
    /// HTTP status; `None` when no answer came.
    pub status: Option<u16>,
    /// Response code; `NoError` on success.
    pub code: Option<String>,
    /// What the server, or the failure, says.
    pub text: Option<String>,
    /// `X-EWS-Policy-Reason`.
    pub policy_reason: Option<String>,
    /// `x-ms-diagnostics`.
    pub diagnostics: Option<String>,
    /// What a refusal itself gives as its reason.
    pub reason: Option<Given>,
    /// Schemes offered with a 401.
    pub challenges: Vec<String>,
    /// Version of the server, where it tells.
    pub server: Option<ServerVersion>,
    /// Address that the server names instead of the one asked for.
    pub suggested_address: Option<String>,
    /// The exchanges, in order.
    pub exchanges: Vec<Exchange>,
    pub(super) wait: Option<Duration>,
    pub(super) lost: bool,
}

/// What an answer says about the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The server knew the caller.
    Accepted,
    /// The server refused it: it must not be sent again.
    Refused,
    /// It was sent and nothing came back: a wrong one may have been counted.
    Lost,
    /// The question never got that far.
    Nothing,
}

impl Outcome {
    /// How long the server asks to wait.
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// What the answer says about the credential.
    pub fn proof(&self) -> Proof {
        match self.kind {
            Kind::Ok | Kind::Error => Proof::Accepted,
            Kind::Forbidden if self.policy_reason.is_some() => Proof::Accepted,
            Kind::Unauthorized | Kind::UnsupportedScheme => Proof::Refused,
            _ if self.lost => Proof::Lost,
            _ => Proof::Nothing,
        }
    }
}

/// Classifies an answer to a request with a credential of this scheme.
pub(super) fn classify(reply: Reply, scheme: &str) -> Outcome {
    let mut outcome = Outcome {
        kind: Kind::Failed,
        status: None,
        code: None,
        text: None,
        policy_reason: None,
        diagnostics: None,
        reason: None,
        challenges: Vec::new(),
        server: None,
        suggested_address: None,
        exchanges: vec![reply.exchange],
        wait: None,
        lost: false,
    };
    match reply.outcome {
        Ok(response) => outcome.take(&response, scheme),
        Err(failure) => outcome.miss(&failure),
    }
    outcome
}

impl AsRef<Self> for Outcome {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl Outcome {
    /// Removes what a server echoed.
    pub(super) fn redact(&mut self, secrets: &[Secret]) {
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        let texts = [
            &mut self.code,
            &mut self.text,
            &mut self.policy_reason,
            &mut self.diagnostics,
            &mut self.suggested_address,
        ];
        for text in texts {
            *text = text.take().and_then(|text| redact::text(&text, &secrets));
        }
    }

    fn miss(&mut self, failure: &Failure) {
        self.text = Some(xml::clip(&failure.to_string()));
        self.lost = match failure {
            Failure::TimedOut { phase, .. } => *phase != "connect",
            Failure::Garbled { .. } | Failure::Closed { .. } => true,
            _ => false,
        };
        // Something did answer, only not as Exchange does.
        if matches!(failure, Failure::TooLarge { .. } | Failure::Garbled { .. }) {
            self.kind = Kind::NotSoap;
        }
    }

    fn take(&mut self, response: &Response, scheme: &str) {
        self.status = Some(response.status.as_u16());
        self.policy_reason = header_text(&response.headers, "x-ews-policy-reason");
        self.diagnostics = header_text(&response.headers, "x-ms-diagnostics");
        let read = soap::read(&response.body);
        self.reason =
            refusal::given(response.status.as_u16(), &response.headers, &response.body, read.is_ok());
        if response.status == StatusCode::UNAUTHORIZED {
            return self.take_challenge(&response.headers, scheme);
        }
        match read {
            Ok(answer) => {
                self.server = answer.server;
                self.take_content(answer.content, response);
            }
            Err(problem) => self.take_other(&problem, response),
        }
    }

    fn take_challenge(&mut self, headers: &HeaderMap, scheme: &str) {
        self.challenges = challenges(headers);
        let offered = self.challenges.is_empty() || self.challenges.iter().any(|offer| offer == scheme);
        if offered {
            self.kind = Kind::Unauthorized;
        } else {
            self.kind = Kind::UnsupportedScheme;
            self.text = Some(format!("the server offers {}, not {scheme}", self.challenges.join(", ")));
        }
    }

    fn take_content(&mut self, content: Content, response: &Response) {
        let (statement, fault) = match content {
            Content::Fault(statement) => (statement, true),
            Content::Messages(messages) => {
                match messages.into_iter().find(|(class, _)| *class == Class::Error) {
                    Some((_, statement)) => (statement, false),
                    None => return self.succeed(),
                }
            }
        };
        self.suggested_address = suggested_address(&statement);
        self.kind = match statement.code.as_deref() {
            _ if response.status == StatusCode::FORBIDDEN && self.policy_reason.is_some() => Kind::Forbidden,
            _ if is_busy(&statement) => {
                self.wait = Some(wait(&statement, &response.headers));
                Kind::Throttled
            }
            Some("Server" | "Receiver") | None if fault => Kind::ServerError,
            _ => Kind::Error,
        };
        self.code = statement.code;
        self.text = statement.text;
    }

    fn succeed(&mut self) {
        self.kind = Kind::Ok;
        self.code = Some("NoError".to_owned());
    }

    fn take_other(&mut self, problem: &NotSoap, response: &Response) {
        let status = response.status;
        self.text = Some(match header_text(&response.headers, "location") {
            Some(target) if status.is_redirection() => format!("redirect to {target}"),
            _ => problem.to_string(),
        });
        let told_to_wait = response.headers.contains_key(header::RETRY_AFTER);
        self.kind = match status {
            StatusCode::FORBIDDEN => Kind::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => Kind::Throttled,
            StatusCode::SERVICE_UNAVAILABLE if told_to_wait => Kind::Throttled,
            _ if status.is_server_error() => Kind::ServerError,
            _ => Kind::NotSoap,
        };
        if self.kind == Kind::Throttled {
            self.wait = Some(wait(&Statement::default(), &response.headers));
        }
    }
}

/// Busy, also where it is wrapped in another error.
fn is_busy(statement: &Statement) -> bool {
    [statement.code.as_deref(), statement.value("InnerErrorResponseCode")]
        .into_iter()
        .flatten()
        .any(|code| matches!(code, "ErrorServerBusy" | "ErrorExceededConnectionCount"))
}

fn wait(statement: &Statement, headers: &HeaderMap) -> Duration {
    let stated = statement.value("BackOffMilliseconds").and_then(|text| text.trim().parse().ok());
    let header = || header_text(headers, "retry-after")?.parse().ok().map(Duration::from_secs);
    stated.map(Duration::from_millis).or_else(header).unwrap_or(USUAL_WAIT)
}

/// The primary address that a refusal of another address names.
fn suggested_address(statement: &Statement) -> Option<String> {
    if statement.code.as_deref() != Some("ErrorNonPrimarySmtpAddress") {
        return None;
    }
    let is_address = |text: &str| text.contains('@') && !text.contains(char::is_whitespace);
    statement.values.iter().map(|(_, value)| value).find(|value| is_address(value)).cloned()
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name).map(|value| xml::clip(&String::from_utf8_lossy(value.as_bytes())))?;
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let status = StatusCode::from_u16(status).expect("a status");
        let response = Response { status, headers: map, body: body.to_owned().into() };
        classify(Reply { exchange: Exchange::default(), outcome: Ok(response) }, "basic")
    }

    fn fault(code: &str, values: &str) -> String {
        format!(
            "<s:Envelope xmlns:s=\"{}\"><s:Body><s:Fault><faultcode>{code}</faultcode><detail>\
             <t:MessageXml xmlns:t=\"{}\">{values}</t:MessageXml></detail></s:Fault></s:Body></s:Envelope>",
            soap::SOAP,
            soap::TYPES
        )
    }

    #[test]
    fn a_refusal_without_our_scheme_says_nothing_of_the_password() {
        let outcome = answer(401, &[("WWW-Authenticate", "NTLM")], "");
        assert_eq!(outcome.kind, Kind::UnsupportedScheme);
        assert_eq!(answer(401, &[("WWW-Authenticate", "Basic")], "").kind, Kind::Unauthorized);
    }

    #[test]
    fn a_policy_refusal_is_read_from_its_header() {
        let outcome = answer(403, &[("X-EWS-Policy-Reason", "EWS is disabled for this user or tenant")], "");
        assert_eq!(outcome.kind, Kind::Forbidden);
        assert_eq!(outcome.policy_reason.as_deref(), Some("EWS is disabled for this user or tenant"));
        assert_eq!(outcome.proof(), Proof::Accepted);
    }

    #[test]
    fn busy_is_throttling_under_any_status() {
        let body = fault("a:ErrorServerBusy", "<t:Value Name=\"BackOffMilliseconds\">40</t:Value>");
        for status in [200, 500, 503] {
            let outcome = answer(status, &[], &body);
            assert_eq!((outcome.kind, outcome.wait), (Kind::Throttled, Some(Duration::from_millis(40))));
        }
    }

    #[test]
    fn busy_inside_another_error_is_throttling() {
        let inner = "<t:Value Name=\"InnerErrorResponseCode\">ErrorServerBusy</t:Value>";
        assert_eq!(answer(200, &[], &fault("ErrorInternalServerError", inner)).kind, Kind::Throttled);
    }

    #[test]
    fn unavailable_is_throttling_only_when_it_says_how_long() {
        assert_eq!(answer(503, &[], "<html>").kind, Kind::ServerError);
        let outcome = answer(503, &[("Retry-After", "3")], "");
        assert_eq!((outcome.kind, outcome.wait), (Kind::Throttled, Some(Duration::from_secs(3))));
    }

    #[test]
    fn a_logon_form_is_not_soap_and_names_its_place() {
        let outcome = answer(302, &[("Location", "/owa/auth/logon.aspx?url=x")], "");
        assert_eq!(outcome.kind, Kind::NotSoap);
        assert_eq!(outcome.text.as_deref(), Some("redirect to /owa/auth/logon.aspx?url=x"));
        assert_eq!(outcome.proof(), Proof::Nothing);
    }

    #[test]
    fn a_fault_of_the_server_without_exchange_code_is_a_server_error() {
        assert_eq!(answer(500, &[], &fault("SOAP:Server", "")).kind, Kind::ServerError);
        assert_eq!(answer(200, &[], &fault("ErrorMailboxMoveInProgress", "")).kind, Kind::Error);
    }

    #[test]
    fn the_address_to_use_instead_is_taken_from_the_refusal() {
        let value = "<t:Value Name=\"Primary\">first@contoso.com</t:Value>";
        let outcome = answer(500, &[], &fault("ErrorNonPrimarySmtpAddress", value));
        assert_eq!(outcome.suggested_address.as_deref(), Some("first@contoso.com"));
    }
}
