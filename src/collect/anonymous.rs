//! Requests without credentials, which several calls share and which are sent once in a run.

use std::sync::Arc;

use http::{HeaderMap, header};
use url::Url;

use super::{Context, directory::Stop};
use crate::facts::{Absence, Reason};
use crate::wire::{Failure, Reply, Request};

impl Context {
    /// The answer to a GET without credentials, sent once in a run however many ask.
    pub(super) async fn fetch(&self, url: &Url) -> Arc<Reply> {
        let ask = Box::pin(async {
            let mut request = Request::get(url.clone());
            let accept = header::HeaderValue::from_static("application/json, text/xml, */*;q=0.5");
            request.headers.insert(header::ACCEPT, accept);
            self.net.send(request).await
        });
        self.memo.once(format!("GET {url}"), ask).await
    }
}

/// Why facts are missing when no answer came.
pub(super) fn absence(failure: &Failure) -> Absence {
    let reason = match failure {
        Failure::TimedOut { .. } | Failure::Dns { kind: "timed-out", .. } => Reason::TimedOut,
        Failure::TooLarge { .. } | Failure::Garbled { .. } => Reason::Unreadable,
        _ => Reason::Unreachable,
    };
    Absence::new(reason).with_text(failure.to_string())
}

/// Stops a call with an answer that is none, as evidence of why.
pub(super) fn stop(reply: &Reply, reason: Reason, text: impl Into<String>) -> Stop {
    let absence = match &reply.outcome {
        Err(failure) => absence(failure),
        Ok(_) => Absence::new(reason).with_text(text),
    };
    Stop { absence, exchanges: vec![reply.exchange.clone()] }
}

/// Where an answer redirects to.
pub(super) fn location(headers: &HeaderMap, from: &Url) -> Option<Url> {
    let target = headers.get(header::LOCATION)?.to_str().ok()?;
    from.join(target).ok()
}
