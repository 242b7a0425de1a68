//! What is typed, or piped in: read on a thread of its own, so that a call goes on meanwhile.

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

/// Lines, one for each time that one is asked for.
pub(super) struct LineInput {
    asks: mpsc::Sender<Completions>,
    lines: UnboundedReceiver<InputEvent>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InputEvent {
    Line(String),
    /// Ctrl-D, or the end of what is piped in.
    End,
    /// Ctrl-C at a prompt.
    CtrlC,
}

/// What a line may begin with.
type Completions = Vec<&'static str>;

/// Completes the beginning of a line.
struct LineCompleter(Completions);

impl LineInput {
    /// Standard input: with a prompt where lines are edited.
    pub(super) fn new(edits: bool) -> LineInput {
        let (asks, asked) = mpsc::channel();
        let (answers, lines) = unbounded_channel();
        std::thread::spawn(move || match editor().filter(|_| edits) {
            Some(editor) => edited(editor, &asked, &answers),
            None => piped(&asked, &answers),
        });
        LineInput { asks, lines }
    }

    /// The next line. Dropping the future loses none: the line comes the next time.
    pub(super) async fn line(&mut self, beginnings: Completions) -> InputEvent {
        // The thread ends with its input, and then there is no more of it.
        let _ = self.asks.send(beginnings);
        self.lines.recv().await.unwrap_or(InputEvent::End)
    }
}

fn editor() -> Option<Editor<LineCompleter, MemHistory>> {
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true);
    let mut editor = Editor::with_history(config.build(), MemHistory::new()).ok()?;
    editor.set_helper(Some(LineCompleter(Vec::new())));
    Some(editor)
}

fn edited(
    mut editor: Editor<LineCompleter, MemHistory>,
    asked: &mpsc::Receiver<Completions>,
    answers: &UnboundedSender<InputEvent>,
) {
    // With a printer, the editor also notices signals that another thread got: a Ctrl-C that was
    // not typed (`kill -INT`), and another size of the terminal.
    let _printer = editor.create_external_printer();
    while let Ok(beginnings) = asked.recv() {
        if let Some(words) = editor.helper_mut() {
            words.0 = beginnings;
        }
        let got = match editor.readline(PROMPT) {
            Ok(line) => InputEvent::Line(line),
            Err(ReadlineError::Interrupted) => InputEvent::CtrlC,
            // What cannot be read any more has ended.
            Err(_) => InputEvent::End,
        };
        if answers.send(got).is_err() {
            return;
        }
    }
}

fn piped(asked: &mpsc::Receiver<Completions>, answers: &UnboundedSender<InputEvent>) {
    let mut input = BufReader::new(std::io::stdin());
    while asked.recv().is_ok() {
        let mut line = Vec::new();
        // No webhook could carry a longer line.
        let most = WEBHOOK_BODY_BYTES_MAX as u64;
        let got = match input.by_ref().take(most).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => InputEvent::End,
            Ok(_) => InputEvent::Line(
                String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned(),
            ),
        };
        let ended = got == InputEvent::End;
        if answers.send(got).is_err() || ended {
            return;
        }
    }
}

// === impl Words ===

impl Completer for LineCompleter {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = &line[..cursor];
        let fit = self.0.iter().filter(|word| word.starts_with(typed));
        Ok((0, fit.map(|word| (*word).to_owned()).collect()))
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
        let words = LineCompleter(vec!["busy", "hang up", "help"]);
        let history = MemHistory::new();
        let completed = |line: &str| {
            let context = Context::new(&history);
            words.complete(line, line.len(), &context).unwrap().1
        };
        assert_eq!(completed("h"), ["hang up", "help"]);
        assert_eq!(completed("hang "), ["hang up"]);
        assert!(completed("say h").is_empty());
    }
}
