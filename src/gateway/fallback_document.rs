//! The fallback document of a route, which is sent if the flow fails without a document of its own.

use actix_web::web::Bytes;

use crate::channel::Channel;
use crate::config::ConfigText;
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::template::{TemplateFolder, to_problem};
use crate::twiml::read::{DocumentLimits, check_document};

/// Loads a fallback document. `None` if it cannot be rendered.
pub(super) fn load_fallback_document(
    file: &ConfigText,
    channel: Channel,
    templates: &TemplateFolder,
    problems: &mut Problems,
) -> Option<Bytes> {
    let (template, source) = templates.document(file, problems)?;
    // First, because these errors have their places in the template.
    let checked = templates.check_documents(&template, None, &[channel]);
    let defects = checked.into_iter().filter(|problem| problem.level == Severity::Defect);
    // The last resort must work before the first call.
    let errors: Vec<Problem> =
        defects.map(|problem| Problem { level: Severity::Error, ..problem }).collect();
    if !errors.is_empty() {
        problems.extend(errors);
        return None;
    }
    // Rendered once, at the start and without variables: after a failure nothing may depend on
    // anything that can fail again.
    let rendered = match template.render(&serde_json::Map::new(), 0) {
        Ok(rendered) => rendered,
        Err(error) => {
            problems.push(to_problem(&error, &source));
            return None;
        }
    };
    match check_document(rendered.as_bytes(), channel, &DocumentLimits::default()) {
        // In a function's answer a finding is a warning. This document is the last resort, so here
        // each is an error.
        Ok(read) => {
            for finding in read.findings {
                let message = format!("the fallback document of a route: {finding}");
                problems.push(file.source.error(file.span.clone(), message));
            }
        }
        Err(error) => {
            let message = format!("the fallback document of a route is not TwiML: {error}");
            problems.push(file.source.error(file.span.clone(), message));
        }
    }
    Some(rendered.into())
}
