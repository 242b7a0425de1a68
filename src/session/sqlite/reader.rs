//! The threads that read, each on a connection of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use actix_web::web::Bytes;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::file::File;
use super::rows::{self, executions, nanoseconds};
use super::trouble::{Reach, Trouble, describe, reach};
use super::write::Write;
use super::{Answer, claims};
use crate::catch_panic::caught;
use crate::session::desk::Digest;
use crate::session::{Listing, Page, Saved, StepRecord, StoreError};

/// What can be asked, and where the answer goes.
#[derive(Debug)]
pub(super) enum Read {
    Reply(Digest, Answer<Option<Bytes>>),
    Active(String, Answer<Option<Saved>>),
    Execution(String, Answer<Option<Saved>>),
    Executions(Listing, Answer<Vec<Saved>>),
    Steps(String, Page, Answer<Vec<StepRecord>>),
    Due(Duration, usize, Answer<Vec<Saved>>),
    Flow(String, Answer<Option<String>>),
}

/// One thread.
pub(super) struct Reader {
    number: usize,
    file: Arc<File>,
    queue: Arc<Mutex<Receiver<Read>>>,
    writer: SyncSender<Write>,
}

// === impl Reader ===

impl Reader {
    /// One of [`READERS`](super::READERS).
    pub(super) fn new(
        number: usize,
        file: Arc<File>,
        queue: Arc<Mutex<Receiver<Read>>>,
        writer: SyncSender<Write>,
    ) -> Reader {
        Reader { number, file, queue, writer }
    }

    /// Answers until nobody can ask any more.
    pub(super) fn run(self) {
        loop {
            // Whoever has the queue waits in it; the others wait for the queue.
            let read = self.queue.lock().recv();
            let Ok(read) = read else { return };
            if caught(|| self.answer(read)).is_err() {
                // Whoever asked has an error. What it was asked on may be in the middle of it.
                *self.file.reader(self.number) = None;
            }
        }
    }

    fn answer(&self, read: Read) {
        match read {
            Read::Reply(digest, answer) => {
                self.give(answer, |connection| Ok(claims::reply(connection, digest)?));
            }
            Read::Active(session, answer) => self.give(answer, |connection| {
                // The condition as the index has it, so that the index is used.
                let sql = executions!("WHERE session = ?1 AND active = 1");
                rows::one(connection, sql, [&session])
            }),
            Read::Execution(sid, answer) => self.give(answer, |connection| {
                rows::one(connection, executions!("WHERE sid = ?1"), [&sid])
            }),
            Read::Executions(list, answer) => {
                self.give(answer, |connection| executions(connection, &list));
            }
            Read::Steps(execution, page, answer) => {
                self.give(answer, |connection| steps(connection, &execution, &page));
            }
            Read::Due(before, limit, answer) => self.give(answer, |connection| {
                let sql = executions!("WHERE due IS NOT NULL AND due < ?1 ORDER BY due, sid");
                let mut select = connection.prepare_cached(sql)?;
                rows::many(select.query([nanoseconds(before)])?, limit, rows::saved)
            }),
            Read::Flow(revision, answer) => self.give(answer, |connection| {
                let sql = "SELECT definition FROM flow WHERE revision = ?1";
                let mut select = connection.prepare_cached(sql)?;
                Ok(select.query_row([&revision], |row| row.get(0)).optional()?)
            }),
        }
    }

    fn give<T>(&self, answer: Answer<T>, read: impl FnOnce(&Connection) -> Result<T, Trouble>) {
        if answer.is_closed() {
            return;
        }
        let mut connection = self.file.reader(self.number);
        let result = connected(&self.file, &mut connection).map_err(Trouble::Sql).and_then(read);
        let result = result.map_err(|trouble| match trouble {
            Trouble::Refused(error) => error,
            Trouble::Sql(error) => {
                if reach(&error) == Reach::Connection {
                    *connection = None;
                    // The writer looks at the file as a whole. Where its queue is full it writes,
                    // and finds out by itself.
                    let _ = self.writer.try_send(Write::Check);
                }
                StoreError::Failed(describe(&error))
            }
        });
        drop(connection);
        // Whoever asked may have gone.
        let _ = answer.send(result);
    }
}

fn connected<'a>(
    file: &File,
    connection: &'a mut Option<Connection>,
) -> rusqlite::Result<&'a Connection> {
    let open = match connection.take() {
        Some(open) => open,
        None => file.reading()?,
    };
    Ok(connection.insert(open))
}

fn executions(connection: &Connection, list: &Listing) -> Result<Vec<Saved>, Trouble> {
    let mut select = connection.prepare_cached(executions!(
        "WHERE flow = ?1 AND created >= ?2 AND (created, sid) < (?3, ?4) \
         ORDER BY created DESC, sid DESC"
    ))?;
    let from = nanoseconds(list.from.unwrap_or_default());
    let mut until = (nanoseconds(list.until.unwrap_or(Duration::MAX)), "");
    if let Some((at, sid)) = &list.after {
        until = until.min((nanoseconds(*at), sid));
    }
    let found = select.query(params![list.flow, from, until.0, until.1])?;
    rows::many(found, list.limit, rows::saved)
}

fn steps(
    connection: &Connection,
    execution: &str,
    page: &Page,
) -> Result<Vec<StepRecord>, Trouble> {
    let mut id = connection.prepare_cached("SELECT id FROM execution WHERE sid = ?1")?;
    let id: Option<i64> = id.query_row([execution], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(Vec::new()) };
    let mut before = (i64::MAX, i64::MAX);
    if let Some((at, sid)) = &page.after {
        let sql = "SELECT number FROM step WHERE execution = ?1 AND at = ?2 AND sid = ?3";
        let mut number = connection.prepare_cached(sql)?;
        let at = nanoseconds(*at);
        let number = number.query_row(params![id, at, sid], |row| row.get(0)).optional()?;
        before = (at, number.unwrap_or_default());
    }
    let mut select = connection.prepare_cached(
        r#"SELECT sid, name, "from", "to", kind, at, sealed FROM step
           WHERE execution = ?1 AND (at, number) < (?2, ?3) ORDER BY at DESC, number DESC"#,
    )?;
    let found = select.query(params![id, before.0, before.1])?;
    rows::many(found, page.limit, |row| rows::step(row, execution))
}
