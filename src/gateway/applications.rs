//! The applications behind the prefixes of `[route."/prefix/*"]`.

use std::sync::Arc;

use super::fallback_document::load_fallback_document;
use crate::channel::Channel;
use crate::config::{Config, ConfigText, ForwardSection};
use crate::diagnostics::problem::{Problem, Problems};
use crate::fallback;
use crate::function::ApplicationServer;
use crate::limits::{DOCUMENT_BYTES_MAX, PROJECT_BODY_BYTES_MAX};
use crate::metrics::Metrics;
use crate::route::{
    Application, DirectCallee, DirectRoute, DirectTarget, FallbackDocuments, RouteAccess,
};
use crate::template::TemplateFolder;

/// Loads the applications of a configuration, the longest prefix first. One with an error is left
/// out, so that the others are checked all the same.
pub(super) fn load_applications(
    config: &Config,
    templates: &TemplateFolder,
    metrics: &Metrics,
    problems: &mut Problems,
) -> Vec<Arc<DirectRoute>> {
    let mut routes = Vec::new();
    for (path, section) in &config.forwards {
        problems.extend(check_open(path, section));
        let mut load = |file: &Option<ConfigText>, channel| match file {
            Some(file) => load_fallback_document(file, channel, templates, problems),
            None => Some(fallback::built_in(channel)),
        };
        let voice = load(&section.voice_fallback, Channel::Voice);
        let message = load(&section.message_fallback, Channel::Message);
        let Some((voice, message)) = voice.zip(message) else { continue };
        let application = build_application(path, section);
        routes.push(Arc::new(DirectRoute {
            path: path.clone(),
            target: DirectTarget::Call(DirectCallee::Application(Box::new(application))),
            access: RouteAccess::Signed,
            fallback: FallbackDocuments { voice, message },
            metrics: metrics.of_route(path),
        }));
    }
    routes.sort_by_key(|route| std::cmp::Reverse(route.path.len()));
    routes
}

fn build_application(path: &str, section: &ForwardSection) -> Application {
    let base = section.url.path().trim_end_matches('/');
    let server = |name: String, max_body_bytes| ApplicationServer {
        name,
        url: section.url.clone(),
        max_body_bytes,
    };
    Application {
        prefix: path.trim_end_matches('*').to_owned(),
        base: format!("{base}/"),
        webhooks: server(path.to_owned(), DOCUMENT_BYTES_MAX),
        // A name of its own: a slow download must not take the connections of calls.
        open_server: server(format!("{path} (open)"), PROJECT_BODY_BYTES_MAX),
        timeout: section.timeout,
        open: section.open.iter().map(|open| open.text.clone()).collect(),
    }
}

/// Entries of `open` that have the prefix of the route in front.
fn check_open(path: &str, section: &ForwardSection) -> Vec<Problem> {
    let prefix = path.trim_end_matches('*');
    let base = section.url.path();
    let is_outer = |open: &&ConfigText| {
        prefix != "/"
            && !base.starts_with(prefix.trim_end_matches('/'))
            && open.text.starts_with(prefix)
    };
    let report = |open: &ConfigText| {
        let shown = open.display_text();
        let message = format!("`{shown}` begins with the prefix of the route");
        let help = format!(
            "`open` has the paths of the application: `/{}`",
            shown.strip_prefix(prefix).unwrap_or_default()
        );
        open.source.warning(open.span.clone(), message).help(help)
    };
    section.open.iter().filter(is_outer).map(report).collect()
}

// === impl FallbackDocuments ===

impl FallbackDocuments {
    /// Those of the program itself.
    pub(super) fn built_in() -> FallbackDocuments {
        FallbackDocuments {
            voice: fallback::built_in(Channel::Voice),
            message: fallback::built_in(Channel::Message),
        }
    }
}
