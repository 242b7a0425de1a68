//! What a configuration becomes: everything that answers, compiled and checked.

use std::path::Path;

use crate::config::{Config, Located};
use crate::fallback;
use crate::flow::{self, Flow, Scope};
use crate::function::{self, Functions, Resolver};
use crate::journal::Meters;
use crate::liquid::{PathStep, Template};
use crate::problem::{Level, Problem, Problems, Source};
use crate::route::{Route, Routes};
use crate::server::check_certificate;
use crate::session::Sessions;
use crate::template::Templates;
use crate::twiml::read::{Bounds, read};
use crate::verify::Verifier;
use crate::webhook::Channel;

/// One revision of the configuration at work; shared by all workers, never changed.
pub struct Gateway {
    /// As read.
    pub config: Config,
    /// Stage 2.
    pub verifier: Verifier,
    /// Stage 3, and the flows behind it.
    pub routes: Routes,
    /// What all workers share of stage 6.
    pub functions: function::Shared,
}

/// What a worker thread has of its own.
pub struct Worker {
    /// Stage 4, the same store for all.
    pub sessions: Sessions,
    /// Stage 6: connections are kept per worker.
    pub functions: Functions,
}

impl Gateway {
    /// Reads a configuration and everything that it names. All problems are found at once; the
    /// gateway is there only when none of them is an error.
    pub fn load(path: &Path, meters: &Meters) -> (Option<Gateway>, Problems) {
        let (config, mut problems) = Config::read(path);
        let Some(config) = config else { return (None, problems) };
        let templates = Templates::load(
            &config.server.templates,
            config.server.time_zone.clone(),
            &mut problems,
        );
        let gateway = Gateway::build(config, &templates, meters, &mut problems);
        (gateway, problems)
    }

    /// The same from a configuration that has been read. `None` where an error was found.
    pub fn build(
        config: Config,
        templates: &Templates,
        meters: &Meters,
        problems: &mut Problems,
    ) -> Option<Gateway> {
        let mut routes = Vec::new();
        for (path, route) in &config.routes {
            let flow = short(path, route, &config, templates, problems);
            let fallback = route.fallback.as_ref();
            let fallback = match fallback {
                Some(named) => document(named, route.channel, templates, problems),
                None => Some(fallback::built_in(route.channel)),
            };
            if let (Some(flow), Some(fallback)) = (flow, fallback) {
                let meter = meters.route(path);
                let path = path.clone();
                routes.push(Route { path, channel: route.channel, flow, fallback, meter });
            }
        }
        if config.routes.is_empty() {
            let message = "no `[route.\"/…\"]` is configured, so every webhook would get 404";
            problems.push(Problem::new(Level::Warning, message));
        }
        if problems.any_error() {
            return None;
        }
        if let Some(Err(problem)) = config.server.tls.as_ref().map(check_certificate) {
            problems.push(problem);
        }
        let functions = function::Shared::new(&config, Resolver::System);
        let functions = functions.map_err(|error| {
            problems.push(Problem::new(Level::Error, error.to_string()));
        });
        let verifier = Verifier::new(&config.server, config.signature, &config.accounts);
        let routes = Routes::new(routes);
        if problems.any_error() {
            return None;
        }
        Some(Gateway { config, verifier, routes, functions: functions.ok()? })
    }

    /// A worker of this gateway. To be made on the worker's own thread.
    pub fn worker(&self, sessions: Sessions) -> Worker {
        Worker { sessions, functions: Functions::new(&self.config, &self.functions) }
    }
}

/// The flow of a short route; `None` where an error was found.
fn short(
    path: &str,
    route: &crate::config::Route,
    config: &Config,
    templates: &Templates,
    problems: &mut Problems,
) -> Option<Flow> {
    let short = &route.flow;
    let mut parameters = Vec::new();
    let mut unknown = Vec::new();
    for (name, located) in &short.parameters {
        if let Some(template) = templates.inline(located, problems) {
            unknown.push((template.clone(), located.source.clone(), Some(located.span.clone())));
            parameters.push((name.clone(), template));
        }
    }
    let mut named = |located: &Option<Located>| {
        let (template, source) = templates.document(located.as_ref()?, problems)?;
        unknown.push((template.clone(), source, None));
        Some(template)
    };
    let (success, fail) = (named(&short.success), named(&short.fail));
    let function = config.functions.get(&short.function)?.clone();
    let flow = flow::from_short(path, flow::Short { function, parameters, success, fail });
    for (template, source, span) in unknown {
        for mut problem in unset(&template, &source, &flow, route.channel) {
            if let (Some(span), Some(place)) = (&span, &mut problem.place) {
                place.span = span.clone();
            }
            problems.push(problem);
        }
    }
    Some(flow)
}

/// Warnings for variables that nothing sets: they render as nothing, which is seldom meant.
fn unset<'a>(
    template: &'a Template,
    source: &'a Source,
    flow: &'a Flow,
    channel: Channel,
) -> impl Iterator<Item = Problem> + 'a {
    template.variables().into_iter().filter_map(move |variable| {
        // What is behind a computed step is known only when it is rendered.
        let keys = variable.path.iter().map_while(|step| match step {
            PathStep::Key(key) => Some(key.as_str()),
            PathStep::Index(_) | PathStep::Computed => None,
        });
        let path: Vec<&str> = keys.collect();
        let trigger = Scope::trigger(channel);
        let widgets = || flow.widgets.iter().map(|widget| widget.name.as_str());
        let (what, known): (String, Vec<&str>) = match path.as_slice() {
            ["trigger", kind, ..] if *kind != trigger => (format!("trigger.{kind}"), vec![trigger]),
            ["widgets", name, ..] if !widgets().any(|widget| widget == *name) => {
                (format!("widgets.{name}"), widgets().skip(1).take(1).collect())
            }
            [root, ..] if !Scope::ROOTS.contains(root) => {
                ((*root).to_owned(), Scope::ROOTS.to_vec())
            }
            _ => return None,
        };
        let message = format!("nothing sets `{what}`");
        // A variable of an included template has its place in another file.
        let problem = if *variable.template == *template.name() {
            source.warning(variable.span.clone(), message)
        } else {
            let message = format!("{message}, which `{}` reads", variable.template);
            Problem::new(Level::Warning, message)
        };
        let help = format!("it renders as nothing; there is: {}", known.join(", "));
        Some(problem.expected("never set").help(help))
    })
}

/// A document without data: rendered and read once, now.
fn document(
    named: &Located,
    channel: Channel,
    templates: &Templates,
    problems: &mut Problems,
) -> Option<actix_web::web::Bytes> {
    let (template, source) = templates.document(named, problems)?;
    let data = serde_json::Map::new();
    let rendered = match template.render(&data, 0) {
        Ok(rendered) => rendered,
        Err(error) => {
            problems.push(crate::template::problem(&error, &source));
            return None;
        }
    };
    match read(rendered.as_bytes(), channel, &Bounds::default()) {
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
