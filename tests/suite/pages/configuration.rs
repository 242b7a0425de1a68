//! Configurations, flows, flow tests, documents and templates of a page.

use yaml_rust2::{Yaml, YamlLoader};

use super::markdown::Block;
use super::reader::Reader;
use super::shell;
use crate::functions::node_program;
use twimlgate::channel::Channel;
use twimlgate::twiml::read::{DocumentLimits, check_document};

/// What a page may leave out of a configuration, because it has shown it before.
const ACCOUNT: &str =
    "[[account]]\nsid = \"${TWILIO_ACCOUNT_SID}\"\nauth_tokens = [\"${TWILIO_AUTH_TOKEN}\"]\n";
const FUNCTION: &str = "[function.left_out]\nurl = \"http://127.0.0.1:9000/\"\n";

/// A configuration passes `twimlgate check`, without a warning.
pub(crate) fn check_config(reader: &mut Reader, text: &str) -> Result<(), String> {
    // Node reads such a project, and the tests run without it, too.
    let mut whole = text.to_owned();
    if text.contains("[functions]") {
        let Some(node) = node_program() else { return Ok(()) };
        // The reader has only the programs that pages may run.
        let _ = std::os::unix::fs::symlink(node, reader.folder.join("node-program"));
        whole = whole.replace("[functions]\n", "[functions]\nnode = \"./node-program\"\n");
    }
    if !text.contains("[[account]]") {
        whole = format!("{ACCOUNT}{whole}");
    }
    if !text.contains("[route.") {
        whole += FUNCTION;
        let function = text.split("[function.").nth(1).and_then(|rest| rest.split(']').next());
        let function = function.unwrap_or("left_out");
        whole += &format!("[route.\"/\"]\nchannel = \"voice\"\nfunction = \"{function}\"\n");
    }
    reader.write("page.toml", &whole);
    passes_check(reader, "page.toml")
}

fn passes_check(reader: &mut Reader, name: &str) -> Result<(), String> {
    let printed = shell::check_commands(reader, &format!("twimlgate check --config {name}"))?;
    let is_clean = printed.contains("no errors, 0 warnings");
    if is_clean { Ok(()) } else { Err(format!("`check` has warnings:\n{printed}")) }
}

/// A flow passes `check` on a route of its channel, and survives a conversion.
pub(crate) fn check_flow(reader: &mut Reader, block: &Block) -> Result<(), String> {
    let name = block.file.as_deref().unwrap_or("page-flow.toml");
    reader.write(name, &block.text);
    let channel = if block.text.contains("incomingCall = \"\"") { "message" } else { "voice" };
    let route = format!("[route.\"/\"]\nchannel = \"{channel}\"\nflow = \"{name}\"\n");
    reader.write("page.toml", &format!("{ACCOUNT}{route}"));
    passes_check(reader, "page.toml")?;
    let convert = format!(
        "twimlgate flow show {name}\n\
         twimlgate flow convert {name} --output page-flow.json\n\
         twimlgate flow convert page-flow.json --output page-flow-back.toml\n\
         twimlgate flow show page-flow-back.toml\n"
    );
    let printed = shell::check_commands(reader, &convert)?;
    let half = printed.len() / 2;
    let is_same = printed.get(..half) == printed.get(half..);
    if is_same { Ok(()) } else { Err(format!("the conversion changes the flow:\n{printed}")) }
}

/// All cases of a flow test pass.
pub(crate) fn check_flow_test(reader: &mut Reader, text: &str) -> Result<(), String> {
    reader.write("page.test.toml", text);
    shell::check_commands(reader, "twimlgate test page.test.toml").map(|_| ())
}

/// A template with its data (`data.json` of the reader) becomes a document for calls, without a
/// finding.
pub(crate) fn check_template(reader: &mut Reader, text: &str) -> Result<(), String> {
    reader.write("page.xml", text);
    if !reader.folder.join("data.json").exists() {
        reader.write("data.json", "{}");
    }
    let rendered = shell::check_commands(reader, "twimlgate render page.xml --data data.json")?;
    let limits = DocumentLimits::default();
    let report = check_document(rendered.as_bytes(), Channel::Voice, &limits);
    let report = report.map_err(|error| format!("{error}\n{rendered}"))?;
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if findings.is_empty() { Ok(()) } else { Err(format!("{}\n{rendered}", findings.join("\n"))) }
}

/// A workflow of continuous integration: YAML, whose steps run.
pub(crate) fn check_workflow(reader: &mut Reader, text: &str) -> Result<(), String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    let mut steps = Vec::new();
    documents.iter().for_each(|document| find_steps(document, &mut steps));
    for step in &steps {
        shell::check_commands(reader, step)?;
    }
    if steps.is_empty() { Err("no `run`".to_owned()) } else { Ok(()) }
}

/// The texts of all keys `run`.
fn find_steps(yaml: &Yaml, steps: &mut Vec<String>) {
    for (key, value) in yaml.as_hash().into_iter().flatten() {
        match (key.as_str(), value.as_str()) {
            (Some("run"), Some(step)) => steps.push(step.to_owned()),
            _ => find_steps(value, steps),
        }
    }
    yaml.as_vec().into_iter().flatten().for_each(|item| find_steps(item, steps));
}
