//! The engines, each with one document and its data.

use crate::documents::Document;
use crate::source::liquid::{self as ours, OutputFormat, RenderLimits};

/// Compiles and renders one document.
pub trait Engine {
    fn name(&self) -> &'static str;
    fn compile(&mut self);
    fn render(&self) -> String;
}

pub struct Ours {
    engine: ours::LiquidEngine,
    source: &'static str,
    template: ours::Template,
    data: serde_json::Value,
}

pub struct Minijinja {
    environment: minijinja::Environment<'static>,
    source: &'static str,
    data: minijinja::Value,
}

pub struct Tera {
    tera: tera::Tera,
    source: &'static str,
    data: tera::Context,
}

pub struct Liquid {
    parser: liquid::Parser,
    source: &'static str,
    template: liquid::Template,
    data: liquid::Object,
}

const NAME: &str = "document.xml";

/// Sees to it that the engine rendered the document, and escaped it if it can.
pub fn check(name: &str, text: &str) {
    let ends = text.starts_with("<?xml") && text.trim_end().ends_with("</Response>");
    let escaped = name == "liquid" || !text.contains("<Countess>") && !text.contains("<COUNTESS>");
    assert!(ends && escaped, "{name}: {text}");
}

// === impl Ours ===

impl Ours {
    pub fn new(document: &Document) -> Self {
        let engine = ours::LiquidEngine::new(RenderLimits::default());
        let source = document.liquid;
        let template =
            engine.compile(NAME, source, OutputFormat::Xml).expect("the template is right");
        Ours { engine, source, template, data: document.data.clone() }
    }
}

impl Engine for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn compile(&mut self) {
        let compiled = self.engine.compile(NAME, self.source, OutputFormat::Xml);
        self.template = compiled.expect("the template is right");
    }

    fn render(&self) -> String {
        self.template.render(&self.data, 0).expect("the data is right")
    }
}

// === impl Minijinja ===

impl Minijinja {
    pub fn new(document: &Document) -> Self {
        let mut environment = minijinja::Environment::new();
        let source = document.jinja;
        environment.add_template(NAME, source).expect("the template is right");
        Minijinja { environment, source, data: value(&document.data) }
    }
}

/// The data as minijinja's own values, the cheapest that it can be given.
fn value(json: &serde_json::Value) -> minijinja::Value {
    match json {
        serde_json::Value::Array(items) => items.iter().map(value).collect(),
        serde_json::Value::Object(members) => {
            let pairs = members.iter().map(|(key, item)| (key.as_str(), value(item)));
            minijinja::Value::from_pairs(pairs)
        }
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Bool(value) => (*value).into(),
        serde_json::Value::Number(number) => number.as_f64().unwrap_or_default().into(),
        serde_json::Value::Null => ().into(),
    }
}

impl Engine for Minijinja {
    fn name(&self) -> &'static str {
        "minijinja"
    }

    fn compile(&mut self) {
        self.environment.add_template(NAME, self.source).expect("the template is right");
    }

    fn render(&self) -> String {
        let template = self.environment.get_template(NAME).expect("it was added");
        template.render(self.data.clone()).expect("the data is right")
    }
}

// === impl Tera ===

impl Tera {
    pub fn new(document: &Document) -> Self {
        let mut tera = tera::Tera::default();
        tera.autoescape_on(vec![".xml"]);
        tera.add_raw_template(NAME, document.jinja).expect("the template is right");
        let data = tera::Context::from_serialize(&document.data).expect("the data is an object");
        Tera { tera, source: document.jinja, data }
    }
}

impl Engine for Tera {
    fn name(&self) -> &'static str {
        "tera"
    }

    fn compile(&mut self) {
        self.tera.add_raw_template(NAME, self.source).expect("the template is right");
    }

    fn render(&self) -> String {
        self.tera.render(NAME, &self.data).expect("the data is right")
    }
}

// === impl Liquid ===

impl Liquid {
    pub fn new(document: &Document) -> Self {
        let parser = liquid::ParserBuilder::with_stdlib().build().expect("its own parts fit");
        let template = parser.parse(document.liquid).expect("the template is right");
        let data = liquid::to_object(&document.data).expect("the data is an object");
        Liquid { parser, source: document.liquid, template, data }
    }
}

impl Engine for Liquid {
    fn name(&self) -> &'static str {
        "liquid"
    }

    fn compile(&mut self) {
        self.template = self.parser.parse(self.source).expect("the template is right");
    }

    fn render(&self) -> String {
        self.template.render(&self.data).expect("the data is right")
    }
}
