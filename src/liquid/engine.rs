//! The engine: limits, time zone and partials, set once and shared by every template.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::error::{Error, ErrorKind, Fault};
use super::limits::Limits;
use super::parser::parse;
use super::template::Template;
use super::tree::Tree;
use super::variables;
use crate::diagnostics::suggest::did_you_mean;

/// What the output of a template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// Text: nothing is escaped.
    Plain,
    /// XML: every output is escaped, but not what `capture` built, nor what `raw` lets through.
    Xml,
}

/// Compiles templates. Made once at start: set it up, add the partials, then compile.
///
/// A template keeps the settings and partials that the engine had when it was compiled.
#[derive(Debug, Clone)]
pub struct Engine {
    pub(super) shared: Arc<Shared>,
}

/// What every template of an engine has in common.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) zone: TimeZone,
    pub(super) partials: Partials,
    /// Whether a name that is no partial is a mistake already when a template is compiled.
    closed: bool,
}

/// The partials by their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Partials(HashMap<Box<str>, Arc<Tree>>);

// === impl Engine ===

impl Engine {
    /// An engine without partials, whose dates are in UTC.
    pub fn new(limits: Limits) -> Engine {
        let shared =
            Shared { limits, zone: TimeZone::UTC, partials: Partials::default(), closed: false };
        Engine { shared: Arc::new(shared) }
    }

    /// Sets the zone of dates that name none, and of `now`.
    #[must_use]
    pub fn with_time_zone(mut self, zone: TimeZone) -> Engine {
        Arc::make_mut(&mut self.shared).zone = zone;
        self
    }

    /// Adds what `include` and `render` may name; one of the same name is replaced.
    ///
    /// # Errors
    /// Everything that is wrong with the source, in its order.
    pub fn add_partial(&mut self, name: &str, source: &str) -> Result<(), Vec<Error>> {
        let tree = Arc::new(parse(name, source, &self.shared.limits)?);
        Arc::make_mut(&mut self.shared).partials.0.insert(name.into(), tree);
        Ok(())
    }

    /// Says that all partials are there. From now on [`Engine::compile`] refuses a template that
    /// names another one in quotes; before, only rendering does.
    ///
    /// # Errors
    /// Every partial that names one which is not there.
    pub fn close_partials(&mut self) -> Result<(), Vec<Error>> {
        Arc::make_mut(&mut self.shared).closed = true;
        let mut names: Vec<&Box<str>> = self.shared.partials.0.keys().collect();
        names.sort_unstable();
        let trees = names.iter().filter_map(|name| self.shared.partials.0.get(*name));
        let missing: Vec<Error> = trees.flat_map(|tree| self.missing_partials(tree)).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    /// Compiles a template. `name` stands in its errors.
    ///
    /// # Errors
    /// Everything that is wrong with the source, in its order.
    pub fn compile(
        &self,
        name: &str,
        source: &str,
        output: Output,
    ) -> Result<Template, Vec<Error>> {
        let tree = parse(name, source, &self.shared.limits)?;
        let missing = if self.shared.closed { self.missing_partials(&tree) } else { Vec::new() };
        if missing.is_empty() {
            Ok(Template::new(tree, output, Arc::clone(&self.shared)))
        } else {
            Err(missing)
        }
    }

    fn missing_partials(&self, tree: &Tree) -> Vec<Error> {
        let partials = &self.shared.partials;
        variables::includes(tree)
            .into_iter()
            .filter_map(|(name, span)| match partials.get(name) {
                Some(_) => None,
                None => Some(Error::new(partials.missing(name), Arc::clone(&tree.origin), span)),
            })
            .collect()
    }
}

// === impl Partials ===

impl Partials {
    /// The partial of that name, and the name as it is kept.
    pub(super) fn get(&self, name: &str) -> Option<(&str, &Tree)> {
        self.0.get_key_value(name).map(|(name, tree)| (&**name, &**tree))
    }

    /// The mistake that there is no such partial. The name is not told: it may be data.
    pub(super) fn missing(&self, name: &str) -> Fault {
        let mut names: Vec<&str> = self.0.keys().map(|name| &**name).collect();
        names.sort_unstable();
        Fault::new(ErrorKind::MissingPartial, "there is no partial of that name")
            .with_help(did_you_mean(name, names.into_iter()))
    }
}
