//! Public folders as the product reaches them: the hierarchy, each configured folder, and what the
//! account may do there.
//!
//! A path is walked name by name, because a folder that the account may not see is not listed: that
//! it does not exist and that it is hidden look the same from here.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::directory::{Reading, Stop, row};
use super::ews::{common, converse, speaks_ews};
use super::{Access, Call, Context, Target, World, Yield};
use crate::facts::{Absence, Exchange, Reason};
use crate::wire::ews::{
    Child, Client, Kind, Listing, Mailbox, Outcome, Parent, Permission, Route, Seen, Who,
};

pub(super) const CALLS: &[Call] = &[row!(
    "ews.public-folders", Account, Access::Subject, wants_public_folders, after ["ews.endpoint", "ews.own"],
    public_folders, yields ["public_folders.route", "public_folders.root", "public_folders.folders"],
)];

/// Configured folders that are looked at.
const FOLDERS: usize = 50;
/// Names in one path.
const DEPTH: usize = 32;
/// Names told from beside a missing folder.
const BESIDE: usize = 20;

fn wants_public_folders(target: &Target) -> bool {
    speaks_ews(target) && target.features.iter().any(|feature| feature == "public-folders")
}

async fn public_folders(context: &Context) -> Reading {
    let app = context.target.world.is_some_and(World::is_app);
    let opened = context.text("ews.own.result") == Some("ok");
    if context.target.world == Some(World::ExchangeServer) && !opened {
        let text = "the account's own inbox did not open, so the public folders were not asked for";
        return Err(Stop::from(Absence::new(Reason::NotAsked).with_text(text)));
    }
    let account = context.target.account.clone();
    let mailbox = if app { Mailbox::Impersonated(account) } else { Mailbox::Own(account) };
    let paths = context.target.public_folders.clone();
    let talked =
        converse(context, |client| async move { Walk::new(client, mailbox).run(&paths).await }).await;
    let report = talked.map_err(|unsent| Stop::from(*unsent.absence))?;
    Ok(report.facts())
}

/// A walk through the hierarchy; each level is read once.
struct Walk {
    client: Client,
    mailbox: Mailbox,
    route: Route,
    levels: HashMap<String, Listing>,
    exchanges: Vec<Exchange>,
}

/// What a walk found.
struct Report {
    route: Value,
    root: Listing,
    folders: Vec<Value>,
    exchanges: Vec<Exchange>,
}

impl AsRef<Outcome> for Report {
    fn as_ref(&self) -> &Outcome {
        &self.root.outcome
    }
}

impl Walk {
    fn new(client: Client, mailbox: Mailbox) -> Self {
        let route = Route { anchor: mailbox.address().to_owned(), mailbox: None };
        Self { client, mailbox, route, levels: HashMap::new(), exchanges: Vec::new() }
    }

    async fn run(mut self, paths: &[String]) -> Report {
        let route = self.find_route().await;
        let root = self.below(&Parent::Root).await;
        let mut folders = Vec::new();
        // A refused root says all there is to say of what lies below.
        let paths = if root.outcome.kind == Kind::Ok { paths } else { &[] };
        for path in paths.iter().take(FOLDERS) {
            folders.push(self.look(path).await);
        }
        Report { route, root, folders, exchanges: self.exchanges }
    }

    async fn find_route(&mut self) -> Value {
        let told = self.client.public_folder_route(self.mailbox.address()).await;
        self.exchanges.push(told.exchange);
        let (source, text) = match told.route {
            Ok(route) => {
                self.route = route;
                ("autodiscover", None)
            }
            Err(text) => ("none", Some(text)),
        };
        json!({ "source": source, "anchor": self.route.anchor, "mailbox": self.route.mailbox, "text": text })
    }

    async fn below(&mut self, parent: &Parent) -> Listing {
        let key = match parent {
            Parent::Root => String::new(),
            Parent::Folder(id) => id.clone(),
        };
        if let Some(known) = self.levels.get(&key) {
            return known.clone();
        }
        let mut listing = self.client.public_children(&self.mailbox, &self.route, parent).await;
        self.exchanges.append(&mut listing.outcome.exchanges);
        self.levels.insert(key, listing.clone());
        listing
    }

    /// The facts of one configured folder.
    async fn look(&mut self, path: &str) -> Value {
        let names = names(path);
        let mut at = Parent::Root;
        for (depth, name) in names.iter().enumerate() {
            let listing = self.below(&at).await;
            match named(&listing.children, name) {
                Some(child) => at = Parent::Folder(child.id.clone()),
                None => return lost(&names, depth, &listing),
            }
        }
        let Parent::Folder(id) = at else { return lost(&names, 0, &self.below(&Parent::Root).await) };
        self.rights(&names, &id).await
    }

    async fn rights(&mut self, names: &[String], id: &str) -> Value {
        let mut seen = self.client.public_folder(&self.mailbox, &self.route, id).await;
        self.exchanges.append(&mut seen.outcome.exchanges);
        let (permissions, mut exchanges) =
            self.client.public_permissions(&self.mailbox, &self.route, id).await;
        self.exchanges.append(&mut exchanges);
        let holder = permissions.as_deref().map(|all| applying(all, self.mailbox.address()));
        found(names, &seen, holder)
    }
}

impl Report {
    fn facts(self) -> Yield {
        let mut found = Yield::new();
        let mut root = json!({ "folders": self.root.children.len() });
        for (name, value) in common(&self.root.outcome) {
            root[name] = value;
        }
        found.set("public_folders.route", self.route);
        if self.root.outcome.kind == Kind::Ok {
            found.set("public_folders.folders", self.folders);
        } else {
            let text = "the public folders themselves did not answer";
            found.absent("public_folders.folders", Absence::new(Reason::Unreachable).with_text(text));
        }
        found.set("public_folders.root", root);
        found.exchanges = self.exchanges;
        found
    }
}

/// The names of a path, top first.
fn names(path: &str) -> Vec<String> {
    let parts = path.split(['\\', '/']).map(str::trim).filter(|name| !name.is_empty());
    parts.take(DEPTH).map(str::to_owned).collect()
}

fn joined(names: &[String]) -> String {
    format!("\\{}", names.join("\\"))
}

/// The child of that name: written alike, else alike but for the case.
fn named<'a>(children: &'a [Child], name: &str) -> Option<&'a Child> {
    let alike = |child: &&Child| child.name.to_lowercase() == name.to_lowercase();
    children.iter().find(|child| child.name == name).or_else(|| children.iter().find(alike))
}

/// A folder that the account is not shown, or of which nothing can be said.
fn lost(names: &[String], depth: usize, listing: &Listing) -> Value {
    let beside: Vec<&str> = listing.children.iter().take(BESIDE).map(|child| child.name.as_str()).collect();
    let mut row = blank(names, &listing.outcome);
    // Of a level that was not read to its end nothing can be said; the root itself is no folder to sync.
    row["shown"] = if listing.complete && !names.is_empty() { "no" } else { "unknown" }.into();
    row["missing_below"] = json!(joined(names.get(..depth).unwrap_or_default()));
    row["beside"] = json!(beside);
    row
}

fn found(names: &[String], seen: &Seen, holder: Option<(&'static str, Option<String>)>) -> Value {
    let mut row = blank(names, &seen.outcome);
    row["class"] = json!(seen.class);
    if let Some(rights) = seen.rights {
        row["shown"] = "yes".into();
        let rights = [
            ("read", rights.read),
            ("create", rights.create),
            ("modify", rights.modify),
            ("delete", rights.delete),
        ];
        for (name, value) in rights {
            row[name] = value.into();
        }
    }
    if let Some((through, level)) = holder {
        row["through"] = through.into();
        row["level"] = json!(level);
    }
    row
}

fn blank(names: &[String], outcome: &Outcome) -> Value {
    json!({
        "path": joined(names), "shown": "unknown", "missing_below": null, "beside": [],
        "result": outcome.kind.as_str(), "code": outcome.code, "text": outcome.text, "class": null,
        "read": null, "create": null, "modify": null, "delete": null, "level": null, "through": "not-told",
    })
}

/// Whose permission applies to the account, and its level: the own one, else that of a group or other
/// holder where everybody's does not let read, else everybody's.
fn applying(permissions: &[Permission], account: &str) -> (&'static str, Option<String>) {
    let own = permissions
        .iter()
        .find(|entry| matches!(&entry.who, Who::Address(address) if address.eq_ignore_ascii_case(account)));
    if let Some(own) = own {
        return ("account", Some(own.level.clone()));
    }
    match permissions.iter().find(|entry| entry.who == Who::Default) {
        Some(everybody) if everybody.reads => ("default", Some(everybody.level.clone())),
        _ => ("other", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(who: Who, level: &str, reads: bool) -> Permission {
        Permission { who, level: level.into(), reads }
    }

    #[test]
    fn paths_are_split_at_either_slash() {
        assert_eq!(names("\\Team Contacts\\ EMEA "), ["Team Contacts", "EMEA"]);
        assert_eq!(names("Team/EMEA/"), ["Team", "EMEA"]);
        assert_eq!(names("\\"), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_found_whatever_its_case_but_best_as_written() {
        let child = |id: &str, name: &str| Child { id: id.into(), name: name.into() };
        let children = [child("1", "TEAM"), child("2", "Team")];
        assert_eq!(named(&children, "Team").expect("there").id, "2");
        assert_eq!(named(&children, "team").expect("there").id, "1");
        assert!(named(&children, "Tea").is_none());
    }

    #[test]
    fn the_own_permission_counts_before_everybodys() {
        let everybody = entry(Who::Default, "Reviewer", true);
        let own = entry(Who::Address("SVC@contoso.com".into()), "None", false);
        let both = [everybody.clone(), own];
        assert_eq!(applying(&both, "svc@contoso.com"), ("account", Some("None".into())));
        assert_eq!(applying(&[everybody], "svc@contoso.com"), ("default", Some("Reviewer".into())));
        let closed = entry(Who::Default, "None", false);
        assert_eq!(applying(&[closed], "svc@contoso.com"), ("other", None));
    }
}
