//! `twimlgate text`: a chat in the terminal.

use std::process::ExitCode;

use super::interactive::{self, InteractiveArgs};
use crate::channel::Channel;

const EXAMPLE: &str = "\
Examples:
  twimlgate text /sms --config config.toml
  twimlgate text http://localhost:3000/sms --token 12345 --from whatsapp:+15550100
  printf 'hello\\n/wait 1h\\n' | twimlgate text /sms --transcript chat.txt

Each line is a message, except for the commands /media URL, /wait [TIME], /quit (or Ctrl-D) and
/help. A message that begins with `/` is written `//`.

Exit code 0: the chat was fine; 1: the application failed, or a line of the input had no effect;
2: it could not be written to, or the chat not recorded; 130: Ctrl-C ended it.";

/// Write to an application and read its replies: any TwiML application by its URL, or a route
/// of the configuration, which then runs in this process.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    #[command(flatten)]
    session: InteractiveArgs,
}

pub(super) fn run(args: &Args) -> ExitCode {
    interactive::run(Channel::Message, &args.session, None)
}
