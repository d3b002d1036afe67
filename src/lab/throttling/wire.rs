//! What a request asks of the limits, and how a refusal reads in each protocol.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Demand, Reason, Refused, Service};
use crate::lab::{
    ask::{Answer, Ask},
    ews, graph,
    view::{View, text},
};

/// What a request asks of the limits. A batch is under way in every mailbox that its parts name; the
/// parts take from the budgets themselves.
pub fn demands(view: View, service: Service, ask: &Ask) -> Vec<Demand> {
    match service {
        Service::Ews => vec![exchange(ask)],
        Service::Graph if graph::is_batch(&ask.path) => {
            let mut found: Vec<Demand> = Vec::new();
            for part in graph::parts(ask) {
                let demand = Demand { counts: false, ..mailbox_data(view, &part) };
                if demand.mailbox.is_some() && !found.contains(&demand) {
                    found.push(demand);
                }
            }
            found
        }
        Service::Graph => vec![mailbox_data(view, ask)],
    }
}

fn mailbox_data(view: View, ask: &Ask) -> Demand {
    let mailbox = graph::mailbox_named(&ask.path).map(|name| {
        let key = if name == "me" { ask.claim("oid") } else { name.as_str() };
        view.user(key).map_or_else(|| key.to_lowercase(), |user| text(user, "id").to_owned())
    });
    let app = ask.claim("appid").to_owned();
    Demand { service: Service::Graph, app, mailbox, hanging: false, counts: true, enters: true }
}

fn exchange(ask: &Ask) -> Demand {
    let app = match ask.claim("appid") {
        "" => signed_in(ask),
        app => app.to_owned(),
    };
    let body = String::from_utf8_lossy(&ask.body);
    let own = || if ask.claim("oid").is_empty() { app.clone() } else { ask.claim("oid").to_owned() };
    let mailbox = Some(impersonated(&body).map_or_else(own, str::to_lowercase));
    let hanging = body.contains("GetStreamingEvents>") || body.contains("GetStreamingEvents ");
    Demand { service: Service::Ews, app, mailbox, hanging, counts: true, enters: true }
}

/// The account name of a Basic sign-in; other schemes name nobody here.
fn signed_in(ask: &Ask) -> String {
    let value = ask.header("authorization").unwrap_or_default();
    let basic = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let decoded = basic.and_then(|(_, text)| BASE64_STANDARD.decode(text.trim()).ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(&decoded);
    text.split(':').next().unwrap_or_default().to_lowercase()
}

/// Whom the request acts for: the one text in `ConnectingSID`.
fn impersonated(body: &str) -> Option<&str> {
    let (_, inside) = body.split_once("ConnectingSID")?;
    let inside = inside.split("ConnectingSID").next()?;
    let texts = inside.split('>').skip(1).filter_map(|part| part.split('<').next());
    texts.map(str::trim).find(|text| !text.is_empty())
}

/// The answer to a request that the limits refuse.
pub fn refusal(refused: Refused, service: Service, form: &str, ask: &Ask) -> Answer {
    match service {
        Service::Graph => too_many(refused, ask),
        Service::Ews => busy(refused, form),
    }
}

fn too_many(refused: Refused, ask: &Ask) -> Answer {
    let limit = match refused.reason {
        Reason::AtOnce => "MailboxConcurrency",
        Reason::Mailbox => "MailboxRequest",
        Reason::Application => "ApplicationRequest",
    };
    let message = format!("Application is over its {limit} limit.");
    let answer = graph::refuse(ask, 429, "ApplicationThrottled", &message);
    answer.with("Retry-After", seconds(refused.wait).to_string())
}

/// Whole seconds, as a header counts them.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

const BUSY: &str = "The server cannot service this request right now. Try again later.";
const CONNECTIONS: &str = "You have exceeded the available concurrent connections for your account. \
    Try again once your other requests have completed.";

fn busy(refused: Refused, form: &str) -> Answer {
    let wait = u64::try_from(refused.wait.as_millis()).unwrap_or(u64::MAX).max(1);
    match (form, refused.reason) {
        ("503", _) => {
            let page = "<!DOCTYPE HTML><HTML><HEAD><TITLE>Service Unavailable</TITLE></HEAD>\
                <BODY><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p></BODY></HTML>";
            Answer::new(503, "text/html; charset=us-ascii", page)
                .with("Retry-After", seconds(refused.wait).to_string())
        }
        (_, Reason::AtOnce) => ews::fault(500, "ErrorExceededConnectionCount", CONNECTIONS, None),
        ("wrapped", _) => ews::fault(200, "ErrorInternalServerError", BUSY, Some(wait)),
        _ => ews::fault(500, "ErrorServerBusy", BUSY, Some(wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_impersonated_address_is_found_whatever_the_prefix() {
        let body = "<a:ExchangeImpersonation><a:ConnectingSID>\n <a:SmtpAddress>A@contoso.com</a:SmtpAddress></a:ConnectingSID>";
        assert_eq!(impersonated(body), Some("A@contoso.com"));
        assert_eq!(impersonated("<ConnectingSID><SID></SID></ConnectingSID><x>y</x>"), None);
        assert_eq!(impersonated("<x>y</x>"), None);
    }

    #[test]
    fn a_basic_sign_in_is_told_by_its_name() {
        let header = format!("Basic {}", BASE64_STANDARD.encode("Svc@contoso.com:a:b"));
        let ask = Ask { headers: vec![("Authorization".into(), header)], ..Ask::default() };
        assert_eq!(signed_in(&ask), "svc@contoso.com");
    }
}
