//! What a process writes to its standard output and error.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::Instant;

use super::console::{ConsoleLine, ConsoleSink};
use crate::clock;
use crate::limits::NODE_OUTPUT_LINES_MAX;

/// The last lines of a process's standard output and error.
#[derive(Clone, Debug, Default)]
pub(super) struct LastLines(Rc<RefCell<VecDeque<String>>>);

/// Lines that are kept: V8 writes a stack trace after its reason.
const LAST_LINES: usize = 40;

/// Reads what a process writes past its `console`: Node's own messages, and native packages. It is
/// always read, so that a full pipe stops no function, but not every line is passed on.
pub(super) async fn read_output(
    mut output: pipe::Receiver,
    last: LastLines,
    console: Option<ConsoleSink>,
) {
    let mut rest = Vec::new();
    let (mut second, mut lines): (Instant, usize) = (clock::now(), 0);
    loop {
        let mut chunk = Vec::with_capacity(8 * 1024);
        match output.read_buf(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if clock::now().duration_since(second) > Duration::from_secs(1) {
            (second, lines) = (clock::now(), 0);
        }
        for line in chunk.split_inclusive(|byte| *byte == b'\n') {
            // A line without an end is cut: it must not fill the memory.
            if rest.len() < 8 * 1024 {
                rest.extend_from_slice(line);
            }
            if !line.ends_with(b"\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&rest).trim_end().to_owned();
            rest.clear();
            lines += 1;
            if text.is_empty() || lines > NODE_OUTPUT_LINES_MAX {
                continue;
            }
            last.push(&text);
            if let Some(console) = &console {
                console.write(ConsoleLine { level: "log", function: "", sid: "", text: &text });
            }
        }
    }
}

// === impl LastLines ===

impl LastLines {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.0.borrow_mut();
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    /// The line that says most about an end.
    pub(super) fn reason(&self) -> Option<String> {
        let lines = self.0.borrow();
        let is_fatal = |line: &&String| line.contains("FATAL ERROR");
        let line = lines.iter().find(is_fatal).or(lines.back())?;
        Some(line.chars().take(200).collect())
    }
}
