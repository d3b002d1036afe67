//! A folder in which the program runs.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }

    pub fn finding(&self, check: &str) -> Value {
        let report = self.json();
        let findings = report["accounts"][0]["findings"].as_array().cloned().unwrap_or_default();
        let found = findings.into_iter().find(|finding| finding["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {}", self.stdout))
    }
}

/// A folder of its own.
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("inside of the folder")).expect("made");
        fs::write(&path, text).expect("written");
    }

    pub fn script(&self, name: &str, text: &str) {
        self.write(name, text);
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(self.path().join(name), mode).expect("set");
    }

    pub fn run(&self, args: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syncready"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_STATE_HOME", self.path().join("state")).env_remove("SYNCREADY_CONFIG");
        command.env_remove("NO_COLOR").env_remove("COLUMNS").env("LANG", "C.UTF-8").env_remove("LC_ALL");
        command.env("SYNCREADY_READER_SECRET", "canary");
        let output = command.output().expect("the program starts");
        Run {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Judges one check on the lab.
    pub fn demo(&self, scenario: &str, check: &str) -> Run {
        self.run(&["check", "--demo", scenario, "--checks", "own", "--only", check, "--format", "json"])
    }
}

/// Compares with a snapshot below `snapshots/own`.
pub fn assert_shown(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/own"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
