//! A folder of flows as configurations: every flow on routes of its own, with a `[[rewrite]]` for
//! everything that it calls.

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

use super::expectation::{ACCOUNT, TOKEN};
use super::network::Network;
use super::rewrites::{CALLERS, Rewrites};

/// A flow file.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    /// The flow in Studio's current form, whatever the file's notation.
    pub(crate) value: Value,
}

/// The gateway of one flow, and what its file and the files of its subflows say.
pub(crate) struct Loaded<'a> {
    pub(crate) gateway: Option<Gateway>,
    pub(crate) problems: Problems,
    pub(crate) rewrites: Rewrites,
    /// The subflows, by their sids.
    pub(crate) subflows: BTreeMap<&'a str, &'a File>,
}

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
        let value = read?.to_json();
        // Beside the flows there may be a configuration of their tests.
        (value.get("route").is_none()).then_some(File { path, value })
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

    /// The widgets that call a URL.
    pub(crate) fn callers(&self) -> impl Iterator<Item = &Value> {
        self.widgets(&CALLERS)
    }

    /// The widget of a name.
    pub(crate) fn widget(&self, name: &str) -> Option<&Value> {
        self.states().iter().find(|state| state["name"] == name)
    }

    /// Its own sid, in a key that Studio ignores.
    pub(crate) fn sid(&self) -> Option<&str> {
        self.value["sid"].as_str()
    }

    /// The gateway of this flow, with those of `files` that it runs as its subflows.
    pub(crate) fn load<'a>(&self, files: &'a [File], network: &Network) -> Loaded<'a> {
        let subflows = self.subflows(files);
        let mut all = vec![self];
        all.extend(subflows.values());
        let rewrites = Rewrites::of(&all, network);
        let mut text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\ntemplates = \"tests/templates\"\n\
             public_url = \"https://gate.example\"\n\
             [[account]]\nsid = \"{ACCOUNT}\"\nauth_tokens = [\"{TOKEN}\"]\napi_url = {:?}\n",
            network.origin(true, "")
        );
        let path = self.path.to_str().unwrap();
        for (route, channel) in [("voice", "voice"), ("message", "message")] {
            let _ = writeln!(text, "[route.\"/{route}\"]");
            let _ = writeln!(text, "channel = \"{channel}\"\nflow = {path:?}");
        }
        let _ = writeln!(text, "[flow.{:?}]\nfile = {path:?}", self.name());
        for (sid, file) in &subflows {
            let path = file.path.to_str().unwrap();
            let _ = writeln!(text, "[flow.{sid:?}]\nfile = {path:?}\nsid = {sid:?}");
        }
        text += &rewrites.to_toml(network);
        let source = Source::new("walk.toml", &text);
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (config, mut problems) = Config::parse(&source, root, &|_| None);
        let gateway = config.and_then(|config| {
            let zone = config.server.time_zone.clone();
            let templates = TemplateFolder::load(&config.server.templates, zone, &mut problems);
            Gateway::build(config, &templates, &Metrics::new(), &mut problems)
        });
        Loaded { gateway, problems, rewrites, subflows }
    }

    /// The flows of the folder that it runs as its subflows.
    fn subflows<'a>(&self, files: &'a [File]) -> BTreeMap<&'a str, &'a File> {
        let sid = |state: &Value| state["properties"]["flow_sid"].as_str().map(str::to_owned);
        let called = self.widgets(&["run-subflow"]).filter_map(sid);
        let called = called.filter_map(|sid| files.iter().find(|it| it.sid() == Some(&sid)));
        called.filter_map(|file| Some((file.sid()?, file))).collect()
    }
}
