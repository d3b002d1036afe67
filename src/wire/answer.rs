//! Answers of Microsoft's JSON interfaces, sorted by what they mean, and the patience that throttling
//! asks for. Shared by the Graph and the Exchange admin client; knows nothing of what is asked.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use serde_json::Value;
use tokio::time::Instant;

use super::refusal::{self, Given};
use super::{Failure, Net, Request, Response, json};
use crate::facts::Exchange;

/// Requests sent again after a refusal for rate.
const RETRIES: u32 = 2;

/// Pause where a service asks for one and does not say how long.
const PAUSE: Duration = Duration::from_secs(1);

/// Deepest inner error that is read.
const INNER: usize = 8;

/// Codes by which a service refuses for want of a license.
const UNLICENSED: [&str; 2] =
    ["Authentication_RequestFromNonPremiumTenantOrB2CTenant", "AadPremiumLicenseRequired"];

/// Codes by which a service says that an object does not exist. A status alone proves nothing: any
/// gateway can answer 404.
const MISSING: [&str; 9] = [
    "Request_ResourceNotFound",
    "ResourceNotFound",
    "itemNotFound",
    "ErrorItemNotFound",
    "ErrorInvalidUser",
    "ErrorNonExistentMailbox",
    "MailboxNotEnabledForRESTAPI",
    "MailboxNotHostedInExchangeOnline",
    "MailboxNotSupportedForRESTAPI",
];

/// A refusal with its error body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// The most specific error code.
    pub code: Option<String>,
    /// All error codes, outermost first.
    pub codes: Vec<String>,
    /// The most specific message.
    pub message: String,
    /// The body is an error of the service, not that of something in between.
    pub is_of_service: bool,
    /// What a refusal itself gives as its reason.
    pub reason: Option<Given>,
}

impl Problem {
    /// Status, code and message on one line.
    pub fn words(&self) -> String {
        let code = self.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
        let message = if self.message.is_empty() { String::new() } else { format!(": {}", self.message) };
        format!("HTTP {}{code}{message}", self.status)
    }

    /// Whether a code or the message holds one of the texts.
    pub fn mentions(&self, texts: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        texts.iter().any(|text| {
            self.codes.iter().any(|code| code.eq_ignore_ascii_case(text))
                || message.contains(&text.to_ascii_lowercase())
        })
    }
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It was read.
    Found(Value),
    /// The object does not exist.
    Missing(Problem),
    /// The caller lacks a permission or role.
    Denied(Problem),
    /// The tenant lacks a license for it.
    Unlicensed(Problem),
    /// The service limits its calls, and went on refusing.
    Throttled(Problem),
    /// The service refused for another reason.
    Rejected(Problem),
    /// The service failed.
    Down(Problem),
    /// No answer came.
    Unreachable(Failure),
    /// The answer is not what is documented.
    Unreadable(String),
}

impl Answer {
    /// HTTP status and refusal, where the service said no.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Missing(problem)
            | Self::Denied(problem)
            | Self::Unlicensed(problem)
            | Self::Throttled(problem)
            | Self::Rejected(problem)
            | Self::Down(problem) => Some(problem),
            Self::Found(_) | Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }
}

/// An answer with the exchanges that led to it.
#[derive(Debug, Clone)]
pub struct Said {
    /// The answer.
    pub answer: Answer,
    /// Evidence, in order.
    pub exchanges: Vec<Exchange>,
    /// There was more than the bound allows to read.
    pub truncated: bool,
}

/// Sends a request, waits as a throttling service asks, and sends it again while there is time.
pub(super) async fn send_patiently(
    net: &Net,
    request: Request,
    until: Instant,
) -> (Result<Response, Failure>, Vec<Exchange>) {
    let mut exchanges = Vec::new();
    for attempt in 0.. {
        let reply = net.send(request.clone()).await;
        exchanges.push(reply.exchange);
        let pause = reply.outcome.as_ref().ok().and_then(pause);
        match pause.filter(|pause| attempt < RETRIES && Instant::now() + *pause < until) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return (reply.outcome, exchanges),
        }
    }
    unreachable!("the loop ends by returning")
}

/// How long to wait before asking again; `None` when asking again is of no use.
pub(super) fn pause(response: &Response) -> Option<Duration> {
    let asks = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&response.status);
    asks.then(|| retry_after(&response.headers).unwrap_or(PAUSE))
}

/// How long a service asks to wait, in seconds; never more than a day, whatever it says.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(24 * 60 * 60)))
}

/// Sorts a response by its status and its error body.
pub(super) fn read(outcome: Result<Response, Failure>) -> Answer {
    let response = match outcome {
        Ok(response) => response,
        Err(failure) => return Answer::Unreachable(failure),
    };
    if response.status.is_success() {
        return json::parse(&response.body).map_or_else(Answer::Unreadable, Answer::Found);
    }
    let mut problem = problem(response.status, &response.body);
    let (status, of_service) = (response.status.as_u16(), problem.is_of_service);
    problem.reason = refusal::given(status, &response.headers, &response.body, of_service);
    if is_unlicensed(&problem) {
        return Answer::Unlicensed(problem);
    }
    // Exchange refuses a token without a word.
    let silent = response.body.is_empty() && problem.code.is_none();
    match response.status.as_u16() {
        429 => Answer::Throttled(problem),
        500.. => Answer::Down(problem),
        401 | 403 if problem.is_of_service || silent => Answer::Denied(problem),
        // The path is unknown to the server, which says nothing of the object.
        404 if problem.mentions(&["for the segment"]) => {
            Answer::Unreadable(format!("{}: this server does not know the path", problem.words()))
        }
        404 if problem.codes.iter().any(|code| MISSING.contains(&code.as_str())) => Answer::Missing(problem),
        _ if problem.is_of_service => Answer::Rejected(problem),
        _ => Answer::Unreadable(format!("{}, which is no answer of the service", problem.words())),
    }
}

fn is_unlicensed(problem: &Problem) -> bool {
    let by_code = problem.codes.iter().any(|code| UNLICENSED.contains(&code.as_str()));
    let general = problem.codes.iter().any(|code| ["Forbidden", "AccessDenied"].contains(&code.as_str()));
    by_code || general && problem.status == 403 && problem.mentions(&["licens", "licenc", "premium"])
}

/// Reads an error body; whatever is missing stays empty.
pub fn problem(status: StatusCode, body: &[u8]) -> Problem {
    let status = status.as_u16();
    let Ok(body) = json::parse(body) else {
        let text = String::from_utf8_lossy(body.get(..200).unwrap_or(body)).into_owned();
        return Problem { status, message: json::clip(&text, 200), ..Problem::default() };
    };
    let mut level = body.get("error").unwrap_or(&Value::Null);
    let mut problem = Problem { status, is_of_service: !level.is_null(), ..Problem::default() };
    if let Some(code) = level.as_str() {
        problem.codes.push(json::clip(code, 100));
        level = &body;
    }
    for _ in 0..INNER {
        take_level(&mut problem, level);
        for detail in level.get("details").and_then(Value::as_array).into_iter().flatten().take(INNER) {
            take_level(&mut problem, detail);
        }
        let inner = ["innerError", "innererror", "innerException", "internalException"]
            .iter()
            .find_map(|name| level.get(name).filter(|inner| inner.is_object()));
        match inner {
            Some(inner) => level = inner,
            None => break,
        }
    }
    problem.code = problem.codes.last().cloned();
    problem
}

/// Takes code and message of one level; a deeper message is the more specific one.
fn take_level(problem: &mut Problem, level: &Value) {
    let code = match level.get("code") {
        Some(Value::String(code)) => json::clip(code, 100),
        Some(Value::Number(code)) => code.to_string(),
        _ => String::new(),
    };
    if !code.is_empty() {
        problem.codes.push(code);
    }
    let message = ["message", "error_description"].iter().find_map(|name| level.get(name)?.as_str());
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        problem.message = json::clip(message, 400);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        let status = StatusCode::from_u16(status).expect("a status");
        read(Ok(Response { status, headers: HeaderMap::new(), body: body.to_string().into() }))
    }

    #[test]
    fn the_innermost_code_is_the_specific_one() {
        let body = json!({ "error": { "code": "Forbidden", "message": "outer", "innererror": {
            "code": "", "innerError": { "code": "TokenNotFresh", "message": "inner" } } } });
        let problem = problem(StatusCode::FORBIDDEN, body.to_string().as_bytes());
        assert_eq!(problem.words(), "HTTP 403 TokenNotFresh: inner");
    }

    #[test]
    fn a_code_may_be_empty_or_a_number() {
        let read = |code: Value| {
            let body = json!({ "error": { "code": code } }).to_string();
            problem(StatusCode::BAD_REQUEST, body.as_bytes()).code
        };
        assert_eq!(read(json!("")), None);
        assert_eq!(read(json!(400)).as_deref(), Some("400"));
        assert_eq!(read(json!({})), None);
    }

    #[test]
    fn a_want_of_license_is_no_want_of_permission() {
        let premium = json!({ "error": { "code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant" } });
        let governance = json!({ "error": { "code": "AadPremiumLicenseRequired" } });
        let worded = json!({ "error": { "code": "Forbidden", "message": "Your tenant is not licensed." } });
        let role = json!({ "error": { "code": "Forbidden", "message": "Role missing." } });
        assert!(matches!(answer(403, &premium), Answer::Unlicensed(_)));
        assert!(matches!(answer(400, &governance), Answer::Unlicensed(_)));
        assert!(matches!(answer(403, &worded), Answer::Unlicensed(_)));
        assert!(matches!(answer(403, &role), Answer::Denied(_)));
    }

    #[test]
    fn statuses_sort_the_answers() {
        let body = json!({ "error": { "code": "x" } });
        assert!(matches!(answer(200, &body), Answer::Found(_)));
        assert!(matches!(answer(401, &body), Answer::Denied(_)));
        assert!(matches!(answer(404, &body), Answer::Rejected(_)));
        let gone = json!({ "error": { "code": "Request_ResourceNotFound" } });
        assert!(matches!(answer(404, &gone), Answer::Missing(_)));
        let path = json!({ "error": {
            "code": "Request_ResourceNotFound", "message": "Resource not found for the segment 'mailFolders'.",
        } });
        assert!(matches!(answer(404, &path), Answer::Unreadable(_)));
        assert!(matches!(answer(429, &body), Answer::Throttled(_)));
        assert!(matches!(answer(502, &body), Answer::Down(_)));
        assert!(matches!(answer(302, &body), Answer::Rejected(_)));
    }

    #[test]
    fn what_something_in_between_says_is_no_answer() {
        let page = |status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            read(Ok(Response { status, headers: HeaderMap::new(), body: "<html>No</html>".into() }))
        };
        for status in [200, 302, 400, 401, 403, 404] {
            assert!(matches!(page(status), Answer::Unreadable(_)), "{status}");
        }
        assert!(matches!(answer(404, &json!({ "message": "no" })), Answer::Unreadable(_)));
    }

    #[test]
    fn a_silent_refusal_is_a_refusal() {
        let response = Response { status: StatusCode::FORBIDDEN, headers: HeaderMap::new(), body: "".into() };
        assert!(matches!(read(Ok(response)), Answer::Denied(_)));
    }

    #[test]
    fn the_deepest_message_of_exchange_is_kept() {
        let body = json!({ "error": { "code": "BadRequest", "message": "outer", "details": [
            { "code": "Context", "target": "", "message": "Ex123|Kind|detail" } ],
            "innererror": { "internalException": { "message": "the useful one" } } } });
        assert_eq!(problem(StatusCode::BAD_REQUEST, body.to_string().as_bytes()).message, "the useful one");
    }

    #[test]
    fn a_body_that_is_not_json_is_quoted_briefly() {
        let problem = problem(StatusCode::BAD_GATEWAY, "<html>".repeat(500).as_bytes());
        assert!(problem.message.len() <= 200);
    }

    #[test]
    fn only_a_throttling_answer_asks_for_a_pause() {
        let response = |status: u16, after: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(after) = after {
                headers.insert(RETRY_AFTER, after.parse().expect("a header"));
            }
            let status = StatusCode::from_u16(status).expect("a status");
            pause(&Response { status, headers, body: "".into() })
        };
        assert_eq!(response(429, Some("7")), Some(Duration::from_secs(7)));
        assert_eq!(response(429, None), Some(PAUSE));
        assert_eq!(response(503, Some("soon")), Some(PAUSE));
        assert_eq!(response(429, Some(&u64::MAX.to_string())), Some(Duration::from_hours(24)));
        assert_eq!(response(500, Some("7")), None);
    }
}
