//! Files of SQLite, apart from what is in them: how they are created, recognised and moved aside.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Device and inode: which file it is, under any name.
pub(crate) type FileId = (u64, u64);

/// Whether the bytes of the file are not those of a database.
pub(crate) fn is_corruption(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Creates the file, if it is missing, so that only its owner reads it: it has what people wrote.
/// SQLite gives the same rights to the files beside it.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    private_options().truncate(false).open(path).map(drop)
}

/// How a file that only its owner reads is opened or created.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// Moves a damaged file to another name. The log has commits that are not yet in the database, so
/// it goes along.
pub(crate) fn move_aside(path: &Path, aside: &Path) -> io::Result<()> {
    fs::rename(path, aside)?;
    ignore_missing(fs::rename(with_suffix(path, "-wal"), with_suffix(aside, "-wal")))?;
    ignore_missing(fs::remove_file(with_suffix(path, "-shm")))
}

/// The path with a suffix behind its name: `Path::with_extension` would replace the extension.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Which file has a name; `None` without one.
pub(crate) fn file_id(path: &Path) -> Option<FileId> {
    metadata_id(fs::metadata(path))
}

/// Which file it is that has this metadata.
pub(crate) fn metadata_id(metadata: io::Result<fs::Metadata>) -> Option<FileId> {
    metadata.ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Success where the file does not exist.
pub(crate) fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}
