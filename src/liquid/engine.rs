//! The engine: the limits, time zone and partials that all templates share.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::error::LiquidError;
use super::limits::RenderLimits;
use super::parser::parse;
use super::partials::Partials;
use super::settings::{EngineSettings, OutputFormat};
use super::template::Template;
use super::tree::SyntaxTree;
use super::variables::find_includes;

/// The compiler of templates. Built once at start: set the zone, add the partials, then compile.
///
/// A template uses the settings and partials that the engine had when it was compiled.
#[derive(Debug, Clone)]
pub struct LiquidEngine {
    pub(super) shared: Arc<EngineSettings>,
}

// === impl LiquidEngine ===

impl LiquidEngine {
    /// An engine without partials, whose dates are in UTC.
    pub fn new(limits: RenderLimits) -> LiquidEngine {
        let shared = EngineSettings {
            limits,
            zone: TimeZone::UTC,
            partials: Partials::default(),
            closed: false,
        };
        LiquidEngine { shared: Arc::new(shared) }
    }

    /// Sets the zone of dates that name none, and of `now`.
    #[must_use]
    pub(crate) fn with_time_zone(mut self, zone: TimeZone) -> LiquidEngine {
        Arc::make_mut(&mut self.shared).zone = zone;
        self
    }

    /// Adds a partial for `include` and `render`; one of the same name is replaced.
    ///
    /// # Errors
    /// All errors of the source, in its order.
    pub fn add_partial(&mut self, name: &str, source: &str) -> Result<(), Vec<LiquidError>> {
        // Templates that were compiled before share the old settings: `make_mut` copies for them.
        let tree = Arc::new(parse(name, source, &self.shared.limits)?);
        Arc::make_mut(&mut self.shared).partials.insert(name, tree);
        Ok(())
    }

    /// Gives a partial another name for `include` and `render`, unless a partial has it already.
    pub(crate) fn add_partial_alias(&mut self, alias: &str, name: &str) {
        Arc::make_mut(&mut self.shared).partials.insert_alias(alias, name);
    }

    /// Declares the partials complete. From then on [`LiquidEngine::compile`] refuses a template
    /// that names another one in quotes; before, only rendering does.
    ///
    /// # Errors
    /// One error for each use of a missing partial in a partial.
    pub fn close_partials(&mut self) -> Result<(), Vec<LiquidError>> {
        Arc::make_mut(&mut self.shared).closed = true;
        let trees = self.shared.partials.trees();
        let missing: Vec<LiquidError> =
            trees.into_iter().flat_map(|tree| self.find_missing_partials(tree)).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Compiles a template. `name` is the one that its errors show.
    ///
    /// # Errors
    /// All errors of the source, in its order.
    pub fn compile(
        &self,
        name: &str,
        source: &str,
        output: OutputFormat,
    ) -> Result<Template, Vec<LiquidError>> {
        let tree = parse(name, source, &self.shared.limits)?;
        // Before `close_partials` a partial may still be added: a missing one is not an error yet.
        let missing =
            if self.shared.closed { self.find_missing_partials(&tree) } else { Vec::new() };
        if missing.is_empty() {
            Ok(Template::new(tree, output, Arc::clone(&self.shared)))
        } else {
            Err(missing)
        }
    }

    /// A template that stands for a source which does not compile: rendering it gives this error.
    pub(crate) fn compile_failing(&self, error: LiquidError) -> Template {
        Template::failing(error, Arc::clone(&self.shared))
    }

    fn find_missing_partials(&self, tree: &SyntaxTree) -> Vec<LiquidError> {
        let partials = &self.shared.partials;
        find_includes(tree)
            .into_iter()
            .filter_map(|(name, span)| match partials.get(name) {
                Some(_) => None,
                None => Some(LiquidError::new(
                    partials.missing_error(name),
                    Arc::clone(&tree.source),
                    span,
                )),
            })
            .collect()
    }
}
