//! `twimlgate flow`: converts a flow file between its two notations, or shows it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::flow::FlowGraph;
use crate::picture::{FlowPicture, PictureMarks};
use crate::tools::flow_export::{write_json, write_toml};
use crate::tools::flow_input::{FlowInput, FlowNotation, file_error};
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
#[command(after_help = "Example:  twimlgate flow show flow.toml --svg > flow.svg")]
struct ShowArgs {
    /// The flow: TOML if its name ends in `.toml`, else JSON; `-` is standard input.
    file: PathBuf,
    /// Print a Mermaid flowchart instead.
    #[arg(long)]
    mermaid: bool,
    /// Print a picture instead, as SVG.
    #[arg(long, conflicts_with = "mermaid")]
    svg: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        FlowCommand::Convert(args) => convert(args),
        FlowCommand::Show(args) => show(args),
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
    let FlowInput { flow, notation, .. } = FlowInput::read(&args.file)?;
    let by_name = args.output.as_deref().map(FlowNotation::of_path);
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

fn show(args: &ShowArgs) -> Result<(), Problems> {
    let FlowInput { flow, .. } = FlowInput::read(&args.file)?;
    let graph = FlowGraph::new(&flow);
    if args.svg {
        outln!("{}", draw(&graph, &args.file)?);
    } else if args.mermaid {
        out!("{}", mermaid(&graph));
    } else {
        out!("{}", outline(&graph));
    }
    Ok(())
}

fn draw(graph: &FlowGraph<'_>, file: &Path) -> Result<String, Problems> {
    let picture = FlowPicture::new(graph).map_err(|error| {
        let problem = Problem::new(Severity::Error, error.to_string());
        problem.help("without `--svg`, the command prints the outline of a flow of any size")
    })?;
    let title = format!("Flow {}", file.display());
    Ok(picture.to_svg(&title, &PictureMarks::default()))
}
