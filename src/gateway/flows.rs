//! The flows of a configuration: their files read once, compiled, and found again by name, by sid
//! and by revision.
//!
//! A flow's name identifies it: sessions, stored executions and Studio's REST refer to it. It is
//! the NAME of the flow's `[flow.NAME]` section, else the path of its route, of several the first.
//! It is never made from the name of a file, so that a file can be renamed or moved while calls go
//! on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use crate::config::{Config, ConfigText, Function, UrlRewrite};
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::flow::Flow;
use crate::flow::file::{self, FlowNode};
use crate::flow::import::{FlowName, ImportContext, derive_sid, import};
use crate::limits::{FLOW_BYTES_MAX, LOOP_ROUNDS_MAX, STRING_BYTES_MAX};
use crate::liquid::{LiquidEngine, RenderLimits, Template};
use crate::read_limited::read_text_limited;
use crate::template::TemplateFolder;

/// All flows, and what it takes to make one again.
pub struct Flows {
    compiler: FlowCompiler,
    by_name: BTreeMap<String, Arc<Flow>>,
    /// The names of the flows that routes name by their files.
    names: HashMap<String, String>,
    /// Other names under which a store or a program may know a flow, each with today's.
    former_names: BTreeMap<String, String>,
    /// Revisions that executions are still on, made from what the store keeps of them.
    restored: Mutex<HashMap<String, Arc<Flow>>>,
}

/// What a flow may refer to, owned.
struct FlowCompiler {
    functions: BTreeMap<String, Arc<Function>>,
    rewrites: Vec<UrlRewrite>,
    liquid: LiquidEngine,
    documents: HashMap<String, Template>,
    carrier: bool,
}

/// Finds a flow by its sid.
type Subflow<'a> = dyn Fn(&str) -> Option<Arc<Flow>> + 'a;

/// A flow file that has been read.
struct ParsedFlow {
    named: FlowName,
    source: Source,
    root: FlowNode,
}

// === impl Flows ===

impl Flows {
    /// Reads and compiles every flow that a configuration names.
    pub(super) fn load(
        config: &Config,
        templates: &TemplateFolder,
        problems: &mut Problems,
    ) -> Flows {
        let compiler = FlowCompiler::new(config, templates);
        let names = names(config);
        let mut files = Vec::new();
        for (name, flow) in &config.flows {
            let named = FlowName { name: name.clone(), sid: flow.sid.clone() };
            files.extend(read(config, named, &flow.file, problems));
        }
        let mut seen: HashSet<&str> = config.flows.keys().map(String::as_str).collect();
        for (_, located) in routes_with_files(config) {
            let name = &names[&located.text];
            if seen.insert(name) {
                let named = FlowName { name: name.clone(), sid: None };
                files.extend(read(config, named, located, problems));
            }
        }
        // A subflow calls no subflow, so two rounds reach everything.
        let mut by_name = BTreeMap::new();
        let leaves = |file: &&ParsedFlow| !calls_subflows(&file.root);
        for file in files.iter().filter(leaves) {
            compiler.add(file, &mut by_name, problems);
        }
        for file in files.iter().filter(|file| calls_subflows(&file.root)) {
            compiler.add(file, &mut by_name, problems);
        }
        let former_names = former_names(config, &names);
        Flows { compiler, by_name, names, former_names, restored: Mutex::default() }
    }

    /// A flow by its name.
    pub fn get(&self, name: &str) -> Option<&Arc<Flow>> {
        self.by_name.get(name)
    }

    /// A flow by its name or its sid, as Studio's REST may say either; also by those that it had in
    /// former versions, where they came from the name of its file.
    pub fn find(&self, key: &str) -> Option<&Arc<Flow>> {
        let by_sid = || self.by_name.values().find(|flow| flow.sid == key);
        let by_former_name = || self.get(self.former_names.get(key)?);
        let by_former_sid = || {
            let mut names = self.former_names.iter();
            self.get(names.find(|(former, _)| derive_sid(former) == key)?.1)
        };
        self.get(key).or_else(by_sid).or_else(by_former_name).or_else(by_former_sid)
    }

    /// The names under which a store may still have executions of a flow, each with the name that
    /// identifies the flow now.
    pub fn former_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.former_names.iter().map(|(former, name)| (former.as_str(), name.as_str()))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }

    /// The flow of a route's `flow`.
    pub(super) fn of_route(&self, located: &ConfigText) -> Option<Arc<Flow>> {
        self.get(self.names.get(&located.text)?).cloned()
    }

    /// A revision that was made again before.
    pub(super) fn find_restored(&self, revision: &str) -> Option<Arc<Flow>> {
        self.restored.lock().get(revision).cloned()
    }

    /// Makes a revision again from its definition.
    ///
    /// # Errors
    /// What is wrong with it today: a function that is gone, say.
    pub(super) fn restore(&self, revision: &str, definition: &str) -> Result<Arc<Flow>, String> {
        let value: Value = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        let flow = Arc::new(self.compiler.restore(&value)?);
        let mut restored = self.restored.lock();
        restored.insert(revision.to_owned(), Arc::clone(&flow));
        Ok(flow)
    }
}

// === impl Compiler ===

impl FlowCompiler {
    fn new(config: &Config, templates: &TemplateFolder) -> FlowCompiler {
        let limits = RenderLimits {
            output_bytes: STRING_BYTES_MAX,
            loop_rounds: Some(LOOP_ROUNDS_MAX),
            ..RenderLimits::default()
        };
        let carrier = config.accounts.iter().any(|account| !account.auth_tokens.is_empty());
        FlowCompiler {
            functions: config.functions.clone(),
            rewrites: config.rewrites.clone(),
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
        let flow = self.compile(&file.named, &file.source, &file.root, (&subflow, problems));
        if let Some(flow) = flow {
            flows.insert(flow.name.clone(), Arc::new(flow));
        }
    }

    fn compile(
        &self,
        named: &FlowName,
        source: &Source,
        root: &FlowNode,
        (subflow, problems): (&Subflow<'_>, &mut Problems),
    ) -> Option<Flow> {
        let surroundings = ImportContext {
            functions: &self.functions,
            rewrites: &self.rewrites,
            liquid: &self.liquid,
            document: &|name| self.documents.get(name).cloned(),
            subflow,
            carrier: self.carrier,
        };
        import(named.clone(), source, root, &surroundings, problems)
    }

    fn restore(&self, value: &Value) -> Result<Flow, String> {
        let subflows = value["subflows"].as_array().into_iter().flatten();
        let subflows: Result<Vec<Arc<Flow>>, String> = subflows
            .filter_map(|text| serde_json::from_str(text.as_str()?).ok())
            .map(|value: Value| self.restore(&value).map(Arc::new))
            .collect();
        let subflows = subflows?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let named = FlowName { name: text("name"), sid: Some(text("sid")) };
        let root = FlowNode::from_json(&value["definition"]);
        let source = Source::new(&format!("{} (as it was)", named.name), "");
        let mut problems = Problems::default();
        let subflow = |sid: &str| subflows.iter().find(|flow| flow.sid == sid).cloned();
        let flow = self.compile(&named, &source, &root, (&subflow, &mut problems));
        flow.ok_or_else(|| {
            let first = problems
                .iter()
                .find(|problem| problem.level == crate::diagnostics::problem::Severity::Error);
            first.map_or_else(String::new, |problem| problem.message.clone())
        })
    }
}

/// Whether any widget runs a subflow.
fn calls_subflows(root: &FlowNode) -> bool {
    let states = root.get("states").and_then(FlowNode::list).unwrap_or_default();
    let kind = |state: &FlowNode| state.get("type").and_then(FlowNode::text) == Some("run-subflow");
    states.iter().any(kind)
}

/// The routes that name the file of a flow, in the order of their paths.
fn routes_with_files(config: &Config) -> impl Iterator<Item = (&str, &ConfigText)> {
    config
        .routes
        .iter()
        .filter_map(|(path, route)| Some((path.as_str(), route.answer.flow_file()?)))
}

/// The names of the flows in the files that routes name: that of the file's `[flow.NAME]`, else the
/// path of the first route that names it.
fn names(config: &Config) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for (path, file) in routes_with_files(config) {
        names.entry(file.text.clone()).or_insert_with(|| path.to_owned());
    }
    for (name, flow) in config.flows.iter().rev() {
        names.insert(flow.file.text.clone(), name.clone());
    }
    names
}

/// Other names of the flows that `names` has, by those names: the paths of their routes (another
/// one was the first, or there was no `[flow.NAME]` yet), and what earlier versions made from
/// the name of the file. A name that could be of two flows is of neither.
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
    let is_current = |former: &String| names.values().any(|name| name == former);
    claims.retain(|former, claims| claims.len() == 1 && !is_current(former));
    let only = |claims: HashSet<&str>| claims.into_iter().map(str::to_owned).collect();
    claims.into_iter().map(|(former, claims)| (former, only(claims))).collect()
}

fn read(
    config: &Config,
    named: FlowName,
    located: &ConfigText,
    problems: &mut Problems,
) -> Option<ParsedFlow> {
    let path = config.folder.join(&located.text);
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| -> Problem {
        let told = config.folder.join(located.shown());
        let message = format!("cannot read the flow `{}`: {error}", told.display());
        let problem = located.source.error(located.span.clone(), message);
        problem.help("a path is relative to the folder of the configuration file")
    };
    match read_text_limited(&path, FLOW_BYTES_MAX) {
        Ok(text) => {
            let source = Source::new(&shown, &text);
            let root = file::read(&source, problems)?;
            Some(ParsedFlow { named, source, root })
        }
        Err(error) => {
            problems.push(unreadable(error));
            None
        }
    }
}
