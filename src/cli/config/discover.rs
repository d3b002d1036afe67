//! Where the configuration is, and whether it can be trusted: what others can write, is not read.

use std::path::{Path, PathBuf};

use super::Source;
use crate::cli::problem::Problem;

/// Name that is looked for in the current folder.
pub const DEFAULT_NAME: &str = "syncready.toml";

/// More than this is no configuration.
const MAX_LENGTH: u64 = 16 << 20;

/// Reads the configuration that was named, or the default one if it is there.
pub fn find(named: Option<&Path>) -> Result<Option<Source>, Problem> {
    let (path, wanted) = match named {
        Some(path) => (path.to_owned(), true),
        None => (PathBuf::from(DEFAULT_NAME), false),
    };
    let shown = path.display();
    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if !wanted && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Problem::new(format!("cannot read the configuration {shown}: {error}"))),
    };
    let folder = real.parent().unwrap_or(&real).to_owned();
    refuse_writable(&folder, &format!("the folder of {shown}"))?;
    refuse_writable(&real, &shown.to_string())?;
    let unreadable =
        |error: std::io::Error| Problem::new(format!("cannot read the configuration {shown}: {error}"));
    let meta = std::fs::metadata(&real).map_err(unreadable)?;
    if !meta.is_file() || meta.len() > MAX_LENGTH {
        return Err(Problem::new(format!("{shown} is not a configuration file")));
    }
    let text = std::fs::read(&real).map_err(unreadable)?;
    let text = String::from_utf8(text).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem::new("the configuration is not UTF-8 text").at(shown.to_string(), line, column)
    })?;
    Ok(Some(Source { name: shown.to_string(), folder, text }))
}

#[cfg(unix)]
/// Refuses what everybody can write.
pub fn refuse_writable(path: &Path, what: &str) -> Result<(), Problem> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(meta) = std::fs::metadata(path) else { return Ok(()) };
    if meta.permissions().mode() & 0o002 == 0 {
        return Ok(());
    }
    let help = "move it to a folder of your own, or take the right to write from others";
    Err(Problem::new(format!("{what} can be written by everybody, so it is not trusted")).help(help))
}

#[cfg(not(unix))]
/// Refuses what everybody can write; not looked at here.
pub fn refuse_writable(_: &Path, _: &str) -> Result<(), Problem> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn folder_with(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.toml"), "").expect("written");
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("set");
        folder
    }

    #[test]
    fn a_folder_that_everybody_can_write_is_not_trusted() {
        for mode in [0o777, 0o1777] {
            let folder = folder_with(mode);
            let problem = find(Some(&folder.path().join("a.toml"))).expect_err("refused");
            assert!(problem.message().contains("can be written by everybody"), "{mode:o}");
        }
    }

    #[test]
    fn an_own_folder_is_trusted() {
        let folder = folder_with(0o700);
        assert!(find(Some(&folder.path().join("a.toml"))).expect("read").is_some());
    }

    #[test]
    fn a_missing_file_that_was_named_is_a_problem() {
        let folder = folder_with(0o700);
        assert!(find(Some(&folder.path().join("b.toml"))).is_err());
    }
}
