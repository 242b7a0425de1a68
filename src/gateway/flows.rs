//! The flows of a configuration: their files read once, compiled, and found again by name, by sid
//! and by revision.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::config::{Answer, Config, Function, Located, Rewrite};
use crate::diagnostics::problem::{Problem, Problems, Source};
use crate::flow::Flow;
use crate::flow::file::{self, Node};
use crate::flow::import::{Named, Surroundings, import};
use crate::limits::{FLOW_BYTES_MAX, LOOP_ROUNDS_MAX, STRING_BYTES_MAX};
use crate::liquid::{Engine, Limits, Template};
use crate::template::Templates;

/// All flows, and what it takes to make one again.
pub struct Flows {
    compiler: Compiler,
    by_name: BTreeMap<String, Arc<Flow>>,
    /// The names of the flows that routes name by their files.
    names: HashMap<String, String>,
    /// Revisions that executions are still on, made from what the store keeps of them.
    kept: Mutex<HashMap<String, Arc<Flow>>>,
}

/// What a flow may refer to, owned.
struct Compiler {
    functions: BTreeMap<String, Arc<Function>>,
    rewrites: Vec<Rewrite>,
    liquid: Engine,
    documents: HashMap<String, Template>,
    carrier: bool,
}

/// Finds a flow by its sid.
type Subflow<'a> = dyn Fn(&str) -> Option<Arc<Flow>> + 'a;

/// A flow file that has been read.
struct File {
    named: Named,
    source: Source,
    root: Node,
}

// === impl Flows ===

impl Flows {
    /// Reads and compiles every flow that a configuration names.
    pub(super) fn load(config: &Config, templates: &Templates, problems: &mut Problems) -> Flows {
        let compiler = Compiler::new(config, templates);
        let names = names(config);
        let mut files = Vec::new();
        for (name, flow) in &config.flows {
            let named = Named { name: name.clone(), sid: flow.sid.clone() };
            files.extend(read(config, named, &flow.file, problems));
        }
        let mut seen: HashSet<&str> = config.flows.keys().map(String::as_str).collect();
        for located in route_files(config) {
            let name = &names[&located.text];
            if seen.insert(name) {
                let named = Named { name: name.clone(), sid: None };
                files.extend(read(config, named, located, problems));
            }
        }
        // A subflow calls no subflow, so two rounds reach everything.
        let mut by_name = BTreeMap::new();
        let leaves = |file: &&File| !calls_subflows(&file.root);
        for file in files.iter().filter(leaves) {
            compiler.add(file, &mut by_name, problems);
        }
        for file in files.iter().filter(|file| calls_subflows(&file.root)) {
            compiler.add(file, &mut by_name, problems);
        }
        Flows { compiler, by_name, names, kept: Mutex::default() }
    }

    /// A flow by its name.
    pub fn named(&self, name: &str) -> Option<&Arc<Flow>> {
        self.by_name.get(name)
    }

    /// A flow by its name or its sid, as Studio's REST may say either.
    pub fn find(&self, key: &str) -> Option<&Arc<Flow>> {
        self.named(key).or_else(|| self.by_name.values().find(|flow| flow.sid == key))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.by_name.values()
    }

    /// The flow of a route's `flow`.
    pub(super) fn of_route(&self, located: &Located) -> Option<Arc<Flow>> {
        self.named(self.names.get(&located.text)?).cloned()
    }

    /// A revision that was made again before.
    pub(super) fn kept(&self, revision: &str) -> Option<Arc<Flow>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(revision).cloned()
    }

    /// Makes a revision again from its definition.
    ///
    /// # Errors
    /// What is wrong with it today: a function that is gone, say.
    pub(super) fn restore(&self, revision: &str, definition: &str) -> Result<Arc<Flow>, String> {
        let value: Value = serde_json::from_str(definition).map_err(|error| error.to_string())?;
        let flow = Arc::new(self.compiler.restore(&value)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(revision.to_owned(), Arc::clone(&flow));
        Ok(flow)
    }
}

// === impl Compiler ===

impl Compiler {
    fn new(config: &Config, templates: &Templates) -> Compiler {
        let limits = Limits {
            output_bytes: STRING_BYTES_MAX,
            loop_rounds: Some(LOOP_ROUNDS_MAX),
            ..Limits::default()
        };
        let carrier = config.accounts.iter().any(|account| !account.auth_tokens.is_empty());
        Compiler {
            functions: config.functions.clone(),
            rewrites: config.rewrites.clone(),
            liquid: Engine::new(limits).with_time_zone(config.server.time_zone.clone()),
            documents: templates.documents().collect(),
            carrier,
        }
    }

    fn add(&self, file: &File, flows: &mut BTreeMap<String, Arc<Flow>>, problems: &mut Problems) {
        let subflow = |sid: &str| flows.values().find(|flow| flow.sid == sid).cloned();
        let flow = self.compile(&file.named, &file.source, &file.root, (&subflow, problems));
        if let Some(flow) = flow {
            flows.insert(flow.name.clone(), Arc::new(flow));
        }
    }

    fn compile(
        &self,
        named: &Named,
        source: &Source,
        root: &Node,
        (subflow, problems): (&Subflow<'_>, &mut Problems),
    ) -> Option<Flow> {
        let surroundings = Surroundings {
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
        let named = Named { name: text("name"), sid: Some(text("sid")) };
        let root = Node::from_json(&value["definition"]);
        let source = Source::new(&format!("{} (as it was)", named.name), "");
        let mut problems = Problems::default();
        let subflow = |sid: &str| subflows.iter().find(|flow| flow.sid == sid).cloned();
        let flow = self.compile(&named, &source, &root, (&subflow, &mut problems));
        flow.ok_or_else(|| {
            let first = problems
                .iter()
                .find(|problem| problem.level == crate::diagnostics::problem::Level::Error);
            first.map_or_else(String::new, |problem| problem.message.clone())
        })
    }
}

/// Whether any widget runs a subflow.
fn calls_subflows(root: &Node) -> bool {
    let states = root.get("states").and_then(Node::list).unwrap_or_default();
    let kind = |state: &Node| state.get("type").and_then(Node::text) == Some("run-subflow");
    states.iter().any(kind)
}

/// The files that routes name, in the order of the routes.
fn route_files(config: &Config) -> impl Iterator<Item = &Located> {
    config.routes.values().filter_map(|route| match &route.answer {
        Answer::Flow(located) => Some(located),
        Answer::Short(_) => None,
    })
}

/// The names of the flows in the files that routes name: that of its `[flow.NAME]`, else the file's
/// without its ending, with its folder where another file has the same.
fn names(config: &Config) -> HashMap<String, String> {
    let stem =
        |file: &str| Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let files: HashSet<&str> = route_files(config).map(|located| located.text.as_str()).collect();
    let mut stems: HashMap<String, usize> = HashMap::new();
    for file in &files {
        *stems.entry(stem(file)).or_default() += 1;
    }
    let mut names: HashMap<String, String> = files
        .into_iter()
        .map(|file| {
            let name = match stems[&stem(file)] {
                1 => stem(file),
                _ => Path::new(file).with_extension("").to_string_lossy().into_owned(),
            };
            (file.to_owned(), name)
        })
        .collect();
    for (name, flow) in config.flows.iter().rev() {
        names.insert(flow.file.text.clone(), name.clone());
    }
    names
}

fn read(config: &Config, named: Named, located: &Located, problems: &mut Problems) -> Option<File> {
    let path = config.folder.join(&located.text);
    let shown = path.display().to_string();
    let unreadable = |error: String| -> Problem {
        let told = config.folder.join(located.shown());
        let message = format!("cannot read the flow `{}`: {error}", told.display());
        let problem = located.source.error(located.span.clone(), message);
        problem.help("a path is relative to the folder of the configuration file")
    };
    let size = std::fs::metadata(&path).map(|metadata| metadata.len());
    let text = match size {
        Ok(size) if size > FLOW_BYTES_MAX as u64 => {
            Err(format!("it has {size} bytes, and may have {FLOW_BYTES_MAX}"))
        }
        Ok(_) => std::fs::read_to_string(&path).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match text {
        Ok(text) => {
            let source = Source::new(&shown, &text);
            let root = file::read(&source, problems)?;
            Some(File { named, source, root })
        }
        Err(error) => {
            problems.push(unreadable(error));
            None
        }
    }
}
