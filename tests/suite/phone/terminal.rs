//! `twimlgate phone` and `text` on a terminal: prompts, colours, completion, Ctrl-C and Ctrl-D.

use super::app::App;
use super::commands::{command, gateway};
use crate::support::terminal::Terminal;

/// A command at a terminal, in a folder of its own.
fn start(folder: &str, arguments: &[&str], colours: bool) -> Terminal {
    let mut command = command(folder, arguments);
    command.env("NO_COLOR", if colours { "" } else { "1" });
    Terminal::start(command, 80)
}

#[test]
fn a_call_is_held_at_a_prompt() {
    let _function = gateway("terminal");
    let mut terminal = start("terminal", &["phone", "/hotline"], true);
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
    let mut terminal = start("sides", &["text", "/survey"], false);
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
    let mut terminal = start("ctrl-c", &arguments, true);
    terminal.sees("keys, then #, or silence for 5 s");
    terminal.sees("> ");
    terminal.types("\x03");
    let (code, seen) = terminal.ended();
    assert!(seen.contains("You hang up."), "{seen:?}");
    assert_eq!(code, Some(130));
    assert_eq!(app.got()[1].params.get("CallStatus"), Some("completed"));
}
