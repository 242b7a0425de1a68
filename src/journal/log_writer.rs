//! The output of the log, on a thread of its own: a full disk, or a reader that has stopped, never
//! delays a call. Lines beyond the buffer are dropped and counted. The cause of a refusal is found
//! on that thread, too: a search takes milliseconds, and its time must not show in the answer.

use std::collections::VecDeque;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use tokio::time::Instant;

use super::log_line::{LogLevel, LogLine};
use crate::catch_panic::catch;
use crate::clock;
use crate::config::LogFormat;
use crate::limits::{CAUSE_SEARCH_EVERY, CAUSE_SEARCHES_MAX, LOG_BYTES_MAX};

/// The time in which the writer collects lines, to write them with one system call.
const GATHER: Duration = Duration::from_millis(20);

/// The cause of a line for which no search is allowed.
const TOO_MANY: &str = "not searched for, since many requests are refused; see the lines before";

/// The cause of a line that is written while the process ends.
const AT_THE_END: &str = "not searched for, since the process ends";

/// Hands lines to the thread that writes them. A clone uses the same thread.
#[derive(Clone, Debug)]
pub struct LogWriter(Arc<LogQueue>);

#[derive(Debug)]
struct LogQueue {
    human: bool,
    /// Whether a line has the path through the flow, which names the author's widgets.
    shows_path: bool,
    buffer: Mutex<LogBuffer>,
    /// Wakes the thread for lines, and [`LogWriter::close`] for its end.
    wake: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct LogBuffer {
    bytes: Vec<u8>,
    /// Lines whose cause is still to be found.
    unexplained: VecDeque<UnexplainedLine>,
    /// The searches that are allowed now, less than one for each line under an attack.
    searches: SearchAllowance,
    /// The thread has written everything and sleeps.
    idle: bool,
    /// No more lines are accepted.
    closed: bool,
    /// The thread has ended.
    done: bool,
}

/// A line without its cause, and the search for it.
struct UnexplainedLine {
    line: Vec<u8>,
    search: Box<dyn FnOnce() -> String + Send>,
}

/// How many searches for a cause may begin: [`CAUSE_SEARCHES_MAX`] at once, and one more each
/// second. Anyone can send requests that are refused.
#[derive(Debug, Default)]
struct SearchAllowance {
    /// When all that were used are allowed again.
    full_at: Option<Instant>,
}

impl LogWriter {
    /// Writes the log to standard output.
    pub(crate) fn to_stdout(format: LogFormat) -> LogWriter {
        let human = match format {
            LogFormat::Human => true,
            LogFormat::Json => false,
            LogFormat::Auto => std::io::stdout().is_terminal(),
        };
        LogWriter::to(std::io::stdout(), human)
    }

    /// Writes the log to standard output, with the path through the flow in each line.
    pub(crate) fn for_development(human: bool) -> LogWriter {
        let queue = LogQueue { shows_path: true, ..LogQueue::new(human) };
        LogWriter::spawn(Arc::new(queue), std::io::stdout())
    }

    /// Whether lines are text for a reader, and not JSON.
    pub(crate) fn is_human(&self) -> bool {
        self.0.human
    }

    /// Whether a line has the path through the flow.
    pub(crate) fn shows_path(&self) -> bool {
        self.0.shows_path
    }

    /// Writes the log to any output.
    pub fn to(output: impl Write + Send + 'static, human: bool) -> LogWriter {
        LogWriter::spawn(Arc::new(LogQueue::new(human)), output)
    }

    fn spawn(queue: Arc<LogQueue>, output: impl Write + Send + 'static) -> LogWriter {
        let writer = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("log".to_owned());
        let run = move || {
            if catch(|| writer.run(output)).is_err() {
                writer.abort();
            }
        };
        // Without a thread there is no log, but calls are still answered.
        if thread.spawn(run).is_err() {
            queue.abort();
        }
        LogWriter(queue)
    }

    /// Writes one line, or counts it as dropped. Never waits for the output.
    pub fn write(&self, line: &LogLine<'_>) {
        let mut buffer = self.0.buffer.lock();
        if buffer.closed || buffer.bytes.len() > LOG_BYTES_MAX {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if self.0.human {
            line.write_human(&mut buffer.bytes)
        } else {
            line.write_json(&mut buffer.bytes)
        }
        buffer.bytes.push(b'\n');
        // Only a sleeping thread: a wake-up per line would cost each call a system call.
        if std::mem::take(&mut buffer.idle) {
            self.0.wake.notify_all();
        }
    }

    /// Writes one line, with the cause that the search finds. Neither waits.
    pub(crate) fn write_explained(
        &self,
        line: &LogLine<'_>,
        search: impl FnOnce() -> String + Send + 'static,
    ) {
        let human = self.0.human;
        let mut text = Vec::new();
        if human {
            line.write_human(&mut text)
        } else {
            line.write_json(&mut text)
        }
        let mut buffer = self.0.buffer.lock();
        if buffer.closed || buffer.bytes.len() > LOG_BYTES_MAX {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let has_room = buffer.unexplained.len() < CAUSE_SEARCHES_MAX as usize;
        if has_room && buffer.searches.take(clock::now()) {
            buffer.unexplained.push_back(UnexplainedLine { line: text, search: Box::new(search) });
        } else {
            write_line(&text, TOO_MANY, human, &mut buffer.bytes);
        }
        if std::mem::take(&mut buffer.idle) {
            self.0.wake.notify_all();
        }
    }

    /// Writes a line that does not belong to an exchange.
    pub(crate) fn note(&self, level: LogLevel, message: &str) {
        self.write(&LogLine::note(level, message));
    }

    /// The number of lines that were dropped.
    pub(crate) fn dropped_lines(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// A log without an output: it drops every line.
    pub fn none() -> LogWriter {
        let queue = LogQueue::new(true);
        queue.buffer.lock().closed = true;
        LogWriter(Arc::new(queue))
    }

    /// Closes the log, and waits until the remaining lines are written.
    pub fn close(&self) {
        let mut buffer = self.0.buffer.lock();
        buffer.closed = true;
        self.0.wake.notify_all();
        // Bounded: a pipe that is not read must not prevent the end of the process.
        let limit = Duration::from_secs(1);
        self.0.wake.wait_while_for(&mut buffer, |buffer| !buffer.done, limit);
    }
}

// === impl LogQueue ===

impl LogQueue {
    fn new(human: bool) -> LogQueue {
        LogQueue {
            human,
            shows_path: false,
            buffer: Mutex::default(),
            wake: Condvar::new(),
            dropped: AtomicU64::new(0),
        }
    }

    /// Gives up after the thread failed: each further line counts as dropped, and `close` returns
    /// at once.
    fn abort(&self) {
        let mut buffer = self.buffer.lock();
        (buffer.closed, buffer.done) = (true, true);
        let lost = buffer.bytes.iter().filter(|byte| **byte == b'\n').count();
        let lost = lost + std::mem::take(&mut buffer.unexplained).len();
        self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        buffer.bytes = Vec::new();
        self.wake.notify_all();
    }

    fn run(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut buffer = self.buffer.lock();
            while buffer.bytes.is_empty() && buffer.unexplained.is_empty() && !buffer.closed {
                buffer.idle = true;
                self.wake.wait(&mut buffer);
            }
            // Swapped, so that no line waits for the output, and both buffers are used again.
            std::mem::swap(&mut buffer.bytes, &mut lines);
            let closed = buffer.closed;
            // One at a time, so that the end of the process waits for one search and not for all.
            let next = buffer.unexplained.pop_front();
            let rest = if closed { std::mem::take(&mut buffer.unexplained) } else { [].into() };
            drop(buffer);
            next.into_iter().for_each(|line| line.explain(self.human, &mut lines));
            let human = self.human;
            rest.iter().for_each(|rest| write_line(&rest.line, AT_THE_END, human, &mut lines));
            // A failing log cannot report its failure, so the metrics do.
            if output.write_all(&lines).and_then(|()| output.flush()).is_err() {
                let lost = lines.iter().filter(|byte| **byte == b'\n').count();
                self.dropped.fetch_add(lost as u64, Ordering::Relaxed);
            }
            lines.clear();
            // Closed was read with the lines: nothing was added after them.
            if closed {
                self.buffer.lock().done = true;
                self.wake.notify_all();
                return;
            }
            // Under load lines come faster than one write each would allow.
            std::thread::sleep(GATHER);
        }
    }
}

// === impl UnexplainedLine ===

impl UnexplainedLine {
    /// Appends the line with the cause that its search finds, and a line break.
    fn explain(self, human: bool, out: &mut Vec<u8>) {
        // A bug in the search costs its cause, and not the log.
        let cause = catch(self.search).unwrap_or_else(|_| "the search failed".to_owned());
        write_line(&self.line, &cause, human, out);
    }
}

impl fmt::Debug for UnexplainedLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// Appends a line with its cause, and a line break.
fn write_line(line: &[u8], cause: &str, human: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(line);
    LogLine::write_cause(cause, human, out);
    out.push(b'\n');
}

// === impl SearchAllowance ===

impl SearchAllowance {
    /// Takes one search, if one is allowed.
    fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |full_at| full_at.max(now)) + CAUSE_SEARCH_EVERY;
        let is_allowed = full_at <= now + CAUSE_SEARCH_EVERY * CAUSE_SEARCHES_MAX;
        if is_allowed {
            self.full_at = Some(full_at);
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_allowed_in_a_burst_and_then_at_a_rate() {
        let mut searches = SearchAllowance::default();
        let began = clock::now();
        let mut taken = |after: u32| {
            let now = began + CAUSE_SEARCH_EVERY * after;
            (0..100).filter(|_| searches.take(now)).count()
        };
        let burst = CAUSE_SEARCHES_MAX as usize;
        assert_eq!([taken(0), taken(1), taken(3), taken(1_000)], [burst, 1, 2, burst]);
    }
}
