//! A task in a document: the `<Enqueue>` of `send-to-flex` and `enqueue-call`, by the properties in
//! the file.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value;

use super::super::rewrites::Rewrites;
use super::{Variables, escape};

type Pairs = Vec<(String, String)>;

/// The names of the properties: workflow, queue, attributes, wait URL and its method.
type Names = [&'static str; 5];

const FLEX: Names = ["workflow", "", "attributes", "waitUrl", "waitUrlMethod"];
const QUEUE: Names =
    ["workflow_sid", "queue_name", "task_attributes", "wait_url", "wait_url_method"];

/// What the verb of a widget must say; `None` for a widget of another type.
pub(crate) fn of_widget(
    widget: &Value,
    variables: &Variables,
    rewrites: &Rewrites,
) -> Option<Pairs> {
    let is_flex = widget["type"] == "send-to-flex";
    let names = match widget["type"].as_str()? {
        "send-to-flex" => FLEX,
        "enqueue-call" => QUEUE,
        _ => return None,
    };
    let text = |name: &str| variables.property(&widget["properties"][name]);
    let number = |name: &str| text(name)?.trim().parse::<u32>().ok().map(|it| it.to_string());
    let [workflow, queue, attributes, wait_url, wait_method] = names.map(text);
    let wait_url = wait_url.map(|url| {
        let url = url.trim();
        let url = rewrites.apply(url).map_or_else(|| url.to_owned(), |(url, _)| url);
        let host = url.find("://").map_or(0, |at| at + 3);
        let target = url[host..].find('/').map_or(url.len(), |at| host + at);
        format!("{}{}", &url[..target], escape(&url[target..]))
    });
    let mut said = Pairs::new();
    let mut say = |name: &str, value: Option<String>| {
        said.extend(value.map(|value| (name.to_owned(), value)));
    };
    say("Enqueue workflowSid", workflow.clone());
    say("Enqueue waitUrl", wait_url);
    say("Enqueue waitUrlMethod", wait_method);
    // The attributes of an agent's task are JSON, if only an object without members.
    let attributes = attributes.or_else(|| is_flex.then(|| "{}".to_owned()));
    if let (Some(_), Some(attributes)) = (&workflow, attributes) {
        say("Task priority", number("priority"));
        say("Task timeout", number("timeout"));
        say("Task", Some(attributes));
    }
    say("Enqueue", queue.filter(|_| workflow.is_none()));
    said.sort();
    Some(said)
}

/// What the `<Enqueue>` of a document says, without its way back to the flow.
pub(crate) fn of_document(document: &[u8]) -> Pairs {
    let mut said = Pairs::new();
    let mut reader = Reader::from_reader(document);
    let (mut open, mut text, mut buffer) = (Vec::<String>::new(), String::new(), Vec::new());
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => {
                text.clear();
                open.push(name_of(&element));
                attributes(&element, &mut said);
            }
            Ok(Event::Empty(element)) => attributes(&element, &mut said),
            Ok(Event::Text(piece)) => text += &piece,
            Ok(Event::GeneralRef(name)) => text += &format!("&{};", &*name),
            Ok(Event::End(_)) => {
                let name = open.pop().unwrap_or_default();
                let plain = quick_xml::escape::unescape(&text).unwrap_or_default().into_owned();
                if ["Enqueue", "Task"].contains(&name.as_str()) && !plain.is_empty() {
                    said.push((name, plain));
                }
                text.clear();
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
        buffer.clear();
    }
    said.sort();
    said
}

fn name_of(element: &BytesStart<'_>) -> String {
    element.name().as_ref().to_owned()
}

fn attributes(element: &BytesStart<'_>, said: &mut Pairs) {
    let name = name_of(element);
    if !["Enqueue", "Task"].contains(&name.as_str()) {
        return;
    }
    for attribute in element.attributes().flatten() {
        let key = attribute.key.as_ref().to_owned();
        // Where the call comes back is the gateway's own matter.
        if !["action", "method"].contains(&key.as_str()) {
            let value =
                quick_xml::escape::unescape(&attribute.value).unwrap_or_default().into_owned();
            said.push((format!("{name} {key}"), value));
        }
    }
}
