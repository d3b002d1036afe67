//! Public folders: their hierarchy, and one item of a folder. Nothing of an item is told but its id.
//!
//! The hierarchy lies in one mailbox and the items of each folder in another; headers lead a request to
//! the right one. A server that knows nothing of this is asked without them.

use super::judge;
use super::visit::{Asked, Visit};
use crate::sync::{Doing, Name, Phase, Result, why};
use crate::wire::ews::{Folder, FolderRef, FolderShape, Operation, Page, REPLICAS, Route, Routed};

/// Public folders that are looked at.
const FOLDERS: usize = 20;
/// Folders below the root that are tried until one may be read, where none is configured.
const TRIED: usize = 5;
/// Levels of a path.
const LEVELS: usize = 20;
/// Folders told at once, and parts of a listing that are read.
const PAGE: usize = 500;
const PAGES: usize = 10;

/// What became of reading an item.
enum Read {
    /// As this says.
    Done(String),
    /// It was not tried, or is worth nothing as a proof, for this reason.
    Not(String),
    /// It ended otherwise; what the server said stands in the step.
    Ended(Option<Result>),
}

impl Visit<'_> {
    /// The hierarchy, and each folder that is configured.
    pub async fn public_folders(&self) {
        self.walk().await;
        let mine = |name: Name, _: Option<&str>| name == Name::PublicFolders;
        self.skip_after(mine, "the hierarchy of public folders did not answer");
    }

    async fn walk(&self) {
        if self.ended_early().is_some() {
            return;
        }
        let mut doing = Doing::new(Name::PublicFolders, None);
        let unknown = || Route { anchor: self.mailbox.address.clone(), mailbox: None };
        let ask = self.run.client.public_folder_route(&self.mailbox.address);
        let route = match self.routed(&mut doing, ask).await {
            Some(routed) => routed.route.unwrap_or_else(|_| unknown()),
            None => return self.end_unasked(doing),
        };
        let root = FolderRef::Default("publicfoldersroot");
        let children = match self.below(&mut doing, &route, &root).await {
            Ok(children) => children,
            Err(result) => return self.end_public(doing, result),
        };
        let said = if self.run.plan.public_folders.is_empty() {
            match self.read_first(&mut doing, &route, &children).await {
                Read::Done(said) => Some(said),
                Read::Not(because) => Some(format!("no item was read: {because}")),
                Read::Ended(result) => return self.end_public(doing, result),
            }
        } else {
            None
        };
        let many = if children.len() == 1 { "" } else { "s" };
        let count = format!("{} folder{many} below the root", children.len());
        doing.text = Some(said.map_or(count.clone(), |said| format!("{count}; {said}")));
        self.end(doing, Result::Ok);
        for path in self.run.plan.public_folders.iter().take(FOLDERS) {
            self.public_folder(&route, path).await;
        }
    }

    /// Asks Autodiscover when it is its turn; `None`: there was no time, or no right to ask.
    async fn routed(&self, doing: &mut Doing, asking: impl Future<Output = Routed>) -> Option<Routed> {
        let _permit = self.pace.turn(Phase::Work).await?;
        if self.run.standing.is_refused(Phase::Work) {
            return None;
        }
        let routed = tokio::select! {
            routed = asking => routed,
            () = self.pace.run_out(Phase::Work) => return None,
        };
        doing.exchanges.push(routed.exchange.clone());
        if routed.password_refused {
            self.run.standing.refuse();
            return None;
        }
        Some(routed)
    }

    /// The folders below one, page by page; an error is how the step ends, where it was asked at all.
    async fn below(
        &self,
        doing: &mut Doing,
        route: &Route,
        at: &FolderRef,
    ) -> std::result::Result<Vec<Folder>, Option<Result>> {
        let (mut all, mut offset) = (Vec::new(), 0);
        for _ in 0..PAGES {
            let operation = Operation::FindFolder {
                parents: vec![at.clone()],
                deep: false,
                shape: FolderShape { names: true, ..FolderShape::default() },
                only: None,
                page: Page { offset, size: PAGE },
            };
            let asked = self.ask_by(Phase::Work, doing, Some(route), &operation).await.ok_or(None)?;
            let found = good(&asked)?.called.found_folders(super::visit::MARKER);
            all.extend(found.all);
            match found.next.filter(|next| *next > offset) {
                Some(next) => offset = next,
                None => break,
            }
        }
        Ok(all)
    }

    /// Finds one public folder by its path, and reads one of its items.
    async fn public_folder(&self, route: &Route, path: &str) {
        let mut doing = Doing::new(Name::PublicFolders, Some(path));
        let mut at = FolderRef::Default("publicfoldersroot");
        let mut id = None;
        for name in path.split(['\\', '/']).filter(|name| !name.trim().is_empty()).take(LEVELS) {
            let children = match self.below(&mut doing, route, &at).await {
                Ok(children) => children,
                Err(result) => return self.end_public(doing, result),
            };
            let is_it = |folder: &Folder| {
                let known = folder.name.as_deref().unwrap_or_default();
                known.trim().to_lowercase() == name.trim().to_lowercase()
            };
            let Some(child) = children.into_iter().find(is_it) else {
                doing.differs(format!("there is no folder \"{name}\", or it is not shown"));
                return self.end(doing, Result::Ok);
            };
            at = FolderRef::Id(child.id.clone());
            id = Some(child.id);
        }
        let Some(id) = id else {
            doing.text = Some("the path names no folder".into());
            return self.end(doing, Result::Failed);
        };
        let folder = match self.look_into(&mut doing, route, &id).await {
            Ok(folder) => folder,
            Err(result) => return self.end_public(doing, result),
        };
        if folder.rights.is_some_and(|rights| !rights.read) {
            doing.differs("its items may not be read");
            return self.end(doing, Result::Ok);
        }
        match self.read_item(&mut doing, route, &folder).await {
            Read::Done(said) => {
                doing.text = Some(said);
                self.end(doing, Result::Ok);
            }
            Read::Not(because) => {
                (doing.code, doing.text) = (Some(why::NOT_HERE.into()), Some(because));
                self.end(doing, Result::Skipped);
            }
            Read::Ended(result) => self.end_public(doing, result),
        }
    }

    /// What the caller may do in a folder, and which mailbox keeps its items.
    async fn look_into(
        &self,
        doing: &mut Doing,
        route: &Route,
        id: &str,
    ) -> std::result::Result<Folder, Option<Result>> {
        let operation = Operation::GetFolder {
            folders: vec![FolderRef::Id(id.to_owned())],
            shape: FolderShape { rights: true, tags: vec![REPLICAS], ..FolderShape::default() },
        };
        let asked = self.ask_by(Phase::Work, doing, Some(route), &operation).await.ok_or(None)?;
        let folder = good(&asked)?.called.folders(None).pop().and_then(std::result::Result::ok);
        folder.ok_or_else(|| {
            doing.text = Some("the answer holds no folder".into());
            Some(Result::Failed)
        })
    }

    /// Reads an item of the first folder that may be read.
    async fn read_first(&self, doing: &mut Doing, route: &Route, children: &[Folder]) -> Read {
        for child in children.iter().take(TRIED) {
            let folder = match self.look_into(doing, route, &child.id).await {
                Ok(folder) => folder,
                Err(result) => return Read::Ended(result),
            };
            if folder.rights.is_some_and(|rights| !rights.read) {
                continue;
            }
            let name = child.name.as_deref().unwrap_or("a folder without a name");
            return match self.read_item(doing, route, &folder).await {
                Read::Done(said) => Read::Done(format!("{said} (\"{name}\")")),
                other => other,
            };
        }
        Read::Not("none of the first folders may be read, and no other is configured".into())
    }

    /// Reads one item of a folder from the mailbox that keeps it.
    async fn read_item(&self, doing: &mut Doing, route: &Route, folder: &Folder) -> Read {
        let (by, unknown) = match self.content_route(doing, route, folder).await {
            Some(Ok(by)) => (by, None),
            Some(Err(because)) => (route.clone(), Some(because)),
            None => return Read::Ended(None),
        };
        let find = Operation::FindAnyItem { folder: folder.id.clone() };
        let Some(asked) = self.ask_by(Phase::Work, doing, Some(&by), &find).await else {
            return Read::Ended(None);
        };
        if let Some(because) = unknown.filter(|_| !asked.is_ok() && !asked.has_code(&["ErrorAccessDenied"])) {
            return Read::Not(because);
        }
        if let Err(result) = good(&asked) {
            return Read::Ended(result);
        }
        let Some(items) = asked.called.listed_items() else {
            doing.text = Some("the answer holds no list of items".into());
            return Read::Ended(Some(Result::Failed));
        };
        let Some(item) = items.into_iter().next() else {
            return Read::Done("the folder is empty, so there was no item to read".into());
        };
        let open = Operation::OpenItem { id: item.id };
        let Some(asked) = self.ask_by(Phase::Work, doing, Some(&by), &open).await else {
            return Read::Ended(None);
        };
        match (good(&asked), asked.called.item(None)) {
            (Err(result), _) => Read::Ended(result),
            (Ok(_), Some(_)) => Read::Done("an item was read".into()),
            (Ok(_), None) => {
                doing.text = Some("the answer holds no item".into());
                Read::Ended(Some(Result::Failed))
            }
        }
    }

    /// The route to the items of a folder, or in words why it is not known; `None`: nobody was asked.
    async fn content_route(
        &self,
        doing: &mut Doing,
        route: &Route,
        folder: &Folder,
    ) -> Option<std::result::Result<Route, String>> {
        let Some(keeper) = folder.keeper else {
            return Some(Err("the server does not tell which mailbox keeps the items of the folder".into()));
        };
        let domain = route.anchor.rsplit('@').next().unwrap_or_default();
        let address = format!("{keeper}@{domain}");
        let routed = self.routed(doing, self.run.client.content_route(&address)).await?;
        Some(routed.route.map_err(|text| format!("the mailbox that keeps the items is not found: {text}")))
    }

    fn end_public(&self, doing: Doing, result: Option<Result>) {
        match result {
            Some(result) => self.end(doing, result),
            None => self.end_unasked(doing),
        }
    }
}

/// A good answer. What a server knows of other folders says nothing of whether it knows public ones.
fn good(asked: &Asked) -> std::result::Result<&Asked, Option<Result>> {
    if asked.is_ok() { Ok(asked) } else { Err(Some(judge::result(&asked.called, false))) }
}
