//! The flows of a configuration: read, compiled, and found by name, by sid and by revision.
//!
//! A flow's name identifies it: sessions, stored executions and Studio's REST API refer to it. It
//! is the NAME of the flow's `[flow.NAME]` section, else the path of its first route. The name of
//! the file is not part of it, so that a file can be renamed or moved while calls are in progress.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use crate::config::{Config, ConfigText, UrlRewrite};
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::flow::Flow;
use crate::flow::file::{self, FlowNode};
use crate::flow::import::{FlowName, ImportContext, derive_sid, import};
use crate::limits::{FLOW_BYTES_MAX, LOOP_ROUNDS_MAX, STRING_BYTES_MAX};
use crate::liquid::{LiquidEngine, RenderLimits, Template};
use crate::node::ProjectFolder;
use crate::read_limited::read_any_text_limited;
use crate::template::TemplateFolder;

use super::widget_functions::WidgetFunctions;

/// The flows of a configuration, and the compiler for their earlier revisions.
pub struct Flows {
    compiler: FlowCompiler,
    by_name: BTreeMap<String, Arc<Flow>>,
    /// The names of the flows, by the files that routes and `[flow.NAME]` sections refer to.
    names: HashMap<String, String>,
    /// Former names of flows, which a store or a client may still use, with the current ones.
    former_names: BTreeMap<String, String>,
    /// Earlier revisions that executions still use, compiled from their stored definitions.
    restored: Mutex<HashMap<String, Arc<Flow>>>,
}

/// Compiles flows, with everything that they may refer to. It owns its parts, because revisions
/// are compiled long after the configuration was read.
struct FlowCompiler {
    functions: WidgetFunctions,
    rewrites: Vec<UrlRewrite>,
    project: Option<Arc<ProjectFolder>>,
    liquid: LiquidEngine,
    documents: HashMap<String, Template>,
    /// Whether an account has credentials for the carrier's API.
    carrier: bool,
}

/// Looks up a subflow by its sid.
type SubflowLookup<'a> = dyn Fn(&str) -> Option<Arc<Flow>> + 'a;

/// A flow file that has been read and parsed.
struct ParsedFlow {
    name: FlowName,
    source: Source,
    root: FlowNode,
    /// Whether an error in a text is an error of the file: a flow in our TOML, which no export of
    /// Studio is.
    strict_liquid: bool,
}

// === impl Flows ===

impl Flows {
    /// Reads and compiles every flow that a configuration names.
    pub(super) fn load(
        config: &Config,
        templates: &TemplateFolder,
        project: Option<Arc<ProjectFolder>>,
        problems: &mut Problems,
    ) -> Flows {
        let compiler = FlowCompiler::new(config, templates, project);
        let names = names_by_file(config);
        let mut files = Vec::new();
        for (name, flow) in &config.flows {
            let name = FlowName { name: name.clone(), sid: flow.sid.clone() };
            files.extend(read_flow_file(config, name, &flow.file, problems));
        }
        // Several routes may name one file, and a `[flow.NAME]` the same one: it is read once, so
        // that its problems are reported once.
        let mut seen: HashSet<&str> = config.flows.keys().map(String::as_str).collect();
        for (_, file) in routes_with_files(config) {
            let name = &names[&file.text];
            if seen.insert(name) {
                let name = FlowName { name: name.clone(), sid: None };
                files.extend(read_flow_file(config, name, file, problems));
            }
        }
        // A parent needs its compiled subflows. A subflow cannot have subflows of its own, so two
        // rounds reach every flow.
        let mut by_name = BTreeMap::new();
        let (parents, leaves): (Vec<_>, Vec<_>) =
            files.iter().partition(|file| calls_subflows(&file.root));
        for file in leaves.into_iter().chain(parents) {
            compiler.add(file, &mut by_name, problems);
        }
        let former_names = former_names(config, &names);
        Flows { compiler, by_name, names, former_names, restored: Mutex::default() }
    }

    /// The flow with a name.
    pub fn get(&self, name: &str) -> Option<&Arc<Flow>> {
        self.by_name.get(name)
    }

    /// The flow with a name or a sid: Studio's REST API allows both. The names and sids that the
    /// flow had in former versions, which made them from the file's name, are found too.
    pub fn find(&self, key: &str) -> Option<&Arc<Flow>> {
        let by_sid = || self.by_name.values().find(|flow| flow.sid == key);
        let by_former_name = || self.get(self.former_names.get(key)?);
        let by_former_sid = || {
            let mut names = self.former_names.iter();
            self.get(names.find(|(former, _)| derive_sid(former) == key)?.1)
        };
        // Current names first: a former one must not hide a flow that has it now.
        self.get(key).or_else(by_sid).or_else(by_former_name).or_else(by_former_sid)
    }

    /// The former names of flows, which executions in a store may still have, each with the
    /// current name.
    pub(crate) fn former_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.former_names.iter().map(|(former, name)| (former.as_str(), name.as_str()))
    }

    /// The flows, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }

    /// The names of all configured flows, of those with an error too.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.names.values().chain(self.by_name.keys()).map(String::as_str).collect()
    }

    /// The flow in the file that a route's `flow` names.
    pub(super) fn of_route(&self, file: &ConfigText) -> Option<Arc<Flow>> {
        self.get(self.names.get(&file.text)?).cloned()
    }

    /// An earlier revision, if it was restored before.
    pub(super) fn find_restored(&self, revision: &str) -> Option<Arc<Flow>> {
        self.restored.lock().get(revision).cloned()
    }

    /// Compiles an earlier revision from its definition.
    ///
    /// # Errors
    /// The definition does not fit today's configuration, which may lack a function, say.
    pub(super) fn restore(&self, revision: &str, definition: &str) -> Result<Arc<Flow>, String> {
        let value: Value = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        // Compiled before the lock is taken: other workers look up revisions meanwhile.
        let flow = Arc::new(self.compiler.restore(&value)?);
        let mut restored = self.restored.lock();
        restored.insert(revision.to_owned(), Arc::clone(&flow));
        Ok(flow)
    }
}

// === impl Compiler ===

impl FlowCompiler {
    fn new(
        config: &Config,
        templates: &TemplateFolder,
        project: Option<Arc<ProjectFolder>>,
    ) -> FlowCompiler {
        let limits = RenderLimits {
            output_bytes: STRING_BYTES_MAX,
            loop_rounds: Some(LOOP_ROUNDS_MAX),
            ..RenderLimits::default()
        };
        let carrier = config.accounts.iter().any(|account| !account.auth_tokens.is_empty());
        FlowCompiler {
            functions: WidgetFunctions::new(config),
            rewrites: config.rewrites.clone(),
            project,
            liquid: LiquidEngine::new(limits).with_time_zone(config.server.time_zone.clone()),
            documents: templates.documents().collect(),
            carrier,
        }
    }

    fn add(
        &self,
        file: &ParsedFlow,
        flows: &mut BTreeMap<String, Arc<Flow>>,
        problems: &mut Problems,
    ) {
        let subflow = |sid: &str| flows.values().find(|flow| flow.sid == sid).cloned();
        let flow = self.compile(file, &subflow, problems);
        if let Some(flow) = flow {
            flows.insert(flow.name.clone(), Arc::new(flow));
        }
    }

    fn compile(
        &self,
        file: &ParsedFlow,
        subflow: &SubflowLookup<'_>,
        problems: &mut Problems,
    ) -> Option<Flow> {
        let context = ImportContext {
            function: &|widget| self.functions.find(&file.name, widget),
            rewrites: &self.rewrites,
            project: &|path| self.project.as_ref().is_some_and(|project| project.has_path(path)),
            liquid: &self.liquid,
            document: &|name| self.documents.get(name).cloned(),
            subflow,
            carrier: self.carrier,
            strict_liquid: file.strict_liquid,
        };
        import(file.name.clone(), &file.source, &file.root, &context, problems)
    }

    fn restore(&self, value: &Value) -> Result<Flow, String> {
        // A definition contains those of its subflows: the parent ran with these revisions.
        let subflows = value["subflows"].as_array().into_iter().flatten();
        let subflows: Result<Vec<Arc<Flow>>, String> = subflows
            .filter_map(|text| serde_json::from_str(text.as_str()?).ok())
            .map(|value: Value| self.restore(&value).map(Arc::new))
            .collect();
        let subflows = subflows?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let name = FlowName { name: text("name"), sid: Some(text("sid")) };
        let root = FlowNode::from_json(&value["definition"]);
        let source = Source::new(&format!("{} (as it was)", name.name), "");
        let mut problems = Problems::default();
        let subflow = |sid: &str| subflows.iter().find(|flow| flow.sid == sid).cloned();
        let strict_liquid = value["strict_liquid"] == true;
        let file = ParsedFlow { name, source, root, strict_liquid };
        let flow = self.compile(&file, &subflow, &mut problems);
        flow.ok_or_else(|| {
            // The log has room for one reason. Warnings were shown when the file was checked.
            let first = problems.iter().find(|problem| problem.level == Severity::Error);
            first.map_or_else(String::new, |problem| problem.message.clone())
        })
    }
}

/// Whether a widget of a flow runs a subflow.
fn calls_subflows(root: &FlowNode) -> bool {
    let states = root.get("states").and_then(FlowNode::list).unwrap_or_default();
    let kind = |state: &FlowNode| state.get("type").and_then(FlowNode::text) == Some("run-subflow");
    states.iter().any(kind)
}

/// The routes with a flow file, in the order of their paths.
fn routes_with_files(config: &Config) -> impl Iterator<Item = (&str, &ConfigText)> {
    config
        .routes
        .iter()
        .filter_map(|(path, route)| Some((path.as_str(), route.answer.flow_file()?)))
}

/// The name of the flow in each file: that of the `[flow.NAME]` section, else the path of the first
/// route with this file.
fn names_by_file(config: &Config) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (path, file) in routes_with_files(config) {
        names.entry(file.text.clone()).or_insert_with(|| path.to_owned());
    }
    // Sections replace routes. In reverse, so that of two sections with one file the first wins.
    for (name, flow) in config.flows.iter().rev() {
        names.insert(flow.file.text.clone(), name.clone());
    }
    names
}

/// The former names of the flows in `names`, each with the current one. Former names are the paths
/// of the routes (another route was the first, or there was no `[flow.NAME]` section yet) and the
/// names that earlier versions made from the file.
fn former_names(config: &Config, names: &HashMap<String, String>) -> BTreeMap<String, String> {
    let mut claims: BTreeMap<String, HashSet<&str>> = BTreeMap::new();
    let mut claim = |former: String, name| claims.entry(former).or_default().insert(name);
    for (path, file) in routes_with_files(config) {
        let name = names[&file.text].as_str();
        let file = Path::new(&file.text);
        claim(path.to_owned(), name);
        claim(file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), name);
        claim(file.with_extension("").to_string_lossy().into_owned(), name);
    }
    // A name that may be of two flows is dropped: an execution must not continue in the wrong one.
    let is_current = |former: &String| names.values().any(|name| name == former);
    claims.retain(|former, claims| claims.len() == 1 && !is_current(former));
    let only = |claims: HashSet<&str>| claims.into_iter().map(str::to_owned).collect();
    claims.into_iter().map(|(former, claims)| (former, only(claims))).collect()
}

/// Reads and parses the file of a flow. `None` if an error was found.
fn read_flow_file(
    config: &Config,
    name: FlowName,
    file: &ConfigText,
    problems: &mut Problems,
) -> Option<ParsedFlow> {
    let path = config.folder.join(&file.text);
    let unreadable = |error: std::io::Error| -> Problem {
        // Not the path itself: it may contain the value of a variable, which may be a secret.
        let path = config.folder.join(file.display_text());
        let message = format!("cannot read the flow `{}`: {error}", path.display());
        let problem = file.source.error(file.span.clone(), message);
        problem.help("a path is relative to the folder of the configuration file")
    };
    match read_any_text_limited(&path, FLOW_BYTES_MAX) {
        Ok(text) => {
            let source = Source::new(&path.display().to_string(), &text);
            let root = file::read(&source, problems)?;
            let strict_liquid = source.name.ends_with(".toml");
            Some(ParsedFlow { name, source, root, strict_liquid })
        }
        Err(error) => {
            problems.push(unreadable(error));
            None
        }
    }
}
