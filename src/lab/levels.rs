//! Permission levels on folders, the same for public folders and for those of mailboxes.

/// What a level lets its holder do, as letters: read (`r`), create items (`c`), create folders (`f`),
/// change and delete the own items (`o`), only delete them (`d`), change and delete all items (`a`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub name: &'static str,
    may: &'static str,
}

impl Level {
    /// Whether it lets its holder do that.
    pub fn may(&self, what: char) -> bool {
        self.may.contains(what)
    }
}

const LEVELS: &[Level] = &[
    Level { name: "None", may: "" },
    Level { name: "FolderVisible", may: "" },
    Level { name: "Contributor", may: "c" },
    Level { name: "Reviewer", may: "r" },
    Level { name: "NoneditingAuthor", may: "rcd" },
    Level { name: "Author", may: "rcod" },
    Level { name: "PublishingAuthor", may: "rcfod" },
    Level { name: "Editor", may: "rcoda" },
    Level { name: "PublishingEditor", may: "rcfoda" },
    Level { name: "Owner", may: "rcfoda" },
];

/// Everything.
pub const OWNER: &Level = &LEVELS[9];
/// Nothing.
pub const NONE: &Level = &LEVELS[0];

/// The level of that name; an unknown one is none.
pub fn level_of(name: &str) -> &'static Level {
    LEVELS.iter().find(|level| level.name.eq_ignore_ascii_case(name)).unwrap_or(NONE)
}

/// The level that lets its holder do most.
pub fn highest<'a>(names: impl IntoIterator<Item = &'a str>) -> &'static Level {
    let all = names.into_iter().map(level_of);
    all.max_by_key(|level| level.may.len()).unwrap_or(NONE)
}
