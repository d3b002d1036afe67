//! The book of a run: its lines go to a file as they come, and the next run reads them.
//!
//! A file is written in place, so that whatever ends the run leaves all of it but the last moments. Two runs
//! cannot write the same one at the same time.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;

use super::line::{FORMAT, Header, KIND, Line, SAMPLE, SUMMARY};
use crate::cli::problem::Problem;
use crate::collect::coverage::Key;

/// Longest line that is read.
const LONGEST: u64 = 1 << 20;
/// What is not on the disk by then may be lost when the machine loses power, and is asked again.
const UNWRITTEN: Duration = Duration::from_millis(250);

/// Where lines go.
#[derive(Debug)]
pub struct Book {
    to: Option<BufWriter<To>>,
    name: String,
    flushed: Instant,
    /// Nobody reads on.
    pub closed: bool,
}

/// What an earlier run left, beside its mailboxes.
#[derive(Debug, Default)]
pub struct Earlier {
    /// Its header; `None`: the file is new or empty.
    pub header: Option<Header>,
    /// It came to the end of its list.
    pub complete: bool,
}

#[derive(Debug)]
enum To {
    File(File),
    Stdout(io::Stdout),
}

impl Write for To {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

impl Book {
    /// Lines go nowhere.
    pub fn nowhere() -> Self {
        Self { to: None, name: String::new(), flushed: Instant::now(), closed: false }
    }

    /// Lines go to standard output.
    pub fn stdout() -> Self {
        let to = Some(BufWriter::new(To::Stdout(io::stdout())));
        Self { to, name: "standard output".into(), flushed: Instant::now(), closed: false }
    }

    /// Lines go to a new file.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        let file = open(path)?;
        let length = file.metadata().map(|meta| if meta.is_file() { meta.len() } else { 0 });
        if length.map_err(|error| refused(path, &error))? > 0 {
            let name = path.display();
            return Err(Problem::new(format!("{name} exists"))
                .help(format!("`--resume {name}` goes on with it; `--since {name}` compares with it")));
        }
        Ok(Self::to_file(path, file))
    }

    /// Lines go behind those of an earlier run; `take` gets each of these. A last line that was cut off is
    /// dropped.
    pub fn resume(path: &Path, take: impl FnMut(Line)) -> Result<(Self, Earlier), Problem> {
        let mut file = open(path)?;
        let (earlier, whole) = read(path, &file, take)?;
        let end = file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole)));
        end.map_err(|error| refused(path, &error))?;
        Ok((Self::to_file(path, file), earlier))
    }

    fn to_file(path: &Path, file: File) -> Self {
        let name = path.display().to_string();
        let to = Some(BufWriter::with_capacity(1 << 16, To::File(file)));
        Self { to, name, flushed: Instant::now(), closed: false }
    }

    /// Writes one line.
    pub fn put(&mut self, line: &impl Serialize) -> Result<(), Problem> {
        let Some(to) = &mut self.to else { return Ok(()) };
        let written =
            serde_json::to_writer(&mut *to, line).map_err(io::Error::from).and_then(|()| to.write_all(b"\n"));
        self.settle(written)?;
        if self.flushed.elapsed() >= UNWRITTEN { self.flush() } else { Ok(()) }
    }

    /// Brings everything to where it goes.
    pub fn flush(&mut self) -> Result<(), Problem> {
        self.flushed = Instant::now();
        let flushed = self.to.as_mut().map_or(Ok(()), Write::flush);
        self.settle(flushed)
    }

    fn settle(&mut self, outcome: io::Result<()>) -> Result<(), Problem> {
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Problem::new(format!("cannot write {}: {error}", self.name))),
            Ok(()) => Ok(()),
        }
    }
}

fn refused(path: &Path, error: &io::Error) -> Problem {
    Problem::new(format!("cannot use {}: {error}", path.display()))
}

fn open(path: &Path) -> Result<File, Problem> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| refused(path, &error))?;
    match file.try_lock() {
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(Problem::new(format!("another run is writing {}", path.display())))
        }
        // Not every file system can lock.
        _ => Ok(file),
    }
}

/// The addresses of a file, as keys.
pub fn addresses(path: &Path) -> Result<HashSet<Key>, Problem> {
    let file = File::open(path).map_err(|error| refused(path, &error))?;
    let mut keys = HashSet::new();
    let (earlier, _) = read(path, &file, |line| {
        keys.insert(Key::of(&line.address));
    })?;
    match earlier.header {
        Some(_) => Ok(keys),
        None => Err(Problem::new(format!("{} is empty", path.display()))),
    }
}

/// Reads the lines of a file; gives what it is, and how many bytes of it are whole lines.
fn read(path: &Path, file: &File, mut take: impl FnMut(Line)) -> Result<(Earlier, u64), Problem> {
    let name = path.display().to_string();
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut earlier, mut whole, mut number, mut text) = (Earlier::default(), 0, 0, Vec::new());
    loop {
        text.clear();
        number += 1;
        let length = reader.by_ref().take(LONGEST).read_until(b'\n', &mut text);
        let length = length.map_err(|error| refused(path, &error))?;
        if length == 0 || text.last() != Some(&b'\n') {
            let ours = number > 1 || FIRST.starts_with(&text[..length.min(FIRST.len())]);
            return if ours { Ok((earlier, whole)) } else { Err(not_ours(&name, number)) };
        }
        whole += length as u64;
        match parse(&text) {
            Some(Parsed::Header(read)) if read.format > FORMAT => {
                return Err(Problem::new(format!("{name} was written by a newer version")));
            }
            Some(Parsed::Header(read)) => {
                earlier = Earlier { header: earlier.header.or(Some(*read)), complete: false };
            }
            Some(Parsed::Line(line)) if earlier.header.is_some() => take(*line),
            Some(Parsed::Summary { complete }) if earlier.header.is_some() => earlier.complete = complete,
            Some(Parsed::Sample) if earlier.header.is_some() => {}
            _ => return Err(not_ours(&name, number)),
        }
    }
}

/// How a coverage file begins.
const FIRST: &[u8] = b"{\"kind\":\"syncready-coverage\"";

fn not_ours(name: &str, number: usize) -> Problem {
    Problem::new("this is no line of a coverage file").at(name, number, 1)
}

enum Parsed {
    Header(Box<Header>),
    Line(Box<Line>),
    Sample,
    Summary { complete: bool },
}

fn parse(text: &[u8]) -> Option<Parsed> {
    if let Ok(line) = serde_json::from_slice::<Line>(text) {
        return Some(Parsed::Line(Box::new(line)));
    }
    let value: Value = serde_json::from_slice(text).ok()?;
    match value["kind"].as_str()? {
        KIND => Some(Parsed::Header(Box::new(serde_json::from_value(value).ok()?))),
        SAMPLE => Some(Parsed::Sample),
        SUMMARY => Some(Parsed::Summary { complete: value["early"].is_null() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Options;
    use super::*;
    use crate::facts::Tool;

    fn header() -> Header {
        Header {
            kind: KIND.into(),
            format: FORMAT,
            started_at: "2026-11-22T08:00:00Z".into(),
            tool: Tool::this(),
            options: Options {
                account: "svc@contoso.com".into(),
                app: None,
                world: None,
                protocol: "ews".into(),
                source: "list".into(),
                shard: None,
            },
            scope: Vec::new(),
            notice: "x".into(),
        }
    }

    fn line(address: &str) -> Line {
        Line {
            address: address.into(),
            declared: "unknown".into(),
            proven: "open".into(),
            cause: None,
            code: None,
            status: Some(200),
            ms: 3,
            at: "2026-11-22T08:00:01Z".into(),
            text: None,
            suggested: None,
            attempts: 1,
            new: false,
        }
    }

    fn resumed(path: &Path) -> Result<(Vec<String>, bool), String> {
        let mut addresses = Vec::new();
        let read = Book::resume(path, |line| addresses.push(line.address));
        read.map(|(_, earlier)| (addresses, earlier.header.is_some()))
            .map_err(|problem| problem.render(false, false))
    }

    #[test]
    fn a_torn_last_line_is_dropped_and_the_rest_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.jsonl");
        let mut book = Book::create(&path).expect("new");
        book.put(&header()).expect("written");
        book.put(&line("a@x.y")).and_then(|()| book.put(&line("b@x.y"))).expect("written");
        book.flush().expect("written");
        drop(book);
        let whole = std::fs::read(&path).expect("there");
        for cut in 1..40 {
            std::fs::write(&path, &whole[..whole.len() - cut]).expect("written");
            assert_eq!(resumed(&path), Ok((vec!["a@x.y".to_owned()], true)), "{cut}");
            let mut book = Book::resume(&path, |_| {}).expect("goes on").0;
            book.put(&line("c@x.y")).and_then(|()| book.flush()).expect("written");
            drop(book);
            assert_eq!(resumed(&path), Ok((vec!["a@x.y".to_owned(), "c@x.y".to_owned()], true)), "{cut}");
        }
    }

    #[test]
    fn a_file_torn_in_its_header_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.jsonl");
        let text = serde_json::to_string(&header()).expect("JSON");
        std::fs::write(&path, &text[..60]).expect("written");
        assert_eq!(resumed(&path), Ok((Vec::new(), false)));
        assert_eq!(std::fs::metadata(&path).expect("there").len(), 0);
    }

    #[test]
    fn a_file_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["precious", "precious\n", "{\"address\":\"a@x.y\"}\n", "{}\n{}\n"] {
            let path = folder.path().join("c.jsonl");
            std::fs::write(&path, text).expect("written");
            assert!(resumed(&path).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), text);
        }
    }

    #[test]
    fn a_file_that_exists_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.jsonl");
        std::fs::write(&path, "x").expect("written");
        let problem = Book::create(&path).expect_err("refused");
        assert!(problem.render(false, false).contains("--resume"), "{}", problem.render(false, false));
    }

    #[test]
    fn two_runs_cannot_write_one_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.jsonl");
        let _first = Book::create(&path).expect("new");
        assert!(Book::create(&path).is_err());
    }
}
