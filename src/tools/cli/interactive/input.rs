//! The typed or piped lines. A thread of its own reads them, so that a call continues meanwhile.

use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::mpsc;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::terminal::PROMPT;
use crate::limits::WEBHOOK_BODY_BYTES_MAX;

/// The lines of standard input. A line is read only on request: the prompt must not appear while a
/// turn runs.
pub(super) struct LineInput {
    requests: mpsc::Sender<Completions>,
    lines: UnboundedReceiver<InputEvent>,
}

/// The result of reading a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputEvent {
    Line(String),
    /// Ctrl-D, or the end of the piped lines.
    End,
    /// Ctrl-C at a prompt.
    CtrlC,
}

/// The possible beginnings of a line.
type Completions = Vec<&'static str>;

/// Completes the beginning of a line.
struct LineCompleter(Completions);

impl LineInput {
    /// Starts reading standard input; with a prompt and an editor if it is interactive.
    pub(super) fn new(is_interactive: bool) -> LineInput {
        let (requests, receiver) = mpsc::channel();
        let (sender, lines) = unbounded_channel();
        std::thread::spawn(move || match new_editor().filter(|_| is_interactive) {
            Some(editor) => edit_lines(editor, &receiver, &sender),
            None => read_lines(&receiver, &sender),
        });
        LineInput { requests, lines }
    }

    /// The next line. Cancel-safe: after a drop, the next call returns the line.
    pub(super) async fn next_line(&mut self, completions: Completions) -> InputEvent {
        // An error means that the thread has reached the end of the input.
        let _ = self.requests.send(completions);
        self.lines.recv().await.unwrap_or(InputEvent::End)
    }
}

fn new_editor() -> Option<Editor<LineCompleter, MemHistory>> {
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
    let mut editor = Editor::with_history(config.build(), MemHistory::new()).ok()?;
    editor.set_helper(Some(LineCompleter(Vec::new())));
    Some(editor)
}

fn edit_lines(
    mut editor: Editor<LineCompleter, MemHistory>,
    requests: &mpsc::Receiver<Completions>,
    lines: &UnboundedSender<InputEvent>,
) {
    // With a printer, the editor also notices signals that another thread got: an interrupt that
    // was not typed (`kill -INT`), and a resized window.
    let _printer = editor.create_external_printer();
    while let Ok(completions) = requests.recv() {
        if let Some(completer) = editor.helper_mut() {
            completer.0 = completions;
        }
        let event = match editor.readline(PROMPT) {
            Ok(line) => InputEvent::Line(line),
            Err(ReadlineError::Interrupted) => InputEvent::CtrlC,
            // A terminal that fails once does not recover.
            Err(_) => InputEvent::End,
        };
        if lines.send(event).is_err() {
            return;
        }
    }
}

fn read_lines(requests: &mpsc::Receiver<Completions>, lines: &UnboundedSender<InputEvent>) {
    let mut input = BufReader::new(std::io::stdin());
    while requests.recv().is_ok() {
        let mut line = Vec::new();
        // No webhook could carry a longer line.
        let most = WEBHOOK_BODY_BYTES_MAX as u64;
        let event = match input.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => InputEvent::End,
            Ok(_) => InputEvent::Line(
                String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned(),
            ),
        };
        let is_end = event == InputEvent::End;
        if lines.send(event).is_err() || is_end {
            return;
        }
    }
}

// === impl LineCompleter ===

impl Completer for LineCompleter {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..cursor];
        let matching = self.0.iter().filter(|word| word.starts_with(typed));
        Ok((0, matching.map(|word| (*word).to_owned()).collect()))
    }
}

impl Hinter for LineCompleter {
    type Hint = String;
}

impl Highlighter for LineCompleter {}

impl Validator for LineCompleter {}

impl Helper for LineCompleter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_line_is_completed() {
        let completer = LineCompleter(vec!["busy", "hang up", "help"]);
        let history = MemHistory::new();
        let complete = |line: &str| {
            let context = Context::new(&history);
            completer.complete(line, line.len(), &context).unwrap().1
        };
        assert_eq!(complete("h"), ["hang up", "help"]);
        assert_eq!(complete("hang "), ["hang up"]);
        assert!(complete("say h").is_empty());
    }
}
