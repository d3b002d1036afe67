//! Subscriptions: pull, and the stream of envelopes that `GetStreamingEvents` answers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use roxmltree::Node;

use super::folders::{change_key, id_xml};
use super::item::Shown;
use super::operations::{Context, first, list, respond, text_of};
use super::target::{self, refusal};
use super::xml::{Fault, TYPES, escape};
use super::{online, public_folders, times, xml};
use crate::lab::store::{Event, EventKind, Mailbox, Refusal, Store, Subscription};
use crate::lab::view::{View, text};

/// Subscriptions on one mailbox in the cloud.
const MOST: usize = 20;
/// Events of one pull.
const PAGE: usize = 50;

const KINDS: &[(&str, EventKind)] = &[
    ("CreatedEvent", EventKind::Created),
    ("ModifiedEvent", EventKind::Modified),
    ("DeletedEvent", EventKind::Deleted),
    ("MovedEvent", EventKind::Moved),
    ("CopiedEvent", EventKind::Copied),
    ("NewMailEvent", EventKind::NewMail),
    ("FreeBusyChangedEvent", EventKind::FreeBusyChanged),
];

fn name_of(kind: EventKind) -> &'static str {
    KINDS.iter().find(|(_, own)| *own == kind).map_or("StatusEvent", |(name, _)| *name)
}

/// How long a minute of a time-out lasts here.
fn minute(view: View) -> Duration {
    Duration::from_millis(view.at("ews.minute_ms").as_u64().unwrap_or(60_000))
}

fn watermark(number: u64) -> String {
    BASE64_STANDARD.encode(format!("LAB{number:018}"))
}

fn number_in(watermark: &str) -> Option<u64> {
    let bytes = BASE64_STANDARD.decode(watermark.trim()).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix("LAB")?.parse().ok()
}

/// `Subscribe`.
pub(super) fn subscribe(context: &Context, operation: Node) -> String {
    let outcome = first(operation)
        .ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request is invalid."))
        .and_then(|request| subscription(context, request));
    respond("Subscribe", [outcome])
}

fn subscription(context: &Context, request: Node) -> Result<String, Fault> {
    let streaming = match request.tag_name().name() {
        "PullSubscriptionRequest" => false,
        "StreamingSubscriptionRequest" => true,
        // Nothing calls back from the lab.
        _ => {
            return Err(Fault::new(
                "ErrorInvalidPushSubscriptionUrl",
                "The push subscription URL is invalid.",
            ));
        }
    };
    let within = |name: &str| request.children().find(|child| child.has_tag_name((TYPES, name)));
    let ids = within("FolderIds").into_iter().flat_map(|ids| ids.children().filter(Node::is_element));
    let (mut row, mut folders) = (None, BTreeSet::new());
    for id in ids {
        if public_folders::wanted(id).is_some() {
            return Err(Fault::new(
                "ErrorInvalidSubscriptionRequest",
                "Public folders cannot be subscribed to.",
            ));
        }
        let place = target::folder(context, id)?;
        if !target::owns(context, place.row) {
            let text = "Subscriptions are not supported for delegate user access.";
            return Err(Fault::new("ErrorSubscriptionDelegateAccessNotSupported", text));
        }
        row = Some(place.row);
        folders.insert(place.folder);
    }
    let all = matches!(request.attribute("SubscribeToAllFolders"), Some("true" | "1"));
    if all != folders.is_empty() {
        return Err(Fault::new(
            "ErrorInvalidSubscriptionRequest",
            "Name folders, or subscribe to all of them.",
        ));
    }
    let row = row.or(context.mailbox).ok_or_else(|| {
        Fault::new("ErrorMissingEmailAddress", "An account without a mailbox must name the folder.")
    })?;
    let address = text(row, "PrimarySmtpAddress");
    if online(context.view) && context.store.subscriptions_on(address) >= MOST {
        let text = "You have exceeded the available subscriptions for your account.";
        return Err(Fault::new("ErrorExceededSubscriptionCount", text));
    }
    let kinds =
        within("EventTypes").into_iter().flat_map(|types| types.children().filter_map(|kind| kind.text()));
    let silent = context.view.at("ews.quirks.no_events") == true;
    let kinds = kinds.filter(|_| !silent);
    let kinds =
        kinds.filter_map(|name| KINDS.iter().find(|(own, _)| *own == name.trim()).map(|(_, kind)| *kind));
    let minutes = within("Timeout").and_then(|node| node.text()?.trim().parse().ok()).unwrap_or(30u32);
    let latest = context.store.write(row, |mailbox| mailbox.events().last());
    let asked = within("Watermark").and_then(|node| node.text()).map(number_in);
    let since = match asked {
        Some(number) => number.ok_or_else(|| refusal(Refusal::BadWatermark))?,
        None => latest,
    };
    let made = Subscription {
        id: String::new(),
        mailbox: address.to_owned(),
        owner: target::actor(context),
        folders: (!all).then_some(folders),
        kinds: kinds.collect(),
        since,
        streaming,
        lives: minute(context.view) * minutes,
        read: Instant::now(),
    };
    let id = context.store.subscribe(|id| Subscription { id, ..made });
    let mark =
        if streaming { String::new() } else { format!("<m:Watermark>{}</m:Watermark>", watermark(since)) };
    Ok(format!("<m:SubscriptionId>{id}</m:SubscriptionId>{mark}"))
}

/// The caller's own subscription of that id.
fn own(context: &Context, id: &str) -> Result<Subscription, Fault> {
    let found = context.store.subscription(id).map_err(refusal)?;
    if found.owner != target::actor(context) {
        let text = "The subscription belongs to another account.";
        return Err(Fault::new("ErrorSubscriptionAccessDenied", text));
    }
    Ok(found)
}

/// `Unsubscribe`.
pub(super) fn unsubscribe(context: &Context, operation: Node) -> String {
    let id = text_of(operation, "SubscriptionId");
    let outcome = own(context, id).and_then(|_| context.store.unsubscribe(id).map_err(refusal));
    respond("Unsubscribe", [outcome.map(|()| String::new())])
}

/// `GetEvents`.
pub(super) fn get_events(context: &Context, operation: Node) -> String {
    respond("GetEvents", [pull(context, operation)])
}

fn pull(context: &Context, operation: Node) -> Result<String, Fault> {
    let found = own(context, text_of(operation, "SubscriptionId"))?;
    if found.streaming {
        return Err(Fault::new(
            "ErrorInvalidPullSubscriptionId",
            "The subscription is no pull subscription.",
        ));
    }
    let mark = text_of(operation, "Watermark");
    let number = number_in(mark).ok_or_else(|| refusal(Refusal::BadWatermark))?;
    let row = context.view.mailbox(&found.mailbox).ok_or_else(|| refusal(Refusal::NoSubscription))?;
    context.store.renew(&found.id);
    context.store.read(row, |mailbox| {
        let events = mailbox.events().after(number, &found).map_err(refusal)?;
        let more = events.len() > PAGE;
        let mut rows: String = events.iter().take(PAGE).map(|event| row_of(mailbox, event, true)).collect();
        if rows.is_empty() {
            let latest = watermark(mailbox.events().last());
            rows = format!("<t:StatusEvent><t:Watermark>{latest}</t:Watermark></t:StatusEvent>");
        }
        Ok(format!(
            "<m:Notification><t:SubscriptionId>{}</t:SubscriptionId><t:PreviousWatermark>{}</t:PreviousWatermark>\
             <t:MoreEvents>{more}</t:MoreEvents>{rows}</m:Notification>",
            found.id,
            escape(mark)
        ))
    })
}

/// One event as an element.
fn row_of(mailbox: &Mailbox, event: &Event, marked: bool) -> String {
    let name = name_of(event.kind);
    let kind = if event.folder { "FolderId" } else { "ItemId" };
    let thing = match (event.folder, mailbox.item(&event.id)) {
        (true, _) => id_xml(mailbox, kind, &event.id),
        (_, Some(item)) => Shown::item(mailbox, item).id_xml(),
        _ => {
            format!("<t:{kind} Id=\"{}\" ChangeKey=\"{}\"/>", event.id, change_key(mailbox, 9, event.change))
        }
    };
    let mark = if marked {
        format!("<t:Watermark>{}</t:Watermark>", watermark(event.number))
    } else {
        String::new()
    };
    let old = event.old.as_ref().map_or(String::new(), |(id, parent)| {
        format!("<t:Old{kind} Id=\"{id}\"/>{}", id_xml(mailbox, "OldParentFolderId", parent))
    });
    format!(
        "<t:{name}>{mark}<t:TimeStamp>{}</t:TimeStamp>{thing}{}{old}</t:{name}>",
        times::write(event.at),
        id_xml(mailbox, "ParentFolderId", &event.parent)
    )
}

/// A stream of events that was asked for: everything that it needs once the request is gone.
#[derive(Debug, Clone)]
pub struct Streaming {
    version: String,
    subscriptions: Vec<Subscription>,
    seen: Vec<u64>,
    until: Instant,
    keep_alive: Duration,
    keep_alive_at: Instant,
    greeted: bool,
}

fn only_streaming(found: Subscription) -> Result<Subscription, Fault> {
    if found.streaming {
        return Ok(found);
    }
    Err(Fault::new("ErrorInvalidSubscription", "The subscription is no streaming subscription."))
}

fn id_xml_of(subscription: &str) -> String {
    format!("<t:SubscriptionId>{}</t:SubscriptionId>", escape(subscription))
}

fn notification(subscription: &str, events: &str) -> String {
    format!("<t:Notification>{}{events}</t:Notification>", id_xml_of(subscription))
}

/// Checks `GetStreamingEvents`; the stream, or the refusal as a body.
pub(super) fn streaming(context: &Context, operation: Node) -> Result<Streaming, String> {
    let ids = list(operation, "SubscriptionIds");
    let (mut subscriptions, mut wrong, mut why) = (Vec::new(), String::new(), None);
    for id in ids.iter().filter_map(Node::text).map(str::trim) {
        match own(context, id).and_then(only_streaming) {
            Ok(found) => subscriptions.push(found),
            Err(fault) => {
                why = Some(fault);
                wrong += &id_xml_of(id);
            }
        }
    }
    if let Some(fault) = why {
        let payload = format!("<m:ErrorSubscriptionIds>{wrong}</m:ErrorSubscriptionIds>");
        let message = xml::failure("GetStreamingEvents", "Error", fault.code(), fault.message(), &payload);
        return Err(xml::response("GetStreamingEvents", &message));
    }
    let minutes = text_of(operation, "ConnectionTimeout").parse().unwrap_or(1u32);
    let keep_alive = minute(context.view) * 3 / 4;
    Ok(Streaming {
        version: xml::version(context.view),
        seen: subscriptions.iter().map(|own| own.since).collect(),
        subscriptions,
        until: Instant::now() + minute(context.view) * minutes,
        keep_alive,
        keep_alive_at: Instant::now() + keep_alive,
        greeted: false,
    })
}

impl Streaming {
    /// The next envelope: events, a sign of life, or the end. `None`: it has ended.
    pub async fn next(&mut self, view: View<'_>, store: &Store) -> Option<String> {
        let mut news = store.watch();
        loop {
            if !self.greeted {
                self.greeted = true;
                return Some(self.envelope("", "OK"));
            }
            if self.subscriptions.is_empty() {
                return None;
            }
            let rows = self.collect(view, store);
            if !rows.is_empty() {
                self.keep_alive_at = Instant::now() + self.keep_alive;
                let rows = format!("<m:Notifications>{rows}</m:Notifications>");
                return Some(self.envelope(&rows, "OK"));
            }
            let now = Instant::now();
            if now >= self.until {
                self.subscriptions.clear();
                return Some(self.envelope("", "Closed"));
            }
            if now >= self.keep_alive_at {
                self.keep_alive_at = now + self.keep_alive;
                return Some(self.envelope("", "OK"));
            }
            let wake = self.until.min(self.keep_alive_at).into();
            // Whatever wakes it up, it looks again.
            let _ = tokio::time::timeout_at(wake, news.changed()).await;
        }
    }

    /// The notifications of what has happened since the last envelope.
    fn collect(&mut self, view: View, store: &Store) -> String {
        let mut rows = String::new();
        for (wanted, seen) in self.subscriptions.iter().zip(&mut self.seen) {
            let Some(row) = view.mailbox(&wanted.mailbox) else { continue };
            store.renew(&wanted.id);
            store.read(row, |mailbox| {
                let events = mailbox.events().after(*seen, wanted).unwrap_or_default();
                let inner: String = events.iter().map(|event| row_of(mailbox, event, false)).collect();
                if !inner.is_empty() {
                    rows += &notification(&wanted.id, &inner);
                }
                *seen = mailbox.events().last();
            });
        }
        rows
    }

    fn envelope(&self, notifications: &str, status: &str) -> String {
        let payload = format!("{notifications}<m:ConnectionStatus>{status}</m:ConnectionStatus>");
        let body = xml::response("GetStreamingEvents", &xml::success("GetStreamingEvents", &payload));
        xml::envelope(&self.version, &body)
    }
}
