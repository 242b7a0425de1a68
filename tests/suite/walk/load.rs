//! The flows of a folder, each in a gateway of its own in which nothing is missing.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde_json::Value;
use twimlgate::config::Config;
use twimlgate::gateway::Gateway;
use twimlgate::journal::Meters;
use twimlgate::problem::Source;
use twimlgate::template::Templates;

/// A flow that was read, or what is wrong with it.
pub(crate) struct Loaded {
    pub(crate) name: String,
    pub(crate) gateway: Result<Gateway, String>,
}

/// Loads every flow of a folder.
pub(crate) fn load(folder: &Path) -> Vec<Loaded> {
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let texts: Vec<(PathBuf, Value)> = files
        .into_iter()
        .map(|file| {
            let text = std::fs::read_to_string(&file).unwrap();
            let json = serde_json::from_str(&text).unwrap();
            (file, json)
        })
        .collect();
    texts.iter().map(|(file, json)| one(folder, file, json, &texts)).collect()
}

fn one(folder: &Path, file: &Path, json: &Value, all: &[(PathBuf, Value)]) -> Loaded {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
    let mut text = String::from(
        "[store]\nurl = \"memory:\"\n[server]\npublic_url = \"https://phone.example.com\"\n\
         [[account]]\nsid = \"AC00000000000000000000000000000000\"\nauth_tokens = [\"12345\"]\n",
    );
    let mut named = Vec::new();
    for state in json["states"].as_array().into_iter().flatten() {
        let kind = state["type"].as_str().unwrap_or_default();
        let widget = state["name"].as_str().unwrap_or_default();
        if ["run-function", "make-http-request", "Function", "Webhook"].contains(&kind) {
            let quoted = Value::from(widget);
            let _ = write!(text, "[function.{quoted}]\nurl = \"http://127.0.0.1:9/\"\n");
        }
        let sid = state["properties"]["flow_sid"].as_str().unwrap_or_default();
        if kind == "run-subflow" && !named.contains(&sid) {
            named.push(sid);
            if let Some(child) = child(all) {
                let file = Value::from(child);
                let _ = write!(text, "[flow.{sid}]\nfile = {file}\nsid = \"{sid}\"\n");
            }
        }
    }
    let file = Value::from(file_name);
    for channel in ["voice", "message"] {
        let _ = write!(text, "[route.\"/{channel}\"]\nchannel = \"{channel}\"\nflow = {file}\n");
    }
    let (config, mut problems) = Config::parse(&Source::new("walk.toml", &text), folder, &|_| None);
    let document = "<Response><Message>a</Message></Response>";
    let sources = vec![("message/reply.xml".to_owned(), Source::new("reply.xml", document))];
    let templates = Templates::compile(Path::new(""), sources, TimeZone::UTC, &mut problems);
    let gateway =
        config.and_then(|config| Gateway::build(config, &templates, &Meters::new(), &mut problems));
    Loaded { name, gateway: gateway.ok_or_else(|| problems.to_string()) }
}

/// A flow that others can run: something is wired to `incomingParent`, and it runs none itself.
fn child(all: &[(PathBuf, Value)]) -> Option<String> {
    let runs_none = |json: &Value| !json.to_string().contains("\"run-subflow\"");
    let entered = |json: &Value| {
        let states = json["states"].as_array()?;
        let trigger = states.iter().find(|state| state["type"] == "trigger")?;
        let transitions = trigger["transitions"].as_array()?;
        let parent = transitions.iter().find(|to| to["event"] == "incomingParent")?;
        parent["next"].as_str().filter(|next| !next.is_empty()).map(|_| ())
    };
    let found = all.iter().find(|(_, json)| runs_none(json) && entered(json).is_some());
    found.map(|(file, _)| file.file_name().unwrap().to_string_lossy().into_owned())
}
