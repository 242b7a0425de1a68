//! Which problems of a configuration concern one route, for a person who tries only this one.

use std::path::Path;

use crate::config::{ConfigText, RouteAnswer, RouteDocument};
use crate::diagnostics::problem::{Problem, SourceSpan};

use super::Gateway;

impl Gateway {
    /// Whether a problem is about a route: in its flow, its documents, its section, or that of
    /// a function that it calls. `file` is the configuration.
    pub(crate) fn has_problem_on_route(&self, problem: &Problem, file: &Path, path: &str) -> bool {
        let config = &self.config;
        let Some(place) = &problem.place else { return false };
        let Some(section) = config.routes.get(path) else {
            let application = self.direct_route(path).filter(|route| route.application().is_some());
            return application.is_some_and(|route| is_in_section(place, "route", &[&route.path]));
        };
        let is_in = |folder: &Path, text: &ConfigText| {
            *folder.join(&text.text).display().to_string() == *place.source.name
        };
        let functions: Vec<&str> = match &section.answer {
            RouteAnswer::Flow(flow) => {
                let compiled = self.flows.of_route(flow);
                let subflows = compiled.iter().flat_map(|flow| &flow.subflows);
                let mut files =
                    subflows.filter_map(|flow| Some(&config.flows.get(&flow.name)?.file));
                if is_in(&config.folder, flow) || files.any(|file| is_in(&config.folder, file)) {
                    return true;
                }
                // Any of them may replace a widget of the flow.
                config.functions.keys().map(String::as_str).collect()
            }
            RouteAnswer::Short(short) => {
                let mut documents = short.success.iter().chain(&short.fail);
                if documents.any(|document| is_in(&config.server.templates, document)) {
                    return true;
                }
                vec![&short.function]
            }
            RouteAnswer::Document(RouteDocument::File(document))
                if is_in(&config.server.templates, document) =>
            {
                return true;
            }
            RouteAnswer::Document(_) | RouteAnswer::Redirect(_) => Vec::new(),
        };
        *place.source.name == file.display().to_string()
            && (is_in_section(place, "route", &[path])
                || is_in_section(place, "function", &functions))
    }
}

/// Whether a place of a configuration is in one of these sections, or in a table of it.
fn is_in_section(place: &SourceSpan, kind: &str, names: &[&str]) -> bool {
    let before = place.source.text.get(..place.span.end).unwrap_or_default();
    let header = before.lines().rev().map(str::trim_start).find(|line| line.starts_with('['));
    let rest = header.and_then(|header| header.trim_start_matches('[').strip_prefix(kind));
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix('.')) else { return false };
    names.iter().any(|name| {
        let written = [format!("\"{name}\""), format!("'{name}'"), (*name).to_owned()];
        let rest = written.iter().find_map(|name| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with([']', '.']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::problem::Source;

    #[test]
    fn a_place_belongs_to_the_section_above_it() {
        let text = "[route.\"/sms\"]\na = 1\n[route.\"/sms\".parameters]\nb = 1\n\
                    [route.\"/sms/x\"]\nc = 1\n[function.f]\nd = 1\n";
        let is_in = |word: &str, kind, name| {
            let start = text.find(word).unwrap();
            let place = SourceSpan { source: Source::new("c", text), span: start..start + 1 };
            is_in_section(&place, kind, &[name])
        };
        assert!(is_in("a =", "route", "/sms") && is_in("b =", "route", "/sms"));
        assert!(!is_in("c =", "route", "/sms") && is_in("c =", "route", "/sms/x"));
        assert!(is_in("d =", "function", "f") && !is_in("d =", "function", "g"));
    }
}
