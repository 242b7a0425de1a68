//! The file: its lock, its schema, and what becomes of a damaged one.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::trouble::{describe, is_damage};
use super::{READERS, claims};
use crate::clock;
use crate::limits::STORE_LOCKED_WITHIN;
use crate::session::StoreError;

/// The schema of this version. `PRAGMA user_version` holds its number.
const SCHEMA: &str = include_str!("schema.sql");
const SCHEMA_VERSION: i64 = 1;

/// `twim`: what tells our files from those of other programs that use SQLite.
const APPLICATION_ID: i64 = 0x7477_696D;

/// A file that this process alone works on.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// The connections of those who read. Whoever opens the file anew closes them first: SQLite
    /// removes the log beside a file when the last connection closes, and goes by its name, which
    /// is that of the fresh file's log after the damaged one was moved aside.
    readers: [Mutex<Option<Connection>>; READERS],
    /// What is wrong with it.
    illness: Mutex<Option<String>>,
    hold: Mutex<Hold>,
}

/// What this process has of the disk. A name can be given to another file at any time; who goes on
/// with the old one then writes what nobody finds again.
#[derive(Debug)]
struct Hold {
    /// Locked as long as it is open, also by a process that is killed. It is a file of its own,
    /// because to close another handle of the database would take away SQLite's own locks.
    lock: fs::File,
    /// The database and its log, as they were when they were opened.
    database: Option<Id>,
    log: Option<Id>,
}

/// Device and inode: which file it is, whatever it is called.
type Id = (u64, u64);

/// Why a file cannot be used as it is.
enum Unfit {
    /// Another program's database.
    Foreign,
    /// Of a later version than this one.
    Newer(i64),
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// It can be read, and what is in it cannot be.
    Damaged(String),
}

/// The error of a file that cannot be opened.
pub(super) fn unusable(path: &Path, reason: &str, advice: &'static str) -> StoreError {
    StoreError::Open { file: path.to_owned(), reason: reason.to_owned(), advice }
}

// === impl File ===

impl File {
    /// Locks a file and opens it for writing; one that is not there is begun.
    pub(super) fn open(path: &Path) -> Result<(File, Connection), StoreError> {
        // The same file must have the same lock, by whatever way one comes to it.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // Only a gateway makes this file, so one that was there marks the database as ours.
        let beside = beside(&path, ".lock");
        let ours = beside.exists();
        let lock = lock(&path, &beside)?;
        let hold = Mutex::new(Hold { lock, database: None, log: None });
        let file = File { path, readers: Default::default(), illness: Mutex::new(None), hold };
        let connection = match file.connect(false) {
            Err(Unfit::Sql(error)) if ours && is_damage(&error) => {
                file.begin_afresh(&describe(&error))
            }
            other => other,
        };
        let connection = connection.map_err(|unfit| file.told(&unfit))?;
        file.is_well();
        Ok((file, connection))
    }

    /// Opens the file again, after a failure: it is checked before it is used, which takes seconds
    /// for a large one. One that is damaged is moved aside, and a fresh one begun.
    pub(super) fn reopen(&self) -> Result<Connection, String> {
        let mut readers = [const { None }; READERS];
        for (number, reader) in readers.iter_mut().enumerate() {
            let mut held = self.reader(number);
            *held = None;
            *reader = Some(held);
        }
        self.take_hold()?;
        let connection = match self.connect(true) {
            Err(Unfit::Sql(error)) if is_damage(&error) => self.begin_afresh(&describe(&error)),
            Err(Unfit::Damaged(what)) => self.begin_afresh(&what),
            other => other,
        };
        connection.map_err(|unfit| unfit.to_string())
    }

    /// Whether what was opened is still what one finds under its name. An answer that was written
    /// before this was asked can be found again.
    pub(super) fn in_place(&self) -> Result<(), String> {
        let hold = self.hold();
        let database = hold.database.is_some() && id(&self.path) == hold.database;
        match database && hold.has_the_lock(&beside(&self.path, ".lock")) {
            true => Ok(()),
            false => Err("it was moved, removed or replaced while it was in use".to_owned()),
        }
    }

    /// Gets hold of what stands under the name now: its lock, and its log without that of the file
    /// that stood there before, which SQLite would take for a part of this one.
    fn take_hold(&self) -> Result<(), String> {
        let mut hold = self.hold();
        let lock_file = beside(&self.path, ".lock");
        if !hold.has_the_lock(&lock_file) {
            hold.lock = lock(&self.path, &lock_file).map_err(|error| error.to_string())?;
        }
        let log = beside(&self.path, "-wal");
        if id(&self.path) != hold.database && hold.log.is_some() && id(&log) == hold.log {
            let aside = beside(&self.path, &format!(".left-{}-wal", clock::wall().as_secs()));
            fs::rename(&log, aside).map_err(|error| error.to_string())?;
            absent(fs::remove_file(beside(&self.path, "-shm"))).map_err(|e| e.to_string())?;
        }
        create(&self.path).map_err(|error| error.to_string())
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock()
    }

    /// The connection of one of those who read; `None` where it has none, or has to open it anew.
    pub(super) fn reader(&self, number: usize) -> MutexGuard<'_, Option<Connection>> {
        self.readers[number].lock()
    }

    /// Another connection to the file as it is, for reading.
    pub(super) fn reading(&self) -> rusqlite::Result<Connection> {
        if self.in_place().is_err() {
            // The writer sees to it first: it knows which log belongs to it.
            return Err(rusqlite::Error::InvalidPath(self.path.clone()));
        }
        let connection = connection(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    /// The last write failed.
    pub(super) fn is_ill(&self, what: String) {
        *self.illness.lock() = Some(what);
    }

    /// The last write is on the disk.
    pub(super) fn is_well(&self) {
        *self.illness.lock() = None;
    }

    /// What is wrong.
    pub(super) fn health(&self) -> Result<(), String> {
        match &*self.illness.lock() {
            Some(what) => Err(format!("the store `{}` failed: {what}", self.path.display())),
            None => Ok(()),
        }
    }

    fn connect(&self, check: bool) -> Result<Connection, Unfit> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = connection(&self.path, flags)?;
        // 16 MB, as far as they are needed: the pages of the indexes are used again and again. With
        // more, a million executions are not written faster, and most commits look at each page.
        connection.pragma_update(None, "cache_size", -16_384)?;
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        let (application, version): (i64, i64) =
            (number("application_id")?, number("user_version")?);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let empty = connection.query_row(tables, [], |row| Ok(row.get::<_, i64>(0)? == 0))?;
        match (application, version) {
            (0, 0) if empty => begin(&connection)?,
            (APPLICATION_ID, SCHEMA_VERSION) => {}
            (APPLICATION_ID, version) => return Err(Unfit::Newer(version)),
            _ => return Err(Unfit::Foreign),
        }
        connection.execute_batch(claims::SCHEMA)?;
        if check {
            let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
            let found: String = found?;
            if found != "ok" {
                return Err(Unfit::Damaged(found));
            }
        }
        let mut hold = self.hold();
        (hold.database, hold.log) = (id(&self.path), id(&beside(&self.path, "-wal")));
        Ok(connection)
    }

    /// Moves the damaged file aside, where somebody may still get something out of it, and begins
    /// a fresh one: calls that cannot go on are better than calls that nobody answers.
    fn begin_afresh(&self, damage: &str) -> Result<Connection, Unfit> {
        let mut seconds = clock::wall().as_secs();
        let named = |seconds| beside(&self.path, &format!(".corrupt-{seconds}"));
        while named(seconds).exists() {
            seconds += 1;
        }
        let aside = named(seconds);
        let message = format!(
            "the store `{}` is damaged ({damage}): it is now `{}`, and a fresh one is begun",
            self.path.display(),
            aside.display()
        );
        // Also where nobody reads the log for errors: what was in it is gone for every caller.
        eprintln!("error: {message}");
        self.is_ill(message);
        let moved = fs::rename(&self.path, &aside)
            // What was not yet moved from the log into the database belongs to it.
            .and_then(|()| absent(fs::rename(beside(&self.path, "-wal"), beside(&aside, "-wal"))))
            .and_then(|()| absent(fs::remove_file(beside(&self.path, "-shm"))));
        moved
            .map_err(|error| Unfit::Damaged(format!("{damage}; cannot move it aside: {error}")))?;
        create(&self.path).map_err(|error| Unfit::Damaged(format!("{damage}; {error}")))?;
        self.connect(false)
    }

    fn told(&self, unfit: &Unfit) -> StoreError {
        let advice = match unfit {
            Unfit::Foreign => "name another file in `[store] url`",
            Unfit::Newer(_) => "run that version, or name another file in `[store] url`",
            Unfit::Sql(error) if is_damage(error) => {
                "name another file in `[store] url`, or move this one away"
            }
            Unfit::Sql(_) | Unfit::Damaged(_) => {
                "see that this user may write to it and its folder, and that the disk has room"
            }
        };
        unusable(&self.path, &unfit.to_string(), advice)
    }
}

/// Takes the lock that keeps a second gateway from the file, and makes the file.
fn lock(path: &Path, beside: &Path) -> Result<fs::File, StoreError> {
    let access = "see that its folder exists and that this user may write to it";
    let refused = |error: io::Error| unusable(path, &error.to_string(), access);
    let lock = private().truncate(false).open(beside).map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let advice = "end that one, or name another file in `[store] url`";
            return Err(unusable(path, "another gateway works on it", advice));
        }
        Err(TryLockError::Error(error)) => return Err(refused(error)),
    }
    create(path).map_err(refused)?;
    Ok(lock)
}

/// Makes the file, if it is not there, so that only its owner reads what people wrote. SQLite gives
/// the same rights to what it puts beside it.
fn create(path: &Path) -> io::Result<()> {
    private().truncate(false).open(path).map(drop)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// A name with something behind it.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn id(path: &Path) -> Option<Id> {
    id_of(fs::metadata(path))
}

fn id_of(found: io::Result<fs::Metadata>) -> Option<Id> {
    found.ok().map(|found| (found.dev(), found.ino()))
}

/// It is well if there was nothing to move.
fn absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// A connection with the settings that all have.
fn connection(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(STORE_LOCKED_WITHIN)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Plans do not depend on what is bound: else some statements are compiled anew at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: what was answered is on the disk. The rest keeps temporary things off the disk, the log
    // small, and damage from spreading.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4096;
         PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    ))
}

// === impl Hold ===

impl Hold {
    /// Whether the lock is on the file that others would lock.
    fn has_the_lock(&self, path: &Path) -> bool {
        let held = id_of(self.lock.metadata());
        held.is_some() && held == id(path)
    }
}

// === impl Unfit ===

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Unfit {
        Unfit::Sql(error)
    }
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unfit::Foreign => formatter.write_str("it is another program's database"),
            Unfit::Newer(version) => {
                let known = SCHEMA_VERSION;
                write!(formatter, "its form is {version}, of a newer twimlgate than this ({known})")
            }
            Unfit::Sql(error) => formatter.write_str(&describe(error)),
            Unfit::Damaged(what) => formatter.write_str(what),
        }
    }
}
