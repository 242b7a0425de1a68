//! `twimlgate phone`: a call in the terminal.

use std::process::ExitCode;

use super::interactive::{self, InteractiveArgs};
use crate::channel::Channel;

const EXAMPLE: &str = "\
Examples:
  twimlgate phone /voice --config config.toml
  twimlgate phone http://localhost:3000/voice --token 12345
  printf '1\\nsay an agent\\n' | twimlgate phone /voice --transcript call.txt

Keys are typed as they are (12#), `say …` is speech, an empty line is silence, `hang up` and
Ctrl-D hang up; `help` shows all commands.

Exit code 0: the call was fine; 1: the application failed, or a line of the input had no effect;
2: it could not be called, or the call not recorded; 130: Ctrl-C ended it.";

/// Call an application and see what a caller hears: any TwiML application by its URL, or a route
/// of the configuration, which then runs in this process.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    session: InteractiveArgs,
    /// The URL for the callback at the end of the call; for a ROUTE, the default is the route.
    #[arg(long, value_name = "URL")]
    status_callback: Option<String>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    interactive::run(Channel::Voice, &args.session, args.status_callback.as_deref())
}
