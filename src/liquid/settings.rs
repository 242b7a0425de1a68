//! The settings of an engine, shared by its templates.

use jiff::tz::TimeZone;

use super::limits::RenderLimits;
use super::partials::Partials;

/// What the output of a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputFormat {
    /// Text: nothing is escaped.
    Plain,
    /// XML: every output is escaped, but not what `capture` built, nor what `raw` lets through.
    Xml,
}

/// What every template of an engine has in common.
#[derive(Debug, Clone)]
pub(super) struct EngineSettings {
    pub(super) limits: RenderLimits,
    pub(super) zone: TimeZone,
    pub(super) partials: Partials,
    /// Whether a name that is no partial is a mistake already when a template is compiled.
    pub(super) closed: bool,
}
