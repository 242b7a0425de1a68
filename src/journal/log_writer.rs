//! The log's output: a thread of its own, so that a full disk or a reader who has stopped reading
//! never keeps a call waiting. Lines that find no room are dropped, and counted.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::log_line::{LogLevel, LogLine};
use crate::catch_panic::catch;
use crate::config::LogFormat;
use crate::limits::LOG_BYTES_MAX;

/// How long the writer lets lines gather before it writes them in one go.
const GATHER: Duration = Duration::from_millis(20);

/// Where lines go. A clone goes to the same place.
#[derive(Clone, Debug)]
pub struct LogWriter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    human: bool,
    buffer: Mutex<Buffer>,
    wake: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// The writer has written everything and sleeps.
    idle: bool,
    closed: bool,
    done: bool,
}

impl LogWriter {
    /// A log on standard output.
    pub fn to_stdout(format: LogFormat) -> LogWriter {
        let human = match format {
            LogFormat::Human => true,
            LogFormat::Json => false,
            LogFormat::Auto => std::io::stdout().is_terminal(),
        };
        LogWriter::to(std::io::stdout(), human)
    }

    /// A log on any output.
    pub fn to(output: impl Write + Send + 'static, human: bool) -> LogWriter {
        let inner = Inner::new(human);
        let writer = Arc::clone(&inner);
        let thread = std::thread::Builder::new().name("log".to_owned());
        let run = move || {
            if catch(|| writer.run(output)).is_err() {
                writer.ended();
            }
        };
        // Without the thread there is no log, and calls are answered all the same.
        if thread.spawn(run).is_err() {
            inner.ended();
        }
        LogWriter(inner)
    }

    /// Writes one line, or counts it as dropped. Never waits for the output.
    pub fn write(&self, line: &LogLine<'_>) {
        let mut buffer = self.0.buffer.lock();
        if buffer.closed || buffer.bytes.len() > LOG_BYTES_MAX {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.0.human {
            line.human(&mut buffer.bytes)
        } else {
            line.json(&mut buffer.bytes)
        }
        buffer.bytes.push(b'\n');
        if std::mem::take(&mut buffer.idle) {
            self.0.wake.notify_all();
        }
    }

    /// A line that belongs to no exchange.
    pub fn note(&self, level: LogLevel, message: &str) {
        self.write(&LogLine::note(level, message));
    }

    /// Lines that found no room.
    pub fn dropped_lines(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// A log that nobody keeps.
    pub fn none() -> LogWriter {
        let inner = Inner::new(true);
        inner.buffer.lock().closed = true;
        LogWriter(inner)
    }

    /// Writes what is left, and waits for it, but not for an output that takes nothing.
    pub fn close(&self) {
        let mut buffer = self.0.buffer.lock();
        buffer.closed = true;
        self.0.wake.notify_all();
        let patience = Duration::from_secs(1);
        self.0.wake.wait_while_for(&mut buffer, |buffer| !buffer.done, patience);
    }
}

// === impl Inner ===

impl Inner {
    fn new(human: bool) -> Arc<Inner> {
        Arc::new(Inner {
            human,
            buffer: Mutex::default(),
            wake: Condvar::new(),
            dropped: AtomicU64::new(0),
        })
    }

    /// Nobody writes any more: from now on each line is counted as dropped, and `close` waits for
    /// nobody.
    fn ended(&self) {
        let mut buffer = self.buffer.lock();
        (buffer.closed, buffer.done) = (true, true);
        let lost = buffer.bytes.iter().filter(|byte| **byte == b'\n').count();
        self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        buffer.bytes = Vec::new();
        self.wake.notify_all();
    }

    fn run(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut buffer = self.buffer.lock();
            while buffer.bytes.is_empty() && !buffer.closed {
                buffer.idle = true;
                self.wake.wait(&mut buffer);
            }
            std::mem::swap(&mut buffer.bytes, &mut lines);
            let closed = buffer.closed;
            drop(buffer);
            // A log that cannot be written cannot say so either; the metrics can.
            if output.write_all(&lines).and_then(|()| output.flush()).is_err() {
                let lost = lines.iter().filter(|byte| **byte == b'\n').count();
                self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
            }
            lines.clear();
            if closed {
                self.buffer.lock().done = true;
                self.wake.notify_all();
                return;
            }
            std::thread::sleep(GATHER);
        }
    }
}
