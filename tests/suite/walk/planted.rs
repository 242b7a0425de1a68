//! Tests of the walk itself: a request that is not what the file says, and flows with dead ends.

use serde_json::{Value, json};

use super::folder::{File, files};
use super::network::Network;
use super::walk_file;

/// A flow that a call begins: these widgets, one after the other.
fn flow(folder: &str, widgets: &[Value]) -> File {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("walk").join(folder);
    std::fs::create_dir_all(&path).unwrap();
    let first = &widgets[0]["name"];
    let trigger = json!({"name": "Trigger", "type": "trigger", "properties": {},
        "transitions": [{"event": "incomingCall", "next": first}]});
    let states: Vec<&Value> = [&trigger].into_iter().chain(widgets).collect();
    let flow = json!({"description": "planted", "states": states, "initial_state": "Trigger"});
    std::fs::write(path.join("planted.json"), flow.to_string()).unwrap();
    files(&path).pop().unwrap()
}

fn request() -> Value {
    json!({"name": "find", "type": "make-http-request",
        "transitions": [{"event": "success", "next": "bye"}, {"event": "failed"}],
        "properties": {"method": "POST", "url": "https://a.example/find/{{trigger.call.From}}",
            "content_type": "application/json", "body": "{\"from\": \"{{trigger.call.From}}\"}"}})
}

/// A request to another server, without credentials.
fn with_flag() -> Value {
    let mut widget = request();
    widget["properties"]["add_twilio_auth"] = json!(false);
    widget
}

/// A request to the carrier's own API, without credentials.
fn carrier() -> Value {
    let mut widget = with_flag();
    widget["properties"]["url"] = json!("https://lookups.twilio.com/v2/{{trigger.call.From}}");
    widget
}

fn function() -> Value {
    json!({"name": "find", "type": "run-function",
        "transitions": [{"event": "success", "next": "bye"}, {"event": "fail"}],
        "properties": {"url": "https://x-1234.twil.io/find",
            "parameters": [{"key": "plan", "value": "gold"}]}})
}

fn bye() -> Value {
    json!({"name": "bye", "type": "say-play", "transitions": [{"event": "audioComplete"}],
        "properties": {"say": "Bye."}})
}

/// The first line of what is wrong if a file said something else than the gateway read.
fn cause(folder: &str, mut widget: Value, pointer: &str, value: Value) -> String {
    let network = Network::start();
    let mut file = flow(folder, &[widget.clone(), bye()]);
    let report = walk_file(&file, std::slice::from_ref(&file), &network);
    assert!(report.wrong.is_empty(), "as it is: {:?}", report.wrong);
    *widget.pointer_mut(pointer).unwrap() = value;
    file.value["states"][1] = widget;
    let report = walk_file(&file, std::slice::from_ref(&file), &network);
    let wrong = report.wrong.first().map_or("", String::as_str);
    wrong.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_request_that_is_not_what_the_file_says_is_named_in_the_first_line() {
    let from = "%2B15550100";
    for (folder, widget, pointer, value, expected) in [
        (
            "method",
            request(),
            "/properties/method",
            json!("GET"),
            "widget `find`: the method is `POST` instead of `GET`",
        ),
        (
            "content-type",
            request(),
            "/properties/content_type",
            json!("text/plain"),
            "widget `find`: the content type is `application/json` instead of `text/plain`",
        ),
        (
            "body",
            request(),
            "/properties/body",
            json!("{}"),
            "widget `find`: the body is `{\"from\": \"+15550100\"}` instead of `{}`",
        ),
        (
            "parameter",
            function(),
            "/properties/parameters/0",
            json!({"key": "level", "value": "7"}),
            "widget `find`: the parameter `level` is missing, which is `7`",
        ),
        (
            "value",
            function(),
            "/properties/parameters/0/value",
            json!("silver"),
            "widget `find`: the parameter `plan` is `gold` instead of `silver`",
        ),
        (
            "more",
            function(),
            "/properties/parameters",
            json!([]),
            "widget `find`: the parameter `plan` (`gold`) is sent, and the file has none",
        ),
        (
            "credentials",
            carrier(),
            "/properties/add_twilio_auth",
            json!(true),
            "widget `find`: the header `Authorization` is missing instead of `Basic \
             QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDox`",
        ),
    ] {
        assert_eq!(cause(folder, widget, pointer, value), expected);
    }
    let credentials = cause("not-carrier", with_flag(), "/properties/add_twilio_auth", json!(true));
    assert!(
        credentials.ends_with("although credentials are for the carrier's hosts"),
        "{credentials}"
    );
    let url = cause("url", request(), "/properties/url", json!("https://a.example/other"));
    let found = format!("find/+{}", &from[3..]);
    assert!(url.starts_with("widget `find`: the URL is `/") && url.contains(&found), "{url}");
}

/// A call in a queue for an agent.
fn agent() -> Value {
    json!({"name": "agent", "type": "send-to-flex", "transitions": [{"event": "callComplete",
            "next": "bye"}, {"event": "failedToEnqueue"}, {"event": "callFailure"}],
        "properties": {"workflow": "WW00000000000000000000000000000001", "priority": "5",
            "channel": "TC00000000000000000000000000000001",
            "attributes": "{\"from\": \"{{trigger.call.From}} & co\"}"}})
}

#[test]
fn a_task_that_is_not_what_the_file_says_is_named_in_the_first_line() {
    for (folder, pointer, value, expected) in [
        (
            "priority",
            "/properties/priority",
            json!("7"),
            "the value of `Task priority` is `5` instead of `7`",
        ),
        (
            "attributes",
            "/properties/attributes",
            json!("{}"),
            "the value of `Task` is `{\"from\": \"+15550100 & co\"}` instead of `{}`",
        ),
        (
            "workflow",
            "/properties/workflow",
            json!("WW1"),
            "the value of `Enqueue workflowSid` is `WW00000000000000000000000000000001` instead of \
             `WW1`",
        ),
    ] {
        assert_eq!(cause(folder, agent(), pointer, value), format!("widget `agent`: {expected}"));
    }
}

#[test]
fn a_dead_end_says_why() {
    let set = json!({"name": "set", "type": "set-variables",
        "transitions": [{"event": "next", "next": "which"}],
        "properties": {"variables": [{"key": "plan", "value": "gold"}]}});
    let condition = json!([{"friendly_name": "x", "type": "equal_to", "value": "silver",
        "arguments": ["{{flow.variables.plan}}"]}]);
    let split = json!({"name": "which", "type": "split-based-on",
        "transitions": [{"event": "noMatch", "next": "bye"},
            {"event": "match", "next": "bye", "conditions": condition}],
        "properties": {"input": "{{flow.variables.plan}}"}});
    let file = flow("dead-end", &[set, split, bye()]);
    let report = walk_file(&file, std::slice::from_ref(&file), &Network::start());
    assert!(report.wrong.is_empty(), "{:?}", report.wrong);
    let text = report.to_string();
    assert!(text.contains("widgets 4/4, transitions 3/3"), "{text}");
    let why = "dead end: which --match--> bye: `{{flow.variables.plan}}` has only values that the \
               flow sets itself";
    assert!(text.contains(why), "{text}");
}
