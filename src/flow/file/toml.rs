//! The reader of our own notation: TOML, converted to the same tree as Studio's JSON.
//!
//! A widget has a short form, with `on`, `match` and its properties side by side, and an exact
//! form, with `transitions` and `properties` as in Studio. Its keys decide which of the two it is.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{FlowKey, FlowNode, FlowValue, json};
use crate::diagnostics::problem::{Problems, Source};
use crate::diagnostics::toml_reader::{TomlKey, TomlValue, in_file_order, parse_toml, to_i64};

/// The properties that are lists of `{key, value}` in Studio and tables in the short form.
pub(crate) const PAIRS: [&str; 5] =
    ["parameters", "variables", "content_variables", "stream_parameters", "memory_parameters"];

/// Reads a text as TOML. `None` if it has an error, which `problems` then has.
pub(crate) fn read(source: &Source, problems: &mut Problems) -> Option<FlowNode> {
    let file = parse_toml(&source.text, source, problems)?;
    let mut reader = TomlFlowReader { source, problems, is_valid: true };
    let whole = 0..source.text.len();
    let members = reader.convert_members(&file);
    let flow = match members.as_slice() {
        [(key, node)] if key.name == "json" => reader.read_embedded_json(node),
        _ => reader.convert_flow(members, whole),
    };
    reader.is_valid.then_some(flow)
}

/// The members of a table, in the order of the file.
type FlowMembers = Vec<(FlowKey, FlowNode)>;

struct TomlFlowReader<'a> {
    source: &'a Source,
    problems: &'a mut Problems,
    is_valid: bool,
}

impl TomlFlowReader<'_> {
    fn fail(&mut self, span: Range<usize>, message: impl Into<String>, expected: &str) {
        self.problems.push(self.source.error(span, message).expected(expected));
        self.is_valid = false;
    }

    // The order matters: it is that of the transitions, and of the widgets in an outline.
    fn convert_members(&mut self, table: &DeTable<'_>) -> FlowMembers {
        let member = |(name, value): (&TomlKey<'_>, &TomlValue<'_>)| {
            let key = FlowKey { name: name.get_ref().to_string(), span: name.span() };
            (key, self.convert_value(value))
        };
        in_file_order(table).map(member).collect()
    }

    fn convert_value(&mut self, parsed: &TomlValue<'_>) -> FlowNode {
        let span = parsed.span();
        let value = match parsed.get_ref() {
            DeValue::String(text) => FlowValue::Text(text.to_string()),
            DeValue::Boolean(value) => FlowValue::Bool(*value),
            DeValue::Array(items) => {
                FlowValue::List(items.iter().map(|item| self.convert_value(item)).collect())
            }
            DeValue::Table(table) => FlowValue::Table(self.convert_members(table)),
            DeValue::Datetime(_) => {
                self.fail(span.clone(), "a flow has no dates", "a text: put it in quotes");
                FlowValue::Null
            }
            DeValue::Integer(integer) => {
                let (text, radix) = (integer.as_str(), integer.radix());
                let number = to_i64(integer).map(serde_json::Number::from);
                // JSON's integers end at 2^64, those of the TOML parser do not end.
                let unsigned = || u64::from_str_radix(text, radix).ok().map(Into::into);
                self.convert_number(number.or_else(unsigned), &span)
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                self.convert_number(number, &span)
            }
        };
        FlowNode { value, span }
    }

    fn convert_number(
        &mut self,
        number: Option<serde_json::Number>,
        span: &Range<usize>,
    ) -> FlowValue {
        if let Some(number) = number {
            return FlowValue::Number(number);
        }
        self.fail(
            span.clone(),
            "not a number that JSON can express",
            "a number of at most 64 bits",
        );
        FlowValue::Null
    }

    /// Reads the member `json`: a whole flow as Studio's JSON, for what TOML cannot express.
    fn read_embedded_json(&mut self, node: &FlowNode) -> FlowNode {
        let text = node.text().unwrap_or_default();
        let inner = Source::new(&self.source.name, text);
        // Places inside the text cannot be converted (escapes, line breaks): all get that of
        // `json`.
        match json::read(&inner, &mut Problems::default()) {
            Some(mut flow) => {
                flow.set_spans(&node.span);
                flow
            }
            None => {
                self.fail(node.span.clone(), "`json` is not JSON", "a flow as Studio exports it");
                node.clone()
            }
        }
    }

    fn convert_flow(&mut self, members: FlowMembers, whole: Range<usize>) -> FlowNode {
        let mut flow = FlowMembers::new();
        let (mut states, mut widget_spans) = (Vec::new(), None);
        for (key, node) in members {
            match (key.name.as_str(), node.value) {
                ("widget", FlowValue::Table(widgets)) => {
                    widget_spans = Some((key.span, node.span));
                    states = widgets
                        .into_iter()
                        .map(|(name, node)| self.convert_widget(name, node))
                        .collect();
                }
                ("widget", _) => self.fail(key.span, "`widget` has no name", "`[widget.…]`"),
                (_, value) => flow.push((key, FlowNode { value, span: node.span })),
            }
        }
        let (key, span) = widget_spans.unwrap_or((0..0, whole.clone()));
        // Studio's exports have `states` behind `description`: a conversion gives the same order.
        let after =
            flow.iter().position(|(key, _)| key.name == "description").map_or(0, |index| index + 1);
        let states = FlowNode { value: FlowValue::List(states), span };
        flow.insert(after, (FlowKey { name: "states".to_owned(), span: key }, states));
        FlowNode { value: FlowValue::Table(flow), span: whole }
    }

    fn convert_widget(&mut self, name: FlowKey, node: FlowNode) -> FlowNode {
        let FlowNode { value, span } = node;
        let FlowValue::Table(members) = value else {
            let message = format!("the widget `{}` is not a table", name.name);
            self.fail(span.clone(), message, "`type = …` and more");
            return FlowNode { value: FlowValue::Null, span };
        };
        let text = text_node(&name.name, &name.span);
        let mut state = vec![(synthetic_key("name", &name.span), text)];
        let exact = |(key, _): &(FlowKey, FlowNode)| {
            matches!(key.name.as_str(), "transitions" | "properties")
        };
        if members.iter().any(exact) {
            if let Some((key, _)) = members.iter().find(|(key, _)| key.name == "name") {
                let message = format!("the widget `{}` has a second name", name.name);
                self.fail(key.span.clone(), message, "the name in `[widget.…]` alone");
            }
            state.extend(members);
        } else {
            self.convert_short_form(&mut state, members, &span);
        }
        FlowNode { value: FlowValue::Table(state), span }
    }

    /// Converts the short form: `on` and `match` become transitions, in their order, and every
    /// other key except `type` becomes a property.
    fn convert_short_form(
        &mut self,
        state: &mut FlowMembers,
        members: FlowMembers,
        span: &Range<usize>,
    ) {
        // Studio's editor repeats `input` in each condition, so a `match` does the same.
        let input = members.iter().find(|(key, _)| key.name == "input");
        let input = input.map(|(_, node)| node.clone());
        let (mut transitions, mut properties) = (Vec::new(), FlowMembers::new());
        for (key, node) in members {
            match (key.name.as_str(), node.value) {
                ("type", value) => state.push((key, FlowNode { value, span: node.span })),
                ("on", FlowValue::Table(events)) => {
                    transitions.extend(
                        events.into_iter().map(|(event, next)| convert_on_entry(&event, next)),
                    );
                }
                ("on", _) => self.fail(node.span, "`on` is not a table", "`{ event = \"next\" }`"),
                ("match", FlowValue::List(items)) => {
                    for item in items {
                        transitions.extend(self.convert_match_item(item, input.as_ref()));
                    }
                }
                ("match", _) => {
                    self.fail(node.span, "`match` is not a list", "`[{ equal_to = …, next = … }]`");
                }
                (name, value) => {
                    let value = convert_property(name, value);
                    properties.push((key, FlowNode { value, span: node.span }));
                }
            }
        }
        let node = |value| FlowNode { value, span: span.clone() };
        state.push((synthetic_key("transitions", span), node(FlowValue::List(transitions))));
        state.push((synthetic_key("properties", span), node(FlowValue::Table(properties))));
    }

    /// Converts one item of `match`, such as `{ equal_to = "1", next = "sales" }`.
    fn convert_match_item(&mut self, item: FlowNode, input: Option<&FlowNode>) -> Option<FlowNode> {
        const EXPECTED: &str = "one condition, `next`, and perhaps `name`";
        let span = item.span;
        let FlowValue::Table(members) = item.value else {
            self.fail(span, "an item of `match` is not a table", EXPECTED);
            return None;
        };
        let (mut next, mut name, mut tests) = (None, None, FlowMembers::new());
        for (key, node) in members {
            match key.name.as_str() {
                "next" => next = Some((key, node)),
                "name" => name = Some((key, node)),
                _ => tests.push((key, node)),
            }
        }
        if tests.len() != 1 {
            let message = format!("{} conditions in an item of `match`", tests.len());
            self.fail(span, message, EXPECTED);
            return None;
        }
        let (test, value) = tests.pop()?;
        let default = || default_name(&test.name, value.text().unwrap_or_default());
        let name = name.map_or_else(|| text_node(&default(), &test.span), |(_, node)| node);
        let arguments = FlowNode {
            value: FlowValue::List(input.cloned().into_iter().collect()),
            ..name.clone()
        };
        let condition = vec![
            (synthetic_key("friendly_name", &name.span), name),
            (synthetic_key("arguments", &test.span), arguments),
            (synthetic_key("type", &test.span), text_node(&test.name, &test.span)),
            (synthetic_key("value", &test.span), value),
        ];
        let conditions = FlowValue::List(vec![FlowNode {
            value: FlowValue::Table(condition),
            span: span.clone(),
        }]);
        let mut transition = vec![(synthetic_key("event", &span), text_node("match", &test.span))];
        // An empty `next` ends the execution, which Studio writes as no `next`.
        transition.extend(next.filter(|(_, node)| node.text() != Some("")));
        let node = FlowNode { value: conditions, span: span.clone() };
        transition.push((synthetic_key("conditions", &test.span), node));
        Some(FlowNode { value: FlowValue::Table(transition), span })
    }
}

/// The name that Studio's editor gives to a condition.
pub(crate) fn default_name(test: &str, value: &str) -> String {
    format!("If value {test} {value}")
}

/// Converts one entry of `on`, an event with the widget that follows.
fn convert_on_entry(event: &FlowKey, next: FlowNode) -> FlowNode {
    let span = event.span.start..next.span.end.max(event.span.end);
    let mut transition =
        vec![(synthetic_key("event", &event.span), text_node(&event.name, &event.span))];
    if next.text() != Some("") {
        transition.push((synthetic_key("next", &next.span), next));
    }
    FlowNode { value: FlowValue::Table(transition), span }
}

/// Converts a property of the short form to Studio's form.
fn convert_property(name: &str, value: FlowValue) -> FlowValue {
    match value {
        FlowValue::Table(pairs) if PAIRS.contains(&name) => {
            let pair = |(key, value): (FlowKey, FlowNode)| {
                let span = key.span.start..value.span.end.max(key.span.end);
                let name = text_node(&key.name, &key.span);
                let members = vec![
                    (synthetic_key("key", &key.span), name),
                    (synthetic_key("value", &value.span), value),
                ];
                FlowNode { value: FlowValue::Table(members), span }
            };
            FlowValue::List(pairs.into_iter().map(pair).collect())
        }
        FlowValue::List(items) if name == "offset" => match <[FlowNode; 2]>::try_from(items) {
            Ok([x, y]) => FlowValue::Table(vec![
                (synthetic_key("x", &x.span), x),
                (synthetic_key("y", &y.span), y),
            ]),
            Err(items) => FlowValue::List(items),
        },
        value => value,
    }
}

/// A key that Studio's form has and the file does not, at the place of what it is made from.
fn synthetic_key(name: &str, span: &Range<usize>) -> FlowKey {
    FlowKey { name: name.to_owned(), span: span.clone() }
}

fn text_node(text: &str, span: &Range<usize>) -> FlowNode {
    FlowNode { value: FlowValue::Text(text.to_owned()), span: span.clone() }
}
