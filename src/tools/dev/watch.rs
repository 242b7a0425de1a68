//! Finds the files of a project that have changed.
//!
//! The files are listed and compared, instead of asking the system for events: events differ for
//! each system, are lost on network and container file systems, and a save in an editor is several
//! of them. A project has few files, so a listing takes less than a millisecond.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Files that a listing has at most; more are not watched.
const FILES_MAX: usize = 10_000;

/// Folders below the project that are followed.
const DEPTH_MAX: usize = 12;

/// The state of a file: when it was written, and its size in bytes. Both, because two saves within
/// the clock's resolution have one time.
type FileState = (Option<SystemTime>, u64);

/// The files of some folders at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileSnapshot(BTreeMap<PathBuf, FileState>);

impl FileSnapshot {
    /// Lists the files below some folders, and files that are named. Hidden folders, packages, and
    /// the gateway's own data are left out; `.env` is not.
    pub(crate) fn take(paths: &[PathBuf]) -> FileSnapshot {
        let mut snapshot = FileSnapshot::default();
        for path in paths {
            snapshot.add(path, 0);
        }
        snapshot
    }

    fn add(&mut self, path: &Path, depth: usize) {
        // A file may disappear between the listing and here: then it is not part of the moment.
        let Ok(metadata) = fs::metadata(path) else { return };
        if metadata.is_dir() {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            for entry in entries.filter(|_| depth < DEPTH_MAX) {
                let path = entry.path();
                if !is_ignored(&path) {
                    self.add(&path, depth + 1);
                }
            }
        } else if self.0.len() < FILES_MAX {
            // As the configuration names its files: relative to the current folder.
            let path = path.strip_prefix("./").unwrap_or(path);
            self.0.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
        }
    }

    /// The files that were changed, added or removed since an earlier moment, in alphabetical
    /// order.
    pub(crate) fn changes_since(&self, earlier: &FileSnapshot) -> Vec<PathBuf> {
        let differs = |(path, state): &(&PathBuf, &FileState)| earlier.0.get(*path) != Some(*state);
        let changed = self.0.iter().filter(differs).map(|(path, _)| path);
        let removed = earlier.0.keys().filter(|path| !self.0.contains_key(*path));
        let mut paths: Vec<PathBuf> = changed.chain(removed).cloned().collect();
        paths.sort();
        paths
    }
}

/// Whether a path is of no interest: its changes do not change what the gateway does.
fn is_ignored(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_data =
        [".db", ".db-wal", ".db-shm", ".db-journal", ".lock", ".log", "~", ".swp", ".tmp"]
            .iter()
            .any(|ending| name.ends_with(ending));
    let is_hidden = name.starts_with('.') && name != ".env";
    is_data || is_hidden || matches!(&*name, "node_modules" | "target" | "__pycache__" | "venv")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_changed_added_and_removed() {
        let folder = std::env::temp_dir().join(format!("twimlgate-watch-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("config.toml", "a");
        write("flows/a.toml", "a");
        write(".env", "a");
        let take = || FileSnapshot::take(std::slice::from_ref(&folder));
        let before = take();
        assert_eq!(take().changes_since(&before), Vec::<PathBuf>::new());
        write("config.toml", "longer");
        write(".env", "longer");
        write("functions/new.py", "a");
        fs::remove_file(folder.join("flows/a.toml")).unwrap();
        // None of these changes what the gateway does.
        for ignored in ["twimlgate.db-wal", "node_modules/x.js", ".git/index", "config.toml~"] {
            write(ignored, "a");
        }
        let changes = take().changes_since(&before);
        let expected = [".env", "config.toml", "flows/a.toml", "functions/new.py"];
        assert_eq!(changes, expected.map(|name| folder.join(name)));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_contains_itself_has_an_end() {
        let folder = std::env::temp_dir().join(format!("twimlgate-loop-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let _ = std::os::unix::fs::symlink(&folder, folder.join("again"));
        fs::write(folder.join("a"), "a").unwrap();
        let files = FileSnapshot::take(std::slice::from_ref(&folder)).0.len();
        assert!((1..=DEPTH_MAX + 1).contains(&files), "{files}");
        fs::remove_dir_all(&folder).unwrap();
    }
}
