//! A session: lines are read and done, and what comes of them is shown, until it is over.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{interval, timeout};

use super::commands::{AT_A_PHONE, IN_A_CHAT, Wish, beginnings, hint, wish};
use super::event_lines::{Line, Style, failed, lines};
use super::input::{Got, Input};
use crate::channel::Channel;
use super::terminal::Paper;
use crate::tools::phone::{Act, Awaits, Heard, Phone, Turn};

/// One conversation and whoever holds it.
pub(super) struct Session {
    channel: Channel,
    phone: Phone,
    input: Input,
    paper: Rc<RefCell<Paper>>,
    /// The call is over, whether or not its turn came to an end.
    ended: Rc<Cell<bool>>,
    /// Ctrl-C, where no prompt takes it.
    interrupts: Signal,
    /// Everything that was done.
    pub(super) turns: Vec<Turn>,
    /// The application failed, or a line that was piped in had no effect.
    wrong: bool,
}

/// How a session was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Fine,
    Failed,
    Interrupted,
}

/// Ctrl-C.
struct Interrupted;

/// How long lines are looked for that were piped in and came too late: files and pipes have theirs
/// at once, and nobody waits for a program that has not written yet.
const LEFT_OVER_WITHIN: Duration = Duration::from_millis(250);

impl Session {
    pub(super) fn new(
        channel: Channel,
        phone: Phone,
        input: Input,
        paper: Rc<RefCell<Paper>>,
    ) -> Result<Session, String> {
        let told = |error| format!("the system takes no signal handler: {error}");
        let interrupts = signal(SignalKind::interrupt()).map_err(told)?;
        let ended = Rc::new(Cell::new(false));
        let (shown, over) = (Rc::clone(&paper), Rc::clone(&ended));
        let phone = phone.watched(move |heard| {
            over.set(over.get() || matches!(heard, Heard::Ended(_)));
            let mut paper = shown.borrow_mut();
            lines(channel, heard).iter().for_each(|line| paper.print(line));
        });
        let turns = Vec::new();
        Ok(Session { channel, phone, input, paper, ended, interrupts, turns, wrong: false })
    }

    /// Holds it, to its end.
    pub(super) async fn hold(&mut self) -> Left {
        let talked = self.talk().await;
        let ended = match talked {
            Ok(()) => self.end().await,
            Err(Interrupted) => {
                let _ = self.end().await;
                Err(Interrupted)
            }
        };
        match ended {
            Ok(()) if self.wrong => Left::Failed,
            Ok(()) => Left::Fine,
            Err(Interrupted) => Left::Interrupted,
        }
    }

    /// Until it is over, or somebody ends it.
    async fn talk(&mut self) -> Result<(), Interrupted> {
        if self.channel == Channel::Voice {
            self.turn(None).await?;
        }
        while self.phone.awaits() != Awaits::Nothing {
            let Some(line) = self.line().await? else { return Ok(()) };
            let wish = wish(self.channel, &self.phone.awaits(), &line);
            self.echo(line.trim(), &wish);
            match wish {
                Ok(Wish::Act(act)) => self.turn(Some(act)).await?,
                Ok(Wish::Help) => self.help(),
                Ok(Wish::Quit) => return Ok(()),
                Ok(Wish::Nothing) => {}
                Err(error) => self.refuse(&error),
            }
        }
        Ok(())
    }

    /// Hangs up where nobody has, and tells of lines that came too late.
    async fn end(&mut self) -> Result<(), Interrupted> {
        if self.channel == Channel::Message {
            return Ok(());
        }
        if !self.ended.get() {
            self.print(Style::Typed, "hang up");
            return self.turn(Some(Act::HangUp)).await;
        }
        if !self.paper.borrow().edits() {
            while let Ok(Got::Line(line)) =
                timeout(LEFT_OVER_WITHIN, self.input.line(Vec::new())).await
            {
                if !line.trim().is_empty() {
                    self.print(Style::Typed, &line);
                    self.refuse(&format!("`{line}` has no effect: the call is over"));
                }
            }
        }
        Ok(())
    }

    /// The next line; `None` at the end of them.
    async fn line(&mut self) -> Result<Option<String>, Interrupted> {
        let awaits = self.phone.awaits();
        let help = if self.turns.len() < 2 { "  (help shows all)" } else { "" };
        let help = if self.channel == Channel::Voice { help } else { "" };
        self.paper.borrow_mut().hint(&format!("{}{help}", hint(&awaits)));
        let got = tokio::select! {
            got = self.input.line(beginnings(self.channel, &awaits)) => got,
            _ = self.interrupts.recv() => Got::Interrupted,
        };
        let typed = if let Got::Line(line) = &got { line.as_str() } else { "" };
        self.paper.borrow_mut().wipe_prompt(typed);
        match got {
            Got::Line(line) => Ok(Some(line)),
            Got::End => Ok(None),
            Got::Interrupted => Err(Interrupted),
        }
    }

    /// Shows what was typed, in the words of whoever typed it.
    fn echo(&self, line: &str, wish: &Result<Wish, String>) {
        match wish {
            Ok(Wish::Nothing) => {}
            Ok(Wish::Act(Act::Text { body, media })) if self.channel == Channel::Message => {
                let parts = body.lines().chain(media.iter().map(String::as_str));
                parts.for_each(|part| self.print(Style::Mine, part));
            }
            _ if line.is_empty() => self.print(Style::Typed, "(silence)"),
            _ => self.print(Style::Typed, line),
        }
    }

    /// Does something, and shows what comes of it as it comes.
    async fn turn(&mut self, act: Option<Act>) -> Result<(), Interrupted> {
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
                    _ = self.interrupts.recv() => break Err(Interrupted),
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
            Err(Interrupted) => {
                // What it has noticed so far comes with the hang-up.
                self.turns.push(Turn { act, heard: Vec::new() });
                return Err(Interrupted);
            }
        }
        Ok(())
    }

    fn noted(&mut self, act: Option<Act>, heard: Vec<Heard>) {
        self.wrong |= heard.iter().any(failed);
        let wrote = matches!(act, Some(Act::Text { .. }));
        let answered = heard.iter().any(|heard| matches!(heard, Heard::Message { .. }));
        if self.channel == Channel::Message && !answered {
            self.print(Style::Aside, if wrote { "(no answer)" } else { "(nothing happens)" });
        }
        self.turns.push(Turn { act, heard });
    }

    fn help(&mut self) {
        let table = match self.channel {
            Channel::Voice => AT_A_PHONE.as_slice(),
            Channel::Message => IN_A_CHAT.as_slice(),
        };
        for (typed, does) in table {
            self.print(Style::Aside, &format!("{typed:<16} {does}"));
        }
    }

    /// A line that has no effect. Where it was piped in, the whole of it is not what was meant.
    fn refuse(&mut self, why: &str) {
        self.wrong |= !self.paper.borrow().edits();
        self.print(Style::Error, &format!("error: {why}"));
    }

    fn print(&self, style: Style, text: &str) {
        self.paper.borrow_mut().print(&Line::new(style, text));
    }
}
