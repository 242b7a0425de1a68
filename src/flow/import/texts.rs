//! The texts of a flow: compiled as Liquid, with warnings about variables that nothing sets.

use super::{FlowImporter, WidgetNode, references};
use crate::diagnostics::problem::Severity;
use crate::diagnostics::suggest::nearest_name;
use crate::flow::file::FlowNode;
use crate::flow::properties::Property;
use crate::flow::scope::Scope;
use crate::liquid::{LiquidError, OutputFormat, Template};
use crate::twiml::read::SpeechMarkup;

impl FlowImporter<'_> {
    /// Compiles a text as a template, and reports its errors at their places in the file.
    pub(super) fn compile_template(&mut self, node: &FlowNode, text: &str) -> Option<Template> {
        match self.context.liquid.compile(&self.source.name, text, OutputFormat::Plain) {
            Ok(template) => {
                self.warn_of_unset_variables(node, text, &template);
                Some(template)
            }
            Err(errors) => self.report_liquid_errors(node, text, errors),
        }
    }

    /// Reports why a text does not compile. In a flow of Studio's it is an empty value, as there.
    fn report_liquid_errors(
        &mut self,
        node: &FlowNode,
        text: &str,
        errors: Vec<LiquidError>,
    ) -> Option<Template> {
        let strict = self.context.strict_liquid;
        self.failed |= strict;
        for error in &errors {
            let mut problem = crate::template::to_problem(error, self.source);
            if let Some(place) = &mut problem.place {
                place.span = self.locate(node, text, error.span());
            }
            if !strict {
                let empty = "as in Studio (81018), the whole text is empty";
                problem.help = match problem.help.as_str() {
                    "" => empty.to_owned(),
                    help => format!("{help} For now, {empty}"),
                };
                problem.level = Severity::Warning;
            }
            self.problems.push(problem);
        }
        let first = errors.into_iter().next().filter(|_| !strict);
        first.map(|error| self.context.liquid.compile_failing(error))
    }

    /// Warns of variables that the flow never sets.
    fn warn_of_unset_variables(&mut self, node: &FlowNode, text: &str, template: &Template) {
        // Warnings, because Studio renders an unset variable as an empty text.
        for variable in template.variables() {
            let (path, help) = match variable.keys().as_slice() {
                ["widgets", name, ..] if !self.names.iter().any(|known| known == name) => {
                    let near = nearest_name(name, self.names.iter().map(String::as_str));
                    let help = near.map(|near| format!("did you mean `widgets.{near}`?"));
                    (format!("widgets.{name}"), help)
                }
                [root, ..] if !Scope::ROOTS.contains(root) => {
                    let roots = Scope::ROOTS.join(", ");
                    let rewrite = references::advise_rewrite(text);
                    let help = format!("it renders as nothing; there is: {roots}{rewrite}");
                    ((*root).to_owned(), Some(help))
                }
                _ => continue,
            };
            let span = self.locate(node, text, variable.span.clone());
            let problem = self.source.warning(span, format!("nothing sets `{path}`"));
            self.push(problem, "never set", &help.unwrap_or_default());
        }
    }

    /// Converts a place in a text to a place in the file.
    pub(super) fn locate(
        &self,
        node: &FlowNode,
        text: &str,
        place: std::ops::Range<usize>,
    ) -> std::ops::Range<usize> {
        let quoted = self.source.text.get(node.span.clone()).unwrap_or_default();
        // Escapes move the places: a text that does not appear as it is gets the place of its node.
        match quoted.find(text) {
            Some(offset) if !text.is_empty() => {
                let start = node.span.start + offset;
                start + place.start..start + place.end
            }
            _ => node.span.clone(),
        }
    }

    /// Compiles a spoken text as speech markup. `None` if it can have none.
    pub(super) fn read_speech(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
        template: Option<&Template>,
    ) -> Option<Template> {
        let template = template?;
        let text = template.source();
        if !text.contains(['<', '&']) {
            return None;
        }
        // A text with Liquid is known only when the widget runs.
        if template.constant_text().is_some()
            && let Err(error) = SpeechMarkup::read(text)
        {
            // `Tom & Jerry` or `3 < 4` is spoken as it is meant; a tag read out is not.
            if text.contains("</") || text.contains("/>") {
                let span = self.locate(node, text, error.span);
                let message = format!(
                    "`{}` of widget `{}` is not well-formed speech markup, so its tags are read \
                     out: {}",
                    property.name, state.name, error.message
                );
                let problem = self.source.warning(span, message);
                self.push(problem, "text, or well-formed SSML", &error.help);
            }
            return None;
        }
        let liquid = &self.context.liquid;
        // Its errors were reported when it was compiled as a text.
        liquid.compile(&self.source.name, text, OutputFormat::Xml).ok()
    }
}
