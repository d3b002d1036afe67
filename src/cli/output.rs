//! Where documents go: standard output, or a file that is written whole or not at all.

use std::{
    fs::File,
    io::{BufWriter, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::Serialize;
use tempfile::NamedTempFile;

use super::{problem::Problem, trouble::Trouble};

/// A destination that was found to be writable before anything was done.
#[derive(Debug)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// A device or pipe, which cannot be replaced.
    Device(PathBuf),
    /// A file; the text stands beside it until it is complete.
    File {
        /// Final path.
        path: PathBuf,
        /// Takes the text; mode 0600.
        draft: NamedTempFile,
    },
}

impl Sink {
    /// The destination of `-o FILE`, or standard output without it.
    pub fn open(path: Option<&Path>) -> Result<Self, Problem> {
        let Some(path) = path else { return Ok(Self::Stdout) };
        let refuse = |why: String| Problem::new(format!("cannot write {}: {why}", path.display()));
        match std::fs::metadata(path) {
            Ok(meta) if meta.is_dir() => return Err(refuse("it is a folder".into())),
            Ok(meta) if !meta.is_file() => return Ok(Self::Device(path.to_owned())),
            Ok(meta) if meta.permissions().readonly() => return Err(refuse("it is read-only".into())),
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let draft = NamedTempFile::new_in(folder).map_err(|error| refuse(plain(&error)))?;
        Ok(Self::File { path: path.to_owned(), draft })
    }

    /// Whether the text goes to standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout)
    }

    /// Writes the whole text.
    pub fn write(self, text: &str) -> Result<(), Problem> {
        self.write_bytes(text.as_bytes())
    }

    /// The same with bytes.
    pub fn write_bytes(self, bytes: &[u8]) -> Result<(), Problem> {
        match self {
            Self::Stdout => to_stdout(bytes),
            Self::Device(path) => std::fs::write(&path, bytes)
                .map_err(|error| Problem::new(format!("cannot write {}: {error}", path.display()))),
            Self::File { path, mut draft } => {
                let refuse =
                    |why: &std::io::Error| Problem::new(format!("cannot write {}: {why}", path.display()));
                draft.write_all(bytes).map_err(|error| refuse(&error))?;
                draft.as_file().sync_all().map_err(|error| refuse(&error))?;
                draft.persist(&path).map_err(|error| refuse(&error.error))?;
                Ok(())
            }
        }
    }
}

/// A destination that takes one line after the other.
#[derive(Debug)]
pub struct Lines {
    name: String,
    to: Writer,
    /// Final path of a draft.
    path: Option<PathBuf>,
}

#[derive(Debug)]
enum Writer {
    Stdout(std::io::Stdout),
    Device(BufWriter<File>),
    Draft(BufWriter<NamedTempFile>),
}

impl Sink {
    /// Begins to write line by line.
    pub fn lines(self) -> Result<Lines, Problem> {
        Ok(match self {
            Self::Stdout => {
                Lines { name: "standard output".into(), to: Writer::Stdout(std::io::stdout()), path: None }
            }
            Self::Device(path) => {
                let file = File::options().write(true).open(&path).map_err(|error| {
                    Problem::new(format!("cannot write {}: {}", path.display(), plain(&error)))
                })?;
                let name = path.display().to_string();
                Lines { name, to: Writer::Device(BufWriter::new(file)), path: None }
            }
            Self::File { path, draft } => {
                let name = path.display().to_string();
                Lines { name, to: Writer::Draft(BufWriter::new(draft)), path: Some(path) }
            }
        })
    }
}

impl Lines {
    /// Writes one line, line break included; `Break`: nobody reads on.
    pub fn put(&mut self, line: &str) -> Result<ControlFlow<()>, Problem> {
        let written = match &mut self.to {
            Writer::Stdout(stdout) => stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()),
            Writer::Device(file) => file.write_all(line.as_bytes()),
            Writer::Draft(file) => file.write_all(line.as_bytes()),
        };
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(self.refuse(&error)),
            Ok(()) => Ok(ControlFlow::Continue(())),
        }
    }

    /// All lines are written: a file takes its name.
    pub fn finish(self) -> Result<(), Problem> {
        let name = self.name.clone();
        let refuse = |error: std::io::Error| Problem::new(format!("cannot write {name}: {error}"));
        match (self.to, self.path) {
            (Writer::Draft(draft), Some(path)) => {
                let draft = draft.into_inner().map_err(|error| refuse(error.into_error()))?;
                draft.as_file().sync_all().map_err(refuse)?;
                draft.persist(&path).map_err(|error| refuse(error.error))?;
            }
            (Writer::Device(mut file), _) => match file.flush() {
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(refuse(error)),
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }

    fn refuse(&self, error: &std::io::Error) -> Problem {
        Problem::new(format!("cannot write {}: {error}", self.name))
    }
}

/// A document as JSON for people to read, with the end of its last line.
pub fn pretty(document: &impl Serialize) -> Result<String, Trouble> {
    ended(serde_json::to_string_pretty(document))
}

/// The same on one line.
pub fn line(document: &impl Serialize) -> Result<String, Trouble> {
    ended(serde_json::to_string(document))
}

fn ended(text: serde_json::Result<String>) -> Result<String, Trouble> {
    text.map(|text| text + "\n").map_err(|error| Trouble::Ours(error.to_string()))
}

/// An I/O error without the temporary path that the library adds.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "its folder does not exist".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        kind => kind.to_string(),
    }
}

/// A reader that went away (`| head`) is no trouble of ours.
fn to_stdout(bytes: &[u8]) -> Result<(), Problem> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Problem::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// What was said beside the document so far; the first of it where it was very much.
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Most notes that are remembered.
const REMEMBERED: usize = 200;

/// What was said beside the document so far.
pub fn said() -> Vec<String> {
    SAID.lock().map(|said| said.clone()).unwrap_or_default()
}

/// Says something beside the document.
pub fn note(text: &str) {
    if let Ok(mut said) = SAID.lock()
        && said.len() < REMEMBERED
    {
        said.push(text.to_owned());
    }
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_not_touched_before_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.txt");
        std::fs::write(&path, "before").expect("written");
        drop(Sink::open(Some(&path)).expect("writable"));
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "before");
    }

    #[test]
    fn nothing_is_left_beside_a_complete_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.txt");
        Sink::open(Some(&path)).expect("writable").write("after").expect("written");
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).expect("there").flatten().map(|e| e.file_name()).collect();
        assert_eq!(names, ["report.txt"]);
    }

    #[test]
    fn lines_make_a_file_when_all_of_them_are_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.jsonl");
        let mut lines = Sink::open(Some(&path)).expect("writable").lines().expect("begins");
        assert!(lines.put("1\n").expect("written").is_continue());
        assert!(!path.exists(), "it has its name before it is complete");
        lines.put("2\n").map(drop).expect("written");
        lines.finish().expect("complete");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "1\n2\n");
    }

    #[test]
    fn a_missing_folder_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let problem = Sink::open(Some(&folder.path().join("no/report.txt"))).expect_err("refused");
        assert!(problem.message().ends_with("its folder does not exist"), "{}", problem.message());
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Sink::open(Some(folder.path())).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("facts.json");
        Sink::open(Some(&path)).expect("writable").write("{}").expect("written");
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}
