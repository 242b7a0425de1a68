//! Where a conversation is written: on a terminal, into a pipe, and into a transcript.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use super::event_lines::{LineStyle, OutputLine};
use super::fold::{columns, fold, tame};
use crate::channel::Channel;
use crate::diagnostics::shorten::shorten_middle;

/// What lines are written on.
pub(super) struct TerminalOutput {
    channel: Channel,
    terminal: TerminalFeatures,
    transcript: Option<File>,
    /// The last line says how long something takes, and is not to stay.
    ticking: bool,
}

/// What standard output can do.
#[derive(Clone, Copy)]
struct TerminalFeatures {
    /// The cursor can be moved: it is a terminal.
    moves: bool,
    colours: bool,
    /// Lines are typed at it too.
    edits: bool,
}

/// Columns, where nobody says how many there are.
const COLUMNS: usize = 80;

/// Longer lines than this are hard to read.
const COLUMNS_MAX: usize = 110;

/// With fewer, a chat has no two sides.
const COLUMNS_OF_SIDES: usize = 60;

/// What stands before a line that is being typed.
pub(super) const PROMPT: &str = "> ";

impl TerminalOutput {
    /// Standard output, and a new file for the transcript.
    pub(super) fn new(
        channel: Channel,
        transcript: Option<&Path>,
    ) -> Result<TerminalOutput, String> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        let moves = std::io::stdout().is_terminal() && !dumb;
        let terminal = TerminalFeatures {
            moves,
            colours: moves && set("NO_COLOR").is_none(),
            edits: moves && std::io::stdin().is_terminal(),
        };
        let transcript = transcript.map(|path| {
            let failed = |error| format!("cannot write `{}`: {error}", path.display());
            File::create(path).map_err(failed)
        });
        Ok(TerminalOutput {
            channel,
            terminal,
            transcript: transcript.transpose()?,
            ticking: false,
        })
    }

    /// Whether lines are typed, and can be edited.
    pub(super) fn edits(&self) -> bool {
        self.terminal.edits
    }

    /// Writes a line.
    pub(super) fn print(&mut self, line: &OutputLine) {
        self.wipe();
        let plain = LineRenderer { columns: None, colours: false, channel: self.channel };
        let shown = match self.terminal.moves {
            true => self.face().drawn(line),
            false => plain.drawn(line),
        };
        put(&shown.concat());
        if let Some(file) = &mut self.transcript
            && let Err(error) = file.write_all(plain.drawn(line).concat().as_bytes())
        {
            eprintln!("warning: the transcript ends here: {error}");
            self.transcript = None;
        }
    }

    /// Says before a prompt what can be done. It is wiped away with the prompt.
    pub(super) fn hint(&mut self, hint: &str) {
        if self.terminal.edits {
            self.wipe();
            let face = self.face();
            let hint = shorten_middle(&tame(hint), face.width().saturating_sub(2));
            put(&format!("{}\n", face.painted("2", &hint)));
        }
    }

    /// Wipes away a hint, and the prompt with what was typed there; both are one line each, but
    /// for what was long.
    pub(super) fn wipe_prompt(&mut self, typed: &str) {
        if self.terminal.edits {
            let width = screen();
            let rows = (columns(PROMPT) + columns(typed)) / width + 1;
            put(&format!("\x1b[{}A\r\x1b[J", rows + 1));
        }
    }

    /// Says that something takes its time.
    pub(super) fn tick(&mut self, seconds: u64) {
        if self.terminal.moves {
            let told = self.face().painted("2", &format!("… {seconds} s"));
            put(&format!("\r\x1b[K{told}"));
            self.ticking = true;
        }
    }

    /// Wipes away what was only for the moment.
    pub(super) fn wipe(&mut self) {
        if std::mem::take(&mut self.ticking) {
            put("\r\x1b[K");
        }
    }

    fn face(&self) -> LineRenderer {
        let columns = Some(screen().min(COLUMNS_MAX));
        LineRenderer { columns, colours: self.terminal.colours, channel: self.channel }
    }
}

/// A reader who has gone, as `head` does, misses what is written then.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Columns of the terminal.
fn screen() -> usize {
    terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0).max(1))
}

/// How lines look.
struct LineRenderer {
    /// `None`: nothing is folded.
    columns: Option<usize>,
    colours: bool,
    channel: Channel,
}

impl LineRenderer {
    fn width(&self) -> usize {
        self.columns.unwrap_or(COLUMNS)
    }

    /// A line as it is written, with the ends of its lines.
    fn drawn(&self, line: &OutputLine) -> Vec<String> {
        let sides = self.channel == Channel::Message
            && self.columns.is_some_and(|columns| columns >= COLUMNS_OF_SIDES);
        let before = match line.style {
            LineStyle::Title => "",
            LineStyle::Outgoing | LineStyle::Typed => PROMPT,
            LineStyle::Incoming if !sides => "< ",
            LineStyle::Note => "      ",
            LineStyle::Speech | LineStyle::Incoming | LineStyle::Warning | LineStyle::Error => "  ",
        };
        let text = tame(&line.text);
        let most = match line.style {
            LineStyle::Outgoing | LineStyle::Incoming if sides => self.width() * 2 / 3,
            _ => self.width().saturating_sub(columns(before)),
        };
        let folded = if self.columns.is_some() { fold(&text, most) } else { vec![text] };
        let last = folded.len() - 1;
        let line_of = |(at, text): (usize, String)| {
            let aside = match at == last && !line.aside.is_empty() {
                true => self.painted("2", &format!("  ({})", tame(&line.aside))),
                false => String::new(),
            };
            let before = match (line.style, sides) {
                (LineStyle::Outgoing, true) => {
                    " ".repeat(self.width().saturating_sub(columns(&text)))
                }
                _ if at == 0 => before.to_owned(),
                _ => " ".repeat(columns(before)),
            };
            format!("{before}{}{aside}\n", self.painted(colour(line.style), &text))
        };
        folded.into_iter().enumerate().map(line_of).collect()
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.colours && !colour.is_empty() {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// The number that terminals have for it.
fn colour(style: LineStyle) -> &'static str {
    match style {
        LineStyle::Title => "1",
        LineStyle::Speech | LineStyle::Incoming => "",
        LineStyle::Outgoing | LineStyle::Typed => "36",
        LineStyle::Note => "2",
        LineStyle::Warning => "33",
        LineStyle::Error => "31",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(channel: Channel, columns: Option<usize>, style: LineStyle, text: &str) -> String {
        let line = OutputLine { aside: "de".to_owned(), ..OutputLine::new(style, text) };
        LineRenderer { columns, colours: false, channel }.drawn(&line).concat()
    }

    #[test]
    fn a_pipe_has_a_line_for_each_line() {
        let long = "word ".repeat(40);
        let said = drawn(Channel::Voice, None, LineStyle::Speech, long.trim());
        assert_eq!(said, format!("  {}  (de)\n", long.trim()));
        assert_eq!(drawn(Channel::Message, None, LineStyle::Incoming, "Hi"), "< Hi  (de)\n");
        assert_eq!(drawn(Channel::Message, None, LineStyle::Outgoing, "Ho"), "> Ho  (de)\n");
    }

    #[test]
    fn a_terminal_folds_and_a_chat_has_two_sides_where_there_is_room() {
        assert_eq!(
            drawn(Channel::Voice, Some(9), LineStyle::Speech, "Hello you"),
            "  Hello\n  you  (de)\n"
        );
        let mine = drawn(Channel::Message, Some(60), LineStyle::Outgoing, "Ho");
        assert_eq!(mine, format!("{}Ho  (de)\n", " ".repeat(58)));
        assert_eq!(drawn(Channel::Message, Some(60), LineStyle::Incoming, "Hi"), "  Hi  (de)\n");
        assert_eq!(drawn(Channel::Message, Some(59), LineStyle::Incoming, "Hi"), "< Hi  (de)\n");
        assert_eq!(drawn(Channel::Message, Some(60), LineStyle::Typed, "/wait"), "> /wait  (de)\n");
    }
}
