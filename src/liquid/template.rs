//! A compiled template, which any number of threads may render at once.

use std::sync::Arc;

use super::data::TemplateData;
use super::error::LiquidError;
use super::outline::OutlineWalk;
use super::render::{RenderClock, RenderSettings, TemplateRenderer};
use super::settings::{EngineSettings, OutputFormat};
use super::tree::{BlockBody, SyntaxTree, TemplateNode};
use super::variables::{self, VariableUse};

/// A compiled template. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Template {
    tree: Arc<SyntaxTree>,
    output: OutputFormat,
    shared: Arc<EngineSettings>,
    /// The reason why it can only fail; see [`super::LiquidEngine::compile_failing`].
    failure: Option<LiquidError>,
}

// === impl Template ===

impl Template {
    pub(super) fn new(tree: SyntaxTree, output: OutputFormat, shared: Arc<EngineSettings>) -> Self {
        Template { tree: Arc::new(tree), output, shared, failure: None }
    }

    /// A template that fails with this error whenever it is rendered.
    pub(super) fn failing(error: LiquidError, shared: Arc<EngineSettings>) -> Self {
        let tree = SyntaxTree { source: error.source(), body: BlockBody::default() };
        let failure = Some(error);
        Template { tree: Arc::new(tree), output: OutputFormat::Plain, shared, failure }
    }

    /// The name that it was compiled with.
    pub fn name(&self) -> &str {
        &self.tree.source.name
    }

    /// The source that it was compiled from.
    pub fn source(&self) -> &str {
        &self.tree.source.text
    }

    /// The text of a template without tags, which is the same for all data.
    pub fn constant_text(&self) -> Option<&str> {
        match self.tree.body.nodes.as_slice() {
            [] if self.failure.is_none() => Some(""),
            [TemplateNode::Text(span)] => Some(span.slice(self.source())),
            _ => None,
        }
    }

    /// Renders with `data` as the variables, at `now` in Unix seconds.
    ///
    /// # Errors
    /// An operation without a result, or a limit that is exceeded; see [`super::LiquidErrorKind`].
    pub fn render(&self, data: &dyn TemplateData, now: i64) -> Result<String, LiquidError> {
        self.render_reporting(data, now, &mut None)
    }

    /// Renders as [`Template::render`] does, and sets `finding` if a loop was cut after the
    /// iterations that [`RenderLimits::loop_rounds`](super::RenderLimits::loop_rounds) allows. The
    /// finding is about the first such loop: a nested one could be cut thousands of times.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_reporting(
        &self,
        data: &dyn TemplateData,
        now: i64,
        finding: &mut Option<LiquidError>,
    ) -> Result<String, LiquidError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        // Outputs are usually a little longer than their markup; a larger text grows once.
        let mut out = String::with_capacity(self.source().len() + self.source().len() / 4);
        let mut renderer = TemplateRenderer::new(self.settings(now), &self.tree, data);
        let done = renderer.render_template(&mut out);
        if let Some(cut) = renderer.take_finding() {
            *finding = Some(cut);
        }
        done.map(|()| out)
    }

    /// The value of a template that is nothing but one `{{ output }}`, with its type: a number
    /// stays a number, an object an object. The value of any other template is its text. Sets
    /// `finding` as [`Template::render_reporting`] does.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn evaluate(
        &self,
        data: &dyn TemplateData,
        now: i64,
        finding: &mut Option<LiquidError>,
    ) -> Result<serde_json::Value, LiquidError> {
        match TemplateRenderer::new(self.settings(now), &self.tree, data).evaluate_output()? {
            Some(value) => Ok(value),
            // More than one output, or text around it.
            None => self.render_reporting(data, now, finding).map(serde_json::Value::String),
        }
    }

    /// The paths of the data that the template reads, in the order of its source, those of the
    /// partials that it names in quotes included. Variables that it sets itself are not among them.
    pub fn variables(&self) -> Vec<VariableUse> {
        variables::collect_variables(&self.tree, &self.shared.partials)
    }

    /// The texts that the template can render, with a gap for each value.
    pub(crate) fn outlines(&self) -> OutlineWalk<'_> {
        let (partials, limits) = (&self.shared.partials, &self.shared.limits);
        let escapes = self.output == OutputFormat::Xml;
        OutlineWalk::new(&self.tree, partials, limits.include_depth, escapes)
    }

    fn settings(&self, now: i64) -> RenderSettings<'_> {
        RenderSettings {
            partials: &self.shared.partials,
            limits: &self.shared.limits,
            clock: RenderClock { now, zone: &self.shared.zone },
            xml: self.output == OutputFormat::Xml,
        }
    }
}
