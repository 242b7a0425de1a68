//! A text of the configuration, with its place in the file.

use std::ops::Range;

use crate::diagnostics::problem::Source;
use crate::diagnostics::toml_reader::as_written;

/// A text of the configuration that is read later: a template, or the name of a file. Its place
/// lets a later problem point into the configuration file.
#[derive(Clone, Debug)]
pub struct ConfigText {
    /// The text, with every `${NAME}` replaced.
    pub text: String,
    /// The configuration file.
    pub source: Source,
    /// The bytes of the text in the file, quotes included.
    pub span: Range<usize>,
}

impl ConfigText {
    /// The text as the file has it, for messages: see [`as_written`].
    pub(crate) fn display_text(&self) -> &str {
        // The replaced text may contain a secret from the environment.
        as_written(&self.source, &self.span, &self.text)
    }
}
