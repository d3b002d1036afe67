//! Runs a command of the user: its input and output, bounded in time and size. Whatever it started is
//! gone afterwards. Knows nothing of what is said over it.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes of output that are read.
pub const OUTPUT: usize = 1 << 20;

/// Bytes of the end of standard error that are kept.
const TAIL: usize = 2048;

/// Pause between two looks at whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// How long what it started may keep its output open after its end.
const GRACE: Duration = Duration::from_millis(500);

/// A command to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// Program and arguments. No shell takes part.
    pub words: Vec<String>,
    /// Folder in which it runs.
    pub folder: PathBuf,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
}

/// Why a command brought nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfinished {
    /// It ended with a code of its own.
    #[error("it ended with exit code {0}")]
    Code(i32),
    /// A signal ended it.
    #[error("it was ended by a signal")]
    Signal,
    /// There is no such program, or it may not be run.
    #[error("it cannot be started: {0}")]
    NotStarted(String),
    /// It took too long, and was ended.
    #[error("it took longer than {} ms and was ended", .0.as_millis())]
    TimedOut(Duration),
    /// It wrote too much, and was ended.
    #[error("it wrote more than {OUTPUT} bytes and was ended")]
    TooMuch,
}

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Its standard output.
    pub outcome: Result<Vec<u8>, Unfinished>,
    /// The end of its standard error, without control characters.
    pub complaint: String,
    /// How long it took.
    pub took: Duration,
}

/// Ends the command, and all that it started, when this is dropped.
struct Group {
    id: u32,
}

impl Group {
    fn end(&self) {
        #[cfg(unix)]
        if let Some(id) = i32::try_from(self.id).ok().and_then(rustix::process::Pid::from_raw) {
            // Nobody is left to be ended: then all is well.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        let _ = self.id;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

impl Command {
    /// Runs it with this input. When the future is dropped, the command is ended.
    pub async fn run(&self, input: Vec<u8>, deadline: Duration) -> Ran {
        let started = Instant::now();
        let child = match self.spawn() {
            Ok(child) => child,
            Err(error) => {
                let outcome = Err(Unfinished::NotStarted(error.to_string()));
                return Ran { outcome, complaint: String::new(), took: started.elapsed() };
            }
        };
        let group = Group { id: child.id() };
        let until = started + deadline;
        let watched = tokio::task::spawn_blocking(move || watch(child, input, until)).await;
        drop(group);
        let (outcome, tail) = watched.unwrap_or((Err(Unfinished::Signal), Vec::new()));
        let outcome = outcome.map_err(|why| match why {
            Unfinished::TimedOut(_) => Unfinished::TimedOut(deadline),
            other => other,
        });
        Ran { outcome, complaint: plain(&tail), took: started.elapsed() }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let (program, arguments) = self.words.split_first().ok_or(std::io::ErrorKind::NotFound)?;
        let mut command = std::process::Command::new(program);
        command.args(arguments).current_dir(&self.folder).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()
    }
}

/// Feeds and reads a command until it has ended, or must.
fn watch(mut child: Child, input: Vec<u8>, until: Instant) -> (Result<Vec<u8>, Unfinished>, Vec<u8>) {
    let group = Group { id: child.id() };
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read its input may still answer.
        thread::spawn(move || stdin.write_all(&input));
    }
    let output = read(child.stdout.take(), |stdout| {
        let mut bytes = Vec::new();
        let _ = stdout.take(OUTPUT as u64 + 1).read_to_end(&mut bytes);
        bytes
    });
    let complaint = read(child.stderr.take(), tail);
    let outcome = wait(&mut child, &output, until, &group);
    group.end();
    let _ = child.kill();
    let _ = child.wait();
    (outcome, complaint.recv_timeout(GRACE).unwrap_or_default())
}

fn read<R: Read + Send + 'static>(
    from: Option<R>,
    work: impl FnOnce(R) -> Vec<u8> + Send + 'static,
) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(from) = from {
        // Nobody waits any more: then nobody misses it.
        thread::spawn(move || sender.send(work(from)));
    }
    receiver
}

fn wait(
    child: &mut Child,
    output: &Receiver<Vec<u8>>,
    until: Instant,
    group: &Group,
) -> Result<Vec<u8>, Unfinished> {
    let mut written: Option<Vec<u8>> = None;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        if written.is_none() {
            match output.recv_timeout(LOOK) {
                Ok(bytes) => written = Some(bytes),
                Err(RecvTimeoutError::Disconnected) => written = Some(Vec::new()),
                Err(RecvTimeoutError::Timeout) => {}
            }
        } else {
            thread::sleep(LOOK);
        }
        if written.as_ref().is_some_and(|bytes| bytes.len() > OUTPUT) {
            return Err(Unfinished::TooMuch);
        }
        if ended.is_none() {
            ended = child.try_wait().ok().flatten().map(|status| (status, Instant::now()));
        }
        match (&ended, written.take()) {
            (Some((status, _)), Some(bytes)) => return finished(*status, bytes),
            (Some((_, at)), None) if at.elapsed() > GRACE => group.end(),
            (_, left) => written = left,
        }
        if Instant::now() >= until {
            return Err(Unfinished::TimedOut(Duration::ZERO));
        }
    }
}

fn finished(status: ExitStatus, bytes: Vec<u8>) -> Result<Vec<u8>, Unfinished> {
    match status.code() {
        Some(0) => Ok(bytes),
        Some(code) => Err(Unfinished::Code(code)),
        None => Err(Unfinished::Signal),
    }
}

/// Reads all, and keeps the end.
fn tail<R: Read>(mut from: R) -> Vec<u8> {
    let mut kept: Vec<u8> = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut part) {
        kept.extend(part.get(..length).unwrap_or_default());
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
    kept
}

fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split(|c: char| c.is_control() || c.is_whitespace()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn run(script: &str, input: &str, deadline: Duration) -> Ran {
        let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        let environment = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
        let command = Command { words, folder: ".".into(), environment };
        command.run(input.as_bytes().to_vec(), deadline).await
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn what_goes_in_can_come_out() {
        let ran = run("cat", "hello", LONG).await;
        assert_eq!(ran.outcome, Ok(b"hello".to_vec()));
    }

    #[tokio::test]
    async fn a_code_of_its_own_is_told_with_its_complaint() {
        let ran = run("echo '\u{1b}[31mno luck' >&2; exit 3", "", LONG).await;
        assert_eq!(ran.outcome, Err(Unfinished::Code(3)));
        assert_eq!(ran.complaint, "[31mno luck");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("alive");
        let script = format!("(sleep 1; touch {}) & sleep 60", file.display());
        let ran = run(&script, "", Duration::from_millis(100)).await;
        assert_eq!(ran.outcome, Err(Unfinished::TimedOut(Duration::from_millis(100))));
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!file.exists());
    }

    #[tokio::test]
    async fn a_flood_is_cut_off() {
        let ran =
            run("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", "", LONG).await;
        assert_eq!(ran.outcome, Err(Unfinished::TooMuch));
    }

    #[tokio::test]
    async fn what_stays_behind_does_not_hold_the_answer() {
        let ran = run("sleep 60 & echo done", "", LONG).await;
        assert_eq!(ran.outcome, Ok(b"done\n".to_vec()));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let command =
            Command { words: vec!["./no-such".into()], folder: ".".into(), environment: Vec::new() };
        assert!(matches!(command.run(Vec::new(), LONG).await.outcome, Err(Unfinished::NotStarted(_))));
    }

    #[tokio::test]
    async fn the_environment_is_what_was_given() {
        let ran = run("env | grep -v -e ^PWD -e ^_ -e ^SHLVL", "", LONG).await;
        assert_eq!(ran.outcome, Ok(b"PATH=/usr/bin:/bin\n".to_vec()));
    }
}
