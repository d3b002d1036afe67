//! The Exchange admin interface: runs cmdlets that read, and refuses to send any other.
//!
//! Knows nothing of what the rows mean.

use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use url::Url;

use super::answer::{self, Answer, Said};
use super::graph::{bearer, page, same_host};
use super::{Body, Failure, Net, Request, Response, Secret};
use crate::facts::Exchange;

/// Most pages of one answer that are read.
const PAGES: usize = 20;

/// Mailbox that any tenant has, so that a request of an app finds its way.
const ANCHOR: &str = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@";

/// Words by which Exchange says that an object does not exist.
const MISSING: [&str; 6] = [
    "ManagementObjectNotFound",
    "couldn't be found",
    "could not be found",
    "wasn't found",
    "was not found",
    "no existing permission entry",
];

/// Words by which Exchange says that the caller's roles do not include the cmdlet.
const NOT_OFFERED: [&str; 3] = ["is not recognized", "isn't recognized", "CommandNotFoundException"];

/// A cmdlet that only reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cmdlet(String);

/// Why a cmdlet is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not sent: only Get- and Test- cmdlets are")]
pub struct NotReadOnly(String);

impl Cmdlet {
    /// Takes the name of a `Get-…` or `Test-…` cmdlet.
    ///
    /// # Errors
    ///
    /// For every other name.
    pub fn new(name: &str) -> Result<Self, NotReadOnly> {
        let noun = name.strip_prefix("Get-").or_else(|| name.strip_prefix("Test-"));
        match noun {
            Some(noun) if !noun.is_empty() && noun.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                Ok(Self(name.to_owned()))
            }
            _ => Err(NotReadOnly(name.to_owned())),
        }
    }
}

/// A client with the token of one identity.
#[derive(Debug, Clone)]
pub struct ExchangeAdmin {
    net: Net,
    base: Url,
    tenant: String,
    anchor: String,
    token: Secret,
    until: Instant,
}

impl ExchangeAdmin {
    /// A client for one host, one tenant and one token; `upn` is the signed-in user, if it is a user.
    pub fn new(net: Net, base: Url, tenant: &str, upn: Option<&str>, token: Secret, until: Instant) -> Self {
        let anchor = upn.map_or_else(|| format!("{ANCHOR}{tenant}"), |upn| format!("UPN:{upn}"));
        Self { net, base, tenant: tenant.to_owned(), anchor, token, until }
    }

    /// Runs a cmdlet and reads all its rows into one JSON array.
    pub async fn run(&self, cmdlet: &Cmdlet, parameters: &Map<String, Value>) -> Said {
        let body = json!({ "CmdletInput": { "CmdletName": cmdlet.0, "Parameters": parameters } });
        let mut url = self.url();
        let (mut rows, mut exchanges) = (Vec::new(), Vec::new());
        for _ in 0..PAGES {
            let (outcome, more) = self.send(cmdlet, url, body.clone()).await;
            exchanges.extend(more);
            let next = match page(sort(answer::read(outcome)), &mut rows) {
                Ok(next) => next,
                Err(answer) => return Said { answer, exchanges, truncated: false },
            };
            match next.map(|next| same_host(&self.base, &next)) {
                None => return Said { answer: Answer::Found(rows.into()), exchanges, truncated: false },
                Some(Some(next)) => url = next,
                Some(None) => {
                    let text = "the next page of the answer lies on another host".to_owned();
                    return Said { answer: Answer::Unreadable(text), exchanges, truncated: false };
                }
            }
        }
        Said { answer: Answer::Found(rows.into()), exchanges, truncated: true }
    }

    fn url(&self) -> Url {
        let mut url = self.base.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["adminapi", "beta", self.tenant.as_str(), "InvokeCommand"]);
        }
        url
    }

    async fn send(
        &self,
        cmdlet: &Cmdlet,
        url: Url,
        body: Value,
    ) -> (Result<Response, Failure>, Vec<Exchange>) {
        let Some(headers) = self.headers(cmdlet) else {
            let text = "a header cannot carry the token or the tenant".to_owned();
            return (Err(Failure::Garbled { text }), Vec::new());
        };
        let request = Request { headers, ..Request::post(url, Body::Json(body)) };
        answer::send_patiently(&self.net, request, self.until).await
    }

    fn headers(&self, cmdlet: &Cmdlet) -> Option<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, bearer(&self.token)?);
        let texts = [
            ("x-anchormailbox", self.anchor.as_str()),
            ("x-cmdletname", &cmdlet.0),
            ("x-responseformat", "json"),
            ("x-serializationlevel", "Partial"),
            ("prefer", "odata.maxpagesize=1000"),
            ("accept", "application/json"),
        ];
        for (name, value) in texts {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?);
        }
        Some(headers)
    }
}

/// Sorts what Exchange says with one and the same status.
fn sort(answer: Answer) -> Answer {
    match answer {
        Answer::Rejected(problem) | Answer::Missing(problem) | Answer::Down(problem)
            if problem.is_of_service =>
        {
            if problem.mentions(&NOT_OFFERED) {
                Answer::Denied(problem)
            } else if problem.mentions(&MISSING) {
                Answer::Missing(problem)
            } else if problem.status >= 500 {
                Answer::Down(problem)
            } else {
                Answer::Rejected(problem)
            }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::answer::Problem;

    fn problem(status: u16, message: &str) -> Problem {
        Problem { status, message: message.into(), is_of_service: true, ..Problem::default() }
    }

    #[test]
    fn only_reading_cmdlets_are_sent() {
        assert!(Cmdlet::new("Get-Mailbox").is_ok());
        assert!(Cmdlet::new("Test-ApplicationAccessPolicy").is_ok());
        for name in
            ["Set-Mailbox", "Remove-Mailbox", "get-mailbox", "Get-", "Get-Mailbox; Remove-Mailbox", ""]
        {
            assert!(Cmdlet::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_unknown_object_is_missing_and_an_unknown_cmdlet_is_denied() {
        let gone = Answer::Rejected(problem(400, "The object 'x' couldn't be found on 'server'."));
        assert!(matches!(sort(gone), Answer::Missing(_)));
        let unknown =
            Answer::Rejected(problem(400, "The term 'Get-X' is not recognized as the name of a cmdlet."));
        assert!(matches!(sort(unknown), Answer::Denied(_)));
        assert!(matches!(sort(Answer::Missing(problem(404, "no such page"))), Answer::Rejected(_)));
        assert!(matches!(sort(Answer::Denied(problem(403, ""))), Answer::Denied(_)));
    }
}
