//! Notices changed files of a project, by looking at their times: it works on every file system.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use tokio::time::sleep;

use crate::limits::{PROJECT_DEPTH_MAX, WATCH_EVERY};

/// What is looked at. The packages in `node_modules` change with the lock file.
const WATCHED: [&str; 9] = [
    "functions",
    "src",
    "assets",
    "static",
    ".env",
    "package.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];

/// The watch over a project.
#[derive(Debug)]
pub(crate) struct ProjectWatch {
    folder: PathBuf,
    seen: u64,
}

impl ProjectWatch {
    /// A watch for changes from now on.
    pub(crate) fn new(folder: PathBuf) -> ProjectWatch {
        let seen = fingerprint(&folder);
        ProjectWatch { folder, seen }
    }

    /// What is watched.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits for a change. Dropped before that, it misses nothing.
    pub(crate) async fn changed(&mut self) {
        loop {
            sleep(WATCH_EVERY).await;
            let now = fingerprint(&self.folder);
            if now != self.seen {
                self.seen = now;
                return;
            }
        }
    }
}

/// A number that differs when a file was added, removed, replaced or written to.
fn fingerprint(folder: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    WATCHED.iter().for_each(|name| add(&folder.join(name), &mut hasher, 0));
    hasher.finish()
}

fn add(path: &Path, hasher: &mut DefaultHasher, depth: usize) {
    let Ok(found) = path.metadata() else { return };
    path.hash(hasher);
    if found.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(path).into_iter().flatten().flatten().map(|it| it.path()).collect();
        entries.sort();
        if depth < PROJECT_DEPTH_MAX {
            entries.iter().for_each(|path| add(path, hasher, depth + 1));
        }
        return;
    }
    found.len().hash(hasher);
    found.modified().ok().hash(hasher);
}
