//! What `phone` and `text` share: their options, and a session from its first line to its end.

mod fold;
mod input;
mod terminal;
mod session;
mod event_lines;
mod recorder;
mod target;
mod commands;

use std::cell::RefCell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use actix_web::http::Method;

use super::ConfigArgs;
use super::request;
use crate::channel::Channel;
use crate::secret::Secret;
use input::LineInput;
use recorder::SessionRecorder;
use session::{InteractiveSession, SessionExit};
use target::SessionTarget;
use terminal::TerminalOutput;

/// Who calls or writes, and where.
#[derive(Debug, clap::Args)]
pub(super) struct InteractiveArgs {
    /// The application: a URL, or a ROUTE of the configuration, which begins with `/`.
    #[arg(value_name = "URL|ROUTE")]
    target: String,
    #[command(flatten)]
    config: ConfigArgs,
    /// Who calls or writes: a number, or an address like `whatsapp:+15550100`.
    #[arg(long, value_name = "ADDRESS", default_value = "+15550100")]
    from: String,
    /// The number that is called or written to.
    #[arg(long, value_name = "ADDRESS", default_value = "+15550199")]
    to: String,
    /// A parameter of every webhook, over or beside the usual ones; as often as needed.
    #[arg(long, value_name = "NAME=VALUE", value_parser = request::pair)]
    param: Vec<(String, String)>,
    /// The auth token that signs; for a ROUTE it is the account's own [env: TWILIO_AUTH_TOKEN]
    #[arg(long, value_name = "TOKEN", value_parser = request::secret)]
    token: Option<Secret>,
    /// The account; for a ROUTE it is that of the configuration.
    #[arg(long, value_name = "SID")]
    account: Option<String>,
    /// The method of the first webhook: POST or GET.
    #[arg(long, value_name = "METHOD", default_value = "POST", value_parser = request::method)]
    method: Method,
    /// What is asked when the application cannot be used.
    #[arg(long, value_name = "URL")]
    fallback: Option<String>,
    /// Write the conversation to a file too, as plain text.
    #[arg(long, value_name = "FILE")]
    transcript: Option<PathBuf>,
    /// Write the conversation to a new file, as a flow test.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

/// Runs a session. Exit codes: 0 fine, 1 the application failed, 2 it could not be tried or
/// recorded, 130 Ctrl-C.
pub(super) fn run(
    channel: Channel,
    args: &InteractiveArgs,
    status_callback: Option<&str>,
) -> ExitCode {
    let system = actix_web::rt::System::new();
    let held = system.block_on(held(channel, args, status_callback));
    // Dropped, it would wait for a look-up of a name that nobody waits for any more.
    std::mem::forget(system);
    match held {
        Ok(left) => code(left),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn code(left: SessionExit) -> ExitCode {
    match left {
        SessionExit::Ok => ExitCode::SUCCESS,
        SessionExit::Failed => ExitCode::FAILURE,
        SessionExit::CtrlC => ExitCode::from(130),
    }
}

async fn held(
    channel: Channel,
    args: &InteractiveArgs,
    status_callback: Option<&str>,
) -> Result<SessionExit, String> {
    let target = SessionTarget::of(channel, args, status_callback)?;
    let tape = args.record.as_deref().map(SessionRecorder::new).transpose()?;
    let mut paper = TerminalOutput::new(channel, args.transcript.as_deref())?;
    target.title.iter().for_each(|line| paper.print(line));
    let input = LineInput::new(paper.edits());
    let paper = Rc::new(RefCell::new(paper));
    let caller = target.caller.clone();
    let phone = target.phone(channel);
    let mut session = InteractiveSession::new(channel, phone, input, Rc::clone(&paper))?;
    let left = session.hold().await;
    if let Some(tape) = tape {
        paper.borrow_mut().print(&tape.keep(args, &caller, &session.turns)?);
    }
    Ok(left)
}
