//! Remembers for a day which credentials were refused, so that no later run helps to lock an account.
//!
//! Kept are a salt and slow hashes only. A memory that cannot be read or written never stops a run.

use std::{
    fs,
    io::Write,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    pbkdf2,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};

/// How long a refusal is remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Slow enough to make guessing a password from its hash costly, fast enough not to be felt.
const ROUNDS: NonZeroU32 = NonZeroU32::new(50_000).expect("not zero");

/// The memory of one user on one machine.
#[derive(Debug, Clone)]
pub struct Refused {
    path: PathBuf,
    state: State,
    now: Timestamp,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct State {
    format: u32,
    salt: String,
    refused: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    hash: String,
    at: Timestamp,
}

/// Where the memory is: the XDG state folder; `None` without a home.
pub fn usual_path() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("syncready").join("refused.json"))
}

impl Refused {
    /// Reads the memory; one that is missing or broken is empty.
    pub fn read(path: &Path, now: Timestamp) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut state: State = serde_json::from_str(&text).unwrap_or_default();
        state.refused.retain(|entry| now.duration_since(entry.at) < KEPT);
        Self { path: path.to_owned(), state, now }
    }

    /// Whether a credential was refused less than a day ago.
    pub fn holds(&self, fingerprint: &str) -> bool {
        if self.state.refused.is_empty() {
            return false;
        }
        let hash = hash(&self.state.salt, fingerprint);
        self.state.refused.iter().any(|entry| entry.hash == hash)
    }

    /// Adds refusals; what another run added meanwhile stays.
    pub fn remember(&self, fingerprints: &[String]) -> std::io::Result<()> {
        if fingerprints.is_empty() {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        make_private(folder)?;
        let lock = fs::File::create(folder.join("refused.lock"))?;
        lock.lock()?;
        let mut state = Self::read(&self.path, self.now).state;
        state.format = 1;
        if state.salt.is_empty() {
            state.salt = salt()?;
        }
        for fingerprint in fingerprints {
            let hash = hash(&state.salt, fingerprint);
            state.refused.retain(|entry| entry.hash != hash);
            state.refused.push(Entry { hash, at: self.now });
        }
        let mut draft = tempfile::NamedTempFile::new_in(folder)?;
        draft.write_all(serde_json::to_string(&state)?.as_bytes())?;
        draft.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

fn salt() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| std::io::Error::other("no random numbers"))?;
    Ok(STANDARD.encode(bytes))
}

fn hash(salt: &str, fingerprint: &str) -> String {
    let mut out = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt.as_bytes(), fingerprint.as_bytes(), &mut out);
    STANDARD.encode(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn remembered(folder: &Path) -> PathBuf {
        let path = folder.join("syncready/refused.json");
        let memory = Refused::read(&path, at("2026-11-21T08:00:00Z"));
        memory.remember(&["svc hunter2".to_owned()]).expect("written");
        path
    }

    #[test]
    fn a_refusal_is_known_for_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = remembered(folder.path());
        assert!(Refused::read(&path, at("2026-11-22T07:59:00Z")).holds("svc hunter2"));
    }

    #[test]
    fn a_refusal_is_forgotten_after_a_day() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = remembered(folder.path());
        assert!(!Refused::read(&path, at("2026-11-22T08:00:00Z")).holds("svc hunter2"));
    }

    #[test]
    fn another_credential_is_not_held_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = remembered(folder.path());
        assert!(!Refused::read(&path, at("2026-11-21T09:00:00Z")).holds("svc hunter3"));
    }

    #[test]
    fn the_file_holds_no_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let text = fs::read_to_string(remembered(folder.path())).expect("there");
        assert!(!text.contains("hunter2"));
    }

    #[test]
    fn a_broken_file_is_an_empty_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("refused.json");
        fs::write(&path, "{").expect("written");
        assert!(!Refused::read(&path, at("2026-11-21T08:00:00Z")).holds("svc hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let mode = fs::metadata(remembered(folder.path())).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
