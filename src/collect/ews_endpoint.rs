//! What the EWS address answers to somebody without credentials.

use serde_json::{Value, json};
use url::Url;

use super::{
    Access, Call, Context, Yield, anonymous,
    directory::{Reading, Stop, row},
    discovery,
};
use crate::facts::{Absence, Reason};
use crate::wire::{Body, Reply, Request, Response, challenge::challenges, json::clip};

/// The least that is SOAP: it asks for nothing.
const NOTHING: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?>"#,
    r#"<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body/></soap:Envelope>"#
);

/// The calls of this collector.
pub const CALLS: &[Call] = &[row!(
    "ews.endpoint", Account, Access::Anonymous, |_| true, after [], endpoint,
    yields [
        "ews_endpoint.url", "ews_endpoint.status", "ews_endpoint.result", "ews_endpoint.location",
        "ews_endpoint.challenges", "ews_endpoint.policy_reason", "ews_endpoint.server", "ews_endpoint.text",
    ],
)];

async fn endpoint(context: &Context) -> Reading {
    let url = discovery::ews_url(context).await.map_err(Stop::from)?;
    let Some(url) = url else {
        return Err(Stop::from(Absence::new(Reason::NotAsked).with_text("no EWS address is known")));
    };
    let reply = context.knock(&url).await;
    let mut yielded = Yield::new();
    yielded.set("ews_endpoint", facts(&url, &reply)).exchange(reply.exchange.clone());
    if let Err(failure) = &reply.outcome {
        // Nothing was offered and nothing was refused: nobody answered.
        yielded.absent("ews_endpoint.challenges", anonymous::absence(failure));
    }
    Ok(yielded)
}

impl Context {
    /// The answer of an EWS address to a request without credentials, sent once in a run.
    pub(super) async fn knock(&self, url: &Url) -> std::sync::Arc<Reply> {
        let request = Request::post(url.clone(), Body::Xml(NOTHING.to_owned()));
        self.memo.once(format!("POST {url}"), Box::pin(self.net.send(request))).await
    }
}

fn facts(url: &Url, reply: &Reply) -> Value {
    let response = match &reply.outcome {
        Ok(response) => response,
        Err(failure) => {
            return json!({
                "url": url.as_str(), "status": null, "result": "failed", "location": null,
                "policy_reason": null, "server": null, "text": clip(&failure.to_string(), 300),
            });
        }
    };
    let location = anonymous::location(&response.headers, url);
    let text = |name: &str| {
        response.headers.get(name).and_then(|value| value.to_str().ok()).map(|text| clip(text, 300))
    };
    let status = response.status;
    let words = format!("HTTP {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    json!({
        "url": url.as_str(),
        "status": status.as_u16(),
        "result": result(response, location.as_ref()),
        "location": location.map(|location| clip(location.as_str(), 300)),
        "challenges": sorted(challenges(&response.headers)),
        "policy_reason": text("x-ews-policy-reason"),
        "server": text("server"),
        "text": words.trim_end(),
    })
}

/// As the fact `ews_endpoint.result`.
pub(super) fn result(response: &Response, location: Option<&Url>) -> &'static str {
    let body = String::from_utf8_lossy(response.body.get(..4096).unwrap_or(&response.body)).to_lowercase();
    let soap = body.contains("envelope") && body.contains("schemas.xmlsoap.org/soap");
    match response.status.as_u16() {
        401 => "challenge",
        403 => "forbidden",
        404 | 410 => "not-found",
        405 | 501 => "method-refused",
        440 => "logon-form",
        300..=399 if location.is_some_and(is_logon) => "logon-form",
        300..=399 => "redirect",
        _ if soap => "soap",
        500.. | 429 => "server-error",
        _ if body.contains("<html") || body.contains("<!doctype html") => "html",
        _ => "failed",
    }
}

fn is_logon(url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    ["/owa/auth", "/adfs/", "logon", "login", "signin", "/auth/"].iter().any(|part| path.contains(part))
}

/// In one order, whatever the server's: two runs must not differ by it.
fn sorted(mut schemes: Vec<String>) -> Vec<String> {
    schemes.sort_unstable();
    schemes
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn response(status: u16, body: &str) -> Response {
        let body = Bytes::from(body.to_owned());
        let status = StatusCode::from_u16(status).expect("a status");
        Response { status, headers: HeaderMap::new(), body }
    }

    #[test]
    fn a_redirect_to_owa_is_a_logon_form() {
        let url: Url = "https://mail.contoso.com/owa/auth/logon.aspx".parse().expect("a URL");
        assert_eq!(result(&response(302, ""), Some(&url)), "logon-form");
    }

    #[test]
    fn a_fault_is_soap_and_a_page_is_not() {
        let fault = r#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>"#;
        assert_eq!(result(&response(500, fault), None), "soap");
        assert_eq!(result(&response(200, "<!DOCTYPE html><html>"), None), "html");
        assert_eq!(result(&response(503, "<html>"), None), "server-error");
    }
}
