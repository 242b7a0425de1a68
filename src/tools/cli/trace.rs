//! `twimlgate trace`: shows what happened in conversations.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use super::ConfigArgs;
use crate::clock;
use crate::config::Config;
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::tools::trace_report::{format_conversation, format_list, format_summary};
use crate::trace::{ConversationOutcome, TraceError, TraceQuery, TraceReader, TracedConversation};

const EXAMPLE: &str = "\
Examples:
  twimlgate trace                              the last conversations
  twimlgate trace CA0123…                      one, by the sid of its call, message or execution
  twimlgate trace --number 0100 --outcome failed --since 2h
  twimlgate trace --follow                     as they happen

Traces are stored if `[trace] file` is set, see docs/operations.md. They contain what callers said.

Exit code 0: shown; 1: there is no such conversation; 2: the traces cannot be read.";

/// How often `--follow` looks for new exchanges.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

/// Show what happened in each conversation: webhooks, the path through the flow, functions,
/// documents.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The sid of a call, a message or an execution, or the number of a conversation in the list.
    #[arg(conflicts_with_all = ["number", "route", "flow", "outcome", "since", "slower_than"])]
    id: Option<String>,
    #[command(flatten)]
    config: ConfigArgs,
    /// The trace file; the default is `[trace] file` of the configuration.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
    /// Only conversations with this number, or with a number that ends with these digits.
    #[arg(long)]
    number: Option<String>,
    /// Only conversations of this route.
    #[arg(long, value_name = "PATH")]
    route: Option<String>,
    /// Only conversations of this flow.
    #[arg(long)]
    flow: Option<String>,
    /// Only conversations with this outcome: active, completed, hung-up, failed, stopped or
    /// replaced.
    #[arg(long, value_parser = parse_outcome)]
    outcome: Option<ConversationOutcome>,
    /// Only conversations that changed within this time, like 90s, 15m, 2h or 3d.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<Duration>,
    /// Only conversations with an answer that took longer, in milliseconds.
    #[arg(long, value_name = "MS")]
    slower_than: Option<i64>,
    /// The number of conversations.
    #[arg(long, default_value = "20")]
    limit: usize,
    /// Only conversations before this number of the list: the next page.
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
    /// Show exchanges as they happen, until Ctrl-C.
    #[arg(long, conflicts_with_all = ["id", "before"])]
    follow: bool,
    /// Print JSON, an exchange in each line.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match show(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problems) => {
            err!("{problems}");
            ExitCode::from(2)
        }
    }
}

/// Returns whether something was found.
fn show(args: &Args) -> Result<bool, Problems> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => configured_file(&args.config)?,
    };
    let reader = TraceReader::open(&file).map_err(to_problems)?;
    if args.follow {
        return follow(&reader, args).map_err(to_problems);
    }
    let Some(id) = &args.id else {
        let found = reader.list(&query(args)).map_err(to_problems)?;
        if args.json {
            print_json(&reader, &found).map_err(to_problems)?;
        } else {
            out!("{}", format_list(&found));
        }
        return Ok(true);
    };
    let found = find(&reader, id).map_err(to_problems)?;
    if args.json {
        print_json(&reader, &found).map_err(to_problems)?;
    } else {
        for conversation in &found {
            let entries = reader.entries(conversation.id).map_err(to_problems)?;
            out!("{}", format_conversation(conversation, &entries));
        }
    }
    if found.is_empty() {
        errln!("no conversation `{id}` is in the traces: it is too old, or was not stored");
    }
    Ok(!found.is_empty())
}

/// The file that the configuration names.
fn configured_file(config: &ConfigArgs) -> Result<PathBuf, Problems> {
    let (read, problems) = Config::read(&config.config);
    let Some(read) = read else { return Err(problems) };
    read.trace.file.ok_or_else(|| {
        let message = format!("`{}` has no `[trace] file`", config.config.display());
        let problem = Problem::new(Severity::Error, message);
        problem.help("nothing is stored without it; `--file FILE` reads another file").into()
    })
}

fn query(args: &Args) -> TraceQuery {
    let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    TraceQuery {
        number: args.number.clone(),
        route: args.route.clone(),
        flow: args.flow.clone(),
        outcome: args.outcome,
        since: args.since.map(|since| micros(clock::wall().saturating_sub(since))),
        slower_than: args.slower_than.map(|milliseconds| milliseconds.saturating_mul(1_000)),
        before: args.before,
        limit: args.limit,
    }
}

fn find(reader: &TraceReader, id: &str) -> Result<Vec<TracedConversation>, TraceError> {
    match id.parse() {
        Ok(number) => Ok(reader.conversation(number)?.into_iter().collect()),
        Err(_) => reader.find(id),
    }
}

fn print_json(reader: &TraceReader, found: &[TracedConversation]) -> Result<(), TraceError> {
    for conversation in found {
        for entry in reader.entries(conversation.id)? {
            outln!("{}", serde_json::to_string(&entry).unwrap_or_default());
        }
    }
    Ok(())
}

/// Prints exchanges as they are written.
fn follow(reader: &TraceReader, args: &Args) -> Result<bool, TraceError> {
    let query = TraceQuery { limit: 1, ..query(args) };
    let mut last = reader.last_exchange()?;
    loop {
        for followed in reader.entries_after(last)? {
            last = followed.id;
            let number = followed.conversation;
            // The conditions are those of its conversation, which is the first before the next.
            let here = TraceQuery { before: Some(number + 1), ..query.clone() };
            if reader.list(&here)?.first().is_none_or(|found| found.id != number) {
                continue;
            }
            if args.json {
                outln!("{}", serde_json::to_string(&followed.entry).unwrap_or_default());
            } else {
                outln!("{}", format_summary(number, &followed.entry));
            }
        }
        std::thread::sleep(FOLLOW_EVERY);
    }
}

fn parse_outcome(name: &str) -> Result<ConversationOutcome, String> {
    let names = ConversationOutcome::ALL.map(ConversationOutcome::name).join(", ");
    ConversationOutcome::from_name(name).ok_or_else(|| format!("expected one of {names}"))
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let expected = || "expected a number with s, m, h or d, like 15m".to_owned();
    let unit = text.chars().last().ok_or_else(expected)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 24 * 3_600,
        _ => return Err(expected()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

fn to_problems(error: TraceError) -> Problems {
    let missing = matches!(error, TraceError::Missing(_));
    let problem = Problem::new(Severity::Error, error.to_string());
    if missing {
        let help = "a gateway with `[trace] file` creates it at the first webhook";
        return problem.help(help).into();
    }
    problem.into()
}
