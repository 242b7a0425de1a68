//! Flow files: read, written, and read again.

use std::path::{Path, PathBuf};

use twimlgate::diagnostics::problem::{Problems, Source};
use twimlgate::flow::FlowGraph;
use twimlgate::flow::file::{FlowNode, read};
use twimlgate::tools::flow_export::{is_same_flow, write_json, write_toml};
use twimlgate::tools::flow_outline::outline;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows/files")
}

fn parse(name: &str, text: &str) -> Result<FlowNode, String> {
    let mut problems = Problems::default();
    let node = read(&Source::new(name, text), &mut problems);
    node.ok_or_else(|| problems.to_string())
}

/// The flows of a folder: name, text.
fn flows(folder: &Path) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json" || end == "toml"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// JSON → TOML → JSON gives the same flow, and TOML → JSON → TOML the same text.
fn round_trip(name: &str, text: &str) -> String {
    let flow = parse(name, text).unwrap_or_else(|error| panic!("{error}"));
    let toml = write_toml(&flow);
    let again = parse("x.toml", &toml).unwrap_or_else(|error| panic!("{name}: {error}\n{toml}"));
    assert!(is_same_flow(&flow, &again), "{name}:\n{toml}");
    let json = write_json(&again);
    let back = parse("x.json", &json).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(write_toml(&back), toml, "{name}");
    toml
}

#[test]
fn nothing_is_lost_on_the_way() {
    for (name, text) in flows(&folder()) {
        let toml = round_trip(&name, &text);
        assert_eq!(toml.starts_with("json = "), name == "twice.json", "{name}\n{toml}");
        if name.ends_with(".json") {
            let path = folder().join(&name).with_extension("toml.txt");
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&path, &toml).unwrap();
            }
            assert_eq!(toml, std::fs::read_to_string(&path).unwrap_or_default(), "{name}");
        }
    }
}

#[test]
fn numbers_keep_their_last_bit() {
    for number in ["92372036873685807.5", "0.1", "1.7976931348623157e308"] {
        let text = format!(
            r#"{{"initial_state": "Trigger", "states": [{{"name": "Trigger", "type": "trigger",
                "transitions": [], "properties": {{"offset": {{"x": {number}, "y": 0}}}}}}]}}"#
        );
        round_trip("numbers.json", &text);
    }
}

#[test]
fn nothing_is_lost_of_real_flows() {
    let Some(facts) = std::env::var_os("TWIMLGATE_FACTS") else {
        println!("skipped: TWIMLGATE_FACTS does not name a folder beside `flows`");
        return;
    };
    let (mut files, mut exact) = (0, 0);
    for (name, text) in flows(&Path::new(&facts).join("../flows")) {
        let toml = round_trip(&name, &text);
        assert!(!toml.starts_with("json = "), "{name}");
        files += 1;
        exact += toml.matches("\ntransitions = ").count();
    }
    println!("{files} flows, {exact} widgets in the exact form");
    assert!(files > 0);
}

#[test]
fn mistakes_have_a_place() {
    let error = parse("a.json", "{\"states\": [],}").unwrap_err();
    assert!(error.contains("--> a.json:1:14"), "{error}");
    let error = parse("a.toml", "[widget.a]\ntype = \"trigger\"\non = \"b\"\n").unwrap_err();
    assert!(error.contains("`on` is not a table\n --> a.toml:3:6"), "{error}");
    let error = parse("a.toml", "[widget.a]\nmatch = [{ next = \"b\" }]\n").unwrap_err();
    assert!(error.contains("0 conditions in an item of `match`\n --> a.toml:2:10"), "{error}");
    let error = parse("a.toml", "[widget.a]\nx = 2020-01-01\n").unwrap_err();
    assert!(error.contains("^^^^^^^^^^ a text: put it in quotes"), "{error}");
    let error = parse("a.toml", "[widget.a]\nname = \"b\"\ntransitions = []\n").unwrap_err();
    assert!(error.contains("has a second name\n --> a.toml:2:1"), "{error}");
}

#[test]
fn toml_keeps_the_places() {
    let text = "[widget.a]\ntype = \"trigger\"\non = { incomingCall = \"b\" }\n";
    let flow = parse("a.toml", text).unwrap();
    let state = &flow.get("states").unwrap().list().unwrap()[0];
    let transition = &state.get("transitions").unwrap().list().unwrap()[0];
    let written = |node: &FlowNode| &text[node.span.clone()];
    assert_eq!(written(transition.get("next").unwrap()), "\"b\"");
    assert_eq!(written(transition.get("event").unwrap()), "incomingCall");
    assert_eq!(written(state.get("name").unwrap()), "a");
}

/// Runs the program in the folder of the flows.
fn twimlgate(arguments: &[&str]) -> std::process::Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_twimlgate"));
    command.args(arguments).current_dir(folder()).env_clear().output().expect("the program runs")
}

#[test]
fn flows_are_drawn() {
    let output = twimlgate(&["flow", "show", "../hotline.json", "--svg"]);
    assert!(output.status.success());
    let svg = String::from_utf8(output.stdout).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for name in ["welcome", "menu", "which", "lookup", "plan", "agent"] {
        assert!(svg.contains(&format!(">{name}</text>")), "{name}");
    }
    let output = twimlgate(&["flow", "show", "../hotline.json", "--svg", "--mermaid"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn flows_are_shown() {
    for (name, _) in flows(&folder()) {
        for (arguments, ending) in [
            (vec!["flow", "show", &name], "outline"),
            (vec!["flow", "show", &name, "--mermaid"], "mmd"),
        ] {
            let output = twimlgate(&arguments);
            assert!(output.status.success(), "{name}");
            let shown = String::from_utf8(output.stdout).unwrap();
            let golden = folder().join(format!("{name}.{ending}"));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::write(&golden, &shown).unwrap();
            }
            assert_eq!(shown, std::fs::read_to_string(&golden).unwrap_or_default(), "{name}");
        }
    }
}

#[test]
fn flows_are_converted() {
    let output = twimlgate(&["flow", "convert", "opening-hours.toml"]);
    let json = String::from_utf8(output.stdout).unwrap();
    let flow = parse("x.json", &json).unwrap();
    let toml = std::fs::read_to_string(folder().join("opening-hours.toml")).unwrap();
    assert!(is_same_flow(&flow, &parse("x.toml", &toml).unwrap()));

    let output = twimlgate(&["flow", "convert", "survey.json", "--to", "toml"]);
    let golden = std::fs::read(folder().join("survey.toml.txt")).unwrap();
    assert_eq!(output.stdout, golden);

    let output = twimlgate(&["flow", "convert", "none.json"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("error: cannot read `none.json`"), "{error}");
}

/// A flow as the carrier's REST API and command-line interface return it.
#[test]
fn flows_of_the_carriers_interfaces_are_read() {
    let flow = std::fs::read_to_string(folder().join("survey.json")).unwrap();
    let original = parse("a.json", &flow).unwrap();
    let value: serde_json::Value = serde_json::from_str(&flow).unwrap();
    let fetched = serde_json::json!({"sid": "FW1", "friendly_name": "Survey", "status": "published",
        "definition": value, "revision": 3, "links": {}});
    let text = serde_json::json!({"sid": "FW1", "definition": flow});
    for wrapped in [serde_json::json!([fetched]), serde_json::json!([value]), fetched, text] {
        let read = parse("a.json", &wrapped.to_string()).unwrap();
        assert!(is_same_flow(&read, &original));
    }
    let read = parse("a.json", "{\"sid\": \"FW1\", \"definition\": {\"states\": []}}").unwrap();
    assert_eq!(read.span, 29..43, "places are those in the file");
    for (wrong, message) in [
        ("[]", "a list of 0 items"),
        ("[{\"states\": []}, {\"states\": []}]", "a list of 2 items"),
        ("{\"definition\": \"{\"}", "`definition` is not JSON\n --> a.json:1:16"),
        ("{\"definition\": 5}", "the file holds a number"),
        ("[5]", "the file holds a number"),
    ] {
        let error = parse("a.json", wrong).unwrap_err();
        assert!(error.contains(message), "{wrong}: {error}");
    }
}

#[test]
fn files_of_other_programs_and_encodings_are_shown_and_run() {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("encodings");
    std::fs::create_dir_all(&own).unwrap();
    let flow = std::fs::read_to_string(folder().join("survey.json")).unwrap();
    let outline = std::fs::read_to_string(folder().join("survey.json.outline")).unwrap();
    let wrapped = format!("[{{\"sid\": \"FW1\", \"definition\": {flow}}}]");
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, bytes) in [
        ("bom.json", format!("\u{FEFF}{flow}").into_bytes()),
        ("cli.json", wrapped.clone().into_bytes()),
        ("powershell.json", utf_16(&format!("\u{FEFF}{wrapped}"))),
        ("utf-16.json", utf_16(&flow)),
    ] {
        let path = own.join(name);
        std::fs::write(&path, bytes).unwrap();
        let output = twimlgate(&["flow", "show", path.to_str().unwrap()]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), outline, "{name}: {error}");
        let config = format!(
            "[signature]\nmode = \"off\"\n[route.\"/s\"]\nchannel = \"message\"\n\
             flow = \"{name}\"\n"
        );
        std::fs::write(own.join("config.toml"), config).unwrap();
        let config = own.join("config.toml");
        let checked = twimlgate(&["check", "--config", config.to_str().unwrap()]);
        let printed = String::from_utf8(checked.stdout).unwrap();
        assert!(checked.status.success(), "{name}: {printed}");
    }
}

#[test]
fn what_is_not_a_flow_is_not_shown() {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join("not-a-flow");
    std::fs::create_dir_all(&own).unwrap();
    for (name, text, message) in [
        ("package.json", "{\"name\": \"x\"}", "it has no `states`\n --> package.json:1:1"),
        ("empty.json", "{\"states\": []}", "it has no widgets"),
        ("map.json", "{\"states\": {\"NY\": 1}}", "it has no `states`"),
        ("numbers.json", "{\"states\": [1]}", "this is not a widget\n --> numbers.json:1:13"),
        ("config.toml", "[server]\nlisten = \"127.0.0.1:0\"\n", "error: "),
        ("empty.toml", "", "error: "),
    ] {
        std::fs::write(own.join(name), text).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_twimlgate"));
        let output = command.args(["flow", "show", name]).current_dir(&own).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(message), "{name}: {error}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{name}");
    }
    // Without `initial_state` the engine begins at the trigger, and so does the outline.
    let flow = "{\"states\": [{\"name\": \"bye\", \"type\": \"say-play\", \"transitions\": []}, \
                {\"name\": \"T\", \"type\": \"trigger\", \"transitions\": [{\"event\": \
                \"incomingCall\", \"next\": \"bye\"}]}]}";
    let flow = parse("a.json", flow).unwrap();
    let shown = outline(&FlowGraph::new(&flow));
    assert!(shown.starts_with("T  trigger\n") && !shown.contains("unreachable"), "{shown}");
}
