//! One request of a test sync, sent once: when and whether it is repeated is up to the caller.

use std::time::Duration;

use roxmltree::Document;

use super::super::soap::{RequestVersion, Statement};
use super::super::xml;
use super::operation::{Operation, Property};
use super::reading::{self, Events, Feed, Folder, Found, Item, Subscription};
use super::{Client, Kind, Mailbox, Outcome, Question, Route};

/// What became of one request.
#[derive(Debug, Clone)]
pub struct Called {
    /// How it ended.
    pub outcome: Outcome,
    answer: Option<String>,
    renewed: bool,
}

impl Client {
    /// Sends a request once; to public folders by their route.
    pub async fn call(
        &self,
        mailbox: &Mailbox,
        route: Option<&Route>,
        version: RequestVersion,
        operation: &Operation,
    ) -> Called {
        let question = Question {
            anchor: route.map_or(mailbox.address(), |route| &route.anchor),
            public_folder_mailbox: route.and_then(|route| route.mailbox.as_deref()),
            body: &|version| operation.request(mailbox, version),
        };
        let answered = self.ask(&question, version).await;
        let answer = answered.body.and_then(|body| xml::decode(&body).ok());
        Called { outcome: answered.outcome, answer, renewed: answered.renewed }
    }

    /// Whether there is another token in place of the one that this answer refuses.
    pub async fn renewed(&self, called: &Called) -> bool {
        match &self.renewal {
            Some(renewal) if !called.renewed => renewal.token().await.is_some(),
            _ => false,
        }
    }
}

impl Outcome {
    /// How long the server asks to be left alone.
    pub fn back_off(&self) -> Option<Duration> {
        self.wait
    }

    /// It may have been carried out although no answer says so.
    pub fn is_lost(&self) -> bool {
        let unread = self.kind == Kind::NotSoap && self.status.is_none_or(|status| status == 200);
        self.lost || unread || self.kind == Kind::ServerError
    }
}

impl Called {
    /// Whether all that was asked for was done.
    pub fn is_ok(&self) -> bool {
        self.outcome.kind == Kind::Ok
    }

    fn read<T>(&self, read: impl FnOnce(&Document<'_>) -> T) -> Option<T> {
        let document = xml::parse(self.answer.as_deref()?).ok()?;
        Some(read(&document))
    }

    /// The folders that were opened, one for each that was asked for, or what refuses it.
    pub fn folders(&self, property: Option<Property>) -> Vec<Result<Folder, Statement>> {
        let all = |document: &Document<'_>| {
            let one = |node| reading::folders(node, property).and_then(|mut all| all.pop());
            let messages = reading::messages(document.root_element()).into_iter();
            messages
                .map(|message| message.and_then(|node| one(node).ok_or_else(Statement::default)))
                .collect()
        };
        self.read(all).unwrap_or_default()
    }

    /// Folders that a search found, in all places together.
    pub fn found_folders(&self, property: Property) -> Found<Folder> {
        self.found(|node| reading::found_folders(node, Some(property)))
    }

    /// Items that a search found, in all places together.
    pub fn found_items(&self, property: Property) -> Found<Item> {
        self.found(|node| reading::found_items(node, property))
    }

    fn found<T>(&self, part: impl Fn(roxmltree::Node<'_, '_>) -> Found<T>) -> Found<T> {
        let all = |document: &Document<'_>| {
            let mut found = Found::default();
            for message in reading::messages(document.root_element()).into_iter().flatten() {
                let part = part(message);
                found.all.extend(part.all);
                found.next = found.next.max(part.next);
            }
            found
        };
        self.read(all).unwrap_or_default()
    }

    /// The items of a list; `None`: the answer holds no list.
    pub fn listed_items(&self) -> Option<Vec<Item>> {
        self.first(reading::listed_items)
    }

    /// The one item that was made, read or changed.
    pub fn item(&self, property: Option<Property>) -> Option<Item> {
        self.first(|node| reading::items(node, property)?.pop())
    }

    /// The one folder that was made.
    pub fn folder(&self) -> Option<Folder> {
        self.first(|node| reading::folders(node, None)?.pop())
    }

    /// A part of a change feed.
    pub fn feed(&self) -> Option<Feed> {
        self.first(reading::feed)
    }

    /// The subscription that was made.
    pub fn subscription(&self) -> Option<Subscription> {
        self.first(reading::subscription)
    }

    /// Collected events.
    pub fn events(&self) -> Option<Events> {
        self.first(|node| Some(reading::events(node)))
    }

    /// Addresses that the address list names.
    pub fn addresses(&self) -> Vec<String> {
        self.read(|document| reading::addresses(document.root_element())).unwrap_or_default()
    }

    /// Whether free and busy times are told.
    pub fn has_availability(&self) -> bool {
        self.read(|document| reading::has_availability(document.root_element())).unwrap_or_default()
    }

    fn first<T>(&self, read: impl Fn(roxmltree::Node<'_, '_>) -> Option<T>) -> Option<T> {
        let all = |document: &Document<'_>| {
            reading::messages(document.root_element()).into_iter().flatten().find_map(&read)
        };
        self.read(all).flatten()
    }
}
