//! The functions that the gateway runs itself: `[functions]`, and `[function.NAME]` with a `file`
//! or `code`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use actix_web::http::Method;
use serde_json::{Map, Value};

use crate::config::{
    Config, ConfigText, Function, FunctionBody, FunctionTarget, ProjectSection, StoreUrl,
};
use crate::diagnostics::problem::{Problem, Problems, Severity, Source};
use crate::diagnostics::suggest::did_you_mean;
use crate::function::ProjectLink;
use crate::limits::{FUNCTION_CONNECTIONS_MAX, PROJECT_BODY_BYTES_MAX};
use crate::metrics::Metrics;
use crate::node::{
    Access, CodeSource, NodePool, NodeProgram, PoolOptions, ProcessOptions, ProjectFolder,
    ProjectFunction, check_project,
};
use crate::percent::percent_decode;
use crate::route::{
    DirectCallee, DirectRoute, DirectTarget, FallbackDocuments, RouteAccess, covers_path,
};

/// The paths of a project, and its processes.
#[derive(Debug)]
pub struct Project {
    /// The processes.
    pub pool: NodePool,
    routes: HashMap<String, Arc<DirectRoute>>,
}

impl Project {
    /// The paths of a project. A route of the configuration takes precedence over them.
    pub(super) fn new(config: &Config, pool: NodePool, metrics: &Metrics) -> Project {
        let (section, folder) = (&config.project, Arc::clone(pool.project()));
        let mut routes = HashMap::new();
        let mut add = |path: &str, target, access, metrics| {
            let path = path.to_owned();
            let fallback = FallbackDocuments::built_in();
            let route = DirectRoute { path: path.clone(), target, access, fallback, metrics };
            routes.insert(path, Arc::new(route));
        };
        for function in folder.functions.values() {
            let access = match function.access {
                Access::Public if is_open(config, &function.path) => RouteAccess::Open,
                Access::Public | Access::Protected => RouteAccess::Signed,
                // Not even a refusal: it has no path.
                Access::Private => continue,
            };
            let callee = || DirectCallee::Function(Arc::new(direct_function(section, function)));
            let target = || DirectTarget::Call(callee());
            add(&function.path, target(), access, metrics.of_route(&function.path));
            // `/menu` for `menu/index.js`, unless another function has that path.
            let short = function.path.strip_suffix("/index");
            let short = short.map(|path| if path.is_empty() { "/" } else { path });
            let is_free = |path: &&str| {
                !folder.functions.contains_key(*path) && !folder.assets.contains_key(*path)
            };
            if let Some(path) = short.filter(is_free) {
                add(path, target(), access, metrics.of_route(path));
            }
        }
        let asset_metrics = metrics.of_route("assets");
        let root = ["/assets/index.html", "/index.html"];
        let root = root.into_iter().find_map(|path| folder.assets.get(path));
        for asset in folder.assets.values() {
            let access = match asset.access {
                Access::Public => RouteAccess::Open,
                Access::Protected => RouteAccess::Signed,
                Access::Private => RouteAccess::Private,
            };
            let target = || DirectTarget::Asset(asset.file.clone());
            add(&asset.path, target(), access, asset_metrics.clone());
            if root == Some(asset) {
                add("/", target(), access, asset_metrics.clone());
            }
        }
        Project { pool, routes }
    }

    /// The routes of the functions, in the order of their paths.
    pub(crate) fn function_routes(&self) -> impl Iterator<Item = &Arc<DirectRoute>> {
        let is_function = |route: &&Arc<DirectRoute>| matches!(route.target, DirectTarget::Call(_));
        let mut routes: Vec<_> = self.routes.values().filter(is_function).collect();
        routes.sort_by(|a, b| a.path.cmp(&b.path));
        routes.into_iter()
    }

    /// The route of a path, which may have percent escapes.
    pub(crate) fn at(&self, path: &str) -> Option<&Arc<DirectRoute>> {
        let decoded = String::from_utf8(percent_decode(path)).ok()?;
        self.routes.get(&decoded)
    }
}

/// The function of a file, as its own path calls it.
fn direct_function(section: &ProjectSection, function: &ProjectFunction) -> Function {
    let (text, source) = (function.name.clone(), Source::new(&function.name, ""));
    let title = ConfigText { text, source, span: 0..0 };
    Function {
        // A name that no `[function.NAME]` has.
        name: function.path.clone(),
        target: FunctionTarget::File(title.clone()),
        method: Method::POST,
        body: FunctionBody::Auto,
        headers: Vec::new(),
        timeout: Some(section.timeout),
        max_body_bytes: PROJECT_BODY_BYTES_MAX,
        forward_webhook: true,
        strict: false,
        idempotent: false,
        http_1_0: false,
        connections: FUNCTION_CONNECTIONS_MAX,
        hold: None,
        widgets: Vec::new(),
        title,
    }
}

fn is_open(config: &Config, path: &str) -> bool {
    config.project.open.iter().any(|open| covers_path(&open.text, path))
}

/// Entries of `open` that open nothing, or what the name of a file protects.
fn check_open(config: &Config, project: &ProjectFolder) -> Vec<Problem> {
    let mut problems = Vec::new();
    for open in &config.project.open {
        let mut functions =
            project.functions.values().filter(|function| covers_path(&open.text, &function.path));
        let problem = |message: String| open.source.warning(open.span.clone(), message);
        let shown = open.display_text();
        if functions.clone().next().is_none() {
            let help = did_you_mean(&open.text, project.functions.keys().map(String::as_str));
            let message = format!("no function has the path `{shown}`");
            problems.push(problem(message).help(help.unwrap_or_default()));
        } else if functions.all(|function| function.access != Access::Public) {
            let message = format!("`{shown}` stays closed: the name of its file says so");
            let help = "remove `.protected` or `.private` from it";
            problems.push(problem(message).help(help));
        }
    }
    problems
}

/// Reads the project of a configuration, and prepares a pool for it. `None` if no function needs
/// one, or if an error was found.
pub(super) fn load_project(
    config: &Config,
    metrics: &Metrics,
    problems: &mut Problems,
) -> Option<ProjectLink> {
    let code = code_in_config(config);
    let files = files_in_config(config);
    let section = &config.project;
    if section.folder.is_none() && code.is_empty() && files.is_empty() {
        return None;
    }
    let project = read_folder(config, problems);
    report_unknown_files(config, &files, project.as_ref(), problems);
    let node = find_node(config, problems);
    let (project, node) = (project?, node?);
    problems.extend(check_project(&node, &project, &code));
    problems.extend(missing_modules(&project));
    problems.extend(check_open(config, &project));
    let base = base_url(config);
    let options = PoolOptions {
        process: ProcessOptions {
            node: node.path,
            folder: project.folder.clone(),
            memory_mb: section.memory_mb,
            sandbox: section.sandbox,
            hidden: own_files(config),
        },
        processes: section.processes,
        domain: base.split_once("://").map_or(base.as_str(), |(_, host)| host).to_owned(),
        // An edit is to be served within a second.
        preloads_twilio: !section.watch,
        env: variables(config, &project),
        code: code.iter().map(|(name, code)| ((*name).to_owned(), code.text.into())).collect(),
    };
    let pool = NodePool::new(options, Arc::new(project), metrics.node.clone());
    Some(ProjectLink { pool, base: base.into() })
}

/// The functions whose code is in the configuration, by name.
fn code_in_config(config: &Config) -> BTreeMap<&str, CodeSource<'_>> {
    let code = config.functions.iter().filter_map(|(name, function)| match &function.target {
        FunctionTarget::Code(ConfigText { text, source, span }) => {
            Some((name.as_str(), CodeSource { text, source, span: span.clone() }))
        }
        FunctionTarget::Url(_) | FunctionTarget::File(_) => None,
    });
    code.collect()
}

fn files_in_config(config: &Config) -> Vec<&ConfigText> {
    let files = config.functions.values().filter_map(|function| match &function.target {
        FunctionTarget::File(file) => Some(file),
        FunctionTarget::Url(_) | FunctionTarget::Code(_) => None,
    });
    files.collect()
}

/// The project. Without a folder it is an empty one, for code in the configuration.
fn read_folder(config: &Config, problems: &mut Problems) -> Option<ProjectFolder> {
    let Some(folder) = &config.project.folder else {
        let folder = config.folder.join(".").canonicalize().unwrap_or_default();
        return Some(ProjectFolder { folder, ..ProjectFolder::default() });
    };
    let mut found = Vec::new();
    let path = config.folder.join(&folder.text);
    let beside_config = path.canonicalize().ok() == config.folder.join(".").canonicalize().ok();
    let project = ProjectFolder::read(&path, beside_config, &mut found);
    problems.extend(found);
    let report = |message: String| {
        let problem = folder.source.error(folder.span.clone(), message);
        let help = "a path is relative to the folder of the configuration file; \
                    docs/functions-folder.md shows a project";
        problems.push(problem.help(help));
    };
    project.map_err(report).ok()
}

fn report_unknown_files(
    config: &Config,
    files: &[&ConfigText],
    project: Option<&ProjectFolder>,
    problems: &mut Problems,
) {
    for file in files {
        let problem = |message: String| file.source.error(file.span.clone(), message);
        if config.project.folder.is_none() {
            let message = format!("`{}` is in no project", file.display_text());
            let help = "add `[functions]` with `folder`; `file` is relative to it";
            problems.push(problem(message).expected("a project").help(help));
            continue;
        }
        let Some(project) = project else { continue };
        if project.function_of_file(&file.text).is_none() {
            let names = project.functions.values().map(|function| function.name.as_str());
            let help = did_you_mean(&file.text, names).unwrap_or_else(|| {
                "a path is relative to the project: `functions/lookup.js`".to_owned()
            });
            let message = format!("the project has no function `{}`", file.display_text());
            problems.push(problem(message).expected("a file of the project").help(help));
        }
    }
}

fn find_node(config: &Config, problems: &mut Problems) -> Option<NodeProgram> {
    let node = &config.project.node;
    let path = config.folder.join(&node.text);
    let name = if node.text.contains('/') { &*path.to_string_lossy() } else { &node.text };
    let report = |reason: String| {
        let message = format!("`[functions]` needs Node 20 or later; {reason}");
        let problem = node.source.error(node.span.clone(), message);
        let help = "Debian: `apt install nodejs`; or set `node = \"/path/to/node\"`";
        problems.push(problem.help(help));
    };
    NodeProgram::find(name).map_err(report).ok()
}

/// A `package.json` with dependencies, and no `node_modules`.
fn missing_modules(project: &ProjectFolder) -> Option<Problem> {
    let text = std::fs::read(project.folder.join("package.json")).ok()?;
    let package: Value = serde_json::from_slice(&text).ok()?;
    let has_dependencies = package["dependencies"].as_object().is_some_and(|it| !it.is_empty());
    let is_installed = |folder: &Path| folder.join("node_modules").is_dir();
    if !has_dependencies || project.folder.ancestors().any(is_installed) {
        return None;
    }
    let message = format!("the packages of `{}` are not installed", project.folder.display());
    let help = format!("run `npm install` in {}", project.folder.display());
    Some(Problem::new(Severity::Warning, message).help(help))
}

/// The variables of the functions: `.env`, and over it `[functions] env`.
fn variables(config: &Config, project: &ProjectFolder) -> Map<String, Value> {
    let own = config.project.env.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let file = project.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    file.chain(own).map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// The beginning of the URLs of functions: as the carrier calls them.
fn base_url(config: &Config) -> String {
    let listen = config.server.listen;
    config.server.public_url.clone().unwrap_or_else(|| match listen.port() {
        // Another port is chosen when it is bound.
        0 => "http://localhost".to_owned(),
        port => format!("http://localhost:{port}"),
    })
}

/// The files that hold what no function may read.
fn own_files(config: &Config) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if let StoreUrl::Sqlite(file) = &config.store {
        files.push(config.folder.join(file));
    }
    files.extend(config.server.tls.iter().map(|tls| tls.key.clone()));
    // The configuration, whatever its name is.
    let names = std::fs::read_dir(config.folder.join(".")).into_iter().flatten().flatten();
    let is_configuration = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
    files.extend(names.map(|entry| entry.path()).filter(is_configuration));
    files
}
