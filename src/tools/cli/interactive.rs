//! `twimlgate phone` and `twimlgate text`: an interactive session with an application.
//!
//! `target` turns the arguments into a phone, `input` reads lines, `commands` gives them a meaning,
//! `event_lines` turns events into lines of output, `terminal` writes those, `session` joins them
//! in a loop, and `recorder` writes the session as a flow test. Invariant: only `terminal` writes
//! to standard output, and what it writes cannot control the terminal. Nothing here knows TwiML or
//! HTTP.

mod commands;
mod event_lines;
mod input;
mod recorder;
mod session;
mod target;
mod terminal;

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

/// The options that `phone` and `text` share.
#[derive(Debug, clap::Args)]
pub(super) struct InteractiveArgs {
    /// The application: a URL, or a ROUTE of the configuration, which begins with `/`.
    #[arg(value_name = "URL|ROUTE")]
    target: String,
    #[command(flatten)]
    config: ConfigArgs,
    /// The caller or sender: a number, or an address like `whatsapp:+15550100`.
    #[arg(long, value_name = "ADDRESS", default_value = "+15550100")]
    from: String,
    /// The number that is called or written to.
    #[arg(long, value_name = "ADDRESS", default_value = "+15550199")]
    to: String,
    /// A parameter of every webhook, in addition to the usual ones or instead of one of them;
    /// repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = request::parse_pair)]
    param: Vec<(String, String)>,
    /// The auth token that signs; for a ROUTE it is the account's own [env: TWILIO_AUTH_TOKEN]
    #[arg(long, value_name = "TOKEN", value_parser = request::parse_secret)]
    token: Option<Secret>,
    /// The account; for a ROUTE it is that of the configuration [env: TWILIO_ACCOUNT_SID]
    #[arg(long, value_name = "SID")]
    account: Option<String>,
    /// The method of the first webhook: POST or GET.
    #[arg(
        long,
        value_name = "METHOD",
        default_value = "POST",
        value_parser = request::parse_method
    )]
    method: Method,
    /// The URL to request if the application fails.
    #[arg(long, value_name = "URL")]
    fallback: Option<String>,
    /// Also send what a flow or a document names at other servers: status and transcription
    /// callbacks, and for a ROUTE redirects to other applications. Functions are always called.
    #[arg(long)]
    allow_callbacks: bool,
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
    let result = system.block_on(run_session(channel, args, status_callback));
    // Dropping the system would wait for a name look-up whose result is no longer needed.
    std::mem::forget(system);
    match result {
        Ok(SessionExit::Ok) => ExitCode::SUCCESS,
        Ok(SessionExit::Failed) => ExitCode::FAILURE,
        Ok(SessionExit::Interrupted) => ExitCode::from(130),
        Err(error) => {
            errln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run_session(
    channel: Channel,
    args: &InteractiveArgs,
    status_callback: Option<&str>,
) -> Result<SessionExit, String> {
    let target = SessionTarget::from_args(channel, args, status_callback)?;
    // Before the call: a file that cannot be written must not cost a whole conversation.
    let recorder = args.record.as_deref().map(SessionRecorder::new).transpose()?;
    let mut terminal = TerminalOutput::new(channel, args.transcript.as_deref())?;
    target.title.iter().for_each(|line| terminal.print(line));
    let input = LineInput::new(terminal.is_interactive());
    let terminal = Rc::new(RefCell::new(terminal));
    let (caller, refusal_advice) = (target.caller.clone(), target.refusal_advice.clone());
    let phone = target.into_phone(channel);
    let output = Rc::clone(&terminal);
    let mut session = InteractiveSession::new(channel, phone, input, output, refusal_advice)?;
    let exit = session.run().await;
    if let Some(recorder) = recorder {
        terminal.borrow_mut().print(&recorder.finish(args, &caller, &session.turns)?);
    }
    Ok(exit)
}
