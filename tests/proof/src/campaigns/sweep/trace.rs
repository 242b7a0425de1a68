//! What `strace` has seen of a run: how often each thread made each call, and whether every answer
//! waited for the disk.

use std::collections::HashMap;

/// A run as it was traced.
#[derive(Default)]
pub(super) struct Trace {
    /// For each thread and call, how often.
    counts: HashMap<(String, String), u64>,
    /// Answers that were sent.
    pub(super) answers: u64,
    /// Answers that were sent while something in the log was not on the disk, as traced.
    pub(super) unsynced: Vec<String>,
    /// Something was written to the log since its last sync.
    dirty: bool,
    /// Threads in the middle of a sync of the log.
    syncing: HashMap<String, ()>,
}

impl Trace {
    /// Reads what `strace -f -y` wrote.
    pub(super) fn read(text: &str) -> Trace {
        let mut trace = Trace::default();
        for line in text.lines() {
            let Some((thread, rest)) = line.split_once(' ') else { continue };
            trace.line(thread, rest.trim_start());
        }
        trace
    }

    /// How often the busiest thread made a call: `strace` counts for each thread.
    pub(super) fn most(&self, call: &str) -> u64 {
        let counts = self.counts.iter().filter(|((_, of), _)| of == call);
        counts.map(|(_, count)| *count).max().unwrap_or(0)
    }

    fn line(&mut self, thread: &str, line: &str) {
        if line.starts_with("<... ") {
            // Only what was begun before it ended is on the disk, but one thread does both.
            if self.syncing.remove(thread).is_some() {
                self.dirty = false;
            }
            return;
        }
        let Some((call, rest)) = line.split_once('(') else { return };
        let file = rest.split_once('>').map_or("", |(file, _)| file);
        // The log's index is rebuilt from the log; all else that is written is the store's.
        let socket = call == "sendto" || call == "writev";
        if !file.ends_with("-shm") {
            *self.counts.entry((thread.to_owned(), call.to_owned())).or_default() += 1;
        }
        let log = file.ends_with("/store.db-wal");
        match call {
            "pwrite64" if log => self.dirty = true,
            "fsync" | "fdatasync" if log && line.contains("<unfinished") => {
                self.syncing.insert(thread.to_owned(), ());
            }
            "fsync" | "fdatasync" if log => self.dirty = false,
            _ if socket && rest.contains("HTTP/1.1 200 OK") => {
                self.answers += 1;
                if self.dirty {
                    self.unsynced.push(line.to_owned());
                }
            }
            _ => {}
        }
    }
}
