//! A program at a terminal, and a person who reads and types.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use regex::Regex;

/// A program at a terminal, and what it has written there.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    written: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

/// Longer than anything takes on a machine that is busy.
const WITHIN: Duration = Duration::from_secs(20);

impl Terminal {
    /// Starts a command at a terminal of so many columns.
    pub(crate) fn start(mut command: Command, columns: u16) -> Terminal {
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let end = || File::from(terminal.slave.try_clone().unwrap());
        command.env("TERM", "xterm");
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        drop(command);
        drop(terminal.slave);
        let mut screen = File::from(terminal.master.try_clone().unwrap());
        let (write, written) = mpsc::channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                let _ = write.send(buffer[..length].to_vec());
            }
        });
        let keyboard = File::from(terminal.master);
        Terminal { child, keyboard, written, seen: String::new() }
    }

    /// Waits until this is written; forgets what is before it.
    pub(crate) fn sees(&mut self, text: &str) {
        self.matches(&Regex::new(&regex::escape(text)).unwrap())
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until this is written; forgets what is before it. The error has what is written.
    pub(crate) fn matches(&mut self, pattern: &Regex) -> Result<(), String> {
        self.finds(pattern).map(|_| ())
    }

    /// As [`Terminal::matches`]. Returns the text that matched.
    pub(crate) fn finds(&mut self, pattern: &Regex) -> Result<String, String> {
        loop {
            if let Some(found) = pattern.find(&self.seen) {
                let (text, end) = (found.as_str().to_owned(), found.end());
                self.seen.drain(..end);
                return Ok(text);
            }
            let written = self.written.recv_timeout(WITHIN);
            let written = written.map_err(|_| format!("no `{pattern}` in {:?}", self.seen))?;
            self.seen.push_str(&String::from_utf8_lossy(&written));
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Sends SIGINT, as Ctrl-C does at the terminal that controls a program.
    pub(crate) fn interrupt(&self) {
        self.signal("-INT");
    }

    /// Sends a signal, `-HUP` for one.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// The exit code, and what was written to the end.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        while let Ok(written) = self.written.recv_timeout(WITHIN) {
            self.seen.push_str(&String::from_utf8_lossy(&written));
        }
        (self.child.wait().unwrap().code(), std::mem::take(&mut self.seen))
    }
}

/// The system hangs up only the terminal that controls a program, which this one does not.
impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
