//! A compiled template: rendered any number of times, by any number of threads.

use std::sync::Arc;

use super::data::TemplateData;
use super::error::LiquidError;
use super::render::{RenderClock, RenderSettings, TemplateRenderer};
use super::settings::{EngineSettings, OutputFormat};
use super::tree::{SyntaxTree, TemplateNode};
use super::variables::{self, VariableUse};

/// A compiled template. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Template {
    tree: Arc<SyntaxTree>,
    output: OutputFormat,
    shared: Arc<EngineSettings>,
}

// === impl Template ===

impl Template {
    pub(super) fn new(tree: SyntaxTree, output: OutputFormat, shared: Arc<EngineSettings>) -> Self {
        Template { tree: Arc::new(tree), output, shared }
    }

    /// The name that it was compiled with.
    pub fn name(&self) -> &str {
        &self.tree.source.name
    }

    /// The source that it was compiled from.
    pub fn source(&self) -> &str {
        &self.tree.source.text
    }

    /// The text of the template where it has no tags, and so is the same for all data.
    pub fn constant_text(&self) -> Option<&str> {
        match self.tree.body.nodes.as_slice() {
            [] => Some(""),
            [TemplateNode::Text(span)] => Some(span.slice(self.source())),
            _ => None,
        }
    }

    /// Renders with `data` as the names that the template sees, at `now` in Unix seconds.
    ///
    /// # Errors
    /// What has no result, and what goes over a limit; see [`super::LiquidErrorKind`].
    pub fn render(&self, data: &dyn TemplateData, now: i64) -> Result<String, LiquidError> {
        let mut out = String::with_capacity(self.source().len() + self.source().len() / 4);
        self.render_into(&mut out, data, now)?;
        Ok(out)
    }

    /// Renders to the end of `out`. After an error `out` holds what was rendered before it.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_into(
        &self,
        out: &mut String,
        data: &dyn TemplateData,
        now: i64,
    ) -> Result<(), LiquidError> {
        TemplateRenderer::new(self.settings(now), &self.tree, data).render_template(out)
    }

    /// The value of a template that is nothing but one `{{ output }}`, its type kept: a number
    /// stays one, an object stays whole. Any other template gives its text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn evaluate(
        &self,
        data: &dyn TemplateData,
        now: i64,
    ) -> Result<serde_json::Value, LiquidError> {
        match TemplateRenderer::new(self.settings(now), &self.tree, data).evaluate_output()? {
            Some(value) => Ok(value),
            None => self.render(data, now).map(serde_json::Value::String),
        }
    }

    /// The paths of the data that the template reads, in the order of its source, those of the
    /// partials that it names in quotes included. What it sets itself is not among them.
    pub fn variables(&self) -> Vec<VariableUse> {
        variables::collect_variables(&self.tree, &self.shared.partials)
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
