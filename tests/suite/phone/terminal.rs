//! `twimlgate phone` and `text` on a terminal: prompts, colours, completion, Ctrl-C and Ctrl-D.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Child;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::pty::{Winsize, openpty};

use super::app::App;
use super::commands::{command, gateway};

/// A program at a terminal, and what it has written there.
struct Terminal {
    child: Child,
    keyboard: File,
    written: mpsc::Receiver<Vec<u8>>,
    seen: String,
}

/// Longer than anything takes on a machine that is busy.
const WITHIN: Duration = Duration::from_secs(20);

impl Terminal {
    fn start(folder: &str, arguments: &[&str], colours: bool) -> Terminal {
        let size = Winsize { ws_row: 40, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(Some(&size), None).unwrap();
        let end = || File::from(terminal.slave.try_clone().unwrap());
        let mut command = command(folder, arguments);
        command.env("TERM", "xterm").env("NO_COLOR", if colours { "" } else { "1" });
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

    /// Waits until this is written; forgets what stands before it.
    fn sees(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let written = self.written.recv_timeout(WITHIN);
            let written = written.unwrap_or_else(|_| panic!("no `{text}` in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&written));
        }
        let at = self.seen.find(text).unwrap();
        self.seen.drain(..at + text.len());
    }

    fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// The exit code, and what was written to the end.
    fn ended(mut self) -> (Option<i32>, String) {
        while let Ok(written) = self.written.recv_timeout(WITHIN) {
            self.seen.push_str(&String::from_utf8_lossy(&written));
        }
        (self.child.wait().unwrap().code(), self.seen)
    }
}

#[test]
fn a_call_is_held_at_a_prompt() {
    let _function = gateway("terminal");
    let mut terminal = Terminal::start("terminal", &["phone", "/hotline"], true);
    terminal.sees("\x1b[1m+15550100 calls +15550199: /hotline\x1b[0m\r\n");
    terminal.sees("Press 1 for your plan, 2 for an agent.");
    terminal.sees("a key, say …, or silence for 5 s");
    terminal.sees("> ");
    terminal.types("2\r");
    terminal.sees("> \x1b[36m2\x1b[0m\r\n");
    terminal.sees("how does <Dial> end? completed, answered, busy,");
    terminal.sees("> ");
    terminal.types("bu\t");
    terminal.sees("busy");
    terminal.types("\r");
    terminal.sees("> \x1b[36mbusy\x1b[0m\r\n");
    terminal.sees("agent ─callCompleted→ menu");
    terminal.sees("a key, say …");
    terminal.sees("> ");
    terminal.types("nonsense\r");
    terminal.sees("\x1b[31merror: `nonsense` is not an action");
    terminal.sees("a key, say …");
    terminal.sees("> ");
    terminal.types("\x04");
    let (code, seen) = terminal.ended();
    assert!(seen.contains("\x1b[1mYou hang up.\x1b[0m\r\n"), "{seen:?}");
    assert_eq!(code, Some(0), "what is typed wrong is typed again");
}

#[test]
fn a_chat_has_two_sides() {
    let _function = gateway("sides");
    let mut terminal = Terminal::start("sides", &["text", "/survey"], false);
    terminal.sees("a message, or /help");
    terminal.sees("> ");
    terminal.types("hi there\r");
    terminal.sees(&format!("{}hi there\r\n", " ".repeat(72)));
    terminal.sees("\r\n  What is your name?\r\n");
    terminal.sees("> ");
    terminal.types("/q\t\r");
    let (code, seen) = terminal.ended();
    assert!(seen.contains("> /quit\r\n"), "{seen:?}");
    assert!(!seen.contains("\x1b[36m"), "no colours: {seen:?}");
    assert_eq!(code, Some(0));
}

#[test]
fn ctrl_c_at_a_prompt_hangs_up() {
    let app = App::start(|got| match got.target.as_str() {
        "/voice" => "<Response><Gather/></Response>".to_owned(),
        _ => String::new(),
    });
    let (url, status) = (app.url("/voice"), app.url("/status"));
    let arguments = ["phone", &url, "--status-callback", &status];
    let mut terminal = Terminal::start("ctrl-c", &arguments, true);
    terminal.sees("keys, then #, or silence for 5 s");
    terminal.sees("> ");
    terminal.types("\x03");
    let (code, seen) = terminal.ended();
    assert!(seen.contains("You hang up."), "{seen:?}");
    assert_eq!(code, Some(130));
    assert_eq!(app.got()[1].params.get("CallStatus"), Some("completed"));
}
