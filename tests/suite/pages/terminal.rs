//! The sessions of a page that are different on a terminal: prompts, progress, two columns.

use regex::Regex;

use super::reader::Reader;
use crate::support::terminal::Terminal;

const COLUMNS: u16 = 80;
/// A line that begins so far to the right is what a person has written in a chat.
const OWN_INDENT: usize = 30;

/// A command, and lines that come in this order, other lines between them. Lines behind `> `, and
/// those on the right side of a chat, are typed.
pub(crate) fn check_session(reader: &mut Reader, text: &str) -> Result<(), String> {
    let mut lines = text.lines();
    let first = lines.next().and_then(|line| line.strip_prefix("$ "));
    let command_line = first.ok_or("begin the block with `$ ` and a command")?;
    let command_line = reader.replace_in_command(command_line);
    let mut command = reader.command("/bin/bash");
    command.args(["-c", &format!("exec {command_line}")]).env("NO_COLOR", "1");
    let mut terminal = Terminal::start(command, COLUMNS);
    let prompt = Regex::new("> ").unwrap();
    for line in lines.filter(|line| line.trim() != "…") {
        let indent = line.len() - line.trim_start().len();
        if let Some(typed) = line.strip_prefix("> ").filter(|typed| !typed.is_empty()) {
            terminal.matches(&prompt)?;
            terminal.types(&format!("{typed}\r"));
        } else if indent >= OWN_INDENT {
            terminal.matches(&prompt)?;
            terminal.types(&format!("{}\r", line.trim_start()));
            terminal.matches(&pattern(line))?;
        } else {
            terminal.matches(&pattern(line))?;
        }
    }
    Ok(())
}

/// What matches a line, whatever its times, ports and figures are.
fn pattern(line: &str) -> Regex {
    let mut pattern = regex::escape(line.trim());
    for (variable, any) in [
        (r"\d+(\\\.\d+)? (µs|ms|s)\b", r"[\d.]+ (µs|ms|s)"),
        (r"\\\?step=\S+", r"\?step=\S+"),
        (r"(127\\\.0\\\.0\\\.1|localhost):\d+", r"${1}:\d+"),
        (r"(\\#)+·+", "[#·]+"),
        (r"\d+ calls", r"\d+ calls"),
        (r"\d+ on the line", r"\d+ on the line"),
    ] {
        let variable = Regex::new(variable).unwrap();
        pattern = variable.replace_all(&pattern, any).into_owned();
    }
    Regex::new(&pattern).unwrap()
}
