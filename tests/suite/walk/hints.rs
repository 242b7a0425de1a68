//! What a flow's own text says about the values that lead through it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};
use twimlgate::flow::{Callee, Condition, ConditionType, Flow};

use super::rewrites::URL_VALUE;

/// A value that no condition of the flow compares with.
pub(crate) const OTHER: &str = "zzqx";

/// As many sets of values as are tried in all combinations.
const PRODUCT_MAX: usize = 64;

/// What is known of a flow.
#[derive(Default)]
pub(crate) struct Hints {
    /// Each condition: the text of its argument, and values that decide it.
    conditions: Vec<(String, Vec<String>)>,
    /// Variables by what their value is made of.
    variables: Vec<(String, String)>,
    /// The whole definition: paths are looked for in it.
    text: String,
    /// What was found before: the same names are asked for at every step.
    known: RefCell<Known>,
}

/// Values and paths that were found before, by the names that were asked for.
#[derive(Default)]
struct Known {
    values: HashMap<Vec<String>, Rc<Vec<String>>>,
    below: HashMap<String, Rc<Vec<String>>>,
    objects: HashMap<String, Rc<Vec<Map<String, Value>>>>,
}

// === impl Hints ===

impl Hints {
    pub(crate) fn of(flow: &Flow) -> Hints {
        let flows = || std::iter::once(flow).chain(flow.subflows.iter().map(|flow| &**flow));
        let mut hints = Hints::default();
        for flow in flows() {
            let text = flow.definition.replace("\\\\\\\"", "\"").replace("\\\"", "\"");
            hints.text += &plain(&text);
            for widget in &flow.widgets {
                let input = widget.properties.text("input");
                for condition in widget.transitions.iter().flat_map(|wired| &wired.conditions) {
                    let argument = condition.argument.as_ref().or(input);
                    let argument = argument.map_or("", |template| template.source());
                    let mut decisive = values(condition);
                    if argument.contains("size") {
                        decisive.extend(texts_of_length(condition.value.source()));
                    }
                    hints.conditions.push((plain(argument), decisive));
                }
                for (name, pairs) in &widget.properties.lists {
                    let member = match (widget.widget_type.name, *name) {
                        ("set-variables", _) => "flow.variables.",
                        ("run-subflow", _) => "trigger.parent.parameters.",
                        _ => continue,
                    };
                    for pair in pairs {
                        let key = format!("{member}{}", pair.key.source());
                        hints.variables.push((key, plain(pair.value.source())));
                        if widget.widget_type.name == "set-variables" {
                            let key = format!("widgets.{}.{}", widget.name, pair.key.source());
                            hints.variables.push((key, plain(pair.value.source())));
                        }
                        let data = format!("flow.data.{}", pair.key.source());
                        if widget.widget_type.name == "run-subflow" {
                            hints.variables.push((data, pair.value.source().to_owned()));
                        }
                    }
                }
                if widget.widget_type.name == "run-subflow" {
                    let key = format!("widgets.{}.", widget.name);
                    hints.variables.push((key, "flow.variables.".to_owned()));
                }
                if let Some(Callee::Url { template, .. }) = &widget.properties.callee {
                    // Where a variable is a URL, one value of it is one.
                    let value = vec![URL_VALUE.to_owned()];
                    let url = plain(template.source());
                    if url.trim_start().starts_with("{{") {
                        hints.conditions.push((url, value));
                    }
                }
                if let Some(name) = widget.properties.text("save_response_as") {
                    let key = format!("flow.variables.{}", name.source());
                    hints.variables.push((key, format!("widgets.{}.", widget.name)));
                }
            }
        }
        hints
    }

    /// Values that decide the conditions on what is read by one of these names, directly or by
    /// way of variables.
    pub(crate) fn values(&self, names: &[String]) -> Rc<Vec<String>> {
        if let Some(values) = self.known.borrow().values.get(names) {
            return Rc::clone(values);
        }
        let values = Rc::new(self.find_values(names));
        self.known.borrow_mut().values.insert(names.to_vec(), Rc::clone(&values));
        values
    }

    fn find_values(&self, names: &[String]) -> Vec<String> {
        let mut names: BTreeSet<String> = names.iter().cloned().collect();
        loop {
            let before = names.len();
            for (key, value) in &self.variables {
                let part = |name: &String| value.ends_with('.') && name.starts_with(value);
                if names.iter().any(|name| reads(value, name) || part(name)) {
                    names.insert(key.clone());
                }
            }
            if names.len() == before {
                break;
            }
        }
        let mut values: Vec<String> = vec![OTHER.to_owned()];
        for (argument, decisive) in &self.conditions {
            if names.iter().any(|name| reads(argument, name)) {
                values.extend(decisive.iter().cloned());
            }
        }
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.clone()));
        values
    }

    /// The paths below a name that the flow reads: `widgets.lookup.parsed` → `plan`, `list[0].a`.
    pub(crate) fn below(&self, name: &str) -> Rc<Vec<String>> {
        if let Some(paths) = self.known.borrow().below.get(name) {
            return Rc::clone(paths);
        }
        let paths = Rc::new(self.find_below(name));
        self.known.borrow_mut().below.insert(name.to_owned(), Rc::clone(&paths));
        paths
    }

    fn find_below(&self, name: &str) -> Vec<String> {
        let pattern =
            format!(r"{}\.([A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+|\[\d+\])*)", regex::escape(name));
        let pattern = Regex::new(&pattern).unwrap();
        let found = pattern.captures_iter(&self.text).map(|found| found[1].to_owned());
        found.collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Whether a template reads something that the flow does not set itself: of a webhook, a
    /// function, a request, or the time.
    pub(crate) fn is_from_outside(&self, template: &str) -> bool {
        let names = Regex::new(r"(?:flow\.variables|widgets\.[\w-]+)\.[\w-]+").unwrap();
        let mut open = vec![plain(template)];
        let mut known: BTreeSet<String> = BTreeSet::new();
        while let Some(text) = open.pop() {
            if ["'now'", "\"now\""].iter().any(|now| text.contains(now)) {
                return true;
            }
            for root in ["trigger.", "contact.", "flow.data", "flow.channel", "flow.add_ons"] {
                if text.contains(root) {
                    return true;
                }
            }
            for name in names.find_iter(&text).map(|found| found.as_str().to_owned()) {
                let set = self.variables.iter().filter(|(key, _)| *key == name);
                let set: Vec<String> = set.map(|(_, value)| value.clone()).collect();
                // A variable that nothing sets is empty; what a widget has comes from outside.
                if set.is_empty() && name.starts_with("widgets.") {
                    return true;
                }
                if known.insert(name) {
                    open.extend(set);
                }
            }
            // Names in brackets and the like are not followed.
            if text.contains("widgets[") || text.contains("flow[") || text.contains("variables[") {
                return true;
            }
        }
        false
    }

    /// Whether anything depends on the time.
    pub(crate) fn tells_time(&self) -> bool {
        self.text.contains("date:") || self.text.contains("'now'")
    }

    /// Sets of values for the paths below a name: each path's each value once, all others usual.
    pub(crate) fn objects(&self, name: &str) -> Rc<Vec<Map<String, Value>>> {
        if let Some(objects) = self.known.borrow().objects.get(name) {
            return Rc::clone(objects);
        }
        let objects = Rc::new(self.find_objects(name));
        self.known.borrow_mut().objects.insert(name.to_owned(), Rc::clone(&objects));
        objects
    }

    fn find_objects(&self, name: &str) -> Vec<Map<String, Value>> {
        let paths = self.below(name);
        let choices: BTreeMap<&String, Rc<Vec<String>>> =
            paths.iter().map(|path| (path, self.values(&[format!("{name}.{path}")]))).collect();
        let all: usize = choices.values().map(|values| values.len()).fold(1, usize::saturating_mul);
        if all <= PRODUCT_MAX {
            let pick = |mut round: usize| {
                let mut object = BTreeMap::new();
                for (path, values) in &choices {
                    object.insert(path.as_str(), values[round % values.len()].clone());
                    round /= values.len();
                }
                nested(&object)
            };
            return (0..all).map(pick).collect();
        }
        let most = choices.values().map(|values| values.len()).max().unwrap_or(1);
        let mut objects = Vec::new();
        for round in 0..most {
            let pick = |values: &Rc<Vec<String>>| values[round % values.len()].clone();
            objects.push(choices.iter().map(|(path, of)| (path.as_str(), pick(of))).collect());
        }
        for (path, values) in choices.iter().filter(|(_, values)| values.len() > 1) {
            for value in values.iter() {
                let mut object: BTreeMap<&str, String> =
                    paths.iter().map(|path| (path.as_str(), "+15550123".to_owned())).collect();
                object.insert(path, value.clone());
                objects.push(object);
            }
        }
        objects.into_iter().map(|object| nested(&object)).collect()
    }
}

/// A template without the white space that a path may have around its dots.
fn plain(template: &str) -> String {
    static DOT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\s*\.\s*").unwrap());
    DOT.replace_all(template, ".").into_owned()
}

/// Whether a template reads what has this name, or part of it.
fn reads(template: &str, name: &str) -> bool {
    let end = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
    let found = |(at, _): (usize, &str)| name.ends_with('.') || end(&template[at + name.len()..]);
    template.match_indices(name).any(found)
}

/// Values with dots and indices in their names as the JSON that they stand for.
fn nested(values: &BTreeMap<&str, String>) -> Map<String, Value> {
    let mut root = Value::Object(Map::new());
    for (path, text) in values {
        let mut at = &mut root;
        for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')) {
            at = match step.parse::<usize>() {
                Ok(index) if path.contains('[') => {
                    if !at.is_array() {
                        *at = Value::Array(Vec::new());
                    }
                    let list = at.as_array_mut().unwrap();
                    while list.len() <= index.min(100) {
                        list.push(Value::Null);
                    }
                    &mut list[index.min(100)]
                }
                _ => {
                    if !at.is_object() {
                        *at = Value::Object(Map::new());
                    }
                    at.as_object_mut().unwrap().entry(step).or_insert(Value::Null)
                }
            };
        }
        if at.is_null() {
            *at = Value::String(text.clone());
        }
    }
    match root {
        Value::Object(root) => root,
        _ => unreachable!("it began as an object"),
    }
}

/// Texts of a length that is compared with a number, and of the lengths beside it.
fn texts_of_length(number: &str) -> Vec<String> {
    let length: Option<usize> = number.trim().parse().ok().filter(|it| *it <= 160);
    let lengths = length.map(|it| [it.saturating_sub(1), it, it + 1]);
    lengths.into_iter().flatten().map(|length| "5".repeat(length)).collect()
}

/// Values that a condition holds for, and some near it.
fn values(condition: &Condition) -> Vec<String> {
    let value = condition.value.source().trim();
    let number = |by: f64| value.parse::<f64>().map_or(String::new(), |it| (it + by).to_string());
    match condition.test {
        ConditionType::IsBlank | ConditionType::IsNotBlank => vec![String::new()],
        ConditionType::MatchesAnyOf | ConditionType::DoesNotMatchAnyOf => {
            value.split(',').map(|word| word.trim().to_owned()).collect()
        }
        ConditionType::Contains | ConditionType::DoesNotContain => {
            vec![format!("a {value} b"), value.to_owned()]
        }
        ConditionType::StartsWith | ConditionType::DoesNotStartWith => {
            vec![format!("{value}5"), value.to_owned()]
        }
        ConditionType::LessThan | ConditionType::GreaterThan => vec![number(-1.0), number(1.0)],
        ConditionType::IsBeforeDate | ConditionType::IsAfterDate => {
            vec!["1999-01-01".to_owned(), "2999-01-01".to_owned()]
        }
        ConditionType::IsBeforeTime | ConditionType::IsAfterTime => {
            vec!["00:00".to_owned(), "23:59".to_owned()]
        }
        ConditionType::Regex => regex_values(value),
        ConditionType::EqualTo | ConditionType::NotEqualTo => vec![value.to_owned()],
    }
}

/// Texts that a pattern may match: its own words, and what numbers and names look like.
fn regex_values(pattern: &str) -> Vec<String> {
    let words = pattern.split(|letter: char| !letter.is_alphanumeric() && letter != ' ');
    let words = words.filter(|word| !word.is_empty()).map(str::to_owned);
    let digits = (1..=11).map(|length| "5".repeat(length));
    let quoted = pattern.split(r"\Q").skip(1);
    let quoted = quoted.filter_map(|rest| rest.split(r"\E").next()).map(str::to_owned);
    let usual = ["+15550123456", "a", "Ann Lee", "a@b.example", "2026-01-31", "10:30", "12345"];
    let usual = usual.into_iter().chain(["Passw0rd!", "A1B 2C3"]).map(str::to_owned);
    words.chain(digits).chain(quoted).chain(usual).collect()
}
