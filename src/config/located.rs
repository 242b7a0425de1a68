//! A value of the configuration with the place where it stands.

use std::ops::Range;

use crate::diagnostics::problem::Source;

/// A text of the configuration that a later stage reads, with its place, so that what is wrong in
/// it can be shown there.
#[derive(Clone, Debug)]
pub struct Located {
    /// The text itself: a template, or the name of a file.
    pub text: String,
    /// The file that it stands in.
    pub source: Source,
    /// Where, quotes included.
    pub span: Range<usize>,
}

impl Located {
    /// The text as it may be shown: as it is written where a part of it came out of the
    /// environment, which may be a secret in the wrong place.
    pub fn shown(&self) -> &str {
        shown(&self.source, &self.span, &self.text)
    }
}

/// A value of a file as it may be shown: see [`Located::shown`].
pub(super) fn shown<'a>(source: &'a Source, span: &Range<usize>, value: &'a str) -> &'a str {
    let written = source.text.get(span.clone()).unwrap_or_default();
    if written.contains(value) { value } else { written.trim_matches(['"', '\'']) }
}
