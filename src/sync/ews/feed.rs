//! The change feed of an own folder: read to its end, page by page, and compared with what was done.

use super::chain::Own;
use super::visit::Visit;
use crate::sync::{Doing, Name, Phase, Result};
use crate::wire::ews::{Changed, FolderRef, Operation};

/// Pages after which a feed is said to have no end.
const PAGES: usize = 20;

/// A change: of which kind, of which item, and what that item is.
pub(super) type Expected = (Changed, String, &'static str);

impl Visit<'_> {
    /// The feed of the own, still empty folder: nothing, and a state to go on from.
    pub async fn feed_start(&self, own: &Own) -> Option<String> {
        self.read_feed(own, Name::FeedStart, None, 100, &[]).await
    }

    /// The feed since a state must show exactly these changes. Gives back the state to go on from.
    pub async fn feed(
        &self,
        own: &Own,
        name: Name,
        state: String,
        at_most: u16,
        expected: &[Expected],
    ) -> Option<String> {
        self.read_feed(own, name, Some(state), at_most, expected).await
    }

    async fn read_feed(
        &self,
        own: &Own,
        name: Name,
        mut state: Option<String>,
        at_most: u16,
        expected: &[Expected],
    ) -> Option<String> {
        let mut doing = Doing::new(name, Some(own.kind.subject()));
        let (mut seen, mut pages) = (Vec::new(), 0);
        loop {
            let operation = Operation::SyncFolderItems {
                folder: FolderRef::Id(own.id.clone()),
                state: state.clone(),
                at_most,
            };
            let asked = self.ask(Phase::Work, &mut doing, &operation).await;
            let Some(asked) = asked.filter(|asked| asked.is_ok() || !doing.exchanges.is_empty()) else {
                self.end_with(doing, &operation, None);
                return None;
            };
            if !asked.is_ok() {
                self.end_with(doing, &operation, Some(&asked));
                return None;
            }
            let Some(page) = asked.called.feed() else {
                doing.text = Some("the answer holds no state to go on from".into());
                self.end(doing, Result::Failed);
                return None;
            };
            pages += 1;
            let stuck = page.changes.is_empty() && state.as_ref() == Some(&page.state);
            seen.extend(page.changes);
            state = Some(page.state);
            if !page.last && (stuck || pages == PAGES) {
                doing.differs(format!("the feed does not end after {pages} pages"));
                break;
            }
            if page.last {
                break;
            }
        }
        for sentence in compare(expected, &seen) {
            doing.differs(sentence);
        }
        doing.text = Some(format!("{} in {}", counted(seen.len(), "change"), counted(pages, "page")));
        self.end(doing, Result::Ok);
        state
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn compare(expected: &[Expected], seen: &[(Changed, String)]) -> Vec<String> {
    let mut said = Vec::new();
    for (changed, id, subject) in expected {
        let times = seen.iter().filter(|(kind, of)| kind == changed && of == id).count();
        let word = word(*changed);
        match times {
            0 => said.push(format!("the feed does not show that the {subject} was {word}")),
            1 => {}
            times => said.push(format!("the feed shows {times} times that the {subject} was {word}")),
        }
    }
    for (changed, id) in seen {
        if expected.iter().any(|(kind, of, _)| kind == changed && of == id) {
            continue;
        }
        let subject =
            expected.iter().find(|(_, of, _)| of == id).map_or("another item", |(.., subject)| subject);
        said.push(format!("the feed shows that {subject} was {}, which nobody did", word(*changed)));
    }
    said
}

fn word(changed: Changed) -> &'static str {
    match changed {
        Changed::Created => "made",
        Changed::Updated => "changed",
        Changed::Deleted => "deleted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_what_was_done_is_no_difference() {
        let expected =
            [(Changed::Created, "a".to_owned(), "contact"), (Changed::Created, "b".to_owned(), "note")];
        let seen = [(Changed::Created, "b".to_owned()), (Changed::Created, "a".to_owned())];
        assert_eq!(compare(&expected, &seen), [""; 0]);
        assert_eq!(compare(&expected, &seen[..1]), ["the feed does not show that the contact was made"]);
    }

    #[test]
    fn what_is_foreign_or_shown_twice_is_said() {
        let expected = [(Changed::Deleted, "a".to_owned(), "contact")];
        let deleted = (Changed::Deleted, "a".to_owned());
        let seen = [deleted.clone(), deleted, (Changed::Updated, "x".to_owned())];
        let said = compare(&expected, &seen);
        assert_eq!(said[0], "the feed shows 2 times that the contact was deleted");
        assert_eq!(said[1], "the feed shows that another item was changed, which nobody did");
    }
}
