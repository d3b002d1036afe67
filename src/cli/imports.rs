//! Reads the files of `--import` and of the configuration.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{config, problem::Problem};
use crate::collect::import::{Import, MAX_BYTES};

/// How to get one; stands below every refusal.
const HELP: &str = "`syncready collect --script ACCOUNT` prints the script that makes one";

/// The imports of the command line and of the configuration, each file once.
pub fn read(
    given: &[PathBuf],
    file: &config::File,
    source: &config::Source,
) -> Result<Arc<[Import]>, Problem> {
    let mut imports = Vec::new();
    let mut seen = Vec::new();
    for path in given {
        if !seen.contains(path) {
            imports.push(one(path, Problem::new)?);
            seen.push(path.clone());
        }
    }
    for entry in &file.imports {
        let path = source.folder.join(entry.get_ref());
        if !seen.contains(&path) {
            let problem = |message| source.problem(entry.span(), message, "this file");
            imports.push(one(&path, problem)?);
            seen.push(path);
        }
    }
    Ok(imports.into())
}

fn one(path: &Path, unreadable: impl FnOnce(String) -> Problem) -> Result<Import, Problem> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than is allowed tells that there are more.
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err(unreadable(format!("cannot read the import {name}: {error}")).help(HELP));
    }
    Import::parse(name.clone(), &bytes)
        .map_err(|refusal| Problem::new(refusal.message).at(&name, refusal.line, refusal.column).help(HELP))
}
