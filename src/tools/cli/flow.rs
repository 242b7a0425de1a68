//! `twimlgate flow`: a flow file turned into the other notation, or shown.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::flow::file::{self, FlowNode};
use crate::limits::FLOW_BYTES_MAX;
use crate::read_limited::{is_stdin, read_text_argument};
use crate::tools::flow_export::{write_json, write_toml};
use crate::tools::flow_outline::{mermaid, outline};

/// Turn a flow file from Studio's JSON into TOML and back, or show it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: FlowCommand,
}

#[derive(Debug, clap::Subcommand)]
enum FlowCommand {
    Convert(ConvertArgs),
    Show(ShowArgs),
}

/// Turn a flow from Studio's JSON into our TOML, or back. Nothing is lost on the way.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate flow convert studio.json --output flow.toml")]
struct ConvertArgs {
    /// The flow: TOML where its name ends in `.toml`, else JSON; `-` is standard input.
    file: PathBuf,
    /// The notation to write; without it, that of --output's ending, or else the other one.
    #[arg(long)]
    to: Option<FlowNotation>,
    /// Where to write; without it, on standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Show a flow as an outline: each widget, what it does, where it leads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate flow show flow.toml --mermaid > flow.mmd")]
struct ShowArgs {
    /// The flow: TOML where its name ends in `.toml`, else JSON; `-` is standard input.
    file: PathBuf,
    /// A Mermaid flowchart instead.
    #[arg(long)]
    mermaid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FlowNotation {
    Json,
    Toml,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let done = match &args.command {
        FlowCommand::Convert(args) => convert(args),
        FlowCommand::Show(args) => {
            let show = |(flow, _)| {
                print!("{}", if args.mermaid { mermaid(&flow) } else { outline(&flow) })
            };
            read(&args.file).map(show)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            eprint!("{problems}");
            ExitCode::FAILURE
        }
    }
}

fn convert(args: &ConvertArgs) -> Result<(), Problems> {
    let (flow, notation_read) = read(&args.file)?;
    let by_name = args.output.as_deref().map(notation);
    let other = match notation_read {
        FlowNotation::Json => FlowNotation::Toml,
        FlowNotation::Toml => FlowNotation::Json,
    };
    let written = match args.to.or(by_name).unwrap_or(other) {
        FlowNotation::Json => write_json(&flow),
        FlowNotation::Toml => write_toml(&flow),
    };
    match &args.output {
        Some(path) => std::fs::write(path, written).map_err(|error| failed("write", path, &error)),
        None => {
            print!("{written}");
            Ok(())
        }
    }
}

fn notation(path: &Path) -> FlowNotation {
    let toml = path.extension().is_some_and(|ending| ending == "toml");
    if toml { FlowNotation::Toml } else { FlowNotation::Json }
}

/// Reads a flow file; `-` is standard input, in whichever form.
fn read(path: &Path) -> Result<(FlowNode, FlowNotation), Problems> {
    let text =
        read_text_argument(path, FLOW_BYTES_MAX).map_err(|error| failed("read", path, &error))?;
    let name = match (is_stdin(path), text.trim_start().starts_with('{')) {
        (false, _) => path.to_owned(),
        (true, true) => PathBuf::from("standard-input.json"),
        (true, false) => PathBuf::from("standard-input.toml"),
    };
    let mut problems = Problems::default();
    let flow = file::read(&Source::new(&name.display().to_string(), &text), &mut problems);
    Ok((flow.ok_or(problems)?, notation(&name)))
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot {what} `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
