//! The target of a flow test, loaded and checked. Each case gets a gateway of its own, so that no
//! state passes from one case to the next.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::file::{FlowTestFile, StandaloneFlow, TestTarget};
use super::mocks::{API, FunctionMock};
use crate::channel::Channel;
use crate::config::{Account, Config, Environment, NEEDS_ENVIRONMENT, RouteAnswer, RouteSection};
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::flow::file::{self, FlowNode};
use crate::flow::import::is_callable;
use crate::flow::{Flow, TriggerKind};
use crate::gateway::Gateway;
use crate::limits::FLOW_BYTES_MAX;
use crate::metrics::Metrics;
use crate::read_limited::read_any_text_limited;
use crate::template::TemplateFolder;

/// The target of a flow test.
pub struct LoadedTarget {
    config: Config,
    templates: TemplateFolder,
    /// The path of the route.
    pub route: String,
    /// The channel of the route.
    pub channel: Channel,
    /// The flow of the route.
    pub(super) flow: Arc<Flow>,
    /// The name in reports: the file of the flow, or the configuration and the route.
    pub(super) name: String,
}

/// The configuration for a flow that has none. Its servers are never contacted.
const FLOW_CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "https://phone.example"
time_zone = "ZONE"
templates = TEMPLATES
[admin]
listen = ""
[store]
url = "memory:"
[[account]]
sid = "AC00000000000000000000000000000000"
auth_tokens = ["12345"]
[route."/flow"]
channel = "CHANNEL"
flow = FILE
"#;

/// The file name of that configuration.
const FLOW_CONFIG_NAME: &str = "the configuration of a flow test";

/// Types of widgets that call a URL. A mock replaces it.
const WIDGETS_WITH_URL: [&str; 2] = ["run-function", "make-http-request"];

/// A path, and the bytes of the test file with it.
#[derive(Clone, Copy)]
struct PathReference<'a> {
    path: &'a str,
    span: &'a Range<usize>,
}

impl LoadedTarget {
    /// Loads the target of a test.
    ///
    /// # Errors
    /// All problems that prevent a run, and mocks of unknown functions.
    pub fn load(file: &FlowTestFile) -> Result<LoadedTarget, Problems> {
        let target = match &file.target {
            TestTarget::Standalone(alone) => LoadedTarget::from_flow(&file.source, alone),
            TestTarget::Route { path, span, route, route_span, env } => {
                let text = read_file(&file.source, PathReference { path, span }, "configuration")?;
                let folder = Path::new(path).parent().unwrap_or(Path::new(""));
                let mut problems = Problems::default();
                let environment = Environment::read(folder, &mut problems);
                if problems.any_error() {
                    return Err(problems);
                }
                let variable = |name: &str| {
                    let own = env.iter().find(|(known, _)| known == name);
                    own.map(|(_, value)| value.clone()).or_else(|| environment.variable(name))
                };
                let (config, problems) =
                    Config::parse(&Source::new(path, &text), folder, &variable);
                let config = require_valid(config, problems).map_err(|problems| {
                    let mut reported = Problems::default();
                    reported.extend(problems.iter().cloned().map(add_env_help));
                    reported
                })?;
                if !config.routes.contains_key(route) {
                    let message = format!("`{path}` has no route `{route}`");
                    let problem = file.source.error(route_span.clone(), message);
                    let routes = config.routes.keys().map(String::as_str);
                    let help = did_you_mean(route, routes.clone()).unwrap_or_else(|| {
                        format!("it has {}", routes.collect::<Vec<_>>().join(", "))
                    });
                    return Err(problem.help(help).into());
                }
                LoadedTarget::from_config(config, route.clone(), format!("{path} {route}"))
            }
        }?;
        let mut problems = Problems::default();
        problems.extend(target.unknown_mocks(file));
        if problems.any_error() { Err(problems) } else { Ok(target) }
    }

    /// Loads a flow that has no configuration. A widget without a usable URL gets a function of its
    /// name.
    fn from_flow(source: &Source, alone: &StandaloneFlow) -> Result<LoadedTarget, Problems> {
        let reference = PathReference { path: &alone.path, span: &alone.span };
        let text = read_file(source, reference, "flow")?;
        let mut problems = Problems::default();
        let root =
            file::read(&Source::new(reference.path, &text), &mut problems).ok_or(problems)?;
        // A flow that is wired for both is tested with calls.
        let wired = if accepts_calls(&root) { Channel::Voice } else { Channel::Message };
        let quoted = |text: &str| toml::Value::from(text).to_string();
        // The default folder need not exist.
        let has_templates = Path::new(&alone.templates).is_dir();
        let templates = quoted(if has_templates { &alone.templates } else { "" });
        let mut config = FLOW_CONFIG
            .replace("TEMPLATES", &templates)
            .replace("ZONE", alone.time_zone.iana_name().unwrap_or("UTC"))
            .replace("CHANNEL", alone.channel.unwrap_or(wired).name())
            .replace("FILE", &quoted(reference.path));
        if makes_calls(&root) && config.contains("channel = \"message\"") {
            // Without a voice route the flow could not make its call.
            let file = quoted(reference.path);
            config += &format!("[route.\"/voice\"]\nchannel = \"voice\"\nflow = {file}\n");
        }
        for widget in widgets_without_url(&root) {
            let widget = quoted(widget);
            config += &format!("[function.{widget}]\nurl = \"http://function.invalid/\"\n");
        }
        for (sid, file) in &alone.subflows {
            let (sid, file) = (quoted(sid), quoted(file));
            config += &format!("[flow.{file}]\nfile = {file}\nsid = {sid}\n");
        }
        let relocate = |problems: Problems| {
            let mut reported = Problems::default();
            reported.extend(
                problems.iter().map(|problem| relocate_problem(source, reference, problem)),
            );
            reported
        };
        // Its paths are relative to the current folder already.
        let (config, problems) =
            Config::parse(&Source::new(FLOW_CONFIG_NAME, &config), Path::new(""), &|_| None);
        let config = require_valid(config, problems).map_err(relocate)?;
        LoadedTarget::from_config(config, "/flow".to_owned(), reference.path.to_owned())
            .map_err(relocate)
    }

    fn from_config(config: Config, route: String, name: String) -> Result<LoadedTarget, Problems> {
        let mut problems = Problems::default();
        let zone = config.server.time_zone.clone();
        let templates = TemplateFolder::load(&config.server.templates, zone, &mut problems);
        let mut config = config;
        // A case needs its own route, and those where the same flow takes its calls or messages.
        let file = |route: &RouteSection| route.answer.flow_file().map(|file| file.text.clone());
        let tested = config.routes.get(&route).and_then(file);
        // A document and a redirect say where the carrier continues, which may be any route.
        let leads_on = config.routes.get(&route).is_some_and(|route| {
            matches!(route.answer, RouteAnswer::Document(_) | RouteAnswer::Redirect(_))
        });
        config.retain_routes(|path, other| {
            path == route || leads_on || tested.is_some() && file(other) == tested
        });
        let gateway = Gateway::build(config.clone(), &templates, &Metrics::new(), &mut problems);
        let Some(gateway) = gateway else { return Err(problems) };
        let Some(found) = gateway.routes.iter().find(|found| found.path == route) else {
            return Err(problems);
        };
        let (channel, flow) = (found.channel, Arc::clone(&found.flow));
        Ok(LoadedTarget { config, templates, route, channel, flow, name })
    }

    /// Builds a new gateway.
    pub fn gateway(&self) -> Option<Gateway> {
        let mut problems = Problems::default();
        Gateway::build(self.config.clone(), &self.templates, &Metrics::new(), &mut problems)
    }

    /// The accounts of the configuration.
    pub(super) fn accounts(&self) -> &[Arc<Account>] {
        &self.config.accounts
    }

    /// The mocks that no function and no widget has the name of.
    fn unknown_mocks(&self, file: &FlowTestFile) -> Vec<Problem> {
        let flows = std::iter::once(&self.flow).chain(&self.flow.subflows);
        let widgets = flows.flat_map(|flow| flow.widgets.iter()).map(|widget| widget.name.as_str());
        let names: Vec<&str> =
            self.config.functions.keys().map(String::as_str).chain(widgets).collect();
        let mut problems = Vec::new();
        let mut reported = Vec::new();
        for FunctionMock { name, span, .. } in file.cases.iter().flat_map(|case| &case.mocks) {
            let known = name.contains("://") || name.starts_with(API);
            if known || names.contains(&name.as_str()) || reported.contains(span) {
                continue;
            }
            reported.push(span.clone());
            let message = format!("there is no function and no widget `{name}`");
            let help = did_you_mean(name, names.iter().copied());
            let otherwise = "a function, a widget, the beginning of a URL, or `api:Messages`";
            let help = help.unwrap_or_else(|| otherwise.to_owned());
            problems.push(file.source.error(span.clone(), message).help(help));
        }
        problems
    }
}

/// The configuration, if it has no errors.
fn require_valid(config: Option<Config>, problems: Problems) -> Result<Config, Problems> {
    match config {
        Some(config) if !problems.any_error() => Ok(config),
        _ => Err(problems),
    }
}

/// Adds that the test can set a missing variable, too.
fn add_env_help(problem: Problem) -> Problem {
    if problem.expected != NEEDS_ENVIRONMENT {
        return problem;
    }
    let help = format!("{}, or set it in the test: `env = {{ … }}`", problem.help);
    problem.help(help)
}

/// Moves a problem of the generated configuration to the line of the test that names the flow.
fn relocate_problem(source: &Source, reference: PathReference<'_>, problem: &Problem) -> Problem {
    let is_generated =
        problem.place.as_ref().is_none_or(|place| &*place.source.name == FLOW_CONFIG_NAME);
    if !is_generated {
        return problem.clone();
    }
    let (level, expected) = (problem.level, problem.expected.clone());
    let reported = source.error(reference.span.clone(), problem.message.clone());
    Problem { level, ..reported }.expected(expected).help(problem.help.clone())
}

fn read_file(
    source: &Source,
    reference: PathReference<'_>,
    what: &str,
) -> Result<String, Problems> {
    let PathReference { path, span } = reference;
    read_any_text_limited(Path::new(path), FLOW_BYTES_MAX).map_err(|error| {
        let problem =
            source.error(span.clone(), format!("cannot read the {what} `{path}`: {error}"));
        problem.help("a path is relative to the folder of the test").into()
    })
}

/// Whether a flow makes outgoing calls.
fn makes_calls(root: &FlowNode) -> bool {
    states(root).any(|state| text(state, "type").is_some_and(|of| of.starts_with("make-outgoing")))
}

/// Whether the trigger of a flow is wired for calls.
fn accepts_calls(root: &FlowNode) -> bool {
    let trigger = states(root).find(|state| text(state, "type") == Some("trigger"));
    let transitions =
        trigger.and_then(|trigger| trigger.get("transitions")).and_then(FlowNode::list);
    transitions.unwrap_or_default().iter().any(|transition| {
        text(transition, "event") == Some(TriggerKind::Call.event())
            && text(transition, "next").is_some_and(|next| !next.is_empty())
    })
}

/// The widgets with a placeholder instead of a URL.
fn widgets_without_url(root: &FlowNode) -> Vec<&str> {
    let calling =
        states(root).filter(|state| WIDGETS_WITH_URL.contains(&text(state, "type").unwrap_or("")));
    // A template may render to a URL at run time, so it is not a placeholder.
    let without_url = calling.filter(|state| {
        let url = state.get("properties").and_then(|properties| text(properties, "url"));
        let url = url.unwrap_or_default().trim();
        !url.contains("{{") && !url.contains("{%") && !is_callable(url)
    });
    without_url.filter_map(|state| text(state, "name")).collect()
}

fn states(root: &FlowNode) -> impl Iterator<Item = &FlowNode> {
    root.get("states").and_then(FlowNode::list).unwrap_or_default().iter()
}

fn text<'a>(node: &'a FlowNode, key: &str) -> Option<&'a str> {
    node.get(key).and_then(FlowNode::text)
}
