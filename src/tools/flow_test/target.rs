//! What a flow test is of, made into a gateway: anew for each case, so that none knows of another.

use std::path::Path;
use std::sync::Arc;

use super::file::{FlowTestFile, StandaloneFlow, TestTarget};
use super::mocks::{API, FunctionMock};
use crate::channel::Channel;
use crate::config::{self, Account, Config, NEEDS_ENVIRONMENT, RouteSection};
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::flow::file::{self, FlowNode};
use crate::flow::import::is_callable;
use crate::flow::{Flow, TriggerKind};
use crate::gateway::Gateway;
use crate::limits::FLOW_BYTES_MAX;
use crate::metrics::Metrics;
use crate::read_limited::read_text_limited;
use crate::template::TemplateFolder;

/// What is tested, read and checked.
pub struct LoadedTarget {
    config: Config,
    templates: TemplateFolder,
    /// The route that is called.
    pub route: String,
    /// How one begins with it.
    pub channel: Channel,
    /// What runs there.
    pub flow: Arc<Flow>,
    /// What people call it: the file of the flow, or the configuration and the route.
    pub name: String,
}

/// A configuration for a flow alone. Nothing in it is ever asked.
const ALONE: &str = r#"
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

/// The name under which that one is reported.
const NOWHERE: &str = "the configuration of a flow test";

/// Widgets that ask a URL; a function may stand in its place.
const ASKING: [&str; 2] = ["run-function", "make-http-request"];

/// Where a path is named.
type FlowName<'a> = (&'a str, &'a std::ops::Range<usize>);

impl LoadedTarget {
    /// Reads what a test is of.
    ///
    /// # Errors
    /// Everything that keeps it from running, and answers that are given to nobody.
    pub fn load(file: &FlowTestFile) -> Result<LoadedTarget, Problems> {
        let subject = match &file.target {
            TestTarget::Standalone(alone) => LoadedTarget::alone(&file.source, alone),
            TestTarget::Route { path, span, route, route_span, env } => {
                let variable = |name: &str| {
                    let own = env.iter().find(|(known, _)| known == name);
                    own.map(|(_, value)| value.clone())
                        .or_else(|| config::environment_variable(name))
                };
                let text = read(&file.source, (path, span), "configuration")?;
                let folder = Path::new(path).parent().unwrap_or(Path::new(""));
                let config = Config::parse(&Source::new(path, &text), folder, &variable);
                let config = checked(config).map_err(|problems| {
                    let mut told = Problems::default();
                    told.extend(problems.iter().cloned().map(with_env));
                    told
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
                LoadedTarget::of(config, route.clone(), format!("{path} {route}"))
            }
        }?;
        let mut problems = Problems::default();
        problems.extend(subject.strangers(file));
        match problems.any_error() {
            true => Err(problems),
            false => Ok(subject),
        }
    }

    /// A flow without a configuration. Each widget whose URL nobody has filled in is a function.
    fn alone(source: &Source, alone: &StandaloneFlow) -> Result<LoadedTarget, Problems> {
        let named = (alone.path.as_str(), &alone.span);
        let text = read(source, named, "flow")?;
        let mut problems = Problems::default();
        let root = file::read(&Source::new(named.0, &text), &mut problems).ok_or(problems)?;
        let wired = if calls(&root) { Channel::Voice } else { Channel::Message };
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let templates = match Path::new(&alone.templates).is_dir() {
            true => quoted(&alone.templates),
            false => quoted(""),
        };
        let mut config = ALONE
            .replace("TEMPLATES", &templates)
            .replace("ZONE", alone.time_zone.iana_name().unwrap_or("UTC"))
            .replace("CHANNEL", alone.channel.unwrap_or(wired).name())
            .replace("FILE", &quoted(named.0));
        if calls_out(&root) && config.contains("channel = \"message\"") {
            // Without a voice route the flow could not make its call.
            config +=
                &format!("[route.\"/voice\"]\nchannel = \"voice\"\nflow = {}\n", quoted(named.0));
        }
        for widget in unfilled(&root) {
            let widget = quoted(widget);
            config += &format!("[function.{widget}]\nurl = \"http://function.invalid/\"\n");
        }
        for (sid, file) in &alone.subflows {
            let (sid, file) = (quoted(sid), quoted(file));
            config += &format!("[flow.{file}]\nfile = {file}\nsid = {sid}\n");
        }
        let at_home = |problems: Problems| {
            let mut told = Problems::default();
            told.extend(problems.iter().map(|problem| at_home(source, named, problem)));
            told
        };
        // Paths in it are as one would type them.
        let config = Config::parse(&Source::new(NOWHERE, &config), Path::new(""), &|_| None);
        let config = checked(config).map_err(at_home)?;
        LoadedTarget::of(config, "/flow".to_owned(), named.0.to_owned()).map_err(at_home)
    }

    fn of(config: Config, route: String, name: String) -> Result<LoadedTarget, Problems> {
        let mut problems = Problems::default();
        let zone = config.server.time_zone.clone();
        let templates = TemplateFolder::load(&config.server.templates, zone, &mut problems);
        let mut kept = config;
        // A case needs its own route, and those where the same flow takes its calls or messages.
        let file = |route: &RouteSection| route.answer.flow_file().map(|file| file.text.clone());
        let tested = kept.routes.get(&route).and_then(file);
        kept.routes
            .retain(|path, other| *path == route || (tested.is_some() && file(other) == tested));
        let gateway = Gateway::build(kept.clone(), &templates, &Metrics::new(), &mut problems);
        let Some(gateway) = gateway else { return Err(problems) };
        let Some(found) = gateway.routes.iter().find(|found| found.path == route) else {
            return Err(problems);
        };
        let (channel, flow) = (found.channel, Arc::clone(&found.flow));
        Ok(LoadedTarget { config: kept, templates, route, channel, flow, name })
    }

    /// A gateway that nobody has asked anything yet.
    pub fn gateway(&self) -> Option<Gateway> {
        let mut problems = Problems::default();
        Gateway::build(self.config.clone(), &self.templates, &Metrics::new(), &mut problems)
    }

    /// The accounts that the carrier's API is asked for.
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.config.accounts
    }

    /// Answers that are given to nobody.
    fn strangers(&self, file: &FlowTestFile) -> Vec<Problem> {
        let flows = std::iter::once(&self.flow).chain(&self.flow.subflows);
        let widgets = flows.flat_map(|flow| flow.widgets.iter()).map(|widget| widget.name.as_str());
        let names: Vec<&str> =
            self.config.functions.keys().map(String::as_str).chain(widgets).collect();
        let mut problems = Vec::new();
        let mut told = Vec::new();
        for FunctionMock { name, span, .. } in file.cases.iter().flat_map(|case| &case.given) {
            let known = name.contains("://") || name.starts_with(API);
            if known || names.contains(&name.as_str()) || told.contains(span) {
                continue;
            }
            told.push(span.clone());
            let message = format!("there is no function and no widget `{name}`");
            let help = did_you_mean(name, names.iter().copied());
            let otherwise = "a function, a widget, the beginning of a URL, or `api:Messages`";
            let help = help.unwrap_or_else(|| otherwise.to_owned());
            problems.push(file.source.error(span.clone(), message).help(help));
        }
        problems
    }
}

fn checked((config, problems): (Option<Config>, Problems)) -> Result<Config, Problems> {
    match config {
        Some(config) if !problems.any_error() => Ok(config),
        _ => Err(problems),
    }
}

/// What the environment has not, a test can say.
fn with_env(problem: Problem) -> Problem {
    if problem.expected != NEEDS_ENVIRONMENT {
        return problem;
    }
    let help = format!("{}, or say what it is in the test: `env = {{ … }}`", problem.help);
    problem.help(help)
}

/// A problem of the configuration that nobody wrote is one of the line that names the flow.
fn at_home(source: &Source, (_, span): FlowName<'_>, problem: &Problem) -> Problem {
    let nowhere = problem.place.as_ref().is_none_or(|place| &*place.source.name == NOWHERE);
    if !nowhere {
        return problem.clone();
    }
    let (level, expected) = (problem.level, problem.expected.clone());
    let told = source.error(span.clone(), problem.message.clone());
    Problem { level, ..told }.expected(expected).help(problem.help.clone())
}

fn read(source: &Source, (path, span): FlowName<'_>, what: &str) -> Result<String, Problems> {
    read_text_limited(Path::new(path), FLOW_BYTES_MAX).map_err(|error| {
        let problem =
            source.error(span.clone(), format!("cannot read the {what} `{path}`: {error}"));
        problem.help("a path is relative to the folder of the test").into()
    })
}

/// Whether a flow makes calls itself.
fn calls_out(root: &FlowNode) -> bool {
    states(root).any(|state| text(state, "type").is_some_and(|of| of.starts_with("make-outgoing")))
}

/// Whether a call leads anywhere in a flow.
fn calls(root: &FlowNode) -> bool {
    let trigger = states(root).find(|state| text(state, "type") == Some("trigger"));
    let transitions =
        trigger.and_then(|trigger| trigger.get("transitions")).and_then(FlowNode::list);
    transitions.unwrap_or_default().iter().any(|transition| {
        text(transition, "event") == Some(TriggerKind::Call.event())
            && text(transition, "next").is_some_and(|next| !next.is_empty())
    })
}

/// The widgets that ask a URL which is none.
fn unfilled(root: &FlowNode) -> Vec<&str> {
    let asking = states(root).filter(|state| ASKING.contains(&text(state, "type").unwrap_or("")));
    let unfilled = asking.filter(|state| {
        let url = state.get("properties").and_then(|properties| text(properties, "url"));
        let url = url.unwrap_or_default().trim();
        !url.contains("{{") && !url.contains("{%") && !is_callable(url)
    });
    unfilled.filter_map(|state| text(state, "name")).collect()
}

fn states(root: &FlowNode) -> impl Iterator<Item = &FlowNode> {
    root.get("states").and_then(FlowNode::list).unwrap_or_default().iter()
}

fn text<'a>(node: &'a FlowNode, key: &str) -> Option<&'a str> {
    node.get(key).and_then(FlowNode::text)
}
