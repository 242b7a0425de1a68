//! The settings of an engine, shared by its templates.

use jiff::tz::TimeZone;

use super::limits::RenderLimits;
use super::partials::Partials;

/// The format of a template's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Text: nothing is escaped.
    Plain,
    /// XML: every output is escaped, except the text of a `capture` and of the filter `raw`.
    Xml,
}

/// The settings that the templates of an engine share.
#[derive(Debug, Clone)]
pub(super) struct EngineSettings {
    pub(super) limits: RenderLimits,
    pub(super) zone: TimeZone,
    pub(super) partials: Partials,
    /// Whether a missing partial is an error already when a template is compiled.
    pub(super) closed: bool,
}
