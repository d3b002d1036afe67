//! The client of Exchange Web Services: one cheap question, and every way in which it is answered.
//!
//! Sends a credential over https only. Knows nothing of facts or of who asks.

use std::time::Duration;

mod call;
mod credential;
mod element;
mod inboxes;
mod item;
mod operation;
mod outcome;
mod public_folders;
mod reading;
mod request;
mod user_settings;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use quick_xml::events::BytesText;
use url::Url;

use super::client::Net;
use super::net::{Body, Request};
use super::renewal::Renewal;
use super::secret::Secret;
use super::soap::{self, RequestVersion};
use outcome::classify;

pub use call::Called;
pub use credential::{Credential, Unsendable};
pub use inboxes::Inboxes;
pub use item::{Field, Fields, ItemKind, NewItem, Weekly};
pub use operation::{
    FolderRef, FolderShape, Only, Operation, Page, Property, RECEIVE_QUOTA, REPLICAS, SEND_QUOTA, SIZE, Tag,
    WARNING_QUOTA,
};
pub use outcome::{Kind, Outcome, Proof};
pub use public_folders::{
    Child, Listing, Parent, Permission, Rights, Route, Seen, Who, find_folders, get_folder,
};
pub use reading::{Changed, Effective, Events, Feed, Folder, Found, Item, Subscription};
pub use user_settings::Routed;

/// Path of the service on every Exchange host.
pub const PATH: &str = "/EWS/Exchange.asmx";

/// Requests repeated after a server asked to back off.
const REPEATS: usize = 2;
/// Longest time waited before such a repetition; a longer one is reported instead.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Whose inbox is opened, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailbox {
    /// The own one of this account.
    Own(String),
    /// This one, by `ExchangeImpersonation`.
    Impersonated(String),
    /// This one, by the caller's own permissions on it.
    Named(String),
}

impl Mailbox {
    /// Its address.
    pub fn address(&self) -> &str {
        match self {
            Self::Own(address) | Self::Impersonated(address) | Self::Named(address) => address,
        }
    }
}

/// One question: the mailbox by which it finds its server, and its body for a version.
struct Question<'a> {
    anchor: &'a str,
    public_folder_mailbox: Option<&'a str>,
    body: &'a (dyn Fn(RequestVersion) -> String + Sync),
}

/// What became of a question, and what was answered, word for word.
struct Answered {
    outcome: Outcome,
    body: Option<Bytes>,
    /// It was sent with the token that was fetched in place of the first.
    renewed: bool,
}

/// Asks one server with one credential.
#[derive(Debug, Clone)]
pub struct Client {
    net: Net,
    url: Url,
    scheme: &'static str,
    authorization: HeaderValue,
    agent: Option<HeaderValue>,
    secrets: Vec<Secret>,
    renewal: Option<Renewal>,
}

impl Client {
    /// A client for this server.
    ///
    /// # Errors
    ///
    /// When the credential must not or cannot be sent there.
    pub fn new(net: Net, url: Url, credential: &Credential) -> Result<Self, Unsendable> {
        if url.scheme() != "https" {
            return Err(Unsendable::PlainHttp);
        }
        let authorization = credential.header().ok_or(Unsendable::Characters)?;
        let (scheme, secrets) = (credential.scheme(), credential.secrets());
        Ok(Self { net, url, scheme, authorization, agent: None, secrets, renewal: None })
    }

    /// The same client under another program's name.
    #[must_use]
    pub fn named(mut self, agent: HeaderValue) -> Self {
        self.agent = Some(agent);
        self
    }

    /// The same, that can fetch another token when the server no longer takes this one.
    #[must_use]
    pub fn renewing(self, renewal: Renewal) -> Self {
        Self { renewal: Some(renewal), ..self }
    }

    /// Whether it proves itself by a password: a refused one must not be sent again.
    pub fn sends_password(&self) -> bool {
        self.scheme != "bearer"
    }

    /// The client with the token that was fetched in place of the first, if one was.
    fn current(&self) -> Option<Self> {
        let token = self.renewal.as_ref()?.fetched()?;
        let other = Self::new(self.net.clone(), self.url.clone(), &Credential::Bearer(token.clone())).ok()?;
        Some(Self { agent: self.agent.clone(), ..other })
    }

    /// Opens an inbox: the cheapest question that needs a right on the mailbox. Repeated when the
    /// server is older than the request or asks to back off, never after a refused credential.
    pub async fn open_inbox(&self, mailbox: &Mailbox) -> Outcome {
        self.open_folder(mailbox, "inbox").await
    }

    /// The same for another default folder, by its distinguished name.
    pub async fn open_folder(&self, mailbox: &Mailbox, name: &str) -> Outcome {
        let question = Question {
            anchor: mailbox.address(),
            public_folder_mailbox: None,
            body: &|version| get_default_folder(mailbox, version, name),
        };
        self.put(&question).await.outcome
    }

    /// Puts a question, again where it is worth it.
    async fn put(&self, question: &Question<'_>) -> Answered {
        let mut version = RequestVersion::Exchange2013Sp1;
        let mut exchanges = Vec::new();
        let mut repeats = 0;
        loop {
            let mut answered = self.ask(question, version).await;
            let outcome = &mut answered.outcome;
            exchanges.append(&mut outcome.exchanges);
            let too_new = outcome.code.as_deref() == Some("ErrorInvalidServerVersion");
            if too_new && version == RequestVersion::Exchange2013Sp1 {
                version = RequestVersion::Exchange2010Sp2;
                continue;
            }
            match outcome.wait {
                Some(wait) if repeats < REPEATS && wait <= LONGEST_WAIT => {
                    repeats += 1;
                    tokio::time::sleep(wait).await;
                }
                _ => {
                    outcome.exchanges = exchanges;
                    return answered;
                }
            }
        }
    }

    async fn ask(&self, question: &Question<'_>, version: RequestVersion) -> Answered {
        match self.current() {
            Some(client) => Answered { renewed: true, ..client.send(question, version).await },
            None => self.send(question, version).await,
        }
    }

    async fn send(&self, question: &Question<'_>, version: RequestVersion) -> Answered {
        let mut request = Request::post(self.url.clone(), Body::Xml((question.body)(version)));
        request.headers = self.headers(question.anchor);
        if let Some(value) = question.public_folder_mailbox.and_then(|name| HeaderValue::from_str(name).ok())
        {
            request.headers.insert(HeaderName::from_static("x-publicfoldermailbox"), value);
        }
        let reply = self.net.send(request).await;
        let body = reply.outcome.as_ref().ok().map(|response| response.body.clone());
        let mut outcome = classify(reply, self.scheme);
        outcome.redact(&self.secrets);
        Answered { outcome, body, renewed: false }
    }

    fn headers(&self, anchor: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/xml"));
        if let Some(agent) = &self.agent {
            headers.insert(header::USER_AGENT, agent.clone());
        }
        headers.insert(HeaderName::from_static("return-client-request-id"), HeaderValue::from_static("true"));
        if let Ok(value) = HeaderValue::from_str(anchor) {
            headers.insert(HeaderName::from_static("x-anchormailbox"), value);
        }
        headers
    }
}

/// The request for the id of an inbox, as text.
pub fn get_inbox(mailbox: &Mailbox, version: RequestVersion) -> String {
    get_default_folder(mailbox, version, "inbox")
}

fn get_default_folder(mailbox: &Mailbox, version: RequestVersion, name: &str) -> String {
    let (impersonate, named) = match mailbox {
        Mailbox::Own(_) => (None, None),
        Mailbox::Impersonated(address) => (Some(address.as_str()), None),
        Mailbox::Named(address) => (None, Some(address.as_str())),
    };
    soap::envelope(version, impersonate, |writer| {
        writer.create_element("m:GetFolder").write_inner_content(|writer| {
            writer.create_element("m:FolderShape").write_inner_content(|writer| {
                writer.create_element("t:BaseShape").write_text_content(BytesText::new("IdOnly"))?;
                Ok(())
            })?;
            writer
                .create_element("m:FolderIds")
                .write_inner_content(|writer| write_default_folder(writer, name, named))?;
            Ok(())
        })?;
        Ok(())
    })
}

fn write_default_folder(
    writer: &mut soap::XmlWriter,
    name: &str,
    named: Option<&str>,
) -> std::io::Result<()> {
    let folder = writer.create_element("t:DistinguishedFolderId").with_attribute(("Id", name));
    let Some(address) = named else { return folder.write_empty().map(drop) };
    let inner = |writer: &mut soap::XmlWriter| {
        writer.create_element("t:Mailbox").write_inner_content(|writer| {
            writer.create_element("t:EmailAddress").write_text_content(BytesText::new(address))?;
            Ok(())
        })?;
        Ok(())
    };
    folder.write_inner_content(inner).map(drop)
}
