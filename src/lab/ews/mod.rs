//! Exchange Web Services, in the cloud and on Exchange Server.
//!
//! The order of the gates is the server's: sign-in form, credentials, organization switches, the
//! request itself, impersonation, mailbox switches, the operation. A refusal of the whole request is a
//! SOAP fault with status 500, one of an item a response message. Must not know this program's client.

mod availability;
mod find;
mod folder_operations;
mod folders;
mod gates;
mod identity;
mod item;
mod item_operations;
mod notifications;
mod operations;
mod paging;
mod paths;
mod people;
mod public_folders;
mod reader;
mod refusal;
mod restriction;
mod schema;
mod sync;
mod target;
mod time_zones;
mod times;
mod user_settings;
mod xml;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use self::identity::{Caller, Refused};
use self::xml::Fault;
pub use self::{notifications::Streaming, refusal::refused};
use super::ask::{Answer, Ask};
use super::store::Store;
use super::view::View;

/// Wrong passwords after which an account is locked.
const ATTEMPTS: u32 = 5;

/// The service; it counts wrong passwords.
#[derive(Debug, Default)]
pub struct Ews {
    failures: Mutex<BTreeMap<String, u32>>,
}

impl Ews {
    /// Answers one request.
    pub fn answer(&self, view: View, store: &Store, ask: &Ask) -> Answer {
        let answer = self.respond(view, store, ask);
        let answer = answer.with("Server", "Microsoft-IIS/10.0").with("request-id", &ask.request_id);
        let client = ask.header("client-request-id").map(str::to_owned);
        let echo =
            ask.header("return-client-request-id").is_some_and(|wanted| wanted.eq_ignore_ascii_case("true"));
        let answer = match client.filter(|_| echo) {
            Some(id) => answer.with("client-request-id", id),
            None => answer,
        };
        if online(view) {
            answer.with("X-FEServer", "AM0PR01CA0101").with("X-BEServer", "AM9PR01MB7777")
        } else {
            answer.with("X-FEServer", "EX01").with("X-BEServer", "EX01").with("X-Powered-By", "ASP.NET")
        }
    }

    fn respond(&self, view: View, store: &Store, ask: &Ask) -> Answer {
        let path = ask.path.to_ascii_lowercase();
        if view.at("ews.logon_form") == true {
            return logon_form(ask);
        }
        if path == "/autodiscover/autodiscover.svc" && ask.method == "POST" {
            return user_settings::answer(self, view, ask);
        }
        if path != "/ews/exchange.asmx" {
            return html(404, "404 - File or directory not found.");
        }
        let caller = match identity::caller(view, ask, self) {
            Ok(caller) => caller,
            Err(refused) => return refused.answer(view),
        };
        if ask.method != "POST" {
            return description(ask);
        }
        let kind = ask.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if !kind.starts_with("text/xml") && !kind.starts_with("application/soap+xml") {
            return html(415, "415 - The media type is not supported.");
        }
        match serve(view, store, ask, &caller) {
            Ok(Served::Whole(body)) => Answer::new(200, XML, body),
            Ok(Served::Stream(stream)) => Answer::new(200, XML, "").streaming(stream),
            Err(Stop::Fault(fault)) => Answer::new(500, XML, fault.envelope(&xml::version(view))),
            Err(Stop::Answer(answer)) => answer,
        }
    }

    /// Counts a wrong password; says whether the account is locked by now.
    fn count(&self, name: &str, wrong: bool) -> bool {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let count = failures.entry(name.to_lowercase()).or_default();
        if *count >= ATTEMPTS {
            return true;
        }
        *count = if wrong { *count + 1 } else { 0 };
        *count >= ATTEMPTS
    }
}

/// Content type of SOAP answers.
const XML: &str = "text/xml; charset=utf-8";

/// Why a request ends early.
enum Stop {
    /// A fault.
    Fault(Fault),
    /// A refusal below SOAP.
    Answer(Answer),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Whether the world's EWS is Exchange Online.
fn online(view: View) -> bool {
    view.at("ews.kind") == "online"
}

/// What a request is answered with.
enum Served {
    /// One envelope.
    Whole(String),
    /// Envelopes one after the other.
    Stream(Streaming),
}

/// From the body to the answering envelope.
fn serve(view: View, store: &Store, ask: &Ask, caller: &Caller) -> Result<Served, Stop> {
    if online(view) {
        gates::organization(view, caller).map_err(Stop::Answer)?;
    }
    let text = String::from_utf8_lossy(&ask.body);
    let document = reader::parse(&text)?;
    let request = reader::read(&document)?;
    let target = gates::impersonation(view, caller, &request)?;
    let mailbox = target.or(caller.mailbox(view));
    if let (true, Some(mailbox)) = (online(view), mailbox) {
        gates::mailbox(view, ask, mailbox).map_err(Stop::Answer)?;
    }
    if let Some(mailbox) = mailbox {
        gates::broken(view, mailbox, target.is_some())?;
    }
    let (impersonated, zone) = (target.is_some(), request.zone.as_str());
    let context = operations::Context { view, store, ask, caller, mailbox, impersonated, zone };
    let whole = |body: &str| Ok(Served::Whole(xml::envelope(&xml::version(view), body)));
    if request.operation.tag_name().name() == "GetStreamingEvents" {
        return match notifications::streaming(&context, request.operation) {
            Ok(stream) => Ok(Served::Stream(stream)),
            Err(body) => whole(&body),
        };
    }
    whole(&operations::run(&context, &request)?)
}

/// Forms authentication in front of the endpoint.
fn logon_form(ask: &Ask) -> Answer {
    let back = format!("https://{}{}", ask.host, ask.path).replace(':', "%3a").replace('/', "%2f");
    let target = format!("https://{}/owa/auth/logon.aspx?url={back}&reason=0", ask.host);
    html(302, "Object moved").with("Location", target)
}

/// A fault of that response code and text, before any request was read; `wait`: milliseconds that the
/// caller is to wait.
pub fn fault(status: u16, code: &str, text: &str, wait: Option<u64>) -> Answer {
    let fault = match (code, wait) {
        (code, None) => Fault::new(code, text),
        ("ErrorServerBusy", Some(wait)) => {
            Fault::new(code, text).with("BackOffMilliseconds", &wait.to_string())
        }
        (code, Some(wait)) => Fault::new(code, "An internal server error occurred. The operation failed.")
            .with("InnerErrorMessageText", text)
            .with("InnerErrorResponseCode", "ErrorServerBusy")
            .with("InnerErrorDescriptiveLinkKey", "0")
            .with("BackOffMilliseconds", &wait.to_string()),
    };
    Answer::new(status, XML, fault.envelope(""))
}

/// What a browser sees.
fn description(ask: &Ask) -> Answer {
    let text = format!(
        "<HTML lang=\"en\"><HEAD><TITLE>Service</TITLE></HEAD><BODY><P class='heading1'>You have created a service.</P>\
         <P>To test this service, you will need to create a client and use it to call the service: \
         <A href=\"https://{0}/EWS/Services.wsdl\">https://{0}/EWS/Services.wsdl</A></P></BODY></HTML>",
        ask.host
    );
    Answer::new(200, "text/html; charset=UTF-8", text)
}

fn html(status: u16, text: &str) -> Answer {
    let page =
        format!("<!DOCTYPE html><html><head><title>{text}</title></head><body><h2>{text}</h2></body></html>");
    Answer::new(status, "text/html", page)
}

impl Refused {
    /// 401 with the challenges of the endpoint.
    fn answer(&self, view: View) -> Answer {
        let answer = match self.diagnostics {
            Some(text) => Answer::empty(401).with("x-ms-diagnostics", text),
            None => html(401, "401 - Unauthorized: Access is denied due to invalid credentials."),
        };
        let challenges = super::view::texts(view.at("ews.challenges"));
        challenges.into_iter().fold(answer, |answer, challenge| {
            answer.with("WWW-Authenticate", identity::challenge(challenge, self.diagnostics.is_some()))
        })
    }
}
