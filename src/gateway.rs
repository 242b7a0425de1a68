//! What a configuration becomes: everything that answers, compiled and checked.

mod flows;
mod hold_documents;
mod unset_variables;

pub use flows::Flows;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use crate::channel::Channel;
use crate::config::{Account, Config, ConfigText, RouteAnswer, ShortRoute};
use crate::diagnostics::problem::{Problem, Problems, Severity};
use crate::fallback;
use crate::flow::{self, Flow, FlowUrls, Pair, TriggerKind};
use crate::function::{Functions, Resolver, SharedFunctions};
use crate::liquid::Template;
use crate::metrics::Metrics;
use crate::pending::PendingCalls;
use crate::route::{Route, Routes};
use crate::session::{Sessions, StoreError, StoredExecution};
use crate::template::TemplateFolder;
use crate::tls::check_certificate;
use crate::twiml::read::{DocumentLimits, check_document};
use crate::verify::Verifier;

/// One revision of the configuration at work; shared by all workers, never changed.
pub struct Gateway {
    /// As read.
    pub config: Config,
    /// Stage 2.
    pub verifier: Verifier,
    /// Stage 3.
    pub routes: Routes,
    /// The flows behind it, and those that no route names.
    pub flows: Flows,
    /// What all workers share of stage 6.
    pub functions: SharedFunctions,
    /// The hold documents, by the names of their functions.
    pub hold_documents: HashMap<String, Template>,
}

/// What a worker thread has of its own.
pub struct Worker {
    /// Stage 4, the same store for all.
    pub sessions: Sessions,
    /// Stage 6: connections are kept per worker.
    pub functions: Functions,
    /// The calls of functions that outlast their webhooks, the same table for all.
    pub pending: PendingCalls,
    /// Whether transitions are recorded also where no store keeps them: for those who look on.
    pub records_transitions: bool,
    /// Revisions of flows that the store has.
    stored_flows: RefCell<HashSet<String>>,
}

/// Why the revision of a flow that an execution is on cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It cannot be made any more.
    #[error("the flow that the execution began with can no longer be run: {0}")]
    Gone(String),
}

impl Gateway {
    /// Reads a configuration and everything that it names. All problems are found at once; the
    /// gateway is there only when none of them is an error.
    pub fn load(path: &Path, metrics: &Metrics) -> (Option<Gateway>, Problems) {
        let (config, mut problems) = Config::read(path);
        let Some(config) = config else { return (None, problems) };
        let templates = TemplateFolder::load(
            &config.server.templates,
            config.server.time_zone.clone(),
            &mut problems,
        );
        let gateway = Gateway::build(config, &templates, metrics, &mut problems);
        (gateway, problems)
    }

    /// The same from a configuration that has been read. `None` where an error was found.
    pub fn build(
        config: Config,
        templates: &TemplateFolder,
        metrics: &Metrics,
        problems: &mut Problems,
    ) -> Option<Gateway> {
        let mut routes = Vec::new();
        let flows = Flows::load(&config, templates, problems);
        for (path, route) in &config.routes {
            let flow = match &route.answer {
                RouteAnswer::Short(short) => {
                    let compiled = compile_short_route(
                        path,
                        short,
                        route.channel,
                        &config,
                        (templates, problems),
                    );
                    compiled.map(Arc::new)
                }
                RouteAnswer::Flow(located) => {
                    let flow = flows.of_route(located);
                    flow.inspect(|flow| {
                        problems.extend(check_trigger(flow, route.channel, located))
                    })
                }
            };
            let fallback = route.fallback.as_ref();
            let fallback = match fallback {
                Some(named) => fallback_document(named, route.channel, templates, problems),
                None => Some(fallback::built_in(route.channel)),
            };
            if let (Some(flow), Some(fallback)) = (flow, fallback) {
                let metrics = metrics.of_route(path);
                let path = path.clone();
                let base = config.server.public_url.as_deref();
                let url = base.map(|base| format!("{base}{path}").into());
                routes.push(Route { path, url, channel: route.channel, flow, fallback, metrics });
            }
        }
        problems.extend(check_voice_routes(&config, &flows, &routes));
        let used = hold_documents::flows_in_use(&routes, flows.iter().map(Arc::as_ref));
        let hold_documents = hold_documents::load(&config, templates, &used, problems);
        if config.routes.is_empty() {
            let message = "no `[route.\"/…\"]` is configured, so every webhook would get 404";
            problems.push(Problem::new(Severity::Warning, message));
        }
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
        let functions = functions.ok()?;
        Some(Gateway { config, verifier, routes, flows, functions, hold_documents })
    }

    /// A worker of this gateway. To be made on the worker's own thread.
    pub fn worker(&self, sessions: Sessions, pending: PendingCalls) -> Worker {
        let functions = Functions::new(&self.functions);
        let stored_flows = RefCell::default();
        Worker { sessions, functions, pending, records_transitions: false, stored_flows }
    }

    /// The URL that stands for one of an imported flow, where a `[[rewrite]]` fits.
    pub fn rewrite_url(&self, url: &str) -> Option<String> {
        self.config.rewrites.iter().find_map(|rewrite| rewrite.apply(url))
    }

    /// The URLs under which a flow takes calls and messages. `route` is the path of the route that
    /// its execution began on, which goes before others of the flow.
    pub fn urls_of(&self, flow: &str, route: Option<&str>) -> FlowUrls {
        let url = |channel| self.routes.of_flow(flow, channel, route)?.url.clone();
        FlowUrls { voice: url(Channel::Voice), message: url(Channel::Message) }
    }

    /// A configured account.
    pub fn account(&self, sid: &str) -> Option<&Arc<Account>> {
        self.config.accounts.iter().find(|account| account.sid == sid)
    }

    /// The flow of today that an execution belongs to. The short form of a route is found by its
    /// path.
    pub fn current_flow(&self, stored: &StoredExecution) -> Option<&Arc<Flow>> {
        if stored.revision.is_empty() {
            return self.routes.at(&stored.flow).map(|route| &route.flow);
        }
        self.flows.find(&stored.flow)
    }

    /// The revision of a flow that an execution is on, where that is not the one of today.
    ///
    /// # Errors
    /// Where the store fails, and where that revision cannot be made any more.
    pub async fn stored_revision(
        &self,
        sessions: &Sessions,
        stored: &StoredExecution,
    ) -> Result<Arc<Flow>, RevisionError> {
        if stored.revision.is_empty() {
            // The short form of a route has no revisions: an execution goes on with what is there.
            return Err(RevisionError::Gone(format!("there is no route `{}`", stored.flow)));
        }
        if let Some(flow) = self.flows.find_restored(&stored.revision) {
            return Ok(flow);
        }
        let definition = sessions.flow(&stored.revision).await?;
        let gone = || RevisionError::Gone("the store has lost it".to_owned());
        let definition = definition.ok_or_else(gone)?;
        self.flows.restore(&stored.revision, &definition).map_err(RevisionError::Gone)
    }
}

impl Worker {
    /// Sees to it that the store has a flow before it has an execution that needs it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn store_flow(&self, flow: &Flow) -> Result<(), StoreError> {
        if !flow.persistence.is_always() || self.stored_flows.borrow().contains(&flow.revision) {
            return Ok(());
        }
        self.sessions.store_flow(&flow.revision, &flow.definition).await?;
        self.stored_flows.borrow_mut().insert(flow.revision.clone());
        Ok(())
    }
}

/// Warns of a route whose webhooks a flow does nothing with.
fn check_trigger(flow: &Flow, channel: Channel, located: &ConfigText) -> Option<Problem> {
    let event = match channel {
        Channel::Voice => TriggerKind::Call.event(),
        Channel::Message => TriggerKind::Message.event(),
    };
    let trigger = flow.widgets.first()?;
    // The calls that the flow makes itself come to its voice route, and begin nothing there.
    let resumes = channel == Channel::Voice && flow.makes_calls();
    (trigger.next(event).is_none() && !resumes).then(|| {
        let message = format!("`{event}` of flow `{}` is wired to nothing", flow.name);
        let problem = located.source.warning(located.span.clone(), message);
        problem.expected("always an empty answer").help("take another channel, or wire it")
    })
}

/// Warns of flows that make calls, and have no route for the webhooks of those.
fn check_voice_routes(config: &Config, flows: &Flows, routes: &[Route]) -> Vec<Problem> {
    let takes_calls = |flow: &Flow| {
        routes.iter().any(|route| route.channel == Channel::Voice && route.flow.name == flow.name)
    };
    let on_routes = routes.iter().filter_map(|route| {
        Some((&route.flow, config.routes.get(&route.path)?.answer.flow_file()?))
    });
    let is_subflow = |flow: &Flow| {
        flows.iter().any(|other| other.subflows.iter().any(|subflow| subflow.name == flow.name))
    };
    let is_routed = |flow: &Flow| routes.iter().any(|route| route.flow.name == flow.name);
    // Studio's REST begins these.
    let without_route = flows.iter().filter(|flow| !is_routed(flow) && !is_subflow(flow));
    let without_route =
        without_route.filter_map(|flow| Some((flow, &config.flows.get(&flow.name)?.file)));
    let silent = on_routes.chain(without_route);
    let silent = silent.filter(|(flow, _)| flow.makes_calls() && !takes_calls(flow));
    silent
        .map(|(flow, file)| {
            let message = format!("flow `{}` makes calls, and has no voice route", flow.name);
            let problem = file.source.warning(file.span.clone(), message);
            problem.expected("also the flow of a route with `channel = \"voice\"`").help(
                "the carrier asks there what follows once such a call is answered; without it \
                 the widget fails",
            )
        })
        .collect()
}

/// The flow of a short route; `None` where an error was found.
fn compile_short_route(
    path: &str,
    short: &ShortRoute,
    channel: Channel,
    config: &Config,
    (templates, problems): (&TemplateFolder, &mut Problems),
) -> Option<Flow> {
    let mut parameters = Vec::new();
    let mut unknown = Vec::new();
    for (name, located) in &short.parameters {
        let key = templates.compile_name(name);
        if let Some((key, value)) = key.zip(templates.compile_inline(located, problems)) {
            unknown.push((value.clone(), located.source.clone(), Some(located.span.clone())));
            parameters.push(Pair { key, value, json: false });
        }
    }
    let mut named = |located: &Option<ConfigText>| {
        let (template, source) = templates.document(located.as_ref()?, problems)?;
        unknown.push((template.clone(), source, None));
        Some(template)
    };
    let (success, fail) = (named(&short.success), named(&short.fail));
    let function = config.functions.get(&short.function)?.clone();
    let flow =
        flow::build_short_flow(path, flow::ShortFlow { function, parameters, success, fail });
    for (template, source, span) in unknown {
        for mut problem in unset_variables::check_variables(&template, &source, &flow, channel) {
            if let (Some(span), Some(place)) = (&span, &mut problem.place) {
                place.span = span.clone();
            }
            problems.push(problem);
        }
    }
    Some(flow)
}

/// A document without data: rendered and read once, now.
fn fallback_document(
    named: &ConfigText,
    channel: Channel,
    templates: &TemplateFolder,
    problems: &mut Problems,
) -> Option<actix_web::web::Bytes> {
    let (template, source) = templates.document(named, problems)?;
    let data = serde_json::Map::new();
    let rendered = match template.render(&data, 0) {
        Ok(rendered) => rendered,
        Err(error) => {
            problems.push(crate::template::to_problem(&error, &source));
            return None;
        }
    };
    match check_document(rendered.as_bytes(), channel, &DocumentLimits::default()) {
        Ok(read) => {
            for finding in read.findings {
                let message = format!("the fallback document of a route: {finding}");
                problems.push(named.source.error(named.span.clone(), message));
            }
        }
        Err(error) => {
            let message = format!("the fallback document of a route is not TwiML: {error}");
            problems.push(named.source.error(named.span.clone(), message));
        }
    }
    Some(rendered.into())
}
