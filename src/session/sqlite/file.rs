//! The file of a store: its lock, its schema, and the recovery from damage.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use parking_lot::{Mutex, MutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::request_error::describe;
use super::{READERS, claim_rows, execution_rows};
use crate::clock;
use crate::limits::STORE_LOCKED_WITHIN;
use crate::session::StoreError;
use crate::sqlite_file::{
    FileId, create_private, file_id, ignore_missing, is_corruption, metadata_id, move_aside,
    private_options, with_suffix,
};

/// The schema of this version. `PRAGMA user_version` holds its number.
const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;

/// `twim`: tells our files from those of other programs that use SQLite.
const APPLICATION_ID: i64 = 0x7477_696D;

/// A file that this process alone works on.
#[derive(Debug)]
pub(super) struct StoreFile {
    path: PathBuf,
    /// The connections of the readers. They are closed before the file is opened again: SQLite
    /// removes the log beside a file when the last connection closes, and finds it by its name,
    /// which is that of the fresh file's log after the damaged one was moved aside.
    readers: [Mutex<Option<Connection>>; READERS],
    /// What is wrong with the file; `None` while the last write is on the disk.
    failure: Mutex<Option<String>>,
    opened: Mutex<OpenedFiles>,
}

/// The files on the disk that this process has open. A name can be given to another file at any
/// time; a process that goes on with the old one writes what no later process finds.
#[derive(Debug)]
struct OpenedFiles {
    /// Locked as long as it is open, and by the kernel, so that a killed process leaves no lock. It
    /// is a file of its own, because closing any handle of the database would release SQLite's
    /// locks of it.
    lock: fs::File,
    /// The database and its log, as they were when they were opened.
    database: Option<FileId>,
    log: Option<FileId>,
}

/// The reason why a file cannot be used as it is.
enum BadFile {
    /// It is another program's database.
    Foreign,
    /// It has the schema of a later version.
    Newer(i64),
    /// SQLite reports an error.
    Sql(rusqlite::Error),
    /// SQLite can read it, and its check finds this.
    Damaged(String),
}

/// The error of a file that cannot be opened.
pub(super) fn open_error(path: &Path, reason: &str, advice: &'static str) -> StoreError {
    StoreError::Open { file: path.to_owned(), reason: reason.to_owned(), advice }
}

// === impl StoreFile ===

impl StoreFile {
    /// Locks a file and opens it for writing; a missing one is created.
    pub(super) fn open(path: &Path) -> Result<(StoreFile, Connection), StoreError> {
        // Without links, so that the same file has the same lock under each of its names.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // Only a gateway creates the lock file, so it marks a damaged database as ours.
        let lock_path = with_suffix(&path, ".lock");
        let is_ours = lock_path.exists();
        let lock = acquire_lock(&path, &lock_path)?;
        let opened = Mutex::new(OpenedFiles { lock, database: None, log: None });
        let file =
            StoreFile { path, readers: Default::default(), failure: Mutex::new(None), opened };
        let connection = match file.connect(false) {
            Err(BadFile::Sql(error)) if is_ours && is_corruption(&error) => {
                file.replace_damaged(&describe(&error))
            }
            other => other,
        };
        let connection = connection.map_err(|bad| file.bad_file_error(&bad))?;
        file.clear_failure();
        Ok((file, connection))
    }

    /// Opens the file again after a failure. It is checked first, which takes seconds for a large
    /// one. A damaged file is moved aside, and a fresh one begun.
    pub(super) fn reopen(&self) -> Result<Connection, String> {
        // No reader may open the file until the writer's connection is open.
        let mut readers = [const { None }; READERS];
        for (number, reader) in readers.iter_mut().enumerate() {
            let mut connection = self.reader(number);
            *connection = None;
            *reader = Some(connection);
        }
        self.lock_current_file()?;
        let connection = match self.connect(true) {
            Err(BadFile::Sql(error)) if is_corruption(&error) => {
                self.replace_damaged(&describe(&error))
            }
            Err(BadFile::Damaged(damage)) => self.replace_damaged(&damage),
            other => other,
        };
        connection.map_err(|bad| bad.to_string())
    }

    /// Checks that the opened files still have their names. What was written before this check is
    /// then in the file that a later process finds.
    pub(super) fn check_in_place(&self) -> Result<(), String> {
        let opened = self.opened.lock();
        let is_database = opened.database.is_some() && file_id(&self.path) == opened.database;
        if is_database && opened.is_lock_of(&with_suffix(&self.path, ".lock")) {
            Ok(())
        } else {
            Err("it was moved, removed or replaced while it was in use".to_owned())
        }
    }

    /// Locks the file that has the name now, and moves away the log of the file that had it before,
    /// which SQLite would take for a part of this one.
    fn lock_current_file(&self) -> Result<(), String> {
        let mut opened = self.opened.lock();
        let lock_path = with_suffix(&self.path, ".lock");
        if !opened.is_lock_of(&lock_path) {
            opened.lock =
                acquire_lock(&self.path, &lock_path).map_err(|error| error.to_string())?;
        }
        let log = with_suffix(&self.path, "-wal");
        if file_id(&self.path) != opened.database
            && opened.log.is_some()
            && file_id(&log) == opened.log
        {
            // Moved, not removed: it may have the last commits of the file that was moved away.
            let aside = with_suffix(&self.path, &format!(".left-{}-wal", clock::wall().as_secs()));
            fs::rename(&log, aside).map_err(|error| error.to_string())?;
            let shared_memory = fs::remove_file(with_suffix(&self.path, "-shm"));
            ignore_missing(shared_memory).map_err(|error| error.to_string())?;
        }
        create_private(&self.path).map_err(|error| error.to_string())
    }

    /// The connection of a reader; `None` where it has to open one.
    pub(super) fn reader(&self, number: usize) -> MutexGuard<'_, Option<Connection>> {
        self.readers[number].lock()
    }

    /// Opens another connection to the same file, for reading.
    pub(super) fn open_reader(&self) -> rusqlite::Result<Connection> {
        if self.check_in_place().is_err() {
            // The writer opens the file first: it knows which log belongs to it.
            return Err(rusqlite::Error::InvalidPath(self.path.clone()));
        }
        // Not read-only: a reader of a write-ahead log writes to its shared memory.
        let connection = open_connection(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// Records why the last write failed.
    pub(super) fn set_failure(&self, failure: String) {
        *self.failure.lock() = Some(failure);
    }

    /// Records that the last write is on the disk.
    pub(super) fn clear_failure(&self) {
        *self.failure.lock() = None;
    }

    /// What is wrong, for an operator.
    pub(super) fn health(&self) -> Result<(), String> {
        match &*self.failure.lock() {
            Some(failure) => Err(format!("the store `{}` failed: {failure}", self.path.display())),
            None => Ok(()),
        }
    }

    fn connect(&self, check: bool) -> Result<Connection, BadFile> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = open_connection(&self.path, flags)?;
        // 16 MB, as far as they are needed: the pages of the indexes are used again and again. With
        // more, a million executions are not written faster, and most commits look at each page.
        connection.pragma_update(None, "cache_size", -16_384)?;
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        let (application, version): (i64, i64) =
            (number("application_id")?, number("user_version")?);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let is_empty = connection.query_row(tables, [], |row| Ok(row.get::<_, i64>(0)? == 0))?;
        match (application, version) {
            (0, 0) if is_empty => create_schema(&connection)?,
            (APPLICATION_ID, SCHEMA_VERSION) => {}
            (APPLICATION_ID, version) => return Err(BadFile::Newer(version)),
            _ => return Err(BadFile::Foreign),
        }
        claim_rows::complete_schema(&connection)?;
        execution_rows::complete_schema(&connection)?;
        if check {
            let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
            let found: String = found?;
            if found != "ok" {
                return Err(BadFile::Damaged(found));
            }
        }
        // Last: the log exists only since the first statement.
        let mut opened = self.opened.lock();
        opened.database = file_id(&self.path);
        opened.log = file_id(&with_suffix(&self.path, "-wal"));
        Ok(connection)
    }

    /// Moves the damaged file aside, where an operator may still recover something from it, and
    /// begins a fresh one: calls that cannot go on are better than calls without an answer.
    fn replace_damaged(&self, damage: &str) -> Result<Connection, BadFile> {
        let mut seconds = clock::wall().as_secs();
        let path_at = |seconds| with_suffix(&self.path, &format!(".corrupt-{seconds}"));
        // A rename would replace the file of an earlier recovery.
        while path_at(seconds).exists() {
            seconds += 1;
        }
        let aside = path_at(seconds);
        let message = format!(
            "the store `{}` is damaged ({damage}): it is now `{}`, and a fresh one is begun",
            self.path.display(),
            aside.display()
        );
        // To standard error as well: what was in the file is gone for every caller.
        eprintln!("error: {message}");
        self.set_failure(message);
        move_aside(&self.path, &aside).map_err(|error| {
            BadFile::Damaged(format!("{damage}; cannot move it aside: {error}"))
        })?;
        create_private(&self.path)
            .map_err(|error| BadFile::Damaged(format!("{damage}; {error}")))?;
        self.connect(false)
    }

    fn bad_file_error(&self, bad: &BadFile) -> StoreError {
        let advice = match bad {
            BadFile::Foreign => "name another file in `[store] url`",
            BadFile::Newer(_) => "run that version, or name another file in `[store] url`",
            BadFile::Sql(error) if is_corruption(error) => {
                "name another file in `[store] url`, or move this one away"
            }
            BadFile::Sql(_) | BadFile::Damaged(_) => {
                "see that this user may write to it and its folder, and that the disk has room"
            }
        };
        open_error(&self.path, &bad.to_string(), advice)
    }
}

/// The attempts to take the lock of a file, within [`STORE_LOCKED_WITHIN`].
const LOCK_ATTEMPTS: u32 = 50;

/// Takes the lock that keeps a second gateway from the file, and creates the file.
fn acquire_lock(path: &Path, lock_path: &Path) -> Result<fs::File, StoreError> {
    let access = "see that its folder exists and that this user may write to it";
    let refused = |error: io::Error| open_error(path, &error.to_string(), access);
    let lock = private_options().truncate(false).open(lock_path).map_err(refused)?;
    // More than once: a program that this process is starting has the files of this process for a
    // moment, and with them the lock of a store that was closed just now.
    for attempt in 1.. {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => {
                thread::sleep(STORE_LOCKED_WITHIN / LOCK_ATTEMPTS);
            }
            Err(TryLockError::WouldBlock) => {
                let advice = "end that one, or name another file in `[store] url`";
                return Err(open_error(path, "another gateway works on it", advice));
            }
            Err(TryLockError::Error(error)) => return Err(refused(error)),
        }
    }
    create_private(path).map_err(refused)?;
    Ok(lock)
}

/// Opens a connection with the settings of all connections.
fn open_connection(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    // No mutex of SQLite's: each connection is used by one thread at a time.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(STORE_LOCKED_WITHIN)?;
    // More than all statements of this folder, so that none is compiled twice.
    connection.set_prepared_statement_cache_capacity(64);
    // Plans do not depend on bound values: else SQLite compiles some statements at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: a commit that returns is on the disk. The rest keeps temporary tables off the disk, the
    // log small, and damage from spreading.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4096;
         PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

fn create_schema(connection: &Connection) -> rusqlite::Result<()> {
    // One transaction: a file of a process that was killed here is still empty.
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    ))
}

// === impl OpenedFiles ===

impl OpenedFiles {
    /// Whether the lock is on the file that another gateway would lock.
    fn is_lock_of(&self, path: &Path) -> bool {
        let own = metadata_id(self.lock.metadata());
        own.is_some() && own == file_id(path)
    }
}

// === impl BadFile ===

impl From<rusqlite::Error> for BadFile {
    fn from(error: rusqlite::Error) -> BadFile {
        BadFile::Sql(error)
    }
}

impl std::fmt::Display for BadFile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BadFile::Foreign => formatter.write_str("it is another program's database"),
            BadFile::Newer(version) => {
                let known = SCHEMA_VERSION;
                write!(formatter, "its form is {version}, of a newer twimlgate than this ({known})")
            }
            BadFile::Sql(error) => formatter.write_str(&describe(error)),
            BadFile::Damaged(damage) => formatter.write_str(damage),
        }
    }
}
