//! `twimlgate completions`: the script by which a shell completes commands, options and values.

use std::process::ExitCode;

use clap_complete::Shell;

/// Print the completions of commands and options for a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  twimlgate completions bash > ~/.local/share/bash-completion/completions/twimlgate
  twimlgate completions zsh > ~/.zfunc/_twimlgate
  twimlgate completions fish > ~/.config/fish/completions/twimlgate.fish")]
pub(super) struct Args {
    /// The shell that reads the script.
    shell: Shell,
}

pub(super) fn run(args: &Args) -> ExitCode {
    // Into memory first: the generator panics if it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "twimlgate", &mut script);
    out!("{}", String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
