//! `twimlgate render`: renders a template with data.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::channel::Channel;
use crate::clock;
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::json::parse_json;
use crate::limits::{RENDER_DATA_BYTES_MAX, TEMPLATE_BYTES_MAX};
use crate::liquid::OutputFormat;
use crate::read_limited::read_text_argument;
use crate::template::{TemplateFolder, compile_source, to_problem};
use crate::twiml::Finding;
use crate::twiml::read::{DocumentLimits, check_document};

const EXAMPLE: &str = r#"Example:
  echo '{"widgets":{"lookup":{"parsed":{"person":{"name":"Ada"}}}}}' > data.json
  twimlgate render templates/message/reply.xml --data data.json"#;

/// Render one template: escaped for XML as in a response, unless --text is set. A document that is
/// not TwiML is printed too, with the reason, and the exit code is 1.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Args {
    /// The template; `-` is standard input.
    file: PathBuf,
    /// A JSON file with an object, whose members are the variables.
    #[arg(long, value_name = "JSON-FILE")]
    data: Option<PathBuf>,
    /// The folder for `include` and `render`.
    #[arg(long, value_name = "DIR", default_value = "templates")]
    templates: PathBuf,
    /// Plain text without escaping, as in a parameter of a function.
    #[arg(long)]
    text: bool,
}

pub(super) fn run(args: &Args) -> ExitCode {
    match render(args) {
        Ok((text, problems)) => {
            out!("{text}");
            err!("{problems}");
            if problems.any_defect() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(problems) => {
            err!("{problems}");
            ExitCode::FAILURE
        }
    }
}

/// The rendered text, and what is wrong with it as a document.
fn render(args: &Args) -> Result<(String, Problems), Problems> {
    let template = read_source(&args.file, TEMPLATE_BYTES_MAX)?;
    let data = args.data.as_deref().map_or(Ok(Map::new()), read_data)?;
    // Problems of other templates are ignored here: `check` reports them.
    let templates = TemplateFolder::load(&args.templates, TimeZone::UTC, &mut Problems::default());
    let output = if args.text { OutputFormat::Plain } else { OutputFormat::Xml };
    let compiled = compile_source(templates.engine(), &template, output)?;
    let now = clock::wall().as_secs() as i64;
    let text = compiled
        .render(&data, now)
        .map_err(|error| Problems::from(to_problem(&error, &template)))?;
    let mut problems = Problems::default();
    if !args.text && [&*template.text, &text].into_iter().any(is_document) {
        problems.extend(templates.check_documents(&compiled, Some(&template), &[]));
        // What is wrong for all values has its place in the template.
        if !problems.any_defect() {
            problems.extend(check_output(&text));
        }
    }
    Ok((text, problems))
}

/// Whether a text is meant as a document: a partial has no root, and can be rendered as well.
fn is_document(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.contains("<response") || lower.contains("<?xml")
}

/// What is wrong with a rendered document. Its lines and columns are those of the output.
fn check_output(text: &str) -> Vec<Problem> {
    let check = |channel| check_document(text.as_bytes(), channel, &DocumentLimits::default());
    let (voice, message) = match (check(Channel::Voice), check(Channel::Message)) {
        (Ok(voice), Ok(message)) => (voice.findings, message.findings),
        (Err(error), _) | (_, Err(error)) => {
            let message = format!("the output is not TwiML: {error}");
            return vec![Problem::new(Severity::Error, message)];
        }
    };
    // The channel is not known: it is the one that the document fits better, or else the one that
    // knows what its author means.
    let fit = |findings: &Vec<Finding>| {
        let mistakes = findings.iter().filter(|finding| finding.is_mistake).count();
        (findings.len(), Reverse(mistakes))
    };
    let findings = if fit(&voice) <= fit(&message) { voice } else { message };
    let to_problem = |finding: &Finding| {
        let severity = if finding.is_mistake { Severity::Error } else { Severity::Warning };
        Problem::new(severity, format!("the output: {finding}"))
    };
    findings.iter().map(to_problem).collect()
}

fn read_source(path: &Path, most: u64) -> Result<Source, Problems> {
    let text = read_text_argument(path, most).map_err(|error| read_error(path, &error))?;
    Ok(Source::new(&path.display().to_string(), &text))
}

fn read_data(path: &Path) -> Result<Map<String, Value>, Problems> {
    let source = read_source(path, RENDER_DATA_BYTES_MAX)?;
    // As an answer of a function is read: the file may be one.
    let read = match parse_json(source.text.as_bytes()) {
        Ok(Value::Object(data)) => Ok(data),
        // This error says what was expected.
        Ok(_) => serde_json::from_str(&source.text),
        Err(error) => Err(error),
    };
    read.map_err(|error| {
        let line_start = source.text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let start: usize = line_start.map(str::len).sum();
        // Columns of serde_json count bytes from 1.
        let at = start + error.column().saturating_sub(1);
        let problem = source.error(at..at + 1, format!("not a JSON object: {error}"));
        Problems::from(problem.expected("an object like `{\"name\": \"Ada\"}`"))
    })
}

fn read_error(path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot read `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
