//! The notice for whoever watches the service: what they are about to see, and who to ask.

use crate::collect::Target;
use crate::wire::client::USER_AGENT;

/// What is about to be done.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Whose mailboxes, in words.
    pub source: &'a str,
    /// How many; `None`: nobody knows beforehand.
    pub count: Option<u64>,
    /// What is read of each, in words.
    pub question: &'a str,
    /// Most mailboxes a second.
    pub rate: Option<f64>,
    /// When it starts.
    pub at: jiff::Timestamp,
}

/// The notice, in one paragraph.
pub fn text(target: &Target, plan: &Plan<'_>) -> String {
    let who = match &target.subject.client_id {
        Some(app) => format!("the app {app} (account {})", target.account),
        None => format!("the account {}", target.account),
    };
    let count = plan.count.map(|count| format!("{count} ")).unwrap_or_default();
    let protocol = match target.protocol {
        crate::collect::Protocol::Ews => "EWS",
        crate::collect::Protocol::Graph => "Microsoft Graph",
    };
    let pace = plan.rate.map_or_else(
        || "as fast as the service answers".to_owned(),
        |rate| format!("at most {rate} mailboxes a second"),
    );
    format!(
        "For the security team: from {}, on the machine {}, {who} of the tenant {} opens the {count}mailboxes of {} by {protocol}, \
         {pace}. It reads {} in each and nothing else, and changes nothing. User agent {}.",
        plan.at.strftime("%Y-%m-%d %H:%M UTC"),
        machine(),
        target.tenant,
        plan.source,
        plan.question,
        USER_AGENT,
    )
}

/// Name of this machine.
fn machine() -> String {
    let named = ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let told = || std::fs::read_to_string("/etc/hostname").ok();
    let name = named.or_else(told).map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty() && name.len() < 256).unwrap_or_else(|| "(unnamed)".to_owned())
}
