//! A text of the configuration with its place in the file.

use std::ops::Range;

use crate::diagnostics::problem::Source;
use crate::diagnostics::toml_reader::as_written;

/// A text of the configuration that a later stage reads, with its place, so that what is wrong in
/// it can be shown there.
#[derive(Clone, Debug)]
pub struct ConfigText {
    /// The text itself: a template, or the name of a file.
    pub text: String,
    /// The file that it is in.
    pub source: Source,
    /// Its bytes in the file, quotes included.
    pub span: Range<usize>,
}

impl ConfigText {
    /// The text as it may be shown: see [`as_written`].
    pub fn shown(&self) -> &str {
        as_written(&self.source, &self.span, &self.text)
    }
}
