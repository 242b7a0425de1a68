//! Our form of a flow: TOML, read into the same tree as Studio's JSON.
//!
//! A widget has a short form (`on`, `match`, properties flat) and an exact one (`transitions`,
//! `properties` as in Studio), told apart by which of these keys it has.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Key, Node, Value, json};
use crate::diagnostics::problem::{Problems, Source};
use crate::diagnostics::toml_reader::{TomlKey, TomlValue, in_file_order, parse_toml, to_i64};

/// Properties that are lists of `{key, value}`, and that the short form has as tables.
pub(crate) const PAIRS: [&str; 5] =
    ["parameters", "variables", "content_variables", "stream_parameters", "memory_parameters"];

/// Reads the text, or says what is wrong with it.
pub(crate) fn read(source: &Source, problems: &mut Problems) -> Option<Node> {
    let file = parse_toml(&source.text, source, problems)?;
    let mut reader = Reader { source, problems, sound: true };
    let whole = 0..source.text.len();
    let members = reader.members(&file);
    let flow = match members.as_slice() {
        [(key, node)] if key.name == "json" => reader.embedded(node),
        _ => reader.flow(members, whole),
    };
    reader.sound.then_some(flow)
}

/// The members of a table that is read.
type Members = Vec<(Key, Node)>;

struct Reader<'a> {
    source: &'a Source,
    problems: &'a mut Problems,
    sound: bool,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>, expected: &str) {
        self.problems.push(self.source.error(span, message).expected(expected));
        self.sound = false;
    }

    /// A table's members in the order of the file.
    fn members(&mut self, table: &DeTable<'_>) -> Members {
        let member = |(name, value): (&TomlKey<'_>, &TomlValue<'_>)| {
            let key = Key { name: name.get_ref().to_string(), span: name.span() };
            (key, self.node(value))
        };
        in_file_order(table).map(member).collect()
    }

    fn node(&mut self, parsed: &TomlValue<'_>) -> Node {
        let span = parsed.span();
        let value = match parsed.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Array(items) => {
                Value::List(items.iter().map(|item| self.node(item)).collect())
            }
            DeValue::Table(table) => Value::Table(self.members(table)),
            DeValue::Datetime(_) => {
                self.error(span.clone(), "a flow has no dates", "a text: put it in quotes");
                Value::Null
            }
            DeValue::Integer(integer) => {
                let (text, radix) = (integer.as_str(), integer.radix());
                let number = to_i64(integer).map(serde_json::Number::from);
                // JSON has whole numbers up to 2^64, TOML's parser up to any.
                let unsigned = || u64::from_str_radix(text, radix).ok().map(Into::into);
                self.number(number.or_else(unsigned), &span)
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                self.number(number, &span)
            }
        };
        Node { value, span }
    }

    fn number(&mut self, number: Option<serde_json::Number>, span: &Range<usize>) -> Value {
        if let Some(number) = number {
            return Value::Number(number);
        }
        self.error(span.clone(), "no number that JSON has", "a number of at most 64 bits");
        Value::Null
    }

    /// A whole flow as JSON in a text, for what TOML cannot hold.
    fn embedded(&mut self, node: &Node) -> Node {
        let text = node.text().unwrap_or_default();
        let inner = Source::new(&self.source.name, text);
        match json::read(&inner, &mut Problems::default()) {
            Some(mut flow) => {
                place(&mut flow, &node.span);
                flow
            }
            None => {
                self.error(node.span.clone(), "`json` is not JSON", "a flow as Studio exports it");
                node.clone()
            }
        }
    }

    fn flow(&mut self, members: Members, whole: Range<usize>) -> Node {
        let mut flow = Members::new();
        let (mut states, mut at) = (Vec::new(), None);
        for (key, node) in members {
            match (key.name.as_str(), node.value) {
                ("widget", Value::Table(widgets)) => {
                    at = Some((key.span, node.span));
                    states =
                        widgets.into_iter().map(|(name, node)| self.widget(name, node)).collect();
                }
                ("widget", _) => self.error(key.span, "`widget` has no name", "`[widget.…]`"),
                (_, value) => flow.push((key, Node { value, span: node.span })),
            }
        }
        let (key, span) = at.unwrap_or((0..0, whole.clone()));
        let after =
            flow.iter().position(|(key, _)| key.name == "description").map_or(0, |at| at + 1);
        let states = Node { value: Value::List(states), span };
        flow.insert(after, (Key { name: "states".to_owned(), span: key }, states));
        Node { value: Value::Table(flow), span: whole }
    }

    fn widget(&mut self, name: Key, node: Node) -> Node {
        let Node { value, span } = node;
        let Value::Table(members) = value else {
            let message = format!("the widget `{}` is no table", name.name);
            self.error(span.clone(), message, "`type = …` and more");
            return Node { value: Value::Null, span };
        };
        let text = text(&name.name, &name.span);
        let mut state = vec![(synthetic("name", &name.span), text)];
        let exact =
            |(key, _): &(Key, Node)| matches!(key.name.as_str(), "transitions" | "properties");
        if members.iter().any(exact) {
            if let Some((key, _)) = members.iter().find(|(key, _)| key.name == "name") {
                let message = format!("the widget `{}` has a second name", name.name);
                self.error(key.span.clone(), message, "the name in `[widget.…]` alone");
            }
            state.extend(members);
        } else {
            self.short(&mut state, members, &span);
        }
        Node { value: Value::Table(state), span }
    }

    /// The short form: transitions in the order of `on` and `match`, all else properties.
    fn short(&mut self, state: &mut Members, members: Members, span: &Range<usize>) {
        let input = members.iter().find(|(key, _)| key.name == "input");
        let input = input.map(|(_, node)| node.clone());
        let (mut transitions, mut properties) = (Vec::new(), Members::new());
        for (key, node) in members {
            match (key.name.as_str(), node.value) {
                ("type", value) => state.push((key, Node { value, span: node.span })),
                ("on", Value::Table(events)) => {
                    transitions.extend(events.into_iter().map(|(event, next)| on(&event, next)));
                }
                ("on", _) => self.error(node.span, "`on` is no table", "`{ event = \"next\" }`"),
                ("match", Value::List(items)) => {
                    for item in items {
                        transitions.extend(self.case(item, input.as_ref()));
                    }
                }
                ("match", _) => {
                    self.error(node.span, "`match` is no list", "`[{ equal_to = …, next = … }]`");
                }
                (name, value) => {
                    let value = property(name, value);
                    properties.push((key, Node { value, span: node.span }));
                }
            }
        }
        let node = |value| Node { value, span: span.clone() };
        state.push((synthetic("transitions", span), node(Value::List(transitions))));
        state.push((synthetic("properties", span), node(Value::Table(properties))));
    }

    /// One `{ equal_to = "1", next = "sales" }` of `match`.
    fn case(&mut self, item: Node, input: Option<&Node>) -> Option<Node> {
        const EXPECTED: &str = "one condition, `next`, and perhaps `name`";
        let span = item.span;
        let Value::Table(members) = item.value else {
            self.error(span, "an item of `match` is no table", EXPECTED);
            return None;
        };
        let (mut next, mut name, mut tests) = (None, None, Members::new());
        for (key, node) in members {
            match key.name.as_str() {
                "next" => next = Some((key, node)),
                "name" => name = Some((key, node)),
                _ => tests.push((key, node)),
            }
        }
        if tests.len() != 1 {
            let message = format!("{} conditions in an item of `match`", tests.len());
            self.error(span, message, EXPECTED);
            return None;
        }
        let (test, value) = tests.pop()?;
        let default = || default_name(&test.name, value.text().unwrap_or_default());
        let name = name.map_or_else(|| text(&default(), &test.span), |(_, node)| node);
        let arguments =
            Node { value: Value::List(input.cloned().into_iter().collect()), ..name.clone() };
        let condition = vec![
            (synthetic("friendly_name", &name.span), name),
            (synthetic("arguments", &test.span), arguments),
            (synthetic("type", &test.span), text(&test.name, &test.span)),
            (synthetic("value", &test.span), value),
        ];
        let conditions =
            Value::List(vec![Node { value: Value::Table(condition), span: span.clone() }]);
        let mut transition = vec![(synthetic("event", &span), text("match", &test.span))];
        transition.extend(next.filter(|(_, node)| node.text() != Some("")));
        let node = Node { value: conditions, span: span.clone() };
        transition.push((synthetic("conditions", &test.span), node));
        Some(Node { value: Value::Table(transition), span })
    }
}

/// Studio's own name of a condition.
pub(crate) fn default_name(test: &str, value: &str) -> String {
    format!("If value {test} {value}")
}

fn on(event: &Key, next: Node) -> Node {
    let span = event.span.start..next.span.end.max(event.span.end);
    let mut transition = vec![(synthetic("event", &event.span), text(&event.name, &event.span))];
    if next.text() != Some("") {
        transition.push((synthetic("next", &next.span), next));
    }
    Node { value: Value::Table(transition), span }
}

/// A property of the short form as Studio has it.
fn property(name: &str, value: Value) -> Value {
    match value {
        Value::Table(pairs) if PAIRS.contains(&name) => {
            let pair = |(key, value): (Key, Node)| {
                let span = key.span.start..value.span.end.max(key.span.end);
                let name = text(&key.name, &key.span);
                let (of, to) = (synthetic("key", &key.span), synthetic("value", &value.span));
                Node { value: Value::Table(vec![(of, name), (to, value)]), span }
            };
            Value::List(pairs.into_iter().map(pair).collect())
        }
        Value::List(items) if name == "offset" => match <[Node; 2]>::try_from(items) {
            Ok([x, y]) => {
                Value::Table(vec![(synthetic("x", &x.span), x), (synthetic("y", &y.span), y)])
            }
            Err(items) => Value::List(items),
        },
        value => value,
    }
}

fn synthetic(name: &str, span: &Range<usize>) -> Key {
    Key { name: name.to_owned(), span: span.clone() }
}

fn text(text: &str, span: &Range<usize>) -> Node {
    Node { value: Value::Text(text.to_owned()), span: span.clone() }
}

fn place(node: &mut Node, span: &Range<usize>) {
    node.span = span.clone();
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| place(item, span)),
        Value::Table(members) => members.iter_mut().for_each(|(key, node)| {
            key.span = span.clone();
            place(node, span);
        }),
        _ => {}
    }
}
