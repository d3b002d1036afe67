//! Mailboxes from files, as a stream, and the sieve that every list goes through.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

use crate::cli::{config::address_fault, problem::Problem};
use crate::collect::coverage::{Key, Mailbox, Rule, Shard};
use crate::facts::{Absence, Reason};

/// Longest line that is read.
const LONGEST: u64 = 4096;
/// Most addresses that are handed over at once: each time wakes a thread, which costs more than the line.
const BATCH: usize = 128;
/// Such parts that are read ahead.
const AHEAD: usize = 2;

/// A list of any length.
pub type List = std::pin::Pin<Box<dyn Stream<Item = Result<Box<str>, Absence>> + Send>>;

/// What the sieve kept back.
#[derive(Debug, Default)]
pub struct Counts {
    /// Addresses that came before, in this run.
    pub again: AtomicU64,
    /// Known for good from an earlier run.
    pub known: AtomicU64,
    /// Of other shards.
    pub elsewhere: AtomicU64,
    /// Lines that hold no address.
    pub malformed: AtomicU64,
}

impl Counts {
    /// The number of one of them.
    pub fn of(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

/// The lines of a file, or of standard input with `-`.
pub fn file(path: &Path) -> Result<List, Problem> {
    let refuse = |error: io::Error| Problem::new(format!("cannot read {}: {error}", path.display()));
    let reader: Box<dyn Read + Send> =
        if is_stdin(path) { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(refuse)?) };
    let (sender, receiver) = mpsc::channel(AHEAD);
    let name = path.display().to_string();
    // A thread of its own: standard input may keep silent for as long as it likes.
    std::thread::spawn(move || {
        let mut lines = Lines { reader: BufReader::new(reader), number: 0, text: Vec::new() };
        loop {
            let batch: Vec<_> = match lines.next_addresses() {
                Ok(batch) => batch.into_iter().map(Ok).collect(),
                Err(error) => {
                    let text = format!("cannot read {name}: {error}");
                    vec![Err(Absence::new(Reason::Unreadable).with_text(text))]
                }
            };
            let last = !batch.last().is_some_and(Result::is_ok);
            if sender.blocking_send(batch).is_err() || last {
                return;
            }
        }
    });
    let batches = stream::unfold(receiver, |mut receiver| async move {
        let batch = receiver.recv().await?;
        Some((stream::iter(batch), receiver))
    });
    Ok(Box::pin(batches.flatten()))
}

/// Standard input is meant.
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// How many addresses a file holds; `None`: it can be read only once.
pub fn count(path: &Path) -> Option<u64> {
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|meta| meta.is_file()))?;
    let mut lines = Lines { reader: BufReader::new(Box::new(file)), number: 0, text: Vec::new() };
    let mut count = 0;
    while let Ok(Some(_)) = lines.next_address() {
        count += 1;
    }
    Some(count)
}

/// What a line holds.
enum Line {
    Address(Box<str>),
    Nothing,
    End,
}

struct Lines {
    reader: BufReader<Box<dyn Read + Send>>,
    /// Lines that held something.
    number: u64,
    text: Vec<u8>,
}

impl Lines {
    /// The next address; `None` at the end.
    fn next_address(&mut self) -> io::Result<Option<Box<str>>> {
        loop {
            match self.next_line()? {
                Line::Address(address) => return Ok(Some(address)),
                Line::Nothing => {}
                Line::End => return Ok(None),
            }
        }
    }

    /// As many of the next addresses as are there without waiting, and at least one; none at the end.
    fn next_addresses(&mut self) -> io::Result<Vec<Box<str>>> {
        let mut found = Vec::new();
        loop {
            match self.next_line()? {
                Line::Address(address) => found.push(address),
                Line::Nothing => {}
                Line::End => return Ok(found),
            }
            let waits = !self.reader.buffer().contains(&b'\n');
            if found.len() >= BATCH || (waits && !found.is_empty()) {
                return Ok(found);
            }
        }
    }

    /// The first column of the next line, unless it holds nothing; a first line without an address is a
    /// heading.
    fn next_line(&mut self) -> io::Result<Line> {
        self.text.clear();
        let length = self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut self.text)?;
        if length == 0 {
            return Ok(Line::End);
        }
        if length as u64 == LONGEST && self.text.last() != Some(&b'\n') {
            self.skip_rest()?;
        }
        let text = String::from_utf8_lossy(&self.text);
        let line = text.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(Line::Nothing);
        }
        self.number += 1;
        let column = line.split([',', ';', '\t']).next().unwrap_or_default();
        let column = column.trim().trim_matches('"').trim();
        if self.number == 1 && !column.contains('@') {
            return Ok(Line::Nothing);
        }
        Ok(Line::Address(column.into()))
    }

    fn skip_rest(&mut self) -> io::Result<()> {
        let mut rest = Vec::new();
        while self.reader.by_ref().take(LONGEST).read_until(b'\n', &mut rest)? > 0
            && rest.last() != Some(&b'\n')
        {
            rest.clear();
        }
        Ok(())
    }
}

/// What becomes of a list on its way to the machine.
#[derive(Debug)]
pub struct Sieve {
    /// Only this part.
    pub shard: Option<Shard>,
    /// At most so many.
    pub limit: Option<u64>,
    /// What the directory says of each.
    pub rule: Arc<Rule>,
    /// What is known for good from an earlier run.
    pub known: HashSet<Key>,
    /// What is kept back.
    pub counts: Arc<Counts>,
}

impl Sieve {
    /// The mailboxes to ask for.
    pub fn through(self, list: List) -> impl Stream<Item = Result<Mailbox, Absence>> + Unpin {
        let left = self.limit.unwrap_or(u64::MAX);
        let state = (list, self, HashSet::new(), left);
        Box::pin(stream::unfold(state, |(mut list, sieve, mut seen, left)| async move {
            if left == 0 {
                return None;
            }
            loop {
                let address = match list.next().await? {
                    Ok(address) => address,
                    Err(absence) => return Some((Err(absence), (list, sieve, seen, 0))),
                };
                if let Some(mailbox) = sieve.take(address, &mut seen) {
                    return Some((Ok(mailbox), (list, sieve, seen, left - 1)));
                }
            }
        }))
    }

    fn take(&self, address: Box<str>, seen: &mut HashSet<Key>) -> Option<Mailbox> {
        let more = |counter: &AtomicU64| {
            counter.fetch_add(1, Ordering::Relaxed);
            None
        };
        if address_fault(&address).is_some() {
            return more(&self.counts.malformed);
        }
        let key = Key::of(&address);
        if self.shard.is_some_and(|shard| !shard.holds(key)) {
            return more(&self.counts.elsewhere);
        }
        if self.known.contains(&key) {
            return more(&self.counts.known);
        }
        if !seen.insert(key) {
            return more(&self.counts.again);
        }
        let declared = self.rule.says(key);
        Some(Mailbox { address, declared })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<String> {
        let reader: Box<dyn Read + Send> = Box::new(io::Cursor::new(text.to_owned()));
        let mut lines = Lines { reader: BufReader::new(reader), number: 0, text: Vec::new() };
        let mut found = Vec::new();
        while let Some(address) = lines.next_address().expect("readable") {
            found.push(address.to_string());
        }
        found
    }

    #[test]
    fn headings_comments_columns_and_marks_are_taken_off() {
        let text = "\u{feff}Mail,Name\r\n# sales\n\"a@x.y\",Ann\n\n b@x.y;Bo\nnobody\n";
        assert_eq!(addresses(text), ["a@x.y", "b@x.y", "nobody"]);
    }

    #[test]
    fn what_is_there_is_handed_over_and_nothing_is_waited_for() {
        /// Gives one part at each reading, as a pipe does.
        struct Parts(std::vec::IntoIter<&'static str>);
        impl Read for Parts {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let Some(part) = self.0.next() else { return Err(io::ErrorKind::TimedOut.into()) };
                into[..part.len()].copy_from_slice(part.as_bytes());
                Ok(part.len())
            }
        }
        let parts = Parts(vec!["Mail\n\na@x.y\nb@x.y\n# c", "\nc@x.y\n# d\n", "d@x.y\n"].into_iter());
        let mut lines = Lines { reader: BufReader::new(Box::new(parts)), number: 0, text: Vec::new() };
        let mut next = || lines.next_addresses().map(|found| found.join(" ")).ok();
        let all: Vec<_> = std::iter::repeat_with(&mut next).take(4).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(all, [some("a@x.y b@x.y"), some("c@x.y"), some("d@x.y"), None]);
        let many = "u@x.y\n".repeat(1000);
        let reader: Box<dyn Read + Send> = Box::new(io::Cursor::new(many));
        let mut lines = Lines { reader: BufReader::new(reader), number: 0, text: Vec::new() };
        let mut sizes = std::iter::repeat_with(|| lines.next_addresses().expect("readable").len());
        let sizes: Vec<_> = sizes.by_ref().take_while(|size| *size > 0).collect();
        assert!(sizes.iter().all(|size| *size <= BATCH), "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 1000);
    }

    #[test]
    fn an_endless_line_takes_no_room_and_costs_itself_only() {
        let text = format!("a@x.y\n{}\nb@x.y\n", "z".repeat(100_000));
        let found = addresses(&text);
        assert_eq!((found.len(), found[0].as_str(), found[2].as_str()), (3, "a@x.y", "b@x.y"));
    }

    #[tokio::test]
    async fn the_sieve_keeps_back_what_is_not_to_be_asked() {
        let texts = ["a@x.y", "A@X.Y", "nobody", "b@x.y", "c@x.y", "d@x.y"];
        let list: List = Box::pin(stream::iter(texts.map(|text| Ok(text.into()))));
        let counts = Arc::new(Counts::default());
        let sieve = Sieve {
            shard: None,
            limit: Some(2),
            rule: Arc::default(),
            known: HashSet::from([Key::of("b@x.y")]),
            counts: Arc::clone(&counts),
        };
        let out: Vec<_> = sieve.through(list).map(|mailbox| mailbox.expect("one").address).collect().await;
        assert_eq!(out, ["a@x.y".into(), "c@x.y".into()] as [Box<str>; 2]);
        let kept = [&counts.again, &counts.known, &counts.malformed].map(Counts::of);
        assert_eq!(kept, [1, 1, 1]);
    }
}
