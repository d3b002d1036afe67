//! The end of a chain: an item is changed, changed again with an outdated key, and deleted.

use serde_json::Value;

use super::chain::{CHANGED, CONFLICTING, Chain, TRIES, other_id};
use super::hand::{Refusal, say};
use super::items::{Item, change, etag};
use super::kind;
use super::post::Halt;
use crate::sync::{Doing, Name, Result as Ended};
use crate::wire::graph::Id;

impl Chain<'_> {
    /// Changes the item with its current change key; yields the new one.
    pub(super) async fn update(&self, id: &Id, item: &Item) -> Result<Option<String>, Halt> {
        let mut doing = Doing::new(Name::Update, Some(item.subject));
        let ended = self.change(&mut doing, id, item.etag.clone()).await;
        let halt = ended.as_ref().err().map(|refusal| Halt::after(Name::Update, refusal));
        let (later, refusal) = match ended {
            Ok(later) => (later, None),
            Err(refusal) => (None, Some(refusal)),
        };
        self.end(doing, refusal);
        halt.map_or(Ok(later), Err)
    }

    /// A refusal for the change key may mean that the change was made and its answer lost, or that
    /// somebody else changed the item: both show when it is read again.
    async fn change(
        &self,
        doing: &mut Doing,
        id: &Id,
        key: Option<String>,
    ) -> Result<Option<String>, Refusal> {
        let (field, change) = change(self.kind, CHANGED);
        let mut key = key;
        for _ in 1..TRIES {
            let call = kind::update_item(&self.post.root, self.kind, id, key.as_deref(), change.clone());
            let said = self.post.work.ask(doing, &call).await;
            let refusal = match said {
                Ok(changed) => {
                    doing.differences.extend(other_id(id, &changed));
                    return Ok(etag(&changed));
                }
                Err(refusal) if is_conflict(&refusal) => refusal,
                Err(refusal) => return Err(refusal),
            };
            let read = kind::get_item(&self.post.root, self.kind, id);
            let found = self.post.work.ask(doing, &read).await?;
            if found.get(field).and_then(Value::as_str) == Some(CHANGED) {
                say(doing, "its answer was lost; reading it again showed the change");
                return Ok(etag(&found));
            }
            say(
                doing,
                &format!("it was refused once although nothing else had changed it: {}", refusal.text),
            );
            key = etag(&found);
        }
        Err(Refusal::new(Ended::Refused, "each attempt was refused for its change key"))
    }

    /// Changes it again with the old change key, which must be refused.
    pub(super) async fn conflict(&self, id: &Id, old: Option<&str>, new: Option<&str>) {
        let mut doing = Doing::new(Name::Conflict, Some(self.kind.item_subjects()[0]));
        let Some(old) = old else {
            let refusal =
                Refusal::new(Ended::Unavailable, "the server gave no change key to provoke a conflict with");
            return self.end(doing, Some(refusal));
        };
        if new == Some(old) {
            doing.differences.push("the change key is the same after the change as before".into());
        }
        let (_, change) = change(self.kind, CONFLICTING);
        let call = kind::update_item(&self.post.root, self.kind, id, Some(old), change);
        let refusal = match self.post.work.ask(&mut doing, &call).await {
            Ok(_) => {
                doing
                    .differences
                    .push("a change with an outdated change key was taken instead of refused".into());
                None
            }
            Err(refusal) if is_conflict(&refusal) => None,
            Err(refusal) => Some(refusal),
        };
        self.end(doing, refusal);
    }

    pub(super) async fn delete(&self, id: &Id) -> Result<(), Halt> {
        let mut doing = Doing::new(Name::Delete, Some(self.kind.item_subjects()[0]));
        let folders = self.post.folders(&self.post.work, self.kind);
        let refusal = folders.purge(&mut doing, &kind::item(&self.post.root, self.kind, id)).await.err();
        let halt = refusal.as_ref().map(|refusal| Halt::after(Name::Delete, refusal));
        self.end(doing, refusal);
        halt.map_or(Ok(()), Err)
    }
}

fn is_conflict(refusal: &Refusal) -> bool {
    refusal.status == Some(412) || refusal.is(&["ErrorIrresolvableConflict"])
}
