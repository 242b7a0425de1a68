//! The check of a widget's properties against the table of its type, and their compilation.

use super::references::is_sid;
use super::{FlowImporter, WidgetNode};
use crate::config::quote_text;
use crate::diagnostics::suggest::nearest_name;
use crate::flow::file::FlowNode;
use crate::flow::properties::{Callee, Pair, Properties, Property, PropertyKind};
use crate::liquid::Template;

/// The properties of every widget that only the canvas of Studio's editor uses.
const CANVAS_KEYS: [&str; 1] = ["offset"];

impl FlowImporter<'_> {
    pub(super) fn read_properties(&mut self, state: &WidgetNode<'_>) -> Properties {
        let mut properties = Properties::default();
        let given = state.node.get("properties").filter(|given| !given.is_null());
        if let Some(given) = given {
            let Some(table) = given.table() else {
                let message =
                    format!("`properties` of widget `{}` is {}", state.name, given.kind());
                self.fail(given, message, "an object", "");
                return properties;
            };
            for (key, node) in table {
                let known =
                    state.widget_type.properties.iter().find(|known| known.name == key.name);
                match known {
                    Some(property) if !node.is_null() => {
                        self.read_property(state, property, node, &mut properties);
                    }
                    // `null` is an unset property.
                    Some(_) => {}
                    None if CANVAS_KEYS.contains(&key.name.as_str()) => {}
                    None => self.warn_of_unknown_property(state, &key.name, node),
                }
            }
        }
        self.check_required_properties(state, given.unwrap_or(state.node), &mut properties);
        self.check_exclusive(state, given);
        properties
    }

    fn read_property(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
        properties: &mut Properties,
    ) {
        match property.kind {
            PropertyKind::Ignored => {}
            PropertyKind::Callee => properties.callee = self.read_callee(state, property, node),
            PropertyKind::Pairs | PropertyKind::Variables => {
                let pairs = self.read_pairs(state, property, node);
                properties.lists.push((property.name, pairs));
            }
            PropertyKind::Json => {
                let text = node.text().map_or_else(|| node.to_json().to_string(), str::to_owned);
                let template = self.compile_template(node, &text);
                properties.texts.extend(template.map(|template| (property.name, template)));
            }
            PropertyKind::Document => {
                let name = node.text().unwrap_or_default();
                match (self.context.document)(name) {
                    Some(template) => properties.texts.push((property.name, template)),
                    None => {
                        let message = format!("there is no template `{name}`");
                        let help = "a path below `server.templates`, ending in .xml";
                        self.fail(node, message, "no such file", help);
                    }
                }
            }
            PropertyKind::Speech => {
                let template = self.read_text(state, property, node);
                properties.speech = self.read_speech(state, property, node, template.as_ref());
                properties.texts.extend(template.map(|template| (property.name, template)));
            }
            PropertyKind::Subflow => {
                self.read_reference(state, property, node, properties);
                self.add_subflow(state, node);
            }
            PropertyKind::Url | PropertyKind::Sid(_) | PropertyKind::Name => {
                self.read_reference(state, property, node, properties);
            }
            PropertyKind::Text
            | PropertyKind::Integer(..)
            | PropertyKind::Flag
            | PropertyKind::Choice(_) => {
                let template = self.read_text(state, property, node);
                properties.texts.extend(template.map(|template| (property.name, template)));
            }
        }
    }

    /// Compiles a property with one text, and checks it if it has no Liquid.
    fn read_text(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
    ) -> Option<Template> {
        let Some(text) = node.plain() else {
            let expected = describe_kind(property.kind);
            self.report_value(state, property, node, &expected);
            return None;
        };
        let template = self.compile_template(node, &text)?;
        let Some(constant) = template.constant_text().map(str::trim) else { return Some(template) };
        let fits = match property.kind {
            // Studio's editor writes an unset property as an empty text.
            _ if constant.is_empty() => true,
            PropertyKind::Integer(min, max) => {
                constant.parse::<u32>().is_ok_and(|number| number >= min && number <= max)
            }
            PropertyKind::Flag => {
                constant.eq_ignore_ascii_case("true") || constant.eq_ignore_ascii_case("false")
            }
            PropertyKind::Choice(words) => {
                words.iter().any(|word| word.eq_ignore_ascii_case(constant))
            }
            _ => true,
        };
        if !fits {
            let expected = describe_kind(property.kind);
            self.report_value(state, property, node, &expected);
            return None;
        }
        Some(template)
    }

    /// Compiles a reference to something outside of the flow, with `[[rewrite]]` applied. One with
    /// Liquid is rewritten when it has been rendered.
    fn read_reference(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
        properties: &mut Properties,
    ) {
        let Some(template) = self.read_text(state, property, node) else { return };
        let Some(constant) = template.constant_text().map(str::trim).map(str::to_owned) else {
            let rewritten = self.rewrite_liquid(node.text().unwrap_or_default().trim());
            let rewritten = rewritten.and_then(|text| self.compile_template(node, &text));
            properties.references.push(property.name);
            properties.texts.push((property.name, rewritten.unwrap_or(template)));
            return;
        };
        // Studio's editor writes an unset property as an empty text.
        if !constant.is_empty() {
            self.check_reference(state, property, node, &constant);
        }
        let rewritten = self.rewrite(&constant);
        let rewritten = rewritten.and_then(|text| self.compile_template(node, &text));
        properties.texts.push((property.name, rewritten.unwrap_or(template)));
    }

    fn read_pairs(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
    ) -> Vec<Pair> {
        let Some(list) = node.list() else {
            self.report_value(state, property, node, "a list of `{key, value}`");
            return Vec::new();
        };
        list.iter().filter_map(|entry| self.read_pair(state, property, entry)).collect()
    }

    fn read_pair(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        entry: &FlowNode,
    ) -> Option<Pair> {
        // Studio's newer widgets say `name` instead of `key`.
        let key = entry.get("key").or_else(|| entry.get("name"))?;
        let (Some(name), value) = (key.plain(), entry.get("value")) else {
            self.report_value(state, property, entry, "`key` and `value`");
            return None;
        };
        let pair_type = entry.get("type");
        let json = match pair_type.and_then(FlowNode::text) {
            None | Some("string") => {
                entry.get("parse_as_json").and_then(FlowNode::flag) == Some(true)
            }
            Some("json_object") => true,
            Some(_) => {
                let node = pair_type.unwrap_or(entry);
                self.report_value(state, property, node, "`string` or `json_object`");
                return None;
            }
        };
        let place = value.unwrap_or(entry);
        let text = value
            .filter(|value| !value.is_null())
            .map(|value| value.plain().unwrap_or_else(|| value.to_json().to_string()));
        let value = self.compile_template(place, &text.unwrap_or_default())?;
        // Studio renders the names of parameters, and not those of variables.
        let key = match property.kind {
            PropertyKind::Variables if name.contains("{{") => {
                self.report_value(state, property, key, "a name without Liquid");
                return None;
            }
            _ => self.compile_template(key, &name)?,
        };
        Some(Pair { key, value, json })
    }

    /// The target of a widget: the configured function of its name, otherwise its URL.
    fn read_callee(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
    ) -> Option<Callee> {
        if let Some(function) = (self.context.function)(&state.name) {
            let replaced = node.plain().map(|url| self.read_replaced_url(url.trim()));
            return Some(Callee::Function { function, replaced });
        }
        let Some(text) = node.plain() else {
            self.report_value(state, property, node, "a URL");
            return None;
        };
        let rewritten = self.rewrite_liquid(text.trim());
        let template = self.compile_template(node, rewritten.as_deref().unwrap_or(text.trim()))?;
        // A URL from Liquid is known only when the widget runs.
        if let Some(url) = template.constant_text() {
            self.check_url(state, node, url);
        }
        let is_constant = rewritten.is_some() || template.constant_text().is_some();
        Some(Callee::Url { template, is_constant })
    }

    /// The configured function of a widget without a URL.
    fn find_function(&self, state: &WidgetNode<'_>) -> Option<Callee> {
        let function = (self.context.function)(&state.name)?;
        let replaced = Some(self.read_replaced_url(""));
        Some(Callee::Function { function, replaced })
    }

    /// Adds the subflow that a widget runs to those of the flow.
    fn add_subflow(&mut self, state: &WidgetNode<'_>, node: &FlowNode) {
        let written = node.text().unwrap_or_default();
        let rewritten = self.rewrite(written);
        let sid = rewritten.as_deref().unwrap_or(written);
        match (self.context.subflow)(sid) {
            Some(flow) if flow.subflows.is_empty() => {
                // Several widgets may run one subflow. Executions refer to it by its index.
                if !self.subflows.iter().any(|known| known.sid == flow.sid) {
                    self.subflows.push(flow);
                }
            }
            Some(flow) => {
                let message = format!("subflow `{}` calls a subflow itself", flow.name);
                let help = "Studio does not allow that either (Twilio 81024)";
                self.fail(node, message, "a flow without `run-subflow`", help);
            }
            // A warning: the rest of the flow works, as it does in Studio.
            None => {
                let message = format!(
                    "widget `{}` runs the flow `{sid}`, which is not configured",
                    state.name
                );
                let missing = format!(
                    "export it too, and add `[flow.NAME]` with `file` and `sid = {}`; without it, \
                     the flow takes `failed`",
                    quote_text(sid)
                );
                let placeholder =
                    || format!("add a `[[rewrite]]` with `from = {}` and `to`", quote_text(sid));
                let help = if is_sid(sid, "FW") { missing } else { placeholder() };
                self.warn(node, message, "not configured", &help);
            }
        }
    }

    /// Reports required properties that are missing. A configured function replaces a missing URL.
    fn check_required_properties(
        &mut self,
        state: &WidgetNode<'_>,
        place: &FlowNode,
        properties: &mut Properties,
    ) {
        for property in state.widget_type.properties.iter().filter(|property| property.required) {
            let name = property.name;
            let is_set = match property.kind {
                PropertyKind::Callee => {
                    if properties.callee.is_none() {
                        properties.callee = self.find_function(state);
                    }
                    properties.callee.is_some()
                }
                PropertyKind::Pairs | PropertyKind::Variables => {
                    properties.lists.iter().any(|(known, _)| *known == name)
                }
                _ => properties.text(name).is_some(),
            };
            let given = place.get(name).is_some_and(|given| !given.is_null());
            // What was given and could not be read has its own problem.
            if is_set || given {
                continue;
            }
            if property.kind == PropertyKind::Callee {
                self.check_url(state, place, "");
                continue;
            }
            let message = format!("widget `{}` has no `{name}`", state.name);
            self.fail(place, message, &format!("`{name}`, {}", describe_kind(property.kind)), "");
        }
    }

    /// Warns of a widget that has not exactly one of the properties that exclude each other.
    fn check_exclusive(&mut self, state: &WidgetNode<'_>, given: Option<&FlowNode>) {
        let names = state.widget_type.exactly_one_of;
        if names.is_empty() {
            return;
        }
        let is_set = |name: &&&str| {
            let value = given.and_then(|given| given.get(name));
            // Studio's editor leaves the fields of the other choices as empty texts.
            value.is_some_and(|value| !value.is_null() && value.text() != Some(""))
        };
        let count = names.iter().filter(is_set).count();
        if count != 1 {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("widget `{}` has {count} of {}", state.name, names.join(", "));
            let node = state.node.get("name").unwrap_or(state.node);
            self.warn(node, message, "exactly one", "the first of them counts");
        }
    }

    /// Reports a value that does not fit its property.
    fn report_value(
        &mut self,
        state: &WidgetNode<'_>,
        property: &Property,
        node: &FlowNode,
        expected: &str,
    ) {
        // A long text says less than its type, and would fill the terminal.
        let found = match node.plain() {
            Some(text) if text.len() <= 60 => format!("`{text}`"),
            _ => node.kind().to_owned(),
        };
        let message = format!("`{}` of widget `{}` is {found}", property.name, state.name);
        self.fail(node, message, expected, "");
    }

    // A warning and not an error: Studio may add properties, and its exports must still load.
    fn warn_of_unknown_property(&mut self, state: &WidgetNode<'_>, name: &str, node: &FlowNode) {
        let known = state.widget_type.properties.iter().map(|property| property.name);
        let help = match nearest_name(name, known) {
            Some(near) => format!("did you mean `{near}`? It has no effect"),
            None => "it has no effect".to_owned(),
        };
        let message = format!("`{}` of `{}` is not known", name, state.widget_type.name);
        self.warn(node, message, "not used", &help);
    }
}

/// The value that a property needs, as messages say it.
fn describe_kind(kind: PropertyKind) -> String {
    match kind {
        PropertyKind::Integer(min, max) => format!("a whole number from {min} to {max}, or Liquid"),
        PropertyKind::Flag => "`true` or `false`, or Liquid".to_owned(),
        PropertyKind::Choice(words) => format!("one of {}, or Liquid", words.join(", ")),
        PropertyKind::Pairs | PropertyKind::Variables => "a list of `{key, value}`".to_owned(),
        PropertyKind::Callee | PropertyKind::Url => "a URL".to_owned(),
        PropertyKind::Document => "the name of a template".to_owned(),
        PropertyKind::Sid(prefix) => format!("a sid, `{prefix}…`"),
        PropertyKind::Text
        | PropertyKind::Speech
        | PropertyKind::Json
        | PropertyKind::Name
        | PropertyKind::Subflow
        | PropertyKind::Ignored => "a text".to_owned(),
    }
}
