//! The output of a session: to a terminal, into a pipe, and into a transcript.

use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use super::event_lines::{LineStyle, OutputLine};
use crate::channel::Channel;
use crate::diagnostics::shorten::shorten_middle;
use crate::tools::text::{
    BOLD, CYAN, DIM, RED, TextColours, YELLOW, columns, fold, replace_control_chars,
};

/// Standard output and the transcript.
pub(super) struct TerminalOutput {
    channel: Channel,
    features: TerminalFeatures,
    transcript: Option<File>,
    /// Whether the last line is a counter of seconds, which the next output replaces.
    shows_elapsed: bool,
}

/// The abilities of standard output.
#[derive(Clone, Copy)]
struct TerminalFeatures {
    /// The cursor can be moved: it is a terminal.
    has_cursor: bool,
    colours: TextColours,
    /// Lines are typed at it too.
    is_interactive: bool,
}

/// Columns of a terminal that does not report them.
const COLUMNS: usize = 80;

/// The longest lines that are comfortable to read.
const COLUMNS_MAX: usize = 110;

/// The fewest columns with which a chat has two sides.
const COLUMNS_OF_TWO_SIDES: usize = 60;

/// The text before the cursor.
pub(super) const PROMPT: &str = "> ";

impl TerminalOutput {
    /// Opens standard output, and creates the file for the transcript.
    ///
    /// # Errors
    /// If the file cannot be created.
    pub(super) fn new(
        channel: Channel,
        transcript: Option<&Path>,
    ) -> Result<TerminalOutput, String> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        // Without `TERM` the escape sequences of the terminal are unknown.
        let is_dumb = variable("TERM").is_none_or(|term| term == "dumb");
        let has_cursor = std::io::stdout().is_terminal() && !is_dumb;
        let features = TerminalFeatures {
            has_cursor,
            colours: TextColours(has_cursor && variable("NO_COLOR").is_none()),
            is_interactive: has_cursor && std::io::stdin().is_terminal(),
        };
        let transcript = transcript.map(|path| {
            let message = |error| format!("cannot write `{}`: {error}", path.display());
            File::create(path).map_err(message)
        });
        let transcript = transcript.transpose()?;
        Ok(TerminalOutput { channel, features, transcript, shows_elapsed: false })
    }

    /// Whether lines are typed at a prompt.
    pub(super) fn is_interactive(&self) -> bool {
        self.features.is_interactive
    }

    /// Writes a line.
    pub(super) fn print(&mut self, line: &OutputLine) {
        self.clear_elapsed();
        let plain =
            LineRenderer { columns: None, colours: TextColours(false), channel: self.channel };
        let text = if self.features.has_cursor {
            self.renderer().render(line)
        } else {
            plain.render(line)
        };
        // The transcript has the plain lines, whatever the terminal shows.
        out!("{text}");
        if let Some(file) = &mut self.transcript
            && let Err(error) = file.write_all(plain.render(line).as_bytes())
        {
            // The conversation is worth more than its transcript.
            errln!("warning: the transcript ends here: {error}");
            self.transcript = None;
        }
    }

    /// Writes a hint above the prompt. It is cleared with the prompt.
    pub(super) fn print_hint(&mut self, hint: &str) {
        if self.features.is_interactive {
            self.clear_elapsed();
            let renderer = self.renderer();
            let most = renderer.width().saturating_sub(2);
            let hint = shorten_middle(&replace_control_chars(hint), most);
            out!("{}\n", renderer.colours.paint(DIM, &hint));
        }
    }

    /// Clears the hint and the prompt with the typed line. Each is one row, unless it was too long.
    pub(super) fn clear_prompt(&mut self, typed: &str) {
        if self.features.is_interactive {
            let rows = (columns(PROMPT) + columns(typed)) / terminal_columns() + 1;
            out!("\x1b[{}A\r\x1b[J", rows + 1);
        }
    }

    /// Shows that a turn takes its time.
    pub(super) fn print_elapsed(&mut self, seconds: u64) {
        if self.features.has_cursor {
            let counter = self.features.colours.paint(DIM, &format!("… {seconds} s"));
            out!("\r\x1b[K{counter}");
            self.shows_elapsed = true;
        }
    }

    /// Clears the counter of seconds.
    pub(super) fn clear_elapsed(&mut self) {
        if std::mem::take(&mut self.shows_elapsed) {
            out!("\r\x1b[K");
        }
    }

    fn renderer(&self) -> LineRenderer {
        let columns = Some(terminal_columns().min(COLUMNS_MAX));
        LineRenderer { columns, colours: self.features.colours, channel: self.channel }
    }
}

/// The columns of the terminal now: its window may have been resized.
fn terminal_columns() -> usize {
    terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0).max(1))
}

/// Lays lines out.
struct LineRenderer {
    /// `None`: lines are not folded.
    columns: Option<usize>,
    colours: TextColours,
    channel: Channel,
}

impl LineRenderer {
    fn width(&self) -> usize {
        self.columns.unwrap_or(COLUMNS)
    }

    /// A line with its indentation, colours and line ends.
    fn render(&self, line: &OutputLine) -> String {
        let has_sides = self.channel == Channel::Message
            && self.columns.is_some_and(|columns| columns >= COLUMNS_OF_TWO_SIDES);
        let prefix = match line.style {
            LineStyle::Title => "",
            LineStyle::Outgoing | LineStyle::Typed => PROMPT,
            LineStyle::Incoming if !has_sides => "< ",
            LineStyle::Note => "      ",
            LineStyle::Speech | LineStyle::Incoming | LineStyle::Warning | LineStyle::Error => "  ",
        };
        let text = replace_control_chars(&line.text);
        // Two thirds, so that the two sides of a chat look different.
        let most = match line.style {
            LineStyle::Outgoing | LineStyle::Incoming if has_sides => self.width() * 2 / 3,
            _ => self.width().saturating_sub(columns(prefix)),
        };
        let rows = if self.columns.is_some() { fold(&text, most) } else { vec![text] };
        // A folded text has at least one row, even if it is empty.
        let last = rows.len() - 1;
        let render_row = |(number, text): (usize, String)| {
            let note = if number == last && !line.note.is_empty() {
                let note = format!("  ({})", replace_control_chars(&line.note));
                self.colours.paint(DIM, &note)
            } else {
                String::new()
            };
            let prefix = match (line.style, has_sides) {
                (LineStyle::Outgoing, true) => {
                    " ".repeat(self.width().saturating_sub(columns(&text)))
                }
                _ if number == 0 => prefix.to_owned(),
                _ => " ".repeat(columns(prefix)),
            };
            format!("{prefix}{}{note}\n", self.colours.paint(colour(line.style), &text))
        };
        rows.into_iter().enumerate().map(render_row).collect()
    }
}

fn colour(style: LineStyle) -> &'static str {
    match style {
        LineStyle::Title => BOLD,
        LineStyle::Speech | LineStyle::Incoming => "",
        LineStyle::Outgoing | LineStyle::Typed => CYAN,
        LineStyle::Note => DIM,
        LineStyle::Warning => YELLOW,
        LineStyle::Error => RED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(channel: Channel, columns: Option<usize>, style: LineStyle, text: &str) -> String {
        let line = OutputLine { note: "de".to_owned(), ..OutputLine::new(style, text) };
        LineRenderer { columns, colours: TextColours(false), channel }.render(&line)
    }

    #[test]
    fn a_pipe_has_a_line_for_each_line() {
        let long = "word ".repeat(40);
        let speech = render(Channel::Voice, None, LineStyle::Speech, long.trim());
        assert_eq!(speech, format!("  {}  (de)\n", long.trim()));
        assert_eq!(render(Channel::Message, None, LineStyle::Incoming, "Hi"), "< Hi  (de)\n");
        assert_eq!(render(Channel::Message, None, LineStyle::Outgoing, "Ho"), "> Ho  (de)\n");
    }

    #[test]
    fn a_terminal_folds_and_a_chat_has_two_sides_if_it_is_wide_enough() {
        assert_eq!(
            render(Channel::Voice, Some(9), LineStyle::Speech, "Hello you"),
            "  Hello\n  you  (de)\n"
        );
        let outgoing = render(Channel::Message, Some(60), LineStyle::Outgoing, "Ho");
        assert_eq!(outgoing, format!("{}Ho  (de)\n", " ".repeat(58)));
        assert_eq!(render(Channel::Message, Some(60), LineStyle::Incoming, "Hi"), "  Hi  (de)\n");
        assert_eq!(render(Channel::Message, Some(59), LineStyle::Incoming, "Hi"), "< Hi  (de)\n");
        assert_eq!(
            render(Channel::Message, Some(60), LineStyle::Typed, "/wait"),
            "> /wait  (de)\n"
        );
    }
}
