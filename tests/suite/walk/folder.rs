//! A folder of flows as a configuration: every flow on a route of its own, every function there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use twimlgate::config::Config;
use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::file;
use twimlgate::gateway::Gateway;
use twimlgate::metrics::Metrics;
use twimlgate::template::TemplateFolder;

/// A flow file.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// The flow in Studio's current form, whatever the file's notation.
    pub(crate) value: Value,
}

/// Types of widgets with a URL, in whose place a function may stand.
const CALLERS: [&str; 2] = ["run-function", "make-http-request"];

/// The flow files of a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<File> {
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let test = path.to_string_lossy().ends_with(".test.toml");
        let flow = path.extension().is_some_and(|ending| ending == "json" || ending == "toml");
        let source = Source::new(path.to_str()?, &std::fs::read_to_string(&path).ok()?);
        let read = (flow && !test).then(|| file::read(&source, &mut Problems::default()))?;
        Some(File { path, value: read?.to_json() })
    };
    paths.into_iter().filter_map(read).collect()
}

// === impl File ===

impl File {
    /// The file's name without its ending.
    pub(crate) fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Its widgets.
    pub(crate) fn states(&self) -> &[Value] {
        self.value["states"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The number of widgets with an unknown type.
    pub(crate) fn unknown(&self) -> usize {
        let kind = |state: &&Value| {
            let kind = state["type"].as_str().unwrap_or_default();
            twimlgate::flow::find_widget_type(kind).is_none()
        };
        self.states().iter().filter(kind).count()
    }

    fn widgets(&self, types: &[&str]) -> impl Iterator<Item = &Value> {
        let of = |state: &&Value| types.contains(&state["type"].as_str().unwrap_or_default());
        self.states().iter().filter(of)
    }

    /// The gateway of this flow, with the flows beside it that it calls: `sids` says where those
    /// are.
    pub(crate) fn load(&self, sids: &BTreeMap<String, PathBuf>) -> (Option<Gateway>, Problems) {
        let mut text = String::from(
            "[server]\nlisten = \"127.0.0.1:0\"\ntemplates = \"tests/templates\"\n\
             public_url = \"https://gate.example\"\n\
             [[account]]\nsid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"1\"]\n",
        );
        let path = self.path.to_str().unwrap();
        for (route, channel) in [("voice", "voice"), ("message", "message")] {
            let _ = writeln!(text, "[route.\"/{route}\"]");
            let _ = writeln!(text, "channel = \"{channel}\"\nflow = {path:?}");
        }
        let _ = writeln!(text, "[flow.{:?}]\nfile = {path:?}", self.name());
        let called = self.called(sids);
        for (sid, path) in &called {
            let path = path.to_str().unwrap();
            let _ = writeln!(text, "[flow.{sid:?}]\nfile = {path:?}\nsid = {sid:?}");
        }
        let mut functions: Vec<String> = self.functions();
        for path in called.values() {
            functions.extend(
                files(path.parent().unwrap())
                    .iter()
                    .filter(|file| file.path == **path)
                    .flat_map(File::functions),
            );
        }
        functions.sort();
        functions.dedup();
        for name in functions {
            let _ = writeln!(text, "[function.{name:?}]\nurl = \"http://127.0.0.1:9/\"");
        }
        let source = Source::new("walk.toml", &text);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (config, mut problems) = Config::parse(&source, root, &|_| None);
        let gateway = config.and_then(|config| {
            let zone = config.server.time_zone.clone();
            let templates = TemplateFolder::load(&config.server.templates, zone, &mut problems);
            Gateway::build(config, &templates, &Metrics::new(), &mut problems)
        });
        (gateway, problems)
    }

    fn functions(&self) -> Vec<String> {
        let name = |state: &Value| state["name"].as_str().unwrap_or_default().to_owned();
        self.widgets(&CALLERS).map(name).collect()
    }

    /// The flows of the folder that it runs as its subflows.
    fn called<'s>(&self, sids: &'s BTreeMap<String, PathBuf>) -> BTreeMap<&'s String, &'s PathBuf> {
        let sid = |state: &Value| state["properties"]["flow_sid"].as_str().map(str::to_owned);
        let called = self.widgets(&["run-subflow"]).filter_map(sid);
        called.filter_map(|sid| sids.get_key_value(&sid)).collect()
    }
}

/// Which file has which sid: the one that says so in a key `sid` of its own, which Studio ignores.
pub(crate) fn sids(files: &[File]) -> BTreeMap<String, PathBuf> {
    let sid = |file: &File| Some((file.value["sid"].as_str()?.to_owned(), file.path.clone()));
    files.iter().filter_map(sid).collect()
}
