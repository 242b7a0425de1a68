//! Puts the files of a new project on the disk.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::ProjectFile;
use crate::diagnostics::problem::{Problem, Severity};

/// Writes the files of a project into a folder, which is created if it is missing. Returns the
/// paths, relative to it, of the optional files that existed and were left as they are.
///
/// # Errors
/// An existing file, or a folder that cannot be written. Then nothing is left of the project.
pub(crate) fn write_project(folder: &Path, files: &[ProjectFile]) -> Result<Vec<PathBuf>, Problem> {
    let exists = |file: &&ProjectFile| folder.join(&file.path).symlink_metadata().is_ok();
    if let Some(file) = files.iter().filter(|file| !file.is_optional).find(exists) {
        let message = format!("`{}` exists", folder.join(&file.path).display());
        let help = "nothing was written; choose another folder, or move the file away";
        return Err(Problem::new(Severity::Error, message).help(help));
    }
    let mut written = Vec::new();
    let mut skipped = Vec::new();
    for file in files {
        if exists(&file) {
            skipped.push(file.path.clone());
            continue;
        }
        if let Err(error) = write_file(folder, file, &mut written) {
            remove(&written);
            let path = folder.join(&file.path);
            let message = format!("cannot write `{}`: {error}", path.display());
            let help = "nothing of the project was left";
            return Err(Problem::new(Severity::Error, message).help(help));
        }
    }
    Ok(skipped)
}

/// Writes a file and the folders above it, and notes what was created.
fn write_file(folder: &Path, file: &ProjectFile, written: &mut Vec<PathBuf>) -> io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        let missing: Vec<&Path> = parent
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        fs::create_dir_all(parent)?;
        written.extend(missing.into_iter().rev().map(Path::to_owned));
    }
    let mut options = OpenOptions::new();
    // A file that appears meanwhile belongs to somebody else.
    options.write(true).create_new(true);
    // Secrets are for their owner alone.
    #[cfg(unix)]
    if file.path == Path::new(".env") {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut target = options.open(&path)?;
    written.push(path);
    target.write_all(file.text.as_bytes())
}

/// Removes what was created, in the reverse order. Folders that others use meanwhile stay.
fn remove(written: &[PathBuf]) {
    for path in written.iter().rev() {
        let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
    }
}
