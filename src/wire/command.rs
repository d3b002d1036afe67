//! Programs of the user's own that print a token or a secret: run once, without a shell, bounded in time
//! and in what they may print. Knows nothing of what they print.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use super::json::clip;

/// More than this is neither a token nor a secret.
const MAX_OUTPUT: u64 = 256 << 10;

/// How often a running program is looked after.
const LOOK: Duration = Duration::from_millis(10);

/// What a program prints on its standard output, once it has ended well.
///
/// Its standard error is read for the reason of a failure only.
///
/// # Errors
///
/// In words: it did not start, failed, took too long or printed too much.
pub fn output(argv: &[String], limit: Duration) -> Result<Zeroizing<String>, String> {
    let (program, arguments) = argv.split_first().ok_or("no command is named")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("`{program}` does not start: {error}"))?;
    let (printed, complaint) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let end = Instant::now() + limit;
    let status = wait(&mut child, end)
        .map_err(|error| format!("`{program}` cannot be waited for: {error}"))?
        .ok_or_else(|| format!("`{program}` did not end within {} s", limit.as_secs().max(1)))?;
    // A grandchild may keep the pipes open: what was printed by now has to do.
    let rest = || end.saturating_duration_since(Instant::now()).max(Duration::from_millis(100));
    if !status.success() {
        let complaint = complaint.recv_timeout(rest().min(Duration::from_secs(1))).unwrap_or_default();
        let text = String::from_utf8_lossy(&complaint);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(format!("`{program}` failed ({status}): {}", clip(line, 300)));
    }
    let printed =
        printed.recv_timeout(rest()).map_err(|_| format!("`{program}` did not close its output"))?;
    if printed.len() as u64 > MAX_OUTPUT {
        return Err(format!("`{program}` printed more than {MAX_OUTPUT} bytes"));
    }
    let text = std::str::from_utf8(&printed).map_err(|_| format!("`{program}` did not print UTF-8 text"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads a pipe in a thread of its own, so that a program that prints much is not blocked.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = pipe.take(MAX_OUTPUT + 1).read_to_end(&mut bytes);
            if read.is_ok() {
                // Nobody listens any more when the program took too long.
                let _ = sender.send(bytes);
            }
        });
    }
    receiver
}

/// Waits until the program has ended, or ends it; `None`: it had to be ended.
fn wait(child: &mut Child, end: Instant) -> std::io::Result<Option<std::process::ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<String, String> {
        let argv = ["sh", "-c", script].map(str::to_owned);
        output(&argv, limit).map(|text| text.to_string())
    }

    #[test]
    fn what_a_program_prints_is_read() {
        assert_eq!(
            sh("printf one; printf two >&2", Duration::from_secs(10)).as_deref(),
            Ok("one"[..].into())
        );
    }

    #[test]
    fn a_failure_says_why() {
        let said = sh("echo 'please sign in' >&2; exit 3", Duration::from_secs(10)).expect_err("failed");
        assert!(said.contains("please sign in") && said.contains('3'), "{said}");
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let said = sh("exec sleep 60", Duration::from_millis(50)).expect_err("ended");
        assert!(said.contains("did not end within"), "{said}");
    }

    #[test]
    fn a_program_that_prints_without_end_is_refused() {
        let said = sh("yes | head -c 400000", Duration::from_secs(20)).expect_err("refused");
        assert!(said.contains("printed more") || said.contains("failed"), "{said}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let said = output(&["no-such-program-here".to_owned()], LOOK).expect_err("missing");
        assert!(said.contains("no-such-program-here"), "{said}");
    }
}
