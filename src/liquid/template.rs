//! A compiled template: rendered any number of times, by any number of threads.

use std::sync::Arc;

use super::data::Data;
use super::error::Error;
use super::render::{Clock, Render, Setting};
use super::settings::{Output, Shared};
use super::tree::{Node, Tree};
use super::variables::{self, VariableUse};

/// A compiled template. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Template {
    tree: Arc<Tree>,
    output: Output,
    shared: Arc<Shared>,
}

// === impl Template ===

impl Template {
    pub(super) fn new(tree: Tree, output: Output, shared: Arc<Shared>) -> Self {
        Template { tree: Arc::new(tree), output, shared }
    }

    /// The name that it was compiled with.
    pub fn name(&self) -> &str {
        &self.tree.origin.name
    }

    /// The source that it was compiled from.
    pub fn source(&self) -> &str {
        &self.tree.origin.source
    }

    /// The text of the template where it has no tags, and so is the same for all data.
    pub fn is_constant(&self) -> Option<&str> {
        match self.tree.body.nodes.as_slice() {
            [] => Some(""),
            [Node::Text(span)] => Some(span.of(self.source())),
            _ => None,
        }
    }

    /// Renders with `data` as the names that the template sees, at `now` in Unix seconds.
    ///
    /// # Errors
    /// What has no result, and what goes over a limit; see [`super::ErrorKind`].
    pub fn render(&self, data: &dyn Data, now: i64) -> Result<String, Error> {
        let mut out = String::with_capacity(self.source().len() + self.source().len() / 4);
        self.render_into(&mut out, data, now)?;
        Ok(out)
    }

    /// Renders to the end of `out`. After an error `out` holds what was rendered before it.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_into(&self, out: &mut String, data: &dyn Data, now: i64) -> Result<(), Error> {
        Render::new(self.setting(now), &self.tree, data).template(out)
    }

    /// The value of a template that is nothing but one `{{ output }}`, its type kept: a number
    /// stays one, an object stays whole. Any other template gives its text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn evaluate(&self, data: &dyn Data, now: i64) -> Result<serde_json::Value, Error> {
        match Render::new(self.setting(now), &self.tree, data).value()? {
            Some(value) => Ok(value),
            None => self.render(data, now).map(serde_json::Value::String),
        }
    }

    /// The paths of the data that the template reads, in the order of its source, those of the
    /// partials that it names in quotes included. What it sets itself is not among them.
    pub fn variables(&self) -> Vec<VariableUse> {
        variables::of(&self.tree, &self.shared.partials)
    }

    fn setting(&self, now: i64) -> Setting<'_> {
        Setting {
            partials: &self.shared.partials,
            limits: &self.shared.limits,
            clock: Clock { now, zone: &self.shared.zone },
            xml: self.output == Output::Xml,
        }
    }
}
