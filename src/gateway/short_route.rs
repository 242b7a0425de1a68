//! The short form of a route, one function and two documents, as a flow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::unset_variables::check_variables;
use crate::channel::Channel;
use crate::config::{ConfigText, Function, ShortRoute};
use crate::diagnostics::problem::{Problems, Source};
use crate::flow::{self, Flow, Pair};
use crate::liquid::Template;
use crate::template::TemplateFolder;

/// Compiles the short form of one route.
pub(super) struct ShortRouteCompiler<'a> {
    /// The path of the route, which is also the name of its flow.
    pub path: &'a str,
    pub channel: Channel,
    pub functions: &'a BTreeMap<String, Arc<Function>>,
    pub templates: &'a TemplateFolder,
}

/// A compiled template, with its place for warnings about its variables.
struct PlacedTemplate {
    template: Template,
    source: Source,
    /// An inline template in the configuration. `None` for a file, whose own places are known.
    inline: Option<ConfigText>,
}

impl ShortRouteCompiler<'_> {
    /// Compiles the flow. `None` if an error was found.
    pub(super) fn compile(&self, short: &ShortRoute, problems: &mut Problems) -> Option<Flow> {
        let mut templates = Vec::new();
        let parameters = self.compile_parameters(short, &mut templates, problems);
        let success = self.load_document(short.success.as_ref(), &mut templates, problems);
        let fail = self.load_document(short.fail.as_ref(), &mut templates, problems);
        // An unknown function was reported when the configuration was read. It is looked up last,
        // so that mistakes in the templates are reported too.
        let function = self.functions.get(&short.function)?.clone();
        let flow = flow::build_short_flow(
            self.path,
            flow::ShortFlow { function, parameters, success, fail },
        );
        // Only now: the names of the flow's widgets decide which variables are set.
        for PlacedTemplate { template, source, inline } in templates {
            for mut problem in check_variables(&template, &source, &flow, self.channel) {
                // A variable's place counts from the beginning of its template.
                if let (Some(inline), Some(place)) = (&inline, &mut problem.place) {
                    place.span = inline.locate(place.span.clone());
                }
                problems.push(problem);
            }
        }
        Some(flow)
    }

    fn compile_parameters(
        &self,
        short: &ShortRoute,
        templates: &mut Vec<PlacedTemplate>,
        problems: &mut Problems,
    ) -> Vec<Pair> {
        let mut parameters = Vec::new();
        for (name, text) in &short.parameters {
            let key = self.templates.compile_name(name);
            if let Some((key, value)) = key.zip(self.templates.compile_inline(text, problems)) {
                let (source, inline) = (text.source.clone(), Some(text.clone()));
                templates.push(PlacedTemplate { template: value.clone(), source, inline });
                parameters.push(Pair { key, value, json: false });
            }
        }
        parameters
    }

    fn load_document(
        &self,
        file: Option<&ConfigText>,
        templates: &mut Vec<PlacedTemplate>,
        problems: &mut Problems,
    ) -> Option<Template> {
        let (template, source) = self.templates.document(file?, problems)?;
        templates.push(PlacedTemplate { template: template.clone(), source, inline: None });
        Some(template)
    }
}
