//! A session: lines are read and done, and what comes of them is shown, until it is over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{interval, timeout};

use super::commands::{CALL_COMMANDS, CHAT_COMMANDS, SessionCommand, beginnings, hint, wish};
use super::event_lines::{LineStyle, OutputLine, failed, lines};
use super::input::{InputEvent, LineInput};
use super::terminal::TerminalOutput;
use crate::channel::Channel;
use crate::tools::phone::{ExpectedInput, Phone, PhoneAction, PhoneEvent, PhoneTurn};

/// One conversation and whoever holds it.
pub(super) struct InteractiveSession {
    channel: Channel,
    phone: Phone,
    input: LineInput,
    paper: Rc<RefCell<TerminalOutput>>,
    /// The call is over, whether or not its turn came to an end.
    ended: Rc<Cell<bool>>,
    /// Ctrl-C, where no prompt takes it.
    interrupts: Signal,
    /// Everything that was done.
    pub(super) turns: Vec<PhoneTurn>,
    /// The application failed, or a line that was piped in had no effect.
    wrong: bool,
}

/// How a session was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionExit {
    Ok,
    Failed,
    CtrlC,
}

/// Ctrl-C.
struct CtrlC;

/// How long lines are looked for that were piped in and came too late: files and pipes have theirs
/// at once, and nobody waits for a program that has not written yet.
const LEFT_OVER_WITHIN: Duration = Duration::from_millis(250);

impl InteractiveSession {
    pub(super) fn new(
        channel: Channel,
        phone: Phone,
        input: LineInput,
        paper: Rc<RefCell<TerminalOutput>>,
    ) -> Result<InteractiveSession, String> {
        let told = |error| format!("the system takes no signal handler: {error}");
        let interrupts = signal(SignalKind::interrupt()).map_err(told)?;
        let ended = Rc::new(Cell::new(false));
        let (shown, over) = (Rc::clone(&paper), Rc::clone(&ended));
        let phone = phone.watched(move |heard| {
            over.set(over.get() || matches!(heard, PhoneEvent::End(_)));
            let mut paper = shown.borrow_mut();
            lines(channel, heard).iter().for_each(|line| paper.print(line));
        });
        let turns = Vec::new();
        Ok(InteractiveSession {
            channel,
            phone,
            input,
            paper,
            ended,
            interrupts,
            turns,
            wrong: false,
        })
    }

    /// Holds it, to its end.
    pub(super) async fn hold(&mut self) -> SessionExit {
        let talked = self.talk().await;
        let ended = match talked {
            Ok(()) => self.end().await,
            Err(CtrlC) => {
                let _ = self.end().await;
                Err(CtrlC)
            }
        };
        match ended {
            Ok(()) if self.wrong => SessionExit::Failed,
            Ok(()) => SessionExit::Ok,
            Err(CtrlC) => SessionExit::CtrlC,
        }
    }

    /// Until it is over, or somebody ends it.
    async fn talk(&mut self) -> Result<(), CtrlC> {
        if self.channel == Channel::Voice {
            self.turn(None).await?;
        }
        while self.phone.awaits() != ExpectedInput::Nothing {
            let Some(line) = self.line().await? else { return Ok(()) };
            let wish = wish(self.channel, &self.phone.awaits(), &line);
            self.echo(line.trim(), &wish);
            match wish {
                Ok(SessionCommand::Act(act)) => self.turn(Some(act)).await?,
                Ok(SessionCommand::Help) => self.help(),
                Ok(SessionCommand::Quit) => return Ok(()),
                Ok(SessionCommand::Nothing) => {}
                Err(error) => self.refuse(&error),
            }
        }
        Ok(())
    }

    /// Hangs up where nobody has, and tells of lines that came too late.
    async fn end(&mut self) -> Result<(), CtrlC> {
        if self.channel == Channel::Message {
            return Ok(());
        }
        if !self.ended.get() {
            self.print(LineStyle::Typed, "hang up");
            return self.turn(Some(PhoneAction::HangUp)).await;
        }
        if !self.paper.borrow().edits() {
            while let Ok(InputEvent::Line(line)) =
                timeout(LEFT_OVER_WITHIN, self.input.line(Vec::new())).await
            {
                if !line.trim().is_empty() {
                    self.print(LineStyle::Typed, &line);
                    self.refuse(&format!("`{line}` has no effect: the call is over"));
                }
            }
        }
        Ok(())
    }

    /// The next line; `None` at the end of them.
    async fn line(&mut self) -> Result<Option<String>, CtrlC> {
        let awaits = self.phone.awaits();
        let help = if self.turns.len() < 2 { "  (help shows all)" } else { "" };
        let help = if self.channel == Channel::Voice { help } else { "" };
        self.paper.borrow_mut().hint(&format!("{}{help}", hint(&awaits)));
        let got = tokio::select! {
            got = self.input.line(beginnings(self.channel, &awaits)) => got,
            _ = self.interrupts.recv() => InputEvent::CtrlC,
        };
        let typed = if let InputEvent::Line(line) = &got { line.as_str() } else { "" };
        self.paper.borrow_mut().wipe_prompt(typed);
        match got {
            InputEvent::Line(line) => Ok(Some(line)),
            InputEvent::End => Ok(None),
            InputEvent::CtrlC => Err(CtrlC),
        }
    }

    /// Shows what was typed, in the words of whoever typed it.
    fn echo(&self, line: &str, wish: &Result<SessionCommand, String>) {
        match wish {
            Ok(SessionCommand::Nothing) => {}
            Ok(SessionCommand::Act(PhoneAction::Text { body, media }))
                if self.channel == Channel::Message =>
            {
                let parts = body.lines().chain(media.iter().map(String::as_str));
                parts.for_each(|part| self.print(LineStyle::Outgoing, part));
            }
            _ if line.is_empty() => self.print(LineStyle::Typed, "(silence)"),
            _ => self.print(LineStyle::Typed, line),
        }
    }

    /// Does something, and shows what comes of it as it comes.
    async fn turn(&mut self, act: Option<PhoneAction>) -> Result<(), CtrlC> {
        let done = {
            let doing = async {
                match &act {
                    Some(act) => self.phone.act(act).await,
                    None => Ok(self.phone.begin().await),
                }
            };
            tokio::pin!(doing);
            let mut seconds = interval(Duration::from_secs(1));
            let mut passed = 0;
            loop {
                tokio::select! {
                    done = &mut doing => break Ok(done),
                    _ = self.interrupts.recv() => break Err(CtrlC),
                    _ = seconds.tick() => {
                        if passed > 0 {
                            self.paper.borrow_mut().tick(passed);
                        }
                        passed += 1;
                    }
                }
            }
        };
        self.paper.borrow_mut().wipe();
        match done {
            Ok(Ok(heard)) => self.noted(act, heard),
            Ok(Err(error)) => self.refuse(&error.to_string()),
            Err(CtrlC) => {
                // What it has noticed so far comes with the hang-up.
                self.turns.push(PhoneTurn { act, heard: Vec::new() });
                return Err(CtrlC);
            }
        }
        Ok(())
    }

    fn noted(&mut self, act: Option<PhoneAction>, heard: Vec<PhoneEvent>) {
        self.wrong |= heard.iter().any(failed);
        let wrote = matches!(act, Some(PhoneAction::Text { .. }));
        let answered = heard.iter().any(|heard| matches!(heard, PhoneEvent::Message { .. }));
        if self.channel == Channel::Message && !answered {
            self.print(LineStyle::Note, if wrote { "(no answer)" } else { "(nothing happens)" });
        }
        self.turns.push(PhoneTurn { act, heard });
    }

    fn help(&mut self) {
        let table = match self.channel {
            Channel::Voice => CALL_COMMANDS.as_slice(),
            Channel::Message => CHAT_COMMANDS.as_slice(),
        };
        for (typed, does) in table {
            self.print(LineStyle::Note, &format!("{typed:<16} {does}"));
        }
    }

    /// A line that has no effect. Where it was piped in, the whole of it is not what was meant.
    fn refuse(&mut self, why: &str) {
        self.wrong |= !self.paper.borrow().edits();
        self.print(LineStyle::Error, &format!("error: {why}"));
    }

    fn print(&self, style: LineStyle, text: &str) {
        self.paper.borrow_mut().print(&OutputLine::new(style, text));
    }
}
