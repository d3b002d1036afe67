//! What needs no own folder: the address list, free and busy times, public folders.

use super::visit::Visit;
use crate::sync::{Doing, Name, Part, Phase, Result, Role};
use crate::wire::ews::{Kind, Operation, Outcome, Parent, Route};

/// Public folders that are looked at.
const FOLDERS: usize = 20;
/// Levels of a path.
const LEVELS: usize = 20;

impl Visit<'_> {
    /// All of them at the same time.
    pub async fn others(&self) {
        let has = |part| self.run.plan.parts.contains(&part);
        let account = self.mailbox.role == Role::Account;
        tokio::join!(
            async {
                if has(Part::AddressList) {
                    self.address_list().await;
                }
            },
            async {
                if has(Part::Availability) {
                    self.availability().await;
                }
            },
            async {
                if has(Part::PublicFolders) && account {
                    self.public_folders().await;
                }
            },
        );
    }

    /// The address list must know the own address; a second operation is asked where the first does not.
    async fn address_list(&self) {
        let address = &self.mailbox.address;
        let mut doing = Doing::new(Name::AddressList, None);
        let resolve = Operation::ResolveNames { address: address.clone() };
        let Some(asked) = self.ask(Phase::Work, &mut doing, &resolve).await else {
            return self.end_with(doing, &resolve, None);
        };
        let named =
            |addresses: Vec<String>| addresses.iter().any(|known| known.eq_ignore_ascii_case(address));
        if asked.is_ok() && named(asked.called.addresses()) {
            doing.text = None;
            return self.end(doing, Result::Ok);
        }
        let nothing = asked.is_ok() || asked.has_code(&["ErrorNameResolutionNoResults"]);
        let first = self.judge(&resolve, &asked);
        if !nothing && first != Result::Unavailable {
            return self.end_with(doing, &resolve, Some(&asked));
        }
        let people = Operation::FindPeople { text: address.clone() };
        let Some(second) = self.ask(Phase::Work, &mut doing, &people).await else {
            return self.end_with(doing, &people, None);
        };
        if second.is_ok() && named(second.called.addresses()) {
            doing.text = Some("found by FindPeople, not by ResolveNames".into());
            return self.end(doing, Result::Ok);
        }
        if nothing {
            doing.differs(format!("the address list does not know {address}"));
            doing.text = None;
            return self.end(doing, Result::Ok);
        }
        self.end_with(doing, &people, Some(&second));
    }

    async fn availability(&self) {
        let day = self.run.plan.run.began().to_zoned(jiff::tz::TimeZone::UTC).date();
        let from = day.at(0, 0, 0, 0);
        let to = from.checked_add(jiff::Span::new().days(1)).unwrap_or(from);
        let operation = Operation::GetUserAvailability { address: self.mailbox.address.clone(), from, to };
        let doing = Doing::new(Name::Availability, None);
        let Some((mut doing, asked)) = self.need(doing, &operation).await else { return };
        if !asked.called.has_availability() {
            doing.differs("the answer tells no free and busy times");
        }
        self.end(doing, Result::Ok);
    }

    async fn public_folders(&self) {
        let mine = |name: Name, _: Option<&str>| name == Name::PublicFolders;
        tokio::select! {
            () = self.walk_public_folders() => {}
            () = self.pace.run_out(Phase::Work) => {}
        }
        self.skip_after(mine, "the hierarchy of public folders did not answer");
    }

    async fn walk_public_folders(&self) {
        if self.ended_early().is_some() {
            return;
        }
        let (client, address) = (self.run.client, &self.mailbox.address);
        let mut doing = Doing::new(Name::PublicFolders, None);
        let (told, exchange) = client.public_folder_route(address).await;
        doing.exchanges.push(exchange);
        let route = told.unwrap_or_else(|_| Route { anchor: address.clone(), mailbox: None });
        let root = client.public_children(&self.target, &route, &Parent::Root).await;
        let result = take(&mut doing, &root.outcome);
        if result == Result::Ok {
            let count = root.children.len();
            doing.text = Some(format!("{count} folder{} below the root", if count == 1 { "" } else { "s" }));
        }
        self.end(doing, result);
        if result == Result::Ok {
            for path in self.run.plan.public_folders.iter().take(FOLDERS) {
                self.public_folder(&route, path).await;
            }
        }
    }

    /// Finds one public folder by its path, and looks at what may be done there.
    async fn public_folder(&self, route: &Route, path: &str) {
        let client = self.run.client;
        let mut doing = Doing::new(Name::PublicFolders, Some(path));
        let mut at = Parent::Root;
        for name in path.split(['\\', '/']).filter(|name| !name.trim().is_empty()).take(LEVELS) {
            let listing = client.public_children(&self.target, route, &at).await;
            let result = take(&mut doing, &listing.outcome);
            if result != Result::Ok {
                return self.end(doing, result);
            }
            let is_it = |known: &str| known.trim().to_lowercase() == name.trim().to_lowercase();
            let Some(child) = listing.children.iter().find(|child| is_it(&child.name)) else {
                doing.differs(format!("there is no folder \"{name}\", or it is not shown"));
                return self.end(doing, Result::Ok);
            };
            at = Parent::Folder(child.id.clone());
        }
        let Parent::Folder(id) = at else {
            doing.text = Some("the path names no folder".into());
            return self.end(doing, Result::Failed);
        };
        let seen = client.public_folder(&self.target, route, &id).await;
        let result = take(&mut doing, &seen.outcome);
        if result == Result::Ok && seen.rights.is_some_and(|rights| !rights.read) {
            doing.differs("its items may not be read");
        }
        self.end(doing, result);
    }
}

/// Writes the answer of a ready-made question down; how the step ends with it.
fn take(doing: &mut Doing, outcome: &Outcome) -> Result {
    doing.exchanges.extend(outcome.exchanges.iter().cloned());
    doing.status = outcome.status;
    doing.code = outcome.code.clone().filter(|code| code != "NoError");
    doing.text.clone_from(&outcome.text);
    match outcome.kind {
        Kind::Ok => Result::Ok,
        Kind::Throttled => Result::Throttled,
        Kind::ServerError if outcome.code.is_some() => Result::Unavailable,
        Kind::Error if outcome.code.as_deref() == Some("ErrorInvalidRequest") => Result::Unavailable,
        Kind::Error | Kind::Unauthorized | Kind::UnsupportedScheme | Kind::Forbidden => Result::Refused,
        Kind::NotSoap if matches!(outcome.status, Some(404 | 405 | 501)) => Result::Unavailable,
        Kind::NotSoap | Kind::ServerError | Kind::Failed => Result::Failed,
    }
}
