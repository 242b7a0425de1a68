//! A flow file that a person names on the command line.

use std::path::{Path, PathBuf};

use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::flow::file::{self, FlowNode};
use crate::limits::FLOW_BYTES_MAX;
use crate::read_limited::{is_stdin, read_any_text_argument};

/// The two notations of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum FlowNotation {
    Json,
    Toml,
}

/// A flow with the text and the notation that it was read from.
pub(super) struct FlowInput {
    pub(super) flow: FlowNode,
    pub(super) text: String,
    pub(super) notation: FlowNotation,
}

// === impl FlowNotation ===

impl FlowNotation {
    /// The notation that the name of a file says.
    pub(super) fn of_path(path: &Path) -> FlowNotation {
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        if is_toml { FlowNotation::Toml } else { FlowNotation::Json }
    }
}

// === impl FlowInput ===

impl FlowInput {
    /// Reads a flow file; `-` is standard input, in either notation.
    ///
    /// # Errors
    /// A file that cannot be read, or is not a flow.
    pub(super) fn read(path: &Path) -> Result<FlowInput, Problems> {
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
        let flow = flow.ok_or(problems)?;
        Ok(FlowInput { flow, text, notation: FlowNotation::of_path(&name) })
    }
}

/// The problem of a file that cannot be read or written.
pub(super) fn file_error(what: &str, path: &Path, error: &std::io::Error) -> Problems {
    let message = format!("cannot {what} `{}`: {error}", path.display());
    Problems::from(Problem::new(Severity::Error, message))
}
