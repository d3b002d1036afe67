//! A folder in which the program runs, and a lab in a process of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// What a run left behind.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A folder of its own for configuration, state and output.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, text).expect("written");
        path
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path().join("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("NO_COLOR").env_remove("COLUMNS").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        finish(&mut self.command(args))
    }
}

pub fn finish(command: &mut Command) -> Run {
    let output = command.output().expect("the program starts");
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Exit 2, nothing on standard output, and every one of the texts in the one message.
pub fn assert_refused(run: &Run, texts: &[&str]) {
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.matches("error:").count(), 1, "{}", run.stderr);
    for text in texts {
        assert!(run.stderr.contains(text), "`{text}` is not in:\n{}", run.stderr);
    }
}

/// A lab in a process of its own, reached by what it prints and nothing else.
pub struct Lab {
    process: std::process::Child,
    pub contract: Value,
}

impl Lab {
    pub fn serve(place: &Place, scenario: &str) -> Self {
        use std::io::{BufRead, BufReader};
        let mut command = place.command(&["lab", scenario, "--print", "json"]);
        command.env("TMPDIR", place.path());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Self { process, contract: serde_json::from_str(&line).expect("one document in one line") }
    }

    /// The `[network]` table that a user would write.
    pub fn network(&self) -> String {
        let pairs = self.contract["connect_to"].as_object().expect("a table").iter();
        let pairs: Vec<String> = pairs.map(|(from, to)| format!("\"{from}\" = {to}")).collect();
        let (ca, dns) = (&self.contract["ca_file"], &self.contract["dns"]);
        format!("[network]\nca_file = {ca}\ndns = {dns}\nconnect_to = {{ {} }}\n", pairs.join(", "))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
