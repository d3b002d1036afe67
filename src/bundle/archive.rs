//! The archive: made the same from the same files, read with bounds and without unpacking anything.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::{self, Read};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use ring::digest::{SHA256, digest};

use super::file;
use super::manifest::{FORMAT, KIND, Listed, Manifest};

/// Most files in an archive.
const FILES: usize = 100;
/// Largest file in one.
const FILE: u64 = 64 << 20;
/// Most bytes of all files together, and of what the archive says of them.
const ALL: u64 = 256 << 20;
/// Longest name.
const NAME: usize = 100;
/// What the archive says of a file: its head, and what fills its last block.
const BESIDE: u64 = 1024;

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Name within the archive.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// A bundle that was read and found whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its files, by name, the manifest among them.
    pub members: Vec<Member>,
}

/// Why a file is no bundle that could be used.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Not an archive, or cut off.
    #[error("it is not a bundle, or it was cut off: {0}")]
    Broken(String),
    /// Larger or stranger than any bundle.
    #[error("{0}")]
    Strange(String),
    /// Not as its manifest says.
    #[error("{0}; it was changed after it was made, or damaged on its way")]
    Changed(String),
    /// Of a newer version.
    #[error("it has format {0}; this version reads up to {FORMAT}: use a newer syncready")]
    Newer(u32),
}

impl Bundle {
    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.members.iter().find(|member| member.name == name).map(|member| member.bytes.as_slice())
    }
}

/// The digest of a file, in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Packs files, sorted by name behind their manifest: always the same bytes for the same files. What
/// [`open`] would refuse is not made.
pub fn pack(mut manifest: Manifest, mut members: Vec<Member>) -> Result<Vec<u8>, Refusal> {
    let all: u64 = members.iter().map(|member| member.bytes.len() as u64 + BESIDE).sum();
    // The manifest comes besides, and the end of the archive.
    let room = ALL - FILES as u64 * BESIDE;
    if members.len() >= FILES || all > room || members.iter().any(|member| member.bytes.len() as u64 > FILE) {
        return Err(too_much());
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    let listed = |member: &Member| Listed {
        name: member.name.clone(),
        bytes: member.bytes.len() as u64,
        sha256: sha256(&member.bytes),
    };
    manifest.files = members.iter().map(listed).collect();
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Refusal::Broken(error.to_string()))?;
    members.insert(0, Member { name: file::MANIFEST.into(), bytes: text });
    write(&members).map_err(|error| Refusal::Broken(error.to_string()))
}

fn write(members: &[Member]) -> io::Result<Vec<u8>> {
    let packed = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    let mut archive = tar::Builder::new(packed);
    archive.mode(tar::HeaderMode::Deterministic);
    for member in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(member.bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        archive.append_data(&mut header, &member.name, member.bytes.as_slice())?;
    }
    archive.into_inner()?.finish()
}

/// Reads a bundle, and holds it against its manifest. Nothing is written anywhere.
pub fn open(from: impl Read) -> Result<Bundle, Refusal> {
    let members = members(from)?;
    let manifest = members.iter().find(|member| member.name == file::MANIFEST);
    let manifest = manifest.ok_or_else(|| Refusal::Broken(format!("it holds no {}", file::MANIFEST)))?;
    let broken = |error: serde_json::Error| Refusal::Broken(format!("{}: {error}", file::MANIFEST));
    let head: Head = serde_json::from_slice(&manifest.bytes).map_err(broken)?;
    if head.kind != KIND {
        return Err(Refusal::Broken(format!("{} names another kind of archive", file::MANIFEST)));
    }
    if head.format > FORMAT {
        return Err(Refusal::Newer(head.format));
    }
    let manifest: Manifest = serde_json::from_slice(&manifest.bytes).map_err(broken)?;
    compare(&manifest, &members)?;
    Ok(Bundle { manifest, members })
}

/// As much of a manifest as tells whether the rest can be read.
#[derive(serde::Deserialize)]
struct Head {
    format: u32,
    kind: String,
}

fn members(from: impl Read) -> Result<Vec<Member>, Refusal> {
    let broken = |error: io::Error| Refusal::Broken(error.to_string());
    let mut archive = tar::Archive::new(GzDecoder::new(from).take(ALL + 1));
    let (mut members, mut names, mut all) = (Vec::new(), BTreeSet::new(), 0);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = name(&entry)?;
        let size = entry.size();
        all += size;
        if members.len() == FILES || size > FILE || all > ALL {
            return Err(too_much());
        }
        if !names.insert(name.clone()) {
            return Err(Refusal::Strange(format!("it holds {name} twice")));
        }
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        if bytes.len() as u64 != size {
            return Err(Refusal::Broken(format!("{name} ends early")));
        }
        members.push(Member { name, bytes });
    }
    Ok(members)
}

fn too_much() -> Refusal {
    let most = format!("{FILES} files of {} MiB, {} MiB together", FILE >> 20, ALL >> 20);
    Refusal::Strange(format!("it holds more than any bundle does ({most})"))
}

/// The name of an entry, if it is one that a bundle could have.
fn name(entry: &tar::Entry<'_, impl Read>) -> Result<String, Refusal> {
    let bytes = entry.path_bytes();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(NAME * 4)]);
    let shown: String = text.chars().take(NAME).flat_map(char::escape_default).collect();
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let parts = || text.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    if !entry.header().entry_type().is_file() {
        return Err(Refusal::Strange(format!("it holds `{shown}`, which is no plain file")));
    }
    if text.len() > NAME || !text.chars().all(sound) || !parts() {
        return Err(Refusal::Strange(format!("it holds a file of the name `{shown}`, which no bundle has")));
    }
    Ok(text.into_owned())
}

fn compare(manifest: &Manifest, members: &[Member]) -> Result<(), Refusal> {
    for listed in &manifest.files {
        let Some(member) = members.iter().find(|member| member.name == listed.name) else {
            return Err(Refusal::Changed(format!("{} is listed, and missing", listed.name.escape_default())));
        };
        if sha256(&member.bytes) != listed.sha256 || member.bytes.len() as u64 != listed.bytes {
            return Err(Refusal::Changed(format!("{} is not what the manifest says", member.name)));
        }
    }
    let listed = |name: &str| name == file::MANIFEST || manifest.files.iter().any(|file| file.name == name);
    match members.iter().find(|member| !listed(&member.name)) {
        Some(member) => Err(Refusal::Changed(format!("{} is not listed in the manifest", member.name))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &str)]) -> Vec<u8> {
        let member =
            |(name, text): &(&str, &str)| Member { name: (*name).into(), bytes: text.as_bytes().into() };
        pack(Manifest::new("2026-11-21T08:00:00Z", true), files.iter().map(member).collect()).expect("packs")
    }

    /// An archive as nobody here writes one.
    fn foreign(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzBuilder::new().write(Vec::new(), Compression::fast()));
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_entry_type(*kind);
            header.set_cksum();
            archive.append(&header, *bytes).expect("appends");
        }
        archive.into_inner().expect("ends").finish().expect("packs")
    }

    fn refused(bytes: &[u8]) -> String {
        open(bytes).expect_err("refused").to_string()
    }

    #[test]
    fn what_could_not_be_read_again_is_not_made() {
        let file =
            |size: u64| Member { name: "x".into(), bytes: vec![0; usize::try_from(size).expect("fits")] };
        let made = |members| pack(Manifest::new("2026-11-21T08:00:00Z", true), members);
        let refusal = made(vec![file(FILE + 1)]).expect_err("refused").to_string();
        assert!(refusal.contains("more than any bundle does"), "{refusal}");
        assert!(made((0..FILES).map(|_| file(0)).collect()).is_err());
    }

    #[test]
    fn the_same_files_make_the_same_archive_and_read_back() {
        let archive = packed(&[("b.txt", "two"), ("a.txt", "one")]);
        assert_eq!(archive, packed(&[("a.txt", "one"), ("b.txt", "two")]));
        let bundle = open(archive.as_slice()).expect("reads");
        assert_eq!(bundle.file("a.txt"), Some("one".as_bytes()));
        let names: Vec<_> = bundle.members.iter().map(|member| member.name.as_str()).collect();
        assert_eq!(names, [file::MANIFEST, "a.txt", "b.txt"]);
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["../evil", "/etc/passwd", "a/../b", "a//b", ".hidden", "a\u{1b}[2J"] {
            let archive = foreign(&[(name, tar::EntryType::Regular, b"x")]);
            assert!(refused(&archive).contains("which no bundle has"), "{name}");
        }
        let link = foreign(&[("link", tar::EntryType::Symlink, b"")]);
        assert!(refused(&link).contains("no plain file"));
    }

    #[test]
    fn more_than_a_bundle_holds_is_refused() {
        let names: Vec<String> = (0..=FILES).map(|number| format!("f{number}")).collect();
        let entries: Vec<_> =
            names.iter().map(|name| (name.as_str(), tar::EntryType::Regular, &b"x"[..])).collect();
        assert!(refused(&foreign(&entries)).contains("more than any bundle"));
        let mut header = tar::Header::new_gnu();
        header.set_path("big").expect("a name");
        header.set_size(FILE + 1);
        header.set_cksum();
        let mut raw = GzBuilder::new().write(Vec::new(), Compression::fast());
        io::Write::write_all(&mut raw, header.as_bytes()).expect("written");
        assert!(refused(&raw.finish().expect("packs")).contains("more than any bundle"));
    }

    #[test]
    fn what_was_changed_or_cut_off_is_refused() {
        let archive = packed(&[("a.txt", "one")]);
        assert!(refused(&archive[..archive.len() / 2]).contains("cut off"));
        assert!(refused(b"PK\x03\x04").contains("not a bundle"));
        let manifest = open(archive.as_slice()).expect("reads").file(file::MANIFEST).expect("there").to_vec();
        let regular = tar::EntryType::Regular;
        let changed = foreign(&[(file::MANIFEST, regular, &manifest), ("a.txt", regular, b"two")]);
        assert!(refused(&changed).contains("not what the manifest says"));
        let added =
            foreign(&[(file::MANIFEST, regular, &manifest), ("a.txt", regular, b"one"), ("b", regular, b"")]);
        assert!(refused(&added).contains("not listed"));
        assert!(refused(&foreign(&[(file::MANIFEST, regular, &manifest)])).contains("missing"));
    }

    #[test]
    fn a_newer_format_is_named() {
        let manifest = br#"{"format": 9, "kind": "syncready-bundle"}"#;
        assert!(
            refused(&foreign(&[(file::MANIFEST, tar::EntryType::Regular, manifest)])).contains("format 9")
        );
    }
}
