//! A project around a flow that Studio exported.

use std::collections::BTreeSet;
use std::path::Path;

use url::Url;

use super::{ProjectFile, common_files};
use crate::diagnostics::problem::Problems;
use crate::flow::file::FlowNode;
use crate::tools::flow_input::{FlowInput, FlowNotation};

/// The events of a trigger, with the route that answers them.
const ROUTES: [(&str, &str, &str); 3] = [
    ("incomingCall", "/voice", "voice"),
    ("incomingMessage", "/sms", "message"),
    ("incomingConversationMessage", "/conversations", "message"),
];

/// A project around a flow.
pub(crate) struct StudioProject {
    pub(crate) files: Vec<ProjectFile>,
    /// The first route, or `None` where the flow begins only over Studio's REST.
    pub(crate) route: Option<&'static str>,
}

/// The files of a project whose routes run this flow. The text of the flow itself is
/// copied as it is.
///
/// # Errors
/// A file that cannot be read, or is not a flow.
pub(crate) fn studio_project(path: &Path) -> Result<StudioProject, Problems> {
    let FlowInput { flow, text, notation } = FlowInput::read(path)?;
    let stem = file_stem(path);
    let extension = match notation {
        FlowNotation::Json => "json",
        FlowNotation::Toml => "toml",
    };
    let flow_path = format!("flows/{stem}.{extension}");
    let routes = wired_routes(&flow);
    let mut config = include_str!("project/config-account.toml").to_owned();
    for (_, route, channel) in &routes {
        config +=
            &format!("\n[route.\"{route}\"]\nchannel = \"{channel}\"\nflow = \"{flow_path}\"\n");
    }
    if routes.is_empty() {
        config += &format!(
            "\n[flow.{stem}]                # Studio's REST begins it, or another flow\n\
             file = \"{flow_path}\"\n"
        );
    }
    config += &rewrites(&flow);
    let mut files = common_files();
    files.push(ProjectFile::new(&flow_path, text));
    for (event, route, _) in &routes {
        let test = flow_test(&flow, event, route);
        files.extend(test.map(|test| ProjectFile::new(&test_path(&stem, route), test)));
    }
    files.push(ProjectFile::new("config.toml", config));
    Ok(StudioProject { files, route: routes.first().map(|(_, route, _)| *route) })
}

/// The name of the file, in the letters that a section of a configuration may have.
fn file_stem(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let letter = |char: char| if char.is_ascii_alphanumeric() { char } else { '-' };
    let name: String = stem.unwrap_or_default().chars().map(letter).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "flow".to_owned() } else { name.to_owned() }
}

fn test_path(stem: &str, route: &str) -> String {
    format!("tests/{stem}-{}.test.toml", &route[1..])
}

fn states(flow: &FlowNode) -> &[FlowNode] {
    flow.get("states").and_then(FlowNode::list).unwrap_or_default()
}

fn trigger(flow: &FlowNode) -> Option<&FlowNode> {
    let is_trigger =
        |state: &&FlowNode| state.get("type").and_then(FlowNode::text) == Some("trigger");
    states(flow).iter().find(is_trigger)
}

/// The widget that an event of the trigger leads to.
fn first_widget<'a>(flow: &'a FlowNode, event: &str) -> Option<&'a str> {
    let transitions = trigger(flow)?.get("transitions")?.list()?;
    let wired =
        |transition: &&FlowNode| transition.get("event").and_then(FlowNode::text) == Some(event);
    let next = transitions.iter().find(wired)?.get("next")?.text()?;
    Some(next).filter(|next| !next.is_empty())
}

fn wired_routes(flow: &FlowNode) -> Vec<(&'static str, &'static str, &'static str)> {
    ROUTES.into_iter().filter(|(event, ..)| first_widget(flow, event).is_some()).collect()
}

/// The URLs that widgets of the flow call, as they are written.
fn called_urls(flow: &FlowNode) -> BTreeSet<&str> {
    let urls = states(flow).iter().filter_map(|state| state.get("properties")?.get("url")?.text());
    urls.filter(|url| url.starts_with("http")).collect()
}

/// A `[[rewrite]]` for each server that the flow calls, as a comment: which of them moves here is
/// known only to the owner.
fn rewrites(flow: &FlowNode) -> String {
    let origin = |url: &str| {
        let url = Url::parse(url).ok()?;
        Some(url.origin().ascii_serialization())
    };
    let origins: BTreeSet<String> = called_urls(flow).into_iter().filter_map(origin).collect();
    if origins.is_empty() {
        return String::new();
    }
    let mut text =
        "\n# The servers that the flow calls. Remove the `#` where your code takes over.\n"
            .to_owned();
    for origin in origins {
        text +=
            &format!("# [[rewrite]]\n# from = \"{origin}\"\n# to = \"http://127.0.0.1:9000\"\n");
    }
    text
}

/// A test that shows that the flow begins. Each URL that it calls answers an empty object, so that
/// the test needs no network.
fn flow_test(flow: &FlowNode, event: &str, route: &str) -> Option<String> {
    let first = first_widget(flow, event)?;
    // A name that could end the script is left to the author of the test.
    if first.contains(['\'', '\n', '\r', '>']) {
        return None;
    }
    let mut text = format!(
        "# What a caller meets. Add cases: docs/flow-tests.md has all words.\n\n\
         config = \"../config.toml\"\n\
         route = \"{route}\"\n\
         env = {{ TWILIO_ACCOUNT_SID = \"AC00000000000000000000000000000000\", \
         TWILIO_AUTH_TOKEN = \"12345\" }}\n\n"
    );
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    for url in called_urls(flow) {
        // Up to the first reference, because the rest of the URL is known only during a run.
        let fixed = url.split("{{").next().unwrap_or(url);
        let given = format!("given.{} = {{ json = {{}} }}\n", quoted(fixed));
        if !text.contains(&given) {
            text += &given;
        }
    }
    let action = if event == "incomingCall" { "" } else { "text  Hello\n" };
    text += &format!(
        "\n[[case]]\nname = \"The flow begins\"\nscript = '''\n{action}took  {first}\n'''\n"
    );
    Some(text)
}
