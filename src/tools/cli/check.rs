//! `twimlgate check`: reports all problems of a configuration at once.

use std::process::ExitCode;

use super::ConfigArgs;
use crate::channel::Channel;
use crate::config::{Config, RouteAnswer};
use crate::gateway::Gateway;
use crate::metrics::Metrics;

/// Check the configuration, its templates and its flows: all problems at once, with their positions
/// and advice.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:  twimlgate check --config /etc/twimlgate/config.toml\n\n\
    Exit code 0: `serve` would start, and a reload would apply it (there may be warnings);\n\
    1: a reload would refuse it. A start accepts a template that can never be TwiML, because the\n\
    other callers are answered; all other errors prevent it.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the JSON Schema of the configuration instead, for editors.
    #[arg(long)]
    schema: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    if args.schema {
        outln!("{:#}", crate::config::config_schema());
        return ExitCode::SUCCESS;
    }
    let (gateway, problems) = Gateway::check(&args.config.config, |_| {}, &Metrics::new());
    out!("{problems}");
    let (errors, warnings) = problems.counts();
    let file = args.config.config.display();
    // Warnings alone do not prevent a start, so they do not fail the check.
    match gateway {
        Some(gateway) if !problems.any_defect() => {
            out!("{}", describe_text_answers(&gateway.config));
            let routes = plural(gateway.routes.len() + gateway.config.forwards.len(), "route");
            outln!("{file}: {routes}, no errors, {}", plural(warnings, "warning"));
            ExitCode::SUCCESS
        }
        _ => {
            outln!("{file}: {}, {}", plural(errors, "error"), plural(warnings, "warning"));
            ExitCode::FAILURE
        }
    }
}

/// One line for each route in the short form without a `success` document: what the function's
/// answer becomes.
fn describe_text_answers(config: &Config) -> String {
    let describe = |(path, route): (&String, &crate::config::RouteSection)| {
        let RouteAnswer::Short(short) = &route.answer else { return None };
        let becomes = match route.channel {
            Channel::Voice => "is spoken",
            Channel::Message => "is sent as a message",
        };
        let function = &short.function;
        short.success.is_none().then(|| {
            format!(
                "route `{path}` has no `success`: TwiML of `{function}` is the answer, \
                 `text/plain` {becomes}, JSON is not used\n"
            )
        })
    };
    config.routes.iter().filter_map(describe).collect()
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
