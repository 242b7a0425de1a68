//! A route without a function, as a flow: a document, or a redirect to other TwiML.

use super::unset_variables::check_variables;
use crate::channel::Channel;
use crate::config::{ConfigText, RouteDocument, RouteRedirect};
use crate::diagnostics::problem::Problems;
use crate::flow::{Flow, build_document_flow};
use crate::template::TemplateFolder;
use crate::twiml::TwimlWriter;
use crate::twiml::verb::Redirect;
use crate::uri::escape_target;

/// Compiles one route without a function.
pub(super) struct DocumentRouteCompiler<'a> {
    /// The path of the route, which is also the name of its flow.
    pub path: &'a str,
    pub channel: Channel,
    pub templates: &'a TemplateFolder,
}

impl DocumentRouteCompiler<'_> {
    /// Compiles the flow of a document. `None` if an error was found.
    pub(super) fn compile(
        &self,
        document: &RouteDocument,
        problems: &mut Problems,
    ) -> Option<Flow> {
        match document {
            RouteDocument::File(file) => {
                let (template, source) = self.templates.document(file, problems)?;
                let flow = build_document_flow(self.path, "document", template.clone());
                problems.extend(check_variables(&template, &source, &flow, self.channel));
                Some(flow)
            }
            RouteDocument::Inline(text) => self.compile_inline(text, problems),
        }
    }

    fn compile_inline(&self, text: &ConfigText, problems: &mut Problems) -> Option<Flow> {
        // A name of its own, because the log has it with the line.
        let name = format!("[route.\"{}\"] twiml", self.path);
        let template = self.templates.compile_document(&name, text, problems)?;
        problems.extend(self.templates.check_inline_document(&template, text, self.channel));
        let flow = build_document_flow(self.path, "twiml", template.clone());
        for mut problem in check_variables(&template, &text.source, &flow, self.channel) {
            if let Some(place) = &mut problem.place {
                place.span = text.locate(place.span.clone());
            }
            problems.push(problem);
        }
        Some(flow)
    }

    /// Compiles the flow of a redirect.
    pub(super) fn compile_redirect(
        &self,
        redirect: &RouteRedirect,
        problems: &mut Problems,
    ) -> Option<Flow> {
        let url = escape_target(redirect.url.text.trim());
        let mut writer = TwimlWriter::response();
        writer.add(&Redirect { url: &url, method: Some(redirect.method.as_str()) });
        // The configuration refuses Liquid in the URL, so the document is its own template.
        let document = ConfigText { text: writer.finish().into_string(), ..redirect.url.clone() };
        let name = format!("[route.\"{}\"] redirect", self.path);
        let template = self.templates.compile_document(&name, &document, problems)?;
        Some(build_document_flow(self.path, "redirect", template))
    }
}
