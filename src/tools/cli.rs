//! The commands: arguments in, exit code out. Each command is a file with an `Args` and a `run`;
//! `interactive`, `request` and `streams` have what several of them share.
//!
//! Invariant: only this folder reads arguments and the terminal, and decides on exit codes. It must
//! not contain what a test or another program could need: that is in the folders beside it.

/// `print!` for a reader that may have gone.
macro_rules! out {
    ($($text:tt)*) => { $crate::tools::cli::streams::write_out(format_args!($($text)*)) };
}

/// `println!` for a reader that may have gone.
macro_rules! outln {
    ($($text:tt)*) => { out!("{}\n", format_args!($($text)*)) };
}

/// `eprint!` for a reader that may have gone.
macro_rules! err {
    ($($text:tt)*) => { $crate::tools::cli::streams::write_error(format_args!($($text)*)) };
}

/// `eprintln!` for a reader that may have gone.
macro_rules! errln {
    ($($text:tt)*) => { err!("{}\n", format_args!($($text)*)) };
}

mod check;
mod completions;
mod demo;
mod dev;
mod interactive;
mod flow;
mod load;
mod man;
mod new;
mod phone;
mod program;
mod reload;
mod render;
mod request;
mod serve;
mod sign;
mod streams;
mod test;
mod text;
mod trace;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory, Parser, Subcommand};

use crate::node::launcher::launch_if_asked;

/// A self-hosted gateway for the webhooks of phone numbers.
///
/// A carrier posts a webhook for each call and message. The gateway verifies that the carrier sent
/// it, calls your function, and answers: TwiML goes straight back, JSON fills a template.
#[derive(Debug, Parser)]
#[command(name = "twimlgate", version = version(), max_term_width = 100)]
#[command(after_help = "Begin with:  twimlgate demo")]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    Serve(serve::Args),
    Check(check::Args),
    Demo(demo::Args),
    New(new::Args),
    Init(new::InitArgs),
    Dev(dev::Args),
    Phone(phone::Args),
    Text(text::Args),
    Test(test::Args),
    Trace(trace::Args),
    Load(load::Args),
    Flow(flow::Args),
    Render(render::Args),
    Sign(sign::Args),
    Verify(verify::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The option for the configuration file.
#[derive(Debug, Args)]
struct ConfigArgs {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "config.toml")]
    config: PathBuf,
}

/// Runs the program. Exit codes: 0 success, 1 a negative result, 2 the command could not run.
pub fn run() -> ExitCode {
    // Before the commands: it is not one for users, and its arguments are not theirs.
    if let Some(code) = launch_if_asked(std::env::args_os()) {
        return code;
    }
    match Cli::parse().command {
        CliCommand::Serve(args) => serve::run(&args),
        CliCommand::Check(args) => check::run(&args),
        CliCommand::Demo(args) => demo::run(&args),
        CliCommand::New(args) => new::run(&args),
        CliCommand::Init(args) => new::run_init(&args),
        CliCommand::Dev(args) => dev::run(&args),
        CliCommand::Phone(args) => phone::run(&args),
        CliCommand::Text(args) => text::run(&args),
        CliCommand::Test(args) => test::run(&args),
        CliCommand::Trace(args) => trace::run(&args),
        CliCommand::Load(args) => load::run(&args),
        CliCommand::Flow(args) => flow::run(&args),
        CliCommand::Render(args) => render::run(&args),
        CliCommand::Sign(args) => sign::run(args),
        CliCommand::Verify(args) => verify::run(args),
        CliCommand::Completions(args) => completions::run(&args),
        CliCommand::Man(args) => man::run(&args),
    }
}

/// The commands with their arguments, for tests of what the documentation names.
pub fn command() -> Command {
    Cli::command()
}

/// Version and commit.
const fn version() -> &'static str {
    concat!(env!("CARGO_PKG_VERSION"), " (", env!("TWIMLGATE_COMMIT"), ")")
}
