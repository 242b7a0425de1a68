//! `twimlgate flow`: converts a flow file between its two notations, or shows it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::flow::file::{self, FlowNode};
use crate::limits::FLOW_BYTES_MAX;
use crate::read_limited::{is_stdin, read_any_text_argument};
use crate::tools::flow_export::{write_json, write_toml};
use crate::tools::flow_outline::{mermaid, outline};

/// Convert a flow file from Studio's JSON into TOML and back, or show it.
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

/// Convert a flow from Studio's JSON into twimlgate's TOML, or back, without loss.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate flow convert studio.json --output flow.toml")]
struct ConvertArgs {
    /// The flow: TOML if its name ends in `.toml`, else JSON; `-` is standard input.
    file: PathBuf,
    /// The notation to write; the default is that of --output's extension, or else the other one.
    #[arg(long)]
    to: Option<FlowNotation>,
    /// The file to write; the default is standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Show a flow as an outline: each widget with its main property and its transitions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate flow show flow.toml --mermaid > flow.mmd")]
struct ShowArgs {
    /// The flow: TOML if its name ends in `.toml`, else JSON; `-` is standard input.
    file: PathBuf,
    /// Print a Mermaid flowchart instead.
    #[arg(long)]
    mermaid: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FlowNotation {
    Json,
    Toml,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        FlowCommand::Convert(args) => convert(args),
        FlowCommand::Show(args) => {
            let show = |FlowInput { flow, .. }| {
                out!("{}", if args.mermaid { mermaid(&flow) } else { outline(&flow) })
            };
            read_flow(&args.file).map(show)
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problems) => {
            err!("{problems}");
            ExitCode::FAILURE
        }
    }
}

fn convert(args: &ConvertArgs) -> Result<(), Problems> {
    let FlowInput { flow, notation } = read_flow(&args.file)?;
    let by_name = args.output.as_deref().map(notation_of);
    let other = match notation {
        FlowNotation::Json => FlowNotation::Toml,
        FlowNotation::Toml => FlowNotation::Json,
    };
    // The explicit option first, then the name of the output, then the other notation.
    let written = match args.to.or(by_name).unwrap_or(other) {
        FlowNotation::Json => write_json(&flow),
        FlowNotation::Toml => write_toml(&flow),
    };
    match &args.output {
        Some(path) => {
            std::fs::write(path, written).map_err(|error| file_error("write", path, &error))
        }
        None => {
            out!("{written}");
            Ok(())
        }
    }
}

fn notation_of(path: &Path) -> FlowNotation {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    if is_toml { FlowNotation::Toml } else { FlowNotation::Json }
}

/// A flow with the notation that it was read from.
struct FlowInput {
    flow: FlowNode,
    notation: FlowNotation,
}

/// Reads a flow file; `-` is standard input, in either notation.
fn read_flow(path: &Path) -> Result<FlowInput, Problems> {
    let text = read_any_text_argument(path, FLOW_BYTES_MAX)
        .map_err(|error| file_error("read", path, &error))?;
    // Standard input has no name, so its first characters decide: `[{` begins no TOML.
    let list = text.trim_start().strip_prefix('[').unwrap_or(&text);
    let name = match (is_stdin(path), list.trim_start().starts_with('{')) {
        (false, _) => path.to_owned(),
        (true, true) => PathBuf::from("standard-input.json"),
        (true, false) => PathBuf::from("standard-input.toml"),
    };
    let mut problems = Problems::default();
    let source = Source::new(&name.display().to_string(), &text);
    let flow = file::read(&source, &mut problems);
    let flow = flow.filter(|flow| file::check_form(flow, &source, &mut problems));
    Ok(FlowInput { flow: flow.ok_or(problems)?, notation: notation_of(&name) })
}

fn file_error(what: &str, path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot {what} `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
