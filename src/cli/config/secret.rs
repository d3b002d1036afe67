//! Secrets: a configuration says where they are, never what they are.

use std::{
    collections::BTreeMap,
    fmt,
    io::{IsTerminal, Read},
    ops::Range,
    path::Path,
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use super::Source;
use crate::{
    cli::problem::Problem,
    wire::{Secret, command},
};

/// Where a secret is: exactly one of the keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
pub struct SecretSource {
    /// Name of an environment variable.
    pub env: Option<String>,
    /// Path of a file that only its owner can read; relative to the configuration.
    pub file: Option<String>,
    /// First line of standard input.
    #[serde(default)]
    pub stdin: bool,
    /// Asked on the terminal.
    #[serde(default)]
    pub prompt: bool,
    /// Not supported in this version.
    #[serde(default)]
    pub keyring: bool,
    /// Program that prints the secret on its first line, with its arguments; run without a shell.
    pub command: Option<Vec<String>>,
}

/// The same, read from a table only.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    env: Option<String>,
    file: Option<String>,
    #[serde(default)]
    stdin: bool,
    #[serde(default)]
    prompt: bool,
    #[serde(default)]
    keyring: bool,
    command: Option<Vec<String>>,
}

/// Refusal of a literal; the text of the secret is not part of it.
const LITERAL: &str = "a secret must not stand in the configuration";

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table that says where the secret is")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<SecretSource, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<SecretSource, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<SecretSource, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<SecretSource, E> {
        Err(E::custom(LITERAL))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<SecretSource, A::Error> {
        Err(de::Error::custom(LITERAL))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        Ok(SecretSource {
            env: table.env,
            file: table.file,
            stdin: table.stdin,
            prompt: table.prompt,
            keyring: table.keyring,
            command: table.command,
        })
    }
}

/// Reads each secret once, however many accounts share it.
#[derive(Debug, Default)]
pub struct Vault {
    read: BTreeMap<SecretSource, Secret>,
    stdin_for: Option<String>,
}

impl Vault {
    /// The secret behind a source; `whose` says in a prompt whose it is.
    pub fn open(
        &mut self,
        source: &Source,
        wanted: &toml::Spanned<SecretSource>,
        whose: &str,
    ) -> Result<Secret, Problem> {
        let (place, span) = (wanted.get_ref(), wanted.span());
        if let Some(secret) = self.read.get(place).filter(|_| !place.prompt && !place.stdin) {
            return Ok(secret.clone());
        }
        let refuse = |message: String| source.problem(span.clone(), message, "asked for here");
        check_shape(source, place, &span)?;
        let text = if let Some(name) = &place.env {
            from_env(name).map_err(refuse)?
        } else if let Some(file) = &place.file {
            from_file(&source.folder.join(file)).map_err(|(message, help)| {
                let problem = refuse(message);
                if help.is_empty() { problem } else { problem.help(help) }
            })?
        } else if let Some(argv) = &place.command {
            command::output(argv, COMMAND).map(|printed| first_line(&printed)).map_err(refuse)?
        } else if place.stdin {
            if let Some(first) = self.stdin_for.replace(whose.to_owned()) {
                return Err(refuse(format!("standard input already carries the secret of {first}")));
            }
            from_stdin().map_err(refuse)?
        } else {
            from_terminal(whose).map_err(refuse)?
        };
        if text.is_empty() {
            return Err(refuse(format!("the secret of {whose} is empty")));
        }
        let secret = Secret::new(text.as_str());
        self.read.insert(place.clone(), secret.clone());
        Ok(secret)
    }
}

fn check_shape(source: &Source, place: &SecretSource, span: &Range<usize>) -> Result<(), Problem> {
    if place.keyring {
        let message = "`keyring` is not supported in this version";
        return Err(source.problem(span.clone(), message, "asked for here").help(SHAPES));
    }
    let given =
        [place.env.is_some(), place.file.is_some(), place.command.is_some(), place.stdin, place.prompt];
    if given.iter().filter(|given| **given).count() != 1 {
        let message = "a secret has exactly one place";
        return Err(source.problem(span.clone(), message, "none, or more than one").help(SHAPES));
    }
    Ok(())
}

/// Help for every refusal of a secret's shape.
pub const SHAPES: &str = "write { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", \"ARGUMENT\"] }, \
     { stdin = true } or { prompt = true } instead";

/// Whether a parser's message is the refusal of a literal secret.
pub fn is_literal_refusal(message: &str) -> bool {
    message == LITERAL
}

/// A program that prints a secret may have to ask for it elsewhere.
const COMMAND: Duration = Duration::from_secs(30);

/// More than this is no secret.
const MAX_LENGTH: u64 = 64 * 1024;

type Text = Zeroizing<String>;

fn from_env(name: &str) -> Result<Text, String> {
    match std::env::var(name) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(std::env::VarError::NotPresent) => Err(format!("the environment variable {name} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(format!("the environment variable {name} is not UTF-8 text"))
        }
    }
}

fn from_file(path: &Path) -> Result<Text, (String, String)> {
    let bytes = private_file(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| (format!("cannot read {}: it is not UTF-8 text", path.display()), String::new()))?;
    Ok(first_line(text))
}

/// The content of a file that only its owner can read; the error is a message and what helps.
///
/// # Errors
///
/// When it cannot be read, others can read it, or it is too large.
pub fn private_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, (String, String)> {
    let shown = path.display();
    let plain = |message: String| (message, String::new());
    let file = std::fs::File::open(path).map_err(|error| plain(format!("cannot read {shown}: {error}")))?;
    let meta = file.metadata().map_err(|error| plain(format!("cannot read {shown}: {error}")))?;
    if !meta.is_file() {
        return Err(plain(format!("{shown} is not a file")));
    }
    if readable_by_others(&meta) {
        let message = format!("{shown} can be read by others than its owner");
        return Err((message, format!("chmod 600 {shown}")));
    }
    if meta.len() > MAX_LENGTH {
        return Err(plain(format!("{shown} is too large for a secret")));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
    file.take(MAX_LENGTH)
        .read_to_end(&mut bytes)
        .map_err(|error| plain(format!("cannot read {shown}: {error}")))?;
    Ok(bytes)
}

#[cfg(unix)]
fn readable_by_others(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

fn from_stdin() -> Result<Text, String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err("standard input is a terminal; use { prompt = true }".into());
    }
    let mut text = Zeroizing::new(String::new());
    let read = stdin.lock().take(MAX_LENGTH).read_to_string(&mut text);
    read.map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(first_line(&text))
}

fn from_terminal(whose: &str) -> Result<Text, String> {
    if !std::io::stdin().is_terminal() {
        return Err(format!("no terminal to ask for the secret of {whose} on"));
    }
    let asked = rpassword::prompt_password(format!("Secret of {whose}: "));
    asked.map(Zeroizing::new).map_err(|error| format!("cannot ask on the terminal: {error}"))
}

fn first_line(text: &str) -> Text {
    Zeroizing::new(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Holder {
        secret: toml::Spanned<SecretSource>,
    }

    fn source(folder: &Path, text: &str) -> Source {
        Source { name: "a.toml".into(), folder: folder.to_owned(), text: text.to_owned() }
    }

    fn open(folder: &Path, text: &str) -> Result<Secret, String> {
        let holder: Holder = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let opened = Vault::default().open(&source(folder, text), &holder.secret, "svc@contoso.com");
        opened.map_err(|problem| problem.message().to_owned())
    }

    #[test]
    fn a_literal_is_refused_without_being_repeated() {
        for literal in ["\"hunter2\"", "4711", "[\"hunter2\"]"] {
            let error = toml::from_str::<Holder>(&format!("secret = {literal}")).expect_err("refused");
            assert_eq!(error.message(), LITERAL, "{literal}");
        }
    }

    #[test]
    fn two_places_are_one_too_many() {
        let error = open(Path::new("."), "secret = { env = \"A\", prompt = true }").expect_err("refused");
        assert_eq!(error, "a secret has exactly one place");
    }

    #[test]
    fn a_keyring_is_refused_by_name() {
        let error = open(Path::new("."), "secret = { keyring = true }").expect_err("refused");
        assert_eq!(error, "`keyring` is not supported in this version");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_gives_its_first_line() {
        let text = "secret = { command = [\"printf\", \"%s\\n\", \"hunter2\", \"more\"] }";
        assert_eq!(open(Path::new("."), text).expect("opened").expose(), "hunter2");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_fails_is_named() {
        let error = open(Path::new("."), "secret = { command = [\"false\"] }").expect_err("refused");
        assert!(error.contains("`false` failed"), "{error}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let error = open(Path::new("."), "secret = { env = \"SYNCREADY_NOT_SET\" }").expect_err("refused");
        assert_eq!(error, "the environment variable SYNCREADY_NOT_SET is not set");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        let error = open(folder.path(), "secret = { file = \"secret\" }").expect_err("refused");
        assert!(error.ends_with("can be read by others than its owner"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_gives_its_first_line() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        std::fs::write(&path, "hunter2\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        let secret = open(folder.path(), "secret = { file = \"secret\" }").expect("opened");
        assert_eq!(secret.expose(), "hunter2");
    }
}
