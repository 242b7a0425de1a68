//! The gateway: one revision of the configuration, compiled and checked, with everything that
//! answers a webhook.
//!
//! [`flows`] compiles the flows and restores their earlier revisions, `short_route` and
//! `document_route` make flows of routes without a flow file, `hold_documents` and
//! `fallback_document` compile the documents beside them, `applications` has what is behind a
//! prefix, `widget_functions` finds the function that replaces the URL of a widget, `route_checks`,
//! `redirect_checks`, `unset_variables` and `document_templates` report what fits together badly.
//! All of them report into one list of problems, and a [`Gateway`] exists only if none of these is
//! an error; from then on it never changes, so that all workers share it without a lock. What does
//! change is behind a [`Worker`]: the connections of its functions, the sessions, the calls that
//! are pending. Nothing here knows the listeners, HTTP requests or the stages of an exchange.

mod applications;
mod document_route;
mod document_templates;
mod fallback_document;
mod flows;
mod hold_documents;
mod project;
mod redirect_checks;
mod route_checks;
mod route_problems;
mod short_route;
mod unset_variables;
mod widget_functions;

pub use flows::Flows;
pub use project::Project;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::Channel;
use crate::config::{Account, Config, RouteAnswer, RouteSection};
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::fallback;
use crate::flow::{Flow, FlowUrls};
use crate::function::{Functions, Resolver, SharedFunctions};
use crate::liquid::Template;
use crate::metrics::Metrics;
use crate::pending::PendingCalls;
use crate::route::{DirectRoute, Route, Routes};
use crate::session::{Sessions, StoreError, StoredExecution};
use crate::template::{TemplateFolder, missing_folder};
use crate::tls::check_certificate;
use crate::verify::Verifier;

use applications::load_applications;
use document_route::DocumentRouteCompiler;
use fallback_document::load_fallback_document;
use project::load_project;
use short_route::ShortRouteCompiler;
use widget_functions::check_widget_functions;

/// One revision of the configuration, compiled. All workers share it, and it never changes.
pub struct Gateway {
    /// The configuration as it was read.
    pub config: Config,
    /// Stage 2: checks signatures.
    pub verifier: Verifier,
    /// Stage 3: finds the flow of a webhook.
    pub routes: Routes,
    /// The flows of the routes, and those that no route names.
    pub flows: Flows,
    /// The part of stage 6 that all workers share.
    pub functions: SharedFunctions,
    /// The paths of the project under `[functions]`.
    pub project: Option<Project>,
    /// The applications behind a prefix, the longest prefix first.
    pub(crate) applications: Vec<Arc<DirectRoute>>,
    /// The hold documents, by the names of their functions.
    pub hold_documents: HashMap<String, Template>,
}

/// The part of a gateway that each worker thread has for itself.
pub struct Worker {
    /// Stage 4: the sessions. All workers use the same store.
    pub sessions: Sessions,
    /// Stage 6: the connections to functions, which each worker pools for itself.
    pub functions: Functions,
    /// Calls of functions that outlast their webhooks. All workers use the same table.
    pub pending: PendingCalls,
    /// Whether transitions are recorded even if the flow does not store them. The simulated phone
    /// and the flow tests show them, and traces store them.
    pub records_transitions: bool,
    /// The revisions of flows that are known to be in the store.
    stored_flows: RefCell<HashSet<String>>,
}

/// The reason why a stored revision of a flow cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevisionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The revision is not in the store, or does not compile with today's configuration.
    #[error("the flow that the execution began with can no longer be run: {0}")]
    Gone(String),
}

impl Gateway {
    /// Reads a configuration and every file that it names. The second half holds all problems; the
    /// first is `None` if one of them is an error.
    pub fn load(path: &Path, metrics: &Metrics) -> (Option<Gateway>, Problems) {
        Gateway::load_edited(path, |_| {}, metrics)
    }

    /// As [`Gateway::load`], with changes to the configuration that the file does not have.
    pub(crate) fn load_edited(
        path: &Path,
        edit: impl FnOnce(&mut Config),
        metrics: &Metrics,
    ) -> (Option<Gateway>, Problems) {
        let (gateway, mut problems) = Gateway::check(path, edit, metrics);
        problems.remove_notes();
        (gateway, problems)
    }

    /// As [`Gateway::load_edited`], with the notes, which are not problems.
    pub(crate) fn check(
        path: &Path,
        edit: impl FnOnce(&mut Config),
        metrics: &Metrics,
    ) -> (Option<Gateway>, Problems) {
        let (config, mut problems) = Config::read(path);
        let Some(mut config) = config else { return (None, problems) };
        edit(&mut config);
        let templates = TemplateFolder::load(
            &config.server.templates,
            config.server.time_zone.clone(),
            &mut problems,
        );
        // Nothing needs the default folder to exist; a name that was written is a mistake.
        let default = config.folder.join("templates");
        if !config.server.templates.is_dir() && config.server.templates != default {
            problems.push(missing_folder(&config.server.templates));
        }
        let gateway = Gateway::build(config, &templates, metrics, &mut problems);
        (gateway, problems)
    }

    /// Builds a gateway from a configuration that has been read. `None` if an error was found.
    pub fn build(
        config: Config,
        templates: &TemplateFolder,
        metrics: &Metrics,
        problems: &mut Problems,
    ) -> Option<Gateway> {
        let link = load_project(&config, metrics, problems);
        // Before the routes, which refer to the flows by their files.
        let project = link.as_ref().map(|link| Arc::clone(link.pool.project()));
        let flows = Flows::load(&config, templates, project, problems);
        check_widget_functions(&config, &flows, problems);
        let builder = RouteBuilder { config: &config, templates, flows: &flows, metrics };
        let sections = config.routes.iter();
        // A route with an error is left out, so that the others are checked all the same.
        let routes: Vec<Route> =
            sections.filter_map(|(path, section)| builder.build(path, section, problems)).collect();
        let applications = load_applications(&config, templates, metrics, problems);
        problems.extend(route_checks::check_voice_routes(&config, &flows, &routes));
        problems.extend(redirect_checks::check_redirects(&config));
        problems.extend(document_templates::check_templates(templates, &routes, &flows));
        let used = hold_documents::flows_in_use(&routes, flows.iter().map(Arc::as_ref));
        let hold_documents = hold_documents::load(&config, templates, &used, problems);
        let has_project = link.as_ref().is_some_and(|link| link.pool.project().has_files());
        if config.routes.is_empty() && config.forwards.is_empty() && !has_project {
            let message = "no `[route.\"/…\"]` is configured, so every webhook would get 404";
            problems.push(Problem::new(Severity::Warning, message));
        }
        // What follows reads certificates, which is of no use if the gateway cannot start anyway.
        if problems.any_error() {
            return None;
        }
        if let Some(Err(problem)) = config.server.tls.as_ref().map(check_certificate) {
            problems.push(problem);
        }
        let functions = SharedFunctions::new(&config, Resolver::System);
        let functions = functions.map_err(|error| {
            problems.push(Problem::new(Severity::Error, error.to_string()));
        });
        let verifier = Verifier::new(&config.server, config.signature, &config.accounts);
        let routes = Routes::new(routes);
        if problems.any_error() {
            return None;
        }
        let functions = functions.ok()?.with_project(link.clone());
        let project = link.map(|link| Project::new(&config, link.pool, metrics));
        hold_documents.keys().for_each(|name| metrics.begin_holds(name));
        Some(Gateway {
            config,
            verifier,
            routes,
            flows,
            functions,
            project,
            applications,
            hold_documents,
        })
    }

    /// Makes a worker of this gateway. Call it on the thread of the worker: its connections cannot
    /// move to another one.
    pub fn worker(&self, sessions: Sessions, pending: PendingCalls) -> Worker {
        let functions = Functions::new(&self.functions);
        let stored_flows = RefCell::default();
        Worker { sessions, functions, pending, records_transitions: false, stored_flows }
    }

    /// The route of a path that no flow answers.
    pub(crate) fn direct_route(&self, path: &str) -> Option<&Arc<DirectRoute>> {
        let project = self.project.as_ref().and_then(|project| project.at(path));
        let has_path = |route: &&Arc<DirectRoute>| {
            route.application().is_some_and(|application| application.has_path(path))
        };
        project.or_else(|| self.applications.iter().find(has_path))
    }

    /// The time for the answer to a request for a route, or to one without a route.
    pub(crate) fn answer_within(
        &self,
        route: Option<&Arc<Route>>,
        direct: Option<&Arc<DirectRoute>>,
    ) -> Duration {
        let is_flow = route.is_some_and(|route| route.flow.persistence.is_always());
        // An application may take as long as the function of a flow.
        let is_application = direct.is_some_and(|direct| direct.application().is_some());
        let server = &self.config.server;
        if is_flow || is_application { server.flow_answer_within } else { server.answer_within }
    }

    /// The likeliest cause of a path without a route.
    pub(crate) fn explain_unknown(&self, path: &str) -> Option<String> {
        let explain = |route: &Arc<DirectRoute>| {
            let prefix = &route.application()?.prefix;
            if path.starts_with(prefix) {
                return Some(format!(
                    "the path has a segment `.` or `..`, and `{}` passes none on",
                    route.path
                ));
            }
            (path == prefix.trim_end_matches('/'))
                .then(|| format!("the route `{}` begins at `{prefix}`, with the slash", route.path))
        };
        let application = self.applications.iter().find_map(explain);
        application.or_else(|| self.routes.explain_unknown(path))
    }

    /// The replacement of a URL of an imported flow. `None` if no `[[rewrite]]` fits.
    pub(crate) fn rewrite_url(&self, url: &str) -> Option<String> {
        // The rules are sorted by length: the first that fits is the most specific one.
        self.config.rewrites.iter().find_map(|rewrite| rewrite.apply(url))
    }

    /// The URLs where a flow takes calls and messages. `route` is the path of the route that the
    /// execution began on; it takes precedence over other routes of the flow.
    pub(crate) fn urls_of(&self, flow: &str, route: Option<&str>) -> FlowUrls {
        let url = |channel| self.routes.of_flow(flow, channel, route)?.url.clone();
        FlowUrls { voice: url(Channel::Voice), message: url(Channel::Message) }
    }

    /// The configured account with a sid.
    pub fn account(&self, sid: &str) -> Option<&Arc<Account>> {
        self.config.accounts.iter().find(|account| account.sid == sid)
    }

    /// The current revision of the flow of an execution.
    pub(crate) fn current_flow(&self, stored: &StoredExecution) -> Option<&Arc<Flow>> {
        // A short route has no revisions, and its flow has the name of its path.
        if stored.revision.is_empty() {
            return self.routes.at(&stored.flow).map(|route| &route.flow);
        }
        self.flows.find(&stored.flow)
    }

    /// The revision of a flow that an execution began with, if that is not the current one.
    ///
    /// # Errors
    /// The store failed, or the revision cannot be compiled any more.
    pub(crate) async fn stored_revision(
        &self,
        sessions: &Sessions,
        stored: &StoredExecution,
    ) -> Result<Arc<Flow>, RevisionError> {
        if stored.revision.is_empty() {
            // The short form of a route has no revisions: an execution continues with the current
            // route, and there is none.
            return Err(RevisionError::Gone(format!("there is no route `{}`", stored.flow)));
        }
        if let Some(flow) = self.flows.find_restored(&stored.revision) {
            return Ok(flow);
        }
        let definition = sessions.flow(&stored.revision).await?;
        let gone = || RevisionError::Gone("the store has lost it".to_owned());
        let definition = definition.ok_or_else(gone)?;
        // Two turns may get here at once. Both compile the same text, so either result will do.
        self.flows.restore(&stored.revision, &definition).map_err(RevisionError::Gone)
    }
}

impl Worker {
    /// Stores the definition of a flow, unless this worker did so before. An execution needs it
    /// when the flow's file changes, so this comes before the execution is stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn store_flow(&self, flow: &Flow) -> Result<(), StoreError> {
        if !flow.persistence.is_always() || self.stored_flows.borrow().contains(&flow.revision) {
            return Ok(());
        }
        self.sessions.store_flow(&flow.revision, &flow.definition).await?;
        // Only after the write: a failed one is repeated with the next execution.
        self.stored_flows.borrow_mut().insert(flow.revision.clone());
        Ok(())
    }
}

/// Builds the routes of one configuration.
struct RouteBuilder<'a> {
    config: &'a Config,
    templates: &'a TemplateFolder,
    flows: &'a Flows,
    metrics: &'a Metrics,
}

impl RouteBuilder<'_> {
    /// Builds one route. `None` if an error was found.
    fn build(&self, path: &str, section: &RouteSection, problems: &mut Problems) -> Option<Route> {
        let channel = section.channel;
        let flow = self.compile_flow(path, section, problems);
        let fallback = match &section.fallback {
            Some(file) => load_fallback_document(file, channel, self.templates, problems),
            None => Some(fallback::built_in(channel)),
        };
        // Both halves were made before the first `?`, so that the problems of both are reported.
        let (flow, fallback) = (flow?, fallback?);
        let base = self.config.server.public_url.as_deref();
        Some(Route {
            path: path.to_owned(),
            url: base.map(|base| format!("{base}{path}").into()),
            channel,
            flow,
            fallback,
            status_callbacks: section.answer.takes_status_callbacks(),
            cookies: section.cookies,
            metrics: self.metrics.of_route(path),
        })
    }

    fn compile_flow(
        &self,
        path: &str,
        section: &RouteSection,
        problems: &mut Problems,
    ) -> Option<Arc<Flow>> {
        let channel = section.channel;
        match &section.answer {
            RouteAnswer::Short(short) => {
                let functions = &self.config.functions;
                let compiler =
                    ShortRouteCompiler { path, channel, functions, templates: self.templates };
                compiler.compile(short, problems).map(Arc::new)
            }
            RouteAnswer::Document(document) => {
                let compiler = DocumentRouteCompiler { path, channel, templates: self.templates };
                compiler.compile(document, problems).map(Arc::new)
            }
            RouteAnswer::Redirect(redirect) => {
                let compiler = DocumentRouteCompiler { path, channel, templates: self.templates };
                compiler.compile_redirect(redirect, problems).map(Arc::new)
            }
            RouteAnswer::Flow(file) => {
                let flow = self.flows.of_route(file)?;
                problems.extend(route_checks::check_trigger(&flow, channel, file));
                Some(flow)
            }
        }
    }
}
