//! The inboxes of very many mailboxes, opened one by one: the request is prepared, only the address
//! changes, and an answer that says plainly that the folder was opened is not read any further. Every
//! other answer is classified as always, with its evidence.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use quick_xml::escape::escape;

use super::{Client, Mailbox, Outcome, classify, get_default_folder};
use crate::wire::{
    Net, Reply, Response, Secret,
    client::evidence,
    lean::{Lean, Question},
    soap::RequestVersion,
};

/// Stands for the address while a request is prepared.
const PLACE: &str = "the-address";

/// Opens inboxes. It asks once for each; pauses are its caller's business.
#[derive(Debug)]
pub struct Inboxes {
    lean: Lean,
    url: url::Url,
    target: Uri,
    headers: HeaderMap,
    scheme: &'static str,
    secrets: Vec<Secret>,
    new: Prepared,
    old: Prepared,
    /// The server is older than the first version asked for.
    is_old: AtomicBool,
}

impl Client {
    /// Opens inboxes by this credential: by `ExchangeImpersonation`, or by the caller's own permissions.
    pub fn inboxes(&self, impersonate: bool) -> Option<Inboxes> {
        self.folders(impersonate, "inbox")
    }

    /// The same for another default folder, by its distinguished name.
    pub fn folders(&self, impersonate: bool, name: &str) -> Option<Inboxes> {
        let net: Net = self.net.clone();
        let lean = Lean::new(net, &self.url)?;
        let mut headers = lean.headers();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8"));
        let prepare = |version| Prepared::new(impersonate, name, version);
        Some(Inboxes {
            lean,
            target: self.url[url::Position::BeforePath..url::Position::AfterQuery].parse().ok()?,
            url: self.url.clone(),
            headers,
            scheme: self.scheme,
            secrets: self.secrets.clone(),
            new: prepare(RequestVersion::Exchange2013Sp1)?,
            old: prepare(RequestVersion::Exchange2010Sp2)?,
            is_old: AtomicBool::new(false),
        })
    }
}

impl Inboxes {
    /// Opens the inbox of one mailbox.
    ///
    /// # Errors
    ///
    /// Whatever else the answer was than an opened inbox.
    pub async fn open(&self, address: &str) -> Result<(), Box<Outcome>> {
        let was_old = self.is_old.load(Ordering::Relaxed);
        let outcome = self.ask(address, if was_old { &self.old } else { &self.new }).await;
        match outcome {
            Err(outcome) if !was_old && outcome.code.as_deref() == Some("ErrorInvalidServerVersion") => {
                self.is_old.store(true, Ordering::Relaxed);
                self.ask(address, &self.old).await
            }
            outcome => outcome,
        }
    }

    async fn ask(&self, address: &str, prepared: &Prepared) -> Result<(), Box<Outcome>> {
        let anchor = HeaderValue::from_str(address).ok();
        let body = prepared.with(address);
        let question = || {
            let mut headers = self.headers.clone();
            if let Some(anchor) = &anchor {
                headers.insert(HeaderName::from_static("x-anchormailbox"), anchor.clone());
            }
            Question { method: Method::POST, target: self.target.clone(), headers, body: body.clone() }
        };
        let told = self.lean.ask(question).await;
        match &told.outcome {
            Ok(response) if is_opened(response) => Ok(()),
            _ => Err(self.classified(told)),
        }
    }

    fn classified(&self, told: crate::wire::lean::Told) -> Box<Outcome> {
        let secrets: Vec<_> = self.secrets.iter().map(|secret| secret.expose().to_owned()).collect();
        let exchange = evidence(&Method::POST, &self.url, &told, &secrets);
        let mut outcome = classify(Reply { exchange, outcome: told.outcome }, self.scheme);
        outcome.redact(&self.secrets);
        Box::new(outcome)
    }
}

/// A request around an address.
#[derive(Debug)]
struct Prepared {
    before: String,
    after: String,
}

impl Prepared {
    fn new(impersonate: bool, name: &str, version: RequestVersion) -> Option<Self> {
        let mailbox = if impersonate { Mailbox::Impersonated } else { Mailbox::Named };
        let whole = get_default_folder(&mailbox(PLACE.to_owned()), version, name);
        let (before, after) = whole.split_once(PLACE)?;
        Some(Self { before: before.to_owned(), after: after.to_owned() })
    }

    fn with(&self, address: &str) -> Bytes {
        [self.before.as_str(), &escape(address), &self.after].concat().into()
    }
}

/// Whether an answer says, beyond doubt, that the folder was opened.
fn is_opened(response: &Response) -> bool {
    let Ok(text) = std::str::from_utf8(&response.body) else { return false };
    response.status == StatusCode::OK
        && text.trim_end().ends_with("Envelope>")
        && text.matches(" ResponseClass=").eq([" ResponseClass="])
        && text.contains(" ResponseClass=\"Success\"")
        && text.contains("ResponseCode>NoError</")
        && !text.contains("Fault>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ews::get_inbox;

    #[test]
    fn a_prepared_request_is_the_request_that_is_written_whole() {
        let address = "o'neil<&>\"x\"@contoso.com";
        for version in [RequestVersion::Exchange2013Sp1, RequestVersion::Exchange2010Sp2] {
            let prepared = Prepared::new(true, "inbox", version).expect("prepared");
            let whole = get_inbox(&Mailbox::Impersonated(address.to_owned()), version);
            assert_eq!(prepared.with(address), whole);
            let named = Prepared::new(false, "inbox", version).expect("prepared");
            assert_eq!(named.with(address), get_inbox(&Mailbox::Named(address.to_owned()), version));
        }
    }

    #[test]
    fn only_one_plain_success_is_one() {
        let answer = |status: StatusCode, message: &str| {
            let body = format!("<s:Envelope><s:Body><m:X>{message}</m:X></s:Body></s:Envelope>\n").into();
            is_opened(&Response { status, headers: HeaderMap::new(), body })
        };
        let fine = "<m:M ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:M>";
        let refused = "<m:M ResponseClass=\"Error\"><m:ResponseCode>ErrorAccessDenied</m:ResponseCode></m:M>";
        assert!(answer(StatusCode::OK, fine));
        assert!(!answer(StatusCode::FORBIDDEN, fine));
        assert!(!answer(StatusCode::OK, refused));
        assert!(!answer(StatusCode::OK, &[fine, refused].concat()));
        assert!(!answer(StatusCode::OK, "<s:Fault/>"));
        assert!(!answer(StatusCode::OK, ""));
    }
}
