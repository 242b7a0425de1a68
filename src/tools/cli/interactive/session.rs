//! The loop of a session: reads a line, performs its command, shows the events, until the end.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{interval, timeout};

use super::commands::{
    CALL_COMMANDS, CHAT_COMMANDS, SessionCommand, completions, hint, parse_command,
};
use super::event_lines::{LineStyle, OutputLine, event_lines, is_failure, is_refused};
use super::input::{InputEvent, LineInput};
use super::terminal::TerminalOutput;
use crate::channel::Channel;
use crate::tools::phone::{ExpectedInput, Phone, PhoneAction, PhoneEvent, PhoneTurn};

/// One session with its conversation.
pub(super) struct InteractiveSession {
    channel: Channel,
    phone: Phone,
    input: LineInput,
    terminal: Rc<RefCell<TerminalOutput>>,
    /// Whether the call is over, even if its turn was interrupted.
    is_over: Rc<Cell<bool>>,
    /// Ctrl-C outside of a prompt.
    interrupts: Signal,
    /// All turns so far.
    pub(super) turns: Vec<PhoneTurn>,
    /// Whether the application failed, or a piped line had no effect.
    has_failed: bool,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionExit {
    Ok,
    Failed,
    Interrupted,
}

/// The error for Ctrl-C.
struct CtrlC;

/// The wait for piped lines after the end of the call. Files and pipes have theirs at once; a
/// program that has not written by then would delay the exit.
const LATE_LINES_WITHIN: Duration = Duration::from_millis(250);

impl InteractiveSession {
    pub(super) fn new(
        channel: Channel,
        phone: Phone,
        input: LineInput,
        terminal: Rc<RefCell<TerminalOutput>>,
        refusal_advice: String,
    ) -> Result<InteractiveSession, String> {
        let message = |error| format!("the system takes no signal handler: {error}");
        let interrupts = signal(SignalKind::interrupt()).map_err(message)?;
        let is_over = Rc::new(Cell::new(false));
        let (output, over) = (Rc::clone(&terminal), Rc::clone(&is_over));
        let mut advice = Some(refusal_advice);
        let phone = phone.with_observer(move |event| {
            over.set(over.get() || matches!(event, PhoneEvent::End(_)));
            let mut output = output.borrow_mut();
            event_lines(channel, event).iter().for_each(|line| output.print(line));
            // Once: each further webhook is refused for the same reason.
            if let Some(advice) = advice.take_if(|_| is_refused(event)) {
                output.print(&OutputLine::new(LineStyle::Note, format!("403: {advice}")));
            }
        });
        Ok(InteractiveSession {
            channel,
            phone,
            input,
            terminal,
            is_over,
            interrupts,
            turns: Vec::new(),
            has_failed: false,
        })
    }

    /// Runs the session to its end.
    pub(super) async fn run(&mut self) -> SessionExit {
        let result = match self.converse().await {
            Ok(()) => self.end().await,
            Err(CtrlC) => {
                // The application still gets its callbacks; a second Ctrl-C cancels them.
                let _ = self.end().await;
                Err(CtrlC)
            }
        };
        match result {
            Ok(()) if self.has_failed => SessionExit::Failed,
            Ok(()) => SessionExit::Ok,
            Err(CtrlC) => SessionExit::Interrupted,
        }
    }

    /// Performs commands until the conversation or the input ends.
    async fn converse(&mut self) -> Result<(), CtrlC> {
        if self.channel == Channel::Voice {
            self.run_turn(None).await?;
        }
        while self.phone.expected_input() != ExpectedInput::Nothing {
            let Some(line) = self.read_line().await? else { return Ok(()) };
            // By the input that is expected now: `busy` is an outcome only after a `Dial`.
            let command = parse_command(self.channel, &self.phone.expected_input(), &line);
            self.echo(line.trim(), &command);
            match command {
                Ok(SessionCommand::Act(action)) => self.run_turn(Some(action)).await?,
                Ok(SessionCommand::Help) => self.print_help(),
                Ok(SessionCommand::Quit) => return Ok(()),
                Ok(SessionCommand::Nothing) => {}
                Err(error) => self.print_error(&error),
            }
        }
        Ok(())
    }

    /// Hangs up if the call is still connected, and reports piped lines that came too late.
    async fn end(&mut self) -> Result<(), CtrlC> {
        if self.channel == Channel::Message {
            return Ok(());
        }
        if !self.is_over.get() {
            self.print(LineStyle::Typed, "hang up");
            return self.run_turn(Some(PhoneAction::HangUp)).await;
        }
        if !self.terminal.borrow().is_interactive() {
            while let Ok(InputEvent::Line(line)) =
                timeout(LATE_LINES_WITHIN, self.input.next_line(Vec::new())).await
            {
                if !line.trim().is_empty() {
                    self.print(LineStyle::Typed, &line);
                    self.print_error(&format!("`{line}` has no effect: the call is over"));
                }
            }
        }
        Ok(())
    }

    /// The next line; `None` at the end of the input.
    async fn read_line(&mut self) -> Result<Option<String>, CtrlC> {
        let expected = self.phone.expected_input();
        // At the first prompts only; later it would hide the hint.
        let help = if self.turns.len() < 2 { "  (help shows all)" } else { "" };
        let help = if self.channel == Channel::Voice { help } else { "" };
        self.terminal.borrow_mut().print_hint(&format!("{}{help}", hint(&expected)));
        let event = tokio::select! {
            event = self.input.next_line(completions(self.channel, &expected)) => event,
            _ = self.interrupts.recv() => InputEvent::CtrlC,
        };
        let typed = if let InputEvent::Line(line) = &event { line.as_str() } else { "" };
        self.terminal.borrow_mut().clear_prompt(typed);
        match event {
            InputEvent::Line(line) => Ok(Some(line)),
            InputEvent::End => Ok(None),
            InputEvent::CtrlC => Err(CtrlC),
        }
    }

    /// Shows the typed line as part of the conversation.
    fn echo(&self, line: &str, command: &Result<SessionCommand, String>) {
        match command {
            Ok(SessionCommand::Nothing) => {}
            Ok(SessionCommand::Act(PhoneAction::Text { body, media }))
                if self.channel == Channel::Message =>
            {
                let parts = body.lines().chain(media.iter().map(String::as_str));
                parts.for_each(|part| self.print(LineStyle::Outgoing, part));
            }
            // An empty line is an action, and has to be seen in a transcript.
            _ if line.is_empty() => self.print(LineStyle::Typed, "(silence)"),
            _ => self.print(LineStyle::Typed, line),
        }
    }

    /// Performs an action, or dials without one. The observer shows the events as they happen.
    async fn run_turn(&mut self, action: Option<PhoneAction>) -> Result<(), CtrlC> {
        let result = {
            let turn = async {
                match &action {
                    Some(action) => self.phone.perform(action).await,
                    None => Ok(self.phone.begin().await),
                }
            };
            tokio::pin!(turn);
            let mut seconds = interval(Duration::from_secs(1));
            let mut passed = 0;
            loop {
                tokio::select! {
                    result = &mut turn => break Ok(result),
                    _ = self.interrupts.recv() => break Err(CtrlC),
                    _ = seconds.tick() => {
                        // The first tick of an interval comes at once.
                        if passed > 0 {
                            self.terminal.borrow_mut().print_elapsed(passed);
                        }
                        passed += 1;
                    }
                }
            }
        };
        self.terminal.borrow_mut().clear_elapsed();
        match result {
            Ok(Ok(events)) => self.push_turn(action, events),
            Ok(Err(error)) => self.print_error(&error.to_string()),
            Err(CtrlC) => {
                // A turn of its own, so that a recording has the interrupted action.
                // The hang-up that follows also returns the events of this turn.
                self.turns.push(PhoneTurn { action, events: Vec::new() });
                return Err(CtrlC);
            }
        }
        Ok(())
    }

    fn push_turn(&mut self, action: Option<PhoneAction>, events: Vec<PhoneEvent>) {
        self.has_failed |= events.iter().any(is_failure);
        let is_message = matches!(action, Some(PhoneAction::Text { .. }));
        let has_reply = events.iter().any(|event| matches!(event, PhoneEvent::Message { .. }));
        if self.channel == Channel::Message && !has_reply {
            let note = if is_message { "(no answer)" } else { "(nothing happens)" };
            self.print(LineStyle::Note, note);
        }
        self.turns.push(PhoneTurn { action, events });
    }

    fn print_help(&mut self) {
        let commands = match self.channel {
            Channel::Voice => CALL_COMMANDS.as_slice(),
            Channel::Message => CHAT_COMMANDS.as_slice(),
        };
        for (typed, effect) in commands {
            self.print(LineStyle::Note, &format!("{typed:<16} {effect}"));
        }
    }

    /// Reports a line that has no effect. In a piped session that is a failure: the lines after it
    /// were written for another conversation.
    fn print_error(&mut self, message: &str) {
        self.has_failed |= !self.terminal.borrow().is_interactive();
        self.print(LineStyle::Error, &format!("error: {message}"));
    }

    fn print(&self, style: LineStyle, text: &str) {
        self.terminal.borrow_mut().print(&OutputLine::new(style, text));
    }
}
