//! `twimlgate check`: reports all problems of a configuration at once.

use std::process::ExitCode;

use super::ConfigArgs;
use crate::gateway::Gateway;
use crate::metrics::Metrics;

/// Check the configuration, its templates and its flows: all problems at once, with their positions
/// and advice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate check --config /etc/twimlgate/config.toml\n\n\
    Exit code 0: `serve` would start (there may be warnings); 1: it would not.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the JSON Schema of the configuration instead, for editors.
    #[arg(long)]
    schema: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    if args.schema {
        println!("{:#}", crate::config::config_schema());
        return ExitCode::SUCCESS;
    }
    let (gateway, problems) = Gateway::load(&args.config.config, &Metrics::new());
    print!("{problems}");
    let (errors, warnings) = problems.counts();
    let file = args.config.config.display();
    // Warnings alone do not prevent a start, so they do not fail the check.
    match gateway {
        Some(gateway) => {
            let routes = plural(gateway.routes.len(), "route");
            println!("{file}: {routes}, no errors, {}", plural(warnings, "warning"));
            ExitCode::SUCCESS
        }
        None => {
            println!("{file}: {}, {}", plural(errors, "error"), plural(warnings, "warning"));
            ExitCode::FAILURE
        }
    }
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
